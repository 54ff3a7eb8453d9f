//! Who tried the doors: what the cloud has of the locks' own logs, lock by lock and page by page.
//!
//! A lock that nothing reached tells its log late, with the times that its clock showed then. So each round of the locks goes back
//! [`LATE_RECORDS`] behind the one before; what is read again is told again, under the same name.

use async_trait::async_trait;
use lockport::driver::{AccessFeed, Cursor, DoorAttempt, Page};
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, Timestamp};

use crate::config::TtlockLock;
use crate::driver::TtlockDriver;
use crate::limits::{LATE_RECORDS, RECORDS_KEPT};
use crate::map::record;

/// Where a round of the locks is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The time that is read.
    since_ms: i64,
    until_ms: i64,
    /// The lock that is next, or the first behind it.
    lock: i64,
    /// Its page that is next. The vendor lists the newest first, so the last page comes first; 0 as long as nobody knows which that
    /// is.
    page: i64,
    /// How many records there are, as the page before said.
    total: i64,
}

impl Place {
    /// Between two rounds only the end of the last one is known.
    fn of(cursor: Option<&Cursor>, now: Timestamp) -> Option<Self> {
        let begin =
            |since_ms| Self { since_ms, until_ms: now.timestamp_millis(), lock: 0, page: 0, total: 0 };
        let Some(cursor) = cursor else {
            return Some(begin(now.checked_sub_signed(RECORDS_KEPT)?.timestamp_millis()));
        };
        let numbers: Option<Vec<i64>> = cursor.as_str().split(':').map(|text| text.parse().ok()).collect();
        match numbers?.as_slice() {
            [read_to] => Some(begin(read_to.checked_sub(LATE_RECORDS.num_milliseconds())?)),
            [since_ms, until_ms, lock, page, total] => Some(Self {
                since_ms: *since_ms,
                until_ms: *until_ms,
                lock: *lock,
                page: *page,
                total: *total,
            }),
            _ => None,
        }
    }

    fn cursor(self) -> Cursor {
        let Self { since_ms, until_ms, lock, page, total } = self;
        Cursor::new(format!("{since_ms}:{until_ms}:{lock}:{page}:{total}"))
    }

    /// The next lock, from its first page on.
    const fn after(self, lock: i64) -> Self {
        Self { lock: lock.saturating_add(1), page: 0, total: 0, ..self }
    }
}

/// One call of the vendor a page.
#[async_trait]
impl AccessFeed for TtlockDriver {
    async fn attempts(&self, after: Option<&Cursor>) -> Result<Page<DoorAttempt>, LockError> {
        let place = Place::of(after, self.env.now());
        let place = place.ok_or_else(|| LockError::invalid_input("no cursor of this vendor"))?;
        let locks = || self.config.locks.iter().filter(|(_, lock)| lock.lock_id >= place.lock);
        let Some((device, lock)) = locks().min_by_key(|(_, lock)| lock.lock_id) else {
            let next = Some(Cursor::new(place.until_ms.to_string()));
            return Ok(Page { told: Vec::new(), next, more: false });
        };
        match self.page_of(*device, lock, place).await {
            Ok((told, next)) => Ok(Page { told, next: Some(next.cursor()), more: true }),
            // The cloud has lost it; the others tell on.
            Err(error) if error.reason() == FailureReason::NotFound => {
                let next = Some(place.after(lock.lock_id).cursor());
                Ok(Page { told: Vec::new(), next, more: true })
            }
            Err(error) => Err(error.at_device(*device)),
        }
    }
}

impl TtlockDriver {
    /// A page of a lock's records, and where to go on.
    async fn page_of(
        &self,
        device: LockDeviceId,
        lock: &TtlockLock,
        place: Place,
    ) -> Result<(Vec<DoorAttempt>, Place), LockError> {
        let time = (place.since_ms, place.until_ms);
        let read = self.client.record_page(lock.lock_id, time, place.page.max(1)).await?;
        let (pages, total) = (read.pages.0, read.total.0);
        let here = Place { lock: lock.lock_id, total, ..place };
        if place.page == 0 && pages > 1 {
            return Ok((Vec::new(), Place { page: pages, ..here }));
        }
        if place.page > 0 && total != place.total {
            // Records have come or gone, and stand on other pages now.
            return Ok((Vec::new(), Place { page: pages.max(1), ..here }));
        }
        let told = record::attempts(&read.list, device, lock, self.config.cards);
        let next =
            if place.page > 1 { Place { page: place.page - 1, ..here } } else { place.after(lock.lock_id) };
        Ok((told, next))
    }

    /// The attempts at a door in this time, the oldest first, as the cloud has them now. One call for each hundred records.
    pub(crate) async fn attempts_at(
        &self,
        device: LockDeviceId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DoorAttempt>, LockError> {
        let lock = self.lock(device)?;
        let time = (from.timestamp_millis(), until.timestamp_millis());
        let items = self.client.records(lock.lock_id, time).await.map_err(|error| error.at_device(device))?;
        Ok(record::attempts(&items, device, lock, self.config.cards))
    }
}
