//! Lines that belong into no day: each is refused by name, is without effect, and does not stop the day.

use serde_json::{Value, json};

use super::bus::{CANARY, Whose, event};
use super::guests::book;
use super::world::World;
use super::{Chance, DAY, Features, Item, instant};
use crate::model::Want;

const REFUSED: Want = Want::Refused("INVALID_INPUT");
const FOREIGN: Want = Want::Refused("TENANT_MISMATCH");

pub(crate) fn line(chance: &mut Chance, world: &World, reservations: &[String], at: i64) -> Item {
    let reservation = chance.pick(reservations).clone();
    match chance.below(6) {
        0 => no_json(chance, at, &reservation),
        1 => no_step(chance, world, at, &reservation),
        2 => other_house(chance, world, at, &reservation),
        3 => harmless(chance, world, at, &reservation),
        _ => torn_event(chance, world, at, &reservation),
    }
}

fn spoiled(line: impl Into<Vec<u8>>, want: Want) -> Item {
    Item::Spoiled { line: line.into(), want }
}

fn written(at: i64, member: &str, value: &Value, want: Want) -> Item {
    spoiled(json!({ "at": instant(at), member: value }).to_string(), want)
}

/// "A line that is no JSON", and what is JSON and no line.
fn no_json(chance: &mut Chance, at: i64, reservation: &str) -> Item {
    let arrive = json!({ "reservationId": reservation });
    let now = instant(at);
    let lines: [Vec<u8>; 14] = [
        b"{\"at\":".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"null".to_vec(),
        b"\xff\xfe{}".to_vec(),
        format!("{{\"at\":\"{now}\"}} {{}}").into_bytes(),
        json!({ "arrive": arrive }).to_string().into_bytes(),
        json!({ "at": now }).to_string().into_bytes(),
        json!({ "at": now, "dance": {} }).to_string().into_bytes(),
        json!({ "at": now, "arrive": arrive, "restart": {} }).to_string().into_bytes(),
        json!({ "at": now.replace('Z', ".5Z"), "arrive": arrive }).to_string().into_bytes(),
        json!({ "at": now.replace('Z', ""), "arrive": arrive }).to_string().into_bytes(),
        json!({ "at": at, "arrive": arrive }).to_string().into_bytes(),
        json!({ "at": "soon", "arrive": arrive, "pin": CANARY }).to_string().into_bytes(),
    ];
    spoiled(chance.pick(&lines).clone(), REFUSED)
}

/// A step that "lacks a member or has one that cannot be read", or names what is not there.
fn no_step(chance: &mut Chance, world: &World, at: i64, reservation: &str) -> Item {
    let (door, vendor) = (world.doors()[0].to_owned(), &world.vendors[0]);
    let (usr, later) = (chance.id("usr"), instant(at + DAY));
    let steps = [
        ("arrive", json!({})),
        ("arrive", json!({ "reservationId": 7 })),
        ("arrive", json!({ "reservationId": "rsv_1" })),
        ("arrive", json!([reservation])),
        ("lost", json!({ "reservationId": reservation })),
        ("lost", json!({ "operator": usr })),
        ("lost", json!({ "reservationId": reservation, "operator": reservation })),
        ("unsuspend", json!({ "reservationId": reservation })),
        ("unsuspend", json!({ "reservationId": usr, "operator": usr })),
        ("outage", json!({ "vendor": "nobody", "until": later })),
        ("outage", json!({ "vendor": vendor })),
        ("outage", json!({ "until": later })),
        ("outage", json!({ "vendor": vendor, "until": "tomorrow" })),
        ("outage", json!({ "vendor": vendor, "until": instant(at) })),
        ("outage", json!({ "vendor": vendor, "until": instant(at - DAY) })),
        ("restart", json!({ "afterCalls": 0 })),
        ("restart", json!({ "afterCalls": -3 })),
        ("restart", json!({ "afterCalls": "2" })),
        ("restart", json!("now")),
        ("try", json!({ "door": "999", "as": reservation, "expect": true })),
        ("try", json!({ "door": door })),
        ("try", json!({ "as": reservation })),
        ("try", json!({ "door": door, "as": reservation, "expect": "true" })),
        ("try", json!({ "door": door, "as": 7, "pin": CANARY })),
        ("event", json!({})),
        ("event", json!([CANARY])),
    ];
    let steps: Vec<_> = steps.into_iter().filter(|(member, _)| is_played(world, member)).collect();
    let (member, value) = chance.pick(&steps);
    written(at, member, value, REFUSED)
}

/// Whether a word of the format is among what the days are made of.
fn is_played(world: &World, word: &str) -> bool {
    let part = match word {
        "lost" => Features::LOST,
        "unsuspend" => Features::UNSUSPEND,
        "outage" => Features::OUTAGE,
        "no_show" => Features::NO_SHOW,
        "fraud_flagged" => Features::FRAUD,
        "staff.shift.started" | "staff.shift.ended" => Features::SHIFTS,
        "iam.user.deactivated" | "tenant.property.deactivated" => Features::DEACTIVATION,
        "tenant.config_updated" => Features::CONFIG,
        _ => return true,
    };
    world.features.has(part)
}

/// What "belongs to another tenant or property".
fn other_house(chance: &mut Chance, world: &World, at: i64, reservation: &str) -> Item {
    let mut told = any_event(chance, world, at, reservation);
    let names_property = told["data"]["propertyId"].is_string();
    if names_property && chance.percent(60) {
        told["data"]["propertyId"] = json!(chance.id("ppt"));
    } else {
        told["tenantId"] = json!(chance.id("tnt"));
    }
    written(at, "event", &told, FOREIGN)
}

/// What is taken and does nothing.
fn harmless(chance: &mut Chance, world: &World, at: i64, reservation: &str) -> Item {
    let (usr, nobody) = (chance.id("usr"), chance.id("rsv"));
    match chance.below(7) {
        0 => Item::Blank(b"  ".to_vec()),
        1 => Item::Blank(Vec::new()),
        2 if is_played(world, "lost") => {
            Item::Said { at, member: "lost", value: json!({ "reservationId": nobody, "operator": usr }) }
        }
        3 if is_played(world, "unsuspend") => {
            Item::Said { at, member: "unsuspend", value: json!({ "reservationId": nobody, "operator": usr }) }
        }
        4 => Item::Said { at, member: "arrive", value: json!({ "reservationId": nobody }) },
        5 => {
            let mut told = any_event(chance, world, at, reservation);
            told["subject"] = json!("melmastoon.housekeeping.room.cleaned.v1");
            told["type"] = told["subject"].clone();
            Item::Said { at, member: "event", value: told }
        }
        // Far behind, so that it goes back in time; nothing comes of it.
        _ => Item::Said { at: at - 900 * DAY, member: "arrive", value: json!({ "reservationId": nobody }) },
    }
}

/// An event of every subject that is listened to.
fn any_event(chance: &mut Chance, world: &World, at: i64, reservation: &str) -> Value {
    let (guest, usr, shf) = (chance.id("gst"), chance.id("usr"), chance.id("shf"));
    let whose = Whose { world, reservation, guest: &guest };
    let subjects = [
        "confirmed",
        "dates_changed",
        "cancelled",
        "checked_out",
        "early_checkout",
        "no_show",
        "fraud_flagged",
        "staff.shift.started",
        "staff.shift.ended",
        "iam.user.deactivated",
        "tenant.property.deactivated",
        "tenant.config_updated",
    ];
    let subjects: Vec<&str> = subjects.into_iter().filter(|subject| is_played(world, subject)).collect();
    let subject = *chance.pick(&subjects);
    let data = match subject {
        "confirmed" | "dates_changed" => {
            let booking = book(chance, world, at);
            return whose.booked(chance, at, 1_000, &booking, subject).0;
        }
        "staff.shift.started" => json!({
            "shiftId": shf, "userId": usr, "propertyId": world.property, "scope": "rooms:all",
            "validFrom": instant(at), "validUntil": instant(at + DAY),
        }),
        "staff.shift.ended" => json!({ "shiftId": shf, "userId": usr, "propertyId": world.property }),
        "iam.user.deactivated" => json!({ "userId": usr }),
        "tenant.property.deactivated" => json!({ "propertyId": world.property }),
        "tenant.config_updated" => {
            json!({ "policy": { "noShowSuspendAfterHours": 3, "preferredKinds": ["pin_code"] } })
        }
        booking => return whose.told(chance, at, 1_000, booking).0,
    };
    event(chance, world, at, subject, &data).0
}

/// An event of the house that cannot be read.
fn torn_event(chance: &mut Chance, world: &World, at: i64, reservation: &str) -> Item {
    let mut told = any_event(chance, world, at, reservation);
    let what = chance.below(4);
    if what == 0 {
        let member = *chance.pick(&["specVersion", "id", "subject", "time", "tenantId", "data"]);
        remove(&mut told, member);
        return written(at, "event", &told, REFUSED);
    }
    let data = &mut told["data"];
    let members: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
    // Whose it is is asked first.
    let own = ["areas", "preferredKinds", "propertyId", "pin"];
    let members: Vec<String> = members.into_iter().filter(|member| !own.contains(&&**member)).collect();
    match what {
        1 if !members.is_empty() => remove(data, chance.pick::<String>(&members)),
        2 if !members.is_empty() => data[chance.pick::<String>(&members)] = json!({ "odd": CANARY }),
        _ => {
            let unknown = chance.id("rmu");
            let from = data["validFrom"].clone();
            let cases: Vec<(&str, Value)> = match () {
                () if data["rooms"].is_array() => vec![
                    ("rooms", json!([unknown])),
                    ("rooms", json!(["101"])),
                    ("areas", json!(["sauna"])),
                    ("areas", json!("gym")),
                    ("preferredKinds", json!(["hologram"])),
                    ("validUntil", from),
                    ("validUntil", json!("2020-01-01T00:00:00Z")),
                    ("validFrom", json!("yesterday")),
                    ("version", json!(-1)),
                    ("version", json!(1.5)),
                    ("reservationId", json!("gst_01F6VNGA1PQSDAEWD68EGYZG1F")),
                ],
                () if data["scope"].is_string() => vec![
                    ("scope", json!(format!("room:{unknown}"))),
                    ("scope", json!("room:101")),
                    ("scope", json!("areas:sauna")),
                    ("scope", json!("everywhere")),
                    ("scope", json!("")),
                    ("validUntil", from),
                    ("validUntil", json!("2020-01-01T00:00:00Z")),
                    ("userId", json!("rsv_01F6VNGA1PQSDAEWD68EGYZG1F")),
                ],
                () if data["policy"].is_object() => vec![
                    ("policy", json!({ "noShowSuspendAfterHours": -1, "preferredKinds": ["pin_code"] })),
                    ("policy", json!({ "noShowSuspendAfterHours": 2, "preferredKinds": ["hologram"] })),
                    ("policy", json!({ "preferredKinds": ["pin_code"] })),
                ],
                () if data["version"].is_u64() => vec![("version", json!("3")), ("version", json!(-1))],
                () if data["userId"].is_string() => vec![("userId", json!("usr_1"))],
                () => vec![("propertyId", json!("ppt_1"))],
            };
            let (member, value) = chance.pick(&cases).clone();
            data[member] = value;
        }
    }
    written(at, "event", &told, REFUSED)
}

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}
