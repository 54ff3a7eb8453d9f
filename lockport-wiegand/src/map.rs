//! Domain to record and back. No I/O: everything here can be tested to the end.

use std::fmt::Write as _;

use lockport::credential::{Proof, Warning, WarningCode};
use lockport::driver::{Attempt, CardSays, GrantOrder, Granted, Held, Relation, Withdrawn};
use lockport::id::LockDeviceId;
use lockport::{LockError, Secret, Timestamp, Validity};

use crate::codec::record::{Areas, DoorNumbers, Flags, PropertyTag, Record};
use crate::config::{DoorPlace, WiegandConfig};
use crate::encoder::Uid;

/// Minutes are counted from 2024-01-01 UTC (section 9.1).
const SERIALS_BEGIN_S: i64 = 1_704_067_200;

/// A card and the record that was written on it: what the core keeps of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnCard {
    pub(crate) uid: Uid,
    pub(crate) serial: u32,
}

impl OnCard {
    /// `A1B2C3D4/77`: the card's number, the record's.
    pub(crate) fn to_text(&self) -> String {
        format!("{}/{}", number_of(&self.uid), self.serial)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (uid, serial) = text.split_once('/')?;
        Some(Self { uid: uid_of(uid)?, serial: serial.parse().ok()? })
    }
}

/// A card's number as people read it off: `A1B2C3D4`.
pub(crate) fn number_of(uid: &Uid) -> String {
    uid.bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02X}");
        text
    })
}

/// The card of this number, in either case and with the colons or blanks that other programs print.
pub(crate) fn uid_of(text: &str) -> Option<Uid> {
    let digits: String = text.chars().filter(|digit| !matches!(digit, ':' | ' ' | '-')).collect();
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at.checked_add(2)?)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    Uid::new(&bytes?)
}

/// Which cards a new key may be put on.
#[derive(Debug)]
pub(crate) struct Cards {
    /// The one that the holder brought.
    wanted: Option<Uid>,
    /// The one on which it was begun.
    pub(crate) noted: Option<Uid>,
    /// Those on which other keys of the holder stand.
    others: Vec<Uid>,
}

impl Cards {
    pub(crate) fn of(order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Self, LockError> {
        // EXPOSE: a card's number, to tell it from another card.
        let of = |card: &Secret| uid_of(card.expose());
        let no_number = || LockError::invalid_input("that is no card's number");
        Ok(Self {
            wanted: order.artifact.as_ref().map(|card| of(card).ok_or_else(no_number)).transpose()?,
            noted: attempt.noted.and_then(OnCard::parse).map(|on| on.uid),
            others: attempt.beside.iter().flat_map(known).map(|on| on.uid).collect(),
        })
    }

    /// Whether this is one.
    pub(crate) fn include(&self, uid: &Uid) -> bool {
        [&self.wanted, &self.noted].into_iter().flatten().all(|card| card == uid)
            && !self.others.contains(uid)
    }
}

/// What is known of where a grant stands: the last that was confirmed, and the last that was begun.
pub(crate) fn known(held: &Held) -> Vec<OnCard> {
    // EXPOSE: which card and which record, to find them again.
    let confirmed = held.reference.as_ref().and_then(|text| OnCard::parse(text.expose()));
    let begun = held.note.as_deref().and_then(OnCard::parse);
    confirmed.into_iter().chain(begun).collect()
}

/// The serial of a moment: what it would be if no other desk had written a card yet. Late in 2055 the minutes do not fit any more,
/// and the count just goes on.
pub(crate) fn serial_at(now: Timestamp, desk_slot: u8) -> u32 {
    let minutes = now.timestamp().saturating_sub(SERIALS_BEGIN_S).div_euclid(60).max(0);
    let serial = minutes.saturating_mul(256).saturating_add(i64::from(desk_slot));
    u32::try_from(serial).unwrap_or_default()
}

fn seconds(at: Timestamp) -> Result<u32, LockError> {
    u32::try_from(at.timestamp())
        .map_err(|_| LockError::invalid_input("a card knows no times beyond 1970 to 2106"))
}

/// Whose records these are.
pub(crate) fn tag(config: &WiegandConfig) -> PropertyTag {
    PropertyTag::of(&config.tenant.to_string(), &config.property.to_string())
}

/// The record that an order asks for.
pub(crate) fn record(config: &WiegandConfig, order: &GrantOrder, serial: u32) -> Result<Record, LockError> {
    if order.blocked {
        return Err(LockError::unsupported("a card is not blocked, its record is taken away"));
    }
    let (mut numbers, mut areas) = (Vec::new(), Areas::NONE);
    for door in &order.doors {
        let known = config.doors.get(door).ok_or_else(|| LockError::device_not_paired(*door))?;
        match known.place {
            DoorPlace::Number(number) => numbers.push(number),
            DoorPlace::Area(area) => areas = areas.and(area.bit()),
        }
    }
    let flags = match order.relation {
        Relation::Override => Flags::OVERRIDE,
        Relation::Staff => Flags::STAFF,
        _ => Flags::NONE,
    };
    let (from_s, until_s) = (seconds(order.window.from())?, seconds(order.window.until())?);
    let invalid = |error: crate::codec::record::InvalidRecord| LockError::invalid_input(error.to_string());
    let doors = DoorNumbers::new(&numbers).map_err(invalid)?;
    let record = Record::new(tag(config), serial, from_s, until_s).map_err(invalid)?;
    Ok(record.with_flags(flags).with_areas(areas).with_doors(doors))
}

/// What a record says, in the hotel's own words; nothing where it has no window that the core knows.
pub(crate) fn says(config: &WiegandConfig, record: &Record) -> Option<CardSays> {
    let at = |seconds| Timestamp::from_timestamp(i64::from(seconds), 0);
    let window = Validity::new(at(record.from_s())?, at(record.until_s())?).ok()?;
    Some(CardSays::Key { doors: doors_of(config, record), window, staff: record.flags().has(Flags::STAFF) })
}

fn doors_of(config: &WiegandConfig, record: &Record) -> Vec<LockDeviceId> {
    let opens = |place: DoorPlace| match place {
        DoorPlace::Number(number) => record.doors().as_slice().contains(&number),
        DoorPlace::Area(area) => record.areas().has(area.bit()),
    };
    config.doors.iter().filter(|(_, door)| opens(door.place)).map(|(id, _)| *id).collect()
}

/// What was given: the card is what its holder opens with.
pub(crate) fn granted(order: &GrantOrder, on: &OnCard) -> Granted {
    Granted {
        reference: Some(Secret::new(on.to_text())),
        artifact: Some(Secret::new(number_of(&on.uid))),
        effective: order.window,
        // Doors need to be told nothing: they read it off the card.
        proof: Some(Proof::AtLock),
        dies_unless_used_by: None,
        warnings: Vec::new(),
    }
}

/// It was seen on the card, and is not there any more.
pub(crate) fn gone() -> Withdrawn {
    Withdrawn { proof: Proof::AtLock, warnings: Vec::new() }
}

/// The card was not there.
pub(crate) fn not_wiped() -> Withdrawn {
    let detail =
        "the card is away: it opens until its window ends, or a later guest's card is used".to_owned();
    let warnings = vec![Warning { code: WarningCode::CardNotWiped, detail }];
    Withdrawn { proof: Proof::ExpiresOnly, warnings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_and_its_record_survive_as_text() {
        for bytes in [&[0xA1, 0xB2, 0xC3, 0xD4][..], &[4, 0x78, 0x2E, 0x21, 0x80, 0x1D, 0x80]] {
            let on = OnCard { uid: Uid::new(bytes).unwrap(), serial: 328_000_001 };
            assert_eq!(OnCard::parse(&on.to_text()), Some(on));
        }
        for bad in ["", "A1B2C3D4", "A1B2C3D4/", "A1B2C3D4/-1", "A1B2C3/7", "G1B2C3D4/7", "é1B2C3D/7"] {
            assert_eq!(OnCard::parse(bad), None, "{bad}");
        }
        assert_eq!(uid_of("a1:b2:c3:d4"), uid_of("A1B2C3D4"));
    }

    /// Section 9.1: two desks in one minute differ, and the next minute is above both.
    #[test]
    fn serials_rise_with_the_minutes() {
        let at = |second| Timestamp::from_timestamp(SERIALS_BEGIN_S + second, 0).unwrap();
        assert_eq!(serial_at(at(0), 3), 3);
        assert_eq!(serial_at(at(59), 255), 255);
        assert_eq!(serial_at(at(60), 0), 256);
        assert_eq!(serial_at(at(-60), 1), 1, "a clock before the count began");
        let wrong = Timestamp::from_timestamp(SERIALS_BEGIN_S + 40 * 366 * 86_400, 0).unwrap();
        assert_eq!(serial_at(wrong, 0), 0);
    }
}
