//! Drivers that do something else than they say.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::Proof;
use lockport::driver::{
    Answer, Attempt, GrantOrder, Granted, Held, VendorDriver as _, WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, Secret, Validity};
use lockport_mock::{MockDriver, Personality};

use super::{BendDriver, Saboteur, with_driver};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "opens a second late",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-001"],
        build: |bench, seed| with_driver(bench, seed, Shifted { from_s: 1, until_s: 0 }),
    },
    Saboteur {
        name: "shuts a second early",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-001"],
        build: |bench, seed| with_driver(bench, seed, Shifted { from_s: 0, until_s: -1 }),
    },
    Saboteur {
        name: "opens a second early",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-002"],
        build: |bench, seed| with_driver(bench, seed, Shifted { from_s: -1, until_s: 0 }),
    },
    Saboteur {
        name: "takes the end of the window as a part of it",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-002"],
        build: |bench, seed| with_driver(bench, seed, Shifted { from_s: 0, until_s: 1 }),
    },
    Saboteur {
        name: "gives every guest the same token",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-002"],
        build: |bench, seed| with_driver(bench, seed, OneTokenForAll),
    },
    Saboteur {
        name: "forgets to take back the rooms before the refused one",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-003"],
        build: |bench, seed| with_driver(bench, seed, WithdrawsNot(&[WhyWithdraw::Undo])),
    },
    Saboteur {
        name: "issues everything twice",
        on: Personality::PerDoor,
        caught_by: &["IDEM-001"],
        build: |bench, seed| with_driver(bench, seed, DoubleIssuer),
    },
    Saboteur {
        name: "makes anew what stands at the lock already",
        on: Personality::PerDoor,
        caught_by: &["ALREADY-001"],
        build: |bench, seed| with_driver(bench, seed, MakesAnew),
    },
    Saboteur {
        name: "says revoked and revokes nothing",
        on: Personality::PerDoor,
        caught_by: &["REVOKE-001", "OVERLAP-001"],
        build: |bench, seed| with_driver(bench, seed, WithdrawsNot(&[WhyWithdraw::Revoke])),
    },
    Saboteur {
        name: "says changed and changes nothing",
        on: Personality::PerDoor,
        caught_by: &["UPDATE-001"],
        build: |bench, seed| with_driver(bench, seed, AmendsNot(|_, _| true)),
    },
    Saboteur {
        name: "lengthens and never shortens",
        on: Personality::PerDoor,
        caught_by: &["UPDATE-001"],
        build: |bench, seed| {
            with_driver(bench, seed, AmendsNot(|held, target| target.window.until() < held.window.until()))
        },
    },
    Saboteur {
        name: "keeps the rooms that were left open",
        on: Personality::PerDoor,
        caught_by: &["UPDATE-002"],
        build: |bench, seed| with_driver(bench, seed, WithdrawsNot(&[WhyWithdraw::Moved])),
    },
    Saboteur {
        name: "says suspended and keeps the phone's key open",
        on: Personality::PerDoor,
        caught_by: &["SUSPEND-001"],
        build: |bench, seed| with_driver(bench, seed, AmendsNot(|_, target| target.blocked)),
    },
    Saboteur {
        name: "says suspended and keeps the pin open",
        on: Personality::PerDoor,
        caught_by: &["SUSPEND-001"],
        build: |bench, seed| with_driver(bench, seed, WithdrawsNot(&[WhyWithdraw::Suspend])),
    },
    Saboteur {
        name: "never lets a suspended key back in",
        on: Personality::PerDoor,
        caught_by: &["SUSPEND-002"],
        build: |bench, seed| {
            with_driver(bench, seed, AmendsNot(|held, target| held.blocked && !target.blocked))
        },
    },
    Saboteur {
        name: "gives another artifact after a suspension",
        on: Personality::PerDoor,
        caught_by: &["SUSPEND-002"],
        build: |bench, seed| with_driver(bench, seed, NewArtifact),
    },
    Saboteur {
        name: "takes digits that are somebody else's for its own",
        on: Personality::PerDoor,
        caught_by: &["SUSPEND-004", "UPDATE-006"],
        build: |bench, seed| with_driver(bench, seed, AnothersDigits),
    },
    Saboteur {
        name: "gives a room to the last guest only",
        on: Personality::PerDoor,
        caught_by: &["OVERLAP-001", "CAPA-007"],
        build: |bench, seed| with_driver(bench, seed, OneGuestPerRoom::default()),
    },
];

pub(super) fn as_ordered(order: &GrantOrder) -> Answer<Granted> {
    Answer::Done(Granted {
        reference: None,
        artifact: None,
        effective: order.window,
        proof: Some(Proof::AtVendor),
        dies_unless_used_by: None,
        warnings: Vec::new(),
    })
}

pub(super) const fn gone() -> Answer<Withdrawn> {
    Answer::Done(Withdrawn { proof: Proof::AtLock, warnings: Vec::new() })
}

/// Does what is done and says what was asked.
fn claiming(answer: Answer<Granted>, order: &GrantOrder) -> Answer<Granted> {
    match answer {
        Answer::Done(granted) => Answer::Done(Granted { effective: order.window, ..granted }),
        Answer::Pending(pending) => Answer::Pending(pending),
    }
}

#[derive(Debug)]
struct Shifted {
    from_s: i64,
    until_s: i64,
}

#[async_trait]
impl BendDriver for Shifted {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let from = order.window.from() + TimeDelta::seconds(self.from_s);
        let until = order.window.until() + TimeDelta::seconds(self.until_s);
        let window = Validity::new(from, until).unwrap();
        let answer = inner.grant(&GrantOrder { window, ..order.clone() }, attempt).await?;
        Ok(claiming(answer, order))
    }
}

#[derive(Debug)]
struct OneTokenForAll;

#[async_trait]
impl BendDriver for OneTokenForAll {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let artifact = Some(Secret::new("open sesame".to_owned()));
        let answer =
            inner.grant(&GrantOrder { artifact: artifact.clone(), ..order.clone() }, attempt).await?;
        Ok(match answer {
            Answer::Done(granted) => Answer::Done(Granted { artifact, ..granted }),
            Answer::Pending(pending) => Answer::Pending(pending),
        })
    }
}

#[derive(Debug)]
struct WithdrawsNot(&'static [WhyWithdraw]);

#[async_trait]
impl BendDriver for WithdrawsNot {
    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        if self.0.contains(&withdrawal.why) { Ok(gone()) } else { inner.withdraw(withdrawal, attempt).await }
    }
}

/// Leaves out the amends of which this says so.
#[derive(Debug)]
struct AmendsNot(fn(&GrantOrder, &GrantOrder) -> bool);

#[async_trait]
impl BendDriver for AmendsNot {
    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if (self.0)(&held.order, target) {
            return Ok(as_ordered(target));
        }
        inner.amend(held, target, attempt).await
    }
}

#[derive(Debug)]
struct DoubleIssuer;

#[async_trait]
impl BendDriver for DoubleIssuer {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = inner.grant(order, attempt).await?;
        // A second PIN of the same digits is refused, which is not this saboteur's merit.
        let _second = inner.grant(order, attempt).await;
        Ok(answer)
    }
}

#[derive(Debug)]
struct AnothersDigits;

#[async_trait]
impl BendDriver for AnothersDigits {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        match inner.grant(order, attempt).await {
            Err(error) if error.reason() == FailureReason::PinCollision => Ok(as_ordered(order)),
            answer => answer,
        }
    }
}

#[derive(Debug)]
struct NewArtifact;

#[async_trait]
impl BendDriver for NewArtifact {
    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if !held.order.blocked || target.blocked {
            return inner.amend(held, target, attempt).await;
        }
        let artifact = Some(Secret::new("another token".to_owned()));
        let answer =
            inner.amend(held, &GrantOrder { artifact: artifact.clone(), ..target.clone() }, attempt).await?;
        Ok(match answer {
            Answer::Done(granted) => Answer::Done(Granted { artifact, ..granted }),
            Answer::Pending(pending) => Answer::Pending(pending),
        })
    }
}

#[derive(Debug, Default)]
struct OneGuestPerRoom {
    last: Mutex<BTreeMap<LockDeviceId, GrantOrder>>,
}

#[async_trait]
impl BendDriver for OneGuestPerRoom {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let door = order.doors[0];
        let before = self.last.lock().unwrap().insert(door, order.clone());
        if let Some(order) = before {
            let held = Held::by(order);
            inner
                .withdraw(
                    &Withdrawal { held, why: WhyWithdraw::Revoke, shared: Vec::new(), at: None },
                    attempt,
                )
                .await?;
        }
        inner.grant(order, attempt).await
    }
}

/// Another PIN beside the one that is there, and says that it is that one.
#[derive(Debug)]
struct MakesAnew;

#[async_trait]
impl BendDriver for MakesAnew {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if !order.already {
            return inner.grant(order, attempt).await;
        }
        let artifact = Some(Secret::new("161803".to_owned()));
        inner.grant(&GrantOrder { already: false, artifact, ..order.clone() }, attempt).await
    }
}
