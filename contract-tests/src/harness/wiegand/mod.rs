//! The encoder driver on the bench: its own wire to a simulated encoder, and doors that read the cards.

mod faults;
mod records;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::env::{ManualClock, SecretError, SecretProvider};
use lockport::id::{KeyCredentialId, LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::{Secret, Timestamp, Validity};
use lockport_sim_cable::{Between, LineTime, SimBus};
use lockport_sim_encoder::{Area, Card, Door, Encoder, Place, Property};
use lockport_wiegand::{
    DoorPlace, EncoderModel, PROPERTY_KEY, RecordArea, SharedKey, UsbIdentity, WiegandConfig, WiegandDoor,
    WiegandDriver, WiegandEncoder, WiegandEnv, pair,
};

use self::records::{ms, records_on};
use self::watch::Watch;
use super::{Exemption, Harness};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, LockControl, Presence, Site, VendorProbe, WireTap};

/// When every bench begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;
/// The number of the first door.
const FIRST_DOOR: u16 = 201;

/// The driver over one simulated encoder.
#[derive(Clone, Debug)]
pub struct WiegandHarness {
    model: EncoderModel,
    exemptions: Vec<Exemption>,
}

/// What an offline card vendor cannot be asked, whichever encoder writes its cards.
const EXEMPT: &[(&str, &str)] = &[
    ("DEVICE-003", "the doors are offline: nobody is told of their batteries, and none is ever in reach"),
    ("PLAN-002", "the doors are offline: none is ever in reach, and none has to be"),
    (
        "ERROR-001",
        "an encoder has no code that its page does not know: section 4.6 treats every other status as a refusal by the card, and \
         section 6.1 knows one code for all",
    ),
    ("ISSUE-003", NOTHING_FOR_GOOD),
    ("IDEM-008", NOTHING_FOR_GOOD),
];
const NOTHING_FOR_GOOD: &str =
    "whatever an encoder refuses, another card may take: all of it is retriable (section 11)";
/// The case that needs a key which is refused, on a card that has none.
const NO_KEYS: (&str, &str) =
    ("UPDATE-005", "a tag has no sectors and no keys (section 8.3): nobody refuses its writes");

impl WiegandHarness {
    /// An encoder of this model at the desk.
    #[must_use]
    pub fn of(model: EncoderModel) -> Self {
        let exempt = |kind, (case, reason): (&str, &str)| Exemption {
            case: case.to_owned(),
            kind,
            reason: reason.to_owned(),
        };
        let all = EXEMPT.iter().map(|row| exempt(None, *row));
        let of_tags = model.writes_tags().then(|| exempt(Some(KeyCredentialKind::NfcTag), NO_KEYS));
        Self { model, exemptions: all.chain(of_tags).collect() }
    }
}

#[async_trait]
impl Harness for WiegandHarness {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        let bench = WiegandBench::of(self.model, seed)?;
        let backstage = Backstage::over(bench.driver().await?, &bench.site, &bench.clock, seed);
        Ok(bench.with_backstage(backstage))
    }

    fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }
}

/// The tenant and the property as records name them.
pub(super) fn property_name() -> String {
    let site = Site::standard();
    format!("{}/{}", site.tenant, site.property)
}

/// Where the hotel writes its cards.
fn encoder_id() -> LockDeviceId {
    LockDeviceId::derived("lockport-contract/encoder", &[])
}

/// A desk with an encoder, cards in guests' hands, and doors that read them; no port yet.
#[derive(Clone, Debug)]
pub struct WiegandBench {
    /// The hotel.
    pub site: Site,
    /// The clock of the bench. It moves while the driver waits for the line.
    pub clock: Arc<ManualClock>,
    /// The encoder.
    pub encoder: Encoder,
    bus: SimBus,
    model: EncoderModel,
    seed: u64,
    hands: Arc<Mutex<Hands>>,
    watch: Watch,
    doors: BTreeMap<LockDeviceId, (Place, Door)>,
}

/// The cards that were handed out.
#[derive(Debug, Default)]
struct Hands {
    cards: BTreeMap<(KeyCredentialId, String), Card>,
}

impl WiegandBench {
    /// The standard hotel with this encoder at its desk.
    ///
    /// # Errors
    /// When the encoder is not simulated.
    pub fn of(model: EncoderModel, seed: u64) -> Result<Self, BenchError> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or_else(|| BenchError::new("no such time"))?;
        let site = Site::standard();
        let nobody = || BenchError::new(format!("nobody plays a {model}"));
        let encoder = Encoder::new(SimBus::played_by(model).ok_or_else(nobody)?);
        let property = records::property(&property_name());
        let areas = site.areas.iter().flat_map(|area| area.doors.iter().copied());
        let areas: Vec<LockDeviceId> = areas.collect();
        let place = |(number, door): (u16, LockDeviceId)| {
            let place = if areas.contains(&door) { Place::Area(Area::Gym) } else { Place::Room(number) };
            (door, (place, Door::signed_record(&property, place)))
        };
        let doors = (FIRST_DOOR..).zip(site.doors()).map(place).collect();
        let clock = Arc::new(ManualClock::new(begin));
        let watch = Watch::over(&encoder);
        let bus =
            SimBus::new(encoder.clone(), LineTime::of_day(&clock)).with_between(Arc::new(watch.clone()));
        bus.set_usb(usb());
        Ok(Self { site, clock, encoder, bus, model, seed, hands: Arc::default(), watch, doors })
    }

    /// The driver of this desk.
    ///
    /// # Errors
    /// When its configuration is wrong, or the encoder cannot be paired.
    pub async fn driver(&self) -> Result<WiegandDriver, BenchError> {
        self.driver_with(|_| {}).await
    }

    /// The driver of this desk, with something changed in its configuration after the pairing.
    ///
    /// # Errors
    /// As [`Self::driver`].
    pub async fn driver_with(
        &self,
        change: impl FnOnce(&mut WiegandConfig) + Send,
    ) -> Result<WiegandDriver, BenchError> {
        let (mut config, lent) = self.lent().await?;
        change(&mut config);
        WiegandDriver::new(config, lent).map_err(|error| BenchError::new(error.to_string()))
    }

    /// The configuration of this desk, with its encoder paired, and what a driver of it stands on.
    ///
    /// # Errors
    /// When the encoder cannot be paired.
    pub async fn lent(&self) -> Result<(WiegandConfig, WiegandEnv), BenchError> {
        self.lent_with(None).await
    }

    /// The same, with somebody on the line once the encoder is paired.
    ///
    /// # Errors
    /// As [`Self::lent`].
    pub async fn lent_with(
        &self,
        between: Option<Arc<dyn Between>>,
    ) -> Result<(WiegandConfig, WiegandEnv), BenchError> {
        let env = self.bus.time().env(self.seed);
        let paired = pair(&self.bus, &self.bus.plugged(), self.model, 0).await;
        let paired = paired.map_err(|error| BenchError::new(error.to_string()))?;
        let bus = Arc::new(between.into_iter().fold(self.bus.clone(), SimBus::with_between));
        let partition = Partition { tenant: self.site.tenant, property: self.site.property };
        let slots = Slots::new(Arc::new(MemoryStore::new()), partition, env.clone(), "contract".into());
        Ok((self.config(paired.encoder), WiegandEnv { bus, secrets: Arc::new(Secrets), slots, env }))
    }

    fn config(&self, encoder: WiegandEncoder) -> WiegandConfig {
        let map = self.site.door_map();
        let door = |(id, (place, _)): (&LockDeviceId, &(Place, Door))| {
            let place = match place {
                Place::Room(number) => DoorPlace::Number(*number),
                Place::Area(_) => DoorPlace::Area(RecordArea::Gym),
            };
            (*id, WiegandDoor { place, label: id.to_string(), rooms: map.rooms_behind(*id) })
        };
        WiegandConfig {
            tenant: self.site.tenant,
            property: self.site.property,
            encoders: [(encoder_id(), encoder)].into(),
            doors: self.doors.iter().map(door).collect(),
            sectors: [2, 3],
            sector_key: SharedKey::A,
            personalise: false,
            tags: self.model.writes_tags(),
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn door(&self, door: LockDeviceId) -> Result<&(Place, Door), BenchError> {
        self.doors.get(&door).ok_or_else(|| BenchError::new("there is no such door"))
    }

    /// The card of this holder: made when it is first asked for, its writes outside the profile counted.
    #[must_use]
    pub fn card_of(&self, holder: KeyCredentialId, kind: KeyCredentialKind) -> Card {
        let mut hands = self.hands();
        let number = u32::try_from(hands.cards.len()).unwrap_or(u32::MAX);
        let of_four = number.to_be_bytes();
        let [_, b, c, d] = of_four;
        let card = hands.cards.entry((holder, kind.to_string())).or_insert_with(|| {
            if kind == KeyCredentialKind::NfcTag {
                let card = Card::ntag213([0x04, 0x7A, b, c, d, 0x5E, 0x80]);
                card.allow_only(4..=19);
                return card;
            }
            let card = Card::classic_1k([0xA1, b, c, d]);
            card.allow_only([8, 9, 10, 12, 13, 14]);
            card
        });
        card.clone()
    }

    /// Whether a door that has never seen a card would open to this one. The card may lie wherever it lies.
    #[must_use]
    pub fn would_open(&self, door: LockDeviceId, card: &Card, at: Timestamp) -> bool {
        let property = self.property();
        let place = self.doors.get(&door).map(|(place, _)| *place);
        place.is_some_and(|place| Door::signed_record(&property, place).try_open(&card.copy(), ms(at)).opened)
    }

    /// What the doors know of the property.
    #[must_use]
    pub fn property(&self) -> Property {
        records::property(&property_name())
    }

    /// The number of a room's door in records; 0 for an area's.
    #[must_use]
    pub fn number_of(&self, door: LockDeviceId) -> u16 {
        match self.doors.get(&door) {
            Some((Place::Room(number), _)) => *number,
            _ => 0,
        }
    }

    /// How many records stand on a card that a door would take, each by itself.
    #[must_use]
    pub fn records_on(&self, card: &Card) -> usize {
        records_on(card).len()
    }

    /// Whether the door opens to anything that this holder has.
    pub(crate) fn try_all_of(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let (_, lock) = self.door(door)?;
        let hands = self.hands();
        let mut own = hands.cards.iter().filter(|((of, _), _)| *of == holder).map(|(_, card)| card);
        Ok(own.any(|card| lock.try_open(card, ms(at)).opened))
    }

    fn cards(&self) -> Vec<Card> {
        self.hands().cards.values().cloned().collect()
    }

    /// From now on the port at which the encoder is plugged in is called this.
    pub fn change_port(&self, name: &str) {
        self.bus.set_port(name);
    }

    /// From now on another device is where the encoder was, as far as USB tells.
    pub fn change_usb(&self, usb: UsbIdentity) {
        self.bus.set_usb(usb);
    }

    fn plug(&self) {
        if !self.encoder.is_plugged() {
            self.encoder.plug();
        }
    }

    /// The bench with the port over this backstage.
    #[must_use]
    pub fn with_backstage(self, backstage: Backstage) -> Bench {
        Bench {
            port: backstage.port(),
            clock: Arc::clone(&self.clock),
            probe: Box::new(self.clone()),
            faults: Some(Box::new(self.clone())),
            presence: Some(Box::new(self.clone())),
            locks: Some(Box::new(self.clone())),
            tap: Some(Box::new(self.clone())),
            backstage: Some(backstage),
            site: self.site,
        }
    }
}

fn usb() -> UsbIdentity {
    UsbIdentity { vendor_id: 0x1781, product_id: 0x0C10, serial: Some("E-204".to_owned()) }
}

#[derive(Debug)]
struct Secrets;

fn key_text() -> String {
    records::PROPERTY_KEY.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        if name == PROPERTY_KEY { Ok(Secret::new(key_text())) } else { Err(SecretError::Missing) }
    }
}

#[async_trait]
impl VendorProbe for WiegandBench {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let Artifact::Nfc(number) = artifact else {
            return Err(BenchError::new(format!("no door here takes a {}", artifact.type_name())));
        };
        // EXPOSE: the guest holds his tag against the door; it is told by its number.
        let number = number.expose();
        let is_his = |card: &Card| {
            let uid: String = card.uid().iter().map(|byte| format!("{byte:02X}")).collect();
            uid == *number
        };
        let (_, lock) = self.door(door)?;
        Ok(self
            .cards()
            .iter()
            .find(|card| is_his(card))
            .is_some_and(|card| lock.try_open(card, ms(at)).opened))
    }

    /// Cards with a record that names the door.
    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        let (place, _) = self.door(door)?;
        let names = |card: &Card| records_on(card).iter().any(|record| record.names(*place));
        let live = self.cards().iter().filter(|card| names(card)).count();
        self.check_profile()?;
        u64::try_from(live).map_err(|error| BenchError::new(error.to_string()))
    }

    async fn ever_made(&self) -> Result<u64, BenchError> {
        self.check_profile()?;
        self.watch.look_at(&self.cards());
        u64::try_from(self.watch.seen().made.len()).map_err(|error| BenchError::new(error.to_string()))
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        u64::try_from(self.encoder.seen().len()).map_err(|error| BenchError::new(error.to_string()))
    }

    fn clock_moved(&self, _: Timestamp) {}
}

impl WiegandBench {
    /// # Errors
    /// When anything was written where nothing may be: block 0, a trailer, a foreign block.
    pub fn check_profile(&self) -> Result<(), BenchError> {
        for card in self.cards() {
            let tally = card.tally();
            if (tally.manufacturer, tally.trailers, tally.foreign) != (0, 0, 0) {
                return Err(BenchError::new(format!("a card was written outside its profile: {tally:?}")));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Presence for WiegandBench {
    fn encoder(&self) -> LockDeviceId {
        encoder_id()
    }

    fn come(&self, holder: KeyCredentialId, kind: KeyCredentialKind) {
        let card = self.card_of(holder, kind);
        self.plug();
        let _left = self.encoder.take_all();
        self.encoder.put(&card);
    }

    fn go(&self) {
        let _taken = self.encoder.take_all();
        self.plug();
    }

    async fn try_card(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        self.try_all_of(door, holder, at)
    }
}

impl LockControl for WiegandBench {
    fn set_battery(&self, _: LockDeviceId, _: u8) -> Result<(), BenchError> {
        Err(BenchError::new("nobody is told how an offline lock is"))
    }

    fn set_online(&self, _: LockDeviceId, _: bool) -> Result<(), BenchError> {
        Err(BenchError::new("nobody is told how an offline lock is"))
    }

    /// Every door reads every card that the hotel writes.
    fn set_able(&self, _: LockDeviceId, _: KeyCredentialKind, _: bool) -> Result<bool, BenchError> {
        Ok(false)
    }

    /// A record that no desk wrote opens no door.
    fn set_by_hand(
        &self,
        _: LockDeviceId,
        _: KeyCredentialKind,
        _: Validity,
        _: Option<&Secret>,
    ) -> Result<Option<Secret>, BenchError> {
        Ok(None)
    }

    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError> {
        self.door(door)?.1.set_drift_ms(ahead.num_milliseconds());
        Ok(())
    }

    /// An encoder has no clock.
    fn set_vendor_clock(&self, _: TimeDelta) -> Result<(), BenchError> {
        Ok(())
    }
}

impl WireTap for WiegandBench {
    fn secrets(&self) -> Vec<Secret> {
        vec![Secret::new(key_text()), Secret::new(key_text().to_uppercase())]
    }

    /// The driver keeps no log of its line: everything that goes over it is a key, a number or a record.
    fn log(&self) -> String {
        String::new()
    }
}
