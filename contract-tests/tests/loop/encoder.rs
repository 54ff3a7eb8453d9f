//! Several operations and several processes at one encoder.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use lockport::adapter::Adapter;
use lockport::credential::{Place, Progress};
use lockport::driver::{Answer, Attempt, DriverDescriptor, GrantOrder, Granted, Per, VendorDriver};
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, LockPort as _, RetryAdvice};
use lockport_mock::{MockVendor, Personality};

use crate::bent::{Bend, Bent};
use crate::house::House;

/// Counts who is at which encoder, and takes its time there.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Mutex<Visits>>);

#[derive(Debug, Default)]
struct Visits {
    there: BTreeMap<LockDeviceId, usize>,
    most_at_one: usize,
    most_at_all: usize,
}

impl Slow {
    fn count(&self, at: LockDeviceId, by: isize) {
        let mut visits = self.0.lock().unwrap();
        let there = visits.there.entry(at).or_default();
        *there = there.checked_add_signed(by).unwrap();
        visits.most_at_one = visits.most_at_one.max(visits.there[&at]);
        visits.most_at_all = visits.most_at_all.max(visits.there.values().sum());
    }
}

/// Lets everybody else go on, so often.
async fn yield_now(times: usize) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Bend for Slow {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let at = order.at.unwrap();
        self.count(at, 1);
        yield_now(3).await;
        let answer = inner.grant(order, attempt).await;
        yield_now(3).await;
        self.count(at, -1);
        answer
    }
}

struct Desk {
    house: House,
    slow: Slow,
}

impl Desk {
    fn new() -> Self {
        Self { house: House::of(Personality::Card), slow: Slow::default() }
    }

    fn process(&self, instance: &str) -> Adapter<Bent<Slow>> {
        self.house.process(instance, Bent { inner: Arc::new(self.house.driver()), bend: self.slow.clone() })
    }
}

/// Polls both in turn until both are done.
async fn both<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> (T, T) {
    futures_util::future::join(one, other).await
}

#[tokio::test]
async fn two_operations_at_one_encoder_never_meet_there_and_at_two_they_do() {
    for (other, most) in [("front", 1), ("back", 2)] {
        let desk = Desk::new();
        let process = desk.process("one");
        desk.house.put("a", "front");
        desk.house.put("b", "back");
        let (one, two) = both(
            process.issue_credential(desk.house.issue_at("ada", 0, "front")),
            process.issue_credential(desk.house.issue_at("bob", 1, other)),
        )
        .await;
        assert_eq!(one.unwrap().state, Progress::Active);
        assert_eq!(two.unwrap().state, Progress::Active);
        let visits = desk.slow.0.lock().unwrap();
        assert_eq!((visits.most_at_one, visits.most_at_all), (1, most), "at front and {other}");
    }
}

/// Another process has to wait: it cannot see when the first one is done.
#[tokio::test]
async fn another_process_is_told_to_come_back() {
    let desk = Desk::new();
    let (one, two) = (desk.process("one"), desk.process("two"));
    desk.house.put("a", "front");
    let (first, second) = both(
        one.issue_credential(desk.house.issue_at("ada", 0, "front")),
        two.issue_credential(desk.house.issue_at("bob", 1, "front")),
    )
    .await;
    assert_eq!(first.unwrap().state, Progress::Active);
    let error = second.unwrap_err();
    assert_eq!(error.reason(), FailureReason::InProgress);
    assert!(matches!(error.advice(), RetryAdvice::After(_)), "{error:?}");
    assert_eq!(desk.slow.0.lock().unwrap().most_at_one, 1);
    desk.house.put("b", "front");
    let again = two.issue_credential(desk.house.issue_at("bob", 1, "front")).await.unwrap();
    assert_eq!(again.state, Progress::Active);
}

#[tokio::test]
async fn a_key_that_waits_for_its_holder_leaves_the_encoder_and_the_cards_of_others_alone() {
    let desk = Desk::new();
    let process = desk.process("one");
    let waiting = process.issue_credential(desk.house.issue_at("ada", 0, "front")).await.unwrap();
    assert_eq!(waiting.state, Progress::Pending);

    // Bob's card lies there when the host carries on with whatever is open: it is not Ada's.
    desk.house.put("b", "front");
    assert_eq!(process.sweep().await.unwrap(), 1);
    assert!(!desk.house.opens("b", 0), "the key of somebody else was written on the card");

    // Ada, who has not come, holds nobody up.
    let bob = process.issue_credential(desk.house.issue_at("bob", 1, "front")).await.unwrap();
    assert_eq!(bob.state, Progress::Active);
    assert!(desk.house.opens("b", 1) && !desk.house.opens("b", 0));

    desk.house.put("a", "front");
    let ada = process.issue_credential(desk.house.issue_at("ada", 0, "front")).await.unwrap();
    assert_eq!(ada.state, Progress::Active);
    assert!(desk.house.opens("a", 0));
}

/// Who never came is told so when the window is over; nothing was begun, so nothing is unknown.
#[tokio::test]
async fn nobody_came_in_time() {
    let desk = Desk::new();
    let process = desk.process("one");
    process.issue_credential(desk.house.issue_at("ada", 0, "front")).await.unwrap();
    let input = desk.house.issue_at("ada", 0, "front");
    desk.house.bench.clock.advance(TimeDelta::hours(20));
    let error = process.issue_credential(input.clone()).await.unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::NoCard, RetryAdvice::Never));
    assert_eq!(process.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_dead_process_left_at_an_encoder_is_free_when_its_lease_is_over() {
    let desk = Desk::new();
    desk.house.put("a", "front");
    let dead = desk.process("dead");
    {
        let mut call = pin!(dead.issue_credential(desk.house.issue_at("ada", 0, "front")));
        while desk.slow.0.lock().unwrap().most_at_one == 0 {
            assert!((&mut call).now_or_never().is_none());
        }
    }
    desk.slow.0.lock().unwrap().there.clear();
    desk.house.put("b", "front");
    let process = desk.process("next");
    let error = process.issue_credential(desk.house.issue_at("bob", 1, "front")).await.unwrap_err();
    let RetryAdvice::After(wait) = error.advice() else { panic!("{error:?}") };
    desk.house.bench.clock.advance(TimeDelta::from_std(wait).unwrap());
    let bob = process.issue_credential(desk.house.issue_at("bob", 1, "front")).await.unwrap();
    assert_eq!(bob.state, Progress::Active);
    assert!(desk.house.opens("b", 1) && !desk.house.opens("b", 0));
}

/// After the first of several grants somebody puts another card where the first one lay.
#[derive(Debug)]
struct Exchanging {
    vendor: MockVendor,
    at: LockDeviceId,
    grants: AtomicUsize,
}

#[async_trait]
impl Bend for Exchanging {
    /// A grant holds one door, so that a stay is several.
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        descriptor.kinds.iter_mut().for_each(|kind| kind.per = Per::Stay { max_doors: 1 });
        descriptor
    }

    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await;
        if self.grants.fetch_add(1, Ordering::SeqCst) == 0 {
            self.vendor.encoder(self.at).place_card("other");
        }
        answer
    }
}

/// A credential has one card: what is still to be written waits for that one, whoever's lies there meanwhile.
#[tokio::test]
async fn every_grant_of_a_stay_is_on_the_same_card() {
    let house = House::of(Personality::Card);
    let bend = Exchanging {
        vendor: house.bench.vendor.clone(),
        at: House::encoder("front"),
        grants: AtomicUsize::new(0),
    };
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend });
    let place = Place { at: Some(House::encoder("front")), holder_device: None };
    let input = house.issue("ada", &[0, 1, 2]).with_place(place);
    house.put("own", "front");
    let first = process.issue_credential(input.clone()).await;
    assert!(!first.is_ok_and(|issued| issued.state == Progress::Active), "two doors are not written yet");
    assert!((0..3).all(|room| !house.opens("other", room)), "somebody else's card opens");
    house.put("own", "front");
    house.pass(60);
    let issued = process.issue_credential(input).await.unwrap();
    assert_eq!(issued.state, Progress::Active);
    assert!((0..3).all(|room| house.opens("own", room) && !house.opens("other", room)));
    // One thing to hand out, for all doors.
    let [card] = &issued.credential.delivery[..] else { panic!("{:?}", issued.credential.delivery) };
    assert_eq!(card.doors.len(), 3);
}
