//! What test code may look at behind the vendor's back.

use crate::digits::Digits;
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

/// A passcode a lock would judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockPasscode {
    /// What is typed.
    pub digits: Digits,
    /// Start on the lock's own wall; 0 with no end for a permanent one.
    pub start_wall_ms: i64,
    /// End on the lock's own wall.
    pub end_wall_ms: i64,
    /// False for a code of the vendor's choice, which the lock works out and does not store.
    pub is_stored: bool,
}

/// A passcode as the cloud lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudPasscode {
    /// `keyboardPwdId`.
    pub passcode_id: i64,
    /// What is typed.
    pub digits: Digits,
    /// `keyboardPwdName`.
    pub name: String,
    /// `startDate`; 0 for a permanent custom one.
    pub start_ms: i64,
    /// `endDate`.
    pub end_ms: i64,
    /// Chosen by the caller.
    pub is_custom: bool,
}

/// A card a lock knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockCard {
    /// As the lock's own reader reads it.
    pub number: u64,
    /// Start on the lock's own wall; both dates 0 is permanent.
    pub start_wall_ms: i64,
    /// End on the lock's own wall.
    pub end_wall_ms: i64,
}

/// A card as the cloud lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudCard {
    /// `cardId`.
    pub card_id: i64,
    /// `cardNumber`.
    pub number: String,
    /// `cardName`.
    pub name: String,
    /// `startDate`; both dates 0 is permanent.
    pub start_ms: i64,
    /// `endDate`.
    pub end_ms: i64,
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
    /// It is on its way to a lock; the answer is not there yet.
    Waiting,
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
    /// Whether it only had something written into the cloud's books: an `addType` of 1, or none.
    pub on_paper: bool,
    /// How it ended.
    pub answered: Answered,
}
