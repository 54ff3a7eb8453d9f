//! A contactless reader as a PC/SC service sees it (section 7). A unit is a message as the virtual reader of pcscd knows them
//! (section 14): one byte for power and for the ATR, anything longer a command.

use std::time::Duration;

use super::{Face, Outbox};
use crate::card::{Answer, KeySlot};
use crate::desk::Desk;
use crate::fault::Step;

/// The one-byte messages.
const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const ATR: u8 = 0x04;

/// What is said in the place of an answer when no card is there; no ATR and no status is that short.
const NO_CARD: u8 = 0x00;

/// How a command ends.
type Status = [u8; 2];
const DONE: Status = [0x90, 0x00];
const FAILED: Status = [0x63, 0x00];
const NOT_AUTHENTICATED: Status = [0x69, 0x82];
const NOT_SUPPORTED: Status = [0x6A, 0x81];
const WRONG_LENGTH: Status = [0x67, 0x00];

#[derive(Debug, Default)]
pub(crate) struct Pcsc {
    outbox: Outbox,
    /// The key that was loaded last.
    key: Option<[u8; 6]>,
    /// A sector of the card was opened.
    is_open: bool,
    /// The P1 with which it takes a key.
    key_structure: u8,
}

fn meaning(command: &[u8]) -> Step {
    match command {
        [ATR] => Step::Find,
        [_] => Step::Release,
        [0xFF, 0xCA, ..] => Step::Select,
        [0xFF, 0x82, ..] => Step::Hello,
        [0xFF, 0x86, ..] => Step::Authenticate,
        [0xFF, 0xB0, ..] => Step::Read,
        [0xFF, 0xD6, ..] => Step::Write,
        _ => Step::Other,
    }
}

/// By its instruction; a one-byte message by itself.
fn number(command: &[u8]) -> u16 {
    match command {
        [one] => u16::from(*one),
        [_, instruction, ..] => 0x100 | u16::from(*instruction),
        [] => u16::MAX,
    }
}

/// The ATR that a reader makes up for a card without one: a storage card of PC/SC part 3, by its name, and a check byte.
fn atr(name: [u8; 2]) -> Vec<u8> {
    let mut atr = vec![0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03];
    atr.extend(name);
    atr.extend([0; 4]);
    let check = atr.iter().skip(1).fold(0, |check, byte| check ^ byte);
    atr.push(check);
    atr
}

impl Pcsc {
    /// A reader that takes keys with this P1, and with no other.
    pub(crate) fn new(key_structure: u8) -> Self {
        Self { key_structure, ..Self::default() }
    }

    fn take_message(&mut self, at: Duration, message: &[u8], desk: &mut Desk) {
        // A service has one call under way: the answer to one that was given up is nobody's.
        self.outbox.recall(at);
        let step = meaning(message);
        let plan = desk.plan(at, step, number(message));
        if plan.lost {
            return;
        }
        let mut took = desk.times.of(step);
        let mut answer = match message {
            [POWER_OFF | POWER_ON | RESET] => {
                // The card forgets everything, and nobody answers.
                self.is_open = false;
                desk.field.power(false);
                return;
            }
            [ATR] => self.find(desk),
            _ if !desk.field.has_active() => {
                took = Duration::ZERO;
                vec![NO_CARD]
            }
            command => {
                let status = match plan.refuse {
                    Some(status) => Err(refused(status)),
                    None if plan.nak => Err(FAILED),
                    None => self.run(command, desk),
                };
                let is_ok = status.is_ok();
                if !is_ok {
                    self.is_open = false;
                }
                desk.ended(if is_ok { DONE[0] } else { status.as_ref().err().map_or(0, |status| status[0]) });
                match status {
                    Ok(data) => [data.as_slice(), &DONE].concat(),
                    Err(status) => status.to_vec(),
                }
            }
        };
        // A card that fell out in the middle of it answers nothing.
        if message.len() > 1 && answer.len() > 1 && !desk.field.has_cards() {
            answer = vec![NO_CARD];
        }
        if plan.mute {
            return;
        }
        self.outbox.push(at + took + plan.delay, plan.dress(answer, 0));
    }

    /// The reader looks by itself; of several cards the lowest number answers.
    fn find(&mut self, desk: &mut Desk) -> Vec<u8> {
        self.is_open = false;
        let found = desk.field.find(true).into_iter().next();
        match found.filter(|found| desk.field.select(&found.uid)) {
            Some(found) => atr(match (found.sel_res, found.uid.len()) {
                (0x08 | 0x88, _) => [0x00, 0x01],
                (0x18, _) => [0x00, 0x02],
                (0x00, 7) => [0x00, 0x03],
                _ => [0x00, 0x00],
            }),
            None => vec![NO_CARD],
        }
    }

    fn run(&mut self, command: &[u8], desk: &mut Desk) -> Result<Vec<u8>, Status> {
        let field = &mut desk.field;
        let uid = field.active_uid().ok_or(FAILED)?;
        match command {
            [0xFF, 0xCA, 0x00, 0x00, 0x00] => Ok(uid),
            [0xFF, 0x82, structure, 0x00, 0x06, key @ ..] if *structure == self.key_structure => {
                self.key = Some(key.try_into().map_err(|_| WRONG_LENGTH)?);
                Ok(Vec::new())
            }
            [0xFF, 0x86, 0x00, 0x00, 0x05, 0x01, 0x00, block, kind @ (0x60 | 0x61), 0x00] => {
                let slot = if *kind == 0x60 { KeySlot::A } else { KeySlot::B };
                let tail = uid.last_chunk::<4>().ok_or(FAILED)?;
                let key = self.key.ok_or(FAILED)?;
                self.is_open = field.authenticate(slot, *block, key, *tail);
                if self.is_open { Ok(Vec::new()) } else { Err(FAILED) }
            }
            [0xFF, 0xB0, 0x00, address, 0x10] => {
                if field.is_classic() && !self.is_open {
                    return Err(NOT_AUTHENTICATED);
                }
                field.read(*address).map(|data| data.to_vec()).ok_or(FAILED)
            }
            [0xFF, 0xD6, 0x00, block, 0x10, data @ ..] if field.is_classic() => {
                let data: &[u8; 16] = data.try_into().map_err(|_| WRONG_LENGTH)?;
                if !self.is_open {
                    return Err(NOT_AUTHENTICATED);
                }
                if field.write_block(*block, data) == Answer::Ack { Ok(Vec::new()) } else { Err(FAILED) }
            }
            [0xFF, 0xD6, 0x00, page, 0x04, data @ ..] if !field.is_classic() => {
                let data: &[u8; 4] = data.try_into().map_err(|_| WRONG_LENGTH)?;
                let frame = [&[0xA2, *page], data.as_slice()].concat();
                if field.send(&frame) == Answer::Ack { Ok(Vec::new()) } else { Err(FAILED) }
            }
            _ => Err(NOT_SUPPORTED),
        }
    }
}

/// A status that was ordered by its first byte.
fn refused(first: u8) -> Status {
    [FAILED, NOT_AUTHENTICATED, NOT_SUPPORTED]
        .into_iter()
        .find(|known| known[0] == first)
        .unwrap_or([first, 0x00])
}

impl Face for Pcsc {
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk) {
        self.take_message(at, unit, desk);
    }

    fn wake(&mut self, _at: Duration, _desk: &mut Desk) {}

    fn next_wake(&self) -> Option<Duration> {
        None
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn next_due(&self) -> Option<Duration> {
        self.outbox.next_due()
    }
}
