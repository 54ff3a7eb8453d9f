//! A hotel with a vendor in memory, one store, and as many processes over it as a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssuedCredential, KeyCredentialKind, Place, RevokeInput,
    RevokeReason, UpdateInput,
};
use lockport::driver::VendorDriver;
use lockport::env::{Clock, Entropy, Env, ManualClock, SeededEntropy};
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, RoomId};
use lockport::store::{MemoryStore, Partition, Store};
use lockport::{Timestamp, Validity};
use lockport_contract::harness::MockBench;
use lockport_mock::{MockDriver, Personality, descriptor};

/// A clock that can be set back.
#[derive(Debug)]
struct HostClock {
    clock: Arc<ManualClock>,
    behind: Arc<AtomicI64>,
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        self.clock.now() - TimeDelta::seconds(self.behind.load(Ordering::SeqCst))
    }
}

pub(crate) struct House {
    pub(crate) bench: MockBench,
    /// How many seconds every process's clock is behind the vendor's.
    pub(crate) behind: Arc<AtomicI64>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) kind: KeyCredentialKind,
}

impl House {
    pub(crate) fn of(personality: Personality) -> Self {
        Self::with_store(personality, Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_store(personality: Personality, store: Arc<dyn Store>) -> Self {
        let kind = descriptor(personality).kinds[0].kind;
        Self { bench: MockBench::of(personality).unwrap(), behind: Arc::default(), store, kind }
    }

    pub(crate) fn driver(&self) -> MockDriver {
        MockDriver::new(self.bench.vendor.clone())
    }

    pub(crate) fn process<D: VendorDriver>(&self, instance: &str, driver: D) -> Adapter<D> {
        let seed = instance.bytes().map(u64::from).sum();
        self.process_drawing(instance, driver, Arc::new(SeededEntropy::new(seed)))
    }

    /// As [`Self::process`], with what it draws.
    pub(crate) fn process_drawing<D: VendorDriver>(
        &self,
        instance: &str,
        driver: D,
        entropy: Arc<dyn Entropy>,
    ) -> Adapter<D> {
        let sleep = self.bench.clock.clone();
        let clock = Arc::new(HostClock { clock: sleep.clone(), behind: Arc::clone(&self.behind) });
        let setup = AdapterSetup {
            name: "main".to_owned(),
            partition: self.partition(),
            doors: Arc::new(self.bench.site.door_map()),
            store: Arc::clone(&self.store),
            env: Env { clock, sleep, entropy },
            instance: instance.to_owned(),
        };
        Adapter::new(driver, setup)
    }

    pub(crate) fn partition(&self) -> Partition {
        Partition { tenant: self.bench.site.tenant, property: self.bench.site.property }
    }

    pub(crate) fn room(&self, number: usize) -> RoomId {
        self.bench.site.rooms[number].id
    }

    pub(crate) fn door(&self, room: usize) -> LockDeviceId {
        self.bench.site.rooms[room].doors[0]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.bench.clock.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.bench.clock.advance(TimeDelta::seconds(seconds));
    }

    /// A key for these rooms, for the next twenty hours.
    pub(crate) fn issue(&self, guest: &str, rooms: &[usize]) -> IssueInput {
        let holder = Holder::Guest(Guest {
            id: GuestId::derived("guest", &[guest.as_bytes()]),
            reservation_id: ReservationId::derived("stay", &[guest.as_bytes()]),
            display_name: None,
            contact: Contact::default(),
        });
        let window = Validity::new(self.now(), self.now() + TimeDelta::hours(20)).unwrap();
        let (site, key) = (&self.bench.site, format!("issue-{guest}").parse().unwrap());
        let rooms = rooms.iter().map(|number| self.room(*number)).collect();
        IssueInput::new(site.tenant, site.property, holder, rooms, window, key)
            .with_preferred_kinds(vec![self.kind])
    }

    /// As [`Self::issue`], written at this encoder.
    pub(crate) fn issue_at(&self, guest: &str, room: usize, encoder: &str) -> IssueInput {
        let at = Some(Self::encoder(encoder));
        self.issue(guest, &[room]).with_place(Place { at, holder_device: None })
    }

    pub(crate) fn update(&self, id: KeyCredentialId, key: &str) -> UpdateInput {
        UpdateInput::new(self.bench.site.tenant, id, key.parse().unwrap())
    }

    pub(crate) fn revoke(&self, id: KeyCredentialId, key: &str) -> RevokeInput {
        RevokeInput::new(self.bench.site.tenant, id, RevokeReason::Cancellation, key.parse().unwrap())
    }

    pub(crate) fn encoder(name: &str) -> LockDeviceId {
        LockDeviceId::derived("encoder", &[name.as_bytes()])
    }

    pub(crate) fn put(&self, card: &str, encoder: &str) {
        self.bench.vendor.encoder(Self::encoder(encoder)).place_card(card);
    }

    /// Whether the room's first door opens to this text now.
    pub(crate) fn opens(&self, text: &str, room: usize) -> bool {
        self.bench.vendor.door(self.door(room)).try_open(text, self.now())
    }
}

/// What the guest types or shows: the first that was delivered.
pub(crate) fn text(credential: &IssuedCredential) -> String {
    match &credential.delivery[0].artifact {
        // EXPOSE: tried at the doors.
        Artifact::Pin(text) | Artifact::MobileToken(text) => text.expose().clone(),
        other => panic!("{other:?}"),
    }
}
