//! The vendor as the test holds it: its doors, its faults, and what can be seen of it from outside.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lockport::Timestamp;
use lockport::device::DoorMap;
use lockport::env::Clock;
use lockport::id::{LockDeviceId, PropertyId};

use crate::cloud::Cloud;
use crate::door::Door;
use crate::fault::Fault;

/// How many grants a door holds unless told otherwise.
const MEMORY_LIMIT: usize = 200;

/// A vendor in memory: a cloud of its own with online locks, each door with its own grants. Clones are the same vendor.
#[derive(Clone)]
pub struct MockVendor(Arc<Shared>);

struct Shared {
    property: PropertyId,
    doors: DoorMap,
    clock: Arc<dyn Clock>,
    cloud: Mutex<Cloud>,
}

impl MockVendor {
    /// A vendor with a lock in each door of the map, living by `clock`.
    #[must_use]
    pub fn new(property: PropertyId, doors: DoorMap, clock: Arc<dyn Clock>) -> Self {
        let cloud = Mutex::new(Cloud::new(doors.doors(), MEMORY_LIMIT));
        Self(Arc::new(Shared { property, doors, clock, cloud }))
    }

    /// The door with this lock. A door that the vendor does not have opens to nobody.
    #[must_use]
    pub fn door(&self, device: LockDeviceId) -> Door {
        Door::new(self.clone(), device)
    }

    /// Puts a fault at the end of the queue: each write takes the first one out.
    pub fn push_fault(&self, fault: Fault) {
        self.push_fault_after(0, fault);
    }

    /// As [`Self::push_fault`], striking after so many more writes have passed.
    pub fn push_fault_after(&self, writes: u64, fault: Fault) {
        self.with_cloud(|cloud, _| cloud.faults.push_back((writes, fault)));
    }

    /// How many faults still wait for their write.
    #[must_use]
    pub fn faults_waiting(&self) -> usize {
        self.with_cloud(|cloud, _| cloud.faults.len())
    }

    /// How many grants the lock of a door holds at most from now on; what it holds already stays.
    pub fn set_memory_limit(&self, device: LockDeviceId, limit: usize) {
        self.with_cloud(|cloud, _| {
            if let Some(keypad) = cloud.doors.get_mut(&device) {
                keypad.memory_limit = limit;
            }
        });
    }

    /// How many grants the vendor holds at a door now, whatever their windows.
    #[must_use]
    pub fn live_grants(&self, device: LockDeviceId) -> usize {
        self.with_cloud(|cloud, _| cloud.doors.get(&device).map_or(0, |keypad| keypad.passes.len()))
    }

    /// How many grants the vendor ever made, those it has no more included.
    #[must_use]
    pub fn effects_made(&self) -> u64 {
        self.with_cloud(|cloud, _| cloud.effects_made)
    }

    /// How many calls of any sort were made to the vendor, those lost on the way included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.with_cloud(|cloud, _| cloud.calls)
    }

    pub(crate) fn property(&self) -> PropertyId {
        self.0.property
    }

    pub(crate) fn doors(&self) -> &DoorMap {
        &self.0.doors
    }

    /// The cloud as it stands now.
    pub(crate) fn with_cloud<T>(&self, look: impl FnOnce(&mut Cloud, Timestamp) -> T) -> T {
        let now = self.0.clock.now();
        let mut cloud = self.0.cloud.lock().unwrap_or_else(PoisonError::into_inner);
        cloud.settle(now);
        look(&mut cloud, now)
    }
}

impl fmt::Debug for MockVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockVendor").field("property", &self.0.property).finish_non_exhaustive()
    }
}
