//! Lock records: from the lock's log to the cloud, by gateway, by phone or by hand (VENDOR: section 8).

use serde_json::{Value, json};

use crate::callback;
use crate::card::number_at_lock;
use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::{PAGE_SIZE_MAX, RECORD_LIFE_MS};
use crate::logbook::{Entry, Tried};
use crate::memory::Judged;
use crate::paging::{Page, fuzzy};
use crate::reach::way;
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// A line of a lock's log, as the cloud keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    record_id: i64,
    lock_id: i64,
    entry: Entry,
    /// Who it was, as far as the cloud knew when it arrived.
    username: String,
    lock_ms: i64,
    server_ms: i64,
}

impl Record {
    /// VENDOR: section 8, `keyboardPwd` carries the code in clear; a card's number stands there too.
    fn credential(&self) -> String {
        match &self.entry.tried {
            Tried::Code(digits) => digits.as_str().to_owned(),
            Tried::Card(number) => number.to_string(),
            Tried::App(_) | Tried::Remote(_) | Tried::RemoteLock(_) => String::new(),
        }
    }

    /// The fields a list item and an element of a callback share.
    pub(crate) fn fields(&self) -> Value {
        json!({
            "lockId": self.lock_id,
            "recordTypeFromLock": self.entry.lock_type(),
            "recordType": self.entry.cloud_type(),
            "success": i64::from(self.entry.is_success()),
            "username": self.username,
            "keyboardPwd": self.credential(),
            "lockDate": self.lock_ms,
            "serverDate": self.server_ms,
        })
    }

    pub(crate) fn battery(&self) -> u8 {
        self.entry.battery
    }
}

/// Lets every lock that can be heard tell what it wrote down.
pub(crate) fn collect(state: &mut State, now_ms: i64) {
    let talkative: Vec<i64> = state
        .locks
        .iter()
        .filter(|(_, lock)| lock.is_paired && lock.device.logbook.has_news())
        .map(|(lock_id, _)| *lock_id)
        .collect();
    for lock_id in talkative {
        if way(state, lock_id, now_ms).is_ok() {
            take_news(state, lock_id, now_ms);
        }
    }
}

/// Moves what the cloud has not heard from a lock's log into the cloud.
pub(crate) fn take_news(state: &mut State, lock_id: i64, now_ms: i64) {
    let Some(lock) = state.locks.get_mut(&lock_id) else { return };
    let news = lock.device.logbook.tell();
    lock.told_battery = lock.device.battery;
    let zone_ms = lock.zone_ms;
    let mut records = Vec::new();
    for entry in news {
        let record = Record {
            record_id: state.prng.key_id(),
            lock_id,
            username: who(state, lock_id, &entry),
            lock_ms: entry.wall_ms.saturating_sub(zone_ms),
            server_ms: now_ms,
            entry,
        };
        records.push(record.clone());
        state.records.push(record);
    }
    if !records.is_empty() {
        callback::records(state, lock_id, &records, now_ms);
    }
}

fn who(state: &State, lock_id: i64, entry: &Entry) -> String {
    match &entry.tried {
        Tried::App(uid) | Tried::Remote(uid) | Tried::RemoteLock(uid) => state.username_of(*uid),
        Tried::Code(digits) => state
            .passcodes
            .values()
            .find(|known| known.lock_id == lock_id && &known.digits == digits)
            .map(|known| known.name.clone())
            .unwrap_or_default(),
        Tried::Card(number) => state
            .cards
            .values()
            .find(|card| card.lock_id == lock_id && number_at_lock(&card.number) == Ok(*number))
            .map(|card| card.name.clone())
            .unwrap_or_default(),
    }
}

/// `GET|POST /v3/lockRecord/list`.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let page = Page::read(fields, PAGE_SIZE_MAX)?;
    let from_ms = fields.optional_int("startDate")?.unwrap_or(0);
    let until_ms = match fields.optional_int("endDate")?.unwrap_or(0) {
        0 => i64::MAX,
        until_ms => until_ms,
    };
    let uid = fields.optional_int("uid")?;
    let record_type = fields.optional_int("recordType")?;
    let wanted = fields.optional("searchStr");
    authority(state, lock_id, call)?;
    let oldest_ms = call.now_ms.saturating_sub(RECORD_LIFE_MS);
    let found: Vec<Record> = state
        .records
        .iter()
        .filter(|record| record.lock_id == lock_id && record.server_ms >= oldest_ms)
        .filter(|record| from_ms <= record.lock_ms && record.lock_ms <= until_ms)
        .filter(|record| uid.is_none_or(|uid| record.entry.uid() == uid))
        .filter(|record| record_type.is_none_or(|wanted| record.entry.cloud_type() == wanted))
        .filter(|record| fuzzy(&record.username, wanted))
        .cloned()
        .collect();
    // Newest first, as every example of the vendor shows it.
    let cut = page.newest_first().cut(found, |record| (record.username.clone(), record.record_id));
    Ok(cut.answer(|record| {
        let mut item = record.fields();
        if let Some(fields) = item.as_object_mut() {
            fields.insert("recordId".into(), state.shapes.id(record.record_id));
            fields.insert("lockId".into(), state.shapes.id(record.lock_id));
        }
        item
    }))
}

/// A lock's whole log as an app reads it over Bluetooth and hands it on.
pub(crate) fn as_read_by_hand(state: &State, lock_id: i64) -> Value {
    let Some(lock) = state.locks.get(&lock_id) else { return json!([]) };
    lock.device
        .logbook
        .entries()
        .map(|entry| json!({ "recordType": entry.lock_type(), "lockDate": entry.wall_ms - lock.zone_ms }))
        .collect()
}

/// `POST /v3/lockRecord/upload`. VENDOR: section 8, only genuine records: what the lock's log does not hold is
/// passed over.
pub(crate) fn upload(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let text = call.fields.text("records")?;
    let handed: Vec<Value> = serde_json::from_str(text).map_err(|_| Errcode::BAD_JSON)?;
    authority(state, lock_id, call)?;
    let genuine = as_read_by_hand(state, lock_id);
    let known = genuine.as_array().is_some_and(|lines| lines.iter().any(|line| handed.contains(line)));
    if known {
        take_news(state, lock_id, call.now_ms);
    }
    Ok(Value::Null)
}

/// Writes a line into a lock's log.
pub(crate) fn write(state: &mut State, lock_id: i64, tried: Tried, judged: Judged, at_ms: i64) {
    if let Some(lock) = state.locks.get_mut(&lock_id) {
        let wall_ms = lock.device.wall_ms(at_ms);
        let battery = lock.device.battery;
        lock.device.logbook.write(Entry { tried, judged, wall_ms, battery });
    }
}
