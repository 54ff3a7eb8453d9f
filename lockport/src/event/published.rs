//! What lockport tells the bus.

use serde_json::Value;

use super::{Envelope, SPEC_VERSION};
use crate::id::{EventId, TenantId};
use crate::validity::Timestamp;

/// The `source` of every event published here.
pub const SOURCE: &str = "/services/lock-integration-service";

/// The subjects, without their common head `melmastoon.lock.` and their version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Published {
    /// A credential is wanted (R208).
    CredentialRequested,
    /// The vendor confirmed it; it opens (R209).
    CredentialIssued,
    /// It will not come about (R210).
    CredentialFailed,
    /// Its window or its rooms moved (R211).
    CredentialUpdated,
    /// It opens nothing any more (R212).
    CredentialRevoked,
    /// It opens nothing until further notice (R213).
    CredentialSuspended,
    /// It opens again (R213).
    CredentialUnsuspended,
    /// A revoke came to less than its reason requires: a security alert (R84).
    RevokeFailed,
    /// A vendor did not answer until the tries ran out (R73, R118).
    VendorError,
    /// A shift has its key (R218).
    MasterKeyIssued,
    /// A shift's key is gone (R218).
    MasterKeyExpired,
    /// Something waits for a person.
    DeskTaskOpened,
    /// It does not any more.
    DeskTaskClosed,
    /// A lock was seen for the first time (R214).
    DeviceRegistered,
    /// Something about a lock crossed a threshold (R215).
    DeviceHealthAlert,
    /// A lock's battery is low (R216).
    DeviceBatteryLow,
    /// A lock cannot be reached any more (R217).
    DeviceOffline,
    /// A lock can be reached again (R217).
    DeviceOnline,
    /// Somebody tried a door (R220).
    AccessAttempt,
    /// An attempt that should not be (R83, R108).
    AccessAnomaly,
    /// A vendor's webhook was called (R221).
    WebhookReceived,
    /// A call of a vendor's webhook was looked into (R221).
    WebhookProcessed,
    /// A vendor's circuit opened, closed, or is tried carefully (R222).
    AdapterHealthChanged,
    /// A program at a desk opened its encoder (R219).
    EncoderSessionOpened,
    /// It is not open any more (R219).
    EncoderSessionClosed,
}

impl Published {
    /// Every subject.
    pub const ALL: [Self; 25] = [
        Self::CredentialRequested,
        Self::CredentialIssued,
        Self::CredentialFailed,
        Self::CredentialUpdated,
        Self::CredentialRevoked,
        Self::CredentialSuspended,
        Self::CredentialUnsuspended,
        Self::RevokeFailed,
        Self::VendorError,
        Self::MasterKeyIssued,
        Self::MasterKeyExpired,
        Self::DeskTaskOpened,
        Self::DeskTaskClosed,
        Self::DeviceRegistered,
        Self::DeviceHealthAlert,
        Self::DeviceBatteryLow,
        Self::DeviceOffline,
        Self::DeviceOnline,
        Self::AccessAttempt,
        Self::AccessAnomaly,
        Self::WebhookReceived,
        Self::WebhookProcessed,
        Self::AdapterHealthChanged,
        Self::EncoderSessionOpened,
        Self::EncoderSessionClosed,
    ];

    /// The subject: `melmastoon.lock.credential.issued.v1`.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::CredentialRequested => "melmastoon.lock.credential.requested.v1",
            Self::CredentialIssued => "melmastoon.lock.credential.issued.v1",
            Self::CredentialFailed => "melmastoon.lock.credential.failed.v1",
            Self::CredentialUpdated => "melmastoon.lock.credential.updated.v1",
            Self::CredentialRevoked => "melmastoon.lock.credential.revoked.v1",
            Self::CredentialSuspended => "melmastoon.lock.credential.suspended.v1",
            Self::CredentialUnsuspended => "melmastoon.lock.credential.unsuspended.v1",
            Self::RevokeFailed => "melmastoon.lock.credential.revoke_failed.v1",
            Self::VendorError => "melmastoon.lock.vendor.error.v1",
            Self::MasterKeyIssued => "melmastoon.lock.master_key.issued.v1",
            Self::MasterKeyExpired => "melmastoon.lock.master_key.expired.v1",
            Self::DeskTaskOpened => "melmastoon.lock.desk_task.opened.v1",
            Self::DeskTaskClosed => "melmastoon.lock.desk_task.closed.v1",
            Self::DeviceRegistered => "melmastoon.lock.device.registered.v1",
            Self::DeviceHealthAlert => "melmastoon.lock.device.health_alert.v1",
            Self::DeviceBatteryLow => "melmastoon.lock.device.battery_low.v1",
            Self::DeviceOffline => "melmastoon.lock.device.offline.v1",
            Self::DeviceOnline => "melmastoon.lock.device.online.v1",
            Self::AccessAttempt => "melmastoon.lock.audit.attempt.v1",
            Self::AccessAnomaly => "melmastoon.lock.audit.anomaly.v1",
            Self::WebhookReceived => "melmastoon.lock.vendor_webhook.received.v1",
            Self::WebhookProcessed => "melmastoon.lock.vendor_webhook.processed.v1",
            Self::AdapterHealthChanged => "melmastoon.lock.vendor_adapter.health_changed.v1",
            Self::EncoderSessionOpened => "melmastoon.lock.encoder_session.opened.v1",
            Self::EncoderSessionClosed => "melmastoon.lock.encoder_session.closed.v1",
        }
    }

    /// The subject without its common head: `credential.issued.v1`. Its schema is called so.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.subject().strip_prefix("melmastoon.lock.").unwrap_or(self.subject())
    }

    /// Where its schema is.
    #[must_use]
    pub fn schema_url(self) -> String {
        format!("https://schemas.melmastoon.ghasi.io/lock/{}.json", self.name())
    }

    /// An event of this subject.
    #[must_use]
    pub fn envelope(
        self,
        id: EventId,
        time: Timestamp,
        tenant: TenantId,
        cause: &Cause,
        data: Value,
    ) -> Envelope {
        let subject = self.subject();
        Envelope {
            spec_version: SPEC_VERSION.to_owned(),
            id,
            subject: subject.to_owned(),
            kind: subject.to_owned(),
            source: SOURCE.to_owned(),
            time,
            tenant_id: tenant,
            trace_id: cause.trace_id.clone(),
            correlation_id: cause.correlation_id.clone(),
            causation_id: cause.event,
            schema_url: Some(self.schema_url()),
            data,
        }
    }
}

/// What an event came from: carried from the event that led to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cause {
    /// The event that led to it.
    pub event: Option<EventId>,
    /// Its trace.
    pub trace_id: Option<String>,
    /// The business matter.
    pub correlation_id: Option<String>,
}
