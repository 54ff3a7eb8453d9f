//! A cloud whose withdrawal clears a room of everybody. It can also move the end of one key to now, and that is what is done
//! where others still need the door.

use async_trait::async_trait;
use lockport::LockError;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{
    Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach,
    Suspend, Withdrawal, Withdrawn,
};

use super::{Nature, online};
use crate::cloud::Write;
use crate::vendor::MockVendor;

/// Digits of a PIN.
const PIN_DIGITS: u8 = 6;

pub(super) struct RoomWide;

#[async_trait]
impl Nature for RoomWide {
    fn describe(&self) -> DriverDescriptor {
        let pin = ArtifactSource::HostPin { digits: PIN_DIGITS };
        let kind = online::kind(KeyCredentialKind::PinCode, pin, Suspend::Emulated);
        online::describe("Mock, cleared by the room", vec![kind])
    }

    /// A lost clearing that arrives late would take the next guest's key along: one operation at a door at a time.
    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        reach.doors.iter().map(|door| LeaseKey::until_settled(format!("door:{door}"))).collect()
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
        for door in &withdrawal.held.order.doors {
            let how = if withdrawal.shared.contains(door) {
                Write::End(online::which(&withdrawal.held))
            } else {
                Write::Clear(*door)
            };
            online::remove(vendor, withdrawal, how)?;
        }
        Ok(Answer::Done(online::gone()))
    }
}
