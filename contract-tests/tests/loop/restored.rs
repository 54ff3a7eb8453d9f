//! What a suspension took away comes back as what its holder has in hand.

use std::sync::Arc;

use lockport::LockPort as _;
use lockport::credential::{Place, Progress, SuspendInput, SuspendReason, UnsuspendInput};
use lockport::driver::{DriverDescriptor, Suspend, VendorDriver};
use lockport_mock::Personality;

use crate::bent::{Bend, Bent};
use crate::house::{House, text};

/// Says that its vendor has no way to freeze a key: the core takes it away and gives it again.
#[derive(Debug)]
struct NothingFreezes;

impl Bend for NothingFreezes {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        descriptor.kinds.iter_mut().for_each(|kind| kind.suspend = Suspend::Emulated);
        descriptor
    }
}

/// R38, X9: the token that the vendor made, and that was given away and taken back, opens again.
#[tokio::test]
async fn what_the_vendor_made_comes_back_the_same() {
    let house = House::of(Personality::PerStay);
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: NothingFreezes });
    let issue = house.issue("guest", &[0, 2]);
    let at_first = process.issue_credential(issue.clone()).await.unwrap();
    assert_eq!(at_first.state, Progress::Pending);
    house.pass(5);
    let issued = process.issue_credential(issue).await.unwrap().credential;
    let token = text(&issued);
    let opened = || [0, 1, 2].map(|room| house.opens(&token, room));
    assert_eq!(opened(), [true, false, true]);
    let (tenant, id) = (house.bench.site.tenant, issued.id);
    for round in ["one", "two"] {
        let suspend =
            SuspendInput::new(tenant, id, SuspendReason::NoShow, format!("suspend-{round}").parse().unwrap());
        process.suspend_credential(suspend).await.unwrap();
        assert_eq!(opened(), [false; 3]);
        let back = UnsuspendInput::new(tenant, id, format!("back-{round}").parse().unwrap());
        let mut state = process.unsuspend_credential(back.clone()).await.unwrap().state;
        if state == Progress::Pending {
            house.pass(5);
            state = process.unsuspend_credential(back).await.unwrap().state;
        }
        assert_eq!(state, Progress::Active);
        assert_eq!(opened(), [true, false, true], "round {round}");
    }
}

/// R38, X9: who was moved while he was suspended gets the new doors on his own card, and nobody else gets them on his.
#[tokio::test]
async fn doors_that_changed_meanwhile_come_on_the_holders_own_card() {
    let house = House::of(Personality::Card);
    let process = house.process("one", house.driver());
    house.put("own", "desk");
    let issued = process.issue_credential(house.issue_at("guest", 0, "desk")).await.unwrap().credential;
    let (tenant, id) = (house.bench.site.tenant, issued.id);
    let place = || Place { at: Some(House::encoder("desk")), holder_device: None };
    let suspend = SuspendInput::new(tenant, id, SuspendReason::NoShow, "suspend".parse().unwrap());
    process.suspend_credential(suspend.with_place(place())).await.unwrap();
    let opened = |card: &str| [0, 1, 2].map(|room| house.opens(card, room));
    assert_eq!(opened("own"), [false; 3]);
    let moved = house.update(id, "moved").with_rooms(vec![house.room(1)]).with_place(place());
    process.update_credential(moved).await.unwrap();
    let back = UnsuspendInput::new(tenant, id, "back".parse().unwrap()).with_place(place());
    house.put("other", "desk");
    assert_eq!(process.unsuspend_credential(back.clone()).await.unwrap().state, Progress::Pending);
    assert_eq!((opened("own"), opened("other")), ([false; 3], [false; 3]));
    house.put("own", "desk");
    assert_eq!(process.unsuspend_credential(back).await.unwrap().state, Progress::Active);
    assert_eq!((opened("own"), opened("other")), ([false, true, false], [false; 3]));
}
