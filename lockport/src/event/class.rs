//! How long an event is kept, and by whom (R225, X3).

use super::Published;

/// A class of 004 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetentionClass {
    /// For running the place: three months.
    Operational,
    /// What the law and the auditor ask for: years.
    Regulated,
    /// As regulated, and part of the platform's own audit.
    Audit,
}

impl RetentionClass {
    /// The platform's word: `operational`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Regulated => "regulated",
            Self::Audit => "audit",
        }
    }
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// So many days.
    Days(u16),
    /// So many calendar years.
    Years(u8),
}

/// The least that a tenant may set for what is regulated, in years (R135).
pub const MIN_REGULATED_YEARS: u8 = 5;

/// A tenant's choice of how long what is regulated is kept: seven years unless it says otherwise (X3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    regulated_years: u8,
}

/// A policy that keeps what is regulated for too short a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is regulated is kept for at least {MIN_REGULATED_YEARS} years")]
pub struct TooShort;

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { regulated_years: 7 }
    }
}

impl RetentionPolicy {
    /// Keeps what is regulated for this many years.
    ///
    /// # Errors
    /// [`TooShort`] below [`MIN_REGULATED_YEARS`].
    pub const fn regulated_for(years: u8) -> Result<Self, TooShort> {
        if years < MIN_REGULATED_YEARS { Err(TooShort) } else { Ok(Self { regulated_years: years }) }
    }

    /// How long the sink behind the bus keeps an event of this class. The bus itself keeps each for a week.
    #[must_use]
    pub const fn sink(self, class: RetentionClass) -> Kept {
        match class {
            RetentionClass::Operational => Kept::Days(90),
            RetentionClass::Regulated | RetentionClass::Audit => Kept::Years(self.regulated_years),
        }
    }
}

impl Published {
    /// How long it is kept.
    #[must_use]
    pub const fn class(self) -> RetentionClass {
        match self {
            Self::CredentialRequested
            | Self::VendorError
            | Self::DeskTaskOpened
            | Self::DeskTaskClosed
            | Self::DeviceRegistered
            | Self::DeviceHealthAlert
            | Self::DeviceBatteryLow
            | Self::DeviceOffline
            | Self::DeviceOnline
            | Self::WebhookReceived
            | Self::WebhookProcessed
            | Self::AdapterHealthChanged
            | Self::EncoderSessionOpened
            | Self::EncoderSessionClosed => RetentionClass::Operational,
            Self::CredentialIssued
            | Self::CredentialFailed
            | Self::CredentialUpdated
            | Self::CredentialRevoked
            | Self::CredentialSuspended
            | Self::CredentialUnsuspended
            | Self::RevokeFailed
            | Self::MasterKeyIssued
            | Self::MasterKeyExpired
            | Self::AccessAttempt
            | Self::AccessAnomaly => RetentionClass::Regulated,
        }
    }

    /// Whether the platform's audit anchors it in its daily Merkle tree (R9): what changed who can open a door, and
    /// who tried to.
    #[must_use]
    pub const fn is_anchored(self) -> bool {
        matches!(
            self,
            Self::CredentialIssued
                | Self::CredentialUpdated
                | Self::CredentialRevoked
                | Self::CredentialSuspended
                | Self::CredentialUnsuspended
                | Self::RevokeFailed
                | Self::AccessAttempt
                | Self::AccessAnomaly
        )
    }
}

/// The subjects that the platform sends and `KeyService` takes in (R224), each with what it does here.
pub const CONSUMED: [(&str, &str); 12] = [
    ("melmastoon.reservation.booking.confirmed.v1", "issues"),
    ("melmastoon.reservation.booking.dates_changed.v1", "updates"),
    ("melmastoon.reservation.booking.cancelled.v1", "revokes: `cancellation`"),
    ("melmastoon.reservation.booking.checked_out.v1", "revokes: `checkout`"),
    ("melmastoon.reservation.booking.early_checkout.v1", "revokes: `checkout`"),
    ("melmastoon.reservation.booking.no_show.v1", "suspends after the policy's delay: `no_show`"),
    ("melmastoon.reservation.booking.fraud_flagged.v1", "suspends: `fraud_review`"),
    ("melmastoon.staff.shift.started.v1", "issues the shift's key"),
    ("melmastoon.staff.shift.ended.v1", "revokes the shift's key: `checkout`"),
    ("melmastoon.iam.user.deactivated.v1", "revokes every shift key of the user: `security`"),
    ("melmastoon.tenant.property.deactivated.v1", "revokes every key of the property: `security`"),
    ("melmastoon.tenant.config_updated.v1", "replaces the policy; no key moves"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// X3, R135: seven years, never below five.
    #[test]
    fn a_tenant_may_keep_longer_but_not_too_short() {
        assert_eq!(RetentionPolicy::default().sink(RetentionClass::Regulated), Kept::Years(7));
        assert_eq!(RetentionPolicy::regulated_for(4), Err(TooShort));
        let ten = RetentionPolicy::regulated_for(10).unwrap();
        assert_eq!(ten.sink(RetentionClass::Audit), Kept::Years(10));
        assert_eq!(ten.sink(RetentionClass::Operational), Kept::Days(90));
    }

    /// 004 section 4: all of `credential.*` but the request is regulated.
    #[test]
    fn of_credentials_only_the_request_is_operational() {
        for what in Published::ALL.iter().filter(|what| what.subject().contains(".credential.")) {
            let is_request = *what == Published::CredentialRequested;
            assert_eq!(what.class() == RetentionClass::Operational, is_request, "{what:?}");
        }
    }
}
