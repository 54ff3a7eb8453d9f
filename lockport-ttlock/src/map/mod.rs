//! Between the core's words and the vendor's: pure functions.

pub(crate) mod card;
pub(crate) mod ekey;
pub(crate) mod lock;
pub(crate) mod passcode;
pub(crate) mod record;

use std::iter::once;

use chrono::DateTime;
use lockport::credential::Proof;
use lockport::driver::{Found, GrantOrder, Granted, Held};
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{FailureReason, LockError, Secret, Timestamp, Validity};
use md5::{Digest as _, Md5};
use zeroize::Zeroize as _;

use crate::wire::Loose;

/// Where something of ours is at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    /// The lock, where the vendor wants it beside the number.
    pub(crate) lock: Option<i64>,
    /// The vendor's number of it.
    pub(crate) id: i64,
    /// Whose it is, where it is an eKey.
    pub(crate) holder: ekey::Holder,
}

/// What stands behind the number of an eKey that is not of the guest's first account.
const OF_ANOTHER: char = '+';

impl Handle {
    /// Of what a lock keeps.
    pub(crate) fn in_lock(lock: i64, id: i64) -> Self {
        Self { lock: Some(lock), id, holder: ekey::Holder::First }
    }

    /// Of an eKey.
    pub(crate) fn of_key(id: i64, holder: ekey::Holder) -> Self {
        Self { lock: None, id, holder }
    }

    /// As the core keeps it.
    pub(crate) fn reference(self) -> Secret {
        Secret::new(match (self.lock, self.holder) {
            (Some(lock), _) => format!("{lock}:{}", self.id),
            (None, ekey::Holder::First) => self.id.to_string(),
            (None, ekey::Holder::Another) => format!("{}{OF_ANOTHER}", self.id),
        })
    }

    /// What is in a reference.
    pub(crate) fn of(reference: &Secret) -> Option<Self> {
        // EXPOSE: read back into the numbers it was made from.
        let text = reference.expose();
        if let Some((lock, id)) = text.split_once(':') {
            return Some(Self::in_lock(lock.parse().ok()?, id.parse().ok()?));
        }
        match text.strip_suffix(OF_ANOTHER) {
            Some(id) => Some(Self::of_key(id.parse().ok()?, ekey::Holder::Another)),
            None => Some(Self::of_key(text.parse().ok()?, ekey::Holder::First)),
        }
    }
}

/// Something at a lock that bears a marker of ours.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) handle: Handle,
    /// Whether it is as the order says.
    pub(crate) is_target: bool,
    /// What opens with it, where the order does not say.
    pub(crate) artifact: Option<Secret>,
    /// When it does, where that may be less than the order says.
    pub(crate) window: Option<Validity>,
}

/// What a look at a list of the vendor's found.
// VENDOR: what the cloud lists need not be in the lock (docs/vendor.md#passcodes), so a look proves no more than the cloud's word.
pub(crate) fn found(
    listed: Result<Vec<Listed>, LockError>,
    granted: impl Fn(&Listed) -> Granted,
) -> Result<Found, LockError> {
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) if error.reason() == FailureReason::MalformedAnswer => return Ok(Found::CannotTell),
        Err(error) => return Err(error),
    };
    if listed.is_empty() {
        return Ok(Found::Absent);
    }
    if !listed.iter().all(|one| one.is_target) {
        return Ok(Found::Otherwise);
    }
    Ok(Found::Present(listed.iter().map(granted).collect()))
}

/// What the core gets back about something at this handle.
pub(crate) fn granted(handle: Handle, artifact: Option<Secret>, window: Validity, proof: Proof) -> Granted {
    Granted {
        reference: Some(handle.reference()),
        artifact,
        effective: window,
        proof: Some(proof),
        dies_unless_used_by: None,
        warnings: Vec::new(),
    }
}

/// 32 lower-case letters and digits that depend on these parts only.
pub(crate) fn name_from(domain: &str, parts: &[&[u8]]) -> String {
    hex(&KeyCredentialId::derived(domain, parts).to_bytes())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The form in which the vendor takes a password.
pub(crate) fn md5_hex(password: &Secret) -> Secret {
    // EXPOSE: hashed here; the digest is as good as the password and stays a secret.
    let mut digest = Md5::digest(password.expose().as_bytes());
    let text = Secret::new(hex(&digest));
    digest.as_mut_slice().zeroize();
    text
}

/// `startDate` and `endDate`.
// VENDOR: 0 and 0 mean for ever, an end of 1 means once (docs/vendor.md#ekeys); neither may come out of a window. One that
// began before 1970 begins a millisecond after it, where no lock ever was.
pub(crate) fn window_ms(window: Validity) -> Result<(i64, i64), LockError> {
    let (from, until) = (window.from().timestamp_millis(), window.until().timestamp_millis());
    if until <= 1 {
        return Err(LockError::invalid_input("a window ends after 1970"));
    }
    Ok((from.max(1), until))
}

/// What `held` may be called at the vendor.
pub(crate) fn markers(held: &Held) -> Vec<&str> {
    let mut markers: Vec<&str> =
        once(&held.order).chain(&held.maybe).map(|order| order.marker.as_str()).collect();
    markers.sort_unstable();
    markers.dedup();
    markers
}

/// What something is called that the cloud lists and no lock has confirmed yet.
pub(crate) fn unseen(marker: &str) -> String {
    format!("{marker}UNSEEN")
}

/// The one door of an order.
pub(crate) fn door(order: &GrantOrder) -> Result<LockDeviceId, LockError> {
    match order.doors.as_slice() {
        [door] => Ok(*door),
        _ => Err(LockError::invalid_input("a key of this vendor is for exactly one door")),
    }
}

/// An instant on the wire.
pub(crate) fn instant(millis: Loose) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(millis.0)
}

/// Whether a 0 or 1 says yes.
pub(crate) fn is_yes(flag: Option<Loose>) -> bool {
    flag.is_some_and(|flag| flag.0 != 0)
}

/// When something was over, if that was by then. An end of 0 is for ever, one of 1 is once.
pub(crate) fn over(end: Option<Loose>, by: Timestamp) -> Option<i64> {
    end.map(|end| end.0).filter(|end| (2..=by.timestamp_millis()).contains(end))
}

/// Whether two dates on the wire are those of a window.
pub(crate) fn is_window(dates: (Option<Loose>, Option<Loose>), window: Validity) -> bool {
    let (Some(from), Some(until)) = dates else { return false };
    window_ms(window).is_ok_and(|window| window == (from.0, until.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, until: &str) -> Validity {
        Validity::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    }

    const SHORT: &str = "2026-05-03T10:00:00Z";

    #[test]
    fn a_window_is_whole_milliseconds_and_never_one_of_the_vendors_special_ones() {
        let dates = window_ms(window("2026-05-01T14:00:00Z", SHORT)).unwrap();
        assert_eq!(dates, (1_777_644_000_000, 1_777_802_400_000));
        // For ever and once are no windows: what began before there were locks begins a millisecond after that.
        for from in ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(window_ms(window(from, SHORT)).unwrap(), (1, dates.1));
        }
        assert!(window_ms(window("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z")).is_err());
    }

    /// RFC 1321, appendix A.5.
    #[test]
    fn a_password_goes_out_as_32_lower_case_hex_digits() {
        for (text, want) in
            [("", "d41d8cd98f00b204e9800998ecf8427e"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0")]
        {
            assert_eq!(md5_hex(&Secret::new(text.to_owned())).expose(), want);
        }
    }

    #[test]
    fn a_reference_is_read_as_it_was_written() {
        let id = 9_007_199_254_740_993;
        for handle in [
            Handle::of_key(id, ekey::Holder::First),
            Handle::of_key(id, ekey::Holder::Another),
            Handle::in_lock(7, id),
            Handle::in_lock(9_007_199_254_740_995, id),
        ] {
            assert_eq!(Handle::of(&handle.reference()), Some(handle));
        }
        for bad in ["", "x", "+", "7++", "7:", ":7", "7:x", "7:1+", "1:2:3"] {
            assert_eq!(Handle::of(&Secret::new(bad.to_owned())), None, "{bad}");
        }
    }
}
