//! Commits of one issue, counted in the file of the database.

use std::num::NonZeroU32;
use std::sync::Arc;

use lockport::SharedLockPort;
use lockport::env::SystemClock;
use lockport_mock::{MockDriver, MockVendor};

use crate::Trouble;
use crate::cloud::{Cloud, transport};
use crate::hotel::Hotel;
use crate::lent::real_env;
use crate::report::{Figure, Hold};
use crate::store::{Folder, commits_in_log, sqlite};

/// Of an operation, and again of each grant.
const MOST: u32 = 2;

async fn commits(port: &SharedLockPort, hotel: &Hotel, folder: &Folder, doors: u32) -> Result<f64, Trouble> {
    let path = folder.file("ledger.db");
    let now = real_env().now();
    // The first one also logs in.
    port.issue_credential(hotel.issue(0, doors, now)?).await?;
    let before = commits_in_log(&path)?;
    port.issue_credential(hotel.issue(1, doors, now)?).await?;
    let counted = commits_in_log(&path)?.checked_sub(before).ok_or("the log was begun anew")?;
    Ok(f64::from(u32::try_from(counted)?))
}

/// The row.
///
/// # Errors
/// When a key cannot be issued.
pub async fn row() -> Result<Vec<Figure>, Trouble> {
    let mut figures = Vec::new();
    let env = real_env();
    for doors in [1, 3] {
        let hotel = Hotel::new(0, "commits", NonZeroU32::MIN.saturating_add(8));
        let hold = Hold::AtMost(f64::from(MOST.saturating_add(MOST.saturating_mul(doors))));

        let folder = Folder::new()?;
        let store = sqlite(&folder.file("ledger.db")).await?;
        let vendor = MockVendor::new(hotel.partition.property, (*hotel.map).clone(), Arc::new(SystemClock));
        let port = hotel.whole_stack(hotel.adapter("main", MockDriver::new(vendor), store, &env), &env);
        let counted = commits(&port, &hotel, &folder, doors).await?;
        let what = format!("durable commits of an issue to {doors} door(s) at the mock");
        figures.push(Figure::one(&format!("commits/mock/{doors}"), &what, counted, "commits").hold(hold));

        let folder = Folder::new()?;
        let store = sqlite(&folder.file("ledger.db")).await?;
        let cloud = Cloud::start(std::slice::from_ref(&hotel), env.now(), std::time::Duration::ZERO).await?;
        let driver = cloud.driver(&hotel, Arc::new(transport()?), store.clone(), &env)?;
        let port = hotel.whole_stack(hotel.adapter("main", driver, store, &env), &env);
        let counted = commits(&port, &hotel, &folder, doors).await?;
        let what = "the same at TTLock, whose driver notes that it is about to send";
        figures.push(Figure::one(&format!("commits/ttlock/{doors}"), what, counted, "commits").hold(hold));
    }
    Ok(figures)
}
