//! R192, R201: names of spans and fields, and what never stands in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use lockport::credential::{SuspendInput, SuspendReason, UnsuspendInput, UpdateInput};
use lockport::id::LockDeviceId;
use lockport::stack::RetryPolicy;
use lockport::telemetry::LogFields;
use lockport::{FailureReason, LockError, RetryAdvice};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::bench::{Bench, CANARY, id, issue, revoke, secret_of};
use crate::rig::{now, partition};

pub(crate) type Fields = BTreeMap<String, String>;

/// Keeps every span and every line.
#[derive(Default)]
pub(crate) struct Capture {
    next: AtomicU64,
    pub(crate) spans: Arc<Mutex<Vec<(String, Fields)>>>,
    pub(crate) lines: Arc<Mutex<Vec<(Level, Fields)>>>,
}

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        span.record(&mut Into(&mut fields));
        self.spans.lock().unwrap().push((span.metadata().name().to_owned(), fields));
        Id::from_u64(self.next.fetch_add(1, Ordering::SeqCst) + 1)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Into(&mut self.spans.lock().unwrap()[at].1));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Into(&mut fields));
        self.lines.lock().unwrap().push((*event.metadata().level(), fields));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The span of a call; the second one is that of its one attempt.
fn calls(spans: &[(String, Fields)]) -> Vec<(String, Fields)> {
    spans.iter().filter(|(name, _)| name != "Adapter").cloned().collect()
}

#[test]
fn every_call_has_a_span_with_the_platforms_names_and_nothing_secret() {
    let capture = Capture::default();
    let (spans, lines) = (capture.spans.clone(), capture.lines.clone());
    let bench = Bench::new(|call| (Duration::from_millis(if call == 2 { 40 } else { 0 }), Ok(())));
    let port = bench.stack().trace().build();
    let of = partition("a");
    let key = |text: &str| text.parse().unwrap();
    let secret = tracing::subscriber::with_default(capture, || {
        bench.drive(async {
            let issued = port.issue_credential(issue("k-1")).await.unwrap();
            let update = UpdateInput::new(of.tenant, id(), key("k-2"));
            port.update_credential(update.with_valid_until(now() + TimeDelta::hours(9))).await.unwrap();
            let suspend = SuspendInput::new(of.tenant, id(), SuspendReason::Manual, key("k-3"));
            port.suspend_credential(suspend).await.unwrap();
            let unsuspend = UnsuspendInput::new(of.tenant, id(), key("k-4"));
            port.unsuspend_credential(unsuspend).await.unwrap();
            port.revoke_credential(revoke("k-5")).await.unwrap();
            port.list_devices(of.property).await.unwrap();
            port.health_check(LockDeviceId::derived("test", &[b"other"])).await.unwrap_err();
            secret_of(&issued)
        })
    });
    let all_spans = spans.lock().unwrap();
    let spans = calls(&all_spans);
    let names: Vec<&str> = spans.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "LockPort.issue_credential",
            "LockPort.update_credential",
            "LockPort.suspend_credential",
            "LockPort.unsuspend_credential",
            "LockPort.revoke_credential",
            "LockPort.list_devices",
            "LockPort.health_check",
        ]
    );
    let field = |span: usize, name: &str| spans[span].1.get(name).cloned();
    let text = |text: &str| Some(text.to_owned());
    for span in 0..spans.len() {
        assert_eq!(field(span, "tenantId"), Some(of.tenant.to_string()));
        assert_eq!(field(span, "propertyId"), Some(of.property.to_string()));
        assert_eq!(field(span, "vendor"), text("mock"));
    }
    assert_eq!(field(2, "operation"), text("suspend_credential"));
    assert_eq!(field(2, "keyCredentialId"), Some(id().to_string()));
    assert_eq!(field(2, "idempotencyKey"), text("k-3"));
    assert_eq!((field(2, "outcome"), field(2, "durationMs")), (text("ok"), text("40")));
    assert_eq!(field(1, "outcome"), text("deferred"));
    assert_eq!(field(6, "outcome"), text("error"));
    assert_eq!(field(6, "errorCode"), text("MELMASTOON.LOCK.DEVICE_NOT_PAIRED"));
    assert_eq!(field(6, "errorMessage"), text("the property has no such device"));
    assert_eq!(field(5, "keyCredentialId"), None);
    let lines = lines.lock().unwrap();
    let all = format!("{all_spans:?} {lines:?}");
    assert!(!all.contains(CANARY) && !all.contains(&secret) && !secret.is_empty(), "{all}");
}

/// R193, R201: each attempt has a span of its own and a line, with the vendor's name in it, inside the call's; a call that never
/// leaves has none.
#[test]
fn every_attempt_has_a_span_and_a_line() {
    // As long as there is only one subscriber, a span that another test's thread meets first would be off for all.
    let _second = tracing::Dispatch::new(Capture::default());
    let capture = Capture::default();
    let (spans, lines) = (capture.spans.clone(), capture.lines.clone());
    let away = LockError::unreachable(FailureReason::Network, RetryAdvice::NotApplied, "no way");
    let bench = Bench::new(move |call| {
        (Duration::from_millis(40), if call == 0 { Err(away.clone()) } else { Ok(()) })
    });
    let port = bench.stack().trace().retry(RetryPolicy::default()).build();
    let of = partition("a");
    tracing::subscriber::with_default(capture, || {
        bench.drive(async {
            port.issue_credential(issue("k-1")).await.unwrap();
            let other = UpdateInput::new(of.tenant, id(), "k-1".parse().unwrap());
            port.update_credential(other.with_valid_until(now() + TimeDelta::hours(9))).await.unwrap_err();
            port.health_check(LockDeviceId::derived("test", &[b"other"])).await.unwrap_err();
        });
    });
    let spans = spans.lock().unwrap();
    let names: Vec<&str> = spans
        .iter()
        .map(|(name, fields)| fields.get("otel.name").map_or(name.as_str(), String::as_str))
        .collect();
    assert_eq!(
        names,
        [
            "LockPort.issue_credential",
            "Adapter.mock.issue_credential",
            "Adapter.mock.issue_credential",
            "LockPort.update_credential",
            "Adapter.mock.update_credential",
            "LockPort.health_check",
        ]
    );
    let lines = lines.lock().unwrap();
    let said: Vec<_> = lines
        .iter()
        .map(|(level, fields)| {
            let of = |name: &str| fields.get(name).map(String::as_str);
            (*level, of("severity"), of("message"), of("outcome"), of("errorCode"))
        })
        .collect();
    let (unreachable, conflict) =
        (Some("MELMASTOON.LOCK.VENDOR_UNREACHABLE"), Some("MELMASTOON.LOCK.IDEMPOTENCY_CONFLICT"));
    let exchange =
        |outcome, code| (Level::DEBUG, Some("DEBUG"), Some("vendor exchange"), Some(outcome), code);
    assert_eq!(
        said,
        [
            exchange("error", unreachable),
            exchange("ok", None),
            exchange("error", conflict),
            (
                Level::ERROR,
                Some("ERROR"),
                Some("idempotency key reused with another payload"),
                Some("error"),
                conflict
            ),
        ]
    );
    for (_, fields) in lines.iter() {
        assert_eq!(fields["tenantId"], of.tenant.to_string());
        assert_eq!((&*fields["service"], &*fields["durationMs"]), ("lock-integration", "40"));
        assert!(fields.keys().all(|name| LogFields::NAMES.contains(&&**name)), "{fields:?}");
    }
}
