//! A vendor that says what a test tells it to, and the host around the driver.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{Attempt, GrantOrder, Held, Journal, Relation, WhyWithdraw, Withdrawal};
use lockport::env::{
    Env, HttpMethod, HttpRequest, HttpResponse, HttpTransport, ManualClock, SecretError, SecretProvider,
    SeededEntropy, TransportError,
};
use lockport::id::{PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::{LockError, Secret, Timestamp, Validity};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CALLBACK_SEGMENT, CLIENT_SECRET, TtlockConfig, TtlockDriver, TtlockEnv,
};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-04-30T09:00:00Z";
pub(crate) const NOW_MS: i64 = 1_777_539_600_000;
pub(crate) const FROM: &str = "2026-05-01T14:00:00Z";
pub(crate) const UNTIL: &str = "2026-05-03T10:00:00Z";
pub(crate) const DOOR: &str = "lck_01STPS8FNWQ9SP6SX84512QPKP";
pub(crate) const MARKER: &str = "m7k3q9";

pub(crate) const TOKEN: &str = "a1111111111111111111111111111111";
pub(crate) const REFRESH: &str = "b2222222222222222222222222222222";
pub(crate) const SECRET: &str = "c3333333333333333333333333333333";
pub(crate) const PASSWORD: &str = "house-password";
pub(crate) const ARTIFACT: &str = "guest-password";
pub(crate) const SEGMENT: &str = "e5555555555555555555555555555555";
pub(crate) const DIGITS: &str = "048263";
pub(crate) const CARD: &str = "3661413478";

/// What the vendor answers.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(Value),
    Dated(Value, Timestamp),
    Raw(u16, String),
    Bytes(Vec<u8>),
    Fails(TransportError),
    /// Never.
    Hangs,
}

type Answers = Box<dyn Fn(usize, &str, &str) -> Reply + Send + Sync>;

/// Answers with a function of how many requests came before, the path and the form; remembers what it was asked.
pub(crate) struct Vendor {
    answers: Answers,
    seen: Mutex<Vec<(String, String)>>,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vendor")
    }
}

impl Vendor {
    pub(crate) fn new(answers: impl Fn(usize, &str, &str) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answers: Box::new(answers), seen: Mutex::default() })
    }

    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|(path, _)| path).collect()
    }
}

#[async_trait]
impl HttpTransport for Vendor {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        assert_eq!(request.method, HttpMethod::Post);
        assert!(!request.url.contains('?'), "a query in {}", request.url);
        let [(name, value)] = request.headers.as_slice() else { panic!("other headers than the one") };
        assert_eq!((*name, value.expose().as_str()), ("content-type", "application/x-www-form-urlencoded"));
        let path = request.url.strip_prefix("https://euapi.ttlock.com").unwrap().to_owned();
        let form = String::from_utf8(request.body.unwrap().expose().clone()).unwrap();
        let before = {
            let mut seen = self.seen.lock().unwrap();
            seen.push((path.clone(), form.clone()));
            seen.len() - 1
        };
        tokio::task::yield_now().await;
        let (status, date, body) = match (self.answers)(before, &path, &form) {
            Reply::Json(body) => (200, None, body.to_string().into_bytes()),
            Reply::Dated(body, date) => (200, Some(date), body.to_string().into_bytes()),
            Reply::Raw(status, body) => (status, None, body.into_bytes()),
            Reply::Bytes(body) => (200, None, body),
            Reply::Fails(error) => return Err(error),
            Reply::Hangs => std::future::pending().await,
        };
        Ok(HttpResponse { status, date, retry_after: None, body: Secret::new(body) })
    }
}

/// The vendor on a good day: one lock with one gateway, one key of ours.
pub(crate) fn good(path: &str) -> Value {
    match path {
        "/oauth2/token" => token(TOKEN),
        "/v3/user/register" => json!({"username": username()}),
        "/v3/key/send" => json!({"keyId": 234_522}),
        "/v3/key/freeze" | "/v3/key/unfreeze" | "/v3/key/changePeriod" | "/v3/key/delete" => {
            json!({"errcode": 0, "errmsg": "none error message or means yes", "description": "表示成功或是"})
        }
        "/v3/lock/listKey" => page(&[key(234_522, 110_401)]),
        "/v3/lock/list" => page(&[json!({"lockId": 7, "electricQuantity": 80, "hasGateway": 1})]),
        "/v3/gateway/list" => page(&[json!({"gatewayId": 5, "isOnline": true})]),
        "/v3/lock/detail" => {
            json!({"lockId": 7, "electricQuantity": 80, "hasGateway": 1, "timezoneRawOffset": 28_800_000})
        }
        "/v3/gateway/listByLock" => json!({"list": [{"gatewayId": 5, "rssiUpdateDate": NOW_MS}]}),
        "/v3/lock/queryDate" | "/v3/lock/updateDate" => json!({"date": NOW_MS}),
        "/v3/keyboardPwd/add" => json!({"keyboardPwdId": 61}),
        "/v3/keyboardPwd/get" => json!({"keyboardPwdId": 61, "keyboardPwd": DIGITS}),
        "/v3/identityCard/add" => json!({"cardId": 71}),
        "/v3/keyboardPwd/change"
        | "/v3/keyboardPwd/delete"
        | "/v3/identityCard/changePeriod"
        | "/v3/identityCard/delete" => json!({"errcode": 0}),
        "/v3/lock/listKeyboardPwd" => page(&[json!({
            "keyboardPwdId": 61, "lockId": 7, "keyboardPwd": DIGITS, "keyboardPwdName": MARKER,
            "startDate": millis(FROM), "endDate": millis(UNTIL), "keyboardPwdType": "3",
        })]),
        "/v3/identityCard/list" => page(&[json!({
            "cardId": 71, "lockId": 7, "cardNumber": CARD, "cardName": MARKER,
            "startDate": millis(FROM), "endDate": millis(UNTIL),
        })]),
        "/v3/lockRecord/list" => page(&[record(9, 4, 1, DIGITS)]),
        "/app/getMonthRequestCount" => json!({"monthRequestCount": 12_345}),
        other => panic!("nobody should ask for {other}"),
    }
}

pub(crate) fn token(access: &str) -> Value {
    json!({"access_token": access, "refresh_token": REFRESH, "expires_in": 7_776_000, "uid": 1, "scope": "user,key,room"})
}

pub(crate) fn page(list: &[Value]) -> Value {
    json!({"list": list, "pageNo": 1, "pageSize": 100, "pages": 1, "total": list.len()})
}

pub(crate) fn key(id: i64, status: i64) -> Value {
    json!({
        "keyId": id, "lockId": 7, "keyName": MARKER, "keyStatus": status.to_string(), "startDate": millis(FROM),
        "endDate": millis(UNTIL), "username": username(), "keyRight": 0,
    })
}

/// A record in the lock's own numbering.
pub(crate) fn record(id: i64, kind: i64, success: i64, typed: &str) -> Value {
    json!({
        "recordId": id, "lockId": 7, "recordTypeFromLock": kind, "recordType": 4, "success": success,
        "keyboardPwd": typed, "lockDate": NOW_MS + id, "serverDate": NOW_MS + 5_000, "username": username(),
    })
}

pub(crate) fn refused(code: i64) -> Value {
    json!({"errcode": code, "errmsg": "LEAK-errmsg", "description": "LEAK-description"})
}

pub(crate) fn millis(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().timestamp_millis()
}

/// The account of [`order`]: its name was computed once, by another program.
pub(crate) fn username() -> &'static str {
    "abcde_7ef0de6637211527054f0a86da588b0c"
}

#[derive(Debug)]
struct Secrets;

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        match name {
            CLIENT_SECRET => Ok(Secret::new(SECRET.to_owned())),
            ACCOUNT_PASSWORD => Ok(Secret::new(PASSWORD.to_owned())),
            CALLBACK_SEGMENT => Ok(Secret::new(SEGMENT.to_owned())),
            _ => Err(SecretError::Missing),
        }
    }
}

/// The host: one clock and one store for any number of instances.
pub(crate) struct Host {
    pub(crate) clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self { clock: Arc::new(ManualClock::new(NOW.parse().unwrap())), store: Arc::new(MemoryStore::new()) }
    }

    pub(crate) fn instance(&self, owner: &str, vendor: &Arc<Vendor>) -> TtlockDriver {
        self.instance_with(config(), owner, vendor)
    }

    pub(crate) fn instance_with(
        &self,
        config: TtlockConfig,
        owner: &str,
        vendor: &Arc<Vendor>,
    ) -> TtlockDriver {
        let seed = owner.bytes().map(u64::from).sum();
        let env = Env {
            clock: self.clock.clone(),
            sleep: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
        };
        let partition = Partition { tenant: config.tenant, property: config.property };
        let slots = Slots::new(self.store.clone(), partition, env.clone(), owner.to_owned());
        let env = TtlockEnv { http: vendor.clone(), secrets: Arc::new(Secrets), slots, env };
        TtlockDriver::new(config, env).unwrap()
    }
}

pub(crate) fn driver(vendor: &Arc<Vendor>) -> TtlockDriver {
    Host::new().instance("one", vendor)
}

pub(crate) fn config() -> TtlockConfig {
    serde_json::from_value(json!({
        "tenant": "tnt_01STPS8FNWQ9SP6SX84512QPKP",
        "property": "ppt_01STPS8FNWQ9SP6SX84512QPKP",
        "base_url": "https://euapi.ttlock.com/",
        "client_id": "d4444444444444444444444444444444",
        "account": "locks@hotel.example",
        "account_prefix": "abcde",
        "cards": "as_read",
        "locks": {DOOR: {"lock_id": 7, "label": "Room 204", "rooms": ["rmu_01STPS8FNWQ9SP6SX84512QPKP"]}},
    }))
    .unwrap()
}

pub(crate) fn order() -> GrantOrder {
    GrantOrder {
        grant: "grt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
        credential: "key_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
        kind: KeyCredentialKind::MobileApp,
        doors: vec![DOOR.parse().unwrap()],
        window: Validity::new(FROM.parse().unwrap(), UNTIL.parse().unwrap()).unwrap(),
        blocked: false,
        artifact: Some(Secret::new(ARTIFACT.to_owned())),
        serial: 1,
        marker: MARKER.to_owned(),
        relation: Relation::Override,
        at: None,
        already: false,
    }
}

pub(crate) fn passcode() -> GrantOrder {
    let digits = Some(Secret::new(DIGITS.to_owned()));
    GrantOrder { kind: KeyCredentialKind::PinCode, artifact: digits, ..order() }
}

/// One whose digits the vendor is to choose.
pub(crate) fn random() -> GrantOrder {
    GrantOrder { artifact: None, ..passcode() }
}

pub(crate) fn card() -> GrantOrder {
    let number = Some(Secret::new(CARD.to_owned()));
    GrantOrder { kind: KeyCredentialKind::RfidCard, artifact: number, ..order() }
}

pub(crate) fn until(order: GrantOrder, until: &str) -> GrantOrder {
    GrantOrder { window: Validity::new(order.window.from(), until.parse().unwrap()).unwrap(), ..order }
}

pub(crate) fn blocked() -> GrantOrder {
    GrantOrder { blocked: true, ..order() }
}

pub(crate) fn held(order: GrantOrder, reference: Option<&str>) -> Held {
    Held { reference: reference.map(|text| Secret::new(text.to_owned())), ..Held::by(order) }
}

pub(crate) fn withdrawal(held: Held) -> Withdrawal {
    Withdrawal { held, why: WhyWithdraw::Revoke, shared: vec![], at: None }
}

#[derive(Debug)]
struct Paper;

#[async_trait]
impl Journal for Paper {
    async fn write(&self, _: &str) -> Result<(), LockError> {
        Ok(())
    }
}

/// A journal that cannot be written.
#[derive(Debug)]
pub(crate) struct Broken;

#[async_trait]
impl Journal for Broken {
    async fn write(&self, _: &str) -> Result<(), LockError> {
        Err(lockport::store::StoreError::Unavailable.into())
    }
}

pub(crate) const FIRST: Attempt<'static> = Attempt::first("call-1", &Paper);
pub(crate) const AGAIN: Attempt<'static> = Attempt { resend: true, ..FIRST };
