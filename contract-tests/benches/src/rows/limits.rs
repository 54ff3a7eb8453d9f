//! A vendor that admits so much and no more, on virtual time: how much of it is used, and what an outage costs on top.

use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use lockport::credential::KeyCredentialKind;
use lockport::env::{Env, ManualClock};
use lockport::stack::{LockStack, RetryPolicy};
use lockport::store::MemoryStore;
use lockport::transport::{Circuit, CircuitPolicy, Limits, Quota, TransportStack};
use lockport::{SharedLockPort, Timestamp};
use lockport_sim_ttlock::{Answered, SimClock, Throttle};

use crate::Trouble;
use crate::cloud::{Cloud, Tap, transport};
use crate::hotel::Hotel;
use crate::lent::still_env;
use crate::report::{Figure, Hold};

/// What TTLock admits to one app (R45).
const REQUESTS: u32 = 100;
const PER: Duration = Duration::from_secs(60);
/// How many keys are issued in bulk, by how many callers at once. More callers would wait longer than a call may take: each of an
/// issue's two requests waits for those of all the others.
const ISSUES: u32 = 1_000;
const CALLERS: u32 = 6;
/// How many doors the hotel has: its list takes two pages, and is asked for now and then.
const DOORS: u32 = 200;
/// At least this part of the permitted rate, in percent.
const LEAST_OF_RATE: f64 = 98.0;
/// How many calls an outage meets.
const CALLS_IN_OUTAGE: u32 = 200;
/// A budget of 500 at 14 each.
const MOST_EXTRA: f64 = 35.0;
/// 2026-03-02 12:34:56 UTC.
const BEGIN: i64 = 1_772_454_896;

/// Tells whether it was woken, and wakes whoever waits for it.
struct Woken {
    flag: AtomicBool,
    outer: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::SeqCst);
        self.outer.wake_by_ref();
    }
}

struct Stand {
    clock: Arc<ManualClock>,
    env: Env,
    hotel: Hotel,
    cloud: Cloud,
    cloud_clock: SimClock,
    tap: Arc<Tap>,
}

impl Stand {
    async fn open() -> Result<Self, Trouble> {
        let begin = Timestamp::from_timestamp(BEGIN, 0).ok_or("no such time")?;
        let clock = Arc::new(ManualClock::new(begin));
        let hotel = Hotel::new(0, "limits", NonZeroU32::MIN.saturating_add(DOORS));
        let cloud = Cloud::start(std::slice::from_ref(&hotel), begin, Duration::ZERO).await?;
        let (env, cloud_clock) = (still_env(&clock), cloud.clock.clone());
        Ok(Self { clock, env, hotel, cloud, cloud_clock, tap: Arc::new(Tap::new(transport()?)) })
    }

    /// Runs to the end, and turns the clocks on whenever everybody waits for them and nothing is on the wire.
    async fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, Trouble> {
        let mut future = pin!(future);
        poll_fn(|context| {
            let woken = Arc::new(Woken { flag: AtomicBool::new(false), outer: context.waker().clone() });
            let waker = Waker::from(woken.clone());
            loop {
                if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(Ok(done));
                }
                if woken.flag.swap(false, Ordering::SeqCst) {
                    continue;
                }
                if self.tap.under_way() > 0 {
                    return Poll::Pending;
                }
                let Some(next) = self.clock.next_wake() else {
                    return Poll::Ready(Err("nobody sleeps, and nothing goes on".into()));
                };
                self.cloud_clock.set_ms(next.timestamp_millis());
                self.clock.set(next);
            }
        })
        .await
    }

    fn port(&self, transport: TransportStack, retry: Option<RetryPolicy>) -> Result<SharedLockPort, Trouble> {
        let store = Arc::new(MemoryStore::new());
        let driver = self.cloud.driver(&self.hotel, transport.build(), store.clone(), &self.env)?;
        let adapter = self.hotel.adapter("main", driver, store, &self.env);
        let stack =
            LockStack::new(adapter, self.hotel.partition, self.hotel.map.clone(), self.env.clone()).trace();
        Ok(match retry {
            Some(policy) => stack.retry(policy),
            None => stack,
        }
        .build())
    }

    fn layers(&self) -> TransportStack {
        TransportStack::new(self.tap.clone(), self.env.clone())
    }

    /// What the cloud saw from the first request after `skipped`.
    fn seconds_since(&self, skipped: usize) -> f64 {
        let seen = self.cloud.sim.seen();
        let mut counted = seen.iter().skip(skipped);
        let first = counted.next().map_or(0, |seen| seen.at_ms);
        let last = counted.next_back().map_or(first, |seen| seen.at_ms);
        last.saturating_sub(first) as f64 / 1e3
    }
}

async fn bulk(name: &str, kind: KeyCredentialKind) -> Result<Vec<Figure>, Trouble> {
    let stand = Stand::open().await?;
    let limits = Limits::new(Quota::new(REQUESTS, PER));
    let port = stand.port(stand.layers().limits(limits), Some(RetryPolicy::default()))?;
    let skipped = stand.cloud.tally(0).0;
    let (calls, per_ms) = (usize::try_from(REQUESTS)?, i64::try_from(PER.as_millis())?);
    stand.cloud.sim.set_throttle(Some(Throttle { calls, per_ms }));
    let caller = async |caller: u32| -> Result<u32, Trouble> {
        let mut failed = 0_u32;
        for stay in (caller..ISSUES).step_by(usize::try_from(CALLERS)?) {
            let input = stand.hotel.issue(stay, 1, stand.env.now())?.with_preferred_kinds(vec![kind]);
            let issued = port.issue_credential(input).await;
            failed = failed.saturating_add(u32::from(issued.is_err()));
        }
        Ok(failed)
    };
    let failed = stand.drive(join_all((0..CALLERS).map(caller))).await?;
    let failed = failed.into_iter().sum::<Result<u32, Trouble>>()?;
    let seen = stand.cloud.sim.seen();
    let throttled = seen.iter().filter(|seen| matches!(seen.answered, Answered::Errcode(30_006))).count();
    let requests = seen.len().saturating_sub(skipped);
    let permitted = stand.seconds_since(skipped) * f64::from(REQUESTS) / PER.as_secs_f64();
    let used = requests.saturating_sub(1) as f64 / permitted * 100.0;
    let id = |figure: &str| format!("limits/{name}{figure}");
    Ok(vec![
        Figure::one(&id("rate"), "1,000 issues at 100 requests a minute: of the permitted rate", used, "%")
            .hold(Hold::AtLeast(LEAST_OF_RATE)),
        Figure::one(&id("throttled"), "requests the vendor refused", throttled as f64, "requests")
            .hold(Hold::AtMost(0.0)),
        Figure::one(&id("failed"), "issues that failed", f64::from(failed), "issues").hold(Hold::AtMost(0.0)),
        Figure::one(&id("requests"), "requests in all", requests as f64, "requests"),
    ])
}

/// How many requests an outage sees of many calls.
async fn in_outage(retry: Option<RetryPolicy>, circuit: bool) -> Result<f64, Trouble> {
    let stand = Stand::open().await?;
    let layers = stand.layers();
    let layers = if circuit { layers.circuit(Circuit::new(CircuitPolicy::default())) } else { layers };
    let port = stand.port(layers, retry)?;
    // The first one logs in, while there is somebody to log in to.
    stand.drive(port.issue_credential(stand.hotel.issue(CALLS_IN_OUTAGE, 1, stand.env.now())?)).await??;
    let before = stand.tap.sent().len();
    stand.cloud.sim.faults().outage(i64::MAX);
    let all = (0..CALLS_IN_OUTAGE)
        .map(|stay| Ok(port.issue_credential(stand.hotel.issue(stay, 1, stand.env.now())?)))
        .collect::<Result<Vec<_>, Trouble>>()?;
    let issued = stand.drive(join_all(all)).await?;
    if before == 0 || issued.iter().any(Result::is_ok) {
        return Err("there was no outage".into());
    }
    Ok(stand.tap.sent().len() as f64)
}

/// The row.
///
/// # Errors
/// When a stand cannot be set up.
pub async fn row() -> Result<Vec<Figure>, Trouble> {
    let mut figures = bulk("", KeyCredentialKind::MobileApp).await?;
    figures.extend(bulk("passcode-", KeyCredentialKind::PinCode).await?);
    let alone = in_outage(None, false).await?;
    let extra = in_outage(Some(RetryPolicy::default()), false).await? - alone;
    let guarded = in_outage(Some(RetryPolicy::default()), true).await?;
    figures.extend([
        Figure::one("limits/outage-bare", "200 issues in an outage, no layers: requests", alone, "requests"),
        Figure::one("limits/outage-extra", "the same with retries: extra requests", extra, "requests")
            .hold(Hold::AtMost(MOST_EXTRA)),
        Figure::one("limits/outage-circuit", "with the circuit too: requests in all", guarded, "requests"),
    ]);
    Ok(figures)
}
