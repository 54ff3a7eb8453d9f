//! What is no part of the vendor's API: the description, and a page and a few calls for whoever runs the simulator
//! alone. None of it is subject to faults, and none of it shows a secret.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::Core;
use crate::describe;
use crate::door::{Door, Presented};

/// How many requests the page shows.
const SHOWN: usize = 200;

/// The paths of the bench.
pub(crate) fn routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/", get(page))
        .route("/openapi.json", get(|| async { Json(describe::openapi()) }))
        .route("/bench/doors", get(|State(core): State<Arc<Core>>| async move { Json(doors(&core)) }))
        .route("/bench/log", get(|State(core): State<Arc<Core>>| async move { Json(log(&core)) }))
        .route("/bench/try", post(try_door))
        .route("/bench/clock", post(set_clock))
}

fn doors(core: &Core) -> Value {
    let (state, now_ms) = core.state();
    let doors: Vec<Value> = state
        .locks
        .iter()
        .map(|(lock_id, lock)| {
            json!({
                "door": lock.door,
                "lockId": lock_id,
                "paired": lock.is_paired,
                "battery": lock.device.battery,
                "driftMs": lock.drift_ms(),
                "frozen": lock.device.is_frozen,
                "open": lock.device.open_until_ms > now_ms,
                "gateway": state.has_gateway(*lock_id, now_ms),
                "passcodes": lock.device.memory.codes.len(),
                "cards": lock.device.memory.cards.len(),
                "eKeys": state.ekeys.values().filter(|key| key.lock_id == *lock_id).count(),
            })
        })
        .collect();
    json!({ "nowMs": now_ms, "doors": doors })
}

fn log(core: &Core) -> Value {
    let (state, _) = core.state();
    let skipped = state.seen.len().saturating_sub(SHOWN);
    state
        .seen
        .iter()
        .skip(skipped)
        .map(|seen| {
            json!({
                "atMs": seen.at_ms,
                "method": seen.method,
                "path": seen.path,
                "fields": seen.fields,
                "answered": format!("{:?}", seen.answered),
            })
        })
        .collect()
}

async fn page(State(core): State<Arc<Core>>) -> Html<String> {
    let mut html = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>TTLock, simulated</title>\
         <style>body{font:14px sans-serif}td,th{padding:2px 8px;text-align:left}</style>\
         <h1>TTLock, simulated</h1><p><a href=\"/openapi.json\">openapi.json</a></p><h2>Doors</h2>",
    );
    table(&mut html, doors(&core).get("doors"));
    html.push_str("<h2>Log</h2>");
    table(&mut html, Some(&log(&core)));
    Html(html)
}

fn table(html: &mut String, rows: Option<&Value>) {
    let rows = rows.and_then(Value::as_array).cloned().unwrap_or_default();
    html.push_str("<table>");
    for (number, row) in rows.iter().enumerate() {
        let Some(row) = row.as_object() else { continue };
        let mut line = |tag: &str, cells: Vec<String>| {
            html.push_str("<tr>");
            for cell in cells {
                // Writing into a string cannot fail.
                let _written = write!(html, "<{tag}>{}</{tag}>", escaped(&cell));
            }
            html.push_str("</tr>");
        };
        if number == 0 {
            line("th", row.keys().cloned().collect());
        }
        line(
            "td",
            row.values().map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect(),
        );
    }
    html.push_str("</table>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Somebody tries a door: with a code, a card, a link, or an account and its password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    door: String,
    passcode: Option<String>,
    card: Option<u64>,
    link: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "atMs")]
    at_ms: Option<i64>,
}

async fn try_door(State(core): State<Arc<Core>>, Form(tried): Form<Try>) -> Json<Value> {
    let at_ms = tried.at_ms.unwrap_or_else(|| core.clock.now_ms());
    let presented = match tried {
        Try { passcode: Some(digits), .. } => Presented::passcode(&digits),
        Try { card: Some(number), .. } => Presented::Card { number },
        Try { link: Some(link), .. } => Presented::Link(link),
        Try { username: Some(username), password: Some(password), .. } => {
            Presented::EKey { username, password }
        }
        _ => return Json(json!({ "opened": false, "why": "nothing was held to the door" })),
    };
    let verdict = Door::new(core, &tried.door).try_open(&presented, at_ms);
    Json(json!({ "opened": verdict.opened, "why": verdict.why }))
}

/// Moves the clock; one that follows the machine's goes on from there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    #[serde(rename = "advanceMs")]
    advance_ms: i64,
}

async fn set_clock(State(core): State<Arc<Core>>, Form(turn): Form<Turn>) -> Json<Value> {
    core.clock.advance_ms(turn.advance_ms);
    Json(json!({ "nowMs": core.clock.now_ms() }))
}
