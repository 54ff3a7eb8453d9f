//! What a vendor calls back: a job that is waited for is looked at when its news comes.

use super::Adapter;
use super::engine::Asked;
use super::record::{Program, Step};
use crate::driver::{JobNews, Webhook};
use crate::error::LockError;
use crate::id::KeyCredentialId;
use crate::store::ledger::Begun;

impl<D: Webhook> Adapter<D> {
    /// The vendor has called, with this body: the operation that waits for what it is about goes on at once, as far as it will
    /// go. Whether any waited. Who called has to be checked before.
    ///
    /// What the vendor says is not taken for done before it was looked at; news that comes twice, or too early, changes nothing.
    ///
    /// # Errors
    /// What the store says, or the vendor when it is looked at; the vendor may be told to call again. `InProgress` when another
    /// instance is at work on the operation.
    pub async fn called_back(&self, body: &[u8]) -> Result<bool, LockError> {
        self.called_back_about(body).await.map(|about| about.is_some())
    }

    /// As [`called_back`](Self::called_back), with the credential that the operation is about.
    ///
    /// # Errors
    /// The same.
    pub async fn called_back_about(&self, body: &[u8]) -> Result<Option<KeyCredentialId>, LockError> {
        let Some(JobNews { reference, refused }) = self.driver.job_in(body) else { return Ok(None) };
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
}
