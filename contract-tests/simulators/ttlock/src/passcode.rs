//! Passcodes as the cloud lists them, of both sorts (VENDOR: section 5).

use serde_json::{Value, json};

use crate::device::Deed;
use crate::digits::Digits;
use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::{
    ONE_TIME_PER_START, PAGE_SIZE_MAX, PASSCODE_DIGITS, PERMANENT_PER_START, RANDOM_DIGITS_MIN,
    RANDOM_LENGTHS,
};
use crate::paging::{Page, fuzzy};
use crate::radio::Feature;
use crate::random::{Kind, Random};
use crate::reach::{About, By, Carried, carry};
use crate::route::Call;
use crate::state::State;
use crate::window::{Place, Window};
use crate::wire::Answer;

/// VENDOR: section 5, `keyboardPwdVersion` of every lock that can be bought.
const VERSION: i64 = 4;

/// VENDOR: section 5, `status` of a passcode, where it is not told by the window alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Settled,
    /// Missing from an upload of what the lock holds.
    Invalid,
    Adding,
    AddFailed,
    Modifying,
    ModifyFailed,
    Deleting,
    DeleteFailed,
}

/// A passcode in the cloud's books. Whether the lock knows it is another matter.
#[derive(Debug, Clone)]
pub(crate) struct Passcode {
    pub(crate) passcode_id: i64,
    pub(crate) lock_id: i64,
    pub(crate) digits: Digits,
    pub(crate) name: String,
    /// `keyboardPwdType`; custom ones are 2 or 3.
    pub(crate) kind: i64,
    /// As the two date fields show it.
    pub(crate) window: Window,
    pub(crate) is_custom: bool,
    pub(crate) status: Status,
    sender: i64,
    sent_ms: i64,
    /// What is put in its place when a change that waits comes through.
    pub(crate) next: Option<(Digits, Window)>,
}

impl Passcode {
    /// A custom code is permanent or has a period, whatever it began as.
    fn kind_code(&self) -> i64 {
        match (self.is_custom, self.window.is_permanent()) {
            (true, true) => 2,
            (true, false) => 3,
            (false, _) => self.kind,
        }
    }

    fn status_code(&self, now_ms: i64) -> i64 {
        match self.status {
            Status::Settled if self.kind_code() == 3 && self.window.place(now_ms) == Place::After => 2,
            Status::Settled => 1,
            Status::Invalid => 2,
            Status::Adding => 4,
            Status::AddFailed => 5,
            Status::Modifying => 6,
            Status::ModifyFailed => 7,
            Status::Deleting => 8,
            Status::DeleteFailed => 9,
        }
    }
}

/// A random passcode whose period is not handed out again, because it was deleted (-1026).
pub(crate) type Withdrawn = (i64, i64, i64, i64);

/// `POST /v3/keyboardPwd/get`: a passcode of the vendor's choice.
pub(crate) fn get(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let kind_code = fields.int("keyboardPwdType")?;
    let kind = Kind::of(kind_code)?;
    fields.choice("keyboardPwdVersion", &[VERSION], VERSION)?;
    let start_ms = fields.int("startDate")?;
    let end_ms =
        if kind.has_end() { fields.int("endDate")? } else { fields.optional_int("endDate")?.unwrap_or(0) };
    let name = fields.optional("keyboardPwdName").unwrap_or_default().to_owned();
    authority(state, lock_id, call)?;
    let lock = state.lock_with(lock_id, Feature::Passcode)?;
    if !lock.has_passcode_data {
        return Err(Errcode::NO_PASSCODE_DATA);
    }
    let zone_ms = lock.zone_ms;
    if start_ms <= 0 || end_ms < 0 {
        return Err(Errcode::INVALID_PARAMETER);
    }
    let on_wall =
        Window { start_ms: start_ms.saturating_add(zone_ms), end_ms: end_ms.saturating_add(zone_ms) };
    let random = Random::new(kind, on_wall)?;
    let wall = random.window();
    let back = |wall_ms: i64| wall_ms.saturating_sub(zone_ms);
    let window =
        Window { start_ms: back(wall.start_ms), end_ms: if kind.has_end() { back(wall.end_ms) } else { 0 } };
    let period = (lock_id, kind_code, window.start_ms, window.end_ms);
    if state.withdrawn.contains(&period) {
        return Err(Errcode::PASSCODE_WAS_DELETED);
    }
    let alike = state
        .passcodes
        .values()
        .filter(|known| !known.is_custom && known.lock_id == lock_id && known.kind == kind_code)
        .filter(|known| known.window.start_ms == window.start_ms)
        .count();
    let most = match kind {
        Kind::OneTime => ONE_TIME_PER_START,
        Kind::Permanent => PERMANENT_PER_START,
        Kind::Period | Kind::DeleteAll | Kind::Weekly(_) => usize::MAX,
    };
    if alike >= most {
        return Err(Errcode::FAILED);
    }
    let digits = fresh_digits(state, lock_id);
    state.lock_mut(lock_id)?.device.memory.random.insert(digits.clone(), random);
    let passcode = Passcode {
        passcode_id: state.prng.key_id(),
        lock_id,
        digits: digits.clone(),
        name,
        kind: kind_code,
        window,
        is_custom: false,
        status: Status::Settled,
        sender: call.uid,
        sent_ms: call.now_ms,
        next: None,
    };
    let shown_id = state.shapes.id(passcode.passcode_id);
    state.passcodes.insert(passcode.passcode_id, passcode);
    Ok(state.shapes.sometimes_errcode(json!({ "keyboardPwd": digits.as_str(), "keyboardPwdId": shown_id })))
}

/// Digits no passcode of the lock has.
fn fresh_digits(state: &mut State, lock_id: i64) -> Digits {
    loop {
        let length = RANDOM_DIGITS_MIN + usize::try_from(state.prng.below(RANDOM_LENGTHS)).unwrap_or(0);
        let digits = Digits::new(&state.prng.digits(length));
        let is_stored =
            state.locks.get(&lock_id).is_some_and(|lock| lock.device.memory.codes.contains_key(&digits));
        if !digits.is_simple() && !is_stored && !is_listed(state, lock_id, &digits, None) {
            return digits;
        }
    }
}

/// Whether the cloud lists a passcode of these digits for the lock, other than `but`.
fn is_listed(state: &State, lock_id: i64, digits: &Digits, but: Option<i64>) -> bool {
    state
        .passcodes
        .values()
        .any(|known| known.lock_id == lock_id && Some(known.passcode_id) != but && &known.digits == digits)
}

/// Digits somebody chose, checked as far as the cloud can.
fn chosen(text: &str) -> Result<Digits, Errcode> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errcode::INVALID_PARAMETER);
    }
    if !PASSCODE_DIGITS.contains(&text.len()) {
        return Err(Errcode::PASSCODE_LENGTH);
    }
    let digits = Digits::new(text);
    if digits.is_simple() { Err(Errcode::PASSCODE_TOO_SIMPLE) } else { Ok(digits) }
}

/// `POST /v3/keyboardPwd/add`: a passcode of the caller's choice.
pub(crate) fn add(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let text = fields.text("keyboardPwd")?;
    let name = fields.optional("keyboardPwdName").unwrap_or_default().to_owned();
    let kind = fields.choice("keyboardPwdType", &[2, 3], 3)?;
    let window = if kind == 3 {
        Window::period(fields.int("startDate")?, fields.int("endDate")?)?
    } else {
        Window { start_ms: 0, end_ms: 0 }
    };
    let by = By::read(fields, "addType")?;
    authority(state, lock_id, call)?;
    let stored = state.lock_with(lock_id, Feature::Passcode)?.on_wall(window);
    let digits = chosen(text)?;
    // What the lock holds without the cloud's knowledge, the lock refuses itself.
    if is_listed(state, lock_id, &digits, None) {
        return Err(Errcode::PASSCODE_EXISTS);
    }
    let passcode_id = state.prng.key_id();
    let deed = Deed::AddCode { digits: digits.clone(), window: stored };
    let carried = carry(state, call, lock_id, by, (deed, About::Passcode(passcode_id)))?;
    let passcode = Passcode {
        passcode_id,
        lock_id,
        digits,
        name,
        kind,
        window,
        is_custom: true,
        status: if carried == Carried::Waiting { Status::Adding } else { Status::Settled },
        sender: call.uid,
        sent_ms: call.now_ms,
        next: None,
    };
    state.passcodes.insert(passcode_id, passcode);
    let shown_id = state.shapes.id(passcode_id);
    Ok(state.shapes.sometimes_errcode(json!({ "keyboardPwdId": shown_id })))
}

/// The passcode a call names, of the lock it names.
fn named(state: &State, call: &Call, lock_id: i64) -> Result<Passcode, Errcode> {
    let passcode_id = call.fields.int("keyboardPwdId")?;
    state
        .passcodes
        .get(&passcode_id)
        .filter(|known| known.lock_id == lock_id)
        .cloned()
        .ok_or(Errcode::PASSCODE_UNKNOWN)
}

/// VENDOR: section 5.1, before its first use at the lock a random passcode can be neither changed nor deleted.
fn refuse_unused(state: &State, passcode: &Passcode) -> Result<(), Errcode> {
    let random = state.lock(passcode.lock_id)?.device.memory.random.get(&passcode.digits);
    match random {
        Some(random) if !passcode.is_custom && !random.is_used => Err(Errcode::PASSCODE_NEVER_USED),
        _ => Ok(()),
    }
}

/// `POST /v3/keyboardPwd/change`.
pub(crate) fn change(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let by = By::read(fields, "changeType")?;
    let name = fields.optional("keyboardPwdName").map(str::to_owned);
    // VENDOR: section 5.1, with one of the dates alone the call succeeds and does nothing to the window.
    let window = match (fields.optional_int("startDate")?, fields.optional_int("endDate")?) {
        (Some(start_ms), Some(end_ms)) => Some(Window::period(start_ms, end_ms)?),
        _ => None,
    };
    let new = fields.optional("newKeyboardPwd").map(chosen);
    fields.int("keyboardPwdId")?;
    authority(state, lock_id, call)?;
    let mut passcode = named(state, call, lock_id)?;
    let new = new.transpose()?;
    if new.is_some() || window.is_some() {
        refuse_unused(state, &passcode)?;
        let lock = state.lock_with(lock_id, Feature::ModifyPasscode)?;
        let stored = window.map(|window| lock.on_wall(window));
        if new.as_ref().is_some_and(|new| is_listed(state, lock_id, new, Some(passcode.passcode_id))) {
            return Err(Errcode::PASSCODE_EXISTS);
        }
        let deed = Deed::ChangeCode { digits: passcode.digits.clone(), new: new.clone(), window: stored };
        let carried = carry(state, call, lock_id, by, (deed, About::Passcode(passcode.passcode_id)))?;
        let changed = (new.unwrap_or(passcode.digits.clone()), window.unwrap_or(passcode.window));
        if carried == Carried::Waiting {
            passcode.next = Some(changed);
            passcode.status = Status::Modifying;
        } else {
            (passcode.digits, passcode.window) = changed;
        }
    }
    passcode.name = name.unwrap_or(passcode.name);
    state.passcodes.insert(passcode.passcode_id, passcode);
    Ok(Value::Null)
}

/// `POST /v3/keyboardPwd/delete`.
pub(crate) fn delete(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let by = By::read(&call.fields, "deleteType")?;
    call.fields.int("keyboardPwdId")?;
    authority(state, lock_id, call)?;
    let passcode = named(state, call, lock_id)?;
    remove(state, call, &passcode, by)
}

/// `POST /v3/keyboardPwd/deleteByCode`.
pub(crate) fn delete_by_code(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let by = By::read(&call.fields, "deleteType")?;
    let digits = Digits::new(call.fields.text("keyboardPwd")?);
    authority(state, lock_id, call)?;
    let passcode = state
        .passcodes
        .values()
        .find(|known| known.lock_id == lock_id && known.digits == digits)
        .cloned()
        .ok_or(Errcode::PASSCODE_UNKNOWN)?;
    remove(state, call, &passcode, by)
}

fn remove(state: &mut State, call: &Call, passcode: &Passcode, by: By) -> Answer {
    refuse_unused(state, passcode)?;
    let deed = Deed::DeleteCode { digits: passcode.digits.clone() };
    let about = About::Passcode(passcode.passcode_id);
    match carry(state, call, passcode.lock_id, by, (deed, about)) {
        Ok(Carried::Waiting) => {
            if let Some(known) = state.passcodes.get_mut(&passcode.passcode_id) {
                known.status = Status::Deleting;
            }
        }
        // What the lock does not hold is deleted from the books all the same.
        Ok(Carried::Done | Carried::OnPaper) | Err(Errcode::PASSCODE_UNKNOWN) => strike_out(state, passcode),
        Err(code) => return Err(code),
    }
    Ok(Value::Null)
}

/// Takes a passcode out of the cloud's books.
pub(crate) fn strike_out(state: &mut State, passcode: &Passcode) {
    state.passcodes.remove(&passcode.passcode_id);
    if !passcode.is_custom {
        let Window { start_ms, end_ms } = passcode.window;
        state.withdrawn.insert((passcode.lock_id, passcode.kind, start_ms, end_ms));
    }
}

/// `GET|POST /v3/lock/listKeyboardPwd`.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let page = Page::read(&call.fields, PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("searchStr");
    authority(state, lock_id, call)?;
    // VENDOR: section 5, the search is fuzzy on the name and exact on the code.
    let found: Vec<Passcode> = state
        .passcodes
        .values()
        .filter(|known| known.lock_id == lock_id)
        .filter(|known| fuzzy(&known.name, wanted) || wanted == Some(known.digits.as_str()))
        .cloned()
        .collect();
    let cut = page.cut(found, |known| (known.name.clone(), known.passcode_id));
    Ok(cut.answer(|known| item(state, &known, call.now_ms)))
}

fn item(state: &mut State, passcode: &Passcode, now_ms: i64) -> Value {
    json!({
        "keyboardPwdId": state.shapes.id(passcode.passcode_id),
        "lockId": state.shapes.id(passcode.lock_id),
        "keyboardPwd": passcode.digits.as_str(),
        "keyboardPwdName": passcode.name,
        "keyboardPwdVersion": VERSION,
        "keyboardPwdType": state.shapes.id(passcode.kind_code()),
        "startDate": passcode.window.start_ms,
        "endDate": passcode.window.end_ms,
        "sendDate": passcode.sent_ms,
        "isCustom": state.shapes.flag(passcode.is_custom),
        "senderUsername": state.username_of(passcode.sender),
        "status": passcode.status_code(now_ms),
    })
}

/// `POST /v3/keyboardPwd/uploadValidCodeFromLock`: codes missing from the upload become invalid in the cloud.
pub(crate) fn upload_valid(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let text = call.fields.text("keyboardPwdList")?;
    let listed: Vec<Value> = serde_json::from_str(text).map_err(|_| Errcode::BAD_JSON)?;
    let listed: Vec<Digits> = listed
        .iter()
        .map(|entry| entry.get("keyboardPwd").and_then(Value::as_str).map(Digits::new))
        .collect::<Option<_>>()
        .ok_or(Errcode::INVALID_PARAMETER)?;
    authority(state, lock_id, call)?;
    for known in state.passcodes.values_mut().filter(|known| known.lock_id == lock_id) {
        known.status = if listed.contains(&known.digits) { Status::Settled } else { Status::Invalid };
    }
    Ok(Value::Null)
}
