//! What the deadline costs a port call that ends at once, beside the same call without it.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use lockport::stack::DeadlineLayer;
use lockport::store::MemoryStore;
use lockport::{LockError, SharedLockPort};
use lockport_mock::{MockDriver, MockVendor};

use crate::hotel::Hotel;
use crate::lent::{Stopwatch, real_env};
use crate::report::Figure;
use crate::{Effort, Trouble};

/// So many calls make one measurement: a single one is shorter than the stopwatch is exact.
const CALLS: u32 = 2_000;

async fn calls(port: &SharedLockPort, hotel: &Hotel) -> Result<f64, LockError> {
    let watch = Stopwatch::start();
    for door in hotel.doors.iter().cycle().take(CALLS as usize) {
        black_box(port.health_check(*door).await?);
    }
    Ok(watch.micros() * 1e3 / f64::from(CALLS))
}

/// The row.
///
/// # Errors
/// When a call fails.
pub async fn row(effort: Effort) -> Result<Vec<Figure>, Trouble> {
    let env = real_env();
    let hotel = Hotel::new(0, "deadline", NonZeroU32::MIN.saturating_add(8));
    let vendor = MockVendor::new(hotel.partition.property, (*hotel.map).clone(), env.clock.clone());
    let bare = hotel.adapter("main", MockDriver::new(vendor), Arc::new(MemoryStore::new()), &env);
    let with: SharedLockPort = Arc::new(DeadlineLayer::new(bare.clone(), None, env));
    let (mut ratios, mut added) = (Vec::new(), Vec::new());
    for _ in 0..effort.pairs {
        let (bare, with) = (calls(&bare, &hotel).await?, calls(&with, &hotel).await?);
        ratios.push(with / bare);
        added.push(with - bare);
    }
    Ok(vec![
        Figure::median("deadline/wall", "a health check with its deadline / without", &ratios, "x"),
        Figure::median("deadline/added", "the difference", &added, "ns"),
    ])
}
