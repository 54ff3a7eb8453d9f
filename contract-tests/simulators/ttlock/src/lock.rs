//! Locks as the cloud lists them (VENDOR: section 7).

use serde_json::{Value, json};

use crate::device::Device;
use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::{AUTO_LOCK_S, BATTERY_DEFAULT, LOCK_PAGE_SIZE_MAX, MINUTE_MS};
use crate::paging::{Page, fuzzy};
use crate::radio::{Feature, Features, Radio};
use crate::reach::Deferred;
use crate::route::Call;
use crate::secrets::LockSecrets;
use crate::state::State;
use crate::window::Window;
use crate::wire::Answer;

/// A lock: what the cloud knows of it, and the device in its door.
#[derive(Debug)]
pub(crate) struct Lock {
    pub(crate) door: String,
    pub(crate) owner: i64,
    /// The top administrator's own key, which no list of sent eKeys shows.
    pub(crate) own_key_id: i64,
    /// False once the lock was deleted from the cloud and with that reset.
    pub(crate) is_paired: bool,
    pub(crate) radio: Radio,
    /// Whether a gateway that stands near could hear it.
    pub(crate) is_in_reach: bool,
    /// Since when no gateway hears it, if it is out of reach or without power.
    pub(crate) silent_since_ms: Option<i64>,
    pub(crate) features: Features,
    /// False for a lock whose random passcodes were never set up (-1007).
    pub(crate) has_passcode_data: bool,
    /// Local time minus UTC, without daylight saving, as the cloud believes it.
    pub(crate) zone_ms: i64,
    /// The battery when the cloud last heard of it.
    pub(crate) told_battery: u8,
    /// Orders that wait until the lock wakes.
    pub(crate) deferred: Vec<Deferred>,
    pub(crate) device: Device,
    pub(crate) added_ms: i64,
    mac: String,
    lock_data: String,
    admin_passcode: String,
    secrets: LockSecrets,
}

impl State {
    /// The lock of an id, as long as the cloud knows it.
    pub(crate) fn lock(&self, lock_id: i64) -> Result<&Lock, Errcode> {
        self.locks.get(&lock_id).filter(|lock| lock.is_paired).ok_or(Errcode::LOCK_UNKNOWN)
    }

    /// The same, to change it.
    pub(crate) fn lock_mut(&mut self, lock_id: i64) -> Result<&mut Lock, Errcode> {
        self.locks.get_mut(&lock_id).filter(|lock| lock.is_paired).ok_or(Errcode::LOCK_UNKNOWN)
    }

    /// The lock of an id, if it has a function.
    pub(crate) fn lock_with(&self, lock_id: i64, feature: Feature) -> Result<&Lock, Errcode> {
        let lock = self.lock(lock_id)?;
        if lock.features.has(feature) { Ok(lock) } else { Err(Errcode::LOCK_LACKS_FEATURE) }
    }

    /// The id behind a door's name.
    pub(crate) fn lock_id_of(&self, door: &str) -> Option<i64> {
        self.locks.iter().find(|(_, lock)| lock.door == door).map(|(lock_id, _)| *lock_id)
    }

    /// The lock, and its owner, that an id is the top administrator's own key of.
    pub(crate) fn lock_of_own_key(&self, key_id: i64) -> Option<(i64, i64)> {
        self.locks
            .iter()
            .find(|(_, lock)| lock.is_paired && lock.own_key_id == key_id)
            .map(|(lock_id, lock)| (*lock_id, lock.owner))
    }

    /// Hangs a lock in a door.
    pub(crate) fn add_lock(
        &mut self,
        lock_id: Option<i64>,
        door: &str,
        owner: i64,
        radio: Radio,
        now_ms: i64,
    ) -> i64 {
        let lock_id = lock_id.unwrap_or_else(|| self.prng.small_id());
        let lock = Lock {
            door: door.into(),
            owner,
            own_key_id: self.prng.key_id(),
            is_paired: true,
            features: Features::of(&radio),
            radio,
            is_in_reach: true,
            silent_since_ms: None,
            has_passcode_data: true,
            zone_ms: 0,
            told_battery: BATTERY_DEFAULT,
            deferred: Vec::new(),
            device: Device::new(),
            added_ms: now_ms,
            mac: self.prng.mac(),
            lock_data: self.prng.hex32(),
            admin_passcode: self.prng.digits(7),
            secrets: LockSecrets::new(&mut self.prng),
        };
        self.locks.insert(lock_id, lock);
        lock_id
    }

    /// Deletes a lock from the cloud with every credential to it, and resets it.
    pub(crate) fn unpair(&mut self, lock_id: i64) {
        self.ekeys.retain(|_, key| key.lock_id != lock_id);
        self.passcodes.retain(|_, passcode| passcode.lock_id != lock_id);
        self.cards.retain(|_, card| card.lock_id != lock_id);
        if let Some(lock) = self.locks.get_mut(&lock_id) {
            lock.is_paired = false;
            lock.device = Device::new();
        }
    }
}

impl Lock {
    /// The name the lock was made with; the door's name is only its alias.
    pub(crate) fn factory_name(&self) -> String {
        let tail: String = self.mac.chars().filter(|sign| *sign != ':').skip(6).collect();
        format!("S31_{}", tail.to_lowercase())
    }

    pub(crate) fn mac(&self) -> &str {
        &self.mac
    }

    pub(crate) fn lock_data(&self) -> &str {
        &self.lock_data
    }

    pub(crate) fn admin_passcode(&self) -> &str {
        &self.admin_passcode
    }

    /// A change of the time zone makes new lock data.
    pub(crate) fn renew_lock_data(&mut self, lock_data: String) {
        self.lock_data = lock_data;
    }

    /// How far the lock's clock is ahead of the one the cloud believes it to have.
    pub(crate) fn drift_ms(&self) -> i64 {
        self.device.clock_ahead_ms.saturating_sub(self.zone_ms)
    }

    /// A window as the lock keeps it: on its wall, in whole minutes. The permanent one stays as it is.
    pub(crate) fn on_wall(&self, window: Window) -> Window {
        if window.is_permanent() {
            return window;
        }
        let wall = |ms: i64| {
            let wall_ms = ms.saturating_add(self.zone_ms);
            wall_ms - wall_ms.rem_euclid(MINUTE_MS)
        };
        Window { start_ms: wall(window.start_ms), end_ms: wall(window.end_ms) }
    }

    /// Whether nobody can hear it: no power, or out of every radio's reach.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent_since_ms.is_some()
    }

    /// Notes since when nobody can hear it.
    pub(crate) fn settle_silence(&mut self, now_ms: i64) {
        let is_heard = self.is_in_reach && self.device.battery > 0;
        self.silent_since_ms = if is_heard { None } else { self.silent_since_ms.or(Some(now_ms)) };
    }
}

/// `GET|POST /v3/lock/list`: the locks whose top administrator is the caller.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let page = Page::read(&call.fields, LOCK_PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("lockAlias");
    let group = call.fields.optional_int("groupId")?.unwrap_or(0);
    let found: Vec<(i64, String, i64)> = state
        .locks
        .iter()
        .filter(|(_, lock)| lock.is_paired && lock.owner == call.uid && group == 0)
        .filter(|(_, lock)| fuzzy(&lock.door, wanted))
        .map(|(lock_id, lock)| (*lock_id, lock.door.clone(), lock.own_key_id))
        .collect();
    let cut = page.cut(found, |(_, door, age)| (door.clone(), *age));
    cut.try_answer(|(lock_id, _, _)| item(state, lock_id, call.now_ms))
}

fn item(state: &mut State, lock_id: i64, now_ms: i64) -> Answer {
    let shown_id = state.shapes.id(lock_id);
    let has_gateway = state.has_gateway(lock_id, now_ms);
    let lock = state.lock(lock_id)?;
    Ok(json!({
        "lockId": shown_id,
        "lockName": lock.factory_name(),
        "lockAlias": lock.door,
        "lockMac": lock.mac,
        "electricQuantity": lock.told_battery,
        "featureValue": lock.features.value(),
        "hasGateway": i64::from(has_gateway),
        "lockData": lock.lock_data,
        "groupId": 0,
        "groupName": "",
        "date": lock.added_ms,
    }))
}

/// `GET|POST /v3/lock/detail`.
pub(crate) fn detail(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let shown_id = state.shapes.id(lock_id);
    let has_gateway = state.has_gateway(lock_id, call.now_ms);
    let lock = state.lock(lock_id)?;
    // VENDOR: section 7, fields of functions the lock lacks may be missing; sound volume is one here.
    let data: Value = json!({
        "lockId": shown_id,
        "lockName": lock.factory_name(),
        "lockAlias": lock.door,
        "lockMac": lock.mac,
        "noKeyPwd": lock.admin_passcode,
        "electricQuantity": lock.told_battery,
        "featureValue": lock.features.value(),
        "timezoneRawOffset": lock.zone_ms,
        "modelNum": "SN9206_PV53",
        "hardwareRevision": "1.3",
        "firmwareRevision": "5.0.17",
        "autoLockTime": AUTO_LOCK_S,
        "lockSound": 1,
        "hasGateway": i64::from(has_gateway),
        "privacyLock": 2,
        "tamperAlert": 2,
        "resetButton": 1,
        "openDirection": 1,
        "passageMode": 2,
        "passageModeAutoUnlock": 2,
        "isFrozen": i64::from(lock.device.is_frozen),
        "keyboardPwdVersion": 4,
        "adminPwd": lock.secrets.admin_password_text(),
        "lockKey": lock.secrets.unlock_key_text(),
        "aesKeyStr": lock.secrets.aes_key_text(),
        "lockFlagPos": 0,
        "lockVersion": { "protocolType": 5, "protocolVersion": 3, "scene": 2, "groupId": 1, "orgId": 1 },
        "date": lock.added_ms,
    });
    Ok(state.shapes.sometimes_errcode(data))
}
