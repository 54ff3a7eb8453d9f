//! Passcodes that stand at a lock already: somebody set them there over Bluetooth, and the vendor is to be told (R104, R162).
//!
//! The cloud takes anybody's word: what it is told to list is listed, looks valid, and opens nothing if the lock does not have it. So a
//! passcode is listed under a name that [`find`](lockport::driver::VendorDriver::find) does not look for, until the lock itself has
//! set its window.

use lockport::credential::Proof;
use lockport::driver::{Attempt, GrantOrder, Granted};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use crate::client::NewPasscode;
use crate::driver::{Sort, TtlockDriver};
use crate::error::half_way;
use crate::map::{self, Handle, passcode};

/// What a try writes down before the first byte that can have an effect.
const PASSCODE_IS_BEING_LISTED: &str = "keyboardPwd/add, listed";

fn refused(message: &str) -> LockError {
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Refused, RetryAdvice::Never, message)
}

impl TtlockDriver {
    /// Lists it, and has the lock confirm it; what the lock does not have is taken out of the list again.
    pub(crate) async fn register_custom(
        &self,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        let (code, dates) = (passcode::digits(order)?, map::window_ms(order.window)?);
        let name = &map::unseen(&order.marker);
        let items = self.client.passcodes(lock, Some(code), ErrorCode::KeyIssueFailed).await?;
        let listed = passcode::with_digits(&items, lock, code);
        let own = |names: &[&str]| names.iter().all(|own| own == name || *own == order.marker);
        if !own(&listed.iter().map(|(_, name)| *name).collect::<Vec<_>>()) {
            return Err(refused("the digits are listed under another name"));
        }
        // From here on the passcode may be listed; what died before this line has listed none.
        attempt.note(PASSCODE_IS_BEING_LISTED).await?;
        let id = match listed.first() {
            Some((id, _)) => *id,
            None => {
                let new = NewPasscode { lock, code, name, dates };
                self.client.list_passcode(&new, ErrorCode::KeyIssueFailed).await?
            }
        };
        match self.client.confirm_passcode((lock, id), dates, &order.marker).await {
            Ok(()) => {
                let handle = Handle::in_lock(lock, id);
                Ok(self.granted(Sort::Custom, handle, order, None, Proof::AtLock))
            }
            Err(error) if error.advice() == RetryAdvice::OutcomeUnknown => Err(error),
            Err(error) => {
                self.client.strike_out((lock, id)).await.map_err(half_way)?;
                // VENDOR: the lock says "missing or never used" (docs/vendor.md#passcodes).
                let is_missing =
                    matches!(error.reason(), FailureReason::NotFound | FailureReason::WrongState);
                Err(if is_missing { refused("the lock has no such passcode") } else { error })
            }
        }
    }
}
