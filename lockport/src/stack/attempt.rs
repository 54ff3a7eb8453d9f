//! A span and a line of the log for every attempt of a call, where it leaves for the vendor: `Adapter.{vendor}.{operation}` (R193,
//! R201).

use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::call::{Call, Facts, Reply, layered, outcome_of};
use crate::audit::Outcome;
use crate::credential::VendorCode;
use crate::env::Env;
use crate::error::{ErrorCode, LockError};
use crate::port::SharedLockPort;
use crate::store::Partition;
use crate::telemetry::catalog::{LogTenant, span};
use crate::telemetry::{Ended, Happening, Line, LogFields};

/// Opens a span around each attempt and says how it ended, never what was said.
#[derive(Debug)]
pub(super) struct AttemptLayer {
    inner: SharedLockPort,
    partition: Partition,
    vendor: VendorCode,
    env: Env,
}

/// What is known of an attempt before it is made.
pub(super) struct Seen {
    facts: Facts,
    span: Span,
}

impl AttemptLayer {
    pub(super) fn new(inner: SharedLockPort, partition: Partition, env: Env) -> Self {
        let vendor = inner.describe_adapter().vendor;
        Self { inner, partition, vendor, env }
    }

    /// Nothing is looked at when nobody listens.
    fn look(&self, call: &Call<'_>) -> Option<Seen> {
        if !tracing::enabled!(target: "lockport", tracing::Level::ERROR) {
            return None;
        }
        let facts = call.facts(self.partition);
        let (vendor, operation) = (self.vendor.as_str(), facts.operation.as_str());
        let span = info_span!(
            target: "lockport",
            "Adapter",
            // A vendor's name does not stand in the program, and a span's has to.
            otel.name = span::ADAPTER.replace("{vendor}", vendor).replace("{operation}", operation),
            tenantId = %self.partition.tenant,
            propertyId = %self.partition.property,
            keyCredentialId = facts.credential.map(tracing::field::display),
            lockDeviceId = facts.device.map(tracing::field::display),
            vendor,
            idempotencyKey = facts.idempotency_key.as_ref().map(|key| key.as_str()),
            operation,
            outcome = Empty,
            errorCode = Empty,
            durationMs = Empty,
        );
        Some(Seen { facts, span })
    }

    async fn around<T, F>(&self, seen: Option<Seen>, call: impl FnOnce() -> F) -> Result<T, LockError>
    where
        T: Reply,
        F: Future<Output = Result<T, LockError>>,
    {
        let Some(Seen { facts, span }) = seen else { return call().await };
        let begin = self.env.now();
        let result = call().instrument(span.clone()).await;
        let duration = u64::try_from(self.env.since(begin).as_millis()).unwrap_or(u64::MAX);
        let ended = match outcome_of(&result) {
            Outcome::Error => Ended::Error,
            Outcome::Deferred | Outcome::Abandoned => Ended::Deferred,
            _ => Ended::Ok,
        };
        span.record("outcome", ended.as_str());
        span.record("durationMs", duration);
        let error = result.as_ref().err();
        if let Some(error) = error {
            span.record("errorCode", error.code().as_str());
        }
        let line = |what| {
            Line::new(what, || {
                let mut fields = LogFields::new(LogTenant::Of(self.partition.tenant));
                fields.property_id = Some(self.partition.property);
                fields.key_credential_id = facts.credential;
                fields.lock_device_id = error.and_then(LockError::device).or(facts.device);
                fields.vendor = Some(self.vendor.clone());
                fields.idempotency_key.clone_from(&facts.idempotency_key);
                fields.operation = Some(facts.operation);
                fields.outcome = Some(ended);
                fields.error_code = error.map(LockError::code);
                fields.error_message = error.map(|error| error.message().to_owned());
                fields.duration_ms = Some(duration);
                fields
            })
        };
        span.in_scope(|| {
            line(Happening::VendorExchange).into_iter().for_each(Line::say);
            if error.is_some_and(|error| error.code() == ErrorCode::IdempotencyConflict) {
                line(Happening::KeyReused).into_iter().for_each(Line::say);
            }
        });
        result
    }
}

layered!(AttemptLayer, once);
