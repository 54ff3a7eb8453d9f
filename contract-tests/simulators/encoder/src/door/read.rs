//! A card held to a door's reader.

use crate::card::{Card, KeySlot};
use crate::field::{Field, Found};

/// What a card answers as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented {
    Classic,
    Tag,
    Other,
}

/// What stands before the record on a tag (section 9.5).
const MESSAGE: &[u8] = b"\x03\x3D\xD4\x0A\x30lockport:k";
const MESSAGE_END: u8 = 0xFE;
const FIRST_PAGE: u8 = 4;
const PAGES: usize = 16;

pub(super) struct Held {
    field: Field,
    card: Card,
    found: Found,
}

impl Held {
    /// Holds a card to the reader; `None` when it does not answer.
    pub(super) fn new(card: &Card) -> Option<Self> {
        let mut field = Field::default();
        field.put(card);
        let found = field.find(true).into_iter().next()?;
        field.select(&found.uid);
        Some(Self { field, card: card.clone(), found })
    }

    pub(super) fn uid(&self) -> &[u8] {
        &self.found.uid
    }

    pub(super) fn presented(&self) -> Presented {
        match self.found.sel_res {
            _ if self.found.is_classic_1k() => Presented::Classic,
            0x00 => Presented::Tag,
            _ => Presented::Other,
        }
    }

    /// The three data blocks of a sector, read with the first key A that opens it.
    pub(super) fn read_sector(&mut self, sector: u8, keys: &[[u8; 6]]) -> Option<Vec<u8>> {
        let first = sector.checked_mul(4)?;
        keys.iter().find_map(|key| {
            self.open(first, *key)?;
            let blocks =
                (first..first + 3).map(|block| self.field.read(block)).collect::<Option<Vec<_>>>()?;
            Some(blocks.concat())
        })
    }

    /// One block, read with key A.
    pub(super) fn read_block(&mut self, block: u8, key: [u8; 6]) -> Option<[u8; 16]> {
        self.open(block, key)?;
        self.field.read(block)
    }

    fn open(&mut self, block: u8, key: [u8; 6]) -> Option<()> {
        // A refusal halted it.
        self.field.select(&self.found.uid);
        let uid = self.found.uid.last_chunk::<4>().copied()?;
        self.field.authenticate(KeySlot::A, block, key, uid).then_some(())
    }

    /// The record in a tag's message.
    pub(super) fn read_message(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut bytes = Vec::new();
        for page in (FIRST_PAGE..).step_by(4).take(PAGES / 4) {
            bytes.extend(self.field.read(page).ok_or("the tag could not be read")?);
        }
        match bytes.strip_prefix(MESSAGE) {
            Some([record @ .., MESSAGE_END]) => Ok(record.to_vec()),
            _ => Err("there is no record"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.field.take(&self.card);
    }
}
