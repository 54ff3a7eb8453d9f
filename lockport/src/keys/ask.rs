//! What the hotel asks: whether a key is really gone, which doors it opens, whether tonight's guests will get in.

use super::KeyService;
use super::claim::KeyOwner;
use super::record::{KeyRecord, OPEN_KEY};
use super::state::KeyState;
use super::task::{DeskTask, DeskTaskKind, OPEN};
use crate::credential::{Decision, Holder, KeyCredentialKind, VendorCode, Warning};
use crate::device::DeviceHealth;
use crate::error::LockError;
use crate::id::{KeyCredentialId, LockDeviceId, ReservationId};
use crate::store::Stored;
use crate::validity::{Timestamp, Validity};

/// Whether everything that was ever given for a reservation is gone (X11, R180).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllRevoked {
    /// Every vendor has confirmed it.
    Confirmed,
    /// By this instant at the latest: something opens until then, and certainly not after.
    By(Timestamp),
    /// Something may open still, for all anybody knows.
    Open,
}

/// A credential as the hotel knows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeyView {
    /// The credential.
    pub id: KeyCredentialId,
    /// For whom it is kept.
    pub owner: KeyOwner,
    /// Who holds it.
    pub holder: Holder,
    /// At which adapter of the property.
    pub adapter: String,
    /// At which vendor.
    pub vendor: VendorCode,
    /// How it stands.
    pub state: KeyState,
    /// What kind it is, once it is there.
    pub kind: Option<KeyCredentialKind>,
    /// When the vendor lets it open.
    pub window: Validity,
    /// Whether something is still to be done about it.
    pub is_changing: bool,
    /// Whether it was given out or moved without the cloud, which has not heard of it (R42).
    pub is_provisional: bool,
    /// What came with it.
    pub warnings: Vec<Warning>,
    /// Why it is at this adapter and of this kind (R56, R120, R121).
    pub decisions: Vec<Decision>,
}

impl From<&KeyRecord> for KeyView {
    fn from(key: &KeyRecord) -> Self {
        Self {
            id: key.id,
            owner: key.owner,
            holder: key.holder.clone(),
            adapter: key.adapter.clone(),
            vendor: key.vendor.clone(),
            state: key.state,
            kind: key.kind,
            window: key.spec.validity,
            is_changing: key.work().is_some(),
            is_provisional: key.provisional_until.is_some(),
            warnings: key.warnings.clone(),
            decisions: key.decisions.clone(),
        }
    }
}

/// How it stands with one arrival.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// The key.
    pub key: KeyView,
    /// The doors it is for, with how each is; an error where its vendor does not say.
    pub doors: Vec<(LockDeviceId, Result<DeviceHealth, LockError>)>,
    /// What a person has to do about it.
    pub tasks: Vec<DeskTaskKind>,
}

impl Arrival {
    /// Whether its holder gets in as it stands: the key is there, nothing is to be done, and every door is
    /// [well](DeviceHealth::is_well).
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_there = self.key.state == KeyState::Active && !self.key.is_changing && self.tasks.is_empty();
        is_there && self.doors.iter().all(|(_, health)| health.as_ref().is_ok_and(DeviceHealth::is_well))
    }
}

impl KeyService {
    /// The credentials that were ever given for a reservation or a shift, those that are gone included.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn keys(&self, owner: KeyOwner) -> Result<Vec<KeyView>, LockError> {
        Ok(self.keys_of(owner).await?.iter().map(|key| KeyView::from(&key.value)).collect())
    }

    /// Whether everything that was given for a reservation is gone. A checkout waits for it (R180).
    ///
    /// # Errors
    /// When the store is away.
    pub async fn all_revoked(&self, reservation: ReservationId) -> Result<AllRevoked, LockError> {
        let now = self.env.now();
        let mut all = AllRevoked::Confirmed;
        for key in self.keys_of(reservation.into()).await? {
            let key = &key.value;
            all = match (key.is_open(), key.revoke_confirmed_at, all) {
                (true, ..) | (_, None, _) | (_, _, AllRevoked::Open) => AllRevoked::Open,
                (_, Some(at), AllRevoked::By(then)) => AllRevoked::By(at.max(then)),
                (_, Some(at), AllRevoked::Confirmed) if at > now => AllRevoked::By(at),
                (_, Some(_), AllRevoked::Confirmed) => AllRevoked::Confirmed,
            };
        }
        Ok(all)
    }

    /// The doors that a credential opens, or may open: what it was given for, and what it is being changed to.
    ///
    /// # Errors
    /// `CREDENTIAL_NOT_FOUND`; when the store is away.
    pub async fn affected_doors(&self, id: KeyCredentialId) -> Result<Vec<LockDeviceId>, LockError> {
        let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
        let key = found.ok_or_else(|| LockError::credential_not_found(id))?;
        Ok(self.doors_of(&key.value))
    }

    fn doors_of(&self, key: &KeyRecord) -> Vec<LockDeviceId> {
        let Some(binding) = self.property.adapter(&key.adapter) else { return Vec::new() };
        let mut doors: Vec<LockDeviceId> = [&key.spec, &key.wanted]
            .into_iter()
            .filter_map(|spec| binding.doors.resolve(&spec.rooms, &spec.scope).ok())
            .flatten()
            .collect();
        doors.sort_unstable();
        doors.dedup();
        doors
    }

    /// Will they get in? Every key whose window begins within this time, with its doors as their vendors see them and what still
    /// waits for a person; the vendors are asked once for each door.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn readiness(&self, during: Validity) -> Result<Vec<Arrival>, LockError> {
        let tasks = Stored::<DeskTask>::find(&*self.store, self.partition(), OPEN).await?;
        let mut known: std::collections::BTreeMap<LockDeviceId, Result<DeviceHealth, LockError>> =
            std::collections::BTreeMap::new();
        let mut arrivals = Vec::new();
        let mut keys = Stored::<KeyRecord>::find(&*self.store, self.partition(), OPEN_KEY).await?;
        // Whoever was refused a key arrives too.
        let mut failed: Vec<_> = tasks.iter().map(|task| task.value.credential).collect();
        failed.sort_unstable();
        failed.dedup();
        for id in failed {
            if keys.iter().all(|key| key.value.id != id) {
                let key = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
                keys.extend(key.filter(|key| key.value.state == KeyState::Failed));
            }
        }
        for key in keys {
            let key = &key.value;
            if !during.contains(key.wanted.validity.from()) {
                continue;
            }
            let mut doors = Vec::new();
            for door in self.doors_of(key) {
                let health = match (known.get(&door), self.property.adapter(&key.adapter)) {
                    (Some(health), _) => health.clone(),
                    (None, Some(binding)) => binding.port.health_check(door).await,
                    (None, None) => Err(LockError::device_not_paired(door)),
                };
                known.insert(door, health.clone());
                doors.push((door, health));
            }
            let own = tasks.iter().filter(|task| task.value.credential == key.id);
            let tasks = own.map(|task| task.value.kind).collect();
            arrivals.push(Arrival { key: KeyView::from(key), doors, tasks });
        }
        Ok(arrivals)
    }
}
