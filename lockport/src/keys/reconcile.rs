//! From what a reservation is to what its keys have to become. Nothing is called here: what is to be done is written down.

use super::KeyService;
use super::record::{KeyRecord, Spec, Work};
use super::state::KeyState;
use super::stay::{Booking, Stay, StayEvent, StayRecord};
use super::tell;
use crate::credential::{KeyCredentialKind, RevokeReason};
use crate::error::LockError;
use crate::event::Published;
use crate::id::KeyCredentialId;
use crate::idempotency::IdempotencyKey;
use crate::property::Share;
use crate::store::{StoreError, Stored, Transaction};

impl StayEvent {
    pub(super) const fn booking(&self) -> Option<&Booking> {
        match self {
            Self::Confirmed(booking) | Self::DatesChanged(booking) => Some(booking),
            Self::Ended(_) => None,
        }
    }
}

impl KeyRecord {
    /// The name of this key's issue: the stay's generation and the key's number within it (R79, X7).
    pub(super) fn issue_key(&self) -> IdempotencyKey {
        let step = format!("issue/{}/{}", self.adapter, self.nth);
        IdempotencyKey::for_stay_step(self.reservation, &step, self.from_version)
    }

    /// Whether the key was ever handed to a port.
    const fn was_handed_over(&self) -> bool {
        self.attempts > 0 || !matches!(self.state, KeyState::Requested)
    }

    const fn is_leaving(&self) -> bool {
        matches!(self.work, Some(Work::Revoke(_)))
    }
}

impl KeyService {
    /// Makes the keys of a reservation want what the reservation is now.
    pub(super) async fn reconcile(
        &self,
        stay: &StayRecord,
        keys: &mut Vec<Stored<KeyRecord>>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let live = match stay.fold() {
            Stay::Live { begun, version, booking } if !booking.validity.is_over(now) => {
                Some((begun, version, booking))
            }
            Stay::Live { .. } | Stay::Nothing | Stay::Ended(_) => None,
        };
        let over = live.is_none();
        let mut shares = match &live {
            Some((_, _, booking)) => self.property.shares(&booking.rooms, &booking.areas)?,
            None => Vec::new(),
        };
        for key in keys.iter_mut() {
            if !key.value.is_open() || key.value.is_leaving() {
                continue;
            }
            let share = live.as_ref().and_then(|(begun, _, booking)| {
                let belongs = key.value.from_version >= *begun;
                // A key whose window is over cannot be brought back by moving its window: the guest gets another.
                let over = key.value.spec.validity.is_over(now) && key.value.was_handed_over();
                let of =
                    shares.iter().position(|share| belongs && !over && share.adapter == key.value.adapter)?;
                Some((shares.remove(of), booking))
            });
            match share {
                Some((share, booking)) => self.want(&mut key.value, booking, &share),
                None => {
                    let reason = stay.ending_after(key.value.from_version).unwrap_or(RevokeReason::Replaced);
                    self.give_up(&mut key.value, reason, transaction)?;
                }
            }
            transaction.put(key)?;
        }
        if let Some((_, version, booking)) = live {
            for share in shares {
                let nth = keys
                    .iter()
                    .filter(|key| key.value.adapter == share.adapter && key.value.from_version == version)
                    .count();
                let nth = u32::try_from(nth).unwrap_or(u32::MAX);
                let mut key = Stored::fresh(self.new_key(stay, version, &booking, &share, nth)?);
                let data = tell::requested(&key.value, key.value.issue_key().as_str());
                self.tell(transaction, Published::CredentialRequested, &key.value.cause, data)?;
                transaction.put(&mut key)?;
                keys.push(key);
            }
        }
        if over {
            self.close_escorts(stay.reservation, None, transaction).await?;
        }
        Ok(())
    }

    fn new_key(
        &self,
        stay: &StayRecord,
        version: u64,
        booking: &Booking,
        share: &Share,
        nth: u32,
    ) -> Result<KeyRecord, LockError> {
        let binding = self.property.adapter(&share.adapter).ok_or(StoreError::Corrupt)?;
        let parts: [&[u8]; 4] = [
            &stay.reservation.to_bytes(),
            share.adapter.as_bytes(),
            &version.to_be_bytes(),
            &nth.to_be_bytes(),
        ];
        let spec = Spec::of(booking, share);
        // The booking's wish first, then the hotel's, then anything: a guest with another key than wished for still gets in.
        let mut kinds = booking.preferred_kinds.clone();
        for kind in self.property.policy().preferred_kinds.iter().chain(&KeyCredentialKind::ALL) {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        Ok(KeyRecord {
            id: KeyCredentialId::derived("lockport/stay-key/v1", &parts),
            reservation: stay.reservation,
            adapter: share.adapter.clone(),
            vendor: binding.port.describe_adapter().vendor,
            from_version: version,
            nth,
            booking: booking.clone(),
            kinds,
            state: KeyState::Requested,
            wanted: spec.clone(),
            spec,
            moves: 0,
            kind: None,
            work: Some(Work::Issue),
            attempts: 0,
            next_try: Some(self.env.now()),
            artifact: None,
            delivery: Vec::new(),
            warnings: Vec::new(),
            issued_at: None,
            revoked_at: None,
            revoke_confirmed_at: None,
            cause: stay.cause(version),
        })
    }

    /// Makes a key want what its share of the booking is.
    fn want(&self, key: &mut KeyRecord, booking: &Booking, share: &Share) {
        let wanted = Spec::of(booking, share);
        if key.wanted == wanted {
            return;
        }
        key.wanted = wanted;
        if !key.was_handed_over() {
            key.spec = key.wanted.clone();
            key.booking = booking.clone();
        } else if key.state == KeyState::Active {
            key.moves = key.moves.saturating_add(1);
            key.work = Some(Work::Update);
            key.attempts = 0;
            key.next_try = Some(self.env.now());
        }
    }

    /// A key that is no longer wanted: forgotten when nobody has it yet, taken away otherwise.
    pub(super) fn give_up(
        &self,
        key: &mut KeyRecord,
        reason: RevokeReason,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        if key.was_handed_over() {
            key.work = Some(Work::Revoke(reason));
            key.attempts = 0;
            key.next_try = Some(self.env.now());
            return Ok(());
        }
        key.state = KeyState::Failed;
        key.work = None;
        let data = tell::failed(key, None, self.env.now());
        self.tell(transaction, Published::CredentialFailed, &key.cause, data)
    }
}
