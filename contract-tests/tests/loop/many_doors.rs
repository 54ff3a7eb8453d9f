//! Stays with more doors than one grant holds: every single failure, judged at the doors.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Place, Progress};
use lockport::driver::{
    Amend, Answer, Attempt, DriverDescriptor, GrantOrder, Granted, Held, Per, VendorDriver, Withdrawal,
    Withdrawn,
};
use lockport::{LockError, LockPort as _};
use lockport_contract::SiteRoom;
use lockport_contract::fault_loop::{InMemory, LoopPlan, MockRig, Rig, play_all};
use lockport_mock::{MockDriver, Personality, descriptor};

use crate::bent::{Bend, Bent};
use crate::house::{House, text};

/// Says that a grant of its vendor holds two doors at most, and perhaps that its doors cannot be changed. Counts.
#[derive(Debug)]
struct TwoDoors {
    amend_doors: Amend,
    calls: Arc<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    grants: AtomicUsize,
    amends: AtomicUsize,
    withdrawals: AtomicUsize,
}

impl Calls {
    /// Since it was asked last.
    fn take(&self) -> (usize, usize, usize) {
        let take = |calls: &AtomicUsize| calls.swap(0, Ordering::SeqCst);
        (take(&self.grants), take(&self.amends), take(&self.withdrawals))
    }
}

impl TwoDoors {
    fn of(amend_doors: Amend) -> Self {
        Self { amend_doors, calls: Arc::default() }
    }
}

#[async_trait]
impl Bend for TwoDoors {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        for kind in &mut descriptor.kinds {
            (kind.per, kind.amend_doors) = (Per::Stay { max_doors: 2 }, self.amend_doors);
        }
        descriptor
    }

    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.calls.grants.fetch_add(1, Ordering::SeqCst);
        inner.grant(order, attempt).await
    }

    async fn amend(
        &self,
        inner: &dyn VendorDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.calls.amends.fetch_add(1, Ordering::SeqCst);
        if self.amend_doors == Amend::Replace && target.doors != held.order.doors {
            return Err(LockError::unsupported("its doors stay as they are"));
        }
        inner.amend(held, target, attempt).await
    }

    async fn withdraw(
        &self,
        inner: &dyn VendorDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.calls.withdrawals.fetch_add(1, Ordering::SeqCst);
        inner.withdraw(withdrawal, attempt).await
    }
}

fn rig(personality: Personality, amend_doors: Amend) -> Box<dyn Rig> {
    let kind = descriptor(personality).kinds[0].kind;
    let name = format!("{personality}:two doors, {amend_doors:?}");
    Box::new(MockRig::of(personality, kind).with_driver(&name, move |vendor, choke| {
        let inner = choke.driver(Arc::new(MockDriver::new(vendor)));
        Arc::new(Bent { inner, bend: TwoDoors::of(amend_doors) })
    }))
}

/// Five doors are three grants.
#[test]
fn a_stay_of_several_grants_survives_every_failure() {
    let rigs = [Personality::PerStay, Personality::SilentAck, Personality::Card]
        .map(|personality| rig(personality, Amend::Native));
    let plan = LoopPlan::singles(0).with_one_way().with_scenarios(&[
        "issue-three",
        "regroup",
        "revoke",
        "revoke-mid-issue",
        "widen-and-narrow",
        "suspend-five",
        "back-mid-issue",
    ]);
    let report = play_all(&rigs, &InMemory, &plan).unwrap();
    println!("{report}");
    assert!(report.is_green(), "{report}");
}

/// The same where a grant keeps the doors that it has: what is to have others is given anew before it goes.
#[test]
fn grants_whose_doors_stay_as_they_are_survive_every_failure() {
    let rigs = [rig(Personality::Card, Amend::Replace)];
    let plan = LoopPlan::singles(0).with_one_way().with_scenarios(&[
        "issue-three",
        "regroup",
        "widen-and-narrow",
        "lengthen",
        "suspend-five",
    ]);
    let report = play_all(&rigs, &InMemory, &plan).unwrap();
    println!("{report}");
    assert!(report.is_green(), "{report}");
}

/// As few calls as there can be: a door more comes to the grant that has room for it, a door for another is one change where one grant
/// has room for all, and what only a new grant can be is one new grant.
#[tokio::test]
async fn doors_go_where_there_is_room_for_them() {
    let changed = async |amend_doors, before: usize, after: Range<usize>, hours: Option<i64>| {
        let house = House::of(Personality::SilentAck);
        // Three with a door, and then the suite with two.
        let mut all: Vec<&SiteRoom> = house.bench.site.rooms.iter().collect();
        all.sort_by_key(|room| room.doors.len());
        let rooms = |of: Range<usize>| all[of].iter().map(|room| room.id).collect::<Vec<_>>();
        let bend = TwoDoors::of(amend_doors);
        let calls = Arc::clone(&bend.calls);
        let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend });
        let mut input = house.issue("guest", &[0]);
        input.rooms = rooms(0..before);
        let issued = process.issue_credential(input).await.unwrap().credential;
        assert_eq!(calls.take(), (before.div_ceil(2), 0, 0));
        let mut update = house.update(issued.id, "change").with_rooms(rooms(after.clone()));
        update.valid_until = hours.map(|hours| house.now() + TimeDelta::hours(hours));
        process.update_credential(update).await.unwrap();
        let secret = text(&issued);
        let opens = |room: &SiteRoom| {
            room.doors.iter().all(|door| house.bench.vendor.door(*door).try_open(&secret, house.now()))
        };
        let opened: Vec<bool> = all.iter().map(|room| opens(room)).collect();
        assert!(opened.iter().enumerate().all(|(at, opens)| *opens == after.contains(&at)), "{opened:?}");
        calls.take()
    };
    let (native, replace) = (Amend::Native, Amend::Replace);
    assert_eq!(changed(native, 1, 0..2, None).await, (0, 1, 0), "one more");
    assert_eq!(changed(native, 2, 1..3, None).await, (0, 1, 0), "one for another");
    assert_eq!(changed(native, 3, 0..4, None).await, (1, 1, 0), "two more, and room for one");
    assert_eq!(changed(native, 3, 3..4, None).await, (1, 0, 2), "others for all, where it had two");
    assert_eq!(changed(native, 2, 0..2, Some(30)).await, (0, 1, 0), "longer");
    assert_eq!(changed(replace, 2, 0..2, Some(30)).await, (0, 1, 0), "longer, as it is");
    assert_eq!(changed(replace, 2, 1..3, None).await, (1, 0, 1), "one for another, anew");
}

/// A card has several grants where one has not room for all its doors; a grant more goes on the card that is there, whichever lies on the
/// encoder.
#[tokio::test]
async fn what_is_granted_beside_goes_on_the_same_card() {
    let house = House::of(Personality::Card);
    let process =
        house.process("one", Bent { inner: Arc::new(house.driver()), bend: TwoDoors::of(Amend::Native) });
    let mut input = house.issue_at("guest", 0, "desk");
    input.rooms = vec![house.room(0), house.room(1)];
    house.put("own", "desk");
    let issued = process.issue_credential(input).await.unwrap().credential;
    let update = house
        .update(issued.id, "one-more")
        .with_rooms(vec![house.room(0), house.room(1), house.room(2)])
        .with_place(Place { at: Some(House::encoder("desk")), holder_device: None });
    house.put("other", "desk");
    assert_eq!(process.update_credential(update.clone()).await.unwrap().state, Progress::Pending);
    let opened = |card: &str| [0, 1, 2].map(|room| house.opens(card, room));
    assert_eq!((opened("own"), opened("other")), ([true, true, false], [false; 3]));
    house.put("own", "desk");
    assert_eq!(process.update_credential(update).await.unwrap().state, Progress::Active);
    assert_eq!((opened("own"), opened("other")), ([true; 3], [false; 3]));
}
