//! What a credential opens beside its rooms, and the words in which a shift's reach is written (R30, R105).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, RoomId};

/// The longest name of an area or a floor, in characters.
pub const MAX_PLACE_NAME: usize = 32;

/// A name that is no area or floor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlace {
    /// Empty, too long, or with characters other than letters, digits, `-` and `_`.
    #[error("a place is named by 1 to {MAX_PLACE_NAME} letters, digits, '-' or '_'")]
    Name,
    /// A scope that is none of the seven forms.
    #[error(
        "a scope is room:<id>, floor:<floor>, rooms:assigned, rooms:all, areas:<area>, areas:all or back_of_house"
    )]
    Scope,
    /// `room:` with something that is no room.
    #[error(transparent)]
    Room(#[from] InvalidId),
}

macro_rules! place_name {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidPlace;
            fn from_str(text: &str) -> Result<Self, InvalidPlace> {
                let named = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
                if text.is_empty() || text.chars().count() > MAX_PLACE_NAME || !text.chars().all(named) {
                    return Err(InvalidPlace::Name);
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidPlace;
            fn try_from(text: String) -> Result<Self, InvalidPlace> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

place_name! {
    /// A shared place behind a door of its own. The platform knows `lobby gym pool spa parking`; a hotel may have more.
    Area;
    /// A floor as the hotel calls it: `2`, `G`, `roof`.
    Floor;
}

/// What a guest may open beside the rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuestScope {
    /// Floors, where the lock system knows floors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<Floor>,
    /// Shared areas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<Area>,
}

impl GuestScope {
    /// Whether the scope adds nothing to the rooms.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.floors.is_empty() && self.areas.is_empty()
    }
}

/// How far a shift reaches: the seven forms of R105, as the bus writes them.
///
/// ```
/// use lockport::scope::StaffScope;
/// let scope: StaffScope = "floor:2".parse()?;
/// assert_eq!(scope.to_string(), "floor:2");
/// # Ok::<(), lockport::scope::InvalidPlace>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum StaffScope {
    /// `room:<roomId>`
    Room(RoomId),
    /// `floor:<floor>`: every room on it.
    Floor(Floor),
    /// `rooms:assigned`: what the host's rota says at the moment of issue.
    RoomsAssigned,
    /// `rooms:all`
    RoomsAll,
    /// `areas:<area>`
    Area(Area),
    /// `areas:all`
    AreasAll,
    /// `back_of_house`
    BackOfHouse,
}

impl FromStr for StaffScope {
    type Err = InvalidPlace;
    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        Ok(match text.split_once(':') {
            None if text == "back_of_house" => Self::BackOfHouse,
            Some(("room", id)) => Self::Room(id.parse()?),
            Some(("floor", floor)) => Self::Floor(floor.parse()?),
            Some(("rooms", "assigned")) => Self::RoomsAssigned,
            Some(("rooms", "all")) => Self::RoomsAll,
            Some(("areas", "all")) => Self::AreasAll,
            Some(("areas", area)) => Self::Area(area.parse()?),
            _ => return Err(InvalidPlace::Scope),
        })
    }
}

impl TryFrom<String> for StaffScope {
    type Error = InvalidPlace;
    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

impl From<StaffScope> for String {
    fn from(scope: StaffScope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for StaffScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(id) => write!(f, "room:{id}"),
            Self::Floor(floor) => write!(f, "floor:{floor}"),
            Self::RoomsAssigned => f.write_str("rooms:assigned"),
            Self::RoomsAll => f.write_str("rooms:all"),
            Self::Area(area) => write!(f, "areas:{area}"),
            Self::AreasAll => f.write_str("areas:all"),
            Self::BackOfHouse => f.write_str("back_of_house"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R105: seven forms, each written as it is read.
    #[test]
    fn the_seven_forms_are_read_and_written_alike() {
        for text in [
            "room:rmu_01STPS8FNWQ9SP6SX84512QPKP",
            "floor:2",
            "rooms:assigned",
            "rooms:all",
            "areas:gym",
            "areas:all",
            "back_of_house",
        ] {
            assert_eq!(text.parse::<StaffScope>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "rooms",
            "rooms:none",
            "floor:",
            "floor:a b",
            "room:gst_01STPS8FNWQ9SP6SX84512QPKP",
            "areas:",
            "x:y",
        ] {
            assert!(bad.parse::<StaffScope>().is_err(), "{bad:?} was read as a scope");
        }
    }
}
