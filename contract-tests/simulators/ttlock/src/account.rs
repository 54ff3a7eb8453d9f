//! Applications, app accounts and their tokens (VENDOR: section 3).

use md5::{Digest, Md5};
use serde_json::json;

use crate::errcode::Errcode;
use crate::limits::{CREATED_PASSWORD_CHARS, MD5_HEX_CHARS, REFRESH_TOKEN_LIFE_MS};
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// What the developer console holds about an application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) secret: String,
    /// Put before every user name that is registered through this application.
    pub(crate) prefix: String,
}

/// Someone who can log in to the vendor's app.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password_md5: String,
    pub(crate) home: Home,
}

/// Where an account lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Here,
    /// On the host of another region (30008).
    OtherRegion,
    /// Here, but bound to somebody else's system and unable to receive eKeys (-1027).
    BoundElsewhere,
}

/// An access token; a revoked one has `expires_ms` in the past.
#[derive(Debug)]
pub(crate) struct AccessToken {
    pub(crate) client_id: String,
    pub(crate) uid: i64,
    pub(crate) expires_ms: i64,
}

/// A refresh token and the access token it stands behind.
#[derive(Debug)]
pub(crate) struct RefreshToken {
    client_id: String,
    uid: i64,
    expires_ms: i64,
    access_token: String,
}

/// MD5 as 32 lower-case hex digits, the form in which the vendor takes passwords.
#[must_use]
pub fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_md5_hex(text: &str) -> bool {
    text.len() == MD5_HEX_CHARS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `POST /oauth2/token`.
pub(crate) fn token(state: &mut State, call: &Call) -> Answer {
    // VENDOR: section 3, `grant_type` is optional on the current page.
    match call.fields.optional("grant_type").unwrap_or("password") {
        "password" => password_grant(state, call),
        "refresh_token" => refresh_grant(state, call),
        _ => Err(Errcode::INVALID_PARAMETER),
    }
}

fn password_grant(state: &mut State, call: &Call) -> Answer {
    let username = call.fields.text("username")?;
    let password = call.fields.text("password")?;
    let uid = state
        .uid_of(username)
        .filter(|uid| state.accounts.get(uid).is_some_and(|account| account.password_md5 == password))
        .ok_or(Errcode::WRONG_PASSWORD)?;
    if state.accounts.get(&uid).is_some_and(|account| account.home == Home::OtherRegion) {
        return Err(Errcode::WRONG_REGION);
    }
    state.logins.insert((call.client_id.clone(), uid));
    let access_token = issue(state, call, uid);
    let refresh_token = state.prng.hex32();
    state.refresh_tokens.insert(
        refresh_token.clone(),
        RefreshToken {
            client_id: call.client_id.clone(),
            uid,
            expires_ms: call.now_ms.saturating_add(REFRESH_TOKEN_LIFE_MS),
            access_token: access_token.clone(),
        },
    );
    Ok(json!({
        "access_token": access_token,
        "refresh_token": refresh_token,
        "expires_in": state.access_token_life_s,
        "uid": uid,
        "scope": "user,key,room",
    }))
}

fn refresh_grant(state: &mut State, call: &Call) -> Answer {
    let mut refresh_token = call.fields.text("refresh_token")?.to_owned();
    let known = state
        .refresh_tokens
        .remove(&refresh_token)
        .filter(|known| known.expires_ms > call.now_ms)
        .ok_or(Errcode::REFRESH_INVALID)?;
    if known.client_id != call.client_id {
        state.refresh_tokens.insert(refresh_token, known);
        return Err(Errcode::REFRESH_INVALID);
    }
    if let Some(old) = state.access_tokens.get_mut(&known.access_token) {
        old.expires_ms = old.expires_ms.min(call.now_ms);
    }
    let access_token = issue(state, call, known.uid);
    if state.rotate_refresh_tokens {
        refresh_token = state.prng.hex32();
    }
    state
        .refresh_tokens
        .insert(refresh_token.clone(), RefreshToken { access_token: access_token.clone(), ..known });
    // VENDOR: section 3, a refresh answers the first three fields only.
    Ok(json!({
        "access_token": access_token,
        "refresh_token": refresh_token,
        "expires_in": state.access_token_life_s,
    }))
}

fn issue(state: &mut State, call: &Call, uid: i64) -> String {
    let token = state.prng.hex32();
    let life_ms = state.access_token_life_s.saturating_mul(1000);
    state.access_tokens.insert(
        token.clone(),
        AccessToken {
            client_id: call.client_id.clone(),
            uid,
            expires_ms: call.now_ms.saturating_add(life_ms),
        },
    );
    token
}

/// `POST /v3/user/register` (VENDOR: section 3.1).
pub(crate) fn register(state: &mut State, call: &Call) -> Answer {
    let username = call.fields.text("username")?;
    let password = call.fields.text("password")?;
    if !username.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Errcode::BAD_USERNAME);
    }
    if !is_md5_hex(password) {
        return Err(Errcode::PASSWORD_NOT_MD5);
    }
    let prefix = state.applications.get(&call.client_id).map(|app| app.prefix.clone()).unwrap_or_default();
    let full_name = format!("{prefix}_{username}");
    if state.uid_of(&full_name).is_some() {
        return Err(Errcode::USERNAME_EXISTS);
    }
    state.add_account(&full_name, password);
    Ok(json!({ "username": full_name }))
}

/// VENDOR: section 4, `createUser` makes an account whose password anyone can guess from its name.
pub(crate) fn create_from_address(state: &mut State, address: &str) -> Result<i64, Errcode> {
    let is_mail = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_phone = address.strip_prefix('+').unwrap_or(address).bytes().all(|byte| byte.is_ascii_digit());
    let chars: Vec<char> = address.chars().collect();
    if !(is_mail || is_phone) || chars.len() < CREATED_PASSWORD_CHARS {
        return Err(Errcode::INVALID_PARAMETER);
    }
    let password: String = chars.iter().skip(chars.len() - CREATED_PASSWORD_CHARS).collect();
    Ok(state.add_account(address, &md5_hex(&password)))
}
