//! What the vendor holds, and what of it can be taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use chrono::TimeDelta;
use lockport::RetryAdvice;
use lockport::credential::{Proof, RevokeInput, RevokeOutcome};
use lockport::driver::{Kind, Per};
use lockport::id::{LockDeviceId, RoomId};

use super::{Keyring, Opens, Trial};
use crate::case::{CaseResult, Stop, check};

/// How often a revoke may ask to be called again.
const REVOKE_CALLS: usize = 8;
/// The pause before a retry where the answer names none.
const RETRY_PAUSE: TimeDelta = TimeDelta::seconds(10);

/// What is left at each door of keys that cannot be taken back.
pub(super) type Left = BTreeMap<LockDeviceId, u64>;

impl Trial {
    /// Whether what was given can be taken back.
    pub(crate) fn takes_back(&self) -> bool {
        takes_back(&self.kind)
    }

    /// Whether one key can be for several doors: where one of several grants could not be taken back, it cannot.
    pub(crate) fn spans_doors(&self) -> bool {
        self.kind.can_undo || matches!(self.kind.per, Per::Stay { max_doors: 2.. })
    }

    /// The rooms of one key, for cases in which several doors are the harder way and not the point.
    pub(crate) fn rooms_of_a_key(&self) -> CaseResult<Vec<RoomId>> {
        let [one, two] = self.rooms()?;
        Ok(if self.spans_doors() { vec![one, two] } else { vec![one] })
    }

    /// Takes a key away, so that the next one finds its doors as they were. Where nothing can be taken back, what stays is not
    /// counted from here on.
    pub(crate) async fn clear(&self, input: RevokeInput) -> CaseResult {
        self.revoke_for_good(input).await?;
        if self.takes_back() {
            return self.vendor_holds_nothing().await;
        }
        for door in self.site().doors() {
            let live = self.bench.probe.live(door).await?;
            self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(door, live);
        }
        Ok(())
    }

    /// Judges what was revoked: it opens nothing, or, where nothing can be taken back, what it did.
    pub(crate) async fn judge_revoked(&self, whose: &str, keys: &Keyring, before: Opens<'_>) -> CaseResult {
        self.judge(whose, keys, if self.takes_back() { &[] } else { before }).await
    }

    /// How many permissions the vendor holds for a door, but for those that were left there.
    async fn live(&self, door: LockDeviceId) -> CaseResult<u64> {
        let live = self.bench.probe.live(door).await?;
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).get(&door).copied();
        Ok(live.saturating_sub(left.unwrap_or(0)))
    }

    /// Revokes, and calls again with the same key as long as the answers ask for it, at the times they name.
    pub(crate) async fn revoke_for_good(&self, input: RevokeInput) -> CaseResult {
        for _ in 0..REVOKE_CALLS {
            let wait = match self.port().revoke_credential(input.clone()).await {
                Ok(RevokeOutcome { again_at: None, .. }) => return Ok(()),
                Ok(RevokeOutcome { again_at: Some(then), .. }) => then - self.now(),
                Err(error) => match error.advice() {
                    RetryAdvice::After(pause) => TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX),
                    RetryAdvice::NotApplied | RetryAdvice::OutcomeUnknown => RETRY_PAUSE,
                    _ => return Err(error.into()),
                },
            };
            check!(wait <= TimeDelta::hours(1), "a revoke asks for another call in {wait}");
            self.pass(wait.max(TimeDelta::zero()));
        }
        Err(Stop::Failed(format!("a revoke still asks for more after {REVOKE_CALLS} calls")))
    }

    /// How many permissions at the vendor a key for these rooms is made of.
    pub(crate) fn grants_for(&self, rooms: &[RoomId]) -> u64 {
        grants_of(self.kind.per, self.doors_of(rooms).len())
    }

    /// Fails unless the vendor holds exactly `each` permissions at each of these doors, and none anywhere else.
    pub(crate) async fn vendor_holds(&self, each: u64, doors: &BTreeSet<LockDeviceId>) -> CaseResult {
        for door in self.site().doors() {
            let should = if doors.contains(&door) { each } else { 0 };
            let live = self.live(door).await?;
            check!(live == should, "the vendor holds {live} permissions at {door}, {should} is right");
        }
        Ok(())
    }

    /// Fails if the vendor holds more than so many permissions anywhere.
    pub(crate) async fn vendor_holds_at_most(&self, most: u64) -> CaseResult {
        for door in self.site().doors() {
            let live = self.live(door).await?;
            check!(live <= most, "the vendor holds {live} permissions at {door}, {most} at most is right");
        }
        Ok(())
    }

    /// Fails unless the vendor holds nothing at all.
    pub(crate) async fn vendor_holds_nothing(&self) -> CaseResult {
        self.vendor_holds(0, &BTreeSet::new()).await
    }

    /// How many permissions the vendor ever made.
    pub(crate) async fn ever_made(&self) -> CaseResult<u64> {
        Ok(self.bench.probe.ever_made().await?)
    }

    /// How many calls the vendor has seen.
    pub(crate) async fn calls(&self) -> CaseResult<u64> {
        Ok(self.bench.probe.calls().await?)
    }
}

/// Whether what was given of this kind can be taken back: before anybody has used it, or so that somebody knows. Where a card is only
/// read, who is told ends it.
pub(crate) fn takes_back(kind: &Kind) -> bool {
    kind.can_undo || kind.best_proof != Proof::ExpiresOnly
}

/// How many permissions at the vendor so many doors are.
pub(crate) fn grants_of(per: Per, doors: usize) -> u64 {
    let grants = match per {
        Per::Stay { max_doors } => doors.div_ceil(usize::from(max_doors).max(1)),
        _ => doors,
    };
    u64::try_from(grants).unwrap_or(u64::MAX)
}
