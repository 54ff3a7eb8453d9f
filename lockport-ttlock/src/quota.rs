//! How often the vendor may be called: by the minute, and by the month.

use lockport::transport::Quota;
use lockport::{LockError, Timestamp};

use crate::driver::TtlockDriver;
use crate::error::next_month;
use crate::limits::{CALLS, CALLS_PER};

/// What one application may ask for (R45), for the limit that the host puts around the transport. Whoever shares the application
/// shares the limit.
// VENDOR: the platform's figure; the vendor says no more than that there can be too many (docs/vendor.md#quota).
#[must_use]
pub fn rate() -> Quota {
    Quota::new(CALLS, CALLS_PER)
}

/// How much of the month's calls is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthlyCalls {
    /// What the vendor has counted, over all properties and instances that share the application.
    pub used: u64,
    /// What the configuration says there is.
    pub of: u32,
    /// When it is counted anew.
    pub anew: Timestamp,
}

impl MonthlyCalls {
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
    pub async fn monthly_calls(&self) -> Result<MonthlyCalls, LockError> {
        let used = u64::try_from(self.client.month_count().await?).unwrap_or(0);
        let now = self.env.now();
        Ok(MonthlyCalls { used, of: self.config.monthly_calls, anew: next_month(now).unwrap_or(now) })
    }
}
