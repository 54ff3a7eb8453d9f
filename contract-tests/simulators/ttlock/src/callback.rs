//! What the vendor tells an application of its own accord: unsigned forms (VENDOR: section 9).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::core::Core;
use crate::errcode::Errcode;
use crate::gateway;
use crate::limits::{CALLBACK_TIMEOUT_S, GATEWAY_OFF_NOTICE_MS, WIFI_OFF_NOTICE_MS};
use crate::radio::Radio;
use crate::reach::About;
use crate::record::Record;
use crate::state::State;

/// The largest answer of a receiver that is read.
const ANSWER_MAX: usize = 64;

/// What happens to the next notice on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTheWay {
    /// It never arrives.
    Lost,
    /// It arrives twice.
    Doubled,
    /// It is sent this much simulated time later.
    Late {
        /// Simulated milliseconds.
        ms: i64,
    },
    /// It is sent after the one that follows it.
    Overtaken,
}

/// A notice that was sent, and what the receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Simulated time at which it was sent.
    pub at_ms: i64,
    /// VENDOR: section 9, `notifyType`.
    pub notify_type: i64,
    /// HTTP status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// Whether the answer was 200 with the text `success`.
    pub accepted: bool,
}

/// One form on its way.
#[derive(Debug, Clone)]
struct Notice {
    due_ms: i64,
    url: String,
    notify_type: i64,
    form: Vec<(&'static str, String)>,
}

/// Notices that wait, and what became of those that went.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Notice>,
    overtaken: Option<Notice>,
    orders: VecDeque<OnTheWay>,
    sending: usize,
    pub(crate) delivered: Vec<Delivery>,
}

impl Outbox {
    pub(crate) fn order(&mut self, order: OnTheWay) {
        self.orders.push_back(order);
    }

    fn put(&mut self, mut notice: Notice) {
        let held = self.overtaken.take();
        match self.orders.pop_front() {
            Some(OnTheWay::Lost) => {}
            Some(OnTheWay::Overtaken) => self.overtaken = Some(notice),
            Some(OnTheWay::Doubled) => {
                self.waiting.push_back(notice.clone());
                self.waiting.push_back(notice);
            }
            Some(OnTheWay::Late { ms }) => {
                notice.due_ms = notice.due_ms.saturating_add(ms);
                self.waiting.push_back(notice);
            }
            None => self.waiting.push_back(notice),
        }
        self.waiting.extend(held);
    }

    fn next(&mut self, now_ms: i64) -> Option<Notice> {
        let index = self.waiting.iter().position(|notice| notice.due_ms <= now_ms)?;
        self.sending += 1;
        self.waiting.remove(index)
    }

    pub(crate) fn is_quiet(&self, now_ms: i64) -> bool {
        self.sending == 0 && self.waiting.iter().all(|notice| notice.due_ms > now_ms)
    }
}

/// Puts a form on its way to every application whose account this concerns.
///
/// VENDOR: section 9, events arrive only for accounts that obtained a token with the application's client id.
fn notify(state: &mut State, uid: i64, notify_type: i64, form: &[(&'static str, String)], now_ms: i64) {
    let urls: Vec<String> = state
        .callback_urls
        .iter()
        .filter(|(client_id, _)| state.logins.contains(&((*client_id).clone(), uid)))
        .map(|(_, url)| url.clone())
        .collect();
    for url in urls {
        post(state, url, notify_type, form.to_vec(), now_ms);
    }
}

fn post(
    state: &mut State,
    url: String,
    notify_type: i64,
    mut form: Vec<(&'static str, String)>,
    due_ms: i64,
) {
    form.push(("notifyType", notify_type.to_string()));
    state.outbox.put(Notice { due_ms, url, notify_type, form });
    state.bell.notify_one();
}

/// `notifyType` 1.
pub(crate) fn records(state: &mut State, lock_id: i64, records: &[Record], now_ms: i64) {
    let Some(lock) = state.locks.get(&lock_id) else { return };
    let (owner, mac) = (lock.owner, lock.mac().to_owned());
    let elements: Vec<Value> = records
        .iter()
        .map(|record| {
            let mut element = record.fields();
            if let Some(fields) = element.as_object_mut() {
                fields.insert("electricQuantity".into(), json!(record.battery()));
                fields.insert("lockMac".into(), json!(mac));
            }
            element
        })
        .collect();
    let form = [
        ("lockId", lock_id.to_string()),
        ("lockMac", mac),
        ("admin", state.username_of(owner)),
        ("records", Value::from(elements).to_string()),
    ];
    notify(state, owner, 1, &form, now_ms);
}

/// `notifyType` 4.
pub(crate) fn request_failed(
    state: &mut State,
    lock_id: i64,
    uid: i64,
    about: About,
    code: Errcode,
    now_ms: i64,
) {
    let Some(lock) = state.locks.get(&lock_id) else { return };
    let (owner, mac) = (lock.owner, lock.mac().to_owned());
    let (object_type, object_id) = about.object();
    let form = [
        ("lockId", lock_id.to_string()),
        ("lockMac", mac),
        ("uid", uid.to_string()),
        ("objectType", object_type.to_string()),
        ("objectId", object_id.to_string()),
        ("errcode", code.0.to_string()),
    ];
    notify(state, owner, 4, &form, now_ms);
}

/// The console's test button: an invented record.
pub(crate) fn press_test_button(state: &mut State, client_id: &str, now_ms: i64) -> bool {
    let Some(url) = state.callback_urls.get(client_id).cloned() else { return false };
    let record = json!([{
        "recordType": 4, "success": 1, "username": "test", "keyboardPwd": "123456",
        "lockDate": now_ms, "serverDate": now_ms, "electricQuantity": 88, "lockId": 222, "recordTypeFromLock": 4,
    }]);
    let form = vec![
        ("lockId", "222".to_owned()),
        ("lockMac", "52:A8:F6:44:64:CC".to_owned()),
        ("admin", "test".to_owned()),
        ("records", record.to_string()),
    ];
    post(state, url, 1, form, now_ms);
    true
}

/// `notifyType` 2 and 3: gateways and WiFi locks that came back, and those that are gone for long enough.
pub(crate) fn watch_radios(state: &mut State, now_ms: i64) {
    let mut forms = Vec::new();
    for gateway in &mut state.gateways {
        let is_off = gateway.silent_for(now_ms) >= GATEWAY_OFF_NOTICE_MS;
        let is_on = gateway.silent_since_ms.is_none();
        if (is_off && !gateway.is_told_off) || (is_on && gateway.is_told_off) {
            gateway.is_told_off = is_off;
            let form = vec![
                ("gatewayId", gateway.gateway_id.to_string()),
                ("gatewayName", gateway.name.clone()),
                ("gatewayMac", gateway.mac.clone()),
                ("gatewayVersion", gateway::VERSION.to_string()),
                ("networkName", gateway::NETWORK.to_owned()),
                ("isOnline", i64::from(is_on).to_string()),
            ];
            forms.push((gateway.owner, 2, form));
        }
    }
    for (lock_id, lock) in &mut state.locks {
        let Radio::Wifi(wifi) = &mut lock.radio else { continue };
        let silent_for = wifi.silent_since_ms.map_or(0, |since| now_ms.saturating_sub(since));
        let is_off = silent_for >= WIFI_OFF_NOTICE_MS;
        let is_on = wifi.silent_since_ms.is_none();
        if (is_off && !wifi.is_told_off) || (is_on && wifi.is_told_off) {
            wifi.is_told_off = is_off;
            let form = vec![
                ("lockId", lock_id.to_string()),
                ("lockAlias", lock.door.clone()),
                ("lockMac", lock.mac().to_owned()),
                ("networkName", gateway::NETWORK.to_owned()),
                ("isOnline", i64::from(is_on).to_string()),
            ];
            forms.push((lock.owner, 3, form));
        }
    }
    for (owner, notify_type, mut form) in forms {
        if notify_type == 3 {
            form.push(("admin", state.username_of(owner)));
        }
        notify(state, owner, notify_type, &form, now_ms);
    }
}

/// Sends what is due, one after the other, until the sender of `stop` is gone.
pub(crate) async fn run(core: Arc<Core>, mut stop: watch::Receiver<()>) {
    let mut ticks = core.clock.changes();
    let bell = Arc::clone(&core.state().0.bell);
    loop {
        let due = {
            let (mut state, now_ms) = core.state();
            state.outbox.next(now_ms).map(|notice| (notice, now_ms))
        };
        if let Some((notice, at_ms)) = due {
            let answer = send(&notice).await;
            let accepted = answer.as_ref().is_some_and(|(status, text)| *status == 200 && text == "success");
            let delivery = Delivery {
                at_ms,
                notify_type: notice.notify_type,
                status: answer.map(|(status, _)| status),
                accepted,
            };
            let mut state = core.state().0;
            state.outbox.sending -= 1;
            state.outbox.delivered.push(delivery);
            drop(state);
            core.quiet.send_modify(|turn| *turn += 1);
            continue;
        }
        core.quiet.send_modify(|turn| *turn += 1);
        tokio::select! {
            () = bell.notified() => {}
            moved = ticks.changed() => if moved.is_err() { return },
            stopped = stop.changed() => if stopped.is_err() { return },
        }
    }
}

/// The receiver's status and text; `None` when it cannot be reached or does not answer in time.
async fn send(notice: &Notice) -> Option<(u16, String)> {
    tokio::time::timeout(Duration::from_secs(CALLBACK_TIMEOUT_S), exchange(notice)).await.ok()?
}

async fn exchange(notice: &Notice) -> Option<(u16, String)> {
    let uri: hyper::Uri = notice.url.parse().ok()?;
    let authority = uri.authority()?.clone();
    let address = (authority.host().to_owned(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driver = tokio::spawn(connection);
    let body = serde_urlencoded::to_string(&notice.form).ok()?;
    let target = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let request = hyper::Request::post(target)
        .header("host", authority.as_str())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(body)))
        .ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let limited = http_body_util::Limited::new(response.into_body(), ANSWER_MAX);
    let text = limited.collect().await.ok().map(http_body_util::Collected::to_bytes).unwrap_or_default();
    driver.abort();
    Some((status, String::from_utf8_lossy(&text).into_owned()))
}
