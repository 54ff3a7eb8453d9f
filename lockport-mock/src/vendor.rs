//! The vendor as the test holds it: its doors, its encoders, its faults, and what can be seen of it from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::device::DoorMap;
use lockport::env::{Clock, Sleep};
use lockport::id::{LockDeviceId, PropertyId};
use lockport::{Secret, Timestamp, Validity};

use crate::chance::Chance;
use crate::cloud::{Cloud, Pass, Standing};
use crate::desk::Desk;
use crate::door::Door;
use crate::encoder::Encoder;
use crate::fault::Fault;
use crate::lock::Lock;
use crate::personality::Personality;
use crate::record::Records;
use crate::url::{MockUrl, MockUrlError};
use crate::wire::Wire;

/// How many grants a door holds unless told otherwise.
const MEMORY_LIMIT: usize = 200;

/// A vendor in memory, with a lock in each door. Clones are the same vendor.
#[derive(Clone)]
pub struct MockVendor(Arc<Shared>);

struct Shared {
    property: PropertyId,
    doors: DoorMap,
    /// The host's, and with `ahead` the vendor's own.
    clock: Arc<dyn Clock>,
    ahead: Mutex<TimeDelta>,
    url: MockUrl,
    sleep: Mutex<Option<Arc<dyn Sleep>>>,
    state: Mutex<State>,
}

/// What is on the vendor's side. A vendor of cards has nothing in its cloud, every other nothing at its desk.
pub(crate) struct State {
    pub(crate) wire: Wire,
    pub(crate) cloud: Cloud,
    pub(crate) desk: Desk,
    pub(crate) records: Records,
    /// The locks of which something else was said than of all.
    locks: BTreeMap<LockDeviceId, Lock>,
}

impl State {
    pub(crate) fn lock(&self, device: LockDeviceId) -> Lock {
        self.locks.get(&device).copied().unwrap_or_default()
    }

    pub(crate) fn lock_mut(&mut self, device: LockDeviceId) -> &mut Lock {
        self.locks.entry(device).or_default()
    }
}

impl MockVendor {
    /// An online vendor that is told about each door on its own, with a lock in each door of the map, living by `clock`.
    #[must_use]
    pub fn new(property: PropertyId, doors: DoorMap, clock: Arc<dyn Clock>) -> Self {
        Self::of(Personality::PerDoor, property, doors, clock)
    }

    /// A vendor of this kind.
    #[must_use]
    pub fn of(personality: Personality, property: PropertyId, doors: DoorMap, clock: Arc<dyn Clock>) -> Self {
        Self::built(MockUrl { personality, ..MockUrl::default() }, property, doors, clock)
    }

    /// The vendor at a [`mock:` address](MockUrl).
    ///
    /// # Errors
    /// [`MockUrlError`] when the address says something that a mock does not understand.
    pub fn from_url(
        url: &str,
        property: PropertyId,
        doors: DoorMap,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, MockUrlError> {
        Ok(Self::built(url.parse()?, property, doors, clock))
    }

    fn built(url: MockUrl, property: PropertyId, doors: DoorMap, clock: Arc<dyn Clock>) -> Self {
        let locks = doors.doors();
        let chance = Chance::behind(url.seed, locks.iter());
        let locks = locks.into_iter().map(|door| (door, MEMORY_LIMIT)).collect();
        let mut cloud = Cloud::new(locks, url.personality.receive(), chance);
        cloud.webhooks = (url.personality == Personality::Webhook).then(Vec::new);
        let wire = Wire::new(url.fail.clone(), Chance::new(!url.seed));
        let state = Mutex::new(State {
            wire,
            cloud,
            desk: Desk::default(),
            records: Records::default(),
            locks: BTreeMap::new(),
        });
        Self(Arc::new(Shared {
            property,
            doors,
            clock,
            ahead: Mutex::default(),
            url,
            sleep: Mutex::default(),
            state,
        }))
    }

    /// Lets calls take the time that the address says from now on; before that they take none.
    pub fn sleep_on(&self, sleep: Arc<dyn Sleep>) {
        *self.0.sleep.lock().unwrap_or_else(PoisonError::into_inner) = Some(sleep);
    }

    /// What kind of vendor it is.
    #[must_use]
    pub fn personality(&self) -> Personality {
        self.0.url.personality
    }

    /// The door with this lock. A door that the vendor does not have opens to nobody.
    #[must_use]
    pub fn door(&self, device: LockDeviceId) -> Door {
        Door::new(self.clone(), device)
    }

    /// The encoder of this name; every name is one.
    #[must_use]
    pub fn encoder(&self, device: LockDeviceId) -> Encoder {
        Encoder::new(self.clone(), device)
    }

    /// What the vendor has called back with since the last time somebody asked: one text a call, the first first.
    #[must_use]
    pub fn take_webhooks(&self) -> Vec<String> {
        self.with(|state, _| state.cloud.webhooks.as_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Puts a fault at the end of the queue: each write takes the first one out.
    pub fn push_fault(&self, fault: Fault) {
        self.push_fault_after(0, fault);
    }

    /// As [`Self::push_fault`], striking after so many more writes have passed.
    pub fn push_fault_after(&self, writes: u64, fault: Fault) {
        self.with(|state, _| state.wire.faults.push_back((writes, fault)));
    }

    /// Forgets the faults that still wait for their write.
    pub fn forget_faults(&self) {
        self.with(|state, _| state.wire.faults.clear());
    }

    /// How many faults still wait for their write.
    #[must_use]
    pub fn faults_waiting(&self) -> usize {
        self.with(|state, _| state.wire.faults.len())
    }

    /// How many grants the lock of a door holds at most from now on; what it holds already stays.
    pub fn set_memory_limit(&self, device: LockDeviceId, limit: usize) {
        self.with(|state, _| {
            if let Some(own) = state.cloud.doors.get_mut(&device) {
                *own = limit;
            }
        });
    }

    /// The battery of this door's lock is at so many percent from now on. With none left the door opens to nobody, and with a new
    /// one it does again what the vendor says.
    pub fn set_battery(&self, device: LockDeviceId, percent: u8) {
        self.with(|state, _| state.lock_mut(device).battery_percent = percent.min(100));
    }

    /// The firmware that this door's lock says it has from now on; until then it says nothing.
    pub fn set_firmware(&self, device: LockDeviceId, version: [u16; 3]) {
        self.with(|state, _| state.lock_mut(device).firmware = Some(version));
    }

    /// Whether this door's lock answers the vendor from now on. It goes on doing what the cloud says: only what is told of it
    /// changes.
    pub fn set_online(&self, device: LockDeviceId, is_online: bool) {
        self.with(|state, _| state.lock_mut(device).is_online = is_online);
    }

    /// Whether this door's lock can take grants of this kind from now on; what it holds already stays.
    pub fn set_able(&self, device: LockDeviceId, kind: KeyCredentialKind, is_able: bool) {
        self.with(|state, _| {
            let lacking = &mut state.cloud.lacking;
            if is_able {
                lacking.remove(&(device, kind))
            } else {
                lacking.insert((device, kind))
            };
        });
    }

    /// Somebody sets a PIN at this door's lock, by hand: the door opens to it in the window, and the cloud has not heard of it.
    pub fn set_by_hand(&self, device: LockDeviceId, pin: &str, window: Validity) {
        let (kind, standing) = (KeyCredentialKind::PinCode, Standing::Open);
        let secret = Some(Secret::new(pin.to_owned()));
        let pass = Pass { kind, marker: String::new(), doors: vec![device], window, standing, secret };
        self.with(|state, _| state.cloud.by_hand.push(pass));
    }

    /// How far the clock of this door's lock is ahead of the true time from now on; behind it when negative.
    pub fn set_lock_clock(&self, device: LockDeviceId, ahead: TimeDelta) {
        self.with(|state, _| state.lock_mut(device).ahead = ahead);
    }

    /// How far the vendor's own clock is ahead of the host's from now on; behind it when negative.
    pub fn set_clock(&self, ahead: TimeDelta) {
        *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }

    /// How many grants the vendor holds for a door now, whatever their windows; at a vendor of cards: how many stand on cards.
    #[must_use]
    pub fn live_grants(&self, device: LockDeviceId) -> usize {
        self.with(|state, _| state.cloud.held_at(device).saturating_add(state.desk.held_at(device)))
    }

    /// How many grants the vendor ever made, those it has no more included.
    #[must_use]
    pub fn effects_made(&self) -> u64 {
        self.with(|state, _| state.cloud.effects_made.saturating_add(state.desk.effects_made))
    }

    /// How many calls of any sort were made to the vendor, those lost on the way included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.with(|state, _| state.wire.calls)
    }

    pub(crate) fn property(&self) -> PropertyId {
        self.0.property
    }

    pub(crate) fn doors(&self) -> &DoorMap {
        &self.0.doors
    }

    pub(crate) fn url(&self) -> &MockUrl {
        &self.0.url
    }

    /// Half the way between driver and vendor.
    pub(crate) async fn travel(&self) {
        let half = self.0.url.latency.round_trip() / 2;
        let sleep = self.0.sleep.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sleep) = sleep.filter(|_| !half.is_zero()) {
            sleep.sleep(half).await;
        }
    }

    /// What the host's clock shows, by which a driver reckons.
    pub(crate) fn host_now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The vendor as it stands now, and what its own clock shows.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.0.clock.now();
        let ahead = *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.checked_add_signed(ahead).unwrap_or(now);
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.cloud.settle(now);
        look(&mut state, now)
    }
}

impl fmt::Debug for MockVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockVendor")
            .field("personality", &self.personality())
            .field("property", &self.0.property)
            .finish_non_exhaustive()
    }
}
