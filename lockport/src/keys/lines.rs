//! What is said in the log of keys and vendors (R192, R193): once what it tells of is written.

use super::KeyService;
use super::claim::KeyOwner;
use super::record::{KeyRecord, Work};
use super::state::KeyState;
use super::tell::master;
use crate::audit::TraceId;
use crate::error::LockError;
use crate::event::Envelope;
use crate::property::AdapterBinding;
use crate::store::Transaction;
use crate::telemetry::catalog::LogTenant;
use crate::telemetry::{Ended, Happening, Line, LogFields};
use crate::transport::CircuitState;

impl KeyState {
    /// The word for it: `active`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
        }
    }
}

impl KeyService {
    /// Whose business it is.
    pub(super) fn log(&self) -> LogFields {
        let mut fields = LogFields::new(LogTenant::Of(self.partition().tenant));
        fields.property_id = Some(self.partition().property);
        fields
    }

    fn log_of(&self, key: &KeyRecord) -> LogFields {
        let mut fields = self.log();
        fields.trace_id = key.cause.trace_id.as_deref().and_then(TraceId::read).map(String::from);
        fields.event_id = key.cause.event;
        fields.key_credential_id = Some(key.id);
        fields.master_key_id = matches!(key.owner, KeyOwner::Shift(_)).then(|| master(key));
        fields.vendor = Some(key.vendor.clone());
        fields.vendor_adapter_id = Some(key.adapter.clone());
        fields
    }

    fn log_of_adapter(&self, of: &AdapterBinding) -> LogFields {
        let mut fields = self.log();
        fields.vendor = Some(of.port.describe_adapter().vendor);
        fields.vendor_adapter_id = Some(of.name.clone());
        fields
    }

    fn log_of_work(&self, key: &KeyRecord, work: Work) -> LogFields {
        let mut fields = self.log_of(key);
        fields.saga_name = Some(work.saga());
        fields.saga_step = Some(work.saga().step());
        fields
    }

    /// A credential has the state that it has.
    pub(super) fn say_state(&self, transaction: &mut Transaction, key: &KeyRecord) {
        let line = Line::new(Happening::StateChanged, || self.log_of(key));
        transaction.say(line.map(|line| line.with_detail(key.state.as_str())));
    }

    /// A saga's step begins.
    #[cfg(feature = "trace")]
    pub(super) fn step_begun(&self, key: &KeyRecord, work: Work) -> Option<Line> {
        Line::new(Happening::SagaStep, || self.log_of_work(key, work))
    }

    /// A step failed: it is tried again, or is what the vendor leaves it at.
    pub(super) fn say_failed(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        work: Work,
        (what, error): (Happening, &LockError),
    ) {
        transaction.say(Line::new(what, || {
            let mut fields = self.log_of_work(key, work);
            let is_tried_again = what == Happening::StepRetried;
            fields.outcome = Some(if is_tried_again { Ended::Deferred } else { Ended::Error });
            add_error(&mut fields, error);
            fields
        }));
    }

    /// What a saga left is taken back.
    pub(super) fn say_compensation(&self, transaction: &mut Transaction, key: &KeyRecord) {
        transaction.say(Line::new(Happening::Compensation, || self.log_of_work(key, Work::Issue)));
    }

    /// A vendor went away, with this error, or came back.
    pub(super) fn say_reachability(
        &self,
        transaction: &mut Transaction,
        of: &AdapterBinding,
        error: Option<&LockError>,
    ) {
        transaction.say(Line::new(Happening::VendorReachability, || {
            let mut fields = self.log_of_adapter(of);
            fields.outcome = Some(if error.is_none() { Ended::Ok } else { Ended::Error });
            if let Some(error) = error {
                add_error(&mut fields, error);
            }
            fields
        }));
    }

    /// The circuit before a vendor is otherwise than it was.
    pub(super) fn say_circuit(&self, transaction: &mut Transaction, of: &AdapterBinding, to: CircuitState) {
        let what = match to {
            CircuitState::HalfOpen => Happening::CircuitHalfOpen,
            CircuitState::Closed | CircuitState::Open => Happening::VendorReachability,
        };
        transaction.say(Line::new(what, || {
            let mut fields = self.log_of_adapter(of);
            fields.outcome = match to {
                CircuitState::Closed => Some(Ended::Ok),
                CircuitState::Open => Some(Ended::Error),
                CircuitState::HalfOpen => None,
            };
            fields
        }));
    }

    /// Something secret was about to leave with an event.
    pub(super) fn say_leak(&self, transaction: &mut Transaction, event: &Envelope) {
        transaction.say(Line::new(Happening::SecretLeak, || {
            let mut fields = self.log();
            fields.event_id = Some(event.id);
            fields.outcome = Some(Ended::Skipped);
            fields
        }));
    }

    /// Somebody called a vendor's webhook who is not the vendor.
    pub(super) fn say_refused_webhook(
        &self,
        transaction: &mut Transaction,
        of: &AdapterBinding,
        error: &LockError,
    ) {
        transaction.say(Line::new(Happening::SignatureMismatch, || {
            let mut fields = self.log_of_adapter(of);
            fields.outcome = Some(Ended::Skipped);
            add_error(&mut fields, error);
            fields
        }));
    }
}

/// A saga's step has ended after so many milliseconds.
#[cfg(feature = "trace")]
pub(super) fn step_ended(begun: Line, failed: Option<&LockError>, duration: u64) -> Line {
    begun.with(|fields| {
        fields.outcome = Some(if failed.is_none() { Ended::Ok } else { Ended::Error });
        fields.duration_ms = Some(duration);
        if let Some(error) = failed {
            add_error(fields, error);
        }
    })
}

fn add_error(fields: &mut LogFields, error: &LockError) {
    fields.error_code = Some(error.code());
    fields.error_message = Some(error.message().to_owned());
    fields.lock_device_id = error.device();
}
