//! The in-memory vendor on the bench.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::env::ManualClock;
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{
    ErrorCode, FailureReason, LockError, RetryAdvice, Secret, SharedLockPort, Timestamp, Validity,
};
use lockport_mock::{DOCUMENTED_CODES, MockDriver, MockVendor, Personality};

use super::{Exemption, Harness};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, Cut, Fault, FaultInjector, LockControl, Presence, Site, VendorProbe};

/// When every bench begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;

/// How late a call can arrive at most.
const LATEST: Duration = Duration::from_secs(29);

/// The mock's driver over the mock's vendor.
#[derive(Clone, Debug, Default)]
pub struct MockHarness {
    personality: Personality,
    exemptions: Vec<Exemption>,
}

impl MockHarness {
    /// The vendor of this personality.
    #[must_use]
    pub fn of(personality: Personality) -> Self {
        let exempt = |(case, reason): &(&str, &str)| Exemption {
            case: (*case).to_owned(),
            kind: None,
            reason: (*reason).to_owned(),
        };
        let exemptions = match personality {
            Personality::SilentAck => UNASKABLE.iter().map(exempt).collect(),
            Personality::Card => UNTOLD.iter().map(exempt).collect(),
            _ => Vec::new(),
        };
        Self { personality, exemptions }
    }
}

/// What cannot be asked of a vendor that honours no key and cannot be read back.
const UNASKABLE: &[(&str, &str)] = &[
    (
        "IDEM-003",
        "nobody can find the permission whose reply was lost: it is declared unknown, see DECLARE-001",
    ),
    (
        "IDEM-004",
        "nobody can know that the call was lost on its way: it is declared unknown, see DECLARE-001",
    ),
    ("IDEM-005", "nobody can know when the call took effect: it is declared unknown, see DECLARE-001"),
];

/// The digits that somebody set at a lock.
const BY_HAND: &str = "918273";

/// What nobody is told of offline locks.
const UNTOLD: &[(&str, &str)] = &[
    ("DEVICE-003", "the doors are offline: nobody is told of their batteries, and none is ever in reach"),
    ("PLAN-002", "the doors are offline: none is ever in reach, and none has to be"),
];

#[async_trait]
impl Harness for MockHarness {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        let bench = MockBench::of(self.personality)?;
        let driver = MockDriver::new(bench.vendor.clone());
        let backstage = Backstage::over(driver, &bench.site, &bench.clock, seed);
        Ok(bench.with_backstage(backstage))
    }

    fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }
}

/// A bench around a mock vendor that has no port yet: for whoever puts a driver or a port of his own in between.
#[derive(Clone, Debug)]
pub struct MockBench {
    /// The hotel.
    pub site: Site,
    /// The clock of the bench; the vendor's goes by it.
    pub clock: Arc<ManualClock>,
    /// The vendor, with a lock in each door of the hotel.
    pub vendor: MockVendor,
}

impl MockBench {
    /// The standard hotel, its locks from the mock vendor.
    ///
    /// # Errors
    /// Never in practice: the begin of the bench is a constant.
    pub fn new() -> Result<Self, BenchError> {
        Self::of(Personality::PerDoor)
    }

    /// As [`Self::new`], with a vendor of this personality.
    ///
    /// # Errors
    /// As there.
    pub fn of(personality: Personality) -> Result<Self, BenchError> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or_else(|| BenchError::new("no such time"))?;
        let site = Site::standard();
        let clock = Arc::new(ManualClock::new(begin));
        let vendor = MockVendor::of(personality, site.property, site.door_map(), clock.clone());
        Ok(Self { site, clock, vendor })
    }

    /// The bench with the port over this backstage.
    #[must_use]
    pub fn with_backstage(self, backstage: Backstage) -> Bench {
        let port = backstage.port();
        Bench { backstage: Some(backstage), ..self.with_port(port) }
    }

    /// The bench with this port, about which nothing else is known.
    #[must_use]
    pub fn with_port(self, port: SharedLockPort) -> Bench {
        let has_cards = self.vendor.personality() == Personality::Card;
        let people = || Box::new(People(self.vendor.clone())) as Box<dyn Presence>;
        Bench {
            port,
            clock: self.clock,
            presence: has_cards.then(people),
            locks: Some(Box::new(Locks(self.vendor.clone()))),
            tap: None,
            backstage: None,
            probe: Box::new(Probe(self.vendor.clone())),
            faults: Some(Box::new(Faults(self.vendor))),
            site: self.site,
        }
    }
}

struct Probe(MockVendor);

#[async_trait]
impl VendorProbe for Probe {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let text = match artifact {
            Artifact::Pin(text) | Artifact::MobileToken(text) => text,
            other => return Err(BenchError::new(format!("the mock's doors take no {}", other.type_name()))),
        };
        // EXPOSE: the door compares it with what it holds.
        Ok(self.0.door(door).try_open(text.expose(), at))
    }

    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        Ok(u64::try_from(self.0.live_grants(door)).unwrap_or(u64::MAX))
    }

    async fn ever_made(&self) -> Result<u64, BenchError> {
        Ok(self.0.effects_made())
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        Ok(self.0.calls())
    }

    /// The vendor lives by the bench's own clock.
    fn clock_moved(&self, _now: Timestamp) {}
}

struct Locks(MockVendor);

impl Locks {
    /// # Errors
    /// Where the locks are offline, nobody is told of their batteries and lines.
    fn told_of(&self) -> Result<(), BenchError> {
        match self.0.personality() {
            Personality::Card => Err(BenchError::new("nobody is told how an offline lock is")),
            _ => Ok(()),
        }
    }
}

impl LockControl for Locks {
    fn set_battery(&self, door: LockDeviceId, percent: u8) -> Result<(), BenchError> {
        self.0.set_battery(door, percent);
        self.told_of()
    }

    fn set_online(&self, door: LockDeviceId, is_online: bool) -> Result<(), BenchError> {
        self.0.set_online(door, is_online);
        self.told_of()
    }

    fn set_able(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        is_able: bool,
    ) -> Result<bool, BenchError> {
        self.0.set_able(door, kind, is_able);
        Ok(true)
    }

    fn set_by_hand(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        window: Validity,
        text: Option<&Secret>,
    ) -> Result<Option<Secret>, BenchError> {
        if kind != KeyCredentialKind::PinCode {
            return Ok(None);
        }
        let text = text.cloned().unwrap_or_else(|| Secret::new(BY_HAND.to_owned()));
        // EXPOSE: somebody types it at the lock.
        self.0.set_by_hand(door, text.expose(), window);
        Ok(Some(text))
    }

    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError> {
        self.0.set_lock_clock(door, ahead);
        Ok(())
    }

    fn set_vendor_clock(&self, ahead: TimeDelta) -> Result<(), BenchError> {
        self.0.set_clock(ahead);
        Ok(())
    }
}

/// Each holder has one card, named after his credential.
struct People(MockVendor);

impl People {
    fn card(holder: KeyCredentialId) -> String {
        format!("card of {holder}")
    }
}

#[async_trait]
impl Presence for People {
    fn encoder(&self) -> LockDeviceId {
        LockDeviceId::derived("lockport-contract/encoder", &[])
    }

    fn come(&self, holder: KeyCredentialId, _: KeyCredentialKind) {
        self.0.encoder(self.encoder()).place_card(&Self::card(holder));
    }

    fn go(&self) {
        let _card = self.0.encoder(self.encoder()).remove();
    }

    async fn try_card(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        Ok(self.0.door(door).try_open(&Self::card(holder), at))
    }
}

struct Faults(MockVendor);

impl FaultInjector for Faults {
    fn order(&self, fault: Fault) -> Result<(), BenchError> {
        let (after, fault) = match fault {
            Fault::LoseNextReply => (0, lockport_mock::Fault::LoseReply),
            Fault::DropNextBeforeEffect => (0, lockport_mock::Fault::LoseCall),
            Fault::LateEffect => (0, lockport_mock::Fault::LateEffect(LATEST)),
            Fault::RefuseAfter(calls) => (calls, lockport_mock::Fault::Refuse(full())),
            Fault::RefuseNextWithUnknownCode => (0, lockport_mock::Fault::UnknownCode),
            Fault::RefuseNextWith(code) => {
                let code = u16::try_from(code).map_err(|_| BenchError::new("the mock has no such code"))?;
                (0, lockport_mock::Fault::Code(code))
            }
            Fault::NeverSend => (0, lockport_mock::Fault::NotSent),
            Fault::CutWrite(writes, Cut::Early) => (writes, lockport_mock::Fault::LoseCall),
            Fault::CutWrite(writes, Cut::Midway) => (writes, lockport_mock::Fault::Tear),
            Fault::CutWrite(writes, Cut::Late) => (writes, lockport_mock::Fault::LoseReply),
            Fault::LoseWritten(writes) => (writes, lockport_mock::Fault::Miswrite),
        };
        self.0.push_fault_after(after, fault);
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.0.faults_waiting()
    }

    fn forget(&self) {
        self.0.forget_faults();
    }

    fn documented_codes(&self) -> Vec<i64> {
        DOCUMENTED_CODES.map(i64::from).to_vec()
    }
}

fn full() -> LockError {
    let message = "the door holds no more grants";
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::CapacityFull, RetryAdvice::Never, message)
}
