//! Stays with more doors than one grant holds: every single failure, judged at the doors.

use std::sync::Arc;

use lockport::driver::{DriverDescriptor, Per, VendorDriver};
use lockport_contract::fault_loop::{InMemory, LoopPlan, MockRig, Rig, play_all};
use lockport_mock::{MockDriver, Personality, descriptor};

use crate::bent::{Bend, Bent};

/// Says that a grant of its vendor holds two doors at most.
#[derive(Debug)]
struct TwoDoors;

impl Bend for TwoDoors {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        descriptor.kinds.iter_mut().for_each(|kind| kind.per = Per::Stay { max_doors: 2 });
        descriptor
    }
}

/// Five doors are three grants.
#[test]
fn a_stay_of_several_grants_survives_every_failure() {
    let rig = |personality| {
        let kind = descriptor(personality).kinds[0].kind;
        let rig = MockRig::of(personality, kind).with_driver(
            &format!("{personality}:two doors"),
            |vendor, choke| {
                Arc::new(Bent { inner: choke.driver(Arc::new(MockDriver::new(vendor))), bend: TwoDoors })
            },
        );
        Box::new(rig) as Box<dyn Rig>
    };
    let rigs = [Personality::PerStay, Personality::SilentAck, Personality::Card].map(rig);
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
