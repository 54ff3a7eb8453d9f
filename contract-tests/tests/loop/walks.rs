//! Random walks of several guests over every kind of vendor, judged at the doors: the first that is red is shortened as far as it
//! stays red.
//!
//! The draws are the same from run to run. `PROPTEST_RNG_SEED` draws others, `PROPTEST_CASES` more of them; a red walk is printed
//! with what plays it again, and kept beside this file.

use std::sync::Arc;

use lockport::credential::KeyCredentialKind;
use lockport_contract::fault_loop::{InMemory, Manner, MockRig, Step, Walk, Way, walk};
use lockport_mock::{MockDriver, Personality, descriptor};
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestError, TestRunner};

use crate::bent::Bent;
use crate::teeth::NeverLate;

/// How many walks each kind takes.
const CASES: u32 = 24;

fn step() -> impl Strategy<Value = Step> {
    let guest = || 0..3_u8;
    let rooms = || 0..15_u8;
    let until = || 0..3_u8;
    prop_oneof![
        6 => (guest(), rooms(), until()).prop_map(|(guest, rooms, until)| Step::Issue { guest, rooms, until }),
        6 => (guest(), of(rooms()), of(until()), of(until()))
            .prop_map(|(guest, rooms, from, until)| Step::Update { guest, rooms, from, until }),
        3 => guest().prop_map(Step::Suspend),
        3 => guest().prop_map(Step::Unsuspend),
        2 => guest().prop_map(Step::Revoke),
        1 => (guest(), rooms()).prop_map(|(guest, rooms)| Step::Replace { guest, rooms }),
        3 => guest().prop_map(Step::Resume),
        2 => Just(Step::Sweep),
        2 => (1..200_u16).prop_map(Step::Pass),
        1 => (1..1_000_u16).prop_map(Step::Back),
        1 => Just(Step::Die),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    proptest::sample::select(Way::ALL.into_iter().chain([Way::Refused]).collect::<Vec<_>>())
}

fn walks() -> impl Strategy<Value = Walk> {
    let manner =
        prop_oneof![3 => Just(Manner::Insisting), 2 => Just(Manner::Leaving), 1 => Just(Manner::Away)];
    let steps = proptest::collection::vec((step(), manner), 1..24);
    let stumbles = proptest::collection::vec((0..24_u8, way()), 0..8);
    (0..4_u64, steps, stumbles).prop_map(|(seed, steps, stumbles)| Walk { seed, steps, stumbles })
}

fn config() -> Config {
    let own = Config::default();
    let is_named = |name: &str| std::env::var_os(name).is_some();
    Config {
        cases: if is_named("PROPTEST_CASES") { own.cases } else { CASES },
        rng_seed: if is_named("PROPTEST_RNG_SEED") { own.rng_seed } else { RngSeed::Fixed(0) },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/loop/walks.regressions"))),
        max_shrink_iters: 1_000,
        ..own
    }
}

/// The first walk that is red, as short as it could be made.
fn first_red(rig: &MockRig, config: Config) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let walked = TestRunner::new(config).run(&walks(), |drawn| {
        let walked = runtime.block_on(walk(rig, &InMemory, &drawn));
        walked.map_err(|red| TestCaseError::fail(red.to_string()))
    });
    match walked {
        Ok(()) => None,
        Err(TestError::Fail(why, walk)) => Some(format!(
            "{why}
{walk:?}"
        )),
        Err(other) => panic!("{other}"),
    }
}

fn walk_over(personality: Personality) {
    for own in descriptor(personality).kinds {
        let red = first_red(&MockRig::of(personality, own.kind), config());
        assert!(red.is_none(), "{}", red.unwrap());
    }
}

/// A driver that says that a lost call is over at once is found out.
#[test]
fn a_walk_bites() {
    let kind = KeyCredentialKind::MobileApp;
    let rig = MockRig::of(Personality::PerDoor, kind).with_driver("NeverLate", |vendor, choke| {
        Arc::new(Bent { inner: choke.driver(Arc::new(MockDriver::new(vendor))), bend: NeverLate })
    });
    let unkept = Config { failure_persistence: None, ..config() };
    assert!(first_red(&rig, unkept).is_some());
}

/// One test a personality, so that they walk side by side.
macro_rules! personalities {
    ($($name:ident: $personality:ident,)*) => {$(
        #[test]
        fn $name() {
            walk_over(Personality::$personality);
        }
    )*};
}

personalities! {
    per_door: PerDoor,
    per_stay: PerStay,
    room_wide: RoomWide,
    silent_ack: SilentAck,
    card: Card,
    webhook: Webhook,
}
