//! Passcodes: which of a lock's list are an order's, and whether they are as it says.

use chrono::TimeDelta;
use lockport::driver::GrantOrder;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp};

use super::{Handle, Listed, is_window};
use crate::limits::{FIRST_USE_HOURS, LONGEST_RANDOM_DAYS};
use crate::wire::{Loose, PasscodeItem};

/// What older pages call the state of a passcode.
mod status {
    /// In force.
    pub(super) const NORMAL: i64 = 1;
    /// Its window is over.
    pub(super) const OVER: i64 = 2;
}

/// The digits of an order.
pub(crate) fn digits(order: &GrantOrder) -> Result<&Secret, LockError> {
    order.artifact.as_ref().ok_or_else(|| LockError::invalid_input("a passcode needs its digits"))
}

/// Those of a lock's passcodes that bear the marker. The vendor's own search is fuzzy.
pub(crate) fn bearing(items: &[PasscodeItem], lock: i64, marker: &str, order: &GrantOrder) -> Vec<Listed> {
    let bears = |item: &&PasscodeItem| {
        item.lock_id == Loose(lock) && item.keyboard_pwd_name.as_deref() == Some(marker)
    };
    let listed = |item: &PasscodeItem| Listed {
        handle: Handle { lock: Some(lock), id: item.keyboard_pwd_id.0 },
        is_target: is_target(item, order),
        artifact: item.keyboard_pwd.clone().map(Secret::new),
    };
    items.iter().filter(bears).map(listed).collect()
}

/// Whether a passcode is as the order says: its digits, where the order has any, and both dates; and nothing about it is still on
/// its way.
fn is_target(item: &PasscodeItem, order: &GrantOrder) -> bool {
    // EXPOSE: compared with the digits that the cloud lists; both stay here.
    let wanted = order.artifact.as_ref().map(|digits| digits.expose().as_str());
    let has_digits =
        item.keyboard_pwd.is_some() && (wanted.is_none() || item.keyboard_pwd.as_deref() == wanted);
    let is_settled = item.status.is_none_or(|is| matches!(is.0, status::NORMAL | status::OVER));
    has_digits && is_settled && is_window((item.start_date, item.end_date), order.window)
}

/// Whether the cloud lists these very digits, under whatever name.
pub(crate) fn lists_digits(items: &[PasscodeItem], lock: i64, digits: &Secret) -> bool {
    items.iter().any(|item| {
        // EXPOSE: compared with the digits that the cloud lists; both stay here.
        item.lock_id == Loose(lock) && item.keyboard_pwd.as_ref() == Some(digits.expose())
    })
}

/// When a passcode of the vendor's choice dies if nobody has used it.
// VENDOR: a passcode with a period is dead unless it is used within a day of its start (docs/vendor.md#passcodes).
pub(crate) fn dies_unused(order: &GrantOrder) -> Timestamp {
    let first_use = order.window.from().checked_add_signed(TimeDelta::hours(FIRST_USE_HOURS));
    first_use.map_or(order.window.until(), |by| by.min(order.window.until()))
}

/// Whether a passcode of the vendor's choice can be any good.
pub(crate) fn check_random(order: &GrantOrder, now: Timestamp) -> Result<(), LockError> {
    let no = |message| {
        let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::KindNotSupported);
        Err(LockError::new(code, reason, RetryAdvice::Never, message))
    };
    let window = order.window;
    if window.until().signed_duration_since(window.from()) > TimeDelta::days(LONGEST_RANDOM_DAYS) {
        return no("a passcode of the vendor's choice is for a year at most");
    }
    if dies_unused(order) <= now {
        return no("a passcode of the vendor's choice has to be used within a day of its start");
    }
    Ok(())
}
