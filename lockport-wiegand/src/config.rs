//! What a property tells the driver: no secret is in it.

use std::collections::{BTreeMap, BTreeSet};

use lockport::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use serde::{Deserialize, Serialize};

use crate::bus::{EncoderModel, UsbIdentity};
use crate::card::place::Sector;
use crate::card::slots::Slots;
use crate::codec::record::Areas;

/// One property's cards, encoders and doors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WiegandConfig {
    /// Whose hotel.
    pub tenant: TenantId,
    /// Which hotel.
    pub property: PropertyId,
    /// The encoders of its desks, by the hotel's own ids, as the pairing found them.
    pub encoders: BTreeMap<LockDeviceId, WiegandEncoder>,
    /// Its doors that read cards, by the hotel's own ids.
    pub doors: BTreeMap<LockDeviceId, WiegandDoor>,
    /// The sectors of a MIFARE Classic in which its records stand.
    #[serde(default = "default_sectors")]
    pub sectors: [u8; 2],
    /// Which of a sector's two keys the encoder opens it with, while the card has none of its own.
    #[serde(default)]
    pub sector_key: SharedKey,
    /// Whether keys may stand on NFC tags too, where an encoder writes them: the desk then has to have both in its drawer.
    #[serde(default)]
    pub tags: bool,
    /// Whether each card is given sector keys of its own when it is first written.
    #[serde(default)]
    pub personalise: bool,
}

const fn default_sectors() -> [u8; 2] {
    [2, 3]
}

/// Which of a sector's two keys all cards of a property share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedKey {
    /// Key A, as on cards that are delivered.
    #[default]
    A,
    /// Key B, on cards that were formatted so that only it writes.
    B,
}

/// One encoder, as it was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WiegandEncoder {
    /// What it speaks.
    pub model: EncoderModel,
    /// Its place among the property's desks: no two have the same, so that no two cards have the same serial.
    pub desk_slot: u8,
    /// The port at which it was paired; it is looked for there where USB does not tell it from others.
    pub port: String,
    /// What USB said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usb: Option<UsbIdentity>,
    /// What it said of its firmware.
    pub firmware: String,
    /// The speed of its serial line, where it is not the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baud: Option<u32>,
}

/// One door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WiegandDoor {
    /// What its lock calls itself.
    pub place: DoorPlace,
    /// What people call it.
    pub label: String,
    /// The rooms behind it.
    pub rooms: Vec<RoomId>,
}

/// What a lock calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorPlace {
    /// The door of a room, by its number in records. Two doors of one suite may share a number.
    Number(u16),
    /// The door of one of the five areas that records know.
    Area(RecordArea),
}

/// The areas that records know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordArea {
    /// The lobby.
    Lobby,
    /// The gym.
    Gym,
    /// The pool.
    Pool,
    /// The spa.
    Spa,
    /// The car park.
    Parking,
}

impl RecordArea {
    pub(crate) const fn bit(self) -> Areas {
        match self {
            Self::Lobby => Areas::LOBBY,
            Self::Gym => Areas::GYM,
            Self::Pool => Areas::POOL,
            Self::Spa => Areas::SPA,
            Self::Parking => Areas::PARKING,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody can write a card.
    #[error("there is no encoder")]
    NoEncoders,
    /// Two desks whose cards could have one serial.
    #[error("encoder {device} has the desk slot of another")]
    SlotTwice {
        /// The encoder.
        device: LockDeviceId,
    },
    /// Nobody can open a door.
    #[error("there is no door")]
    NoDoors,
    /// Two rooms that one record could not tell apart.
    #[error("door {device} has the number of another room's door")]
    NumberTwice {
        /// The door.
        device: LockDeviceId,
    },
    /// Sector 0 is the manufacturer's, and there are sixteen.
    #[error("records stand in two different sectors of 1 to 15")]
    Sectors,
    /// Cards whose keys B are set already are not given others: a sector is changed by its key A once.
    #[error("cards get keys of their own only where they are delivered with key A")]
    Personalise,
    /// A panel's format has no room for it, or has no such field.
    #[error("the format has no such facility code")]
    FacilityCode,
    /// A card would not be done in the time of a job.
    #[error("encoder {device} is too slow to give cards keys of their own")]
    TooSlow {
        /// The encoder.
        device: LockDeviceId,
    },
}

impl WiegandConfig {
    /// Looks for mistakes.
    ///
    /// # Errors
    /// The first that is found.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.slots()?;
        if self.encoders.is_empty() {
            return Err(ConfigError::NoEncoders);
        }
        if self.doors.is_empty() {
            return Err(ConfigError::NoDoors);
        }
        if self.personalise && self.sector_key == SharedKey::B {
            return Err(ConfigError::Personalise);
        }
        if let Some((device, _)) =
            self.encoders.iter().find(|(_, own)| self.personalise && !own.model.writes_keys())
        {
            return Err(ConfigError::TooSlow { device: *device });
        }
        let mut slots = BTreeSet::new();
        for (device, encoder) in &self.encoders {
            if !slots.insert(encoder.desk_slot) {
                return Err(ConfigError::SlotTwice { device: *device });
            }
        }
        let mut rooms = BTreeMap::new();
        for (device, door) in &self.doors {
            let DoorPlace::Number(number) = door.place else { continue };
            if *rooms.entry(number).or_insert(&door.rooms) != &door.rooms {
                return Err(ConfigError::NumberTwice { device: *device });
            }
        }
        Ok(())
    }

    pub(crate) fn slots(&self) -> Result<Slots, ConfigError> {
        let [a, b] = self.sectors.map(Sector::new);
        match (a, b) {
            (Some(a), Some(b)) if a != b => Ok(Slots { a, b }),
            _ => Err(ConfigError::Sectors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> WiegandConfig {
        serde_json::from_str(
            r#"{
                "tenant": "tnt_01STPS8FNWQ9SP6SX84512QPKP", "property": "ppt_01STPS8FNWQ9SP6SX84512QPKP",
                "encoders": {"lck_01STPS8FNWQ9SP6SX84512QPKE":
                    {"model": "pn532-serial", "desk_slot": 0, "port": "/dev/ttyUSB0", "firmware": "1.6"}},
                "doors": {"lck_01STPS8FNWQ9SP6SX84512QPKP":
                    {"place": {"number": 204}, "label": "204", "rooms": ["rmu_01STPS8FNWQ9SP6SX84512QPKP"]}}
            }"#,
        )
        .unwrap()
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        assert_eq!(config().check(), Ok(()));
        let device: LockDeviceId = "lck_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
        let with_door = |place, rooms| {
            let mut config = config();
            config.doors.insert(device, WiegandDoor { place, label: "x".into(), rooms });
            config
        };
        let rooms = config().doors.values().next().unwrap().rooms.clone();
        let mut two_desks = config();
        let encoder = two_desks.encoders.values().next().unwrap().clone();
        two_desks.encoders.insert(device, encoder);
        assert_eq!(with_door(DoorPlace::Number(204), rooms).check(), Ok(()), "a suite's second door");
        let mut slow = WiegandConfig { personalise: true, ..config() };
        assert_eq!(slow.check(), Ok(()));
        let desk = *slow.encoders.keys().next().unwrap();
        slow.encoders.values_mut().for_each(|own| own.model = EncoderModel::Rrhfoem04);
        let cases = [
            (WiegandConfig { encoders: BTreeMap::new(), ..config() }, ConfigError::NoEncoders),
            (WiegandConfig { doors: BTreeMap::new(), ..config() }, ConfigError::NoDoors),
            (two_desks, ConfigError::SlotTwice { device }),
            (slow, ConfigError::TooSlow { device: desk }),
            (with_door(DoorPlace::Number(204), vec![]), ConfigError::NumberTwice { device }),
            (WiegandConfig { sectors: [0, 2], ..config() }, ConfigError::Sectors),
            (WiegandConfig { sectors: [2, 16], ..config() }, ConfigError::Sectors),
            (WiegandConfig { sectors: [2, 2], ..config() }, ConfigError::Sectors),
            (
                WiegandConfig { personalise: true, sector_key: SharedKey::B, ..config() },
                ConfigError::Personalise,
            ),
        ];
        for (config, want) in cases {
            assert_eq!(config.check(), Err(want));
        }
    }

    #[test]
    fn a_field_nobody_knows_is_refused() {
        let text = serde_json::to_string(&config()).unwrap().replacen('{', "{\"property_key\":\"x\",", 1);
        assert!(serde_json::from_str::<WiegandConfig>(&text).is_err());
    }
}
