//! eKeys: rows in the vendor's cloud, each of a guest's own account.

use lockport::credential::Proof;
use lockport::driver::{Attempt, GrantOrder, Granted, Held};
use lockport::{ErrorCode, FailureReason, LockError, Operation};

use crate::client::{Moving, NewKey, Sending};
use crate::driver::{Sort, TtlockDriver};
use crate::error::half_way;
use crate::map::ekey::{self, Account, Change, Holder};
use crate::map::{self, Handle};

/// What a try writes down before the first byte that can have an effect.
const KEY_IS_BEING_SENT: &str = "key/send";

impl TtlockDriver {
    pub(crate) async fn grant_ekey(
        &self,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        let handle = self.send(order, lock, attempt).await?;
        if order.blocked {
            self.client.freeze_key(handle.id, ErrorCode::KeyIssueFailed).await.map_err(half_way)?;
        }
        Ok(self.ekey_granted(handle, order))
    }

    fn account(&self, order: &GrantOrder, holder: Holder) -> Result<Account, LockError> {
        ekey::account(&self.config.account_prefix, order, holder)
    }

    /// Registers the guest's account and sends the key to it; where the vendor lets that one receive nothing, to another.
    async fn send(&self, order: &GrantOrder, lock: i64, attempt: &Attempt<'_>) -> Result<Handle, LockError> {
        let first = self.account(order, Holder::First)?;
        self.client.register(&first).await?;
        self.client.log_in().await?;
        // From here on a key may be there; what died before this line has sent none.
        attempt.note(KEY_IS_BEING_SENT).await?;
        match self.send_to(&first, order, lock, attempt).await? {
            Sending::Key(key) => return Ok(Handle::of_key(key, Holder::First)),
            Sending::NoReceiver(error) => return Err(error),
            Sending::Bound(_) => {}
        }
        let another = self.account(order, Holder::Another)?;
        self.client.register(&another).await?;
        match self.send_to(&another, order, lock, attempt).await? {
            Sending::Key(key) => Ok(Handle::of_key(key, Holder::Another)),
            Sending::NoReceiver(error) | Sending::Bound(error) => Err(error),
        }
    }

    /// Sends a key to an account. One that the vendor does not know after all is registered once more.
    async fn send_to(
        &self,
        account: &Account,
        order: &GrantOrder,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<Sending, LockError> {
        let (dates, nonce) = (map::window_ms(order.window)?, attempt.call_key);
        let key = NewKey { lock, receiver: &account.username, name: &order.marker, dates, nonce };
        match self.client.send_key(&key).await? {
            Sending::NoReceiver(_) => {
                self.client.register(account).await?;
                self.client.send_key(&key).await
            }
            sent => Ok(sent),
        }
    }

    pub(crate) async fn amend_ekey(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Granted, LockError> {
        let changes = ekey::changes(held, target);
        let freezes = changes.contains(&Change::Freeze);
        let operation = if freezes { Operation::SuspendCredential } else { Operation::UpdateCredential };
        let refusal = operation.refusal_code();
        let handle = self.handle_of(Sort::EKey, held, refusal).await?;
        let made = match self.make(handle, &changes, target, attempt, refusal).await {
            // A change whose answer was lost may have sent the key anew: then it has another number.
            Err(gone) if gone.reason() == FailureReason::NotFound && is_lost(held, attempt) => {
                let unknown = Held { reference: None, ..held.clone() };
                let newest = self.handle_of(Sort::EKey, &unknown, refusal).await?;
                self.make(newest, &changes, target, attempt, refusal).await?
            }
            made => made?,
        };
        let warnings = freezes.then(ekey::frozen_at_next_sync).into_iter().collect();
        Ok(Granted { warnings, ..self.ekey_granted(made, target) })
    }

    /// Changes a key, and says where it is then.
    async fn make(
        &self,
        handle: Handle,
        changes: &[Change],
        target: &GrantOrder,
        attempt: &Attempt<'_>,
        refusal: ErrorCode,
    ) -> Result<Handle, LockError> {
        for (done, change) in changes.iter().copied().enumerate() {
            let changed = self.change(handle.id, change, target, refusal).await;
            match changed.map_err(|error| if done > 0 { half_way(error) } else { error })? {
                Moving::Done => {}
                // A key that is sent is not frozen: it would open before the next call freezes it.
                Moving::Stands(error) if target.blocked => {
                    return Err(if done > 0 { half_way(error) } else { error });
                }
                // Sent anew it is as the target says in one call, and takes the old one's place.
                Moving::Stands(_) => return self.send_anew(handle.holder, target, attempt).await,
            }
        }
        Ok(handle)
    }

    async fn change(
        &self,
        key: i64,
        change: Change,
        target: &GrantOrder,
        refusal: ErrorCode,
    ) -> Result<Moving, LockError> {
        match change {
            Change::Period => {
                return self.client.change_period(key, map::window_ms(target.window)?, refusal).await;
            }
            Change::Freeze => self.client.freeze_key(key, refusal).await?,
            Change::Unfreeze => self.client.unfreeze_key(key, refusal).await?,
        }
        Ok(Moving::Done)
    }

    /// Sends the key of an account once more, with the window that the vendor would not move the old one to.
    // VENDOR: of one account's eKeys for one lock the second takes the place of the first (docs/vendor.md#ekeys).
    async fn send_anew(
        &self,
        holder: Holder,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Handle, LockError> {
        let (account, lock) = (self.account(target, holder)?, self.lock(map::door(target)?)?.lock_id);
        match self.send_to(&account, target, lock, attempt).await? {
            Sending::Key(key) => Ok(Handle::of_key(key, holder)),
            Sending::NoReceiver(error) | Sending::Bound(error) => Err(error),
        }
    }

    fn ekey_granted(&self, handle: Handle, order: &GrantOrder) -> Granted {
        self.granted(Sort::EKey, handle, order, None, Proof::AtVendor)
    }
}

/// Whether there was a change of the key whose answer nobody has.
fn is_lost(held: &Held, attempt: &Attempt<'_>) -> bool {
    attempt.resend || !held.maybe.is_empty()
}
