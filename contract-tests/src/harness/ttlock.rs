//! The TTLock driver on the bench: its own wire, to a simulated cloud on a loopback port, and that cloud's own doors.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::env::{
    Clock as _, Env, HttpMethod, HttpRequest, HttpResponse, HttpTransport, ManualClock, SecretError,
    SecretProvider, SeededEntropy, TransportError,
};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::transport::{ReqwestTransport, Roots, TransportConfig, WireLog, WireRecord, WireSink};
use lockport::{Secret, Timestamp, Validity};
use lockport_sim_ttlock::{Answered, Fault as SimFault, Presented, SimClock, TtlockSim, What, md5_hex};
use lockport_ttlock::{ACCOUNT_PASSWORD, CLIENT_SECRET, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock};

use super::{Exemption, Harness};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, Fault, FaultInjector, LockControl, Site, VendorProbe, WireTap};

/// When every bench begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;
const CLIENT: &str = "0123456789abcdef0123456789abcdef";
const APPLICATION_SECRET: &str = "c41b7e09d35f826aa1907cde5b3f6248";
const ACCOUNT: &str = "locks@hotel.example";
const PASSWORD: &str = "a hotel's password";
/// The one gateway, which hears every lock.
const GATEWAY: &str = "corridor";

/// The calls that change who may open.
const WRITES: [&str; 5] =
    ["/v3/key/send", "/v3/key/delete", "/v3/key/freeze", "/v3/key/unfreeze", "/v3/key/changePeriod"];
/// The one that makes a permission.
const SEND: &str = "/v3/key/send";
/// VENDOR: "the lock's memory is full", a refusal for good.
const MEMORY_FULL: i64 = -4056;
/// A number that stands on none of the vendor's pages.
const UNDOCUMENTED: i64 = -77_777;
/// VENDOR: the codes of the vendor's two pages, typed from them and not from the driver's table.
const DOCUMENTED: &[i64] = &[
    1, -3, 10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010, 10011, 20000, 20001,
    20002, 20003, 20004, 20005, 20006, 20007, 20008, 30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008,
    80000, 80002, 90000, -1003, -1007, -1008, -1016, -1018, -1021, -1026, -1027, -2009, -2012, -2018, -2019,
    -2020, -2023, -2025, -2032, -3002, -3003, -3006, -3007, -3008, -3009, -3011, -3016, -3034, -3035, -3036,
    -3037, -3039, -3046, -4037, -4043, -4056, -4063, -4064, -4067, -4082,
];
/// How late an effect can be at most. The vendor promises nothing; its own server queue was never seen to hold a call for a
/// minute.
const LATEST: Duration = Duration::from_secs(59);

/// How long the one call of the set-up may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The TTLock driver over the simulated cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct TtlockHarness;

#[async_trait]
impl Harness for TtlockHarness {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or_else(|| BenchError::new("no such time"))?;
        let site = Site::standard();
        let clock = Arc::new(ManualClock::new(begin));
        let sim_clock = SimClock::new(begin.timestamp_millis());
        let mut builder = TtlockSim::builder(sim_clock.clone())
            .seed(seed)
            .application(CLIENT, APPLICATION_SECRET)
            .account(ACCOUNT, &md5_hex(PASSWORD));
        let names: Vec<String> = site.doors().iter().map(ToString::to_string).collect();
        for name in &names {
            builder = builder.lock(name, None);
        }
        let heard: Vec<&str> = names.iter().map(String::as_str).collect();
        builder = builder.gateway(GATEWAY, &heard);
        let sim = Arc::new(builder.start().await.map_err(told)?);
        let plain = TransportConfig::default().with_roots(Roots::Only(Vec::new()));
        let wire = Arc::new(Wire {
            transport: ReqwestTransport::new(&plain).map_err(told)?,
            sim: Arc::clone(&sim),
            orders: Mutex::default(),
        });
        let account_prefix = prefix(&wire, begin).await?;
        let config = config(&site, &sim, account_prefix)?;
        let log = Arc::new(Log::default());
        let driver = TtlockDriver::new(config, lent(&wire, &log, &site, &clock, seed)).map_err(told)?;
        let backstage = Backstage::over(driver, &site, &clock, seed);
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let probe =
            Probe { wire: Arc::clone(&wire), clock: sim_clock.clone(), ahead_ms: Arc::clone(&ahead_ms) };
        let locks = Locks { wire: Arc::clone(&wire), bench: clock.clone(), clock: sim_clock, ahead_ms };
        Ok(Bench {
            port: backstage.port(),
            backstage: Some(backstage),
            locks: Some(Box::new(locks)),
            tap: Some(Box::new(Tap { wire: Arc::clone(&wire), log })),
            clock,
            probe: Box::new(probe),
            faults: Some(Box::new(Faults(wire))),
            presence: None,
            site,
        })
    }

    fn exemptions(&self) -> &[Exemption] {
        &[]
    }
}

fn told(error: impl fmt::Display) -> BenchError {
    BenchError::new(error.to_string())
}

/// What the host lends the driver.
fn lent(wire: &Arc<Wire>, log: &Arc<Log>, site: &Site, clock: &Arc<ManualClock>, seed: u64) -> TtlockEnv {
    let entropy = Arc::new(SeededEntropy::new(seed.wrapping_add(1)));
    let env = Env { clock: clock.clone(), sleep: clock.clone(), entropy };
    let partition = Partition { tenant: site.tenant, property: site.property };
    let slots = Slots::new(Arc::new(MemoryStore::new()), partition, env.clone(), "contract".to_owned());
    let http = Arc::new(WireLog::new(wire.clone(), log.clone(), env.clone()));
    TtlockEnv { http, secrets: Arc::new(Secrets), slots, env }
}

fn config(site: &Site, sim: &TtlockSim, account_prefix: String) -> Result<TtlockConfig, BenchError> {
    let map = site.door_map();
    let lock = |door: LockDeviceId| {
        let label = door.to_string();
        let lock_id = sim.lock_id(&label).ok_or_else(|| BenchError::new("a door has no lock"))?;
        Ok((door, TtlockLock { lock_id, label, rooms: map.rooms_behind(door) }))
    };
    Ok(TtlockConfig {
        tenant: site.tenant,
        property: site.property,
        base_url: sim.base_url().to_owned(),
        client_id: CLIENT.to_owned(),
        account: ACCOUNT.to_owned(),
        account_prefix,
        locks: site.doors().into_iter().map(lock).collect::<Result<BTreeMap<_, _>, BenchError>>()?,
    })
}

/// What the vendor puts before the names of this application's accounts: a hotel registers one by hand and reads it off.
async fn prefix(wire: &Wire, now: Timestamp) -> Result<String, BenchError> {
    const NAME: &str = "setup";
    let form = format!(
        "clientId={CLIENT}&clientSecret={APPLICATION_SECRET}&username={NAME}&password={}&date={}",
        md5_hex(NAME),
        now.timestamp_millis()
    );
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: format!("{}/v3/user/register", wire.sim.base_url()),
        headers: vec![("content-type", Secret::new("application/x-www-form-urlencoded".to_owned()))],
        body: Some(Secret::new(form.into_bytes())),
        timeout: SETUP_TIMEOUT,
    };
    let response = wire.transport.send(request).await.map_err(told)?;
    // EXPOSE: the answer to the set-up's own call; the account opens nothing.
    let body = String::from_utf8_lossy(response.body.expose()).into_owned();
    let prefix = body.split('"').find_map(|text| text.strip_suffix(NAME)?.strip_suffix('_'));
    prefix.map(str::to_owned).ok_or_else(|| BenchError::new("the vendor registers no account"))
}

#[derive(Debug)]
struct Secrets;

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        match name {
            CLIENT_SECRET => Ok(Secret::new(APPLICATION_SECRET.to_owned())),
            ACCOUNT_PASSWORD => Ok(Secret::new(PASSWORD.to_owned())),
            _ => Err(SecretError::Missing),
        }
    }
}

/// What was ordered, and what came of it.
#[derive(Debug, Default)]
struct Orders {
    queue: VecDeque<(u64, What)>,
    /// Permissions made by calls whose answer was cut off: when each landed, by the simulated clock.
    unanswered_ms: Vec<i64>,
    /// The next call that changes something is not sent at all.
    never_sent: bool,
    /// Every token that went over the wire.
    tokens: BTreeSet<String>,
}

/// The way to the simulator. It lets the simulator play each ordered fault on the next call that changes who may open, whichever
/// of the vendor's paths that is.
struct Wire {
    transport: ReqwestTransport,
    sim: Arc<TtlockSim>,
    orders: Mutex<Orders>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> BTreeSet<String> {
        self.orders().tokens.clone()
    }

    fn keep_token(&self, request: &HttpRequest) {
        // EXPOSE: the bench keeps what went over its own loopback wire, to search every log for it.
        let body = request.body.as_ref().map(|body| String::from_utf8_lossy(body.expose()).into_owned());
        let fields =
            format!("{}&{}", request.url.split('?').nth(1).unwrap_or_default(), body.unwrap_or_default());
        let tokens =
            fields.split('&').filter_map(|field| field.strip_prefix("accessToken=")).map(str::to_owned);
        self.orders().tokens.extend(tokens);
    }

    fn strike(&self, path: &'static str) {
        let mut orders = self.orders();
        if let Some((passing @ 1.., _)) = orders.queue.front_mut() {
            *passing = passing.saturating_sub(1);
            return;
        }
        let Some((_, what)) = orders.queue.pop_front() else { return };
        self.sim.faults().push(SimFault::once(path, what));
        let now_ms = self.sim.clock().now_ms();
        match what {
            What::DropAfter if path == SEND => orders.unanswered_ms.push(now_ms),
            What::LateEffect { ms } if path == SEND => orders.unanswered_ms.push(now_ms.saturating_add(ms)),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpTransport for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.keep_token(&request);
        let path = request.url.split('?').next().unwrap_or_default();
        if let Some(write) = WRITES.into_iter().find(|write| path.ends_with(write)) {
            if std::mem::take(&mut self.orders().never_sent) {
                return Err(TransportError::NotSent);
            }
            self.strike(write);
        }
        self.transport.send(request).await
    }
}

/// Everything that the adapter's own log of its wire says.
#[derive(Debug, Default)]
struct Log(Mutex<String>);

impl WireSink for Log {
    fn record(&self, record: WireRecord) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&format!("{record:?}\n"));
    }
}

struct Probe {
    wire: Arc<Wire>,
    clock: SimClock,
    ahead_ms: Arc<AtomicI64>,
}

struct Locks {
    wire: Arc<Wire>,
    bench: Arc<ManualClock>,
    clock: SimClock,
    ahead_ms: Arc<AtomicI64>,
}

impl LockControl for Locks {
    fn set_battery(&self, door: LockDeviceId, percent: u8) -> Result<(), BenchError> {
        self.wire.sim.door(&door.to_string()).set_battery(percent);
        Ok(())
    }

    /// All locks hang on one gateway.
    fn set_online(&self, _door: LockDeviceId, is_online: bool) -> Result<(), BenchError> {
        if self.wire.sim.set_gateway_power(GATEWAY, is_online) {
            return Ok(());
        }
        Err(BenchError::new("the gateway is gone"))
    }

    /// Every lock opens to the phone that has its key.
    fn set_able(&self, _: LockDeviceId, _: KeyCredentialKind, _: bool) -> Result<bool, BenchError> {
        Ok(false)
    }

    /// A phone's key is the cloud's, never the lock's.
    fn set_by_hand(
        &self,
        _: LockDeviceId,
        _: KeyCredentialKind,
        _: Validity,
    ) -> Result<Option<Secret>, BenchError> {
        Ok(None)
    }

    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError> {
        self.wire.sim.door(&door.to_string()).set_drift_ms(ahead.num_milliseconds());
        Ok(())
    }

    fn set_vendor_clock(&self, ahead: TimeDelta) -> Result<(), BenchError> {
        self.ahead_ms.store(ahead.num_milliseconds(), Ordering::SeqCst);
        self.clock.set_ms(self.bench.now().timestamp_millis().saturating_add(ahead.num_milliseconds()));
        Ok(())
    }
}

#[async_trait]
impl VendorProbe for Probe {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let Artifact::MobileToken(token) = artifact else {
            return Err(BenchError::new(format!("no door here takes a {}", artifact.type_name())));
        };
        // EXPOSE: the guest's phone logs in with it.
        let Some((username, password)) = token.expose().split_once(':') else { return Ok(false) };
        let phone = Presented::EKey { username: username.to_owned(), password: password.to_owned() };
        Ok(self.wire.sim.door(&door.to_string()).try_open(&phone, at.timestamp_millis()).opened)
    }

    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        u64::try_from(self.wire.sim.live_ekeys(&door.to_string()).len()).map_err(told)
    }

    /// Calls that were answered are in the simulator's log; of those that were not, the log does not say whether they took effect.
    async fn ever_made(&self) -> Result<u64, BenchError> {
        let is_made = |path: &str, answered| path == SEND && answered == Answered::Errcode(0);
        let answered = self.wire.sim.seen().iter().filter(|seen| is_made(&seen.path, seen.answered)).count();
        let now_ms = self.clock.now_ms();
        let unanswered = self.wire.orders().unanswered_ms.iter().filter(|landed| **landed <= now_ms).count();
        u64::try_from(answered.saturating_add(unanswered)).map_err(told)
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        u64::try_from(self.wire.sim.seen().len()).map_err(told)
    }

    fn clock_moved(&self, now: Timestamp) {
        let ahead_ms = self.ahead_ms.load(Ordering::SeqCst);
        self.clock.set_ms(now.timestamp_millis().saturating_add(ahead_ms));
    }
}

struct Tap {
    wire: Arc<Wire>,
    log: Arc<Log>,
}

impl WireTap for Tap {
    /// What the driver logs in with, and every token that it used.
    fn secrets(&self) -> Vec<Secret> {
        let fixed = [APPLICATION_SECRET, PASSWORD].map(str::to_owned);
        let hashed = md5_hex(PASSWORD);
        let tokens = self.wire.tokens().iter().cloned().collect::<Vec<_>>();
        fixed.into_iter().chain([hashed]).chain(tokens).map(Secret::new).collect()
    }

    fn log(&self) -> String {
        self.log.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Faults(Arc<Wire>);

impl FaultInjector for Faults {
    fn order(&self, fault: Fault) -> Result<(), BenchError> {
        let ordered = match fault {
            Fault::LoseNextReply => (0, What::DropAfter),
            Fault::DropNextBeforeEffect => (0, What::DropBefore),
            Fault::LateEffect => {
                (0, What::LateEffect { ms: i64::try_from(LATEST.as_millis()).map_err(told)? })
            }
            Fault::RefuseAfter(calls) => (calls, What::Refuse(MEMORY_FULL)),
            Fault::RefuseNextWithUnknownCode => (0, What::Refuse(UNDOCUMENTED)),
            Fault::RefuseNextWith(code) => (0, What::Refuse(code)),
            Fault::NeverSend => {
                self.0.orders().never_sent = true;
                return Ok(());
            }
        };
        self.0.orders().queue.push_back(ordered);
        Ok(())
    }

    fn waiting(&self) -> usize {
        let struck_nothing = usize::try_from(self.0.sim.faults().pending()).unwrap_or(usize::MAX);
        let orders = self.0.orders();
        orders.queue.len().saturating_add(usize::from(orders.never_sent)).saturating_add(struck_nothing)
    }

    fn documented_codes(&self) -> Vec<i64> {
        DOCUMENTED.to_vec()
    }
}
