//! Cards: a simulated encoder at the desk, offline doors that read what stands on a card, and the driver that writes it. The guest
//! carries everything; no door has a line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::env::{SecretError, SecretProvider};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::{Secret, Timestamp};
use lockport_sim_cable::{LineTime, SimBus};
use lockport_sim_encoder::{Area, Card, Door, Encoder, Place, Property};
use lockport_wiegand::{
    DoorPlace, EncoderModel, PROPERTY_KEY, RecordArea, SharedKey, WiegandConfig, WiegandDoor, WiegandDriver,
    WiegandEncoder, WiegandEnv, pair,
};

use super::mortal::MortalBus;
use super::{Built, Hand, HouseError, INSTANCE, Site, Vendor, Verdict};

/// The doors are simulated, so nothing is behind this.
const KEY: [u8; 16] = *b"rehearsal's key.";
/// The first blocks of the two slots, and what begins there as a record does.
const SLOTS: [u8; 2] = [8, 12];
const MAGIC: &[u8] = b"LK";

/// One encoder, the cards that were taken from the stack, and the doors.
struct Cards {
    name: String,
    /// The encoder as it was paired.
    paired: WiegandEncoder,
    encoder: Encoder,
    bus: SimBus,
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
        let _left = self.encoder.take_all();
        self.encoder.put(&self.card(number));
    }

    fn take_card(&self, _site: &Site) -> Option<String> {
        self.encoder.take_all().first().and_then(|card| self.named(card))
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
            bus: Arc::new(MortalBus { inner: self.bus.clone(), way: site.way(&setup.name) }),
            watch: None,
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
    let simulated = SimBus::played_by(model).ok_or_else(|| trouble(format!("no {model} is played yet")))?;
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
    // The time on the line has nothing to do with the time of the day.
    let encoder = Encoder::new(simulated);
    let bus = SimBus::new(encoder.clone(), LineTime::apart());
    // As the technician did it, before the first guest came.
    let paired = pair(&bus, &bus.plugged(), model, 0).await.map_err(|error| trouble(error.to_string()))?;
    let (name, paired, cards) = (name.to_owned(), paired.encoder, Mutex::default());
    Ok(Box::new(Cards { name, paired, encoder, bus, cards, property, doors }))
}
