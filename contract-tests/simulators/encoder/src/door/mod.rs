//! The other face: somebody holds a card to a door. Each door reads it with its own keys and judges by its own clock.

mod format;
mod panel;
mod read;
mod record;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::panel::{Panel, SerialHabit};

use self::read::{Held, Presented};
use self::record::{PropertyKey, Record, ruling, verify};
use crate::card::Card;

/// What the door did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it opened.
    pub opened: bool,
    /// Why, or why not; never holds a secret.
    pub why: &'static str,
}

impl Verdict {
    fn opened(why: &'static str) -> Self {
        Self { opened: true, why }
    }

    fn shut(why: &'static str) -> Self {
        Self { opened: false, why }
    }
}

/// An area with a door of its own, in the order of the record's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    /// Bit 0.
    Lobby,
    /// Bit 1.
    Gym,
    /// Bit 2.
    Pool,
    /// Bit 3.
    Spa,
    /// Bit 4.
    Parking,
}

/// Where a door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A room, by its door number.
    Room(u16),
    /// An area.
    Area(Area),
}

/// Which keys the doors of a property try on the sectors with the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SectorKeys {
    /// One key A for all cards.
    Same([u8; 6]),
    /// Each card's own key A (section 9.3), and this one for a card that was not personalised yet.
    Personal {
        /// Key A of a card that was not personalised.
        otherwise: [u8; 6],
    },
}

impl fmt::Debug for SectorKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Same(_) => "Same",
            Self::Personal { .. } => "Personal",
        })
    }
}

/// What all doors of a property that read `signed_record` know.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    key: PropertyKey,
    name: String,
    sectors: (u8, u8),
    sector_keys: SectorKeys,
}

impl fmt::Debug for Property {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Property").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Property {
    /// A property by its key and its name `tenantId/propertyId`: sectors 2 and 3, cards with their delivery keys.
    #[must_use]
    pub fn new(key: [u8; 16], name: &str) -> Self {
        Self {
            key: PropertyKey(key),
            name: name.into(),
            sectors: (2, 3),
            sector_keys: SectorKeys::Same([0xFF; 6]),
        }
    }

    /// Slots A and B in other sectors.
    #[must_use]
    pub fn with_sectors(mut self, a: u8, b: u8) -> Self {
        self.sectors = (a, b);
        self
    }

    /// Other sector keys.
    #[must_use]
    pub fn with_sector_keys(mut self, keys: SectorKeys) -> Self {
        self.sector_keys = keys;
        self
    }
}

#[derive(Debug)]
enum Judge {
    Record { property: Property, place: Place, floor: u32 },
    Panel(Panel),
}

#[derive(Debug)]
struct Lock {
    judge: Judge,
    drift_ms: i64,
    battery_is_dead: bool,
}

/// One door with its lock. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Door(Arc<Mutex<Lock>>);

impl Door {
    fn with(judge: Judge) -> Self {
        Self(Arc::new(Mutex::new(Lock { judge, drift_ms: 0, battery_is_dead: false })))
    }

    /// A door of the default profile `signed_record` (section 9), which has never seen a card.
    #[must_use]
    pub fn signed_record(property: &Property, place: Place) -> Self {
        Self::with(Judge::Record { property: property.clone(), place, floor: 0 })
    }

    /// A reader before a panel: the profiles `wiegand_bits` and `csn` (section 3).
    #[must_use]
    pub fn panel(panel: Panel) -> Self {
        Self::with(Judge::Panel(panel))
    }

    fn lock(&self) -> MutexGuard<'_, Lock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a card to the door at the true time `at_ms` (milliseconds since 1970 UTC); the lock judges by its own clock.
    ///
    /// The card loses its selection and its power for a moment, as if it had been carried here.
    #[must_use]
    pub fn try_open(&self, card: &Card, at_ms: i64) -> Verdict {
        let mut lock = self.lock();
        if lock.battery_is_dead {
            return Verdict::shut("the battery is dead");
        }
        let now = at_ms.saturating_add(lock.drift_ms).div_euclid(1000);
        let Some(held) = Held::new(card) else { return Verdict::shut("no card was found") };
        match &mut lock.judge {
            Judge::Record { property, place, floor } => by_record(held, property, *place, floor, now),
            Judge::Panel(panel) => panel.judge(held),
        }
    }

    /// Sets how far the lock's clock runs ahead of the true time; negative when it is late.
    pub fn set_drift_ms(&self, drift_ms: i64) {
        self.lock().drift_ms = drift_ms;
    }

    /// Lets the battery die, or puts in a new one. What the lock has learned stays.
    pub fn set_battery_dead(&self, is_dead: bool) {
        self.lock().battery_is_dead = is_dead;
    }

    /// The lowest serial a guest's card may have here (section 9.1).
    #[must_use]
    pub fn floor(&self) -> u32 {
        match self.lock().judge {
            Judge::Record { floor, .. } => floor,
            Judge::Panel(_) => 0,
        }
    }
}

fn by_record(mut held: Held, property: &Property, place: Place, floor: &mut u32, now: i64) -> Verdict {
    let uid = held.uid().to_vec();
    let check = |bytes: &[u8]| verify(bytes, &uid, property.key, &property.name);
    let candidates = match held.presented() {
        Presented::Classic => {
            let (a, b) = property.sectors;
            [a, b].map(|sector| {
                let keys = keys_for(property, &uid, sector);
                held.read_sector(sector, &keys)
                    .ok_or("the sector could not be read")
                    .and_then(|bytes| check(&bytes))
            })
        }
        Presented::Tag => [held.read_message().and_then(|bytes| check(&bytes)), Err("there is no record")],
        Presented::Other => return Verdict::shut("the card is of an unknown kind"),
    };
    let [a, b] = candidates;
    let why = match (&a, &b) {
        (Err("there is no record"), Err(why)) | (Err(why), _) => *why,
        _ => "there is no record",
    };
    match ruling(a.ok(), b.ok()) {
        Some(record) => admit(&record, place, floor, now),
        None => Verdict::shut(why),
    }
}

fn keys_for(property: &Property, uid: &[u8], sector: u8) -> Vec<[u8; 6]> {
    match property.sector_keys {
        SectorKeys::Same(key) => vec![key],
        SectorKeys::Personal { otherwise } => {
            vec![property.key.sector_key(uid, crate::card::KeySlot::A, sector), otherwise]
        }
    }
}

/// Section 9.1: the window, the place, and for a guest the door's floor, which only an override raises.
fn admit(record: &Record, place: Place, floor: &mut u32, now: i64) -> Verdict {
    if now < i64::from(record.from) {
        return Verdict::shut("the record is not valid yet");
    }
    if now >= i64::from(record.until) {
        return Verdict::shut("the record has expired");
    }
    let number = match place {
        Place::Area(area) => {
            return match record.areas >> (area as u8) & 1 {
                1 => Verdict::opened("a valid record lists this area"),
                _ => Verdict::shut("the record does not list this area"),
            };
        }
        Place::Room(number) => number,
    };
    if !record.rooms.contains(&number) {
        return Verdict::shut("the record does not list this door");
    }
    if record.is_staff {
        return Verdict::opened("a valid staff record");
    }
    if record.serial < *floor {
        return Verdict::shut("a later guest's key was used here");
    }
    if record.is_override {
        *floor = record.serial;
    }
    Verdict::opened("a valid record lists this door")
}
