//! What vendors tell by themselves, and what is seen of them, as it leaves for the bus: each event as its schema says.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use lockport::audit::Action;
use lockport::capability::LockCapabilities;
use lockport::credential::{Proof, VendorCode};
use lockport::device::{Battery, DeviceHealth, LockDevice};
use lockport::driver::{AttemptOutcome, DenyReason, VendorEventId};
use lockport::env::{HttpTransport as _, TransportError};
use lockport::event::Envelope;
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::keys::{KeyService, Observed, VendorSignal, WebhookCall, WebhookNews, WebhookOutcome};
use lockport::port::SeenAttempt;
use lockport::telemetry::WebhookKind;
use lockport::transport::{Circuit, CircuitBreaker, CircuitPolicy};
use lockport::{ErrorCode, LockError};
use serde_json::{Value, json};

use crate::keys::Rig;
use crate::limits::{Vendor, get};
use crate::rig::{now, partition, run};
use crate::stack::drive;

fn door() -> LockDeviceId {
    LockDeviceId::derived("test", &[b"door"])
}

fn subjects(told: &[Envelope]) -> Vec<&str> {
    told.iter().map(|event| event.subject.strip_prefix("melmastoon.lock.").unwrap()).collect()
}

/// R214 to R217, R220: told once, in the form of the schemas.
#[test]
fn what_a_vendor_tells_is_told_on_once() {
    let rig = Rig::new();
    run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
    run(rig.service.tick()).unwrap();
    let issued = rig.told().into_iter().find(|event| event.subject.ends_with("issued.v1")).unwrap();
    let key: KeyCredentialId = serde_json::from_value(issued.data["keyCredentialId"].clone()).unwrap();
    let capabilities =
        LockCapabilities { pin: true, revoke_proof: Some(Proof::AtLock), ..LockCapabilities::NONE };
    let device = |online| LockDevice {
        device_id: door(),
        property_id: partition("a").property,
        vendor: VendorCode::MOCK,
        label: "Room 204 main door".to_owned(),
        rooms: Vec::new(),
        online,
        battery: None,
        firmware: Some("v3.2.1".to_owned()),
        last_seen_at: Some(now()),
        capabilities,
    };
    let health = |percent, skew| DeviceHealth {
        device_id: door(),
        online: true,
        battery: Some(Battery { percent, low_threshold_percent: 25 }),
        clock_skew_ms: Some(skew),
        last_sync_at: None,
        warnings: Vec::new(),
    };
    let attempt = |nth: u8, outcome| SeenAttempt {
        event: VendorEventId::of(&format!("rec-{nth}")),
        device: door(),
        at: now(),
        outcome,
        credential: (outcome == AttemptOutcome::Granted).then_some(key),
        kind: None,
        vendor_ref_hash: None,
    };
    let mut signals = vec![
        VendorSignal::Device(Box::new(device(true))),
        VendorSignal::Device(Box::new(device(false))),
        VendorSignal::Health(Box::new(health(18, 0))),
        VendorSignal::Health(Box::new(health(18, 612_000))),
        VendorSignal::Attempt(attempt(0, AttemptOutcome::Granted)),
    ];
    let denied = AttemptOutcome::Denied(DenyReason::UnknownKey);
    signals.extend((1..6).map(|nth| VendorSignal::Attempt(attempt(nth, denied))));
    for signal in &signals {
        assert_eq!(run(rig.service.observe("main", signal)).unwrap(), Observed::News);
        if !matches!(signal, VendorSignal::Device(_)) {
            assert_eq!(run(rig.service.observe("main", signal)).unwrap(), Observed::Known);
        }
    }
    let told = rig.told();
    assert_eq!(
        subjects(&told),
        [
            "device.registered.v1",
            "device.offline.v1",
            "device.health_alert.v1",
            "device.online.v1",
            "device.health_alert.v1",
            "device.battery_low.v1",
            "device.health_alert.v1",
            "device.health_alert.v1",
            "audit.attempt.v1",
            "audit.attempt.v1",
            "audit.attempt.v1",
            "audit.attempt.v1",
            "audit.attempt.v1",
            "audit.attempt.v1",
            "audit.anomaly.v1",
        ]
    );
    assert_eq!(told[0].data["capabilities"]["revokeProof"], "at_lock");
    assert_eq!(told[0].data["capabilities"].get("maxDoors"), None);
    assert_eq!(told[7].data["metric"], json!({ "clockSkewMs": 612_000 }));
    assert_eq!(told[7].data["severity"], "alert");
    assert_eq!((&told[8].data["keyCredentialId"], &told[8].data["denyReason"]), (&json!(key), &Value::Null));
    assert_eq!(told[8].data["vendorEventId"], "rec-0");
    // Thirty days later nobody knows of them any more.
    rig.clock.set(now() + TimeDelta::days(31));
    for signal in signals.iter().filter(|signal| matches!(signal, VendorSignal::Attempt(_))) {
        assert_eq!(run(rig.service.observe("main", signal)).unwrap(), Observed::News);
    }
}

/// R222: a circuit that opens, is tried and closes is told at each turn, once, with what it was judged by.
#[test]
fn a_circuit_is_told_at_each_turn() {
    let mut rig = Rig::new();
    let vendor = Vendor::new(&rig.env, Duration::ZERO);
    let circuit = Circuit::new(CircuitPolicy::default());
    rig.service = KeyService::new(rig.property.clone(), rig.store.clone(), rig.env.clone(), "one")
        .with_circuit("main", circuit.clone());
    let transport = CircuitBreaker::new(Arc::clone(&vendor) as _, circuit, rig.env.clone());
    let send = |answer: Result<u16, TransportError>, times: usize| {
        vendor.tell(answer, times);
        for _ in 0..times {
            let _answer = drive(&rig.clock, transport.send(get("/")));
        }
        run(rig.service.tick()).unwrap();
        run(rig.service.tick()).unwrap();
    };
    send(Ok(200), 15);
    assert!(rig.told().is_empty());
    send(Ok(503), 15);
    rig.clock.advance(TimeDelta::seconds(30));
    send(Ok(200), 1);
    send(Ok(503), 1);
    rig.clock.advance(TimeDelta::seconds(30));
    send(Ok(200), 1);
    send(Ok(200), 2);
    let told = rig.told();
    let turns: Vec<_> = told
        .iter()
        .map(|event| {
            let text = |name: &str| event.data[name].as_str().unwrap().to_owned();
            (text("from"), text("to"), text("reason"))
        })
        .collect();
    let turn = |from: &str, to: &str, why: &str| (from.to_owned(), to.to_owned(), why.to_owned());
    assert_eq!(
        turns,
        [
            turn("closed", "open", "error_rate_threshold"),
            turn("open", "half_open", "pause_over"),
            turn("half_open", "open", "probe_failed"),
            turn("open", "half_open", "pause_over"),
            turn("half_open", "closed", "probes_passed"),
        ]
    );
    assert_eq!(told[0].data["metric"], json!({ "errorRatePct": 50.0, "windowSize": 100 }));
    assert!(subjects(&told).iter().all(|subject| *subject == "vendor_adapter.health_changed.v1"));
}

/// R124, R143, R221: a vendor's call is told before and after, and taken in once; one that failed is taken in when it comes again;
/// one that is somebody else's is an alert, once a minute, and changes nothing.
#[test]
fn a_vendors_call_is_taken_in_once() {
    let rig = Rig::new();
    let event = VendorEventId::of("call-1");
    let call = |answer: Result<WebhookNews, LockError>| {
        let mut was_asked = false;
        let outcome =
            run(rig.service.webhook("main", WebhookCall::Named(&event), WebhookKind::Job, async || {
                was_asked = true;
                answer
            }));
        (outcome, was_asked)
    };
    let away = crate::keys::unreachable();
    assert_eq!(call(Err(away.clone())), (Err(away), true));
    assert_eq!(call(Ok(WebhookNews::Something)), (Ok(WebhookOutcome::Applied), true));
    assert_eq!(call(Ok(WebhookNews::Something)), (Ok(WebhookOutcome::Duplicate), false));
    let told = rig.told();
    let received = "vendor_webhook.received.v1";
    let processed = "vendor_webhook.processed.v1";
    assert_eq!(subjects(&told), [received, received, processed, received, processed]);
    assert_eq!(told[1].correlation_id, told[2].correlation_id);
    let outcomes: Vec<_> = told.iter().filter_map(|event| event.data.get("outcome")).collect();
    assert_eq!(outcomes, [&json!("applied"), &json!("duplicate")]);
    assert_eq!((&told[0].data["externalEventId"], &told[0].data["type"]), (&json!("call-1"), &json!("job")));
    assert!(told.iter().all(|event| event.data.get("signatureOk") != Some(&json!(false))));

    // Without a name it is known by its body, and its body not by what is told of it.
    let body = b"keyboardPwd=274913";
    let unnamed = || {
        run(rig.service.webhook("main", WebhookCall::WithBody(body), WebhookKind::Access, async || {
            Ok(WebhookNews::Nothing)
        }))
    };
    run(rig.service.refuse_webhook("main"));
    assert_eq!((unnamed(), unnamed()), (Ok(WebhookOutcome::Ignored), Ok(WebhookOutcome::Duplicate)));
    let told = rig.told();
    let names: Vec<_> = told.iter().filter_map(|event| event.data.get("externalEventId")).collect();
    assert_eq!((names.len(), names[0]), (2, names[1]));
    rig.clock.advance(TimeDelta::seconds(61));

    for _ in 0..50 {
        let refused = run(rig.service.refuse_webhook("main"));
        assert_eq!(refused.code(), ErrorCode::WebhookSignatureInvalid);
    }
    rig.clock.advance(TimeDelta::seconds(61));
    run(rig.service.refuse_webhook("main"));
    let told = rig.told();
    assert_eq!(subjects(&told), [received, received]);
    assert!(told.iter().all(|event| event.data["signatureOk"] == json!(false)));
    let entries = run(rig.service.audit().entries(..)).unwrap();
    let refusals = entries.iter().filter(|told| told.entry.action == Action::RefuseWebhook).count();
    assert_eq!((refusals, entries.len()), (3, 3), "nothing else changed");
    let refused = run(rig.service.refuse_webhook("nobody"));
    assert_eq!(refused.code(), ErrorCode::WebhookSignatureInvalid, "which adapters there are is not told");
    assert!(rig.told().is_empty());
}
