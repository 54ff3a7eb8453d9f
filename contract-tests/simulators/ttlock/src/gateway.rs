//! Gateways as the cloud lists them (VENDOR: section 7). Nothing goes through them yet.

use serde_json::{Value, json};

use crate::ekey::authority;
use crate::limits::{GATEWAY_HEARTBEAT_MS, GATEWAY_LINK_MS, PAGE_SIZE_MAX};
use crate::paging::Page;
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// Signal strength of every link: between strong and weak.
const RSSI: i64 = -70;

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
}

impl Gateway {
    fn silent_for(&self, now_ms: i64) -> i64 {
        self.silent_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    fn counts_as_online(&self, now_ms: i64) -> bool {
        self.silent_for(now_ms) < GATEWAY_HEARTBEAT_MS
    }

    fn is_linked(&self, lock_id: i64, now_ms: i64) -> bool {
        self.hears.contains(&lock_id) && self.silent_for(now_ms) < GATEWAY_LINK_MS
    }

    fn last_report_ms(&self, now_ms: i64) -> i64 {
        self.silent_since_ms.unwrap_or(now_ms).min(now_ms)
    }
}

impl State {
    /// Whether the cloud still believes that some gateway hears the lock.
    pub(crate) fn has_gateway(&self, lock_id: i64, now_ms: i64) -> bool {
        self.gateways.iter().any(|gateway| gateway.is_linked(lock_id, now_ms))
    }

    /// Pulls a gateway's plug or puts it back; false when there is no such gateway.
    pub(crate) fn set_gateway_power(&mut self, name: &str, on: bool, now_ms: i64) -> bool {
        match self.gateways.iter_mut().find(|gateway| gateway.name == name) {
            Some(gateway) if on => gateway.silent_since_ms = None,
            Some(gateway) => gateway.silent_since_ms = gateway.silent_since_ms.or(Some(now_ms)),
            None => return false,
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

fn item(state: &mut State, gateway: &Gateway, now_ms: i64) -> Value {
    let linked = gateway.hears.iter().filter(|lock_id| gateway.is_linked(**lock_id, now_ms)).count();
    json!({
        "gatewayId": state.shapes.id(gateway.gateway_id),
        "gatewayMac": gateway.mac,
        "gatewayName": gateway.name,
        "gatewayVersion": 2,
        "networkName": "hotel",
        "networkMac": gateway.mac,
        "lockNum": linked,
        "isOnline": state.shapes.flag(gateway.counts_as_online(now_ms)),
    })
}

/// `GET|POST /v3/gateway/listByLock`.
pub(crate) fn list_by_lock(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    authority(state, lock_id, call)?;
    let linked: Vec<Gateway> =
        state.gateways.iter().filter(|gateway| gateway.is_linked(lock_id, call.now_ms)).cloned().collect();
    let list: Vec<Value> = linked
        .into_iter()
        .map(|gateway| {
            json!({
                "gatewayId": state.shapes.id(gateway.gateway_id),
                "gatewayMac": gateway.mac,
                "gatewayName": gateway.name,
                "rssi": RSSI,
                "rssiUpdateDate": gateway.last_report_ms(call.now_ms),
            })
        })
        .collect();
    Ok(json!({ "list": list }))
}
