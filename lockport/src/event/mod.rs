//! Events: the platform's envelope, and the subjects that lockport publishes (R207 to R218, R220 to R222), each with a type for
//! what it says. Their JSON Schemas stand in `schemas/`, generated from these types (feature `schema`).

mod class;
mod observed;
mod payload;
mod published;
mod redact;
#[cfg(feature = "schema")]
pub mod schema;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::class::{CONSUMED, Kept, MIN_REGULATED_YEARS, RetentionClass, RetentionPolicy, TooShort};
pub use self::observed::{
    AccessAnomaly, AccessAttempt, AdapterHealthChanged, CircuitMetric, DeviceBatteryLow, DeviceHealthAlert,
    DeviceMetric, DeviceOffline, DeviceOnline, DeviceRegistered, DeviceThreshold, EncoderSessionClosed,
    EncoderSessionOpened, WebhookProcessed, WebhookReceived,
};
pub use self::payload::{
    ArtifactReference, Change, Changes, CredentialFailed, CredentialIssued, CredentialRequested,
    CredentialRevoked, CredentialSuspended, CredentialUnsuspended, CredentialUpdated, Delivery,
    DeskTaskClosed, DeskTaskOpened, HolderKind, KeyHolder, MasterKeyExpired, MasterKeyIssued, Payload,
    RevokeFailed, RevokeMetadata, Scope, StaffReach, VendorError,
};
pub use self::published::{Cause, Published, SOURCE};
pub use self::redact::{FORBIDDEN_MEMBERS, Objection, Redactor};
pub use self::words::{AnomalyKind, InvalidWord, UnsuspendedBy, Word};
use crate::id::{EventId, TenantId};
use crate::validity::Timestamp;

/// The envelope that every event of the platform travels in (R207).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// `1.0`
    #[cfg_attr(feature = "schema", schemars(extend("const" = SPEC_VERSION)))]
    pub spec_version: String,
    /// The event.
    pub id: EventId,
    /// What it is about: `melmastoon.lock.credential.issued.v1`.
    pub subject: String,
    /// The same as the subject.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who says so.
    pub source: String,
    /// When it happened.
    pub time: Timestamp,
    /// Whose.
    pub tenant_id: TenantId,
    /// The W3C trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The business matter it belongs to: a reservation, a shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// Where its schema is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_url: Option<String>,
    /// What it says.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, Value>"))]
    pub data: Value,
}

/// The version of the envelope that is read and written.
pub const SPEC_VERSION: &str = "1.0";
