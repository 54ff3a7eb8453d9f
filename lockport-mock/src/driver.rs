//! The driver: domain to call, one effect, answer to domain.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, VendorCode};
use lockport::device::{Battery, DEFAULT_LOW_BATTERY_PERCENT, DeviceHealth, LockDevice};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LatencyClass, LatencyProfile, Per, Placement, Recovery, Suspend, VendorDriver, Withdrawal,
    Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, LockError, Secret, Timestamp};

use crate::cloud::{NoAnswer, Pass, Which, Write};
use crate::errcode;
use crate::vendor::MockVendor;

/// How long a call without an answer can still take effect.
const LATE_BY: Duration = Duration::from_secs(30);
/// Digits of a PIN.
const PIN_DIGITS: u8 = 6;
/// The charge every lock reports.
const BATTERY_PERCENT: u8 = 90;

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

    fn write(&self, door: LockDeviceId, write: Write, refusal: ErrorCode) -> Result<Vec<u64>, LockError> {
        self.vendor
            .with_cloud(|cloud, now| cloud.write(door, write, now))
            .map_err(|no| to_lock_error(no, refusal).at_device(door))
    }

    fn device(&self, device_id: LockDeviceId, now: Timestamp) -> LockDevice {
        LockDevice {
            device_id,
            property_id: self.vendor.property(),
            vendor: VendorCode::MOCK,
            label: format!("Door {device_id}"),
            rooms: self.vendor.doors().rooms_behind(device_id),
            online: true,
            battery: Some(battery()),
            firmware: None,
            last_seen_at: Some(now),
            capabilities: self.describe().all_capabilities(),
        }
    }
}

/// What the mock is and can do, without a vendor at hand.
#[must_use]
pub fn descriptor() -> DriverDescriptor {
    DriverDescriptor {
        vendor: VendorCode::MOCK,
        display_name: "Mock",
        runs_on: Placement::Anywhere,
        capabilities: LockCapabilities {
            remote_issue: true,
            remote_revoke: true,
            scope_areas: true,
            ..LockCapabilities::NONE
        },
        kinds: vec![
            kind(KeyCredentialKind::MobileApp, ArtifactSource::HostSecret, Suspend::Native),
            kind(
                KeyCredentialKind::PinCode,
                ArtifactSource::HostPin { digits: PIN_DIGITS },
                Suspend::Emulated,
            ),
        ],
        latency: LatencyProfile::all(LatencyClass::Cloud),
    }
}

#[async_trait]
impl VendorDriver for MockDriver {
    fn describe(&self) -> DriverDescriptor {
        descriptor()
    }

    /// The cloud keeps order by itself.
    fn lease_keys(&self, _kind: KeyCredentialKind, _doors: &[LockDeviceId]) -> Vec<String> {
        Vec::new()
    }

    async fn grant(&self, order: &GrantOrder, _attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let (door, pass) = to_pass(order)?;
        let ids = self.write(door, Write::Create(pass), ErrorCode::KeyIssueFailed)?;
        Ok(Answer::Done(granted(order, ids.first().copied())))
    }

    async fn find(&self, order: &GrantOrder, _attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let (door, target) = to_pass(order)?;
        let held = self
            .vendor
            .with_cloud(|cloud, _| cloud.list(door))
            .map_err(|no| to_lock_error(no, ErrorCode::VendorUnreachable).at_device(door))?;
        let present: Vec<Granted> = held
            .into_iter()
            .filter(|(_, pass)| is_as(pass, &target))
            .map(|(id, _)| granted(order, Some(id)))
            .collect();
        Ok(if present.is_empty() { Found::Absent } else { Found::Present(present) })
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let (door, pass) = to_pass(target)?;
        // What takes access away fails as a revoke, what gives it as an issue.
        let refusal = if target.blocked { ErrorCode::KeyRevokeFailed } else { ErrorCode::KeyIssueFailed };
        let ids = self.write(door, Write::Replace(which(held), pass), refusal)?;
        Ok(Answer::Done(granted(target, ids.first().copied())))
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let door = only_door(&withdrawal.held.order)?;
        self.write(door, Write::Remove(which(&withdrawal.held)), ErrorCode::KeyRevokeFailed)?;
        // The locks are online: what the cloud has let go of, the lock has let go of.
        Ok(Answer::Done(Withdrawn { proof: Proof::AtLock, warnings: Vec::new() }))
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        let (ids, now) = self.vendor.with_cloud(|cloud, now| {
            cloud.calls = cloud.calls.saturating_add(1);
            (cloud.doors.keys().copied().collect::<Vec<_>>(), now)
        });
        Ok(ids.into_iter().map(|id| self.device(id, now)).collect())
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.vendor.with_cloud(|cloud, now| {
            cloud.calls = cloud.calls.saturating_add(1);
            if !cloud.doors.contains_key(&device) {
                return Err(LockError::device_not_paired(device));
            }
            Ok(DeviceHealth {
                device_id: device,
                online: true,
                battery: Some(battery()),
                clock_skew_ms: Some(0),
                last_sync_at: Some(now),
                warnings: Vec::new(),
            })
        })
    }
}

fn kind(kind: KeyCredentialKind, artifact: ArtifactSource, suspend: Suspend) -> Kind {
    Kind {
        kind,
        per: Per::Door,
        artifact,
        suspend,
        amend_window: Amend::Native,
        amend_doors: Amend::Replace,
        can_undo: true,
        best_proof: Proof::AtLock,
        grain: TimeDelta::seconds(1),
        recovery: Recovery {
            grant: AfterLost::Ask,
            amend: AfterLost::Resend { within: None },
            withdraw: AfterLost::Resend { within: None },
            late_by: LATE_BY,
            notes_first: false,
        },
    }
}

const fn battery() -> Battery {
    Battery { percent: BATTERY_PERCENT, low_threshold_percent: DEFAULT_LOW_BATTERY_PERCENT }
}

fn only_door(order: &GrantOrder) -> Result<LockDeviceId, LockError> {
    match order.doors.as_slice() {
        [door] => Ok(*door),
        _ => Err(LockError::unsupported("this vendor grants one door at a time")),
    }
}

fn to_pass(order: &GrantOrder) -> Result<(LockDeviceId, Pass), LockError> {
    let door = only_door(order)?;
    let Some(secret) = order.artifact.clone() else {
        return Err(LockError::unsupported("this vendor makes no artifact of its own"));
    };
    let GrantOrder { kind, marker, window, blocked, .. } = order;
    Ok((door, Pass { kind: *kind, marker: marker.clone(), window: *window, blocked: *blocked, secret }))
}

fn which(held: &Held) -> Which {
    // EXPOSE: the vendor's own handle, read back by the vendor.
    let id = held.reference.as_ref().and_then(|reference| reference.expose().parse().ok());
    id.map_or_else(
        || {
            let orders = std::iter::once(&held.order).chain(&held.maybe);
            Which::Markers(orders.map(|order| order.marker.clone()).collect())
        },
        Which::Id,
    )
}

fn is_as(pass: &Pass, target: &Pass) -> bool {
    let Pass { kind, marker, window, blocked, secret } = target;
    let is_same = pass.kind == *kind && pass.marker == *marker && pass.window == *window;
    // EXPOSE: compared, and nowhere shown.
    is_same && pass.blocked == *blocked && pass.secret.expose() == secret.expose()
}

fn granted(order: &GrantOrder, id: Option<u64>) -> Granted {
    Granted {
        reference: id.map(|id| Secret::new(id.to_string())),
        artifact: None,
        effective: order.window,
        proof: Some(Proof::AtLock),
        dies_unless_used_by: None,
        warnings: Vec::new(),
    }
}

fn to_lock_error(no: NoAnswer, refusal: ErrorCode) -> LockError {
    match no {
        NoAnswer::Code(code) => errcode::to_lock_error(code, refusal),
        NoAnswer::Transport(error) => error.into(),
        NoAnswer::Given(error) => error,
    }
}
