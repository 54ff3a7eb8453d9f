//! What happens to a card's memory beyond the protocol: counts of what was tried, and writes that are cut short.

use std::collections::BTreeSet;

/// What a cut write leaves behind. The vendors promise nothing about it, so each of these can happen; `byte` is where
/// the power went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// The old content: the chip had not begun.
    Old,
    /// The new content: only the answer is missing.
    New,
    /// New bytes up to `byte`, old ones from there.
    OldTail,
    /// New bytes up to `byte`, zeros from there: erased and not written again.
    Erased,
    /// New bytes up to `byte`, arbitrary ones from there, drawn from this seed.
    Garbage(u64),
}

/// Where the card is after a cut write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Out of the field, until it is put on the encoder again.
    Gone,
    /// In the field, but it has lost its power once: it has to be found and selected again.
    Reset,
    /// Where it was: a worn cell has not kept what it acknowledged, and nobody is told.
    Unnoticed,
}

/// A write that will be cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tear {
    /// How many writes go well before.
    pub skip: u32,
    /// At which byte of the block (0..=16) or page (0..=4) the power goes away.
    pub byte: usize,
    /// What is left.
    pub leaves: Leaves,
    /// Where the card is afterwards.
    pub then: Then,
}

impl Tear {
    /// The next write is cut at `byte`, and the card is gone.
    #[must_use]
    pub fn at(byte: usize, leaves: Leaves) -> Self {
        Self { skip: 0, byte, leaves, then: Then::Gone }
    }

    fn of(self, old: &[u8], new: &[u8]) -> Vec<u8> {
        let mut noise = match self.leaves {
            Leaves::Garbage(seed) => seed,
            _ => 0,
        };
        old.iter()
            .zip(new)
            .enumerate()
            .map(|(index, (old, new))| match self.leaves {
                Leaves::Old => *old,
                Leaves::New => *new,
                _ if index < self.byte => *new,
                Leaves::OldTail => *old,
                Leaves::Erased => 0,
                Leaves::Garbage(_) => draw(&mut noise),
            })
            .collect()
    }
}

/// One byte of SplitMix64 (public domain, the constants are the algorithm).
fn draw(state: &mut u64) -> u8 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).to_le_bytes().first().copied().unwrap_or(0)
}

/// What was tried on a card since it was made. An attempt counts also when the card refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Writes that changed memory or could have, torn ones included.
    pub writes: u32,
    /// Write attempts on block 0, or on pages 0 to 3.
    pub manufacturer: u32,
    /// Write attempts on sector trailers, or on pages behind the user's.
    pub trailers: u32,
    /// Write attempts outside what [`Card::allow_only`](crate::Card::allow_only) named.
    pub foreign: u32,
    /// Authentications that went well.
    pub authentications: u32,
    /// Authentications that did not.
    pub failed_authentications: u32,
    /// Writes cut short.
    pub torn: u32,
}

/// Counts, and the tear on order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wear {
    pub(crate) tally: Tally,
    pub(crate) tear: Option<Tear>,
    pub(crate) allowed: Option<BTreeSet<u8>>,
}

/// Which part of a card an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Manufacturer,
    User,
    Trailer,
}

impl Wear {
    /// Somebody tries to write here.
    pub(crate) fn tried(&mut self, address: u8, part: Part) {
        match part {
            Part::Manufacturer => self.tally.manufacturer += 1,
            Part::Trailer => self.tally.trailers += 1,
            Part::User => {}
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&address)) {
            self.tally.foreign += 1;
        }
    }

    /// A write that the card carries out: what stands there afterwards, and what became of the card if it was cut.
    pub(crate) fn carry_out(&mut self, old: &[u8], new: &[u8]) -> (Vec<u8>, Option<Then>) {
        self.tally.writes += 1;
        match self.tear {
            Some(Tear { skip: 0, .. }) => {}
            Some(ref mut tear) => {
                tear.skip -= 1;
                return (new.to_vec(), None);
            }
            None => return (new.to_vec(), None),
        }
        match self.tear.take() {
            Some(tear) => {
                self.tally.torn += 1;
                (tear.of(old, new), Some(tear.then))
            }
            None => (new.to_vec(), None),
        }
    }
}
