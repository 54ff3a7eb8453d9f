//! Events: the platform's envelope, and the subjects that lockport publishes (R207 to R213).

mod published;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::published::{Cause, Published, SOURCE};
use crate::id::{EventId, TenantId};
use crate::validity::Timestamp;

/// The envelope that every event of the platform travels in (R207).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// `1.0`
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
    /// The business matter it belongs to: a reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// Where its schema is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_url: Option<String>,
    /// What it says.
    pub data: Value,
}

/// The version of the envelope that is read and written.
pub const SPEC_VERSION: &str = "1.0";
