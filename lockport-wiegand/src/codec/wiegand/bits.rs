//! Up to 63 bits, in the order in which they go over the wire.

use std::fmt;
use std::str::FromStr;

/// A run of bits, position 0 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    value: u64,
    len: u8,
}

impl Bits {
    /// The most bits: one place is left for a sentinel.
    pub const MOST: u8 = 63;

    /// So many zeros; at most [`MOST`](Self::MOST).
    #[must_use]
    pub const fn zeros(len: u8) -> Self {
        let len = if len < Self::MOST { len } else { Self::MOST };
        Self { value: 0, len }
    }

    /// A number's lowest bits, the highest of them first; nothing where the number has more.
    #[must_use]
    pub const fn of(value: u64, len: u8) -> Option<Self> {
        if len > Self::MOST || value >> len != 0 { None } else { Some(Self { value, len }) }
    }

    /// How many.
    #[must_use]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// All of them as one number, the last bit lowest.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.value
    }

    /// The bit at a position; false where there is none.
    #[must_use]
    pub const fn is_set(self, position: u8) -> bool {
        position < self.len && self.value >> (self.len - 1 - position) & 1 == 1
    }

    /// Sets the bit at a position; nothing happens where there is none.
    pub(super) const fn set(&mut self, position: u8, to: bool) {
        if position < self.len {
            let mask = 1 << (self.len - 1 - position);
            self.value = if to { self.value | mask } else { self.value & !mask };
        }
    }

    /// The number in hex, as many digits as the bits need.
    #[must_use]
    pub fn hex(self) -> String {
        format!("{:0width$X}", self.value, width = usize::from(self.len.div_ceil(4)))
    }
}

/// Zeros and ones, the first on the wire first.
impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.len).try_for_each(|position| f.write_str(if self.is_set(position) { "1" } else { "0" }))
    }
}

/// A text is not a run of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not at most 63 zeros and ones")]
pub struct NotBits;

impl FromStr for Bits {
    type Err = NotBits;

    fn from_str(text: &str) -> Result<Self, NotBits> {
        let len = u8::try_from(text.len()).ok().filter(|len| *len <= Self::MOST).ok_or(NotBits)?;
        let value = text.bytes().try_fold(0, |value, byte| match byte {
            b'0' => Ok(value << 1),
            b'1' => Ok(value << 1 | 1),
            _ => Err(NotBits),
        })?;
        Ok(Self { value, len })
    }
}
