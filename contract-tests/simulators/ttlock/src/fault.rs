//! Faults on order: a queue that test code fills and requests use up.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Which requests a fault waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnCall {
    /// Whatever comes next.
    Any,
    /// Requests whose path ends with this, such as `/v3/key/send`.
    Path(String),
}

impl OnCall {
    /// Requests whose path ends with `suffix`.
    #[must_use]
    pub fn path(suffix: &str) -> Self {
        Self::Path(suffix.into())
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Path(suffix) => path.ends_with(suffix.as_str()),
        }
    }
}

/// How long an answer is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until [`Faults::release`].
    UntilReleased,
    /// For this much real time, or until [`Faults::release`]. Needs a runtime with its timer on.
    RealMs(u64),
}

/// What happens to a request that a fault catches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Answered with this vendor error number; nothing applied. 30006 plays a throttle.
    Refuse(i64),
    /// The edge answers with this HTTP status and no JSON; nothing applied.
    HttpStatus(u16),
    /// The connection closes unanswered; nothing applied.
    DropBefore,
    /// Applied, then the connection closes unanswered.
    DropAfter,
    /// The connection closes unanswered; the effect lands once the simulated clock is `ms` further. The
    /// caller's token and `date` are judged on arrival, the operation itself when it lands.
    LateEffect {
        /// Simulated milliseconds from arrival to effect.
        ms: i64,
    },
    /// Applied at once; the answer is held back.
    Delay(Hold),
    /// Applied; the answer is HTTP 200 with JSON that breaks off.
    MalformedBody,
    /// Every access token dies, then the request is handled as usual.
    ExpireTokens,
    /// A command that travels to a lock: the lock does it, its answer is lost on the way back, and the cloud
    /// answers 1. Other calls are handled as usual.
    LockAnswerLost,
    /// A command that travels to a lock: the gateway says it was done, the lock never heard of it. Questions
    /// to a lock answer 1; other calls are handled as usual.
    HollowSuccess,
}

/// One entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which requests it waits for.
    pub on: OnCall,
    /// How many of them it catches before it is used up.
    pub times: u32,
    /// What it does to them.
    pub what: What,
}

impl Fault {
    /// A fault for the next request to a path.
    #[must_use]
    pub fn once(path_suffix: &str, what: What) -> Self {
        Self { on: OnCall::path(path_suffix), times: 1, what }
    }
}

/// What the queue has in store for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    Nothing,
    Outage,
    Fault(What),
}

#[derive(Debug, Default)]
struct Orders {
    queue: VecDeque<Fault>,
    outage_until_ms: Option<i64>,
}

/// The faults of a running simulation.
#[derive(Debug)]
pub struct Faults {
    orders: Mutex<Orders>,
    releases: watch::Sender<u64>,
    held: watch::Sender<usize>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { orders: Mutex::default(), releases: watch::Sender::new(0), held: watch::Sender::new(0) }
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault at the end of the queue. A request is caught by the first fault that waits for it.
    pub fn push(&self, fault: Fault) {
        self.orders().queue.push_back(fault);
    }

    /// Until the simulated clock reaches `until_ms`, every connection closes unanswered. Doors go on working.
    pub fn outage(&self, until_ms: i64) {
        self.orders().outage_until_ms = Some(until_ms);
    }

    /// Forgets all queued faults and ends an outage.
    pub fn clear(&self) {
        *self.orders() = Orders::default();
    }

    /// How many requests the queued faults still wait for.
    #[must_use]
    pub fn pending(&self) -> u32 {
        self.orders().queue.iter().map(|fault| fault.times).sum()
    }

    /// Lets every answer go that is held back now.
    pub fn release(&self) {
        self.releases.send_modify(|generation| *generation += 1);
    }

    /// Waits until at least `count` answers are held back.
    pub async fn wait_held(&self, count: usize) {
        let mut held = self.held.subscribe();
        // The sender lives as long as `self`, so the wait cannot end by its loss.
        let _reached = held.wait_for(|held| *held >= count).await;
    }

    pub(crate) fn strike(&self, path: &str, now_ms: i64) -> Strike {
        let mut orders = self.orders();
        if orders.outage_until_ms.is_some_and(|until| now_ms < until) {
            return Strike::Outage;
        }
        let Some(fault) = orders.queue.iter_mut().find(|fault| fault.times > 0 && fault.on.matches(path))
        else {
            return Strike::Nothing;
        };
        fault.times -= 1;
        let what = fault.what;
        orders.queue.retain(|fault| fault.times > 0);
        Strike::Fault(what)
    }

    pub(crate) async fn hold(&self, hold: Hold) {
        let mut releases = self.releases.subscribe();
        let _counted = Held::count(&self.held);
        match hold {
            Hold::UntilReleased => {
                let _released = releases.changed().await;
            }
            Hold::RealMs(ms) => {
                let _over =
                    tokio::time::timeout(std::time::Duration::from_millis(ms), releases.changed()).await;
            }
        }
    }
}

/// Counts one held answer, also when its caller hangs up in between.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn count(held: &'a watch::Sender<usize>) -> Self {
        held.send_modify(|count| *count += 1);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
