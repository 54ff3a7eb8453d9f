//! IC cards as the cloud lists them (VENDOR: section 6).

use serde_json::{Value, json};

use crate::device::Deed;
use crate::ekey::authority;
use crate::errcode::Errcode;
use crate::limits::PAGE_SIZE_MAX;
use crate::memory::StoredCard;
use crate::paging::{Page, fuzzy};
use crate::radio::Feature;
use crate::reach::{About, By, Carried, carry};
use crate::route::Call;
use crate::schedule::Schedule;
use crate::state::State;
use crate::window::Window;
use crate::wire::{Answer, Fields};

/// VENDOR: section 11.6, a number of at most this many digits travels in four bytes.
const SHORT_NUMBER_DIGITS: usize = 10;

/// A card in the cloud's books. Whether the lock knows it is another matter.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) card_id: i64,
    pub(crate) lock_id: i64,
    /// As listed: already reversed where the caller asked for that.
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) window: Window,
    pub(crate) schedule: Option<Schedule>,
    sender: i64,
    created_ms: i64,
    /// What is put in its place when a change that waits comes through.
    pub(crate) next: Option<(Window, Option<Schedule>)>,
}

/// The number as it reaches the lock.
///
/// VENDOR: section 11.6, a ten-digit number above 32 bits does not fit its four bytes and is cut off.
pub(crate) fn number_at_lock(text: &str) -> Result<u64, Errcode> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errcode::INVALID_PARAMETER);
    }
    let number: u64 = text.parse().map_err(|_| Errcode::INVALID_PARAMETER)?;
    Ok(if text.len() <= SHORT_NUMBER_DIGITS { number & u64::from(u32::MAX) } else { number })
}

/// VENDOR: section 6, the number of four bytes with their order turned round.
fn reversed(text: &str) -> Result<String, Errcode> {
    number_at_lock(text)?;
    let number: u32 = text.parse().map_err(|_| Errcode::INVALID_PARAMETER)?;
    Ok(number.swap_bytes().to_string())
}

/// VENDOR: section 6, `cardType` 4 with its `cyclicConfig`.
fn schedule(fields: &Fields) -> Result<Option<Schedule>, Errcode> {
    match (fields.choice("cardType", &[1, 4], 1)?, fields.optional("cyclicConfig")) {
        (4, Some(text)) => Schedule::parse(text).map(Some),
        (4, None) | (_, Some(_)) => Err(Errcode::INVALID_PARAMETER),
        (_, None) => Ok(None),
    }
}

/// `POST /v3/identityCard/add`.
pub(crate) fn add(state: &mut State, call: &Call) -> Answer {
    let number = call.fields.text("cardNumber")?.to_owned();
    add_number(state, call, number)
}

/// `POST /v3/identityCard/addForReversedCardNumber`: the number is stored with its bytes reversed.
pub(crate) fn add_reversed(state: &mut State, call: &Call) -> Answer {
    let number = reversed(call.fields.text("cardNumber")?)?;
    add_number(state, call, number)
}

fn add_number(state: &mut State, call: &Call, number: String) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    let at_lock = number_at_lock(&number)?;
    let name = fields.optional("cardName").unwrap_or_default().to_owned();
    let (start_ms, end_ms) = (fields.optional_int("startDate")?, fields.optional_int("endDate")?);
    let window = Window::of_card(start_ms.unwrap_or(0), end_ms.unwrap_or(0))?;
    let schedule = schedule(fields)?;
    let by = By::read(fields, "addType")?;
    authority(state, lock_id, call)?;
    let lock = state.lock_with(lock_id, Feature::Card)?;
    if schedule.is_some() {
        state.lock_with(lock_id, Feature::CyclicCard)?;
    }
    let stored = StoredCard { window: lock.on_wall(window), schedule: schedule.clone() };
    let card_id = state.prng.key_id();
    let deed = Deed::AddCard { number: at_lock, card: stored };
    carry(state, call, lock_id, by, (deed, About::Card(card_id)))?;
    // A second card of the same number takes the place of the first, as it does in the lock.
    state.cards.retain(|_, card| !(card.lock_id == lock_id && card.number == number));
    let card = Card {
        card_id,
        lock_id,
        number,
        name,
        window,
        schedule,
        sender: call.uid,
        created_ms: call.now_ms,
        next: None,
    };
    state.cards.insert(card_id, card);
    let shown_id = state.shapes.id(card_id);
    Ok(state.shapes.sometimes_errcode(json!({ "cardId": shown_id })))
}

fn named(state: &State, call: &Call, lock_id: i64) -> Result<Card, Errcode> {
    let card_id = call.fields.int("cardId")?;
    state.cards.get(&card_id).filter(|card| card.lock_id == lock_id).cloned().ok_or(Errcode::CARD_UNKNOWN)
}

/// `POST /v3/identityCard/changePeriod`.
pub(crate) fn change_period(state: &mut State, call: &Call) -> Answer {
    let fields = &call.fields;
    let lock_id = fields.int("lockId")?;
    // VENDOR: section 6, permanent is not allowed here.
    let window = Window::period(fields.int("startDate")?, fields.int("endDate")?)?;
    let schedule = fields.optional("cyclicConfig").map(Schedule::parse).transpose()?;
    let by = By::read(fields, "changeType")?;
    fields.int("cardId")?;
    authority(state, lock_id, call)?;
    let mut card = named(state, call, lock_id)?;
    if schedule.is_some() {
        state.lock_with(lock_id, Feature::CyclicCard)?;
    }
    let stored = state.lock(lock_id)?.on_wall(window);
    let number = number_at_lock(&card.number)?;
    let deed = Deed::MoveCard { number, window: stored, schedule: schedule.clone() };
    let carried = carry(state, call, lock_id, by, (deed, About::Card(card.card_id)))?;
    if carried == Carried::Waiting {
        card.next = Some((window, schedule));
    } else {
        card.window = window;
        card.schedule = schedule.or(card.schedule);
    }
    state.cards.insert(card.card_id, card);
    Ok(Value::Null)
}

/// `POST /v3/identityCard/delete`.
pub(crate) fn delete(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let by = By::read(&call.fields, "deleteType")?;
    call.fields.int("cardId")?;
    authority(state, lock_id, call)?;
    let card = named(state, call, lock_id)?;
    let deed = Deed::DeleteCard { number: number_at_lock(&card.number)? };
    match carry(state, call, lock_id, by, (deed, About::Card(card.card_id))) {
        Ok(Carried::Waiting) => {}
        // What the lock does not hold is deleted from the books all the same.
        Ok(Carried::Done | Carried::OnPaper) | Err(Errcode::CARD_UNKNOWN) => {
            state.cards.remove(&card.card_id);
        }
        Err(code) => return Err(code),
    }
    Ok(Value::Null)
}

/// `POST /v3/identityCard/deleteByCardNumber`: puts the number on the lock's black list, known or not.
pub(crate) fn delete_by_number(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let number = call.fields.text("cardNumber")?.to_owned();
    let at_lock = number_at_lock(&number)?;
    let by = By::read(&call.fields, "deleteType")?;
    authority(state, lock_id, call)?;
    state.lock_with(lock_id, Feature::Card)?;
    let listed = state.cards.values().find(|card| card.lock_id == lock_id && card.number == number);
    let card_id = listed.map_or(0, |card| card.card_id);
    let deed = Deed::BlackList { number: at_lock };
    let carried = carry(state, call, lock_id, by, (deed, About::Card(card_id)))?;
    if carried != Carried::Waiting {
        state.cards.remove(&card_id);
    }
    Ok(Value::Null)
}

/// `GET|POST /v3/identityCard/list`.
pub(crate) fn list(state: &mut State, call: &Call) -> Answer {
    let lock_id = call.fields.int("lockId")?;
    let page = Page::read(&call.fields, PAGE_SIZE_MAX)?;
    let wanted = call.fields.optional("searchStr");
    authority(state, lock_id, call)?;
    let found: Vec<Card> = state
        .cards
        .values()
        .filter(|card| card.lock_id == lock_id && fuzzy(&card.name, wanted))
        .cloned()
        .collect();
    let cut = page.cut(found, |card| (card.name.clone(), card.card_id));
    Ok(cut.answer(|card| item(state, &card)))
}

fn item(state: &mut State, card: &Card) -> Value {
    let mut item = json!({
        "cardId": state.shapes.id(card.card_id),
        "lockId": state.shapes.id(card.lock_id),
        "cardNumber": card.number,
        "cardName": card.name,
        "cardType": if card.schedule.is_some() { 4 } else { 1 },
        "startDate": card.window.start_ms,
        "endDate": card.window.end_ms,
        "createDate": card.created_ms,
        "senderUsername": state.username_of(card.sender),
    });
    if let (Some(schedule), Some(fields)) = (&card.schedule, item.as_object_mut()) {
        fields.insert("cyclicConfig".into(), schedule.entries());
    }
    item
}

#[cfg(test)]
mod tests {
    use super::{number_at_lock, reversed};

    #[test]
    fn numbers_travel_as_the_vendor_cuts_them() {
        for (text, number) in [
            ("7", Ok(7)),
            ("4294967295", Ok(4_294_967_295)),
            ("4294967296", Ok(0)),
            ("42949672960", Ok(42_949_672_960)),
            ("", Err(-3)),
            ("12ab", Err(-3)),
            ("99999999999999999999", Err(-3)),
        ] {
            assert_eq!(number_at_lock(text).map_err(|code| code.0), number, "{text}");
        }
    }

    #[test]
    fn the_vendors_example_is_reversed() {
        assert_eq!(reversed("3661413478").ok().as_deref(), Some("1723612378"));
        assert!(reversed("4294967296").is_err());
    }
}
