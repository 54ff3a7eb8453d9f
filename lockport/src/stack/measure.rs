//! Counts every attempt of a call and how long it took (R197).

use std::sync::Arc;

use super::call::{Call, Reply, layered, outcome_of};
use crate::audit::Outcome;
use crate::credential::VendorCode;
use crate::env::Env;
use crate::error::{LockError, Operation};
use crate::port::SharedLockPort;
use crate::store::Partition;
use crate::telemetry::{Counter, Ended, Histogram, Label, Meter, Metrics, Value};
use crate::validity::Timestamp;

/// Counts what reaches the adapter: each attempt, how it ended, how long it took.
#[derive(Debug)]
pub struct MetricsLayer {
    inner: SharedLockPort,
    meter: Meter,
    vendor: VendorCode,
    env: Env,
}

impl MetricsLayer {
    /// Around this port of this property.
    #[must_use]
    pub fn new(inner: SharedLockPort, partition: Partition, metrics: Arc<dyn Metrics>, env: Env) -> Self {
        let vendor = inner.describe_adapter().vendor;
        Self { inner, meter: Meter::new(metrics, partition), vendor, env }
    }

    fn look(&self, call: &Call<'_>) -> Operation {
        call.operation()
    }

    async fn around<T, F>(&self, operation: Operation, call: impl FnOnce() -> F) -> Result<T, LockError>
    where
        T: Reply,
        F: Future<Output = Result<T, LockError>>,
    {
        // A call whose caller went away is settled by the next one with its key.
        let mut run = Run { layer: self, operation, begin: self.env.now(), ended: Ended::Deferred };
        let result = call().await;
        run.ended = match outcome_of(&result) {
            Outcome::Error => Ended::Error,
            Outcome::Deferred | Outcome::Abandoned => Ended::Deferred,
            _ => Ended::Ok,
        };
        result
    }
}

/// A call on its way; counted when it ends, also when it is dropped.
struct Run<'a> {
    layer: &'a MetricsLayer,
    operation: Operation,
    begin: Timestamp,
    ended: Ended,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let MetricsLayer { meter, vendor, env, .. } = self.layer;
        let (vendor, operation) = (Value::Vendor(vendor), Value::Word(self.operation.as_str()));
        let labels = [
            (Label::Vendor, vendor),
            (Label::Operation, operation),
            (Label::Outcome, Value::Word(self.ended.as_str())),
        ];
        meter.add(Counter::VendorCalls, &labels);
        meter.observe(Histogram::VendorCallDuration, &labels, env.since(self.begin).as_secs_f64());
    }
}

layered!(MetricsLayer, once);
