//! The chip as a reader sees it over the air: found, selected, asked, halted.

use super::CardKind;
use super::access::KeySlot;
use super::classic::Classic;
use super::type2::{Model, Type2};
use super::wear::{Then, Wear};

/// What a card answers to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A frame.
    Data(Vec<u8>),
    /// Four bits: done, or go on.
    Ack,
    /// Four bits: refused. The card is halted.
    Nak,
    /// Nothing.
    Silence,
    /// Two cards answered differently at once; no card says this, the field does.
    Collision,
}

/// What a command led to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    answer: Answer,
    then: After,
}

/// What becomes of the card after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Stays,
    Halts,
    Cut(Then),
}

impl Outcome {
    /// Refused aloud.
    pub(super) fn refused() -> Self {
        Self { answer: Answer::Nak, then: After::Halts }
    }

    /// Refused without a word.
    pub(super) fn ignored() -> Self {
        Self { answer: Answer::Silence, then: After::Halts }
    }

    /// The end of a write: acknowledged, or cut short.
    pub(super) fn written(cut: Option<Then>) -> Self {
        match cut {
            Some(Then::Unnoticed) | None => Answer::Ack.into(),
            Some(then) => Self { answer: Answer::Silence, then: After::Cut(then) },
        }
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, then: After::Stays }
    }
}

/// Where a chip stands in ISO 14443-3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Radio {
    /// No field.
    Off,
    /// Waits to be found.
    Idle,
    /// Selected.
    Active,
    /// Silent until it is woken on purpose.
    Halted,
}

#[derive(Debug, Clone)]
pub(crate) enum Memory {
    Classic(Classic),
    Type2(Type2),
    None,
}

#[derive(Debug, Clone)]
pub(crate) struct Chip {
    pub(crate) uid: Vec<u8>,
    pub(crate) sens_res: [u8; 2],
    pub(crate) sel_res: u8,
    pub(crate) memory: Memory,
    pub(crate) wear: Wear,
    radio: Radio,
    /// Fell out of the field in the middle of a write.
    pub(crate) is_gone: bool,
}

impl Chip {
    pub(super) fn new(uid: &[u8], sens_res: [u8; 2], sel_res: u8, memory: Memory) -> Self {
        let wear = Wear::default();
        Self { uid: uid.to_vec(), sens_res, sel_res, memory, wear, radio: Radio::Off, is_gone: false }
    }

    /// Another chip with the same content, without power and without a history.
    pub(super) fn twin(&self) -> Self {
        let mut twin = Self::new(&self.uid, self.sens_res, self.sel_res, self.memory.clone());
        twin.power(false);
        twin
    }

    pub(super) fn kind_of_memory(&self) -> CardKind {
        match &self.memory {
            Memory::Classic(_) => CardKind::Classic1k,
            Memory::Type2(tag) if tag.model() == Model::Ultralight => CardKind::Ultralight,
            Memory::Type2(_) => CardKind::Ntag213,
            Memory::None => CardKind::Foreign,
        }
    }

    pub(crate) fn power(&mut self, on: bool) {
        self.radio = if on { Radio::Idle } else { Radio::Off };
        match &mut self.memory {
            Memory::Classic(classic) => classic.reset(),
            Memory::Type2(tag) => tag.reset(),
            Memory::None => {}
        }
    }

    /// A request goes out; true when the card answers.
    pub(crate) fn wake(&mut self, halted_too: bool) -> bool {
        match self.radio {
            Radio::Off => false,
            Radio::Idle => true,
            Radio::Halted => halted_too,
            // Not understood where it stands; it is found by the reader's next try.
            Radio::Active => {
                self.end_session(Radio::Idle);
                true
            }
        }
    }

    pub(crate) fn select(&mut self) {
        if self.radio != Radio::Off {
            self.end_session(Radio::Active);
        }
    }

    pub(crate) fn halt(&mut self) {
        if self.radio != Radio::Off {
            self.end_session(Radio::Halted);
        }
    }

    pub(crate) fn is_powered(&self) -> bool {
        self.radio != Radio::Off
    }

    pub(crate) fn is_active(&self) -> bool {
        self.radio == Radio::Active
    }

    fn end_session(&mut self, radio: Radio) {
        self.radio = radio;
        match &mut self.memory {
            Memory::Classic(classic) => classic.reset(),
            Memory::Type2(tag) => tag.halt(),
            Memory::None => {}
        }
    }

    /// Authenticates a sector. `uid` is what the reader worked with: the last four bytes of the card's own, or the
    /// cipher does not come out right. A failure halts the card.
    pub(crate) fn authenticate(&mut self, slot: KeySlot, block: u8, key: [u8; 6], uid: [u8; 4]) -> bool {
        if self.radio != Radio::Active {
            return false;
        }
        let is_own_uid = self.uid.last_chunk::<4>() == Some(&uid);
        let Memory::Classic(classic) = &mut self.memory else {
            self.halt();
            return false;
        };
        if classic.authenticate(slot, block, key) && is_own_uid {
            self.wear.tally.authentications += 1;
            return true;
        }
        self.wear.tally.failed_authentications += 1;
        self.halt();
        false
    }

    /// A frame without its checksum. A refusal halts the card.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Answer {
        if self.radio != Radio::Active {
            return Answer::Silence;
        }
        if *frame == [0x50, 0x00] {
            self.halt();
            return Answer::Silence;
        }
        let outcome = match &mut self.memory {
            Memory::Classic(classic) => classic.send(frame, &mut self.wear),
            Memory::Type2(tag) => tag.send(frame, &mut self.wear),
            Memory::None => Outcome::ignored(),
        };
        match outcome.then {
            After::Stays | After::Cut(Then::Unnoticed) => {}
            After::Halts => self.halt(),
            After::Cut(Then::Gone) => {
                self.is_gone = true;
                self.power(false);
            }
            After::Cut(Then::Reset) => self.power(true),
        }
        outcome.answer
    }
}
