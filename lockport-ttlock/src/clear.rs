//! A lock that is full: entries whose time is over make room for what is new.

use lockport::{ErrorCode, FailureReason, LockError};

use crate::client::Deleted;
use crate::driver::{Sort, TtlockDriver};
use crate::limits::{CLEARED_AT_ONCE, OVER_FOR};
use crate::map;

impl TtlockDriver {
    /// Whether something was deleted from a full lock, so that adding is worth another try. A vendor that cannot be asked for that
    /// makes no room.
    // VENDOR: -3009 and -4056 stay until something is deleted: a lock does not forget by itself (docs/vendor.md#passcodes).
    pub(crate) async fn makes_room(&self, sort: Sort, lock: i64, refused: &LockError) -> bool {
        refused.reason() == FailureReason::CapacityFull && self.clear(sort, lock).await.unwrap_or(false)
    }

    /// Deletes those entries of a lock that have been over for longest, whoever made them: nothing opens with them any more.
    async fn clear(&self, sort: Sort, lock: i64) -> Result<bool, LockError> {
        let Some(before) = self.env.now().checked_sub_signed(OVER_FOR) else { return Ok(false) };
        let mut over = match sort {
            Sort::Custom => {
                let items = self.client.passcodes(lock, None, ErrorCode::KeyIssueFailed).await?;
                map::passcode::over(&items, lock, before)
            }
            Sort::Card => {
                let items = self.client.cards(lock, None, ErrorCode::KeyIssueFailed).await?;
                map::card::over(&items, lock, before)
            }
            Sort::EKey | Sort::Random => Vec::new(),
        };
        over.sort_unstable();
        let mut has_room = false;
        for (_, id) in over.into_iter().take(CLEARED_AT_ONCE) {
            let deleted = match sort {
                Sort::Card => self.client.delete_card((lock, id)).await?,
                _ => self.client.delete_passcode((lock, id)).await?,
            };
            has_room |= deleted == Deleted::Now;
        }
        Ok(has_room)
    }
}
