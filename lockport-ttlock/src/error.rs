//! THE table: every code the vendor documents, what it means to us, and whether calling again can help.

use std::time::Duration;

use chrono::{Datelike as _, FixedOffset, Months, NaiveTime, Utc};
use lockport::env::{SecretError, TransportError};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Timestamp};

use crate::limits::{BUSY_PAUSE, CALL_TIMEOUT, LOCK_TIMEOUT, THROTTLE_PAUSE};

/// Codes that the driver acts on.
pub(crate) mod code {
    /// The client id is unknown.
    pub(crate) const NO_APPLICATION: i64 = 10000;
    /// The client id or the client secret is wrong.
    pub(crate) const WRONG_SECRET: i64 = 10001;
    /// The token is unknown.
    pub(crate) const TOKEN_UNKNOWN: i64 = 10003;
    /// The token is over, or was revoked.
    pub(crate) const TOKEN_EXPIRED: i64 = 10004;
    /// The refresh token is not valid.
    pub(crate) const REFRESH_INVALID: i64 = 10011;
    /// The account's name is taken.
    pub(crate) const NAME_TAKEN: i64 = 30003;
    /// Too many calls at once.
    pub(crate) const TOO_MANY_CALLS: i64 = 30006;
    /// `date` is off by more than five minutes.
    pub(crate) const CLOCK: i64 = 80000;
    /// The account is bound to another system and receives no eKeys.
    pub(crate) const BOUND_ELSEWHERE: i64 = -1027;
    /// The period of the eKey cannot be changed now.
    pub(crate) const PERIOD_STANDS: i64 = -2023;
    /// There is no such eKey.
    pub(crate) const NO_KEY: i64 = -1008;
    /// The receiver is not registered.
    pub(crate) const NO_RECEIVER: i64 = -4064;
    /// There is no such passcode.
    pub(crate) const NO_PASSCODE: i64 = -2009;
    /// The passcode was never used on the lock, so nothing about it can be changed.
    pub(crate) const NEVER_USED: i64 = -3008;
    /// There is no such card.
    pub(crate) const NO_CARD: i64 = -1021;
    /// No gateway is near the lock.
    pub(crate) const NO_GATEWAY: i64 = -2012;
}

/// One documented code.
#[derive(Debug)]
pub(crate) struct Row {
    code: i64,
    verdict: Verdict,
    reason: FailureReason,
    again: Again,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and for the test that every row has one"))]
    source: Source,
}

/// The code of ours.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// Nothing was decided.
    Unreachable,
    /// The operation's own refusal.
    ByOperation,
    /// `KEY_ISSUE_FAILED`, whatever the operation.
    Issue,
    /// `DEVICE_NOT_PAIRED`
    NotPaired,
    /// `CREDENTIAL_EXPIRED`; a withdrawal never asks this table about it.
    Expired,
}

/// Whether the same call can help.
#[derive(Clone, Copy, Debug)]
enum Again {
    Never,
    /// The vendor said no, and may say yes later.
    Later,
    /// The same, after a pause.
    After(Duration),
    /// The same, from the first of the next month on.
    NextMonth,
    /// The vendor does not say whether it was done.
    Unknown,
}

/// Where a code is documented; read 2026-11-22.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// `https://euopen.ttlock.com/document-pages/en/cloud/errorCode` and its Chinese twin without `/en`.
    Current,
    /// `https://euopen.ttlock.com/doc/api/error`; no longer on the current page.
    Old,
}

use Again::{After, Later, Never, NextMonth, Unknown};
use FailureReason as Why;
use Source::{Current, Old};
use Verdict::{ByOperation, Expired, Issue, NotPaired, Unreachable};

const fn row(code: i64, verdict: Verdict, reason: Why, again: Again, source: Source) -> Row {
    Row { code, verdict, reason, again, source }
}

/// In the vendor's order. Code 0 is success and never comes here.
pub(crate) const TABLE: &[Row] = &[
    row(1, ByOperation, Why::VendorInternal, Unknown, Current), // failed, or "no": unspecific
    row(-3, ByOperation, Why::Invalid, Never, Current),         // invalid parameter
    row(10000, Unreachable, Why::AuthRejected, Never, Current), // unknown client id
    row(10001, Unreachable, Why::AuthRejected, Never, Current), // wrong client id or secret
    row(10002, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10003, Unreachable, Why::AuthRejected, Later, Current), // token unknown, also after one refresh
    row(10004, Unreachable, Why::AuthRejected, Later, Current), // token over or revoked, also after one refresh
    row(10005, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10006, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10007, Unreachable, Why::AuthRejected, Never, Current), // wrong account or password
    row(10008, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10009, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10010, Unreachable, Why::AuthRejected, Never, Old),     // OAuth request fault
    row(10011, Unreachable, Why::AuthRejected, Later, Current), // refresh token not valid
    row(20000, ByOperation, Why::Refused, Never, Old),          // wrong user, key or lock name
    row(20001, ByOperation, Why::Refused, Never, Old),          // the same
    row(20002, NotPaired, Why::NotPermitted, Never, Current),   // not the lock's administrator
    row(20003, ByOperation, Why::Refused, Never, Old),          // wrong user, key or lock name
    row(20004, ByOperation, Why::Refused, Never, Old),          // the same
    row(20005, ByOperation, Why::Refused, Never, Old),          // the same
    row(20006, ByOperation, Why::Refused, Never, Old),          // the same
    row(20007, ByOperation, Why::Refused, Never, Old),          // the same
    row(20008, ByOperation, Why::Refused, Never, Old),          // the same
    row(30001, ByOperation, Why::NotPermitted, Never, Old),     // interface not allowed for the application
    row(30002, Issue, Why::Invalid, Never, Current), // user name with other than letters and digits
    row(30003, Issue, Why::Refused, Never, Current), // user name exists; expected at a registration
    row(30004, ByOperation, Why::Refused, Never, Current), // user id to delete not allowed
    row(30005, Issue, Why::Invalid, Never, Current), // password is not an MD5
    row(30006, Unreachable, Why::Throttled, After(THROTTLE_PAUSE), Current), // too many calls
    row(30007, Unreachable, Why::QuotaExhausted, NextMonth, Current), // monthly quota used up
    row(30008, Unreachable, Why::Configuration, Never, Current), // wrong region
    row(80000, Unreachable, Why::Clock, Later, Current), // `date` off by five minutes, also after a correction
    row(80002, ByOperation, Why::Invalid, Never, Current), // bad JSON
    row(90000, Unreachable, Why::VendorInternal, Unknown, Current), // internal server error
    row(-2018, NotPaired, Why::NotPermitted, Never, Current), // no permission
    row(-1003, NotPaired, Why::NotFound, Never, Current), // no such lock
    row(-2025, ByOperation, Why::DeviceFrozen, Later, Current), // lock frozen; somebody may thaw it
    row(-4043, Issue, Why::KindNotSupported, Never, Current), // not supported by this lock
    row(-4056, Issue, Why::CapacityFull, Never, Current), // memory full
    row(-4067, ByOperation, Why::Configuration, Never, Current), // NB-IoT device not registered
    row(-4082, ByOperation, Why::Refused, Never, Current), // auto-lock limit; not used here
    row(-3011, ByOperation, Why::Refused, Never, Current), // transfer to oneself; not used here
    row(-3016, ByOperation, Why::Refused, Never, Current), // transfer; not used here
    row(-4063, ByOperation, Why::Refused, Never, Current), // account not empty; not used here
    row(-1008, Expired, Why::NotFound, Never, Current),  // no such eKey
    row(-1016, ByOperation, Why::Refused, Never, Current), // group name exists
    row(-1018, ByOperation, Why::Refused, Never, Current), // no such group
    row(-1027, Issue, Why::Refused, Never, Current),     // account bound elsewhere
    row(-2019, Issue, Why::Configuration, Never, Current), // receiver is the sender
    row(-2020, Issue, Why::Configuration, Never, Current), // receiver is the lock's administrator
    row(-2023, Issue, Why::WrongState, Later, Current),  // period cannot be changed now
    row(-3039, Issue, Why::NotPermitted, Never, Current), // the sender's own key ends earlier
    row(-3046, ByOperation, Why::NotPermitted, Never, Current), // no right to unlock remotely
    row(-4064, Issue, Why::NotFound, Later, Current),    // receiver not registered, also after a registration
    row(-1007, Issue, Why::KindNotSupported, Never, Current), // lock has no passcode data
    row(-1026, Issue, Why::PinRejected, Never, Current), // that random code was issued and deleted
    row(-2009, Expired, Why::NotFound, Never, Current),  // no such passcode
    row(-2032, Issue, Why::PinRejected, Never, Current), // passcode too simple
    row(-3006, Issue, Why::Invalid, Never, Current),     // passcode not of 4 to 9 digits
    row(-3007, Issue, Why::PinCollision, Never, Current), // the lock has that passcode
    row(-3008, Issue, Why::WrongState, Never, Current),  // passcode not yet used on the lock
    row(-3009, Issue, Why::CapacityFull, Never, Current), // 250 custom passcodes
    row(-2012, ByOperation, Why::DeviceOffline, Later, Current), // no gateway near the lock
    row(-3002, ByOperation, Why::DeviceOffline, Later, Current), // gateway offline
    row(-3036, ByOperation, Why::DeviceOffline, Later, Current), // lock offline
    row(-3003, ByOperation, Why::DeviceBusy, After(BUSY_PAUSE), Current), // gateway busy
    row(-3037, ByOperation, Why::DeviceBusy, After(BUSY_PAUSE), Current), // lock busy
    row(-3034, ByOperation, Why::Configuration, Never, Current), // WiFi lock without a network
    row(-3035, ByOperation, Why::DeviceOffline, Never, Current), // WiFi lock saving power
    row(-4037, ByOperation, Why::Configuration, Never, Current), // no such gateway
    row(-1021, Expired, Why::NotFound, Never, Current),  // no such card
];

/// What hangs on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stakes {
    /// What "no" is called.
    refusal: ErrorCode,
    /// What is to be done when nobody can tell whether it happened.
    lost: RetryAdvice,
    /// How long an answer is waited for.
    pub(crate) timeout: Duration,
}

impl Stakes {
    /// The call opens or closes something: its answer matters.
    pub(crate) const fn effect(refusal: ErrorCode) -> Self {
        Self { refusal, lost: RetryAdvice::OutcomeUnknown, timeout: CALL_TIMEOUT }
    }

    /// The call opens and closes nothing, and doing it twice is doing it once: it reads, or prepares.
    pub(crate) const fn harmless(refusal: ErrorCode) -> Self {
        Self { refusal, lost: RetryAdvice::NotApplied, timeout: CALL_TIMEOUT }
    }

    /// The same, for a call that waits for a lock.
    pub(crate) const fn at_the_lock(self) -> Self {
        Self { timeout: LOCK_TIMEOUT, ..self }
    }

    /// The vendor said no, with this number.
    pub(crate) fn refused(self, number: i64, now: Timestamp) -> LockError {
        let message = format!("the vendor answered code {number}");
        let Some(row) = TABLE.iter().find(|row| row.code == number) else {
            return LockError::new(self.refusal, Why::UnmappedVendorCode, RetryAdvice::Never, message);
        };
        let code = match row.verdict {
            Unreachable => ErrorCode::VendorUnreachable,
            ByOperation => self.refusal,
            Issue => ErrorCode::KeyIssueFailed,
            NotPaired => ErrorCode::DeviceNotPaired,
            Expired => ErrorCode::CredentialExpired,
        };
        let advice = match row.again {
            Never => RetryAdvice::Never,
            Later => RetryAdvice::NotApplied,
            After(pause) => RetryAdvice::After(pause),
            NextMonth => RetryAdvice::After(until_next_month(now)),
            Unknown => self.lost,
        };
        LockError::new(code, row.reason, advice, message)
    }

    /// There was no answer.
    pub(crate) fn unanswered(self, error: TransportError) -> LockError {
        let error = LockError::from(error);
        if error.advice() == RetryAdvice::OutcomeUnknown { error.with_advice(self.lost) } else { error }
    }

    /// An answer with another status than 200: it comes from the edge, and nothing is known of the application behind it.
    pub(crate) fn edge(self, status: u16) -> LockError {
        let message = format!("the vendor's edge answered status {status}");
        LockError::unreachable(Why::VendorInternal, self.lost, message)
    }

    /// An answer that is not what the vendor's pages promise.
    pub(crate) fn malformed(self) -> LockError {
        LockError::unreachable(Why::MalformedAnswer, self.lost, "the vendor's answer cannot be read")
    }
}

/// An error after an earlier call of the same method had its effect: whatever it promised about its own call, the method as a
/// whole stands half-way.
pub(crate) fn half_way(error: LockError) -> LockError {
    error.with_advice(RetryAdvice::OutcomeUnknown)
}

/// The vendor no longer has the key.
pub(crate) fn expired() -> LockError {
    LockError::new(
        ErrorCode::CredentialExpired,
        Why::NotFound,
        RetryAdvice::Never,
        "the vendor has no such key any more",
    )
}

/// A secret of the property's was not to be had; the vendor was not asked.
pub(crate) fn no_secret(error: SecretError) -> LockError {
    let (reason, advice) = match error {
        SecretError::Missing => (Why::Configuration, RetryAdvice::Never),
        _ => (Why::StoreUnavailable, RetryAdvice::NotApplied),
    };
    LockError::unreachable(reason, advice, error.to_string())
}

/// Our own store failed before anything with an effect was sent.
pub(crate) fn before_sending(error: LockError) -> LockError {
    if error.is_retriable() { error.with_advice(RetryAdvice::NotApplied) } else { error }
}

/// When the month's calls are counted anew.
// VENDOR: the quota begins anew on the first of the month, UTC+8 (docs/vendor.md#errors).
pub(crate) fn next_month(now: Timestamp) -> Option<Timestamp> {
    let zone = FixedOffset::east_opt(8 * 3600)?;
    let today = now.with_timezone(&zone).date_naive();
    let first = today.with_day(1)?.checked_add_months(Months::new(1))?;
    let first = first.and_time(NaiveTime::MIN).and_local_timezone(zone).single()?;
    Some(first.with_timezone(&Utc))
}

fn until_next_month(now: Timestamp) -> Duration {
    let pause = next_month(now).and_then(|first| first.signed_duration_since(now).to_std().ok());
    pause.unwrap_or(Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The codes of the vendor's pages, typed from them and not from the table.
    const DOCUMENTED: &[i64] = &[
        1, -3, 10000, 10001, 10002, 10005, 10006, 10008, 10009, 10010, 10003, 10004, 10007, 10011, 20002,
        20000, 20001, 20003, 20004, 20005, 20006, 20007, 20008, 30001, 30002, 30003, 30005, 30004, 30006,
        30007, 30008, 80000, 80002, 90000, -2018, -1003, -2025, -4043, -4056, -4067, -4082, -3011, -3016,
        -4063, -1008, -1016, -1018, -1027, -2019, -2020, -2023, -3039, -3046, -4064, -1007, -1026, -2009,
        -2032, -3006, -3007, -3008, -3009, -2012, -3002, -3036, -3003, -3037, -3034, -3035, -4037, -1021,
    ];
    /// Those of them that only the old page has.
    const ONLY_OLD: &[i64] = &[
        10002, 10005, 10006, 10008, 10009, 10010, 20000, 20001, 20003, 20004, 20005, 20006, 20007, 20008,
        30001,
    ];

    fn now() -> Timestamp {
        "2026-12-31T15:59:00Z".parse().unwrap()
    }

    #[test]
    fn every_documented_code_stands_in_the_table_once_with_its_source() {
        let table: BTreeSet<i64> = TABLE.iter().map(|row| row.code).collect();
        assert_eq!(table.len(), TABLE.len(), "a code stands twice");
        assert_eq!(table, DOCUMENTED.iter().copied().collect());
        for row in TABLE {
            assert_eq!(row.source == Old, ONLY_OLD.contains(&row.code), "{}", row.code);
        }
    }

    #[test]
    fn every_code_stands_in_a_row_of_the_runbook_with_its_reason() {
        let page = include_str!("../docs/runbook.md");
        let rows = || page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
        for Row { code, reason, .. } in TABLE {
            let is_named = |codes: &str| codes.split(", ").any(|named| named == code.to_string());
            let (_, row) = rows().find(|(codes, _)| is_named(codes)).unwrap_or_else(|| panic!("{code}"));
            assert!(row.contains(&format!("`{}`", reason.as_str())), "{code}");
        }
    }

    #[test]
    fn no_row_is_unmapped_and_only_the_unspecific_two_leave_the_outcome_open() {
        let stakes = Stakes::effect(ErrorCode::KeyRevokeFailed);
        for row in TABLE {
            let error = stakes.refused(row.code, now());
            assert_ne!(error.reason(), Why::UnmappedVendorCode, "{}", row.code);
            let open = error.advice() == RetryAdvice::OutcomeUnknown;
            assert_eq!(open, [1, 90000].contains(&row.code), "{}", row.code);
            assert!(error.code().number() <= 6, "{}: what a vendor answers is one of the six", row.code);
        }
    }

    #[test]
    fn the_operation_and_what_is_at_stake_decide_what_the_row_leaves_open() {
        let revoke = Stakes::effect(ErrorCode::KeyRevokeFailed);
        let look = Stakes::harmless(ErrorCode::VendorUnreachable);
        let five = |stakes: Stakes, number| {
            let error = stakes.refused(number, now());
            (error.code(), error.reason(), error.advice())
        };
        use ErrorCode as Code;
        for (stakes, number, want) in [
            (revoke, 1, (Code::KeyRevokeFailed, Why::VendorInternal, RetryAdvice::OutcomeUnknown)),
            (look, 1, (Code::VendorUnreachable, Why::VendorInternal, RetryAdvice::NotApplied)),
            (revoke, 90000, (Code::VendorUnreachable, Why::VendorInternal, RetryAdvice::OutcomeUnknown)),
            (look, 90000, (Code::VendorUnreachable, Why::VendorInternal, RetryAdvice::NotApplied)),
            (revoke, 30006, (Code::VendorUnreachable, Why::Throttled, RetryAdvice::After(THROTTLE_PAUSE))),
            (
                revoke,
                30007,
                (Code::VendorUnreachable, Why::QuotaExhausted, RetryAdvice::After(Duration::from_secs(60))),
            ),
            (revoke, 10007, (Code::VendorUnreachable, Why::AuthRejected, RetryAdvice::Never)),
            (revoke, -1003, (Code::DeviceNotPaired, Why::NotFound, RetryAdvice::Never)),
            (revoke, -4043, (Code::KeyIssueFailed, Why::KindNotSupported, RetryAdvice::Never)),
            (revoke, -1008, (Code::CredentialExpired, Why::NotFound, RetryAdvice::Never)),
            (revoke, -9999, (Code::KeyRevokeFailed, Why::UnmappedVendorCode, RetryAdvice::Never)),
            (look, 424_242, (Code::VendorUnreachable, Why::UnmappedVendorCode, RetryAdvice::Never)),
        ] {
            assert_eq!(five(stakes, number), want, "{number}");
        }
    }

    #[test]
    fn only_what_was_never_sent_is_not_applied_by_a_call_with_an_effect() {
        let stakes = Stakes::effect(ErrorCode::KeyIssueFailed);
        assert_eq!(stakes.unanswered(TransportError::NotSent).advice(), RetryAdvice::NotApplied);
        for error in [TransportError::Lost, TransportError::TimedOut, TransportError::TooLarge] {
            assert_eq!(stakes.unanswered(error).advice(), RetryAdvice::OutcomeUnknown);
            assert_eq!(
                Stakes::harmless(ErrorCode::VendorUnreachable).unanswered(error).advice(),
                RetryAdvice::NotApplied
            );
        }
        assert_eq!(stakes.edge(502).advice(), RetryAdvice::OutcomeUnknown);
        assert_eq!(stakes.malformed().advice(), RetryAdvice::OutcomeUnknown);
    }

    #[test]
    fn the_next_month_begins_at_midnight_in_beijing() {
        for (now, seconds) in [
            ("2026-12-31T15:59:00Z", 60),
            ("2026-12-31T16:00:00Z", 31 * 86_400),
            ("2027-01-31T16:00:00Z", 28 * 86_400),
        ] {
            assert_eq!(until_next_month(now.parse().unwrap()), Duration::from_secs(seconds), "{now}");
        }
    }
}
