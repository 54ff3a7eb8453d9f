//! Where on a card a record stands, and which of two rules (section 9.2).

use std::fmt;

use lockport::Secret;

use super::{MAGIC, RECORD_LEN, Record};

/// The three blocks of a slot.
#[must_use]
pub fn blocks(record: &Secret<[u8; RECORD_LEN]>) -> [Secret<[u8; 16]>; 3] {
    let mut blocks = [[0; 16]; 3];
    // EXPOSE: into its thirds, each a secret again.
    blocks.as_flattened_mut().copy_from_slice(record.expose());
    blocks.map(Secret::new)
}

/// The record bytes that three blocks of a slot hold.
#[must_use]
pub fn of_blocks(blocks: &[Secret<[u8; 16]>; 3]) -> Secret<[u8; RECORD_LEN]> {
    let mut bytes = [0; RECORD_LEN];
    for (to, block) in bytes.as_chunks_mut::<16>().0.iter_mut().zip(blocks) {
        // EXPOSE: into the whole, which is a secret again.
        to.copy_from_slice(block.expose());
    }
    Secret::new(bytes)
}

/// Whether a slot's block 0 begins as a record: where it does not, the rest of the slot need not be read.
#[must_use]
pub fn has_magic(block_0: &Secret<[u8; 16]>) -> bool {
    // EXPOSE: compared with a public constant.
    block_0.expose().starts_with(&MAGIC)
}

/// Where on a card a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The one that is written when this one rules.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

/// Which of the records that verified rules: the higher serial, and slot A where both have the same.
#[must_use]
pub fn ruling<'r>(a: Option<&'r Record>, b: Option<&'r Record>) -> Option<(Slot, &'r Record)> {
    match (a, b) {
        (Some(a), Some(b)) if b.serial > a.serial => Some((Slot::B, b)),
        (Some(a), _) => Some((Slot::A, a)),
        (None, Some(b)) => Some((Slot::B, b)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::record::PropertyTag;

    /// Section 9.2, and the vectors' two slots.
    #[test]
    fn the_higher_serial_rules_and_of_equals_the_first() {
        let of = |serial| Record::new(PropertyTag::of("t", "p"), serial, 1, 2).unwrap();
        let rules = |a: Option<u32>, b: Option<u32>| {
            let (a, b) = (a.map(of), b.map(of));
            ruling(a.as_ref(), b.as_ref()).map(|(slot, record)| (slot, record.serial()))
        };
        assert_eq!(rules(Some(41), Some(42)), Some((Slot::B, 42)));
        assert_eq!(rules(Some(42), Some(41)), Some((Slot::A, 42)));
        assert_eq!(rules(Some(42), Some(42)), Some((Slot::A, 42)));
        assert_eq!(rules(None, Some(1)), Some((Slot::B, 1)));
        assert_eq!(rules(None, None), None);
    }
}
