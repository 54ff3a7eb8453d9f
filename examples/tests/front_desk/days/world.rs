//! A random hotel.

use serde_json::{Value, json};

use super::{Chance, Features, MINUTE};

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) door: String,
    /// The room's id or the area's name.
    pub(crate) id: String,
    pub(crate) floor: &'static str,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) property: String,
    pub(crate) vendors: Vec<String>,
    pub(crate) rooms: Vec<Place>,
    pub(crate) areas: Vec<Place>,
    pub(crate) hotel: Value,
    pub(crate) features: Features,
}

impl World {
    pub(crate) fn doors(&self) -> Vec<&str> {
        self.rooms.iter().chain(&self.areas).map(|place| &*place.door).collect()
    }

    /// The finest time that every lock in the house can tell, in seconds: a passcode's window is kept in minutes.
    pub(crate) fn grain(&self) -> i64 {
        if self.has("passcodes=custom") { MINUTE } else { 1 }
    }

    /// Whether a lock system of this kind is in the house.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.hotel["vendors"].to_string().contains(kind)
    }
}

pub(crate) fn world(chance: &mut Chance, seed: u64, features: Features) -> World {
    let names: &[&str] = match chance.below(10) {
        0 => &["main", "annex", "wing"],
        1..=3 => &["main", "annex"],
        _ => &["main"],
    };
    let vendors: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let systems = systems(features);
    // The first in turn, so that few days meet every lock system; the others by chance.
    let turn = usize::try_from(seed).unwrap() % systems.len();
    let defined: serde_json::Map<String, Value> = vendors
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let system = if index == 0 { systems[turn] } else { *chance.pick(&systems) };
            (name.clone(), defined(chance, system, features))
        })
        .collect();
    let count = if chance.percent(5) { 12 } else { chance.between(1, 6) };
    let rooms: Vec<Place> = (1..=count)
        .map(|n| {
            let floor = *chance.pick(&["1", "1", "2", "G"]);
            Place { door: format!("{floor}{n:02}"), id: chance.id("rmu"), floor }
        })
        .collect();
    let areas: Vec<Place> = chance
        .some(&["gym", "pool", "spa", "lobby", "parking"], 0, 3)
        .into_iter()
        .map(|name| Place { door: name.to_uppercase(), id: name.to_owned(), floor: "" })
        .collect();
    let (tenant, property) = (chance.id("tnt"), chance.id("ppt"));
    let built_rooms: Vec<Value> = rooms
        .iter()
        .map(|room| json!({ "roomId": room.id, "door": room.door, "floor": room.floor, "vendor": chance.pick(&vendors) }))
        .collect();
    let built_areas: Vec<Value> = areas
        .iter()
        .map(|area| json!({ "area": area.id, "door": area.door, "vendor": chance.pick(&vendors) }))
        .collect();
    let hotel = json!({
        "tenantId": tenant, "propertyId": property,
        "timezone": chance.pick(&["UTC", "Asia/Kabul", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
        "policy": policy(chance, features),
        "vendors": defined,
        "rooms": built_rooms,
        "areas": built_areas,
    });
    World { tenant, property, vendors, rooms, areas, hotel, features }
}

/// Cards on an encoder at the desk, as the code of the lock system has it.
const ENCODER: &str = "generic-wiegand";

fn systems(features: Features) -> Vec<&'static str> {
    let mut systems = vec!["ttlock", "per_door", "per_stay", "room_wide"];
    for (feature, system) in [
        (Features::SILENT, "silent_ack"),
        (Features::CARD, "card"),
        (Features::WEBHOOK, "webhook"),
        (Features::ENCODER, ENCODER),
    ] {
        if features.has(feature) {
            systems.push(system);
        }
    }
    systems
}

fn defined(chance: &mut Chance, system: &str, features: Features) -> Value {
    if system == "ttlock" {
        return match features.has(Features::PASSCODES) && chance.percent(60) {
            true => json!({ "vendor": "ttlock", "url": "ttlock://?passcodes=custom" }),
            false => json!({ "vendor": "ttlock" }),
        };
    }
    if system == ENCODER {
        return match *chance.pick(&["", "pn532-serial", "stronglink", "rrhfoem04"]) {
            "" => json!({ "vendor": ENCODER }),
            profile => json!({ "vendor": ENCODER, "profile": profile }),
        };
    }
    if system == "per_door" && chance.percent(20) {
        return json!({ "vendor": "mock" });
    }
    let mut url = format!("mock://?personality={system}");
    if chance.percent(30) {
        url += &format!("&seed={}", chance.between(0, 1_000));
    }
    // What it cannot do, the house does in another way; a door shows nothing of it.
    if features.has(Features::MOCK_LIMITS) && chance.percent(15) {
        url += "&capability=-suspend";
    }
    if features.has(Features::MOCK_FAULTS) && chance.percent(12) {
        let what = chance.some(&["issue", "update", "revoke", "suspend", "unsuspend"], 1, 3).join(",");
        url += &format!("&fail={what}");
        url += &match chance.below(3) {
            0 => format!("&nth={}", chance.between(1, 6)),
            1 => format!("&pct={}", chance.between(1, 60)),
            _ => String::new(),
        };
        url += chance.pick::<&str>(&["", "&when=after", "&when=late:20", "&error=KEY_ISSUE_FAILED"]);
    }
    json!({ "vendor": "mock", "url": url })
}

pub(crate) fn policy(chance: &mut Chance, features: Features) -> Value {
    json!({ "noShowSuspendAfterHours": chance.between(0, 12), "preferredKinds": kinds(chance, features) })
}

/// What a hotel or a guest would rather have. Which doors open has nothing to do with it.
pub(crate) fn kinds(chance: &mut Chance, features: Features) -> Vec<&'static str> {
    if features.has(Features::ANY_KINDS) {
        let mut kinds = chance.some(&["pin_code", "rfid_card", "mobile_app", "qr_code", "nfc_tag"], 1, 5);
        let at = chance.below(kinds.len());
        kinds.rotate_left(at);
        return kinds;
    }
    let mut kinds = chance.some(&["pin_code", "rfid_card", "qr_code"], 0, 2);
    kinds.insert(chance.below(kinds.len() + 1), "mobile_app");
    kinds
}
