//! A property: its rooms and areas, the adapters that serve them, and what the hotel prefers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;

use crate::credential::{KeyCredentialKind, Proof, RevokeReason};
use crate::device::DoorMap;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use crate::port::{Settle, SharedLockPort};
use crate::scope::{Area, GuestScope, StaffScope};
use crate::store::Partition;

/// What the hotel prefers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindPolicy {
    /// Kinds in order of preference, where a booking names none.
    pub preferred_kinds: Vec<KeyCredentialKind>,
    /// How long after a no-show the key is suspended.
    pub no_show_suspend_after: TimeDelta,
}

/// How sure it has to be that a key is gone, by the reason it goes for. Where less is to be had, a security alert is told and
/// somebody goes and looks; the revoke itself is none the worse for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokePolicy {
    required: BTreeMap<RevokeReason, Proof>,
}

impl Default for RevokePolicy {
    /// A lost key, and one taken away for security, has to be gone at the vendor; for any other the end of its window will do.
    fn default() -> Self {
        Self { required: BTreeMap::new() }
            .requiring(RevokeReason::Lost, Proof::AtVendor)
            .requiring(RevokeReason::Security, Proof::AtVendor)
    }
}

impl RevokePolicy {
    /// With this proof required for this reason.
    #[must_use]
    pub fn requiring(mut self, reason: RevokeReason, proof: Proof) -> Self {
        self.required.insert(reason, proof);
        self
    }

    /// What is required.
    #[must_use]
    pub fn required(&self, reason: RevokeReason) -> Proof {
        self.required.get(&reason).copied().unwrap_or(Proof::ExpiresOnly)
    }
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
    /// The encoder at the desk, where it has one: a key that stands on a card is written and rewritten there.
    pub encoder: Option<LockDeviceId>,
    /// Where a person's word on what no machine can find out goes.
    pub settle: Option<Arc<dyn Settle>>,
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

/// Adapters that are not to be asked as long as there is another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Avoid<'a> {
    /// Their names.
    pub adapters: BTreeSet<String>,
    /// The rooms and areas that such an adapter gave a key for all the same.
    pub given: BTreeMap<String, (BTreeSet<RoomId>, BTreeSet<Area>)>,
    /// Where there is no other one, this rather than the first.
    pub but_rather: Option<&'a str>,
}

/// One hotel.
#[derive(Clone, Debug)]
pub struct Property {
    partition: Partition,
    zone: String,
    policy: KindPolicy,
    revoke_policy: RevokePolicy,
    issue_horizon: Option<TimeDelta>,
    adapters: Vec<AdapterBinding>,
}

impl Property {
    /// A hotel without locks yet, in this IANA time zone.
    #[must_use]
    pub fn new(tenant: TenantId, property: PropertyId, zone: String, policy: KindPolicy) -> Self {
        Self {
            partition: Partition { tenant, property },
            zone,
            policy,
            revoke_policy: RevokePolicy::default(),
            issue_horizon: None,
            adapters: Vec::new(),
        }
    }

    /// With another [`RevokePolicy`].
    #[must_use]
    pub fn with_revoke_policy(mut self, policy: RevokePolicy) -> Self {
        self.revoke_policy = policy;
        self
    }

    /// Keys are asked for so long before their window begins, and no sooner; without a horizon at once. A lock's memory holds so
    /// and so many keys, and a booking may be a year ahead.
    #[must_use]
    pub const fn with_issue_horizon(mut self, horizon: TimeDelta) -> Self {
        self.issue_horizon = Some(horizon);
        self
    }

    /// How sure it has to be that a key is gone.
    #[must_use]
    pub const fn revoke_policy(&self) -> &RevokePolicy {
        &self.revoke_policy
    }

    /// How long before its window begins a key is asked for, where that is not at once.
    #[must_use]
    pub const fn issue_horizon(&self) -> Option<TimeDelta> {
        self.issue_horizon
    }

    /// With an adapter for these doors. A room or an area belongs to the first adapter that has it; where several have it, the
    /// next one is asked when the first cannot give a key.
    #[must_use]
    pub fn with_adapter(self, name: &str, port: SharedLockPort, doors: Arc<DoorMap>) -> Self {
        self.with_binding(AdapterBinding { name: name.to_owned(), port, doors, encoder: None, settle: None })
    }

    /// With an adapter that also has an encoder, or takes a person's word.
    #[must_use]
    pub fn with_binding(mut self, binding: AdapterBinding) -> Self {
        self.adapters.push(binding);
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

    /// The adapters, in the order in which they are asked.
    #[must_use]
    pub fn adapters(&self) -> &[AdapterBinding] {
        &self.adapters
    }

    /// Who has to open what: rooms and areas, divided among the adapters. An adapter to avoid gets only what nobody else has.
    ///
    /// # Errors
    /// `INVALID_INPUT` with `unknown_place` when nobody has a room or an area.
    pub fn shares(
        &self,
        rooms: &BTreeSet<RoomId>,
        areas: &BTreeSet<Area>,
        avoid: &Avoid<'_>,
    ) -> Result<Vec<Share>, LockError> {
        type Has<'h> = &'h dyn Fn(&AdapterBinding) -> bool;
        let of = |what: &str, has: Has<'_>, was_given: Has<'_>| {
            let own = || self.adapters.iter().enumerate().filter(|(_, binding)| has(binding));
            let is_asked =
                |binding: &AdapterBinding| !avoid.adapters.contains(&binding.name) || was_given(binding);
            let untried = own().find(|(_, binding)| is_asked(binding));
            let but_rather = || own().find(|(_, binding)| avoid.but_rather == Some(binding.name.as_str()));
            let of = untried.or_else(but_rather).or_else(|| own().next());
            of.map(|(index, _)| index).ok_or_else(|| unknown(what))
        };
        let given = |binding: &AdapterBinding| avoid.given.get(&binding.name);
        let mut shares: BTreeMap<usize, (Vec<RoomId>, Vec<Area>)> = BTreeMap::new();
        for room in rooms {
            let was_given =
                |binding: &AdapterBinding| given(binding).is_some_and(|(rooms, _)| rooms.contains(room));
            let of = of("room", &|binding| binding.doors.has_room(*room), &was_given)?;
            shares.entry(of).or_default().0.push(*room);
        }
        for area in areas {
            let was_given =
                |binding: &AdapterBinding| given(binding).is_some_and(|(_, areas)| areas.contains(area));
            let of = of("area", &|binding| binding.doors.has_area(area), &was_given)?;
            shares.entry(of).or_default().1.push(area.clone());
        }
        let share = |(of, (rooms, areas)): (usize, (Vec<RoomId>, Vec<Area>))| {
            let adapter = self.adapters.get(of)?.name.clone();
            Some(Share { adapter, rooms, scope: GuestScope { floors: Vec::new(), areas } })
        };
        Ok(shares.into_iter().filter_map(share).collect())
    }

    /// The rooms and areas within a member of staff's reach (R105). `assigned` are the rooms that `rooms:assigned` means; the
    /// back of house is the area of that name. A room or an area that a scope names stands there as it is named, whether the
    /// property has it or not.
    #[must_use]
    pub fn reach(
        &self,
        scopes: &[StaffScope],
        assigned: &BTreeSet<RoomId>,
    ) -> (BTreeSet<RoomId>, BTreeSet<Area>) {
        let (mut rooms, mut areas) = (BTreeSet::new(), BTreeSet::new());
        let all_areas = || self.adapters.iter().flat_map(|binding| binding.doors.areas());
        for scope in scopes {
            match scope {
                StaffScope::Room(room) => {
                    rooms.insert(*room);
                }
                StaffScope::Floor(floor) => {
                    rooms.extend(self.adapters.iter().flat_map(|binding| binding.doors.rooms_on(floor)));
                }
                StaffScope::RoomsAssigned => rooms.extend(assigned),
                StaffScope::RoomsAll => {
                    rooms.extend(self.adapters.iter().flat_map(|binding| binding.doors.rooms()));
                }
                StaffScope::Area(area) => {
                    areas.insert(area.clone());
                }
                StaffScope::AreasAll => areas.extend(all_areas().cloned()),
                StaffScope::BackOfHouse => {
                    areas.extend(all_areas().filter(|area| area.as_str() == BACK_OF_HOUSE).cloned());
                }
            }
        }
        (rooms, areas)
    }

    /// Whether the property has the room.
    #[must_use]
    pub fn has_room(&self, room: RoomId) -> bool {
        self.adapters.iter().any(|binding| binding.doors.has_room(room))
    }

    /// Whether the property has the area.
    #[must_use]
    pub fn has_area(&self, area: &Area) -> bool {
        self.adapters.iter().any(|binding| binding.doors.has_area(area))
    }
}

/// The area that `back_of_house` means.
pub const BACK_OF_HOUSE: &str = "back_of_house";

fn unknown(what: &str) -> LockError {
    let message = format!("the property has no such {what}");
    LockError::new(ErrorCode::InvalidInput, FailureReason::UnknownPlace, RetryAdvice::Never, message)
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
