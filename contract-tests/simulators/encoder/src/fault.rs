//! Faults on order: a queue that test code fills and commands use up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::card::{Card, Tear};

/// What a command means, whatever the reader calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Who are you; setting up.
    Hello,
    /// Looking for cards, with the selection that comes with it on some readers.
    Find,
    /// Selecting one.
    Select,
    /// Opening a sector.
    Authenticate,
    /// Reading a block or pages.
    Read,
    /// Writing a block or a page.
    Write,
    /// Counting up or down.
    Value,
    /// Letting go of cards.
    Release,
    /// A beep, a light, anything else.
    Other,
}

/// Which commands a fault waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Whatever comes next.
    Any,
    /// Commands of this meaning.
    Step(Step),
    /// The command with this number in the reader's own language.
    Command(u16),
}

/// What happens to a command that a fault catches.
#[derive(Debug, Clone)]
pub enum What {
    /// Refused with this status of the reader's own language, untried. RRHFOEM04 knows only one.
    Refuse(u8),
    /// Done; the answer comes this much later.
    Delay(Duration),
    /// Lost on the way to the reader: nothing happens, nothing is answered.
    DropBefore,
    /// Done; the answer is lost. A PN532 has acknowledged the command by then.
    LoseReply,
    /// Not done: a PN532 answers NACK in place of ACK, a StrongLink "checksum wrong", a RRHFOEM04 failure.
    Nak,
    /// Done; these bytes come before the answer, as noise. In a report they push the frame back.
    Noise(Vec<u8>),
    /// Done; one byte of the answer's content is changed on the way.
    Corrupt,
    /// Done; only this many bytes of the answer arrive. A HID report then ends in stale bytes.
    Truncate(usize),
    /// The cable comes out as the command arrives; nothing is done.
    Unplug,
    /// Done, and the cable comes out before the answer.
    UnplugAfter,
    /// The card's next write within this command is cut short.
    Tear(Tear),
    /// The same, and the cable comes out with it.
    TearAndUnplug(Tear),
    /// All cards are taken away before the command is done.
    TakeCards,
    /// Another card comes to lie on the encoder before the command is done.
    PutCard(Card),
    /// All cards are taken away and this one comes instead, before the command is done.
    SwapCard(Card),
    /// From now on the encoder answers nothing, until it is plugged in again.
    Stick,
}

/// One entry of the queue.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which commands it waits for.
    pub on: On,
    /// How many of them it lets pass first.
    pub skip: u32,
    /// How many of them it catches before it is used up.
    pub times: u32,
    /// What it does to them.
    pub what: What,
}

impl Fault {
    /// A fault for the next command of a meaning.
    #[must_use]
    pub fn next(step: Step, what: What) -> Self {
        Self { on: On::Step(step), skip: 0, times: 1, what }
    }

    /// A fault for the command of a meaning that comes after `skip` others of it.
    #[must_use]
    pub fn after(step: Step, skip: u32, what: What) -> Self {
        Self { on: On::Step(step), skip, times: 1, what }
    }
}

/// The faults on order.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn pending(&self) -> u32 {
        self.0.iter().map(|fault| fault.times).sum()
    }

    /// What is in store for a command. Every fault that waits for it counts it, the first that is due strikes.
    pub(crate) fn strike(&mut self, step: Step, command: u16) -> Option<What> {
        let mut struck = None;
        for fault in &mut self.0 {
            let waits = match fault.on {
                On::Any => true,
                On::Step(waited) => waited == step,
                On::Command(waited) => waited == command,
            };
            if !waits || fault.times == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if struck.is_none() {
                fault.times -= 1;
                struck = Some(fault.what.clone());
            }
        }
        self.0.retain(|fault| fault.times > 0);
        struck
    }
}
