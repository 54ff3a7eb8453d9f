//! TTLock: a simulated cloud on loopback HTTP with a lock in each door, and the driver that talks to it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::Artifact;
use lockport::device::DoorMap;
use lockport::env::{HttpMethod, HttpRequest, HttpTransport, SecretError, SecretProvider};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::slots::Slots;
use lockport::transport::{ReqwestTransport, Roots, TransportConfig};
use lockport::{Secret, Timestamp};
use lockport_sim_ttlock::{Presented, SimClock, TtlockSim, md5_hex};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CLIENT_SECRET, Passcodes, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock,
};
use serde_json::Value;

use super::mortal::MortalTransport;
use super::{Built, Hand, HouseError, INSTANCE, Site, Vendor, Verdict};

// The vendor is simulated, so nothing is behind these.
const CLIENT: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const CLIENT_SECRET_VALUE: &str = "00112233445566778899aabbccddeeff";
const ACCOUNT: &str = "locks@hotel.example";
const ACCOUNT_PASSWORD_VALUE: &str = "rehearsal";

/// The longest a set-up call may take.
const TIMEOUT: Duration = Duration::from_secs(8);

/// One TTLock account, its cloud and its locks.
#[derive(Debug)]
struct Ttlock {
    sim: TtlockSim,
    /// What the vendor puts before the names of this application's accounts.
    account_prefix: String,
    passcodes: Passcodes,
    own: Vec<String>,
}

impl Vendor for Ttlock {
    fn set_clock(&self, now: Timestamp) {
        self.sim.clock().set_ms(now.timestamp_millis());
    }

    fn try_open(&self, _site: &Site, door: &str, hand: &Hand, at: Timestamp) -> Verdict {
        let mut verdict = Verdict::shut("nothing in hand that this lock takes");
        for artifact in &hand.artifacts {
            let held = match artifact {
                Artifact::MobileToken(token) => {
                    // EXPOSE: the guest's phone logs in with it before the door.
                    let Some((username, password)) = token.expose().split_once(':') else { continue };
                    Presented::EKey { username: username.to_owned(), password: password.to_owned() }
                }
                // EXPOSE: the guest types it.
                Artifact::Pin(digits) => Presented::passcode(digits.expose()),
                _ => continue,
            };
            let tried = self.sim.door(door).try_open(&held, at.timestamp_millis());
            verdict = Verdict { opened: tried.opened, why: tried.why };
            if verdict.opened {
                break;
            }
        }
        verdict
    }

    fn keys_at(&self, _site: &Site, door: &str) -> usize {
        self.sim.live_ekeys(door).len() + self.sim.lock_passcodes(door).len()
    }

    fn set_battery(&self, _site: &Site, door: &str, percent: u8) {
        self.sim.door(door).set_battery(percent);
    }

    fn adapter(&self, site: &Site, setup: AdapterSetup) -> Result<Built, String> {
        let http = MortalTransport { inner: transport()?, way: site.way(&setup.name) };
        let config = TtlockConfig {
            tenant: site.hotel.tenant,
            property: site.hotel.property,
            base_url: self.sim.base_url().to_owned(),
            client_id: CLIENT.to_owned(),
            account: ACCOUNT.to_owned(),
            account_prefix: self.account_prefix.clone(),
            passcodes: self.passcodes,
            cards: None,
            monthly_calls: 30_000,
            locks: self.own.iter().filter_map(|door| self.lock(site, &setup.doors, door)).collect(),
        };
        let slots = Slots::new(setup.store.clone(), setup.partition, site.env.clone(), INSTANCE.to_owned());
        let env =
            TtlockEnv { http: Arc::new(http), secrets: Arc::new(Secrets), slots, env: site.env.clone() };
        let driver = TtlockDriver::new(config, env).map_err(|error| error.to_string())?;
        Ok(Built::of(Adapter::new(driver, setup)))
    }
}

impl Ttlock {
    fn lock(&self, site: &Site, doors: &DoorMap, door: &str) -> Option<(LockDeviceId, TtlockLock)> {
        let device = site.device(door)?;
        let lock_id = self.sim.lock_id(door)?;
        Some((device, TtlockLock::new(lock_id, door.to_owned(), doors.rooms_behind(device))))
    }
}

/// The two secrets of the account.
#[derive(Debug)]
struct Secrets;

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        match name {
            CLIENT_SECRET => Ok(Secret::new(CLIENT_SECRET_VALUE.to_owned())),
            ACCOUNT_PASSWORD => Ok(Secret::new(ACCOUNT_PASSWORD_VALUE.to_owned())),
            _ => Err(SecretError::Missing),
        }
    }
}

/// The address of a TTLock whose gateways carry passcodes to the locks.
const WITH_PASSCODES: &str = "ttlock://?passcodes=custom";

/// Which passcodes the locks take. Without a word of the hotel none: a day tells its windows to the second, and a lock keeps a
/// passcode's in minutes.
fn passcodes(url: Option<&str>) -> Result<Passcodes, String> {
    match url {
        Some(WITH_PASSCODES) => Ok(Passcodes::Custom),
        Some(url) if url.starts_with("ttlock://") => Err(format!("{url:?} is not {WITH_PASSCODES:?}")),
        _ => Ok(Passcodes::Off),
    }
}

/// Starts the cloud and puts a lock behind a gateway into each door of the vendor.
pub(super) async fn start(site: &Site, name: &str, url: Option<&str>) -> Result<Box<dyn Vendor>, HouseError> {
    let trouble = |reason: String| HouseError::DoesNotStart { name: name.to_owned(), reason };
    let passcodes = passcodes(url).map_err(trouble)?;
    let own = site.hotel.doors().filter(|(_, vendor)| *vendor == name).map(|(door, _)| door.to_owned());
    let own: Vec<String> = own.collect();
    let clock = SimClock::new(site.env.now().timestamp_millis());
    let mut cloud = TtlockSim::builder(clock)
        .seed(site.seed)
        .application(CLIENT, CLIENT_SECRET_VALUE)
        .account(ACCOUNT, &md5_hex(ACCOUNT_PASSWORD_VALUE));
    for door in &own {
        cloud = cloud.lock(door, None).gateway(&format!("gateway {door}"), &[door]);
    }
    let sim = cloud.start().await.map_err(|error| trouble(error.to_string()))?;
    let http = transport().map_err(trouble)?;
    let account_prefix = account_prefix(&http, &sim).await.map_err(|reason| trouble(reason.to_owned()))?;
    Ok(Box::new(Ttlock { sim, account_prefix, passcodes, own }))
}

fn transport() -> Result<ReqwestTransport, String> {
    let config = TransportConfig::default().with_roots(Roots::Only(Vec::new()));
    ReqwestTransport::new(&config).map_err(|error| error.to_string())
}

/// What the vendor puts before the names of this application's accounts. As with the real one, it is learned by registering a
/// name and reading the answer.
async fn account_prefix(http: &dyn HttpTransport, sim: &TtlockSim) -> Result<String, &'static str> {
    const UNEXPECTED: &str = "the cloud did not register a name";
    let form = format!(
        "clientId={CLIENT}&clientSecret={CLIENT_SECRET_VALUE}&username=prefix&password={}&date={}",
        md5_hex("nobody logs in with this"),
        sim.clock().now_ms()
    );
    let content_type = Secret::new("application/x-www-form-urlencoded".to_owned());
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: format!("{}/v3/user/register", sim.base_url()),
        headers: vec![("content-type", content_type)],
        body: Some(Secret::new(form.into_bytes())),
        timeout: TIMEOUT,
    };
    let response = http.send(request).await.map_err(|_| "the cloud cannot be reached")?;
    // EXPOSE: a name that nobody uses, for the sake of what stands before it.
    let answer: Value = serde_json::from_slice(response.body.expose()).map_err(|_| UNEXPECTED)?;
    let name = answer.get("username").and_then(Value::as_str).ok_or(UNEXPECTED)?;
    name.split_once('_').map(|(prefix, _)| prefix.to_owned()).ok_or(UNEXPECTED)
}
