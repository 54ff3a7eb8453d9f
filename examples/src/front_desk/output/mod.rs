//! What happened, for people and for programs.

mod human;
mod json;
mod progress;

use std::io;

use lockport::Timestamp;
use lockport::event::Envelope;

pub use self::human::Human;
pub use self::json::Json;
pub use self::progress::Progress;
use super::day::{Line, Refusal};

/// What became of a line.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was taken.
    Taken,
    /// It was not, and had no effect.
    Refused(Refusal),
    /// Somebody tried a door.
    Tried(Tried),
}

/// What a door did.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Whether it opened.
    pub opened: bool,
    /// Why, or why not; no secret stands in it.
    pub why: String,
    /// The kind of an open desk task of the guest before a door that stayed shut.
    pub task: Option<String>,
    /// Whether the file expected something else.
    pub is_wrong: bool,
}

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Doors that were tried.
    pub tries: usize,
    /// Doors that opened.
    pub opened: usize,
    /// Lines that were refused.
    pub refused_lines: usize,
    /// Keys that were issued.
    pub issued: usize,
    /// Keys that were taken away.
    pub revoked: usize,
    /// What the desk has still to do.
    pub open_tasks: usize,
    /// Doors that did not do what the file expected.
    pub wrong: usize,
}

/// Where a day is told.
pub trait Output {
    /// What became of a line.
    ///
    /// # Errors
    /// When it cannot be written.
    fn answer(&mut self, line: &Line, answer: &Answer) -> io::Result<()>;

    /// An event that left for the bus.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Envelope) -> io::Result<()>;

    /// The process behind the desk died over a call and is back. Told to people; programs are answered as if nothing were.
    ///
    /// # Errors
    /// When it cannot be written.
    fn came_back(&mut self, at: Timestamp) -> io::Result<()>;

    /// The end of the day.
    ///
    /// # Errors
    /// When it cannot be written.
    fn summary(&mut self, summary: &Summary) -> io::Result<()>;
}
