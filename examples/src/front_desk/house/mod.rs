//! The house: simulated locks in the doors, and the whole of lockport behind the desk.
//!
//! What is outside (vendors, doors, the clock, what is on disk) goes on whatever happens behind the desk. Behind it is a process,
//! which can die at any vendor call, and comes back on its store with nothing else.

mod mock;
mod mortal;
mod store;
mod ttlock;
mod wiegand;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use lockport::Timestamp;
use lockport::adapter::AdapterSetup;
use lockport::credential::{Artifact, VendorCode};
use lockport::env::{Env, ManualClock, SeededEntropy};
use lockport::id::LockDeviceId;
use lockport::keys::KeyService;
use lockport::port::{LockPort, Settle};
use lockport::property::{AdapterBinding, Property};
use lockport::stack::LockStack;
use lockport::store::{OpenError, Store};

pub use self::mortal::Died;
use self::mortal::{Mortality, Outages, Way};
pub use self::store::StoreAt;
use super::hotel::Hotel;
use super::record::Record;

/// The name of this process among those that share a store. Whoever comes back under it takes up at once what it left open.
const INSTANCE: &str = "front-desk";

/// The lock systems that have a simulator here.
const PLAYED: [VendorCode; 3] = [VendorCode::TTLOCK, VendorCode::GENERIC_WIEGAND, VendorCode::MOCK];

/// A vendor that is up: what outlives the process behind the desk.
trait Vendor: fmt::Debug {
    /// The vendor's world has the same time as the house.
    fn set_clock(&self, now: Timestamp);

    /// Somebody holds everything he was handed against one of the doors.
    fn try_open(&self, site: &Site, door: &str, hand: &Hand, at: Timestamp) -> Verdict;

    /// How full the battery in one of the doors is from now on, in percent.
    fn set_battery(&self, site: &Site, door: &str, percent: u8);

    /// The encoder at the desk, where the vendor has one.
    fn encoder(&self, _site: &Site) -> Option<LockDeviceId> {
        None
    }

    /// Puts a card on the encoder.
    fn place_card(&self, _site: &Site, _number: &str) {}

    /// Takes the card away that lies on the encoder.
    fn take_card(&self, _site: &Site) -> Option<String> {
        None
    }

    /// How many keys the vendor holds for a door.
    fn keys_at(&self, site: &Site, door: &str) -> usize;

    /// A new driver with a new way to the vendor, made into an adapter.
    fn adapter(&self, site: &Site, setup: AdapterSetup) -> Result<Built, String>;
}

/// An adapter, as the port of calls and as the ear for a person's word.
struct Built {
    port: Arc<dyn LockPort>,
    settle: Arc<dyn Settle>,
}

impl Built {
    fn of<A: LockPort + Settle>(adapter: A) -> Self {
        let adapter = Arc::new(adapter);
        Self { port: adapter.clone(), settle: adapter }
    }
}

/// Everything somebody was handed so far.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    /// What was sent to him.
    pub artifacts: Vec<Artifact>,
    /// The cards he was given at the desk.
    pub cards: Vec<Card>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The vendor whose doors read it, by the hotel's name for it.
    pub vendor: String,
    /// Its number.
    pub number: String,
}

/// What a door did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it opened.
    pub opened: bool,
    /// Why, or why not; no secret stands in it.
    pub why: &'static str,
}

impl Verdict {
    const fn shut(why: &'static str) -> Self {
        Self { opened: false, why }
    }
}

/// Why a hotel cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HouseError {
    /// A lock system that has no simulator here yet.
    #[error("vendor {name:?} is not played yet: {what}")]
    NotPlayed {
        /// The name the hotel gives it.
        name: String,
        /// What lock system.
        what: String,
    },
    /// The simulated vendor, or the way to it, does not come up.
    #[error("vendor {name:?} does not start: {reason}")]
    DoesNotStart {
        /// The name the hotel gives it.
        name: String,
        /// Why.
        reason: String,
    },
    /// The record of what was played over a file.
    #[error("the record beside {}: {error}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// The file that is to hold the desk's state.
    #[error("{}: {error}", .path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: OpenError,
    },
}

/// A hotel in which doors can be tried.
#[derive(Debug)]
pub struct House {
    site: Site,
    clock: Arc<ManualClock>,
    store: StoreAt,
    record: Option<Record>,
    vendors: BTreeMap<String, Box<dyn Vendor>>,
    /// Door to vendor, both by name.
    doors: BTreeMap<String, String>,
    /// The process; there is none while nobody has come back.
    desk: Option<KeyService>,
}

/// What everything in a house is built on.
#[derive(Debug)]
struct Site {
    hotel: Hotel,
    env: Env,
    seed: u64,
    /// The lock in each door.
    devices: BTreeMap<String, LockDeviceId>,
    mortality: Mortality,
    outages: Outages,
}

impl House {
    /// Puts the locks in and opens the desk, at this time. The same seed makes the same house.
    ///
    /// # Errors
    /// [`HouseError`] when a vendor cannot be played or does not start, or when the store cannot be opened.
    pub async fn start(hotel: &Hotel, now: Timestamp, seed: u64, store: StoreAt) -> Result<Self, HouseError> {
        let clock = Arc::new(ManualClock::new(now));
        let (store, record) = match store {
            StoreAt::Recorded(record) => (record.store(), Some(record)),
            other => (other, None),
        };
        let drawn_from = record.as_ref().map_or(seed, Record::seed_of_life);
        let entropy = Arc::new(SeededEntropy::new(drawn_from));
        let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy };
        let (mortality, outages) = (Mortality::over(record.clone()), Outages::default());
        let devices = hotel.doors().map(|(door, _)| (door.to_owned(), hotel.lock(door))).collect();
        let site = Site { hotel: hotel.clone(), env, seed, devices, mortality, outages };
        let mut vendors = BTreeMap::new();
        for (name, vendor) in &hotel.vendors {
            let has_doors = hotel.doors().any(|(_, of)| of == name);
            let started = match &vendor.code {
                code if !PLAYED.contains(code) => {
                    return Err(HouseError::NotPlayed { name: name.clone(), what: code.to_string() });
                }
                _ if !has_doors => continue,
                code if *code == VendorCode::TTLOCK => {
                    ttlock::start(&site, name, vendor.url.as_deref()).await?
                }
                code if *code == VendorCode::GENERIC_WIEGAND => {
                    wiegand::start(&site, name, vendor.profile).await?
                }
                _ => mock::start(&site, name, vendor.url.as_deref())?,
            };
            vendors.insert(name.clone(), started);
        }
        let doors = hotel.doors().map(|(door, vendor)| (door.to_owned(), vendor.to_owned())).collect();
        let mut house = Self { site, clock, store, record, vendors, doors, desk: None };
        house.come_back().await?;
        Ok(house)
    }

    /// Moves the time, for the desk and for every vendor.
    pub fn set_clock(&self, now: Timestamp) {
        for vendor in self.vendors.values() {
            vendor.set_clock(now);
        }
        self.clock.set(now);
    }

    /// Somebody holds everything he was handed against a door.
    #[must_use]
    pub fn try_open(&self, door: &str, hand: &Hand, at: Timestamp) -> Verdict {
        match self.vendor_of(door) {
            Some(vendor) => vendor.try_open(&self.site, door, hand, at),
            None => Verdict::shut("there is no such door"),
        }
    }

    /// How full the battery in a door is from now on, in percent; without power it opens to nobody.
    pub fn set_battery(&self, door: &str, percent: u8) {
        if let Some(vendor) = self.vendor_of(door) {
            vendor.set_battery(&self.site, door, percent);
        }
    }

    /// From now on the vendor answers nothing; its doors go on working from what they know.
    pub fn cut_off(&self, vendor: &str, until: Timestamp) {
        self.site.outages.begin(vendor, until);
    }

    /// The vendors that have an encoder at the desk, with the encoder.
    #[must_use]
    pub fn encoders(&self) -> Vec<(String, LockDeviceId)> {
        let own = self.vendors.iter();
        own.filter_map(|(name, vendor)| Some((name.clone(), vendor.encoder(&self.site)?))).collect()
    }

    /// Puts a card on a vendor's encoder.
    pub fn place_card(&self, card: &Card) {
        if let Some(vendor) = self.vendors.get(&card.vendor) {
            vendor.place_card(&self.site, &card.number);
        }
    }

    /// Takes the card away that lies on a vendor's encoder.
    #[must_use]
    pub fn take_card(&self, vendor: &str) -> Option<Card> {
        let number = self.vendors.get(vendor)?.take_card(&self.site)?;
        Some(Card { vendor: vendor.to_owned(), number })
    }

    /// How many keys the vendor holds for a door.
    #[must_use]
    pub fn keys_at(&self, door: &str) -> usize {
        self.vendor_of(door).map_or(0, |vendor| vendor.keys_at(&self.site, door))
    }

    fn vendor_of(&self, door: &str) -> Option<&dyn Vendor> {
        self.doors.get(door).and_then(|vendor| self.vendors.get(vendor)).map(|vendor| &**vendor)
    }

    /// Asks the desk for something.
    ///
    /// # Errors
    /// [`Died`] when the process died over it, or before. What it was about is dropped where it stood.
    pub async fn ask<T>(&self, act: impl AsyncFnOnce(&KeyService) -> T) -> Result<T, Died> {
        let desk = self.desk.as_ref().ok_or(Died)?;
        self.site.mortality.outlives(act(desk)).await
    }

    /// Orders the death of the process as so many vendor calls from here on have been answered, in the place of an earlier order.
    pub fn dies_after(&self, calls: NonZeroU64) {
        self.site.mortality.dies_after(calls);
    }

    /// Something is noted in the record, where there is one.
    ///
    /// # Errors
    /// [`Died`] when the process whose record is played again got no further than here.
    pub fn note(&self) -> Result<(), Died> {
        if self.record.as_ref().is_none_or(Record::mark) { Ok(()) } else { Err(Died) }
    }

    /// Whether what is played now was played before by a process that is gone.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        self.record.as_ref().is_some_and(Record::is_replaying)
    }

    /// Whether the process whose record is played again got no further than here.
    #[must_use]
    pub fn is_life_over(&self) -> bool {
        self.record.as_ref().is_some_and(Record::is_over)
    }

    /// What cannot be noted any more.
    #[must_use]
    pub fn failure(&self) -> Option<io::Error> {
        self.record.as_ref().and_then(Record::failure)
    }

    /// The process that followed the one whose record was played again; it is to come back next.
    ///
    /// # Errors
    /// [`HouseError::Record`] when the store cannot be copied.
    pub fn next_life(&mut self) -> Result<(), HouseError> {
        // Gone before its store is copied.
        self.desk = None;
        let Some(record) = &self.record else { return Ok(()) };
        let path = || record.path();
        record.next_life().map_err(|error| HouseError::Record { path: path(), error })?;
        self.store = record.store();
        self.site.env.entropy = Arc::new(SeededEntropy::new(record.seed_of_life()));
        Ok(())
    }

    /// The process is gone, and a new one of the same name starts on the store. Whatever death was ordered has had its turn.
    ///
    /// # Errors
    /// [`HouseError`] when it does not come up; it can be tried again.
    pub async fn come_back(&mut self) -> Result<(), HouseError> {
        // Gone before the new one looks at the store: two at once would be another story.
        self.desk = None;
        self.site.mortality.reborn();
        let store = self.store.open().await?;
        let Hotel { tenant, property, zone, policy, .. } = &self.site.hotel;
        let mut property = Property::new(*tenant, *property, zone.name().to_owned(), policy.clone());
        for (name, vendor) in &self.vendors {
            let setup = self.site.setup(name, &store);
            let doors = setup.doors.clone();
            let Built { port, settle } = vendor
                .adapter(&self.site, setup)
                .map_err(|reason| HouseError::DoesNotStart { name: name.clone(), reason })?;
            let (partition, env) = (self.site.hotel.partition(), self.site.env.clone());
            let port = LockStack::new(port, partition, doors.clone(), env).build();
            let (name, encoder) = (name.clone(), vendor.encoder(&self.site));
            let settle = Some(settle);
            property = property.with_binding(AdapterBinding { name, port, doors, encoder, settle });
        }
        self.desk = Some(KeyService::new(Arc::new(property), store, self.site.env.clone(), INSTANCE));
        Ok(())
    }
}

impl Site {
    /// The lock in a door. Nothing is in a door that the hotel does not have.
    fn device(&self, door: &str) -> Option<LockDeviceId> {
        self.devices.get(door).copied()
    }

    /// The way to a vendor.
    fn way(&self, vendor: &str) -> Way {
        Way {
            vendor: vendor.to_owned(),
            clock: self.env.clock.clone(),
            outages: self.outages.clone(),
            mortality: self.mortality.clone(),
        }
    }

    /// What an adapter of a new process stands on.
    fn setup(&self, vendor: &str, store: &Arc<dyn Store>) -> AdapterSetup {
        AdapterSetup {
            name: vendor.to_owned(),
            partition: self.hotel.partition(),
            doors: Arc::new(self.hotel.door_map(vendor)),
            store: store.clone(),
            env: self.env.clone(),
            instance: INSTANCE.to_owned(),
        }
    }
}
