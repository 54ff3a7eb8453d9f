//! The commands of a PN532 that go to a card (sections 4.6 and 4.7).

use std::time::Duration;

use super::{Pn532, Reply, status};
use crate::card::{Answer, KeySlot};
use crate::desk::Desk;
use crate::fault::Step;

fn failed(status: u8, took: Duration) -> Reply {
    Reply::Status(status, Vec::new(), took)
}

fn status_of(answer: &Answer) -> u8 {
    match answer {
        Answer::Ack | Answer::Data(_) => status::DONE,
        Answer::Collision => status::COLLISION,
        Answer::Nak | Answer::Silence => status::TIMEOUT,
    }
}

impl Pn532 {
    /// InDataExchange. The lengths are the chip's own rules: what does not fit is a syntax error.
    pub(super) fn data_exchange(&mut self, target: u8, card: &[u8], desk: &mut Desk) -> Reply {
        let step = match *card {
            [0x60 | 0x61, ..] if card.len() == 12 => Step::Authenticate,
            [0x30, _] => Step::Read,
            [0xA0, ..] if card.len() == 18 => Step::Write,
            [0xA2, ..] if card.len() == 6 => Step::Write,
            [0xC0..=0xC2, ..] if card.len() == 6 => Step::Value,
            [0xB0, _] => Step::Value,
            [0x60 | 0x61 | 0x30 | 0xA0 | 0xA2 | 0xB0 | 0xC0..=0xC2, ..] => return Reply::Syntax,
            // Not a command this chip passes on by itself: InCommunicateThru is for those.
            _ => return failed(status::PARAMETER, Duration::ZERO),
        };
        if let Err(status) = self.bring_up(target, desk) {
            return failed(status, Duration::ZERO);
        }
        let took = desk.times.of(step);
        let field = &mut desk.field;
        let answer = match *card {
            [command, block, k0, k1, k2, k3, k4, k5, u0, u1, u2, u3] => {
                let slot = if command == 0x60 { KeySlot::A } else { KeySlot::B };
                let key = [k0, k1, k2, k3, k4, k5];
                // A card that is away or halted never begins the exchange; one that is there breaks it off.
                let begins = field.has_active();
                let status = match field.authenticate(slot, block, key, [u0, u1, u2, u3]) {
                    true => status::DONE,
                    false if begins => status::AUTHENTICATION,
                    false => status::TIMEOUT,
                };
                return failed(status, took);
            }
            [0xA0, block, ref data @ ..] => field.write_block(block, data),
            [command @ (0xC0..=0xC2), block, a, b, c, d] => match field.value(command, block, [a, b, c, d]) {
                true => Answer::Ack,
                false => Answer::Nak,
            },
            _ => field.send(card),
        };
        let status = status_of(&answer);
        match answer {
            Answer::Data(data) => Reply::Status(status, data, took),
            _ => failed(status, took),
        }
    }

    /// InCommunicateThru: bytes to the card as they are.
    pub(super) fn through(&mut self, bytes: &[u8], desk: &mut Desk) -> Reply {
        let frame = match (self.adds_checksum(), bytes) {
            // Nothing goes out, so nothing comes back.
            (_, []) => return failed(status::TIMEOUT, Duration::ZERO),
            (true, _) => bytes,
            (false, [frame @ .., low, high]) if crc_a(frame) == [*low, *high] => frame,
            // No card listens to a frame with a wrong checksum.
            (false, _) => return failed(status::TIMEOUT, Duration::ZERO),
        };
        let took = match frame {
            [0x30 | 0x3A, ..] => desk.times.of(Step::Read),
            [0xA2, ..] => desk.times.of(Step::Write),
            _ => Duration::ZERO,
        };
        match (desk.field.send(frame), self.checks_checksum()) {
            (Answer::Data(data), true) => Reply::Status(status::DONE, data, took),
            (Answer::Data(mut data), false) => {
                let crc = crc_a(&data);
                data.extend(crc);
                Reply::Status(status::DONE, data, took)
            }
            // Four bits carry no checksum: with the check on they are an error, whatever they say.
            (Answer::Ack | Answer::Nak, true) => failed(status::CRC, took),
            (Answer::Ack, false) => Reply::Status(status::DONE, vec![0x0A], took),
            (Answer::Nak, false) => Reply::Status(status::DONE, vec![0x00], took),
            (Answer::Collision, _) => failed(status::COLLISION, took),
            (Answer::Silence, _) => failed(status::TIMEOUT, took),
        }
    }
}

/// The checksum of ISO 14443-3 type A, low byte first.
fn crc_a(bytes: &[u8]) -> [u8; 2] {
    let crc = bytes.iter().fold(0x6363_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0x8408,
            _ => crc >> 1,
        })
    });
    crc.to_le_bytes()
}
