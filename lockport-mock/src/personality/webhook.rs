//! A cloud that accepts, does it when its own queue comes to it, and tells by a call of its own. Its list shows only what is done.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{
    Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, JobNews, Kind,
    LeaseKey, Pending, Reach, Recovery, Suspend, WaitsFor, Withdrawal, Withdrawn,
};
use lockport::{ErrorCode, LockError, Secret, Timestamp};

use super::{Nature, online};
use crate::cloud::{Cloud, Write};
use crate::errcode;
use crate::vendor::MockVendor;

/// How long a job lies in the vendor's queue.
const QUEUE: TimeDelta = TimeDelta::seconds(1);
/// When a look makes sense for whoever missed the webhook.
const LOOK: TimeDelta = TimeDelta::seconds(2);
/// How long it makes sense to wait.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// The longest way and the queue after it.
const LATE_BY: Duration = Duration::from_secs(35);

/// The vendor: everything goes into the queue.
pub(super) fn receive(cloud: &mut Cloud, write: Write, at: Timestamp) -> Result<Vec<u64>, u16> {
    Ok(vec![cloud.enqueue(at.checked_add_signed(QUEUE).unwrap_or(at), write)])
}

pub(super) struct Webhook;

fn accepted<T>(vendor: &MockVendor, job: Option<u64>) -> Answer<T> {
    let (ask_after, give_up_at) = online::soon(vendor, LOOK, PATIENCE);
    let reference = job.map(|job| Secret::new(job.to_string()));
    Answer::Pending(Pending { reference, waits_for: WaitsFor::Webhook, ask_after, give_up_at })
}

/// What the vendor's text says: `{"job":7,"outcome":"done"}`, or `"refused 4003"`.
pub(crate) fn news(body: &[u8]) -> Option<JobNews> {
    let text = std::str::from_utf8(body).ok()?;
    let (job, outcome) = text.strip_prefix("{\"job\":")?.split_once(",\"outcome\":\"")?;
    let outcome = outcome.strip_suffix("\"}")?;
    let refused = match outcome.strip_prefix("refused ") {
        None if outcome == "done" => None,
        code => Some(errcode::to_lock_error(code?.parse().ok()?, ErrorCode::KeyIssueFailed)),
    };
    Some(JobNews { reference: Secret::new(job.to_owned()), refused })
}

#[async_trait]
impl Nature for Webhook {
    fn describe(&self) -> DriverDescriptor {
        let kind = online::kind(KeyCredentialKind::MobileApp, ArtifactSource::HostSecret, Suspend::Native);
        let recovery = Recovery { late_by: LATE_BY, ..kind.recovery };
        online::describe("Mock, calling back", vec![Kind { recovery, ..kind }])
    }

    /// The cloud keeps order by itself.
    fn lease_keys(&self, _reach: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }

    async fn grant(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let job = online::create(vendor, order, None)?;
        Ok(accepted(vendor, job))
    }

    async fn find(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        online::find(vendor, order)
    }

    async fn amend(
        &self,
        vendor: &MockVendor,
        held: &Held,
        target: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let job = online::replace(vendor, held, target)?;
        Ok(accepted(vendor, job))
    }

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let job = online::remove(vendor, withdrawal, Write::Remove(online::which(&withdrawal.held)))?;
        Ok(accepted(vendor, job))
    }
}
