//! Records: which of them tell that somebody tried a door, and what the lock said.

use lockport::Secret;
use lockport::driver::{AttemptOutcome, DenyReason, DoorAttempt, Shown, VendorEventId};
use lockport::id::LockDeviceId;

use super::{ekey, instant};
use crate::config::{CardOrder, TtlockLock};
use crate::wire::{Loose, RecordItem};

/// What the lock wrote down, in its own numbering.
// VENDOR: docs/vendor.md#records. The cloud's own numbering of the same is another one.
mod in_lock {
    /// Opened from outside by something that is shown or told to the lock: Bluetooth, passcode, the passcode that clears others,
    /// card, wristband, fingerprint, mechanical key, gateway, hotel card, key fob, QR code, face, authorised button of the app and of
    /// the gateway, palm, the administrator's passcode.
    pub(super) const OPENED: &[i64] = &[1, 4, 10, 17, 19, 20, 27, 28, 49, 55, 57, 67, 75, 76, 84, 92];
    /// Not any more, or not yet; the record does not say which: passcode, fingerprint, card, QR code, face, palm.
    pub(super) const OUT_OF_TIME: &[i64] = &[11, 22, 25, 58, 71, 88];
    /// Digits that the lock does not know.
    pub(super) const UNKNOWN: &[i64] = &[7];
    /// Passcode or card on the black list.
    pub(super) const BARRED: &[i64] = &[13, 51];
    /// Locked twice from inside: passcode, card, fingerprint, app, QR code, face, palm.
    pub(super) const BOLTED: &[i64] = &[38, 39, 40, 41, 62, 68, 85];
    /// Not taken, for reasons that are the lock's own: a passcode for which it has no room, a card that fails its chip's check, a
    /// card that it says no more about.
    pub(super) const REFUSED: &[i64] = &[12, 74, 91];
    /// Those of them that were about a card.
    pub(super) const CARDS: &[i64] = &[17, 25, 39, 51, 74, 91];
    /// Those that were about a part of somebody: fingerprint, face, palm. Their numbers are nothing that a desk has handed out.
    pub(super) const BODY: &[i64] = &[20, 22, 40, 67, 68, 71, 84, 85, 88];
    // Nobody can tell an attempt to open from 37, which is any button of the app: up, down, stop, lock. And 77 to 83 are the first half
    // of two: the lock waits for the second, of which there is a record of its own.
}

/// The same as far as the cloud's numbering has it, for records without the lock's.
mod in_cloud {
    /// App, passcode, card, fingerprint, wristband, mechanical key, gateway, hotel card, key fob, QR code.
    pub(super) const OPENS: &[i64] = &[1, 4, 7, 8, 9, 10, 12, 49, 55, 57];
    pub(super) const OUT_OF_TIME: &[i64] = &[58];
    pub(super) const BARRED: &[i64] = &[51];
    pub(super) const BOLTED: &[i64] = &[62];
    pub(super) const CARDS: &[i64] = &[7, 51];
    pub(super) const BODY: &[i64] = &[8];
}

/// What a record says of an attempt to open; `None` when it is about something else.
fn outcome(in_lock: Option<i64>, in_cloud: Option<i64>, success: bool) -> Option<AttemptOutcome> {
    let by_success =
        if success { AttemptOutcome::Granted } else { AttemptOutcome::Denied(DenyReason::Unsaid) };
    if let Some(number) = in_lock {
        let is = |all: &[i64]| all.contains(&number);
        return match () {
            () if is(in_lock::OPENED) => Some(by_success),
            () if is(in_lock::OUT_OF_TIME) => Some(AttemptOutcome::Denied(DenyReason::OutsideWindow)),
            () if is(in_lock::UNKNOWN) => Some(AttemptOutcome::Denied(DenyReason::UnknownKey)),
            () if is(in_lock::BARRED) => Some(AttemptOutcome::Denied(DenyReason::Blocked)),
            () if is(in_lock::BOLTED) => Some(AttemptOutcome::Denied(DenyReason::DoubleLocked)),
            () if is(in_lock::REFUSED) => Some(AttemptOutcome::Denied(DenyReason::Unsaid)),
            () => None,
        };
    }
    let number = in_cloud?;
    let is = |all: &[i64]| all.contains(&number);
    match () {
        () if is(in_cloud::OPENS) => Some(by_success),
        () if is(in_cloud::OUT_OF_TIME) => Some(AttemptOutcome::Denied(DenyReason::OutsideWindow)),
        () if is(in_cloud::BARRED) => Some(AttemptOutcome::Denied(DenyReason::Blocked)),
        () if is(in_cloud::BOLTED) => Some(AttemptOutcome::Denied(DenyReason::DoubleLocked)),
        () => None,
    }
}

/// What was held to the lock, as far as a record names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Card,
    Body,
    /// Digits, or a phone.
    Other,
}

fn sort(in_lock: Option<i64>, in_cloud: Option<i64>) -> Sort {
    let (number, cards, body) = match (in_lock, in_cloud) {
        (Some(number), _) => (number, in_lock::CARDS, in_lock::BODY),
        (None, Some(number)) => (number, in_cloud::CARDS, in_cloud::BODY),
        (None, None) => return Sort::Other,
    };
    match () {
        () if cards.contains(&number) => Sort::Card,
        () if body.contains(&number) => Sort::Body,
        () => Sort::Other,
    }
}

/// What was shown: the digits as they were typed, the card as the desk's reader would have read it, or the account of a phone.
fn shown(item: &RecordItem, sort: Sort, cards: Option<CardOrder>) -> Option<Shown> {
    let text = item.keyboard_pwd.as_deref().filter(|text| !text.is_empty());
    match text {
        _ if sort == Sort::Body => None,
        Some(number) if sort == Sort::Card => {
            let as_read = super::card::as_read(number, cards);
            Some(Shown::Artifact(Secret::new(as_read.unwrap_or_else(|| number.to_owned()))))
        }
        Some(digits) => Some(Shown::Artifact(Secret::new(digits.to_owned()))),
        None => {
            let account = item.username.as_deref().filter(|name| !name.is_empty())?;
            Some(Shown::Beginning(ekey::login_begins(account)))
        }
    }
}

/// The attempts among a lock's records, the oldest first.
pub(crate) fn attempts(
    items: &[RecordItem],
    device: LockDeviceId,
    lock: &TtlockLock,
    cards: Option<CardOrder>,
) -> Vec<DoorAttempt> {
    let attempt = |item: &RecordItem| {
        let number = |loose: Option<Loose>| loose.map(|loose| loose.0);
        let (in_lock, in_cloud) = (number(item.record_type_from_lock), number(item.record_type));
        let outcome = outcome(in_lock, in_cloud, super::is_yes(item.success))?;
        let told = DoorAttempt {
            event: VendorEventId::of(&format!("record-{}", item.record_id.0)),
            device,
            at: instant(item.lock_date)?,
            outcome,
            shown: shown(item, sort(in_lock, in_cloud), cards),
        };
        Some((item.record_id.0, told))
    };
    let own = items.iter().filter(|item| item.lock_id.is_none_or(|id| id.0 == lock.lock_id));
    let mut attempts: Vec<(i64, DoorAttempt)> = own.filter_map(attempt).collect();
    attempts.sort_by_key(|(record, attempt)| (attempt.at, *record));
    attempts.dedup_by_key(|(record, _)| *record);
    attempts.into_iter().map(|(_, attempt)| attempt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each number that the page names once, in either numbering, with what becomes of it.
    #[test]
    fn a_record_is_an_attempt_only_if_somebody_tried_to_open() {
        let granted = Some(AttemptOutcome::Granted);
        let denied = |why| Some(AttemptOutcome::Denied(why));
        for (number, success, want) in [
            (4, true, granted),
            (17, true, granted),
            (27, true, granted),
            (28, true, granted),
            (67, true, granted),
            (75, true, granted),
            (76, true, granted),
            (84, true, granted),
            (4, false, denied(DenyReason::Unsaid)),
            (7, false, denied(DenyReason::UnknownKey)),
            (11, false, denied(DenyReason::OutsideWindow)),
            (12, false, denied(DenyReason::Unsaid)),
            (25, false, denied(DenyReason::OutsideWindow)),
            (71, false, denied(DenyReason::OutsideWindow)),
            (88, false, denied(DenyReason::OutsideWindow)),
            (13, false, denied(DenyReason::Blocked)),
            (51, false, denied(DenyReason::Blocked)),
            (39, false, denied(DenyReason::DoubleLocked)),
            (62, false, denied(DenyReason::DoubleLocked)),
            (68, false, denied(DenyReason::DoubleLocked)),
            (85, false, denied(DenyReason::DoubleLocked)),
            (74, false, denied(DenyReason::Unsaid)),
            (91, false, denied(DenyReason::Unsaid)),
            // A button of the app, whichever; the first of two who are needed; faces and palms locked by, added, deleted and cleared.
            (37, true, None),
            (77, true, None),
            (83, true, None),
            (69, true, None),
            (70, true, None),
            (72, true, None),
            (73, true, None),
            (86, true, None),
            (87, true, None),
            (89, true, None),
            (90, true, None),
            // Changed, added, cleared, closed, from inside, by itself, tampered with: nobody tried to open.
            (5, true, None),
            (15, true, None),
            (16, true, None),
            (26, true, None),
            (30, true, None),
            (32, true, None),
            (44, false, None),
            (45, true, None),
            (9_999, true, None),
        ] {
            assert_eq!(outcome(Some(number), Some(4), success), want, "{number} in the lock's numbering");
        }
        for (number, success, want) in [
            (1, true, granted),
            (7, true, granted),
            (10, true, granted),
            (37, true, None),
            (4, false, denied(DenyReason::Unsaid)),
            (51, false, denied(DenyReason::Blocked)),
            (58, false, denied(DenyReason::OutsideWindow)),
            (62, false, denied(DenyReason::DoubleLocked)),
            (11, true, None),
            (45, true, None),
            (123, false, None),
        ] {
            assert_eq!(outcome(None, Some(number), success), want, "{number} in the cloud's numbering");
        }
        assert_eq!(outcome(None, None, true), None);
    }
}
