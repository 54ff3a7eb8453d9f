//! One exchange with the vendor: a form goes out, JSON or a refusal comes back.

use std::fmt;
use std::sync::Arc;

use lockport::env::{Env, HttpMethod, HttpRequest, HttpTransport};
use lockport::{LockError, Secret, Timestamp};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{Stakes, code};
use crate::throttle::Throttle;
use crate::wire::{Loose, Outcome};

/// Why there is no answer to work with.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The vendor said no.
    Refused {
        /// Its number for it.
        code: i64,
        /// When it said so, by its own clock.
        date: Option<Timestamp>,
    },
    /// It did not get that far.
    Failed(LockError),
}

impl From<LockError> for Trouble {
    fn from(error: LockError) -> Self {
        Self::Failed(error)
    }
}

/// The fields of one request. Any of them may be a secret, so all of them are wiped.
#[derive(Default)]
pub(crate) struct Form(Vec<(&'static str, Zeroizing<String>)>);

impl Form {
    /// With this field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, Zeroizing::new(value.into())));
        self
    }

    /// With this number.
    pub(crate) fn with_number(self, name: &'static str, value: i64) -> Self {
        self.with(name, value.to_string())
    }

    /// With this number in the place of an earlier one of the same name.
    pub(crate) fn instead(mut self, name: &'static str, value: i64) -> Self {
        self.0.retain(|(own, _)| *own != name);
        self.with_number(name, value)
    }

    /// With this secret.
    pub(crate) fn with_secret(self, name: &'static str, value: &Secret) -> Self {
        // EXPOSE: the vendor wants it as a form field; the form is wiped and the body is a secret.
        self.with(name, value.expose().as_str())
    }

    /// This form's fields, then another's, as `application/x-www-form-urlencoded`.
    pub(crate) fn encoded_with(&self, more: &Self) -> Secret<Vec<u8>> {
        let fields = || self.0.iter().chain(&more.0);
        // Room for the worst case from the start: a buffer that grows leaves its old self behind, unwiped.
        let room = fields().map(|(name, value)| 2 + name.len() + 3 * value.len()).sum();
        let mut body = Vec::with_capacity(room);
        for (name, value) in fields() {
            if !body.is_empty() {
                body.push(b'&');
            }
            body.extend_from_slice(name.as_bytes());
            body.push(b'=');
            value.bytes().for_each(|byte| push_encoded(&mut body, byte));
        }
        Secret::new(body)
    }
}

fn push_encoded(body: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => body.push(byte),
        b' ' => body.push(b'+'),
        _ => body.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]),
    }
}

/// The way to the vendor.
#[derive(Clone)]
pub(crate) struct Line {
    http: Arc<dyn HttpTransport>,
    base: String,
    env: Env,
    throttle: Arc<Throttle>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Line {
    /// To this base address, without a slash at its end.
    pub(crate) fn new(http: Arc<dyn HttpTransport>, base: String, env: Env) -> Self {
        Self { http, base, env, throttle: Arc::default() }
    }

    /// Sends `form` and then `more` as one form, once.
    // VENDOR: reads may be posted too (docs/vendor.md#transport); so no token ever stands in an address.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        more: &Form,
        stakes: Stakes,
    ) -> Result<T, Trouble> {
        let content_type = Secret::new("application/x-www-form-urlencoded".to_owned());
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: format!("{}{path}", self.base),
            headers: vec![("content-type", content_type)],
            body: Some(form.encoded_with(more)),
            timeout: stakes.timeout,
        };
        self.throttle.check(self.env.now(), stakes)?;
        let response = self.http.send(request).await.map_err(|error| stakes.unanswered(error))?;
        // VENDOR: the application answers 200 whatever it says; any other status is the edge's (docs/vendor.md#transport).
        if response.status != 200 {
            return Err(stakes.edge(response.status).into());
        }
        // EXPOSE: taken apart here, into shapes that are wiped where they hold a secret.
        let body = response.body.expose();
        match read::<Outcome>(body, stakes)?.errcode {
            None | Some(Loose(0)) => {
                self.throttle.answered();
                Ok(read(body, stakes)?)
            }
            Some(Loose(code::TOO_MANY_CALLS)) => Err(self.throttle.refused(&self.env, stakes).into()),
            Some(Loose(code)) => Err(Trouble::Refused { code, date: response.date }),
        }
    }
}

/// Reads a JSON object; serde would take an array for one.
fn read<T: DeserializeOwned>(body: &[u8], stakes: Stakes) -> Result<T, LockError> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(stakes.malformed());
    }
    serde_json::from_slice(body).map_err(|_| stakes.malformed())
}

#[cfg(test)]
mod tests {
    use lockport::ErrorCode;

    use super::*;
    use crate::wire::Ack;

    #[test]
    fn a_form_is_encoded_as_browsers_do_it() {
        let common = Form::default().with("clientId", "0a1b").with_number("date", 17);
        let own = Form::default().with("username", "a b+c@d.example").with("name", "Zürich*-._~/&=%");
        let body = common.encoded_with(&own);
        let want = "clientId=0a1b&date=17&username=a+b%2Bc%40d.example&name=Z%C3%BCrich*-._%7E%2F%26%3D%25";
        assert_eq!(std::str::from_utf8(body.expose()).unwrap(), want);
    }

    #[test]
    fn only_an_object_is_an_answer() {
        let stakes = Stakes::effect(ErrorCode::KeyIssueFailed);
        assert!(read::<Ack>(b" {\"anything\": 1}", stakes).is_ok());
        for bad in ["", "[]", "[0]", "null", "\"ok\"", "1", "<html>", "{", "{\"errcode\": 0} tail"] {
            assert!(read::<Ack>(bad.as_bytes(), stakes).is_err(), "{bad}");
        }
    }
}
