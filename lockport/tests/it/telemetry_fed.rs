//! R195 to R200: no metric of this layer stays dumb. Each is fed with what happened, and with how much of it.

use std::sync::Arc;

use chrono::TimeDelta;
use lockport::credential::{Artifact, VendorCode};
use lockport::device::{Battery, DeviceHealth};
use lockport::driver::{AttemptOutcome, DenyReason, VendorEventId};
use lockport::id::{LockDeviceId, ReservationId, ShiftId};
use lockport::keys::{KeyService, VendorSignal, WebhookCall, WebhookNews};
use lockport::port::SeenAttempt;
use lockport::telemetry::catalog::{Fed, specs};
use lockport::telemetry::{Registry, WebhookKind};
use lockport::transport::{Circuit, CircuitPolicy};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};
use serde_json::json;

use crate::keys::{Rig, operator, unreachable};
use crate::rig::{now, run};
use crate::telemetry::{read, sum};

fn refused(message: String) -> LockError {
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never, message)
}

/// A booking of another guest.
fn another(rig: &Rig, guest: &[u8]) -> lockport::event::Envelope {
    let mut event = rig.confirmed(1, 48);
    event.data["reservationId"] = json!(ReservationId::derived("test", &[guest]));
    event
}

fn attempt(nth: u8, outcome: AttemptOutcome) -> VendorSignal {
    VendorSignal::Attempt(SeenAttempt {
        event: VendorEventId::of(&format!("rec-{nth}")),
        device: LockDeviceId::derived("test", &[b"door"]),
        at: now(),
        outcome,
        credential: None,
        kind: None,
        vendor_ref_hash: None,
    })
}

/// The lock's battery is empty, and it is away.
fn health() -> VendorSignal {
    VendorSignal::Health(Box::new(DeviceHealth {
        device_id: LockDeviceId::derived("test", &[b"door"]),
        online: false,
        battery: Some(Battery { percent: 3, low_threshold_percent: 15 }),
        clock_skew_ms: None,
        last_sync_at: Some(now()),
        warnings: Vec::new(),
    }))
}

/// One of everything that this layer counts, and of some two.
fn everything() -> Arc<Registry> {
    let registry = Arc::new(Registry::new().unwrap());
    let mut rig = Rig::new();
    rig.service = KeyService::new(rig.property.clone(), rig.store.clone(), rig.env.clone(), "one")
        .with_metrics(registry.clone())
        .with_circuit("main", Circuit::new(CircuitPolicy::default()));
    // The bus took its time, and then takes its time once more.
    rig.clock.advance(TimeDelta::seconds(7));
    rig.fail(1, &unreachable());
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    rig.live(now() + TimeDelta::minutes(1));
    let mut drained = run(rig.service.drain(100)).unwrap();
    let issued =
        drained.iter().find(|event| event.event().subject.ends_with("credential.issued.v1")).unwrap();
    let reference = issued.event().data["delivery"]["artifact"]["opaqueRef"].clone();
    drained.drain(..).for_each(|event| run(rig.service.delivered(event)).unwrap());
    let reference = serde_json::from_value(reference).unwrap();
    let handed = run(rig.service.reveal(reference, operator(), "handed to the guest")).unwrap();
    let Artifact::MobileToken(text) = &handed[0].artifact else { panic!() };

    // One is refused, and the vendor says why in words that must not leave.
    rig.fail(1, &refused(format!("the lock said {}", text.expose())));
    run(rig.service.deliver(&another(&rig, b"refused"))).unwrap();
    run(rig.service.tick()).unwrap();
    for event in run(rig.service.drain(100)).unwrap() {
        run(rig.service.delivered(event)).unwrap();
    }

    let mut shift = rig.event("melmastoon.staff.shift.started.v1", 1, 8);
    shift.data["shiftId"] = json!(ShiftId::derived("test", &[b"early"]));
    (shift.data["userId"], shift.data["scope"]) = (json!(operator()), json!("rooms:all"));
    run(rig.service.deliver(&shift)).unwrap();
    run(rig.service.tick()).unwrap();

    let denied = AttemptOutcome::Denied(DenyReason::UnknownKey);
    let signals = [attempt(1, AttemptOutcome::Granted), attempt(2, denied), attempt(3, denied), health()];
    for signal in &signals {
        run(rig.service.observe("main", signal)).unwrap();
    }
    let call = VendorEventId::of("call-1");
    run(rig.service.webhook("main", WebhookCall::Named(&call), WebhookKind::Job, async || {
        rig.clock.advance(TimeDelta::seconds(2));
        Ok(WebhookNews::Nothing)
    }))
    .unwrap();
    for _ in 0..3 {
        run(rig.service.refuse_webhook("main"));
    }
    run(rig.service.measure()).unwrap();
    registry
}

#[test]
fn every_metric_is_fed_with_what_happened() {
    let text = everything().expose().unwrap();
    let series = read(&text);
    let vendor = format!("vendor=\"{}\"", VendorCode::MOCK);
    let sum = |name: &str, with: &[&str]| sum(&series, name, with);
    let want: &[(&str, &[&str], f64)] = &[
        ("saga_runs_total", &["IssueSaga", "\"ok\""], 2.0),
        ("saga_runs_total", &["IssueSaga", "\"error\""], 1.0),
        ("saga_retries_total", &["IssueSaga", "VENDOR_UNREACHABLE"], 1.0),
        ("saga_compensations_total", &["IssueSaga", "revoke_credential"], 1.0),
        ("saga_duration_seconds_count", &["IssueSaga"], 2.0),
        ("use_case_runs_total", &["\"deliver\"", "\"ok\""], 3.0),
        ("use_case_duration_seconds_count", &["\"webhook\""], 1.0),
        ("use_case_duration_seconds_sum", &["\"webhook\""], 2.0),
        ("webhook_received_total", &[&vendor, "\"job\""], 1.0),
        ("webhook_signature_failed_total", &[&vendor], 3.0),
        ("webhook_processed_total", &[&vendor, "\"job\""], 1.0),
        ("webhook_processing_lag_seconds_sum", &[&vendor, "\"job\""], 2.0),
        ("inbox_processed_total", &["booking.confirmed.v1", "\"ok\""], 2.0),
        ("inbox_processed_total", &["shift.started.v1", "\"ok\""], 1.0),
        // Of the last one: the day is a minute old.
        ("inbox_lag_seconds", &["shift.started.v1"], 60.0),
        ("outbox_publish_dropped_total", &["redaction"], 1.0),
        ("key_credential_failed_total", &[&vendor, "\"refused\""], 1.0),
        ("attempts_total", &[&vendor, "\"granted\""], 1.0),
        ("attempts_total", &[&vendor, "\"denied\""], 2.0),
        ("vendor_circuit_state", &[&vendor], 0.0),
        ("key_credentials_active", &[&vendor, "mobile_app"], 2.0),
        ("key_credentials_provisional", &[], 0.0),
        ("master_keys_active", &[], 1.0),
        ("desk_tasks_open", &["escort_guest"], 1.0),
        ("attempts_denied_recent", &[], 2.0),
        ("devices_offline", &[], 1.0),
        ("devices_battery_low", &[], 1.0),
    ];
    for (name, with, value) in want {
        assert_eq!(sum(name, with), *value, "{name} {with:?}\n{text}");
    }
    // Two events waited for most of the minute, and what waits still is counted too.
    assert!(sum("outbox_publish_lag_seconds_sum", &[]) > 60.0, "{text}");
    assert!(sum("outbox_pending", &[]) > 5.0, "{text}");
    for spec in specs().filter(|spec| matches!(spec.fed, Fed::KeyService | Fed::Measure)) {
        assert!(series.keys().any(|series| series.starts_with(spec.name)), "{} is dumb", spec.name);
    }
}
