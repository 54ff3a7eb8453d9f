//! A desk without its cloud (R42, R94, X4): what it gives out is provisional and ends soon, so that a card written in a night when
//! nobody could be asked opens for no longer than two days; and when the cloud is back, it becomes what its holder is entitled to.

use chrono::TimeDelta;

use super::KeyService;
use super::house::HouseRecord;
use super::record::KeyRecord;
use crate::error::LockError;
use crate::store::{StoreError, Transaction};
use crate::telemetry::UseCase;
use crate::validity::{Timestamp, Validity};

/// How long a provisional key opens at most: from its beginning, or from when it is given out where that is later, or a key given
/// out on the third night would be dead at birth.
pub const PROVISIONAL_FOR: TimeDelta = TimeDelta::hours(48);

impl KeyRecord {
    /// As much of the whole window as it may have: all of it where the cloud is there, and otherwise no more than it has already or
    /// than a provisional key has.
    pub(super) fn window(
        &mut self,
        whole: Validity,
        house: &HouseRecord,
        now: Timestamp,
    ) -> Result<Validity, StoreError> {
        if !house.is_offline {
            self.provisional_until = None;
            return Ok(whole);
        }
        let begins = whole.from().max(now);
        let ends = self.provisional_until.filter(|ends| *ends > begins).unwrap_or_else(|| {
            let ends = begins.checked_add_signed(PROVISIONAL_FOR).unwrap_or(begins);
            if self.was_handed_over() { ends.max(self.spec.validity.until()) } else { ends }
        });
        if !self.was_handed_over() || whole.until() > ends {
            self.provisional_until = Some(ends);
        }
        Validity::new(whole.from(), whole.until().min(ends)).map_err(|_| StoreError::Corrupt)
    }

    /// Whether it was to have this window, or as much of it as a provisional key may have.
    pub(super) fn is_whole(&self, whole: Validity) -> bool {
        let has = self.wanted.validity;
        let ends = self.provisional_until.map_or(whole.until(), |ends| ends.min(whole.until()));
        has.from() == whole.from() && has.until() == ends
    }

    /// Whether it was asked for when the property was not what it is now, and nobody has it yet.
    pub(super) const fn is_outdated(&self, house: &HouseRecord) -> bool {
        let is_unlimited = house.is_offline && self.provisional_until.is_none() && !self.was_handed_over();
        house.is_deactivated() || is_unlimited
    }
}

impl KeyService {
    /// Tells whether this desk is without its cloud; the host knows, who has tried (R85). What is given out meanwhile is provisional:
    /// it ends after [`PROVISIONAL_FOR`] at the latest, and its holder is given another then if the cloud is still away. When the
    /// cloud is back, `tick` makes of each what its holder is entitled to. Told again it changes nothing.
    ///
    /// # Errors
    /// Anything retriable: tell it again.
    pub async fn set_offline(&self, is_offline: bool) -> Result<(), LockError> {
        self.timed(UseCase::SetOffline, Box::pin(self.do_set_offline(is_offline))).await
    }

    async fn do_set_offline(&self, is_offline: bool) -> Result<(), LockError> {
        self.take_in(|| async {
            let mut house = self.house().await?;
            if house.value.is_offline == is_offline {
                return Ok(());
            }
            house.value.is_offline = is_offline;
            house.value.rejoining = (!is_offline).then(|| self.env.now());
            let mut transaction = Transaction::new(&self.env)?;
            transaction.put(&mut house)?;
            transaction.commit(&*self.store, self.partition()).await
        })
        .await
    }
}
