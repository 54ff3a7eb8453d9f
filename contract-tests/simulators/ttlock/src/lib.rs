//! A strict simulator of TTLock's cloud and of the locks behind it.
//!
//! It is written from the vendor's wire description alone and shares nothing with the adapter it
//! judges. It has two faces: the HTTP face, which speaks the vendor's paths, fields and error codes on a
//! loopback port, and the doors, which answer the only question that counts in the end: does the lock open?
//!
//! ```no_run
//! # async fn example() -> Result<(), lockport_sim_ttlock::StartError> {
//! use lockport_sim_ttlock::{Presented, SimClock, TtlockSim, md5_hex};
//!
//! let clock = SimClock::new(1_777_000_000_000);
//! let sim = TtlockSim::builder(clock.clone())
//!     .seed(7)
//!     .application("0123456789abcdef0123456789abcdef", "secret")
//!     .account("hotel", &md5_hex("hotel password"))
//!     .lock("204", None)
//!     .start()
//!     .await?;
//! let guest = Presented::EKey { username: "abcd_guest".into(), password: "guest password".into() };
//! assert!(!sim.door("204").try_open(&guest, clock.now_ms()).opened);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing reads the system clock and nothing is random: time comes from [`SimClock`], ids and tokens from a
//! seeded generator, so a run can be repeated to the byte.

mod account;
pub mod alone;
mod bench;
mod builder;
mod callback;
mod card;
mod clock;
mod core;
mod describe;
mod device;
mod digits;
mod door;
mod ekey;
mod errcode;
mod fault;
mod gate;
mod gateway;
mod http;
mod limits;
mod line;
mod lock;
mod logbook;
mod memory;
mod paging;
mod passcode;
mod prng;
mod probe;
mod quota;
mod radio;
mod random;
mod reach;
mod record;
mod remote;
mod route;
mod schedule;
mod secrets;
mod sim;
mod state;
mod wake;
mod window;
mod wire;

pub use account::md5_hex;
pub use builder::{Builder, StartError};
pub use callback::{Delivery, OnTheWay};
pub use clock::SimClock;
pub use digits::Digits;
pub use door::{Door, Presented, Verdict, WifiState};
pub use ekey::EKeyStatus;
pub use fault::{Fault, Faults, Hold, OnCall, What};
pub use probe::{Answered, CloudCard, CloudPasscode, LiveEKey, LockCard, LockPasscode, Seen};
pub use quota::Throttle;
pub use radio::Feature;
pub use sim::TtlockSim;
pub use wire::Typing;
