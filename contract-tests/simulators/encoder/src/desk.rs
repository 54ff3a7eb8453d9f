//! What all readers share: the field, the faults on order, the log, the card's times.

use std::time::Duration;

use crate::card::Card;
use crate::fault::{Faults, Step, What};
use crate::field::Field;

/// How long a card takes (section 8.1, typical times on the air); zeros when time is not simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CardTimes {
    find: Duration,
    find_long_uid: Duration,
    authenticate: Duration,
    read: Duration,
    write: Duration,
}

impl CardTimes {
    pub(crate) const NONE: Self = Self {
        find: Duration::ZERO,
        find_long_uid: Duration::ZERO,
        authenticate: Duration::ZERO,
        read: Duration::ZERO,
        write: Duration::ZERO,
    };

    pub(crate) const TYPICAL: Self = Self {
        find: Duration::from_micros(2_500),
        find_long_uid: Duration::from_micros(3_500),
        authenticate: Duration::from_micros(2_000),
        read: Duration::from_micros(2_500),
        write: Duration::from_micros(5_500),
    };

    pub(crate) fn find(self, uid: &[u8]) -> Duration {
        if uid.len() > 4 { self.find_long_uid } else { self.find }
    }

    /// Of one command to a card that is selected.
    pub(crate) fn of(self, step: Step) -> Duration {
        match step {
            Step::Find | Step::Select => self.find,
            Step::Authenticate => self.authenticate,
            Step::Read => self.read,
            Step::Write | Step::Value => self.write,
            Step::Hello | Step::Release | Step::Other => Duration::ZERO,
        }
    }
}

/// One command as the log keeps it: what and when, never keys or content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When its last byte had arrived.
    pub at: Duration,
    /// What it means.
    pub step: Step,
    /// Its number in the reader's own language.
    pub command: u16,
    /// The status the reader gave it, `None` where the answer has none or the command was lost.
    pub status: Option<u8>,
}

/// What becomes of one command, once the faults were asked.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Nothing happens and nothing is answered.
    pub(crate) lost: bool,
    /// Not done; the reader says that it did not understand.
    pub(crate) nak: bool,
    /// Not done; this status is the answer.
    pub(crate) refuse: Option<u8>,
    /// Done, but not answered.
    pub(crate) mute: bool,
    pub(crate) delay: Duration,
    noise: Vec<u8>,
    corrupt: bool,
    truncate: Option<usize>,
}

impl Plan {
    /// The answer as it gets onto the line. `content` is where a flipped byte does harm.
    pub(crate) fn dress(&self, mut frame: Vec<u8>, content: usize) -> Vec<u8> {
        if let Some(byte) = frame.get_mut(content).filter(|_| self.corrupt) {
            *byte ^= 0x10;
        }
        if let Some(length) = self.truncate {
            frame.truncate(length);
        }
        let mut bytes = self.noise.clone();
        bytes.append(&mut frame);
        bytes
    }
}

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) field: Field,
    pub(crate) faults: Faults,
    pub(crate) times: CardTimes,
    pub(crate) seen: Vec<Seen>,
    /// The cable comes out as soon as this command is through.
    pub(crate) pull: bool,
    /// Answers nothing any more.
    pub(crate) is_stuck: bool,
    /// The speed the reader's serial line runs at; `None` understands any.
    pub(crate) speed: Option<u32>,
    /// The speed it runs at once it has said all it has to say.
    pub(crate) next_speed: Option<u32>,
    /// Commands that came sooner than the reader can take them.
    pub(crate) too_early: u32,
}

impl Desk {
    /// Asks the faults about a command that has just arrived, and does to cards and cable what they say.
    pub(crate) fn plan(&mut self, at: Duration, step: Step, command: u16) -> Plan {
        self.seen.push(Seen { at, step, command, status: None });
        let mut plan = Plan::default();
        let Some(what) = self.faults.strike(step, command) else { return plan };
        match what {
            What::Refuse(status) => plan.refuse = Some(status),
            What::Delay(by) => plan.delay = by,
            What::DropBefore => plan.lost = true,
            What::LoseReply => plan.mute = true,
            What::Nak => plan.nak = true,
            What::Noise(bytes) => plan.noise = bytes,
            What::Corrupt => plan.corrupt = true,
            What::Truncate(length) => plan.truncate = Some(length),
            What::Unplug => {
                plan.lost = true;
                self.pull = true;
            }
            What::UnplugAfter => {
                plan.mute = true;
                self.pull = true;
            }
            What::Tear(tear) => self.tear(|card| card.tear(tear)),
            What::TearAndUnplug(tear) => {
                self.tear(|card| card.tear(tear));
                plan.mute = true;
                self.pull = true;
            }
            What::TakeCards => drop(self.field.take_all()),
            What::PutCard(card) => self.field.put(&card),
            What::SwapCard(card) => {
                drop(self.field.take_all());
                self.field.put(&card);
            }
            What::Stick => {
                plan.lost = true;
                self.is_stuck = true;
            }
        }
        plan
    }

    fn tear(&self, order: impl Fn(&Card)) {
        self.field.cards().iter().for_each(order);
    }

    /// Notes how the command that was planned last ended.
    pub(crate) fn ended(&mut self, status: u8) {
        if let Some(seen) = self.seen.last_mut() {
            seen.status = Some(status);
        }
    }
}
