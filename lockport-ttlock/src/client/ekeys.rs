//! eKeys and the accounts that hold them: rows in the vendor's cloud, which no lock learns of.

use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use super::{Caller, Client, Deleted};
use crate::error::{Stakes, code};
use crate::line::{Form, Trouble};
use crate::map::{self, ekey::Account};
use crate::wire::{Ack, KeyItem, Registered, Sent};

/// One eKey to be sent.
#[derive(Debug)]
pub(crate) struct NewKey<'a> {
    pub(crate) lock: i64,
    pub(crate) receiver: &'a str,
    pub(crate) name: &'a str,
    pub(crate) dates: (i64, i64),
    pub(crate) nonce: &'a str,
}

/// What became of sending one.
#[derive(Debug)]
pub(crate) enum Sending {
    /// It has this number.
    Key(i64),
    /// The receiver is not registered; nothing was sent.
    NoReceiver(LockError),
    /// The receiver is bound to another system, and receives nothing ever.
    Bound(LockError),
}

/// What became of moving one's window.
#[derive(Debug)]
pub(crate) enum Moving {
    /// It is moved.
    Done,
    /// The vendor does not move it now, and a key that is sent anew has the window that it is sent with.
    Stands(LockError),
}

impl Client {
    /// Registers a guest's account; one that exists is this one.
    pub(crate) async fn register(&self, account: &Account) -> Result<(), LockError> {
        // An account without a key opens nothing, and registering it again changes nothing.
        let stakes = Stakes::harmless(ErrorCode::KeyIssueFailed);
        let form = Form::default()
            .with("username", account.name.as_str())
            .with_secret("password", &map::md5_hex(&account.password));
        match self.call::<Registered>(Caller::Application, "/v3/user/register", &form, stakes).await {
            Ok(registered) if registered.username == account.username => Ok(()),
            Ok(_) => Err(LockError::unreachable(
                FailureReason::Configuration,
                RetryAdvice::Never,
                "the vendor names accounts with another prefix than the configured one",
            )),
            Err(Trouble::Refused { code: code::NAME_TAKEN, .. }) => Ok(()),
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    /// Sends an eKey. It takes the place of an earlier one of the same account at the same lock.
    pub(crate) async fn send_key(&self, key: &NewKey<'_>) -> Result<Sending, LockError> {
        let stakes = Stakes::effect(ErrorCode::KeyIssueFailed);
        let form = Form::default()
            .with_number("lockId", key.lock)
            .with("receiverUsername", key.receiver)
            .with("keyName", key.name)
            .with_number("startDate", key.dates.0)
            .with_number("endDate", key.dates.1)
            .with("remoteEnable", "2")
            .with("createUser", "2")
            // VENDOR: unknown fields are ignored; this one is for who reads both sides' logs (docs/vendor.md#ekeys).
            .with("clientNonce", key.nonce);
        match self.call::<Sent>(Caller::Account, "/v3/key/send", &form, stakes).await {
            Ok(sent) => Ok(Sending::Key(sent.key_id.0)),
            Err(trouble @ Trouble::Refused { code: code::NO_RECEIVER, .. }) => {
                Ok(Sending::NoReceiver(self.error(trouble, stakes)))
            }
            Err(trouble @ Trouble::Refused { code: code::BOUND_ELSEWHERE, .. }) => {
                Ok(Sending::Bound(self.error(trouble, stakes)))
            }
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    /// Moves both ends of an eKey's window.
    pub(crate) async fn change_period(
        &self,
        key: i64,
        dates: (i64, i64),
        refusal: ErrorCode,
    ) -> Result<Moving, LockError> {
        let stakes = Stakes::effect(refusal);
        let form = Form::default()
            .with_number("keyId", key)
            .with_number("startDate", dates.0)
            .with_number("endDate", dates.1);
        match self.call::<Ack>(Caller::Account, "/v3/key/changePeriod", &form, stakes).await {
            Ok(Ack {}) => Ok(Moving::Done),
            Err(trouble @ Trouble::Refused { code: code::PERIOD_STANDS, .. }) => {
                Ok(Moving::Stands(self.error(trouble, stakes)))
            }
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    /// Freezes an eKey.
    pub(crate) async fn freeze_key(&self, key: i64, refusal: ErrorCode) -> Result<(), LockError> {
        let form = Form::default().with_number("keyId", key);
        self.write("/v3/key/freeze", &form, Stakes::effect(refusal)).await
    }

    /// Thaws an eKey.
    pub(crate) async fn unfreeze_key(&self, key: i64, refusal: ErrorCode) -> Result<(), LockError> {
        let form = Form::default().with_number("keyId", key);
        self.write("/v3/key/unfreeze", &form, Stakes::effect(refusal)).await
    }

    /// Deletes an eKey.
    // VENDOR: deleting the account's own key deletes the lock (docs/vendor.md#ekeys): only numbers that came from `send_key` or
    // `keys` may come here.
    pub(crate) async fn delete_key(&self, key: i64) -> Result<Deleted, LockError> {
        let form = Form::default().with_number("keyId", key);
        self.delete("/v3/key/delete", &form, Stakes::effect(ErrorCode::KeyRevokeFailed), code::NO_KEY).await
    }

    /// The eKeys sent out for a lock whose name resembles `name`.
    pub(crate) async fn keys(
        &self,
        lock: i64,
        name: &str,
        refusal: ErrorCode,
    ) -> Result<Vec<KeyItem>, LockError> {
        let form = Form::default().with_number("lockId", lock).with("searchStr", name).with("orderBy", "1");
        self.list("/v3/lock/listKey", form, refusal).await
    }
}
