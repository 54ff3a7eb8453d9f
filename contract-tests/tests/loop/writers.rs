//! Two processes at once over one ledger: each call of theirs through the store or to the vendor is a step, and the steps are
//! taken in every order up to two changes of who goes on, and some with three. In half of the runs one process sleeps through
//! its lease in between, and lives.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use lockport::adapter::Adapter;
use lockport::credential::{Artifact, Delivery, Progress};
use lockport::driver::{
    Answer, Attempt, Found, GrantOrder, Granted, Held, VendorDriver, Withdrawal, Withdrawn,
};
use lockport::id::KeyCredentialId;
use lockport::store::ledger::LEASE_SECONDS;
use lockport::store::{Batch, MemoryStore, Partition, Row, Store, StoreError, Table};
use lockport::{LockError, LockPort as _, RetryAdvice, Timestamp};
use lockport_mock::Personality;

use crate::bent::{Bend, Bent};
use crate::house::House;

/// Lets the other go on, once.
async fn step() {
    let mut is_first = true;
    poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// A step before each call through the store, and one after each commit.
#[derive(Debug)]
struct Stepping(Arc<dyn Store>);

#[async_trait]
impl Store for Stepping {
    async fn read(&self, of: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        step().await;
        self.0.read(of, table, id).await
    }

    async fn find(&self, of: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        step().await;
        self.0.find(of, table, term).await
    }

    async fn due(
        &self,
        of: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.0.due(of, table, until, limit).await
    }

    async fn commit(&self, of: Partition, batch: &Batch) -> Result<(), StoreError> {
        step().await;
        self.0.commit(of, batch).await?;
        step().await;
        Ok(())
    }
}

/// A step between each call to the vendor and its answer.
#[derive(Clone, Copy, Debug)]
struct Travels;

#[async_trait]
impl Bend for Travels {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await;
        step().await;
        answer
    }

    async fn find(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        let found = inner.find(order, attempt).await;
        step().await;
        found
    }

    async fn amend(
        &self,
        inner: &dyn VendorDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.amend(held, target, attempt).await;
        step().await;
        answer
    }

    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let answer = inner.withdraw(withdrawal, attempt).await;
        step().await;
        answer
    }
}

type Process = Adapter<Bent<Travels>>;

/// What one of the two does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Issue(&'static str),
    /// From room 0 to room 1.
    Move,
    /// The same room, longer.
    Lengthen,
    Suspend,
    Revoke,
    Sweep,
}

/// What came of it: what was handed out, or for how long to wait.
type Said = Result<Vec<Delivery>, Option<i64>>;

struct Duel {
    house: House,
    ada: KeyCredentialId,
    begin: Timestamp,
}

impl Duel {
    async fn call(&self, process: &Process, act: Act) -> Said {
        let end = self.begin + chrono::TimeDelta::hours(30);
        let told = match act {
            Act::Issue(guest) => {
                let mut input = self.house.issue(guest, &[0]);
                let until = self.begin + chrono::TimeDelta::hours(20);
                input.validity = lockport::Validity::new(self.begin, until).unwrap();
                process.issue_credential(input).await.map(|issued| match issued.state {
                    Progress::Active => Ok(issued.credential.delivery),
                    _ => Err(Some(10)),
                })
            }
            Act::Move | Act::Lengthen => {
                let input = self.house.update(self.ada, &format!("{act:?}"));
                let input = match act {
                    Act::Move => input.with_rooms(vec![self.house.room(1)]),
                    _ => input.with_valid_until(end),
                };
                process.update_credential(input).await.map(|updated| match updated.state {
                    Progress::Active => Ok(updated.credential.delivery),
                    _ => Err(Some(10)),
                })
            }
            Act::Suspend => {
                let tenant = self.house.bench.site.tenant;
                let reason = lockport::credential::SuspendReason::Manual;
                let key = "suspend".parse().unwrap();
                let input = lockport::credential::SuspendInput::new(tenant, self.ada, reason, key);
                process.suspend_credential(input).await.map(|_| Ok(Vec::new()))
            }
            Act::Revoke => {
                let revoked = process.revoke_credential(self.house.revoke(self.ada, "revoke")).await;
                revoked.map(|outcome| match outcome.again_at {
                    None => Ok(Vec::new()),
                    Some(then) => Err(Some(then.signed_duration_since(self.house.now()).num_seconds())),
                })
            }
            Act::Sweep => process.sweep().await.map(|_| Ok(Vec::new())),
        };
        told.unwrap_or_else(|error| match error.advice() {
            RetryAdvice::NotApplied | RetryAdvice::OutcomeUnknown => Err(Some(1)),
            RetryAdvice::After(wait) => Err(Some(i64::try_from(wait.as_secs()).unwrap())),
            _ => Err(None),
        })
    }

    /// Repeats until there is an answer for good; `None` is a refusal.
    fn insist(&self, process: &Process, act: Act) -> Option<Vec<Delivery>> {
        for _ in 0..40 {
            match to_the_end(&mut (Box::pin(self.call(process, act)) as Running<'_>)) {
                Ok(delivery) => return Some(delivery),
                Err(None) => return None,
                Err(Some(wait)) => self.house.pass(wait.max(1)),
            }
        }
        panic!("{act:?} has no answer");
    }

    fn opens(&self, delivery: &[Delivery], room: usize) -> bool {
        delivery.iter().any(|one| match &one.artifact {
            // EXPOSE: tried at the doors.
            Artifact::Pin(text) | Artifact::MobileToken(text) => self.house.opens(text.expose(), room),
            _ => false,
        })
    }

    fn held(&self) -> [usize; 2] {
        [0, 1].map(|room| self.house.bench.vendor.live_grants(self.house.door(room)))
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Said> + 'a>>;

fn poll(running: &mut Running<'_>) -> Poll<Said> {
    running.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn to_the_end(running: &mut Running<'_>) -> Said {
    for _ in 0..2_000 {
        if let Poll::Ready(said) = poll(running) {
            return said;
        }
    }
    panic!("hangs");
}

/// Takes so many steps of one; whether it is done.
fn some(running: &mut Option<Running<'_>>, steps: usize) -> bool {
    for _ in 0..steps {
        match running.as_mut().map(poll) {
            Some(Poll::Pending) => {}
            _ => {
                *running = None;
                return true;
            }
        }
    }
    running.is_none()
}

/// How the steps of the two are put together: so many of the one, so many of the other, so many of the one, and the rest.
#[derive(Clone, Copy, Debug)]
struct Order {
    one: usize,
    other: usize,
    one_again: usize,
    /// The one sleeps through its lease after its first steps.
    sleeps: bool,
}

/// Plays the two in this order, and repeats both until they are answered. Whether the first steps of each
/// were all that he had.
async fn play(
    personality: Personality,
    stores: [Arc<dyn Store>; 2],
    acts: [Act; 2],
    order: Order,
) -> [bool; 2] {
    let [own, others] = stores;
    let mut house = House::with_store(personality, Arc::new(Stepping(own)));
    let begin = house.now();
    let ada = house.issue("ada", &[0]).resulting_id();
    let process = |house: &House, name: &str| {
        house.process(name, Bent { inner: Arc::new(house.driver()), bend: Travels })
    };
    let one = process(&house, "one");
    house.store = Arc::new(Stepping(others));
    let other = process(&house, "other");
    let duel = Duel { house, ada, begin };
    if !acts.contains(&Act::Issue("ada")) {
        duel.insist(&one, Act::Issue("ada")).unwrap();
    }
    let made_before = duel.house.bench.vendor.effects_made();

    let [first, second] = acts;
    let mut ones: Option<Running<'_>> = Some(Box::pin(duel.call(&one, first)));
    let mut its: Option<Running<'_>> = Some(Box::pin(duel.call(&other, second)));
    let is_all = some(&mut ones, order.one);
    if order.sleeps {
        duel.house.pass(LEASE_SECONDS + 1);
    }
    let is_all = [is_all, some(&mut its, order.other)];
    some(&mut ones, order.one_again);
    for running in [&mut its, &mut ones] {
        some(running, 2_000);
        assert!(running.is_none(), "hangs");
    }
    drop((ones, its));

    let said = [duel.insist(&one, first), duel.insist(&other, second)];
    duel.house.pass(200);
    let again = [duel.insist(&other, first), duel.insist(&one, second)];
    let what = format!("{personality}: {acts:?}, {order:?}");
    for (before, after) in said.iter().zip(&again) {
        assert_eq!(before.is_some(), after.is_some(), "{what}: another answer");
    }
    judge(&duel, acts, said, made_before, &what);
    assert_eq!(other.sweep_to_the_end(&duel), 0, "{what}: something is open");
    is_all
}

trait SweepToTheEnd {
    fn sweep_to_the_end(&self, duel: &Duel) -> usize;
}

impl SweepToTheEnd for Process {
    fn sweep_to_the_end(&self, duel: &Duel) -> usize {
        duel.house.pass(LEASE_SECONDS + 1);
        let mut sweep = Box::pin(self.sweep());
        loop {
            if let Poll::Ready(open) = sweep.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return open.unwrap();
            }
        }
    }
}

fn judge(duel: &Duel, acts: [Act; 2], said: [Option<Vec<Delivery>>; 2], made_before: u64, what: &str) {
    let made = duel.house.bench.vendor.effects_made() - made_before;
    let held = duel.held();
    match (acts, said) {
        ([Act::Issue(one), Act::Issue(other)], [Some(first), Some(second)]) => {
            let guests = if one == other { 1 } else { 2 };
            assert_eq!((held, made), ([guests, 0], guests as u64), "{what}");
            assert!(duel.opens(&first, 0) && duel.opens(&second, 0), "{what}: somebody is shut out");
        }
        ([Act::Issue(_), Act::Sweep], [Some(first), _]) => {
            assert_eq!((held, made), ([1, 0], 1), "{what}");
            assert!(duel.opens(&first, 0), "{what}: the guest is shut out");
        }
        ([.., Act::Revoke] | [Act::Revoke, ..], [first, second]) => {
            assert_eq!(held, [0, 0], "{what}");
            assert!(first.is_some() || second.is_some(), "{what}");
        }
        ([Act::Move, Act::Lengthen] | [Act::Lengthen, Act::Move], [Some(first), Some(second)]) => {
            assert_eq!(held, [0, 1], "{what}");
            assert!(made <= 1, "{what}: {made} were made");
            assert!(duel.opens(&first, 1) || duel.opens(&second, 1), "{what}: the guest is shut out");
        }
        ([Act::Suspend, Act::Sweep], [Some(_), _]) => assert_eq!(made, 0, "{what}"),
        (_, said) => panic!("{what}: {said:?}"),
    }
}

const DUELS: &[[Act; 2]] = &[
    [Act::Issue("ada"), Act::Issue("ada")],
    [Act::Issue("ada"), Act::Issue("bob")],
    [Act::Issue("ada"), Act::Sweep],
    [Act::Issue("ada"), Act::Revoke],
    [Act::Move, Act::Revoke],
    [Act::Revoke, Act::Move],
    [Act::Move, Act::Lengthen],
    [Act::Suspend, Act::Sweep],
];

/// Every order in which who goes on changes twice; every third one also with two changes more.
async fn all_orders(personality: Personality, stride: usize) -> usize {
    let mut played = 0;
    for (acts, sleeps) in DUELS.iter().flat_map(|acts| [(*acts, false), (*acts, true)]) {
        for one in (0..).step_by(stride) {
            let mut is_all = [false; 2];
            for other in (1..).step_by(stride) {
                for again in if (one + other) % 3 == 0 { 0..2 } else { 0..1 } {
                    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
                    let stores = [Arc::clone(&store), store];
                    let order = Order { one, other, one_again: again * 4, sleeps };
                    is_all = play(personality, stores, acts, order).await;
                    played += 1;
                }
                if is_all[1] {
                    break;
                }
            }
            if is_all[0] {
                break;
            }
        }
    }
    played
}

/// Both looked for the operation and found none, and the one claims it before the other: it stands in its own way, and is not waited
/// for under the lock that its caller has.
#[tokio::test]
async fn who_claims_a_moment_later_does_not_wait_for_himself() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let order = Order { one: 1, other: 2, one_again: 4, sleeps: false };
    let acts = [Act::Issue("ada"), Act::Issue("ada")];
    play(Personality::PerDoor, [Arc::clone(&store), store], acts, order).await;
}

/// One test a personality, so that they run side by side.
macro_rules! personalities {
    ($($name:ident: $personality:ident,)*) => {$(
        #[tokio::test]
        async fn $name() {
            let stride = if cfg!(debug_assertions) { 3 } else { 1 };
            println!("{}: {} orders", Personality::$personality, all_orders(Personality::$personality, stride).await);
        }
    )*};
}

personalities! {
    per_door: PerDoor,
    per_stay: PerStay,
    room_wide: RoomWide,
    webhook: Webhook,
}

/// Two connections to one file.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn over_one_file() {
    use lockport_contract::fault_loop::{InFile, Shelf as _};

    for acts in DUELS {
        for (one, sleeps) in [(7, false), (11, true), (14, false), (19, true), (24, false)] {
            let kept = InFile.fresh().await.unwrap();
            let stores = [kept.open().await.unwrap(), kept.open().await.unwrap()];
            play(Personality::RoomWide, stores, *acts, Order { one, other: 9, one_again: 3, sleeps }).await;
        }
    }
}
