//! What the host says (sections 4.4 to 4.7).

use lockport::Secret;

use super::frame::frame;
use crate::encoder::{KeyName, SectorKey, Uid};

/// A command to the chip.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Normal mode, and out of the low-battery mode in which the chip starts: `14 01 14 01`.
    SamConfiguration,
    /// Which chip, which version: `02`.
    GetFirmwareVersion,
    /// How often a card is looked for before "none" is said: `32 05 00 01 02`. The chip's own setting is for ever.
    FiniteRetries,
    /// The field off or on: `32 01 00`, `32 01 01`. Off for 10 ms resets every card in it, halted ones too.
    Field(Field),
    /// The cards of 106 kbit/s type A: `4A n 00`, and the number of the one that is meant.
    InListPassiveTarget {
        /// How many at most, 1 or 2.
        max_targets: u8,
        /// Only the card of this number.
        uid: Option<&'a Uid>,
    },
    /// A command to the card that was listed as this target: `40 Tg ..`.
    InDataExchange(u8, CardCommand<'a>),
    /// Bytes to the selected card as they are: `42 ..`. GET_VERSION needs it: inside InDataExchange its 60 is an authentication.
    InCommunicateThru(&'a [u8]),
    /// Lets go of all cards: `52 00`.
    InReleaseAll,
}

/// Whether the chip's field is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Down.
    Off,
    /// Up.
    On,
}

/// A command to a card.
#[derive(Clone, Copy, Debug)]
pub enum CardCommand<'a> {
    /// Opens a sector of a MIFARE Classic: `60` or `61`, block, key, the last four bytes of the card's number.
    Authenticate {
        /// Any block of the sector.
        block: u8,
        /// Which key.
        name: KeyName,
        /// The key.
        key: &'a SectorKey,
        /// The card.
        uid: &'a Uid,
    },
    /// 16 bytes from a block, or four pages from this one on: `30`.
    Read(u8),
    /// 16 bytes to a block: `A0`.
    Write(u8, &'a Secret<[u8; 16]>),
    /// Four bytes to a page: `A2`.
    WritePage(u8, &'a Secret<[u8; 4]>),
}

/// The cascade tag, without which the chip does not take a card's number of seven bytes.
const CASCADE_TAG: u8 = 0x88;

impl Command<'_> {
    /// PD0: the answer's is one more.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::SamConfiguration => 0x14,
            Self::GetFirmwareVersion => 0x02,
            Self::FiniteRetries | Self::Field(_) => 0x32,
            Self::InListPassiveTarget { .. } => 0x4A,
            Self::InDataExchange(..) => 0x40,
            Self::InCommunicateThru(_) => 0x42,
            Self::InReleaseAll => 0x52,
        }
    }

    /// Whether a card may be changed by it. Such a command is never sent a second time.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(self, Self::InDataExchange(_, CardCommand::Write(..) | CardCommand::WritePage(..)))
    }

    /// The frame, as [`frame()`] makes it.
    #[must_use]
    pub fn frame(&self) -> Option<Secret<Vec<u8>>> {
        let code = [self.code()];
        match self {
            Self::SamConfiguration => frame(&[&code, &[0x01, 0x14, 0x01]]),
            Self::GetFirmwareVersion => frame(&[&code]),
            Self::FiniteRetries => frame(&[&code, &[0x05, 0x00, 0x01, 0x02]]),
            Self::Field(field) => frame(&[&code, &[0x01, u8::from(*field == Field::On)]]),
            Self::InListPassiveTarget { max_targets, uid } => {
                // Four bytes are a whole level; before that come tag and three bytes a level.
                let uid = uid.map(Uid::bytes).unwrap_or_default();
                let (first, rest) = uid.split_at(if uid.len() == 10 { 3 } else { 0 });
                let tag = |more: bool| if more { &[CASCADE_TAG][..] } else { &[] };
                let head = [*max_targets, 0x00];
                frame(&[&code, &head, tag(!first.is_empty()), first, tag(rest.len() > 4), rest])
            }
            Self::InDataExchange(target, card) => {
                let code = [self.code(), *target];
                match card {
                    CardCommand::Authenticate { block, name, key, uid } => {
                        let with = match name {
                            KeyName::A => 0x60,
                            KeyName::B => 0x61,
                        };
                        let last_four = uid.bytes().last_chunk::<4>().map_or(&[][..], |bytes| &bytes[..]);
                        // EXPOSE: the chip wants the key; the frame is a secret.
                        frame(&[&code, &[with, *block], key.expose(), last_four])
                    }
                    CardCommand::Read(address) => frame(&[&code, &[0x30, *address]]),
                    // EXPOSE: what goes to the card; the frame is a secret.
                    CardCommand::Write(block, data) => frame(&[&code, &[0xA0, *block], data.expose()]),
                    // EXPOSE: as above.
                    CardCommand::WritePage(page, data) => frame(&[&code, &[0xA2, *page], data.expose()]),
                }
            }
            Self::InCommunicateThru(bytes) => frame(&[&code, bytes]),
            Self::InReleaseAll => frame(&[&code, &[0x00]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    fn framed(command: Command<'_>) -> Vec<u8> {
        command.frame().unwrap().expose().clone()
    }

    /// The frames of sections 4.4 to 4.7.
    #[test]
    fn commands_of_the_page_are_built_to_the_byte() {
        let uid = Uid::new(&[0xA1, 0xB2, 0xC3, 0xD4]).unwrap();
        let key = Secret::new([0xFF; 6]);
        let block = Secret::new(std::array::from_fn(|at| 0x10 + at as u8));
        let list = |max_targets| Command::InListPassiveTarget { max_targets, uid: None };
        let exchange = |card| Command::InDataExchange(1, card);
        let authenticate = CardCommand::Authenticate { block: 8, name: KeyName::A, key: &key, uid: &uid };
        let page = Secret::new([0x03, 0x00, 0xFE, 0x00]);

        assert_eq!(framed(Command::FiniteRetries), bytes::<13>("0000FF06FAD4320500010 2F200"));
        assert_eq!(framed(list(2)), bytes::<11>("0000FF04FCD44A0200E000"));
        assert_eq!(
            framed(exchange(authenticate)),
            bytes::<22>("0000FF0FF1D440016008FFFFFFFFFFFFA1B2C3D49F00")
        );
        assert_eq!(framed(exchange(CardCommand::Read(9))), bytes::<12>("0000FF05FBD440013009B200"));
        let written = "0000FF15EBD44001A009101112131415161718191A1B1C1D1E1FCA00";
        assert_eq!(framed(exchange(CardCommand::Write(9, &block))), bytes::<28>(written));
        let paged = "0000FF09F7D44001A2040300FE004400";
        assert_eq!(framed(exchange(CardCommand::WritePage(4, &page))), bytes::<16>(paged));
        assert_eq!(framed(Command::InCommunicateThru(&[0x60])), bytes::<10>("0000FF03FDD442608A00"));
        assert_eq!(framed(Command::InReleaseAll), bytes::<10>("0000FF03FDD45200DA00"));
        assert_eq!(framed(Command::Field(Field::On))[5..9], bytes::<4>("D4320101"));
    }

    /// Section 4.6: of seven bytes the last four.
    #[test]
    fn a_long_number_is_cut_for_the_key_and_tagged_for_the_list() {
        let uid = Uid::new(&[0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]).unwrap();
        let key = Secret::new([0; 6]);
        let authenticate = CardCommand::Authenticate { block: 8, name: KeyName::B, key: &key, uid: &uid };
        let sent = framed(Command::InDataExchange(1, authenticate));
        assert_eq!(sent[5..20], bytes::<15>("D440016108 000000000000 9A6F1D90"));
        let sent = framed(Command::InListPassiveTarget { max_targets: 1, uid: Some(&uid) });
        assert_eq!(sent[5..17], bytes::<12>("D44A0100 88 04A52B9A6F1D90"));
        let uid = Uid::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).unwrap();
        let sent = framed(Command::InListPassiveTarget { max_targets: 1, uid: Some(&uid) });
        assert_eq!(sent[5..21], bytes::<16>("D44A0100 88 010203 88 0405060708090A"));
    }

    /// A write is never sent twice, so what counts as one is told.
    #[test]
    fn only_what_changes_a_card_is_a_write() {
        let (block, page) = (Secret::new([0; 16]), Secret::new([0; 4]));
        assert!(Command::InDataExchange(1, CardCommand::Write(9, &block)).writes());
        assert!(Command::InDataExchange(1, CardCommand::WritePage(9, &page)).writes());
        assert!(!Command::InDataExchange(1, CardCommand::Read(9)).writes());
        assert!(!Command::InReleaseAll.writes());
    }
}
