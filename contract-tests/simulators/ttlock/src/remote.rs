//! Orders and questions that travel to the lock (VENDOR: section 7).

use serde_json::{Value, json};

use crate::device::Deed;
use crate::ekey::{EKeyStatus, authority, held_by};
use crate::errcode::Errcode;
use crate::limits::AUTO_LOCK_S;
use crate::logbook::Tried;
use crate::memory::Judged;
use crate::radio::{Feature, Radio};
use crate::reach::{ask, command};
use crate::record;
use crate::route::Call;
use crate::state::State;
use crate::window::Place;
use crate::wire::Answer;

/// `GET|POST /v3/lock/queryOpenState`.
pub(crate) fn query_open_state(state: &mut State, call: &Call) -> Answer {
    let lock_id = asked(state, call)?;
    let is_open = state.lock(lock_id)?.device.open_until_ms > call.now_ms;
    Ok(json!({ "state": i64::from(is_open) }))
}

/// `GET|POST /v3/lock/queryElectricQuantity`.
pub(crate) fn query_battery(state: &mut State, call: &Call) -> Answer {
    let lock_id = asked(state, call)?;
    Ok(json!({ "electricQuantity": state.lock(lock_id)?.device.battery }))
}

/// `GET|POST /v3/lock/queryDate`: the lock's clock, as the cloud reads it with the zone it believes in.
pub(crate) fn query_date(state: &mut State, call: &Call) -> Answer {
    let lock_id = asked(state, call)?;
    let drift_ms = state.lock(lock_id)?.drift_ms();
    Ok(json!({ "date": call.now_ms.saturating_add(drift_ms) }))
}

/// `GET|POST /v3/lock/queryStatus`.
pub(crate) fn query_status(state: &mut State, call: &Call) -> Answer {
    let lock_id = asked(state, call)?;
    Ok(json!({ "status": i64::from(state.lock(lock_id)?.device.is_frozen) }))
}

fn asked(state: &mut State, call: &Call) -> Result<i64, Errcode> {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    ask(state, call, lock_id)?;
    Ok(lock_id)
}

/// `POST /v3/lock/updateDate`: the lock shows the cloud's time from now on.
pub(crate) fn update_date(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let ahead_ms = state.lock(lock_id)?.zone_ms;
    command(state, call, lock_id, Deed::SetClock { ahead_ms })?;
    Ok(json!({ "date": call.now_ms }))
}

/// `POST /v3/lock/freeze`: every credential stops working.
pub(crate) fn freeze(state: &mut State, call: &Call) -> Answer {
    set_frozen(state, call, true)
}

/// `POST /v3/lock/unfreeze`.
pub(crate) fn unfreeze(state: &mut State, call: &Call) -> Answer {
    set_frozen(state, call, false)
}

fn set_frozen(state: &mut State, call: &Call, frozen: bool) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    state.lock_with(lock_id, Feature::Freeze)?;
    command(state, call, lock_id, Deed::Freeze(frozen))?;
    Ok(Value::Null)
}

/// `POST /v3/lock/unlock`.
pub(crate) fn unlock(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    may_operate(state, call, lock_id)?;
    state.lock_with(lock_id, Feature::GatewayUnlock)?;
    let until_ms = call.now_ms.saturating_add(AUTO_LOCK_S * 1000);
    command(state, call, lock_id, Deed::Unlock { until_ms })?;
    record::write(state, lock_id, Tried::Remote(call.uid), Judged::Opens, call.now_ms);
    Ok(Value::Null)
}

/// `POST /v3/lock/lock`.
pub(crate) fn lock(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    may_operate(state, call, lock_id)?;
    state.lock_with(lock_id, Feature::RemoteLock)?;
    command(state, call, lock_id, Deed::Lock)?;
    record::write(state, lock_id, Tried::RemoteLock(call.uid), Judged::Opens, call.now_ms);
    Ok(Value::Null)
}

/// An administrator, or the holder of a valid eKey with remote unlocking on.
fn may_operate(state: &State, call: &Call, lock_id: i64) -> Result<(), Errcode> {
    if authority(state, lock_id, call).is_ok() {
        return Ok(());
    }
    state.lock(lock_id)?;
    let key = held_by(state, lock_id, call.uid)
        .filter(|key| key.status == EKeyStatus::Normal)
        .filter(|key| key.window.place(call.now_ms) == Place::Inside)
        .ok_or(Errcode::NOT_LOCK_ADMIN)?;
    if key.remote_enable == 1 { Ok(()) } else { Err(Errcode::NO_REMOTE_RIGHT) }
}

/// `POST /v3/lock/changeTimezoneRawOffset`. With type 1 the cloud takes somebody's word; with type 2 the lock's
/// clock moves along. Windows the lock already keeps stay as they are on its wall.
pub(crate) fn change_zone(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let zone_ms = call.fields.int("timezoneRawOffset")?;
    let through_gateway = call.fields.choice("type", &[1, 2], 1)? == 2;
    authority(state, lock_id, call)?;
    if zone_ms.unsigned_abs() > 14 * 60 * 60 * 1000 {
        return Err(Errcode::INVALID_PARAMETER);
    }
    if through_gateway {
        let lock = state.lock(lock_id)?;
        let ahead_ms = lock.drift_ms().saturating_add(zone_ms);
        command(state, call, lock_id, Deed::SetClock { ahead_ms })?;
    }
    let lock_data = state.prng.hex32();
    let lock = state.lock_mut(lock_id)?;
    lock.zone_ms = zone_ms;
    lock.renew_lock_data(lock_data.clone());
    Ok(json!({ "lockData": lock_data }))
}

/// `POST /v3/wifiLock/detail`.
pub(crate) fn wifi_detail(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let is_silent = state.lock(lock_id)?.is_silent();
    let (is_online, saves, mac) = match &state.lock(lock_id)?.radio {
        Radio::Wifi(wifi) if wifi.is_set_up => {
            (!is_silent && wifi.silent_since_ms.is_none(), wifi.is_power_saving, state.lock(lock_id)?.mac())
        }
        Radio::Wifi(_) => return Err(Errcode::WIFI_NOT_SET_UP),
        Radio::Bluetooth | Radio::Nb { .. } => return Err(Errcode::LOCK_LACKS_FEATURE),
    };
    let mac = mac.to_owned();
    let is_online = state.shapes.flag(is_online);
    Ok(json!({
        "isOnline": is_online,
        "networkName": crate::gateway::NETWORK,
        "wifiMac": mac,
        "rssiGrade": 2,
        "powerSavingMode": if saves { 1 } else { 2 },
    }))
}
