//! Cards as objects: a piece of plastic with a chip, wherever it lies.

mod access;
mod chip;
mod classic;
mod image;
mod message;
mod type2;
mod wear;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::access::{AccessBits, KeySlot};
pub(crate) use self::chip::{Answer, Chip, Outcome};
pub(crate) use self::classic::{value_block, value_of};
pub use self::image::ImageError;
pub use self::wear::{Leaves, Tally, Tear, Then};

use self::chip::Memory;
use self::classic::Classic;
use self::type2::{Model, Type2};

/// What a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardKind {
    /// MIFARE Classic 1K.
    Classic1k,
    /// MIFARE Ultralight.
    Ultralight,
    /// NTAG213.
    Ntag213,
    /// Something that answers with its serial number and nothing else.
    Foreign,
}

/// A card. Clones are the same piece of plastic: it can lie on an encoder and be looked at here.
///
/// For a second card see [`Card::copy`] and [`Card::blank_with_same_uid`].
#[derive(Clone)]
pub struct Card(Arc<Mutex<Chip>>);

impl fmt::Debug for Card {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Card").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl Card {
    fn made(uid: &[u8], sens_res: [u8; 2], sel_res: u8, memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(Chip::new(uid, sens_res, sel_res, memory))))
    }

    pub(crate) fn chip(&self) -> MutexGuard<'_, Chip> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A MIFARE Classic 1K as delivered, with a serial number of four bytes.
    #[must_use]
    pub fn classic_1k(uid: [u8; 4]) -> Self {
        let [a, b, c, d] = uid;
        let manufacturer =
            [a, b, c, d, a ^ b ^ c ^ d, 0x08, 0x04, 0x00, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69];
        Self::made(&uid, [0x00, 0x04], 0x08, Memory::Classic(Classic::delivered(manufacturer)))
    }

    /// A MIFARE Classic 1K as delivered, with a serial number of seven bytes.
    #[must_use]
    pub fn classic_1k_7(uid: [u8; 7]) -> Self {
        let [a, b, c, d, e, f, g] = uid;
        let manufacturer = [a, b, c, d, e, f, g, 0x08, 0x44, 0x00, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67];
        Self::made(&uid, [0x00, 0x44], 0x08, Memory::Classic(Classic::delivered(manufacturer)))
    }

    /// A MIFARE Ultralight as delivered.
    #[must_use]
    pub fn ultralight(uid: [u8; 7]) -> Self {
        Self::made(&uid, [0x00, 0x44], 0x00, Memory::Type2(Type2::delivered(Model::Ultralight, uid)))
    }

    /// An NTAG213 as delivered.
    #[must_use]
    pub fn ntag213(uid: [u8; 7]) -> Self {
        Self::made(&uid, [0x00, 0x44], 0x00, Memory::Type2(Type2::delivered(Model::Ntag213, uid)))
    }

    /// A card of another kind (section 4.5): it answers when cards are looked for, and to nothing else.
    #[must_use]
    pub fn foreign(uid: &[u8], sens_res: [u8; 2], sel_res: u8) -> Self {
        Self::made(uid, sens_res, sel_res, Memory::None)
    }

    /// The same card with another `SEL_RES`, such as 88 for a compatible Classic of another maker.
    #[must_use]
    pub fn with_sel_res(self, sel_res: u8) -> Self {
        self.chip().sel_res = sel_res;
        self
    }

    /// The serial number.
    #[must_use]
    pub fn uid(&self) -> Vec<u8> {
        self.chip().uid.clone()
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> CardKind {
        match &self.chip().memory {
            Memory::Classic(_) => CardKind::Classic1k,
            Memory::Type2(tag) => match tag.model() {
                Model::Ultralight => CardKind::Ultralight,
                Model::Ntag213 => CardKind::Ntag213,
            },
            Memory::None => CardKind::Foreign,
        }
    }

    /// Whether both are the same piece of plastic.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Another piece of plastic with the same serial number and all of this one's content (section 9.6).
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.chip().twin())))
    }

    /// Another card of the same kind, as delivered but with this one's serial number: a cloned UID.
    #[must_use]
    pub fn blank_with_same_uid(&self) -> Self {
        let (uid, kind, sens_res, sel_res) = {
            let chip = self.chip();
            (chip.uid.clone(), chip.kind_of_memory(), chip.sens_res, chip.sel_res)
        };
        match (kind, <[u8; 4]>::try_from(uid.as_slice()), <[u8; 7]>::try_from(uid.as_slice())) {
            (CardKind::Classic1k, Ok(uid), _) => Self::classic_1k(uid).with_sel_res(sel_res),
            (CardKind::Classic1k, _, Ok(uid)) => Self::classic_1k_7(uid).with_sel_res(sel_res),
            (CardKind::Ultralight, _, Ok(uid)) => Self::ultralight(uid),
            (CardKind::Ntag213, _, Ok(uid)) => Self::ntag213(uid),
            _ => Self::foreign(&uid, sens_res, sel_res),
        }
    }

    /// What stands in a block of a Classic, keys included. Access bits do not apply: this is not the radio.
    #[must_use]
    pub fn block(&self, index: u8) -> Option<[u8; 16]> {
        match &self.chip().memory {
            Memory::Classic(classic) => classic.block(index),
            _ => None,
        }
    }

    /// Puts content into a block of a Classic, as its maker could. Nothing is counted.
    pub fn set_block(&self, index: u8, content: [u8; 16]) {
        if let Memory::Classic(classic) = &mut self.chip().memory {
            classic.set_block(index, content);
        }
    }

    /// What stands in a page of a tag, password included.
    #[must_use]
    pub fn page(&self, index: u8) -> Option<[u8; 4]> {
        match &self.chip().memory {
            Memory::Type2(tag) => tag.page(index),
            _ => None,
        }
    }

    /// Puts content into a page of a tag, as its maker could. Nothing is counted.
    pub fn set_page(&self, index: u8, content: [u8; 4]) {
        if let Memory::Type2(tag) = &mut self.chip().memory {
            tag.set_page(index, content);
        }
    }

    /// From now on every attempt to write elsewhere than these blocks or pages is counted as foreign.
    pub fn allow_only(&self, addresses: impl IntoIterator<Item = u8>) {
        self.chip().wear.allowed = Some(addresses.into_iter().collect());
    }

    /// What was tried on this card so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.chip().wear.tally
    }

    /// Orders a write to be cut short. One tear can be on order; a new one takes its place.
    pub fn tear(&self, tear: Tear) {
        self.chip().wear.tear = Some(tear);
    }
}
