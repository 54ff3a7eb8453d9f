//! The pump: takes up what is due, one key at a time, and says when to come again.

use super::bulk::BulkRecord;
use super::look::LookRecord;
use super::outage::OutageRecord;
use super::reconcile::Reach;
use super::record::{KeyRecord, OPEN_KEY, PROVISIONAL_KEY, TAKEN_FOR, Taken, Work, term_of_taken};
use super::shift::ShiftRecord;
use super::state::KeyState;
use super::stay::StayRecord;
use super::work::Answered;
use super::{HouseRecord, KeyService, earlier};
use crate::error::LockError;
use crate::port::SharedLockPort;
use crate::store::{Record, StoreError, Stored, Transaction};
use crate::telemetry::UseCase;
use crate::validity::Timestamp;

/// How many rows are taken up at a time.
const BATCH: usize = 64;

/// How often a tick looks for more before it lets the host do something else.
const ROUNDS: usize = 1_000;

impl KeyService {
    /// Does all that is due now, and says when something will be due next; `None` when nothing is waiting. A tick that is dropped
    /// leaves what it was about to the next one.
    ///
    /// # Errors
    /// When the store is away. What a vendor refuses is no error here: it becomes an event and a task.
    pub async fn tick(&self) -> Result<Option<Timestamp>, LockError> {
        self.timed(UseCase::Tick, Box::pin(self.do_tick())).await
    }

    async fn do_tick(&self) -> Result<Option<Timestamp>, LockError> {
        let _alone = self.ticking.lock().await;
        self.queue.catch_up().await?;
        self.come_back().await?;
        if self.watching.is_some() {
            self.begin_looking().await?;
        }
        for _ in 0..ROUNDS {
            let mut idle = true;
            for house in self.due::<HouseRecord>().await? {
                idle = false;
                Box::pin(self.turn_house(house)).await?;
            }
            for bulk in self.due::<BulkRecord>().await? {
                idle = false;
                Box::pin(self.carry_on_bulk(bulk)).await?;
            }
            for stay in self.due::<StayRecord>().await? {
                idle = false;
                Box::pin(self.reconcile_owner(super::Claimant::owner(&stay.value), Reach::AsWanted)).await?;
            }
            for shift in self.due::<ShiftRecord>().await? {
                idle = false;
                Box::pin(self.reconcile_owner(super::Claimant::owner(&shift.value), Reach::AsWanted)).await?;
            }
            for outage in self.due::<OutageRecord>().await? {
                idle = false;
                Box::pin(self.look_after_outage(outage)).await?;
            }
            for key in self.due::<KeyRecord>().await? {
                idle = false;
                match Box::pin(self.attend(key)).await {
                    // Another instance, or an event that came meanwhile: the row is read again and worked on as it is then.
                    Err(error) if error.is_store_conflict() => self.come_back().await?,
                    other => other?,
                }
            }
            if self.watching.is_some() {
                for look in self.due::<LookRecord>().await? {
                    idle = false;
                    Box::pin(self.look(look)).await?;
                }
            }
            if idle {
                break;
            }
        }
        self.look_at_circuits().await?;
        let mut wake = self.next::<HouseRecord>().await?;
        wake = earlier(wake, self.next::<BulkRecord>().await?);
        wake = earlier(wake, self.next::<StayRecord>().await?);
        wake = earlier(wake, self.next::<ShiftRecord>().await?);
        wake = earlier(wake, self.next::<OutageRecord>().await?);
        if self.watching.is_some() {
            wake = earlier(wake, self.next::<LookRecord>().await?);
        }
        Ok(earlier(wake, self.next::<KeyRecord>().await?))
    }

    async fn due<T: Record>(&self) -> Result<Vec<Stored<T>>, LockError> {
        let now = self.env.now();
        let mut due = Stored::<T>::due(&*self.store, self.partition(), now, BATCH).await?;
        due.retain(|row| row.value.due().is_some_and(|due| due <= now));
        Ok(due)
    }

    async fn next<T: Record>(&self) -> Result<Option<Timestamp>, LockError> {
        let next = Stored::<T>::due(&*self.store, self.partition(), Timestamp::MAX_UTC, 1).await?;
        Ok(next.iter().find_map(|row| row.value.due()))
    }

    /// What this instance took up and did not put back is free again: it died over it, or was dropped.
    pub(super) async fn come_back(&self) -> Result<(), LockError> {
        let term = term_of_taken(&self.instance);
        for mut key in Stored::<KeyRecord>::find(&*self.store, self.partition(), &term).await? {
            key.value.taken = None;
            match self.save(&mut key, self.transaction()?).await {
                Err(error) if error.is_store_conflict() => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// The property is deactivated: every key that may still open goes. Or its cloud is back: what is provisional becomes whole.
    async fn turn_house(&self, mut house: Stored<HouseRecord>) -> Result<(), LockError> {
        let is_clearing = house.value.clearing.is_some();
        let term = if is_clearing { OPEN_KEY } else { PROVISIONAL_KEY };
        let open = Stored::<KeyRecord>::find(&*self.store, self.partition(), term).await?;
        if open.is_empty() {
            (house.value.clearing, house.value.rejoining) =
                (None, house.value.rejoining.filter(|_| is_clearing));
            let mut transaction = self.transaction()?;
            transaction.put(&mut house)?;
            return transaction.commit(&*self.store, self.partition()).await;
        }
        for key in open {
            Box::pin(self.reconcile_owner(key.value.owner, Reach::AsWanted)).await?;
        }
        Ok(())
    }

    async fn attend(&self, mut key: Stored<KeyRecord>) -> Result<(), LockError> {
        let now = self.env.now();
        let record = &mut key.value;
        if record.task_at.is_some_and(|then| then <= now) {
            let work = record.work();
            record.task_at = None;
            let mut transaction = self.transaction()?;
            if let Some(work) = work {
                self.open_task(record, work.task(record.on_card), &mut transaction).await?;
            }
            return self.save(&mut key, transaction).await;
        }
        let is_due = record.next_try.is_some_and(|then| then <= now);
        match record.work().filter(|work| is_due && !record.needs_desk(*work)) {
            Some(work) => {
                if let Some(then) = self.waits_for_successor(record, work).await? {
                    record.next_try = Some(then);
                    return self.save(&mut key, self.transaction()?).await;
                }
                let binding = self.property.adapter(&record.adapter).ok_or(StoreError::Corrupt)?;
                let port = SharedLockPort::clone(&binding.port);
                Box::pin(self.attempt(key, work, port)).await.map(|_refusal| ())
            }
            None if record.wipe_at().is_some_and(|then| then <= now) => {
                record.delivery.clear();
                self.save(&mut key, self.transaction()?).await
            }
            None => Ok(()),
        }
    }

    /// Takes a key up, so that no other instance does, and carries one piece of work out.
    pub(super) async fn attempt(
        &self,
        mut key: Stored<KeyRecord>,
        work: Work,
        port: SharedLockPort,
    ) -> Answered {
        let now = self.env.now();
        if key.value.taken.as_ref().is_some_and(|taken| taken.by != self.instance && taken.until > now) {
            return Ok(None);
        }
        if work == Work::Issue && key.value.is_outdated(&self.house().await?.value) {
            Box::pin(self.reconcile_owner(key.value.owner, Reach::AsWanted)).await?;
            return Ok(None);
        }
        let until = now.checked_add_signed(TAKEN_FOR).unwrap_or(now);
        key.value.taken = Some(Taken { by: self.instance.clone(), until });
        let was_handed_over = key.value.state != KeyState::Requested;
        key.value.begin(work)?;
        let mut transaction = self.transaction()?;
        if !was_handed_over && key.value.state == KeyState::Pending {
            self.tell_pending(&mut transaction, &key.value)?;
        }
        self.save(&mut key, transaction).await?;
        key.value.taken = None;
        Box::pin(self.handle(key, work, port)).await
    }

    pub(super) fn transaction(&self) -> Result<Transaction, LockError> {
        Ok(Transaction::new(&self.env)?)
    }

    pub(super) async fn save(
        &self,
        key: &mut Stored<KeyRecord>,
        mut transaction: Transaction,
    ) -> Result<(), LockError> {
        transaction.put(key)?;
        transaction.commit(&*self.store, self.partition()).await
    }
}
