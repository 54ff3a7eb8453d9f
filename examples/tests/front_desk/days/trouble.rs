//! What the house has to get over: outages, deaths of the process, a new policy, the end of the property.

use serde_json::json;

use super::bus::{carry, event};
use super::world::{World, policy};
use super::{Chance, DAY, Features, HOUR, MINUTE, Script, instant};

pub(crate) fn strikes(
    chance: &mut Chance,
    world: &World,
    start: i64,
    features: Features,
    script: &mut Script,
) {
    let nobody = String::new();
    if features.has(Features::CONFIG) {
        while chance.percent(25) {
            let at = script.some_instant(chance, start) - chance.between(-HOUR, HOUR);
            let data = json!({ "policy": policy(chance, features) });
            let changed = event(chance, world, at, "tenant.config_updated", &data);
            // Which of two policies stands when they change places on the way is nowhere said, so these are on time.
            script.say(at, "event", changed.0.clone());
            if chance.percent(20) {
                script.say(at + chance.between(0, 5), "event", changed.0);
            }
        }
    }
    if features.has(Features::OUTAGE) && chance.percent(45) {
        outages(chance, world, start, script);
    }
    if features.has(Features::DEACTIVATION) && chance.percent(4) {
        let at = script.some_instant(chance, start) + chance.between(0, MINUTE);
        let data = json!({ "propertyId": world.property });
        let closed = event(chance, world, at, "tenant.property.deactivated", &data);
        carry(chance, at, &closed, &nobody, script);
    }
    if features.has(Features::RESTART) {
        for _ in 0..chance.between(0, 4) {
            // Shortly before something happens, or a death over a vendor's call would mostly find no call.
            let at = script.some_instant(chance, start) - chance.between(0, MINUTE);
            let dies = features.has(Features::AFTER_CALLS) && chance.percent(60);
            let restart = if dies { json!({ "afterCalls": chance.between(1, 12) }) } else { json!({}) };
            script.say(at, "restart", restart);
        }
    }
}

fn outages(chance: &mut Chance, world: &World, start: i64, script: &mut Script) {
    for _ in 0..chance.between(1, 3) {
        let from = script.some_instant(chance, start) - chance.between(0, 2 * MINUTE);
        let length = match chance.below(6) {
            0 => chance.between(1, 30),
            1 => chance.between(1, 20) * MINUTE,
            // Longer than any retry.
            2 => chance.between(3, 30) * HOUR,
            3 => chance.between(1, 4) * DAY,
            _ => chance.between(MINUTE, 3 * HOUR),
        };
        let until = from + length;
        script.say(from, "outage", json!({ "vendor": chance.pick(&world.vendors), "until": instant(until) }));
        for at in [from, from + MINUTE, until, until + 6, until + HOUR, until + 3 * HOUR] {
            if chance.percent(50) {
                script.probe(at + chance.between(-1, 1), "");
            }
        }
        if chance.percent(40) {
            // What happens in it, and is not heard by the vendor.
            let at = chance.between(from, until);
            script.probe(at, "");
        }
    }
}
