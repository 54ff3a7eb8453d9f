//! A byte stream over a HID device (section 6.2 of the page on encoders).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};

use super::Timer;
use crate::codec::bridge::{content, reports};

/// The stream that a bridge carries. Once it has said what no bridge says, it is gone until it is opened again.
pub(super) struct Bridge {
    link: Box<dyn ReportLink>,
    timer: Timer,
    is_broken: AtomicBool,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Bridge {
    pub(super) fn new(link: Box<dyn ReportLink>, timer: Timer) -> Self {
        Self { link, timer, is_broken: AtomicBool::new(false) }
    }

    fn check(&self) -> Result<(), LinkError> {
        if self.is_broken.load(Ordering::SeqCst) { Err(LinkError::Gone) } else { Ok(()) }
    }
}

#[async_trait]
impl ByteLink for Bridge {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.check()?;
        // EXPOSE: into reports, each a secret again.
        for report in reports(bytes.expose()) {
            self.link.write(&report).await?;
        }
        Ok(())
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.check()?;
        let mut deadline = self.timer.deadline(timeout);
        let mut left = timeout;
        loop {
            let report = self.link.read(left).await?;
            // EXPOSE: its bytes of the stream are a secret again.
            match content(report.expose()) {
                Some([]) => {}
                Some(bytes) => return Ok(Secret::new(bytes.to_vec())),
                None => {
                    self.is_broken.store(true, Ordering::SeqCst);
                    return Err(LinkError::Gone);
                }
            }
            left = self.timer.left(&mut deadline).ok_or(LinkError::TimedOut)?;
        }
    }
}
