//! What the host lends to have things counted.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::catalog::{Counter, Gauge, Histogram, Label};
use crate::credential::VendorCode;
use crate::property::AdapterBinding;
use crate::store::Partition;

/// What counts. One value may serve many properties and many threads; it neither waits nor fails.
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// So many more.
    fn add(&self, counter: Counter, labels: &Labels<'_>, more: u64);

    /// So much now.
    fn set(&self, gauge: Gauge, labels: &Labels<'_>, now: f64);

    /// Once more, and so much of it.
    fn observe(&self, histogram: Histogram, labels: &Labels<'_>, much: f64);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn add(&self, _: Counter, _: &Labels<'_>, _: u64) {}
    fn set(&self, _: Gauge, _: &Labels<'_>, _: f64) {}
    fn observe(&self, _: Histogram, _: &Labels<'_>, _: f64) {}
}

/// The value of a label. There is none that could name a guest, a stay or a key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A word that stands in a program.
    Word(&'static str),
    /// A vendor.
    Vendor(&'a VendorCode),
    /// An adapter, as the property names it.
    Adapter(&'a AdapterBinding),
}

impl<'a> Value<'a> {
    fn as_str(self) -> &'a str {
        match self {
            Self::Word(word) => word,
            Self::Vendor(vendor) => vendor.as_str(),
            Self::Adapter(binding) => binding.name.as_str(),
        }
    }
}

/// The labels of one series.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    partition: Partition,
    values: &'a [(Label, Value<'a>)],
}

impl<'a> Labels<'a> {
    /// Of this tenant and property, with these beside. A metric shows those that its table names.
    #[must_use]
    pub const fn new(partition: Partition, values: &'a [(Label, Value<'a>)]) -> Self {
        Self { partition, values }
    }

    /// The value of a label, empty where nobody gave one.
    #[must_use]
    pub fn value(&self, label: Label) -> Cow<'a, str> {
        match label {
            Label::Tenant => self.partition.tenant.to_string().into(),
            Label::Property => self.partition.property.to_string().into(),
            _ => {
                let found = self.values.iter().find(|(of, _)| *of == label);
                found.map_or("", |(_, value)| value.as_str()).into()
            }
        }
    }
}

/// A [`Metrics`] for one property.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    metrics: Arc<dyn Metrics>,
    partition: Partition,
}

impl Meter {
    pub(crate) fn new(metrics: Arc<dyn Metrics>, partition: Partition) -> Self {
        Self { metrics, partition }
    }

    pub(crate) fn add(&self, counter: Counter, values: &[(Label, Value<'_>)]) {
        self.metrics.add(counter, &Labels::new(self.partition, values), 1);
    }

    pub(crate) fn set(&self, gauge: Gauge, values: &[(Label, Value<'_>)], now: f64) {
        self.metrics.set(gauge, &Labels::new(self.partition, values), now);
    }

    pub(crate) fn observe(&self, histogram: Histogram, values: &[(Label, Value<'_>)], much: f64) {
        self.metrics.observe(histogram, &Labels::new(self.partition, values), much);
    }
}

/// What is counted once something is written.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) meter: Meter,
    pub(crate) counter: Counter,
    pub(crate) words: Vec<(Label, &'static str)>,
    pub(crate) vendor: Option<VendorCode>,
    pub(crate) took: Option<(Histogram, f64)>,
}

impl Mark {
    pub(crate) fn new(meter: &Meter, counter: Counter, words: Vec<(Label, &'static str)>) -> Self {
        Self { meter: meter.clone(), counter, words, vendor: None, took: None }
    }

    pub(crate) fn publish(self) {
        let mut labels: Vec<_> = self.words.iter().map(|(label, word)| (*label, Value::Word(word))).collect();
        labels.extend(self.vendor.as_ref().map(|vendor| (Label::Vendor, Value::Vendor(vendor))));
        self.meter.add(self.counter, &labels);
        if let Some((histogram, took)) = self.took {
            self.meter.observe(histogram, &labels, took);
        }
    }
}
