//! TTLock's simulated cloud, on a thread of its own as if it were another machine; the driver that talks to it, and the same
//! requests sent by a bare client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use lockport::env::{
    Env, HttpRequest, HttpResponse, HttpTransport, SecretError, SecretProvider, TransportError,
};
use lockport::id::{PropertyId, TenantId};
use lockport::store::Store;
use lockport::store::slots::Slots;
use lockport::transport::{ReqwestTransport, Roots, TransportConfig};
use lockport::{Secret, Timestamp};
use lockport_sim_ttlock::{Answered, Fault, Hold, OnCall, SimClock, TtlockSim, What, md5_hex};
use lockport_ttlock::{
    ACCOUNT_PASSWORD, CLIENT_SECRET, Passcodes, TtlockConfig, TtlockDriver, TtlockEnv, TtlockLock,
};
use tokio::sync::oneshot;

use crate::Trouble;
use crate::hotel::Hotel;

const CLIENT: &str = "0123456789abcdef0123456789abcdef";
const APPLICATION_SECRET: &str = "fedcba9876543210fedcba9876543210";
const ACCOUNT: &str = "locks@hotel.example";
const PASSWORD: &str = "a hotel's password";

/// As the driver has it.
const TIMEOUT: Duration = Duration::from_secs(8);
const FORM: &str = "application/x-www-form-urlencoded";

/// How many digits at the end of an account's name a bare request puts its own number in.
const DIGITS: usize = 8;

/// A running cloud.
#[derive(Debug)]
pub struct Cloud {
    /// The simulation.
    pub sim: Arc<TtlockSim>,
    /// Its clock.
    pub clock: SimClock,
    /// What the vendor puts before the names of this application's accounts.
    prefix: String,
    /// Its loss stops the thread.
    _stop: oneshot::Sender<()>,
}

impl Cloud {
    /// A cloud with a lock in every door of these hotels, a gateway that hears them all, and answers that take so long each.
    ///
    /// # Errors
    /// When no thread or no port is to be had.
    pub async fn start(hotels: &[Hotel], now: Timestamp, wire: Duration) -> Result<Self, Trouble> {
        let clock = SimClock::new(now.timestamp_millis());
        let mut builder = TtlockSim::builder(clock.clone())
            .seed(1)
            .application(CLIENT, APPLICATION_SECRET)
            .account(ACCOUNT, &md5_hex(PASSWORD));
        let labels: Vec<String> =
            hotels.iter().flat_map(|hotel| &hotel.doors).map(ToString::to_string).collect();
        for label in &labels {
            builder = builder.lock(label, None);
        }
        builder = builder.gateway("gateway", &labels.iter().map(String::as_str).collect::<Vec<_>>());
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let serve = async move || -> Result<(), Trouble> {
            let sim = Arc::new(builder.start().await?);
            tell.send(sim)?;
            // An error is the loss of the other end, which is the signal.
            let _stopped = stopped.await;
            Ok(())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("ttlock".to_owned()).spawn(move || {
            // Without a cloud nobody is told of one, which is the error the caller sees.
            let _served = runtime.block_on(serve());
        })?;
        let sim = told.recv()?;
        sim.set_monthly_quota(u64::MAX);
        if !wire.is_zero() {
            let hold = Hold::RealMs(u64::try_from(wire.as_millis())?);
            sim.faults().push(Fault { on: OnCall::Any, times: u32::MAX, what: What::Delay(hold) });
        }
        let prefix = prefix(sim.base_url(), now).await?;
        Ok(Self { sim, clock, prefix, _stop: stop })
    }

    /// The driver of a hotel whose doors this cloud has.
    ///
    /// # Errors
    /// When the cloud does not have them.
    pub fn driver(
        &self,
        hotel: &Hotel,
        http: Arc<dyn HttpTransport>,
        tokens: Arc<dyn Store>,
        env: &Env,
    ) -> Result<TtlockDriver, Trouble> {
        let mut locks = BTreeMap::new();
        for door in &hotel.doors {
            let label = door.to_string();
            let lock_id = self.sim.lock_id(&label).ok_or("a door has no lock")?;
            locks.insert(*door, TtlockLock::new(lock_id, label, hotel.map.rooms_behind(*door)));
        }
        let config = TtlockConfig {
            tenant: hotel.partition.tenant,
            property: hotel.partition.property,
            base_url: self.sim.base_url().to_owned(),
            client_id: CLIENT.to_owned(),
            account: ACCOUNT.to_owned(),
            account_prefix: self.prefix.clone(),
            passcodes: Passcodes::Custom,
            cards: None,
            monthly_calls: 30_000,
            locks,
        };
        let slots = Slots::new(tokens, hotel.partition, env.clone(), "bench".to_owned());
        Ok(TtlockDriver::new(
            config,
            TtlockEnv { http, secrets: Arc::new(Secrets), slots, env: env.clone() },
        )?)
    }

    /// How many requests came, after the first `skipped`, and how many of them were not answered with success.
    #[must_use]
    pub fn tally(&self, skipped: usize) -> (usize, usize) {
        let seen = self.sim.seen();
        let counted = seen.iter().skip(skipped);
        let (mut all, mut bad) = (0_usize, 0_usize);
        for seen in counted {
            all = all.saturating_add(1);
            bad = bad.saturating_add(usize::from(seen.answered != Answered::Errcode(0)));
        }
        (all, bad)
    }
}

/// The transport of a real host, without TLS.
///
/// # Errors
/// When it cannot be set up.
pub fn transport() -> Result<ReqwestTransport, Trouble> {
    Ok(ReqwestTransport::new(&TransportConfig::default().with_roots(Roots::Only(Vec::new())))?)
}

/// A client set up as the transport sets up its own.
///
/// # Errors
/// When it cannot be set up.
pub fn bare_client() -> Result<reqwest::Client, Trouble> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()?)
}

/// What a hotel learns by registering an account by hand.
async fn prefix(base: &str, now: Timestamp) -> Result<String, Trouble> {
    let form = format!(
        "clientId={CLIENT}&clientSecret={APPLICATION_SECRET}&username=setup&password={}&date={}",
        md5_hex("setup"),
        now.timestamp_millis()
    );
    let request = bare_client()?.post(format!("{base}/v3/user/register")).header("content-type", FORM);
    let answer: serde_json::Value =
        serde_json::from_slice(&request.body(form).timeout(TIMEOUT).send().await?.bytes().await?)?;
    let name = answer.get("username").and_then(serde_json::Value::as_str).ok_or("no account")?;
    Ok(name.split_once('_').ok_or("no prefix")?.0.to_owned())
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

/// Keeps what is sent, and counts what is under way.
#[derive(Debug)]
pub struct Tap {
    inner: ReqwestTransport,
    sent: Mutex<Vec<(String, String)>>,
    under_way: AtomicUsize,
}

impl Tap {
    /// Around this transport.
    #[must_use]
    pub fn new(inner: ReqwestTransport) -> Self {
        Self { inner, sent: Mutex::default(), under_way: AtomicUsize::new(0) }
    }

    /// Address and body of everything that was sent since the last look.
    #[must_use]
    pub fn sent(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests have no answer yet.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl HttpTransport for Tap {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        // EXPOSE: a body of a bench's own, to be sent again by a bare client.
        let body = request.body.as_ref().map(|body| String::from_utf8_lossy(body.expose()).into_owned());
        let sent = (request.url.clone(), body.unwrap_or_default());
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        let _until_here = UnderWay::new(&self.under_way);
        self.inner.send(request).await
    }
}

/// Counts one until it is dropped: a request that is given up is not under way any more.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        all.fetch_add(1, Ordering::SeqCst);
        Self(all)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The requests of one issue, to be sent again and again for other guests.
#[derive(Clone, Debug)]
pub struct Script(Vec<(String, String)>);

impl Script {
    /// Of what was sent.
    #[must_use]
    pub fn of(sent: Vec<(String, String)>) -> Self {
        Self(sent)
    }

    /// How many requests it has.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.0.len()
    }

    /// The same bytes, but for the guest's account or code, and the time.
    #[must_use]
    pub fn for_guest(&self, number: u32, now: Timestamp) -> Vec<(String, String)> {
        let pair = |pair: &str| match pair.split_once('=') {
            Some(("date", _)) => format!("date={}", now.timestamp_millis()),
            Some((name @ ("username" | "receiverUsername"), value)) => {
                let kept = value.get(..value.len().saturating_sub(DIGITS)).unwrap_or_default();
                format!("{name}={kept}{number:0DIGITS$}")
            }
            // Never one digit throughout, which the vendor calls too simple.
            Some((name @ "keyboardPwd", value)) => {
                let width = value.len().saturating_sub(1);
                format!("{name}=7{number:0width$}")
            }
            _ => pair.to_owned(),
        };
        let body = |body: &str| body.split('&').map(pair).collect::<Vec<_>>().join("&");
        self.0.iter().map(|(url, form)| (url.clone(), body(form))).collect()
    }
}

/// Sends them one after the other, and reads the answers to their ends.
///
/// # Errors
/// When there is no answer.
pub async fn send_bare(client: &reqwest::Client, requests: Vec<(String, String)>) -> Result<(), Trouble> {
    for (url, body) in requests {
        let request = client.post(url).timeout(TIMEOUT).header("content-type", FORM).body(body);
        request.send().await?.bytes().await?;
    }
    Ok(())
}
