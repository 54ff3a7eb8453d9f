//! The hotel of the week, and what goes wrong in it.

use serde_json::{Value, json};

use crate::days::{Chance, HOUR, instant};
use crate::script::{Deed, Week, on_the_wall};

/// The lock systems, a floor each; the shared areas have locks of three of them.
pub(crate) const SYSTEMS: [&str; 4] = ["per_door", "per_stay", "room_wide", "card"];
/// A grant of the second and the fourth has at most nine doors, and a housekeeper the whole floor.
const ROOMS: [usize; 4] = [11, 9, 11, 9];
pub(crate) const AREAS: [(&str, &str); 3] = [("gym", "per_door"), ("pool", "per_stay"), ("spa", "card")];

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) door: String,
    pub(crate) floor: usize,
}

impl Room {
    pub(crate) fn has_card(&self) -> bool {
        SYSTEMS[self.floor - 1] == "card"
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
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let (tenant, property) = (chance.id("tnt"), chance.id("ppt"));
        let rooms: Vec<Room> = (1..=SYSTEMS.len())
            .flat_map(|floor| (1..=ROOMS[floor - 1]).map(move |n| (floor, format!("{floor}{n:02}"))))
            .map(|(floor, door)| Room { id: chance.id("rmu"), door, floor })
            .collect();
        let vendors: serde_json::Map<String, Value> = SYSTEMS
            .iter()
            .map(|system| {
                let url = format!("mock://?personality={system}");
                ((*system).to_owned(), json!({ "vendor": "mock", "url": url }))
            })
            .collect();
        let built = rooms.iter().map(|Room { id, door, floor }| {
            json!({ "roomId": id, "door": door, "floor": floor.to_string(), "vendor": SYSTEMS[floor - 1] })
        });
        let areas =
            AREAS.map(|(area, vendor)| json!({ "area": area, "door": area_door(area), "vendor": vendor }));
        let json = json!({
            "tenantId": tenant, "propertyId": property, "timezone": "Europe/Berlin",
            "policy": {
                "noShowSuspendAfterHours": 2,
                "preferredKinds": ["mobile_app", "pin_code", "rfid_card"],
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
        (0, 15, "per_door", 2),
        (2, 9, "per_stay", 1),
        (3, 14, "room_wide", 3),
        // Two in the morning, of which this night has two.
        (6, 2, "per_door", 2),
        (4, 16, "card", 1),
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
