//! Records: who tried a lock, as the cloud has it; and how often it was asked this month.

use lockport::{ErrorCode, LockError};

use super::{Caller, Client};
use crate::error::Stakes;
use crate::line::Form;
use crate::wire::{MonthCount, RecordItem};

/// Reading has no effect.
const STAKES: Stakes = Stakes::harmless(ErrorCode::VendorUnreachable);

impl Client {
    /// The records of a lock between two instants.
    pub(crate) async fn records(
        &self,
        lock: i64,
        (from_ms, until_ms): (i64, i64),
    ) -> Result<Vec<RecordItem>, LockError> {
        let form = Form::default()
            .with_number("lockId", lock)
            .with_number("startDate", from_ms)
            .with_number("endDate", until_ms);
        self.list("/v3/lockRecord/list", form, ErrorCode::VendorUnreachable).await
    }

    /// How many calls of the application the vendor has counted this month. This one is not counted.
    pub(crate) async fn month_count(&self) -> Result<i64, LockError> {
        let (path, form) = ("/app/getMonthRequestCount", Form::default());
        let counted = self.call::<MonthCount>(Caller::Application, path, &form, STAKES).await;
        let counted = counted.map_err(|trouble| self.error(trouble, STAKES))?;
        Ok(counted.month_request_count.0)
    }
}
