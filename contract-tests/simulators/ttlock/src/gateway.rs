//! Gateways as the cloud lists them (VENDOR: section 7).

use serde_json::{Value, json};

use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::{GATEWAY_HEARTBEAT_MS, GATEWAY_LINK_MS, PAGE_SIZE_MAX};
use crate::lock::Lock;
use crate::paging::Page;
use crate::radio::Radio;
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// Signal strength of every link: between strong and weak.
const RSSI: i64 = -70;

/// VENDOR: section 7, `gatewayVersion` 2.
pub(crate) const VERSION: i64 = 2;

/// The network every gateway and WiFi lock is in.
pub(crate) const NETWORK: &str = "hotel";

/// A gateway and the locks it hears.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) gateway_id: i64,
    pub(crate) name: String,
    pub(crate) owner: i64,
    pub(crate) mac: String,
    pub(crate) hears: Vec<i64>,
    /// When the plug was pulled, if it was.
    pub(crate) silent_since_ms: Option<i64>,
    /// How long a command takes from the cloud to a lock, in simulated time.
    pub(crate) latency_ms: i64,
    /// VENDOR: section 12, one command at a time; until when the present one lasts.
    pub(crate) busy_until_ms: i64,
    /// Whether the callback already told that it went silent.
    pub(crate) is_told_off: bool,
}

impl Gateway {
    pub(crate) fn silent_for(&self, now_ms: i64) -> i64 {
        self.silent_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    pub(crate) fn counts_as_online(&self, now_ms: i64) -> bool {
        self.silent_for(now_ms) < GATEWAY_HEARTBEAT_MS
    }

    /// When it last reported a lock: now, or when either of them fell silent.
    fn last_report_ms(&self, lock: &Lock, now_ms: i64) -> i64 {
        let silences = [self.silent_since_ms, lock.silent_since_ms];
        silences.into_iter().flatten().fold(now_ms, i64::min)
    }

    /// Whether the cloud still believes that this gateway hears the lock.
    ///
    /// A gateway serves the locks of its own account, and those only that have no radio of their own.
    pub(crate) fn is_linked(&self, lock_id: i64, lock: &Lock, now_ms: i64) -> bool {
        self.hears.contains(&lock_id)
            && lock.is_paired
            && lock.owner == self.owner
            && lock.radio == Radio::Bluetooth
            && now_ms.saturating_sub(self.last_report_ms(lock, now_ms)) < GATEWAY_LINK_MS
    }
}

impl State {
    /// Whether the cloud still believes that some gateway hears the lock.
    pub(crate) fn has_gateway(&self, lock_id: i64, now_ms: i64) -> bool {
        self.linked_gateways(lock_id, now_ms).next().is_some()
    }

    /// The gateways the cloud believes to hear a lock.
    pub(crate) fn linked_gateways(&self, lock_id: i64, now_ms: i64) -> impl Iterator<Item = &Gateway> {
        let lock = self.locks.get(&lock_id);
        self.gateways
            .iter()
            .filter(move |gateway| lock.is_some_and(|lock| gateway.is_linked(lock_id, lock, now_ms)))
    }

    /// Pulls a gateway's plug or puts it back; false when there is no such gateway.
    pub(crate) fn set_gateway_power(&mut self, name: &str, on: bool, now_ms: i64) -> bool {
        let Some(gateway) = self.gateways.iter_mut().find(|gateway| gateway.name == name) else {
            return false;
        };
        if on {
            gateway.silent_since_ms = None;
        } else {
            gateway.silent_since_ms = gateway.silent_since_ms.or(Some(now_ms));
        }
        true
    }
}

/// `GET|POST /v3/gateway/list`.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let page = Page::read(&call.fields, PAGE_SIZE_MAX)?;
    let own: Vec<Gateway> =
        state.gateways.iter().filter(|gateway| gateway.owner == call.uid).cloned().collect();
    let cut = page.cut(own, |gateway| (gateway.name.clone(), gateway.gateway_id));
    Ok(cut.answer(|gateway| item(state, &gateway, call.now_ms)))
}

/// `GET|POST /v3/gateway/detail`.
pub(crate) fn detail(state: &mut State, call: &Call) -> Answer {
    let gateway = own(state, call)?;
    Ok(item(state, &gateway, call.now_ms))
}

fn own(state: &State, call: &Call) -> Result<Gateway, Errcode> {
    let gateway_id = call.fields.int("gatewayId")?;
    state
        .gateways
        .iter()
        .find(|gateway| gateway.gateway_id == gateway_id && gateway.owner == call.uid)
        .cloned()
        .ok_or(Errcode::GATEWAY_UNKNOWN)
}

fn linked_locks<'a>(
    state: &'a State,
    gateway: &'a Gateway,
    now_ms: i64,
) -> impl Iterator<Item = (i64, &'a Lock)> {
    state
        .locks
        .iter()
        .filter(move |(lock_id, lock)| gateway.is_linked(**lock_id, lock, now_ms))
        .map(|(lock_id, lock)| (*lock_id, lock))
}

fn item(state: &mut State, gateway: &Gateway, now_ms: i64) -> Value {
    let linked = linked_locks(state, gateway, now_ms).count();
    json!({
        "gatewayId": state.shapes.id(gateway.gateway_id),
        "gatewayMac": gateway.mac,
        "gatewayName": gateway.name,
        "gatewayVersion": VERSION,
        "networkName": NETWORK,
        "networkMac": gateway.mac,
        "lockNum": linked,
        "isOnline": state.shapes.flag(gateway.counts_as_online(now_ms)),
    })
}

/// `GET|POST /v3/gateway/listByLock`.
pub(crate) fn list_by_lock(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let lock = state.lock(lock_id)?;
    let linked: Vec<(Gateway, i64)> = state
        .linked_gateways(lock_id, call.now_ms)
        .map(|gateway| (gateway.clone(), gateway.last_report_ms(lock, call.now_ms)))
        .collect();
    let list: Vec<Value> = linked
        .into_iter()
        .map(|(gateway, reported_ms)| {
            json!({
                "gatewayId": state.shapes.id(gateway.gateway_id),
                "gatewayMac": gateway.mac,
                "gatewayName": gateway.name,
                "rssi": RSSI,
                "rssiUpdateDate": reported_ms,
            })
        })
        .collect();
    Ok(json!({ "list": list }))
}

/// `GET|POST /v3/gateway/listLock`.
pub(crate) fn list_locks(state: &mut State, call: &Call) -> Answer {
    let gateway = own(state, call)?;
    let linked: Vec<(i64, Value)> = linked_locks(state, &gateway, call.now_ms)
        .map(|(lock_id, lock)| {
            let item = json!({
                "lockMac": lock.mac(),
                "lockName": lock.factory_name(),
                "lockAlias": lock.door,
                "rssi": RSSI,
                "updateDate": gateway.last_report_ms(lock, call.now_ms),
            });
            (lock_id, item)
        })
        .collect();
    let list: Vec<Value> = linked
        .into_iter()
        .map(|(lock_id, mut item)| {
            if let Some(fields) = item.as_object_mut() {
                fields.insert("lockId".into(), state.shapes.id(lock_id));
            }
            item
        })
        .collect();
    Ok(json!({ "list": list }))
}
