//! The watch: looks at the locks of each adapter now and then, reads who tried them, and tells what is otherwise than it was. It
//! asks a vendor by itself, so a host turns it on.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::observe::no_such_adapter;
use super::record::TAKEN_FOR;
use super::{KeyService, VendorSignal};
use crate::device::{ClockStanding, DeviceHealth};
use crate::driver::Cursor;
use crate::error::{ErrorCode, FailureReason, LockError};
use crate::id::LockDeviceId;
use crate::port::{AttemptFeed, LockClocks, VendorCalls};
use crate::property::AdapterBinding;
use crate::store::{Record, Stored, Table};
use crate::transport::CircuitState;
use crate::validity::Timestamp;

/// The least pause between two looks at the same adapter.
pub const WATCH_AT_LEAST: TimeDelta = TimeDelta::seconds(60);

/// How many locks are asked how they are in one look; those that were not asked are next in the look after it.
pub const CHECKED_AT_ONCE: usize = 32;

/// What the host lends to the watch.
#[derive(Debug)]
pub(super) struct Watching {
    interval: TimeDelta,
}

/// What is known beside an adapter's port.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    pub(super) feeds: Vec<(String, Arc<dyn AttemptFeed>)>,
    pub(super) clocks: Vec<(String, Arc<dyn LockClocks>)>,
    /// The least firmware of an adapter's locks.
    pub(super) firmware: Vec<(String, String)>,
    pub(super) calls: Vec<(String, Arc<dyn VendorCalls>)>,
}

/// What of a look is next. Each step is one call of the vendor, so that keys never wait longer than for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// Which locks there are.
    List,
    /// How each of these is, the last first.
    Check(Vec<LockDeviceId>),
    /// Who tried them.
    Read,
}

/// The looks at one adapter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LookRecord {
    adapter: String,
    /// When its next step is to be made; while one is made, when somebody else may make it.
    at: Timestamp,
    begun_at: Timestamp,
    step: Step,
    last_checked: Option<LockDeviceId>,
    read_to: Option<Cursor>,
}

impl Record for LookRecord {
    const TABLE: Table = Table::Look;

    fn id(&self) -> String {
        self.adapter.clone()
    }

    fn due(&self) -> Option<Timestamp> {
        Some(self.at)
    }
}

/// The circuit before an adapter's vendor, as this process last told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CircuitRecord {
    id: String,
    told: CircuitState,
}

impl Record for CircuitRecord {
    const TABLE: Table = Table::Circuit;

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl KeyService {
    /// With a look at the locks of every adapter each `interval`, and no more often than [`WATCH_AT_LEAST`]: one `list_devices`, a
    /// `health_check` of [`CHECKED_AT_ONCE`] locks, and what the adapter's feed has. The looks are made by
    /// [`tick`](Self::tick), whichever process's; a process that does not watch makes none.
    #[must_use]
    pub fn watching(mut self, interval: TimeDelta) -> Self {
        self.watching = Some(Watching { interval: interval.max(WATCH_AT_LEAST) });
        self
    }

    /// With the feed of an adapter's vendor, for the watch to read.
    #[must_use]
    pub fn with_feed(mut self, adapter: &str, feed: Arc<dyn AttemptFeed>) -> Self {
        self.beside.feeds.push((adapter.to_owned(), feed));
        self
    }

    /// With an adapter's clocks: those that a look finds off are set, once a look (R148).
    #[must_use]
    pub fn with_clocks(mut self, adapter: &str, clocks: Arc<dyn LockClocks>) -> Self {
        self.beside.clocks.push((adapter.to_owned(), clocks));
        self
    }

    /// With the least firmware that an adapter's locks should have: one with less is told of (R215). Both are compared by their
    /// numbers from the left, `6.4.9` before `6.4.31`.
    #[must_use]
    pub fn with_least_firmware(mut self, adapter: &str, version: &str) -> Self {
        self.beside.firmware.push((adapter.to_owned(), version.to_owned()));
        self
    }

    /// Every adapter has its row from the first tick of a process that watches.
    pub(super) async fn begin_looking(&self) -> Result<(), LockError> {
        let now = self.env.now();
        for binding in self.property.adapters() {
            let known = Stored::<LookRecord>::read(&*self.store, self.partition(), &binding.name).await?;
            if known.is_some() {
                continue;
            }
            let mut transaction = self.transaction()?;
            transaction.put(&mut Stored::fresh(LookRecord {
                adapter: binding.name.clone(),
                at: now,
                begun_at: now,
                step: Step::List,
                last_checked: None,
                read_to: None,
            }))?;
            match transaction.commit(&*self.store, self.partition()).await {
                Err(error) if error.is_store_conflict() => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Makes the next step of a look.
    pub(super) async fn look(&self, mut look: Stored<LookRecord>) -> Result<(), LockError> {
        let now = self.env.now();
        let Some(binding) = self.property.adapter(&look.value.adapter) else {
            let mut transaction = self.transaction()?;
            transaction.delete(&look);
            return self.put_look(transaction).await.map(|_| ());
        };
        // Written down first: nobody else makes this step, unless who took it up does not come back.
        look.value.at = now.checked_add_signed(TAKEN_FOR).unwrap_or(now);
        if look.value.step == Step::List {
            look.value.begun_at = now;
        }
        let mut transaction = self.transaction()?;
        transaction.put(&mut look)?;
        if !self.put_look(transaction).await? {
            return Ok(());
        }
        let next = self.make_step(binding, &mut look.value).await;
        let next = match next {
            Err(error) if error.code() == ErrorCode::VendorUnreachable => {
                self.note_outage(&binding.name, &error).await?;
                None
            }
            // What the vendor refuses, it refuses the next time too; the store being away ends the tick.
            Err(error) if is_of_store(&error) => return Err(error),
            Err(_) => None,
            Ok(next) => next,
        };
        let now = self.env.now();
        match next {
            Some(step) => (look.value.step, look.value.at) = (step, now),
            None => (look.value.step, look.value.at) = (Step::List, self.next_look(&look.value)),
        }
        let mut transaction = self.transaction()?;
        transaction.put(&mut look)?;
        self.put_look(transaction).await.map(|_| ())
    }

    /// Whether it was written; somebody else may have been quicker.
    async fn put_look(&self, transaction: crate::store::Transaction) -> Result<bool, LockError> {
        match transaction.commit(&*self.store, self.partition()).await {
            Err(error) if error.is_store_conflict() => Ok(false),
            other => other.map(|()| true),
        }
    }

    fn next_look(&self, look: &LookRecord) -> Timestamp {
        let now = self.env.now();
        let interval = self.watching.as_ref().map_or(WATCH_AT_LEAST, |watching| watching.interval);
        let after = |since: Timestamp, pause| since.checked_add_signed(pause).unwrap_or(since);
        after(look.begun_at, interval).max(after(now, WATCH_AT_LEAST.min(interval)))
    }

    /// What comes after it; `None` when the look is over.
    async fn make_step(
        &self,
        binding: &AdapterBinding,
        look: &mut LookRecord,
    ) -> Result<Option<Step>, LockError> {
        let feed = self.beside.feeds.iter().find(|(name, _)| *name == binding.name).map(|(_, feed)| feed);
        let read = || feed.is_some().then_some(Step::Read);
        match &mut look.step {
            Step::List => {
                let devices = binding.port.list_devices(self.partition().property).await?;
                for device in &devices {
                    let signal = VendorSignal::Device(Box::new(device.clone()));
                    self.do_observe(&binding.name, &signal).await?;
                }
                let listed = devices.iter().map(|device| device.device_id).collect();
                let turn = whose_turn(listed, look.last_checked);
                Ok(if turn.is_empty() { read() } else { Some(Step::Check(turn)) })
            }
            Step::Check(turn) => {
                let Some(device) = turn.pop() else { return Ok(read()) };
                look.last_checked = Some(device);
                let rest = turn.clone();
                self.check(binding, device).await?;
                Ok(if rest.is_empty() { read() } else { Some(Step::Check(rest)) })
            }
            Step::Read => {
                let feed = feed.ok_or_else(no_such_adapter)?;
                let page = feed.attempts(look.read_to.as_ref()).await?;
                for attempt in page.told {
                    self.do_observe(&binding.name, &VendorSignal::Attempt(attempt)).await?;
                }
                look.read_to = page.next.or_else(|| look.read_to.take());
                Ok(page.more.then_some(Step::Read))
            }
        }
    }

    /// Asks one lock how it is, and sets its clock when that is off.
    async fn check(&self, binding: &AdapterBinding, device: LockDeviceId) -> Result<(), LockError> {
        let health = match binding.port.health_check(device).await {
            Ok(health) => health,
            // The vendor answers, the lock does not.
            Err(error) if error.reason() == FailureReason::DeviceOffline => DeviceHealth {
                device_id: device,
                online: false,
                battery: None,
                clock_skew_ms: None,
                last_sync_at: None,
                warnings: Vec::new(),
            },
            Err(error) if error.code() == ErrorCode::VendorUnreachable => return Err(error),
            Err(_) => return Ok(()),
        };
        let is_off = health.clock() != ClockStanding::Right;
        self.do_observe(&binding.name, &VendorSignal::Health(Box::new(health))).await?;
        let clocks = self.beside.clocks.iter().find(|(name, _)| *name == binding.name);
        if let Some((_, clocks)) = clocks.filter(|_| is_off) {
            // Whether it was set is seen by the next look.
            let _seen_then = clocks.set_clock(device).await;
        }
        Ok(())
    }

    /// Tells of each circuit that is otherwise than it was told (R222).
    pub(super) async fn look_at_circuits(&self) -> Result<(), LockError> {
        for (adapter, circuit) in &self.circuits {
            let Some(binding) = self.property.adapter(adapter) else { continue };
            let id = format!("{adapter}/{}", self.instance);
            let found = Stored::<CircuitRecord>::read(&*self.store, self.partition(), &id).await?;
            let fresh = || Stored::fresh(CircuitRecord { id, told: CircuitState::Closed });
            let mut record = found.unwrap_or_else(fresh);
            let (was, is) = (record.value.told, circuit.state());
            if was == is {
                continue;
            }
            record.value.told = is;
            let mut transaction = self.transaction()?;
            transaction.put(&mut record)?;
            self.tell_circuit(&mut transaction, binding, (was, is), circuit.failed_percent())?;
            transaction.commit(&*self.store, self.partition()).await?;
        }
        Ok(())
    }
}

/// Whether our own store failed, and not a vendor.
fn is_of_store(error: &LockError) -> bool {
    matches!(
        error.reason(),
        FailureReason::StoreUnavailable | FailureReason::StoreCorrupt | FailureReason::InProgress
    )
}

/// Which locks are asked in this look, the first last: those behind the one that was asked last, and round.
fn whose_turn(mut listed: Vec<LockDeviceId>, last: Option<LockDeviceId>) -> Vec<LockDeviceId> {
    listed.sort_unstable();
    listed.dedup();
    let first = listed.iter().position(|device| last.is_none_or(|last| *device > last)).unwrap_or_default();
    listed.rotate_left(first);
    listed.truncate(CHECKED_AT_ONCE);
    listed.reverse();
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every lock has its turn, whatever their number.
    #[test]
    fn every_lock_has_its_turn() {
        let locks: Vec<_> = (0..70_u8).map(|nth| LockDeviceId::derived("t", &[&[nth]])).collect();
        let (mut last, mut asked) = (None, Vec::new());
        for _ in 0..3 {
            let mut turn = whose_turn(locks.clone(), last);
            turn.reverse();
            assert_eq!(turn.len(), CHECKED_AT_ONCE);
            last = turn.last().copied();
            asked.extend(turn);
        }
        asked.truncate(70);
        asked.sort_unstable();
        let mut all = locks;
        all.sort_unstable();
        assert_eq!(asked, all);
        assert_eq!(whose_turn(Vec::new(), last), []);
    }
}
