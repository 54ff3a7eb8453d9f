//! A RapidRadio RRHFOEM04 in HID reports (section 6.1).

use std::time::Duration;

use super::{Face, Outbox};
use crate::card::{Answer, KeySlot};
use crate::desk::Desk;
use crate::fault::Step;

pub(crate) const REPORT: usize = 64;

/// Model up to the hyphen, versions, a serial number of four bytes.
const INFORMATION: &[u8; 16] = b"RRHFOEM04-\x01\x06\x00\x00\x12\x34";

/// Where the data stands in an answer.
const CONTENT: usize = 5;

type Data = Vec<u8>;
/// The reader has one word for everything that went wrong.
struct Failed;

#[derive(Debug)]
pub(crate) struct Rrhfoem04 {
    outbox: Outbox,
    /// What is left of the last answer: the bytes after a frame are stale.
    buffer: [u8; REPORT],
    /// A sector of the selected card was opened: the read and write commands are for those alone.
    is_open: bool,
    least_gap: Option<Duration>,
    last_command: Option<Duration>,
}

/// The reader's own checksum.
fn crc(bytes: &[u8]) -> [u8; 2] {
    let register = bytes.iter().fold(0xFFFF_u16, |register, byte| {
        (0..8).fold(register ^ u16::from(*byte), |register, _| match register & 0x8000 {
            0 => register << 1,
            _ => register << 1 ^ 0x1021,
        })
    });
    (!register).to_be_bytes()
}

fn meaning(command: u16) -> Step {
    match command {
        0xF000 => Step::Hello,
        0x2F01 => Step::Find,
        0x2F02 => Step::Select,
        0x2101 => Step::Authenticate,
        0x2102 | 0x2201 => Step::Read,
        0x2103 | 0x2202 => Step::Write,
        _ => Step::Other,
    }
}

impl Rrhfoem04 {
    /// A reader that has just got its power. A command that comes sooner than `least_gap` after the one before is lost.
    pub(crate) fn new(least_gap: Option<Duration>) -> Self {
        Self { outbox: Outbox::default(), buffer: [0; REPORT], is_open: false, least_gap, last_command: None }
    }

    fn take_report(&mut self, at: Duration, report: &[u8], desk: &mut Desk) {
        let Some((command, data)) = content(report) else { return };
        let gap = self.last_command.map(|last| at.saturating_sub(last));
        let plan = desk.plan(at, meaning(command), command);
        if let (Some(gap), Some(least)) = (gap, self.least_gap)
            && gap < least
        {
            desk.too_early += 1;
            return;
        }
        self.last_command = Some(at);
        if plan.lost {
            return;
        }
        let took = match meaning(command) {
            Step::Find => {
                desk.field.cards().first().map_or(Duration::ZERO, |card| desk.times.find(&card.uid()))
            }
            step => desk.times.of(step),
        };
        let result = match plan.refuse.is_some() || plan.nak {
            true => Err(Failed),
            false => self.run(command, &data, desk),
        };
        let (error, data) = match result {
            Ok(data) => ([0x00, 0x00], data),
            Err(Failed) => ([0xFF, 0xFF], Vec::new()),
        };
        desk.ended(error[0]);
        let length = u8::try_from(data.len() + 5).unwrap_or(u8::MAX);
        let mut frame = vec![length];
        frame.extend(command.to_be_bytes());
        frame.extend(error);
        frame.extend(data);
        frame.extend(crc(&frame));
        if plan.mute {
            return;
        }
        for (to, from) in self.buffer.iter_mut().zip(plan.dress(frame, CONTENT)) {
            *to = from;
        }
        self.outbox.push(at + took + plan.delay, self.buffer.to_vec());
    }

    fn run(&mut self, command: u16, data: &[u8], desk: &mut Desk) -> Result<Data, Failed> {
        let field = &mut desk.field;
        // Whatever else is done or fails closes the sector.
        let was_open = std::mem::take(&mut self.is_open);
        match (command, data) {
            (0xF000, []) => {
                self.is_open = was_open;
                Ok(INFORMATION.to_vec())
            }
            (0xF001, []) => {
                self.is_open = was_open;
                Ok(Vec::new())
            }
            (0xFF03, []) => {
                field.power(false);
                Ok(Vec::new())
            }
            (0x2F01, []) => {
                // One card answers: with several, the lowest serial number.
                let found = field.find(true).into_iter().next().ok_or(Failed)?;
                let mut data = vec![u8::try_from(found.uid.len()).unwrap_or(u8::MAX)];
                data.extend(found.uid);
                Ok(data)
            }
            (0x2F02, [length, uid @ ..]) if usize::from(*length) == uid.len() => {
                let is_there = field.find(true).iter().any(|found| found.uid == uid);
                if is_there && field.select(uid) { Ok(Vec::new()) } else { Err(Failed) }
            }
            (0x2101, [u0, u1, u2, u3, block, kind @ (0x60 | 0x61), k0, k1, k2, k3, k4, k5]) => {
                let slot = if *kind == 0x60 { KeySlot::A } else { KeySlot::B };
                let key = [*k0, *k1, *k2, *k3, *k4, *k5];
                self.is_open = field.authenticate(slot, *block, key, [*u0, *u1, *u2, *u3]);
                if self.is_open { Ok(Vec::new()) } else { Err(Failed) }
            }
            (0x2102, [block]) if was_open => {
                let content = field.read(*block).ok_or(Failed)?;
                self.is_open = true;
                Ok(content.to_vec())
            }
            (0x2103, [block, content @ ..]) if was_open && content.len() == 16 => {
                self.is_open = field.write_block(*block, content) == Answer::Ack;
                if self.is_open { Ok(Vec::new()) } else { Err(Failed) }
            }
            // Among others the page commands, whose layout is not published.
            _ => Err(Failed),
        }
    }
}

/// Command and data of a report, when length and checksum are right.
fn content(report: &[u8]) -> Option<(u16, Data)> {
    let length = usize::from(*report.first()?);
    if length < 3 || length + 2 > REPORT {
        return None;
    }
    let (frame, rest) = report.split_at_checked(length)?;
    let [_, high, low, data @ ..] = frame else { return None };
    (rest.first_chunk::<2>() == Some(&crc(frame))).then(|| (u16::from_be_bytes([*high, *low]), data.to_vec()))
}

impl Face for Rrhfoem04 {
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk) {
        self.take_report(at, unit, desk);
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
