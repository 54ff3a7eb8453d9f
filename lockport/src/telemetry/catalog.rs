//! Every name: log fields (R192), severities (R193), metrics (R195 to R200), spans (R201).

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::credential::{KeyCredentialKind, VendorCode};
use crate::error::{ErrorCode, Operation};
use crate::event::CONSUMED;
use crate::id::{EventId, KeyCredentialId, LockDeviceId, MasterKeyId, PropertyId, TenantId};
use crate::idempotency::IdempotencyKey;
use crate::keys::DeskTaskKind;

/// The head of every metric's name (R195).
pub const PREFIX: &str = "melmastoon_lock_";

/// The `service` of every line of the log.
pub const SERVICE: &str = "lock-integration";

/// The `tracing` target of every span and event.
pub const TARGET: &str = "lockport";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name { $($(#[$what])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// How something ended, in the words of R192.
    Ended {
        /// As asked.
        Ok = "ok",
        /// In an error.
        Error = "error",
        /// There was nothing to do, or nobody wanted it any more.
        Skipped = "skipped",
        /// Open still: the vendor, a person or the next call ends it.
        Deferred = "deferred",
    }
}

words! {
    /// What is done about one credential until the vendor confirms it.
    Saga {
        /// It is given.
        Issue = "IssueSaga",
        /// Its window or its rooms are moved.
        Update = "UpdateSaga",
        /// It is taken away for a while.
        Suspend = "SuspendSaga",
        /// It is given back.
        Unsuspend = "UnsuspendSaga",
        /// It is taken away for good.
        Revoke = "RevokeSaga",
    }
}

impl Saga {
    /// The name of its span (R201).
    #[must_use]
    pub const fn span(self) -> &'static str {
        match self {
            Self::Issue => span::ISSUE,
            Self::Update => span::UPDATE,
            Self::Suspend => span::SUSPEND,
            Self::Unsuspend => span::UNSUSPEND,
            Self::Revoke => span::REVOKE,
        }
    }

    /// The step that can fail: the call of the port.
    #[must_use]
    pub const fn step(self) -> Operation {
        match self {
            Self::Issue => Operation::IssueCredential,
            Self::Update => Operation::UpdateCredential,
            Self::Suspend => Operation::SuspendCredential,
            Self::Unsuspend => Operation::UnsuspendCredential,
            Self::Revoke => Operation::RevokeCredential,
        }
    }
}

words! {
    /// What the host calls on `KeyService`.
    UseCase {
        /// An event of the bus was handed in.
        Deliver = "deliver",
        /// What was due was done.
        Tick = "tick",
        /// A loss was reported.
        ReportLost = "report_lost",
        /// A stay was suspended by hand.
        SuspendStay = "suspend_stay",
        /// Suspensions were lifted.
        LiftSuspensions = "lift_suspensions",
        /// Many credentials were ordered away.
        RevokeAll = "revoke_all",
        /// Cards were written at the desk.
        EncodeNow = "encode_now",
        /// A person's word was taken.
        SettleTask = "settle_task",
        /// An artifact was handed out.
        Reveal = "reveal",
        /// An artifact got another reference.
        NewReference = "new_reference",
        /// Events were given out for the bus.
        Drain = "drain",
        /// What a vendor tells was taken in.
        Observe = "observe",
        /// A vendor's call was looked into.
        Webhook = "webhook",
        /// The desk lost its cloud, or has it again.
        SetOffline = "set_offline",
        /// An encoder was opened.
        EncoderOpened = "encoder_opened",
        /// An encoder was closed, or is gone.
        EncoderClosed = "encoder_closed",
    }
}

words! {
    /// What a vendor's call is about (R221).
    WebhookKind {
        /// A door was tried.
        Access = "access",
        /// A lock is otherwise than it was.
        Device = "device",
        /// Something that the vendor had accepted has ended.
        Job = "job",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// How loud a line of the log is.
    Severity {
        /// For who looks for a fault.
        Debug = "DEBUG",
        /// As it should be.
        Info = "INFO",
        /// Odd, and looked after.
        Warning = "WARNING",
        /// Something was not done.
        Error = "ERROR",
        /// Somebody has to come now.
        Critical = "CRITICAL",
    }
}

words! {
    /// What a line of the log tells of.
    Happening {
        /// A saga's step begins or ends.
        SagaStep = "saga step",
        /// A vendor was asked and has answered; never what was said.
        VendorExchange = "vendor exchange",
        /// A credential has another state.
        StateChanged = "state changed",
        /// A vendor went away or came back.
        VendorReachability = "vendor reachability changed",
        /// What a desk did without a network was taken in.
        SyncPushed = "sync push result",
        /// A saga's step failed and is tried again.
        StepRetried = "saga step is tried again",
        /// A circuit is tried carefully.
        CircuitHalfOpen = "circuit half-open",
        /// A webhook whose signature is wrong, for the first time.
        SignatureMismatch = "webhook signature mismatch",
        /// What a saga left is taken back.
        Compensation = "compensation",
        /// A vendor's failure stands after all tries.
        VendorFailed = "vendor failed after all tries",
        /// One idempotency key, two different writes.
        KeyReused = "idempotency key reused with another payload",
        /// The audit is not what it was.
        AuditMismatch = "audit Merkle mismatch",
        /// Something secret was about to leave.
        SecretLeak = "secret leak",
        /// A vendor's credential could not be changed.
        RotationFailed = "vendor credential rotation failed",
    }
}

impl Happening {
    /// How loud it is (R193).
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::SagaStep | Self::VendorExchange => Severity::Debug,
            Self::StateChanged | Self::VendorReachability | Self::SyncPushed => Severity::Info,
            Self::StepRetried | Self::CircuitHalfOpen | Self::SignatureMismatch => Severity::Warning,
            Self::Compensation | Self::VendorFailed | Self::KeyReused => Severity::Error,
            Self::AuditMismatch | Self::SecretLeak | Self::RotationFailed => Severity::Critical,
        }
    }
}

/// The names of spans (R201).
pub mod span {
    /// The root of an issue, carried from the event that asked.
    pub const ISSUE: &str = "IssueSaga.handle";
    /// The root of an update.
    pub const UPDATE: &str = "UpdateSaga.handle";
    /// The root of a suspend.
    pub const SUSPEND: &str = "SuspendSaga.handle";
    /// The root of an unsuspend.
    pub const UNSUSPEND: &str = "UnsuspendSaga.handle";
    /// The root of a revoke.
    pub const REVOKE: &str = "RevokeSaga.handle";
    /// An event that the bus has taken.
    pub const PUBLISH: &str = "Outbox.publish";

    /// One attempt of a call of a vendor's adapter. The name of a span has to stand in the program, and a vendor does not: the
    /// span is called `Adapter`, and its field `otel.name` has the whole name.
    pub const ADAPTER: &str = "Adapter.{vendor}.{operation}";
    /// A call of a vendor's webhook that is looked into: `WebhookHandler`, with the whole name in `otel.name`.
    pub const WEBHOOK: &str = "WebhookHandler.{vendor}.process";

    /// Every name, with who opens the span.
    pub const ALL: [(&str, &str); 16] = [
        (ISSUE, "`KeyService`"),
        (UPDATE, "`KeyService`"),
        (SUSPEND, "`KeyService`"),
        (UNSUSPEND, "`KeyService`"),
        (REVOKE, "`KeyService`"),
        (PUBLISH, "`KeyService`"),
        ("LockPort.issue_credential", "`TraceLayer`"),
        ("LockPort.update_credential", "`TraceLayer`"),
        ("LockPort.revoke_credential", "`TraceLayer`"),
        ("LockPort.suspend_credential", "`TraceLayer`"),
        ("LockPort.unsuspend_credential", "`TraceLayer`"),
        ("LockPort.list_devices", "`TraceLayer`"),
        ("LockPort.health_check", "`TraceLayer`"),
        (ADAPTER, "the innermost layer of `LockStack::trace`, one an attempt; as `otel.name`"),
        (WEBHOOK, "`KeyService::webhook`; as `otel.name`"),
        ("Sync.reconcilePush", "a later part"),
    ];
}

/// Whose business a line of the log is; there is none without (R192).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTenant {
    /// A tenant's.
    Of(TenantId),
    /// Nobody's: the process itself.
    System,
}

impl std::fmt::Display for LogTenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Of(tenant) => tenant.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

impl Serialize for LogTenant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

macro_rules! log_fields {
    ($($(#[$what:meta])* $field:ident: $of:ty = $name:literal,)*) => {
        /// What a line of the log says beside when, how loud, in which words, and of which revision: the host adds those.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[non_exhaustive]
        pub struct LogFields {
            /// Whose business it is.
            #[serde(rename = "tenantId")]
            pub tenant: LogTenant,
            $($(#[$what])* #[serde(rename = $name, skip_serializing_if = "Option::is_none")] pub $field: Option<$of>,)*
        }

        impl LogFields {
            /// The names, those that the host adds included, in the order of R192.
            pub const NAMES: &'static [&'static str] =
                &["timestamp", "severity", "message", "service", "revision", "tenantId", $($name,)*];

            /// Nothing but whose business it is.
            #[must_use]
            pub const fn new(tenant: LogTenant) -> Self {
                Self { tenant, $($field: None,)* }
            }
        }
    };
}

log_fields! {
    /// The trace, carried from the event that asked.
    trace_id: String = "traceId",
    /// The span.
    span_id: String = "spanId",
    /// The property.
    property_id: PropertyId = "propertyId",
    /// The credential.
    key_credential_id: KeyCredentialId = "keyCredentialId",
    /// The device.
    lock_device_id: LockDeviceId = "lockDeviceId",
    /// The key of a shift.
    master_key_id: MasterKeyId = "masterKeyId",
    /// The vendor.
    vendor: VendorCode = "vendor",
    /// The adapter's name within the property.
    vendor_adapter_id: String = "vendorAdapterId",
    /// The saga.
    saga_name: Saga = "sagaName",
    /// Its step.
    saga_step: Operation = "sagaStep",
    /// The event that asked.
    event_id: EventId = "eventId",
    /// The name of the write.
    idempotency_key: IdempotencyKey = "idempotencyKey",
    /// What was being done.
    operation: Operation = "operation",
    /// How it ended.
    outcome: Ended = "outcome",
    /// Why not.
    error_code: ErrorCode = "errorCode",
    /// The same in scrubbed words.
    error_message: String = "errorMessage",
    /// How long it took, in milliseconds.
    duration_ms: u64 = "durationMs",
}

words! {
    /// A label of a metric.
    Label {
        /// The tenant.
        Tenant = "tenant_id",
        /// The property; only where each is looked at (R195).
        Property = "property_id",
        /// The vendor's code.
        Vendor = "vendor",
        /// The adapter's name within its property.
        Adapter = "vendor_adapter_id",
        /// The saga.
        Saga = "saga",
        /// The call that a saga makes.
        Step = "step",
        /// How it ended.
        Outcome = "outcome",
        /// A code of [`ErrorCode`].
        ErrorCode = "error_code",
        /// What was done to take something back.
        Compensation = "compensation",
        /// What the host called.
        UseCase = "use_case",
        /// The call of the port.
        Operation = "operation",
        /// What a vendor's credential is for.
        Role = "role",
        /// A kind of credential, task, webhook or access.
        Kind = "kind",
        /// The subject of an event.
        Topic = "topic",
        /// What a sync carries.
        Aggregate = "aggregate",
        /// A reason of [`FailureReason`](crate::error::FailureReason).
        FailureReason = "failure_reason",
        /// What the lock said to an attempt.
        Result = "result",
        /// Why an event was dropped.
        Reason = "reason",
    }
}

impl Label {
    /// How many values it has at most within one tenant; `None` where the tenant's configuration sets the number: its
    /// properties, vendors and adapters.
    #[must_use]
    pub fn values(self) -> Option<usize> {
        match self {
            Self::Tenant => Some(1),
            Self::Property | Self::Vendor | Self::Adapter => None,
            Self::Saga | Self::Step => Some(Saga::ALL.len()),
            Self::Outcome => Some(Ended::ALL.len()),
            Self::ErrorCode => Some(ErrorCode::ALL.len()),
            Self::Compensation => Some(1),
            Self::UseCase => Some(UseCase::ALL.len()),
            Self::Operation => Some(8),
            Self::Role => Some(4),
            // One more for what nobody knows the kind of.
            Self::Kind => Some(KeyCredentialKind::ALL.len().max(DeskTaskKind::ALL.len()).saturating_add(1)),
            // One more for what nobody sends us.
            Self::Topic => Some(CONSUMED.len().saturating_add(1)),
            Self::Aggregate | Self::Result => Some(8),
            Self::FailureReason => Some(crate::error::FailureReason::ALL.len().saturating_add(1)),
            Self::Reason => Some(2),
        }
    }
}

words! {
    /// Who feeds a metric.
    Fed {
        /// `KeyService`, as it works.
        KeyService = "`KeyService`",
        /// `KeyService::measure`, which the host calls before each scrape.
        Measure = "`KeyService::measure`",
        /// The layer `LockStack::metrics`.
        Stack = "`LockStack::metrics`",
        /// The host, which alone knows: in no exposition of ours until it does.
        Host = "the host",
        /// A part that is not built: in no exposition until it is.
        Later = "a later part",
    }
}

words! {
    /// What a metric counts in.
    Unit {
        /// Things.
        Ones = "",
        /// Seconds.
        Seconds = "s",
        /// Days: the platform's own name, not a base unit.
        Days = "d",
        /// A share, 0 to 1.
        Ratio = "0..1",
    }
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Its whole name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// In what it counts.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [Label],
    /// Who feeds it.
    pub fed: Fed,
    /// One sentence.
    pub help: &'static str,
    /// The upper edges of a histogram's buckets.
    pub buckets: &'static [f64],
}

macro_rules! metrics {
    ($(#[$doc:meta])* $kind:ident = $word:literal {
        $($variant:ident = $name:literal, $unit:ident, [$($label:ident),*], $fed:ident, $buckets:expr, $help:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $kind { $(#[doc = $help] $variant,)* }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it is.
            #[must_use]
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$variant => Spec {
                        name: concat!("melmastoon_lock_", $name),
                        kind: $word,
                        unit: Unit::$unit,
                        labels: &[$(Label::$label),*],
                        fed: Fed::$fed,
                        help: $help,
                        buckets: $buckets,
                    },)*
                }
            }
        }
    };
}

metrics! {
    /// What only grows.
    Counter = "counter" {
        SagaRuns = "saga_runs_total", Ones, [Tenant, Saga, Outcome], KeyService, &[], "Sagas that ended.";
        SagaRetries = "saga_retries_total", Ones, [Tenant, Saga, Step, ErrorCode], KeyService, &[],
            "Steps of sagas that failed and are tried again.";
        SagaCompensations = "saga_compensations_total", Ones, [Tenant, Saga, Compensation], KeyService, &[],
            "Sagas whose remains are taken back.";
        UseCaseRuns = "use_case_runs_total", Ones, [Tenant, UseCase, Outcome], KeyService, &[],
            "Calls of the service by its host.";
        VendorCalls = "vendor_call_total", Ones, [Tenant, Vendor, Operation, Outcome], Stack, &[],
            "Calls that were made of a vendor's adapter, one for each attempt.";
        WebhooksReceived = "webhook_received_total", Ones, [Tenant, Vendor, Kind], KeyService, &[], "Webhooks that came in.";
        WebhookSignaturesFailed = "webhook_signature_failed_total", Ones, [Tenant, Vendor], KeyService, &[],
            "Webhooks whose signature was wrong.";
        WebhooksProcessed = "webhook_processed_total", Ones, [Tenant, Vendor, Kind, Outcome], KeyService, &[],
            "Webhooks that were taken in.";
        InboxProcessed = "inbox_processed_total", Ones, [Tenant, Topic, Outcome], KeyService, &[],
            "Events of the bus that were handed in.";
        PublishDropped = "outbox_publish_dropped_total", Ones, [Tenant, Reason], KeyService, &[],
            "Events that must not leave and were taken out.";
        SyncPushed = "sync_push_events_total", Ones, [Tenant, Topic, Outcome], Later, &[],
            "Events that a desk without a network handed in later.";
        CredentialsFailed = "key_credential_failed_total", Ones, [Tenant, Vendor, FailureReason], KeyService, &[],
            "Credentials that did not come about.";
        Attempts = "attempts_total", Ones, [Tenant, Vendor, Result, Kind], KeyService, &[],
            "Attempts to open a door, as the locks tell of them.";
    }
}

/// Where the promises for an issue (5 s, 15 s) and a revoke (4 s, 12 s) lie between, up to the last try.
const SAGA_EDGES: &[f64] =
    &[0.5, 1.0, 2.0, 4.0, 5.0, 8.0, 12.0, 15.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 36_000.0];
/// Around 1.5 s.
const USE_CASE_EDGES: &[f64] = &[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 15.0, 60.0];
/// Around the budgets of a vendor's call: 10 s, 40 s, 60 s.
const CALL_EDGES: &[f64] = &[0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0];
const LAG_EDGES: &[f64] = &[0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1_800.0, 7_200.0];
const SIZE_EDGES: &[f64] = &[1.0, 10.0, 100.0, 1_000.0, 10_000.0];

metrics! {
    /// What is spread.
    Histogram = "histogram" {
        SagaDuration = "saga_duration_seconds", Seconds, [Tenant, Saga], KeyService, SAGA_EDGES,
            "From when it was to be done, which is when the event that asked came in unless that was early, to the vendor's confirmation.";
        UseCaseDuration = "use_case_duration_seconds", Seconds, [Tenant, UseCase], KeyService, USE_CASE_EDGES,
            "How long calls of the service took its host.";
        VendorCallDuration = "vendor_call_duration_seconds", Seconds, [Tenant, Vendor, Operation], Stack, CALL_EDGES,
            "How long calls of a vendor's adapter took.";
        WebhookLag = "webhook_processing_lag_seconds", Seconds, [Tenant, Vendor, Kind], KeyService, LAG_EDGES,
            "From when a webhook came in to when it was taken in.";
        PublishLag = "outbox_publish_lag_seconds", Seconds, [Tenant], KeyService, LAG_EDGES,
            "From when something happened to when the bus had the event.";
        SyncHorizon = "sync_pull_horizon_size", Ones, [Tenant, Aggregate], Later, SIZE_EDGES,
            "How much a desk without a network has still to be told.";
    }
}

metrics! {
    /// What goes up and down.
    Gauge = "gauge" {
        CircuitState = "vendor_circuit_state", Ratio, [Tenant, Property, Vendor, Adapter], Measure, &[],
            "Whether requests to a vendor pass: 0 they do, 0.5 one at a time, 1 none.";
        HealthScore = "vendor_health_score", Ratio, [Tenant, Vendor, Adapter], Host, &[],
            "How well a vendor does, as its host weighs it.";
        CredentialAge = "vendor_credential_age_days", Days, [Tenant, Vendor, Adapter, Role], Host, &[],
            "How old what we show the vendor is.";
        InboxLag = "inbox_lag_seconds", Seconds, [Tenant, Topic], KeyService, &[],
            "From when an event was published to when it was handed in, of the last one.";
        OutboxPending = "outbox_pending", Ones, [Tenant, Property], Measure, &[],
            "Events that the bus has not had yet.";
        CredentialsActive = "key_credentials_active", Ones, [Tenant, Property, Vendor, Kind], Measure, &[],
            "Credentials that open and are to stay.";
        CredentialsProvisional = "key_credentials_provisional", Ones, [Tenant, Property], Measure, &[],
            "Credentials that were issued without a network and are not confirmed.";
        MasterKeysActive = "master_keys_active", Ones, [Tenant, Property], Measure, &[],
            "Keys of shifts that open and are to stay.";
        DeskTasksOpen = "desk_tasks_open", Ones, [Tenant, Property, Kind], Measure, &[],
            "What waits for a person.";
        DeniedRecently = "attempts_denied_recent", Ones, [Tenant, Property], Measure, &[],
            "Attempts that were denied in the last five minutes.";
        DevicesOffline = "devices_offline", Ones, [Tenant, Property], Measure, &[],
            "Locks that were told to be offline.";
        BatteriesLow = "devices_battery_low", Ones, [Tenant, Property], Measure, &[],
            "Locks whose battery is low, by their own threshold.";
        OfflineCertificates = "offline_issuance_active_certs", Ones, [Tenant, Property], Later, &[],
            "Certificates by which desks may issue without a network.";
        OfflineUnreconciled = "offline_issuance_pending_reconcile", Ones, [Tenant, Property], Later, &[],
            "Credentials issued without a network that nobody has taken in.";
    }
}

/// What every metric is: counters, histograms, gauges.
pub fn specs() -> impl Iterator<Item = Spec> {
    let counters = Counter::ALL.iter().map(|metric| metric.spec());
    let histograms = Histogram::ALL.iter().map(|metric| metric.spec());
    counters.chain(histograms).chain(Gauge::ALL.iter().map(|metric| metric.spec()))
}

/// The tables of `docs/telemetry.md`.
#[must_use]
pub fn tables() -> String {
    let mut page = String::from(
        "| Metric | Type | Unit | Labels | Fed by | What |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for spec in specs() {
        let labels: Vec<_> = spec.labels.iter().map(|label| format!("`{}`", label.as_str())).collect();
        let (labels, unit, fed) = (labels.join(" "), spec.unit.as_str(), spec.fed.as_str());
        // Writing to a text cannot fail.
        let _ =
            writeln!(page, "| `{}` | {} | {unit} | {labels} | {fed} | {} |", spec.name, spec.kind, spec.help);
    }
    page.push_str("\n| Span | Opened by |\n| --- | --- |\n");
    for (name, by) in span::ALL {
        let _ = writeln!(page, "| `{name}` | {by} |");
    }
    page.push_str("\n| Severity | When |\n| --- | --- |\n");
    for severity in Severity::ALL {
        let of = Happening::ALL.iter().filter(|what| what.severity() == *severity);
        let of: Vec<_> = of.map(|what| what.as_str()).collect();
        let _ = writeln!(page, "| {} | {} |", severity.as_str(), of.join("; "));
    }
    let fields: Vec<_> = LogFields::NAMES.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(page, "\nFields of a line of the log: {}.", fields.join(", "));
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// R195 to R200: names once, a prefix, a unit that fits its name, a sentence, a tenant; a property where the platform marks
    /// it or one property is measured by itself.
    #[test]
    fn every_metric_is_named_as_the_platform_names_it() {
        let names: BTreeSet<_> = specs().map(|spec| spec.name).collect();
        assert_eq!(names.len(), specs().count());
        for spec in specs() {
            let name = spec.name;
            assert!(name.starts_with(PREFIX), "{name}");
            assert_eq!(spec.kind == "counter", name.ends_with("_total"), "{name}");
            assert_eq!(spec.unit == Unit::Seconds, name.ends_with("_seconds"), "{name}");
            assert!(spec.help.ends_with('.') && !spec.help.contains(['\n', '\\', '|']), "{name}");
            assert_eq!(spec.labels.first(), Some(&Label::Tenant), "{name}");
            assert_eq!(spec.buckets.is_empty(), spec.kind != "histogram", "{name}");
            assert!(spec.buckets.is_sorted(), "{name}");
            let has_property = spec.labels.contains(&Label::Property);
            let is_counted_always = matches!(spec.fed, Fed::KeyService | Fed::Stack);
            assert!(!(has_property && is_counted_always), "{name}: what is counted is not split by property");
        }
    }

    /// R195: within one tenant of one vendor no metric has more than this many series, however many guests come.
    #[test]
    fn no_label_grows_with_guests() {
        for spec in specs() {
            let series: usize = spec.labels.iter().map(|label| label.values().unwrap_or(1)).product();
            assert!(series <= 600, "{}: {series}", spec.name);
            let grows: Vec<_> = spec.labels.iter().filter(|label| label.values().is_none()).collect();
            assert!(
                grows.iter().all(|label| matches!(label, Label::Property | Label::Vendor | Label::Adapter))
            );
        }
    }

    /// R193: the five levels, each with what it is for.
    #[test]
    fn a_happening_is_as_loud_as_the_policy_says() {
        use Severity::{Critical, Debug, Error, Info, Warning};
        let policy = [
            (Debug, vec![Happening::SagaStep, Happening::VendorExchange]),
            (Info, vec![Happening::StateChanged, Happening::VendorReachability, Happening::SyncPushed]),
            (Warning, vec![Happening::StepRetried, Happening::CircuitHalfOpen, Happening::SignatureMismatch]),
            (Error, vec![Happening::Compensation, Happening::VendorFailed, Happening::KeyReused]),
            (Critical, vec![Happening::AuditMismatch, Happening::SecretLeak, Happening::RotationFailed]),
        ];
        assert_eq!(policy.iter().map(|(_, of)| of.len()).sum::<usize>(), Happening::ALL.len());
        for (severity, of) in policy {
            assert!(of.iter().all(|what| what.severity() == severity), "{severity:?}");
        }
    }

    /// R192: the platform's names and no other; whose business it is stands in every line.
    #[test]
    fn a_line_has_the_platforms_fields() {
        let said = "timestamp, severity, message, service, revision, traceId, spanId, tenantId, propertyId, keyCredentialId, \
                    lockDeviceId, masterKeyId, vendor, vendorAdapterId, sagaName, sagaStep, eventId, idempotencyKey, \
                    operation, outcome, errorCode, errorMessage, durationMs";
        let said: BTreeSet<_> = said.split(", ").collect();
        assert_eq!(LogFields::NAMES.iter().copied().collect::<BTreeSet<_>>(), said);
        let mut fields = LogFields::new(LogTenant::System);
        (fields.outcome, fields.saga_name) = (Some(Ended::Skipped), Some(Saga::Issue));
        let line = serde_json::to_value(&fields).unwrap();
        let want = serde_json::json!({ "tenantId": "system", "outcome": "skipped", "sagaName": "IssueSaga" });
        assert_eq!(line, want);
    }

    /// The page is made from this table.
    #[test]
    fn the_page_shows_this_table() {
        let page = include_str!("../../docs/telemetry.md");
        assert!(page.contains(&tables()), "docs/telemetry.md has to hold:\n\n{}", tables());
    }
}
