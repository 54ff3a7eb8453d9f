//! R192, R201: names of spans and fields, and what never stands in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use lockport::credential::{SuspendInput, SuspendReason, UnsuspendInput, UpdateInput};
use lockport::id::LockDeviceId;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::bench::{Bench, CANARY, id, issue, revoke, secret_of};
use crate::rig::{now, partition};

pub(crate) type Fields = BTreeMap<String, String>;

/// Keeps every span.
#[derive(Default)]
pub(crate) struct Capture {
    next: AtomicU64,
    pub(crate) spans: Arc<Mutex<Vec<(String, Fields)>>>,
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
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn every_call_has_a_span_with_the_platforms_names_and_nothing_secret() {
    let capture = Capture::default();
    let spans = capture.spans.clone();
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
    let spans = spans.lock().unwrap();
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
    let all = format!("{spans:?}");
    assert!(!all.contains(CANARY) && !all.contains(&secret) && !secret.is_empty(), "{all}");
}
