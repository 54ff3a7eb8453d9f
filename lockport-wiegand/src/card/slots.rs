//! The signed record on a MIFARE Classic: two slots, a sector each (section 9.2).

use lockport::Secret;

use super::Trouble;
use super::hand::{Hand, is_same};
use super::keys::{DELIVERY, Keys, SHARED};
use super::place::Sector;
use super::record::Standing;
use crate::codec::access::{Access, AccessBits, Trailer};
use crate::codec::record::{self, RECORD_LEN, Slot};
use crate::encoder::KeyName;

/// The two sectors of a property's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) a: Sector,
    pub(crate) b: Sector,
}

/// What a sector without a record has in its first block.
const NOTHING: [u8; 16] = [0; 16];

impl Slots {
    pub(crate) const fn sector(&self, slot: Slot) -> Sector {
        match slot {
            Slot::A => self.a,
            Slot::B => self.b,
        }
    }

    /// What stands in a slot; its rest is read only where it begins as a record.
    pub(crate) async fn read(&self, hand: &mut Hand<'_>, slot: Slot) -> Result<Standing, Trouble> {
        let [first, second, third] = self.sector(slot).blocks();
        let first = hand.read_block(first).await?;
        if !record::has_magic(&first) {
            return Ok(if is_nothing(&first) { Standing::Nothing } else { Standing::Something });
        }
        let blocks = [first, hand.read_block(second).await?, hand.read_block(third).await?];
        Ok(Standing::Begun(record::of_blocks(&blocks)))
    }

    /// Takes a record away, and knows that it is gone.
    pub(crate) async fn wipe(&self, hand: &mut Hand<'_>, slot: Slot) -> Result<(), Trouble> {
        let first = self.sector(slot).first();
        let nothing = Secret::new(NOTHING);
        hand.write_block(first, &nothing).await?;
        if is_nothing(&hand.read_block(first).await?) { Ok(()) } else { Err(Trouble::Verify) }
    }

    /// Writes a record into a slot that holds none, its first block last, and reads it back through a fresh opening.
    pub(crate) async fn write(
        &self,
        hand: &mut Hand<'_>,
        slot: Slot,
        bytes: &Secret<[u8; RECORD_LEN]>,
    ) -> Result<(), Trouble> {
        let sector = self.sector(slot);
        let blocks = record::blocks(bytes);
        let places = sector.blocks();
        let in_order = places.iter().zip(&blocks);
        for (place, block) in in_order.clone().skip(1).chain(in_order.clone().take(1)) {
            hand.write_block(*place, block).await?;
        }
        hand.reopen(sector).await?;
        for (place, block) in in_order {
            if !is_same(&hand.read_block(*place).await?, block) {
                return Err(Trouble::Verify);
            }
        }
        Ok(())
    }

    /// Whether both sectors open with keys of the card's own.
    pub(crate) async fn are_personal(&self, hand: &mut Hand<'_>) -> Result<bool, Trouble> {
        Ok(hand.open(self.b).await? != SHARED && hand.open(self.a).await? != SHARED)
    }

    /// Gives both sectors keys of the card's own, where they have not: a door reads with one, only an encoder writes.
    pub(crate) async fn personalise(&self, hand: &mut Hand<'_>) -> Result<(), Trouble> {
        for sector in [self.a, self.b] {
            if hand.open(sector).await? == SHARED {
                give_keys(hand, sector).await?;
            }
        }
        Ok(())
    }
}

/// One write, and then only the two keys that were meant are tried: a sector that opens with neither them nor its old one is lost.
async fn give_keys(hand: &mut Hand<'_>, sector: Sector) -> Result<(), Trouble> {
    let keys = hand.keys();
    let uid = hand.target().uid.clone();
    let [a, b] = [KeyName::A, KeyName::B].map(|name| keys.own(&uid, name, sector));
    // Only a sector as it was delivered may be changed by its key A.
    // EXPOSE: compared with the public key of delivery.
    let is_delivered = keys.shared.name == KeyName::A && *keys.shared.key.expose() == DELIVERY;
    if !is_delivered {
        return Err(Trouble::SectorConfig);
    }
    let trailer = Trailer::new(&a.key, Access::DoorReads, &b.key);
    hand.write_trailer(sector, &trailer).await?;
    if hand.try_key(sector, &a).await? && hand.try_key(sector, &b).await? {
        let bits = access_bits(&hand.read_trailer(sector).await?);
        let meant = AccessBits::parse(Access::DoorReads.bytes());
        return if bits == meant { Ok(()) } else { Err(Trouble::Verify) };
    }
    let old = hand.try_key(sector, &Keys::delivered()).await?;
    Err(if old { Trouble::Verify } else { Trouble::Damaged })
}

fn access_bits(trailer: &Secret<[u8; 16]>) -> Option<AccessBits> {
    // EXPOSE: the three bytes of a trailer that are no key.
    let [_, _, _, _, _, _, six, seven, eight, ..] = *trailer.expose();
    AccessBits::parse([six, seven, eight])
}

fn is_nothing(block: &Secret<[u8; 16]>) -> bool {
    // EXPOSE: compared with zeros.
    *block.expose() == NOTHING
}
