//! The validity of a credential (VENDOR: section 4, validity conventions; sections 5 and 6).

use crate::errcode::Errcode;

/// A window as it stands in the vendor's two date fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// Where an instant lies relative to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Inside,
    After,
}

impl Window {
    /// Refuses windows that no lock accepts.
    pub(crate) fn new(start_ms: i64, end_ms: i64) -> Result<Self, Errcode> {
        let window = Self { start_ms, end_ms };
        let negative = start_ms < 0 || end_ms < 0;
        let empty = !window.is_permanent() && !window.is_one_time() && start_ms >= end_ms;
        if negative || empty { Err(Errcode::INVALID_PARAMETER) } else { Ok(window) }
    }

    /// A window of passcodes and moved cards: two real dates in order.
    pub(crate) fn period(start_ms: i64, end_ms: i64) -> Result<Self, Errcode> {
        if 0 < start_ms && start_ms < end_ms {
            Ok(Self { start_ms, end_ms })
        } else {
            Err(Errcode::INVALID_PARAMETER)
        }
    }

    /// The window of a new card: a period, or permanent.
    pub(crate) fn of_card(start_ms: i64, end_ms: i64) -> Result<Self, Errcode> {
        let permanent = Self { start_ms, end_ms };
        if permanent.is_permanent() { Ok(permanent) } else { Self::period(start_ms, end_ms) }
    }

    /// VENDOR: section 4, both dates 0.
    pub(crate) fn is_permanent(self) -> bool {
        self.start_ms == 0 && self.end_ms == 0
    }

    /// VENDOR: section 4, `endDate` 1.
    pub(crate) fn is_one_time(self) -> bool {
        self.end_ms == 1
    }

    /// Half open: the start belongs to the window, the end does not.
    pub(crate) fn place(self, at_ms: i64) -> Place {
        if self.is_permanent() {
            Place::Inside
        } else if at_ms < self.start_ms {
            Place::Before
        } else if self.is_one_time() || at_ms < self.end_ms {
            Place::Inside
        } else {
            Place::After
        }
    }

    /// The last instant the window reaches to, for comparing it with the sender's own.
    pub(crate) fn reach_ms(self) -> i64 {
        if self.is_permanent() {
            i64::MAX
        } else if self.is_one_time() {
            self.start_ms
        } else {
            self.end_ms
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Window};

    #[test]
    fn only_windows_a_lock_accepts_are_made() {
        for (start, end, good) in [
            (0, 0, true),
            (5_000, 1, true),
            (0, 1, true),
            (0, 9, true),
            (10, 11, true),
            (10, 10, false),
            (11, 10, false),
            (10, 0, false),
            (-1, 5, false),
            (-5, -1, false),
        ] {
            assert_eq!(Window::new(start, end).is_ok(), good, "{start}..{end}");
        }
    }

    #[test]
    fn the_end_is_outside() {
        let window = Window { start_ms: 100, end_ms: 200 };
        let places = [99, 100, 199, 200].map(|at| window.place(at));
        assert_eq!(places, [Place::Before, Place::Inside, Place::Inside, Place::After]);
    }
}
