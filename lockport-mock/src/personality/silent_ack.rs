//! A vendor behind a line that acknowledges and says no more: what it holds cannot be asked. A change names the whole of what is to
//! be, so it can be sent again; a new grant cannot, for a second one would be a second key.

use async_trait::async_trait;
use lockport::LockError;
use lockport::credential::{KeyCredentialKind, Proof};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LeaseKey, Per, Reach, Recovery, Suspend, Withdrawal, Withdrawn,
};

use super::{Nature, online};
use crate::cloud::Write;
use crate::vendor::MockVendor;

/// The most doors of one grant.
const MAX_DOORS: u16 = 9;

pub(super) struct SilentAck;

/// It was heard; what became of it at the lock nobody has seen.
fn acknowledged(order: &GrantOrder) -> Granted {
    Granted { proof: Some(Proof::AtVendor), ..online::granted(order, None, None) }
}

#[async_trait]
impl Nature for SilentAck {
    fn describe(&self) -> DriverDescriptor {
        let kind = online::kind(KeyCredentialKind::MobileApp, ArtifactSource::HostSecret, Suspend::Native);
        let recovery = Recovery { grant: AfterLost::Declare, ..kind.recovery };
        let per = Per::Stay { max_doors: MAX_DOORS };
        let best_proof = Proof::AtVendor;
        let kinds = vec![Kind { per, amend_doors: Amend::Native, best_proof, recovery, ..kind }];
        online::describe("Mock, silent", kinds)
    }

    /// The vendor keeps order by itself.
    fn lease_keys(&self, _reach: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }

    async fn grant(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        online::create(vendor, order, None)?;
        Ok(Answer::Done(acknowledged(order)))
    }

    async fn find(
        &self,
        _vendor: &MockVendor,
        _order: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        Ok(Found::CannotTell)
    }

    async fn amend(
        &self,
        vendor: &MockVendor,
        held: &Held,
        target: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        online::replace(vendor, held, target)?;
        Ok(Answer::Done(acknowledged(target)))
    }

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        online::remove(vendor, withdrawal, Write::Remove(online::which(&withdrawal.held)))?;
        Ok(Answer::Done(Withdrawn { proof: Proof::AtVendor, ..online::gone() }))
    }
}
