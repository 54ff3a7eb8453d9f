//! The port as a desk uses it. Whoever a call is about stands at the encoder with his card, where there is one; and what the vendor
//! accepted and has not done is asked for again, with the same key, at the time that the answer names. Nothing else is repeated: a
//! call that failed has failed.

use std::future::Future;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{
    IssueInput, IssueResult, Progress, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome,
    UnsuspendInput, UpdateInput, UpdateResult,
};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::env::Clock as _;
use lockport::id::{KeyCredentialId, LockDeviceId, PropertyId};
use lockport::{AdapterDescriptor, ErrorCode, FailureReason, LockError, LockPort, RetryAdvice, Timestamp};

use super::Trial;

/// How often a desk asks before it takes the answer that it has.
const CALLS: usize = 16;
/// A desk does not ask twice within one second.
const SHORTEST_WAIT: TimeDelta = TimeDelta::seconds(1);

impl Trial {
    /// Revokes while the holder is away.
    pub(crate) async fn revoke_from_afar(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        self.attended(None, || self.unattended().revoke_credential(input.clone()), not_taken_yet).await
    }

    /// Issues with nobody at the desk.
    pub(crate) async fn issue_from_afar(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        self.attended(None, || self.unattended().issue_credential(input.clone()), not_issued_yet).await
    }

    /// Suspends while the holder is away.
    pub(crate) async fn suspend_from_afar(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        self.attended(None, || self.unattended().suspend_credential(input.clone()), not_taken_yet).await
    }

    async fn attended<T, C>(
        &self,
        holder: Option<KeyCredentialId>,
        call: impl Fn() -> C + Send + Sync,
        waits: fn(&Self, &Result<T, LockError>) -> Option<TimeDelta>,
    ) -> Result<T, LockError>
    where
        T: Send,
        C: Future<Output = Result<T, LockError>> + Send,
    {
        let mut answer = self.at_the_encoder(holder, &call).await;
        for _ in 1..CALLS {
            let Some(wait) = waits(self, &answer) else { break };
            self.pass(wait.max(SHORTEST_WAIT));
            answer = self.at_the_encoder(holder, &call).await;
        }
        answer
    }

    async fn at_the_encoder<T, C>(&self, holder: Option<KeyCredentialId>, call: &(impl Fn() -> C + Sync)) -> T
    where
        T: Send,
        C: Future<Output = T> + Send,
    {
        if let Some(holder) = holder {
            self.come(holder);
        }
        let answer = call().await;
        self.go();
        answer
    }

    /// The holder puts his card on the encoder, where there is one.
    pub(crate) fn come(&self, holder: KeyCredentialId) {
        if let Some(presence) = &self.bench.presence {
            presence.come(holder, self.kind.kind);
        }
    }

    /// Whoever is at the encoder goes.
    pub(crate) fn go(&self) {
        if let Some(presence) = &self.bench.presence {
            presence.go();
        }
    }

    fn time_until(&self, then: Option<Timestamp>) -> Option<TimeDelta> {
        Some(then?.signed_duration_since(self.bench.clock.now()))
    }
}

/// How long to wait for what takes access away, where the vendor has only accepted it.
fn not_taken_yet<T>(_: &Trial, answer: &Result<T, LockError>) -> Option<TimeDelta> {
    let error = answer.as_ref().err()?;
    let is_accepted =
        (error.code(), error.reason()) == (ErrorCode::KeyRevokeFailed, FailureReason::InProgress);
    match error.advice() {
        RetryAdvice::After(pause) if is_accepted => TimeDelta::from_std(pause).ok(),
        _ => None,
    }
}

fn not_changed_yet(trial: &Trial, answer: &Result<UpdateResult, LockError>) -> Option<TimeDelta> {
    let pending = answer.as_ref().ok().filter(|answer| answer.state == Progress::Pending)?;
    trial.time_until(pending.ask_after)
}

fn not_issued_yet(trial: &Trial, answer: &Result<IssueResult, LockError>) -> Option<TimeDelta> {
    let pending = answer.as_ref().ok().filter(|answer| answer.state == Progress::Pending)?;
    trial.time_until(pending.ask_after)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LockPort for Trial {
    fn describe_adapter(&self) -> AdapterDescriptor {
        self.unattended().describe_adapter()
    }

    async fn issue_credential(&self, input: IssueInput) -> Result<IssueResult, LockError> {
        let call = || self.unattended().issue_credential(input.clone());
        self.attended(Some(input.resulting_id()), call, not_issued_yet).await
    }

    async fn update_credential(&self, input: UpdateInput) -> Result<UpdateResult, LockError> {
        let call = || self.unattended().update_credential(input.clone());
        self.attended(Some(input.credential_id), call, not_changed_yet).await
    }

    async fn revoke_credential(&self, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        let call = || self.unattended().revoke_credential(input.clone());
        self.attended(Some(input.credential_id), call, not_taken_yet).await
    }

    async fn suspend_credential(&self, input: SuspendInput) -> Result<SuspendOutcome, LockError> {
        let call = || self.unattended().suspend_credential(input.clone());
        self.attended(Some(input.credential_id), call, not_taken_yet).await
    }

    async fn unsuspend_credential(&self, input: UnsuspendInput) -> Result<UpdateResult, LockError> {
        let call = || self.unattended().unsuspend_credential(input.clone());
        self.attended(Some(input.credential_id), call, not_changed_yet).await
    }

    async fn list_devices(&self, property: PropertyId) -> Result<Vec<LockDevice>, LockError> {
        self.unattended().list_devices(property).await
    }

    async fn health_check(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.unattended().health_check(device).await
    }
}
