//! What is counted while cases run, beside their verdicts: how long calls took, which faults were played, which codes no table knew.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lockport::credential::{
    IssueInput, IssueResult, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome, UnsuspendInput,
    UpdateInput, UpdateResult,
};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::env::{Clock as _, SystemClock};
use lockport::id::{LockDeviceId, PropertyId};
use lockport::{AdapterDescriptor, FailureReason, LockError, LockPort, Operation, SharedLockPort};

use crate::bench::Fault;

/// Counts for one case and one kind.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counted>);

#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// The faults that were ordered, by their words.
    pub(crate) faults: BTreeSet<&'static str>,
    /// Errors for codes that no table knows, where nobody had ordered one.
    pub(crate) unmapped: BTreeSet<String>,
    /// What the descriptor says and the adapter does otherwise.
    pub(crate) differs: BTreeSet<String>,
    /// How long calls took, in microseconds.
    pub(crate) took_us: BTreeMap<Operation, Vec<u64>>,
    expects_unmapped: bool,
}

impl Tally {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ordered(&self, fault: Fault) {
        let mut counted = self.counted();
        counted.faults.insert(fault.as_str());
        counted.expects_unmapped |= fault == Fault::RefuseNextWithUnknownCode;
    }

    pub(crate) fn differs(&self, what: &str) {
        self.counted().differs.insert(what.to_owned());
    }

    /// What was counted; from now on nothing was.
    pub(crate) fn take(&self) -> Counted {
        std::mem::take(&mut *self.counted())
    }

    fn note<T>(&self, operation: Operation, took_us: u64, answer: &Result<T, LockError>) {
        let mut counted = self.counted();
        counted.took_us.entry(operation).or_default().push(took_us);
        if let Err(error) = answer
            && error.reason() == FailureReason::UnmappedVendorCode
            && !counted.expects_unmapped
        {
            counted.unmapped.insert(error.to_string());
        }
    }
}

/// A port whose calls are counted.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: SharedLockPort,
    tally: Arc<Tally>,
}

impl Watched {
    pub(crate) fn new(inner: SharedLockPort, tally: Arc<Tally>) -> Self {
        Self { inner, tally }
    }

    /// Real time: what a call costs on this bench, whatever its clock shows.
    async fn count<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, LockError>> + Send,
    ) -> Result<T, LockError> {
        let begin = SystemClock.now();
        let answer = call.await;
        let took = SystemClock.now().signed_duration_since(begin).num_microseconds();
        self.tally.note(
            operation,
            took.and_then(|took| u64::try_from(took).ok()).unwrap_or_default(),
            &answer,
        );
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LockPort for Watched {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.inner.describe_adapter()
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.count(Operation::IssueCredential, self.inner.issue_credential(input)).await
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        self.count(Operation::UpdateCredential, self.inner.update_credential(input)).await
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.count(Operation::RevokeCredential, self.inner.revoke_credential(input)).await
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.count(Operation::SuspendCredential, self.inner.suspend_credential(input)).await
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        self.count(Operation::UnsuspendCredential, self.inner.unsuspend_credential(input)).await
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.count(Operation::ListDevices, self.inner.list_devices(property)).await
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.count(Operation::HealthCheck, self.inner.health_check(device)).await
    }
}
