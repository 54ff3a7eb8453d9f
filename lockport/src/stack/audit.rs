//! The audit: who did what to which credential, and how it ended. One record a call, also of a call that was refused.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use futures_util::future::select;
use serde::Serialize;

use super::call::{Call, Facts, Reply, layered, outcome_of};
use super::deadline::Ceiling;
use crate::audit::{Action, Digest, Draft, Outcome, Reason};
use crate::capability::LockCapabilities;
use crate::credential::VendorCode;
use crate::env::Env;
use crate::error::{ErrorCode, FailureReason, LockError, Operation};
use crate::id::{KeyCredentialId, LockDeviceId, PropertyId, ReservationId, TenantId, UserId};
use crate::idempotency::IdempotencyKey;
use crate::port::{AdapterDescriptor, SharedLockPort};
use crate::store::Partition;
use crate::validity::Timestamp;

/// How long after its deadline a call still waits for the sink.
const SINK_GRACE: Duration = Duration::from_millis(50);

/// One call, for the auditor (R136): ids and words of ours. No secret, no artifact, no name or address of a guest, no vendor's
/// reference and no vendor's text. Of a call that named another tenant or property it keeps no ids but this port's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditRecord {
    /// When the call ended. Strictly rising within one stack, also when the clock jumps back.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whose port it is.
    pub tenant_id: TenantId,
    /// Which hotel's.
    pub property_id: PropertyId,
    /// What was asked.
    pub operation: Operation,
    /// Whose lock system.
    pub vendor: VendorCode,
    /// What the adapter said it can.
    pub capabilities: LockCapabilities,
    /// The credential.
    pub key_credential_id: Option<KeyCredentialId>,
    /// The stay of an issue.
    pub reservation_id: Option<ReservationId>,
    /// The device of a health check, or the encoder of a write.
    pub lock_device_id: Option<LockDeviceId>,
    /// The member of staff who is to hold the key.
    pub staff_id: Option<UserId>,
    /// The member of staff who asked.
    pub operator_id: Option<UserId>,
    /// Why something is taken away.
    pub reason: Option<Reason>,
    /// The caller's name for the write.
    pub idempotency_key: Option<IdempotencyKey>,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of the error, where it ended in one.
    pub error_code: Option<ErrorCode>,
    /// The finer meaning of the error.
    pub failure_reason: Option<FailureReason>,
}

impl AuditRecord {
    /// The record as an entry of the property's chain, for a sink that keeps it there; `None` for a call that only asked.
    #[must_use]
    pub fn draft(&self) -> Option<Draft> {
        let action = match self.operation {
            Operation::IssueCredential => Action::Issue,
            Operation::UpdateCredential => Action::Update,
            Operation::RevokeCredential => Action::Revoke,
            Operation::SuspendCredential => Action::Suspend,
            Operation::UnsuspendCredential => Action::Unsuspend,
            Operation::SettleCredential => Action::Settle,
            Operation::ListDevices | Operation::HealthCheck => return None,
        };
        let mut draft = Draft::new(action, self.outcome);
        draft.reason = self.reason;
        draft.failure_reason = self.failure_reason;
        draft.key_credential_id = self.key_credential_id;
        draft.reservation_id = self.reservation_id;
        draft.lock_device_id = self.lock_device_id;
        draft.vendor = Some(self.vendor.clone());
        draft.capabilities = Digest::of_capabilities(&self.capabilities).ok();
        draft.people.operator_id = self.operator_id;
        draft.people.staff_id = self.staff_id;
        Some(draft)
    }
}

/// Where the host keeps its audit.
#[async_trait]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// Keeps a record; the call's answer waits for it, but never longer than until 50 ms after the call's deadline. What the call
    /// did is done by then, so there is no error to answer with: a sink that fails has to say so elsewhere.
    async fn record(&self, record: AuditRecord);

    /// Keeps, without waiting, a record nobody waits for: the caller dropped the call, or [`record`](Self::record) did not return
    /// in time and may or may not have kept it.
    fn leave(&self, record: AuditRecord);
}

/// Tells the audit of every call.
#[derive(Debug)]
pub struct AuditLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    partition: Partition,
    sink: Arc<dyn AuditSink>,
    ceiling: Ceiling,
    last: AtomicI64,
    env: Env,
}

impl AuditLayer {
    /// Around this port of this property, whose calls have a deadline of at most `ceiling`.
    #[must_use]
    pub fn new(
        inner: SharedLockPort,
        partition: Partition,
        sink: Arc<dyn AuditSink>,
        ceiling: Option<Duration>,
        env: Env,
    ) -> Self {
        let descriptor = inner.describe_adapter();
        let last = AtomicI64::new(i64::MIN);
        Self { inner, descriptor, partition, sink, ceiling: Ceiling(ceiling), last, env }
    }

    fn look(&self, call: &Call<'_>) -> (Facts, Duration) {
        (call.facts(self.partition), self.ceiling.of(call, &self.descriptor))
    }

    /// Now, or a microsecond after the last record.
    fn at(&self) -> Timestamp {
        let now = self.env.now();
        let rise = |last: i64| Some(last.saturating_add(1).max(now.timestamp_micros()));
        let last = self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, rise).ok().and_then(rise);
        last.and_then(DateTime::from_timestamp_micros).unwrap_or(now)
    }

    fn record(
        &self,
        facts: Facts,
        took: Duration,
        outcome: Outcome,
        error: Option<&LockError>,
    ) -> AuditRecord {
        AuditRecord {
            at: self.at(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            tenant_id: self.partition.tenant,
            property_id: self.partition.property,
            operation: facts.operation,
            vendor: self.descriptor.vendor.clone(),
            capabilities: self.descriptor.capabilities,
            key_credential_id: facts.credential,
            reservation_id: facts.reservation,
            lock_device_id: facts.device,
            staff_id: facts.staff,
            operator_id: facts.operator,
            reason: facts.reason,
            idempotency_key: facts.idempotency_key,
            outcome,
            error_code: error.map(LockError::code),
            failure_reason: error.map(LockError::reason),
        }
    }

    async fn around<T, F>(
        &self,
        (facts, deadline): (Facts, Duration),
        call: impl FnOnce() -> F,
    ) -> Result<T, LockError>
    where
        T: Reply,
        F: Future<Output = Result<T, LockError>>,
    {
        let mut open = Open { layer: self, begin: self.env.now(), left: Left::Call(facts) };
        let result = call().await;
        let took = self.env.since(open.begin);
        if let Left::Call(facts) = std::mem::replace(&mut open.left, Left::Nothing) {
            let record = self.record(facts, took, outcome_of(&result), result.as_ref().err());
            open.left = Left::Record(record.clone());
            let patience = deadline.saturating_sub(took).saturating_add(SINK_GRACE);
            let kept = async {
                self.sink.record(record).await;
                open.left = Left::Nothing;
            };
            select(std::pin::pin!(kept), self.env.sleep.sleep(patience)).await;
        }
        result
    }
}

/// A call whose record is not kept yet. Dropped as such, it leaves the record without waiting.
struct Open<'a> {
    layer: &'a AuditLayer,
    begin: Timestamp,
    left: Left,
}

enum Left {
    Call(Facts),
    Record(AuditRecord),
    Nothing,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.left, Left::Nothing) {
            Left::Call(facts) => {
                let took = self.layer.env.since(self.begin);
                self.layer.sink.leave(self.layer.record(facts, took, Outcome::Abandoned, None));
            }
            Left::Record(record) => self.layer.sink.leave(record),
            Left::Nothing => {}
        }
    }
}

layered!(AuditLayer, once);
