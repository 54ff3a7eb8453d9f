//! The house: simulated locks in the doors, and the whole of lockport behind the desk.

mod ttlock;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockport::Timestamp;
use lockport::adapter::AdapterSetup;
use lockport::credential::{Artifact, VendorCode};
use lockport::device::DoorMap;
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::LockDeviceId;
use lockport::keys::KeyService;
use lockport::port::{LockPort, SharedLockPort};
use lockport::property::Property;
use lockport::stack::LockStack;
use lockport::store::{MemoryStore, Partition, Store};

use super::hotel::Hotel;

/// The name of this process among those that share a store.
const INSTANCE: &str = "front-desk";

/// What a vendor's doors are to somebody who stands before them.
pub trait VendorDoors: fmt::Debug {
    /// The vendor's world has the same time as the house.
    fn set_clock(&self, now: Timestamp);

    /// Somebody holds everything he was handed against one of the doors.
    fn try_open(&self, door: &str, in_hand: &[Artifact], at: Timestamp) -> Verdict;
}

/// What a door did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it opened.
    pub opened: bool,
    /// Why, or why not; no secret stands in it.
    pub why: &'static str,
}

impl Verdict {
    const fn shut(why: &'static str) -> Self {
        Self { opened: false, why }
    }
}

/// Why a hotel cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HouseError {
    /// A lock system that has no simulator here yet.
    #[error("vendor {name:?} is not played yet: {code}")]
    NotPlayed {
        /// The name the hotel gives it.
        name: String,
        /// Whose lock system.
        code: VendorCode,
    },
    /// The simulated vendor, or the way to it, does not come up.
    #[error("vendor {name:?} does not start: {reason}")]
    DoesNotStart {
        /// The name the hotel gives it.
        name: String,
        /// Why.
        reason: String,
    },
}

/// A hotel in which doors can be tried.
#[derive(Debug)]
pub struct House {
    /// Behind the desk.
    pub service: KeyService,
    clock: Arc<ManualClock>,
    vendors: BTreeMap<String, Box<dyn VendorDoors>>,
    /// Door to vendor, both by name.
    doors: BTreeMap<String, String>,
}

/// What every vendor of a house is built on.
struct Site<'h> {
    hotel: &'h Hotel,
    store: Arc<dyn Store>,
    env: Env,
    seed: u64,
}

/// A vendor that is up: the driver's side of it, made into an adapter, and the doors' side.
struct Started {
    adapter: Arc<dyn LockPort>,
    doors: Box<dyn VendorDoors>,
}

impl House {
    /// Puts the locks in and opens the desk, at this time. The same seed makes the same house.
    ///
    /// # Errors
    /// [`HouseError`] when a vendor cannot be played or does not start.
    pub async fn start(hotel: &Hotel, now: Timestamp, seed: u64) -> Result<Self, HouseError> {
        if let Some((name, code)) = hotel.vendors.iter().find(|(_, code)| **code != VendorCode::TTLOCK) {
            return Err(HouseError::NotPlayed { name: name.clone(), code: code.clone() });
        }
        let clock = Arc::new(ManualClock::new(now));
        let env =
            Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(seed)) };
        let site = Site { hotel, store: Arc::new(MemoryStore::new()), env, seed };
        let policy = hotel.policy.clone();
        let mut property = Property::new(hotel.tenant, hotel.property, hotel.zone.name().to_owned(), policy);
        let mut vendors = BTreeMap::new();
        for name in hotel.vendors.keys() {
            if !hotel.doors().any(|(_, vendor)| vendor == name) {
                continue;
            }
            let doors = Arc::new(site.door_map(name));
            let started = ttlock::start(&site, name, &doors).await?;
            property = property.with_adapter(name, site.stack(started.adapter, &doors), doors);
            vendors.insert(name.clone(), started.doors);
        }
        let service = KeyService::new(Arc::new(property), site.store, site.env);
        let doors = hotel.doors().map(|(door, vendor)| (door.to_owned(), vendor.to_owned())).collect();
        Ok(Self { service, clock, vendors, doors })
    }

    /// Moves the time, for the desk and for every vendor.
    pub fn set_clock(&self, now: Timestamp) {
        for vendor in self.vendors.values() {
            vendor.set_clock(now);
        }
        self.clock.set(now);
    }

    /// Somebody holds everything he was handed against a door.
    #[must_use]
    pub fn try_open(&self, door: &str, in_hand: &[Artifact], at: Timestamp) -> Verdict {
        match self.doors.get(door).and_then(|vendor| self.vendors.get(vendor)) {
            Some(vendor) => vendor.try_open(door, in_hand, at),
            None => Verdict::shut("there is no such door"),
        }
    }
}

impl Site<'_> {
    fn partition(&self) -> Partition {
        Partition { tenant: self.hotel.tenant, property: self.hotel.property }
    }

    /// The id of the lock in a door: the same for the same door, so that a house can be left and entered again.
    fn device(&self, door: &str) -> LockDeviceId {
        LockDeviceId::derived("front-desk/door/v1", &[&self.hotel.property.to_bytes(), door.as_bytes()])
    }

    /// The rooms and areas of one vendor.
    fn door_map(&self, vendor: &str) -> DoorMap {
        let rooms = self.hotel.rooms.iter().filter(|room| room.vendor == vendor);
        let map = rooms.fold(DoorMap::default(), |map, room| {
            map.with_room(room.id, room.floor.clone(), vec![self.device(&room.door)])
        });
        let areas = self.hotel.areas.iter().filter(|area| area.vendor == vendor);
        areas.fold(map, |map, area| map.with_area(area.name.clone(), vec![self.device(&area.door)]))
    }

    fn setup(&self, vendor: &str, doors: &Arc<DoorMap>) -> AdapterSetup {
        AdapterSetup {
            name: vendor.to_owned(),
            partition: self.partition(),
            doors: doors.clone(),
            store: self.store.clone(),
            env: self.env.clone(),
            instance: INSTANCE.to_owned(),
        }
    }

    fn stack(&self, adapter: Arc<dyn LockPort>, doors: &Arc<DoorMap>) -> SharedLockPort {
        LockStack::new(adapter, self.partition(), doors.clone(), self.env.clone()).build()
    }
}
