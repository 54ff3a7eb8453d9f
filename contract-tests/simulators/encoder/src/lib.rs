#![doc = include_str!("../README.md")]

mod card;
mod clock;
mod core;
mod desk;
mod door;
mod encoder;
mod face;
mod fault;
mod field;
mod line;
mod port;
mod serve;

pub use card::{AccessBits, Card, CardKind, ImageError, KeySlot, Leaves, Tally, Tear, Then};
pub use clock::SimClock;
pub use desk::Seen;
pub use door::{Area, Door, Panel, Place, Property, SectorKeys, SerialHabit, Verdict};
pub use encoder::{Encoder, Model, Settings};
pub use fault::{Fault, On, Step, What};
pub use port::{Cable, Gone, OpenError, Port, VirtualPort};
#[cfg(all(target_os = "linux", feature = "fuse"))]
pub use serve::serve_hidraw;
#[cfg(unix)]
pub use serve::serve_pty;
pub use serve::{EncoderArgs, RunError, run_encoder};
