//! Cases are data: an id, a requirement, what they need, and the function that judges.

use futures_util::future::BoxFuture;
use lockport::LockError;

use crate::bench::BenchError;
use crate::trial::Trial;

/// One requirement and how it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `AREA-NNN`; never given to another case.
    pub id: &'static str,
    /// What every adapter keeps, in one sentence.
    pub requirement: &'static str,
    /// Where the platform asks for it.
    pub spec: &'static str,
    /// Without what it cannot be judged.
    pub needs: &'static [Need],
    /// Judges it on a fresh bench.
    pub(crate) judge: for<'a> fn(&'a Trial) -> BoxFuture<'a, CaseResult>,
}

/// What a case needs beside a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The kind can be suspended; where it cannot, the refusal is judged.
    Suspend,
    /// The adapter knows areas; where it does not, the refusal is judged.
    Areas,
    /// Faults can be ordered.
    Faults,
    /// Batteries, lines and clocks on the vendor's side can be set.
    Locks,
    /// The port was built over a driver: what is behind it can be seen.
    Backstage,
    /// The kind is written on what its holder brings; where it is not, that nobody has to come is judged.
    Card,
    /// One key can be for several doors; where it cannot, the refusal is judged.
    Doors,
    /// A key can be taken back before its end; where it cannot, it is judged that this is said and that the key opens until then.
    Revoke,
}

impl Need {
    /// The word for it in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Areas => "areas",
            Self::Faults => "faults",
            Self::Locks => "locks",
            Self::Backstage => "backstage",
            Self::Card => "card",
            Self::Doors => "doors",
            Self::Revoke => "revoke",
        }
    }
}

/// How a case ends that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The adapter did not keep the requirement.
    Failed(String),
    /// The bench could not play the case: nothing is known about the adapter.
    NotRun(String),
}

/// What a case returns.
pub(crate) type CaseResult<T = ()> = Result<T, Stop>;

/// A call that the case counts on failed.
impl From<LockError> for Stop {
    fn from(error: LockError) -> Self {
        Self::Failed(format!("the port answered {error:?}"))
    }
}

impl From<BenchError> for Stop {
    fn from(error: BenchError) -> Self {
        Self::NotRun(error.to_string())
    }
}

/// Fails the case with this message unless the condition holds.
macro_rules! check {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::case::Stop::Failed(format!($($message)+)));
        }
    };
}
pub(crate) use check;
