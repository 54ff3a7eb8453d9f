//! Drivers that mistake the nature of their vendor.

use async_trait::async_trait;
use lockport::LockError;
use lockport::credential::Proof;
use lockport::driver::{
    AfterLost, Answer, Attempt, DriverDescriptor, GrantOrder, Granted, Held, VendorDriver as _, Withdrawal,
    Withdrawn,
};
use lockport_mock::{MockDriver, Personality};

use super::drivers::{as_ordered, gone};
use super::{BendDriver, Saboteur, with_driver};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "takes accepted for done",
        on: Personality::Webhook,
        caught_by: &["PENDING-001", "CARD-002"],
        build: |bench, seed| with_driver(bench, seed, AcceptedIsDone),
    },
    Saboteur {
        name: "sends again what the vendor cannot tell from new",
        on: Personality::SilentAck,
        caught_by: &["DECLARE-001", "RECOVER-004"],
        build: |bench, seed| with_driver(bench, seed, SendsAgain),
    },
    Saboteur {
        name: "clears a room over the heads of those who stay",
        on: Personality::RoomWide,
        caught_by: &["SHARED-001"],
        build: |bench, seed| with_driver(bench, seed, ClearsTheRoom),
    },
    Saboteur {
        name: "leaves the key of whoever leaves others behind",
        on: Personality::RoomWide,
        caught_by: &["SHARED-001"],
        build: |bench, seed| with_driver(bench, seed, SparesTheRoom),
    },
    Saboteur {
        name: "renews what was there before it narrows it",
        on: Personality::Card,
        caught_by: &["CARD-001", "CARD-007"],
        build: |bench, seed| with_driver(bench, seed, RenewsFirst),
    },
    Saboteur {
        name: "takes a card that is away for written",
        on: Personality::Card,
        caught_by: &["CARD-002", "PENDING-001"],
        build: |bench, seed| with_driver(bench, seed, AcceptedIsDone),
    },
    Saboteur {
        name: "takes a card that is away for wiped",
        on: Personality::Card,
        caught_by: &["CARD-003", "CARD-004"],
        build: |bench, seed| with_driver(bench, seed, AwayIsWiped),
    },
    Saboteur {
        name: "writes whichever card lies there",
        on: Personality::Card,
        caught_by: &["CARD-005"],
        build: |bench, seed| with_driver(bench, seed, AnyCard),
    },
    Saboteur {
        name: "puts one key of a guest on the card of the other",
        on: Personality::Card,
        caught_by: &["CARD-010"],
        build: |bench, seed| with_driver(bench, seed, OneCardForAll),
    },
];

#[derive(Debug)]
struct AcceptedIsDone;

#[async_trait]
impl BendDriver for AcceptedIsDone {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, attempt).await.map(|_| as_ordered(order))
    }

    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.amend(held, target, attempt).await.map(|_| as_ordered(target))
    }
}

#[derive(Debug)]
struct SendsAgain;

#[async_trait]
impl BendDriver for SendsAgain {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        for kind in &mut descriptor.kinds {
            kind.recovery.grant = AfterLost::Resend { within: None };
        }
        descriptor
    }
}

#[derive(Debug)]
struct ClearsTheRoom;

#[async_trait]
impl BendDriver for ClearsTheRoom {
    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        inner.withdraw(&Withdrawal { shared: Vec::new(), ..withdrawal.clone() }, attempt).await
    }
}

#[derive(Debug)]
struct SparesTheRoom;

#[async_trait]
impl BendDriver for SparesTheRoom {
    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        if withdrawal.shared.is_empty() { inner.withdraw(withdrawal, attempt).await } else { Ok(gone()) }
    }
}

#[derive(Debug)]
struct RenewsFirst;

#[async_trait]
impl BendDriver for RenewsFirst {
    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.amend(held, &GrantOrder { window: held.order.window, ..target.clone() }, attempt).await?;
        inner.amend(held, target, attempt).await
    }
}

#[derive(Debug)]
struct AwayIsWiped;

#[async_trait]
impl BendDriver for AwayIsWiped {
    async fn withdraw(
        &self,
        inner: &MockDriver,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        Ok(match inner.withdraw(withdrawal, attempt).await? {
            Answer::Done(Withdrawn { proof: Proof::ExpiresOnly, .. }) => gone(),
            answer => answer,
        })
    }
}

#[derive(Debug)]
struct AnyCard;

#[async_trait]
impl BendDriver for AnyCard {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(&GrantOrder { artifact: None, ..order.clone() }, attempt).await
    }
}

#[derive(Debug)]
struct OneCardForAll;

#[async_trait]
impl BendDriver for OneCardForAll {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, &Attempt { beside: &[], ..*attempt }).await
    }
}
