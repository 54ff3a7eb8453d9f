//! The access bits of a MIFARE Classic sector, and the trailers that may be written (section 8.1).
//!
//! A sector whose bits do not match their inverses is dead for ever. So whatever three bytes a card shows can be read, and only
//! two sets of them can be written: a [`Trailer`] is made of an [`Access`], and there is no other way to make one.

use lockport::Secret;

use crate::encoder::SectorKey;

/// The three bits C1 C2 C3 of one block, as the number that they read as: `0b100` is C1 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition(u8);

impl Condition {
    /// The three bits, C1 highest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// What bytes 6 to 8 of a trailer say of the sector's four blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessBits([Condition; 4]);

impl AccessBits {
    /// Reads bytes 6, 7 and 8; nothing where the inverses do not match.
    #[must_use]
    pub fn parse([six, seven, eight]: [u8; 3]) -> Option<Self> {
        let (c1, c2, c3) = (seven >> 4, eight & 0x0F, eight >> 4);
        let inverses_match = six & 0x0F == !c1 & 0x0F && six >> 4 == !c2 & 0x0F && seven & 0x0F == !c3 & 0x0F;
        let of = |block: u8| {
            let bit = |nibble: u8| nibble >> block & 1;
            Condition(bit(c1) << 2 | bit(c2) << 1 | bit(c3))
        };
        inverses_match.then(|| Self([of(0), of(1), of(2), of(3)]))
    }

    /// The conditions of the three data blocks, then of the trailer.
    #[must_use]
    pub const fn conditions(self) -> [Condition; 4] {
        self.0
    }

    /// Whether key B can be read out of the trailer. Such a key is data and opens nothing.
    #[must_use]
    pub fn key_b_is_readable(self) -> bool {
        matches!(self.0, [_, _, _, Condition(0b000..=0b010)])
    }
}

/// The access bits that may be written, and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// As delivered, `FF0780`: key A reads and writes everything, key B is readable and opens nothing.
    Delivery,
    /// `787788`: a door reads with key A, the encoder reads and writes with key B.
    DoorReads,
}

impl Access {
    /// Bytes 6, 7 and 8 of the trailer.
    #[must_use]
    pub const fn bytes(self) -> [u8; 3] {
        match self {
            Self::Delivery => [0xFF, 0x07, 0x80],
            Self::DoorReads => [0x78, 0x77, 0x88],
        }
    }
}

/// Byte 9 as delivered; nothing is kept there.
const GENERAL_PURPOSE: u8 = 0x69;

/// The last block of a sector: its two keys and its access bits.
#[derive(Clone, Debug)]
pub struct Trailer(Secret<[u8; 16]>);

impl Trailer {
    /// Key A, one of the two sets of access bits, key B.
    #[must_use]
    pub fn new(key_a: &SectorKey, access: Access, key_b: &SectorKey) -> Self {
        let mut block = [0; 16];
        let (a, rest) = block.split_at_mut(6);
        let (bits, rest) = rest.split_at_mut(3);
        let (general, b) = rest.split_at_mut(1);
        // EXPOSE: into the block that goes to the card, which is a secret again.
        a.copy_from_slice(key_a.expose());
        bits.copy_from_slice(&access.bytes());
        general.fill(GENERAL_PURPOSE);
        // EXPOSE: as above.
        b.copy_from_slice(key_b.expose());
        Self(Secret::new(block))
    }

    /// The block as it is written.
    #[must_use]
    pub const fn block(&self) -> &Secret<[u8; 16]> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    fn conditions(bytes: [u8; 3]) -> Option<[u8; 4]> {
        Some(AccessBits::parse(bytes)?.conditions().map(Condition::bits))
    }

    /// Both sets read as section 8.1 describes them; a third, which nobody writes, too.
    #[test]
    fn bits_are_read_block_by_block() {
        assert_eq!(conditions(Access::Delivery.bytes()), Some([0b000, 0b000, 0b000, 0b001]));
        assert_eq!(conditions(Access::DoorReads.bytes()), Some([0b100, 0b100, 0b100, 0b011]));
        assert_eq!(conditions([0x7F, 0x07, 0x88]), Some([0b000, 0b000, 0b000, 0b011]));
        assert!(AccessBits::parse(Access::Delivery.bytes()).unwrap().key_b_is_readable());
        assert!(!AccessBits::parse(Access::DoorReads.bytes()).unwrap().key_b_is_readable());
    }

    /// Of all three bytes exactly those are sound whose 12 bits match their 12 inverses: one bit turned over kills the sector.
    #[test]
    fn a_set_that_would_kill_a_sector_is_not_read() {
        for access in [Access::Delivery, Access::DoorReads] {
            for bit in 0..24 {
                let mut bits = access.bytes();
                bits[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(AccessBits::parse(bits), None, "{access:?}, bit {bit}");
            }
        }
        let all = 0..=0x00FF_FFFF_u32;
        let sound = all.filter(|set| {
            let [_, six, seven, eight] = set.to_be_bytes();
            AccessBits::parse([six, seven, eight]).is_some()
        });
        assert_eq!(sound.count(), 1 << 12);
    }

    #[test]
    fn a_trailer_is_keys_around_a_sound_set() {
        let [a, b] = [Secret::new([0xFF; 6]), Secret::new([1, 2, 3, 4, 5, 6])];
        let delivered = Trailer::new(&a, Access::Delivery, &a);
        assert_eq!(*delivered.block().expose(), bytes("FFFFFFFFFFFF FF0780 69 FFFFFFFFFFFF"));
        let ours = Trailer::new(&a, Access::DoorReads, &b);
        assert_eq!(*ours.block().expose(), bytes("FFFFFFFFFFFF 787788 69 010203040506"));
        assert_eq!(format!("{ours:?}"), "Trailer([redacted])");
    }
}
