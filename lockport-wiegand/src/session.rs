//! The encoders of a property while the driver runs: opened when they are needed, known again by what they said at the pairing,
//! one job at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{Either, select};
use futures_util::lock::{Mutex, MutexGuard};
use lockport::credential::Warning;
use lockport::env::{Env, LinkError};
use lockport::id::LockDeviceId;
use lockport::keys::EncoderClose;
use lockport::{LockError, Operation};

use crate::bus::{EncoderBus, EncoderWatch, Plugged, UsbIdentity};
use crate::card::Trouble;
use crate::card::hand::{self, Hand};
use crate::card::keys::Keys;
use crate::config::WiegandEncoder;
use crate::encoder::{Encoder, EncoderError, Target};
use crate::error::{busy, not_paired, trouble};
use crate::limits::{QUEUE, WAITING};
use crate::pairing::shared_identity;

/// All encoders of a property.
pub(crate) struct Encoders {
    bus: Arc<dyn EncoderBus>,
    env: Env,
    watch: Option<Arc<dyn EncoderWatch>>,
    all: BTreeMap<LockDeviceId, Desk>,
}

/// One encoder. While a job has it, nothing is here: a job that is dropped in the middle leaves nobody in an unknown conversation.
struct Desk {
    paired: WiegandEncoder,
    open: Mutex<Option<Open>>,
    /// How many jobs wait for it.
    waiting: AtomicUsize,
}

/// An encoder that was opened. Whoever watches hears when it is closed, however that comes about.
struct Open {
    id: LockDeviceId,
    encoder: Box<dyn Encoder>,
    watch: Option<Arc<dyn EncoderWatch>>,
    why: EncoderClose,
}

impl Open {
    fn lost(mut self) {
        self.why = EncoderClose::Unplugged;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.closed(self.id, self.why);
        }
    }
}

/// A place in the queue before an encoder; it is free again when the wait is over, however it ends.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    /// The next place, unless the queue is full.
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let next = |waiting: usize| (waiting < WAITING).then_some(waiting.saturating_add(1));
        waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok().map(|_| Self(waiting))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Encoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoders").field("bus", &self.bus).finish_non_exhaustive()
    }
}

/// An encoder that one job has for itself.
pub(crate) struct Job<'a> {
    id: LockDeviceId,
    operation: Operation,
    env: &'a Env,
    paired: &'a WiegandEncoder,
    /// Before its place in the order of their ends: it is closed, and told so, before the next job opens it.
    open: Open,
    place: MutexGuard<'a, Option<Open>>,
    /// The one card that lay there when the job began.
    card: Option<Target>,
}

impl Encoders {
    pub(crate) fn new(
        bus: Arc<dyn EncoderBus>,
        env: Env,
        watch: Option<Arc<dyn EncoderWatch>>,
        paired: &BTreeMap<LockDeviceId, WiegandEncoder>,
    ) -> Self {
        let desk = |paired: &WiegandEncoder| Desk {
            paired: paired.clone(),
            open: Mutex::new(None),
            waiting: AtomicUsize::new(0),
        };
        Self { bus, env, watch, all: paired.iter().map(|(id, paired)| (*id, desk(paired))).collect() }
    }

    fn desk(&self, id: LockDeviceId) -> Result<&Desk, LockError> {
        self.all.get(&id).ok_or_else(|| not_paired(id, "the property has no such encoder"))
    }

    /// Which of the paired encoders are plugged in now. Nothing is said to them.
    pub(crate) async fn plugged(&self) -> Result<BTreeMap<LockDeviceId, bool>, LinkError> {
        let plugged = self.bus.list().await?;
        let is_there = |desk: &Desk| self.find(&plugged, &desk.paired).is_some();
        Ok(self.all.iter().map(|(id, desk)| (*id, is_there(desk))).collect())
    }

    /// Port names move: by USB serial number first, by port last (section 12). What is plugged in again may be called otherwise: where the
    /// property has one of its make, and one is here, that is it. Its firmware is asked for all the same.
    fn find<'p>(&self, plugged: &'p [Plugged], paired: &WiegandEncoder) -> Option<&'p Plugged> {
        let is_alike = |found: &&Plugged| found.usb == paired.usb;
        let mut alike = plugged.iter().filter(is_alike);
        if paired.usb.as_ref().is_some_and(UsbIdentity::is_unique) {
            return alike.next();
        }
        let there = plugged.iter().find(|found| found.port == paired.port);
        let of_its_make = self.all.values().filter(|desk| desk.paired.usb == paired.usb).count();
        if paired.usb.is_none() || there.as_ref().is_some_and(is_alike) || of_its_make > 1 {
            return there;
        }
        alike.next().filter(|_| alike.next().is_none()).or(there)
    }

    /// What a person should know of an encoder: one that USB does not tell from others is known by its port alone (section 12).
    pub(crate) fn warnings(&self, id: LockDeviceId) -> Vec<Warning> {
        let desk = self.all.get(&id);
        desk.and_then(|desk| shared_identity(desk.paired.usb.as_ref())).into_iter().collect()
    }

    /// Waits for the jobs before this one: so many at most, and no longer than a person would.
    async fn turn<'d>(&self, desk: &'d Desk) -> Option<MutexGuard<'d, Option<Open>>> {
        if let Some(place) = desk.open.try_lock() {
            return Some(place);
        }
        let _turn = Turn::take(&desk.waiting)?;
        match select(desk.open.lock(), self.env.sleep.sleep(QUEUE)).await {
            Either::Left((place, _)) => Some(place),
            Either::Right(((), _)) => None,
        }
    }

    /// The encoder, for one job, with the card that lies on it.
    pub(crate) async fn begin(&self, id: LockDeviceId, operation: Operation) -> Result<Job<'_>, LockError> {
        let desk = self.desk(id)?;
        let mut place = self.turn(desk).await.ok_or_else(|| busy(operation, id))?;
        let mut warm = place.take();
        loop {
            let is_warm = warm.is_some();
            let mut open = match warm.take() {
                Some(open) => open,
                None => self.connect(id, desk, operation).await?,
            };
            match hand::find(&mut *open.encoder).await {
                Ok(card) => {
                    let (env, paired) = (&self.env, &desk.paired);
                    return Ok(Job { id, operation, env, paired, place, open, card });
                }
                Err(error) if keeps(error) => {
                    *place = Some(open);
                    return Err(trouble(error, false, operation, id));
                }
                Err(error) => {
                    open.lost();
                    // It may have been unplugged since, and plugged in again: then it is opened anew.
                    if !is_warm {
                        return Err(trouble(error, false, operation, id));
                    }
                }
            }
        }
    }

    /// Opens it and makes sure that it is the one that was paired.
    async fn connect(&self, id: LockDeviceId, desk: &Desk, operation: Operation) -> Result<Open, LockError> {
        let at = |error: EncoderError| trouble(error.into(), false, operation, id);
        let plugged = self.bus.list().await.map_err(|error| at(error.into()))?;
        let found = self.find(&plugged, &desk.paired).ok_or_else(|| at(LinkError::Gone.into()))?;
        if !is_paired(found, &desk.paired) {
            return Err(not_paired(id, "another device is plugged in where the encoder was"));
        }
        let WiegandEncoder { model, baud, firmware, .. } = &desk.paired;
        let mut encoder = self.bus.open(found, *model, *baud).await.map_err(|error| at(error.into()))?;
        let identity = encoder.start().await.map_err(at)?;
        if identity.firmware != *firmware {
            return Err(not_paired(id, "the encoder has another firmware than the one that was paired"));
        }
        if let Some(watch) = &self.watch {
            watch.opened(id, *model);
        }
        Ok(Open { id, encoder, watch: self.watch.clone(), why: EncoderClose::Graceful })
    }
}

/// Whether the conversation can go on after this.
const fn keeps(error: Trouble) -> bool {
    !matches!(error, Trouble::Encoder(EncoderError::Link(_) | EncoderError::Protocol | EncoderError::Faulty))
}

fn is_paired(found: &Plugged, paired: &WiegandEncoder) -> bool {
    paired.usb.is_none() || found.usb == paired.usb
}

impl<'a> Job<'a> {
    pub(crate) const fn card(&self) -> Option<&Target> {
        self.card.as_ref()
    }

    pub(crate) const fn desk_slot(&self) -> u8 {
        self.paired.desk_slot
    }

    pub(crate) const fn writes_tags(&self) -> bool {
        self.paired.model.writes_tags()
    }

    /// Does something to the card that lies there, and gives the encoder back. `None` when no card lies there.
    pub(crate) fn hand<'j>(&'j mut self, keys: &'j Keys) -> Option<Hand<'j>> {
        let target = self.card.clone()?;
        Some(Hand::on(&mut *self.open.encoder, target, keys, Arc::clone(&self.env.clock)))
    }

    /// The job is over, as it should be.
    pub(crate) fn end(mut self) {
        *self.place = Some(self.open);
    }

    /// The job is over, and this came of it; the conversation goes on only where nothing is doubtful about it.
    pub(crate) fn settle<T>(mut self, done: Result<T, Stop>, touched: bool) -> Result<T, LockError> {
        if matches!(done, Err(Stop::Card(error)) if !keeps(error)) {
            self.open.lost();
        } else {
            *self.place = Some(self.open);
        }
        done.map_err(|stop| match stop {
            Stop::Card(error) => trouble(error, touched, self.operation, self.id),
            Stop::Core(error) => error,
        })
    }
}

/// Why a job did not do what it was to do.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something about the card or the encoder.
    Card(Trouble),
    /// Something else, before anything was written.
    Core(LockError),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Card(trouble)
    }
}

impl From<LockError> for Stop {
    fn from(error: LockError) -> Self {
        Self::Core(error)
    }
}
