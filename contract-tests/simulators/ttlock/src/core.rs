//! The life of one request between the HTTP face and the state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::clock::SimClock;
use crate::errcode::Errcode;
use crate::fault::{Faults, Hold, Strike, What};
use crate::gate;
use crate::probe::{Answered, Seen};
use crate::reach::{LastStretch, way};
use crate::route::{self, Call, Route, Verbs};
use crate::state::{Late, State};
use crate::wire::{Answer, Fields};

/// A request as the HTTP face took it in.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) pairs: Vec<(String, String)>,
    /// Status with which the edge refuses a body it cannot take.
    pub(crate) unreadable: Option<u16>,
}

/// What goes back over the connection.
#[derive(Debug)]
pub(crate) enum Reply {
    Json(Value),
    Edge(u16),
    Malformed,
    Cut,
    /// The command is on its way to a lock; the answer comes when the clock gets there.
    OnItsWay(oneshot::Receiver<Value>),
    /// The same, and then the body breaks off.
    OnItsWayMalformed(oneshot::Receiver<Value>),
}

/// State, clock and faults of one simulation.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: SimClock,
    pub(crate) faults: Faults,
    /// Moves whenever the sender of callbacks has looked for work.
    pub(crate) quiet: watch::Sender<u64>,
    state: Mutex<State>,
}

impl Core {
    pub(crate) fn new(clock: SimClock, state: State) -> Self {
        Self { clock, faults: Faults::new(), quiet: watch::Sender::new(0), state: Mutex::new(state) }
    }

    /// The state as of now: late effects whose time has come have landed.
    pub(crate) fn state(&self) -> (MutexGuard<'_, State>, i64) {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now_ms);
        (state, now_ms)
    }

    /// Handles one request to the end; the hold, if any, comes before the reply is sent.
    pub(crate) fn receive(&self, arrival: Arrival) -> (Reply, Option<Hold>) {
        let (mut state, now_ms) = self.state();
        let mut seen = Seen {
            at_ms: now_ms,
            method: arrival.method.clone(),
            path: arrival.path.clone(),
            fields: arrival.pairs.iter().map(|(name, _)| name.clone()).collect(),
            on_paper: is_on_paper(&arrival),
            answered: Answered::Dropped,
        };
        seen.fields.sort();
        let mut hold = None;
        let sound = LastStretch::Sound;
        let reply = match self.faults.strike(&arrival.path, now_ms) {
            Strike::Outage | Strike::Fault(What::DropBefore) => Reply::Cut,
            Strike::Fault(What::HttpStatus(status)) => Reply::Edge(status),
            Strike::Fault(What::Refuse(code)) => finish(&mut state, Err(Errcode(code)), &mut seen),
            Strike::Fault(What::LateEffect { ms }) => {
                postpone(&mut state, arrival, now_ms, ms);
                Reply::Cut
            }
            Strike::Fault(What::DropAfter) => {
                let _unheard = process(&mut state, arrival, now_ms, &mut seen, sound);
                Reply::Cut
            }
            Strike::Fault(What::MalformedBody) => {
                match process(&mut state, arrival, now_ms, &mut seen, sound) {
                    Reply::Json(_) => Reply::Malformed,
                    Reply::OnItsWay(answer) => Reply::OnItsWayMalformed(answer),
                    other => other,
                }
            }
            Strike::Fault(What::ExpireTokens) => {
                state.expire_tokens(now_ms);
                process(&mut state, arrival, now_ms, &mut seen, sound)
            }
            Strike::Fault(What::Delay(wanted)) => {
                hold = Some(wanted);
                process(&mut state, arrival, now_ms, &mut seen, sound)
            }
            Strike::Fault(What::LockAnswerLost) => {
                process(&mut state, arrival, now_ms, &mut seen, LastStretch::AnswerLost)
            }
            Strike::Fault(What::HollowSuccess) => {
                process(&mut state, arrival, now_ms, &mut seen, LastStretch::Hollow)
            }
            Strike::Nothing => process(&mut state, arrival, now_ms, &mut seen, sound),
        };
        match reply {
            Reply::Edge(status) => seen.answered = Answered::Http(status),
            Reply::Malformed => seen.answered = Answered::Malformed,
            Reply::Cut => seen.answered = Answered::Dropped,
            Reply::OnItsWay(_) | Reply::OnItsWayMalformed(_) => seen.answered = Answered::Waiting,
            Reply::Json(_) => {}
        }
        state.seen.push(seen);
        (reply, hold)
    }
}

fn process(
    state: &mut State,
    arrival: Arrival,
    now_ms: i64,
    seen: &mut Seen,
    last_stretch: LastStretch,
) -> Reply {
    let route = match edge(&arrival) {
        Err(status) => return Reply::Edge(status),
        Ok(route) => route,
    };
    let mut call = match admit(state, route, arrival.pairs, now_ms) {
        Err(code) => return finish(state, Err(code), seen),
        Ok(call) => call,
    };
    call.last_stretch = last_stretch;
    if let Some(due_ms) = set_out(state, route, &call) {
        let (answer, hears) = oneshot::channel();
        let line = Some(state.seen.len());
        state.late.push(Late { due_ms, route, call, answer: Some(answer), line });
        return Reply::OnItsWay(hears);
    }
    let answer = (route.run)(state, &call);
    finish(state, answer, seen)
}

/// When a command that now sets out through a slow gateway gets to its lock; the gateway is busy until then.
fn set_out(state: &mut State, route: &Route, call: &Call) -> Option<i64> {
    if !route.way.travels(&call.fields) {
        return None;
    }
    let lock_id = call.fields.int("lockId").ok()?;
    let gateway_id = way(state, lock_id, call.now_ms).ok()??;
    let gateway = state.gateways.iter_mut().find(|gateway| gateway.gateway_id == gateway_id)?;
    if gateway.latency_ms <= 0 {
        return None;
    }
    gateway.busy_until_ms = call.now_ms.saturating_add(gateway.latency_ms);
    Some(gateway.busy_until_ms)
}

fn finish(state: &mut State, answer: Answer, seen: &mut Seen) -> Reply {
    seen.answered = Answered::Errcode(answer.as_ref().err().map_or(0, |code| code.0));
    Reply::Json(state.shapes.body(answer))
}

fn postpone(state: &mut State, arrival: Arrival, now_ms: i64, ms: i64) {
    let Ok(route) = edge(&arrival) else { return };
    if let Ok(call) = admit(state, route, arrival.pairs, now_ms) {
        let due_ms = now_ms.saturating_add(ms);
        state.late.push(Late { due_ms, route, call, answer: None, line: None });
    }
}

/// What is refused before the application sees it, by HTTP status.
fn edge(arrival: &Arrival) -> Result<&'static Route, u16> {
    let route = route::find(&arrival.path).ok_or(404_u16)?;
    match (arrival.method.as_str(), route.verbs) {
        ("POST", _) | ("GET", Verbs::GetOrPost) => {}
        _ => return Err(405),
    }
    arrival.unreadable.map_or(Ok(route), Err)
}

fn admit(
    state: &mut State,
    route: &Route,
    pairs: Vec<(String, String)>,
    now_ms: i64,
) -> Result<Call, Errcode> {
    gate::admit(state, route, Fields::merge(pairs)?, now_ms)
}

/// VENDOR: section 5, 1 is the default of `addType`.
fn is_on_paper(arrival: &Arrival) -> bool {
    const TYPED: [&str; 3] =
        ["/v3/keyboardPwd/add", "/v3/identityCard/add", "/v3/identityCard/addForReversedCardNumber"];
    let by = arrival.pairs.iter().find(|(name, _)| name == "addType").map(|(_, value)| value.as_str());
    TYPED.contains(&arrival.path.as_str()) && by.is_none_or(|by| by == "1")
}
