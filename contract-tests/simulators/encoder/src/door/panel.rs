//! A reader that forwards bits, and the panel behind it (sections 3.1 to 3.3): the panel knows numbers, not cards.

use std::collections::BTreeSet;

use super::Verdict;
use super::format::{FrameError, decode};
use super::read::Held;
use crate::card::Card;

/// How a reader makes a frame of a serial number (section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialHabit {
    /// 26 bits from the first three bytes.
    Bits26,
    /// 34 bits from the first four bytes.
    Bits34,
}

#[derive(Debug, Clone)]
enum Source {
    /// A block with a type byte, a sentinel and the bits.
    Block {
        block: u8,
        key: Key,
        format: String,
    },
    SerialNumber {
        habit: SerialHabit,
        reversed: bool,
    },
}

#[derive(Clone, Copy)]
struct Key([u8; 6]);

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}

/// A panel with the numbers it lets in.
#[derive(Debug, Clone)]
pub struct Panel {
    source: Source,
    admitted: BTreeSet<(u64, u64)>,
}

impl Panel {
    /// Behind a reader of `wiegand_bits`: the block with the bits, key A of its sector, the format of section 2.2.
    #[must_use]
    pub fn of_bits(block: u8, key: [u8; 6], format: &str) -> Self {
        let source = Source::Block { block, key: Key(key), format: format.into() };
        Self { source, admitted: BTreeSet::new() }
    }

    /// Behind a reader of the HID style of section 3.2: block 5, with its public key.
    #[must_use]
    pub fn of_hid_style(format: &str) -> Self {
        Self::of_bits(5, *b"HID IS", format)
    }

    /// Behind a reader of `csn`. Facility and number are the frame's: one byte and two of 26 bits, two and two of 34.
    #[must_use]
    pub fn of_serial_numbers(habit: SerialHabit, reversed: bool) -> Self {
        Self { source: Source::SerialNumber { habit, reversed }, admitted: BTreeSet::new() }
    }

    /// Lets a number in. A format without a facility code counts as facility 0.
    #[must_use]
    pub fn admitting(mut self, facility: u64, number: u64) -> Self {
        self.admitted.insert((facility, number));
        self
    }

    /// What the panel hears of a card that is held to its reader: facility and number; nothing where they are none.
    ///
    /// The card loses its selection and its power for a moment, as at a door.
    #[must_use]
    pub fn hears(&self, card: &Card) -> Option<(u64, u64)> {
        self.numbers(Held::new(card)?).ok()
    }

    fn numbers(&self, held: Held) -> Result<(u64, u64), &'static str> {
        match &self.source {
            Source::Block { block, key, format } => bits_of(held, *block, key.0, format),
            Source::SerialNumber { habit, reversed } => serial_number(held.uid(), *habit, *reversed),
        }
    }

    pub(super) fn judge(&self, held: Held) -> Verdict {
        match self.numbers(held) {
            Ok(numbers) if self.admitted.contains(&numbers) => {
                Verdict::opened("the panel lets this number in")
            }
            Ok(_) => Verdict::shut("the panel does not know this number"),
            Err(why) => Verdict::shut(why),
        }
    }
}

fn bits_of(mut held: Held, block: u8, key: [u8; 6], format: &str) -> Result<(u64, u64), &'static str> {
    let content = held.read_block(block, key).ok_or("the block could not be read")?;
    let [0x02, bytes @ ..] = content else { return Err("there are no bits in the block") };
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1));
    // Zeros, the sentinel, then what goes over the wire.
    bits.find(|bit| *bit).ok_or("there are no bits in the block")?;
    match decode(format, &bits.collect::<Vec<bool>>()) {
        Ok(frame) => Ok((frame.fc.unwrap_or(0), frame.cn)),
        Err(FrameError::Format) => Err("the panel does not know this format"),
        Err(FrameError::Length) => Err("the frame has another length"),
        Err(FrameError::FixedBit) => Err("a fixed bit is wrong"),
        Err(FrameError::Parity(_)) => Err("the parity is wrong"),
    }
}

fn serial_number(uid: &[u8], habit: SerialHabit, reversed: bool) -> Result<(u64, u64), &'static str> {
    let mut bytes = *uid.first_chunk::<4>().ok_or("the serial number is too short")?;
    if reversed {
        bytes.reverse();
    }
    let [a, b, c, d] = bytes;
    Ok(match habit {
        SerialHabit::Bits26 => (u64::from(a), u64::from(u16::from_be_bytes([b, c]))),
        SerialHabit::Bits34 => (u64::from(u16::from_be_bytes([a, b])), u64::from(u16::from_be_bytes([c, d]))),
    })
}
