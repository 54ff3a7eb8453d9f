//! The other face: someone stands at a door and tries to open it.

use std::sync::Arc;

use crate::account::md5_hex;
use crate::core::Core;
use crate::ekey::{EKeyStatus, held_by};
use crate::lock::Lock;
use crate::state::State;
use crate::window::Place;

/// What is held against a door.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presented {
    /// A phone whose app logs in as an account.
    EKey {
        /// Name of the account, with its prefix.
        username: String,
        /// Password in clear, as a person types it.
        password: String,
    },
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EKey { username, .. } => {
                formatter.debug_struct("EKey").field("username", username).finish_non_exhaustive()
            }
        }
    }
}

/// What the door did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it opened.
    pub opened: bool,
    /// Why, or why not; never holds a secret.
    pub why: &'static str,
}

impl Verdict {
    fn opened(why: &'static str) -> Self {
        Self { opened: true, why }
    }

    fn shut(why: &'static str) -> Self {
        Self { opened: false, why }
    }
}

/// One door with its lock.
#[derive(Debug, Clone)]
pub struct Door {
    core: Arc<Core>,
    name: String,
}

impl Door {
    pub(crate) fn new(core: Arc<Core>, name: &str) -> Self {
        Self { core, name: name.into() }
    }

    /// Tries to open the door at the true time `at_ms`; the lock judges by its own clock.
    ///
    /// The cloud is taken as it stands now, with late effects due by the simulated clock landed. An eKey for
    /// one time is gone after it opened the door.
    #[must_use]
    pub fn try_open(&self, presented: &Presented, at_ms: i64) -> Verdict {
        let (mut state, _) = self.core.state();
        let Some(lock_id) = state.lock_id_of(&self.name) else {
            return Verdict::shut("there is no such door");
        };
        let Some(lock) = state.locks.get(&lock_id).cloned() else {
            return Verdict::shut("there is no such door");
        };
        if !lock.is_paired {
            return Verdict::shut("the lock was deleted from the cloud");
        }
        if lock.battery == 0 {
            return Verdict::shut("the battery is dead");
        }
        if lock.is_frozen {
            return Verdict::shut("the lock is frozen");
        }
        match presented {
            Presented::EKey { username, password } => {
                ekey(&mut state, lock_id, &lock, (username, password), at_ms)
            }
        }
    }

    /// Sets how far the lock's clock runs ahead of the true time; negative when it is late.
    pub fn set_drift_ms(&self, drift_ms: i64) {
        self.change(|lock| lock.drift_ms = drift_ms);
    }

    /// Sets the battery in percent; at 0 nothing opens.
    pub fn set_battery(&self, percent: u8) {
        self.change(|lock| lock.battery = percent.min(100));
    }

    /// Freezes the whole lock, or lets it go.
    pub fn set_frozen(&self, frozen: bool) {
        self.change(|lock| lock.is_frozen = frozen);
    }

    /// Sets the lock's fixed offset from UTC, as the cloud tells it.
    pub fn set_timezone_offset_ms(&self, offset_ms: i64) {
        self.change(|lock| lock.timezone_offset_ms = offset_ms);
    }

    fn change(&self, apply: impl FnOnce(&mut Lock)) {
        let (mut state, _) = self.core.state();
        if let Some(lock) = state.locks.values_mut().find(|lock| lock.door == self.name) {
            apply(lock);
        }
    }
}

fn ekey(
    state: &mut State,
    lock_id: i64,
    lock: &Lock,
    (username, password): (&str, &str),
    at_ms: i64,
) -> Verdict {
    let logged_in = state.uid_of(username).filter(|uid| {
        state.accounts.get(uid).is_some_and(|account| account.password_md5 == md5_hex(password))
    });
    let Some(uid) = logged_in else {
        return Verdict::shut("the account cannot log in");
    };
    if uid == lock.owner {
        return Verdict::opened("the top administrator");
    }
    let Some(key) = held_by(state, lock_id, uid).cloned() else {
        return Verdict::shut("the account holds no eKey for this lock");
    };
    if key.status == EKeyStatus::Frozen {
        return Verdict::shut("the eKey is frozen");
    }
    match key.window.place(at_ms.saturating_add(lock.drift_ms)) {
        Place::Before => Verdict::shut("the eKey is not valid yet"),
        Place::After => Verdict::shut("the eKey has expired"),
        Place::Inside => {
            // VENDOR: section 4, the app must delete a one-time eKey after use.
            if key.window.is_one_time() {
                state.ekeys.remove(&key.key_id);
            }
            Verdict::opened("a valid eKey")
        }
    }
}
