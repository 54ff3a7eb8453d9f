//! A property: its rooms and areas, the adapters that serve them, and what the hotel prefers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;

use crate::credential::KeyCredentialKind;
use crate::device::DoorMap;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{PropertyId, RoomId, TenantId};
use crate::port::SharedLockPort;
use crate::scope::{Area, GuestScope};
use crate::store::Partition;

/// What the hotel prefers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindPolicy {
    /// Kinds in order of preference, where a booking names none.
    pub preferred_kinds: Vec<KeyCredentialKind>,
    /// How long after a no-show the key is suspended.
    pub no_show_suspend_after: TimeDelta,
}

/// One adapter of a property, with the doors it serves.
#[derive(Clone, Debug)]
pub struct AdapterBinding {
    /// Its name within the property; it stands in idempotency keys, so it never changes.
    pub name: String,
    /// The port, with its layers.
    pub port: SharedLockPort,
    /// The doors it serves.
    pub doors: Arc<DoorMap>,
}

/// What one adapter has to open of a stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The adapter's name.
    pub adapter: String,
    /// The rooms, in the order of their ids.
    pub rooms: Vec<RoomId>,
    /// The areas, in the order of their names.
    pub scope: GuestScope,
}

/// One hotel.
#[derive(Clone, Debug)]
pub struct Property {
    partition: Partition,
    zone: String,
    policy: KindPolicy,
    adapters: Vec<AdapterBinding>,
}

impl Property {
    /// A hotel without locks yet, in this IANA time zone.
    #[must_use]
    pub fn new(tenant: TenantId, property: PropertyId, zone: String, policy: KindPolicy) -> Self {
        Self { partition: Partition { tenant, property }, zone, policy, adapters: Vec::new() }
    }

    /// With an adapter for these doors. A room or an area belongs to the first adapter that has it.
    #[must_use]
    pub fn with_adapter(mut self, name: &str, port: SharedLockPort, doors: Arc<DoorMap>) -> Self {
        self.adapters.push(AdapterBinding { name: name.to_owned(), port, doors });
        self
    }

    /// Tenant and property.
    #[must_use]
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// The IANA name of its time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// What the hotel prefers.
    #[must_use]
    pub const fn policy(&self) -> &KindPolicy {
        &self.policy
    }

    /// The adapter of this name.
    #[must_use]
    pub fn adapter(&self, name: &str) -> Option<&AdapterBinding> {
        self.adapters.iter().find(|binding| binding.name == name)
    }

    /// Who has to open what: rooms and areas, divided among the adapters.
    ///
    /// # Errors
    /// `INVALID_INPUT` with `unknown_place` when nobody has a room or an area.
    pub fn shares(&self, rooms: &BTreeSet<RoomId>, areas: &BTreeSet<Area>) -> Result<Vec<Share>, LockError> {
        let unknown = |what: &str| {
            let message = format!("the property has no such {what}");
            LockError::new(ErrorCode::InvalidInput, FailureReason::UnknownPlace, RetryAdvice::Never, message)
        };
        let mut shares: BTreeMap<usize, (Vec<RoomId>, Vec<Area>)> = BTreeMap::new();
        for room in rooms {
            let of = self
                .adapters
                .iter()
                .position(|binding| binding.doors.has_room(*room))
                .ok_or_else(|| unknown("room"))?;
            shares.entry(of).or_default().0.push(*room);
        }
        for area in areas {
            let of = self
                .adapters
                .iter()
                .position(|binding| binding.doors.has_area(area))
                .ok_or_else(|| unknown("area"))?;
            shares.entry(of).or_default().1.push(area.clone());
        }
        let share = |(of, (rooms, areas)): (usize, (Vec<RoomId>, Vec<Area>))| {
            let adapter = self.adapters.get(of)?.name.clone();
            Some(Share { adapter, rooms, scope: GuestScope { floors: Vec::new(), areas } })
        };
        Ok(shares.into_iter().filter_map(share).collect())
    }
}

/// The properties that one process serves.
#[derive(Debug, Default)]
pub struct Registry {
    properties: RwLock<BTreeMap<Partition, Arc<Property>>>,
}

impl Registry {
    /// Adds a property, or puts a new one in the place of an old one; who holds the old one goes on with it.
    pub fn insert(&self, property: Arc<Property>) {
        let mut properties = self.properties.write().unwrap_or_else(PoisonError::into_inner);
        properties.insert(property.partition(), property);
    }

    /// The property of this tenant.
    ///
    /// # Errors
    /// `TENANT_MISMATCH` when there is none: whether another tenant has it is not told.
    pub fn property(&self, tenant: TenantId, property: PropertyId) -> Result<Arc<Property>, LockError> {
        let properties = self.properties.read().unwrap_or_else(PoisonError::into_inner);
        properties.get(&Partition { tenant, property }).cloned().ok_or_else(LockError::tenant_mismatch)
    }
}
