//! Drivers that misread what the vendor said, or that it said nothing.

use std::time::Duration;

use async_trait::async_trait;
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, VendorDriver as _, Withdrawal,
    Withdrawn,
};
use lockport::{FailureReason, LockError, RetryAdvice};
use lockport_mock::{MockDriver, Personality};

use super::drivers::{as_ordered, gone};
use super::{BendDriver, Saboteur, with_driver};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "finds nothing, ever",
        on: Personality::PerDoor,
        caught_by: &["IDEM-003", "CANCEL-001", "RECOVER-001", "CAPA-004"],
        build: |bench, seed| with_driver(bench, seed, FindsNothing),
    },
    Saboteur {
        name: "takes a lost reply for a refusal before sending",
        on: Personality::PerDoor,
        caught_by: &["IDEM-003", "IDEM-004", "IDEM-005"],
        build: |bench, seed| with_driver(bench, seed, LostIsNotApplied),
    },
    Saboteur {
        name: "takes a lost call for done",
        on: Personality::PerDoor,
        caught_by: &["IDEM-004", "UPDATE-003", "REVOKE-004", "SUSPEND-003"],
        build: |bench, seed| with_driver(bench, seed, LostIsDone),
    },
    Saboteur {
        name: "believes that nothing lands late",
        on: Personality::PerDoor,
        caught_by: &["IDEM-005", "UPDATE-004", "REVOKE-005"],
        build: |bench, seed| with_driver(bench, seed, ClockBlind),
    },
    Saboteur {
        name: "takes an unknown code for success",
        on: Personality::PerDoor,
        caught_by: &["ERROR-001"],
        build: |bench, seed| with_driver(bench, seed, UnknownIsDone),
    },
    Saboteur {
        name: "takes an unknown code for a passing trouble",
        on: Personality::PerDoor,
        caught_by: &["ERROR-001"],
        build: |bench, seed| with_driver(bench, seed, UnknownIsTransient),
    },
    Saboteur {
        name: "takes a refusal for done",
        on: Personality::PerDoor,
        caught_by: &["UPDATE-005"],
        build: |bench, seed| with_driver(bench, seed, RefusedIsDone),
    },
    Saboteur {
        name: "takes a repeat for done",
        on: Personality::PerDoor,
        caught_by: &["CANCEL-002", "CANCEL-003", "CANCEL-004", "RECOVER-002", "RECOVER-003"],
        build: |bench, seed| with_driver(bench, seed, RepeatIsDone),
    },
    Saboteur {
        name: "has lost a row of its table of codes",
        on: Personality::PerDoor,
        caught_by: &["ERROR-002"],
        build: |bench, seed| with_driver(bench, seed, LostRow),
    },
];

#[derive(Debug)]
struct RefusedIsDone;

#[async_trait]
impl BendDriver for RefusedIsDone {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await;
        answer.or_else(|error| if error.is_retriable() { Err(error) } else { Ok(as_ordered(order)) })
    }
}

#[derive(Debug)]
struct RepeatIsDone;

#[async_trait]
impl BendDriver for RepeatIsDone {
    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if attempt.resend {
            return Ok(as_ordered(target));
        }
        inner.amend(held, target, attempt).await
    }

    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        if attempt.resend { Ok(gone()) } else { inner.withdraw(withdrawal, attempt).await }
    }
}

#[derive(Debug)]
pub(crate) struct LostRow;

#[async_trait]
impl BendDriver for LostRow {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, attempt).await.map_err(|error| match error.reason() {
            FailureReason::CapacityFull => {
                let reason = FailureReason::UnmappedVendorCode;
                LockError::new(error.code(), reason, error.advice(), "a code of which nobody knows anything")
            }
            _ => error,
        })
    }
}

#[derive(Debug)]
struct FindsNothing;

#[async_trait]
impl BendDriver for FindsNothing {
    async fn find(&self, _: &MockDriver, _: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        Ok(Found::Absent)
    }
}

fn is_lost(error: &LockError) -> bool {
    error.advice() == RetryAdvice::OutcomeUnknown
}

#[derive(Debug)]
struct LostIsNotApplied;

#[async_trait]
impl BendDriver for LostIsNotApplied {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner
            .grant(order, attempt)
            .await
            .map_err(|error| if is_lost(&error) { error.with_advice(RetryAdvice::NotApplied) } else { error })
    }
}

#[derive(Debug)]
struct LostIsDone;

#[async_trait]
impl BendDriver for LostIsDone {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await;
        answer.or_else(|error| if is_lost(&error) { Ok(as_ordered(order)) } else { Err(error) })
    }
    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.amend(held, target, attempt).await;
        answer.or_else(|error| if is_lost(&error) { Ok(as_ordered(target)) } else { Err(error) })
    }

    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let answer = inner.withdraw(withdrawal, attempt).await;
        answer.or_else(|error| if is_lost(&error) { Ok(gone()) } else { Err(error) })
    }
}

#[derive(Debug)]
struct ClockBlind;

#[async_trait]
impl BendDriver for ClockBlind {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        for kind in &mut descriptor.kinds {
            kind.recovery.late_by = Duration::ZERO;
        }
        descriptor
    }
}

fn is_unknown(error: &LockError) -> bool {
    error.reason() == FailureReason::UnmappedVendorCode
}

#[derive(Debug)]
struct UnknownIsDone;

#[async_trait]
impl BendDriver for UnknownIsDone {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await;
        answer.or_else(|error| if is_unknown(&error) { Ok(as_ordered(order)) } else { Err(error) })
    }
}

#[derive(Debug)]
struct UnknownIsTransient;

#[async_trait]
impl BendDriver for UnknownIsTransient {
    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        inner.withdraw(withdrawal, attempt).await.map_err(|error| {
            if is_unknown(&error) { error.with_advice(RetryAdvice::NotApplied) } else { error }
        })
    }
}
