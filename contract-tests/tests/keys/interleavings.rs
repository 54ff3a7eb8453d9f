use chrono::TimeDelta;
use lockport::keys::{KeyOwner, KeyService, KeyState};
use lockport_contract::fault_loop::{InMemory, Shelf};

use crate::rig::{Hotel, Told, booking, confirmed, name, stay, user};
use crate::yielding::{run, run_and_drop, run_with_a_break};

/// How long an issue takes at the slowest vendor.
const ISSUED_IN: TimeDelta = TimeDelta::seconds(6);

/// Where a life so long waits, at the least and at the most.
const WAITS: std::ops::Range<usize> = 20..1_000;

const DOORS: &[&str] = &["101", "102", "201", "202", "gym"];

/// A kind of vendor, and where the ledger is.
struct Kind {
    personality: &'static str,
    shelf: Box<dyn Shelf>,
}

impl Kind {
    fn all() -> Vec<Self> {
        let kind = |personality| Self { personality, shelf: Box::new(InMemory) };
        let mut all: Vec<_> = ["per_door", "per_stay", "room_wide", "webhook"].map(kind).into();
        #[cfg(feature = "sqlite")]
        all.push(Self { personality: "per_door", shelf: Box::new(lockport_contract::fault_loop::InFile) });
        all
    }

    fn hotel(&self) -> Hotel {
        let url = format!("mock://?personality={}", self.personality);
        Hotel::on(&*self.shelf, &[("main", &url, DOORS)])
    }

    fn name(&self) -> String {
        format!("{}/{}", self.personality, self.shelf.name())
    }

    /// Plays it with a break after each number of waits, until there is no such wait any more.
    fn at_every_point(&self, what: &str, play: impl Fn(&Hotel, usize, &str) -> bool) {
        let reached =
            |waits: &usize| play(&self.hotel(), *waits, &format!("{}: after {waits} waits", self.name()));
        let points = (0..WAITS.end).take_while(reached).count();
        println!("{what}, {}: {points} points", self.name());
        assert!(WAITS.contains(&points), "{}: {points} points", self.name());
    }
}

fn is_over(hotel: &Hotel, service: &KeyService, what: &str) {
    let mut told = Told::default();
    hotel.live(service, TimeDelta::minutes(10));
    told.drain(service);
    assert_eq!(hotel.held(), 0, "{what}: something is left at the vendor");
    for door in ["101", "201"] {
        assert!(!hotel.opens(told.hand(&stay("one")), door), "{what}: {door} opens");
    }
    for key in run(service.keys(stay("one").into())).unwrap() {
        assert!(matches!(key.state, KeyState::Revoked | KeyState::Failed), "{what}: {key:?}");
    }
    let issued = told.count("credential.issued");
    assert_eq!(told.count("credential.revoked"), issued, "{what}: each issue that was told is taken back");
    assert_eq!(told.count("credential.requested"), 1, "{what}");
}

/// R76: a cancellation that comes between any two steps of an issue leaves nothing, at any of them; delivered by the same process or
/// by another.
#[test]
fn a_cancellation_at_every_point_of_an_issue_leaves_nothing() {
    for kind in Kind::all() {
        for other_process in [false, true] {
            kind.at_every_point("cancelled", |hotel, waits, what| {
                let (service, other) = (hotel.service("a"), hotel.service("b"));
                run(service.deliver(&confirmed("one", 1, &["101", "201"], 24))).unwrap();
                let by = if other_process { &other } else { &service };
                let cancel = || run(by.deliver(&booking("cancelled", "one", 2))).unwrap();
                let ((), came_so_far) = run_with_a_break(hotel.lives(&service, ISSUED_IN), waits, cancel);
                if came_so_far {
                    is_over(hotel, &service, what);
                }
                came_so_far
            });
        }
    }
}

/// R78: the process that was at it dies at any point, another comes; exactly one key, and it opens.
#[test]
fn a_death_at_every_point_of_an_issue_leaves_one_key() {
    for kind in Kind::all() {
        for same_name in [true, false] {
            kind.at_every_point("died", |hotel, waits, what| {
                let service = hotel.service("a");
                run(service.deliver(&confirmed("one", 1, &["101", "201"], 24))).unwrap();
                if !run_and_drop(hotel.lives(&service, ISSUED_IN), waits) {
                    return false;
                }
                drop(service);
                let heir = hotel.service(if same_name { "a" } else { "b" });
                let mut told = Told::default();
                hotel.live(&heir, if same_name { TimeDelta::seconds(90) } else { TimeDelta::minutes(10) });
                told.drain(&heir);
                let what = format!("{what}, same name {same_name}");
                assert_eq!(told.count("credential.issued"), 1, "{what}");
                assert_eq!(hotel.held(), 2, "{what}: one grant a door");
                if kind.personality == "per_door" {
                    assert_eq!(hotel.vendor().effects_made(), 2, "{what}");
                }
                assert!(hotel.opens(told.hand(&stay("one")), "101"), "{what}");
                assert!(hotel.opens(told.hand(&stay("one")), "201"), "{what}");
                true
            });
        }
    }
}

/// R103: a loss that is reported at any point of an issue leaves the guest with one key and the finder with none.
#[test]
fn a_loss_at_every_point_leaves_one_key() {
    for kind in Kind::all() {
        kind.at_every_point("lost", |hotel, waits, what| {
            let (service, other) = (hotel.service("a"), hotel.service("b"));
            run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
            let lose = || run(other.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
            let ((), came_so_far) = run_with_a_break(hotel.lives(&service, ISSUED_IN), waits, lose);
            if !came_so_far {
                return false;
            }
            hotel.live(&service, TimeDelta::minutes(10));
            let mut told = Told::default();
            told.drain(&service);
            assert_eq!(hotel.held(), 1, "{what}");
            assert!(hotel.opens(told.hand(&stay("one")), "101"), "{what}");
            let keys = run(service.keys(KeyOwner::Stay(stay("one")))).unwrap();
            assert_eq!(keys.iter().filter(|key| key.state == KeyState::Active).count(), 1, "{what}");
            true
        });
    }
}
