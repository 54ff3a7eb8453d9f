//! With which keys a property opens its cards' sectors.

use lockport::Secret;

use super::place::Sector;
use crate::codec::key::PropertyKey;
use crate::encoder::{KeyName, SectorKey, Uid};

/// A key and which of the two it is.
#[derive(Clone, Debug)]
pub(crate) struct Opener {
    pub(crate) name: KeyName,
    pub(crate) key: SectorKey,
}

/// The keys of one property's cards.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// What signs its records.
    pub(crate) property: PropertyKey,
    /// What opens a card that has no keys of its own.
    pub(crate) shared: Opener,
    /// Whether cards are given keys of their own.
    pub(crate) personal: bool,
}

/// Every block of a card as delivered opens with this.
pub(crate) const DELIVERY: [u8; 6] = [0xFF; 6];

/// The place of the shared key among those of [`Keys::of`] where cards have their own.
pub(crate) const SHARED: usize = 1;

impl Keys {
    /// With which keys the sector of this card may open, in the order in which they are tried: its own, then what it had before it
    /// got them.
    pub(crate) fn of(&self, uid: &Uid, sector: Sector) -> Vec<Opener> {
        let own = self.personal.then(|| self.own(uid, KeyName::B, sector));
        own.into_iter().chain([self.shared.clone()]).collect()
    }

    /// A sector's own key on this card.
    pub(crate) fn own(&self, uid: &Uid, name: KeyName, sector: Sector) -> Opener {
        Opener { name, key: self.property.sector_key(uid, name, sector.number()) }
    }

    /// The key with which cards are delivered.
    pub(crate) fn delivered() -> Opener {
        Opener { name: KeyName::A, key: Secret::new(DELIVERY) }
    }
}
