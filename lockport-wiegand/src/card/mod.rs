//! What is done to a card, in the order in which it is safe (section 10): over any encoder, without a clock of its own for what
//! it writes.

pub(crate) mod hand;
pub(crate) mod keys;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod slots;
pub(crate) mod tag;

use crate::encoder::EncoderError;

/// Why something was not done to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The encoder itself.
    Encoder(EncoderError),
    /// More than one card lies there.
    SeveralCards,
    /// The card was taken away, or another one put in its place.
    Removed,
    /// A card on which nothing of ours is written.
    Unsupported,
    /// The sector does not open with the key of the configuration, or refuses what the profile needs.
    SectorConfig,
    /// What was written does not read back.
    Verify,
    /// A sector opens with no key any more after its trailer was written.
    Damaged,
    /// It took longer than a job may.
    TooLong,
}

impl From<EncoderError> for Trouble {
    fn from(error: EncoderError) -> Self {
        Self::Encoder(error)
    }
}
