use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::audit::Action;
use lockport::credential::RevokeReason;
use lockport::id::DecisionId;
use lockport::keys::{AllRevoked, BulkRevoke, BulkTarget};
use serde_json::json;

use crate::rig::{Hotel, ROOMS, Told, confirmed, name, shift_started, stay, user};
use crate::yielding::{run, run_and_drop};

fn order(target: BulkTarget) -> BulkRevoke {
    BulkRevoke::new(target, RevokeReason::Security, user("boss"), name("clear-the-house"))
        .with_decision(DecisionId::derived("t", &[b"d"]))
        .with_approvals(vec![user("boss"), user("owner")])
}

fn full() -> (Hotel, Told) {
    let (hotel, mut told) = (Hotel::simple(), Told::default());
    let service = hotel.service("a");
    for (nth, room) in ROOMS.iter().enumerate() {
        run(service.deliver(&confirmed(&format!("stay {nth}"), 1, &[room], 24))).unwrap();
    }
    run(service.deliver(&shift_started("early", "anna", &json!("rooms:all"), 8))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    told.drain(&service);
    assert_eq!(hotel.held(), 8);
    (hotel, told)
}

/// R183, R189: many keys go by a decision, all of a property's by two persons' word; nothing happens otherwise.
#[test]
fn an_order_without_its_decision_changes_nothing() {
    let (hotel, _) = full();
    let service = hotel.service("a");
    let mut undecided = order(BulkTarget::Property);
    undecided.decision = None;
    let alone = order(BulkTarget::Property).with_approvals(vec![user("boss"), user("boss")]);
    for bad in [undecided, alone] {
        assert_eq!(run(service.revoke_all(bad)).unwrap_err().code(), ErrorCode::InvalidInput);
    }
    run(service.revoke_all(order(BulkTarget::Property))).unwrap();
    let other = order(BulkTarget::Staff(user("anna")));
    assert_eq!(run(service.revoke_all(other)).unwrap_err().code(), ErrorCode::IdempotencyConflict);
}

/// All keys of the target go, each with its outcome, and no others, whatever dies in between and however often it is asked.
#[test]
fn all_keys_of_the_target_go_whatever_dies_in_between() {
    let mut points = 0;
    for waits in 0.. {
        let (hotel, _) = full();
        let service = hotel.service("a");
        let started = run(service.revoke_all(order(BulkTarget::Property))).unwrap();
        assert_eq!(started.outcomes.len(), 5);
        assert!(!started.is_done());
        if !run_and_drop(service.tick(), waits * 7) {
            break;
        }
        points += 1;
        let heir = hotel.service("a");
        hotel.live(&heir, TimeDelta::minutes(10));
        let ended = run(heir.revoke_all(order(BulkTarget::Property))).unwrap();
        assert!(ended.is_done(), "{ended:?}");
        assert_eq!(hotel.held(), 0, "after {waits} waits");
    }
    assert!(points > 10);
}

#[test]
fn others_keep_their_keys() {
    let (hotel, told) = full();
    let service = hotel.service("a");
    run(service.revoke_all(order(BulkTarget::Staff(user("anna"))))).unwrap();
    hotel.live(&service, TimeDelta::minutes(10));
    assert_eq!(hotel.held(), 4);
    assert!(hotel.opens(told.hand(&stay("stay 0")), "101"));
    let of_one = BulkRevoke::new(
        BulkTarget::Owner(stay("stay 0").into()),
        RevokeReason::Security,
        user("boss"),
        name("only-one"),
    );
    run(service.revoke_all(of_one)).unwrap();
    assert_eq!(run(service.all_revoked(stay("stay 0"))).unwrap(), AllRevoked::Open);
    hotel.live(&service, TimeDelta::minutes(10));
    assert_eq!(hotel.held(), 3);
    assert_eq!(run(service.all_revoked(stay("stay 0"))).unwrap(), AllRevoked::Confirmed);
    // What comes after it on the bus, with a higher version, is another stay.
    run(service.deliver(&confirmed("stay 0", 2, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    assert_eq!(hotel.held(), 4);
}

/// R136, R183: each key that goes by an order names who gave it, and the decision it rests on; whoever is meant by it, guest or member of staff.
#[test]
fn each_key_that_goes_names_who_had_it_taken() {
    let guest = "gst_01YN6ZGD3Y210WMW4BJ51T485P".parse().unwrap();
    for (target, keys) in [(BulkTarget::Guest(guest), 4), (BulkTarget::Staff(user("anna")), 1)] {
        let (hotel, mut told) = full();
        let service = hotel.service("a");
        run(service.revoke_all(order(target))).unwrap();
        hotel.live(&service, TimeDelta::minutes(10));
        told.drain(&service);
        let by: Vec<_> =
            told.of("credential.revoked").iter().map(|data| data["operatorId"].clone()).collect();
        assert_eq!(by, vec![json!(user("boss")); keys], "{target:?}");
        let audit = run(service.audit().entries(..)).unwrap();
        let revoked = audit.iter().filter(|told| told.entry.action == Action::Revoke);
        let decisions: Vec<_> = revoked.map(|told| told.entry.decision_id).collect();
        assert_eq!(decisions, vec![Some(DecisionId::derived("t", &[b"d"])); keys], "{target:?}");
    }
}
