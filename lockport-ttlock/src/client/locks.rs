//! Locks and gateways: what the cloud has of them, and what a lock itself says.

use lockport::{ErrorCode, LockError};

use super::Client;
use crate::error::Stakes;
use crate::line::Form;
use crate::wire::{GatewayItem, LinkItem, Links, LockDate, LockItem, WifiLock};

impl Client {
    /// The account's locks.
    pub(crate) async fn locks(&self) -> Result<Vec<LockItem>, LockError> {
        self.list("/v3/lock/list", Form::default(), ErrorCode::VendorUnreachable).await
    }

    /// The account's gateways.
    pub(crate) async fn gateways(&self) -> Result<Vec<GatewayItem>, LockError> {
        self.list("/v3/gateway/list", Form::default().with("orderBy", "0"), ErrorCode::VendorUnreachable)
            .await
    }

    /// One lock.
    // VENDOR: the answer may hold what opens the lock for ever (docs/vendor.md#locks): only five fields of it are read.
    pub(crate) async fn lock_detail(&self, lock: i64) -> Result<LockItem, LockError> {
        self.read(
            "/v3/lock/detail",
            &Form::default().with_number("lockId", lock),
            ErrorCode::VendorUnreachable,
        )
        .await
    }

    /// The gateways that hear a lock.
    pub(crate) async fn links(&self, lock: i64) -> Result<Vec<LinkItem>, LockError> {
        let form = Form::default().with_number("lockId", lock);
        let links: Links = self.read("/v3/gateway/listByLock", &form, ErrorCode::VendorUnreachable).await?;
        Ok(links.list)
    }

    /// Whether a lock with a radio of its own is heard of.
    pub(crate) async fn wifi_lock(&self, lock: i64) -> Result<WifiLock, LockError> {
        let form = Form::default().with_number("lockId", lock);
        self.read("/v3/wifiLock/detail", &form, ErrorCode::VendorUnreachable).await
    }

    /// What the clock in a lock shows.
    pub(crate) async fn lock_date(&self, lock: i64) -> Result<i64, LockError> {
        let form = Form::default().with_number("lockId", lock);
        let stakes = Stakes::harmless(ErrorCode::VendorUnreachable).at_the_lock();
        let shown: LockDate = self.ask("/v3/lock/queryDate", &form, stakes).await?;
        Ok(shown.date.0)
    }

    /// Sets the clock in a lock to the vendor's, and says what it shows then.
    pub(crate) async fn set_lock_date(&self, lock: i64) -> Result<i64, LockError> {
        let form = Form::default().with_number("lockId", lock);
        // It opens and closes nothing, and doing it twice is doing it once.
        let stakes = Stakes::harmless(ErrorCode::VendorUnreachable).at_the_lock();
        let shown: LockDate = self.ask("/v3/lock/updateDate", &form, stakes).await?;
        Ok(shown.date.0)
    }
}
