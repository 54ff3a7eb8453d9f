//! Where on a card something may be written: nothing else can be named, so nothing else can be written.

use crate::codec::ndef;

/// A sector of a MIFARE Classic 1K that may hold something of ours: any but the manufacturer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sector(u8);

/// A data block of such a sector: never block 0, never a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataBlock {
    sector: Sector,
    index: u8,
}

impl Sector {
    /// Sectors 1 to 15.
    pub(crate) const fn new(number: u8) -> Option<Self> {
        if matches!(number, 1..=15) { Some(Self(number)) } else { None }
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// Its three data blocks.
    pub(crate) const fn blocks(self) -> [DataBlock; 3] {
        [
            DataBlock { sector: self, index: 0 },
            DataBlock { sector: self, index: 1 },
            DataBlock { sector: self, index: 2 },
        ]
    }

    /// The block by which it is opened.
    pub(crate) const fn first(self) -> DataBlock {
        DataBlock { sector: self, index: 0 }
    }

    /// The address of its trailer.
    pub(crate) const fn trailer(self) -> u8 {
        self.0 * 4 + 3
    }
}

impl DataBlock {
    pub(crate) const fn sector(self) -> Sector {
        self.sector
    }

    pub(crate) const fn address(self) -> u8 {
        self.sector.0 * 4 + self.index
    }
}

/// A page of a tag's message: never one that locks the tag, counts, or configures it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessagePage(u8);

impl MessagePage {
    /// The first, by which the message is there or not.
    pub(crate) const HEAD: Self = Self(0);

    /// The others, in order.
    pub(crate) fn rest() -> impl Iterator<Item = Self> {
        (1..ndef::PAGES).map(Self)
    }

    /// Counted from the first.
    pub(crate) const fn index(self) -> u8 {
        self.0
    }

    pub(crate) const fn address(self) -> u8 {
        ndef::FIRST_PAGE + self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 10: block 0, trailers and what is outside the profile have no name here.
    #[test]
    fn only_data_blocks_and_message_pages_have_an_address() {
        let sectors: Vec<u8> = (0..=u8::MAX).filter(|number| Sector::new(*number).is_some()).collect();
        assert_eq!(sectors, (1..=15).collect::<Vec<u8>>());
        for sector in sectors.into_iter().filter_map(Sector::new) {
            let blocks = sector.blocks().map(DataBlock::address);
            assert!(blocks.iter().all(|block| *block >= 4 && block % 4 != 3 && block / 4 == sector.number()));
        }
        let pages: Vec<u8> = MessagePage::rest().map(MessagePage::address).collect();
        assert_eq!((MessagePage::HEAD.address(), pages), (4, (5..=19).collect()));
    }
}
