//! eKeys: rows in the vendor's cloud, each of a guest's own account.

use lockport::credential::Proof;
use lockport::driver::{Attempt, GrantOrder, Granted, Held};
use lockport::{ErrorCode, LockError, Operation};

use crate::client::{NewKey, Sending};
use crate::driver::{Sort, TtlockDriver};
use crate::error::half_way;
use crate::map::ekey::{self, Account, Change};
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
        let account = ekey::account(&self.config.account_prefix, order)?;
        let key = self.send(order, &account, lock, attempt).await?;
        if order.blocked {
            self.client.freeze_key(key, ErrorCode::KeyIssueFailed).await.map_err(half_way)?;
        }
        Ok(self.ekey_granted(Handle { lock: None, id: key }, order))
    }

    /// Registers the guest's account and sends the key to it.
    async fn send(
        &self,
        order: &GrantOrder,
        account: &Account,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<i64, LockError> {
        let dates = map::window_ms(order.window)?;
        let nonce = attempt.call_key;
        let key = NewKey { lock, receiver: &account.username, name: &order.marker, dates, nonce };
        self.client.register(account).await?;
        self.client.log_in().await?;
        // From here on a key may be there; what died before this line has sent none.
        attempt.note(KEY_IS_BEING_SENT).await?;
        if let Sending::Key(key) = self.client.send_key(&key).await? {
            return Ok(key);
        }
        // The vendor does not know the receiver after all.
        self.client.register(account).await?;
        match self.client.send_key(&key).await? {
            Sending::Key(key) => Ok(key),
            Sending::NoReceiver(error) => Err(error),
        }
    }

    pub(crate) async fn amend_ekey(&self, held: &Held, target: &GrantOrder) -> Result<Granted, LockError> {
        let changes = ekey::changes(held, target);
        let freezes = changes.contains(&Change::Freeze);
        let operation = if freezes { Operation::SuspendCredential } else { Operation::UpdateCredential };
        let refusal = operation.refusal_code();
        let handle = self.handle_of(Sort::EKey, held, refusal).await?;
        for (done, change) in changes.into_iter().enumerate() {
            let changed = self.change(handle.id, change, target, refusal).await;
            changed.map_err(|error| if done > 0 { half_way(error) } else { error })?;
        }
        let warnings = freezes.then(ekey::frozen_at_next_sync).into_iter().collect();
        Ok(Granted { warnings, ..self.ekey_granted(handle, target) })
    }

    async fn change(
        &self,
        key: i64,
        change: Change,
        target: &GrantOrder,
        refusal: ErrorCode,
    ) -> Result<(), LockError> {
        match change {
            Change::Period => self.client.change_period(key, map::window_ms(target.window)?, refusal).await,
            Change::Freeze => self.client.freeze_key(key, refusal).await,
            Change::Unfreeze => self.client.unfreeze_key(key, refusal).await,
        }
    }

    fn ekey_granted(&self, handle: Handle, order: &GrantOrder) -> Granted {
        self.granted(Sort::EKey, handle, order, None, Proof::AtVendor)
    }
}
