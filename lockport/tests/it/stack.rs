//! The layers around a port: their order, the time-outs, the audit and the spans.

mod bench;
mod measured;
pub(crate) mod spans;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{KeyCredentialKind, SuspendInput, SuspendReason, UnsuspendInput, UpdateInput};
use lockport::driver::{LatencyClass, LatencyProfile};
use lockport::env::Priority;
use lockport::id::{LockDeviceId, PropertyId, ReservationId, TenantId, UserId};
use lockport::stack::{AuditRecord, AuditSink, LockStack, Outcome, RetryPolicy};
use lockport::{ErrorCode, FailureReason, Operation, RetryAdvice};

pub(crate) use self::bench::{Bench, away, drive, issue, poll_once, quick, revoke};
use self::bench::{CANARY, id, secret_of};
use crate::rig::{now, partition, run};

/// A host's audit.
#[derive(Debug, Default)]
struct Book {
    kept: Mutex<Vec<AuditRecord>>,
    left: Mutex<Vec<AuditRecord>>,
    stuck: bool,
}

#[async_trait]
impl AuditSink for Book {
    async fn record(&self, record: AuditRecord) {
        if self.stuck {
            std::future::pending::<()>().await;
        }
        self.kept.lock().unwrap().push(record);
    }
    fn leave(&self, record: AuditRecord) {
        self.left.lock().unwrap().push(record);
    }
}

#[test]
fn the_order_is_the_builders_whatever_is_named_first() {
    let book = Arc::new(Book::default());
    let bench = Bench::new(|_| (Duration::ZERO, Err(away(RetryAdvice::NotApplied))));
    let (retry, patience) = (RetryPolicy::default(), Duration::from_secs(1));
    let port = bench.stack().retry(retry).attempt_timeout(patience).audit(book.clone()).build();

    // Audit outside the guard: what is refused is told, and was neither tried nor repeated.
    let foreign = TenantId::derived("test", &[b"other"]);
    let mut input = revoke("k-9");
    input.tenant_id = foreign;
    assert_eq!(run(port.revoke_credential(input)).unwrap_err().code(), ErrorCode::TenantMismatch);
    assert_eq!((bench.port.calls(), book.kept.lock().unwrap().len()), (0, 1));

    // Audit outside the retries: one record for three attempts.
    bench.drive(port.revoke_credential(revoke("k-2"))).unwrap_err();
    assert_eq!((bench.port.calls(), book.kept.lock().unwrap().len()), (3, 2));
}

#[test]
fn an_attempt_is_cut_and_repeated_within_the_deadline() {
    let slow = |call| (Duration::from_secs(if call < 2 { 60 } else { 0 }), Ok(()));
    let bench = Bench::new(slow);
    let port = bench.stack().retry(RetryPolicy::default()).attempt_timeout(Duration::from_secs(2)).build();
    bench.drive(port.revoke_credential(revoke("k-1"))).unwrap();
    let took = bench.env.now() - now();
    assert!(took > TimeDelta::seconds(4) && took < TimeDelta::milliseconds(4_200), "{took}");
    assert_eq!(bench.port.calls(), 3);

    // Without the repeats the attempt's own error comes out: nobody knows how it ended.
    let bench = Bench::new(slow);
    let port = bench.stack().attempt_timeout(Duration::from_secs(2)).build();
    let error = bench.drive(port.revoke_credential(revoke("k-1"))).unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::Timeout, RetryAdvice::OutcomeUnknown));
    assert_eq!(error.message(), "the attempt did not end in time");
    assert_eq!(bench.env.now() - now(), TimeDelta::seconds(2));
}

#[test]
fn a_figure_of_the_hosts_is_a_ceiling_over_the_latency_class() {
    let hangs = |_| (Duration::from_secs(3_600), Ok(()));
    let took = |stack: fn(LockStack) -> LockStack| {
        let bench = Bench::new(hangs);
        let error = bench.drive(stack(bench.stack()).build().revoke_credential(revoke("k-1"))).unwrap_err();
        assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown);
        (bench.env.now() - now(), error.message().to_owned())
    };
    let (call, attempt) = ("the call did not end by its deadline", "the attempt did not end in time");
    let class = TimeDelta::seconds(10);
    assert_eq!(took(|stack| stack), (class, call.to_owned()));
    assert_eq!(
        took(|stack| stack.deadline(Duration::from_secs(3))),
        (TimeDelta::seconds(3), call.to_owned())
    );
    assert_eq!(took(|stack| stack.deadline(Duration::from_secs(30))).0, class);
    assert_eq!(took(|stack| stack.attempt_timeout(Duration::from_secs(300))), (class, attempt.to_owned()));
    // The repeats count with the shorter deadline: an attempt that ends near it is the last.
    let bench =
        Bench::new(|_| (Duration::from_millis(2_990), Err(away(RetryAdvice::After(Duration::from_secs(1))))));
    let port = bench.stack().deadline(Duration::from_secs(3)).retry(RetryPolicy::default()).build();
    let error = bench.drive(port.revoke_credential(revoke("k-1"))).unwrap_err();
    assert_eq!((error.message(), bench.port.calls()), ("away", 1));
}

/// A vendor with a short and a long way: an issue that can only go the short one ends sooner.
#[test]
fn an_issue_ends_by_the_deadline_of_the_slowest_kind_that_it_may_come_to() {
    use KeyCredentialKind::{MobileApp, PinCode};
    let took = |kinds: &[KeyCredentialKind]| {
        let latency =
            LatencyProfile::all(LatencyClass::Gateway).with_issue_of(MobileApp, LatencyClass::Cloud);
        let bench = Bench::with_latency(|_| (Duration::from_secs(3_600), Ok(())), Some(latency));
        let port = bench.stack().build();
        let input = issue("k-1").with_preferred_kinds(kinds.to_vec());
        let error = bench.drive(port.issue_credential(input)).unwrap_err();
        assert_eq!((error.reason(), error.advice()), (FailureReason::Timeout, RetryAdvice::OutcomeUnknown));
        bench.env.now() - now()
    };
    assert_eq!(took(&[MobileApp]), TimeDelta::seconds(10));
    assert_eq!(took(&[MobileApp, PinCode]), TimeDelta::seconds(40));
}

#[test]
fn what_takes_access_away_goes_first_all_the_way_down() {
    let bench = Bench::new(|call| (Duration::from_millis(if call == 1 { 10 } else { 0 }), Ok(())));
    let port = bench.stack().build();
    let key = |text: &str| text.parse().unwrap();
    bench.drive(async {
        port.issue_credential(issue("k-1")).await.unwrap();
        let tenant = partition("a").tenant;
        port.suspend_credential(SuspendInput::new(tenant, id(), SuspendReason::Manual, key("k-2")))
            .await
            .unwrap();
        port.unsuspend_credential(UnsuspendInput::new(tenant, id(), key("k-3"))).await.unwrap();
        port.revoke_credential(revoke("k-4")).await.unwrap();
        assert_eq!(Priority::current(), Normal, "what the caller does next is not urgent");
        port.list_devices(partition("a").property).await.unwrap();
    });
    let asked = bench.port.asked.lock().unwrap();
    let priorities: Vec<Priority> = asked.iter().map(|(_, _, priority)| *priority).collect();
    use Priority::{First, Normal};
    assert_eq!(priorities, [Normal, First, Normal, First, Normal]);
}

#[test]
fn the_audit_tells_who_did_what_to_which_credential_and_how_it_ended() {
    let book = Arc::new(Book::default());
    let bench = Bench::new(|call| (Duration::from_millis(if call == 2 { 1_500 } else { 0 }), Ok(())));
    let port = bench.stack().audit(book.clone()).build();
    let of = partition("a");
    let secret = bench.drive(async {
        let issued = port.issue_credential(issue("k-1")).await.unwrap();
        let update = UpdateInput::new(of.tenant, id(), "k-2".parse().unwrap());
        port.update_credential(update.with_valid_until(now() + TimeDelta::hours(9))).await.unwrap();
        port.revoke_credential(revoke("k-3")).await.unwrap();
        port.health_check(LockDeviceId::derived("test", &[b"other"])).await.unwrap_err();
        secret_of(&issued)
    });
    let kept = book.kept.lock().unwrap();
    let operations: Vec<_> = kept.iter().map(|one| (one.operation, one.outcome, one.error_code)).collect();
    assert_eq!(
        operations,
        [
            (Operation::IssueCredential, Outcome::Ok, None),
            (Operation::UpdateCredential, Outcome::Deferred, None),
            (Operation::RevokeCredential, Outcome::Ok, None),
            (Operation::HealthCheck, Outcome::Error, Some(ErrorCode::DeviceNotPaired)),
        ]
    );
    assert_eq!(kept[0].reservation_id, Some(ReservationId::derived("test", &[b"stay"])));
    assert_eq!(kept[0].operator_id, Some(UserId::derived("test", &[b"desk"])));
    assert_eq!(kept[3].failure_reason, Some(FailureReason::UnknownPlace));
    let revoked = serde_json::to_value(&kept[2]).unwrap();
    assert_eq!(revoked["reason"], "lost");
    assert_eq!(revoked["outcome"], "ok");
    assert_eq!(revoked["operation"], "revoke_credential");
    assert_eq!(revoked["vendor"], "mock");
    assert_eq!(revoked["durationMs"], 1_500);
    assert_eq!(revoked["keyCredentialId"], id().to_string());
    assert_eq!(revoked["tenantId"], of.tenant.to_string());
    assert_eq!(revoked["idempotencyKey"], "k-3");
    assert_eq!(revoked["capabilities"]["mobileKey"], true);
    let all = format!("{kept:?} {}", serde_json::to_string(&*kept).unwrap());
    assert!(!all.contains(CANARY) && !all.contains(&secret));
    assert!(book.left.lock().unwrap().is_empty());
}

#[test]
fn ids_of_another_tenant_are_not_written_down() {
    let book = Arc::new(Book::default());
    let bench = Bench::new(quick);
    let port = bench.stack().audit(book.clone()).build();
    let mut input = issue("k-1");
    input.tenant_id = TenantId::derived("test", &[b"other"]);
    run(port.issue_credential(input.clone())).unwrap_err();
    input.tenant_id = partition("a").tenant;
    input.property_id = PropertyId::derived("test", &[b"other"]);
    run(port.issue_credential(input)).unwrap_err();
    for record in &*book.kept.lock().unwrap() {
        assert_eq!(record.error_code, Some(ErrorCode::TenantMismatch));
        assert_eq!((record.tenant_id, record.property_id), (partition("a").tenant, partition("a").property));
        assert_eq!((record.key_credential_id, record.reservation_id, record.operator_id), (None, None, None));
        assert_eq!(record.idempotency_key, None);
    }
}

#[test]
fn the_audits_time_rises_when_the_clock_does_not() {
    let book = Arc::new(Book::default());
    let bench = Bench::new(quick);
    let port = bench.stack().audit(book.clone()).build();
    for minutes in [0, 0, -5, 1] {
        bench.clock.advance(TimeDelta::minutes(minutes));
        run(port.list_devices(partition("a").property)).unwrap();
    }
    let kept = book.kept.lock().unwrap();
    assert_eq!(kept.len(), 4);
    assert!(kept.windows(2).all(|two| two[0].at < two[1].at), "{kept:?}");
}

#[test]
fn a_stuck_sink_holds_no_call_beyond_its_deadline() {
    let book = Arc::new(Book { stuck: true, ..Book::default() });
    let bench = Bench::new(|_| (Duration::from_secs(4), Ok(())));
    let port = bench.stack().audit(book.clone()).build();
    bench.drive(port.revoke_credential(revoke("k-1"))).unwrap();
    assert_eq!(bench.env.now() - now(), TimeDelta::milliseconds(10_050));
    assert_eq!(book.left.lock().unwrap()[0].outcome, Outcome::Ok);
}

#[test]
fn a_call_that_is_dropped_is_told_too() {
    let book = Arc::new(Book::default());
    let bench = Bench::new(|_| (Duration::from_secs(4), Ok(())));
    let port = bench.stack().audit(book.clone()).build();
    let mut call = port.revoke_credential(revoke("k-1"));
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    let left = book.left.lock().unwrap();
    assert_eq!((left.len(), left[0].outcome, left[0].key_credential_id), (1, Outcome::Abandoned, Some(id())));
    assert!(book.kept.lock().unwrap().is_empty());
}
