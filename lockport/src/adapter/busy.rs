//! One task at a time for one operation within this process: two tasks of one instance would both be its owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::lock::Mutex as AsyncMutex;

use crate::idempotency::IdempotencyKey;

#[derive(Debug, Default)]
pub(super) struct Busy {
    operations: Mutex<HashMap<IdempotencyKey, Weak<AsyncMutex<()>>>>,
}

impl Busy {
    /// What to lock before touching the operation of this key.
    pub(super) fn of(&self, key: &IdempotencyKey) -> Arc<AsyncMutex<()>> {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations.retain(|_, held| held.strong_count() > 0);
        let known = operations.get(key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let fresh = Arc::new(AsyncMutex::new(()));
            operations.insert(key.clone(), Arc::downgrade(&fresh));
            fresh
        })
    }
}
