//! The encoder driver over a simulated encoder: with the points around the driver, around its cable, or with the card taken away
//! at every point of the cable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::{ByteLink, ReportLink};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition, Store};
use lockport_sim_cable::Between;
use lockport_wiegand::{EncoderModel, WiegandConfig, WiegandEnv};

use crate::bench::{BenchError, Presence};
use crate::fault_loop::choke::{Choke, Torn};
use crate::fault_loop::link::Pulled;
use crate::fault_loop::rig::{DriverSource, Rig, Stand};
use crate::harness::{CardProfile, WiegandBench};

/// What stands between the adapter and the driver, for a test.
type Bend = fn(Arc<dyn VendorDriver>) -> Arc<dyn VendorDriver>;

/// The encoder driver, for one kind of card.
#[derive(Clone, Copy, Debug)]
pub struct WiegandRig {
    model: EncoderModel,
    cards: CardProfile,
    at: WiegandPoints,
    kind: KeyCredentialKind,
    bend: Option<Bend>,
}

impl WiegandRig {
    /// The driver over this encoder, with its points there, for a card or a tag.
    #[must_use]
    pub const fn of(model: EncoderModel, at: WiegandPoints, kind: KeyCredentialKind) -> Self {
        Self { model, cards: CardProfile::SignedRecord, at, kind, bend: None }
    }

    /// The same with cards of this profile.
    #[must_use]
    pub const fn with_cards(self, cards: CardProfile) -> Self {
        Self { cards, ..self }
    }

    /// The same with this around the driver: for drivers that are wrong on purpose.
    #[must_use]
    pub const fn bent(self, bend: Bend) -> Self {
        Self { bend: Some(bend), ..self }
    }

    /// Whether the points are inside of what the driver does, and what a cut there leaves (section 10 of the page on encoders): a
    /// card has two places for a record, a tag has one.
    const fn torn(self) -> Torn {
        match (self.at, self.kind) {
            (WiegandPoints::Driver, _) => Torn::Never,
            (_, KeyCredentialKind::RfidCard) => Torn::WhereNarrower,
            _ => Torn::Always,
        }
    }
}

/// Where a rig over an encoder has its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WiegandPoints {
    /// At every call of the driver.
    Driver,
    /// At every frame and every wait on the cable, and at every look for a serial: what is judged is the driver too.
    Cable,
    /// At the same points, and it is the card that is taken away; it is there again when its holder is asked for.
    Card,
}

impl WiegandPoints {
    const ALL: [Self; 3] = [Self::Driver, Self::Cable, Self::Card];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Cable => "cable",
            Self::Card => "card-pulled",
        }
    }
}

/// The encoder in every way, with every kind that it writes.
#[must_use]
pub fn wiegand_rigs(model: EncoderModel, cards: CardProfile) -> Vec<Box<dyn Rig>> {
    let has_tags = cards == CardProfile::SignedRecord && model.writes_tags();
    let tags = has_tags.then_some(KeyCredentialKind::NfcTag);
    let kinds = [KeyCredentialKind::RfidCard].into_iter().chain(tags);
    let rigs =
        kinds.flat_map(|kind| WiegandPoints::ALL.map(|at| WiegandRig::of(model, at, kind).with_cards(cards)));
    rigs.map(|rig| Box::new(rig) as Box<dyn Rig>).collect()
}

#[async_trait]
impl Rig for WiegandRig {
    fn name(&self) -> String {
        let Self { model, cards, at, kind, .. } = self;
        let cards = match cards {
            CardProfile::SignedRecord => String::new(),
            other => format!("{}:", other.as_str()),
        };
        format!("wiegand:{model}:{cards}{}:{kind}", at.as_str())
    }

    async fn open(&self, seed: u64) -> Result<Stand, BenchError> {
        let bench = WiegandBench::with_cards(self.model, self.cards, seed)?;
        // Closing the port ends what was begun: nothing is written later.
        let choke = Choke::new(&bench.clock, Duration::ZERO).with_torn(self.torn());
        let encoder = bench.encoder.clone();
        let take = move || drop(encoder.take_all());
        let pulled = match self.at {
            WiegandPoints::Driver => None,
            WiegandPoints::Cable => Some(Pulled::Cable),
            WiegandPoints::Card => Some(Pulled::Card(Arc::new(take))),
        };
        let between = pulled.map(|pulled| Arc::new(OnTheLine { choke: choke.clone(), pulled }) as Arc<_>);
        let (config, env) = bench.lent_with(between).await?;
        let parts = Parts {
            at: self.at,
            bench: bench.clone(),
            config,
            env,
            serials: Arc::new(MemoryStore::new()),
            choke: choke.clone(),
            births: AtomicU32::new(0),
        };
        let bend = self.bend.unwrap_or(|driver| driver);
        let driver: DriverSource = Box::new(move || parts.driver().map(bend));
        let presence: Box<dyn Presence> = Box::new(bench.clone());
        Ok(Stand {
            site: bench.site.clone(),
            clock: Arc::clone(&bench.clock),
            probe: Box::new(bench),
            driver,
            kind: self.kind,
            presence: Some(presence),
            choke,
        })
    }
}

/// What every process of a stand makes its driver of.
struct Parts {
    at: WiegandPoints,
    bench: WiegandBench,
    config: WiegandConfig,
    env: WiegandEnv,
    serials: Arc<dyn Store>,
    choke: Choke,
    births: AtomicU32,
}

impl Parts {
    fn driver(&self) -> Result<Arc<dyn VendorDriver>, BenchError> {
        let birth = self.births.fetch_add(1, Ordering::SeqCst);
        let is_inside = self.at != WiegandPoints::Driver;
        let serials = Arc::clone(&self.serials);
        let serials = if is_inside { self.choke.store(serials) } else { serials };
        let WiegandConfig { tenant, property, .. } = self.config;
        let partition = Partition { tenant, property };
        let slots = Slots::new(serials, partition, self.env.env.clone(), format!("process-{birth}"));
        let env = WiegandEnv { slots, ..self.env.clone() };
        let driver = self.bench.driver_over(self.config.clone(), env)?;
        Ok(if is_inside { driver } else { self.choke.driver(driver) })
    }
}

/// The loop, on the line.
#[derive(Debug)]
struct OnTheLine {
    choke: Choke,
    pulled: Pulled,
}

impl Between for OnTheLine {
    fn bytes(&self, cable: Box<dyn ByteLink>) -> Box<dyn ByteLink> {
        self.choke.bytes(cable, self.pulled.clone())
    }

    fn reports(&self, cable: Box<dyn ReportLink>) -> Box<dyn ReportLink> {
        self.choke.reports(cable, self.pulled.clone())
    }
}
