//! Whoever stands at the bench's doors, at its encoder and behind its locks.

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{Secret, Timestamp, Validity};
use lockport_sim_encoder::Card;

use super::records::records_on;
use super::{CardProfile, WiegandBench, encoder_id, key_text};
use crate::bench::{BenchError, LockControl, Presence, VendorProbe, WireTap};

#[async_trait]
impl VendorProbe for WiegandBench {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let Artifact::Nfc(number) = artifact else {
            return Err(BenchError::new(format!("no door here takes a {}", artifact.type_name())));
        };
        // EXPOSE: the guest holds his tag against the door; it is told by its number.
        let number = number.expose();
        let is_his = |card: &Card| {
            let uid: String = card.uid().iter().map(|byte| format!("{byte:02X}")).collect();
            uid == *number
        };
        self.cards().iter().find(|card| is_his(card)).map_or(Ok(false), |card| self.opens(door, card, at))
    }

    /// Cards that the door would take at some time: by a record that names it, or by a number that the panel lets in there.
    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        let (place, _) = self.door(door)?;
        let names = |card: &Card| match &self.panel {
            Some(panel) => panel.knows(door, card),
            None => records_on(card).iter().any(|record| record.names(*place)),
        };
        let live = self.cards().iter().filter(|card| names(card)).count();
        self.check_profile()?;
        u64::try_from(live).map_err(|error| BenchError::new(error.to_string()))
    }

    async fn ever_made(&self) -> Result<u64, BenchError> {
        self.check_profile()?;
        self.watch.look_at(&self.cards());
        let made = match (&self.panel, self.profile) {
            // Nothing is made but an entry in the panel's book.
            (Some(panel), CardProfile::Csn) => panel.ever(),
            _ => self.watch.seen().made.len(),
        };
        u64::try_from(made).map_err(|error| BenchError::new(error.to_string()))
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        u64::try_from(self.encoder.seen().len()).map_err(|error| BenchError::new(error.to_string()))
    }

    fn clock_moved(&self, _: Timestamp) {}
}

impl WiegandBench {
    /// # Errors
    /// When anything was written where nothing may be: block 0, a trailer, a foreign block.
    pub fn check_profile(&self) -> Result<(), BenchError> {
        for card in self.cards() {
            let tally = card.tally();
            if (tally.manufacturer, tally.trailers, tally.foreign) != (0, 0, 0) {
                return Err(BenchError::new(format!("a card was written outside its profile: {tally:?}")));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Presence for WiegandBench {
    fn encoder(&self) -> LockDeviceId {
        encoder_id()
    }

    fn come(&self, holder: KeyCredentialId, kind: KeyCredentialKind) {
        let card = self.card_of(holder, kind);
        self.plug();
        let _left = self.encoder.take_all();
        self.encoder.put(&card);
    }

    fn go(&self) {
        let _taken = self.encoder.take_all();
        self.plug();
    }

    async fn try_card(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        self.try_all_of(door, holder, at)
    }
}

impl LockControl for WiegandBench {
    fn set_battery(&self, _: LockDeviceId, _: u8) -> Result<(), BenchError> {
        Err(BenchError::new("nobody is told how an offline lock is"))
    }

    fn set_online(&self, _: LockDeviceId, _: bool) -> Result<(), BenchError> {
        Err(BenchError::new("nobody is told how an offline lock is"))
    }

    /// Every door reads every card that the hotel writes.
    fn set_able(&self, _: LockDeviceId, _: KeyCredentialKind, _: bool) -> Result<bool, BenchError> {
        Ok(false)
    }

    /// A record that no desk wrote opens no door.
    fn set_by_hand(
        &self,
        _: LockDeviceId,
        _: KeyCredentialKind,
        _: Validity,
        _: Option<&Secret>,
    ) -> Result<Option<Secret>, BenchError> {
        Ok(None)
    }

    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError> {
        self.door(door)?.1.set_drift_ms(ahead.num_milliseconds());
        if let Some(panel) = &self.panel {
            panel.set_drift(door, ahead);
        }
        Ok(())
    }

    /// An encoder has no clock.
    fn set_vendor_clock(&self, _: TimeDelta) -> Result<(), BenchError> {
        Ok(())
    }
}

impl WireTap for WiegandBench {
    fn secrets(&self) -> Vec<Secret> {
        vec![Secret::new(key_text()), Secret::new(key_text().to_uppercase())]
    }

    /// The driver keeps no log of its line: everything that goes over it is a key, a number or a record.
    fn log(&self) -> String {
        String::new()
    }
}
