//! Lines of the log (R192, R193): with the feature `trace` through `tracing`, as events under [`TARGET`](super::catalog::TARGET);
//! without it nothing is made.

#[cfg(feature = "trace")]
use tracing::Level;

use super::catalog::{Happening, LogFields};
#[cfg(feature = "trace")]
use super::catalog::{SERVICE, Severity};

/// A line that is to be said.
#[cfg(feature = "trace")]
#[derive(Clone, Debug)]
pub(crate) struct Line {
    what: Happening,
    /// One word more: the state that a credential has now.
    detail: Option<&'static str>,
    fields: Box<LogFields>,
}

/// There is none.
#[cfg(not(feature = "trace"))]
#[derive(Debug)]
pub(crate) enum Line {}

#[cfg(feature = "trace")]
impl Line {
    /// Nothing is made of a line that nobody listens to.
    pub(crate) fn new(what: Happening, fields: impl FnOnce() -> LogFields) -> Option<Self> {
        let is_heard = match what.severity() {
            Severity::Debug => tracing::enabled!(target: "lockport", Level::DEBUG),
            Severity::Info => tracing::enabled!(target: "lockport", Level::INFO),
            Severity::Warning => tracing::enabled!(target: "lockport", Level::WARN),
            Severity::Error | Severity::Critical => tracing::enabled!(target: "lockport", Level::ERROR),
        };
        is_heard.then(|| Self { what, detail: None, fields: Box::new(fields()) })
    }

    pub(crate) fn with_detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut LogFields)) -> Self {
        change(&mut self.fields);
        self
    }

    /// Says it, within whatever span is entered.
    pub(crate) fn say(self) {
        /// A level has to stand in the program, so there is one such line for each.
        macro_rules! line {
            ($level:expr, $line:expr) => {{
                let Line { what, detail, fields } = $line;
                let LogFields {
                    tenant,
                    trace_id,
                    span_id,
                    property_id,
                    key_credential_id,
                    lock_device_id,
                    master_key_id,
                    vendor,
                    vendor_adapter_id,
                    saga_name,
                    saga_step,
                    event_id,
                    idempotency_key,
                    operation,
                    outcome,
                    error_code,
                    error_message,
                    duration_ms,
                } = *fields;
                let message = match detail {
                    Some(detail) => format!("{}: {detail}", what.as_str()),
                    None => what.as_str().to_owned(),
                };
                tracing::event!(
                    target: "lockport",
                    $level,
                    severity = what.severity().as_str(),
                    message,
                    service = SERVICE,
                    tenantId = %tenant,
                    traceId = trace_id.as_deref(),
                    spanId = span_id.as_deref(),
                    propertyId = property_id.map(display),
                    keyCredentialId = key_credential_id.map(display),
                    lockDeviceId = lock_device_id.map(display),
                    masterKeyId = master_key_id.map(display),
                    vendor = vendor.as_ref().map(|vendor| vendor.as_str()),
                    vendorAdapterId = vendor_adapter_id.as_deref(),
                    sagaName = saga_name.map(|saga| saga.as_str()),
                    sagaStep = saga_step.map(|step| step.as_str()),
                    eventId = event_id.map(display),
                    idempotencyKey = idempotency_key.as_ref().map(|key| key.as_str()),
                    operation = operation.map(|operation| operation.as_str()),
                    outcome = outcome.map(|outcome| outcome.as_str()),
                    errorCode = error_code.map(|code| code.as_str()),
                    errorMessage = error_message.as_deref(),
                    durationMs = duration_ms,
                );
            }};
        }
        match self.what.severity() {
            Severity::Debug => line!(Level::DEBUG, self),
            Severity::Info => line!(Level::INFO, self),
            Severity::Warning => line!(Level::WARN, self),
            Severity::Error | Severity::Critical => line!(Level::ERROR, self),
        }
    }
}

#[cfg(not(feature = "trace"))]
impl Line {
    pub(crate) fn new(_: Happening, _: impl FnOnce() -> LogFields) -> Option<Self> {
        None
    }

    pub(crate) fn with_detail(self, _: &'static str) -> Self {
        self
    }

    pub(crate) fn say(self) {
        match self {}
    }
}
