//! Devices and the doors of a property (R34, R36).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::capability::LockCapabilities;
use crate::credential::{VendorCode, Warning};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{LockDeviceId, PropertyId, RoomId};
use crate::scope::{Area, Floor, GuestScope};
use crate::validity::Timestamp;

/// The battery threshold of a device that names none, in percent (X6).
pub const DEFAULT_LOW_BATTERY_PERCENT: u8 = 15;

/// Above this a clock that is off is a warning, in milliseconds either way (R123).
pub const CLOCK_WARN_AT_MS: u32 = 300_000;

/// Above this it is an alert (R123).
pub const CLOCK_ALERT_AT_MS: u32 = 600_000;

/// How far a lock's clock is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStanding {
    /// Not so far that it matters.
    #[default]
    Right,
    /// More than [`CLOCK_WARN_AT_MS`].
    Off,
    /// More than [`CLOCK_ALERT_AT_MS`].
    FarOff,
}

impl ClockStanding {
    /// Of a clock that is so many milliseconds ahead, or behind when negative.
    #[must_use]
    pub const fn of(skew_ms: i64) -> Self {
        let off = skew_ms.unsigned_abs();
        if off > CLOCK_ALERT_AT_MS as u64 {
            Self::FarOff
        } else if off > CLOCK_WARN_AT_MS as u64 {
            Self::Off
        } else {
            Self::Right
        }
    }
}

/// A battery's charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Battery {
    /// 0 to 100.
    pub percent: u8,
    /// At or below this it is low.
    pub low_threshold_percent: u8,
}

impl Battery {
    /// Whether it is low, by the device's own threshold (X6).
    #[must_use]
    pub const fn is_low(&self) -> bool {
        self.percent <= self.low_threshold_percent
    }
}

/// A lock as the hotel's console shows it (R34).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockDevice {
    /// Which.
    pub device_id: LockDeviceId,
    /// Where.
    pub property_id: PropertyId,
    /// Whose.
    pub vendor: VendorCode,
    /// What people call it: `Room 204 main door`.
    pub label: String,
    /// The rooms behind it; often one.
    pub rooms: Vec<RoomId>,
    /// Whether it can be reached now.
    pub online: bool,
    /// Its battery, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    /// Its firmware, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// When it was last heard of, if ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
    /// What this one door can.
    pub capabilities: LockCapabilities,
}

/// Whether a firmware is older than another, by their numbers from the left: `6.4.9` is older than `6.4.31`. `None` where one of them
/// has no number.
#[must_use]
pub fn is_older_firmware(this: &str, than: &str) -> Option<bool> {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
    };
    let (this, than) = (numbers(this), numbers(than));
    let both_say = !this.is_empty() && !than.is_empty();
    both_say.then(|| this < than)
}

/// How a device is (R36).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceHealth {
    /// Which.
    pub device_id: LockDeviceId,
    /// Whether it can be reached now.
    pub online: bool,
    /// Its battery, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    /// Its clock minus ours, in milliseconds, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// When it last synced, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_at: Option<Timestamp>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

impl DeviceHealth {
    /// How far its clock is off, as far as it says.
    #[must_use]
    pub fn clock(&self) -> ClockStanding {
        self.clock_skew_ms.map_or(ClockStanding::Right, ClockStanding::of)
    }

    /// Whether its battery and its clock are as they should be, and its vendor warns of nothing.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let has_power = !self.battery.is_some_and(|battery| battery.is_low());
        has_power && self.clock() == ClockStanding::Right && self.warnings.is_empty()
    }
}

/// Which doors a room and an area have: the part of a property that one adapter serves.
///
/// ```
/// use lockport::device::DoorMap;
/// let room = "rmu_01STPS8FNWQ9SP6SX84512QPKP".parse()?;
/// let door = "lck_01STPS8FNWQ9SP6SX84512QPKP".parse()?;
/// let map = DoorMap::default().with_room(room, Some("3".parse()?), vec![door]);
/// assert_eq!(map.resolve(&[room], &Default::default())?, [door]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoorMap {
    rooms: BTreeMap<RoomId, (Option<Floor>, Vec<LockDeviceId>)>,
    areas: BTreeMap<Area, Vec<LockDeviceId>>,
}

impl DoorMap {
    /// With a room behind these doors.
    #[must_use]
    pub fn with_room(mut self, room: RoomId, floor: Option<Floor>, doors: Vec<LockDeviceId>) -> Self {
        self.rooms.insert(room, (floor, doors));
        self
    }

    /// With an area behind these doors.
    #[must_use]
    pub fn with_area(mut self, area: Area, doors: Vec<LockDeviceId>) -> Self {
        self.areas.insert(area, doors);
        self
    }

    /// The rooms, in the order of their ids.
    pub fn rooms(&self) -> impl Iterator<Item = RoomId> + '_ {
        self.rooms.keys().copied()
    }

    /// The rooms on a floor, in the order of their ids.
    pub fn rooms_on<'a>(&'a self, floor: &'a Floor) -> impl Iterator<Item = RoomId> + 'a {
        let is_there = move |of: &Option<Floor>| of.as_ref() == Some(floor);
        self.rooms.iter().filter(move |(_, (of, _))| is_there(of)).map(|(room, _)| *room)
    }

    /// The areas, in the order of their names.
    pub fn areas(&self) -> impl Iterator<Item = &Area> + '_ {
        self.areas.keys()
    }

    /// Whether the room is here.
    #[must_use]
    pub fn has_room(&self, room: RoomId) -> bool {
        self.rooms.contains_key(&room)
    }

    /// Whether the area is here.
    #[must_use]
    pub fn has_area(&self, area: &Area) -> bool {
        self.areas.contains_key(area)
    }

    /// Whether the device is one of the doors.
    #[must_use]
    pub fn has_door(&self, device: LockDeviceId) -> bool {
        self.doors().contains(&device)
    }

    /// Every door, once.
    #[must_use]
    pub fn doors(&self) -> BTreeSet<LockDeviceId> {
        self.rooms
            .values()
            .flat_map(|(_, doors)| doors)
            .chain(self.areas.values().flatten())
            .copied()
            .collect()
    }

    /// The rooms behind a door.
    #[must_use]
    pub fn rooms_behind(&self, device: LockDeviceId) -> Vec<RoomId> {
        self.rooms.iter().filter(|(_, (_, doors))| doors.contains(&device)).map(|(room, _)| *room).collect()
    }

    /// The doors of these rooms and these areas, each once, in the order of their ids. A guest's floors are no doors: they name
    /// what a lock system knows as a floor, never the other rooms on it.
    ///
    /// # Errors
    /// `INVALID_INPUT` with `unknown_place` when a room or an area is not here.
    pub fn resolve(&self, rooms: &[RoomId], scope: &GuestScope) -> Result<Vec<LockDeviceId>, LockError> {
        let unknown = |what: &str| {
            let message = format!("the property has no such {what}");
            LockError::new(ErrorCode::InvalidInput, FailureReason::UnknownPlace, RetryAdvice::Never, message)
        };
        let mut doors = BTreeSet::new();
        for room in rooms {
            doors.extend(&self.rooms.get(room).ok_or_else(|| unknown("room"))?.1);
        }
        for area in &scope.areas {
            doors.extend(self.areas.get(area).ok_or_else(|| unknown("area"))?);
        }
        Ok(doors.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R123, X6: by our thresholds, whatever the vendor warns of; a lock that says nothing of itself is taken to be well.
    #[test]
    fn a_lock_is_well_by_our_thresholds() {
        let well = DeviceHealth {
            device_id: LockDeviceId::derived("t", &[b"d"]),
            online: true,
            battery: Some(Battery { percent: 26, low_threshold_percent: 25 }),
            clock_skew_ms: Some(-300_000),
            last_sync_at: None,
            warnings: Vec::new(),
        };
        let silent = DeviceHealth { battery: None, clock_skew_ms: None, online: false, ..well.clone() };
        assert!(well.is_well() && silent.is_well());
        let flat = Some(Battery { percent: 25, low_threshold_percent: 25 });
        assert!(!DeviceHealth { battery: flat, ..well.clone() }.is_well());
        assert!(!DeviceHealth { clock_skew_ms: Some(-300_001), ..well.clone() }.is_well());
        assert_eq!(ClockStanding::of(i64::MIN), ClockStanding::FarOff);
        assert_eq!(ClockStanding::of(600_000), ClockStanding::Off);
    }
}
