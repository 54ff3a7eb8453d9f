//! Who may pass: application, quota, clock, token - in this order (VENDOR: sections 2.1, 3 and 12).

use crate::errcode::Errcode;
use crate::limits::DATE_WINDOW_MS;
use crate::reach::LastStretch;
use crate::route::{Call, Gate, Route};
use crate::state::State;
use crate::wire::Fields;

/// Checks everything that comes before the operation itself.
pub(crate) fn admit(state: &mut State, route: &Route, fields: Fields, now_ms: i64) -> Result<Call, Errcode> {
    let client_id = match route.gate {
        // VENDOR: section 3, both spellings are live on the token path and nowhere else.
        Gate::Grant => fields.either("clientId", "client_id")?,
        Gate::Console | Gate::Secret | Gate::Token => fields.text("clientId")?,
    }
    .to_owned();
    let application = state.applications.get(&client_id).ok_or(Errcode::UNKNOWN_CLIENT)?;
    let secret = match route.gate {
        Gate::Grant => Some(fields.either("clientSecret", "client_secret")?),
        Gate::Console | Gate::Secret => Some(fields.text("clientSecret")?),
        Gate::Token => None,
    };
    if secret.is_some_and(|secret| secret != application.secret) {
        return Err(Errcode::WRONG_SECRET);
    }
    if route.gate != Gate::Console {
        state.quota.spend(&client_id, now_ms)?;
    }
    if matches!(route.gate, Gate::Secret | Gate::Token) {
        let date = fields.int("date")?;
        if date.abs_diff(now_ms.saturating_add(state.cloud_skew_ms)) > DATE_WINDOW_MS.unsigned_abs() {
            return Err(Errcode::DATE_OUT_OF_WINDOW);
        }
    }
    let uid = match route.gate {
        Gate::Token => bearer(state, &client_id, fields.text("accessToken")?, now_ms)?,
        Gate::Grant | Gate::Console | Gate::Secret => 0,
    };
    Ok(Call { client_id, uid, now_ms, fields, last_stretch: LastStretch::Sound })
}

/// The account behind a token. A token of another application is as good as unknown.
fn bearer(state: &State, client_id: &str, token: &str, now_ms: i64) -> Result<i64, Errcode> {
    let known = state
        .access_tokens
        .get(token)
        .filter(|known| known.client_id == client_id)
        .ok_or(Errcode::TOKEN_UNKNOWN)?;
    if known.expires_ms <= now_ms { Err(Errcode::TOKEN_EXPIRED) } else { Ok(known.uid) }
}
