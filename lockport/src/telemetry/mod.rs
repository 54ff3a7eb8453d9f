//! What can be seen of this layer from outside: metrics, spans and log fields. Every name stands once, in [`catalog`]; the table
//! made from it is `docs/telemetry.md`.
//!
//! Nothing here is global. The host lends a [`Metrics`]; without one nothing is counted. The feature `metrics` brings a ready
//! one, [`Registry`], which a Prometheus can scrape; the feature `trace` brings spans and log events through `tracing`.

pub mod catalog;
mod log;
mod recorder;
#[cfg(feature = "metrics")]
mod registry;

pub use self::catalog::{
    Counter, Ended, Gauge, Happening, Histogram, Label, LogFields, Saga, Severity, UseCase, WebhookKind,
};
pub(crate) use self::log::Line;
pub use self::recorder::{Labels, Metrics, NoMetrics, Value};
pub(crate) use self::recorder::{Mark, Meter};
#[cfg(feature = "metrics")]
pub use self::registry::{Registry, RegistryError};
