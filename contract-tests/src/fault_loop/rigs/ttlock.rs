//! The TTLock driver over its simulated cloud: with the points around the driver, or around its line.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::driver::VendorDriver;
use lockport::env::{
    Env, HttpMethod, HttpRequest, HttpTransport, ManualClock, SecretError, SecretProvider, SeededEntropy,
};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::store::{MemoryStore, Partition, Store};
use lockport::transport::{ReqwestTransport, Roots, TransportConfig};
use lockport::{Secret, Timestamp};
use lockport_sim_ttlock::{SimClock, TtlockSim, md5_hex};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CLIENT_SECRET, CardOrder, Passcodes, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock,
};

use crate::bench::{BenchError, Presence, Site, VendorProbe};
use crate::fault_loop::choke::Choke;
use crate::fault_loop::rig::{DriverSource, Rig, Stand};
use crate::harness::ttlock::{LATEST, LATEST_THROUGH_A_GATEWAY, People, is_made, live, presented};

/// When every stand begins: 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;
const CLIENT: &str = "0123456789abcdef0123456789abcdef";
const APPLICATION_SECRET: &str = "fedcba9876543210fedcba9876543210";
const ACCOUNT: &str = "locks@hotel.example";
const PASSWORD: &str = "a hotel's password";
/// How long the one call of the set-up may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The TTLock driver, for one kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlockRig {
    /// Where the points are.
    pub at: TtlockPoints,
    /// The phone's key, a passcode, or a card whose number the desk's reader reads.
    pub kind: KeyCredentialKind,
    /// Passcodes of ours, which a gateway carries to the lock, or of the vendor's choice.
    pub passcodes: Passcodes,
}

/// Where a rig over TTLock has its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlockPoints {
    /// At every call of the driver.
    Driver,
    /// At every request and at every look for a token: what is judged is the driver too.
    Line,
}

/// TTLock in both ways, with each kind of key.
#[must_use]
pub fn ttlock_rigs() -> Vec<Box<dyn Rig>> {
    let kinds = [KeyCredentialKind::MobileApp, KeyCredentialKind::PinCode, KeyCredentialKind::RfidCard];
    let ways = [TtlockPoints::Driver, TtlockPoints::Line];
    let rigs = kinds
        .into_iter()
        .flat_map(|kind| ways.map(|at| TtlockRig { at, kind, passcodes: Passcodes::Custom }));
    rigs.map(|rig| Box::new(rig) as Box<dyn Rig>).collect()
}

#[async_trait]
impl Rig for TtlockRig {
    fn name(&self) -> String {
        let at = match self.at {
            TtlockPoints::Driver => "driver",
            TtlockPoints::Line => "line",
        };
        let whose = if self.passcodes == Passcodes::Random { "-of-the-vendor" } else { "" };
        format!("ttlock:{at}:{}{whose}", self.kind)
    }

    async fn open(&self, seed: u64) -> Result<Stand, BenchError> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or_else(|| BenchError::new("no such time"))?;
        let (site, clock) = (Site::standard(), Arc::new(ManualClock::new(begin)));
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
        builder = builder.gateway("corridor", &heard);
        let sim = Arc::new(builder.start().await.map_err(told)?);
        let plain = TransportConfig::default().with_roots(Roots::Only(Vec::new()));
        let transport: Arc<dyn HttpTransport> = Arc::new(ReqwestTransport::new(&plain).map_err(told)?);
        let account_prefix = prefix(&*transport, &sim, begin).await?;
        let is_card = self.kind == KeyCredentialKind::RfidCard;
        let goes_to_the_lock =
            is_card || (self.kind == KeyCredentialKind::PinCode && self.passcodes == Passcodes::Custom);
        let latest = if goes_to_the_lock { LATEST_THROUGH_A_GATEWAY } else { LATEST };
        let choke = Choke::new(&clock, latest).with_sooner(KeyCredentialKind::MobileApp, LATEST);
        let parts = Parts {
            at: self.at,
            config: TtlockConfig { passcodes: self.passcodes, ..config(&site, &sim, account_prefix)? },
            transport,
            tokens: Arc::new(MemoryStore::new()),
            env: Env {
                clock: clock.clone(),
                sleep: clock.clone(),
                entropy: Arc::new(SeededEntropy::new(seed.wrapping_add(1))),
            },
            choke: choke.clone(),
            births: AtomicU32::new(0),
        };
        let driver: DriverSource = Box::new(move || parts.driver());
        let people = People(Arc::clone(&sim));
        let presence = is_card.then(|| Box::new(people) as Box<dyn Presence>);
        let probe = Box::new(Probe { sim, clock: sim_clock });
        let kind = self.kind;
        Ok(Stand { site, clock, probe, presence, driver, kind, choke })
    }
}

fn told(error: impl fmt::Display) -> BenchError {
    BenchError::new(error.to_string())
}

/// What every process of a stand makes its driver of.
struct Parts {
    at: TtlockPoints,
    config: TtlockConfig,
    transport: Arc<dyn HttpTransport>,
    tokens: Arc<dyn Store>,
    env: Env,
    choke: Choke,
    births: AtomicU32,
}

impl Parts {
    fn driver(&self) -> Result<Arc<dyn VendorDriver>, BenchError> {
        let birth = self.births.fetch_add(1, Ordering::SeqCst);
        let (mut http, mut tokens) = (Arc::clone(&self.transport), Arc::clone(&self.tokens));
        if self.at == TtlockPoints::Line {
            (http, tokens) = (self.choke.http(http), self.choke.store(tokens));
        }
        let partition = Partition { tenant: self.config.tenant, property: self.config.property };
        let slots = Slots::new(tokens, partition, self.env.clone(), format!("process-{birth}"));
        let env = TtlockEnv { http, secrets: Arc::new(Secrets), slots, env: self.env.clone() };
        let driver: Arc<dyn VendorDriver> =
            Arc::new(TtlockDriver::new(self.config.clone(), env).map_err(told)?);
        Ok(match self.at {
            TtlockPoints::Driver => self.choke.driver(driver),
            TtlockPoints::Line => driver,
        })
    }
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
async fn prefix(
    transport: &dyn HttpTransport,
    sim: &TtlockSim,
    now: Timestamp,
) -> Result<String, BenchError> {
    const NAME: &str = "setup";
    let form = format!(
        "clientId={CLIENT}&clientSecret={APPLICATION_SECRET}&username={NAME}&password={}&date={}",
        md5_hex(NAME),
        now.timestamp_millis()
    );
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: format!("{}/v3/user/register", sim.base_url()),
        headers: vec![("content-type", Secret::new("application/x-www-form-urlencoded".to_owned()))],
        body: Some(Secret::new(form.into_bytes())),
        timeout: SETUP_TIMEOUT,
    };
    let response = transport.send(request).await.map_err(told)?;
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

struct Probe {
    sim: Arc<TtlockSim>,
    clock: SimClock,
}

#[async_trait]
impl VendorProbe for Probe {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let Some(held) = presented(artifact)? else { return Ok(false) };
        Ok(self.sim.door(&door.to_string()).try_open(&held, at.timestamp_millis()).opened)
    }

    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        u64::try_from(live(&self.sim, &door.to_string())).map_err(told)
    }

    /// Every call that arrives is answered: what gets lost gets lost on this side.
    async fn ever_made(&self) -> Result<u64, BenchError> {
        let made = self.sim.seen().iter().filter(|seen| is_made(seen)).count();
        u64::try_from(made).map_err(told)
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        u64::try_from(self.sim.seen().len()).map_err(told)
    }

    fn clock_moved(&self, now: Timestamp) {
        self.clock.set_ms(now.timestamp_millis());
    }
}
