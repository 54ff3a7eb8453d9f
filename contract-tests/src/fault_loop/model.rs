//! Who may open what, as the host's writes have it.

use std::collections::{BTreeMap, BTreeSet};

use lockport::driver::Suspend;
use lockport::id::LockDeviceId;

use super::scenario::{Guest, Op, Verb};
use crate::bench::Site;

/// One guest's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    rooms: &'static [usize],
    pub(crate) from: i32,
    pub(crate) until: i32,
    pub(crate) suspended: bool,
    /// Moved while it was suspended: what is new is given when it may open again.
    moved: bool,
}

impl Stay {
    pub(crate) fn doors(&self, site: &Site) -> BTreeSet<LockDeviceId> {
        let rooms = self.rooms.iter().filter_map(|number| site.rooms.get(*number));
        rooms.flat_map(|room| &room.doors).copied().collect()
    }
}

impl Stay {
    /// Whether it opens all that the other opens, for as long.
    fn covers(&self, site: &Site, other: &Self) -> bool {
        let is_as_long = self.from <= other.from && self.until >= other.until;
        let is_open = other.suspended || !self.suspended;
        is_open && is_as_long && self.doors(site).is_superset(&other.doors(site))
    }
}

/// Every guest's key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct House(BTreeMap<Guest, Stay>);

impl House {
    pub(crate) fn stay(&self, guest: Guest) -> Option<&Stay> {
        self.0.get(&guest)
    }

    /// The house when this is done.
    pub(crate) fn after(&self, op: &Op) -> Self {
        let mut house = self.clone();
        if let Verb::Issue { rooms, from, until } = op.verb {
            house.0.insert(op.guest, Stay { rooms, from, until, suspended: false, moved: false });
            return house;
        }
        if op.verb == Verb::Revoke {
            house.0.remove(&op.guest);
        }
        if let Some(stay) = house.0.get_mut(&op.guest) {
            match op.verb {
                Verb::Update { rooms, from, until } => {
                    stay.from = from.unwrap_or(stay.from);
                    stay.moved |= stay.suspended && rooms.is_some();
                    stay.rooms = rooms.unwrap_or(stay.rooms);
                    stay.until = until.unwrap_or(stay.until);
                }
                Verb::Suspend => stay.suspended = true,
                Verb::Unsuspend => (stay.suspended, stay.moved) = (false, false),
                Verb::Issue { .. } | Verb::Revoke => {}
            }
        }
        house
    }

    /// When the guest may open the door, in seconds after the first full hour.
    pub(crate) fn opens(&self, site: &Site, guest: Guest, door: LockDeviceId) -> Option<(i64, i64)> {
        let stay = self.stay(guest).filter(|stay| !stay.suspended && stay.doors(site).contains(&door))?;
        Some((i64::from(stay.from) * HOUR, i64::from(stay.until) * HOUR))
    }

    /// How many permissions the vendor holds for the door, at least and at most.
    pub(crate) fn holds(&self, site: &Site, door: LockDeviceId, suspend: Suspend) -> (u64, u64) {
        let there = self.0.values().filter(|stay| {
            let is_there = !stay.suspended || suspend == Suspend::Native;
            is_there && stay.doors(site).contains(&door)
        });
        there.fold((0, 0), |(least, most), stay| (least + u64::from(!stay.moved), most + 1))
    }
}

/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;

/// What may be so: the houses that the answers so far leave open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hopes(Vec<House>);

impl Hopes {
    pub(crate) fn new(house: House) -> Self {
        Self(vec![house])
    }

    pub(crate) fn houses(&self) -> &[House] {
        &self.0
    }

    /// When the guest may open the door, in each of the houses.
    pub(crate) fn opens(&self, site: &Site, guest: Guest, door: LockDeviceId) -> Vec<Option<(i64, i64)>> {
        self.0.iter().map(|house| house.opens(site, guest, door)).collect()
    }

    /// A write is under way: it may be so, and may not.
    pub(crate) fn maybe(&mut self, op: &Op) {
        let after: Vec<House> = self.0.iter().map(|house| house.after(op)).collect();
        self.0.extend(after);
        self.tidy();
    }

    /// A write is done.
    pub(crate) fn done(&mut self, op: &Op) {
        self.0.iter_mut().for_each(|house| *house = house.after(op));
        self.tidy();
    }

    /// What was done for the guest is refused: he has what he had before.
    pub(crate) fn refused(&mut self, guest: Guest, before: &Self) {
        self.0.retain(|house| before.0.iter().any(|other| other.stay(guest) == house.stay(guest)));
        self.tidy();
    }

    fn tidy(&mut self) {
        let mut kept: Vec<House> = Vec::new();
        for house in self.0.drain(..) {
            if !kept.contains(&house) {
                kept.push(house);
            }
        }
        self.0 = kept;
    }

    /// Whether each house has for the guest all that the one before it has.
    pub(crate) fn only_widen(&self, site: &Site, guest: Guest) -> bool {
        self.0.windows(2).all(|pair| match pair {
            [before, after] => before
                .stay(guest)
                .is_none_or(|before| after.stay(guest).is_some_and(|after| after.covers(site, before))),
            _ => true,
        })
    }

    /// Whether nothing about the guest is open.
    pub(crate) fn agree_on(&self, guest: Guest) -> bool {
        self.0.windows(2).all(|pair| matches!(pair, [one, other] if one.stay(guest) == other.stay(guest)))
    }
}
