//! A simulated encoder and this crate's end of its cable. Time stands still until somebody waits, so nothing sleeps.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};
use lockport_sim_cable::{Between, LineTime, SimBus};
use lockport_sim_encoder::{Card, Encoder, Fault, Model, On, Settings, Step, What};
use lockport_wiegand::encoder::{
    CardReader, Encoder as Driver, EncoderError, Family, KeyName, SectorKey, Target, Timer,
};

pub(crate) const UID: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
pub(crate) const BLOCK: [u8; 16] = *b"0123456789abcdef";
pub(crate) const TIMED_OUT: EncoderError = EncoderError::Link(LinkError::TimedOut);
pub(crate) const GONE: EncoderError = EncoderError::Link(LinkError::Gone);

/// The key of a card as it is delivered.
pub(crate) fn delivery() -> SectorKey {
    Secret::new([0xFF; 6])
}

/// An encoder with cards on it.
pub(crate) struct Desk {
    pub(crate) encoder: Encoder,
    pub(crate) time: LineTime,
    bus: SimBus,
    line: Arc<Line>,
}

/// What goes wrong on the way besides the simulator's own faults.
#[derive(Debug, Default)]
struct Line {
    stalled: AtomicBool,
    lost: Mutex<Vec<u8>>,
    /// In pieces of how many bytes what was sent comes back; 0 where it does not.
    echoes: AtomicUsize,
    echoed: Mutex<Vec<u8>>,
}

impl Desk {
    pub(crate) fn new(model: Model, cards: &[&Card]) -> Self {
        Self::with(model, Settings::default(), cards)
    }

    pub(crate) fn with(model: Model, settings: Settings, cards: &[&Card]) -> Self {
        let encoder = Encoder::with_settings(model, settings);
        cards.iter().for_each(|card| encoder.put(card));
        let (time, line) = (LineTime::apart(), Arc::new(Line::default()));
        let bus = SimBus::new(encoder.clone(), time.clone()).with_between(Arc::new(OnLine(line.clone())));
        Self { encoder, time, bus, line }
    }

    pub(crate) fn timer(&self) -> Timer {
        Timer::of(&self.time.env(0))
    }

    /// The cable, opened.
    pub(crate) fn serial(&self) -> Box<dyn ByteLink> {
        self.bus.serial().unwrap()
    }

    pub(crate) fn hid(&self) -> Box<dyn ReportLink> {
        self.bus.hid().unwrap()
    }

    pub(crate) fn reader(&self) -> Box<dyn CardReader> {
        self.bus.reader().unwrap()
    }

    /// The reader, as a service has it under this name.
    pub(crate) fn reader_called(&self, name: &str) -> Box<dyn CardReader> {
        self.bus.clone().with_reader(name).reader().unwrap()
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

    /// From now on the line gives back what is sent on it, in pieces of so many bytes.
    pub(crate) fn echoes_in_pieces_of(&self, bytes: usize) {
        self.line.echoes.store(bytes, Ordering::SeqCst);
    }

    /// How much virtual time a call takes, and its answer.
    pub(crate) fn timed<T>(&self, call: impl Future<Output = T>) -> (Duration, T) {
        let start = self.time.now();
        let answer = now(call);
        (self.time.now() - start, answer)
    }
}

/// The answer of a call that has nothing real to wait for.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("the call waits for something")
}

/// Lists the one card that lies there and opens the sector of block 9.
pub(crate) fn opened(encoder: &mut dyn Driver) -> Target {
    let target = now(encoder.list()).unwrap().remove(0);
    now(encoder.authenticate(&target, 8, KeyName::A, &delivery())).unwrap();
    target
}

/// Stands before a driver's end of the cable.
#[derive(Debug)]
struct OnLine(Arc<Line>);

impl Between for OnLine {
    fn bytes(&self, cable: Box<dyn ByteLink>) -> Box<dyn ByteLink> {
        Box::new(Disturbed { cable, line: Arc::clone(&self.0) })
    }

    /// Nothing of this happens on USB.
    fn reports(&self, cable: Box<dyn ReportLink>) -> Box<dyn ReportLink> {
        cable
    }
}

#[derive(Debug)]
struct Disturbed {
    cable: Box<dyn ByteLink>,
    line: Arc<Line>,
}

#[async_trait]
impl ByteLink for Disturbed {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        if self.line.echoes.load(Ordering::SeqCst) > 0 {
            // EXPOSE: back to where it came from.
            self.line.echoed.lock().unwrap().extend_from_slice(bytes.expose());
        }
        self.cable.write(bytes).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        if self.line.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let piece = self.line.echoes.load(Ordering::SeqCst);
        let echoed: Vec<u8> = {
            let mut echoed = self.line.echoed.lock().unwrap();
            let most = piece.min(echoed.len());
            echoed.drain(..most).collect()
        };
        if !echoed.is_empty() {
            return Ok(Secret::new(echoed));
        }
        let bytes = self.cable.read(timeout).await?;
        let lost = std::mem::take(&mut *self.line.lost.lock().unwrap());
        match bytes.expose().strip_prefix(&*lost) {
            Some([]) => self.cable.read(timeout).await,
            Some(rest) => Ok(Secret::new(rest.to_vec())),
            None => {
                *self.line.lost.lock().unwrap() = lost;
                Ok(bytes)
            }
        }
    }
}

/// One fault in a read or a write of an encoder that is started so.
pub(crate) struct Trouble<'a> {
    pub(crate) model: Model,
    pub(crate) started: fn(&Desk) -> Box<dyn Driver>,
    /// The longest that a call may take.
    pub(crate) longest: Duration,
    pub(crate) what: &'a What,
}

impl Trouble<'_> {
    /// How the call ends, how often its command reached the encoder; always in time, and afterwards the encoder can be used as before.
    pub(crate) fn in_a(&self, step: Step) -> (Result<(), EncoderError>, usize) {
        let Self { model, started, longest, what } = self;
        let card = Card::classic_1k(UID);
        card.set_block(9, [9; 16]);
        let desk = Desk::new(*model, &[&card]);
        let mut encoder = started(&desk);
        let target = opened(&mut *encoder);
        let before = desk.encoder.count(step);
        desk.encoder.fault(Fault::next(step, (*what).clone()));
        let (took, ended) = if step == Step::Write {
            desk.timed(encoder.write_block(&target, 9, &Secret::new(BLOCK)))
        } else {
            desk.timed(async { encoder.read(&target, 9).await.map(drop) })
        };
        assert!(took <= *longest, "{step:?}, {what:?}: {took:?}");
        assert!(step != Step::Write || ended.is_err() || card.block(9) == Some(BLOCK), "{what:?}");
        let sent = desk.encoder.count(step) - before;
        if desk.encoder.is_plugged() && !matches!(what, What::Stick) {
            opened(&mut *encoder);
        }
        (ended, sent)
    }
}

/// A command is sent again because its answer is late, and both answers come: the second is no answer to the next command.
pub(crate) fn hears_no_late_answer(model: Model, started: fn(&Desk) -> Box<dyn Driver>) {
    let card = Card::classic_1k(UID);
    card.set_block(8, [8; 16]);
    card.set_block(9, [9; 16]);
    let desk = Desk::new(model, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut *encoder);
    let what = What::Delay(Duration::from_millis(550));
    desk.encoder.fault(Fault { on: On::Step(Step::Read), skip: 0, times: 2, what });
    assert_eq!(*now(encoder.read(&target, 8)).unwrap().expose(), [8; 16]);
    desk.time.wait_until(desk.time.now() + Duration::from_secs(2));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), [9; 16]);
}

/// A card is found, a block of it written and read.
pub(crate) fn writes_and_reads(encoder: &mut dyn Driver, card: &Card) -> Target {
    let target = opened(encoder);
    assert_eq!((target.uid.bytes(), target.family), (&card.uid()[..], Family::Classic1k));
    now(encoder.write_block(&target, 9, &Secret::new(BLOCK))).unwrap();
    assert_eq!(card.block(9), Some(BLOCK));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), BLOCK);
    target
}
