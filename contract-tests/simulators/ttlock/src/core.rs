//! The life of one request between the HTTP face and the state.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::clock::SimClock;
use crate::errcode::Errcode;
use crate::fault::{Faults, Hold, Strike, What};
use crate::gate;
use crate::probe::{Answered, Seen};
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
}

/// State, clock and faults of one simulation.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) clock: SimClock,
    pub(crate) faults: Faults,
    state: Mutex<State>,
}

impl Core {
    pub(crate) fn new(clock: SimClock, state: State) -> Self {
        Self { clock, faults: Faults::new(), state: Mutex::new(state) }
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
            answered: Answered::Dropped,
        };
        seen.fields.sort();
        let mut hold = None;
        let reply = match self.faults.strike(&arrival.path, now_ms) {
            Strike::Outage | Strike::Fault(What::DropBefore) => Reply::Cut,
            Strike::Fault(What::HttpStatus(status)) => Reply::Edge(status),
            Strike::Fault(What::Refuse(code)) => finish(&mut state, Err(Errcode(code)), &mut seen),
            Strike::Fault(What::LateEffect { ms }) => {
                postpone(&mut state, arrival, now_ms, ms);
                Reply::Cut
            }
            Strike::Fault(What::DropAfter) => {
                let _unheard = process(&mut state, arrival, now_ms, &mut seen);
                Reply::Cut
            }
            Strike::Fault(What::MalformedBody) => match process(&mut state, arrival, now_ms, &mut seen) {
                Reply::Json(_) => Reply::Malformed,
                other => other,
            },
            Strike::Fault(What::ExpireTokens) => {
                state.expire_tokens(now_ms);
                process(&mut state, arrival, now_ms, &mut seen)
            }
            Strike::Fault(What::Delay(wanted)) => {
                hold = Some(wanted);
                process(&mut state, arrival, now_ms, &mut seen)
            }
            Strike::Nothing => process(&mut state, arrival, now_ms, &mut seen),
        };
        match reply {
            Reply::Edge(status) => seen.answered = Answered::Http(status),
            Reply::Malformed => seen.answered = Answered::Malformed,
            Reply::Cut => seen.answered = Answered::Dropped,
            Reply::Json(_) => {}
        }
        state.seen.push(seen);
        (reply, hold)
    }
}

fn process(state: &mut State, arrival: Arrival, now_ms: i64, seen: &mut Seen) -> Reply {
    let answer = match edge(&arrival) {
        Err(status) => return Reply::Edge(status),
        Ok(route) => admit(state, route, arrival.pairs, now_ms).and_then(|call| (route.run)(state, &call)),
    };
    finish(state, answer, seen)
}

fn finish(state: &mut State, answer: Answer, seen: &mut Seen) -> Reply {
    seen.answered = Answered::Errcode(answer.as_ref().err().map_or(0, |code| code.0));
    Reply::Json(state.shapes.body(answer))
}

fn postpone(state: &mut State, arrival: Arrival, now_ms: i64, ms: i64) {
    let Ok(route) = edge(&arrival) else { return };
    if let Ok(call) = admit(state, route, arrival.pairs, now_ms) {
        state.late.push(Late { due_ms: now_ms.saturating_add(ms), route, call });
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
