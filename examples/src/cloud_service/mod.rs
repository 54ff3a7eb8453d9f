//! A cloud service around [`KeyService`](lockport::keys::KeyService): events come in over HTTP, a loop calls `tick` when something is due or has come in,
//! what is told goes to the bus, and a stop leaves nothing half done.
//!
//! A vendor's webhook is told from anybody else's call by a secret in its path; otherwise nothing here asks who calls: a real
//! service has its own authentication before these routes, and checks a signature where its vendor signs.

mod routes;

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lockport::env::Env;
use lockport::event::Envelope;
use lockport::{LockError, Secret, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

pub use self::routes::router;
use crate::host::Wired;

/// Events taken from the outbox at once.
const BATCH: usize = 64;

/// When to come again after the store or the bus was away.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// However much is due, others have their turn in between.
const AT_LEAST: Duration = Duration::from_millis(20);

/// The bus. An event may be published more than once; whoever listens knows it by its id.
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync {
    /// Publishes an event.
    ///
    /// # Errors
    /// When the bus is away: the event is offered again.
    async fn publish(&self, event: &Envelope) -> io::Result<()>;
}

/// What the service counts.
#[derive(Debug, Default)]
pub struct Counts {
    ticks: AtomicU64,
    failed_ticks: AtomicU64,
    delivered: AtomicU64,
    refused: AtomicU64,
    published: AtomicU64,
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The service while it runs.
#[derive(Debug)]
pub struct Service {
    wired: Wired,
    env: Env,
    bus: Arc<dyn Bus>,
    /// Something came in: there is work before the next wake.
    nudge: Notify,
    counts: Counts,
    is_well: watch::Sender<bool>,
    /// What the path of each adapter's webhook ends with.
    webhooks: BTreeMap<String, Secret>,
}

impl Service {
    /// A service over what the host has wired, publishing there.
    #[must_use]
    pub fn new(wired: Wired, env: Env, bus: Arc<dyn Bus>) -> Self {
        let (is_well, _) = watch::channel(true);
        let (nudge, counts, webhooks) = (Notify::new(), Counts::default(), BTreeMap::new());
        Self { wired, env, bus, nudge, counts, is_well, webhooks }
    }

    /// With a webhook for this adapter: its vendor is told an address that ends with this secret, and nobody else is.
    #[must_use]
    pub fn with_webhook(mut self, adapter: &str, secret: Secret) -> Self {
        self.webhooks.insert(adapter.to_owned(), secret);
        self
    }

    /// What it serves.
    #[must_use]
    pub const fn wired(&self) -> &Wired {
        &self.wired
    }

    /// Does what is due and publishes what is to be told; when to come again.
    async fn work(&self) -> Option<Timestamp> {
        let done = self.try_work().await;
        add_one(&self.counts.ticks);
        self.is_well.send_replace(done.is_ok());
        done.unwrap_or_else(|_| {
            // The store or the bus is away. Nothing is lost: what is due is due still.
            add_one(&self.counts.failed_ticks);
            self.env.now().checked_add_signed(chrono::TimeDelta::from_std(AFTER_TROUBLE).unwrap_or_default())
        })
    }

    async fn try_work(&self) -> Result<Option<Timestamp>, Trouble> {
        let wake = self.wired.keys.tick().await?;
        loop {
            let waiting = self.wired.keys.drain(BATCH).await?;
            if waiting.is_empty() {
                return Ok(wake);
            }
            for event in waiting {
                // Published first and marked afterwards: whoever dies in between publishes it twice, and nobody misses it.
                self.bus.publish(event.event()).await?;
                self.wired.keys.delivered(event).await?;
                add_one(&self.counts.published);
            }
        }
    }

    async fn sleep_until(&self, wake: Option<Timestamp>) {
        match wake {
            Some(wake) => {
                let left = wake.signed_duration_since(self.env.now()).to_std().unwrap_or_default();
                self.env.sleep.sleep(left.max(AT_LEAST)).await;
            }
            None => pending().await,
        }
    }
}

/// Why a round of work was not finished.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Desk(#[from] LockError),
    #[error(transparent)]
    Bus(#[from] io::Error),
}

/// Serves until `stop`. Then no request is taken any more, those that are being answered are answered, the tick that runs comes to
/// its end, and what it has to tell is published.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (is_over, over) = watch::channel(false);
    let pump = tokio::spawn(pump(service.clone(), over));
    axum::serve(listener, router(service)).with_graceful_shutdown(stop).await?;
    is_over.send_replace(true);
    pump.await.map_err(io::Error::other)
}

/// The loop that calls `tick`. A tick is never dropped here; whoever does drop one leaves what it was about to the next.
async fn pump(service: Arc<Service>, mut over: watch::Receiver<bool>) {
    loop {
        let is_last = *over.borrow_and_update();
        let wake = service.work().await;
        if is_last {
            return;
        }
        tokio::select! {
            () = service.sleep_until(wake) => {}
            () = service.nudge.notified() => {}
            _ = over.changed() => {}
        }
    }
}
