//! A bar that shows how much of the day is over, for somebody who looks at a terminal.

use std::io;

use indicatif::{ProgressBar, ProgressStyle};
use lockport::Timestamp;
use lockport::event::Envelope;

use super::{Answer, Output, Summary};
use crate::front_desk::day::Line;

/// Tells what another output tells, and shows on standard error how far the day is.
#[derive(Debug)]
pub struct Progress<O> {
    inner: O,
    bar: ProgressBar,
}

impl<O: Output> Progress<O> {
    /// Over a day of so many lines.
    pub fn new(inner: O, lines: usize) -> Self {
        let bar = ProgressBar::new(u64::try_from(lines).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} lines");
        Self { inner, bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())) }
    }
}

impl<O: Output> Output for Progress<O> {
    fn answer(&mut self, line: &Line, answer: &Answer) -> io::Result<()> {
        self.bar.inc(1);
        self.bar.suspend(|| self.inner.answer(line, answer))
    }

    fn event(&mut self, event: &Envelope) -> io::Result<()> {
        self.bar.suspend(|| self.inner.event(event))
    }

    fn came_back(&mut self, at: Timestamp) -> io::Result<()> {
        self.bar.suspend(|| self.inner.came_back(at))
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.inner.summary(summary)
    }
}
