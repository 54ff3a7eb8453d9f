//! The vendor's endpoints, one method each: builds the form, sends it, reads the answer. What the vendor's page lets a caller
//! repair on the wire is repaired here, once a call: a token that is over, a clock that is off.

mod cards;
mod ekeys;
mod locks;
mod passcodes;
mod records;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use lockport::env::Env;
use lockport::{ErrorCode, LockError, Secret, Timestamp};
use serde::de::DeserializeOwned;

pub(crate) use self::cards::NewCard;
pub(crate) use self::ekeys::{Moving, NewKey, Sending};
pub(crate) use self::passcodes::{NewPasscode, NewRandom, WITH_A_PERIOD};
use crate::auth::Auth;
use crate::error::{Stakes, code};
use crate::limits::{MAX_PAGES, PAGE_SIZE};
use crate::line::{Form, Line, Trouble};
use crate::wire::{Ack, Page};

/// `addType`, `changeType`, `deleteType`: what a gateway, or the lock's own radio, is to do at the lock.
const THROUGH_THE_GATEWAY: i64 = 2;
/// The same: what was done at the lock already, and is to be listed.
// VENDOR: it is the default, too; what is added so is listed, looks valid and opens nothing (docs/vendor.md#passcodes).
const IN_THE_BOOKS_ONLY: i64 = 1;

/// The vendor's cloud, for one account.
pub(crate) struct Client {
    client_id: String,
    line: Line,
    auth: Auth,
    env: Env,
    /// The vendor's clock minus ours, as far as it was measured.
    offset_ms: AtomicI64,
}

/// What became of deleting one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// It was there, and is not any more.
    Now,
    /// It was not there.
    Before,
    /// It is there, and the vendor cannot take it away: nobody has used it yet, or nothing reaches the lock.
    NotYet,
}

/// Whose call it is.
#[derive(Clone, Copy)]
enum Caller {
    /// The account's: it carries the token.
    Account,
    /// The application's: it carries the client secret.
    Application,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("line", &self.line).field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(client_id: String, line: Line, auth: Auth, env: Env) -> Self {
        Self { client_id, line, auth, env, offset_ms: AtomicI64::new(0) }
    }

    /// Sees to it that there is a token, so that the next call is the one that counts.
    pub(crate) async fn log_in(&self) -> Result<(), LockError> {
        self.auth.token().await.map(drop)
    }

    /// The secret part of the address at which the vendor calls back.
    pub(crate) async fn callback_segment(&self) -> Result<Secret, LockError> {
        self.auth.callback_segment().await
    }

    async fn write(&self, path: &str, form: &Form, stakes: Stakes) -> Result<(), LockError> {
        self.ask::<Ack>(path, form, stakes).await.map(|Ack {}| ())
    }

    /// One call of the account's.
    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        stakes: Stakes,
    ) -> Result<T, LockError> {
        self.call(Caller::Account, path, form, stakes).await.map_err(|trouble| self.error(trouble, stakes))
    }

    /// Deletes something; `gone` is the vendor's number for "there is none".
    async fn delete(&self, path: &str, form: &Form, stakes: Stakes, gone: i64) -> Result<Deleted, LockError> {
        match self.call::<Ack>(Caller::Account, path, form, stakes).await {
            Ok(Ack {}) => Ok(Deleted::Now),
            Err(Trouble::Refused { code, .. }) if code == gone => Ok(Deleted::Before),
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        refusal: ErrorCode,
    ) -> Result<T, LockError> {
        self.ask(path, form, Stakes::harmless(refusal)).await
    }

    /// The whole list, or an error: a page that is missing, or a count that does not hold, is `MalformedAnswer`.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
        refusal: ErrorCode,
    ) -> Result<Vec<T>, LockError> {
        let malformed = || Stakes::harmless(refusal).malformed();
        let mut form = form.with_number("pageSize", PAGE_SIZE);
        let mut all = Vec::new();
        for number in 1..=MAX_PAGES {
            form = form.instead("pageNo", number);
            let page: Page<T> = self.read(path, &form, refusal).await?;
            if page.page_no.0 != number {
                return Err(malformed());
            }
            all.extend(page.list);
            if number >= page.pages.0 {
                // A list that changed between two pages does not add up either: nothing is said about it.
                let complete = usize::try_from(page.total.0) == Ok(all.len());
                return if complete { Ok(all) } else { Err(malformed()) };
            }
        }
        Err(malformed())
    }

    /// One call. A refusal for the token or for the clock is repaired once each and the call sent again: the vendor has said
    /// that it did nothing.
    async fn call<T: DeserializeOwned>(
        &self,
        caller: Caller,
        path: &str,
        form: &Form,
        stakes: Stakes,
    ) -> Result<T, Trouble> {
        let mut pass = match caller {
            Caller::Account => self.auth.token().await?,
            Caller::Application => self.auth.client_secret().await?,
        };
        let (mut renewed, mut adjusted) = (false, false);
        loop {
            let trouble = match self.line.post(path, &self.common(caller, &pass), form, stakes).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            match (&trouble, caller) {
                (
                    Trouble::Refused { code: code::TOKEN_UNKNOWN | code::TOKEN_EXPIRED, .. },
                    Caller::Account,
                ) if !renewed => {
                    renewed = true;
                    pass = self.auth.instead_of(&pass).await?;
                }
                (Trouble::Refused { code: code::CLOCK, date: Some(date) }, _) if !adjusted => {
                    adjusted = true;
                    self.adjust(*date);
                }
                // Nothing that is sent again would be answered otherwise.
                (
                    Trouble::Refused { code: code::NO_APPLICATION | code::WRONG_SECRET, .. },
                    Caller::Account,
                ) => {
                    self.auth.forget(&pass).await;
                    return Err(trouble);
                }
                (Trouble::Refused { code, .. }, Caller::Application) => {
                    self.auth.turned_down(*code).await;
                    return Err(trouble);
                }
                _ => return Err(trouble),
            }
        }
    }

    fn common(&self, caller: Caller, pass: &Secret) -> Form {
        let form = Form::default().with("clientId", self.client_id.as_str());
        let form = match caller {
            Caller::Account => form.with_secret("accessToken", pass),
            Caller::Application => form.with_secret("clientSecret", pass),
        };
        let now = self.env.now().timestamp_millis();
        form.with_number("date", now.saturating_add(self.offset_ms.load(Ordering::Relaxed)))
    }

    fn adjust(&self, theirs: Timestamp) {
        let offset = theirs.signed_duration_since(self.env.now()).num_milliseconds();
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    fn error(&self, trouble: Trouble, stakes: Stakes) -> LockError {
        match trouble {
            Trouble::Refused { code, .. } => stakes.refused(code, self.env.now()),
            Trouble::Failed(error) => error,
        }
    }
}
