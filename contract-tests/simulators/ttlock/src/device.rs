//! The lock as it hangs in its door: its own clock, battery, bolt, memory and log.

use crate::digits::Digits;
use crate::errcode::Errcode;
use crate::limits::BATTERY_DEFAULT;
use crate::logbook::Logbook;
use crate::memory::{Memory, StoredCard};
use crate::schedule::Schedule;
use crate::window::Window;

/// What a lock can be told to do, by whichever way the order reaches it. Windows are on the lock's wall.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    AddCode {
        digits: Digits,
        window: Window,
    },
    ChangeCode {
        digits: Digits,
        new: Option<Digits>,
        window: Option<Window>,
    },
    DeleteCode {
        digits: Digits,
    },
    AddCard {
        number: u64,
        card: StoredCard,
    },
    MoveCard {
        number: u64,
        window: Window,
        schedule: Option<Schedule>,
    },
    DeleteCard {
        number: u64,
    },
    BlackList {
        number: u64,
    },
    Freeze(bool),
    /// Sets the clock this far ahead of true UTC.
    SetClock {
        ahead_ms: i64,
    },
    /// Opens the bolt until this instant of true time.
    Unlock {
        until_ms: i64,
    },
    Lock,
}

/// One lock.
#[derive(Debug)]
pub(crate) struct Device {
    /// What the lock's wall shows minus true UTC: its time zone and its error in one.
    pub(crate) clock_ahead_ms: i64,
    pub(crate) battery: u8,
    pub(crate) is_frozen: bool,
    /// Until when the bolt stands open, by true time.
    pub(crate) open_until_ms: i64,
    pub(crate) memory: Memory,
    pub(crate) logbook: Logbook,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self {
            clock_ahead_ms: 0,
            battery: BATTERY_DEFAULT,
            is_frozen: false,
            open_until_ms: 0,
            memory: Memory::default(),
            logbook: Logbook::default(),
        }
    }

    /// What the lock's wall shows at a true time.
    pub(crate) fn wall_ms(&self, at_ms: i64) -> i64 {
        at_ms.saturating_add(self.clock_ahead_ms)
    }

    /// Does what it is told, or says why not.
    ///
    /// VENDOR: section 10.1, -2025, and 10.2, 1c: a frozen lock takes no order but to thaw and to set its clock.
    pub(crate) fn perform(&mut self, deed: Deed) -> Result<(), Errcode> {
        let allowed_frozen = matches!(deed, Deed::Freeze(_) | Deed::SetClock { .. });
        if self.is_frozen && !allowed_frozen {
            return Err(Errcode::LOCK_FROZEN);
        }
        match deed {
            Deed::AddCode { digits, window } => self.memory.add_code(digits, window),
            Deed::ChangeCode { digits, new, window } => {
                self.memory.change_code(&digits, new.as_ref(), window)
            }
            Deed::DeleteCode { digits } => self.memory.delete_code(&digits),
            Deed::AddCard { number, card } => self.memory.add_card(number, card),
            Deed::MoveCard { number, window, schedule } => self.memory.move_card(number, window, schedule),
            Deed::DeleteCard { number } => self.memory.delete_card(number),
            Deed::BlackList { number } => {
                self.memory.black_list(number);
                Ok(())
            }
            Deed::Freeze(frozen) => {
                self.is_frozen = frozen;
                Ok(())
            }
            Deed::SetClock { ahead_ms } => {
                self.clock_ahead_ms = ahead_ms;
                Ok(())
            }
            Deed::Unlock { until_ms } => {
                self.open_until_ms = until_ms;
                Ok(())
            }
            Deed::Lock => {
                self.open_until_ms = 0;
                Ok(())
            }
        }
    }
}
