//! The on-card record (section 9), read by a door with nothing but the property's key.

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::card::KeySlot;

const STAFF: u8 = 0b010;
const OVERRIDE: u8 = 0b100;
const KNOWN_FLAGS: u8 = 0b111;
const KNOWN_AREAS: u8 = 0b1_1111;
const MOST_ROOMS: usize = 9;

/// A property's secret, as the pairing wizard made it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct PropertyKey(pub(super) [u8; 16]);

impl PropertyKey {
    /// Section 9.3: AES-128-CMAC over 01 and the message.
    pub(super) fn derive(self, parts: &[&[u8]]) -> [u8; 16] {
        cmac(&self.0, &[&[&[0x01_u8][..]], parts].concat())
    }

    fn mac_key(self, uid: &[u8]) -> [u8; 16] {
        self.derive(&[uid, &[0x4C, 0x4B, 0x01], b"lockport-mac"])
    }

    /// A sector's personal key.
    pub(super) fn sector_key(self, uid: &[u8], slot: KeySlot, sector: u8) -> [u8; 6] {
        let letter: &[u8] = match slot {
            KeySlot::A => b"A",
            KeySlot::B => b"B",
        };
        let [a, b, c, d, e, f, ..] =
            self.derive(&[uid, &[0x4C, 0x4B, 0x02], b"lockport-key", letter, &[sector]]);
        [a, b, c, d, e, f]
    }
}

fn cmac(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Cmac::<Aes128>::new(&(*key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What a record says, once its MAC is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) serial: u32,
    pub(super) from: u32,
    pub(super) until: u32,
    pub(super) areas: u8,
    pub(super) rooms: Vec<u16>,
    pub(super) is_staff: bool,
    pub(super) is_override: bool,
}

/// The property's tag in a record.
pub(super) fn property_tag(property: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(property.as_bytes()));
    [a, b, c, d]
}

/// Reads a record for a card of this serial number; the error says what is wrong with it.
pub(super) fn verify(
    bytes: &[u8],
    uid: &[u8],
    key: PropertyKey,
    property: &str,
) -> Result<Record, &'static str> {
    let (fields, mac) = bytes.split_at_checked(40).ok_or("the record is too short")?;
    let [0x4C, 0x4B, version, flags, t0, t1, t2, t3, rest @ ..] = fields else {
        return Err("there is no record");
    };
    if *version != 0x01 {
        return Err("the record's version is unknown");
    }
    if property_tag(property) != [*t0, *t1, *t2, *t3] {
        return Err("the record is another property's");
    }
    let uid_length = u8::try_from(uid.len()).unwrap_or(u8::MAX);
    let expected = cmac(&key.mac_key(uid), &[&[uid_length], uid, fields]);
    if expected.first_chunk::<8>() != mac.first_chunk::<8>() {
        return Err("the record's MAC is wrong");
    }
    let [s0, s1, s2, s3, f0, f1, f2, f3, u0, u1, u2, u3, areas, count, rooms @ ..] = rest else {
        return Err("the record is too short");
    };
    let record = Record {
        serial: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
        from: u32::from_be_bytes([*f0, *f1, *f2, *f3]),
        until: u32::from_be_bytes([*u0, *u1, *u2, *u3]),
        areas: *areas,
        rooms: listed_rooms(rooms, usize::from(*count)).ok_or("the record's rooms are not well formed")?,
        is_staff: flags & STAFF != 0,
        is_override: flags & OVERRIDE != 0,
    };
    if flags & !KNOWN_FLAGS != 0 || areas & !KNOWN_AREAS != 0 {
        return Err("the record has bits of no meaning");
    }
    if record.serial == 0 || record.until <= record.from {
        return Err("the record's numbers are not well formed");
    }
    Ok(record)
}

/// Rising door numbers, then zeros.
fn listed_rooms(bytes: &[u8], count: usize) -> Option<Vec<u16>> {
    let all: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if count > MOST_ROOMS {
        return None;
    }
    let (listed, unused) = all.split_at_checked(count)?;
    let rising = listed.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    (rising && unused.iter().all(|number| *number == 0)).then(|| listed.to_vec())
}

/// The record that rules among those that verify: the higher serial, slot A when they are equal.
pub(super) fn ruling(a: Option<Record>, b: Option<Record>) -> Option<Record> {
    match (a, b) {
        (Some(a), Some(b)) if b.serial > a.serial => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}
