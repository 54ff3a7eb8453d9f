//! Passcodes: those of our choice, in the lock, and those that lock and cloud both work out.

use lockport::credential::Proof;
use lockport::driver::{Attempt, GrantOrder, Granted, Held};
use lockport::{ErrorCode, LockError, Operation, Secret};

use crate::client::{Deleted, NewPasscode, NewRandom};
use crate::driver::{Sort, TtlockDriver};
use crate::error::{Stakes, half_way};
use crate::map::{self, Handle, passcode};

/// What a try writes down before the first byte that can have an effect.
const PASSCODE_IS_BEING_ADDED: &str = "keyboardPwd/add";
/// The same, of a passcode that is worked out.
const PASSCODE_IS_BEING_WORKED_OUT: &str = "keyboardPwd/get";

impl TtlockDriver {
    pub(crate) async fn grant_custom(
        &self,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        let (code, dates) = (passcode::digits(order)?, map::window_ms(order.window)?);
        self.client.log_in().await?;
        // From here on a passcode may be there; what died before this line has added none.
        attempt.note(PASSCODE_IS_BEING_ADDED).await?;
        let new = NewPasscode { lock, code, name: &order.marker, dates };
        let id = match self.client.add_passcode(&new).await {
            Err(full) if self.makes_room(Sort::Custom, lock, &full).await => {
                self.client.add_passcode(&new).await?
            }
            added => added?,
        };
        let handle = Handle::in_lock(lock, id);
        Ok(self.granted(Sort::Custom, handle, order, None, Proof::AtLock))
    }

    pub(crate) async fn grant_random(
        &self,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        // The hours are those of the lock's own wall.
        let wall_ahead = self.client.lock_detail(lock).await?.timezone_raw_offset;
        let wall_ahead = wall_ahead.ok_or_else(|| Stakes::harmless(ErrorCode::KeyIssueFailed).malformed())?;
        let hours = passcode::whole_hours(order, wall_ahead.0)?;
        let window = passcode::alive(hours, wall_ahead.0, self.env.now())?;
        let dates = map::window_ms(window)?;
        attempt.note(PASSCODE_IS_BEING_WORKED_OUT).await?;
        let made = self.client.random_passcode(&NewRandom { lock, name: &order.marker, dates }).await?;
        let handle = Handle::in_lock(lock, made.keyboard_pwd_id.0);
        let digits = Secret::new(made.keyboard_pwd.clone());
        let order = GrantOrder { window, ..order.clone() };
        Ok(self.granted(Sort::Random, handle, &order, Some(digits), Proof::AtVendor))
    }

    /// Moves the window of what a lock keeps: a passcode of ours, or a card.
    pub(crate) async fn move_in_lock(
        &self,
        sort: Sort,
        held: &Held,
        target: &GrantOrder,
    ) -> Result<Granted, LockError> {
        let refusal = Operation::UpdateCredential.refusal_code();
        let dates = map::window_ms(target.window)?;
        let handle = self.handle_of(sort, held, refusal).await?;
        let there = (self.lock_of(handle, target)?, handle.id);
        match sort {
            Sort::Card => self.client.change_card(there, dates, refusal).await?,
            _ => self.client.change_passcode(there, dates, refusal).await?,
        }
        Ok(self.granted(sort, handle, target, None, Proof::AtLock))
    }

    /// The passcode of a grant whose answer was lost and that the cloud does not list: the lock may have it all the same. What is
    /// not listed cannot be deleted; so it is listed first.
    // VENDOR: the answer of a lock can get lost on its way to the cloud, which then answers 1 and lists nothing
    // (docs/vendor.md#passcodes). Digits that are listed under another name are another's, and stay.
    pub(crate) async fn delete_stray(&self, order: &GrantOrder) -> Result<Deleted, LockError> {
        let Some(code) = &order.artifact else { return Ok(Deleted::Before) };
        let (lock, dates) = (self.lock(map::door(order)?)?.lock_id, map::window_ms(order.window)?);
        let items = self.client.passcodes(lock, Some(code), ErrorCode::KeyRevokeFailed).await?;
        if passcode::lists_digits(&items, lock, code) {
            return Ok(Deleted::Before);
        }
        let new = NewPasscode { lock, code, name: &order.marker, dates };
        let listed = self.client.list_passcode(&new, ErrorCode::KeyRevokeFailed).await?;
        self.client.delete_passcode((lock, listed)).await.map_err(half_way)
    }
}
