//! The cable with a point at every frame that is sent, and at every wait for an answer.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};

use super::points::{Points, hold};
use super::way::{Call, Way};

/// What is pulled at a point of a cable.
#[derive(Clone)]
#[non_exhaustive]
pub enum Pulled {
    /// The cable: one frame gets lost on it, or everything from there on.
    Cable,
    /// What lies on the device: this takes it away, and the device goes on talking.
    Card(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cable => "Cable",
            Self::Card(_) => "Card(..)",
        })
    }
}

/// A link whose n-th exchange fails. What is sent over a cable arrives now or never, and closing the port ends it: nothing is late.
#[derive(Debug)]
pub(crate) struct FaultyLink<L: ?Sized> {
    line: Line,
    cable: Box<L>,
}

#[derive(Debug)]
struct Line {
    points: Arc<Points>,
    pulled: Pulled,
    /// From here on nothing comes through, until the port is opened anew.
    is_out: AtomicBool,
}

impl<L: ?Sized> FaultyLink<L> {
    pub(crate) fn new(cable: Box<L>, points: Arc<Points>, pulled: Pulled) -> Self {
        Self { line: Line { points, pulled, is_out: AtomicBool::new(false) }, cable }
    }
}

impl Line {
    fn check(&self) -> Result<(), LinkError> {
        if self.is_out.load(Ordering::SeqCst) { Err(LinkError::Gone) } else { Ok(()) }
    }

    fn cut<T>(&self) -> Result<T, LinkError> {
        self.is_out.store(true, Ordering::SeqCst);
        Err(LinkError::Gone)
    }

    /// One frame. Lost before: this frame alone, or the card is gone when it arrives. Lost after: the device has it, and is not
    /// heard any more, or the card is gone when it was carried out.
    async fn send(&self, sent: impl Future<Output = Result<(), LinkError>> + Send) -> Result<(), LinkError> {
        self.check()?;
        let way = self.points.enter(Call::Effect, "link.write".to_owned());
        match (way, &self.pulled) {
            (None, _) => sent.await,
            (Some(Way::LostBefore), Pulled::Cable) => Ok(()),
            (Some(Way::LostBefore), Pulled::Card(take)) => {
                take();
                sent.await
            }
            (Some(Way::LostAfter), Pulled::Cable) => {
                sent.await?;
                self.cut()
            }
            (Some(Way::LostAfter), Pulled::Card(take)) => {
                let done = sent.await;
                take();
                done
            }
            (Some(Way::DroppedBefore(_)), _) => hold().await,
            (Some(Way::DroppedAfter(_)), _) => {
                sent.await?;
                hold().await
            }
            (Some(_), _) => self.cut(),
        }
    }

    /// One wait. Lost: what comes is not heard, or the card is gone while it comes.
    async fn hear(
        &self,
        heard: impl Future<Output = Result<Secret<Vec<u8>>, LinkError>> + Send,
    ) -> Result<Secret<Vec<u8>>, LinkError> {
        self.check()?;
        let way = self.points.enter(Call::Look, "link.read".to_owned());
        match (way, &self.pulled) {
            (None, _) => heard.await,
            (Some(Way::LostBefore), Pulled::Card(take)) => {
                take();
                heard.await
            }
            (Some(Way::LostBefore), Pulled::Cable) => heard.await.and(Err(LinkError::TimedOut)),
            (Some(_), _) => hold().await,
        }
    }
}

#[async_trait]
impl ByteLink for FaultyLink<dyn ByteLink> {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.line.send(self.cable.write(bytes)).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.line.hear(self.cable.read(timeout)).await
    }
}

#[async_trait]
impl ReportLink for FaultyLink<dyn ReportLink> {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.line.send(self.cable.write(report)).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.line.hear(self.cable.read(timeout)).await
    }
}
