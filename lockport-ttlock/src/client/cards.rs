//! IC cards: numbers that a gateway carries to the lock.

use lockport::{ErrorCode, LockError, Secret};

use super::{Client, Deleted, THROUGH_THE_GATEWAY};
use crate::config::CardOrder;
use crate::error::{Stakes, code};
use crate::line::Form;
use crate::wire::{CardAdded, CardItem};

/// One card to be added.
#[derive(Debug)]
pub(crate) struct NewCard<'a> {
    pub(crate) lock: i64,
    /// As the desk's reader read it, in decimal digits.
    pub(crate) number: &'a Secret,
    pub(crate) order: CardOrder,
    pub(crate) name: &'a str,
    pub(crate) dates: (i64, i64),
}

impl Client {
    /// Adds a card's number, in the lock.
    pub(crate) async fn add_card(&self, new: &NewCard<'_>) -> Result<i64, LockError> {
        let form = Form::default()
            .with_number("lockId", new.lock)
            .with_secret("cardNumber", new.number)
            .with("cardName", new.name)
            .with_number("startDate", new.dates.0)
            .with_number("endDate", new.dates.1)
            .with_number("addType", THROUGH_THE_GATEWAY);
        let path = match new.order {
            CardOrder::AsRead => "/v3/identityCard/add",
            CardOrder::Reversed => "/v3/identityCard/addForReversedCardNumber",
        };
        let stakes = Stakes::effect(ErrorCode::KeyIssueFailed).at_the_lock();
        let added: CardAdded = self.ask(path, &form, stakes).await?;
        Ok(added.card_id.0)
    }

    /// Moves both ends of a card's window, in the lock.
    pub(crate) async fn change_card(
        &self,
        (lock, card): (i64, i64),
        dates: (i64, i64),
        refusal: ErrorCode,
    ) -> Result<(), LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("cardId", card)
            .with_number("startDate", dates.0)
            .with_number("endDate", dates.1)
            .with_number("changeType", THROUGH_THE_GATEWAY);
        self.write("/v3/identityCard/changePeriod", &form, Stakes::effect(refusal).at_the_lock()).await
    }

    /// Deletes a card, in the lock.
    pub(crate) async fn delete_card(&self, (lock, card): (i64, i64)) -> Result<Deleted, LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("cardId", card)
            .with_number("deleteType", THROUGH_THE_GATEWAY);
        let stakes = Stakes::effect(ErrorCode::KeyRevokeFailed).at_the_lock();
        self.delete("/v3/identityCard/delete", &form, stakes, code::NO_CARD).await
    }

    /// The cards that the cloud lists for a lock; those whose name resembles `name`, where one is given.
    pub(crate) async fn cards(
        &self,
        lock: i64,
        name: Option<&str>,
        refusal: ErrorCode,
    ) -> Result<Vec<CardItem>, LockError> {
        let form = Form::default().with_number("lockId", lock).with("orderBy", "1");
        let form = match name {
            Some(name) => form.with("searchStr", name),
            None => form,
        };
        self.list("/v3/identityCard/list", form, refusal).await
    }
}
