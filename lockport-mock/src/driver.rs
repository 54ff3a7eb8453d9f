//! The driver: what is the same for every personality. The rest is the personality's own.

use async_trait::async_trait;
use lockport::credential::{KeyCredentialKind, VendorCode};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, CallHead, CallNews, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach,
    Suspend, VendorCall, VendorDriver, Webhook, Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::telemetry::WebhookKind;
use lockport::{ErrorCode, LockError, Operation, Timestamp};

use crate::lock::Lock;
use crate::personality::{Personality, webhook};
use crate::url::Ability;
use crate::vendor::MockVendor;
use crate::wire::NoAnswer;

/// Drives a [`MockVendor`].
#[derive(Clone, Debug)]
pub struct MockDriver {
    vendor: MockVendor,
}

impl MockDriver {
    /// A driver for this vendor.
    #[must_use]
    pub fn new(vendor: MockVendor) -> Self {
        Self { vendor }
    }

    pub(crate) const fn vendor(&self) -> &MockVendor {
        &self.vendor
    }

    /// A lock for cards is offline, and says nothing of itself.
    pub(crate) fn has_line(&self) -> bool {
        self.vendor.personality() != Personality::Card
    }

    fn device(
        &self,
        device_id: LockDeviceId,
        lock: Lock,
        lacking: &[KeyCredentialKind],
        now: Timestamp,
    ) -> LockDevice {
        let is_online = self.has_line() && lock.is_online;
        let mut descriptor = self.describe();
        descriptor.kinds.retain(|kind| !lacking.contains(&kind.kind));
        LockDevice {
            device_id,
            property_id: self.vendor.property(),
            vendor: VendorCode::MOCK,
            label: format!("Door {device_id}"),
            rooms: self.vendor.doors().rooms_behind(device_id),
            online: is_online,
            battery: self.has_line().then(|| lock.battery()),
            firmware: lock.firmware(),
            last_seen_at: is_online.then_some(now),
            capabilities: descriptor.all_capabilities(),
        }
    }
}

/// What a vendor of this personality is and can do, without one at hand.
#[must_use]
pub fn descriptor(personality: Personality) -> DriverDescriptor {
    personality.nature().describe()
}

/// The same vendor, less this.
fn without(mut descriptor: DriverDescriptor, ability: Ability) -> DriverDescriptor {
    let DriverDescriptor { capabilities, kinds, .. } = &mut descriptor;
    match ability {
        Ability::MobileKey => kinds.retain(|kind| kind.kind != KeyCredentialKind::MobileApp),
        Ability::CardEncoding => kinds.retain(|kind| kind.kind != KeyCredentialKind::RfidCard),
        Ability::Pin => kinds.retain(|kind| kind.kind != KeyCredentialKind::PinCode),
        Ability::RemoteIssue => capabilities.remote_issue = false,
        Ability::RemoteRevoke => capabilities.remote_revoke = false,
        Ability::ScopeAreas => capabilities.scope_areas = false,
        Ability::Suspend => kinds.iter_mut().for_each(|kind| kind.suspend = Suspend::No),
    }
    descriptor
}

#[async_trait]
impl VendorDriver for MockDriver {
    fn describe(&self) -> DriverDescriptor {
        let mut whole = descriptor(self.vendor.personality());
        whole.capabilities.max_doors = self.vendor.url().max_doors;
        self.vendor.url().without.iter().copied().fold(whole, without)
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.vendor.personality().nature().lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.vendor.travel().await;
        let answer = self.vendor.personality().nature().grant(&self.vendor, order, attempt).await;
        self.vendor.travel().await;
        answer
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        self.vendor.travel().await;
        let found = self.vendor.personality().nature().find(&self.vendor, order, attempt).await;
        self.vendor.travel().await;
        found
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.vendor.travel().await;
        let answer = self.vendor.personality().nature().amend(&self.vendor, held, target, attempt).await;
        self.vendor.travel().await;
        answer
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.vendor.travel().await;
        let answer = self.vendor.personality().nature().withdraw(&self.vendor, withdrawal, attempt).await;
        self.vendor.travel().await;
        answer
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        let read = self.vendor.with(|state, now| {
            state.wire.read(Some(Operation::ListDevices))?;
            let lacking = |id: LockDeviceId| {
                let own = state.cloud.lacking.iter().filter(move |(door, _)| *door == id);
                own.map(|(_, kind)| *kind).collect::<Vec<_>>()
            };
            let locks = state.cloud.doors.keys().map(|id| (*id, state.lock(*id), lacking(*id)));
            Ok((locks.collect::<Vec<_>>(), now))
        });
        let (locks, now) = read.map_err(|no: NoAnswer| no.into_error(ErrorCode::VendorUnreachable))?;
        Ok(locks.into_iter().map(|(id, lock, lacking)| self.device(id, lock, &lacking, now)).collect())
    }

    /// A lock for cards is offline: what is known of it is that it is there.
    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        let has_line = self.has_line();
        self.vendor.with(|state, now| {
            let read = state.wire.read(Some(Operation::HealthCheck));
            read.map_err(|no| no.into_error(ErrorCode::VendorUnreachable))?;
            if !state.cloud.doors.contains_key(&device) {
                return Err(LockError::device_not_paired(device));
            }
            let lock = state.lock(device);
            let is_online = has_line && lock.is_online;
            Ok(DeviceHealth {
                device_id: device,
                online: is_online,
                battery: has_line.then(|| lock.battery()),
                clock_skew_ms: is_online.then(|| lock.ahead.num_milliseconds()),
                last_sync_at: is_online.then_some(now),
                warnings: if has_line { lock.warnings() } else { Vec::new() },
            })
        })
    }
}

/// Only the personality that calls back does; a text that is none of its own is about nothing. Who calls is checked by the host: the
/// mock signs nothing.
#[async_trait]
impl Webhook for MockDriver {
    async fn check(&self, _: &VendorCall<'_>) -> Result<CallHead, LockError> {
        Ok(CallHead { kind: WebhookKind::Job, event: None, reply: "" })
    }

    async fn news(&self, call: &VendorCall<'_>) -> Result<CallNews, LockError> {
        Ok(webhook::news(call.body).map_or(CallNews::Nothing, CallNews::Job))
    }
}
