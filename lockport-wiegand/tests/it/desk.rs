//! A simulated encoder and this crate's end of its cable. Time stands still until somebody waits, so nothing sleeps.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use lockport::env::{ByteLink, Clock, Env, LinkError, ReportLink, SeededEntropy, Sleep};
use lockport::{Secret, Timestamp};
use lockport_sim_encoder::{Card, Encoder, Gone, Model, Settings, SimClock, VirtualPort};
use lockport_wiegand::encoder::{CardReader, Timer};

/// The simulation's time, as the core wants to be told it.
#[derive(Clone, Debug)]
pub(crate) struct Watch(pub(crate) SimClock);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_nanos(i64::try_from(self.0.now().as_nanos()).unwrap())
    }
}

#[async_trait]
impl Sleep for Watch {
    async fn sleep(&self, duration: Duration) {
        self.0.advance(duration);
    }
}

/// An encoder with cards on it.
pub(crate) struct Desk {
    pub(crate) encoder: Encoder,
    pub(crate) clock: SimClock,
    line: Arc<Line>,
}

/// What goes wrong on the way besides the simulator's own faults.
#[derive(Debug, Default)]
struct Line {
    stalled: AtomicBool,
    lost: Mutex<Vec<u8>>,
    echoes: AtomicBool,
    echoed: Mutex<Vec<u8>>,
}

impl Desk {
    pub(crate) fn new(model: Model, cards: &[&Card]) -> Self {
        Self::with(model, Settings::default(), cards)
    }

    pub(crate) fn with(model: Model, settings: Settings, cards: &[&Card]) -> Self {
        let encoder = Encoder::with_settings(model, settings);
        cards.iter().for_each(|card| encoder.put(card));
        Self { encoder, clock: SimClock::new(), line: Arc::default() }
    }

    pub(crate) fn timer(&self) -> Timer {
        let watch = Arc::new(Watch(self.clock.clone()));
        Timer::of(&Env { clock: watch.clone(), sleep: watch, entropy: Arc::new(SeededEntropy::new(0)) })
    }

    /// The cable, opened.
    pub(crate) fn cable(&self) -> Box<Cable> {
        let port = VirtualPort::new(self.encoder.open().unwrap(), self.clock.clone());
        Box::new(Cable { port, line: Arc::clone(&self.line) })
    }

    /// From now on a read does not return, until `flows`.
    pub(crate) fn stalls(&self) {
        self.line.stalled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn flows(&self) {
        self.line.stalled.store(false, Ordering::SeqCst);
    }

    /// The next input that begins with these bytes comes without them.
    pub(crate) fn loses(&self, bytes: &[u8]) {
        *self.line.lost.lock().unwrap() = bytes.to_vec();
    }

    /// From now on the line gives back what is sent on it.
    pub(crate) fn echoes(&self) {
        self.line.echoes.store(true, Ordering::SeqCst);
    }

    /// How much virtual time a call takes, and its answer.
    pub(crate) fn timed<T>(&self, call: impl Future<Output = T>) -> (Duration, T) {
        let start = self.clock.now();
        let answer = now(call);
        (self.clock.now() - start, answer)
    }
}

/// The answer of a call that has nothing real to wait for.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("the call waits for something")
}

#[derive(Debug)]
pub(crate) struct Cable {
    port: VirtualPort,
    line: Arc<Line>,
}

impl Cable {
    fn send(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        if self.line.echoes.load(Ordering::SeqCst) {
            // EXPOSE: back to where it came from.
            self.line.echoed.lock().unwrap().extend_from_slice(bytes.expose());
        }
        // EXPOSE: onto the simulated line.
        self.port.write(bytes.expose()).map_err(|Gone| LinkError::Gone)
    }

    async fn receive(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        if self.line.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let echoed = std::mem::take(&mut *self.line.echoed.lock().unwrap());
        if !echoed.is_empty() {
            return Ok(Secret::new(echoed));
        }
        let mut bytes = self.port.read(timeout).map_err(|Gone| LinkError::Gone)?;
        let mut lost = self.line.lost.lock().unwrap();
        if !lost.is_empty() && bytes.starts_with(&lost) {
            bytes.drain(..lost.len());
            lost.clear();
            if bytes.is_empty() {
                bytes = self.port.read(timeout).map_err(|Gone| LinkError::Gone)?;
            }
        }
        if bytes.is_empty() { Err(LinkError::TimedOut) } else { Ok(Secret::new(bytes)) }
    }
}

#[async_trait]
impl ByteLink for Cable {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(bytes)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout).await
    }
}

#[async_trait]
impl ReportLink for Cable {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(report)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout).await
    }
}

impl Cable {
    /// A message to a PC/SC service, and what it answers; `None` where no card is there.
    async fn message(
        &self,
        bytes: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        // The answer to a call that was given up is nobody's.
        while self.receive(Duration::ZERO).await.is_ok() {}
        self.send(bytes)?;
        let answer = self.receive(timeout).await?;
        let is_there = *answer.expose() != [0x00];
        Ok(is_there.then_some(answer))
    }
}

#[async_trait]
impl CardReader for Cable {
    fn name(&self) -> &str {
        "Simulated Reader 01"
    }

    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        self.send(&Secret::new(vec![0x00]))?;
        let atr = self.message(&Secret::new(vec![0x04]), timeout).await?;
        Ok(atr.map(|atr| atr.expose().clone()))
    }

    async fn transmit(
        &self,
        apdu: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        self.message(apdu, timeout).await
    }
}
