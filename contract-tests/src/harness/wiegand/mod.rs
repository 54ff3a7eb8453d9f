//! The encoder's drivers on the bench: their own wire to a simulated encoder, and doors that read the cards.

mod faults;
mod panel;
mod probe;
mod records;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::{ManualClock, SecretError, SecretProvider};
use lockport::id::{KeyCredentialId, LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::{Secret, Timestamp};
use lockport_sim_cable::{Between, LineTime, SimBus};
use lockport_sim_encoder::{Area, Card, Door, Encoder, Place, Property};
use lockport_wiegand::{
    DoorPlace, EncoderModel, PROPERTY_KEY, PanelDriver, RecordArea, SharedKey, UsbIdentity, WiegandConfig,
    WiegandDoor, WiegandDriver, WiegandEncoder, WiegandEnv, pair,
};

pub use self::panel::CardProfile;
use self::panel::{Operated, PanelDesk};
use self::records::{ms, records_on};
use self::watch::Watch;
use super::{Exemption, Harness};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, Site};

/// When every bench begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;
/// The number of the first door.
const FIRST_DOOR: u16 = 201;

/// The driver over one simulated encoder.
#[derive(Clone, Debug)]
pub struct WiegandHarness {
    model: EncoderModel,
    profile: CardProfile,
    exemptions: Vec<Exemption>,
}

/// What an offline card vendor cannot be asked, whichever encoder writes its cards.
const OFFLINE: &[(&str, &str)] = &[
    ("DEVICE-003", "the doors are offline: nobody is told of their batteries, and none is ever in reach"),
    ("PLAN-002", "the doors are offline: none is ever in reach, and none has to be"),
];
/// What cannot be asked of an encoder that writes.
const WRITTEN: &[(&str, &str)] = &[
    (
        "ERROR-001",
        "an encoder has no code that its page does not know: section 4.6 treats every other status as a refusal by the card, and \
         section 6.1 knows one code for all",
    ),
    ("IDEM-008", "whatever an encoder refuses, another card may take: all of it is retriable (section 11)"),
];
/// What cannot be asked where neither a door nor a time stands on the card.
const BITS: &[(&str, &str)] = &[
    ("UPDATE-003", NOTHING_SENT),
    ("UPDATE-004", NOTHING_SENT),
    ("UPDATE-005", NOTHING_SENT),
    ("CARD-001", NOTHING_SENT),
    ("CARD-007", NOTHING_SENT),
];
const NOTHING_SENT: &str = "neither doors nor times stand on the card (section 3.3): a change is the panel's, and nothing is sent \
                            that could be lost, refused or torn";
/// What cannot be asked where nothing is written.
const NUMBERS: &[(&str, &str)] = &[(
    "CARD-003",
    "nothing can be taken from the card (section 3.1): a revoke is the panel's work, and whether it was told the driver cannot know",
)];
/// The cases that need a key which is refused, on a card that has none.
const TAGS: &[(&str, &str)] = &[("ISSUE-003", NO_KEYS), ("UPDATE-005", NO_KEYS)];
const NO_KEYS: &str = "a tag has no sectors and no keys (section 8.3): nobody refuses its writes";

impl WiegandHarness {
    /// An encoder of this model at the desk, and cards of this profile.
    #[must_use]
    pub fn of(model: EncoderModel, profile: CardProfile) -> Self {
        let rows: &[&[(&str, &str)]] = match profile {
            CardProfile::SignedRecord => &[OFFLINE, WRITTEN],
            CardProfile::WiegandBits => &[OFFLINE, WRITTEN, BITS],
            CardProfile::Csn => &[OFFLINE, NUMBERS],
        };
        let has_tags = profile == CardProfile::SignedRecord && model.writes_tags();
        let of_tags = TAGS.iter().filter(|_| has_tags).map(|row| (Some(KeyCredentialKind::NfcTag), row));
        let all = rows.iter().copied().flatten().map(|row| (None, row)).chain(of_tags);
        let exempt = |(kind, (case, reason)): (_, &(&str, &str))| Exemption {
            case: (*case).to_owned(),
            kind,
            reason: (*reason).to_owned(),
        };
        Self { model, profile, exemptions: all.map(exempt).collect() }
    }
}

#[async_trait]
impl Harness for WiegandHarness {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        let bench = WiegandBench::with_cards(self.model, self.profile, seed)?;
        let (config, lent) = bench.lent().await?;
        let driver = bench.driver_over(config, lent)?;
        let store = Arc::new(MemoryStore::new());
        let backstage = Backstage::over_shared(driver, &bench.site, &bench.clock, seed, store);
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
    profile: CardProfile,
    seed: u64,
    hands: Arc<Mutex<Hands>>,
    watch: Watch,
    doors: BTreeMap<LockDeviceId, (Place, Door)>,
    /// What decides at the doors, where a card is no more than a number.
    panel: Option<PanelDesk>,
}

/// The cards that were handed out.
#[derive(Debug, Default)]
struct Hands {
    cards: BTreeMap<(KeyCredentialId, String), Card>,
}

impl Hands {
    fn card(&self, holder: KeyCredentialId, kind: KeyCredentialKind) -> Option<Card> {
        self.cards.get(&(holder, kind.to_string())).cloned()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WiegandBench {
    /// The standard hotel with this encoder at its desk, and signed records on its cards.
    ///
    /// # Errors
    /// When the encoder is not simulated.
    pub fn of(model: EncoderModel, seed: u64) -> Result<Self, BenchError> {
        Self::with_cards(model, CardProfile::SignedRecord, seed)
    }

    /// The same with cards of this profile.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_cards(model: EncoderModel, profile: CardProfile, seed: u64) -> Result<Self, BenchError> {
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
        let hands = Arc::default();
        let panel = PanelDesk::of(profile, &hands);
        let watch = Watch::over(&encoder, panel.clone());
        let bus =
            SimBus::new(encoder.clone(), LineTime::of_day(&clock)).with_between(Arc::new(watch.clone()));
        bus.set_usb(usb());
        Ok(Self { site, clock, encoder, bus, model, profile, seed, hands, watch, doors, panel })
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

    /// The driver of this desk's cards. Where a panel decides, whoever runs it is told of every answer.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn driver_over(
        &self,
        config: WiegandConfig,
        lent: WiegandEnv,
    ) -> Result<Arc<dyn VendorDriver>, BenchError> {
        let wrong = |error: lockport_wiegand::ConfigError| BenchError::new(error.to_string());
        Ok(match (&self.panel, self.profile.of_panel()?) {
            (Some(panel), Some(profile)) => {
                let inner = PanelDriver::new(config, profile, lent).map_err(wrong)?;
                Arc::new(Operated::over(inner, panel.clone()))
            }
            _ => Arc::new(WiegandDriver::new(config, lent).map_err(wrong)?),
        })
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
        let lent = WiegandEnv { bus, watch: None, secrets: Arc::new(Secrets), slots, env };
        Ok((self.config(paired.encoder), lent))
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
        lock(&self.hands)
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
            card.allow_only(self.profile.blocks().iter().copied());
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

    fn opens(&self, door: LockDeviceId, card: &Card, at: Timestamp) -> Result<bool, BenchError> {
        let (_, lock) = self.door(door)?;
        Ok(match &self.panel {
            Some(panel) => panel.lets_in(door, card, at),
            None => lock.try_open(card, ms(at)).opened,
        })
    }

    /// Whether the door opens to anything that this holder has.
    pub(crate) fn try_all_of(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let hands = self.hands();
        for (_, card) in hands.cards.iter().filter(|((of, _), _)| *of == holder) {
            if self.opens(door, card, at)? {
                return Ok(true);
            }
        }
        Ok(false)
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
