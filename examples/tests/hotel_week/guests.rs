//! Guests: they book, change, move, stay away, lose things and leave.

use serde_json::{Value, json};

use crate::days::{Chance, HOUR, MINUTE};
use crate::house::{AREAS, Hotel, Room, area_door};
use crate::script::{DAYS, Week, minutes, on_the_wall};

/// One stay while it is being made up.
struct Stay<'h> {
    id: String,
    guest: String,
    version: u64,
    room: &'h Room,
    area: Option<&'static str>,
    from: i64,
    until: i64,
}

impl Stay<'_> {
    fn booked(&mut self) -> Value {
        self.version += 1;
        json!({
            "reservationId": self.id, "guestId": self.guest, "version": self.version,
            "rooms": [self.room.id], "areas": self.area.into_iter().collect::<Vec<_>>(),
            "validFrom": crate::days::instant(self.from), "validUntil": crate::days::instant(self.until),
        })
    }

    fn told(&mut self) -> Value {
        self.version += 1;
        json!({ "reservationId": self.id, "version": self.version })
    }

    fn doors(&self) -> Vec<String> {
        self.area.into_iter().map(area_door).chain([self.room.door.clone()]).collect()
    }

    fn needs_card(&self) -> bool {
        self.room.has_card() || self.area == Some("spa")
    }
}

pub(crate) fn come_and_go(chance: &mut Chance, hotel: &Hotel, week: &mut Week) {
    for room in &hotel.rooms {
        let mut day = chance.between(0, 4);
        while day < DAYS {
            let nights = chance.between(2, 6);
            stay(chance, hotel, week, room, (day, (day + nights).min(DAYS)));
            day += nights + i64::from(chance.percent(60)) * chance.between(1, 3);
        }
    }
}

fn stay(chance: &mut Chance, hotel: &Hotel, week: &mut Week, room: &Room, (first, last): (i64, i64)) {
    let mut stay = Stay {
        id: chance.id("rsv"),
        guest: chance.id("gst"),
        version: 0,
        room,
        area: chance.percent(50).then(|| chance.pick(&AREAS).0),
        from: on_the_wall(first, 15, 0),
        until: on_the_wall(last, 11, 0),
    };
    // Some late at night, for a room that is needed at once: also when a vendor is away.
    if chance.percent(8) {
        stay.from = on_the_wall(first + 1, 2, 10);
    }
    let event = |chance: &mut Chance, at: i64, what: &str, data: Value| {
        hotel.event(chance, at, &format!("reservation.booking.{what}"), data)
    };
    let booked_at = (stay.from - minutes(chance, 0, 36 * 60)).max(on_the_wall(0, 6, 0));
    let data = stay.booked();
    let confirmed = event(chance, booked_at, "confirmed", data);
    let heard = week.say(booked_at, "event", confirmed.clone());
    week.knows(&stay.id, heard, stay.doors());
    if chance.percent(25) {
        let late = heard + minutes(chance, 0, 24 * 60);
        week.say(late, "event", confirmed);
    }
    if chance.percent(6) {
        let at = heard.max(stay.from - HOUR) + minutes(chance, 1, 50);
        let data = stay.told();
        let cancelled = event(chance, at, "cancelled", data);
        week.say(at, "event", cancelled);
        return;
    }
    let mut now = heard.max(stay.from) + minutes(chance, 5, 90);
    if chance.percent(8) {
        let said_at = heard.max(stay.from) + minutes(chance, 60, 5 * 60);
        let data = stay.told();
        let no_show = event(chance, said_at, "no_show", data);
        let said = week.say(said_at, "event", no_show);
        week.look(said_at + 2 * HOUR);
        week.look(said_at + 2 * HOUR + 5);
        now = said + minutes(chance, 3 * 60, 6 * 60);
        if chance.percent(50) {
            week.say(now, "unsuspend", json!({ "reservationId": stay.id, "operator": chance.id("usr") }));
            now += minutes(chance, 1, 30);
        }
    }
    arrive(week, &stay, now);
    if chance.percent(10) && now < stay.until {
        let lost_at = now + minutes(chance, 10, 20 * 60);
        let lost_at =
            week.say(lost_at, "lost", json!({ "reservationId": stay.id, "operator": chance.id("usr") }));
        week.knows(&format!("lost:{}", stay.id), lost_at, stay.doors());
        arrive(week, &stay, lost_at + 60);
        now = lost_at;
    }
    if chance.percent(15) {
        now += minutes(chance, 30, 12 * 60);
        stay.room = chance.pick(&hotel.rooms);
        change(chance, hotel, week, &mut stay, now);
    }
    if chance.percent(20) {
        now += minutes(chance, 30, 12 * 60);
        let days = chance.between(-1, 2);
        stay.until = on_the_wall((last + days).clamp(first + 1, DAYS), 11, 0).max(whole_minute(now + HOUR));
        change(chance, hotel, week, &mut stay, now);
    }
    week.look(stay.from - 1);
    week.look(stay.from);
    week.look(stay.until - 1);
    week.look(stay.until);
    let (what, at) = match chance.below(10) {
        0 => ("fraud_flagged", now + minutes(chance, 10, 120)),
        1 | 2 => ("early_checkout", now + minutes(chance, 10, 10 * 60)),
        _ => ("checked_out", stay.until - minutes(chance, -30, 120)),
    };
    let at = at.max(now + HOUR);
    let data = stay.told();
    let told = event(chance, at, what, data);
    week.say(at, "event", told);
}

fn change(chance: &mut Chance, hotel: &Hotel, week: &mut Week, stay: &mut Stay<'_>, at: i64) {
    let data = stay.booked();
    let changed = hotel.event(chance, at, "reservation.booking.dates_changed", data);
    let at = week.say(at, "event", changed);
    week.knows(&stay.id, at, stay.doors());
    let at_desk = at + minutes(chance, 2, 40);
    arrive(week, stay, at_desk);
}

/// No sooner than then, by a clock without seconds: a code's window has none.
const fn whole_minute(at: i64) -> i64 {
    (at + MINUTE - 1) / MINUTE * MINUTE
}

/// A guest with a card comes to the desk.
fn arrive(week: &mut Week, stay: &Stay<'_>, at: i64) {
    if stay.needs_card() {
        week.say(at, "arrive", json!({ "reservationId": stay.id }));
    }
}
