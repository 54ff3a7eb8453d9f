//! eKeys: sending, freezing, moving, deleting, listing (VENDOR: section 4).

use serde_json::{Value, json};

use crate::account::{self, Home};
use crate::errcode::Errcode;
use crate::limits::{LOCK_PAGE_SIZE_MAX, PAGE_SIZE_MAX};
use crate::paging::{Page, fuzzy};
use crate::reach::way;
use crate::route::Call;
use crate::state::State;
use crate::window::{Place, Window};
use crate::wire::Answer;

/// The two states a live eKey of the simulation can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EKeyStatus {
    /// 110401
    Normal,
    /// 110405
    Frozen,
}

impl EKeyStatus {
    fn code(self) -> &'static str {
        match self {
            Self::Normal => "110401",
            Self::Frozen => "110405",
        }
    }
}

/// One eKey that was sent out and not deleted.
#[derive(Debug, Clone)]
pub(crate) struct EKey {
    pub(crate) key_id: i64,
    pub(crate) lock_id: i64,
    pub(crate) holder: i64,
    pub(crate) sender: i64,
    pub(crate) name: String,
    pub(crate) remarks: String,
    pub(crate) status: EKeyStatus,
    pub(crate) window: Window,
    pub(crate) is_admin: bool,
    pub(crate) remote_enable: i64,
    pub(crate) sent_ms: i64,
}

/// How far a caller's say over a lock reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authority {
    until_ms: i64,
}

impl Authority {
    /// VENDOR: section 10.1, nobody hands out more time than they have.
    fn covers(self, window: Window) -> Result<(), Errcode> {
        if window.reach_ms() > self.until_ms { Err(Errcode::OWN_KEY_ENDS_EARLIER) } else { Ok(()) }
    }
}

/// The caller as administrator of a lock: its top administrator, or the holder of an administrator's eKey.
pub(crate) fn authority(state: &State, lock_id: i64, call: &Call) -> Result<Authority, Errcode> {
    let lock = state.lock(lock_id)?;
    if lock.owner == call.uid {
        return Ok(Authority { until_ms: i64::MAX });
    }
    held_by(state, lock_id, call.uid)
        .filter(|key| key.is_admin && key.status == EKeyStatus::Normal)
        .filter(|key| key.window.place(call.now_ms) == Place::Inside)
        .map(|key| Authority { until_ms: key.window.reach_ms() })
        .ok_or(Errcode::NOT_LOCK_ADMIN)
}

/// The one eKey an account holds for a lock.
pub(crate) fn held_by(state: &State, lock_id: i64, uid: i64) -> Option<&EKey> {
    state.ekeys.values().find(|key| key.lock_id == lock_id && key.holder == uid)
}

/// `POST /v3/key/send`.
pub(crate) fn send(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let receiver = fields.text("receiverUsername")?;
    let name = fields.text("keyName")?.to_owned();
    let window = Window::new(fields.int("startDate")?, fields.int("endDate")?)?;
    let remote_enable = fields.choice("remoteEnable", &[1, 2], 2)?;
    let is_admin = fields.choice("keyRight", &[0, 1], 0)? == 1;
    let creates_user = fields.choice("createUser", &[1, 2], 2)? == 1;
    let remarks = fields.optional("remarks").unwrap_or_default().to_owned();
    let authority = authority(state, lock_id, call)?;
    refuse_recurring(call)?;
    authority.covers(window)?;

    let registered = state.uid_of(receiver);
    if registered == Some(call.uid) {
        return Err(Errcode::SEND_TO_SELF);
    }
    if registered == Some(state.lock(lock_id)?.owner) {
        return Err(Errcode::SEND_TO_ADMIN);
    }
    if registered.and_then(|uid| state.accounts.get(&uid)).is_some_and(|who| who.home == Home::BoundElsewhere)
    {
        return Err(Errcode::BOUND_ELSEWHERE);
    }
    let holder = match registered {
        Some(uid) => uid,
        None if creates_user => account::create_from_address(state, receiver)?,
        None => return Err(Errcode::RECEIVER_UNREGISTERED),
    };

    // VENDOR: section 4, one eKey per account and lock: the second send deletes the first.
    state.ekeys.retain(|_, key| !(key.lock_id == lock_id && key.holder == holder));
    let key_id = state.prng.key_id();
    let key = EKey {
        key_id,
        lock_id,
        holder,
        sender: call.uid,
        name,
        remarks,
        status: EKeyStatus::Normal,
        window,
        is_admin,
        remote_enable,
        sent_ms: call.now_ms,
    };
    state.ekeys.insert(key_id, key);
    let key_id = state.shapes.id(key_id);
    Ok(state.shapes.sometimes_errcode(json!({ "keyId": key_id })))
}

/// Recurring eKeys need a lock with that feature; the simulated ones lack it.
fn refuse_recurring(call: &Call) -> Result<(), Errcode> {
    let recurring = ["keyType", "weekDays", "startDay", "endDay"].iter().any(|name| call.fields.has(name));
    if recurring { Err(Errcode::LOCK_LACKS_FEATURE) } else { Ok(()) }
}

/// The eKey a call names, once the caller is known to administer its lock.
fn named(state: &State, call: &Call) -> Result<(i64, Authority), Errcode> {
    let key_id = call.fields.int("keyId")?;
    if state.lock_of_own_key(key_id).is_some() {
        return Err(Errcode::NO_PERMISSION);
    }
    let lock_id = state.ekeys.get(&key_id).ok_or(Errcode::EKEY_UNKNOWN)?.lock_id;
    Ok((key_id, authority(state, lock_id, call)?))
}

fn change(state: &mut State, key_id: i64, apply: impl FnOnce(&mut EKey)) -> Answer {
    apply(state.ekeys.get_mut(&key_id).ok_or(Errcode::EKEY_UNKNOWN)?);
    Ok(Value::Null)
}

/// `POST /v3/key/delete`.
pub(crate) fn delete(state: &mut State, call: &Call) -> Answer {
    let key_id = call.fields.int("keyId")?;
    let own_lock = state.lock_of_own_key(key_id).filter(|(_, owner)| *owner == call.uid);
    if let Some((lock_id, _)) = own_lock {
        // VENDOR: section 4, a top administrator who deletes their own key deletes the lock.
        state.unpair(lock_id);
        return Ok(Value::Null);
    }
    let (key_id, _) = named(state, call)?;
    state.ekeys.remove(&key_id);
    Ok(Value::Null)
}

/// `POST /v3/key/freeze`.
pub(crate) fn freeze(state: &mut State, call: &Call) -> Answer {
    let (key_id, _) = named(state, call)?;
    change(state, key_id, |key| key.status = EKeyStatus::Frozen)
}

/// `POST /v3/key/unfreeze`.
pub(crate) fn unfreeze(state: &mut State, call: &Call) -> Answer {
    let (key_id, _) = named(state, call)?;
    change(state, key_id, |key| key.status = EKeyStatus::Normal)
}

/// `POST /v3/key/changePeriod`.
pub(crate) fn change_period(state: &mut State, call: &Call) -> Answer {
    let window = Window::new(call.fields.int("startDate")?, call.fields.int("endDate")?)?;
    let (key_id, authority) = named(state, call)?;
    refuse_recurring(call)?;
    authority.covers(window)?;
    change(state, key_id, |key| key.window = window)
}

/// `POST /v3/key/update`.
pub(crate) fn update(state: &mut State, call: &Call) -> Answer {
    let name = call.fields.optional("keyName").map(str::to_owned);
    let remote = if call.fields.has("remoteEnable") {
        Some(call.fields.choice("remoteEnable", &[1, 2], 2)?)
    } else {
        None
    };
    let (key_id, _) = named(state, call)?;
    change(state, key_id, |key| {
        key.name = name.unwrap_or_else(|| std::mem::take(&mut key.name));
        key.remote_enable = remote.unwrap_or(key.remote_enable);
    })
}

/// `POST /v3/key/authorize`: makes the holder of an eKey an administrator.
pub(crate) fn authorize(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let (key_id, _) = named(state, call)?;
    if state.ekeys.get(&key_id).is_none_or(|key| key.lock_id != lock_id) {
        return Err(Errcode::EKEY_UNKNOWN);
    }
    change(state, key_id, |key| key.is_admin = true)
}

/// `POST /v3/key/getUnlockLink`: a page that opens the lock from afar, for as long as the eKey is valid.
pub(crate) fn unlock_link(state: &mut State, call: &Call) -> Answer {
    let (key_id, _) = named(state, call)?;
    let key = state.ekeys.get(&key_id).ok_or(Errcode::EKEY_UNKNOWN)?;
    if key.remote_enable != 1 {
        return Err(Errcode::NO_REMOTE_RIGHT);
    }
    way(state, key.lock_id, call.now_ms)?;
    let link = format!("https://wechat.ttlock.com/key/{}", state.prng.hex32());
    state.links.insert(link.clone(), key_id);
    Ok(json!({ "link": link }))
}

/// `GET|POST /v3/key/get`: the caller's own eKey for a lock.
pub(crate) fn own(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let lock = state.lock(lock_id)?;
    let is_owner = lock.owner == call.uid;
    if !is_owner && held_by(state, lock_id, call.uid).is_none() {
        return Err(Errcode::EKEY_UNKNOWN);
    }
    let data = own_item(state, lock_id, call.uid)?;
    Ok(state.shapes.sometimes_errcode(data))
}

/// `GET|POST /v3/key/list`: the caller's own eKeys for all locks.
pub(crate) fn own_list(state: &mut State, call: &Call) -> Answer {
    let page = Page::read(&call.fields, LOCK_PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("lockAlias");
    let group = call.fields.optional_int("groupId")?.unwrap_or(0);
    let found: Vec<(i64, String)> = state
        .locks
        .iter()
        .filter(|(_, lock)| lock.is_paired && group == 0 && fuzzy(&lock.door, wanted))
        .filter(|(lock_id, lock)| lock.owner == call.uid || held_by(state, **lock_id, call.uid).is_some())
        .map(|(lock_id, lock)| (*lock_id, lock.door.clone()))
        .collect();
    let cut = page.cut(found, |(lock_id, door)| (door.clone(), *lock_id));
    cut.try_answer(|(lock_id, _)| own_item(state, lock_id, call.uid))
}

/// VENDOR: section 4, the answer of `/v3/key/get` and the item of `/v3/key/list`.
fn own_item(state: &mut State, lock_id: i64, uid: i64) -> Answer {
    let key = held_by(state, lock_id, uid).cloned();
    let own_key_id = state.lock(lock_id)?.own_key_id;
    let shown_key = state.shapes.id(key.as_ref().map_or(own_key_id, |key| key.key_id));
    let shown_lock = state.shapes.id(lock_id);
    let lock = state.lock(lock_id)?;
    let is_admin = key.as_ref().is_none_or(|key| key.is_admin);
    let window = key.as_ref().map_or(Window { start_ms: 0, end_ms: 0 }, |key| key.window);
    let mut item = json!({
        "keyId": shown_key,
        "lockData": lock.lock_data(),
        "lockId": shown_lock,
        "userType": if key.is_none() { "110301" } else { "110302" },
        "keyStatus": key.as_ref().map_or(EKeyStatus::Normal, |key| key.status).code(),
        "lockName": lock.factory_name(),
        "lockAlias": lock.door,
        "lockMac": lock.mac(),
        "electricQuantity": lock.told_battery,
        "startDate": window.start_ms,
        "endDate": window.end_ms,
        "remarks": key.as_ref().map_or("", |key| key.remarks.as_str()),
        "keyRight": i64::from(is_admin),
        "featureValue": lock.features.value(),
        "remoteEnable": key.as_ref().map_or(1, |key| key.remote_enable),
        "passageMode": 2,
        "timezoneRawOffset": lock.zone_ms,
        "groupId": 0,
        "groupName": "",
    });
    if let (true, Some(fields)) = (is_admin, item.as_object_mut()) {
        fields.insert("noKeyPwd".into(), json!(lock.admin_passcode()));
    }
    Ok(item)
}

/// `GET|POST /v3/lock/listKey`: what was sent out, never the top administrator's own.
pub(crate) fn list_of_lock(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let page = Page::read(&call.fields, PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("searchStr");
    let right = if call.fields.has("keyRight") {
        Some(call.fields.choice("keyRight", &[0, 1], 0)? == 1)
    } else {
        None
    };
    authority(state, lock_id, call)?;
    let found: Vec<EKey> = state
        .ekeys
        .values()
        .filter(|key| key.lock_id == lock_id && fuzzy(&key.name, wanted))
        .filter(|key| right.is_none_or(|right| key.is_admin == right))
        .cloned()
        .collect();
    Ok(page.cut(found, |key| (key.name.clone(), key.key_id)).answer(|key| item(state, &key)))
}

fn item(state: &mut State, key: &EKey) -> Value {
    json!({
        "keyId": state.shapes.id(key.key_id),
        "lockId": state.shapes.id(key.lock_id),
        "username": state.username_of(key.holder),
        "uid": key.holder,
        "keyName": key.name,
        "keyStatus": key.status.code(),
        "startDate": key.window.start_ms,
        "endDate": key.window.end_ms,
        "keyRight": i64::from(key.is_admin),
        "remoteEnable": key.remote_enable,
        "senderUsername": state.username_of(key.sender),
        "remarks": key.remarks,
        "date": key.sent_ms,
    })
}
