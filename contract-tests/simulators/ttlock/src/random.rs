//! Passcodes the vendor chooses: no lock stores them, lock and cloud share a generator (VENDOR: section 5.1).
//!
//! The shared generator is played by a table per lock: what the cloud hands out, the lock can work out.

use crate::errcode::Errcode;
use crate::limits::{HOUR_MS, ONE_TIME_FIRST_USE_MS, RANDOM_FIRST_USE_MS, RANDOM_PERIOD_MAX_MS};
use crate::memory::Judged;
use crate::schedule::Schedule;
use crate::window::{Place, Window};

/// VENDOR: section 5.1, `keyboardPwdType` of random passcodes (version 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    OneTime,
    Permanent,
    Period,
    /// Clears every other passcode when it is typed.
    DeleteAll,
    /// Weekdays 1 to 7 from this list, in the hours of the two dates.
    Weekly(&'static [i64]),
}

const WEEKLY: [&[i64]; 10] =
    [&[6, 7], &[1, 2, 3, 4, 5, 6, 7], &[1, 2, 3, 4, 5], &[1], &[2], &[3], &[4], &[5], &[6], &[7]];

impl Kind {
    pub(crate) fn of(code: i64) -> Result<Self, Errcode> {
        match code {
            1 => Ok(Self::OneTime),
            2 => Ok(Self::Permanent),
            3 => Ok(Self::Period),
            4 => Ok(Self::DeleteAll),
            _ => usize::try_from(code - 5)
                .ok()
                .and_then(|index| WEEKLY.get(index))
                .map(|days| Self::Weekly(days))
                .ok_or(Errcode::INVALID_PARAMETER),
        }
    }

    /// Whether the end of the window means something.
    pub(crate) fn has_end(self) -> bool {
        matches!(self, Self::Period | Self::Weekly(_))
    }
}

/// A random passcode as the lock works it out, and what the lock remembers of it.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    pub(crate) kind: Kind,
    /// On the lock's wall, in whole hours.
    window: Window,
    schedule: Option<Schedule>,
    pub(crate) is_used: bool,
    /// A one-time code after its use.
    is_spent: bool,
}

impl Random {
    /// `window` is on the lock's wall; its minutes are dropped.
    pub(crate) fn new(kind: Kind, window: Window) -> Result<Self, Errcode> {
        let hour = |ms: i64| ms - ms.rem_euclid(HOUR_MS);
        let mut window = Window { start_ms: hour(window.start_ms), end_ms: hour(window.end_ms) };
        if !kind.has_end() {
            window.end_ms = 0;
        } else if window.start_ms >= window.end_ms
            || window.end_ms.saturating_sub(window.start_ms) > RANDOM_PERIOD_MAX_MS
        {
            return Err(Errcode::INVALID_PARAMETER);
        }
        let schedule = match kind {
            Kind::Weekly(days) => Some(Schedule::of_hours(days, window.start_ms, window.end_ms)?),
            _ => None,
        };
        Ok(Self { kind, window, schedule, is_used: false, is_spent: false })
    }

    /// The window in whole hours, on the lock's wall.
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// What a used code turns into when its window or digits are changed: an entry of the lock's memory.
    pub(crate) fn into_stored(self) -> (Window, Option<Schedule>) {
        let window = match self.kind {
            Kind::Period => self.window,
            _ => Window { start_ms: 0, end_ms: 0 },
        };
        (window, self.schedule)
    }

    /// Judges a try at a time on the lock's wall and remembers it.
    pub(crate) fn judge(&mut self, wall_ms: i64) -> Judged {
        let since_start = wall_ms.saturating_sub(self.window.start_ms);
        if since_start < 0 {
            return Judged::TooEarly;
        }
        let dies_unused = match self.kind {
            Kind::OneTime => since_start >= ONE_TIME_FIRST_USE_MS,
            Kind::Permanent | Kind::Period | Kind::DeleteAll => since_start >= RANDOM_FIRST_USE_MS,
            Kind::Weekly(_) => false,
        };
        if self.is_spent || (dies_unused && !self.is_used) {
            return Judged::Expired;
        }
        if self.kind == Kind::Period && self.window.place(wall_ms) == Place::After {
            return Judged::Expired;
        }
        if self.schedule.as_ref().is_some_and(|schedule| !schedule.holds(wall_ms)) {
            return Judged::OffHours;
        }
        self.is_used = true;
        self.is_spent = self.kind == Kind::OneTime;
        if self.kind == Kind::DeleteAll { Judged::Erases } else { Judged::Opens }
    }
}
