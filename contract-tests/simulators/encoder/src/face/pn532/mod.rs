//! A PN532 on a high-speed UART (section 4).

mod card;
mod command;
mod frame;

use std::collections::BTreeMap;
use std::time::Duration;

use self::frame::{ACK, CONTENT, ERROR, Incoming, NACK, Receiver};
use super::{Face, Outbox};
use crate::desk::{Desk, Plan};
use crate::fault::Step;
use crate::field::Found;

/// How long the chip looks for a card once before it tries again.
const ATTEMPT: Duration = Duration::from_millis(5);

/// Status bytes of InDataExchange and its kin (section 4.8).
mod status {
    pub(super) const DONE: u8 = 0x00;
    pub(super) const TIMEOUT: u8 = 0x01;
    pub(super) const CRC: u8 = 0x02;
    pub(super) const COLLISION: u8 = 0x06;
    pub(super) const PARAMETER: u8 = 0x10;
    pub(super) const AUTHENTICATION: u8 = 0x14;
    pub(super) const CONTEXT: u8 = 0x27;
    pub(super) const CARD_GONE: u8 = 0x2B;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// Asleep; the next 55 wakes it into the mode named here.
    Asleep {
        low_battery: bool,
    },
    /// Awake, but nothing except SAMConfiguration is listened to.
    LowBattery,
    Normal,
}

/// Looking for cards that are not there yet.
#[derive(Debug)]
struct Search {
    most: usize,
    uid: Option<Vec<u8>>,
    /// Tries after the next one; `None` is for ever.
    left: Option<u8>,
    next: Duration,
    plan: Plan,
}

/// What became of a command.
enum Reply {
    /// The answer's data, and how long the card took.
    Done(Vec<u8>, Duration),
    /// The same, with a status byte in front of the data.
    Status(u8, Vec<u8>, Duration),
    /// The error frame.
    Syntax,
    /// Later: a search has begun.
    Searching(Search),
}

#[derive(Debug)]
pub(crate) struct Pn532 {
    power: Power,
    receiver: Receiver,
    outbox: Outbox,
    /// The last response as it should have gone out, for a NACK.
    last: Option<Vec<u8>>,
    search: Option<Search>,
    /// The cards of the last list, target 1 first; `None` where one was released.
    targets: Vec<Option<Found>>,
    selected: Option<u8>,
    passive_retries: u8,
    automatic_rats: bool,
    registers: BTreeMap<u16, u8>,
    finds_halted: bool,
}

impl Pn532 {
    /// A chip that has just got its power. `asleep`: a serial one has to be woken with 55 first.
    pub(crate) fn new(asleep: bool, finds_halted: bool) -> Self {
        Self {
            power: if asleep { Power::Asleep { low_battery: true } } else { Power::LowBattery },
            receiver: Receiver::default(),
            outbox: Outbox::default(),
            last: None,
            search: None,
            targets: Vec::new(),
            selected: None,
            passive_retries: 0xFF,
            automatic_rats: true,
            registers: BTreeMap::new(),
            finds_halted,
        }
    }

    /// Forgets a frame that has begun: the bridge lost its place in the stream.
    pub(crate) fn flush(&mut self) {
        self.receiver.clear();
    }

    fn take_byte(&mut self, at: Duration, byte: u8, desk: &mut Desk) {
        if let Power::Asleep { low_battery } = self.power {
            if byte == 0x55 {
                self.power = if low_battery { Power::LowBattery } else { Power::Normal };
                self.receiver.clear();
            }
            return;
        }
        match self.receiver.push(byte) {
            Some(Incoming::Ack) => self.abort(at),
            Some(Incoming::Nack) => {
                if let Some(last) = self.last.clone() {
                    self.outbox.push(at, last);
                }
            }
            Some(Incoming::Frame(content)) => self.take_frame(at, &content, desk),
            None => {}
        }
    }

    /// The host takes its command back. What the card was told stands.
    fn abort(&mut self, at: Duration) {
        self.search = None;
        self.outbox.recall(at);
    }

    fn take_frame(&mut self, at: Duration, content: &[u8], desk: &mut Desk) {
        let command = match *content {
            [0xD4, command, ..] => Some(command),
            _ => None,
        };
        if self.power == Power::LowBattery && command != Some(0x14) {
            return;
        }
        // A new command ends the one before it.
        self.abort(at);
        let Some((command, parameters)) = command.zip(content.get(2..)) else {
            self.outbox.push(at, ACK.to_vec());
            self.outbox.push(at, ERROR.to_vec());
            return;
        };
        let step = meaning(command, parameters);
        let plan = desk.plan(at, step, u16::from(command));
        if plan.lost {
            return;
        }
        if plan.nak {
            self.outbox.push(at, NACK.to_vec());
            return;
        }
        self.outbox.push(at, ACK.to_vec());
        let result = match plan.refuse {
            Some(status) if has_status(command) => Reply::Status(status, Vec::new(), Duration::ZERO),
            Some(_) => Reply::Syntax,
            None => self.run(command, parameters, at, desk),
        };
        match result {
            Reply::Searching(search) => self.search = Some(Search { plan, ..search }),
            done => self.answer(at, command, done, &plan, desk),
        }
    }

    /// Puts the answer of a command into the outbox.
    fn answer(&mut self, at: Duration, command: u8, result: Reply, plan: &Plan, desk: &mut Desk) {
        let code = command.wrapping_add(1);
        let (frame, took) = match result {
            Reply::Done(data, took) => (frame::response(code, &data), took),
            Reply::Status(status, data, took) => {
                desk.ended(status);
                let data: Vec<u8> = std::iter::once(status).chain(data).collect();
                (frame::response(code, &data), took)
            }
            Reply::Syntax => {
                desk.ended(0x7F);
                (ERROR.to_vec(), Duration::ZERO)
            }
            Reply::Searching(_) => return,
        };
        self.last = Some(frame.clone());
        if !plan.mute {
            self.outbox.push(at + took + plan.delay, plan.dress(frame, CONTENT + 1));
        }
    }
}

impl Face for Pn532 {
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk) {
        for byte in unit {
            self.take_byte(at, *byte, desk);
        }
    }

    fn wake(&mut self, at: Duration, desk: &mut Desk) {
        let Some(mut search) = self.search.take_if(|search| search.next <= at) else { return };
        let (found, took) = self.look(search.most, search.uid.as_deref(), desk);
        match (found.is_empty(), search.left) {
            (true, Some(left)) if left > 0 => search.left = Some(left - 1),
            (true, None) => {}
            _ => {
                let result = self.listed(found, took, desk);
                self.answer(at, 0x4A, result, &search.plan, desk);
                return;
            }
        }
        search.next = at + ATTEMPT;
        self.search = Some(search);
    }

    fn next_wake(&self) -> Option<Duration> {
        self.search.as_ref().map(|search| search.next)
    }

    fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn next_due(&self) -> Option<Duration> {
        self.outbox.next_due()
    }
}

/// Whether the answer to a command begins with a status byte.
fn has_status(command: u8) -> bool {
    matches!(command, 0x40 | 0x42 | 0x44 | 0x52 | 0x54)
}

/// What a command means to a card.
fn meaning(command: u8, parameters: &[u8]) -> Step {
    match (command, parameters) {
        (0x00 | 0x02 | 0x12 | 0x14 | 0x32, _) => Step::Hello,
        (0x4A, _) => Step::Find,
        (0x54, _) => Step::Select,
        (0x44 | 0x52, _) => Step::Release,
        (0x40, [_, 0x60 | 0x61, ..]) => Step::Authenticate,
        (0x40, [_, 0x30, ..]) | (0x42, [0x30 | 0x3A, ..]) => Step::Read,
        (0x40, [_, 0xA0 | 0xA2, ..]) | (0x42, [0xA2, ..]) => Step::Write,
        (0x40, [_, 0xB0 | 0xC0 | 0xC1 | 0xC2, ..]) => Step::Value,
        _ => Step::Other,
    }
}
