//! Staff: shifts, and who is not staff any more.

use serde_json::json;

use super::bus::{carry, event};
use super::guests::window;
use super::world::World;
use super::{AT_AN_EDGE, Chance, DAY, Features, HOUR, Script, instant};

/// Tells of all shifts; who works.
pub(crate) fn work(
    chance: &mut Chance,
    world: &World,
    start: i64,
    features: Features,
    script: &mut Script,
) -> Vec<String> {
    if !features.has(Features::SHIFTS) || chance.percent(50) {
        return Vec::new();
    }
    let users: Vec<String> = (0..chance.between(1, 2)).map(|_| chance.id("usr")).collect();
    for user in &users {
        for _ in 0..chance.between(0, 3) {
            shift(chance, world, start, user, script);
        }
        if features.has(Features::DEACTIVATION) && chance.percent(30) {
            let at = start + chance.between(0, 3 * DAY);
            let gone = event(chance, world, at, "iam.user.deactivated", &json!({ "userId": user }));
            carry(chance, at, &gone, user, script);
        }
    }
    users
}

fn shift(chance: &mut Chance, world: &World, start: i64, user: &str, script: &mut Script) {
    let at = start + chance.between(0, 2 * DAY);
    let (from, until) = if chance.percent(60) {
        let from = (at + chance.between(0, 12 * HOUR)).div_euclid(HOUR) * HOUR;
        (from, from + chance.between(4, 12) * HOUR)
    } else {
        window(chance, world, at)
    };
    let id = chance.id("shf");
    let data = json!({
        "shiftId": id, "userId": user, "propertyId": world.property, "scope": scope(chance, world),
        "validFrom": instant(from), "validUntil": instant(until),
    });
    let started = event(chance, world, at, "staff.shift.started", &data);
    carry(chance, at, &started, user, script);
    for edge in [from, until] {
        script.probe_around(chance, edge, &AT_AN_EDGE, user);
    }
    script.probe(chance.between(from, until - 1), user);
    if chance.percent(60) {
        // Mostly in the shift; now and then before anybody heard of it.
        let over = if chance.percent(70) {
            chance.between(from, until).max(at)
        } else {
            at - chance.between(0, HOUR)
        };
        let data = json!({ "shiftId": id, "userId": user, "propertyId": world.property });
        let ended = event(chance, world, over, "staff.shift.ended", &data);
        carry(chance, over, &ended, user, script);
    }
}

/// Every form of R105.
fn scope(chance: &mut Chance, world: &World) -> String {
    match chance.below(9) {
        0 => "rooms:assigned".to_owned(),
        1 => "back_of_house".to_owned(),
        2 if !world.areas.is_empty() => format!("areas:{}", chance.pick(&world.areas).id),
        3 => "areas:all".to_owned(),
        4 => "rooms:all".to_owned(),
        5 => "floor:9".to_owned(),
        6 => format!("room:{}", chance.pick(&world.rooms).id),
        _ => format!("floor:{}", chance.pick(&world.rooms).floor),
    }
}
