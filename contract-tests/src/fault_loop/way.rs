//! The ways in which one call can fail.

use std::fmt;
use std::str::FromStr;

/// What kind of call a point is: each can fail in ways of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A look into the store.
    Read,
    /// A commit.
    Commit,
    /// A look at the vendor.
    Look,
    /// A call that changes something at the vendor.
    Effect,
    /// One that gives something, and may be refused.
    Grant,
}

/// How one call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// The call never left, and whoever made it knows that.
    NotSent,
    /// No answer, and nothing was done.
    LostBefore,
    /// No answer, and it was done.
    LostAfter,
    /// The store is away for this commit and all its repeats; nothing is written.
    AwayBefore,
    /// The commit is written; the store is away when it is asked again.
    AwayAfter,
    /// No answer in time, and the call takes effect as late as this vendor's calls ever do.
    Late,
    /// The whole operation is dropped while the call waits; nothing was done.
    DroppedBefore(Then),
    /// The whole operation is dropped while the call waits; it was done.
    DroppedAfter(Then),
    /// The whole operation is dropped while the call waits, and the call takes effect late.
    DroppedLate(Then),
    /// The vendor says no, for good, and nothing was done.
    Refused,
}

/// What becomes of the process whose operation was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Then {
    /// It lives on: only the future was dropped.
    LivesOn,
    /// It is gone; the next one has another name and opens the same store.
    Reborn,
    /// As `Reborn`, and the next one carries on whatever is open before anybody asks.
    Swept,
}

impl Call {
    pub(crate) const fn has_effect(self) -> bool {
        matches!(self, Self::Effect | Self::Grant)
    }
}

impl Way {
    /// Every way in which an answer can be missing, the mild ones first.
    pub const ALL: [Self; 15] = [
        Self::NotSent,
        Self::LostBefore,
        Self::LostAfter,
        Self::AwayBefore,
        Self::AwayAfter,
        Self::Late,
        Self::DroppedBefore(Then::LivesOn),
        Self::DroppedBefore(Then::Reborn),
        Self::DroppedBefore(Then::Swept),
        Self::DroppedAfter(Then::LivesOn),
        Self::DroppedAfter(Then::Reborn),
        Self::DroppedAfter(Then::Swept),
        Self::DroppedLate(Then::LivesOn),
        Self::DroppedLate(Then::Reborn),
        Self::DroppedLate(Then::Swept),
    ];

    /// Whether a call of this kind can fail so. A look has no effect, so that before and after are one.
    pub(crate) fn fits(self, call: Call, calls_land_late: bool) -> bool {
        match self {
            Self::LostBefore | Self::DroppedBefore(_) => true,
            Self::LostAfter | Self::DroppedAfter(_) => call == Call::Commit || call.has_effect(),
            Self::AwayBefore | Self::AwayAfter => call == Call::Commit,
            Self::Late | Self::DroppedLate(_) => call.has_effect() && calls_land_late,
            Self::NotSent => call.has_effect(),
            Self::Refused => call == Call::Grant,
        }
    }

    /// What becomes of the process, where the operation is dropped.
    pub(crate) const fn drops(self) -> Option<Then> {
        match self {
            Self::DroppedBefore(then) | Self::DroppedAfter(then) | Self::DroppedLate(then) => Some(then),
            _ => None,
        }
    }

    /// The word for it: `dropped-after-reborn`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LostBefore => "lost-before",
            Self::LostAfter => "lost-after",
            Self::AwayBefore => "away-before",
            Self::AwayAfter => "away-after",
            Self::Late => "late",
            Self::NotSent => "not-sent",
            Self::Refused => "refused",
            Self::DroppedBefore(Then::LivesOn) => "dropped-before",
            Self::DroppedBefore(Then::Reborn) => "dropped-before-reborn",
            Self::DroppedBefore(Then::Swept) => "dropped-before-swept",
            Self::DroppedAfter(Then::LivesOn) => "dropped-after",
            Self::DroppedAfter(Then::Reborn) => "dropped-after-reborn",
            Self::DroppedAfter(Then::Swept) => "dropped-after-swept",
            Self::DroppedLate(Then::LivesOn) => "dropped-late",
            Self::DroppedLate(Then::Reborn) => "dropped-late-reborn",
            Self::DroppedLate(Then::Swept) => "dropped-late-swept",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWay;

impl fmt::Display for UnknownWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no way of failing has that name")
    }
}

impl std::error::Error for UnknownWay {}

impl FromStr for Way {
    type Err = UnknownWay;
    fn from_str(text: &str) -> Result<Self, UnknownWay> {
        Self::ALL.into_iter().chain([Self::Refused]).find(|way| way.as_str() == text).ok_or(UnknownWay)
    }
}

/// One failure on order: the call of this number fails in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Which call, counted from one.
    pub point: usize,
    /// How it fails.
    pub way: Way,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.point, self.way)
    }
}
