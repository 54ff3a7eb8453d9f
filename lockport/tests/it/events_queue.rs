//! The way out: to one process at a time, in order, at least once (R199), and never what must not leave (R194, R227).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use lockport::audit::Action;
use lockport::event::{CONSUMED, Envelope, Objection};
use lockport::id::ReservationId;
use lockport::keys::KeyService;
use lockport::store::queue::{LEASE, Queue, Undelivered};
use lockport::store::{Store, StoreError, Transaction};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};
use serde_json::json;

use crate::keys::{Rig, operator};
use crate::rig::{Between, partition, run};

/// An event about another reservation.
fn of(mut event: Envelope, nth: u64) -> Envelope {
    event.data["reservationId"] = json!(ReservationId::derived("test", &[&nth.to_be_bytes()]));
    event
}

fn instance(rig: &Rig, name: &str) -> KeyService {
    KeyService::new(rig.property.clone(), rig.store.clone(), rig.env.clone(), name)
}

fn ids(given: &[Undelivered]) -> Vec<String> {
    given.iter().map(|given| given.event().id.to_string()).collect()
}

/// Two events for each of `stays` reservations.
fn busy(stays: u64) -> Rig {
    let rig = Rig::new();
    for nth in 0..stays {
        run(rig.service.deliver(&of(rig.confirmed(1, 48), nth))).unwrap();
    }
    for nth in 0..stays {
        run(rig.service.deliver(&of(rig.cancelled(2), nth))).unwrap();
    }
    rig
}

/// Two that drain at once get different events; what follows on an event that somebody has stays where it is.
#[test]
fn nobody_is_given_what_somebody_else_has() {
    let rig = busy(3);
    let (one, two) = (instance(&rig, "one"), instance(&rig, "two"));
    let first = run(one.drain(2)).unwrap();
    let second = run(two.drain(10)).unwrap();
    let matters = |given: &[Undelivered]| -> BTreeSet<String> {
        given.iter().filter_map(|given| given.event().correlation_id.clone()).collect()
    };
    assert_eq!((first.len(), second.len()), (2, 2));
    assert!(matters(&first).is_disjoint(&matters(&second)));
    assert_eq!(matters(&second).len(), 1, "both events of the third stay, in their order");
    assert!(ids(&run(two.drain(10)).unwrap()) == ids(&second), "its own again");
    for given in second {
        run(two.delivered(given)).unwrap();
    }
    assert!(run(two.drain(10)).unwrap().is_empty());
    for given in first {
        run(one.delivered(given)).unwrap();
    }
    assert_eq!(run(two.drain(10)).unwrap().len(), 2, "and now what came after");
}

/// Who died over an event gets it again at once when he comes back; somebody else when the lease is over. Both may say that it is
/// delivered.
#[test]
fn what_was_not_delivered_is_given_again() {
    let rig = busy(1);
    let lost = ids(&run(instance(&rig, "one").drain(10)).unwrap());
    assert_eq!(lost.len(), 2);
    let (again, other) = (instance(&rig, "one"), instance(&rig, "two"));
    let late = run(again.drain(10)).unwrap();
    assert_eq!(ids(&late), lost);
    rig.clock.advance(LEASE - TimeDelta::seconds(1));
    assert!(run(other.drain(10)).unwrap().is_empty());
    rig.clock.advance(TimeDelta::seconds(1));
    let taken_over = run(other.drain(10)).unwrap();
    assert_eq!(ids(&taken_over), lost);
    for given in late {
        run(again.delivered(given)).unwrap();
    }
    for given in taken_over {
        run(other.delivered(given)).unwrap();
    }
    assert!(run(again.drain(10)).unwrap().is_empty() && run(other.drain(10)).unwrap().is_empty());
}

/// Whoever works on long has his lease renewed when half of it is over, and not at every look.
#[test]
fn a_lease_is_renewed_when_half_of_it_is_over() {
    for (asked_again, is_renewed) in [(LEASE / 4, false), (LEASE * 3 / 4, true)] {
        let rig = busy(1);
        let (one, two) = (instance(&rig, "one"), instance(&rig, "two"));
        assert_eq!(run(one.drain(10)).unwrap().len(), 2);
        rig.clock.advance(asked_again);
        assert_eq!(run(one.drain(10)).unwrap().len(), 2);
        rig.clock.advance(LEASE - asked_again);
        assert_eq!(run(two.drain(10)).unwrap().is_empty(), is_renewed);
    }
}

/// Where the first of what waits is with others, what comes after is looked for; and never more than was asked for.
#[test]
fn what_others_have_does_not_hold_up_the_rest() {
    let rig = busy(4);
    let (one, two) = (instance(&rig, "one"), instance(&rig, "two"));
    let first = ids(&run(one.drain(2)).unwrap());
    let second = run(two.drain(1)).unwrap();
    assert_eq!(second.len(), 1);
    assert!(!first.contains(&ids(&second)[0]));
}

/// What a process adds comes after what waits already, also when it starts within the same instant.
#[test]
fn what_another_process_adds_in_the_same_instant_comes_after() {
    let rig = busy(1);
    run(instance(&rig, "two").deliver(&of(rig.confirmed(3, 48), 1))).unwrap();
    let given = run(rig.service.drain(10)).unwrap();
    let matters: Vec<_> = given.iter().map(|given| given.event().correlation_id.clone()).collect();
    assert_eq!(matters.len(), 3);
    assert!(matters[0] == matters[1] && matters[1] != matters[2]);
}

/// Whom another was quicker than takes what is left; a store that fails is not asked again.
#[test]
fn who_is_not_the_first_takes_what_is_left() {
    let rig = busy(3);
    let queue = |store: Arc<dyn Store>, name: &str| Queue::new(store, partition("a"), rig.env.clone(), name);
    let broken = Between::new(rig.store.clone()).before(1, || Err(StoreError::Corrupt));
    assert!(run(queue(Arc::new(broken), "slow").lease(2)).is_err());

    let quick = queue(rig.store.clone(), "quick");
    let contended = Between::new(rig.store.clone()).before(1, move || {
        run(quick.lease(2)).map_or(Err(StoreError::Corrupt), |taken| {
            assert_eq!(taken.len(), 2);
            Ok(())
        })
    });
    let left = run(queue(Arc::new(contended), "slow").lease(2)).unwrap();
    assert_eq!(left.len(), 2, "both of the third");
    assert_eq!(left[0].event().correlation_id, left[1].event().correlation_id);
}

/// Any interleaving of three that drain, deliver, die and come back: each event arrives, those of one correlation for the first
/// time in their order, and none twice unless somebody died over it.
#[test]
fn every_event_arrives_in_its_order_whoever_dies() {
    for seed in 0..30_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        let mut draw = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let rig = busy(5);
        let mut all: Vec<Envelope> = Vec::new();
        let mut instances: Vec<KeyService> = ["a", "b", "c"].map(|name| instance(&rig, name)).into();
        let mut hands: Vec<Vec<Undelivered>> = (0..3).map(|_| Vec::new()).collect();
        let (mut deaths, mut idle) = (0, 0);
        while idle < 40 {
            let who = usize::try_from(draw(3)).unwrap();
            match draw(8) {
                0..3 if hands[who].is_empty() => {
                    hands[who] = run(instances[who].drain(usize::try_from(1 + draw(4)).unwrap())).unwrap();
                    hands[who].reverse();
                    idle = if hands[who].is_empty() { idle + 1 } else { 0 };
                }
                3..6 => {
                    if let Some(given) = hands[who].pop() {
                        all.push(given.event().clone());
                        run(instances[who].delivered(given)).unwrap();
                    }
                }
                6 if draw(4) == 0 => {
                    // On the bus, and dead before he could say so.
                    deaths += usize::from(!hands[who].is_empty());
                    all.extend(hands[who].drain(..).next_back().map(|given| given.event().clone()));
                    instances[who] = instance(&rig, ["a", "b", "c"][who]);
                }
                _ => rig.clock.advance(TimeDelta::seconds(1)),
            }
        }
        let mut matters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let told = all.len();
        for event in all {
            if seen.insert(event.id) {
                matters.entry(event.correlation_id.unwrap()).or_default().push(event.subject);
            }
        }
        let in_order = ["requested", "failed"].map(|what| format!("melmastoon.lock.credential.{what}.v1"));
        assert_eq!(matters.len(), 5, "seed {seed}");
        assert!(matters.values().all(|subjects| *subjects == in_order), "seed {seed}: {matters:?}");
        assert!(told <= 10 + deaths, "seed {seed}: {told} told, {deaths} died");
    }
}

/// R194: what somebody was handed stands in an event, in whatever way it came there: the event does not leave, that is counted and
/// stands in the audit; the others leave.
#[test]
fn an_event_with_an_artifact_in_it_is_dropped() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    let issued = rig.told().pop().unwrap();
    let reference = serde_json::from_value(issued.data["delivery"]["artifact"]["opaqueRef"].clone()).unwrap();
    let handed = run(rig.service.reveal(reference, operator(), "handed to the guest")).unwrap();
    let lockport::credential::Artifact::MobileToken(text) = &handed[0].artifact else { panic!() };
    let leak = format!("the lock said {}", text.expose());
    let never = RetryAdvice::Never;
    rig.fail(1, &LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, never, leak));
    run(rig.service.deliver(&of(rig.confirmed(1, 48), 7))).unwrap();
    run(rig.service.tick()).unwrap();
    let left = rig.told();
    let subjects: Vec<&str> = left.iter().map(|event| &*event.subject).collect();
    assert_eq!(subjects, ["melmastoon.lock.credential.requested.v1", "melmastoon.lock.desk_task.opened.v1"]);
    assert!(!serde_json::to_string(&left).unwrap().contains(text.expose()));
    assert_eq!((rig.service.dropped(Objection::Artifact), rig.service.dropped(Objection::Foreign)), (1, 0));
    let entries = run(rig.service.audit().entries(..)).unwrap();
    let failed = entries.iter().find(|told| told.entry.outcome == lockport::audit::Outcome::Error).unwrap();
    let dropped: Vec<_> = entries.iter().filter(|told| told.entry.action == Action::DropEvent).collect();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].entry.event_id, failed.entry.event_id);
    assert!(!format!("{entries:?}").contains(text.expose()));
}

/// R227: an event of another tenant does not even get into the queue.
#[test]
fn an_event_of_another_tenant_is_refused_where_it_is_told() {
    let rig = Rig::new();
    let queue = Queue::new(rig.store.clone(), partition("a"), rig.env.clone(), "one");
    let mut event = rig.confirmed(1, 48);
    let mut transaction = Transaction::new(&rig.env).unwrap();
    queue.push(&mut transaction, event.clone()).unwrap();
    event.tenant_id = partition("b").tenant;
    let refused = queue.push(&mut transaction, event).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TenantMismatch);
}

/// The table of consumed subjects is what `deliver` knows (R224); a subject of somebody else is none of its business.
#[test]
fn the_consumed_subjects_are_those_of_the_table() {
    let rig = Rig::new();
    for (subject, _) in CONSUMED {
        let mut event = rig.confirmed(1, 48);
        event.subject = subject.to_owned();
        event.data = json!({ "propertyId": event.data["propertyId"] });
        let refused = run(rig.service.deliver(&event)).err().map(|error| error.code());
        let is_bare = subject.ends_with("property.deactivated.v1");
        assert_eq!(refused, (!is_bare).then_some(ErrorCode::InvalidInput), "{subject}");
    }
    let mut event = rig.confirmed(1, 48);
    event.subject = "melmastoon.reservation.booking.checked_in.v1".to_owned();
    event.data = json!({});
    assert_eq!(run(rig.service.deliver(&event)), Ok(()));
}
