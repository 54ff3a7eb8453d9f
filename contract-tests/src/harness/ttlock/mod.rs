//! The TTLock driver on the bench: its own wire, to a simulated cloud on a loopback port, and that cloud's own doors.

mod vendor;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lockport::env::{
    Env, HttpMethod, HttpRequest, HttpTransport as _, ManualClock, SecretError, SecretProvider, SeededEntropy,
};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition};
use lockport::transport::{ReqwestTransport, Roots, TransportConfig, WireLog};
use lockport::{Secret, Timestamp};
use lockport_sim_ttlock::{SimClock, TtlockSim, md5_hex};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CLIENT_SECRET, CardOrder, Passcodes, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock,
};

use self::vendor::{Locks, Probe};
pub(crate) use self::vendor::{People, is_made, live, presented};
use self::wire::{Faults, Log, Tap, Wire};
pub(crate) use self::wire::{LATEST, LATEST_THROUGH_A_GATEWAY};
use super::{Exemption, Harness};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, Site};

/// When every bench begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;
const CLIENT: &str = "0123456789abcdef0123456789abcdef";
const APPLICATION_SECRET: &str = "c41b7e09d35f826aa1907cde5b3f6248";
const ACCOUNT: &str = "locks@hotel.example";
const PASSWORD: &str = "a hotel's password";
/// The one gateway, which hears every lock.
const GATEWAY: &str = "corridor";

/// How long the one call of the set-up may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The TTLock driver over the simulated cloud, in a house whose locks take this sort of passcode.
#[derive(Clone, Debug)]
pub struct TtlockHarness {
    passcodes: Passcodes,
    exemptions: Vec<Exemption>,
}

/// What a house without gateways cannot be asked.
const UNTOLD: (&str, &str) =
    ("DEVICE-003", "nothing reaches the locks: nobody is told of their batteries, and none is ever in reach");

impl TtlockHarness {
    /// In a house with a gateway; passcodes of the vendor's choice go with one that has none.
    #[must_use]
    pub fn of(passcodes: Passcodes) -> Self {
        let (case, reason) = UNTOLD;
        let untold = Exemption { case: case.to_owned(), kind: None, reason: reason.to_owned() };
        let exemptions = if passcodes == Passcodes::Random { vec![untold] } else { Vec::new() };
        Self { passcodes, exemptions }
    }
}

impl Default for TtlockHarness {
    fn default() -> Self {
        Self::of(Passcodes::default())
    }
}

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
        if self.passcodes != Passcodes::Random {
            builder = builder.gateway(GATEWAY, &heard);
        }
        let sim = Arc::new(builder.start().await.map_err(told)?);
        let plain = TransportConfig::default().with_roots(Roots::Only(Vec::new()));
        let wire = Arc::new(Wire {
            transport: ReqwestTransport::new(&plain).map_err(told)?,
            sim: Arc::clone(&sim),
            orders: Mutex::default(),
        });
        let account_prefix = prefix(&wire, begin).await?;
        let config = TtlockConfig { passcodes: self.passcodes, ..config(&site, &sim, account_prefix)? };
        let log = Arc::new(Log::default());
        let driver = TtlockDriver::new(config, lent(&wire, &log, &site, &clock, seed)).map_err(told)?;
        let backstage = Backstage::over(driver, &site, &clock, seed);
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let probe =
            Probe { wire: Arc::clone(&wire), clock: sim_clock.clone(), ahead_ms: Arc::clone(&ahead_ms) };
        let people = People(Arc::clone(&sim));
        let locks = Locks { wire: Arc::clone(&wire), bench: clock.clone(), clock: sim_clock, ahead_ms };
        Ok(Bench {
            port: backstage.port(),
            backstage: Some(backstage),
            locks: Some(Box::new(locks)),
            tap: Some(Box::new(Tap { wire: Arc::clone(&wire), log })),
            clock,
            probe: Box::new(probe),
            faults: Some(Box::new(Faults(wire))),
            presence: Some(Box::new(people)),
            site,
        })
    }

    fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
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
        Ok((door, TtlockLock::new(lock_id, label, map.rooms_behind(door))))
    };
    Ok(TtlockConfig {
        tenant: site.tenant,
        property: site.property,
        base_url: sim.base_url().to_owned(),
        client_id: CLIENT.to_owned(),
        account: ACCOUNT.to_owned(),
        account_prefix,
        passcodes: Passcodes::Custom,
        cards: Some(CardOrder::AsRead),
        monthly_calls: 30_000,
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
