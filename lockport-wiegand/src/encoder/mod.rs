//! What every encoder can do, whatever it speaks: find the card that lies on it, open a sector, read and write blocks and pages.
//!
//! Nothing here knows what stands on a card. An [`Encoder`] repeats only what the vendor's page allows to repeat on the wire
//! (a frame that was not acknowledged); it never repeats a write that the card may have got.

mod bridge;
mod pcsc;
mod pn532;
mod rrhfoem04;
mod stronglink;
mod timer;

use std::fmt;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::LinkError;

pub use self::pcsc::{CardReader, Pcsc};
pub use self::pn532::Pn532;
pub use self::rrhfoem04::Rrhfoem04;
pub use self::stronglink::StrongLink;
pub use self::timer::Timer;

/// A card's serial number: 4, 7 or 10 bytes. It names a card, it proves nothing; and it is a guest's, so it is not printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Uid(Vec<u8>);

impl Uid {
    /// A number of 4, 7 or 10 bytes. No card of ten is one that is written; and yet it may lie there beside another.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), 4 | 7 | 10).then(|| Self(bytes.to_vec()))
    }

    /// Its bytes, in the order in which the card sends them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uid([redacted])")
    }
}

/// What kind of card it is, as far as its type byte tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// MIFARE Classic 1K.
    Classic1k,
    /// A tag of NFC forum type 2: Ultralight or NTAG; which one, only its version tells.
    Type2,
    /// Something else, on which nothing is written.
    Other,
}

/// A card in the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub uid: Uid,
    /// Its kind.
    pub family: Family,
}

/// Which of a sector's two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// Key A.
    A,
    /// Key B.
    B,
}

/// The six bytes that open a sector.
pub type SectorKey = Secret<[u8; 6]>;

/// What an encoder says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its model, such as `pn532`.
    pub model: &'static str,
    /// The version of its firmware, as it prints it.
    pub firmware: String,
}

/// Why an encoder did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// The cable: away, busy, or silent after the repeats that the protocol allows.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It answered, and what it said is not its protocol, twice.
    #[error("the encoder does not speak its protocol")]
    Protocol,
    /// The card did not answer, or is away.
    #[error("the card does not answer")]
    CardGone,
    /// The key does not open the sector.
    #[error("the key does not open the sector")]
    KeyRefused,
    /// The card refuses the command: its access bits forbid it, or it does not know it.
    #[error("the card refuses the command")]
    CardRefused,
    /// What the card said was disturbed on the air. The same may go well after it was found again.
    #[error("the radio link to the card is disturbed")]
    Radio,
    /// The encoder itself is not fit: no field, too hot, too much current.
    #[error("the encoder is faulty")]
    Faulty,
    /// The encoder cannot do this with any card.
    #[error("the encoder cannot do this")]
    Unsupported,
}

/// An open encoder, one conversation at a time.
///
/// Every method ends within the time limits of the vendor's page, also with a dead cable. After an error of a write it is not known
/// whether the card has the new bytes: find the card again and read.
#[async_trait]
pub trait Encoder: fmt::Debug + Send {
    /// Wakes it, brings it into a known state and asks who it is.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn start(&mut self) -> Result<Identity, EncoderError>;

    /// The cards in the field, at most two: with two there, one cannot say which is meant. Where exactly one lies there, it is
    /// selected, also when it had halted. Does not wait for a card.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn list(&mut self) -> Result<Vec<Target>, EncoderError>;

    /// Opens the sector of this block of a MIFARE Classic. After a refusal the card has halted: [`list`](Self::list) finds it again.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError>;

    /// Reads 16 bytes: a block of an open sector, or four pages from this one on.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError>;

    /// Writes a block of an open sector. Which blocks may be written is the caller's to know.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn write_block(
        &mut self,
        target: &Target,
        block: u8,
        data: &Secret<[u8; 16]>,
    ) -> Result<(), EncoderError>;

    /// Writes a page of a type 2 tag.
    ///
    /// # Errors
    /// [`EncoderError`]; `Unsupported` where the encoder has no such command.
    async fn write_page(
        &mut self,
        target: &Target,
        page: u8,
        data: &Secret<[u8; 4]>,
    ) -> Result<(), EncoderError>;

    /// The version bytes of a type 2 tag (GET_VERSION), by which an NTAG is told from others. The card has to be found again after it.
    ///
    /// # Errors
    /// [`EncoderError`]; `Unsupported` where the encoder has no such command.
    async fn version(&mut self, target: &Target) -> Result<[u8; 8], EncoderError>;

    /// Tells the person at the desk that it is done, where it can.
    ///
    /// # Errors
    /// [`EncoderError`].
    async fn beep(&mut self) -> Result<(), EncoderError>;
}
