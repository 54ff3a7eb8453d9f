//! The way to the simulated cloud, and what is ordered to go wrong on it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use lockport::transport::{ReqwestTransport, WireRecord, WireSink};
use lockport_sim_ttlock::{Fault as SimFault, TtlockSim, What, md5_hex};

use super::{APPLICATION_SECRET, PASSWORD};
use crate::bench::{BenchError, Fault, FaultInjector, WireTap};

/// The calls that make a permission.
pub(crate) const MAKES: [&str; 4] =
    ["/v3/key/send", "/v3/keyboardPwd/add", "/v3/keyboardPwd/get", "/v3/identityCard/add"];
/// The other calls that change who may open.
const CHANGES: [&str; 8] = [
    "/v3/key/delete",
    "/v3/key/freeze",
    "/v3/key/unfreeze",
    "/v3/key/changePeriod",
    "/v3/keyboardPwd/change",
    "/v3/keyboardPwd/delete",
    "/v3/identityCard/changePeriod",
    "/v3/identityCard/delete",
];
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
pub(crate) const LATEST: Duration = Duration::from_secs(59);
/// The same, of a call that a gateway carries to a lock.
pub(crate) const LATEST_THROUGH_A_GATEWAY: Duration = Duration::from_secs(119);

/// What was ordered, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Orders {
    queue: VecDeque<(u64, What)>,
    /// Permissions made by calls whose answer was cut off: when each landed, by the simulated clock.
    pub(super) unanswered_ms: Vec<i64>,
    /// The next call that changes something is not sent at all.
    never_sent: bool,
    /// Every token that went over the wire.
    tokens: BTreeSet<String>,
}

/// The way to the simulator. It lets the simulator play each ordered fault on the next call that changes who may open, whichever
/// of the vendor's paths that is.
pub(super) struct Wire {
    pub(super) transport: ReqwestTransport,
    pub(super) sim: Arc<TtlockSim>,
    pub(super) orders: Mutex<Orders>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
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
        let latest = if path.starts_with("/v3/key/") || path.ends_with("/get") {
            LATEST
        } else {
            LATEST_THROUGH_A_GATEWAY
        };
        let what = match what {
            What::LateEffect { .. } => {
                What::LateEffect { ms: i64::try_from(latest.as_millis()).unwrap_or(0) }
            }
            what => what,
        };
        self.sim.faults().push(SimFault::once(path, what));
        let now_ms = self.sim.clock().now_ms();
        match what {
            What::DropAfter if MAKES.contains(&path) => orders.unanswered_ms.push(now_ms),
            What::LateEffect { ms } if MAKES.contains(&path) => {
                orders.unanswered_ms.push(now_ms.saturating_add(ms))
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpTransport for Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.keep_token(&request);
        let path = request.url.split('?').next().unwrap_or_default();
        if let Some(write) = MAKES.into_iter().chain(CHANGES).find(|write| path.ends_with(write)) {
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
pub(super) struct Log(Mutex<String>);

impl WireSink for Log {
    fn record(&self, record: WireRecord) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&format!("{record:?}\n"));
    }
}

pub(super) struct Tap {
    pub(super) wire: Arc<Wire>,
    pub(super) log: Arc<Log>,
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

pub(super) struct Faults(pub(super) Arc<Wire>);

impl FaultInjector for Faults {
    fn order(&self, fault: Fault) -> Result<(), BenchError> {
        let ordered = match fault {
            Fault::LoseNextReply => (0, What::DropAfter),
            Fault::DropNextBeforeEffect => (0, What::DropBefore),
            // How late depends on the call that it strikes.
            Fault::LateEffect => (0, What::LateEffect { ms: 0 }),
            Fault::RefuseAfter(calls) => (calls, What::Refuse(MEMORY_FULL)),
            Fault::RefuseNextWithUnknownCode => (0, What::Refuse(UNDOCUMENTED)),
            Fault::RefuseNextWith(code) => (0, What::Refuse(code)),
            Fault::CutWrite(..) | Fault::LoseWritten(_) => {
                return Err(BenchError::new("nothing is written on a card: a lock learns its number"));
            }
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

    fn forget(&self) {
        let mut orders = self.0.orders();
        orders.queue.clear();
        orders.never_sent = false;
        self.0.sim.faults().clear();
    }

    fn documented_codes(&self) -> Vec<i64> {
        DOCUMENTED.to_vec()
    }
}
