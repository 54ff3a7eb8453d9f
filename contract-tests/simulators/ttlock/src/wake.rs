//! A lock that wakes and hears what waited for it (VENDOR: section 5, types 3 and 4; section 9, type 4).

use crate::callback;
use crate::device::Deed;
use crate::passcode::{self, Status};
use crate::reach::{About, Deferred};
use crate::record;
use crate::state::State;

/// Delivers everything that waits for a lock and collects its log.
pub(crate) fn wake(state: &mut State, lock_id: i64, now_ms: i64) {
    let Some(lock) = state.locks.get_mut(&lock_id) else { return };
    if lock.is_silent() || !lock.is_paired {
        return;
    }
    for Deferred { deed, about, uid } in std::mem::take(&mut lock.deferred) {
        let Some(lock) = state.locks.get_mut(&lock_id) else { return };
        let outcome = lock.device.perform(deed.clone());
        match about {
            About::Passcode(passcode_id) => settle_passcode(state, passcode_id, &deed, outcome.is_ok()),
            About::Card(card_id) => settle_card(state, card_id, &deed, outcome.is_ok()),
        }
        if let Err(code) = outcome {
            callback::request_failed(state, lock_id, uid, about, code, now_ms);
        }
    }
    record::take_news(state, lock_id, now_ms);
}

fn settle_passcode(state: &mut State, passcode_id: i64, deed: &Deed, done: bool) {
    let Some(known) = state.passcodes.get_mut(&passcode_id) else { return };
    let next = known.next.take();
    known.status = match (deed, done) {
        (Deed::DeleteCode { .. }, true) => {
            let gone = known.clone();
            return passcode::strike_out(state, &gone);
        }
        (_, true) => Status::Settled,
        (Deed::DeleteCode { .. }, false) => Status::DeleteFailed,
        (Deed::ChangeCode { .. }, false) => Status::ModifyFailed,
        (_, false) => Status::AddFailed,
    };
    if let (true, Some((digits, window))) = (done, next) {
        known.digits = digits;
        known.window = window;
    }
}

fn settle_card(state: &mut State, card_id: i64, deed: &Deed, done: bool) {
    if done && matches!(deed, Deed::DeleteCard { .. } | Deed::BlackList { .. }) {
        state.cards.remove(&card_id);
        return;
    }
    let Some(card) = state.cards.get_mut(&card_id) else { return };
    if let (true, Some((window, schedule))) = (done, card.next.take()) {
        card.window = window;
        card.schedule = schedule.or(card.schedule.take());
    }
}
