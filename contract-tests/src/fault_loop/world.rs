//! The world of one run: a vendor, a ledger, a process over them that can die, and the host's clock.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DurationRound as _, TimeDelta};
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{
    Contact, Delivery, Guest as Person, Holder, IssueInput, KeyCredentialKind, Place, Progress, Proof,
    RevokeInput, RevokeReason, SuspendInput, SuspendReason, UnsuspendInput, UpdateInput,
};
use lockport::driver::Kind;
use lockport::env::{Clock, Env, ManualClock, SeededEntropy};
use lockport::id::{GuestId, KeyCredentialId, ReservationId, RoomId};
use lockport::idempotency::IdempotencyKey;
use lockport::store::ledger::LEASE_SECONDS;
use lockport::store::{Partition, Store, Table};
use lockport::{FailureReason, LockError, LockPort as _, RetryAdvice, Timestamp, Validity};

use super::choke::Choke;
use super::points::Points;
use super::rig::{Kept, Stand};
use super::ring::{Ring, same};
use super::scenario::{Guest, Op, Verb};
use super::watch::Watched;
use super::way::{Then, Way};
use crate::bench::BenchError;

/// How long one call of the host may take in real time. Nothing waits, so only what hangs gets there.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// How often a host sweeps before it waits for somebody to ask.
const SWEEPS: usize = 4;
/// The pause between two sweeps: no lease of a process that is gone is longer.
const SWEEP_PAUSE: Duration = Duration::from_secs(LEASE_SECONDS.unsigned_abs());

/// What the host was told when something was done.
#[derive(Clone)]
pub(crate) struct Told {
    /// Everything but the artifacts.
    text: String,
    pub(crate) delivery: Vec<Delivery>,
    /// How far a taking away is known to have got.
    pub(crate) proof: Option<Proof>,
}

impl Told {
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let pairs = self.delivery.iter().zip(&other.delivery);
        self.text == other.text
            && self.delivery.len() == other.delivery.len()
            && pairs.into_iter().all(|(one, other)| same(&one.artifact, &other.artifact))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How a call of the host ended.
#[derive(Debug)]
pub(crate) enum Said {
    Done(Told),
    /// Done for now; to be called again then, with the same key.
    Again(Timestamp, Told),
    /// The vendor is not done; ask then.
    Pending(Option<Timestamp>),
    /// It failed, and may be repeated after so long.
    Repeat(Duration, LockError),
    /// It failed for good.
    Refused(LockError),
    /// It was dropped while it waited.
    Dropped(Way),
    Hung,
}

pub(crate) struct World {
    pub(crate) stand: Stand,
    pub(crate) kind: Kind,
    pub(crate) points: Arc<Points>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) kept: Box<dyn Kept>,
    env: Env,
    /// The store as the living process has it, without failures.
    store: Arc<dyn Store>,
    adapter: Adapter<Watched>,
    births: u32,
    ids: BTreeMap<Guest, KeyCredentialId>,
    start: Timestamp,
    /// How many seconds the host's clock is behind the vendor's.
    behind: Arc<AtomicI64>,
    /// What is asked for: the rig's kind, and perhaps what is like it.
    kinds: Vec<KeyCredentialKind>,
    alike: Vec<KeyCredentialKind>,
    /// How often the desk took something else out of its drawer, because what lay on the encoder could not bear the key.
    swaps: usize,
    /// Nobody comes to the encoder.
    is_lonely: bool,
}

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

/// The pause of a host to whom nobody said how long to wait.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

impl World {
    pub(crate) async fn new(stand: Stand, kept: Box<dyn Kept>, seed: u64) -> Result<Self, BenchError> {
        stand.site.check()?;
        let clock = Arc::clone(&stand.clock);
        let hour = TimeDelta::hours(1);
        let start = clock.now().duration_trunc(hour).map_err(|_| BenchError::new("the clock is absurd"))?;
        let Choke { points, ring, .. } = stand.choke.clone();
        // One for all processes: a process that draws what another drew before is no process.
        let entropy = Arc::new(SeededEntropy::new(seed));
        let behind = Arc::new(AtomicI64::new(0));
        let host = Arc::new(HostClock { clock: clock.clone(), behind: Arc::clone(&behind) });
        let env = Env { clock: host, sleep: clock, entropy };
        let store = kept.open().await?;
        let inner = (stand.driver)()?;
        let descriptor = inner.describe();
        let kind = descriptor.kind(stand.kind).cloned();
        let kind = kind.ok_or_else(|| BenchError::new("the driver does not have the rig's kind"))?;
        let alike = descriptor.kinds.iter().filter(|other| other.per == kind.per && other.kind != kind.kind);
        let (kinds, alike) = (vec![kind.kind], alike.map(|other| other.kind).collect());
        let driver = Watched { inner, ring: Arc::clone(&ring) };
        let setup = setup(&stand, &store, &env, 0);
        let adapter = Adapter::new(driver, setup);
        let start = start + hour;
        let ids = BTreeMap::new();
        Ok(Self {
            stand,
            kind,
            points,
            ring,
            kept,
            env,
            store,
            adapter,
            births: 0,
            ids,
            start,
            behind,
            kinds,
            alike,
            swaps: 0,
            is_lonely: false,
        })
    }

    /// The process is gone; another one, with a name of its own, stands on the same ledger.
    pub(crate) async fn reborn(&mut self) -> Result<(), BenchError> {
        self.births = self.births.saturating_add(1);
        // Opened before the old one is let go: nothing was closed in good order.
        self.store = self.kept.open().await?;
        let driver = Watched { inner: (self.stand.driver)()?, ring: Arc::clone(&self.ring) };
        let setup = setup(&self.stand, &self.store, &self.env, self.births);
        self.adapter = Adapter::new(driver, setup);
        self.points.say("another process stands on the same store");
        Ok(())
    }

    /// What the host's clock shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// What time it is, which is what the vendor's clock shows.
    pub(crate) fn true_now(&self) -> Timestamp {
        self.stand.clock.now()
    }

    /// Somebody sets the host's clock back.
    pub(crate) fn set_back(&self, by: TimeDelta) {
        self.behind.fetch_add(by.num_seconds(), Ordering::SeqCst);
        self.points.say(&format!("the host's clock is set back by {} s", by.num_seconds()));
    }

    /// From here on a key of another kind will do, where the rig's own is not to be had.
    pub(crate) fn prefer_what_is_alike(&mut self) {
        self.kinds.append(&mut self.alike);
    }

    pub(crate) fn nobody_comes(&mut self, is_so: bool) {
        self.is_lonely = is_so;
    }

    /// So many seconds after the first full hour.
    pub(crate) fn at(&self, seconds: i64) -> Timestamp {
        self.start + TimeDelta::seconds(seconds)
    }

    fn hour(&self, hours: i32) -> Timestamp {
        self.start + TimeDelta::hours(hours.into())
    }

    /// Lets time pass; what is late lands on the way. Whether something did.
    pub(crate) async fn pass(&self, by: Duration) -> bool {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::zero());
        let then = self.true_now() + by;
        let mut landed = false;
        while let Some(lands) = self.stand.choke.late.next_by(then) {
            self.set(lands.max(self.true_now()));
            self.points.say("   the late call lands");
            self.stand.choke.late.land(&self.ring).await;
            landed = true;
        }
        self.set(then);
        landed
    }

    fn set(&self, now: Timestamp) {
        self.stand.clock.set(now);
        self.stand.probe.clock_moved(now);
    }

    /// The guest's credential, once it was asked for.
    pub(crate) fn credential(&self, guest: Guest) -> Option<KeyCredentialId> {
        self.ids.get(&guest).copied()
    }

    pub(crate) fn guests(&self) -> Vec<Guest> {
        self.ids.keys().copied().collect()
    }

    /// Whether an operation is open in the ledger.
    pub(crate) async fn has_open_operations(&self) -> Result<bool, BenchError> {
        let open =
            self.store.find(partition(&self.stand), Table::Operation, &format!("open:{ADAPTER}")).await;
        Ok(!open.map_err(|error| BenchError::new(error.to_string()))?.is_empty())
    }

    /// One call of the host.
    pub(crate) async fn call(&mut self, op: &Op) -> Result<Said, BenchError> {
        self.points.say(&format!("host: {} {}", op.key, op.guest));
        if let Verb::Issue { rooms, from, until } = op.verb {
            self.ids.insert(op.guest, self.issue(op, rooms, from, until)?.resulting_id());
        }
        if let Some(presence) = self.stand.presence.as_ref().filter(|_| !self.is_lonely) {
            presence.come(self.id(op)?, self.on_the_encoder());
        }
        let said = match op.verb {
            Verb::Issue { rooms, from, until } => {
                let input = self.issue(op, rooms, from, until)?;
                self.drive(self.adapter.issue_credential(input)).await.map(|result| {
                    let (state, after) = (result.state, result.ask_after);
                    let text = format!("{result:?}");
                    given(state, after, text, result.credential.delivery)
                })
            }
            Verb::Update { rooms, from, until } => {
                let mut input = UpdateInput::new(self.stand.site.tenant, self.id(op)?, key(op)?);
                input.rooms = rooms.map(|rooms| self.rooms(rooms));
                input.valid_from = from.map(|from| self.hour(from));
                input.valid_until = until.map(|until| self.hour(until));
                let input = input.with_place(self.place());
                self.drive(self.adapter.update_credential(input)).await.map(|result| {
                    let (state, after) = (result.state, result.ask_after);
                    let text = format!("{result:?}");
                    given(state, after, text, result.credential.delivery)
                })
            }
            Verb::Unsuspend => {
                let input = UnsuspendInput::new(self.stand.site.tenant, self.id(op)?, key(op)?);
                let input = input.with_place(self.place());
                self.drive(self.adapter.unsuspend_credential(input)).await.map(|result| {
                    let (state, after) = (result.state, result.ask_after);
                    let text = format!("{result:?}");
                    given(state, after, text, result.credential.delivery)
                })
            }
            Verb::Suspend => {
                let (tenant, id) = (self.stand.site.tenant, self.id(op)?);
                let input = SuspendInput::new(tenant, id, SuspendReason::Manual, key(op)?);
                let input = input.with_place(self.place());
                self.drive(self.adapter.suspend_credential(input)).await.map(|outcome| {
                    let text = format!("{outcome:?}");
                    Said::Done(Told { text, delivery: Vec::new(), proof: Some(outcome.proof) })
                })
            }
            Verb::Revoke => {
                let (tenant, id) = (self.stand.site.tenant, self.id(op)?);
                let input = RevokeInput::new(tenant, id, RevokeReason::Cancellation, key(op)?);
                let input = input.with_place(self.place());
                self.drive(self.adapter.revoke_credential(input)).await.map(|outcome| {
                    let text = format!("{outcome:?}");
                    let told = Told { text, delivery: Vec::new(), proof: Some(outcome.proof) };
                    outcome.again_at.map_or(Said::Done(told.clone()), |then| Said::Again(then, told))
                })
            }
        };
        if let Some(presence) = &self.stand.presence {
            presence.go();
        }
        let said = said.unwrap_or_else(|failed| failed);
        self.points.say(&format!("   {}", shown(&said)));
        if let (Said::Done(told) | Said::Again(_, told), Some(id)) = (&said, self.credential(op.guest)) {
            told.delivery.iter().for_each(|delivery| self.ring.add(id, delivery.artifact.clone()));
        }
        if let Said::Repeat(_, error) = &said
            && error.reason() == FailureReason::CardUnsupported
        {
            self.swaps = self.swaps.saturating_add(1);
        }
        if let Said::Dropped(way) = &said {
            self.lives_on(*way).await?;
        }
        Ok(said)
    }

    /// What can bear the key that is asked for, as far as the desk knows.
    fn on_the_encoder(&self) -> KeyCredentialKind {
        let number = self.swaps.checked_rem(self.kinds.len()).unwrap_or_default();
        self.kinds.get(number).copied().unwrap_or(self.kind.kind)
    }

    /// What comes after a drop.
    async fn lives_on(&mut self, way: Way) -> Result<(), BenchError> {
        match way.drops() {
            None | Some(Then::LivesOn) => Ok(()),
            Some(Then::Reborn) => self.reborn().await,
            Some(Then::Swept) => {
                self.reborn().await?;
                Box::pin(self.sweep()).await
            }
        }
    }

    /// The process carries on whatever is open, once.
    pub(crate) async fn sweep_once(&mut self) -> Result<(), BenchError> {
        self.points.say("host: sweeps");
        match tokio::time::timeout(CALL_LIMIT, self.points.until_dropped(self.adapter.sweep())).await {
            Ok(Err(way)) => self.lives_on(way).await,
            _ => Ok(()),
        }
    }

    /// The process carries on whatever is open, again and again. What it cannot finish, such as a card whose holder is away, is
    /// left to whoever asks for it.
    async fn sweep(&mut self) -> Result<(), BenchError> {
        for _ in 0..SWEEPS {
            self.pass(SWEEP_PAUSE).await;
            self.points.say("host: sweeps");
            let swept =
                tokio::time::timeout(CALL_LIMIT, self.points.until_dropped(self.adapter.sweep())).await;
            match swept {
                Ok(Ok(Ok(0))) => return Ok(()),
                Ok(Err(way)) if way.drops() != Some(Then::LivesOn) => self.reborn().await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Polls a call of the port until it answers, is dropped or hangs.
    async fn drive<T>(&self, call: impl Future<Output = Result<T, LockError>>) -> Result<T, Said> {
        match tokio::time::timeout(CALL_LIMIT, self.points.until_dropped(call)).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(match error.advice() {
                RetryAdvice::NotApplied | RetryAdvice::OutcomeUnknown => Said::Repeat(PAUSE, error),
                RetryAdvice::After(wait) => Said::Repeat(wait, error),
                _ => Said::Refused(error),
            }),
            Ok(Err(way)) => Err(Said::Dropped(way)),
            Err(_elapsed) => Err(Said::Hung),
        }
    }

    /// Where everything happens, for kinds that are written at an encoder.
    fn place(&self) -> Place {
        let at = self.stand.presence.as_ref().map(|presence| presence.encoder());
        Place { at, holder_device: None }
    }

    fn id(&self, op: &Op) -> Result<KeyCredentialId, BenchError> {
        self.credential(op.guest).ok_or_else(|| BenchError::new("the scenario changes what nobody asked for"))
    }

    fn rooms(&self, numbers: &[usize]) -> Vec<RoomId> {
        numbers.iter().filter_map(|number| self.stand.site.rooms.get(*number)).map(|room| room.id).collect()
    }

    fn issue(&self, op: &Op, rooms: &[usize], from: i32, until: i32) -> Result<IssueInput, BenchError> {
        let name = op.guest.to_string();
        let name = name.as_bytes();
        let holder = Holder::Guest(Person {
            id: GuestId::derived("lockport-contract/guest", &[name]),
            reservation_id: ReservationId::derived("lockport-contract/stay", &[name]),
            display_name: None,
            contact: Contact::default(),
        });
        let window = Validity::new(self.hour(from), self.hour(until));
        let window = window.map_err(|error| BenchError::new(error.to_string()))?;
        let (tenant, property) = (self.stand.site.tenant, self.stand.site.property);
        let input = IssueInput::new(tenant, property, holder, self.rooms(rooms), window, key(op)?);
        let holder = input.resulting_id();
        let read = self.stand.presence.as_ref().and_then(|presence| presence.read_at_the_desk(holder));
        let place = Place { holder_device: read, ..self.place() };
        Ok(input.with_preferred_kinds(self.kinds.clone()).with_place(place))
    }
}

/// The adapter's name in the ledger.
const ADAPTER: &str = "main";

fn partition(stand: &Stand) -> Partition {
    Partition { tenant: stand.site.tenant, property: stand.site.property }
}

fn setup(stand: &Stand, store: &Arc<dyn Store>, env: &Env, birth: u32) -> AdapterSetup {
    AdapterSetup {
        name: ADAPTER.to_owned(),
        partition: partition(stand),
        doors: Arc::new(stand.site.door_map()),
        store: stand.choke.store(Arc::clone(store)),
        env: env.clone(),
        instance: format!("process-{birth}"),
    }
}

fn key(op: &Op) -> Result<IdempotencyKey, BenchError> {
    format!("{}-{}", op.key, op.guest).parse().map_err(|_| BenchError::new("no idempotency key"))
}

fn given(state: Progress, after: Option<Timestamp>, text: String, delivery: Vec<Delivery>) -> Said {
    match state {
        Progress::Active => Said::Done(Told { text, delivery, proof: None }),
        _ => Said::Pending(after),
    }
}

fn shown(said: &Said) -> String {
    match said {
        Said::Done(_) => "done".to_owned(),
        Said::Again(then, _) => format!("done for now, again at {}", then.format("%H:%M:%S")),
        Said::Pending(_) => "pending".to_owned(),
        Said::Repeat(wait, error) => format!("again in {} s: {error}", wait.as_secs()),
        Said::Refused(error) => format!("refused: {error}"),
        Said::Dropped(_) => "dropped".to_owned(),
        Said::Hung => "hangs".to_owned(),
    }
}
