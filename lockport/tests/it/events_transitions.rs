//! R70: every change of a key's state is told, and nothing else is; in the transaction that makes it, to the bus and to the audit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::audit::Action;
use lockport::credential::RevokeReason;
use lockport::env::ManualClock;
use lockport::event::{Envelope, FORBIDDEN_MEMBERS};
use lockport::id::{DecisionId, EventId, ReservationId, ShiftId, UserId};
use lockport::keys::{BulkRevoke, BulkTarget};
use lockport::store::{Batch, MemoryStore, Partition, Row, Store, StoreError, Table};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Timestamp};
use serde_json::{Value, json};

use crate::keys::{Rig, operator, room, unreachable};
use crate::rig::{now, partition, run};

/// A store that looks at every commit.
#[derive(Debug, Default)]
struct Watch {
    inner: MemoryStore,
    keys: Mutex<BTreeMap<String, Value>>,
    /// How often each change of state was seen.
    seen: Mutex<BTreeMap<String, usize>>,
}

/// The event that a change of state is told by; none for one that is told to nobody outside (X15).
fn told_by(before: &str, after: &str) -> Option<&'static str> {
    Some(match (before, after) {
        ("", "requested") => "requested",
        ("requested", "pending") => return None,
        ("pending", "active") => "issued",
        ("requested" | "pending", "failed") => "failed",
        ("active", "suspended") => "suspended",
        ("suspended", "active") => "unsuspended",
        ("active" | "suspended", "revoked") => "revoked",
        other => panic!("no such way: {other:?}"),
    })
}

impl Watch {
    fn look(&self, batch: &Batch) {
        let mut keys = self.keys.lock().unwrap();
        let mut seen = self.seen.lock().unwrap();
        let (mut wanted, mut told) = (Vec::new(), Vec::new());
        let (mut pending, mut events) = (BTreeSet::new(), BTreeSet::new());
        let (mut noted, mut noted_pending) = (BTreeSet::new(), BTreeSet::new());
        for write in &batch.writes {
            let Some(content) = &write.content else { continue };
            let body: Value = serde_json::from_slice(content.body.expose()).unwrap();
            match write.table {
                Table::Key => {
                    let before = keys.insert(write.id.clone(), body.clone()).unwrap_or_default();
                    let state = |body: &Value| body["state"].as_str().unwrap_or_default().to_owned();
                    let (was, is) = (state(&before), state(&body));
                    if was != is {
                        match told_by(&was, &is) {
                            Some(what) => wanted.push((write.id.clone(), what.to_owned())),
                            None => drop(pending.insert(write.id.clone())),
                        }
                        *seen.entry(format!("{was} {is}")).or_default() += 1;
                    } else if matches!(&*is, "active" | "suspended") && before["spec"] != body["spec"] {
                        wanted.push((write.id.clone(), "updated".to_owned()));
                        *seen.entry("updated".to_owned()).or_default() += 1;
                    }
                }
                Table::Outbox if write.expected == 0 => {
                    let event: Envelope = serde_json::from_value(body["event"].clone()).unwrap();
                    let name = event.subject.strip_prefix("melmastoon.lock.").unwrap();
                    if let Some(what) = name.strip_prefix("credential.") {
                        let what = what.strip_suffix(".v1").unwrap().to_owned();
                        let key = event.data["keyCredentialId"].as_str().unwrap().to_owned();
                        if what == "updated" && event.data["changes"] == json!({}) {
                            // What was begun and overtaken is told as well.
                        } else if what != "revoke_failed" {
                            told.push((key, what));
                        }
                        events.insert(event.id);
                    }
                }
                Table::Audit => {
                    let entry: Value = serde_json::from_str(body["entry"].as_str().unwrap()).unwrap();
                    // R137: what must never be kept has no name there.
                    for member in entry.as_object().unwrap().keys() {
                        let plain: String = member.to_lowercase().replace('_', "");
                        assert!(!FORBIDDEN_MEMBERS.contains(&&*plain), "{member}");
                    }
                    let id: Option<EventId> = serde_json::from_value(entry["eventId"].clone()).unwrap();
                    noted.extend(id);
                    if entry["action"] == "issue" && entry["outcome"] == "deferred" {
                        noted_pending.insert(entry["keyCredentialId"].as_str().unwrap().to_owned());
                    }
                }
                _ => {}
            }
        }
        wanted.sort();
        told.sort();
        assert_eq!(told, wanted, "what was told is not what happened");
        assert_eq!(noted, events, "what is in the audit is not what was told");
        assert_eq!(noted_pending, pending);
    }
}

#[async_trait]
impl Store for Watch {
    async fn read(&self, of: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.inner.read(of, table, id).await
    }
    async fn find(&self, of: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        self.inner.find(of, table, term).await
    }
    async fn due(
        &self,
        of: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.due(of, table, until, limit).await
    }
    async fn commit(&self, of: Partition, batch: &Batch) -> Result<(), StoreError> {
        self.inner.commit(of, batch).await?;
        self.look(batch);
        Ok(())
    }
}

/// Chance, by a seed.
struct Dice(u64);

impl Dice {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn event(subject: &str, data: Value, nth: u64, clock: &ManualClock) -> Envelope {
    let mut data = data;
    data["propertyId"] = json!(partition("a").property);
    serde_json::from_value(json!({
        "specVersion": "1.0", "id": format!("evt_{nth:026}"), "subject": subject, "type": subject,
        "source": "/test", "time": lockport::env::Clock::now(clock), "tenantId": partition("a").tenant,
        "traceId": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "data": data,
    }))
    .unwrap()
}

/// One thing that happens in a hotel, good or bad.
fn happens(rig: &Rig, dice: &mut Dice, nth: u64) {
    let at = |hours: u64| now() + TimeDelta::hours(i64::try_from(hours).unwrap());
    let which = dice.draw(3);
    let reservation = ReservationId::derived("test", &[&which.to_be_bytes()]);
    let user = UserId::derived("test", &[b"staff"]);
    let shift = ShiftId::derived("test", &[&which.to_be_bytes()]);
    // Mostly in order, now and then late.
    let version = if dice.draw(4) == 0 { 1 + dice.draw(nth + 2) } else { nth + 2 };
    let from = dice.draw(8);
    let booking = json!({
        "reservationId": reservation, "version": version, "guestId": "gst_01YN6ZGD3Y210WMW4BJ51T485P",
        "rooms": [room()], "validFrom": at(from), "validUntil": at(from + 1 + dice.draw(60)),
    });
    let told = |subject: &str, data: Value| {
        // What is refused is without effect.
        let _ = run(rig.service.deliver(&event(subject, data, nth, &rig.clock)));
    };
    match dice.draw(20) {
        0..3 => told("melmastoon.reservation.booking.confirmed.v1", booking),
        3 | 4 => told("melmastoon.reservation.booking.dates_changed.v1", booking),
        5 => told("melmastoon.reservation.booking.cancelled.v1", booking),
        6 => told("melmastoon.reservation.booking.checked_out.v1", booking),
        7 => told("melmastoon.reservation.booking.no_show.v1", booking),
        8 => told("melmastoon.reservation.booking.fraud_flagged.v1", booking),
        9 => told(
            "melmastoon.staff.shift.started.v1",
            json!({ "shiftId": shift, "userId": user, "scope": ["rooms:all", "floor:2"],
                    "validFrom": at(from), "validUntil": at(from + 8) }),
        ),
        10 => told("melmastoon.staff.shift.ended.v1", json!({ "shiftId": shift, "userId": user })),
        11 | 19 => {
            let name = format!("lift-{nth}").parse().unwrap();
            run(rig.service.lift_suspensions(reservation, operator(), &name)).unwrap();
        }
        12 => {
            let name = format!("lose-{nth}").parse().unwrap();
            run(rig.service.report_lost(reservation, &[], operator(), &name)).unwrap();
        }
        16 => {
            let (target, name) =
                (BulkTarget::Owner(reservation.into()), format!("all-{nth}").parse().unwrap());
            let order = BulkRevoke::new(target, RevokeReason::Security, operator(), name);
            run(rig.service.revoke_all(order)).unwrap();
        }
        13 => {
            let never = RetryAdvice::Never;
            let errors = [
                unreachable(),
                unreachable().with_advice(RetryAdvice::OutcomeUnknown),
                LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, never, "x"),
                LockError::new(ErrorCode::KeyRevokeFailed, FailureReason::InProgress, never, "x"),
                LockError::new(ErrorCode::KeyIssueFailed, FailureReason::OutcomeUnknown, never, "x"),
            ];
            let error = &errors[usize::try_from(dice.draw(5)).unwrap()];
            rig.fail(usize::try_from(1 + dice.draw(7)).unwrap(), error);
        }
        14 | 17 | 18 => {
            let later = lockport::env::Clock::now(&*rig.clock)
                + TimeDelta::minutes(i64::try_from(dice.draw(200)).unwrap());
            rig.live(later);
        }
        _ => drop(run(rig.service.tick()).unwrap()),
    }
}

/// R70, X15, R136: over random days, change by change.
#[test]
fn every_change_is_told_and_nothing_else_is() {
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    let mut subjects = BTreeSet::new();
    for seed in 1..=24 {
        println!("seed {seed}");
        let watch = Arc::new(Watch::default());
        let rig = Rig::over(watch.clone());
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        for nth in 0..60 {
            happens(&rig, &mut dice, nth);
            subjects.extend(rig.told().into_iter().map(|event| event.subject));
        }
        rig.live(now() + TimeDelta::days(10));
        subjects.extend(rig.told().into_iter().map(|event| event.subject));
        let verdict = run(rig.service.audit().verify(..)).unwrap();
        assert!(verdict.checked > 0 && verdict.faults.is_empty(), "{verdict:?}");
        for (way, times) in &*watch.seen.lock().unwrap() {
            *ways.entry(way.clone()).or_default() += times;
        }
    }
    println!("{ways:?}\n{subjects:?}");
    assert_eq!(ways.len(), 10, "each way was gone: {ways:?}");
    // What vendors and desks tell by themselves is told elsewhere.
    let of_vendors = |subject: &str| {
        [
            "lock.device.",
            "lock.audit.",
            "lock.vendor_webhook.",
            "lock.vendor_adapter.",
            "lock.encoder_session.",
        ]
        .iter()
        .any(|head| subject.starts_with(&format!("melmastoon.{head}")))
    };
    let of_keys = lockport::event::Published::ALL.iter().filter(|what| !of_vendors(what.subject())).count();
    assert_eq!(subjects.len(), of_keys, "{subjects:?}");
}

/// R136, R189: what a person does is in the audit under his name, once however often he says it, with what it rests on.
#[test]
fn what_a_person_does_is_in_the_audit() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    let issued = rig.told().pop().unwrap();
    let reference = serde_json::from_value(issued.data["delivery"]["artifact"]["opaqueRef"].clone()).unwrap();
    let reservation = serde_json::from_value(issued.data["reservationId"].clone()).unwrap();
    run(rig.service.reveal(reference, operator(), "handed to the guest")).unwrap();
    assert!(run(rig.service.reveal(reference, operator(), "for Mr Smith, room 204")).is_err());
    let decision = DecisionId::derived("test", &[b"decision"]);
    let approvers = ["a", "b"].map(|name| UserId::derived("test", &[name.as_bytes()]));
    for _ in 0..2 {
        let name = |name: &str| name.parse().unwrap();
        run(rig.service.lift_suspensions(reservation, operator(), &name("lift"))).unwrap();
        run(rig.service.report_lost(reservation, &[], operator(), &name("lose"))).unwrap();
        let order =
            BulkRevoke::new(BulkTarget::Property, RevokeReason::Security, operator(), name("everything"))
                .with_decision(decision)
                .with_approvals(approvers.into());
        run(rig.service.revoke_all(order)).unwrap();
    }
    let entries = run(rig.service.audit().entries(..)).unwrap();
    let by_hand: Vec<_> = entries.iter().filter(|told| told.people.operator_id == Some(operator())).collect();
    let actions: Vec<Action> = by_hand.iter().map(|told| told.entry.action).collect();
    assert_eq!(actions, [Action::Reveal, Action::LiftSuspensions, Action::ReportLoss, Action::RevokeAll]);
    let guests: BTreeSet<_> = by_hand.iter().take(3).map(|told| told.people.guest_id).collect();
    assert!(guests.len() == 1 && !guests.contains(&None));
    assert_eq!(by_hand[0].entry.purpose.as_ref().unwrap().as_str(), "handed to the guest");
    assert_eq!(by_hand[3].entry.decision_id, Some(decision));
    assert_eq!(by_hand[3].people.approver_ids, approvers);
}
