//! The same encoder on virtual time: what the driver itself leaves unused of line and card, whatever the machine is busy with.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::env::{ByteLink, Clock, Env, LinkError, SeededEntropy, Sleep};
use lockport::{Secret, Timestamp};
use lockport_sim_encoder::{Gone, OpenError, SimClock, VirtualPort};
use lockport_wiegand::encoder::{Encoder, Pn532, Timer};
use lockport_wiegand::{EncoderBus, EncoderModel, Plugged};

use crate::Trouble;
use crate::desk::Paced;

/// 2026-03-02 12:34:56 UTC.
const BEGIN: i64 = 1_772_454_896;

/// The line's time, which is the only one. Whoever waits moves it.
#[derive(Clone, Debug)]
pub struct Watch {
    begin: Timestamp,
    line: SimClock,
}

impl Watch {
    /// At the beginning.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new() -> Result<Self, Trouble> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or("no such time")?;
        Ok(Self { begin, line: SimClock::new() })
    }

    /// How much time has passed, in microseconds.
    #[must_use]
    pub fn micros(&self) -> f64 {
        self.line.now().as_secs_f64() * 1e6
    }

    /// The environment of a host that lives by it.
    #[must_use]
    pub fn env(&self) -> Env {
        let own = Arc::new(self.clone());
        Env { clock: own.clone(), sleep: own, entropy: Arc::new(SeededEntropy::new(1)) }
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        let gone = TimeDelta::from_std(self.line.now()).unwrap_or(TimeDelta::MAX);
        self.begin.checked_add_signed(gone).unwrap_or(Timestamp::MAX_UTC)
    }
}

#[async_trait]
impl Sleep for Watch {
    async fn sleep(&self, duration: Duration) {
        self.line.advance(duration);
    }
}

/// A bus with this one encoder on it.
#[derive(Debug)]
pub struct StillBus {
    /// The encoder.
    pub sim: Paced,
    /// Its time.
    pub watch: Watch,
}

#[async_trait]
impl EncoderBus for StillBus {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        Ok(vec![Plugged { port: "the desk's port".to_owned(), usb: None }])
    }

    async fn open(
        &self,
        _: &Plugged,
        _: EncoderModel,
        _: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        let port = self.sim.0.open().map_err(|error| match error {
            OpenError::Busy => LinkError::Busy,
            _ => LinkError::Gone,
        })?;
        let line = Line(VirtualPort::new(port, self.watch.line.clone()));
        Ok(Box::new(Pn532::new(Box::new(line), Timer::of(&self.watch.env()))))
    }
}

#[derive(Debug)]
struct Line(VirtualPort);

#[async_trait]
impl ByteLink for Line {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        // EXPOSE: onto the simulated line.
        self.0.write(bytes.expose()).map_err(|Gone| LinkError::Gone)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let bytes = self.0.read(timeout).map_err(|Gone| LinkError::Gone)?;
        if bytes.is_empty() { Err(LinkError::TimedOut) } else { Ok(Secret::new(bytes)) }
    }
}
