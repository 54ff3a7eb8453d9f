//! Who tries which doors.

use super::world::World;
use super::{Chance, Item, Told};

/// Some people try some doors; now and then somebody who has nothing.
pub(crate) fn tries(
    chance: &mut Chance,
    world: &World,
    people: &[String],
    at: i64,
    who: &[String],
    items: &mut Vec<Item>,
) {
    let mut trying: Vec<String> = who.iter().filter(|who| !who.is_empty()).cloned().collect();
    let more = if trying.is_empty() { 2 } else { chance.below(3) };
    for _ in 0..more {
        trying.push(chance.pick(people).clone());
    }
    if chance.percent(10) {
        trying.push(format!("lost:{}", chance.pick(people)));
    }
    if chance.percent(8) {
        let nobody = [chance.id("rsv"), chance.id("usr"), format!("lost:{}", chance.id("rsv")), "whoever".to_owned()];
        trying.push(chance.pick(&nobody).clone());
    }
    for who in trying {
        for door in chance.some(&world.doors(), 1, 4) {
            let told = match chance.below(100) {
                0 | 1 => Told::Wrong,
                2..=6 => Told::Nothing,
                _ => Told::Right,
            };
            items.push(Item::Tried { at, door: door.to_owned(), who: who.clone(), told });
        }
    }
}
