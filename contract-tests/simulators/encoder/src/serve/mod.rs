//! An encoder in real time, for programs that open a device of the operating system.

#[cfg(all(target_os = "linux", feature = "fuse"))]
mod fuse;
#[cfg(unix)]
mod pty;
mod run;

#[cfg(all(target_os = "linux", feature = "fuse"))]
pub use fuse::serve_hidraw;
#[cfg(unix)]
pub use pty::serve_pty;
pub use run::{EncoderArgs, RunError, run_encoder};

#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
/// Real time since an encoder was started.
#[derive(Debug, Clone, Copy)]
struct RealTime(Instant);

#[cfg(unix)]
impl RealTime {
    #[allow(
        clippy::disallowed_methods,
        reason = "a program on the other side of a device lives in real time"
    )]
    fn start() -> Self {
        Self(Instant::now())
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a program on the other side of a device lives in real time"
    )]
    fn now(self) -> Duration {
        Instant::now().duration_since(self.0)
    }
}
