//! One lock on a corridor's gateway, the driver, and the core's port over it: for what only this vendor does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::SharedLockPort;
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssuedCredential, KeyCredentialKind, Place, RevokeInput,
    RevokeReason,
};
use lockport::env::{
    Env, HttpMethod, HttpRequest, HttpTransport as _, ManualClock, SecretError, SecretProvider, SeededEntropy,
};
use lockport::id::{GuestId, LockDeviceId, PropertyId, ReservationId, RoomId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::transport::{ReqwestTransport, Roots, TransportConfig};
use lockport::{Secret, Timestamp, Validity};
use lockport_contract::Site;
use lockport_contract::harness::port_over;
use lockport_sim_ttlock::{Builder, Presented, SimClock, TtlockSim, md5_hex};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CALLBACK_SEGMENT, CLIENT_SECRET, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock,
};
use serde_json::{Value, json};

pub(super) const DOOR: &str = "201";
pub(super) const GATEWAY: &str = "corridor";
pub(super) const SEGMENT: &str = "5b0f3a9c7d1e48629f00c1d2e3f40516";
pub(super) const CLIENT: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "c41b7e09d35f826aa1907cde5b3f6248";
const ACCOUNT: &str = "locks@hotel.example";
const PASSWORD: &str = "a hotel's password";
/// 2026-03-02 12:00:00 UTC.
const BEGIN: i64 = 1_772_452_800;

pub(super) struct House {
    pub(super) sim: TtlockSim,
    pub(super) driver: TtlockDriver,
    pub(super) config: TtlockConfig,
    pub(super) port: SharedLockPort,
    pub(super) clock: Arc<ManualClock>,
    pub(super) site: Site,
}

/// What the property's secret store has, by name. It can be another at any time.
#[derive(Clone, Debug)]
pub(super) struct Secrets(Arc<Mutex<BTreeMap<&'static str, &'static str>>>);

impl Default for Secrets {
    fn default() -> Self {
        let all = [(CLIENT_SECRET, SECRET), (ACCOUNT_PASSWORD, PASSWORD), (CALLBACK_SEGMENT, SEGMENT)];
        Self(Arc::new(Mutex::new(BTreeMap::from(all))))
    }
}

impl Secrets {
    /// Another text under this name: what was there before.
    pub(super) fn rotate(&self, name: &'static str, text: &'static str) -> &'static str {
        self.0.lock().unwrap().insert(name, text).unwrap()
    }
}

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        let text = self.0.lock().unwrap().get(name).copied();
        text.map(|text| Secret::new(text.to_owned())).ok_or(SecretError::Missing)
    }
}

/// What the house is to be, beside one lock on one gateway.
pub(super) struct Plan {
    pub(super) locks: fn(Builder) -> Builder,
    pub(super) config: fn(&mut TtlockConfig),
}

impl Plan {
    pub(super) fn usual() -> Self {
        Self { locks: |sim| sim.lock(DOOR, None).gateway(GATEWAY, &[DOOR]), config: |_| {} }
    }
}

pub(super) fn device() -> LockDeviceId {
    LockDeviceId::derived("lockport-contract/door", &[DOOR.as_bytes()])
}

fn transport() -> ReqwestTransport {
    ReqwestTransport::new(&TransportConfig::default().with_roots(Roots::Only(Vec::new()))).unwrap()
}

/// What the vendor puts before the names of this application's accounts: registered once, and read off.
async fn prefix(sim: &TtlockSim, now: Timestamp) -> String {
    let form = format!(
        "clientId={CLIENT}&clientSecret={SECRET}&username=setup&password={}&date={}",
        md5_hex("setup"),
        now.timestamp_millis()
    );
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: format!("{}/v3/user/register", sim.base_url()),
        headers: vec![("content-type", Secret::new("application/x-www-form-urlencoded".to_owned()))],
        body: Some(Secret::new(form.into_bytes())),
        timeout: Duration::from_secs(10),
    };
    let answer = transport().send(request).await.unwrap();
    // EXPOSE: the account opens nothing.
    let answer: Value = serde_json::from_slice(answer.body.expose()).unwrap();
    answer["username"].as_str().unwrap().strip_suffix("_setup").unwrap().to_owned()
}

/// A driver with its own way to the vendor.
pub(super) fn new_driver(config: &TtlockConfig, clock: &Arc<ManualClock>) -> TtlockDriver {
    instance(config, clock, &Arc::new(MemoryStore::new()), "house", &Secrets::default())
}

/// One of several, which share a store.
pub(super) fn instance(
    config: &TtlockConfig,
    clock: &Arc<ManualClock>,
    store: &Arc<MemoryStore>,
    name: &str,
    secrets: &Secrets,
) -> TtlockDriver {
    let http = Arc::new(transport());
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(8)) };
    let partition = Partition { tenant: config.tenant, property: config.property };
    let slots = Slots::new(store.clone(), partition, env.clone(), name.to_owned());
    let secrets = Arc::new(secrets.clone());
    TtlockDriver::new(config.clone(), TtlockEnv { http, secrets, slots, env }).unwrap()
}

impl House {
    pub(super) async fn of(plan: Plan) -> Self {
        let begin = Timestamp::from_timestamp(BEGIN, 0).unwrap();
        let (site, clock) = (Site::standard(), Arc::new(ManualClock::new(begin)));
        let builder = TtlockSim::builder(SimClock::new(begin.timestamp_millis()))
            .seed(7)
            .application(CLIENT, SECRET)
            .account(ACCOUNT, &md5_hex(PASSWORD));
        let sim = (plan.locks)(builder).start().await.unwrap();
        let room = RoomId::derived("lockport-contract/room", &[DOOR.as_bytes()]);
        let mut config: TtlockConfig = serde_json::from_value(json!({
            "tenant": site.tenant, "property": site.property, "base_url": sim.base_url(), "client_id": CLIENT,
            "account": ACCOUNT, "account_prefix": prefix(&sim, begin).await, "cards": "as_read", "locks": {},
        }))
        .unwrap();
        let lock = TtlockLock::new(sim.lock_id(DOOR).unwrap(), DOOR.to_owned(), vec![room]);
        config.locks = BTreeMap::from([(device(), lock)]);
        (plan.config)(&mut config);
        let port = port_over(new_driver(&config, &clock), &site, &clock, 9);
        Self { driver: new_driver(&config, &clock), config, port, sim, clock, site }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_millis(self.sim.clock().now_ms()).unwrap()
    }

    pub(super) fn pass(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.sim.clock().set_ms(self.now().checked_add_signed(by).unwrap().timestamp_millis());
    }

    /// From so many minutes from now to so many.
    pub(super) fn minutes(&self, from: i64, until: i64) -> Validity {
        let at = |minutes| self.now() + TimeDelta::minutes(minutes);
        Validity::new(at(from), at(until)).unwrap()
    }

    pub(super) fn input(&self, kind: KeyCredentialKind, window: Validity, key: &str) -> IssueInput {
        let holder = Holder::Guest(Guest {
            id: GuestId::derived("test", &[key.as_bytes()]),
            reservation_id: ReservationId::derived("test", &[key.as_bytes()]),
            display_name: None,
            contact: Contact::default(),
        });
        let rooms = vec![RoomId::derived("lockport-contract/room", &[DOOR.as_bytes()])];
        IssueInput::new(self.site.tenant, self.site.property, holder, rooms, window, key.parse().unwrap())
            .with_preferred_kinds(vec![kind])
    }

    pub(super) fn with_card(input: IssueInput, number: &str) -> IssueInput {
        input.with_place(Place { at: None, holder_device: Some(number.to_owned()) })
    }

    pub(super) fn revoke(&self, credential: &IssuedCredential, key: &str) -> RevokeInput {
        RevokeInput::new(self.site.tenant, credential.id, RevokeReason::Lost, key.parse().unwrap())
    }

    pub(super) fn opens(&self, held: &Presented, at: Timestamp) -> bool {
        self.sim.door(DOOR).try_open(held, at.timestamp_millis()).opened
    }
}

/// The digits of a passcode.
pub(super) fn digits(credential: &IssuedCredential) -> Presented {
    match &credential.delivery[0].artifact {
        Artifact::Pin(digits) => Presented::passcode(digits.expose()),
        other => panic!("no passcode: {other:?}"),
    }
}
