//! What a host lends: time, waiting, a stopwatch, sinks that keep nothing, a key that hides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{Env, KeyWrap, ManualClock, OsEntropy, SecretError, SeededEntropy, Sleep, SystemClock};
use lockport::stack::{AuditRecord, AuditSink};
use lockport::transport::{WireRecord, WireSink};

/// Waits on the runtime's timer, as a real host does.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeSleep;

#[async_trait]
impl Sleep for RuntimeSleep {
    #[expect(clippy::disallowed_methods, reason = "this is the host's own implementation of `env::Sleep`")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The environment of a real host.
#[must_use]
pub fn real_env() -> Env {
    Env { clock: Arc::new(SystemClock), sleep: Arc::new(RuntimeSleep), entropy: Arc::new(OsEntropy) }
}

/// An environment in which every run is the same.
#[must_use]
pub fn still_env(clock: &Arc<ManualClock>) -> Env {
    Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) }
}

/// How long something took.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins.
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time, and nothing is decided by it")]
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Ends.
    #[must_use]
    pub fn micros(self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e6
    }
}

/// The processor time of this thread so far, in microseconds, where the system tells it.
#[must_use]
pub fn thread_cpu_micros() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = text.split(' ').next()?.parse().ok()?;
    Some(nanos as f64 / 1e3)
}

/// Counts what it is told, and keeps nothing of it.
#[derive(Debug, Default)]
pub struct Counted(AtomicU64);

#[async_trait]
impl AuditSink for Counted {
    async fn record(&self, _: AuditRecord) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self, _: AuditRecord) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl WireSink for Counted {
    fn record(&self, _: WireRecord) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A wrapping that hides nothing from anybody who looks twice: what a bench keeps opens no real door.
#[derive(Debug)]
pub struct Turned;

fn turned(key: &[u8]) -> Vec<u8> {
    key.iter().map(|byte| !byte).collect()
}

#[async_trait]
impl KeyWrap for Turned {
    fn current_key(&self) -> String {
        "turned".to_owned()
    }

    async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
        // EXPOSE: the key of a bench's own file.
        Ok(turned(data_key.expose()))
    }

    async fn unwrap(&self, _key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
        Ok(Secret::new(turned(wrapped)))
    }
}
