//! The handle of a running simulation.

use std::sync::Arc;

use tokio::sync::watch;

use crate::builder::Builder;
use crate::clock::SimClock;
use crate::core::Core;
use crate::door::Door;
use crate::fault::Faults;
use crate::probe::{LiveEKey, Seen};
use crate::quota::Throttle;

/// A running simulation. It stops when this handle is dropped.
#[derive(Debug)]
pub struct TtlockSim {
    core: Arc<Core>,
    base_url: String,
    /// Its loss is the signal to stop.
    _stop: watch::Sender<()>,
}

impl TtlockSim {
    /// Starts describing a simulation that lives by `clock`.
    pub fn builder(clock: SimClock) -> Builder {
        Builder::new(clock)
    }

    pub(crate) fn new(core: Arc<Core>, base_url: String, stop: watch::Sender<()>) -> Self {
        Self { core, base_url, _stop: stop }
    }

    /// Where the HTTP face listens, such as `http://127.0.0.1:49152`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The clock of this simulation.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.core.clock
    }

    /// The door of a name. A door that was never declared opens to nobody.
    #[must_use]
    pub fn door(&self, name: &str) -> Door {
        Door::new(Arc::clone(&self.core), name)
    }

    /// The vendor's id of the lock in a door.
    #[must_use]
    pub fn lock_id(&self, name: &str) -> Option<i64> {
        self.core.state().0.lock_id_of(name)
    }

    /// The top administrator's own eKey of the lock in a door. Deleting it deletes the lock.
    #[must_use]
    pub fn own_key_id(&self, name: &str) -> Option<i64> {
        let (state, _) = self.core.state();
        state.locks.values().find(|lock| lock.door == name).map(|lock| lock.own_key_id)
    }

    /// The faults on order.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// Sets or lifts the limit on calls per time, which answers 30006.
    pub fn set_throttle(&self, throttle: Option<Throttle>) {
        self.core.state().0.quota.throttle = throttle;
    }

    /// Sets how many calls an application has in a month, after which 30007 is the answer.
    pub fn set_monthly_quota(&self, calls: u64) {
        self.core.state().0.quota.monthly = calls;
    }

    /// Calls an application has made this month (UTC+8).
    #[must_use]
    pub fn month_request_count(&self, client_id: &str) -> u64 {
        let (state, now_ms) = self.core.state();
        state.quota.used(client_id, now_ms)
    }

    /// Pulls a gateway's plug or puts it back; false when there is no such gateway.
    pub fn set_gateway_power(&self, name: &str, on: bool) -> bool {
        let (mut state, now_ms) = self.core.state();
        state.set_gateway_power(name, on, now_ms)
    }

    /// The eKeys that are out for the lock in a door, oldest first.
    #[must_use]
    pub fn live_ekeys(&self, name: &str) -> Vec<LiveEKey> {
        let (state, _) = self.core.state();
        let lock_id = state.lock_id_of(name);
        state
            .ekeys
            .values()
            .filter(|key| Some(key.lock_id) == lock_id)
            .map(|key| LiveEKey {
                username: state.username_of(key.holder),
                key_id: key.key_id,
                key_name: key.name.clone(),
                start_ms: key.window.start_ms,
                end_ms: key.window.end_ms,
                status: key.status,
            })
            .collect()
    }

    /// How many requests came for a path, however they ended.
    #[must_use]
    pub fn requests(&self, path: &str) -> usize {
        self.core.state().0.seen.iter().filter(|seen| seen.path == path).count()
    }

    /// All requests in the order they came: names, never values.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.core.state().0.seen.clone()
    }
}

impl Drop for TtlockSim {
    fn drop(&mut self) {
        // Held answers would keep their connections, and with them the server, alive.
        self.core.faults.release();
    }
}
