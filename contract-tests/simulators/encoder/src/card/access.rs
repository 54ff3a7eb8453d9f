//! Access bits of a MIFARE Classic sector (section 8.1): who may do what, as the chip's data sheet has it.

/// Which of a sector's two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeySlot {
    /// Key A, command 60.
    A,
    /// Key B, command 61.
    B,
}

/// Who may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    OnlyA,
    OnlyB,
    Either,
}

impl Who {
    pub(crate) fn lets(self, key: KeySlot) -> bool {
        match self {
            Self::Nobody => false,
            Self::OnlyA => key == KeySlot::A,
            Self::OnlyB => key == KeySlot::B,
            Self::Either => true,
        }
    }
}

/// Rights over a data block. Decrement covers restore and transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataRights {
    pub(crate) read: Who,
    pub(crate) write: Who,
    pub(crate) increment: Who,
    pub(crate) decrement: Who,
}

/// Rights over a trailer. Key A can never be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrailerRights {
    pub(crate) write_a: Who,
    pub(crate) read_bits: Who,
    pub(crate) write_bits: Who,
    pub(crate) read_b: Who,
    pub(crate) write_b: Who,
}

/// The conditions of a sector's four blocks, each C1 C2 C3 as one number 0..7 with C1 on the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessBits([u8; 4]);

impl AccessBits {
    /// Reads bytes 6, 7 and 8 of a trailer; `None` when the inverses do not match, which kills the sector.
    #[must_use]
    pub fn parse([byte6, byte7, byte8]: [u8; 3]) -> Option<Self> {
        let (c1, c2, c3) = (byte7 >> 4, byte8 & 0x0F, byte8 >> 4);
        let inverses = (byte6 & 0x0F, byte6 >> 4, byte7 & 0x0F);
        if inverses != (!c1 & 0x0F, !c2 & 0x0F, !c3 & 0x0F) {
            return None;
        }
        let of = |block: u8| ((c1 >> block & 1) << 2) | ((c2 >> block & 1) << 1) | (c3 >> block & 1);
        Some(Self([of(0), of(1), of(2), of(3)]))
    }

    /// C1 C2 C3 of the four blocks, each as a number 0..7.
    #[must_use]
    pub fn conditions(self) -> [u8; 4] {
        self.0
    }

    /// Rights over data block 0, 1 or 2 of the sector.
    pub(crate) fn data(self, block: u8) -> DataRights {
        use Who::{Either, Nobody, OnlyB};
        let condition = self.0.get(usize::from(block)).copied().unwrap_or(0b111);
        let (read, write, increment, decrement) = match condition {
            0b000 => (Either, Either, Either, Either),
            0b010 => (Either, Nobody, Nobody, Nobody),
            0b100 => (Either, OnlyB, Nobody, Nobody),
            0b110 => (Either, OnlyB, OnlyB, Either),
            0b001 => (Either, Nobody, Nobody, Either),
            0b011 => (OnlyB, OnlyB, Nobody, Nobody),
            0b101 => (OnlyB, Nobody, Nobody, Nobody),
            _ => (Nobody, Nobody, Nobody, Nobody),
        };
        DataRights { read, write, increment, decrement }
    }

    /// Rights over the trailer.
    pub(crate) fn trailer(self) -> TrailerRights {
        use Who::{Either, Nobody, OnlyA, OnlyB};
        let [.., condition] = self.0;
        let (write_a, read_bits, write_bits, read_b, write_b) = match condition {
            0b000 => (OnlyA, OnlyA, Nobody, OnlyA, OnlyA),
            0b010 => (Nobody, OnlyA, Nobody, OnlyA, Nobody),
            0b100 => (OnlyB, Either, Nobody, Nobody, OnlyB),
            0b001 => (OnlyA, OnlyA, OnlyA, OnlyA, OnlyA),
            0b011 => (OnlyB, Either, OnlyB, Nobody, OnlyB),
            0b101 => (Nobody, Either, OnlyB, Nobody, Nobody),
            // 110 and 111
            _ => (Nobody, Either, Nobody, Nobody, Nobody),
        };
        TrailerRights { write_a, read_bits, write_bits, read_b, write_b }
    }

    /// Whether key B lies open to a reader: then it is data, and whoever authenticates with it gets nothing.
    pub(crate) fn key_b_is_data(self) -> bool {
        self.trailer().read_b != Who::Nobody
    }
}
