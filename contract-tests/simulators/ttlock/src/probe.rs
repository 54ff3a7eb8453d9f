//! What test code may look at behind the vendor's back.

use crate::ekey::EKeyStatus;

/// An eKey that was sent and not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEKey {
    /// Account that holds it.
    pub username: String,
    /// Its id.
    pub key_id: i64,
    /// Name given by the sender.
    pub key_name: String,
    /// `startDate` as sent.
    pub start_ms: i64,
    /// `endDate` as sent.
    pub end_ms: i64,
    /// Normal or frozen.
    pub status: EKeyStatus,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// HTTP 200 with this error number; data without one counts as 0.
    Errcode(i64),
    /// The edge refused it with this HTTP status.
    Http(u16),
    /// HTTP 200 with a broken body.
    Malformed,
    /// The connection was closed with no answer.
    Dropped,
}

/// One request as the log keeps it: names, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Simulated time of arrival.
    pub at_ms: i64,
    /// HTTP method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// Names of all fields, sorted.
    pub fields: Vec<String>,
    /// How it ended.
    pub answered: Answered,
}
