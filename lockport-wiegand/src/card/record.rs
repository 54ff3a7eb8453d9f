//! The order of writes of a signed record, on whichever card it stands (section 10): a valid record is never changed in place, what
//! is narrower goes on only after what is wider is gone, and at no moment does the card open more than the old or the new allows.

use lockport::Secret;

use super::Trouble;
use super::hand::Hand;
use super::slots::Slots;
use super::tag;
use crate::codec::record::{Flags, PropertyTag, RECORD_LEN, Record, Slot, ruling};

/// What stands in one place for a record.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nothing, and nothing was left behind.
    Nothing,
    /// Bytes that do not begin as a record.
    Something,
    /// Bytes that begin as one.
    Begun(Secret<[u8; RECORD_LEN]>),
}

/// One place and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    record: Option<Record>,
    is_clear: bool,
}

/// The records of a property on one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    places: Vec<(Slot, Place)>,
    has_its_keys: bool,
}

impl Content {
    fn record_in(&self, slot: Slot) -> Option<&Record> {
        self.places.iter().find(|(own, _)| *own == slot)?.1.record.as_ref()
    }

    /// The record by which the doors judge the card.
    pub(crate) fn ruling(&self) -> Option<(Slot, &Record)> {
        ruling(self.record_in(Slot::A), self.record_in(Slot::B))
    }

    /// The records that would count, each alone.
    pub(crate) fn valid(&self) -> impl Iterator<Item = (Slot, &Record)> {
        self.places.iter().filter_map(|(slot, place)| Some((*slot, place.record.as_ref()?)))
    }

    /// Whether this record rules, and no other is left.
    pub(crate) fn is_just(&self, wanted: &Record) -> bool {
        self.valid().all(|(_, record)| record == wanted) && self.ruling().is_some()
    }

    /// Whether the card has keys of its own, where it is to have them.
    pub(crate) const fn has_its_keys(&self) -> bool {
        self.has_its_keys
    }

    /// The highest serial on the card.
    pub(crate) fn highest(&self) -> u32 {
        self.valid().map(|(_, record)| record.serial()).max().unwrap_or_default()
    }
}

/// Where records stand on this card.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Classic(Slots),
    Tag,
}

/// A card whose kind is known, with a record's places.
pub(crate) struct Bearer<'h, 'e> {
    hand: &'h mut Hand<'e>,
    property: PropertyTag,
    layout: Layout,
}

impl<'h, 'e> Bearer<'h, 'e> {
    /// The card in hand, if it is one that bears records: a MIFARE Classic, or an NTAG.
    pub(crate) async fn of(
        hand: &'h mut Hand<'e>,
        property: PropertyTag,
        slots: Slots,
    ) -> Result<Self, Trouble> {
        let layout = match () {
            () if hand.is_classic() => Layout::Classic(slots),
            () if hand.is_tag() => {
                tag::check(hand).await?;
                Layout::Tag
            }
            () => return Err(Trouble::Unsupported),
        };
        Ok(Self { hand, property, layout })
    }

    /// Reads every place.
    pub(crate) async fn read(&mut self) -> Result<Content, Trouble> {
        let standing = match self.layout {
            Layout::Classic(slots) => vec![
                (Slot::A, slots.read(self.hand, Slot::A).await?),
                (Slot::B, slots.read(self.hand, Slot::B).await?),
            ],
            Layout::Tag => vec![(Slot::A, tag::read(self.hand).await?)],
        };
        let has_its_keys = match self.layout {
            Layout::Classic(slots) if self.hand.keys().personal => slots.are_personal(self.hand).await?,
            _ => true,
        };
        let place = |standing| match standing {
            Standing::Nothing => Place { record: None, is_clear: true },
            Standing::Something => Place { record: None, is_clear: false },
            Standing::Begun(bytes) => Place { record: self.open(&bytes), is_clear: false },
        };
        let places = standing.into_iter().map(|(slot, standing)| (slot, place(standing))).collect();
        Ok(Content { places, has_its_keys })
    }

    fn open(&self, bytes: &Secret<[u8; RECORD_LEN]>) -> Option<Record> {
        Record::open(bytes, &self.hand.keys().property, &self.hand.target().uid, self.property).ok()
    }

    async fn wipe(&mut self, slot: Slot) -> Result<(), Trouble> {
        match self.layout {
            Layout::Classic(slots) => slots.wipe(self.hand, slot).await,
            Layout::Tag => tag::wipe(self.hand).await,
        }
    }

    async fn write(&mut self, slot: Slot, record: &Record) -> Result<(), Trouble> {
        let bytes = record.seal(&self.hand.keys().property, &self.hand.target().uid);
        match self.layout {
            Layout::Classic(slots) => slots.write(self.hand, slot, &bytes).await,
            Layout::Tag => tag::write(self.hand, &bytes).await,
        }
    }

    /// Makes this the one record on the card, which holds `content`.
    pub(crate) async fn put(&mut self, content: &Content, wanted: &Record) -> Result<(), Trouble> {
        let two_places = matches!(self.layout, Layout::Classic(_));
        let kept = match content.ruling() {
            Some((slot, record)) if record == wanted => {
                return self.finish(content, slot, false).await;
            }
            Some((slot, record)) if two_places && replaces_safely(record, wanted) => Some(slot),
            _ => None,
        };
        if kept.is_none() {
            for (slot, _) in content.valid() {
                self.wipe(slot).await?;
            }
        }
        let old = content.ruling().map(|(slot, _)| slot);
        // Where no record rules, the place that was read last: its sector is open.
        let target = if two_places { old.map_or(Slot::B, Slot::other) } else { Slot::A };
        let is_wiped = kept.is_none() && content.record_in(target).is_some();
        let is_clear = content.places.iter().any(|(slot, place)| *slot == target && place.is_clear);
        // On a tag the message's first page goes first in any case.
        if two_places && !is_clear && !is_wiped {
            self.wipe(target).await?;
        }
        self.write(target, wanted).await?;
        self.finish(content, target, kept.is_none()).await
    }

    /// What is left to do once the record stands in this slot: no other stays, and where cards have keys of their own, this gets
    /// them.
    async fn finish(&mut self, content: &Content, slot: Slot, is_wiped: bool) -> Result<(), Trouble> {
        let Layout::Classic(slots) = self.layout else { return Ok(()) };
        let other = slot.other();
        let left = content.places.iter().find(|(own, _)| *own == other).map(|(_, place)| place);
        let is_clear = left.is_none_or(|place| place.is_clear || (is_wiped && place.record.is_some()));
        if !is_clear {
            self.wipe(other).await?;
        }
        if self.hand.keys().personal { slots.personalise(self.hand).await } else { Ok(()) }
    }

    /// Takes the records of these serials away; how many there were.
    pub(crate) async fn take(&mut self, content: &Content, serials: &[u32]) -> Result<usize, Trouble> {
        let mut taken: usize = 0;
        for (slot, _) in content.valid().filter(|(_, record)| serials.contains(&record.serial())) {
            self.wipe(slot).await?;
            taken = taken.saturating_add(1);
        }
        Ok(taken)
    }

    /// The same card still lies there; it may be taken away now.
    pub(crate) async fn let_go(&mut self) -> Result<(), Trouble> {
        self.hand.find_again().await?;
        self.hand.beep().await;
        Ok(())
    }
}

/// Whether the new record may stand beside the old one for a moment: it rules as soon as it is whole, and opens everything that the
/// old one opens, from as early and for as long.
fn replaces_safely(old: &Record, new: &Record) -> bool {
    let is_kept = |number: &u16| new.doors().as_slice().contains(number);
    new.serial() > old.serial()
        && new.from_s() <= old.from_s()
        && new.until_s() >= old.until_s()
        && new.areas().has(old.areas())
        && old.doors().as_slice().iter().all(is_kept)
        && new.flags().has(Flags::STAFF) == old.flags().has(Flags::STAFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::record::{Areas, DoorNumbers};

    fn record(serial: u32, from_s: u32, until_s: u32, doors: &[u16]) -> Record {
        let tag = PropertyTag::of("tenant", "property");
        Record::new(tag, serial, from_s, until_s).unwrap().with_doors(DoorNumbers::new(doors).unwrap())
    }

    /// Section 10: what is narrower in any way goes on only after the old record is gone.
    #[test]
    fn only_what_is_wider_in_every_way_is_written_first() {
        let old = record(5, 100, 200, &[101, 102]).with_areas(Areas::GYM);
        let wider = record(6, 100, 200, &[101, 102, 103]).with_areas(Areas::GYM.and(Areas::SPA));
        assert!(replaces_safely(&old, &wider));
        let narrower = [
            record(5, 100, 200, &[101, 102]).with_areas(Areas::GYM),
            record(6, 101, 200, &[101, 102]).with_areas(Areas::GYM),
            record(6, 100, 199, &[101, 102]).with_areas(Areas::GYM),
            record(6, 100, 200, &[101, 103]).with_areas(Areas::GYM),
            record(6, 100, 200, &[101, 102]),
            wider.clone().with_flags(Flags::STAFF),
        ];
        for new in narrower {
            assert!(!replaces_safely(&old, &new), "{new:?}");
        }
    }
}
