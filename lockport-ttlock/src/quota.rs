//! The month's calls: the vendor counts them by application and stops at a number.

use lockport::{LockError, Timestamp};

use crate::driver::TtlockDriver;
use crate::error::next_month;

/// How much of the month's calls is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What the vendor has counted, over all properties and instances that share the application.
    pub used: u64,
    /// What the configuration says there is.
    pub of: u32,
    /// When it is counted anew.
    pub anew: Timestamp,
}

impl Quota {
    /// How many calls are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        u64::from(self.of).saturating_sub(self.used)
    }
}

impl TtlockDriver {
    /// How much of this month's calls is used. Asking is not counted.
    ///
    /// # Errors
    /// When the vendor could not be asked.
    pub async fn quota(&self) -> Result<Quota, LockError> {
        let used = u64::try_from(self.client.month_count().await?).unwrap_or(0);
        let now = self.env.now();
        Ok(Quota { used, of: self.config.monthly_calls, anew: next_month(now).unwrap_or(now) })
    }
}
