//! What a vendor calls back: a job that is waited for is looked at when its news comes, and so are doors and locks.

use async_trait::async_trait;

use super::Adapter;
use super::engine::Asked;
use super::record::{Program, Step};
use crate::device::LockDevice;
use crate::driver::{CallHead, CallNews, JobNews, VendorCall, Webhook};
use crate::error::LockError;
use crate::id::{KeyCredentialId, LockDeviceId};
use crate::port::{SeenCall, VendorCalls};
use crate::store::ledger::Begun;

impl<D: Webhook> Adapter<D> {
    /// A job has ended, as the vendor says: the operation that waits for it goes on.
    async fn job_ended(&self, news: JobNews) -> Result<Option<KeyCredentialId>, LockError> {
        let JobNews { reference, refused } = news;
        let waits = |step: &Step| {
            let job = step.waiting.as_ref().and_then(|pending| pending.reference.as_ref());
            // EXPOSE: compared with what a caller sent; whoever guesses it gains a look at the vendor.
            job.is_some_and(|job| job.expose() == reference.expose())
        };
        let open = self.ledger.open::<Program>().await?;
        let Some(found) = open.into_iter().find(|operation| operation.body.steps.iter().any(waits)) else {
            return Ok(None);
        };
        let about = found.body.intent.credential();
        let busy = self.busy.of(&found.key);
        let _mine = busy.lock().await;
        let mut op = match self.ledger.resume::<Program>(&found.key).await? {
            Some(Begun::Yours(operation)) => operation,
            Some(Begun::Leased { until }) => return Err(self.come_back(until)),
            _ => return Ok(None),
        };
        if let Some(index) = op.value.body.steps.iter().position(waits) {
            let kind = self.kind_of(op.value.body.steps.get(index))?;
            let looked = self.engine(Asked::InPassing).called_about(&mut op, index, &kind, refused).await;
            if let Err(error) = looked {
                let _laid_down = self.ledger.lay_down::<Program>(&found.key).await;
                return Err(error);
            }
        }
        Box::pin(self.run(op, Asked::InPassing)).await.map(|_| Some(about))
    }

    /// These locks, as far as this adapter serves them.
    async fn devices_of(&self, of: &[LockDeviceId]) -> Result<Vec<LockDevice>, LockError> {
        if !of.iter().any(|device| self.doors.has_door(*device)) {
            return Ok(Vec::new());
        }
        let is_meant =
            |device: &LockDevice| of.contains(&device.device_id) && self.doors.has_door(device.device_id);
        let mut devices = self.driver.devices().await?;
        devices.retain(is_meant);
        Ok(devices)
    }
}

#[async_trait]
impl<D: Webhook> VendorCalls for Adapter<D> {
    async fn check(&self, call: &VendorCall<'_>) -> Result<CallHead, LockError> {
        self.driver.check(call).await
    }

    async fn take_in(&self, call: &VendorCall<'_>) -> Result<SeenCall, LockError> {
        Ok(match self.driver.news(call).await? {
            CallNews::Nothing => SeenCall::Nothing,
            CallNews::Job(news) => match self.job_ended(news).await? {
                Some(credential) => SeenCall::Ended(credential),
                None => SeenCall::Nothing,
            },
            CallNews::Attempts(told) => match self.seen(told).await? {
                seen if seen.is_empty() => SeenCall::Nothing,
                seen => SeenCall::Attempts(seen),
            },
            CallNews::Devices(of) => match self.devices_of(&of).await? {
                devices if devices.is_empty() => SeenCall::Nothing,
                devices => SeenCall::Devices(devices),
            },
        })
    }
}
