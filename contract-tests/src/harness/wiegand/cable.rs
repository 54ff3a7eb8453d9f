//! The cable between the driver and a simulated encoder: on the clock of the bench, which moves when somebody waits for the line.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::Secret;
use lockport::env::{ByteLink, Entropy, Env, LinkError, ManualClock, ReportLink, SeededEntropy, Sleep};
use lockport_sim_encoder::{Cable as _, Encoder as SimEncoder, Gone, OpenError, Port, SimClock};
use lockport_wiegand::encoder::{CardReader, Encoder, Pcsc, Pn532, Rrhfoem04, StrongLink, Timer};
use lockport_wiegand::{EncoderBus, EncoderModel, Plugged, UsbIdentity};

use super::records::{Record, records_on};

/// Waiting at the bench moves its clock, and the line's time.
#[derive(Debug)]
struct Waiting(Arc<ManualClock>, SimClock);

#[async_trait]
impl Sleep for Waiting {
    async fn sleep(&self, duration: Duration) {
        self.0.advance(TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX));
        self.1.advance(duration);
    }
}

/// The environment of a driver on this clock.
pub(super) fn env(clock: &Arc<ManualClock>, line: &SimClock, seed: u64) -> Env {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    Env { clock: clock.clone(), sleep: Arc::new(Waiting(Arc::clone(clock), line.clone())), entropy }
}

/// What is to go wrong, beside the simulator's own faults; and what was seen to be written.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The cable comes out before the next command.
    pub(super) never_sent: bool,
    /// The cable comes out when the next change of a card is done, and nobody hears of it.
    pub(super) cut_when_done: bool,
    /// What the cards said when that was ordered.
    before: Option<BTreeSet<(Vec<u8>, Record)>>,
    /// Every record that ever was whole on a card.
    pub(super) made: BTreeSet<(Vec<u8>, Record)>,
    /// The writes after which that was looked at.
    writes: u32,
}

/// The one encoder of a bench, on its bus.
pub(super) struct Bus {
    pub(super) encoder: SimEncoder,
    /// The time on the line.
    pub(super) line: SimClock,
    pub(super) clock: Arc<ManualClock>,
    pub(super) watch: Arc<Mutex<Watch>>,
    pub(super) usb: Arc<Mutex<UsbIdentity>>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("encoder", &self.encoder).finish_non_exhaustive()
    }
}

/// Where the encoder is plugged in.
const PORT: &str = "the desk's port";

#[async_trait]
impl EncoderBus for Bus {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        let usb = self.usb.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let one = Plugged { port: PORT.to_owned(), usb: Some(usb) };
        Ok(self.encoder.is_plugged().then_some(one).into_iter().collect())
    }

    async fn open(
        &self,
        _: &Plugged,
        model: EncoderModel,
        _: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        let port = self.encoder.open().map_err(|error| match error {
            OpenError::Busy => LinkError::Busy,
            _ => LinkError::Gone,
        })?;
        let cable = Cable {
            port,
            encoder: self.encoder.clone(),
            line: self.line.clone(),
            clock: Arc::clone(&self.clock),
            watch: Arc::clone(&self.watch),
        };
        let timer = Timer::of(&env(&self.clock, &self.line, 0));
        let cable = Box::new(cable);
        Ok(match model {
            EncoderModel::Pn532Serial => Box::new(Pn532::new(cable, timer)),
            EncoderModel::Pn532Hid => Box::new(Pn532::behind_bridge(cable, timer)),
            EncoderModel::Stronglink => Box::new(StrongLink::new(cable, timer)),
            EncoderModel::Rrhfoem04 => Box::new(Rrhfoem04::new(cable, timer)),
            EncoderModel::Pcsc => Box::new(Pcsc::new(cable)),
            _ => return Err(LinkError::Denied),
        })
    }
}

#[derive(Debug)]
struct Cable {
    port: Port,
    encoder: SimEncoder,
    line: SimClock,
    clock: Arc<ManualClock>,
    watch: Arc<Mutex<Watch>>,
}

impl Cable {
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the line's time to there, and the bench's clock by as much. The clock may be set back by a case; the line never is.
    fn wait_until(&self, then: Duration) {
        let wait = then.saturating_sub(self.line.now());
        self.line.advance_to(then);
        let micros = i64::try_from(wait.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX);
        self.clock.advance(TimeDelta::microseconds(micros));
    }

    fn content(&self) -> BTreeSet<(Vec<u8>, Record)> {
        let cards = self.encoder.cards();
        let on = |card: &lockport_sim_encoder::Card| {
            let uid = card.uid();
            records_on(card).into_iter().map(move |record| (uid.clone(), record)).collect::<Vec<_>>()
        };
        cards.iter().flat_map(on).collect()
    }

    fn before_sending(&self) -> Result<(), LinkError> {
        let mut watch = self.watch();
        if std::mem::take(&mut watch.never_sent) {
            self.encoder.unplug();
            return Err(LinkError::Gone);
        }
        if watch.cut_when_done && watch.before.is_none() {
            watch.before = Some(self.content());
        }
        Ok(())
    }

    /// After the encoder did something: what became of the cards, and whether that is where the cable comes out.
    fn after_answer(&self) -> Result<(), LinkError> {
        let mut watch = self.watch();
        let writes = self.encoder.cards().iter().map(|card| card.tally().writes).sum();
        if watch.writes == writes {
            return Ok(());
        }
        watch.writes = writes;
        let content = self.content();
        let is_done = watch.cut_when_done && watch.before.as_ref().is_some_and(|before| *before != content);
        watch.made.extend(content);
        if is_done {
            watch.cut_when_done = false;
            watch.before = None;
            self.encoder.unplug();
            return Err(LinkError::Gone);
        }
        Ok(())
    }

    fn send(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.before_sending()?;
        // EXPOSE: onto the simulated line.
        let done = self.port.write(self.line.now(), bytes.expose()).map_err(|Gone| LinkError::Gone)?;
        self.wait_until(done);
        Ok(())
    }

    fn receive(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let deadline = self.line.now().saturating_add(timeout);
        loop {
            let received = self.port.read(self.line.now()).map_err(|Gone| LinkError::Gone)?;
            if !received.is_empty() {
                self.after_answer()?;
                return Ok(Secret::new(received));
            }
            if self.line.now() >= deadline {
                return Err(LinkError::TimedOut);
            }
            self.wait_until(self.port.next_at().map_or(deadline, |next| next.min(deadline)));
        }
    }
}

#[async_trait]
impl ByteLink for Cable {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(bytes)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout)
    }
}

#[async_trait]
impl ReportLink for Cable {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.send(report)
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.receive(timeout)
    }
}

/// What a PC/SC service sends for the power to be taken away, and for the ATR; and what it hears where no card is there.
const POWER_OFF: u8 = 0x00;
const ATR: u8 = 0x04;
const NO_CARD: [u8; 1] = [0x00];

impl Cable {
    fn message(
        &self,
        bytes: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        // The answer to a call that was given up is nobody's.
        while self.receive(Duration::ZERO).is_ok() {}
        self.send(bytes)?;
        let answer = self.receive(timeout)?;
        // EXPOSE: whether it is an answer at all.
        let is_there = *answer.expose() != NO_CARD;
        Ok(is_there.then_some(answer))
    }
}

#[async_trait]
impl CardReader for Cable {
    fn name(&self) -> &str {
        "Simulated Reader 01"
    }

    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        self.send(&Secret::new(vec![POWER_OFF]))?;
        let atr = self.message(&Secret::new(vec![ATR]), timeout)?;
        // EXPOSE: of a simulated card.
        Ok(atr.map(|atr| atr.expose().clone()))
    }

    async fn transmit(
        &self,
        apdu: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        self.message(apdu, timeout)
    }
}
