//! What a vendor with an encoder at the desk can do beside giving and taking keys: say what stands on a card.

use async_trait::async_trait;

use super::VendorDriver;
use crate::device::DeviceHealth;
use crate::error::LockError;
use crate::id::LockDeviceId;
use crate::secret::Secret;
use crate::validity::Validity;

/// A vendor whose cards are written and read at a desk.
#[async_trait]
pub trait CardDesk: VendorDriver {
    /// Reads the card that lies on an encoder and changes nothing; `None` when none lies there.
    ///
    /// # Errors
    /// `CARD_ENCODER_OFFLINE` when the encoder cannot be asked; the operation's refusal when the card cannot be read.
    async fn read_card(&self, encoder: LockDeviceId) -> Result<Option<CardReading>, LockError>;

    /// How an encoder is. What it is asked changes nothing.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when it is not the one that was paired, `CARD_ENCODER_OFFLINE` when it is not there.
    async fn encoder_health(&self, encoder: LockDeviceId) -> Result<DeviceHealth, LockError>;
}

/// A card as the doors would read it.
#[derive(Clone, Debug)]
pub struct CardReading {
    /// The card's own number.
    pub card: Secret,
    /// What stands on it.
    pub says: CardSays,
    /// The bits that a door's reader makes of it for the panel behind it, which has to be told them; `None` where the doors judge by
    /// themselves, or where there are none.
    pub for_panel: Option<Secret>,
}

/// What stands on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardSays {
    /// Nothing that one of the property's doors would take.
    Nothing,
    /// A key of this property.
    Key {
        /// The doors that it opens.
        doors: Vec<LockDeviceId>,
        /// In which window.
        window: Validity,
        /// Whether it is a key of staff.
        staff: bool,
    },
    /// It is of a kind that no door here reads.
    Foreign,
}
