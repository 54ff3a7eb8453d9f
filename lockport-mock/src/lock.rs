//! One lock, as far as it differs from every other: its battery, its line to the vendor, its clock.

use chrono::TimeDelta;
use lockport::Timestamp;
use lockport::credential::{Warning, WarningCode};
use lockport::device::{Battery, DEFAULT_LOW_BATTERY_PERCENT};

/// The charge of a lock of which nothing else was said.
const BATTERY_PERCENT: u8 = 90;
/// How far a clock may be off before somebody is told.
const TOLERATED_SKEW: TimeDelta = TimeDelta::minutes(5);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    pub(crate) battery_percent: u8,
    pub(crate) is_online: bool,
    /// How far its clock is ahead of the true time.
    pub(crate) ahead: TimeDelta,
    /// Absent where it does not say.
    pub(crate) firmware: Option<[u16; 3]>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { battery_percent: BATTERY_PERCENT, is_online: true, ahead: TimeDelta::zero(), firmware: None }
    }
}

impl Lock {
    pub(crate) const fn battery(&self) -> Battery {
        Battery { percent: self.battery_percent, low_threshold_percent: DEFAULT_LOW_BATTERY_PERCENT }
    }

    /// Its firmware as people write it.
    pub(crate) fn firmware(&self) -> Option<String> {
        self.firmware.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}"))
    }

    /// What its clock shows at this true time.
    pub(crate) fn clock(&self, at: Timestamp) -> Timestamp {
        at.checked_add_signed(self.ahead).unwrap_or(at)
    }

    /// What a person should know of it.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let warning =
            |is_due: bool, code, detail: &str| is_due.then(|| Warning { code, detail: detail.to_owned() });
        let is_low = self.battery_percent <= DEFAULT_LOW_BATTERY_PERCENT;
        let warnings = [
            warning(is_low, WarningCode::BatteryLow, "the battery is low"),
            warning(!self.is_online, WarningCode::DeviceOffline, "the lock does not answer"),
            warning(self.ahead.abs() > TOLERATED_SKEW, WarningCode::ClockSkew, "the lock's clock is off"),
        ];
        warnings.into_iter().flatten().collect()
    }
}
