//! What the platform tells of a reservation: bookings, changes of them, and the events that carry them.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::model::{News, Stay};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) struct Place {
    pub(crate) door: String,
    /// The room's id or the area's name.
    pub(crate) id: String,
}

pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) property: String,
    pub(crate) rooms: Vec<Place>,
    pub(crate) areas: Vec<Place>,
    pub(crate) hotel: Value,
}

/// An event as the bus has it.
#[derive(Clone)]
pub(crate) struct BusEvent {
    pub(crate) reservation: String,
    pub(crate) version: u64,
    pub(crate) news: News,
    pub(crate) envelope: Value,
}

pub(crate) fn world(chance: &mut Chance) -> World {
    let vendors: &[&str] = if chance.percent(30) { &["main", "annex"] } else { &["main"] };
    let rooms: Vec<Place> =
        (1..=chance.between(1, 5)).map(|n| Place { door: format!("10{n}"), id: chance.id("rmu") }).collect();
    let areas: Vec<Place> = ["gym", "pool"][..chance.below(3)]
        .iter()
        .map(|name| Place { door: name.to_uppercase(), id: (*name).to_owned() })
        .collect();
    let (tenant, property) = (chance.id("tnt"), chance.id("ppt"));
    let mut built = |named: &str, place: &Place| {
        let vendor = chance.pick(vendors);
        json!({ named: place.id, "door": place.door, "floor": "1", "vendor": vendor })
    };
    let built_rooms: Vec<Value> = rooms.iter().map(|place| built("roomId", place)).collect();
    let built_areas: Vec<Value> = areas.iter().map(|place| built("area", place)).collect();
    let defined: serde_json::Map<String, Value> =
        vendors.iter().map(|name| ((*name).to_owned(), system(chance))).collect();
    let hotel = json!({
        "tenantId": tenant, "propertyId": property,
        "timezone": chance.pick(&["UTC", "Asia/Kabul", "Europe/Berlin", "America/St_Johns"]),
        "policy": { "noShowSuspendAfterHours": chance.between(0, 12), "preferredKinds": kinds(chance) },
        "vendors": defined,
        "rooms": built_rooms,
        "areas": built_areas,
    });
    World { tenant, property, rooms, areas, hotel }
}

/// A lock system that does what it is told within the five seconds of the page, and of which can be known what it did.
fn system(chance: &mut Chance) -> Value {
    match chance.below(6) {
        0 => json!({ "vendor": "mock" }),
        1 => json!({ "vendor": "mock", "url": "mock://?personality=per_stay" }),
        2 => json!({ "vendor": "mock", "url": "mock://?personality=room_wide" }),
        _ => json!({ "vendor": "ttlock" }),
    }
}

/// A preference that every hotel of these days can meet.
pub(crate) fn kinds(chance: &mut Chance) -> Vec<&'static str> {
    let mut kinds = chance.some(&["pin_code", "rfid_card", "qr_code"], 0, 2);
    kinds.insert(chance.below(kinds.len() + 1), "mobile_app");
    kinds
}

/// What is booked: rooms and areas by their place in the hotel.
#[derive(Clone)]
pub(crate) struct Booking {
    pub(crate) rooms: Vec<usize>,
    pub(crate) areas: Vec<usize>,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

pub(crate) fn book(chance: &mut Chance, world: &World, at: i64) -> Booking {
    let (from, until) = window(chance, at);
    Booking { rooms: rooms(chance, world), areas: areas(chance, world), from, until }
}

/// A change: of one thing, of everything, or of nothing at all.
pub(crate) fn rebook(chance: &mut Chance, world: &World, at: i64, before: Booking) -> Booking {
    match chance.below(8) {
        0 => before,
        1 => Booking { rooms: rooms(chance, world), ..before },
        2 => Booking { areas: areas(chance, world), ..before },
        3 => Booking { until: before.until + chance.between(1, 2 * DAY), ..before },
        4 => Booking { until: chance.between(before.from + 1, before.until), ..before },
        5 => Booking { from: chance.between(before.from - DAY, before.until - 1), ..before },
        _ => book(chance, world, at),
    }
}

pub(crate) fn rooms(chance: &mut Chance, world: &World) -> Vec<usize> {
    // A booking may name no room, and open nothing.
    if chance.percent(5) {
        return Vec::new();
    }
    chance.some(&(0..world.rooms.len()).collect::<Vec<_>>(), 1, 3)
}

pub(crate) fn areas(chance: &mut Chance, world: &World) -> Vec<usize> {
    chance.some(&(0..world.areas.len()).collect::<Vec<_>>(), 0, 2)
}

/// Mostly nights ahead; sometimes a walk-in, a moment, or a stay that is over already.
pub(crate) fn window(chance: &mut Chance, at: i64) -> (i64, i64) {
    let from = match chance.below(12) {
        0 => at - chance.between(0, DAY),
        1 => at,
        2 => at + chance.between(0, 100 * DAY),
        _ => at + chance.between(0, 2 * DAY),
    };
    let from = if chance.percent(70) { from.div_euclid(HOUR) * HOUR } else { from };
    let length = match chance.below(10) {
        0 => chance.between(1, 90),
        1 | 2 => chance.between(MINUTE, 6 * HOUR),
        3 => chance.between(DAY, 400 * DAY),
        _ => chance.between(1, 72) * HOUR,
    };
    (from, from + length)
}

pub(crate) struct Whose<'w> {
    pub(crate) world: &'w World,
    pub(crate) reservation: &'w str,
    pub(crate) guest: &'w str,
}

impl Whose<'_> {
    pub(crate) fn booked(
        &self,
        chance: &mut Chance,
        at: i64,
        version: u64,
        booking: &Booking,
        changes: bool,
    ) -> BusEvent {
        let Booking { rooms, areas, from, until } = booking;
        let rooms: Vec<&Place> = rooms.iter().map(|index| &self.world.rooms[*index]).collect();
        let areas: Vec<&Place> = areas.iter().map(|index| &self.world.areas[*index]).collect();
        let mut data = json!({
            "reservationId": self.reservation, "propertyId": self.world.property, "guestId": self.guest,
            "version": version, "rooms": rooms.iter().map(|place| &*place.id).collect::<Vec<_>>(),
            "validFrom": instant(*from), "validUntil": instant(*until),
        });
        if !areas.is_empty() || chance.percent(20) {
            data["areas"] = areas.iter().map(|place| &*place.id).collect();
        }
        if chance.percent(20) {
            data["preferredKinds"] = json!(kinds(chance));
        }
        let stay = Stay {
            guest: self.guest.to_owned(),
            doors: rooms.iter().chain(&areas).map(|place| place.door.clone()).collect::<BTreeSet<_>>(),
            from: *from,
            until: *until,
        };
        let (subject, news) =
            if changes { ("dates_changed", News::Changes(stay)) } else { ("confirmed", News::Stands(stay)) };
        self.event(chance, at, version, subject, &data, news)
    }

    pub(crate) fn ended(&self, chance: &mut Chance, at: i64, version: u64) -> BusEvent {
        let how = *chance.pick(&["cancelled", "checked_out", "early_checkout"]);
        let data = json!({
            "reservationId": self.reservation, "propertyId": self.world.property, "version": version,
        });
        self.event(chance, at, version, how, &data, News::Ends)
    }

    fn event(
        &self,
        chance: &mut Chance,
        at: i64,
        version: u64,
        what: &str,
        data: &Value,
        news: News,
    ) -> BusEvent {
        let subject = format!("melmastoon.reservation.booking.{what}.v1");
        let mut envelope = json!({
            "specVersion": "1.0", "id": chance.id("evt"), "subject": subject, "type": subject,
            "source": "/services/reservation-service", "time": instant(at), "tenantId": self.world.tenant,
            "data": data,
        });
        if chance.percent(50) {
            envelope["correlationId"] = json!(self.reservation);
            envelope["traceId"] = json!("00-364fcee8cdd168691ed01fcd7529c3ac-309cb5c8d66db494-01");
        }
        BusEvent { reservation: self.reservation.to_owned(), version, news, envelope }
    }
}

pub(crate) fn instant(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().format("%FT%TZ").to_string()
}
