//! `DAY.jsonl`: every line becomes a step, or a refusal that says why it is none. Nothing here has an effect.

mod bus;
mod line;

use std::num::NonZeroU64;

use chrono::DateTime;
use lockport::error::ErrorCode;
use lockport::id::{ReservationId, UserId};
use lockport::{LockError, Timestamp};

pub use self::bus::{Booked, Change, Ending, Heard, News};
use super::hotel::Hotel;

/// A line that holds something, with its number in the file.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted from 1, blank lines included.
    pub number: usize,
    /// What stands there.
    pub content: Result<Moment, Refusal>,
}

/// Something that happens at an instant.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
}

/// What can happen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// The bus delivers an event.
    Event(Box<Heard>),
    /// Somebody tries a door with everything he was handed so far.
    Try(Try),
    /// A guest stands at the desk.
    Arrive(ReservationId),
    /// The desk does something about a reservation.
    ByHand {
        /// The reservation.
        reservation: ReservationId,
        /// Who does it.
        operator: UserId,
        /// What.
        deed: Deed,
    },
    /// A vendor answers nothing.
    Outage {
        /// Which, by the hotel's name for it.
        vendor: String,
        /// Until when.
        until: Timestamp,
    },
    /// The process behind the desk dies and comes back on its store.
    Restart(Restart),
}

/// What the desk does about a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The guest's keys are lost; he gets others.
    Lost,
    /// The guest may open again.
    Unsuspend,
}

/// When the process behind the desk dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Here.
    Now,
    /// As the vendors have answered so many calls from here on, and before the last answer is kept. Takes the place of an earlier
    /// restart that has not come yet.
    AfterCalls(NonZeroU64),
}

/// Somebody at a door.
#[derive(Clone, Debug)]
pub struct Try {
    /// The door, which the hotel has.
    pub door: String,
    /// Who stands before it.
    pub who: Who,
    /// What it should do, if the file says so.
    pub expect: Option<bool>,
}

/// Who tries a door.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Who {
    /// The guest of a reservation.
    Guest(ReservationId),
    /// A member of staff.
    Staff(UserId),
    /// Whoever found that guest's lost keys.
    Finder(ReservationId),
    /// A name that is none of these: a stranger with empty hands.
    Stranger(String),
}

impl Who {
    fn read(text: &str) -> Self {
        let finder = text.strip_prefix("lost:").and_then(|id| id.parse().ok()).map(Self::Finder);
        let guest = || text.parse().ok().map(Self::Guest);
        let staff = || text.parse().ok().map(Self::Staff);
        finder.or_else(guest).or_else(staff).unwrap_or_else(|| Self::Stranger(text.to_owned()))
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guest(id) => id.fmt(f),
            Self::Staff(id) => id.fmt(f),
            Self::Finder(id) => write!(f, "lost:{id}"),
            Self::Stranger(name) => f.write_str(name),
        }
    }
}

/// A line that is not played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, coarsely.
    pub code: ErrorCode,
    /// Why, in one line for people.
    pub message: String,
}

impl Refusal {
    fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: super::printable(message) }
    }

    fn invalid(message: impl AsRef<str>) -> Self {
        Self::new(ErrorCode::InvalidInput, message.as_ref())
    }
}

impl From<&LockError> for Refusal {
    fn from(error: &LockError) -> Self {
        Self::new(error.code(), error.message())
    }
}

/// Reads a whole file. A line that goes back behind the last one that was not refused is refused itself.
#[must_use]
pub fn read(hotel: &Hotel, file: &[u8]) -> Vec<Line> {
    let mut now = None;
    let mut lines = Vec::new();
    let file = file.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(file);
    for (index, bytes) in file.split(|byte| *byte == b'\n').enumerate() {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let content = line::read(hotel, bytes).and_then(|moment| match now {
            Some(now) if moment.at < now => Err(Refusal::invalid(format!(
                "the line goes back in time: it is {} already",
                now.format("%FT%TZ")
            ))),
            _ => Ok(moment),
        });
        if let Ok(moment) = &content {
            now = Some(moment.at);
        }
        lines.push(Line { number: index.saturating_add(1), content });
    }
    lines
}

/// An instant as the `at` of a line is written: in UTC and on a whole second.
fn instant(text: &str) -> Result<Timestamp, Refusal> {
    let unreadable = || Refusal::invalid("'at' is no instant in UTC on a whole second");
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| unreadable())?;
    // A leap second counts as a fraction here: no other clock of a day knows one.
    if at.offset().local_minus_utc() != 0 || at.timestamp_subsec_nanos() != 0 {
        return Err(unreadable());
    }
    Ok(at.to_utc())
}
