//! When a key is asked for, in whose place it comes, and what a host may ask about it.

use chrono::TimeDelta;
use lockport::audit::Action;
use lockport::credential::KeyCredentialKind;
use lockport::idempotency::IdempotencyKey;
use lockport::keys::KeyState;
use lockport::store::Table;
use lockport::{ErrorCode, Timestamp, Validity, id::KeyCredentialId};
use serde_json::json;

use crate::rig::{
    Hotel, Told, booking, confirmed, door, name, opening, partition, shift, shift_started, stay, user,
};
use crate::yielding::run;

const A_MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A lock's memory holds so much: what begins later than the horizon is asked for when it comes near, be it that time passes or that
/// the stay is moved; and then it is there long before its window.
#[test]
fn a_key_is_not_asked_for_before_it_comes_near() {
    let mut hotel = Hotel::simple();
    hotel.horizon = Some(TimeDelta::days(2));
    let service = hotel.service("a");
    let from = |days| opening() + TimeDelta::days(days);
    let book = |of: &str, version, from: Timestamp| {
        let mut event = confirmed(of, version, &["101"], 0);
        (event.data["validFrom"], event.data["validUntil"]) = (json!(from), json!(from + TimeDelta::days(1)));
        run(service.deliver(&event)).unwrap();
    };
    let states = |of: &str| {
        run(service.keys(stay(of).into())).unwrap().iter().map(|key| key.state).collect::<Vec<_>>()
    };
    book("waits", 1, from(10));
    book("comes sooner", 1, from(20));
    hotel.live(&service, TimeDelta::days(7));
    assert_eq!((hotel.vendor().calls(), states("waits")), (0, vec![KeyState::Requested]));
    book("comes sooner", 2, from(8));
    hotel.live(&service, A_MINUTE);
    assert_eq!(
        (states("waits"), states("comes sooner")),
        (vec![KeyState::Requested], vec![KeyState::Active])
    );
    hotel.live(&service, TimeDelta::days(1) + A_MINUTE);
    assert_eq!(states("waits"), [KeyState::Active]);
    let mut told = Told::default();
    told.drain(&service);
    assert_eq!(told.count("credential.requested"), 2);
    assert!(!hotel.opens(told.hand(&stay("waits")), "101"));
    hotel.clock.set(from(10));
    assert!(hotel.opens(told.hand(&stay("waits")), "101"));
}

/// R103: what comes in the place of something lost says so on the bus and in the audit, and who reported it stands beside it.
#[test]
fn what_comes_in_the_place_of_a_lost_key_is_linked_with_it() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    let found = told.hand(&stay("one")).to_vec();
    run(service.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    let hand = &told.hand(&stay("one"))[found.len()..];
    assert!(!hotel.opens(&found, "101") && hotel.opens(hand, "101"));

    let id = |nth: usize| &told.of("credential.issued")[nth]["keyCredentialId"];
    let requested: Vec<_> =
        told.of("credential.requested").into_iter().map(|data| &data["replaces"]).collect();
    assert_eq!(requested, [&json!(null), id(0)]);
    let revoked = told.of("credential.revoked")[0];
    assert_eq!(
        (&revoked["keyCredentialId"], &revoked["reason"], &revoked["operatorId"]),
        (id(0), &json!("lost"), &json!(user("desk")))
    );
    let audit = run(service.audit().entries(..)).unwrap();
    let of = |action| audit.iter().filter(move |told| told.entry.action == action);
    let links: Vec<_> =
        of(Action::Request).map(|told| json!([told.entry.key_credential_id, told.entry.replaces])).collect();
    assert_eq!(links, [json!([id(0), null]), json!([id(1), id(0)])]);
    assert!(of(Action::Revoke).all(|told| told.people.operator_id == Some(user("desk"))));
    assert_eq!(of(Action::ReportLoss).count(), 1);
}

/// R103: who lost his card takes a PIN, or whatever he is given a choice of; and goes on having that.
#[test]
fn what_comes_in_the_place_of_a_lost_key_is_of_the_kind_that_was_chosen() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, A_MINUTE);
    for (kinds, loss) in [(&[KeyCredentialKind::MobileApp][..], "one"), (&[], "two")] {
        run(service.report_lost(stay("one"), kinds, user("desk"), &name(loss))).unwrap();
        hotel.live(&service, A_MINUTE);
    }
    let mut told = Told::default();
    told.drain(&service);
    let kinds: Vec<_> = told.of("credential.issued").iter().map(|data| data["kind"].clone()).collect();
    assert_eq!(kinds, ["pin_code", "mobile_app", "mobile_app"]);
}

/// What a key opens, and what it is being changed to; and whether its holder gets in tonight.
#[test]
fn a_host_asks_which_doors_and_who_gets_in() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &["101", "102"], 24))).unwrap();
    let id = run(service.keys(stay("one").into())).unwrap()[0].id;
    let doors = || run(service.affected_doors(id)).unwrap();
    let sorted = |names: &[&str]| {
        let mut doors: Vec<_> = names.iter().map(|name| door(name)).collect();
        doors.sort_unstable();
        doors
    };
    let during = |from, until| Validity::new(opening() + from, opening() + until).unwrap();
    let tonight = during(TimeDelta::zero(), TimeDelta::hours(12));
    let ready =
        || run(service.readiness(tonight)).unwrap().iter().map(|own| own.is_ready()).collect::<Vec<_>>();
    // Asked for, and not there yet.
    assert_eq!((doors(), ready()), (sorted(&["101", "102"]), vec![false]));
    hotel.live(&service, A_MINUTE);
    assert_eq!(ready(), [true]);
    assert!(run(service.readiness(during(TimeDelta::hours(1), TimeDelta::hours(12)))).unwrap().is_empty());
    run(service.deliver(&confirmed("one", 2, &["102", "201"], 24))).unwrap();
    // On its way from one room to the other it may open both.
    assert_eq!((doors(), ready()), (sorted(&["101", "102", "201"]), vec![false]));
    hotel.live(&service, A_MINUTE);
    assert_eq!((doors(), ready()), (sorted(&["102", "201"]), vec![true]));
    let nobodys = KeyCredentialId::derived("t", &[b"nobody"]);
    assert_eq!(run(service.affected_doors(nobodys)).unwrap_err().code(), ErrorCode::CredentialNotFound);
}

/// R207: what is told of a change goes back to the event that asked for it, and stays in line with what was told before.
#[test]
fn each_event_names_what_led_to_it() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    let mut deliver = |mut event: lockport::event::Envelope, trace: &str| {
        (event.trace_id, event.correlation_id) = (Some(trace.to_owned()), Some(format!("bus {trace}")));
        run(service.deliver(&event)).unwrap();
        hotel.live(&service, A_MINUTE);
        told.drain(&service);
        event.id
    };
    let first = deliver(confirmed("one", 1, &["101"], 24), "a");
    let second = deliver(confirmed("one", 2, &["102"], 24), "b");
    let third = deliver(booking("cancelled", "one", 3), "c");
    for (subject, led_by, trace) in
        [("issued", first, "a"), ("updated", second, "b"), ("revoked", third, "c")]
    {
        let of = format!("melmastoon.lock.credential.{subject}.v1");
        let event = told.events.iter().find(|event| event.subject == of).unwrap();
        assert_eq!((event.causation_id, event.trace_id.as_deref()), (Some(led_by), Some(trace)), "{subject}");
        assert_eq!(event.correlation_id.as_deref(), Some("bus a"), "{subject}");
    }
}

/// A task is closed in line with its opening, whatever its business is called on the bus.
#[test]
fn a_task_is_closed_after_it_was_opened() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101", "102"])]);
    let (service, mut told) = (hotel.service("a"), Told::default());
    let mut event = confirmed("one", 1, &["101"], 24);
    event.correlation_id = Some("a name of the bus".to_owned());
    run(service.deliver(&event)).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.deliver(&booking("cancelled", "one", 2))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    let tasks: Vec<_> = told.events.iter().filter(|event| event.subject.contains(".desk_task.")).collect();
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|event| event.correlation_id.as_deref() == Some("a name of the bus")));
}

/// R218: what ended a member's key, in the bus's words.
#[test]
fn what_ended_a_members_key_is_told_by_its_word() {
    use lockport::credential::RevokeReason;
    use lockport::id::DecisionId;
    use lockport::keys::{BulkRevoke, BulkTarget};

    use crate::rig::{property_deactivated, shift_ended, shift_started, user_deactivated};

    for word in ["shift.ended", "user.deactivated", "bulk.revoked", "property.deactivated", "window.over"] {
        let hotel = Hotel::simple();
        let (service, mut told) = (hotel.service("a"), Told::default());
        run(service.deliver(&shift_started("early", "anna", &json!("rooms:all"), 8))).unwrap();
        hotel.live(&service, A_MINUTE);
        match word {
            "shift.ended" => run(service.deliver(&shift_ended("early", "anna"))).unwrap(),
            "user.deactivated" => run(service.deliver(&user_deactivated("anna"))).unwrap(),
            "property.deactivated" => run(service.deliver(&property_deactivated())).unwrap(),
            "bulk.revoked" => {
                let target = BulkTarget::Staff(user("anna"));
                let order = BulkRevoke::new(target, RevokeReason::Security, user("boss"), name("out"))
                    .with_decision(DecisionId::derived("t", &[b"d"]));
                drop(run(service.revoke_all(order)).unwrap());
            }
            _ => hotel.live(&service, TimeDelta::hours(8)),
        }
        hotel.live(&service, A_MINUTE);
        told.drain(&service);
        let triggers: Vec<_> =
            told.of("master_key.expired").into_iter().map(|data| &data["trigger"]).collect();
        assert_eq!(triggers, [&json!(word)]);
    }
}

/// R224: the newest policy stands, whatever the bus says again.
#[test]
fn an_older_policy_that_comes_again_changes_nothing() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    let policy = |nth: u64, hours: u64, at: Timestamp| {
        let mut event = booking("cancelled", "nobody", nth);
        event.subject = "melmastoon.tenant.config_updated.v1".to_owned();
        event.data = json!({
            "propertyId": partition().property, "policy": { "preferredKinds": ["pin_code"], "noShowSuspendAfterHours": hours },
        });
        event.time = at;
        event
    };
    let (old, new) = (policy(1, 0, opening()), policy(2, 12, opening() + A_MINUTE));
    for event in [&old, &new, &old] {
        run(service.deliver(event)).unwrap();
    }
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, A_MINUTE);
    let mut told = Told::default();
    told.drain(&service);
    run(service.deliver(&booking("no_show", "one", 2))).unwrap();
    hotel.live(&service, TimeDelta::hours(11));
    assert!(hotel.opens(told.hand(&stay("one")), "101"), "he is shut out already");
    hotel.live(&service, TimeDelta::hours(2));
    assert!(!hotel.opens(told.hand(&stay("one")), "101"));
}

/// R79, R224, X7: the names under which a port is asked, frozen: a port that was asked under another one before an upgrade would do it
/// a second time after it.
#[test]
fn every_call_has_its_frozen_name() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    run(service.deliver(&shift_started("early", "anna", &json!("floor:2"), 8))).unwrap();
    hotel.live(&service, A_MINUTE);
    let key = run(service.keys(stay("one").into())).unwrap()[0].id;
    run(service.deliver(&confirmed("one", 2, &["102"], 24))).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.deliver(&booking("fraud_flagged", "one", 3))).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.lift_suspensions(stay("one"), user("desk"), &name("lift"))).unwrap();
    hotel.live(&service, A_MINUTE);
    run(service.report_lost(stay("one"), &[], user("desk"), &name("loss"))).unwrap();
    hotel.live(&service, A_MINUTE);
    let mut wanted = vec![
        IdempotencyKey::for_stay_step(stay("one"), "issue/main/0", 1),
        IdempotencyKey::for_shift_step(shift("early"), "issue-master/main/0"),
        IdempotencyKey::for_credential_step(key, "update", 1),
        IdempotencyKey::for_credential_step(key, "suspend", 2),
        IdempotencyKey::for_credential_step(key, "unsuspend", 3),
        IdempotencyKey::for_credential_step(key, "revoke", 4),
        IdempotencyKey::for_stay_step(stay("one"), "issue/main/0", 2),
    ];
    let rows = run(hotel.store.find(partition(), Table::Operation, "")).unwrap();
    let mut asked: Vec<_> =
        rows.iter().map(|row| row.id.split_once('/').unwrap().1.parse::<IdempotencyKey>().unwrap()).collect();
    wanted.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    asked.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    assert_eq!(asked, wanted);
}
