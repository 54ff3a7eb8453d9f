//! A cloud with one grant for a whole stay. It honours a caller's key for a day, answers a grant before it has done a thing, and
//! makes the phone's token itself.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LeaseKey, Pending, Per, Reach, Recovery, Suspend, Verb, WaitsFor, Withdrawal, Withdrawn,
};
use lockport::{ErrorCode, LockError, Secret, Timestamp};

use super::{Nature, online};
use crate::cloud::{Cloud, Which, Write};
use crate::errcode::NO_SUCH_GRANT;
use crate::vendor::MockVendor;
use crate::wire::NoAnswer;

/// The most doors of one grant.
const MAX_DOORS: u16 = 9;
/// How long the vendor remembers a caller's key.
const MEMORY: Duration = Duration::from_secs(24 * 3600);
/// How long a grant lies in the vendor's queue.
const QUEUE: TimeDelta = TimeDelta::seconds(2);
/// How long it makes sense to wait for it.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// The vendor: a key seen before stands for what it stood for then; a grant goes into the queue, and a removal takes it out.
pub(super) fn receive(cloud: &mut Cloud, write: Write, at: Timestamp) -> Result<Vec<u64>, u16> {
    match write {
        Write::Create(pass, Some(key)) => {
            let is_remembered =
                |since: &Timestamp| at.signed_duration_since(since).to_std().unwrap_or_default() < MEMORY;
            if let Some((_, id)) = cloud.keys.get(&key).filter(|(since, _)| is_remembered(since)) {
                return Ok(vec![*id]);
            }
            cloud.check_room(&pass)?;
            let then = at.checked_add_signed(QUEUE).unwrap_or(at);
            let id = cloud.enqueue(then, Write::Create(pass, None));
            cloud.keys.insert(key, (at, id));
            Ok(vec![id])
        }
        Write::Remove(which) => {
            cloud.cancel(&which);
            cloud.apply(Write::Remove(which), None)
        }
        other => cloud.apply(other, None),
    }
}

pub(super) struct PerStay;

#[async_trait]
impl Nature for PerStay {
    fn describe(&self) -> DriverDescriptor {
        let kind = online::kind(KeyCredentialKind::MobileApp, ArtifactSource::Vendor, Suspend::Native);
        let recovery = Recovery { grant: AfterLost::Resend { within: Some(MEMORY) }, ..kind.recovery };
        let per = Per::Stay { max_doors: MAX_DOORS };
        let kinds = vec![Kind { per, amend_doors: Amend::Native, recovery, ..kind }];
        online::describe("Mock, a grant for a stay", kinds)
    }

    /// The cloud keeps order by itself.
    fn lease_keys(&self, _reach: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }

    /// The answer to a repeated key is how far its grant is by now.
    async fn grant(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let id = online::create(vendor, order, Some(attempt.call_key))?;
        vendor.with(|state, _| {
            if let Some((id, pass)) = id.and_then(|id| Some((id, state.cloud.passes.get(&id)?))) {
                return Ok(Answer::Done(online::granted(order, Some(id), pass.secret.as_ref())));
            }
            if !state.cloud.is_queued(&order.marker) {
                return Err(NoAnswer::Code(NO_SUCH_GRANT).into_error(ErrorCode::KeyIssueFailed));
            }
            let (ask_after, give_up_at) = online::soon(vendor, QUEUE, PATIENCE);
            let reference = id.map(|id| Secret::new(id.to_string()));
            Ok(Answer::Pending(Pending { reference, waits_for: WaitsFor::Vendor, ask_after, give_up_at }))
        })
    }

    /// What it accepted is asked for by the job; otherwise the vendor's list names what lies in its queue, without a token.
    async fn find(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        let grant = attempt.job.filter(|job| job.verb == Verb::Grant);
        if let Some(job) = grant.and_then(|job| online::number(Some(job.reference))) {
            return online::find_job(vendor, order, job);
        }
        Ok(match online::find(vendor, order)? {
            Found::Absent if vendor.with(|state, _| state.cloud.is_queued(&order.marker)) => Found::Otherwise,
            found => found,
        })
    }

    async fn amend(
        &self,
        vendor: &MockVendor,
        held: &Held,
        target: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let id = online::replace(vendor, held, target)?;
        Ok(Answer::Done(online::granted(target, id, None)))
    }

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let job = online::number(withdrawal.held.job.as_ref());
        let which = job.map_or_else(|| online::which(&withdrawal.held), Which::Id);
        online::remove(vendor, withdrawal, Write::Remove(which))?;
        Ok(Answer::Done(online::gone()))
    }
}
