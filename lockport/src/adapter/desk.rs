//! Whose card is this? What stands on it, and who in the ledger has it.

use super::Adapter;
use crate::credential::Holder;
use crate::device::DeviceHealth;
use crate::driver::{CardDesk, CardReading, CardSays};
use crate::error::LockError;
use crate::id::{KeyCredentialId, LockDeviceId, RoomId};
use crate::secret::Secret;

/// A card that lies on an encoder.
#[derive(Clone, Debug)]
pub struct CardOnDesk {
    /// The card's own number.
    pub card: Secret,
    /// What stands on it: until when, and which doors.
    pub says: CardSays,
    /// The bits that a panel hears of it, where one stands behind the doors: whoever runs that has to be told them.
    pub for_panel: Option<Secret>,
    /// The rooms behind those doors.
    pub rooms: Vec<RoomId>,
    /// Whose it is, where the ledger knows it.
    pub owner: Option<CardOwner>,
}

/// Who has a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOwner {
    /// The credential that was written on it.
    pub credential: KeyCredentialId,
    /// Whose it is.
    pub holder: Holder,
}

impl<D: CardDesk> Adapter<D> {
    /// Reads the card that lies on an encoder, and changes nothing; `None` when none lies there.
    ///
    /// # Errors
    /// As in [`CardDesk::read_card`]; what the store says.
    pub async fn read_card(&self, encoder: LockDeviceId) -> Result<Option<CardOnDesk>, LockError> {
        let Some(CardReading { card, says, for_panel }) = self.driver.read_card(encoder).await? else {
            return Ok(None);
        };
        let doors = match &says {
            CardSays::Key { doors, .. } => doors.clone(),
            _ => Vec::new(),
        };
        let mut rooms: Vec<RoomId> = doors.iter().flat_map(|door| self.doors.rooms_behind(*door)).collect();
        rooms.sort();
        rooms.dedup();
        let owner = self.owner_of(&card, &doors).await?;
        Ok(Some(CardOnDesk { card, says, for_panel, rooms, owner }))
    }

    /// How an encoder is.
    ///
    /// # Errors
    /// As in [`CardDesk::encoder_health`].
    pub async fn encoder_health(&self, encoder: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.driver.encoder_health(encoder).await
    }

    /// The credential that was last written on this card, among those of these doors.
    async fn owner_of(&self, card: &Secret, doors: &[LockDeviceId]) -> Result<Option<CardOwner>, LockError> {
        let mut latest = None;
        for grant in self.occupants(doors).await? {
            // EXPOSE: a card's number, to tell it from another card; both stay in custody.
            let is_on_it = grant.opens_with().is_some_and(|own| own.expose() == card.expose());
            if !is_on_it {
                continue;
            }
            let credential = grant.held.order.credential;
            let Some(record) = self.credential(credential).await? else { continue };
            let Some(content) = record.value.content else { continue };
            let owner = CardOwner { credential, holder: content.holder };
            if latest.as_ref().is_none_or(|(at, _)| *at <= content.issued_at) {
                latest = Some((content.issued_at, owner));
            }
        }
        Ok(latest.map(|(_, owner)| owner))
    }
}
