//! One call of the port as data, and the port written once around it: what a layer adds is two functions.

use crate::audit::{Outcome, Reason};
use crate::credential::{
    Holder, IssueInput, IssueResult, Progress, RevokeInput, RevokeOutcome, SuspendInput, SuspendOutcome,
    UnsuspendInput, UpdateInput, UpdateResult,
};
use crate::device::{DeviceHealth, LockDevice};
use crate::error::{LockError, Operation};
use crate::id::{KeyCredentialId, LockDeviceId, PropertyId, ReservationId, TenantId, UserId};
use crate::idempotency::IdempotencyKey;
use crate::store::Partition;

/// A call, before it is carried out.
pub(super) enum Call<'a> {
    Issue(&'a IssueInput),
    Update(&'a UpdateInput),
    Revoke(&'a RevokeInput),
    Suspend(&'a SuspendInput),
    Unsuspend(&'a UnsuspendInput),
    Devices(PropertyId),
    Health(LockDeviceId),
}

impl Call<'_> {
    pub(super) const fn operation(&self) -> Operation {
        match self {
            Self::Issue(_) => Operation::IssueCredential,
            Self::Update(_) => Operation::UpdateCredential,
            Self::Revoke(_) => Operation::RevokeCredential,
            Self::Suspend(_) => Operation::SuspendCredential,
            Self::Unsuspend(_) => Operation::UnsuspendCredential,
            Self::Devices(_) => Operation::ListDevices,
            Self::Health(_) => Operation::HealthCheck,
        }
    }

    pub(super) const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Issue(input) => Some(input.tenant_id),
            Self::Update(input) => Some(input.tenant_id),
            Self::Revoke(input) => Some(input.tenant_id),
            Self::Suspend(input) => Some(input.tenant_id),
            Self::Unsuspend(input) => Some(input.tenant_id),
            Self::Devices(_) | Self::Health(_) => None,
        }
    }

    pub(super) const fn property(&self) -> Option<PropertyId> {
        match self {
            Self::Issue(input) => Some(input.property_id),
            Self::Devices(property) => Some(*property),
            _ => None,
        }
    }

    /// What may stand in an audit record and in a span. Of a call that names another tenant or property nothing is kept but what
    /// was tried: its ids are not this hotel's to see.
    pub(super) fn facts(&self, own: Partition) -> Facts {
        let facts = Facts::of(self.operation());
        if self.tenant().is_some_and(|tenant| tenant != own.tenant)
            || self.property().is_some_and(|property| property != own.property)
        {
            return facts;
        }
        match self {
            Self::Issue(input) => {
                let (reservation, staff) = match &input.holder {
                    Holder::Guest(guest) => (Some(guest.reservation_id), None),
                    Holder::Staff(staff) => (None, Some(staff.user_id)),
                };
                Facts {
                    reservation,
                    staff,
                    operator: input.requested_by,
                    ..facts.write(input.resulting_id(), &input.idempotency_key, input.place.at)
                }
            }
            Self::Update(input) => facts.write(input.credential_id, &input.idempotency_key, input.place.at),
            Self::Revoke(input) => Facts {
                reason: Some(Reason::Revoke(input.reason)),
                ..facts.write(input.credential_id, &input.idempotency_key, input.place.at)
            },
            Self::Suspend(input) => Facts {
                reason: Some(Reason::Suspend(input.reason)),
                ..facts.write(input.credential_id, &input.idempotency_key, input.place.at)
            },
            Self::Unsuspend(input) => {
                facts.write(input.credential_id, &input.idempotency_key, input.place.at)
            }
            Self::Devices(_) => facts,
            Self::Health(device) => Facts { device: Some(*device), ..facts },
        }
    }
}

/// What of a call may be written down: ids and words of ours, nothing of a guest's and nothing secret.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) operation: Operation,
    pub(super) credential: Option<KeyCredentialId>,
    pub(super) reservation: Option<ReservationId>,
    pub(super) device: Option<LockDeviceId>,
    pub(super) staff: Option<UserId>,
    pub(super) operator: Option<UserId>,
    pub(super) reason: Option<Reason>,
    pub(super) idempotency_key: Option<IdempotencyKey>,
}

impl Facts {
    const fn of(operation: Operation) -> Self {
        Self {
            operation,
            credential: None,
            reservation: None,
            device: None,
            staff: None,
            operator: None,
            reason: None,
            idempotency_key: None,
        }
    }

    fn write(self, credential: KeyCredentialId, key: &IdempotencyKey, at: Option<LockDeviceId>) -> Self {
        Self { credential: Some(credential), idempotency_key: Some(key.clone()), device: at, ..self }
    }
}

/// What a call answers, as far as a layer looks at it.
pub(super) trait Reply: Send {
    /// Whether the vendor, or a person, has still to do something.
    fn is_pending(&self) -> bool {
        false
    }
}

/// How a call ended that was answered so.
pub(super) fn outcome_of<T: Reply>(result: &Result<T, LockError>) -> Outcome {
    match result {
        Ok(answer) if answer.is_pending() => Outcome::Deferred,
        Ok(_) => Outcome::Ok,
        Err(_) => Outcome::Error,
    }
}

impl Reply for IssueResult {
    fn is_pending(&self) -> bool {
        self.state == Progress::Pending
    }
}

impl Reply for UpdateResult {
    fn is_pending(&self) -> bool {
        self.state == Progress::Pending
    }
}

impl Reply for RevokeOutcome {}
impl Reply for SuspendOutcome {}
impl Reply for Vec<LockDevice> {}
impl Reply for DeviceHealth {}

/// Writes `LockPort` for a layer: a struct with `inner: SharedLockPort` and
///
/// - `fn look(&self, call: &Call<'_>) -> Seen`, which takes from the input what the layer needs before the input moves on;
/// - `async fn around(&self, seen: Seen, call: F) -> Result<T, LockError>`, where `F` makes the inner call, and nothing is done
///   before it is made.
///
/// `once` makes `F` an `FnOnce` that passes the input on; `again` an `Fn` that passes a copy on.
macro_rules! layered {
    ($layer:ty, $manner:ident) => {
        #[async_trait::async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $crate::port::LockPort for $layer {
            fn describe_adapter(&self) -> $crate::port::AdapterDescriptor {
                self.inner.describe_adapter()
            }

            async fn issue_credential(
                &self,
                input: $crate::credential::IssueInput,
            ) -> Result<$crate::credential::IssueResult, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Issue(&input));
                self.around(seen, move || self.inner.issue_credential(layered!(@$manner input))).await
            }

            async fn update_credential(
                &self,
                input: $crate::credential::UpdateInput,
            ) -> Result<$crate::credential::UpdateResult, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Update(&input));
                self.around(seen, move || self.inner.update_credential(layered!(@$manner input))).await
            }

            async fn revoke_credential(
                &self,
                input: $crate::credential::RevokeInput,
            ) -> Result<$crate::credential::RevokeOutcome, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Revoke(&input));
                self.around(seen, move || self.inner.revoke_credential(layered!(@$manner input))).await
            }

            async fn suspend_credential(
                &self,
                input: $crate::credential::SuspendInput,
            ) -> Result<$crate::credential::SuspendOutcome, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Suspend(&input));
                self.around(seen, move || self.inner.suspend_credential(layered!(@$manner input))).await
            }

            async fn unsuspend_credential(
                &self,
                input: $crate::credential::UnsuspendInput,
            ) -> Result<$crate::credential::UpdateResult, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Unsuspend(&input));
                self.around(seen, move || self.inner.unsuspend_credential(layered!(@$manner input))).await
            }

            async fn list_devices(
                &self,
                property: $crate::id::PropertyId,
            ) -> Result<Vec<$crate::device::LockDevice>, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Devices(property));
                self.around(seen, move || self.inner.list_devices(property)).await
            }

            async fn health_check(
                &self,
                device: $crate::id::LockDeviceId,
            ) -> Result<$crate::device::DeviceHealth, $crate::error::LockError> {
                let seen = self.look(&$crate::stack::call::Call::Health(device));
                self.around(seen, move || self.inner.health_check(device)).await
            }
        }
    };
    (@once $input:ident) => { $input };
    (@again $input:ident) => { $input.clone() };
}

pub(super) use layered;
