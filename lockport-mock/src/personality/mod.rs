//! The kinds of vendor that the mock can be: each a driver and the manners of the vendor behind it, in a file of its own.

mod card;
mod online;
mod per_door;
mod per_stay;
mod room_wide;
mod silent_ack;
pub(crate) mod webhook;

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use lockport::LockError;
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, Withdrawal,
    Withdrawn,
};

use crate::cloud::Receive;
use crate::vendor::MockVendor;

/// What kind of vendor it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Personality {
    /// An online cloud that is told about each door on its own; phone keys and PINs.
    #[default]
    PerDoor,
    /// A cloud with one grant for a whole stay, which honours a caller's key for a day and answers before it has done a thing.
    PerStay,
    /// Withdrawing clears a room of everybody.
    RoomWide,
    /// Acknowledges, and then nothing can be asked.
    SilentAck,
    /// Everything stands on a card, which a person puts on the encoder; the doors are offline.
    Card,
    /// Accepts, does it later, and tells by a call of its own.
    Webhook,
}

impl Personality {
    /// Every personality.
    pub const ALL: [Self; 6] =
        [Self::PerDoor, Self::PerStay, Self::RoomWide, Self::SilentAck, Self::Card, Self::Webhook];

    /// The word for it in a URL: `per_door`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerDoor => "per_door",
            Self::PerStay => "per_stay",
            Self::RoomWide => "room_wide",
            Self::SilentAck => "silent_ack",
            Self::Card => "card",
            Self::Webhook => "webhook",
        }
    }

    pub(crate) const fn nature(self) -> &'static dyn Nature {
        match self {
            Self::PerDoor => &per_door::PerDoor,
            Self::PerStay => &per_stay::PerStay,
            Self::RoomWide => &room_wide::RoomWide,
            Self::SilentAck => &silent_ack::SilentAck,
            Self::Card => &card::Card,
            Self::Webhook => &webhook::Webhook,
        }
    }

    /// How this vendor's cloud receives a call.
    pub(crate) const fn receive(self) -> Receive {
        match self {
            Self::PerStay => per_stay::receive,
            Self::Webhook => webhook::receive,
            Self::PerDoor | Self::RoomWide | Self::SilentAck | Self::Card => online::receive,
        }
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no personality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPersonality;

impl fmt::Display for UnknownPersonality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a personality is one of")?;
        Personality::ALL.iter().try_for_each(|known| write!(f, " {known}"))
    }
}

impl std::error::Error for UnknownPersonality {}

impl FromStr for Personality {
    type Err = UnknownPersonality;
    fn from_str(text: &str) -> Result<Self, UnknownPersonality> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownPersonality)
    }
}

/// One vendor's driver, less what is the same for all of them. Every method is as in
/// [`VendorDriver`](lockport::driver::VendorDriver).
#[async_trait]
pub(crate) trait Nature: Send + Sync {
    fn describe(&self) -> DriverDescriptor;

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey>;

    async fn grant(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError>;

    async fn find(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError>;

    async fn amend(
        &self,
        vendor: &MockVendor,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError>;

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError>;
}
