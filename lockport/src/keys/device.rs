//! What is known of a lock, and which of its changes are told: one event for a change, not one for each look.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::device::{Battery, CLOCK_ALERT_AT_MS, CLOCK_WARN_AT_MS, ClockStanding, is_older_firmware};
use crate::id::LockDeviceId;
use crate::store::{Record, Table};
use crate::validity::Timestamp;

/// How far above its threshold a battery that was low has to be to count as charged: a new one is, and one that warms up is not.
const CHARGED_ABOVE: u8 = 5;

/// A clock that was off counts as better once it is below this part of the threshold, in percent.
const BETTER_BELOW_PERCENT: u32 = 90;

/// How far a clock has to move for that to be written down, in milliseconds.
const MOVED_BY_MS: u64 = 60_000;

/// Denials that are counted together lie no further apart than this.
pub(super) const DENIALS_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// So many denials within that time are odd (R108).
pub const DENIALS: usize = 5;

/// A lock as it was last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DeviceRecord {
    adapter: String,
    device: LockDeviceId,
    /// When it was first seen; absent as long as it was only heard of.
    pub(super) registered_at: Option<Timestamp>,
    /// Absent as long as it never had a line: a lock for cards has none and is not missed.
    pub(super) online: Option<bool>,
    pub(super) battery_low: bool,
    #[serde(default)]
    firmware_old: bool,
    pub(super) clock: ClockStanding,
    /// How far its clock is off, roughly; absent when it is right.
    pub(super) skew_ms: Option<i64>,
    /// The latest denials, by the true time.
    pub(super) denials: Vec<Timestamp>,
    /// The last of those that were told as odd.
    denials_told: Option<Timestamp>,
}

/// A lock's firmware, and the least that its hotel wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Firmware<'a> {
    pub(super) is: &'a str,
    pub(super) at_least: &'a str,
}

/// What was seen of a lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) online: bool,
    pub(super) battery: Option<Battery>,
    pub(super) skew_ms: Option<i64>,
    pub(super) last_seen_at: Option<Timestamp>,
    /// Absent where it does not say or nobody asks for any.
    pub(super) firmware: Option<Firmware<'a>>,
}

/// What of it is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceChange {
    Offline,
    Online,
    BatteryLow(Battery),
    BatteryCharged(Battery),
    FirmwareOld,
    FirmwareRenewed,
    /// With its skew in milliseconds.
    Clock(ClockStanding, i64),
}

impl DeviceRecord {
    pub(super) fn new(adapter: &str, device: LockDeviceId) -> Self {
        Self {
            adapter: adapter.to_owned(),
            device,
            registered_at: None,
            online: None,
            battery_low: false,
            firmware_old: false,
            clock: ClockStanding::Right,
            skew_ms: None,
            denials: Vec::new(),
            denials_told: None,
        }
    }

    pub(super) fn id_of(adapter: &str, device: LockDeviceId) -> String {
        format!("{adapter}/{device}")
    }

    /// Takes in what was seen.
    pub(super) fn see(&mut self, facts: &Facts<'_>) -> Vec<DeviceChange> {
        let mut changes = Vec::new();
        match (self.online, facts.online) {
            (Some(true), false) => changes.push(DeviceChange::Offline),
            // Never seen online here, but its vendor has heard of it.
            (None, false) if facts.last_seen_at.is_some() => changes.push(DeviceChange::Offline),
            (Some(false), true) => changes.push(DeviceChange::Online),
            _ => {}
        }
        if self.online.is_some() || facts.online || !changes.is_empty() {
            self.online = Some(facts.online);
        }
        if let Some(battery) = facts.battery {
            let charged_at = battery.low_threshold_percent.saturating_add(CHARGED_ABOVE).min(100);
            let is_low = battery.is_low() || (self.battery_low && battery.percent < charged_at);
            match (self.battery_low, is_low) {
                (false, true) => changes.push(DeviceChange::BatteryLow(battery)),
                (true, false) => changes.push(DeviceChange::BatteryCharged(battery)),
                _ => {}
            }
            self.battery_low = is_low;
        }
        let is_old = facts.firmware.and_then(|firmware| is_older_firmware(firmware.is, firmware.at_least));
        if let Some(is_old) = is_old.filter(|is_old| *is_old != self.firmware_old) {
            changes.push(if is_old { DeviceChange::FirmwareOld } else { DeviceChange::FirmwareRenewed });
            self.firmware_old = is_old;
        }
        if let Some(skew) = facts.skew_ms {
            let standing = self.clock_now(skew);
            if standing != self.clock {
                changes.push(DeviceChange::Clock(standing, skew));
            }
            self.clock = standing;
            let was = self.skew_ms.unwrap_or_default();
            self.skew_ms = match standing {
                ClockStanding::Right => None,
                _ if skew.abs_diff(was) > MOVED_BY_MS => Some(skew),
                _ => self.skew_ms,
            };
        }
        changes
    }

    /// How far off its clock is; it stays what it was until it is clearly better.
    fn clock_now(&self, skew_ms: i64) -> ClockStanding {
        let off = skew_ms.unsigned_abs();
        let is_clearly_below =
            |limit: u32| off < u64::from(limit).saturating_mul(BETTER_BELOW_PERCENT.into()) / 100;
        let better = match self.clock {
            ClockStanding::FarOff if !is_clearly_below(CLOCK_ALERT_AT_MS) => ClockStanding::FarOff,
            ClockStanding::FarOff | ClockStanding::Off if !is_clearly_below(CLOCK_WARN_AT_MS) => {
                ClockStanding::Off
            }
            _ => ClockStanding::Right,
        };
        better.max(ClockStanding::of(skew_ms))
    }

    /// What time it was when its clock showed this.
    pub(super) fn true_time(&self, shown: Timestamp) -> Timestamp {
        let skew = TimeDelta::milliseconds(self.skew_ms.unwrap_or_default());
        shown.checked_sub_signed(skew).unwrap_or(shown)
    }

    /// It did not open, once more. How many denials that are, where they have become odd.
    pub(super) fn deny(&mut self, at: Timestamp) -> Option<u32> {
        self.denials.push(at);
        let newest = self.denials.iter().copied().max().unwrap_or(at);
        let is_late = |then: Timestamp| newest.signed_duration_since(then) > DENIALS_WITHIN;
        self.denials.retain(|then| !is_late(*then));
        let told_lately = self.denials_told.is_some_and(|told| !is_late(told));
        if told_lately || self.denials.len() < DENIALS {
            return None;
        }
        self.denials_told = Some(newest);
        u32::try_from(self.denials.len()).ok()
    }
}

impl Record for DeviceRecord {
    const TABLE: Table = Table::Device;

    fn id(&self) -> String {
        Self::id_of(&self.adapter, self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> DeviceRecord {
        DeviceRecord::new("main", LockDeviceId::derived("t", &[b"d"]))
    }

    fn facts(online: bool) -> Facts<'static> {
        Facts { online, battery: None, skew_ms: None, last_seen_at: None, firmware: None }
    }

    /// R123: what is off by more than five minutes is a warning, by more than ten an alert; around an edge it is told once.
    #[test]
    fn a_clock_is_told_when_it_crosses_an_edge_and_not_around_it() {
        use ClockStanding::{FarOff, Off, Right};
        let looks = [
            (300_000, None),
            (300_001, Some(Off)),
            (299_000, None),
            (-301_000, None),
            (-600_001, Some(FarOff)),
            (600_000, None),
            (539_000, Some(Off)),
            (271_000, None),
            (269_000, Some(Right)),
            (700_000, Some(FarOff)),
            (0, Some(Right)),
        ];
        let mut record = record();
        for (skew, want) in looks {
            let told = record.see(&Facts { skew_ms: Some(skew), ..facts(true) });
            let told = told.into_iter().find_map(|change| match change {
                DeviceChange::Clock(standing, _) => Some(standing),
                _ => None,
            });
            assert_eq!(told, want, "{skew}");
        }
    }

    /// X6, R216: by the lock's own threshold, once, until it is charged.
    #[test]
    fn a_battery_is_low_once_until_it_is_charged() {
        let looks =
            [(26, 25, None), (25, 25, Some(true)), (26, 25, None), (29, 25, None), (30, 25, Some(false))];
        let mut record = record();
        for (percent, low_threshold_percent, want) in looks {
            let battery = Battery { percent, low_threshold_percent };
            let told = record.see(&Facts { battery: Some(battery), ..facts(true) });
            let told = told.into_iter().find_map(|change| match change {
                DeviceChange::BatteryLow(_) => Some(true),
                DeviceChange::BatteryCharged(_) => Some(false),
                _ => None,
            });
            assert_eq!(told, want, "{percent}");
        }
    }

    /// R215: a firmware is old once, until it is renewed; one that names no number is never old.
    #[test]
    fn a_firmware_is_old_once_until_it_is_renewed() {
        use DeviceChange::{FirmwareOld, FirmwareRenewed};
        let looks = [
            ("6.4.9", Some(FirmwareOld)),
            ("6.4.30", None),
            ("new", None),
            ("6.4.31", Some(FirmwareRenewed)),
            ("6.5", None),
            ("6", Some(FirmwareOld)),
            ("6.4.31.1", Some(FirmwareRenewed)),
        ];
        let mut record = record();
        for (is, want) in looks {
            let firmware = Some(Firmware { is, at_least: "6.4.31" });
            let told = record.see(&Facts { firmware, ..facts(true) });
            assert_eq!(told.first().copied(), want, "{is}");
        }
    }

    /// R217: a lock without a line is not missed; one that its vendor has heard of is.
    #[test]
    fn only_who_had_a_line_can_lose_it() {
        let mut never = record();
        assert_eq!(never.see(&facts(false)), []);
        assert_eq!(never.see(&facts(true)), []);
        assert_eq!(never.see(&facts(false)), [DeviceChange::Offline]);
        assert_eq!(never.see(&facts(false)), []);
        assert_eq!(never.see(&facts(true)), [DeviceChange::Online]);
        let known = Facts { last_seen_at: Some(Timestamp::default()), ..facts(false) };
        let mut lost = record();
        assert_eq!(lost.see(&known), [DeviceChange::Offline]);
        assert_eq!(lost.see(&known), []);
    }

    /// R108: five within five minutes, told once a burst.
    #[test]
    fn denials_are_odd_when_they_come_close_together() {
        let at = |seconds| Timestamp::default() + TimeDelta::seconds(seconds);
        let mut slow = record();
        assert!((0..20).all(|nth| slow.deny(at(nth * 76)).is_none()));
        let mut fast = record();
        let told: Vec<_> = (0..12).filter_map(|nth| fast.deny(at(nth * 10))).collect();
        assert_eq!(told, [5]);
        assert_eq!(fast.deny(at(1_000)), None);
    }
}
