//! A StrongLink SL025B or SL025M on a serial line (section 5).

use std::time::Duration;

use super::{Face, Outbox};
use crate::card::{Answer, KeySlot, value_block, value_of};
use crate::desk::{Desk, Plan};
use crate::fault::Step;
use crate::field::{Field, Found};

const FIRMWARE: &[u8] = b"SL025M-SIM1.0";

/// After this much silence within a frame the reader waits for a new one.
const BETWEEN_BYTES: Duration = Duration::from_millis(50);

/// Where the data stands in an answer.
const CONTENT: usize = 3;

mod status {
    pub(super) const DONE: u8 = 0x00;
    pub(super) const NO_CARD: u8 = 0x01;
    pub(super) const LOGIN_OK: u8 = 0x02;
    pub(super) const LOGIN_FAILED: u8 = 0x03;
    pub(super) const READ_FAILED: u8 = 0x04;
    pub(super) const WRITE_FAILED: u8 = 0x05;
    pub(super) const NOT_READ_BACK: u8 = 0x06;
    pub(super) const ADDRESS: u8 = 0x08;
    pub(super) const KEY_STORE: u8 = 0x09;
    pub(super) const NOT_LOGGED_IN: u8 = 0x0D;
    pub(super) const NOT_A_VALUE: u8 = 0x0E;
    pub(super) const CHECKSUM: u8 = 0xF0;
}

/// Value commands of the card itself.
const CARD_DECREMENT: u8 = 0xC0;
const CARD_INCREMENT: u8 = 0xC1;
const CARD_RESTORE: u8 = 0xC2;

type Refused = u8;
type Data = Vec<u8>;

#[derive(Debug)]
pub(crate) struct StrongLink {
    pending: Vec<u8>,
    last_byte: Duration,
    outbox: Outbox,
    selected: Option<Found>,
    sector: Option<u8>,
    reads_high_pages: bool,
}

fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

fn meaning(command: u8) -> Step {
    match command {
        0x01 => Step::Find,
        0x02 | 0x13 => Step::Authenticate,
        0x03 | 0x05 | 0x10 => Step::Read,
        0x04 | 0x06 | 0x07 | 0x11 => Step::Write,
        0x08..=0x0A => Step::Value,
        0xF0 => Step::Hello,
        _ => Step::Other,
    }
}

impl StrongLink {
    /// A reader that has just got its power. `reads_high_pages`: its firmware knows pages above 0F.
    pub(crate) fn new(reads_high_pages: bool) -> Self {
        Self {
            pending: Vec::new(),
            last_byte: Duration::ZERO,
            outbox: Outbox::default(),
            selected: None,
            sector: None,
            reads_high_pages,
        }
    }

    /// A whole frame that has just come to its end, if one has: its command, its data and whether its sum is right.
    fn frame(&mut self) -> Option<(u8, Data, bool)> {
        loop {
            match *self.pending.as_slice() {
                [] | [0xBA] => return None,
                [0xBA, length, ..] if length >= 2 => {
                    let whole = usize::from(length) + 2;
                    let frame = self.pending.get(..whole)?;
                    let sum_is_right = xor(frame) == 0;
                    let command = frame.get(2).copied()?;
                    let data = frame.get(3..whole - 1).unwrap_or_default().to_vec();
                    self.pending.drain(..whole);
                    return Some((command, data, sum_is_right));
                }
                _ => drop(self.pending.remove(0)),
            }
        }
    }

    fn take_frame(&mut self, at: Duration, command: u8, data: &[u8], sum_is_right: bool, desk: &mut Desk) {
        let step = meaning(command);
        let plan = desk.plan(at, step, u16::from(command));
        if plan.lost {
            return;
        }
        let result = match plan.refuse {
            _ if plan.nak || !sum_is_right => Err(status::CHECKSUM),
            Some(status) => Err(status),
            None => match self.run(command, data, desk) {
                Some(result) => result,
                // Not a command of this reader: it says nothing.
                None => return,
            },
        };
        let took = match (step, &self.selected) {
            (Step::Find, Some(found)) => desk.times.find(&found.uid),
            // It reads back what it wrote.
            (Step::Write, _) => desk.times.of(Step::Write) + desk.times.of(Step::Read),
            _ => desk.times.of(step),
        };
        self.answer(at + took, command, result, &plan, desk);
    }

    fn answer(
        &mut self,
        at: Duration,
        command: u8,
        result: Result<Data, Refused>,
        plan: &Plan,
        desk: &mut Desk,
    ) {
        let (status, data) = match result {
            Ok(data) if command == 0x02 => (status::LOGIN_OK, data),
            Ok(data) => (status::DONE, data),
            Err(status) => (status, Vec::new()),
        };
        desk.ended(status);
        if plan.mute {
            return;
        }
        let length = u8::try_from(data.len() + 3).unwrap_or(u8::MAX);
        let mut frame = vec![0xBD, length, command, status];
        frame.extend(data);
        frame.push(xor(&frame));
        self.outbox.push(at + plan.delay, plan.dress(frame, CONTENT));
    }

    fn run(&mut self, command: u8, data: &[u8], desk: &mut Desk) -> Option<Result<Data, Refused>> {
        Some(match (command, data) {
            (0x01, []) => self.select(desk),
            (0x02, [sector, kind @ (0xAA | 0xBB), k0, k1, k2, k3, k4, k5]) => {
                let slot = if *kind == 0xAA { KeySlot::A } else { KeySlot::B };
                self.login(*sector, slot, [*k0, *k1, *k2, *k3, *k4, *k5], desk)
            }
            (0x03, [block]) => self.read(*block, desk),
            (0x04, [block, content @ ..]) if content.len() == 16 => self.write(*block, content, desk),
            (0x05, [block]) => self.read_value(*block, desk),
            (0x06, [block, a, b, c, d]) => {
                let value = value_block(i32::from_le_bytes([*a, *b, *c, *d]), *block);
                self.write(*block, &value, desk).map(|_| vec![*a, *b, *c, *d])
            }
            (0x07, [sector, key @ ..]) if key.len() == 6 => self.write_master_key(*sector, key, desk),
            (0x08, [block, a, b, c, d]) => self.value(CARD_INCREMENT, *block, [*a, *b, *c, *d], *block, desk),
            (0x09, [block, a, b, c, d]) => self.value(CARD_DECREMENT, *block, [*a, *b, *c, *d], *block, desk),
            (0x0A, [from, to]) => self.value(CARD_RESTORE, *from, [0; 4], *to, desk),
            (0x10, [page]) => self.read_page(*page, desk),
            (0x11, [page, content @ ..]) if content.len() == 4 => self.write_page(*page, content, desk),
            // Keys stay with the host: nothing is stored, nothing can be used.
            (0x12, [_, ..]) => Err(status::KEY_STORE),
            (0x13, [_, ..]) => Err(status::LOGIN_FAILED),
            (0x40, [_]) => Ok(Vec::new()),
            (0xF0, []) => Ok(FIRMWARE.to_vec()),
            _ => return None,
        })
    }

    /// Finds a card and selects it. With several the lowest serial number answers: this reader cannot tell.
    fn select(&mut self, desk: &mut Desk) -> Result<Data, Refused> {
        self.sector = None;
        self.selected = desk.field.find(true).into_iter().next();
        let Some(found) = &self.selected else { return Err(status::NO_CARD) };
        desk.field.select(&found.uid);
        let kind = match (found.sel_res, found.uid.len()) {
            (0x08 | 0x88, 4) => 0x01,
            (0x08 | 0x88, _) => 0x02,
            (0x00, _) => 0x03,
            (0x18, 4) => 0x04,
            (0x18, _) => 0x05,
            (0x20, _) => 0x06,
            _ => 0x0A,
        };
        let mut data = found.uid.clone();
        data.push(kind);
        Ok(data)
    }

    /// The card that is selected and still answers.
    fn card<'a>(&self, desk: &'a mut Desk) -> Result<&'a mut Field, Refused> {
        match self.selected.is_some() && desk.field.has_active() {
            true => Ok(&mut desk.field),
            false => Err(status::NO_CARD),
        }
    }

    fn login(&mut self, sector: u8, slot: KeySlot, key: [u8; 6], desk: &mut Desk) -> Result<Data, Refused> {
        self.sector = None;
        let uid = self.selected.as_ref().and_then(|found| found.uid.last_chunk::<4>().copied());
        let is_classic = self.selected.as_ref().is_some_and(Found::is_classic_1k);
        let field = self.card(desk)?;
        if sector > 15 {
            return Err(status::ADDRESS);
        }
        let went_well = is_classic && uid.is_some_and(|uid| field.authenticate(slot, sector * 4, key, uid));
        match went_well {
            true => {
                self.sector = Some(sector);
                Ok(Vec::new())
            }
            false => {
                field.halt();
                Err(status::LOGIN_FAILED)
            }
        }
    }

    /// The card, when the sector of `block` is open.
    fn open<'a>(&self, block: u8, desk: &'a mut Desk) -> Result<&'a mut Field, Refused> {
        let field = self.card(desk)?;
        match self.sector == Some(block / 4) {
            true => Ok(field),
            false => Err(status::NOT_LOGGED_IN),
        }
    }

    /// After a refusal the card is halted and the login gone.
    fn refused<T>(&mut self, status: Refused) -> Result<T, Refused> {
        self.sector = None;
        Err(status)
    }

    fn read(&mut self, block: u8, desk: &mut Desk) -> Result<Data, Refused> {
        match self.open(block, desk)?.read(block) {
            Some(content) => Ok(content.to_vec()),
            None => self.refused(status::READ_FAILED),
        }
    }

    fn write(&mut self, block: u8, content: &[u8], desk: &mut Desk) -> Result<Data, Refused> {
        let field = self.open(block, desk)?;
        if field.write_block(block, content) != Answer::Ack {
            return self.refused(status::WRITE_FAILED);
        }
        match field.read(block) {
            // A trailer's keys read as zeros; it counts as read back.
            Some(_) if block % 4 == 3 => Ok(content.to_vec()),
            Some(read) if read == *content => Ok(content.to_vec()),
            _ => self.refused(status::NOT_READ_BACK),
        }
    }

    fn read_value(&mut self, block: u8, desk: &mut Desk) -> Result<Data, Refused> {
        let content = self.read(block, desk)?;
        match content.first_chunk::<16>().and_then(value_of) {
            Some((value, _)) => Ok(value.to_le_bytes().to_vec()),
            None => Err(status::NOT_A_VALUE),
        }
    }

    fn value(
        &mut self,
        command: u8,
        from: u8,
        operand: [u8; 4],
        to: u8,
        desk: &mut Desk,
    ) -> Result<Data, Refused> {
        self.read_value(from, desk)?;
        let field = self.open(to, desk)?;
        if field.value(command, from, operand) && field.send(&[0xB0, to]) == Answer::Ack {
            return self.read_value(to, desk);
        }
        self.refused(status::WRITE_FAILED)
    }

    /// Rewrites the whole trailer: the new key A, the access bits and key B of a card as delivered.
    fn write_master_key(&mut self, sector: u8, key: &[u8], desk: &mut Desk) -> Result<Data, Refused> {
        let trailer: Data = key.iter().copied().chain([0xFF, 0x07, 0x80, 0x69]).chain([0xFF; 6]).collect();
        let block = sector.checked_mul(4).and_then(|first| first.checked_add(3)).ok_or(status::ADDRESS)?;
        self.write(block, &trailer, desk).map(|_| key.to_vec())
    }

    fn reachable(&self, page: u8) -> Result<(), Refused> {
        match page > 0x0F && !self.reads_high_pages {
            true => Err(status::ADDRESS),
            false => Ok(()),
        }
    }

    fn read_page(&mut self, page: u8, desk: &mut Desk) -> Result<Data, Refused> {
        self.reachable(page)?;
        match self.card(desk)?.read(page) {
            Some([a, b, c, d, ..]) => Ok(vec![a, b, c, d]),
            None => self.refused(status::READ_FAILED),
        }
    }

    fn write_page(&mut self, page: u8, content: &[u8], desk: &mut Desk) -> Result<Data, Refused> {
        self.reachable(page)?;
        let field = self.card(desk)?;
        let command: Data = [0xA2, page].into_iter().chain(content.iter().copied()).collect();
        if field.send(&command) != Answer::Ack {
            return self.refused(status::WRITE_FAILED);
        }
        match field.read(page) {
            Some(read) if read.starts_with(content) => Ok(content.to_vec()),
            _ => self.refused(status::NOT_READ_BACK),
        }
    }
}

impl Face for StrongLink {
    fn take(&mut self, at: Duration, unit: &[u8], desk: &mut Desk) {
        for byte in unit {
            if at.saturating_sub(self.last_byte) > BETWEEN_BYTES {
                self.pending.clear();
            }
            self.last_byte = at;
            self.pending.push(*byte);
            if let Some((command, data, sum_is_right)) = self.frame() {
                self.take_frame(at, command, &data, sum_is_right, desk);
            }
        }
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
