//! A span around every call: `LockPort.{operation}`, with the field names of the platform's logs (R192, R201).

use std::future::Future;

use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::call::{Call, Reply, layered, outcome_of};
use crate::env::Env;
use crate::error::LockError;
use crate::port::{AdapterDescriptor, SharedLockPort};
use crate::store::Partition;

/// Opens a span around every call. Its fields are ids and words of ours, never a secret or a guest's data; of a call that named
/// another tenant or property they hold no ids but this port's own. A call that was dropped has no `outcome`.
#[derive(Debug)]
pub struct TraceLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    partition: Partition,
    env: Env,
}

/// A span's name has to stand in the program, so there is one such line for each operation.
macro_rules! span {
    ($name:literal, $layer:expr, $facts:expr) => {
        info_span!(
            target: "lockport",
            $name,
            tenantId = %$layer.partition.tenant,
            propertyId = %$layer.partition.property,
            keyCredentialId = $facts.credential.map(tracing::field::display),
            lockDeviceId = $facts.device.map(tracing::field::display),
            vendor = $layer.descriptor.vendor.as_str(),
            idempotencyKey = $facts.idempotency_key.as_ref().map(|key| key.as_str()),
            operation = $facts.operation.as_str(),
            outcome = Empty,
            errorCode = Empty,
            errorMessage = Empty,
            durationMs = Empty,
        )
    };
}

impl TraceLayer {
    /// Around this port of this property.
    #[must_use]
    pub fn new(inner: SharedLockPort, partition: Partition, env: Env) -> Self {
        let descriptor = inner.describe_adapter();
        Self { inner, descriptor, partition, env }
    }

    fn look(&self, call: &Call<'_>) -> Span {
        let facts = call.facts(self.partition);
        match call {
            Call::Issue(_) => span!("LockPort.issue_credential", self, facts),
            Call::Update(_) => span!("LockPort.update_credential", self, facts),
            Call::Revoke(_) => span!("LockPort.revoke_credential", self, facts),
            Call::Suspend(_) => span!("LockPort.suspend_credential", self, facts),
            Call::Unsuspend(_) => span!("LockPort.unsuspend_credential", self, facts),
            Call::Devices(_) => span!("LockPort.list_devices", self, facts),
            Call::Health(_) => span!("LockPort.health_check", self, facts),
        }
    }

    async fn around<T, F>(&self, span: Span, call: impl FnOnce() -> F) -> Result<T, LockError>
    where
        T: Reply,
        F: Future<Output = Result<T, LockError>>,
    {
        let begin = self.env.now();
        let result = call().instrument(span.clone()).await;
        span.record("outcome", outcome_of(&result).as_str());
        if let Err(error) = &result {
            span.record("errorCode", error.code().as_str());
            span.record("errorMessage", error.message());
        }
        span.record("durationMs", u64::try_from(self.env.since(begin).as_millis()).unwrap_or(u64::MAX));
        result
    }
}

layered!(TraceLayer, once);
