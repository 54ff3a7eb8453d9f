//! Staff: a housekeeper on each floor in the morning, a porter for the shared areas through the night.

use serde_json::json;

use crate::days::{Chance, instant};
use crate::house::{AREAS, Hotel, SYSTEMS, area_door};
use crate::script::{DAYS, Week, minutes, on_the_wall};

pub(crate) fn work(chance: &mut Chance, hotel: &Hotel, week: &mut Week) {
    for floor in 1..=SYSTEMS.len() {
        let user = chance.id("usr");
        let rooms = hotel.rooms.iter().filter(|room| room.floor == floor).map(|room| room.door.clone());
        week.knows(&user, on_the_wall(0, 0, 0), rooms);
        for day in 0..DAYS {
            let hours = (on_the_wall(day, 8, 0), on_the_wall(day, 14, 0));
            shift(chance, hotel, week, &user, &format!("floor:{floor}"), hours);
        }
        if floor == 2 {
            let at = on_the_wall(3, 12, 0);
            let data = json!({ "userId": user });
            let deactivated = hotel.event(chance, at, "iam.user.deactivated", data);
            week.say(at, "event", deactivated);
        }
    }
    let porter = chance.id("usr");
    week.knows(&porter, on_the_wall(0, 0, 0), AREAS.iter().map(|(area, _)| area_door(area)));
    for day in 0..DAYS {
        // The last of them has nine hours between ten in the evening and six in the morning.
        let hours = (on_the_wall(day, 22, 0), on_the_wall(day + 1, 6, 0));
        shift(chance, hotel, week, &porter, "areas:all", hours);
    }
}

fn shift(
    chance: &mut Chance,
    hotel: &Hotel,
    week: &mut Week,
    user: &str,
    scope: &str,
    (from, until): (i64, i64),
) {
    let id = chance.id("shf");
    let data = json!({
        "shiftId": id, "userId": user, "scope": scope,
        "validFrom": instant(from), "validUntil": instant(until),
    });
    let said_at = from - minutes(chance, -5, 10);
    let started = hotel.event(chance, said_at, "staff.shift.started", data);
    week.say(said_at, "event", started);
    week.look(from);
    week.look(until - 1);
    week.look(until);
    let over_at = until - minutes(chance, -10, 120);
    let data = json!({ "shiftId": id, "userId": user });
    let ended = hotel.event(chance, over_at, "staff.shift.ended", data);
    week.say(over_at, "event", ended);
}
