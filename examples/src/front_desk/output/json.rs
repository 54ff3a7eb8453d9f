//! One JSON object a line, for programs.

use std::io::{self, Write};

use lockport::Timestamp;
use lockport::event::Envelope;
use serde_json::{Value, json};

use super::{Answer, Output, Summary, Tried};
use crate::front_desk::day::Line;

/// Writes one JSON object a line.
#[derive(Debug)]
pub struct Json<W> {
    to: W,
}

impl<W: Write> Json<W> {
    /// Writes there.
    pub const fn new(to: W) -> Self {
        Self { to }
    }

    fn write(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.to, "{value}")?;
        // A reader at the other end of a pipe follows the day as it goes.
        self.to.flush()
    }
}

impl<W: Write> Output for Json<W> {
    fn answer(&mut self, line: &Line, answer: &Answer) -> io::Result<()> {
        let number = line.number;
        self.write(&match answer {
            Answer::Taken => json!({ "line": number, "ok": true }),
            Answer::Refused(refusal) => {
                let refused = json!({ "code": refusal.code.name(), "message": refusal.message });
                json!({ "line": number, "refused": refused })
            }
            Answer::Tried(Tried { opened: true, why, .. }) => {
                json!({ "line": number, "opened": true, "why": why })
            }
            Answer::Tried(Tried { why, task, .. }) => {
                json!({ "line": number, "opened": false, "why": why, "task": task })
            }
        })
    }

    fn event(&mut self, event: &Envelope) -> io::Result<()> {
        self.write(&json!({ "event": event }))
    }

    fn came_back(&mut self, _at: Timestamp) -> io::Result<()> {
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.write(&json!({ "summary": {
            "tries": summary.tries,
            "opened": summary.opened,
            "refusedLines": summary.refused_lines,
            "issued": summary.issued,
            "revoked": summary.revoked,
            "openTasks": summary.open_tasks,
            "wrong": summary.wrong,
        }}))
    }
}
