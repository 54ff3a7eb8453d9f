//! A ready [`Metrics`]: kept in memory, told in the text format that a Prometheus scrapes.

use std::borrow::Cow;

use prometheus::core::Collector;
use prometheus::{Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, TextEncoder};

use super::catalog::{Counter, Gauge, Histogram, Spec};
use super::recorder::{Labels, Metrics};

/// The registry could not be made, or could not tell what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metrics cannot be registered or written")]
pub struct RegistryError;

/// Keeps every metric of the [`catalog`](super::catalog). One for a process: properties and tenants are labels. A metric that
/// nobody has fed is not told.
#[derive(Debug)]
pub struct Registry {
    registry: prometheus::Registry,
    counters: Vec<IntCounterVec>,
    histograms: Vec<HistogramVec>,
    gauges: Vec<GaugeVec>,
}

impl Registry {
    /// Empty.
    ///
    /// # Errors
    /// [`RegistryError`] when two metrics had one name.
    pub fn new() -> Result<Self, RegistryError> {
        let registry = prometheus::Registry::new();
        let keep = |of: Box<dyn Collector>| registry.register(of).map_err(|_| RegistryError);
        let mut counters = Vec::with_capacity(Counter::ALL.len());
        for spec in Counter::ALL.iter().map(|metric| metric.spec()) {
            let counter = IntCounterVec::new(Opts::new(spec.name, spec.help), &names(&spec));
            counters.push(counter.map_err(|_| RegistryError)?);
        }
        let mut histograms = Vec::with_capacity(Histogram::ALL.len());
        for spec in Histogram::ALL.iter().map(|metric| metric.spec()) {
            let options = HistogramOpts::new(spec.name, spec.help).buckets(spec.buckets.to_vec());
            histograms.push(HistogramVec::new(options, &names(&spec)).map_err(|_| RegistryError)?);
        }
        let mut gauges = Vec::with_capacity(Gauge::ALL.len());
        for spec in Gauge::ALL.iter().map(|metric| metric.spec()) {
            let gauge = GaugeVec::new(Opts::new(spec.name, spec.help), &names(&spec));
            gauges.push(gauge.map_err(|_| RegistryError)?);
        }
        counters.iter().try_for_each(|of| keep(Box::new(of.clone())))?;
        histograms.iter().try_for_each(|of| keep(Box::new(of.clone())))?;
        gauges.iter().try_for_each(|of| keep(Box::new(of.clone())))?;
        Ok(Self { registry, counters, histograms, gauges })
    }

    /// All there is, in the text format (version 0.0.4): what the host answers a scrape with, as `text/plain; version=0.0.4`.
    ///
    /// # Errors
    /// [`RegistryError`] when it cannot be written.
    pub fn expose(&self) -> Result<String, RegistryError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text).map_err(|_| RegistryError)?;
        String::from_utf8(text).map_err(|_| RegistryError)
    }
}

fn names(spec: &Spec) -> Vec<&'static str> {
    spec.labels.iter().map(|label| label.as_str()).collect()
}

fn values<'a>(spec: &Spec, labels: &Labels<'a>) -> Vec<Cow<'a, str>> {
    spec.labels.iter().map(|label| labels.value(*label)).collect()
}

// The numbers of names and of values come from one table: a series can always be had.
impl Metrics for Registry {
    fn add(&self, counter: Counter, labels: &Labels<'_>, more: u64) {
        let of = self.counters.get(counter as usize);
        let series = of.map(|of| of.get_metric_with_label_values(&values(&counter.spec(), labels)));
        if let Some(Ok(series)) = series {
            series.inc_by(more);
        }
    }

    fn set(&self, gauge: Gauge, labels: &Labels<'_>, now: f64) {
        let of = self.gauges.get(gauge as usize);
        let series = of.map(|of| of.get_metric_with_label_values(&values(&gauge.spec(), labels)));
        if let Some(Ok(series)) = series {
            series.set(now);
        }
    }

    fn observe(&self, histogram: Histogram, labels: &Labels<'_>, much: f64) {
        let of = self.histograms.get(histogram as usize);
        let series = of.map(|of| of.get_metric_with_label_values(&values(&histogram.spec(), labels)));
        if let Some(Ok(series)) = series {
            series.observe(much);
        }
    }
}
