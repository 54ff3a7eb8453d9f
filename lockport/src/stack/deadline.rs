//! The deadline: every call ends, whatever the vendor does. How long it may take follows from the driver's latency class.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::call::{Call, layered};
use crate::env::{Env, Priority};
use crate::error::{FailureReason, LockError, Operation, RetryAdvice};
use crate::port::{AdapterDescriptor, SharedLockPort};

/// How long a call may take: its latency class's deadline, or a figure of the host's where that is less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceiling(pub(super) Option<Duration>);

impl Ceiling {
    pub(super) fn of(self, call: &Call<'_>, descriptor: &AdapterDescriptor) -> Duration {
        let class = match call {
            Call::Issue(input) => descriptor.latency.of_issue(&input.preferred_kinds),
            call => descriptor.latency.of(call.operation()),
        };
        let class = class.deadline();
        self.0.map_or(class, |ceiling| ceiling.min(class))
    }
}

/// Ends a call that takes too long. What it had begun is settled by calling again with the same key. Around the retries it is
/// the deadline of the call, within them the time-out of each attempt.
#[derive(Debug)]
pub struct DeadlineLayer {
    inner: SharedLockPort,
    descriptor: AdapterDescriptor,
    ceiling: Ceiling,
    message: &'static str,
    env: Env,
}

impl DeadlineLayer {
    /// The deadline of whole calls of this port: its latency class's, and at most `ceiling`.
    #[must_use]
    pub fn new(inner: SharedLockPort, ceiling: Option<Duration>, env: Env) -> Self {
        let (descriptor, message) = (inner.describe_adapter(), "the call did not end by its deadline");
        Self { inner, descriptor, ceiling: Ceiling(ceiling), message, env }
    }

    /// The time-out of each attempt: its latency class's, and at most `ceiling`.
    #[must_use]
    pub fn per_attempt(inner: SharedLockPort, ceiling: Duration, env: Env) -> Self {
        Self { message: "the attempt did not end in time", ..Self::new(inner, Some(ceiling), env) }
    }

    fn look(&self, call: &Call<'_>) -> (Operation, Duration) {
        (call.operation(), self.ceiling.of(call, &self.descriptor))
    }

    async fn around<T, F>(
        &self,
        (operation, limit): (Operation, Duration),
        call: impl FnOnce() -> F,
    ) -> Result<T, LockError>
    where
        F: Future<Output = Result<T, LockError>>,
    {
        let end = self.env.sleep.sleep(limit);
        let call = Priority::of(operation).scope(call());
        match select(std::pin::pin!(call), end).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                let error =
                    LockError::unreachable(FailureReason::Timeout, RetryAdvice::OutcomeUnknown, self.message);
                Err(error.during(operation, &self.descriptor.vendor))
            }
        }
    }
}

layered!(DeadlineLayer, once);
