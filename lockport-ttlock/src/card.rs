//! Cards: a number that the desk's reader read, in the lock.

use lockport::credential::Proof;
use lockport::driver::{Attempt, GrantOrder, Granted};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use crate::client::NewCard;
use crate::driver::{Sort, TtlockDriver};
use crate::map::{self, Handle, card};

/// What a try writes down before the first byte that can have an effect.
const CARD_IS_BEING_ADDED: &str = "identityCard/add";

impl TtlockDriver {
    pub(crate) async fn grant_card(
        &self,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        let (number, dates) = (card::number(order)?, map::window_ms(order.window)?);
        let reader = self.config.cards;
        let read_as = reader.ok_or_else(|| LockError::unsupported("the desk has no reader for cards"))?;
        let stored = card::stored(number, read_as)?;
        // A lock has one window for a card: added again, the card would lose the one that it has.
        let there = self.client.cards(lock, None, ErrorCode::KeyIssueFailed).await?;
        if card::is_anothers(&there, lock, stored, &order.marker, self.env.now()) {
            let message = "the card opens this door under another key";
            let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::Refused);
            return Err(LockError::new(code, reason, RetryAdvice::Never, message));
        }
        // From here on the card may be there; what died before this line has added none.
        attempt.note(CARD_IS_BEING_ADDED).await?;
        let new = NewCard { lock, number, order: read_as, name: &order.marker, dates };
        let id = match self.client.add_card(&new).await {
            Err(full) if self.makes_room(Sort::Card, lock, &full).await => self.client.add_card(&new).await?,
            added => added?,
        };
        let handle = Handle::in_lock(lock, id);
        Ok(self.granted(Sort::Card, handle, order, None, Proof::AtLock))
    }
}
