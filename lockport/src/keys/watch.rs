//! What is counted of the keys, and the span around each piece of work (R196, R199 to R201).

use std::sync::Arc;

use super::KeyService;
use super::claim::KeyOwner;
use super::device::{DENIALS_WITHIN, DeviceRecord};
use super::record::{KeyRecord, OPEN_KEY, Work};
use super::state::KeyState;
use super::task::{DeskTask, DeskTaskKind, OPEN};
use super::work::Answered;
use crate::credential::{KeyCredentialKind, VendorCode};
use crate::error::LockError;
use crate::event::{CONSUMED, Envelope, Objection};
use crate::port::SharedLockPort;
use crate::store::queue::Undelivered;
use crate::store::{Stored, Transaction};
use crate::telemetry::{
    Counter, Ended, Gauge, Happening, Histogram, Label, Mark, Meter, Metrics, Saga, UseCase, Value,
};
use crate::transport::Circuit;
use crate::validity::Timestamp;

/// The topic of a subject that nobody sends us.
const OTHER: &str = "other";

impl Work {
    pub(super) const fn saga(self) -> Saga {
        match self {
            Self::Issue => Saga::Issue,
            Self::Update => Saga::Update,
            Self::Suspend(_) => Saga::Suspend,
            Self::Unsuspend => Saga::Unsuspend,
            Self::Revoke(_) => Saga::Revoke,
        }
    }
}

impl KeyService {
    /// With everything counted that `docs/telemetry.md` names of it.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.meter = Meter::new(metrics, self.partition());
        self
    }

    /// With the circuit before this adapter's vendor, for [`measure`](Self::measure) to look at.
    #[must_use]
    pub fn with_circuit(mut self, adapter: &str, circuit: Circuit) -> Self {
        self.circuits.push((adapter.to_owned(), circuit));
        self
    }

    /// Sets the gauges that are read from the store: credentials, keys of shifts, desk tasks, waiting events, locks, circuits. For the
    /// host to call before a scrape.
    ///
    /// # Errors
    /// When the store is away: the gauges stay as they are.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 keys")]
    pub async fn measure(&self) -> Result<(), LockError> {
        let keys = Stored::<KeyRecord>::find(&*self.store, self.partition(), OPEN_KEY).await?;
        let tasks = Stored::<DeskTask>::find(&*self.store, self.partition(), OPEN).await?;
        let pending = self.queue.waiting().await?;
        let active = || keys.iter().map(|key| &key.value).filter(|key| key.state == KeyState::Active);
        let mut vendors: Vec<VendorCode> = active().map(|key| key.vendor.clone()).collect();
        vendors.extend(self.property.adapters().iter().map(|own| own.port.describe_adapter().vendor));
        vendors.sort_unstable();
        vendors.dedup();
        for vendor in &vendors {
            for kind in KeyCredentialKind::ALL {
                let of = active().filter(|key| key.vendor == *vendor && key.kind == Some(kind)).count();
                let labels =
                    [(Label::Vendor, Value::Vendor(vendor)), (Label::Kind, Value::Word(kind.as_str()))];
                self.meter.set(Gauge::CredentialsActive, &labels, of as f64);
            }
        }
        let provisional = active().filter(|key| key.provisional_until.is_some()).count();
        self.meter.set(Gauge::CredentialsProvisional, &[], provisional as f64);
        let masters = active().filter(|key| matches!(key.owner, KeyOwner::Shift(_))).count();
        self.meter.set(Gauge::MasterKeysActive, &[], masters as f64);
        for kind in DeskTaskKind::ALL {
            let of = tasks.iter().filter(|task| task.value.kind == kind).count();
            self.meter.set(Gauge::DeskTasksOpen, &[(Label::Kind, Value::Word(kind.as_str()))], of as f64);
        }
        self.meter.set(Gauge::OutboxPending, &[], pending as f64);
        self.measure_devices().await?;
        for (adapter, circuit) in &self.circuits {
            let Some(binding) = self.property.adapter(adapter) else { continue };
            let vendor = binding.port.describe_adapter().vendor;
            let labels = [(Label::Vendor, Value::Vendor(&vendor)), (Label::Adapter, Value::Adapter(binding))];
            self.meter.set(Gauge::CircuitState, &labels, circuit.state().gauge());
        }
        Ok(())
    }

    /// What is known of locks; nothing as long as nobody told of one.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 locks")]
    async fn measure_devices(&self) -> Result<(), LockError> {
        let devices = Stored::<DeviceRecord>::find(&*self.store, self.partition(), "").await?;
        if devices.is_empty() {
            return Ok(());
        }
        let now = self.env.now();
        let is_recent = |then: &&Timestamp| now.signed_duration_since(**then) <= DENIALS_WITHIN;
        let denied = devices.iter().flat_map(|device| &device.value.denials).filter(is_recent).count();
        let offline = devices.iter().filter(|device| device.value.online == Some(false)).count();
        let low = devices.iter().filter(|device| device.value.battery_low).count();
        self.meter.set(Gauge::DeniedRecently, &[], denied as f64);
        self.meter.set(Gauge::DevicesOffline, &[], offline as f64);
        self.meter.set(Gauge::BatteriesLow, &[], low as f64);
        Ok(())
    }

    /// A call of the host, counted and timed.
    pub(super) async fn timed<T>(
        &self,
        use_case: UseCase,
        run: impl Future<Output = Result<T, LockError>>,
    ) -> Result<T, LockError> {
        let begin = self.env.now();
        let result = run.await;
        let ended = if result.is_ok() { Ended::Ok } else { Ended::Error };
        let labels =
            [(Label::UseCase, Value::Word(use_case.as_str())), (Label::Outcome, Value::Word(ended.as_str()))];
        self.meter.add(Counter::UseCaseRuns, &labels);
        self.meter.observe(Histogram::UseCaseDuration, &labels, self.env.since(begin).as_secs_f64());
        result
    }

    /// An event of the bus was handed in.
    pub(super) fn count_inbox(&self, event: &Envelope, result: &Result<(), LockError>) {
        let known = CONSUMED.iter().find(|(subject, _)| *subject == event.subject);
        let topic = known.map_or(OTHER, |(subject, _)| subject);
        let ended = match result {
            Err(_) => Ended::Error,
            Ok(()) if topic == OTHER => Ended::Skipped,
            Ok(()) => Ended::Ok,
        };
        let labels = [(Label::Topic, Value::Word(topic)), (Label::Outcome, Value::Word(ended.as_str()))];
        self.meter.add(Counter::InboxProcessed, &labels);
        self.meter.set(Gauge::InboxLag, &labels, self.env.since(event.time).as_secs_f64());
    }

    /// An event must not leave (R194).
    pub(super) fn count_dropped(&self, why: Objection) {
        self.meter.add(Counter::PublishDropped, &[(Label::Reason, Value::Word(why.as_str()))]);
    }

    /// The bus has an event.
    pub(super) fn count_published(&self, event: &Undelivered) {
        let event = event.event();
        self.meter.observe(Histogram::PublishLag, &[], self.env.since(event.time).as_secs_f64());
        #[cfg(feature = "trace")]
        tracing::info_span!(
            target: "lockport",
            crate::telemetry::catalog::span::PUBLISH,
            tenantId = %event.tenant_id,
            traceId = event.trace_id.as_deref().and_then(crate::audit::TraceId::read).map(String::from),
            eventId = %event.id,
            operation = event.subject.as_str(),
            outcome = Ended::Ok.as_str(),
        )
        .in_scope(|| ());
    }

    /// A saga has ended; counted once that is written.
    pub(super) fn mark_saga(&self, transaction: &mut Transaction, key: &KeyRecord, saga: Saga, ended: Ended) {
        let words = vec![(Label::Saga, saga.as_str()), (Label::Outcome, ended.as_str())];
        let took = key.due_since.filter(|_| ended == Ended::Ok).map(|since| self.env.since(since));
        let took = took.map(|took| (Histogram::SagaDuration, took.as_secs_f64()));
        transaction.mark(Mark { took, ..Mark::new(&self.meter, Counter::SagaRuns, words) });
    }

    /// The vendor confirmed that it is gone, for the first time. What a failed issue left is no saga of its own.
    pub(super) fn mark_revoked(&self, transaction: &mut Transaction, key: &KeyRecord) {
        if key.revoke_confirmed_at.is_none() && key.state != KeyState::Failed {
            self.mark_saga(transaction, key, Saga::Revoke, Ended::Ok);
        }
    }

    /// It did not come about; skipped where nobody wanted it any more.
    pub(super) fn mark_failed(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        why: Option<&LockError>,
    ) {
        let Some(error) = why else {
            return self.mark_saga(transaction, key, Saga::Issue, Ended::Skipped);
        };
        self.say_failed(transaction, key, Work::Issue, (Happening::VendorFailed, error));
        self.mark_saga(transaction, key, Saga::Issue, Ended::Error);
        let words = vec![(Label::FailureReason, error.reason().as_str())];
        let vendor = Some(key.vendor.clone());
        transaction.mark(Mark { vendor, ..Mark::new(&self.meter, Counter::CredentialsFailed, words) });
    }

    /// A call failed and is made again later.
    pub(super) fn mark_retry(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        work: Work,
        error: &LockError,
    ) {
        self.say_failed(transaction, key, work, (Happening::StepRetried, error));
        let saga = work.saga();
        let words = vec![
            (Label::Saga, saga.as_str()),
            (Label::Step, saga.step().as_str()),
            (Label::ErrorCode, error.code().as_str()),
        ];
        transaction.mark(Mark::new(&self.meter, Counter::SagaRetries, words));
    }

    /// What an issue that failed may have left is taken away.
    pub(super) fn mark_compensation(&self, transaction: &mut Transaction, key: &KeyRecord) {
        self.say_compensation(transaction, key);
        let words = vec![(Label::Saga, Saga::Issue.as_str()), (Label::Compensation, "revoke_credential")];
        transaction.mark(Mark::new(&self.meter, Counter::SagaCompensations, words));
    }

    /// Carries work out, in a span that goes on with the trace of the event that asked.
    #[cfg(feature = "trace")]
    pub(super) async fn handle(&self, key: Stored<KeyRecord>, work: Work, port: SharedLockPort) -> Answered {
        use tracing::Instrument as _;
        use tracing::field::Empty;

        use super::lines::step_ended;
        use crate::telemetry::Line;
        use crate::telemetry::catalog::span;

        macro_rules! saga {
            ($name:expr, $record:expr) => {
                tracing::info_span!(
                    target: "lockport",
                    $name,
                    tenantId = %self.partition().tenant,
                    propertyId = %self.partition().property,
                    traceId = $record.cause.trace_id.as_deref().and_then(crate::audit::TraceId::read).map(String::from),
                    eventId = $record.cause.event.map(tracing::field::display),
                    keyCredentialId = %$record.id,
                    vendor = $record.vendor.as_str(),
                    vendorAdapterId = $record.adapter.as_str(),
                    sagaName = work.saga().as_str(),
                    sagaStep = work.saga().step().as_str(),
                    outcome = Empty,
                    errorCode = Empty,
                    durationMs = Empty,
                )
            };
        }
        let record = &key.value;
        let span = match work.saga() {
            Saga::Issue => saga!(span::ISSUE, record),
            Saga::Update => saga!(span::UPDATE, record),
            Saga::Suspend => saga!(span::SUSPEND, record),
            Saga::Unsuspend => saga!(span::UNSUSPEND, record),
            Saga::Revoke => saga!(span::REVOKE, record),
        };
        let begin = self.env.now();
        let begun = self.step_begun(record, work);
        span.in_scope(|| begun.clone().into_iter().for_each(Line::say));
        let result = self.carry_out(key, work, port).instrument(span.clone()).await;
        let ended = if result.is_ok() { Ended::Ok } else { Ended::Error };
        let duration = u64::try_from(self.env.since(begin).as_millis()).unwrap_or(u64::MAX);
        span.record("outcome", ended.as_str());
        if let Err(error) = &result {
            span.record("errorCode", error.code().as_str());
        }
        span.record("durationMs", duration);
        let ended = begun.map(|begun| step_ended(begun, result.as_ref().err(), duration));
        span.in_scope(|| ended.into_iter().for_each(Line::say));
        result
    }

    /// Carries work out.
    #[cfg(not(feature = "trace"))]
    pub(super) async fn handle(&self, key: Stored<KeyRecord>, work: Work, port: SharedLockPort) -> Answered {
        self.carry_out(key, work, port).await
    }
}
