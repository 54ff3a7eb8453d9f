//! The handle of a running simulation.

use std::sync::Arc;

use tokio::sync::watch;

use crate::builder::Builder;
use crate::callback::{self, Delivery, OnTheWay};
use crate::clock::SimClock;
use crate::core::Core;
use crate::describe;
use crate::door::Door;
use crate::fault::Faults;
use crate::gateway::Gateway;
use crate::probe::{CloudCard, CloudPasscode, LiveEKey, LockCard, LockPasscode, Seen};
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

    /// Sets how long a gateway takes to bring a command to a lock, in simulated time; 0, the default, is at once.
    /// Until then the gateway answers everybody else that it is busy. False when there is no such gateway.
    ///
    /// The answer to such a command comes when the clock has been moved that far.
    pub fn set_gateway_latency_ms(&self, name: &str, latency_ms: i64) -> bool {
        self.with_gateway(name, |gateway| gateway.latency_ms = latency_ms)
    }

    /// Keeps a gateway busy (-3003) until the clock gets there; false when there is no such gateway.
    pub fn set_gateway_busy_until(&self, name: &str, until_ms: i64) -> bool {
        self.with_gateway(name, |gateway| gateway.busy_until_ms = until_ms)
    }

    fn with_gateway(&self, name: &str, apply: impl FnOnce(&mut Gateway)) -> bool {
        let (mut state, _) = self.core.state();
        state.gateways.iter_mut().find(|gateway| gateway.name == name).map(apply).is_some()
    }

    /// Sets how far the cloud's own clock is ahead of the true time: 80000 for callers that know better.
    pub fn set_cloud_skew_ms(&self, skew_ms: i64) {
        self.core.state().0.cloud_skew_ms = skew_ms;
    }

    /// Tells the cloud where an application wants its callbacks: plain `http` only.
    pub fn set_callback_url(&self, client_id: &str, url: &str) {
        self.core.state().0.callback_urls.insert(client_id.into(), url.into());
    }

    /// Presses the console's test button, which sends an invented record; false when the application has no URL.
    pub fn press_callback_test_button(&self, client_id: &str) -> bool {
        let (mut state, now_ms) = self.core.state();
        callback::press_test_button(&mut state, client_id, now_ms)
    }

    /// Orders what happens to the next callback that has no order yet.
    pub fn order_callback(&self, order: OnTheWay) {
        self.core.state().0.outbox.order(order);
    }

    /// Waits until every callback that is due was sent and answered, and tells of all that ever were.
    pub async fn callbacks(&self) -> Vec<Delivery> {
        let mut turns = self.core.quiet.subscribe();
        loop {
            let sent = {
                let (state, now_ms) = self.core.state();
                state.outbox.is_quiet(now_ms).then(|| state.outbox.delivered.clone())
            };
            if let Some(sent) = sent {
                return sent;
            }
            // The sender lives as long as `self`, so the wait cannot end by its loss.
            let _turned = turns.changed().await;
        }
    }

    /// The passcodes a lock itself knows, the vendor's own choices included.
    #[must_use]
    pub fn lock_passcodes(&self, name: &str) -> Vec<LockPasscode> {
        let (state, _) = self.core.state();
        let Some(lock) = state.lock_id_of(name).and_then(|lock_id| state.locks.get(&lock_id)) else {
            return Vec::new();
        };
        let memory = &lock.device.memory;
        let stored = memory.codes.iter().map(|(digits, code)| LockPasscode {
            digits: digits.clone(),
            start_wall_ms: code.window.start_ms,
            end_wall_ms: code.window.end_ms,
            is_stored: true,
        });
        let random = memory.random.iter().map(|(digits, random)| LockPasscode {
            digits: digits.clone(),
            start_wall_ms: random.window().start_ms,
            end_wall_ms: random.window().end_ms,
            is_stored: false,
        });
        stored.chain(random).collect()
    }

    /// The passcodes the cloud lists for the lock in a door.
    #[must_use]
    pub fn cloud_passcodes(&self, name: &str) -> Vec<CloudPasscode> {
        let (state, _) = self.core.state();
        let lock_id = state.lock_id_of(name);
        state
            .passcodes
            .values()
            .filter(|known| Some(known.lock_id) == lock_id)
            .map(|known| CloudPasscode {
                passcode_id: known.passcode_id,
                digits: known.digits.clone(),
                name: known.name.clone(),
                start_ms: known.window.start_ms,
                end_ms: known.window.end_ms,
                is_custom: known.is_custom,
            })
            .collect()
    }

    /// The cards a lock itself knows.
    #[must_use]
    pub fn lock_cards(&self, name: &str) -> Vec<LockCard> {
        let (state, _) = self.core.state();
        let Some(lock) = state.lock_id_of(name).and_then(|lock_id| state.locks.get(&lock_id)) else {
            return Vec::new();
        };
        let cards = lock.device.memory.cards.iter();
        cards
            .map(|(number, card)| LockCard {
                number: *number,
                start_wall_ms: card.window.start_ms,
                end_wall_ms: card.window.end_ms,
            })
            .collect()
    }

    /// The cards the cloud lists for the lock in a door.
    #[must_use]
    pub fn cloud_cards(&self, name: &str) -> Vec<CloudCard> {
        let (state, _) = self.core.state();
        let lock_id = state.lock_id_of(name);
        state
            .cards
            .values()
            .filter(|card| Some(card.lock_id) == lock_id)
            .map(|card| CloudCard {
                card_id: card.card_id,
                number: card.number.clone(),
                name: card.name.clone(),
                start_ms: card.window.start_ms,
                end_ms: card.window.end_ms,
            })
            .collect()
    }

    /// The HTTP face in OpenAPI 3.1, as served at `/openapi.json`.
    #[must_use]
    pub fn openapi() -> serde_json::Value {
        describe::openapi()
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
        // Answers that are held, or on their way, would keep their connections and with them the server alive.
        self.core.faults.release();
        self.core.state().0.late.clear();
    }
}
