//! An online cloud that is told about each door on its own: what it says is done, and it can be read back.

use async_trait::async_trait;
use lockport::LockError;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{
    Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, Kind, LeaseKey,
    Reach, Suspend, Withdrawal, Withdrawn,
};

use super::{Nature, online};
use crate::cloud::Write;
use crate::vendor::MockVendor;

/// Digits of a PIN.
const PIN_DIGITS: u8 = 6;

pub(super) struct PerDoor;

#[async_trait]
impl Nature for PerDoor {
    fn describe(&self) -> DriverDescriptor {
        let pin = ArtifactSource::HostPin { digits: PIN_DIGITS };
        let kinds = vec![
            online::kind(KeyCredentialKind::MobileApp, ArtifactSource::HostSecret, Suspend::Native),
            Kind { registers: true, ..online::kind(KeyCredentialKind::PinCode, pin, Suspend::Emulated) },
        ];
        online::describe("Mock", kinds)
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
        let id = online::create(vendor, order, None)?;
        Ok(Answer::Done(online::granted(order, id, None)))
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
        let id = online::replace(vendor, held, target)?;
        Ok(Answer::Done(online::granted(target, id, None)))
    }

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        online::remove(vendor, withdrawal, Write::Remove(online::which(&withdrawal.held)))?;
        Ok(Answer::Done(online::gone()))
    }
}
