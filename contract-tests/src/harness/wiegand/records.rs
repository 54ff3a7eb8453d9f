//! What a card says, read off it by hand and then shown to a door: a record is one when a door of the property opens to it.

use lockport::Timestamp;
use lockport_sim_encoder::{Card, CardKind, Door, Place, Property};

/// A property key that opens no real door.
pub(super) const PROPERTY_KEY: [u8; 16] =
    [0x3A, 0x91, 0x5C, 0x07, 0xE4, 0x68, 0xB2, 0xD9, 0x10, 0xFE, 0x2B, 0x77, 0x86, 0x4D, 0xC3, 0x95];
/// The first blocks of the two slots.
const SLOTS: [u8; 2] = [8, 12];
/// Where a record begins in the message of a tag.
const IN_MESSAGE: usize = 15;

/// The plain part of a record, as section 9.1 lays it out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    serial: u32,
    from_s: u32,
    areas: u8,
    rooms: Vec<u16>,
}

impl Record {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        if !bytes.starts_with(b"LK") {
            return None;
        }
        let count = usize::from(*bytes.get(21)?);
        let rooms = bytes.get(22..40)?.as_chunks::<2>().0.iter().take(count);
        Some(Self {
            serial: number(8)?,
            from_s: number(12)?,
            areas: *bytes.get(20)?,
            rooms: rooms.map(|pair| u16::from_be_bytes(*pair)).collect(),
        })
    }

    /// Where it can be tried.
    fn place(&self) -> Option<Place> {
        use lockport_sim_encoder::Area::{Gym, Lobby, Parking, Pool, Spa};
        let area = [Lobby, Gym, Pool, Spa, Parking]
            .into_iter()
            .enumerate()
            .find(|(bit, _)| self.areas >> bit & 1 == 1)
            .map(|(_, area)| Place::Area(area));
        self.rooms.first().copied().map(Place::Room).or(area)
    }

    /// Whether it names this place.
    pub(super) fn names(&self, place: Place) -> bool {
        match place {
            Place::Room(number) => self.rooms.contains(&number),
            Place::Area(area) => self.areas >> (area as u8) & 1 == 1,
        }
    }
}

/// The doors' side of the bench's property.
pub(super) fn property(name: &str) -> Property {
    Property::new(PROPERTY_KEY, name)
}

/// The records on a card that a door would take, each by itself.
pub(super) fn records_on(card: &Card) -> Vec<Record> {
    let mut found = Vec::new();
    match card.kind() {
        CardKind::Classic1k => {
            for (at, first) in SLOTS.into_iter().enumerate() {
                let blocks: Vec<[u8; 16]> =
                    (first..first + 3).filter_map(|block| card.block(block)).collect();
                let Some(record) = Record::parse(blocks.as_flattened()) else { continue };
                let alone = card.copy();
                // The other slot must not speak for this one.
                if let Some(other) = SLOTS.get(1 - at) {
                    alone.set_block(*other, [0; 16]);
                }
                found.extend(Some(record).filter(|record| opens(&alone, record)));
            }
        }
        _ => {
            let pages: Vec<[u8; 4]> = (4..20).filter_map(|page| card.page(page)).collect();
            let record = pages.as_flattened().get(IN_MESSAGE..).and_then(Record::parse);
            found.extend(record.filter(|record| opens(card, record)));
        }
    }
    found
}

fn opens(card: &Card, record: &Record) -> bool {
    let property = property(&super::property_name());
    let Some(place) = record.place() else { return false };
    let from_ms = i64::from(record.from_s).saturating_mul(1_000);
    // Never the card itself: it would lose its selection on the encoder.
    Door::signed_record(&property, place).try_open(&card.copy(), from_ms).opened
}

/// A moment as doors are told it.
pub(super) fn ms(at: Timestamp) -> i64 {
    at.timestamp_millis()
}
