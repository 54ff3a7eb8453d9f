use chrono::TimeDelta;
use lockport::audit::{Action, Reason};
use lockport::credential::SuspendReason;

use crate::rig::{Hotel, Told, booking, confirmed, door, name, stay, user};
use crate::yielding::{run, run_with_a_break};

/// R71: a no-show suspends after the hotel's delay, a fraud at once; lifted by hand, and by nothing else; over every kind of vendor.
#[test]
fn a_suspension_shuts_until_it_is_lifted() {
    for personality in ["per_door", "per_stay", "room_wide", "webhook"] {
        let url = format!("mock://?personality={personality}");
        let hotel = Hotel::of(&[("main", &url, &["101"])]);
        let (service, mut told) = (hotel.service("a"), Told::default());
        let opens = |told: &mut Told| {
            told.drain(&service);
            hotel.opens(told.hand(&stay("one")), "101")
        };
        run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
        hotel.live(&service, TimeDelta::minutes(5));
        run(service.deliver(&booking("no_show", "one", 2))).unwrap();
        hotel.live(&service, TimeDelta::minutes(114));
        assert!(opens(&mut told), "{personality}: the delay is two hours");
        hotel.live(&service, TimeDelta::minutes(3));
        assert!(!opens(&mut told), "{personality}");
        // A change of the booking lifts nothing.
        run(service.deliver(&confirmed("one", 3, &["101"], 72))).unwrap();
        hotel.live(&service, TimeDelta::minutes(5));
        assert!(!opens(&mut told), "{personality}");
        run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
        hotel.live(&service, TimeDelta::minutes(5));
        assert!(opens(&mut told), "{personality}");
        run(service.deliver(&booking("fraud_flagged", "one", 4))).unwrap();
        hotel.live(&service, TimeDelta::minutes(5));
        assert!(!opens(&mut told), "{personality}");
        run(service.deliver(&booking("checked_out", "one", 5))).unwrap();
        hotel.live(&service, TimeDelta::minutes(30));
        assert_eq!(hotel.held(), 0, "{personality}");
        let counts = ["issued", "suspended", "unsuspended", "revoked"]
            .map(|what| told.count(&format!("credential.{what}")));
        assert_eq!(counts, [1, 2, 1, 0], "{personality}: the last was not drained");
    }
}

/// R71: what changes while a suspension is being lifted is a change of the key that is there, and counts as soon as any other.
#[test]
fn a_change_while_a_suspension_is_lifted_keeps_the_key() {
    for personality in ["per_door", "per_stay", "room_wide", "webhook"] {
        for ticks in 0..4 {
            let url = format!("mock://?personality={personality}");
            let hotel = Hotel::of(&[("main", &url, &["101", "102"])]);
            let (service, mut told) = (hotel.service("a"), Told::default());
            run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
            hotel.live(&service, TimeDelta::minutes(5));
            run(service.deliver(&booking("fraud_flagged", "one", 2))).unwrap();
            hotel.live(&service, TimeDelta::minutes(5));
            run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
            for _ in 0..ticks {
                run(service.tick()).unwrap();
            }
            run(service.deliver(&confirmed("one", 3, &["101", "102"], 48))).unwrap();
            hotel.live(&service, TimeDelta::minutes(1));
            told.drain(&service);
            let which = format!("{personality}, after {ticks} ticks");
            let opens = ["101", "102"].map(|door| hotel.opens(told.hand(&stay("one")), door));
            assert_eq!(opens, [true; 2], "{which}");
            let both = ["101", "102"].map(door).into();
            assert_eq!(told.doors[&stay("one").to_string()], both, "handed out for, {which}");
            assert_eq!(
                (told.count("credential.requested"), told.count("credential.issued")),
                (1, 1),
                "{which}"
            );
        }
    }
}

/// R28, R136: the desk suspends for reasons that no event tells, in its own name, once; and lifts it.
#[test]
fn the_desk_suspends_and_lifts() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    let opens = || hotel.opens(told.hand(&stay("one")), "101");
    let reasons = [SuspendReason::OverduePayment, SuspendReason::Manual];
    for (nth, reason) in reasons.into_iter().enumerate() {
        let suspend = || {
            run(service.suspend_stay(stay("one"), reason, user("desk"), &name(&format!("out-{nth}"))))
                .unwrap();
            hotel.live(&service, TimeDelta::minutes(1));
        };
        suspend();
        assert!(!opens(), "{reason:?}");
        run(service.lift_suspensions(stay("one"), user("boss"), &name(&format!("in-{nth}")))).unwrap();
        hotel.live(&service, TimeDelta::minutes(1));
        assert!(opens(), "{reason:?}");
        suspend();
        assert!(opens(), "told again it is the same suspension: {reason:?}");
    }
    run(service.suspend_stay(stay("nobody"), SuspendReason::Manual, user("desk"), &name("who"))).unwrap();
    told.drain(&service);
    let said: Vec<_> = told.of("credential.suspended").iter().map(|data| data["reason"].clone()).collect();
    assert_eq!(said, ["overdue_payment", "manual"]);
    let audit = run(service.audit().entries(..)).unwrap();
    let by = |action| {
        let own = audit.iter().filter(move |told| told.entry.action == action);
        own.map(|told| (told.entry.reason, told.people.operator_id)).collect::<Vec<_>>()
    };
    let wanted = reasons.map(|reason| (Some(Reason::Suspend(reason)), Some(user("desk"))));
    assert_eq!((by(Action::SuspendStay), by(Action::Suspend)), (wanted.to_vec(), wanted.to_vec()));
}

/// A suspension whose answer is lost is brought to its end and told for what it was, although somebody has lifted it since.
#[test]
fn a_lost_suspension_is_told_with_its_reason() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    hotel.vendor().push_fault(lockport_mock::Fault::LoseReply);
    run(service.deliver(&booking("fraud_flagged", "one", 2))).unwrap();
    hotel.live(&service, TimeDelta::seconds(1));
    assert_eq!(hotel.vendor().faults_waiting(), 0);
    run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
    hotel.live(&service, TimeDelta::minutes(10));
    told.drain(&service);
    let reasons: Vec<_> = told.of("credential.suspended").iter().map(|data| data["reason"].clone()).collect();
    assert_eq!(reasons, ["fraud_review"]);
    assert!(hotel.opens(told.hand(&stay("one")), "101"));
}

/// A suspension and its lifting that fall between any two steps of each other end as the last word says.
#[test]
fn the_last_word_counts_at_every_point() {
    for lifts_last in [true, false] {
        for waits in 0..400 {
            let hotel = Hotel::simple();
            let (service, other) = (hotel.service("a"), hotel.service("b"));
            let mut told = Told::default();
            run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
            hotel.live(&service, TimeDelta::minutes(1));
            told.drain(&service);
            let suspend = || run(other.deliver(&booking("fraud_flagged", "one", 2))).unwrap();
            let lift = || run(other.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
            suspend();
            let came_so_far = if lifts_last {
                let (ticked, came_so_far) = run_with_a_break(service.tick(), waits, lift);
                ticked.unwrap();
                came_so_far
            } else {
                run(service.tick()).unwrap();
                lift();
                let again = || run(other.deliver(&booking("fraud_flagged", "one", 3))).unwrap();
                let (ticked, came_so_far) = run_with_a_break(service.tick(), waits, again);
                ticked.unwrap();
                came_so_far
            };
            if !came_so_far {
                assert!(waits > 10);
                break;
            }
            hotel.live(&service, TimeDelta::minutes(10));
            told.drain(&service);
            let opens = hotel.opens(told.hand(&stay("one")), "101");
            assert_eq!(opens, lifts_last, "after {waits} waits");
            assert_eq!(hotel.held(), usize::from(lifts_last));
        }
    }
}
