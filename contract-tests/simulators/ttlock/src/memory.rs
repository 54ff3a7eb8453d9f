//! What a lock itself remembers: passcodes, cards, its black list. Nothing here is known to the cloud unless the
//! cloud was told.

use std::collections::{BTreeMap, BTreeSet};

use crate::digits::Digits;
use crate::errcode::Errcode;
use crate::limits::{CARDS_MAX, CUSTOM_PASSCODES_MAX};
use crate::random::Random;
use crate::schedule::Schedule;
use crate::window::{Place, Window};

/// How a lock judges what is typed or held to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    Opens,
    /// Opens nothing, but clears every other passcode.
    Erases,
    TooEarly,
    Expired,
    OffHours,
    BlackListed,
    Unknown,
}

/// A passcode in the lock's memory; the window is on the lock's wall.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) window: Window,
    pub(crate) schedule: Option<Schedule>,
    /// Counts against the limit of custom passcodes.
    pub(crate) is_custom: bool,
}

/// A card in the lock's memory; the window is on the lock's wall.
#[derive(Debug, Clone)]
pub(crate) struct StoredCard {
    pub(crate) window: Window,
    pub(crate) schedule: Option<Schedule>,
}

/// The memory of one lock.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) codes: BTreeMap<Digits, Code>,
    pub(crate) cards: BTreeMap<u64, StoredCard>,
    pub(crate) black_list: BTreeSet<u64>,
    pub(crate) random: BTreeMap<Digits, Random>,
}

fn judge(window: Window, schedule: Option<&Schedule>, wall_ms: i64) -> Judged {
    match window.place(wall_ms) {
        Place::Before => Judged::TooEarly,
        Place::After => Judged::Expired,
        Place::Inside if schedule.is_some_and(|schedule| !schedule.holds(wall_ms)) => Judged::OffHours,
        Place::Inside => Judged::Opens,
    }
}

impl Memory {
    /// Judges typed digits.
    pub(crate) fn judge_code(&mut self, digits: &Digits, wall_ms: i64) -> Judged {
        if let Some(code) = self.codes.get(digits) {
            return judge(code.window, code.schedule.as_ref(), wall_ms);
        }
        let judged = self.random.get_mut(digits).map_or(Judged::Unknown, |random| random.judge(wall_ms));
        if judged == Judged::Erases {
            self.codes.clear();
            self.random.clear();
        }
        judged
    }

    /// Judges a card by the number the lock reads from it.
    pub(crate) fn judge_card(&self, number: u64, wall_ms: i64) -> Judged {
        if self.black_list.contains(&number) {
            return Judged::BlackListed;
        }
        self.cards
            .get(&number)
            .map_or(Judged::Unknown, |card| judge(card.window, card.schedule.as_ref(), wall_ms))
    }

    /// VENDOR: section 10.2, 14 passcode exists, 16 memory full.
    pub(crate) fn add_code(&mut self, digits: Digits, window: Window) -> Result<(), Errcode> {
        if self.holds_code(&digits) {
            return Err(Errcode::PASSCODE_EXISTS);
        }
        if self.codes.values().filter(|code| code.is_custom).count() >= CUSTOM_PASSCODES_MAX {
            return Err(Errcode::PASSCODES_FULL);
        }
        self.codes.insert(digits, Code { window, schedule: None, is_custom: true });
        Ok(())
    }

    /// VENDOR: section 10.2, 15 passcode missing or never used.
    pub(crate) fn change_code(
        &mut self,
        digits: &Digits,
        new: Option<&Digits>,
        window: Option<Window>,
    ) -> Result<(), Errcode> {
        if new.is_some_and(|new| new != digits && self.holds_code(new)) {
            return Err(Errcode::PASSCODE_EXISTS);
        }
        let mut code = if let Some(code) = self.codes.remove(digits) {
            code
        } else {
            self.used_random(digits)?;
            let random = self.random.remove(digits).ok_or(Errcode::PASSCODE_UNKNOWN)?;
            let (window, schedule) = random.into_stored();
            Code { window, schedule, is_custom: false }
        };
        code.window = window.unwrap_or(code.window);
        self.codes.insert(new.unwrap_or(digits).clone(), code);
        Ok(())
    }

    pub(crate) fn delete_code(&mut self, digits: &Digits) -> Result<(), Errcode> {
        if self.codes.remove(digits).is_none() {
            self.used_random(digits)?;
            self.random.remove(digits);
        }
        Ok(())
    }

    /// VENDOR: section 5.1, a random passcode cannot be touched before its first use.
    fn used_random(&self, digits: &Digits) -> Result<(), Errcode> {
        match self.random.get(digits) {
            Some(random) if random.is_used => Ok(()),
            Some(_) => Err(Errcode::PASSCODE_NEVER_USED),
            None => Err(Errcode::PASSCODE_UNKNOWN),
        }
    }

    /// A card that is known already gets the new window; so does one from the black list.
    pub(crate) fn add_card(&mut self, number: u64, card: StoredCard) -> Result<(), Errcode> {
        if self.cards.len() >= CARDS_MAX && !self.cards.contains_key(&number) {
            return Err(Errcode::MEMORY_FULL);
        }
        self.black_list.remove(&number);
        self.cards.insert(number, card);
        Ok(())
    }

    pub(crate) fn move_card(
        &mut self,
        number: u64,
        window: Window,
        schedule: Option<Schedule>,
    ) -> Result<(), Errcode> {
        let card = self.cards.get_mut(&number).ok_or(Errcode::CARD_UNKNOWN)?;
        card.window = window;
        card.schedule = schedule.or_else(|| card.schedule.take());
        Ok(())
    }

    pub(crate) fn delete_card(&mut self, number: u64) -> Result<(), Errcode> {
        self.cards.remove(&number).map(|_| ()).ok_or(Errcode::CARD_UNKNOWN)
    }

    /// VENDOR: section 6, a lost card is refused from now on, also when the lock never heard of it.
    pub(crate) fn black_list(&mut self, number: u64) {
        self.cards.remove(&number);
        self.black_list.insert(number);
    }

    fn holds_code(&self, digits: &Digits) -> bool {
        self.codes.contains_key(digits) || self.random.contains_key(digits)
    }
}
