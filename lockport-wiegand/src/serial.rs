//! The serials of a property's records: each higher than all before it, whichever desk writes (section 9.1).

use lockport::env::Env;
use lockport::store::slots::{SlotValue, Slots};
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret};

use crate::limits::SERIAL_TRIES;
use crate::map::serial_at;

/// Where the highest one is kept.
const SLOT: &str = "generic-wiegand/serial";
/// Where the highest number for a panel is kept.
const PANEL_SLOT: &str = "generic-wiegand/panel";

/// The one count of a property.
#[derive(Clone, Debug)]
pub(crate) struct Serials {
    slots: Slots,
    env: Env,
    slot: &'static str,
    /// Whether the count keeps up with the minutes.
    by_time: bool,
}

impl Serials {
    pub(crate) fn new(slots: Slots, env: Env) -> Self {
        Self { slots, env, slot: SLOT, by_time: true }
    }

    /// A count of its own that begins with 1: a panel's numbers are short.
    pub(crate) fn from_one(slots: Slots, env: Env) -> Self {
        Self { slots, env, slot: PANEL_SLOT, by_time: false }
    }

    /// The next serial, higher than any that was given or `seen` on a card; it is given to nobody else.
    pub(crate) async fn next(&self, desk_slot: u8, seen: u32) -> Result<u32, LockError> {
        let by_time = serial_at(self.env.now(), desk_slot).saturating_sub(1);
        let floor = if self.by_time { seen.max(by_time) } else { seen };
        let mut last = None;
        for _ in 0..SERIAL_TRIES {
            let mut next = 0;
            let count = |known: Option<Secret>| {
                // EXPOSE: a count.
                let known = known.and_then(|known| known.expose().parse().ok()).unwrap_or(0_u32);
                next = known.max(floor).checked_add(1).ok_or_else(used_up)?;
                Ok(SlotValue { value: Secret::new(next.to_string()), expires: None })
            };
            match self.slots.change(self.slot, count).await {
                Ok(()) => return Ok(next),
                // Another process took one at the same time.
                Err(error) if error.reason() == FailureReason::InProgress => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(used_up))
    }
}

fn used_up() -> LockError {
    let message = "the clock is set to a time for which cards have no serials";
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::Clock, RetryAdvice::Never, message)
}
