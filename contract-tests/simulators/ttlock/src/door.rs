//! The other face: someone stands at a door and tries to open it.

use std::fmt;
use std::sync::Arc;

use crate::account::md5_hex;
use crate::core::Core;
use crate::device::Deed;
use crate::digits::Digits;
use crate::ekey::{EKeyStatus, held_by};
use crate::limits::AUTO_LOCK_S;
use crate::lock::Lock;
use crate::logbook::Tried;
use crate::memory::{Judged, StoredCard};
use crate::radio::{Feature, Radio};
use crate::reach::way;
use crate::record;
use crate::state::State;
use crate::wake;
use crate::window::{Place, Window};

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
    /// Digits typed on the lock's keys.
    Passcode(Digits),
    /// A card.
    Card {
        /// The number the lock's own reader reads; a desk reader may read the same card byte-reversed.
        number: u64,
    },
    /// A page with a button, from `/v3/key/getUnlockLink`.
    Link(String),
}

impl Presented {
    /// Digits typed on the lock's keys.
    #[must_use]
    pub fn passcode(digits: &str) -> Self {
        Self::Passcode(Digits::new(digits))
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EKey { username, .. } => {
                formatter.debug_struct("EKey").field("username", username).finish_non_exhaustive()
            }
            Self::Passcode(_) => formatter.write_str("Passcode"),
            Self::Card { .. } => formatter.write_str("Card"),
            Self::Link(_) => formatter.write_str("Link"),
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

    /// Tries to open the door at the true time `at_ms`; the lock judges by its own clock and by what it was told.
    ///
    /// The cloud is taken as it stands now, with late effects due by the simulated clock landed. An eKey for
    /// one time is gone after it opened the door.
    #[must_use]
    pub fn try_open(&self, presented: &Presented, at_ms: i64) -> Verdict {
        let (mut state, now_ms) = self.core.state();
        let Some(lock_id) = state.lock_id_of(&self.name) else {
            return Verdict::shut("there is no such door");
        };
        let Some(lock) = state.locks.get_mut(&lock_id) else {
            return Verdict::shut("there is no such door");
        };
        if !lock.is_paired {
            return Verdict::shut("the lock was deleted from the cloud");
        }
        if lock.device.battery == 0 {
            return Verdict::shut("the battery is dead");
        }
        if lock.device.is_frozen {
            return Verdict::shut("the lock is frozen");
        }
        let verdict = match presented {
            Presented::EKey { username, password } => ekey(&mut state, lock_id, (username, password), at_ms),
            Presented::Link(link) => linked(&mut state, lock_id, link, at_ms),
            Presented::Passcode(digits) => {
                let judged = judge_code(lock, digits, at_ms);
                record::write(&mut state, lock_id, Tried::Code(digits.clone()), judged, at_ms);
                told(judged, "a valid passcode")
            }
            Presented::Card { number } => {
                let judged = judge_card(lock, *number, at_ms);
                record::write(&mut state, lock_id, Tried::Card(*number), judged, at_ms);
                told(judged, "a valid card")
            }
        };
        if verdict.opened
            && let Some(lock) = state.locks.get_mut(&lock_id)
        {
            lock.device.open_until_ms = at_ms.saturating_add(AUTO_LOCK_S * 1000);
        }
        if verdict.opened && matches!(presented, Presented::EKey { .. }) {
            // The app reads the lock's log while it is connected and hands it to the cloud.
            record::take_news(&mut state, lock_id, now_ms);
        }
        record::collect(&mut state, now_ms);
        verdict
    }

    /// Sets how far the lock's clock runs ahead of the true time; negative when it is late.
    pub fn set_drift_ms(&self, drift_ms: i64) {
        self.change(|lock, _| lock.device.clock_ahead_ms = lock.zone_ms.saturating_add(drift_ms));
    }

    /// How far the lock's clock runs ahead of the true time; `None` when there is no such door.
    #[must_use]
    pub fn drift_ms(&self) -> Option<i64> {
        let (state, _) = self.core.state();
        state.lock_id_of(&self.name).and_then(|lock_id| state.locks.get(&lock_id)).map(Lock::drift_ms)
    }

    /// Sets the battery in percent; at 0 nothing opens and no radio hears the lock.
    pub fn set_battery(&self, percent: u8) {
        self.change(|lock, now_ms| {
            lock.device.battery = percent.min(100);
            lock.settle_silence(now_ms);
        });
        // A gateway in reach hears the battery with the next beacon.
        let (mut state, now_ms) = self.core.state();
        if let Some(lock_id) = state.lock_id_of(&self.name)
            && way(&state, lock_id, now_ms).is_ok()
            && let Some(lock) = state.locks.get_mut(&lock_id)
        {
            lock.told_battery = lock.device.battery;
        }
    }

    /// Freezes the whole lock, or lets it go.
    pub fn set_frozen(&self, frozen: bool) {
        self.change(|lock, _| lock.device.is_frozen = frozen);
    }

    /// Whether the lock is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        let (state, _) = self.core.state();
        state
            .lock_id_of(&self.name)
            .and_then(|lock_id| state.locks.get(&lock_id))
            .is_some_and(|lock| lock.device.is_frozen)
    }

    /// Sets the lock's fixed offset from UTC, as the cloud tells it, and its clock with it.
    pub fn set_timezone_offset_ms(&self, offset_ms: i64) {
        self.change(|lock, _| {
            let drift_ms = lock.drift_ms();
            lock.zone_ms = offset_ms;
            lock.device.clock_ahead_ms = offset_ms.saturating_add(drift_ms);
        });
    }

    /// Brings the lock into or out of the reach of every gateway.
    pub fn set_in_reach(&self, in_reach: bool) {
        self.change(|lock, now_ms| {
            lock.is_in_reach = in_reach;
            lock.settle_silence(now_ms);
        });
    }

    /// Takes a function away from the lock: calls that need it answer -4043.
    pub fn take_feature(&self, feature: Feature) {
        self.change(|lock, _| lock.features.lose(feature));
    }

    /// Makes the lock one whose random passcodes were never set up: -1007.
    pub fn forget_passcode_data(&self) {
        self.change(|lock, _| lock.has_passcode_data = false);
    }

    /// Changes the WiFi radio of the lock, if it has one.
    pub fn set_wifi(&self, wifi: WifiState) {
        self.change(|lock, now_ms| {
            let Radio::Wifi(radio) = &mut lock.radio else { return };
            radio.is_set_up = wifi != WifiState::NeverSetUp;
            radio.is_power_saving = wifi == WifiState::PowerSaving;
            radio.silent_since_ms = match wifi {
                WifiState::Offline => radio.silent_since_ms.or(Some(now_ms)),
                _ => None,
            };
            radio.busy_until_ms = if wifi == WifiState::Busy { i64::MAX } else { 0 };
        });
    }

    /// Registers the NB-IoT radio of the lock, if it has one, or takes the registration away: -4067.
    pub fn set_nb_registered(&self, registered: bool) {
        self.change(|lock, _| {
            if let Radio::Nb { is_registered } = &mut lock.radio {
                *is_registered = registered;
            }
        });
    }

    /// The lock wakes: it hears what waited for it and tells what it wrote down.
    pub fn wake(&self) {
        let (mut state, now_ms) = self.core.state();
        if let Some(lock_id) = state.lock_id_of(&self.name) {
            wake::wake(&mut state, lock_id, now_ms);
        }
    }

    /// Somebody with the app stands before the lock and adds a passcode over Bluetooth; the cloud does not learn
    /// of it. False when the lock refuses. Both dates 0 is permanent.
    pub fn add_passcode_by_hand(&self, digits: &str, start_ms: i64, end_ms: i64) -> bool {
        let digits = Digits::new(digits);
        self.by_hand(|lock| Deed::AddCode { digits, window: lock.on_wall(Window { start_ms, end_ms }) })
    }

    /// The same, to delete one.
    pub fn delete_passcode_by_hand(&self, digits: &str) -> bool {
        self.by_hand(|_| Deed::DeleteCode { digits: Digits::new(digits) })
    }

    /// The same, to add a card by the number the lock reads.
    pub fn add_card_by_hand(&self, number: u64, start_ms: i64, end_ms: i64) -> bool {
        self.by_hand(|lock| {
            let window = lock.on_wall(Window { start_ms, end_ms });
            Deed::AddCard { number, card: StoredCard { window, schedule: None } }
        })
    }

    /// The same, to read the lock's log, as the text that `/v3/lockRecord/upload` takes.
    #[must_use]
    pub fn read_log_by_hand(&self) -> String {
        let (state, _) = self.core.state();
        state
            .lock_id_of(&self.name)
            .map_or_else(|| "[]".to_owned(), |lock_id| record::as_read_by_hand(&state, lock_id).to_string())
    }

    fn by_hand(&self, deed: impl FnOnce(&Lock) -> Deed) -> bool {
        let (mut state, _) = self.core.state();
        let Some(lock_id) = state.lock_id_of(&self.name) else { return false };
        let Ok(lock) = state.lock_mut(lock_id) else { return false };
        let deed = deed(lock);
        lock.device.battery > 0 && lock.device.perform(deed).is_ok()
    }

    fn change(&self, apply: impl FnOnce(&mut Lock, i64)) {
        let (mut state, now_ms) = self.core.state();
        if let Some(lock) = state.locks.values_mut().find(|lock| lock.door == self.name) {
            apply(lock, now_ms);
        }
    }
}

/// How the WiFi radio of a lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WifiState {
    /// Reachable.
    Online,
    /// No network was ever given to it: -3034.
    NeverSetUp,
    /// Reachable only when it wakes: -3035.
    PowerSaving,
    /// Out of its network: -3036.
    Offline,
    /// Serving somebody else: -3037.
    Busy,
}

fn judge_code(lock: &mut Lock, digits: &Digits, at_ms: i64) -> Judged {
    if !lock.features.has(Feature::Passcode) {
        return Judged::Unknown;
    }
    let wall_ms = lock.device.wall_ms(at_ms);
    lock.device.memory.judge_code(digits, wall_ms)
}

fn judge_card(lock: &Lock, number: u64, at_ms: i64) -> Judged {
    if lock.features.has(Feature::Card) {
        lock.device.memory.judge_card(number, lock.device.wall_ms(at_ms))
    } else {
        Judged::Unknown
    }
}

fn told(judged: Judged, valid: &'static str) -> Verdict {
    match judged {
        Judged::Opens => Verdict::opened(valid),
        Judged::Erases => Verdict::shut("every passcode of the lock was erased"),
        Judged::TooEarly => Verdict::shut("not valid yet"),
        Judged::Expired => Verdict::shut("no longer valid"),
        Judged::OffHours => Verdict::shut("not valid at this hour of the week"),
        Judged::BlackListed => Verdict::shut("on the black list"),
        Judged::Unknown => Verdict::shut("the lock does not know it"),
    }
}

/// A page with a button: the cloud opens the lock through whatever reaches it.
fn linked(state: &mut State, lock_id: i64, link: &str, at_ms: i64) -> Verdict {
    let key = state.links.get(link).and_then(|key_id| state.ekeys.get(key_id)).cloned();
    let Some(key) = key.filter(|key| key.lock_id == lock_id && key.status == EKeyStatus::Normal) else {
        return Verdict::shut("the link opens nothing here");
    };
    if key.window.place(at_ms) != Place::Inside {
        return Verdict::shut("the eKey of the link is not valid now");
    }
    if way(state, lock_id, at_ms).is_err() {
        return Verdict::shut("nothing reaches the lock");
    }
    record::write(state, lock_id, Tried::Remote(key.holder), Judged::Opens, at_ms);
    Verdict::opened("a valid link")
}

fn ekey(state: &mut State, lock_id: i64, (username, password): (&str, &str), at_ms: i64) -> Verdict {
    let logged_in = state.uid_of(username).filter(|uid| {
        state.accounts.get(uid).is_some_and(|account| account.password_md5 == md5_hex(password))
    });
    let Some(uid) = logged_in else {
        return Verdict::shut("the account cannot log in");
    };
    let Some(lock) = state.locks.get(&lock_id) else {
        return Verdict::shut("there is no such door");
    };
    let drift_ms = lock.drift_ms();
    if uid == lock.owner {
        record::write(state, lock_id, Tried::App(uid), Judged::Opens, at_ms);
        return Verdict::opened("the top administrator");
    }
    let Some(key) = held_by(state, lock_id, uid).cloned() else {
        return Verdict::shut("the account holds no eKey for this lock");
    };
    if key.status == EKeyStatus::Frozen {
        return Verdict::shut("the eKey is frozen");
    }
    match key.window.place(at_ms.saturating_add(drift_ms)) {
        Place::Before => Verdict::shut("the eKey is not valid yet"),
        Place::After => Verdict::shut("the eKey has expired"),
        Place::Inside => {
            // VENDOR: section 4, the app must delete a one-time eKey after use.
            if key.window.is_one_time() {
                state.ekeys.remove(&key.key_id);
            }
            record::write(state, lock_id, Tried::App(uid), Judged::Opens, at_ms);
            Verdict::opened("a valid eKey")
        }
    }
}
