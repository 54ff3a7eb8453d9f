//! Calls that got no answer and land late.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{Answer, Attempt, GrantOrder, Held, Job, Journal, VendorDriver, Verb, Withdrawal};
use lockport::env::{Clock as _, HttpRequest, HttpTransport, ManualClock};
use lockport::{LockError, Secret, Timestamp};

use super::ring::Ring;

/// A call, owned, with everything that it was sent with.
pub(crate) enum Errand {
    Grant(Sent, GrantOrder),
    Amend(Sent, Box<Held>, GrantOrder),
    Withdraw(Sent, Box<Withdrawal>),
    Request(Arc<dyn HttpTransport>, HttpRequest),
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").finish_non_exhaustive()
    }
}

/// Through what a call of a driver goes, and as which try.
pub(crate) struct Sent {
    driver: Arc<dyn VendorDriver>,
    call_key: String,
    resend: bool,
    noted: Option<String>,
    job: Option<(Verb, Secret)>,
}

impl Sent {
    pub(crate) fn new(driver: &Arc<dyn VendorDriver>, attempt: &Attempt<'_>) -> Self {
        let Attempt { call_key, resend, noted, job, .. } = *attempt;
        let (call_key, noted) = (call_key.to_owned(), noted.map(str::to_owned));
        let job = job.map(|job| (job.verb, job.reference.clone()));
        Self { driver: Arc::clone(driver), call_key, resend, noted, job }
    }

    pub(crate) fn having_noted(self, note: String) -> Self {
        Self { noted: Some(note), ..self }
    }

    fn attempt(&self) -> Attempt<'_> {
        let Self { call_key, resend, noted, job, .. } = self;
        let job = job.as_ref().map(|(verb, reference)| Job { verb: *verb, reference });
        Attempt { resend: *resend, noted: noted.as_deref(), job, ..Attempt::first(call_key, &NobodyThere) }
    }
}

impl Errand {
    /// The kind of key that it is about, where it says.
    const fn kind(&self) -> Option<KeyCredentialKind> {
        match self {
            Self::Grant(_, order) | Self::Amend(_, _, order) => Some(order.kind),
            Self::Withdraw(_, withdrawal) => Some(withdrawal.held.order.kind),
            Self::Request(..) => None,
        }
    }

    pub(crate) fn request(through: Arc<dyn HttpTransport>, request: HttpRequest) -> Self {
        Self::Request(through, request)
    }

    async fn land(self, ring: &Ring) {
        let (order, answer) = match &self {
            Self::Grant(sent, order) => (order, sent.driver.grant(order, &sent.attempt()).await),
            Self::Amend(sent, held, order) => (order, sent.driver.amend(held, order, &sent.attempt()).await),
            Self::Withdraw(sent, withdrawal) => {
                let _unheard = sent.driver.withdraw(withdrawal, &sent.attempt()).await;
                return;
            }
            Self::Request(..) => return self.land_request().await,
        };
        // Nobody hears it; but what it made opens a door.
        if let Ok(Answer::Done(granted)) = answer {
            ring.add_text(order, granted.artifact.as_ref());
        }
    }

    async fn land_request(self) {
        if let Self::Request(transport, request) = self {
            let _unheard = transport.send(request).await;
        }
    }
}

/// The vendor's queue knows no journal of ours; what was to be noted was noted before the call was sent.
#[derive(Debug)]
struct NobodyThere;

#[async_trait]
impl Journal for NobodyThere {
    async fn write(&self, _note: &str) -> Result<(), LockError> {
        Ok(())
    }
}

/// The calls on their way.
#[derive(Debug)]
pub(crate) struct Late {
    clock: Arc<ManualClock>,
    latest: Duration,
    /// Kinds whose calls are never as late as that.
    sooner: Vec<(KeyCredentialKind, Duration)>,
    queue: Mutex<Vec<(Timestamp, Errand)>>,
}

impl Late {
    pub(crate) fn new(clock: Arc<ManualClock>, latest: Duration) -> Self {
        Self { clock, latest, sooner: Vec::new(), queue: Mutex::default() }
    }

    /// The same, with calls about this kind landing sooner.
    pub(crate) fn with_sooner(&self, kind: KeyCredentialKind, latest: Duration) -> Self {
        let sooner = self.sooner.iter().copied().chain([(kind, latest)]).collect();
        Self { clock: Arc::clone(&self.clock), latest: self.latest, sooner, queue: Mutex::default() }
    }

    fn queue(&self) -> MutexGuard<'_, Vec<(Timestamp, Errand)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call on its long way.
    pub(crate) fn post(&self, errand: Errand) {
        let sooner = self.sooner.iter().find(|(kind, _)| errand.kind() == Some(*kind));
        let latest = TimeDelta::from_std(sooner.map_or(self.latest, |(_, latest)| *latest)).ok();
        let lands = latest.and_then(|latest| self.clock.now().checked_add_signed(latest));
        self.queue().push((lands.unwrap_or(Timestamp::MAX_UTC), errand));
    }

    /// When the next one lands that lands by then.
    pub(crate) fn next_by(&self, then: Timestamp) -> Option<Timestamp> {
        self.queue().iter().map(|(lands, _)| *lands).filter(|lands| *lands <= then).min()
    }

    /// Lets everything land that is due.
    pub(crate) async fn land(&self, ring: &Ring) {
        let now = self.clock.now();
        let due: Vec<_> = self.queue().extract_if(.., |(lands, _)| *lands <= now).collect();
        for (_, errand) in due {
            errand.land(ring).await;
        }
    }
}
