//! Records: who tried a lock, as the cloud has it; and how often it was asked this month.

use lockport::{ErrorCode, LockError};

use super::{Caller, Client};
use crate::error::Stakes;
use crate::limits::PAGE_SIZE;
use crate::line::Form;
use crate::wire::{MonthCount, Page, RecordItem};

/// Reading has no effect.
const STAKES: Stakes = Stakes::harmless(ErrorCode::VendorUnreachable);

const LIST: &str = "/v3/lockRecord/list";

fn between(lock: i64, (from_ms, until_ms): (i64, i64)) -> Form {
    Form::default()
        .with_number("lockId", lock)
        .with_number("startDate", from_ms)
        .with_number("endDate", until_ms)
}

impl Client {
    /// The records of a lock between two instants.
    pub(crate) async fn records(
        &self,
        lock: i64,
        (from_ms, until_ms): (i64, i64),
    ) -> Result<Vec<RecordItem>, LockError> {
        let form = between(lock, (from_ms, until_ms));
        self.list(LIST, form, ErrorCode::VendorUnreachable).await
    }

    /// One page of them, as it is now.
    pub(crate) async fn record_page(
        &self,
        lock: i64,
        time_ms: (i64, i64),
        number: i64,
    ) -> Result<Page<RecordItem>, LockError> {
        let form = between(lock, time_ms).with_number("pageSize", PAGE_SIZE).with_number("pageNo", number);
        let page: Page<RecordItem> = self.read(LIST, &form, ErrorCode::VendorUnreachable).await?;
        if page.page_no.0 == number { Ok(page) } else { Err(STAKES.malformed()) }
    }

    /// How many calls of the application the vendor has counted this month. This one is not counted.
    pub(crate) async fn month_count(&self) -> Result<i64, LockError> {
        let (path, form) = ("/app/getMonthRequestCount", Form::default());
        let counted = self.call::<MonthCount>(Caller::Application, path, &form, STAKES).await;
        let counted = counted.map_err(|trouble| self.error(trouble, STAKES))?;
        Ok(counted.month_request_count.0)
    }
}
