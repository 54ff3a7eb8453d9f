//! Passcodes: those that we choose and a gateway carries to the lock, and those that lock and cloud both work out.

use lockport::{ErrorCode, LockError, Secret};

use super::{Client, Deleted, IN_THE_BOOKS_ONLY, THROUGH_THE_GATEWAY};
use crate::error::{Stakes, code};
use crate::line::{Form, Trouble};
use crate::wire::{Ack, PasscodeAdded, PasscodeItem, RandomPasscode};

/// A passcode with dates.
pub(crate) const WITH_A_PERIOD: i64 = 3;

/// One passcode to be added.
#[derive(Debug)]
pub(crate) struct NewPasscode<'a> {
    pub(crate) lock: i64,
    pub(crate) code: &'a Secret,
    pub(crate) name: &'a str,
    pub(crate) dates: (i64, i64),
}

impl NewPasscode<'_> {
    fn form(&self) -> Form {
        Form::default()
            .with_number("lockId", self.lock)
            .with_secret("keyboardPwd", self.code)
            .with("keyboardPwdName", self.name)
            .with_number("keyboardPwdType", WITH_A_PERIOD)
            .with_number("startDate", self.dates.0)
            .with_number("endDate", self.dates.1)
    }
}

/// One passcode to be worked out.
#[derive(Debug)]
pub(crate) struct NewRandom<'a> {
    pub(crate) lock: i64,
    pub(crate) name: &'a str,
    pub(crate) dates: (i64, i64),
}

fn change((lock, passcode): (i64, i64), dates: (i64, i64)) -> Form {
    Form::default()
        .with_number("lockId", lock)
        .with_number("keyboardPwdId", passcode)
        .with_number("startDate", dates.0)
        .with_number("endDate", dates.1)
        .with_number("changeType", THROUGH_THE_GATEWAY)
}

/// How a call is put that a gateway carries to a lock.
const fn carried(refusal: ErrorCode) -> Stakes {
    Stakes::effect(refusal).at_the_lock()
}

impl Client {
    /// Adds a passcode of our choice, in the lock.
    pub(crate) async fn add_passcode(&self, new: &NewPasscode<'_>) -> Result<i64, LockError> {
        let form = new.form().with_number("addType", THROUGH_THE_GATEWAY);
        let stakes = carried(ErrorCode::KeyIssueFailed);
        let added: PasscodeAdded = self.ask("/v3/keyboardPwd/add", &form, stakes).await?;
        Ok(added.keyboard_pwd_id.0)
    }

    /// Lists a passcode that a lock may have and the cloud does not know of. The lock hears nothing of it.
    pub(crate) async fn list_passcode(
        &self,
        new: &NewPasscode<'_>,
        refusal: ErrorCode,
    ) -> Result<i64, LockError> {
        let form = new.form().with_number("addType", IN_THE_BOOKS_ONLY);
        let stakes = Stakes::effect(refusal);
        let added: PasscodeAdded = self.ask("/v3/keyboardPwd/add", &form, stakes).await?;
        Ok(added.keyboard_pwd_id.0)
    }

    /// Lets the vendor work out a passcode for this period. No lock is asked.
    pub(crate) async fn random_passcode(&self, new: &NewRandom<'_>) -> Result<RandomPasscode, LockError> {
        let form = Form::default()
            .with_number("lockId", new.lock)
            .with_number("keyboardPwdType", WITH_A_PERIOD)
            .with("keyboardPwdName", new.name)
            .with_number("startDate", new.dates.0)
            .with_number("endDate", new.dates.1);
        self.ask("/v3/keyboardPwd/get", &form, Stakes::effect(ErrorCode::KeyIssueFailed)).await
    }

    /// Takes a passcode out of the list. The lock hears nothing of it.
    pub(crate) async fn strike_out(&self, (lock, passcode): (i64, i64)) -> Result<Deleted, LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("keyboardPwdId", passcode)
            .with_number("deleteType", IN_THE_BOOKS_ONLY);
        let stakes = Stakes::effect(ErrorCode::KeyIssueFailed);
        self.delete("/v3/keyboardPwd/delete", &form, stakes, code::NO_PASSCODE).await
    }

    /// Has the lock set the window of a passcode that it is said to have, and names it so if the lock did.
    pub(crate) async fn confirm_passcode(
        &self,
        there: (i64, i64),
        dates: (i64, i64),
        name: &str,
    ) -> Result<(), LockError> {
        let form = change(there, dates).with("keyboardPwdName", name);
        self.write("/v3/keyboardPwd/change", &form, carried(ErrorCode::KeyIssueFailed)).await
    }

    /// Moves both ends of a passcode's window, in the lock.
    // VENDOR: with one date only the call succeeds and changes nothing (docs/vendor.md#passcodes).
    pub(crate) async fn change_passcode(
        &self,
        there: (i64, i64),
        dates: (i64, i64),
        refusal: ErrorCode,
    ) -> Result<(), LockError> {
        self.write("/v3/keyboardPwd/change", &change(there, dates), carried(refusal)).await
    }

    /// Deletes a passcode, in the lock.
    pub(crate) async fn delete_passcode(&self, (lock, passcode): (i64, i64)) -> Result<Deleted, LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("keyboardPwdId", passcode)
            .with_number("deleteType", THROUGH_THE_GATEWAY);
        let stakes = carried(ErrorCode::KeyRevokeFailed);
        self.delete("/v3/keyboardPwd/delete", &form, stakes, code::NO_PASSCODE).await
    }

    /// Deletes a passcode of the vendor's choice, if the vendor can.
    // VENDOR: not before it was used for the first time, and only where a gateway is (docs/vendor.md#passcodes).
    pub(crate) async fn delete_random(&self, (lock, passcode): (i64, i64)) -> Result<Deleted, LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("keyboardPwdId", passcode)
            .with_number("deleteType", THROUGH_THE_GATEWAY);
        let stakes = carried(ErrorCode::KeyRevokeFailed);
        match self.call::<Ack>(super::Caller::Account, "/v3/keyboardPwd/delete", &form, stakes).await {
            Ok(Ack {}) => Ok(Deleted::Now),
            Err(Trouble::Refused { code: code::NO_PASSCODE, .. }) => Ok(Deleted::Before),
            Err(Trouble::Refused { code: code::NEVER_USED | code::NO_GATEWAY, .. }) => Ok(Deleted::NotYet),
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    /// The passcodes that the cloud lists for a lock; where a text is given, those whose name resembles it or whose digits it is.
    pub(crate) async fn passcodes(
        &self,
        lock: i64,
        text: Option<&Secret>,
        refusal: ErrorCode,
    ) -> Result<Vec<PasscodeItem>, LockError> {
        let form = Form::default().with_number("lockId", lock);
        let form = match text {
            Some(text) => form.with_secret("searchStr", text),
            None => form,
        };
        let form = form.with("orderBy", "1");
        self.list("/v3/lock/listKeyboardPwd", form, refusal).await
    }
}
