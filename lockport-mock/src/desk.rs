//! Cards, the encoders that write them, and the offline doors that read them. Nothing else is known here: no cloud, no list.

use std::collections::BTreeMap;

use lockport::Operation;
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{Timestamp, Validity};

use crate::errcode::NO_CARD;
use crate::wire::{NoAnswer, Strike, Wire};

/// One key on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) credential: KeyCredentialId,
    pub(crate) marker: String,
    pub(crate) serial: u64,
    pub(crate) doors: Vec<LockDeviceId>,
    pub(crate) window: Validity,
}

/// What an encoder does to the card that lies on it.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Adds the key. A card serves one holder: what is on it for another credential goes.
    Write(Entry),
    /// Takes what bears this marker from the card, all but the one with this serial.
    Wipe(String, Option<u64>),
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    cards: BTreeMap<String, Vec<Entry>>,
    lying: BTreeMap<LockDeviceId, String>,
    /// What a door has opened to: the newest serial of each credential.
    seen: BTreeMap<(LockDeviceId, KeyCredentialId), u64>,
    pub(crate) effects_made: u64,
}

impl Desk {
    pub(crate) fn place(&mut self, encoder: LockDeviceId, card: String) {
        self.lying.retain(|_, other| *other != card);
        self.lying.insert(encoder, card);
    }

    pub(crate) fn take(&mut self, encoder: LockDeviceId) -> Option<String> {
        self.lying.remove(&encoder)
    }

    /// Reads the card that lies there.
    pub(crate) fn read(&self, encoder: LockDeviceId) -> Option<(String, Vec<Entry>)> {
        let card = self.lying.get(&encoder)?;
        Some((card.clone(), self.cards.get(card).cloned().unwrap_or_default()))
    }

    /// One command over the cable, for this card and no other. It happens now or never: a call that was to arrive late has arrived.
    pub(crate) fn command(
        &mut self,
        wire: &mut Wire,
        operation: Operation,
        encoder: LockDeviceId,
        card: &str,
        command: Command,
    ) -> Result<(), NoAnswer> {
        let strike = wire.write(operation);
        if let Some(Strike::Before(no)) = strike {
            return Err(no);
        }
        if self.lying.get(&encoder).is_none_or(|lying| lying != card) {
            return Err(NoAnswer::Code(NO_CARD));
        }
        if let Some(Strike::Midway(no)) = strike {
            self.tear(card, command);
            return Err(no);
        }
        self.apply(card, command);
        match strike {
            Some(Strike::After(no) | Strike::Late(_, no)) => Err(no),
            _ => Ok(()),
        }
    }

    fn apply(&mut self, card: &str, command: Command) {
        let is_known =
            |entry: &Entry| self.cards.values().flatten().any(|known| known.marker == entry.marker);
        if matches!(&command, Command::Write(entry) if !is_known(entry)) {
            self.effects_made = self.effects_made.saturating_add(1);
        }
        let on_it = self.cards.entry(card.to_owned()).or_default();
        match command {
            Command::Write(entry) => {
                on_it.retain(|old| old.credential == entry.credential && old.serial != entry.serial);
                on_it.push(entry);
            }
            Command::Wipe(marker, keep) => {
                on_it.retain(|old| old.marker != marker || Some(old.serial) == keep);
            }
        }
    }

    /// What a command that was cut leaves: the key that it was to write is not whole, and the one that it was to take is not either.
    fn tear(&mut self, card: &str, command: Command) {
        match command {
            Command::Write(entry) => {
                let on_it = self.cards.entry(card.to_owned()).or_default();
                on_it.retain(|old| old.credential == entry.credential && old.serial != entry.serial);
            }
            wipe @ Command::Wipe(..) => self.apply(card, wipe),
        }
    }

    /// How many keys for this door stand on cards.
    pub(crate) fn held_at(&self, door: LockDeviceId) -> usize {
        self.cards.values().flatten().filter(|entry| entry.doors.contains(&door)).count()
    }

    /// Somebody holds the card against the door. A door that opens has learned how new the card is.
    pub(crate) fn try_open(&mut self, door: LockDeviceId, card: &str, at: Timestamp) -> bool {
        let entries = self.cards.get(card).into_iter().flatten();
        let newest = |entry: &Entry| self.seen.get(&(door, entry.credential)).copied().unwrap_or_default();
        let opening = entries
            .filter(|entry| entry.doors.contains(&door) && entry.window.contains(at))
            .filter(|entry| entry.serial >= newest(entry))
            .max_by_key(|entry| entry.serial);
        let Some(Entry { credential, serial, .. }) = opening else { return false };
        self.seen.insert((door, *credential), *serial);
        true
    }
}
