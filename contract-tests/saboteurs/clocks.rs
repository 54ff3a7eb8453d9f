//! Drivers that tell the time wrong.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DurationRound as _, TimeDelta};
use chrono_tz::Europe::Berlin;
use lockport::driver::{Answer, Attempt, GrantOrder, Granted, Held, VendorDriver as _};
use lockport::env::{Clock as _, ManualClock};
use lockport::{LockError, Timestamp, Validity};
use lockport_mock::{MockDriver, Personality};

use super::drivers::as_ordered;
use super::{BendDriver, Saboteur, with_driver};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "rounds windows out to whole minutes",
        on: Personality::PerDoor,
        caught_by: &["TIME-001"],
        build: |bench, seed| with_driver(bench, seed, Bends(whole_minutes)),
    },
    Saboteur {
        name: "takes the hour that comes twice for the first of the two",
        on: Personality::PerDoor,
        caught_by: &["TIME-002"],
        build: |bench, seed| with_driver(bench, seed, Bends(by_the_wall_clock)),
    },
    Saboteur {
        name: "gives windows by the vendor's clock",
        on: Personality::PerDoor,
        caught_by: &["TIME-003"],
        build: |bench, seed| with_driver(bench, seed, ByVendorClock(bench.clock.clone())),
    },
];

fn whole_minutes(at: Timestamp, is_end: bool) -> Timestamp {
    let minute = TimeDelta::minutes(1);
    let down = at.duration_trunc(minute).unwrap();
    if is_end && down != at { down + minute } else { down }
}

/// To the time on the wall and back.
fn by_the_wall_clock(at: Timestamp, _is_end: bool) -> Timestamp {
    let wall = at.with_timezone(&Berlin).naive_local();
    wall.and_local_timezone(Berlin).earliest().unwrap().to_utc()
}

async fn granted(
    inner: &MockDriver,
    order: &GrantOrder,
    attempt: &Attempt<'_>,
    window: Validity,
) -> Result<Answer<Granted>, LockError> {
    let answer = inner.grant(&GrantOrder { window, ..order.clone() }, attempt).await?;
    Ok(match answer {
        Answer::Done(granted) => Answer::Done(Granted { effective: order.window, ..granted }),
        Answer::Pending(pending) => Answer::Pending(pending),
    })
}

#[derive(Debug)]
struct Bends(fn(Timestamp, bool) -> Timestamp);

impl Bends {
    fn bent(&self, window: Validity) -> Validity {
        let (from, until) = ((self.0)(window.from(), false), (self.0)(window.until(), true));
        Validity::new(from, until).unwrap_or(window)
    }
}

#[async_trait]
impl BendDriver for Bends {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        granted(inner, order, attempt, self.bent(order.window)).await
    }

    async fn amend(
        &self,
        inner: &MockDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let window = self.bent(target.window);
        inner.amend(held, &GrantOrder { window, ..target.clone() }, attempt).await?;
        Ok(as_ordered(target))
    }
}

#[derive(Debug)]
struct ByVendorClock(Arc<ManualClock>);

#[async_trait]
impl BendDriver for ByVendorClock {
    async fn grant(
        &self,
        inner: &MockDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let synced = inner.health(order.doors[0]).await?.last_sync_at.unwrap();
        let ahead = synced - self.0.now();
        let window = Validity::new(order.window.from() + ahead, order.window.until() + ahead).unwrap();
        granted(inner, order, attempt, window).await
    }
}
