//! The n-th failure loop: every call through the store and to the vendor has a number; the first fails, and the run goes on and
//! is judged; then the second; until every call has failed in every way it can.
//!
//! A call fails before its effect, after it, with an effect that comes late, or with the whole operation dropped: after which
//! the process lives on, or is gone and another stands on the same store. The host then does what hosts do: it repeats, as the
//! answers advise, or goes on with something else. At every stop somebody stands at every door, around every edge of every
//! window, with everything that was ever sent to the vendor or made by it:
//!
//! 1. no door opens that neither before nor after has open, and nobody is locked out of what both have;
//! 2. what succeeded is exactly as promised, by what the guest was handed; the vendor holds what it should, and not one more;
//! 3. only what cannot be asked for is declared unknown;
//! 4. the same key again gets the same answer and moves nothing;
//! 5. a last revoke leaves nothing at the vendor and nothing open, and no operation unfinished;
//! 6. where the ledger is a file, no artifact stands in it in the clear.
//!
//! A vendor team writes a [`Rig`]: how its stand-in is set up, and the driver made. [`play_all`] does the rest.

mod choke;
mod driver;
mod host;
mod http;
mod judge;
mod late;
mod model;
mod plan;
mod points;
mod report;
mod rig;
mod rigs;
mod ring;
mod run;
mod scenario;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod walk;
mod watch;
mod way;
mod world;

pub use self::choke::Choke;
pub use self::plan::{LoopPlan, NoSuchRun, Only, Ways, play_all, play_and_tell};
pub use self::report::{LoopReport, RedRun, Row};
pub use self::rig::{DriverSource, InMemory, Kept, Rig, Shelf, Stand};
#[cfg(feature = "mock")]
pub use self::rigs::{MockRig, mock_rigs};
#[cfg(feature = "ttlock")]
pub use self::rigs::{TtlockPoints, TtlockRig, ttlock_rigs};
#[cfg(feature = "sqlite")]
pub use self::sqlite::InFile;
pub use self::walk::{Manner, Step, Walk, walk};
pub use self::way::{Strike, Then, UnknownWay, Way};
