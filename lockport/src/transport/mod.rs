//! Transports: what carries a driver's bytes, and the layers around it, in the one order that means what it says: rate limit >
//! circuit breaker > wire log. See `docs/decisions/0008-layers.md`.

mod breaker;
mod limit;
#[cfg(feature = "reqwest")]
mod reqwest;
mod wire;

use std::sync::Arc;

pub use self::breaker::{Circuit, CircuitBreaker, CircuitPolicy, CircuitState, WINDOW as CIRCUIT_WINDOW};
pub use self::limit::{Limits, Quota, RateLimit};
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, Roots, TransportConfig, TransportConfigError};
pub use self::wire::{WireLog, WireOutcome, WireRecord, WireSink};
use crate::env::{Env, HttpTransport};

/// Puts the layers around a transport; in which order they are named changes nothing.
///
/// The limit is outermost because it makes requests wait, and whoever has waited is to meet the circuit as it is then. The log is
/// innermost because it tells what was sent, not what was wanted.
#[derive(Debug)]
pub struct TransportStack {
    transport: Arc<dyn HttpTransport>,
    env: Env,
    limits: Option<Limits>,
    circuit: Option<Circuit>,
    sink: Option<Arc<dyn WireSink>>,
}

impl TransportStack {
    /// Around this transport.
    #[must_use]
    pub const fn new(transport: Arc<dyn HttpTransport>, env: Env) -> Self {
        Self { transport, env, limits: None, circuit: None, sink: None }
    }

    /// With a vendor's quota, shared with every other transport that has the same handle.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// With a circuit, shared with every other transport that has the same handle.
    #[must_use]
    pub fn circuit(mut self, circuit: Circuit) -> Self {
        self.circuit = Some(circuit);
        self
    }

    /// With a log of what goes over the wire.
    #[must_use]
    pub fn log(mut self, sink: Arc<dyn WireSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The whole stack.
    #[must_use]
    pub fn build(self) -> Arc<dyn HttpTransport> {
        let Self { mut transport, env, .. } = self;
        if let Some(sink) = self.sink {
            transport = Arc::new(WireLog::new(transport, sink, env.clone()));
        }
        if let Some(circuit) = self.circuit {
            transport = Arc::new(CircuitBreaker::new(transport, circuit, env.clone()));
        }
        if let Some(limits) = self.limits {
            transport = Arc::new(RateLimit::new(transport, limits, env));
        }
        transport
    }
}
