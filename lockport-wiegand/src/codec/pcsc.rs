//! Contactless readers that PC/SC knows: the storage-card commands that all of them take, and what an ATR says of a card
//! (section 7; PC/SC part 3).

use lockport::Secret;

use crate::encoder::{KeyName, SectorKey};

/// What an answer ends with when all is well.
pub const DONE: u16 = 0x9000;
/// It failed; why, nobody says.
pub const FAILED: u16 = 0x6300;
/// The sector is not open.
pub const NOT_AUTHENTICATED: u16 = 0x6982;
/// The reader does not know such a command, or the card has none.
pub const NOT_SUPPORTED: u16 = 0x6A81;

/// The place among the reader's own in which a key is put before it is used.
const KEY_SLOT: u8 = 0x00;

/// Where a reader keeps a key that is put into it (PC/SC part 3: the key structure, P1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyMemory {
    /// In a memory that forgets it without power.
    #[default]
    Volatile,
    /// In one that does not: an OMNIKEY has no other.
    NonVolatile,
}

impl KeyMemory {
    /// The one that a reader of this name has.
    #[must_use]
    pub fn of_reader(name: &str) -> Self {
        // VENDOR: section 7, certainty C.
        if name.to_ascii_uppercase().contains("OMNIKEY") { Self::NonVolatile } else { Self::Volatile }
    }

    const fn structure(self) -> u8 {
        match self {
            Self::Volatile => 0x00,
            Self::NonVolatile => 0x20,
        }
    }
}

/// A command to the reader, or through it to the card.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// The card's number.
    Uid,
    /// Puts a key into the reader, for the authentication after it.
    LoadKey(&'a SectorKey, KeyMemory),
    /// Opens the sector of this block with the key that was put in last.
    Authenticate(u8, KeyName),
    /// 16 bytes from a block.
    Read(u8),
    /// 16 bytes to a block.
    Write(u8, &'a Secret<[u8; 16]>),
}

impl Command<'_> {
    /// Whether a card may be changed by it. Such a command is never sent a second time.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Write(..))
    }

    /// The command as the reader takes it. What it holds may be a key, so it is a secret.
    ///
    /// Allocates once, as long as the command is.
    #[must_use]
    pub fn apdu(&self) -> Secret<Vec<u8>> {
        match self {
            Self::Uid => whole(&[0xFF, 0xCA, 0x00, 0x00, 0x00], &[]),
            // EXPOSE: the reader wants the key; the command is a secret.
            Self::LoadKey(key, memory) => {
                whole(&[0xFF, 0x82, memory.structure(), KEY_SLOT, 0x06], key.expose())
            }
            Self::Authenticate(block, name) => {
                let kind = match name {
                    KeyName::A => 0x60,
                    KeyName::B => 0x61,
                };
                whole(&[0xFF, 0x86, 0x00, 0x00, 0x05], &[0x01, 0x00, *block, kind, KEY_SLOT])
            }
            Self::Read(block) => whole(&[0xFF, 0xB0, 0x00, *block, 0x10], &[]),
            // EXPOSE: what goes to the card; the command is a secret.
            Self::Write(block, data) => whole(&[0xFF, 0xD6, 0x00, *block, 0x10], data.expose()),
        }
    }
}

fn whole(head: &[u8], data: &[u8]) -> Secret<Vec<u8>> {
    Secret::new([head, data].concat())
}

/// What a reader said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'b> {
    /// The data, if any.
    pub data: &'b [u8],
    /// How it ended: [`DONE`], or why not.
    pub status: u16,
}

/// Takes an answer apart; nothing where it has no status.
#[must_use]
pub const fn parse(answer: &[u8]) -> Option<Response<'_>> {
    match answer.split_last_chunk::<2>() {
        Some((data, status)) => Some(Response { data, status: u16::from_be_bytes(*status) }),
        None => None,
    }
}

/// What an ATR says that a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardName {
    /// MIFARE Classic 1K.
    Classic1k,
    /// MIFARE Classic 4K.
    Classic4k,
    /// Ultralight or NTAG.
    Ultralight,
    /// Something else.
    Other,
}

/// The kind of a card by its ATR, which the reader makes up for a card that has none.
#[must_use]
pub const fn card_name(atr: &[u8]) -> CardName {
    match atr {
        // Historical bytes of a storage card: application identifier of PC/SC, ISO 14443 A part 3, and the card's name.
        [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03, high, low, ..] => {
            match [*high, *low] {
                [0x00, 0x01] => CardName::Classic1k,
                [0x00, 0x02] => CardName::Classic4k,
                [0x00, 0x03] => CardName::Ultralight,
                _ => CardName::Other,
            }
        }
        _ => CardName::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().as_chunks::<2>().0;
        digits.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// Section 7, line by line.
    #[test]
    fn commands_are_those_of_the_page() {
        let (key, data) = (Secret::new([0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5]), Secret::new([0x11; 16]));
        let sixteen = "11".repeat(16);
        for (command, want) in [
            (Command::Uid, "FFCA000000".to_owned()),
            (Command::LoadKey(&key, KeyMemory::Volatile), "FF82000006A0A1A2A3A4A5".to_owned()),
            (Command::LoadKey(&key, KeyMemory::NonVolatile), "FF82200006A0A1A2A3A4A5".to_owned()),
            (Command::Authenticate(8, KeyName::A), "FF860000050100086000".to_owned()),
            (Command::Authenticate(9, KeyName::B), "FF860000050100096100".to_owned()),
            (Command::Read(10), "FFB0000A10".to_owned()),
            (Command::Write(12, &data), format!("FFD6000C10{sixteen}")),
        ] {
            assert_eq!(*command.apdu().expose(), hex(&want), "{command:?}");
            assert_eq!(command.writes(), want.starts_with("FFD6"));
        }
    }

    #[test]
    fn an_answer_ends_with_its_status() {
        let said = hex("A1B2C3D49000");
        assert_eq!(parse(&said), Some(Response { data: &hex("A1B2C3D4"), status: DONE }));
        assert_eq!(parse(&hex("6300")), Some(Response { data: &[], status: FAILED }));
        assert_eq!(parse(&hex("90")), None);
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn a_card_is_named_by_its_atr_whatever_follows() {
        let atr = |name: &str| hex(&format!("3B8F8001804F0CA00000030603{name}"));
        for (name, want) in [
            ("0001000000006A", CardName::Classic1k),
            ("0002", CardName::Classic4k),
            ("00030000000068", CardName::Ultralight),
            ("0026", CardName::Other),
            ("00", CardName::Other),
        ] {
            assert_eq!(card_name(&atr(name)), want, "{name}");
        }
        assert_eq!(card_name(&hex("3B8180018080")), CardName::Other);
    }
}
