//! The vendor in memory: whole stack above it, or its driver called bare.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{SubsecRound as _, TimeDelta};
use futures_util::FutureExt as _;
use lockport::credential::{IssueInput, KeyCredentialKind};
use lockport::driver::{Attempt, GrantOrder, Journal, Relation, VendorDriver as _};
use lockport::env::{Clock as _, ManualClock};
use lockport::id::{GrantId, KeyCredentialId, LockDeviceId};
use lockport::store::MemoryStore;
use lockport::{LockError, Secret, SharedLockPort, Timestamp, Validity};
use lockport_mock::{MockDriver, MockVendor};

use crate::Trouble;
use crate::hotel::Hotel;
use crate::lent::still_env;

/// 2026-03-02 12:34:56 UTC, on no round figure.
const BEGIN: i64 = 1_772_454_896;

/// How many keys are issued before anything is counted.
pub const WARM_UP: u32 = 8;

/// How many are counted: a power of two rooms, so that the last one is as full as the first.
pub const COUNTED: u32 = 64;

/// The whole stack over the vendor in memory and the store in memory, and beside it the vendor's driver.
#[derive(Debug)]
pub struct MockStand {
    /// The hotel.
    pub hotel: Hotel,
    clock: Arc<ManualClock>,
    port: SharedLockPort,
    driver: MockDriver,
}

/// Writes nothing down.
#[derive(Debug)]
struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn write(&self, _: &str) -> Result<(), LockError> {
        Ok(())
    }
}

impl MockStand {
    /// A fresh one: the same each time.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new() -> Result<Self, Trouble> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_timestamp(BEGIN, 0).ok_or("no such time")?));
        let rooms = NonZeroU32::MIN.saturating_add(WARM_UP).saturating_add(COUNTED);
        let hotel = Hotel::new(0, "mock", rooms);
        let vendor = || MockVendor::new(hotel.partition.property, (*hotel.map).clone(), clock.clone());
        let env = still_env(&clock);
        let adapter = hotel.adapter("main", MockDriver::new(vendor()), Arc::new(MemoryStore::new()), &env);
        let port = hotel.whole_stack(adapter, &env);
        Ok(Self { port, driver: MockDriver::new(vendor()), hotel, clock })
    }

    /// The issues that are made: the first few warm up.
    ///
    /// # Errors
    /// Never in practice.
    pub fn inputs(&self) -> Result<Vec<IssueInput>, Trouble> {
        (0..WARM_UP + COUNTED).map(|stay| self.hotel.issue(stay, 1, self.clock.now())).collect()
    }

    /// The orders that come to the same, for a driver called bare.
    ///
    /// # Errors
    /// Never in practice.
    pub fn orders(&self) -> Result<Vec<GrantOrder>, Trouble> {
        let from = self.clock.now().trunc_subsecs(0);
        let window = Validity::new(from, from.checked_add_signed(TimeDelta::days(2)).ok_or("no such day")?)?;
        let order = |(stay, door): (usize, &LockDeviceId)| GrantOrder {
            grant: GrantId::derived("bench", &[&stay.to_be_bytes()]),
            credential: KeyCredentialId::derived("bench", &[&stay.to_be_bytes()]),
            kind: KeyCredentialKind::MobileApp,
            doors: vec![*door],
            window,
            blocked: false,
            artifact: Some(Secret::new(format!("secret of stay {stay}"))),
            serial: 1,
            marker: format!("marker{stay}"),
            relation: Relation::Override,
            at: None,
            already: false,
        };
        Ok(self.hotel.doors.iter().enumerate().map(order).collect())
    }

    /// One issue through everything.
    ///
    /// # Errors
    /// When it fails, or waits: nothing here has anything to wait for.
    pub fn issue(&self, input: IssueInput) -> Result<(), Trouble> {
        self.port.issue_credential(input).now_or_never().ok_or("a mock does not wait")??;
        Ok(())
    }

    /// One grant by the driver alone.
    ///
    /// # Errors
    /// As for an issue.
    pub fn grant(&self, order: &GrantOrder) -> Result<(), Trouble> {
        let attempt = Attempt {
            call_key: "stay/issue:0",
            resend: false,
            noted: None,
            job: None,
            beside: &[],
            journal: &NoJournal,
        };
        self.driver.grant(order, &attempt).now_or_never().ok_or("a mock does not wait")??;
        Ok(())
    }
}
