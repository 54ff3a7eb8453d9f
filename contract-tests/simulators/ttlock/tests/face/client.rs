//! A client that speaks HTTP/1.1 over a bare socket, so that nothing is retried or repaired behind a test.

use lockport_sim_ttlock::{Builder, Presented, SimClock, TtlockSim, Typing, Verdict, md5_hex};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const NOW: i64 = 1_777_000_000_000;
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const CLIENT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SECRET: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const OTHER_CLIENT: &str = "00000000000000000000000000000002";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const GUEST_PASSWORD: &str = "guest password";

/// A whole HTTP answer; `None` in its place when the connection closed without a byte.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) async fn exchange(
    base: &str,
    method: &str,
    target: &str,
    content_type: Option<&str>,
    body: &str,
) -> Option<Http> {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let typed = content_type.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{typed}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is as good as an end: what counts is whether a byte came.
    let _end = stream.read_to_end(&mut bytes).await;
    if bytes.is_empty() {
        return None;
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Http { status, head: head.into(), body: body.into() })
}

pub(crate) fn encode(pairs: &[(&str, String)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    let fields: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    fields.join("&")
}

/// A hotel with two rooms, a rival with one, and whoever asks.
pub(crate) struct Scene {
    pub(crate) sim: TtlockSim,
    pub(crate) clock: SimClock,
    pub(crate) token: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::typed(Typing::Plain).await
    }

    pub(crate) async fn typed(typing: Typing) -> Self {
        let clock = SimClock::new(NOW);
        let sim = TtlockSim::builder(clock.clone())
            .seed(42)
            .typing(typing)
            .application(CLIENT, SECRET)
            .application(OTHER_CLIENT, SECRET)
            .account("rival", &md5_hex("rival password"))
            .lock("901", None)
            .account("hotel", &md5_hex("hotel password"))
            .lock("204", Some(5_001))
            .lock("205", None)
            .gateway("floor 2", &["204"])
            .start()
            .await
            .unwrap();
        let mut scene = Self { sim, clock, token: String::new() };
        scene.token = scene.log_in("hotel", "hotel password").await;
        scene
    }

    /// A hotel alone, with the locks that `hang` puts into its doors.
    pub(crate) async fn of(hang: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = SimClock::new(NOW);
        let hotel = TtlockSim::builder(clock.clone())
            .typing(Typing::Plain)
            .application(CLIENT, SECRET)
            .account("hotel", &md5_hex("hotel password"));
        let sim = hang(hotel).start().await.unwrap();
        let mut scene = Self { sim, clock, token: String::new() };
        scene.token = scene.log_in("hotel", "hotel password").await;
        scene
    }

    pub(crate) async fn log_in(&self, username: &str, password: &str) -> String {
        let body = self
            .post(
                "/oauth2/token",
                &[
                    ("clientId", CLIENT.into()),
                    ("clientSecret", SECRET.into()),
                    ("username", username.into()),
                    ("password", md5_hex(password)),
                ],
            )
            .await;
        body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, String)]) -> Value {
        let answer = self.try_post(path, pairs).await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) async fn try_post(&self, path: &str, pairs: &[(&str, String)]) -> Option<Http> {
        exchange(self.sim.base_url(), "POST", path, Some(FORM), &encode(pairs)).await
    }

    pub(crate) async fn get(&self, path: &str, pairs: &[(&str, String)]) -> Value {
        let target = format!("{path}?{}", encode(pairs));
        let answer = exchange(self.sim.base_url(), "GET", &target, None, "").await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The three common fields and `more`.
    pub(crate) fn with<'a>(&self, more: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
        let mut pairs = vec![
            ("clientId", CLIENT.to_owned()),
            ("accessToken", self.token.clone()),
            ("date", self.clock.now_ms().to_string()),
        ];
        pairs.extend_from_slice(more);
        pairs
    }

    pub(crate) async fn call(&self, path: &str, more: &[(&str, String)]) -> Value {
        self.post(path, &self.with(more)).await
    }

    pub(crate) async fn register(&self, name: &str) -> String {
        let body = self.post("/v3/user/register", &self.registration(name, &md5_hex(GUEST_PASSWORD))).await;
        body["username"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    pub(crate) fn registration(&self, name: &str, password: &str) -> Vec<(&'static str, String)> {
        vec![
            ("clientId", CLIENT.into()),
            ("clientSecret", SECRET.into()),
            ("username", name.into()),
            ("password", password.into()),
            ("date", self.clock.now_ms().to_string()),
        ]
    }

    pub(crate) fn sending(&self, guest: &str, window: (i64, i64)) -> Vec<(&'static str, String)> {
        self.with(&[
            ("lockId", self.sim.lock_id("204").unwrap().to_string()),
            ("receiverUsername", guest.into()),
            ("keyName", "stay 1".into()),
            ("startDate", window.0.to_string()),
            ("endDate", window.1.to_string()),
        ])
    }

    pub(crate) async fn send(&self, guest: &str, window: (i64, i64)) -> i64 {
        let body = self.post("/v3/key/send", &self.sending(guest, window)).await;
        body["keyId"].as_i64().unwrap_or_else(|| panic!("{body}"))
    }

    pub(crate) fn knock(&self, guest: &str, at_ms: i64) -> Verdict {
        let phone = Presented::EKey { username: guest.into(), password: GUEST_PASSWORD.into() };
        self.sim.door("204").try_open(&phone, at_ms)
    }
}

impl Scene {
    /// A call about the lock in door 204.
    pub(crate) async fn at_204(&self, path: &str, more: &[(&str, &str)]) -> Value {
        let mut pairs = vec![("lockId", "5001".to_owned())];
        pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.call(path, &pairs).await
    }

    /// The same, where all that counts is the number.
    pub(crate) async fn code_at_204(&self, path: &str, more: &[(&str, &str)]) -> i64 {
        errcode(&self.at_204(path, more).await)
    }

    /// Types digits at door 204.
    pub(crate) fn type_in(&self, digits: &str, at_ms: i64) -> Verdict {
        self.sim.door("204").try_open(&Presented::passcode(digits), at_ms)
    }

    /// Holds a card to door 204.
    pub(crate) fn hold(&self, number: u64, at_ms: i64) -> Verdict {
        self.sim.door("204").try_open(&Presented::Card { number }, at_ms)
    }
}

/// An id of an answer, whichever way it is typed.
pub(crate) fn id(body: &Value, name: &str) -> String {
    let id = &body[name];
    id.as_i64()
        .map(|id| id.to_string())
        .or(id.as_str().map(str::to_owned))
        .unwrap_or_else(|| panic!("{body}"))
}

/// The error number of an answer; 0 when it carries none.
pub(crate) fn errcode(body: &Value) -> i64 {
    body.get("errcode").map_or(0, |code| code.as_i64().unwrap())
}

/// `pairs` with one field set to another value.
pub(crate) fn but<'a>(pairs: &[(&'a str, String)], name: &'a str, value: &str) -> Vec<(&'a str, String)> {
    let mut changed = without(pairs, name);
    changed.push((name, value.into()));
    changed
}

/// `pairs` without one field.
pub(crate) fn without<'a>(pairs: &[(&'a str, String)], name: &str) -> Vec<(&'a str, String)> {
    pairs.iter().filter(|(field, _)| *field != name).cloned().collect()
}
