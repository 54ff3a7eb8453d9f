//! Drivers that mistake what they hear while a card is written.

use async_trait::async_trait;
use lockport::driver::{
    Answer, Attempt, GrantOrder, Granted, Held, VendorDriver as _, Withdrawal, Withdrawn,
};
use lockport::{FailureReason, LockError, RetryAdvice};
use lockport_mock::{MockDriver, Personality};

use super::drivers::{as_ordered, gone};
use super::{BendDriver, Saboteur, with_driver};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "takes what was cut for done",
        on: Personality::Card,
        caught_by: &["CARD-006", "CARD-007", "CARD-008"],
        build: |bench, seed| with_driver(bench, seed, CutIsDone(|_| true)),
    },
    Saboteur {
        name: "does not read back what it wrote",
        on: Personality::Card,
        caught_by: &["CARD-009"],
        build: |bench, seed| {
            with_driver(bench, seed, CutIsDone(|reason| reason == FailureReason::VerifyFailed))
        },
    },
];

/// Takes what is not known to be done for done, where it ends for such a reason.
#[derive(Debug)]
struct CutIsDone(fn(FailureReason) -> bool);

impl CutIsDone {
    fn or<T>(&self, answer: Result<T, LockError>, done: T) -> Result<T, LockError> {
        let is_deaf =
            |error: &LockError| (self.0)(error.reason()) && error.advice() == RetryAdvice::OutcomeUnknown;
        answer.or_else(|error| if is_deaf(&error) { Ok(done) } else { Err(error) })
    }
}

#[async_trait]
impl BendDriver for CutIsDone {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.or(inner.grant(order, attempt).await, as_ordered(order))
    }

    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.or(inner.amend(held, target, attempt).await, as_ordered(target))
    }

    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.or(inner.withdraw(withdrawal, attempt).await, gone())
    }
}
