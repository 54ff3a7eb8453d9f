//! Cards: a simulated encoder at the desk, offline doors that read what stands on a card, and the driver that writes it. The guest
//! carries everything; no door has a line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::env::{ByteLink, Env, LinkError, ManualClock, ReportLink, SecretError, SecretProvider, Sleep};
use lockport::env::{Clock as _, SeededEntropy};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::{Secret, Timestamp};
use lockport_sim_encoder::{
    Area, Cable as _, Card, Door, Encoder as SimEncoder, Gone, Model, OpenError, Place, Port, Property,
};
use lockport_wiegand::encoder::{Encoder, Pn532, Rrhfoem04, StrongLink, Timer};
use lockport_wiegand::{
    DoorPlace, EncoderBus, EncoderModel, PROPERTY_KEY, Plugged, RecordArea, SharedKey, WiegandConfig,
    WiegandDoor, WiegandDriver, WiegandEncoder, WiegandEnv, pair,
};

use super::mortal::MortalBus;
use super::{Built, Hand, HouseError, INSTANCE, Site, Vendor, Verdict};

/// The doors are simulated, so nothing is behind this.
const KEY: [u8; 16] = *b"rehearsal's key.";
/// Where the encoder is plugged in.
const PORT: &str = "the desk's port";
/// The first blocks of the two slots, and what begins there as a record does.
const SLOTS: [u8; 2] = [8, 12];
const MAGIC: &[u8] = b"LK";

/// One encoder, the cards that were taken from the stack, and the doors.
struct Cards {
    name: String,
    /// The encoder as it was paired.
    paired: WiegandEncoder,
    desk: Desk,
    /// Every card, by what the desk calls it.
    cards: Mutex<BTreeMap<String, Card>>,
    property: Property,
    doors: BTreeMap<String, (Place, Door)>,
}

impl fmt::Debug for Cards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cards").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Cards {
    /// The card that the desk calls so; one that it never named before is blank.
    fn card(&self, number: &str) -> Card {
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        let count = u32::try_from(cards.len()).unwrap_or(u32::MAX);
        let [_, b, c, d] = count.to_be_bytes();
        cards.entry(number.to_owned()).or_insert_with(|| Card::classic_1k([0xA1, b, c, d])).clone()
    }

    fn named(&self, lies: &Card) -> Option<String> {
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.iter().find(|(_, card)| card.is(lies)).map(|(name, _)| name.clone())
    }

    /// Whether a door here that has never seen a card would take it at some time.
    fn is_key_for(&self, card: &Card, place: Place) -> bool {
        let begins = |first: u8| {
            let block = card.block(first)?;
            let from: [u8; 4] = block.get(12..)?.try_into().ok()?;
            block.starts_with(MAGIC).then_some(i64::from(u32::from_be_bytes(from)))
        };
        let door = Door::signed_record(&self.property, place);
        let begins = SLOTS.into_iter().filter_map(begins);
        begins.into_iter().any(|from_s| door.try_open(&card.copy(), from_s * 1_000).opened)
    }
}

impl Vendor for Cards {
    /// Encoder and doors have no time of their own.
    fn set_clock(&self, _now: Timestamp) {}

    fn try_open(&self, _site: &Site, door: &str, hand: &Hand, at: Timestamp) -> Verdict {
        let Some((_, lock)) = self.doors.get(door) else { return Verdict::shut("there is no such door") };
        let mut verdict = Verdict::shut("nothing in hand that this lock takes");
        for card in hand.cards.iter().filter(|card| card.vendor == self.name) {
            let tried = lock.try_open(&self.card(&card.number), at.timestamp_millis());
            verdict = Verdict { opened: tried.opened, why: tried.why };
            if verdict.opened {
                break;
            }
        }
        verdict
    }

    fn keys_at(&self, _site: &Site, door: &str) -> usize {
        let Some((place, _)) = self.doors.get(door) else { return 0 };
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        cards.values().filter(|card| self.is_key_for(card, *place)).count()
    }

    fn set_battery(&self, _site: &Site, door: &str, percent: u8) {
        if let Some((_, lock)) = self.doors.get(door) {
            lock.set_battery_dead(percent == 0);
        }
    }

    fn encoder(&self, site: &Site) -> Option<LockDeviceId> {
        Some(site.hotel.encoder(&self.name))
    }

    fn place_card(&self, _site: &Site, number: &str) {
        let _left = self.desk.encoder.take_all();
        self.desk.encoder.put(&self.card(number));
    }

    fn take_card(&self, _site: &Site) -> Option<String> {
        self.desk.encoder.take_all().first().and_then(|card| self.named(card))
    }

    fn adapter(&self, site: &Site, setup: AdapterSetup) -> Result<Built, String> {
        let place = |place: Place| match place {
            Place::Room(number) => DoorPlace::Number(number),
            Place::Area(area) => DoorPlace::Area(in_records(area)),
        };
        let door = |(name, (at, _)): (&String, &(Place, Door))| {
            let device = site.device(name)?;
            let rooms = setup.doors.rooms_behind(device);
            Some((device, WiegandDoor { place: place(*at), label: name.clone(), rooms }))
        };
        let config = WiegandConfig {
            tenant: site.hotel.tenant,
            property: site.hotel.property,
            encoders: [(site.hotel.encoder(&self.name), self.paired.clone())].into(),
            doors: self.doors.iter().filter_map(door).collect(),
            sectors: [2, 3],
            sector_key: SharedKey::A,
            personalise: false,
            tags: false,
        };
        let slots = Slots::new(setup.store.clone(), setup.partition, site.env.clone(), INSTANCE.to_owned());
        let env = WiegandEnv {
            bus: Arc::new(MortalBus { inner: self.desk.clone(), way: site.way(&setup.name) }),
            secrets: Arc::new(Secrets),
            slots,
            env: site.env.clone(),
        };
        let driver = WiegandDriver::new(config, env).map_err(|error| error.to_string())?;
        Ok(Built::of(Adapter::new(driver, setup)))
    }
}

/// The property's key, as the pairing drew it.
#[derive(Debug)]
struct Secrets;

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        if name != PROPERTY_KEY {
            return Err(SecretError::Missing);
        }
        Ok(Secret::new(KEY.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

/// The areas that records know, by the names that the platform has for them.
fn area(name: &str) -> Option<Area> {
    Some(match name {
        "lobby" => Area::Lobby,
        "gym" => Area::Gym,
        "pool" => Area::Pool,
        "spa" => Area::Spa,
        "parking" => Area::Parking,
        _ => return None,
    })
}

const fn in_records(area: Area) -> RecordArea {
    match area {
        Area::Lobby => RecordArea::Lobby,
        Area::Gym => RecordArea::Gym,
        Area::Pool => RecordArea::Pool,
        Area::Spa => RecordArea::Spa,
        Area::Parking => RecordArea::Parking,
    }
}

/// Puts an encoder on the desk and an offline lock into each door of the vendor.
pub(super) async fn start(
    site: &Site,
    name: &str,
    profile: Option<EncoderModel>,
) -> Result<Box<dyn Vendor>, HouseError> {
    let trouble = |reason: String| HouseError::DoesNotStart { name: name.to_owned(), reason };
    let model = profile.unwrap_or(EncoderModel::Pn532Serial);
    let simulated = match model {
        EncoderModel::Pn532Serial => Model::Pn532,
        EncoderModel::Pn532Hid => Model::Pn532Hid,
        EncoderModel::Stronglink => Model::StrongLink,
        EncoderModel::Rrhfoem04 => Model::Rrhfoem04,
        other => return Err(trouble(format!("no {other} is played yet"))),
    };
    let hotel = &site.hotel;
    let property = Property::new(KEY, &format!("{}/{}", hotel.tenant, hotel.property));
    let mut doors = BTreeMap::new();
    let rooms = hotel.rooms.iter().filter(|room| room.vendor == name);
    for (number, room) in (1..).zip(rooms) {
        let place = Place::Room(number);
        doors.insert(room.door.clone(), (place, Door::signed_record(&property, place)));
    }
    for shared in hotel.areas.iter().filter(|area| area.vendor == name) {
        let known = area(shared.name.as_str());
        let known = known.ok_or_else(|| trouble(format!("no card knows the area '{}'", shared.name)))?;
        let place = Place::Area(known);
        doors.insert(shared.door.clone(), (place, Door::signed_record(&property, place)));
    }
    let desk = Desk { encoder: SimEncoder::new(simulated), line: Arc::new(ManualClock::new(site.env.now())) };
    // As the technician did it, before the first guest came.
    let plugged = Plugged { port: PORT.to_owned(), usb: None };
    let paired = pair(&desk, &plugged, model, 0).await.map_err(|error| trouble(error.to_string()))?;
    let (name, paired, cards) = (name.to_owned(), paired.encoder, Mutex::default());
    Ok(Box::new(Cards { name, paired, desk, cards, property, doors }))
}

/// The desk's one port.
#[derive(Clone, Debug)]
struct Desk {
    encoder: SimEncoder,
    /// The time on the line: it has nothing to do with the time of the day.
    line: Arc<ManualClock>,
}

#[async_trait]
impl EncoderBus for Desk {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        let one = Plugged { port: PORT.to_owned(), usb: None };
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
        let cable = Box::new(Cable { port, line: Arc::clone(&self.line) });
        // Nothing on the line is drawn at random.
        let entropy = Arc::new(SeededEntropy::new(0));
        let sleep = Arc::new(Passing(Arc::clone(&self.line)));
        let timer = Timer::of(&Env { clock: self.line.clone(), sleep, entropy });
        Ok(match model {
            EncoderModel::Pn532Serial => Box::new(Pn532::new(cable, timer)),
            EncoderModel::Pn532Hid => Box::new(Pn532::behind_bridge(cable, timer)),
            EncoderModel::Stronglink => Box::new(StrongLink::new(cable, timer)),
            EncoderModel::Rrhfoem04 => Box::new(Rrhfoem04::new(cable, timer)),
            _ => return Err(LinkError::Denied),
        })
    }
}

/// Who waits for the line moves its time.
#[derive(Debug)]
struct Passing(Arc<ManualClock>);

#[async_trait]
impl Sleep for Passing {
    async fn sleep(&self, duration: Duration) {
        pass(&self.0, duration);
    }
}

fn pass(line: &ManualClock, duration: Duration) {
    // A clock of microseconds never stops short of what was waited for.
    let micros = i64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX);
    line.advance(chrono::TimeDelta::microseconds(micros));
}

/// The line to the encoder.
#[derive(Debug)]
struct Cable {
    port: Port,
    line: Arc<ManualClock>,
}

impl Cable {
    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.line.now().timestamp_micros()).unwrap_or_default())
    }

    fn wait_until(&self, then: Duration) {
        pass(&self.line, then.saturating_sub(self.now()));
    }

    fn send(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        // EXPOSE: onto the simulated line.
        let done = self.port.write(self.now(), bytes.expose()).map_err(|Gone| LinkError::Gone)?;
        self.wait_until(done);
        Ok(())
    }

    fn receive(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let deadline = self.now().saturating_add(timeout);
        loop {
            let received = self.port.read(self.now()).map_err(|Gone| LinkError::Gone)?;
            if !received.is_empty() {
                return Ok(Secret::new(received));
            }
            if self.now() >= deadline {
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
