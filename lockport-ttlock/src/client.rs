//! The vendor's endpoints, one method each: builds the form, sends it, reads the answer. What the vendor's page lets a caller
//! repair on the wire is repaired here, once a call: a token that is over, a clock that is off.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use lockport::env::Env;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp};
use serde::de::DeserializeOwned;

use crate::auth::Auth;
use crate::error::{Stakes, code};
use crate::limits::{MAX_PAGES, PAGE_SIZE};
use crate::line::{Form, Line, Trouble};
use crate::map::{self, Account};
use crate::wire::{Ack, GatewayItem, KeyItem, LinkItem, Links, LockItem, Page, Registered, Sent};

/// The vendor's cloud, for one account.
pub(crate) struct Client {
    client_id: String,
    line: Line,
    auth: Auth,
    env: Env,
    /// The vendor's clock minus ours, as far as it was measured.
    offset_ms: AtomicI64,
}

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
}

/// What became of deleting one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// It was there, and is not any more.
    Now,
    /// It was not there.
    Before,
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

    /// Sees to it that there is a token, so that the next call is the one that counts.
    pub(crate) async fn log_in(&self) -> Result<(), LockError> {
        self.auth.token().await.map(drop)
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
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
    }

    /// Moves both ends of an eKey's window.
    pub(crate) async fn change_period(
        &self,
        key: i64,
        dates: (i64, i64),
        refusal: ErrorCode,
    ) -> Result<(), LockError> {
        let form = Form::default()
            .with_number("keyId", key)
            .with_number("startDate", dates.0)
            .with_number("endDate", dates.1);
        self.write("/v3/key/changePeriod", &form, refusal).await
    }

    /// Freezes an eKey.
    pub(crate) async fn freeze_key(&self, key: i64, refusal: ErrorCode) -> Result<(), LockError> {
        self.write("/v3/key/freeze", &Form::default().with_number("keyId", key), refusal).await
    }

    /// Thaws an eKey.
    pub(crate) async fn unfreeze_key(&self, key: i64, refusal: ErrorCode) -> Result<(), LockError> {
        self.write("/v3/key/unfreeze", &Form::default().with_number("keyId", key), refusal).await
    }

    /// Deletes an eKey.
    // VENDOR: deleting the account's own key deletes the lock (docs/vendor.md#ekeys): only numbers that came from `send_key` or
    // `keys` may come here.
    pub(crate) async fn delete_key(&self, key: i64) -> Result<Deleted, LockError> {
        let stakes = Stakes::effect(ErrorCode::KeyRevokeFailed);
        let form = Form::default().with_number("keyId", key);
        match self.call::<Ack>(Caller::Account, "/v3/key/delete", &form, stakes).await {
            Ok(Ack {}) => Ok(Deleted::Now),
            Err(Trouble::Refused { code: code::NO_KEY, .. }) => Ok(Deleted::Before),
            Err(trouble) => Err(self.error(trouble, stakes)),
        }
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

    /// The account's locks.
    pub(crate) async fn locks(&self) -> Result<Vec<LockItem>, LockError> {
        self.list("/v3/lock/list", Form::default(), ErrorCode::VendorUnreachable).await
    }

    /// The account's gateways.
    pub(crate) async fn gateways(&self) -> Result<Vec<GatewayItem>, LockError> {
        self.list("/v3/gateway/list", Form::default().with("orderBy", "0"), ErrorCode::VendorUnreachable)
            .await
    }

    /// One lock.
    // VENDOR: the answer may hold what opens the lock for ever (docs/vendor.md#locks): only three fields of it are read.
    pub(crate) async fn lock_detail(&self, lock: i64) -> Result<LockItem, LockError> {
        self.read(
            "/v3/lock/detail",
            &Form::default().with_number("lockId", lock),
            ErrorCode::VendorUnreachable,
        )
        .await
    }

    /// The gateways that hear a lock.
    pub(crate) async fn links(&self, lock: i64) -> Result<Vec<LinkItem>, LockError> {
        let form = Form::default().with_number("lockId", lock);
        let links: Links = self.read("/v3/gateway/listByLock", &form, ErrorCode::VendorUnreachable).await?;
        Ok(links.list)
    }

    async fn write(&self, path: &str, form: &Form, refusal: ErrorCode) -> Result<(), LockError> {
        let stakes = Stakes::effect(refusal);
        let answer = self.call::<Ack>(Caller::Account, path, form, stakes).await;
        answer.map(|Ack {}| ()).map_err(|trouble| self.error(trouble, stakes))
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        refusal: ErrorCode,
    ) -> Result<T, LockError> {
        let stakes = Stakes::harmless(refusal);
        self.call(Caller::Account, path, form, stakes).await.map_err(|trouble| self.error(trouble, stakes))
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
