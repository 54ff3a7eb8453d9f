//! Time: UTC instants, and the window in which a credential opens.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// An instant in UTC.
pub type Timestamp = DateTime<Utc>;

/// A stay window, half-open: valid at `from`, no longer valid at `until`. Always UTC, whole seconds (R7).
///
/// ```
/// # use lockport::{Timestamp, Validity};
/// # let (from, until): (Timestamp, Timestamp) = ("2026-05-07T13:00:00Z".parse()?, "2026-05-09T09:00:00Z".parse()?);
/// assert!(Validity::new(from, until)?.contains(from));
/// assert!(Validity::new(until, from).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There is no way around `new`: a window that ends before it begins cannot be written down.
/// ```compile_fail,E0451
/// # use lockport::{Timestamp, Validity};
/// # let (from, until): (Timestamp, Timestamp) = ("2026-05-07T13:00:00Z".parse()?, "2026-05-09T09:00:00Z".parse()?);
/// Validity { from: until, until: from };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Validity {
    from: Timestamp,
    until: Timestamp,
}

/// Two instants that are no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValidity {
    /// The end is not after the beginning.
    #[error("the window ends before it begins")]
    EmptyOrBackward,
    /// A bound is not on a whole second.
    #[error("a bound of the window is not on a whole second")]
    FractionOfASecond,
}

#[derive(Serialize, Deserialize)]
struct Bounds {
    from: Timestamp,
    until: Timestamp,
}

impl TryFrom<Bounds> for Validity {
    type Error = InvalidValidity;
    fn try_from(bounds: Bounds) -> Result<Self, InvalidValidity> {
        Self::new(bounds.from, bounds.until)
    }
}

impl From<Validity> for Bounds {
    fn from(validity: Validity) -> Self {
        Self { from: validity.from, until: validity.until }
    }
}

impl Validity {
    /// The window from `from` (included) to `until` (excluded).
    ///
    /// # Errors
    /// [`InvalidValidity`] when `until <= from` or a bound has a fraction of a second.
    pub fn new(from: Timestamp, until: Timestamp) -> Result<Self, InvalidValidity> {
        // A leap second counts as a fraction: chrono keeps it in the nanoseconds.
        if from.timestamp_subsec_nanos() != 0 || until.timestamp_subsec_nanos() != 0 {
            return Err(InvalidValidity::FractionOfASecond);
        }
        if until <= from {
            return Err(InvalidValidity::EmptyOrBackward);
        }
        Ok(Self { from, until })
    }

    /// The first instant inside.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// The first instant after.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether the window holds `at`.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether every instant of `other` is inside this window.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    /// Whether both windows share an instant. Windows that only touch do not.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.until && other.from < self.until
    }

    /// Whether the window is over at `now`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }

    /// The widest window on whole multiples of `grain` that lies inside this one: a lock that only knows minutes or hours is
    /// given less, never more. `None` when nothing is left.
    #[must_use]
    pub fn narrowed_to(&self, grain: TimeDelta) -> Option<Self> {
        let grain = grain.num_seconds().max(1);
        let from = self.from.timestamp();
        let early = from.rem_euclid(grain);
        let from = if early == 0 { from } else { from.checked_add(grain.checked_sub(early)?)? };
        let until = self.until.timestamp();
        let until = until.checked_sub(until.rem_euclid(grain))?;
        Self::new(DateTime::from_timestamp(from, 0)?, DateTime::from_timestamp(until, 0)?).ok()
    }
}

impl std::fmt::Debug for Validity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {})", self.from.format("%FT%TZ"), self.until.format("%FT%TZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_window_is_half_open_and_never_backward() {
        let window = Validity::new(at(10), at(20)).unwrap();
        assert!(
            window.contains(at(10))
                && window.contains(at(19))
                && !window.contains(at(20))
                && !window.contains(at(9))
        );
        assert_eq!(Validity::new(at(10), at(10)), Err(InvalidValidity::EmptyOrBackward));
        assert_eq!(Validity::new(at(10), at(9)), Err(InvalidValidity::EmptyOrBackward));
        let half = at(10) + TimeDelta::milliseconds(500);
        assert_eq!(Validity::new(half, at(20)), Err(InvalidValidity::FractionOfASecond));
        let leap: Timestamp = "2026-05-14T05:59:60Z".parse().unwrap();
        assert_eq!(Validity::new(at(10), leap), Err(InvalidValidity::FractionOfASecond));
        assert!(
            serde_json::from_str::<Validity>(
                r#"{"from":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}"#
            )
            .is_err()
        );
    }

    #[test]
    fn touching_windows_do_not_overlap() {
        let one = Validity::new(at(10), at(20)).unwrap();
        assert!(!one.overlaps(&Validity::new(at(20), at(30)).unwrap()));
        assert!(one.overlaps(&Validity::new(at(19), at(30)).unwrap()));
    }

    #[test]
    fn a_coarse_grain_narrows_and_never_widens() {
        let minute = TimeDelta::seconds(60);
        let narrowed = Validity::new(at(61), at(239)).unwrap().narrowed_to(minute).unwrap();
        assert_eq!((narrowed.from(), narrowed.until()), (at(120), at(180)));
        assert_eq!(Validity::new(at(61), at(119)).unwrap().narrowed_to(minute), None);
        let exact = Validity::new(at(60), at(120)).unwrap();
        assert_eq!(exact.narrowed_to(minute), Some(exact));
    }
}
