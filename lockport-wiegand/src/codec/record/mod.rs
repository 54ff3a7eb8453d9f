//! The signed record on a card: 48 bytes that say which doors, from when, until when, and prove it (sections 9.1 and 9.2).

mod fields;
mod slot;

use std::num::NonZeroU32;

use cmac::Mac as _;
use lockport::Secret;

pub use self::fields::{Areas, DoorNumbers, Flags, InvalidRecord, MAX_DOORS, PropertyTag};
pub use self::slot::{Slot, blocks, has_magic, of_blocks, ruling};
use super::key::{PropertyKey, mac_under};
use crate::encoder::Uid;

/// How many bytes a record has.
pub const RECORD_LEN: usize = 48;

/// Everything before the MAC.
const SIGNED_LEN: usize = 40;
const MAC_LEN: usize = RECORD_LEN - SIGNED_LEN;
const MAGIC: [u8; 2] = *b"LK";
const VERSION: u8 = 1;

/// Why bytes on a card are not a record that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotARecord {
    /// They do not begin as one.
    #[error("there is no record")]
    NoMagic,
    /// A version that this code does not know.
    #[error("the record has another version")]
    OtherVersion,
    /// Another property's.
    #[error("the record is another property's")]
    OtherProperty,
    /// Torn, altered, copied from another card, or signed with another key.
    #[error("the record is not signed for this card")]
    BadMac,
    /// Signed, and yet it breaks the layout.
    #[error("the record breaks its layout")]
    BadLayout,
}

/// What a card says at a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    property: PropertyTag,
    serial: NonZeroU32,
    from_s: u32,
    until_s: u32,
    flags: Flags,
    areas: Areas,
    doors: DoorNumbers,
}

impl Record {
    /// A record of this property that opens nothing yet: valid from `from_s`, no longer valid at `until_s`, both in seconds
    /// since 1970 UTC.
    ///
    /// # Errors
    /// [`InvalidRecord`]
    pub fn new(property: PropertyTag, serial: u32, from_s: u32, until_s: u32) -> Result<Self, InvalidRecord> {
        let serial = NonZeroU32::new(serial).ok_or(InvalidRecord::ZeroSerial)?;
        if until_s <= from_s {
            return Err(InvalidRecord::Window);
        }
        let (flags, areas, doors) = (Flags::NONE, Areas::NONE, DoorNumbers::default());
        Ok(Self { property, serial, from_s, until_s, flags, areas, doors })
    }

    /// With these flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    /// With these shared places.
    #[must_use]
    pub const fn with_areas(mut self, areas: Areas) -> Self {
        self.areas = areas;
        self
    }

    /// With these doors.
    #[must_use]
    pub const fn with_doors(mut self, doors: DoorNumbers) -> Self {
        self.doors = doors;
        self
    }

    /// Whose it is.
    #[must_use]
    pub const fn property(&self) -> PropertyTag {
        self.property
    }

    /// Its number among the property's records: of two on one card the higher rules.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial.get()
    }

    /// From when it is valid, in seconds since 1970 UTC.
    #[must_use]
    pub const fn from_s(&self) -> u32 {
        self.from_s
    }

    /// When it is no longer valid, in seconds since 1970 UTC.
    #[must_use]
    pub const fn until_s(&self) -> u32 {
        self.until_s
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> Flags {
        self.flags
    }

    /// The shared places that it opens.
    #[must_use]
    pub const fn areas(&self) -> Areas {
        self.areas
    }

    /// The doors that it opens.
    #[must_use]
    pub const fn doors(&self) -> &DoorNumbers {
        &self.doors
    }

    /// The record as it stands on this card, signed.
    #[must_use]
    pub fn seal(&self, key: &PropertyKey, uid: &Uid) -> Secret<[u8; RECORD_LEN]> {
        let mut bytes = [0; RECORD_LEN];
        let (signed, mac) = bytes.split_at_mut(SIGNED_LEN);
        let mut at = &mut *signed;
        put(&mut at, &MAGIC);
        put(&mut at, &[VERSION, self.flags.bits()]);
        put(&mut at, &self.property.0);
        put(&mut at, &self.serial.get().to_be_bytes());
        put(&mut at, &self.from_s.to_be_bytes());
        put(&mut at, &self.until_s.to_be_bytes());
        put(&mut at, &[self.areas.bits(), self.doors.count]);
        self.doors.numbers.iter().for_each(|number| put(&mut at, &number.to_be_bytes()));
        let whole: [u8; 16] = mac_over(key, uid, signed).finalize().into_bytes().into();
        mac.copy_from_slice(whole.split_at(MAC_LEN).0);
        Secret::new(bytes)
    }

    /// Reads what stands on this card. The MAC is compared in a time that does not tell how much of it is right.
    ///
    /// # Errors
    /// [`NotARecord`]; such a slot is ignored.
    pub fn open(
        bytes: &Secret<[u8; RECORD_LEN]>,
        key: &PropertyKey,
        uid: &Uid,
        property: PropertyTag,
    ) -> Result<Self, NotARecord> {
        // EXPOSE: it is taken apart here; what comes out is not printed as bytes any more.
        let (signed, mac) = bytes.expose().split_at(SIGNED_LEN);
        let mut at = signed;
        if take(&mut at) != MAGIC {
            return Err(NotARecord::NoMagic);
        }
        let [version, flags] = take(&mut at);
        if version != VERSION {
            return Err(NotARecord::OtherVersion);
        }
        if take(&mut at) != property.0 {
            return Err(NotARecord::OtherProperty);
        }
        mac_over(key, uid, signed).verify_truncated_left(mac).map_err(|_| NotARecord::BadMac)?;
        let [serial, from_s, until_s] = [(); 3].map(|()| u32::from_be_bytes(take(&mut at)));
        let [areas, count] = take(&mut at);
        let read = || {
            let record = Self::new(property, serial, from_s, until_s).ok()?;
            let doors = DoorNumbers::parse(count, at)?;
            Some(
                record
                    .with_flags(Flags::from_bits(flags)?)
                    .with_areas(Areas::from_bits(areas)?)
                    .with_doors(doors),
            )
        };
        read().ok_or(NotARecord::BadLayout)
    }
}

/// `UID length ‖ UID ‖ bytes 0..39` under the card's own key.
fn mac_over(key: &PropertyKey, uid: &Uid, signed: &[u8]) -> cmac::Cmac<aes::Aes128> {
    let mut mac = mac_under(&key.mac_key(uid));
    mac.update(&[uid.bytes().len() as u8]);
    mac.update(uid.bytes());
    mac.update(signed);
    mac
}

/// Writes to the front of what is left.
fn put(at: &mut &mut [u8], field: &[u8]) {
    if let Some((to, rest)) = std::mem::take(at).split_at_mut_checked(field.len()) {
        to.copy_from_slice(field);
        *at = rest;
    }
}

/// Reads from the front of what is left; zeros past the end.
fn take<const N: usize>(at: &mut &[u8]) -> [u8; N] {
    let Some((field, rest)) = at.split_first_chunk() else { return [0; N] };
    *at = rest;
    *field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    const EXAMPLE: &str = "4C4B0100E878E47C00000007695661C0 695904C00102006500CC000000000000 \
                           0000000000000000F27B0DFC97CDB8F6";

    fn key() -> PropertyKey {
        PropertyKey::new(Secret::new(bytes("000102030405060708090A0B0C0D0E0F")))
    }

    fn uid() -> Uid {
        Uid::new(&[0xA1, 0xB2, 0xC3, 0xD4]).unwrap()
    }

    fn tag() -> PropertyTag {
        PropertyTag::of("tnt_demo", "prp_demo")
    }

    fn example() -> Record {
        let record = Record::new(tag(), 7, 1_767_268_800, 1_767_441_600).unwrap();
        record.with_areas(Areas::LOBBY).with_doors(DoorNumbers::new(&[204, 101]).unwrap())
    }

    fn open(bytes: [u8; 48]) -> Result<Record, NotARecord> {
        Record::open(&Secret::new(bytes), &key(), &uid(), tag())
    }

    /// Section 9.4, both ways.
    #[test]
    fn the_example_is_written_and_read_to_the_byte() {
        assert_eq!(*example().seal(&key(), &uid()).expose(), bytes(EXAMPLE));
        assert_eq!(open(bytes(EXAMPLE)), Ok(example()));
        let sealed = example().seal(&key(), &uid());
        assert_eq!(of_blocks(&blocks(&sealed)).expose(), sealed.expose());
        assert!(has_magic(&blocks(&sealed)[0]) && !has_magic(&blocks(&sealed)[1]));
    }

    /// A mixture of an old and a new record is none, whichever blocks are whose (section 10, rule 3); nor is one with any bit
    /// turned over, nor one of another card, property or key.
    #[test]
    fn what_was_not_signed_as_a_whole_for_this_card_is_no_record() {
        let old = blocks(&example().seal(&key(), &uid()));
        let doors = DoorNumbers::new(&[101, 102, 103, 104, 105, 106, 204]).unwrap();
        let new = Record { serial: NonZeroU32::new(8).unwrap(), until_s: 1_767_500_000, doors, ..example() };
        let new = blocks(&new.seal(&key(), &uid()));
        for mixture in 1..7 {
            let block = |at: usize| if mixture >> at & 1 == 1 { &new } else { &old }[at].clone();
            let mixed = of_blocks(&[block(0), block(1), block(2)]);
            assert_eq!(Record::open(&mixed, &key(), &uid(), tag()), Err(NotARecord::BadMac), "{mixture:03b}");
        }
        for bit in 0..8 * RECORD_LEN {
            let mut bent: [u8; 48] = bytes(EXAMPLE);
            bent[bit / 8] ^= 1 << (bit % 8);
            let want = match bit / 8 {
                0 | 1 => NotARecord::NoMagic,
                2 => NotARecord::OtherVersion,
                4..8 => NotARecord::OtherProperty,
                _ => NotARecord::BadMac,
            };
            assert_eq!(open(bent), Err(want), "bit {bit}");
        }
        let sealed = Secret::new(bytes(EXAMPLE));
        let cloned_onto = Uid::new(&[0xA1, 0xB2, 0xC3, 0xD5]).unwrap();
        assert_eq!(Record::open(&sealed, &key(), &cloned_onto, tag()), Err(NotARecord::BadMac));
        let another_key = PropertyKey::new(Secret::new([0; 16]));
        assert_eq!(Record::open(&sealed, &another_key, &uid(), tag()), Err(NotARecord::BadMac));
    }

    /// Signed with the right key and yet wrong: section 9.1 names the fields.
    #[test]
    fn a_right_signature_does_not_make_a_wrong_layout_right() {
        let signed = |at: usize, to: &[u8]| {
            let mut record: [u8; 48] = bytes(EXAMPLE);
            record[at..at + to.len()].copy_from_slice(to);
            let mac = mac_over(&key(), &uid(), &record[..SIGNED_LEN]).finalize().into_bytes();
            record[SIGNED_LEN..].copy_from_slice(&mac[..MAC_LEN]);
            open(record).map(|record| record.doors.as_slice().to_vec())
        };
        assert_eq!(signed(22, &[0, 101, 0, 205]), Ok(vec![101, 205]));
        let wrong: [(usize, &[u8]); 9] = [
            (3, &[0b1000]),
            (8, &[0; 4]),
            (16, &0x6956_61C0_u32.to_be_bytes()),
            (20, &[0b10_0001]),
            (21, &[10]),
            (21, &[1]),
            (21, &[3]),
            (22, &[0, 204, 0, 101]),
            (22, &[0, 101, 0, 101]),
        ];
        for (at, to) in wrong {
            assert_eq!(signed(at, to), Err(NotARecord::BadLayout), "{to:?} at {at}");
        }
    }

    #[test]
    fn what_no_record_may_say_is_refused_before_it_is_written() {
        assert_eq!(Record::new(tag(), 0, 1, 2), Err(InvalidRecord::ZeroSerial));
        assert_eq!(Record::new(tag(), 1, 2, 2), Err(InvalidRecord::Window));
        let ten: Vec<u16> = (1..=10).collect();
        assert_eq!(DoorNumbers::new(&ten), Err(InvalidRecord::TooManyDoors));
        assert_eq!(DoorNumbers::new(&ten[1..]).unwrap().as_slice(), &ten[1..]);
        assert_eq!(DoorNumbers::new(&[5, 5, 3]).unwrap().as_slice(), [3, 5]);
    }
}
