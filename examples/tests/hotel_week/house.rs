//! The hotel of the week, and what goes wrong in it.

use serde_json::{Value, json};

use crate::days::{Chance, HOUR, instant};
use crate::script::{Deed, Week, on_the_wall};

/// The lock systems, a floor each; the shared areas have locks of three of them. The last one writes cards.
pub(crate) const SYSTEMS: [&str; 4] = ["first", "second", "third", "cards"];
/// A grant of the second and the fourth has at most nine doors in memory, and a housekeeper the whole floor.
const ROOMS: [usize; 4] = [11, 9, 11, 9];
pub(crate) const AREAS: [(&str, &str); 3] = [("gym", "first"), ("pool", "second"), ("spa", "cards")];

/// What stands behind the names of the systems.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Four personalities of the vendor in memory.
    InMemory,
    /// The wires: TTLock with eKeys, with passcodes and with eKeys again; and an encoder.
    OnTheWire,
}

impl Kind {
    fn vendors(self) -> [Value; 4] {
        match self {
            Self::InMemory => ["per_door", "per_stay", "room_wide", "card"]
                .map(|of| json!({ "vendor": "mock", "url": format!("mock://?personality={of}") })),
            Self::OnTheWire => [
                json!({ "vendor": "ttlock" }),
                json!({ "vendor": "ttlock", "url": "ttlock://?passcodes=custom" }),
                json!({ "vendor": "ttlock" }),
                json!({ "vendor": "generic-wiegand", "profile": "stronglink" }),
            ],
        }
    }

    /// Where a guest may have one of several kinds, a code that he types comes first on the wire: who has an eKey there has it where no
    /// codes are.
    const fn preferred(self) -> [&'static str; 3] {
        match self {
            Self::InMemory => ["mobile_app", "pin_code", "rfid_card"],
            Self::OnTheWire => ["pin_code", "mobile_app", "rfid_card"],
        }
    }
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) door: String,
    pub(crate) floor: usize,
}

impl Room {
    pub(crate) fn has_card(&self) -> bool {
        SYSTEMS[self.floor - 1] == "cards"
    }
}

#[derive(Debug)]
pub(crate) struct Hotel {
    pub(crate) tenant: String,
    pub(crate) property: String,
    pub(crate) rooms: Vec<Room>,
    pub(crate) json: Value,
}

impl Hotel {
    pub(crate) fn new(kind: Kind, chance: &mut Chance) -> Self {
        let (tenant, property) = (chance.id("tnt"), chance.id("ppt"));
        let rooms: Vec<Room> = (1..=SYSTEMS.len())
            .flat_map(|floor| (1..=ROOMS[floor - 1]).map(move |n| (floor, format!("{floor}{n:02}"))))
            .map(|(floor, door)| Room { id: chance.id("rmu"), door, floor })
            .collect();
        let vendors: serde_json::Map<String, Value> =
            SYSTEMS.map(str::to_owned).into_iter().zip(kind.vendors()).collect();
        let built = rooms.iter().map(|Room { id, door, floor }| {
            json!({ "roomId": id, "door": door, "floor": floor.to_string(), "vendor": SYSTEMS[floor - 1] })
        });
        let areas =
            AREAS.map(|(area, vendor)| json!({ "area": area, "door": area_door(area), "vendor": vendor }));
        let json = json!({
            "tenantId": tenant, "propertyId": property, "timezone": "Europe/Berlin",
            "policy": {
                "noShowSuspendAfterHours": 2,
                "preferredKinds": kind.preferred(),
            },
            "vendors": vendors, "rooms": built.collect::<Vec<_>>(), "areas": areas,
        });
        Self { tenant, property, rooms, json }
    }

    pub(crate) fn doors(&self) -> Vec<String> {
        let rooms = self.rooms.iter().map(|room| room.door.clone());
        rooms.chain(AREAS.iter().map(|(area, _)| area_door(area))).collect()
    }

    /// An event as the bus carries it.
    pub(crate) fn event(&self, chance: &mut Chance, time: i64, subject: &str, mut data: Value) -> Value {
        data["propertyId"] = json!(self.property);
        let subject = format!("melmastoon.{subject}.v1");
        json!({
            "specVersion": "1.0", "id": chance.id("evt"), "subject": subject, "type": subject,
            "source": "/services/platform", "time": instant(time), "tenantId": self.tenant, "data": data,
        })
    }
}

pub(crate) fn area_door(area: &str) -> String {
    area.to_uppercase()
}

/// Vendors away, a process that dies, a battery that is empty.
pub(crate) fn trouble(week: &mut Week) {
    for (day, hour, vendor, hours) in [
        (0, 15, "first", 2),
        (2, 9, "second", 1),
        (3, 14, "third", 3),
        // Two in the morning, of which this night has two.
        (6, 2, "first", 2),
        (4, 16, "cards", 1),
    ] {
        let from = on_the_wall(day, hour, 5);
        let until = from + hours * HOUR;
        let from = week.say(from, "outage", json!({ "vendor": vendor, "until": instant(until) }));
        assert!(from < until);
        // Back, and by the time everything has to be as it should.
        week.look(until + 1);
        week.look(until + 3 * HOUR);
    }
    for (day, hour, restart) in
        [(1, 12, json!({})), (2, 14, json!({ "afterCalls": 2 })), (5, 15, json!({ "afterCalls": 1 }))]
    {
        week.say(on_the_wall(day, hour, 30), "restart", restart);
    }
    for (door, day) in [("103", 2), ("205", 4), ("407", 5)] {
        let door = door.to_owned();
        week.add(on_the_wall(day, 10, 0), Deed::Battery { door: door.clone(), percent: 0 });
        week.add(on_the_wall(day, 16, 30), Deed::Battery { door, percent: 100 });
    }
}
