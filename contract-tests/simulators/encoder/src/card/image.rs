//! Card images as other tools write them: 1024 bytes of a Classic 1K (`.mfd`), 64 of an Ultralight, 180 of an NTAG213.

use std::fmt;

use super::Card;
use super::chip::Memory;
use super::classic::Classic;
use super::type2::{Model, Type2};

/// Why bytes are no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// No card has this many bytes.
    Length(usize),
    /// The serial number's check bytes do not fit.
    SerialNumber,
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => {
                write!(formatter, "no card has {length} bytes: 1024 Classic 1K, 64 Ultralight, 180 NTAG213")
            }
            Self::SerialNumber => formatter.write_str("the check bytes of the serial number do not fit"),
        }
    }
}

impl std::error::Error for ImageError {}

impl Card {
    /// The card of an image. A Classic's serial number has four bytes where its check byte fits, else seven.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn from_image(bytes: &[u8]) -> Result<Self, ImageError> {
        match bytes.len() {
            1024 => classic(bytes),
            64 => tag(bytes, Model::Ultralight),
            180 => tag(bytes, Model::Ntag213),
            length => Err(ImageError::Length(length)),
        }
    }

    /// The whole content, keys and passwords included; empty for a card without memory.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        match &self.chip().memory {
            Memory::Classic(classic) => classic.content(),
            Memory::Type2(tag) => tag.content(),
            Memory::None => Vec::new(),
        }
    }
}

fn classic(bytes: &[u8]) -> Result<Card, ImageError> {
    let [a, b, c, d, e, f, g, ..] = *bytes else { return Err(ImageError::Length(bytes.len())) };
    let memory = Memory::Classic(Classic::with_content(bytes));
    Ok(match e == a ^ b ^ c ^ d {
        true => Card::made(&[a, b, c, d], [0x00, 0x04], 0x08, memory),
        false => Card::made(&[a, b, c, d, e, f, g], [0x00, 0x44], 0x08, memory),
    })
}

fn tag(bytes: &[u8], model: Model) -> Result<Card, ImageError> {
    let [a, b, c, check0, d, e, f, g, check1, ..] = *bytes else {
        return Err(ImageError::Length(bytes.len()));
    };
    if check0 != 0x88 ^ a ^ b ^ c || check1 != d ^ e ^ f ^ g {
        return Err(ImageError::SerialNumber);
    }
    let memory = Memory::Type2(Type2::with_content(model, bytes));
    Ok(Card::made(&[a, b, c, d, e, f, g], [0x00, 0x44], 0x00, memory))
}
