//! R192 to R201: what a service at work tells, and what it never tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use lockport::credential::Artifact;
use lockport::id::ReservationId;
use lockport::keys::KeyService;
use lockport::telemetry::{Happening, LogFields, Registry, Severity, catalog};
use lockport::transport::{Circuit, CircuitPolicy};
use serde_json::json;

use crate::keys::{Rig, operator, unreachable};
use crate::rig::{now, run};
use crate::stack::spans::{Capture, Fields};

/// A service that did a bit of everything, with as many further stays as told.
fn rehearsed(stays: u64) -> (Arc<Registry>, Rig, Vec<String>) {
    let registry = Arc::new(Registry::new().unwrap());
    let mut rig = Rig::new();
    rig.service = KeyService::new(rig.property.clone(), rig.store.clone(), rig.env.clone(), "one")
        .with_metrics(registry.clone())
        .with_circuit("main", Circuit::new(CircuitPolicy::default()));
    let mut secrets = Vec::new();
    rig.fail(2, &unreachable());
    let mut confirmed = rig.confirmed(1, 48);
    confirmed.trace_id = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    run(rig.service.deliver(&confirmed)).unwrap();
    rig.live(now() + TimeDelta::minutes(10));
    let mut foreign = rig.confirmed(1, 48);
    foreign.subject = "melmastoon.other.v1".to_owned();
    run(rig.service.deliver(&foreign)).unwrap();
    for stay in 0..stays {
        let mut event = rig.confirmed(1, 48);
        event.data["reservationId"] = json!(ReservationId::derived("test", &[&stay.to_be_bytes()]));
        run(rig.service.deliver(&event)).unwrap();
    }
    run(rig.service.tick()).unwrap();
    for event in run(rig.service.drain(1_000)).unwrap() {
        if let Some(reference) = event.event().data.pointer("/delivery/artifact/opaqueRef") {
            let reference = serde_json::from_value(reference.clone()).unwrap();
            for delivery in run(rig.service.reveal(reference, operator(), "check in")).unwrap() {
                if let Artifact::MobileToken(text) = delivery.artifact {
                    secrets.push(text.expose().to_owned());
                }
            }
        }
        run(rig.service.delivered(event)).unwrap();
    }
    run(rig.service.deliver(&rig.cancelled(2))).unwrap();
    rig.live(now() + TimeDelta::hours(1));
    run(rig.service.measure()).unwrap();
    (registry, rig, secrets)
}

/// The value of each series, after the rules that `promtool check metrics` holds: HELP and TYPE once and before the series, names
/// and suffixes that fit the type, whole buckets.
pub(crate) fn read(text: &str) -> BTreeMap<String, f64> {
    let (mut helped, mut types, mut series) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(
                helped.contains(name) && types.insert(name.to_owned(), kind.to_owned()).is_none(),
                "{line}"
            );
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(
                !name.ends_with("_count") && !name.ends_with("_sum") && !name.ends_with("_bucket"),
                "{line}"
            );
            continue;
        }
        let (what, value) = line.rsplit_once(' ').unwrap();
        let name = what.split('{').next().unwrap();
        let whole = ["_bucket", "_sum", "_count"].iter().find_map(|tail| name.strip_suffix(tail));
        let of =
            whole.filter(|name| types.get(*name).is_some_and(|kind| kind == "histogram")).unwrap_or(name);
        assert_eq!(types.get(of).is_some_and(|kind| kind == "histogram"), of != name, "{line}");
        let spec = catalog::specs().find(|spec| spec.name == of).unwrap();
        assert_eq!(types[of], spec.kind, "{line}");
        assert!(series.insert(what.to_owned(), value.parse::<f64>().unwrap()).is_none(), "twice: {line}");
    }
    for (what, count) in series.iter().filter(|(what, _)| what.contains("_count{")) {
        let last = what.replace("_count{", "_bucket{").replace('}', ",le=\"+Inf\"}");
        assert_eq!(series.get(&last), Some(count), "{last}");
    }
    series
}

/// The sum over the series of a metric that have all of this in their labels.
pub(crate) fn sum(series: &BTreeMap<String, f64>, name: &str, with: &[&str]) -> f64 {
    let head = format!("melmastoon_lock_{name}{{");
    let fits = |what: &str| what.starts_with(&head) && with.iter().all(|label| what.contains(label));
    series.iter().filter(|(what, _)| fits(what)).map(|(_, value)| value).sum()
}

/// R196, R199, R200: what was done is counted once, when it is written, and told so that a Prometheus takes it.
#[test]
fn what_a_service_did_can_be_scraped() {
    let (registry, ..) = rehearsed(3);
    let text = registry.expose().unwrap();
    let series = read(&text);
    let sum = |name: &str, with: &[&str]| sum(&series, name, with);
    assert_eq!(sum("saga_runs_total", &["IssueSaga", "\"ok\""]), 4.0, "{text}");
    assert_eq!(sum("saga_runs_total", &["RevokeSaga", "\"ok\""]), 1.0, "{text}");
    assert_eq!(sum("saga_retries_total", &["issue_credential", "VENDOR_UNREACHABLE"]), 2.0, "{text}");
    assert_eq!(sum("saga_duration_seconds_count", &["IssueSaga"]), 4.0);
    // Three at once, and one after two pauses of about 10 s and 60 s.
    assert!((60.0..80.0).contains(&sum("saga_duration_seconds_sum", &["IssueSaga"])), "{text}");
    assert_eq!(sum("inbox_processed_total", &["booking.confirmed.v1", "\"ok\""]), 4.0);
    assert_eq!(sum("inbox_processed_total", &["\"other\"", "\"skipped\""]), 1.0);
    assert_eq!(sum("key_credentials_active", &["mobile_app", "mock"]), 3.0);
    assert_eq!(sum("key_credentials_provisional", &[]), 0.0);
    assert_eq!(sum("outbox_pending", &[]), 1.0);
    assert_eq!(sum("use_case_runs_total", &["reveal", "\"ok\""]), 4.0);
    assert_eq!(sum("vendor_circuit_state", &["vendor_adapter_id=\"main\""]), 0.0);
    assert!(text.contains("vendor_circuit_state{"));
    // What nobody feeds is not told.
    assert!(!text.contains("webhook_") && !text.contains("sync_"), "{text}");
}

/// R200, R94: what was given out without the cloud is counted until the cloud is back.
#[test]
fn provisional_credentials_can_be_scraped() {
    let (registry, rig, _) = rehearsed(2);
    let provisional = |is_offline| {
        run(rig.service.set_offline(is_offline)).unwrap();
        let mut event = rig.confirmed(1, 48);
        event.data["reservationId"] =
            json!(ReservationId::derived("test", &[b"cut off", &[is_offline.into()]]));
        run(rig.service.deliver(&event)).unwrap();
        rig.live(rig.env.now() + TimeDelta::minutes(1));
        run(rig.service.measure()).unwrap();
        sum(&read(&registry.expose().unwrap()), "key_credentials_provisional", &[])
    };
    assert_eq!([provisional(true), provisional(false)], [1.0, 0.0]);
    let text = registry.expose().unwrap();
    assert_eq!(sum(&read(&text), "use_case_runs_total", &["set_offline", "\"ok\""]), 2.0, "{text}");
}

/// R195: thirty guests more, not one series more, and no guest's or key's id in any.
#[test]
fn guests_make_no_series() {
    let (few, ..) = rehearsed(3);
    let (many, _, secrets) = rehearsed(33);
    let text = many.expose().unwrap();
    let names = |text: &str| read(text).into_keys().collect::<BTreeSet<_>>();
    assert_eq!(names(&few.expose().unwrap()), names(&text));
    assert!(["rsv_", "gst_", "key_0", "evt_", "rmu_"].iter().all(|id| !text.contains(id)), "{text}");
    assert!(!secrets.is_empty() && secrets.iter().all(|secret| !text.contains(secret)));
}

/// R192, R201: a saga's span goes on with the trace of the event that asked, in the platform's names, and tells no secret.
#[test]
fn a_saga_has_a_span_that_goes_on_with_the_trace() {
    // As long as there is only one subscriber, a span that another test's thread meets first would be off for all.
    let _second = tracing::Dispatch::new(Capture::default());
    let capture = Capture::default();
    let spans = capture.spans.clone();
    let (_, _, secrets) = tracing::subscriber::with_default(capture, || rehearsed(0));
    let spans = spans.lock().unwrap();
    let of = |name: &str| {
        spans.iter().filter(|(span, _)| span == name).map(|(_, fields)| fields).collect::<Vec<_>>()
    };
    let issues = of("IssueSaga.handle");
    assert_eq!((issues.len(), of("RevokeSaga.handle").len()), (3, 1), "two tries failed: {spans:?}");
    assert!(!of("Outbox.publish").is_empty());
    for issue in issues {
        assert_eq!(issue["traceId"], "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(
            (issue["sagaName"].as_str(), issue["sagaStep"].as_str()),
            ("IssueSaga", "issue_credential")
        );
        assert!(issue["tenantId"].starts_with("tnt_") && issue["keyCredentialId"].starts_with("key_"));
    }
    for (name, fields) in spans.iter() {
        if name == "WebhookHandler" {
            assert_eq!(fields["otel.name"], "WebhookHandler.mock.process");
            continue;
        }
        assert!(catalog::span::ALL.iter().any(|(known, _)| known == name), "{name}");
        assert!(fields.contains_key("tenantId"), "{name}");
        assert!(fields.keys().all(|field| LogFields::NAMES.contains(&field.as_str())), "{fields:?}");
    }
    let all = format!("{spans:?}");
    assert!(!secrets.is_empty() && secrets.iter().all(|secret| !all.contains(secret)), "{all}");
}

/// R192, R193: what a service says in its log, as loud as the policy has it, with whose business it is in every line, the platform's
/// fields and no other, and nothing secret; each once it is written.
#[test]
fn a_service_says_in_its_log_what_happened() {
    let _second = tracing::Dispatch::new(Capture::default());
    let capture = Capture::default();
    let lines = capture.lines.clone();
    let (mut rig, secrets) = tracing::subscriber::with_default(capture, || {
        let (_, rig, secrets) = rehearsed(0);
        (rig, secrets)
    });
    let of = crate::rig::partition("a");
    let take = |lines: &Arc<std::sync::Mutex<Vec<(tracing::Level, Fields)>>>| {
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        for (level, fields) in &lines {
            assert_eq!(fields["tenantId"], of.tenant.to_string());
            assert_eq!(fields["propertyId"], of.property.to_string());
            assert!(fields.keys().all(|name| LogFields::NAMES.contains(&&**name)), "{fields:?}");
            let what = fields["message"].split(": ").next().unwrap().to_owned();
            let policy = Happening::ALL.iter().find(|known| known.as_str() == what).unwrap().severity();
            assert_eq!(fields["severity"], policy.as_str());
            let as_loud = match policy {
                Severity::Debug => tracing::Level::DEBUG,
                Severity::Info => tracing::Level::INFO,
                Severity::Warning => tracing::Level::WARN,
                _ => tracing::Level::ERROR,
            };
            assert_eq!(*level, as_loud);
        }
        let all = format!("{lines:?}");
        assert!(secrets.iter().all(|secret| !all.contains(secret)));
        lines
    };
    let said = take(&lines);
    let messages: Vec<&str> = said.iter().map(|(_, fields)| &*fields["message"]).collect();
    let step = "saga step";
    assert_eq!(
        messages,
        [
            "state changed: requested",
            "state changed: pending",
            step,
            "vendor reachability changed",
            "saga step is tried again",
            step,
            step,
            "saga step is tried again",
            step,
            step,
            "state changed: active",
            step,
            "vendor reachability changed",
            step,
            "state changed: revoked",
            step,
        ],
        "{said:#?}"
    );
    assert!(said.iter().all(|(_, fields)| !fields.contains_key("traceId")
        || fields["traceId"] == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    let retried = &said[4].1;
    let facts = ["sagaName", "sagaStep", "vendor", "vendorAdapterId", "outcome", "errorCode", "errorMessage"];
    assert_eq!(
        facts.map(|name| &*retried[name]),
        [
            "IssueSaga",
            "issue_credential",
            "mock",
            "main",
            "deferred",
            "MELMASTOON.LOCK.VENDOR_UNREACHABLE",
            "x"
        ]
    );

    // What must not be, and must be heard of: a leak, an audit that somebody changed, a failure that stands, what is taken back.
    let capture = Capture::default();
    let lines = capture.lines.clone();
    tracing::subscriber::with_default(capture, || {
        rig = Rig::new();
        rig.fail(1, &unreachable().with_advice(lockport::RetryAdvice::Never));
        run(rig.service.deliver(&rig.confirmed(1, 48))).unwrap();
        run(rig.service.tick()).unwrap();
        run(rig.service.refuse_webhook("main"));
        run(rig.service.refuse_webhook("main"));
    });
    let said = take(&lines);
    let counted =
        |what: Happening| said.iter().filter(|(_, fields)| fields["message"] == what.as_str()).count();
    assert_eq!(counted(Happening::VendorFailed), 1);
    assert_eq!(counted(Happening::Compensation), 1);
    assert_eq!(counted(Happening::SignatureMismatch), 1, "told once a minute");
}
