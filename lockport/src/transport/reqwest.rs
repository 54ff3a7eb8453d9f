//! HTTP by `reqwest`: once, without redirect, retry, proxy or decompression of its own choosing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::env::{HttpMethod, HttpRequest, HttpResponse, HttpTransport, MAX_HTTP_BODY, TransportError};
use crate::secret::Secret;
use crate::validity::Timestamp;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system: for a vendor's public cloud.
    #[default]
    Platform,
    /// These alone, in DER: for a connector on site with an authority of its own. None at all suits a simulator without TLS.
    Only(Vec<Vec<u8>>),
}

/// How to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransportConfig {
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self { roots: Roots::default(), connect_timeout: CONNECT_TIMEOUT }
    }
}

impl TransportConfig {
    /// With these roots.
    #[must_use]
    pub fn with_roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }
}

/// The configuration does not make a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportConfigError {
    /// A root certificate cannot be read.
    #[error("a root certificate cannot be read")]
    Root,
    /// TLS or the client could not be set up.
    #[error("the TLS client could not be set up")]
    Client,
}

/// An HTTP client with connections it keeps.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// # Errors
    /// [`TransportConfigError`] when the roots cannot be read or TLS cannot be set up.
    pub fn new(config: &TransportConfig) -> Result<Self, TransportConfigError> {
        // An explicit provider: a process-wide default belongs to the application, not to a library.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TransportConfigError::Client)?;
        let tls = match &config.roots {
            Roots::Platform => tls.with_platform_verifier().map_err(|_| TransportConfigError::Client)?,
            Roots::Only(certificates) => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in certificates {
                    roots.add(certificate.clone().into()).map_err(|_| TransportConfigError::Root)?;
                }
                tls.with_root_certificates(roots)
            }
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.with_no_client_auth())
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|_| TransportConfigError::Client)?;
        Ok(Self { client })
    }
}

/// Whether the request can have left this machine.
fn classify(error: &reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent
    } else if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Lost
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

/// Seconds, or a date counted from the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    then.signed_duration_since(date(headers)?).to_std().ok()
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Post => reqwest::Method::POST,
            HttpMethod::Put => reqwest::Method::PUT,
            HttpMethod::Patch => reqwest::Method::PATCH,
            HttpMethod::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client.request(method, &request.url).timeout(request.timeout);
        for (name, value) in &request.headers {
            // EXPOSE: a header on its way out, marked so that no client logs it.
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| TransportError::NotSent)?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        if let Some(body) = &request.body {
            // EXPOSE: the body on its way out.
            builder = builder.body(body.expose().clone());
        }
        let mut response = builder.send().await.map_err(|error| classify(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        // The request is out and has its answer begun: whatever breaks from here on is no longer "not sent".
        let broken = |error: reqwest::Error| {
            if error.is_timeout() { TransportError::TimedOut } else { TransportError::Lost }
        };
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len().saturating_add(chunk.len()) > MAX_HTTP_BODY {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status,
            date: date(&headers),
            retry_after: retry_after(&headers),
            body: Secret::new(body),
        })
    }
}
