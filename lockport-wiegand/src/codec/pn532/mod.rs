//! The PN532 on a serial line: frames, commands and answers (section 4; NXP UM0701-02).

mod answer;
mod command;
mod frame;

pub use self::answer::{Firmware, Listed, targets};
pub use self::command::{CardCommand, Command, Field};
pub use self::frame::{ACK, Flaw, MAX_CONTENT, NACK, Parsed, Part, WAKE, frame, parse};
