//! The vendors that this build knows, on the loop's stand.

#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "ttlock")]
mod ttlock;
#[cfg(feature = "wiegand")]
mod wiegand;

#[cfg(feature = "mock")]
pub use self::mock::{MockRig, mock_rigs};
#[cfg(feature = "ttlock")]
pub use self::ttlock::{TtlockPoints, TtlockRig, ttlock_rigs};
#[cfg(feature = "wiegand")]
pub use self::wiegand::{WiegandPoints, WiegandRig, wiegand_rigs};
