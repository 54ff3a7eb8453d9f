//! The StrongLink SL025B and SL025M on a serial line: frames, commands and answers (section 5; SL025M User Manual v3.0).
//!
//! ```text
//! host    BA LEN CMD data.. SUM          reader  BD LEN CMD STATUS data.. SUM
//! ```
//! LEN counts what follows it, SUM is the XOR of everything before it.

use lockport::Secret;

use crate::encoder::{KeyName, SectorKey};

/// The speeds that a board may be set to, the likeliest first.
pub const SPEEDS: [u32; 5] = [115_200, 57_600, 38_400, 19_200, 9_600];

const FROM_HOST: u8 = 0xBA;
const FROM_READER: u8 = 0xBD;
/// Command, status and sum.
const LEAST: usize = 3;
/// Longer than any answer: the longest are 16 bytes of a block and a firmware's name.
const MOST: usize = 64;

/// What the reader says of a command.
pub mod status {
    /// Done.
    pub const DONE: u8 = 0x00;
    /// No card.
    pub const NO_CARD: u8 = 0x01;
    /// The sector is open: of a login this is success, and 00 is not.
    pub const LOGIN_OK: u8 = 0x02;
    /// The key does not open the sector.
    pub const LOGIN_FAILED: u8 = 0x03;
    /// The block was not read.
    pub const READ_FAILED: u8 = 0x04;
    /// The block was not written.
    pub const WRITE_FAILED: u8 = 0x05;
    /// The block was written and could not be read.
    pub const NOT_READ_BACK: u8 = 0x06;
    /// There is no such block or page, or this firmware does not reach it.
    pub const ADDRESS_TOO_HIGH: u8 = 0x08;
    /// The reader could not store a key.
    pub const KEY_NOT_STORED: u8 = 0x09;
    /// The sector is not open.
    pub const NOT_LOGGED_IN: u8 = 0x0D;
    /// Not a value block.
    pub const NOT_A_VALUE: u8 = 0x0E;
    /// The command came damaged.
    pub const CHECKSUM_WRONG: u8 = 0xF0;
}

/// A command to the reader.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// The card that lies there: its number and type.
    Select,
    /// Opens a sector.
    Login {
        /// The sector, not a block.
        sector: u8,
        /// Which key.
        name: KeyName,
        /// The key.
        key: &'a SectorKey,
    },
    /// 16 bytes from a block.
    ReadBlock(u8),
    /// 16 bytes to a block.
    WriteBlock(u8, &'a Secret<[u8; 16]>),
    /// 4 bytes from a page.
    ReadPage(u8),
    /// 4 bytes to a page.
    WritePage(u8, &'a Secret<[u8; 4]>),
    /// Which firmware.
    Firmware,
}

impl Command<'_> {
    /// Its code, which the answer repeats.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Select => 0x01,
            Self::Login { .. } => 0x02,
            Self::ReadBlock(_) => 0x03,
            Self::WriteBlock(..) => 0x04,
            Self::ReadPage(_) => 0x10,
            Self::WritePage(..) => 0x11,
            Self::Firmware => 0xF0,
        }
    }

    /// Whether a card may be changed by it. Such a command is never sent a second time.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(self, Self::WriteBlock(..) | Self::WritePage(..))
    }

    /// The frame. What it holds may be a key, so it is a secret.
    ///
    /// Allocates once, as long as the frame is.
    #[must_use]
    pub fn frame(&self) -> Secret<Vec<u8>> {
        match self {
            Self::Select | Self::Firmware => self.with(&[]),
            Self::Login { sector, name, key } => {
                let which = match name {
                    KeyName::A => 0xAA,
                    KeyName::B => 0xBB,
                };
                // EXPOSE: the reader wants the key; the frame is a secret.
                self.with(&[&[*sector, which], key.expose()])
            }
            Self::ReadBlock(address) | Self::ReadPage(address) => self.with(&[&[*address]]),
            // EXPOSE: what goes to the card; the frame is a secret.
            Self::WriteBlock(block, data) => self.with(&[&[*block], data.expose()]),
            // EXPOSE: as above.
            Self::WritePage(page, data) => self.with(&[&[*page], data.expose()]),
        }
    }

    fn with(&self, data: &[&[u8]]) -> Secret<Vec<u8>> {
        let length = 2 + data.iter().map(|part| part.len()).sum::<usize>();
        let mut frame = Vec::with_capacity(length + 2);
        frame.extend_from_slice(&[FROM_HOST, length as u8, self.code()]);
        data.iter().for_each(|part| frame.extend_from_slice(part));
        frame.push(xor(&frame));
        Secret::new(frame)
    }
}

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// What was found on the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part<'b> {
    /// An answer.
    Answer {
        /// The command that it answers.
        command: u8,
        /// One of [`status`].
        status: u8,
        /// What follows.
        data: &'b [u8],
    },
    /// A beginning that is none: no frame is as long as it says, or the sum is wrong. The search goes on one byte further.
    Broken(Flaw),
}

/// What an answer holds may be a card's content, so only its kind is printed.
impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { command, status, data } => {
                write!(f, "Answer({command:#04X}, {status:#04X}, {} bytes)", data.len())
            }
            Self::Broken(flaw) => write!(f, "Broken({flaw:?})"),
        }
    }
}

/// What is wrong with a beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// No answer is as long as it says.
    Length,
    /// The sum is wrong.
    Checksum,
}

/// The first thing in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'b> {
    /// How many bytes are done with: noise before it, and the thing itself.
    pub used: usize,
    /// What it is; nothing while it has not arrived as a whole.
    pub part: Option<Part<'b>>,
}

/// Finds the first answer in the bytes that a line has given so far. Called again with what is left and what came since.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(noise) = bytes.iter().position(|byte| *byte == FROM_READER) else {
        return Parsed { used: bytes.len(), part: None };
    };
    let (_, at) = bytes.split_at(noise);
    let broken = |flaw| Parsed { used: noise + 1, part: Some(Part::Broken(flaw)) };
    let unfinished = Parsed { used: noise, part: None };
    let [_, length, ..] = *at else { return unfinished };
    let length = usize::from(length);
    if !(LEAST..=MOST).contains(&length) {
        return broken(Flaw::Length);
    }
    let Some(frame) = at.get(..2 + length) else { return unfinished };
    match frame {
        _ if xor(frame) != 0 => broken(Flaw::Checksum),
        [_, _, command, status, data @ .., _] => {
            let part = Part::Answer { command: *command, status: *status, data };
            Parsed { used: noise + frame.len(), part: Some(part) }
        }
        _ => broken(Flaw::Length),
    }
}

/// What kind of card the reader says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardType {
    /// MIFARE Classic 1K, a number of 4 bytes.
    Classic1k,
    /// MIFARE Classic 1K, a number of 7 bytes.
    Classic1kLong,
    /// Ultralight or NTAG.
    Type2,
    /// MIFARE Classic 4K, a number of 4 bytes.
    Classic4k,
    /// MIFARE Classic 4K, a number of 7 bytes.
    Classic4kLong,
    /// DESFire.
    Desfire,
    /// Something else.
    Other,
}

/// The number and the type in the data of a select.
#[must_use]
pub fn selected(data: &[u8]) -> Option<(&[u8], CardType)> {
    let (card_type, uid) = data.split_last()?;
    let card_type = match card_type {
        0x01 => CardType::Classic1k,
        0x02 => CardType::Classic1kLong,
        0x03 => CardType::Type2,
        0x04 => CardType::Classic4k,
        0x05 => CardType::Classic4kLong,
        0x06 => CardType::Desfire,
        _ => CardType::Other,
    };
    matches!(uid.len(), 4 | 7 | 10).then_some((uid, card_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    /// Section 5.3, to the byte.
    #[test]
    fn commands_of_the_page_are_built() {
        let frame = |command: Command<'_>| command.frame().expose().clone();
        let key = Secret::new([0xFF; 6]);
        let block = Secret::new(std::array::from_fn(|at| 0x10 + at as u8));
        assert_eq!(frame(Command::Select), bytes::<4>("BA0201B9"));
        assert_eq!(frame(Command::Firmware), bytes::<4>("BA02F048"));
        let login = Command::Login { sector: 2, name: KeyName::A, key: &key };
        assert_eq!(frame(login), bytes::<12>("BA0A0202AAFFFFFFFFFFFF1A"));
        assert_eq!(frame(Command::ReadBlock(9)), bytes::<5>("BA030309B3"));
        let written = "BA130409101112131415161718191A1B1C1D1E1FA4";
        assert_eq!(frame(Command::WriteBlock(9, &block)), bytes::<21>(written));
        assert_eq!(frame(Command::ReadPage(4))[..4], bytes::<4>("BA031004"));
        assert_eq!(
            frame(Command::WritePage(4, &Secret::new([3, 0, 0xFE, 0])))[..8],
            bytes::<8>("BA0711040300FE00")
        );
    }

    /// Section 5.3: "no card" and "login ok" end alike and are not the same.
    #[test]
    fn answers_are_told_by_their_command() {
        fn part(frame: &[u8]) -> Option<Part<'_>> {
            parse(frame).part
        }
        let no_card = Part::Answer { command: 1, status: status::NO_CARD, data: &[] };
        assert_eq!(part(&bytes::<5>("BD030101BE")), Some(no_card));
        let login = Part::Answer { command: 2, status: status::LOGIN_OK, data: &[] };
        assert_eq!(part(&bytes::<5>("BD030202BE")), Some(login));
        let found = bytes::<10>("BD080100A1B2C3D401B1");
        let Some(Part::Answer { data, .. }) = part(&found) else { panic!("no answer") };
        assert_eq!(selected(data), Some((&[0xA1, 0xB2, 0xC3, 0xD4][..], CardType::Classic1k)));
        assert_eq!(selected(&[1]), None);
        for end in 0..found.len() {
            assert_eq!(part(&found[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn the_next_answer_is_found_behind_anything() {
        let answer = bytes::<5>("BD030202BE");
        let noisy = [&[0x00, 0xBA, 0xBD, 0x02, 0xBD, 0x03, 0x02, 0x03, 0xBE], &answer[..]].concat();
        let (mut at, mut flaws) = (&noisy[..], Vec::new());
        loop {
            let parsed = parse(at);
            match parsed.part {
                Some(Part::Broken(flaw)) => flaws.push(flaw),
                Some(Part::Answer { command, .. }) => {
                    break assert_eq!((command, parsed.used), (2, at.len()));
                }
                None => panic!("nothing found"),
            }
            (_, at) = at.split_at(parsed.used);
        }
        assert_eq!(flaws, [Flaw::Length, Flaw::Checksum]);
    }
}
