//! What a vendor tells beside its answers: whose key was tried, as far as the ledger knows, and the clocks of its locks. The
//! vendor's references go up as keyed hashes only (X2).

use async_trait::async_trait;

use super::Adapter;
use super::plan::grant_of_marker;
use super::record::{GrantRecord, GrantState, term_of_door, term_of_past_door};
use crate::audit::{VendorRefHash, reference_key};
use crate::driver::{
    AccessFeed, AttemptOutcome, ClockSync, Cursor, DenyReason, DoorAttempt, GrantOrder, Page, Shown,
    VendorDriver,
};
use crate::error::LockError;
use crate::id::LockDeviceId;
use crate::port::{AttemptFeed, LockClocks, SeenAttempt};
use crate::secret::Secret;
use crate::store::Stored;

impl<D: VendorDriver> Adapter<D> {
    /// The hash of a reference, as soon as the property has a key for it: from its first entry of the audit on.
    async fn hash_of(&self, reference: &Secret) -> Result<Option<VendorRefHash>, LockError> {
        let key = match self.reference_key.get() {
            Some(key) => key,
            None => match reference_key(self.ledger.store(), self.partition).await? {
                Some(key) => self.reference_key.get_or_init(|| key),
                None => return Ok(None),
            },
        };
        Ok(Some(VendorRefHash::of(key, self.descriptor.vendor.as_str(), reference)))
    }

    /// What the vendor calls a credential with these grants.
    pub(super) async fn hash_of_all(
        &self,
        grants: &[GrantRecord],
    ) -> Result<Option<VendorRefHash>, LockError> {
        let mut hashes = Vec::new();
        for grant in grants.iter().filter(|own| matches!(own.state, GrantState::Live | GrantState::Suspended))
        {
            if let Some(reference) = &grant.held.reference {
                hashes.extend(self.hash_of(reference).await?);
            }
        }
        Ok(VendorRefHash::of_all(hashes))
    }

    /// Whose key was tried. A card goes from hand to hand: where several grants could be meant, it is the one whose time it was, and
    /// who opens there now comes before who did.
    async fn grant_of(&self, attempt: &DoorAttempt) -> Result<Option<GrantRecord>, LockError> {
        let (store, partition) = (self.ledger.store(), self.partition);
        let is_meant = |grant: &GrantRecord| match &attempt.shown {
            // EXPOSE: compared with what the ledger holds, and nowhere kept.
            Some(Shown::Reference(shown)) => is_same(grant.held.reference.as_ref(), shown),
            Some(Shown::Artifact(shown)) => is_same(grant.opens_with(), shown),
            Some(Shown::Beginning(shown)) => grant.opens_with().is_some_and(|own| {
                // EXPOSE: compared, and nowhere kept.
                !shown.expose().is_empty() && own.expose().starts_with(shown.expose().as_str())
            }),
            Some(Shown::Marker(_)) | None => false,
        };
        match &attempt.shown {
            None => return Ok(None),
            Some(Shown::Marker(marker)) => {
                let Some(id) = grant_of_marker(marker) else { return Ok(None) };
                let found = Stored::<GrantRecord>::read(store, partition, &id.to_string()).await?;
                return Ok(found.map(|grant| grant.value));
            }
            Some(_) => {}
        }
        let mut first = None;
        for term in [term_of_door(attempt.device), term_of_past_door(attempt.device)] {
            let at_it = Stored::<GrantRecord>::find(store, partition, &term).await?;
            for grant in at_it.into_iter().map(|grant| grant.value).filter(&is_meant) {
                if grant.held.order.window.contains(attempt.at) {
                    return Ok(Some(grant));
                }
                first = first.or(Some(grant));
            }
        }
        Ok(first)
    }

    /// Attempts at doors that this adapter serves, with whose key was tried.
    pub(super) async fn seen(&self, told: Vec<DoorAttempt>) -> Result<Vec<SeenAttempt>, LockError> {
        let mut seen = Vec::with_capacity(told.len());
        for attempt in told.into_iter().filter(|attempt| self.doors.has_door(attempt.device)) {
            let grant = self.grant_of(&attempt).await?;
            let reference = grant.as_ref().and_then(|grant| grant.held.reference.as_ref());
            let vendor_ref_hash = match reference {
                Some(reference) => self.hash_of(reference).await?,
                None => None,
            };
            let order = grant.as_ref().map(|grant| &grant.held.order);
            seen.push(SeenAttempt {
                outcome: outcome(&attempt, order),
                event: attempt.event,
                device: attempt.device,
                at: attempt.at,
                credential: order.map(|order| order.credential),
                kind: order.map(|order| order.kind),
                vendor_ref_hash,
            });
        }
        Ok(seen)
    }
}

/// What the lock said; where it does not say whether it was too early or too late, the order does.
fn outcome(attempt: &DoorAttempt, order: Option<&GrantOrder>) -> AttemptOutcome {
    let AttemptOutcome::Denied(DenyReason::OutsideWindow) = attempt.outcome else { return attempt.outcome };
    AttemptOutcome::Denied(match order {
        Some(order) if attempt.at < order.window.from() => DenyReason::NotYetValid,
        Some(order) if attempt.at >= order.window.until() => DenyReason::Expired,
        _ => DenyReason::OutsideWindow,
    })
}

fn is_same(own: Option<&Secret>, shown: &Secret) -> bool {
    // EXPOSE: compared, and nowhere kept.
    own.is_some_and(|own| own.expose() == shown.expose())
}

#[async_trait]
impl<D: AccessFeed> AttemptFeed for Adapter<D> {
    async fn attempts(&self, after: Option<&Cursor>) -> Result<Page<SeenAttempt>, LockError> {
        let Page { told, next, more } = self.driver.attempts(after).await?;
        Ok(Page { told: self.seen(told).await?, next, more })
    }
}

#[async_trait]
impl<D: ClockSync> LockClocks for Adapter<D> {
    async fn set_clock(&self, device: LockDeviceId) -> Result<(), LockError> {
        if !self.doors.has_door(device) {
            return Err(LockError::device_not_paired(device));
        }
        self.driver.set_clock(device, self.env.now()).await.map_err(|error| error.at_device(device))
    }
}
