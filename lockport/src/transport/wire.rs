//! What goes over the wire, as far as it may be told: never a query, a header's value or a body.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::env::{Env, HttpMethod, HttpRequest, HttpResponse, HttpTransport, TransportError};
use crate::validity::Timestamp;

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireRecord {
    /// The method.
    pub method: HttpMethod,
    /// Scheme, host, port and path: no user, no query, no fragment.
    pub url: String,
    /// The names of the headers the driver set.
    pub headers: Vec<&'static str>,
    /// The bytes of the request's body.
    pub sent: usize,
    /// The bytes of the answer's body.
    pub received: usize,
    /// How it ended.
    pub outcome: WireOutcome,
    /// How long it took.
    pub took: Duration,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireOutcome {
    /// With an answer of this status.
    Answered(u16),
    /// Without an answer.
    Failed(TransportError),
    /// The caller did not wait for the end.
    Abandoned,
}

/// Where the host keeps its wire log. It must not block.
pub trait WireSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one record.
    fn record(&self, record: WireRecord);
}

/// Tells the sink of every exchange.
#[derive(Debug)]
pub struct WireLog {
    inner: Arc<dyn HttpTransport>,
    sink: Arc<dyn WireSink>,
    env: Env,
}

impl WireLog {
    /// Around this transport.
    #[must_use]
    pub const fn new(inner: Arc<dyn HttpTransport>, sink: Arc<dyn WireSink>, env: Env) -> Self {
        Self { inner, sink, env }
    }
}

/// The address without what may hold a secret.
fn scrubbed(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// An exchange under way, told on drop: also when its caller went away.
struct Exchange<'a> {
    log: &'a WireLog,
    begin: Timestamp,
    record: WireRecord,
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.record.took = self.log.env.since(self.begin);
        self.log.sink.record(self.record.clone());
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HttpTransport for WireLog {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let record = WireRecord {
            method: request.method,
            url: scrubbed(&request.url),
            headers: request.headers.iter().map(|(name, _)| *name).collect(),
            // EXPOSE: its length alone.
            sent: request.body.as_ref().map_or(0, |body| body.expose().len()),
            received: 0,
            outcome: WireOutcome::Abandoned,
            took: Duration::ZERO,
        };
        let mut exchange = Exchange { log: self, begin: self.env.now(), record };
        let result = self.inner.send(request).await;
        match &result {
            Ok(response) => {
                // EXPOSE: its length alone.
                exchange.record.received = response.body.expose().len();
                exchange.record.outcome = WireOutcome::Answered(response.status);
            }
            Err(error) => exchange.record.outcome = WireOutcome::Failed(*error),
        }
        result
    }
}
