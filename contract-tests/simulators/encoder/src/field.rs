//! The field of a reader: the cards that lie in it and what they answer together.

use crate::card::{Answer, Card, KeySlot};

/// A card that answered while the reader looked for cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) uid: Vec<u8>,
    pub(crate) sens_res: [u8; 2],
    pub(crate) sel_res: u8,
}

impl Found {
    /// A Classic, by what it answered (section 4.5). What it really is shows when it is asked.
    pub(crate) fn is_classic_1k(&self) -> bool {
        matches!(self.sel_res, 0x08 | 0x88)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Field {
    is_on: bool,
    cards: Vec<Card>,
}

impl Field {
    pub(crate) fn power(&mut self, on: bool) {
        self.is_on = on;
        for card in &self.cards {
            card.chip().power(on);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn put(&mut self, card: &Card) {
        self.take(card);
        {
            let mut chip = card.chip();
            chip.is_gone = false;
            chip.power(self.is_on);
        }
        self.cards.push(card.clone());
    }

    pub(crate) fn take(&mut self, card: &Card) {
        self.cards.retain(|there| {
            let stays = !there.is(card);
            if !stays {
                there.chip().power(false);
            }
            stays
        });
    }

    pub(crate) fn take_all(&mut self) -> Vec<Card> {
        let cards = std::mem::take(&mut self.cards);
        for card in &cards {
            card.chip().power(false);
        }
        cards
    }

    /// The cards that lie in the field.
    pub(crate) fn cards(&self) -> Vec<Card> {
        self.cards.clone()
    }

    /// Turns the field on if need be and looks for cards. Cards with one serial number answer as one, the lowest
    /// serial number wins the anticollision.
    pub(crate) fn find(&mut self, halted_too: bool) -> Vec<Found> {
        if !self.is_on {
            self.power(true);
        }
        let mut found: Vec<Found> = Vec::new();
        for card in &self.cards {
            let mut chip = card.chip();
            if !chip.is_powered() {
                // It was held to a door meanwhile and lies here again.
                chip.power(true);
            }
            if chip.wake(halted_too) {
                found.push(Found { uid: chip.uid.clone(), sens_res: chip.sens_res, sel_res: chip.sel_res });
            }
        }
        found.sort_by(|a, b| a.uid.cmp(&b.uid));
        found.dedup_by(|a, b| a.uid == b.uid);
        found
    }

    /// Selects the card of a serial number and silences the others; false when it does not answer.
    pub(crate) fn select(&mut self, uid: &[u8]) -> bool {
        let mut answered = false;
        for card in &self.cards {
            let mut chip = card.chip();
            if chip.uid == uid && chip.is_powered() {
                chip.select();
                answered = true;
            } else if chip.is_active() {
                chip.halt();
            }
        }
        answered
    }

    pub(crate) fn halt(&mut self) {
        for card in self.cards.iter().filter(|card| card.chip().is_active()) {
            card.chip().halt();
        }
    }

    /// Whether a selected card is there.
    pub(crate) fn has_active(&self) -> bool {
        self.cards.iter().any(|card| card.chip().is_active())
    }

    /// Whether any card lies there.
    pub(crate) fn has_cards(&self) -> bool {
        !self.cards.is_empty()
    }

    /// The number of the selected card.
    pub(crate) fn active_uid(&self) -> Option<Vec<u8>> {
        self.cards.iter().map(Card::chip).find(|chip| chip.is_active()).map(|chip| chip.uid.clone())
    }

    /// Whether the selected card has sectors and keys, by what it answered.
    pub(crate) fn is_classic(&self) -> bool {
        self.cards.iter().map(Card::chip).any(|chip| chip.is_active() && matches!(chip.sel_res, 0x08 | 0x88))
    }

    /// Authenticates at the selected card.
    pub(crate) fn authenticate(&mut self, slot: KeySlot, block: u8, key: [u8; 6], uid: [u8; 4]) -> bool {
        let mut went_well = false;
        let mut failed = false;
        for card in &self.cards {
            let mut chip = card.chip();
            if !chip.is_active() {
                continue;
            }
            match chip.authenticate(slot, block, key, uid) {
                true => went_well = true,
                false => failed = true,
            }
        }
        went_well && !failed
    }

    /// Sends a frame to the selected card.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Answer {
        let mut heard: Option<Answer> = None;
        for card in &self.cards {
            let mut chip = card.chip();
            if !chip.is_active() {
                continue;
            }
            let answer = chip.send(frame);
            heard = Some(match heard {
                Some(earlier) if earlier != answer => Answer::Collision,
                _ => answer,
            });
        }
        // A card that fell out in the middle of a write lies here no more.
        self.cards.retain(|card| !card.chip().is_gone);
        heard.unwrap_or(Answer::Silence)
    }

    /// Reads a block, or four pages.
    pub(crate) fn read(&mut self, address: u8) -> Option<[u8; 16]> {
        match self.send(&[0x30, address]) {
            Answer::Data(data) => data.try_into().ok(),
            _ => None,
        }
    }

    /// Writes a block: the command, then the data.
    pub(crate) fn write_block(&mut self, block: u8, data: &[u8]) -> Answer {
        match self.send(&[0xA0, block]) {
            Answer::Ack => self.send(data),
            refused => refused,
        }
    }

    /// Increment, decrement or restore into the card's buffer. Success is silence.
    pub(crate) fn value(&mut self, command: u8, block: u8, operand: [u8; 4]) -> bool {
        self.send(&[command, block]) == Answer::Ack
            && self.send(&operand) == Answer::Silence
            && self.has_active()
    }
}
