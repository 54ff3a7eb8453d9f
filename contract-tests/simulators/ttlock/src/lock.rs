//! Locks as the cloud lists them (VENDOR: section 7).

use serde_json::{Value, json};

use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::{BATTERY_DEFAULT, LOCK_PAGE_SIZE_MAX};
use crate::paging::{Page, fuzzy};
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// VENDOR: section 7, the bits a plain room lock has: passcode, card, auto lock, passcode change,
/// gateway unlock, freeze.
const FEATURE_VALUE: &str = "c93";

/// A lock, both as the cloud knows it and as it hangs in its door.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(crate) door: String,
    pub(crate) owner: i64,
    /// The top administrator's own key, which no list of sent eKeys shows.
    pub(crate) own_key_id: i64,
    /// False once the lock was deleted from the cloud and with that reset.
    pub(crate) is_paired: bool,
    pub(crate) battery: u8,
    pub(crate) is_frozen: bool,
    /// The lock's own clock minus the true time.
    pub(crate) drift_ms: i64,
    /// Local time minus UTC, without daylight saving.
    pub(crate) timezone_offset_ms: i64,
    pub(crate) added_ms: i64,
    mac: String,
    lock_data: String,
    admin_passcode: String,
}

impl State {
    /// The lock of an id, as long as the cloud knows it.
    pub(crate) fn lock(&self, lock_id: i64) -> Result<&Lock, Errcode> {
        self.locks.get(&lock_id).filter(|lock| lock.is_paired).ok_or(Errcode::LOCK_UNKNOWN)
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
    pub(crate) fn add_lock(&mut self, lock_id: Option<i64>, door: &str, owner: i64, now_ms: i64) -> i64 {
        let lock_id = lock_id.unwrap_or_else(|| self.prng.small_id());
        let lock = Lock {
            door: door.into(),
            owner,
            own_key_id: self.prng.key_id(),
            is_paired: true,
            battery: BATTERY_DEFAULT,
            is_frozen: false,
            drift_ms: 0,
            timezone_offset_ms: 0,
            added_ms: now_ms,
            mac: self.prng.mac(),
            lock_data: self.prng.hex32(),
            admin_passcode: self.prng.digits(7),
        };
        self.locks.insert(lock_id, lock);
        lock_id
    }

    /// Deletes a lock from the cloud with every key to it.
    pub(crate) fn unpair(&mut self, lock_id: i64) {
        self.ekeys.retain(|_, key| key.lock_id != lock_id);
        if let Some(lock) = self.locks.get_mut(&lock_id) {
            lock.is_paired = false;
        }
    }
}

impl Lock {
    /// The name the lock was made with; the door's name is only its alias.
    fn factory_name(&self) -> String {
        let tail: String = self.mac.chars().filter(|sign| *sign != ':').skip(6).collect();
        format!("S31_{}", tail.to_lowercase())
    }
}

/// `GET|POST /v3/lock/list`: the locks whose top administrator is the caller.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let page = Page::read(&call.fields, LOCK_PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("lockAlias");
    let group = call.fields.optional_int("groupId")?.unwrap_or(0);
    let found: Vec<(i64, Lock)> = state
        .locks
        .iter()
        .filter(|(_, lock)| lock.is_paired && lock.owner == call.uid && group == 0)
        .filter(|(_, lock)| fuzzy(&lock.door, wanted))
        .map(|(lock_id, lock)| (*lock_id, lock.clone()))
        .collect();
    let cut = page.cut(found, |(_, lock)| (lock.door.clone(), lock.own_key_id));
    Ok(cut.answer(|(lock_id, lock)| item(state, lock_id, &lock, call.now_ms)))
}

fn item(state: &mut State, lock_id: i64, lock: &Lock, now_ms: i64) -> Value {
    json!({
        "lockId": state.shapes.id(lock_id),
        "lockName": lock.factory_name(),
        "lockAlias": lock.door,
        "lockMac": lock.mac,
        "electricQuantity": lock.battery,
        "featureValue": FEATURE_VALUE,
        "hasGateway": i64::from(state.has_gateway(lock_id, now_ms)),
        "lockData": lock.lock_data,
        "groupId": 0,
        "groupName": "",
        "date": lock.added_ms,
    })
}

/// `GET|POST /v3/lock/detail`.
pub(crate) fn detail(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let lock = state.lock(lock_id)?.clone();
    // VENDOR: section 7, fields of functions the lock lacks may be missing; sound volume is one here.
    let data = json!({
        "lockId": state.shapes.id(lock_id),
        "lockName": lock.factory_name(),
        "lockAlias": lock.door,
        "lockMac": lock.mac,
        "noKeyPwd": lock.admin_passcode,
        "electricQuantity": lock.battery,
        "featureValue": FEATURE_VALUE,
        "timezoneRawOffset": lock.timezone_offset_ms,
        "modelNum": "SN9206_PV53",
        "hardwareRevision": "1.3",
        "firmwareRevision": "5.0.17",
        "autoLockTime": 5,
        "lockSound": 1,
        "hasGateway": i64::from(state.has_gateway(lock_id, call.now_ms)),
        "privacyLock": 2,
        "tamperAlert": 2,
        "resetButton": 1,
        "openDirection": 1,
        "passageMode": 2,
        "passageModeAutoUnlock": 2,
        "isFrozen": i64::from(lock.is_frozen),
        "date": lock.added_ms,
    });
    Ok(state.shapes.sometimes_errcode(data))
}
