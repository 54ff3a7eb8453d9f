//! `hotel.json`: what a hotel has, and whose locks are in its doors.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;
use lockport::credential::{KeyCredentialKind, VendorCode};
use lockport::device::DoorMap;
use lockport::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use lockport::property::KindPolicy;
use lockport::scope::{Area, Floor};
use lockport::store::Partition;
use lockport_wiegand::EncoderModel;
use serde::Deserialize;

/// The lock systems a hotel may name (R29).
const VENDORS: [VendorCode; 5] = [
    VendorCode::TTLOCK,
    VendorCode::SALTO,
    VendorCode::ASSA_ABLOY,
    VendorCode::GENERIC_WIEGAND,
    VendorCode::MOCK,
];

/// The longest name of a door, in characters.
const MAX_DOOR_NAME: usize = 64;

/// A hotel whose rooms, areas, doors and vendors fit together.
#[derive(Clone, Debug)]
pub struct Hotel {
    /// Whose hotel.
    pub tenant: TenantId,
    /// Which hotel.
    pub property: PropertyId,
    /// Its time zone.
    pub zone: Tz,
    /// How it hands out keys.
    pub policy: KindPolicy,
    /// Its lock systems, by the names the file gives them.
    pub vendors: BTreeMap<String, Vendor>,
    /// Its rooms, in the order of the file.
    pub rooms: Vec<Room>,
    /// Its shared areas, in the order of the file.
    pub areas: Vec<SharedArea>,
}

/// A lock system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// Whose.
    pub code: VendorCode,
    /// Where it is, if the file says so; read by whoever starts it.
    pub url: Option<String>,
    /// Which encoder is on its desk, if the file says so.
    pub profile: Option<EncoderModel>,
}

/// A room and its door.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// The room.
    #[serde(rename = "roomId")]
    pub id: RoomId,
    /// What is written on its door.
    pub door: String,
    /// Where it is.
    pub floor: Option<Floor>,
    /// Whose lock is in the door.
    pub vendor: String,
}

/// A shared area and its door.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedArea {
    /// The area.
    #[serde(rename = "area")]
    pub name: Area,
    /// What is written on its door.
    pub door: String,
    /// Whose lock is in the door.
    pub vendor: String,
}

/// Why a file is no hotel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HotelError {
    /// No JSON, a member that is missing, or one that cannot be read.
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
    /// A time zone nobody knows.
    #[error("there is no time zone {0:?}")]
    Zone(String),
    /// A vendor code nobody knows.
    #[error("vendor {name:?} is of no known lock system: {code:?}")]
    UnknownVendor {
        /// The name the file gives it.
        name: String,
        /// What stands there for a code.
        code: String,
    },
    /// A room or an area whose vendor is not defined.
    #[error("{place} names a vendor that is not defined: {vendor:?}")]
    NoVendor {
        /// The room or the area.
        place: String,
        /// The name that leads nowhere.
        vendor: String,
    },
    /// A room, an area or a door that stands there twice.
    #[error("{0} is named twice")]
    NamedTwice(String),
    /// A door without a name that can be printed.
    #[error("{0} has a door without a name, or with one that cannot be printed")]
    DoorName(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    tenant_id: TenantId,
    property_id: PropertyId,
    timezone: String,
    policy: FilePolicy,
    vendors: BTreeMap<String, FileVendor>,
    rooms: Vec<Room>,
    #[serde(default)]
    areas: Vec<SharedArea>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FilePolicy {
    no_show_suspend_after_hours: u16,
    preferred_kinds: Vec<KeyCredentialKind>,
}

#[derive(Deserialize)]
struct FileVendor {
    vendor: String,
    url: Option<String>,
    profile: Option<EncoderModel>,
}

impl Hotel {
    /// Reads and checks a hotel. A byte-order mark at the beginning is skipped.
    ///
    /// # Errors
    /// [`HotelError`]: what is wrong, in one line.
    pub fn read(text: &[u8]) -> Result<Self, HotelError> {
        let file: File = serde_json::from_slice(text.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(text))?;
        let zone = file.timezone.parse().map_err(|_| HotelError::Zone(file.timezone))?;
        let vendors = file.vendors.into_iter().map(known_vendor).collect::<Result<_, _>>()?;
        let hotel = Self {
            tenant: file.tenant_id,
            property: file.property_id,
            zone,
            policy: KindPolicy {
                no_show_suspend_after: TimeDelta::hours(file.policy.no_show_suspend_after_hours.into()),
                preferred_kinds: file.policy.preferred_kinds,
            },
            vendors,
            rooms: file.rooms,
            areas: file.areas,
        };
        hotel.check()?;
        Ok(hotel)
    }

    fn check(&self) -> Result<(), HotelError> {
        let mut rooms = BTreeSet::new();
        let mut areas = BTreeSet::new();
        for room in &self.rooms {
            if !rooms.insert(room.id) {
                return Err(HotelError::NamedTwice(format!("room {}", room.id)));
            }
        }
        for area in &self.areas {
            if !areas.insert(&area.name) {
                return Err(HotelError::NamedTwice(format!("area '{}'", area.name)));
            }
        }
        let mut doors = BTreeSet::new();
        for (place, door, vendor) in self.places() {
            let length = door.chars().count();
            if length == 0 || length > MAX_DOOR_NAME || door.chars().any(char::is_control) {
                return Err(HotelError::DoorName(place));
            }
            if !doors.insert(door) {
                return Err(HotelError::NamedTwice(format!("door {door:?}")));
            }
            if !self.vendors.contains_key(vendor) {
                return Err(HotelError::NoVendor { place, vendor: vendor.to_owned() });
            }
        }
        Ok(())
    }

    /// Every room and area as people call it, with its door and the name of its vendor.
    fn places(&self) -> impl Iterator<Item = (String, &str, &str)> {
        let rooms = self.rooms.iter().map(|room| (format!("room {}", room.id), &*room.door, &*room.vendor));
        let areas =
            self.areas.iter().map(|area| (format!("area '{}'", area.name), &*area.door, &*area.vendor));
        rooms.chain(areas)
    }

    /// The doors with the names of their vendors, in the order of the file.
    pub fn doors(&self) -> impl Iterator<Item = (&str, &str)> {
        let rooms = self.rooms.iter().map(|room| (&*room.door, &*room.vendor));
        rooms.chain(self.areas.iter().map(|area| (&*area.door, &*area.vendor)))
    }

    /// Whose rows of a store are this hotel's.
    #[must_use]
    pub const fn partition(&self) -> Partition {
        Partition { tenant: self.tenant, property: self.property }
    }

    /// The id of the lock in a door: the same for the same door, so that a house can be left and entered again.
    #[must_use]
    pub fn lock(&self, door: &str) -> LockDeviceId {
        LockDeviceId::derived("front-desk/door/v1", &[&self.property.to_bytes(), door.as_bytes()])
    }

    /// The id of a vendor's encoder.
    #[must_use]
    pub fn encoder(&self, vendor: &str) -> LockDeviceId {
        LockDeviceId::derived("front-desk/encoder/v1", &[&self.property.to_bytes(), vendor.as_bytes()])
    }

    /// The rooms and areas of one vendor, with their locks.
    #[must_use]
    pub fn door_map(&self, vendor: &str) -> DoorMap {
        let rooms = self.rooms.iter().filter(|room| room.vendor == vendor);
        let map = rooms.fold(DoorMap::default(), |map, room| {
            map.with_room(room.id, room.floor.clone(), vec![self.lock(&room.door)])
        });
        let areas = self.areas.iter().filter(|area| area.vendor == vendor);
        areas.fold(map, |map, area| map.with_area(area.name.clone(), vec![self.lock(&area.door)]))
    }

    /// Whether there is such a door.
    #[must_use]
    pub fn has_door(&self, name: &str) -> bool {
        self.doors().any(|(door, _)| door == name)
    }

    /// The room of this id.
    #[must_use]
    pub fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.iter().find(|room| room.id == id)
    }

    /// Whether there is such an area.
    #[must_use]
    pub fn has_area(&self, name: &Area) -> bool {
        self.areas.iter().any(|area| area.name == *name)
    }
}

fn known_vendor((name, entry): (String, FileVendor)) -> Result<(String, Vendor), HotelError> {
    let FileVendor { vendor, url, profile } = entry;
    let code = VENDORS.into_iter().find(|code| code.as_str() == vendor);
    match code {
        Some(code) => Ok((name, Vendor { code, url, profile })),
        None => Err(HotelError::UnknownVendor { name, code: vendor }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        json!({
            "tenantId": "tnt_01YZGK9CWK5ZAZN2838DAW9XES", "propertyId": "ppt_0154TYT7PGYJ6S3XNWF8FMPJN8",
            "timezone": "Asia/Kabul",
            "policy": { "noShowSuspendAfterHours": 2, "preferredKinds": ["mobile_app", "pin_code"] },
            "vendors": { "main": { "vendor": "ttlock" }, "annex": { "vendor": "mock", "url": "mock://", "profile": null } },
            "rooms": [
                { "roomId": "rmu_011BMPD44NXNY8H8QM8Y8AABMV", "door": "101", "floor": "1", "vendor": "main" },
                { "roomId": "rmu_011FCTNTT04Z93NMZ130TYK5VN", "door": "102", "vendor": "annex" },
            ],
            "areas": [{ "area": "gym", "door": "GYM", "vendor": "main" }],
        })
    }

    fn read(value: &Value) -> Result<Hotel, HotelError> {
        Hotel::read(value.to_string().as_bytes())
    }

    #[test]
    fn a_hotel_is_read() {
        let hotel = read(&good()).unwrap();
        assert_eq!(hotel.zone, Tz::Asia__Kabul);
        assert_eq!(hotel.policy.no_show_suspend_after, TimeDelta::hours(2));
        assert_eq!(hotel.doors().collect::<Vec<_>>(), [("101", "main"), ("102", "annex"), ("GYM", "main")]);
        let annex = Vendor { code: VendorCode::MOCK, url: Some("mock://".to_owned()), profile: None };
        assert_eq!((&hotel.vendors["annex"], &hotel.vendors["main"].url), (&annex, &None));
        assert!(hotel.has_door("GYM") && !hotel.has_door("gym"));
        let marked = [super::super::BYTE_ORDER_MARK, good().to_string().as_bytes()].concat();
        assert!(Hotel::read(&marked).is_ok());
    }

    /// Each change of the good file, and a word of the line that says so.
    #[test]
    fn what_does_not_fit_together_is_named() {
        let cases: [(&str, Value, &str); 18] = [
            ("/tenantId", json!("tnt_1"), "TenantId"),
            ("/propertyId", json!("tnt_01YZGK9CWK5ZAZN2838DAW9XES"), "PropertyId"),
            ("/timezone", json!("Asia/Atlantis"), "time zone \"Asia/Atlantis\""),
            ("/policy/preferredKinds/0", json!("hologram"), "hologram"),
            ("/policy/noShowSuspendAfterHours", json!(-1), "-1"),
            ("/vendors/main/vendor", json!("acme"), "\"main\" is of no known lock system: \"acme\""),
            ("/vendors/annex/url", json!(7), "7"),
            ("/vendors/annex/profile", json!("a stamp"), "a stamp"),
            ("/vendors/main", json!({}), "missing field `vendor`"),
            ("/rooms/0/vendor", json!("attic"), "\"attic\""),
            ("/rooms/1/roomId", json!("rmu_011BMPD44NXNY8H8QM8Y8AABMV"), "named twice"),
            ("/rooms/1/door", json!("101"), "door \"101\" is named twice"),
            ("/areas/0/door", json!("101"), "door \"101\" is named twice"),
            ("/areas/0/vendor", json!("attic"), "area 'gym'"),
            ("/rooms/0/door", json!(""), "without a name"),
            ("/rooms/0/door", json!("1\u{1b}[2J"), "without a name"),
            ("/rooms/0/floor", json!("a b"), "a place is named"),
            ("/rooms", Value::Null, "null"),
        ];
        for (pointer, value, word) in cases {
            let mut hotel = good();
            *hotel.pointer_mut(pointer).unwrap() = value;
            let message = read(&hotel).unwrap_err().to_string();
            assert!(message.contains(word), "{pointer}: {message}");
            assert!(!message.contains('\n'), "{pointer}: {message}");
        }
        let mut twice = good();
        twice["areas"] = json!([good()["areas"][0], good()["areas"][0]]);
        assert!(read(&twice).unwrap_err().to_string().contains("area 'gym' is named twice"));
        assert!(Hotel::read(b"").is_err());
        assert!(Hotel::read(&[0xff, 0xfe]).is_err());
    }
}
