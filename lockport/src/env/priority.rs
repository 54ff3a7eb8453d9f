//! How urgent the call is on whose behalf something is sent. It travels with the call, not with the thread that happens to poll
//! it, so that a driver need not hand it on: a read-back or a token refresh within a revoke is as urgent as the revoke.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use crate::error::Operation;

/// Who goes first where a vendor admits only so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// What takes access away: revoke and suspend.
    First,
    /// Everything else.
    #[default]
    Normal,
}

thread_local! {
    static CURRENT: Cell<Priority> = const { Cell::new(Priority::Normal) };
}

/// Puts back what stood before, also when a poll panics.
struct Restore(Priority);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Priority {
    /// The priority of a call of the port.
    #[must_use]
    pub const fn of(operation: Operation) -> Self {
        match operation {
            Operation::RevokeCredential | Operation::SuspendCredential => Self::First,
            _ => Self::Normal,
        }
    }

    /// The priority of the future that is being polled; [`Normal`](Self::Normal) outside any [`scope`](Self::scope), and in what
    /// a driver hands to a task of its own.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Runs a future in this priority, on whatever threads it is polled.
    ///
    /// ```
    /// use lockport::env::Priority;
    /// # use futures_util::FutureExt as _;
    /// let urgent = Priority::First.scope(async { Priority::current() });
    /// assert_eq!(urgent.now_or_never(), Some(Priority::First));
    /// assert_eq!(Priority::current(), Priority::Normal);
    /// ```
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _restore = Restore(CURRENT.replace(self));
            future.as_mut().poll(context)
        })
        .await
    }
}
