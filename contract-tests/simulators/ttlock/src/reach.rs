//! The way from the cloud to a lock: gateway, WiFi, or a lock that wakes by itself (VENDOR: sections 5, 7 and 10.1).

use crate::device::Deed;
use crate::errcode::Errcode;
use crate::radio::Radio;
use crate::route::Call;
use crate::state::State;
use crate::wire::Fields;

/// VENDOR: section 5, `addType`, `changeType`, `deleteType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// 1, the default: somebody did it over Bluetooth, the cloud only writes it down.
    Hand,
    /// 2: through the gateway or WiFi, now.
    Gateway,
    /// 3: NB-IoT, when the lock wakes.
    Nb,
    /// 4: a WiFi lock in power saving, when it wakes.
    SleepingWifi,
}

impl By {
    pub(crate) fn read(fields: &Fields, name: &str) -> Result<Self, Errcode> {
        Ok(match fields.choice(name, &[1, 2, 3, 4], 1)? {
            2 => Self::Gateway,
            3 => Self::Nb,
            4 => Self::SleepingWifi,
            _ => Self::Hand,
        })
    }
}

/// What became of an order to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carried {
    /// The cloud took somebody's word for it.
    OnPaper,
    /// The lock did it.
    Done,
    /// The lock will hear of it when it wakes.
    Waiting,
}

/// How the last stretch, between gateway and lock, fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LastStretch {
    #[default]
    Sound,
    /// The lock does it, the gateway never hears so: the cloud answers 1.
    AnswerLost,
    /// The gateway says it was done, the lock never heard of it.
    Hollow,
}

/// What an order that waits is about, as the callback and the lists name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Passcode(i64),
    Card(i64),
}

impl About {
    /// VENDOR: section 9, `objectType` and `objectId`.
    pub(crate) fn object(self) -> (i64, i64) {
        match self {
            Self::Passcode(id) => (2, id),
            Self::Card(id) => (3, id),
        }
    }
}

/// An order that waits for its lock to wake.
#[derive(Debug, Clone)]
pub(crate) struct Deferred {
    pub(crate) deed: Deed,
    pub(crate) about: About,
    pub(crate) uid: i64,
}

/// The gateway that would carry a command now, or why none does; `None` for a lock with a radio of its own.
pub(crate) fn way(state: &State, lock_id: i64, now_ms: i64) -> Result<Option<i64>, Errcode> {
    let lock = state.lock(lock_id)?;
    match &lock.radio {
        Radio::Wifi(wifi) if !wifi.is_set_up => Err(Errcode::WIFI_NOT_SET_UP),
        Radio::Wifi(wifi) if wifi.silent_since_ms.is_some() || lock.is_silent() => Err(Errcode::WIFI_OFFLINE),
        Radio::Wifi(wifi) if wifi.is_power_saving => Err(Errcode::WIFI_POWER_SAVING),
        Radio::Wifi(wifi) if wifi.busy_until_ms > now_ms => Err(Errcode::WIFI_BUSY),
        Radio::Wifi(_) => Ok(None),
        Radio::Nb { .. } => Err(Errcode::NO_GATEWAY),
        Radio::Bluetooth => {
            let mut why_not = Errcode::NO_GATEWAY;
            for gateway in state.linked_gateways(lock_id, now_ms) {
                if !gateway.counts_as_online(now_ms) {
                    why_not = worse(why_not, Errcode::GATEWAY_OFFLINE);
                } else if gateway.silent_since_ms.is_some() || lock.is_silent() {
                    // VENDOR: section 10.1, the cloud still believes in the link; its own wait ends in a bare 1.
                    why_not = worse(why_not, Errcode::FAILED);
                } else if gateway.busy_until_ms > now_ms {
                    why_not = worse(why_not, Errcode::GATEWAY_BUSY);
                } else {
                    return Ok(Some(gateway.gateway_id));
                }
            }
            Err(why_not)
        }
    }
}

/// Of two reasons the one of the gateway that was nearest to serving.
fn worse(one: Errcode, other: Errcode) -> Errcode {
    let order = [Errcode::NO_GATEWAY, Errcode::GATEWAY_OFFLINE, Errcode::FAILED, Errcode::GATEWAY_BUSY];
    let rank = |code: Errcode| order.iter().position(|known| *known == code);
    if rank(one) > rank(other) { one } else { other }
}

/// Has the lock do something now, through whatever reaches it.
pub(crate) fn command(state: &mut State, call: &Call, lock_id: i64, deed: Deed) -> Result<(), Errcode> {
    way(state, lock_id, call.now_ms)?;
    if call.last_stretch == LastStretch::Hollow {
        return Ok(());
    }
    let lock = state.lock_mut(lock_id)?;
    let done = lock.device.perform(deed);
    if call.last_stretch == LastStretch::AnswerLost {
        return Err(Errcode::FAILED);
    }
    lock.told_battery = lock.device.battery;
    done
}

/// Asks the lock something; the answer is read from it by the caller.
pub(crate) fn ask(state: &mut State, call: &Call, lock_id: i64) -> Result<(), Errcode> {
    way(state, lock_id, call.now_ms)?;
    if call.last_stretch == LastStretch::Sound {
        let lock = state.lock_mut(lock_id)?;
        lock.told_battery = lock.device.battery;
        Ok(())
    } else {
        // A question whose answer does not come back has no answer.
        Err(Errcode::FAILED)
    }
}

/// Brings an order to a lock the way the caller asked for.
pub(crate) fn carry(
    state: &mut State,
    call: &Call,
    lock_id: i64,
    by: By,
    (deed, about): (Deed, About),
) -> Result<Carried, Errcode> {
    match by {
        By::Hand => return Ok(Carried::OnPaper),
        By::Gateway => {
            command(state, call, lock_id, deed)?;
            return Ok(Carried::Done);
        }
        By::Nb => match state.lock(lock_id)?.radio {
            Radio::Nb { is_registered: true } => {}
            Radio::Nb { is_registered: false } => return Err(Errcode::NB_NOT_REGISTERED),
            Radio::Bluetooth | Radio::Wifi(_) => return Err(Errcode::LOCK_LACKS_FEATURE),
        },
        By::SleepingWifi => match &state.lock(lock_id)?.radio {
            Radio::Wifi(wifi) if wifi.is_set_up => {}
            Radio::Wifi(_) => return Err(Errcode::WIFI_NOT_SET_UP),
            Radio::Bluetooth | Radio::Nb { .. } => return Err(Errcode::LOCK_LACKS_FEATURE),
        },
    }
    state.lock_mut(lock_id)?.deferred.push(Deferred { deed, about, uid: call.uid });
    Ok(Carried::Waiting)
}
