//! Passcodes: which of a lock's list are an order's, and whether they are as it says.

use chrono::TimeDelta;
use lockport::driver::GrantOrder;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp, Validity};

use super::{Handle, Listed, instant, is_window};
use crate::client::WITH_A_PERIOD;
use crate::limits::{FIRST_USE_HOURS, LONGEST_RANDOM_DAYS};
use crate::wire::{Loose, PasscodeItem};

const HOUR_MS: i64 = 3_600_000;

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
    let is_ours = order.artifact.is_some();
    let listed = |item: &PasscodeItem| Listed {
        handle: Handle::in_lock(lock, item.keyboard_pwd_id.0),
        is_target: if is_ours { is_target(item, order) } else { is_random_target(item, order) },
        artifact: item.keyboard_pwd.clone().map(Secret::new),
        window: window_of(item).filter(|_| !is_ours),
    };
    items.iter().filter(bears).map(listed).collect()
}

/// Whether a passcode of the vendor's choice is as the order says: within its window, and short of it by less than an hour at
/// either end; the digits are the vendor's. Of a stay that began a day ago and more it begins later.
fn is_random_target(item: &PasscodeItem, order: &GrantOrder) -> bool {
    let Some(window) = window_of(item) else { return false };
    let (hour, day) = (TimeDelta::hours(1), TimeDelta::hours(FIRST_USE_HOURS));
    let (late, early) = (window.from() - order.window.from(), order.window.until() - window.until());
    order.window.covers(&window)
        && (late < hour || late > day - hour)
        && early < hour
        && item.keyboard_pwd.is_some()
}

fn window_of(item: &PasscodeItem) -> Option<Validity> {
    Validity::new(instant(item.start_date?)?, instant(item.end_date?)?).ok()
}

/// Whether a passcode is as the order says: its digits and both dates; and nothing about it is still on
/// its way.
fn is_target(item: &PasscodeItem, order: &GrantOrder) -> bool {
    // EXPOSE: compared with the digits that the cloud lists; both stay here.
    let wanted = order.artifact.as_ref().map(|digits| digits.expose().as_str());
    let has_digits = item.keyboard_pwd.is_some() && item.keyboard_pwd.as_deref() == wanted;
    let is_settled = item.status.is_none_or(|is| matches!(is.0, status::NORMAL | status::OVER));
    has_digits && is_settled && is_window((item.start_date, item.end_date), order.window)
}

/// Whether the cloud lists these very digits, under whatever name.
pub(crate) fn lists_digits(items: &[PasscodeItem], lock: i64, digits: &Secret) -> bool {
    !with_digits(items, lock, digits).is_empty()
}

/// The numbers and the names of those with these digits.
pub(crate) fn with_digits<'a>(items: &'a [PasscodeItem], lock: i64, digits: &Secret) -> Vec<(i64, &'a str)> {
    let has_them = |item: &&PasscodeItem| {
        // EXPOSE: compared with the digits that the cloud lists; both stay here.
        item.lock_id == Loose(lock) && item.keyboard_pwd.as_ref() == Some(digits.expose())
    };
    let name = |item: &'a PasscodeItem| item.keyboard_pwd_name.as_deref().unwrap_or_default();
    items.iter().filter(has_them).map(|item| (item.keyboard_pwd_id.0, name(item))).collect()
}

/// Those passcodes of somebody's choice, with a period that was over by then: when, and the vendor's number. A lock deletes by the
/// digits, so those that are listed a second time stay.
pub(crate) fn over(items: &[PasscodeItem], lock: i64, by: Timestamp) -> Vec<(i64, i64)> {
    let is_alone = |item: &PasscodeItem| {
        items.iter().filter(|other| other.keyboard_pwd == item.keyboard_pwd).count() == 1
    };
    let has_a_period = |item: &&PasscodeItem| {
        item.lock_id == Loose(lock)
            && is_alone(item)
            && super::is_yes(item.is_custom)
            && item.keyboard_pwd_type == Some(Loose(WITH_A_PERIOD))
    };
    let over = items.iter().filter(has_a_period);
    over.filter_map(|item| Some((super::over(item.end_date, by)?, item.keyboard_pwd_id.0))).collect()
}

/// When a passcode of the vendor's choice with this window dies if nobody has used it.
// VENDOR: a passcode with a period is dead unless it is used within a day of its start (docs/vendor.md#passcodes).
pub(crate) fn dies_unused(window: Validity) -> Timestamp {
    let first_use = window.from().checked_add_signed(TimeDelta::hours(FIRST_USE_HOURS));
    first_use.map_or(window.until(), |by| by.min(window.until()))
}

/// The widest window in whole hours of the lock's own wall that lies inside the order's. A vendor that was sent more would take the
/// hour before.
// VENDOR: 19:20 becomes 19:00, and a lock's wall need not be whole hours from UTC (docs/vendor.md#passcodes).
pub(crate) fn whole_hours(order: &GrantOrder, wall_ahead_ms: i64) -> Result<Validity, LockError> {
    let (from, until) = (order.window.from().timestamp_millis(), order.window.until().timestamp_millis());
    let past = |at: i64| past_hour(at, wall_ahead_ms);
    let up = |at: i64| at.saturating_add((HOUR_MS - past(at)) % HOUR_MS);
    let bounds = instant(Loose(up(from))).zip(instant(Loose(until.saturating_sub(past(until)))));
    bounds.and_then(|(from, until)| Validity::new(from, until).ok()).ok_or_else(|| {
        let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::WindowTooShort);
        LockError::new(code, reason, RetryAdvice::Never, "the window holds no whole hour of the lock's wall")
    })
}

/// As much of whole hours as a passcode of the vendor's choice can be good for: from the first of them, or, where one from there would be
/// dead by now, from the hour of the wall that is running.
pub(crate) fn alive(window: Validity, wall_ahead_ms: i64, now: Timestamp) -> Result<Validity, LockError> {
    let no =
        |reason, message| Err(LockError::new(ErrorCode::KeyIssueFailed, reason, RetryAdvice::Never, message));
    if window.until().signed_duration_since(window.from()) > TimeDelta::days(LONGEST_RANDOM_DAYS) {
        let message = "a passcode of the vendor's choice is for a year at most";
        return no(FailureReason::KindNotSupported, message);
    }
    if dies_unused(window) > now {
        return Ok(window);
    }
    let now = now.timestamp_millis();
    let running = instant(Loose(now.saturating_sub(past_hour(now, wall_ahead_ms))));
    match running.and_then(|from| Validity::new(from, window.until()).ok()) {
        Some(rest) => Ok(rest),
        None => no(FailureReason::WindowTooShort, "no whole hour of the lock's wall is left"),
    }
}

/// How far into an hour of the lock's wall this is.
fn past_hour(at_ms: i64, wall_ahead_ms: i64) -> i64 {
    at_ms.saturating_add(wall_ahead_ms.rem_euclid(HOUR_MS)).rem_euclid(HOUR_MS)
}

#[cfg(test)]
mod tests {
    use lockport::credential::KeyCredentialKind;
    use lockport::driver::Relation;

    use super::*;

    fn order(from: &str, until: &str) -> GrantOrder {
        GrantOrder {
            grant: "grt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
            credential: "key_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
            kind: KeyCredentialKind::PinCode,
            doors: vec!["lck_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap()],
            window: Validity::new(from.parse().unwrap(), until.parse().unwrap()).unwrap(),
            blocked: false,
            artifact: None,
            serial: 1,
            marker: "m1".to_owned(),
            relation: Relation::Override,
            at: None,
            already: false,
        }
    }

    #[test]
    fn whole_hours_are_those_of_the_locks_own_wall_and_never_more_than_was_asked() {
        let minutes = |minutes: i64| minutes * 60_000;
        for (ahead, from, until, want) in [
            (0, "14:00", "20:00", Some(("14:00", "20:00"))),
            (minutes(8 * 60), "14:00", "20:00", Some(("14:00", "20:00"))),
            // 19:30 in Delhi is no whole hour; 20:00 there is.
            (minutes(330), "14:00", "20:00", Some(("14:30", "19:30"))),
            (minutes(-210), "14:00", "20:00", Some(("14:30", "19:30"))),
            (minutes(345), "14:00", "20:00", Some(("14:15", "19:15"))),
            (minutes(330), "14:00", "15:00", None),
        ] {
            let at = |time: &str| format!("2026-05-01T{time}:00Z");
            let got = whole_hours(&order(&at(from), &at(until)), ahead).ok();
            let Some((from, until)) = want else {
                assert_eq!(got, None, "{ahead}");
                continue;
            };
            let want = Validity::new(at(from).parse().unwrap(), at(until).parse().unwrap()).unwrap();
            assert_eq!(got, Some(want), "{ahead}");
        }
    }

    #[test]
    fn a_passcode_of_the_vendors_choice_begins_where_it_can_still_be_used() {
        let begin = "2026-05-01T14:00:00Z";
        let check = |until, now: &str| {
            let window = order(begin, until).window;
            let alive = alive(window, 330 * 60_000, now.parse().unwrap());
            alive.map(|window| window.from()).map_err(|error| error.reason())
        };
        let at = |time: &str| Ok(time.parse().unwrap());
        let week = "2026-05-08T10:00:00Z";
        assert_eq!(check(week, "2026-05-02T13:59:59Z"), at(begin));
        // On a wall that is half an hour off.
        assert_eq!(check(week, "2026-05-02T14:00:00Z"), at("2026-05-02T13:30:00Z"));
        assert_eq!(check(week, "2026-05-04T09:29:59Z"), at("2026-05-04T08:30:00Z"));
        assert_eq!(check("2026-05-01T20:00:00Z", "2026-05-01T19:59:59Z"), at(begin));
        assert_eq!(check(week, "2026-05-08T10:30:00Z"), Err(FailureReason::WindowTooShort));
        assert_eq!(check("2027-05-01T14:00:00Z", "2026-05-01T14:00:00Z"), at(begin));
        assert_eq!(
            check("2027-05-01T15:00:00Z", "2026-05-01T14:00:00Z"),
            Err(FailureReason::KindNotSupported)
        );
    }
}
