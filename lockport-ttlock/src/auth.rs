//! The account's token: fetched once, refreshed before it is over, by one task of one instance at a time.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use futures_util::lock::Mutex;
use lockport::env::{Env, SecretProvider};
use lockport::id::{PropertyId, TenantId};
use lockport::store::slots::{Lease, SlotValue, Slots};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::callback::CALLBACK_SEGMENT;
use crate::config::TtlockConfig;
use crate::error::{Stakes, before_sending, code, no_secret};
use crate::limits::{MAX_TOKEN_LIFE_SECONDS, REFRESH_AFTER_PERCENT, TOKEN_LEASE_SECONDS};
use crate::line::{Form, Line, Trouble};
use crate::map;
use crate::refused::{Refused, is_about_the_login};
use crate::wire::TokenAnswer;

/// The name under which the host keeps the application's client secret.
pub const CLIENT_SECRET: &str = "secret-lock-ttlock/client-secret";
/// The name under which the host keeps the account's password, in clear: the vendor wants its MD5, which is made here.
pub const ACCOUNT_PASSWORD: &str = "secret-lock-ttlock/account-password";

/// A token request opens no door, and the next one makes this one's answer worthless.
const STAKES: Stakes = Stakes::harmless(ErrorCode::VendorUnreachable);

/// The account's token and how to get one.
pub(crate) struct Auth {
    tenant: TenantId,
    property: PropertyId,
    client_id: String,
    account: String,
    secrets: Arc<dyn SecretProvider>,
    line: Line,
    slots: Slots,
    slot: String,
    /// Where the last login that was turned down lies.
    refused_slot: String,
    env: Env,
    /// The last token seen. The mutex is also what lets one task of this instance ask at a time.
    token: Mutex<Option<Token>>,
    /// The last login that was turned down, as far as this instance has seen.
    refused: Mutex<Option<Refused>>,
}

#[derive(Clone)]
struct Token {
    access: Secret,
    refresh: Secret,
    refresh_from: Timestamp,
    expires: Timestamp,
}

/// A token as it lies in its slot. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Kept {
    access: String,
    refresh: String,
    refresh_from_ms: i64,
    expires_ms: i64,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("property", &self.property).finish_non_exhaustive()
    }
}

impl Auth {
    pub(crate) fn new(
        config: &TtlockConfig,
        secrets: Arc<dyn SecretProvider>,
        line: Line,
        slots: Slots,
        env: Env,
    ) -> Self {
        // A row's name is not sealed, so the account does not stand in it.
        let whose = [config.base().as_bytes(), config.client_id.as_bytes(), config.account.as_bytes()];
        let whose = map::name_from("lockport-ttlock/token/v1", &whose);
        Self {
            tenant: config.tenant,
            property: config.property,
            client_id: config.client_id.clone(),
            account: config.account.clone(),
            secrets,
            line,
            slots,
            slot: format!("ttlock-token/{whose}"),
            refused_slot: format!("ttlock-refused/{whose}"),
            env,
            token: Mutex::new(None),
            refused: Mutex::new(None),
        }
    }

    /// A token that should work.
    pub(crate) async fn token(&self) -> Result<Secret, LockError> {
        self.other_than(None).await
    }

    /// Another token than the one the vendor has just turned down.
    pub(crate) async fn instead_of(&self, rejected: &Secret) -> Result<Secret, LockError> {
        self.other_than(Some(rejected)).await
    }

    /// The application's secret, for calls that need no account.
    pub(crate) async fn client_secret(&self) -> Result<Secret, LockError> {
        self.is_to_be_sent().await?;
        self.secret(CLIENT_SECRET).await
    }

    /// A call with this token was refused because of the application: the token is worth nothing, and whether anything still is shows
    /// the next login.
    pub(crate) async fn forget(&self, access: &Secret) {
        let mut token = self.token.lock().await;
        let Some(own) = token.as_mut().filter(|token| token.is(access)) else { return };
        let now = self.env.now();
        (own.refresh_from, own.expires) = (now, now);
        // A store that does not take it leaves another refused call to the other instances.
        if let Ok(value) = own.kept() {
            self.slots.put(&self.slot, SlotValue { value, expires: Some(now) }).await.ok();
        }
    }

    /// A digest of all that a login is made of.
    async fn login(&self) -> Result<String, LockError> {
        let (secret, password) =
            (self.secret(CLIENT_SECRET).await?, map::md5_hex(&self.secret(ACCOUNT_PASSWORD).await?));
        // EXPOSE: hashed here into what does not lead back to them.
        let (secret, password) = (secret.expose().as_bytes(), password.expose().as_bytes());
        let parts = [self.client_id.as_bytes(), secret, self.account.as_bytes(), password];
        Ok(map::name_from("lockport-ttlock/login/v1", &parts))
    }

    /// Fails when this very login was turned down not long ago.
    async fn is_to_be_sent(&self) -> Result<(), LockError> {
        let refused = self.refused.lock().await.clone();
        let now = self.env.now();
        let Some(refused) = refused.filter(|refused| refused.is_on(now)) else { return Ok(()) };
        refused.answer(&self.login().await?, STAKES, now).map_or(Ok(()), Err)
    }

    /// The vendor said no with this number. Where that is about the login, it is written down for every instance.
    pub(crate) async fn turned_down(&self, code: i64) {
        let now = self.env.now();
        if !is_about_the_login(code, STAKES, now) {
            return;
        }
        let Ok(login) = self.login().await else { return };
        let refused = Refused::new(login, code, now);
        // A store that does not take it leaves one more login to each of the other instances.
        refused.keep(&self.slots, &self.refused_slot).await.ok();
        *self.refused.lock().await = Some(refused);
    }

    /// The secret part of the address at which the vendor calls back.
    pub(crate) async fn callback_segment(&self) -> Result<Secret, LockError> {
        self.secret(CALLBACK_SEGMENT).await
    }

    async fn secret(&self, name: &str) -> Result<Secret, LockError> {
        self.secrets.secret(self.tenant, self.property, name).await.map_err(no_secret)
    }

    async fn other_than(&self, rejected: Option<&Secret>) -> Result<Secret, LockError> {
        let mut token = self.token.lock().await;
        let now = self.env.now();
        let usable =
            |token: &&Token| now < token.expires && !rejected.is_some_and(|rejected| token.is(rejected));
        let fresh = |token: &&Token| usable(token) && now < token.refresh_from;

        if let Some(token) = token.as_ref().filter(fresh) {
            return Ok(token.access.clone());
        }
        // Another instance may have made a newer one.
        *token = self.read().await?;
        if let Some(token) = token.as_ref().filter(fresh) {
            return Ok(token.access.clone());
        }
        let kept = Refused::kept(&self.slots, &self.refused_slot).await?;
        if kept.is_some() {
            *self.refused.lock().await = kept;
        }
        if let Err(error) = self.is_to_be_sent().await {
            return token.as_ref().filter(usable).map(|token| token.access.clone()).ok_or(error);
        }
        match self.slots.lease(&self.slot, TOKEN_LEASE_SECONDS).await.map_err(before_sending)? {
            Lease::Yours => {}
            // One that is merely getting old will do while another instance is refreshing it.
            Lease::Held { until } => {
                return match token.as_ref().filter(usable) {
                    Some(token) => Ok(token.access.clone()),
                    None => Err(held_elsewhere(until.signed_duration_since(now))),
                };
            }
        }
        // Again, because the other may have finished between the look and the lease.
        *token = self.read().await?;
        if let Some(token) = token.as_ref().filter(fresh) {
            return Ok(token.access.clone());
        }
        match self.renew(token.as_ref()).await {
            Ok(renewed) => {
                let value = SlotValue { value: renewed.kept()?, expires: Some(renewed.expires) };
                self.slots.put(&self.slot, value).await.map_err(before_sending)?;
                let access = renewed.access.clone();
                *token = Some(renewed);
                Ok(access)
            }
            // Ahead of time a refresh may fail: the old token is still good.
            Err(error) => token.as_ref().filter(usable).map(|token| token.access.clone()).ok_or(error),
        }
    }

    async fn read(&self) -> Result<Option<Token>, LockError> {
        let slot = self.slots.get(&self.slot).await.map_err(before_sending)?;
        // What cannot be read is as good as absent: the password makes a new one.
        Ok(slot.and_then(|slot| Token::from_kept(&slot.value)))
    }

    async fn renew(&self, old: Option<&Token>) -> Result<Token, LockError> {
        let secret = self.secret(CLIENT_SECRET).await?;
        let form =
            || Form::default().with("clientId", self.client_id.as_str()).with_secret("clientSecret", &secret);
        if let Some(old) = old {
            let refresh = Form::default()
                .with("grant_type", "refresh_token")
                .with_secret("refresh_token", &old.refresh);
            match self.ask(&form(), &refresh).await {
                Err(Trouble::Refused {
                    code: code::TOKEN_UNKNOWN | code::TOKEN_EXPIRED | code::REFRESH_INVALID,
                    ..
                }) => {}
                Err(trouble) => return Err(self.error(trouble).await),
                Ok(token) => return Ok(token),
            }
        }
        let password = map::md5_hex(&self.secret(ACCOUNT_PASSWORD).await?);
        let login = Form::default()
            .with("grant_type", "password")
            .with("username", self.account.as_str())
            .with_secret("password", &password);
        match self.ask(&form(), &login).await {
            Ok(token) => Ok(token),
            Err(trouble) => Err(self.error(trouble).await),
        }
    }

    async fn ask(&self, application: &Form, grant: &Form) -> Result<Token, Trouble> {
        let answer: TokenAnswer = self.line.post("/oauth2/token", application, grant, STAKES).await?;
        Token::from_answer(&answer, self.env.now()).ok_or_else(|| STAKES.malformed().into())
    }

    async fn error(&self, trouble: Trouble) -> LockError {
        match trouble {
            Trouble::Refused { code, .. } => {
                self.turned_down(code).await;
                STAKES.refused(code, self.env.now())
            }
            Trouble::Failed(error) => error,
        }
    }
}

fn held_elsewhere(pause: TimeDelta) -> LockError {
    let pause = pause.to_std().unwrap_or_default();
    let message = "another instance is asking the vendor for a token";
    LockError::unreachable(FailureReason::InProgress, RetryAdvice::After(pause), message)
}

impl Token {
    fn is(&self, other: &Secret) -> bool {
        // EXPOSE: compared with the token that was sent; both stay here.
        self.access.expose() == other.expose()
    }

    fn from_answer(answer: &TokenAnswer, now: Timestamp) -> Option<Self> {
        let life = answer.expires_in.0.min(MAX_TOKEN_LIFE_SECONDS);
        if life <= 0 || answer.access_token.is_empty() || answer.refresh_token.is_empty() {
            return None;
        }
        let refresh_after = life.checked_mul(REFRESH_AFTER_PERCENT)?.checked_div(100)?;
        Some(Self {
            access: Secret::new(answer.access_token.clone()),
            refresh: Secret::new(answer.refresh_token.clone()),
            refresh_from: now.checked_add_signed(TimeDelta::try_seconds(refresh_after)?)?,
            expires: now.checked_add_signed(TimeDelta::try_seconds(life)?)?,
        })
    }

    fn kept(&self) -> Result<Secret, LockError> {
        let kept = Kept {
            // EXPOSE: into the body of a slot, which is a secret as a whole.
            access: self.access.expose().clone(),
            // EXPOSE: the same.
            refresh: self.refresh.expose().clone(),
            refresh_from_ms: self.refresh_from.timestamp_millis(),
            expires_ms: self.expires.timestamp_millis(),
        };
        serde_json::to_string(&kept).map(Secret::new).map_err(|_| STAKES.malformed())
    }

    fn from_kept(value: &Secret) -> Option<Self> {
        // EXPOSE: the body of a slot, taken apart by the type that wrote it.
        let kept: Kept = serde_json::from_str(value.expose()).ok()?;
        Some(Self {
            access: Secret::new(kept.access.clone()),
            refresh: Secret::new(kept.refresh.clone()),
            refresh_from: DateTime::from_timestamp_millis(kept.refresh_from_ms)?,
            expires: DateTime::from_timestamp_millis(kept.expires_ms)?,
        })
    }
}
