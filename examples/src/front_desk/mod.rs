//! A hotel's day, played through the whole of lockport against simulated locks.
//!
//! [`hotel`] and [`day`] read the two files, [`house`] puts locks into the doors and lockport behind the desk, [`player`] turns
//! the clock and plays line after line, and [`output`] says what happened.

pub mod day;
pub mod hotel;
pub mod house;
pub mod output;
pub mod player;
pub mod record;

/// What some editors put before the first character of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line of bounded length that can be shown on a terminal, whatever stood in the file it quotes.
#[must_use]
pub fn printable(text: &str) -> String {
    const MOST: usize = 240;
    let shown = text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    if text.chars().nth(MOST).is_some() { shown.take(MOST).chain(['…']).collect() } else { shown.collect() }
}
