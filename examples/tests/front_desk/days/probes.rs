//! Who tries which doors.

use std::collections::BTreeMap;

use super::world::World;
use super::{Chance, Item, Told};

pub(crate) struct Probing<'w> {
    world: &'w World,
    people: &'w [String],
    /// Doors that anybody has ever had to do with.
    known: BTreeMap<String, Vec<String>>,
}

impl<'w> Probing<'w> {
    pub(crate) const fn new(world: &'w World, people: &'w [String]) -> Self {
        Self { world, people, known: BTreeMap::new() }
    }

    pub(crate) fn hear(&mut self, item: &Item) {
        let Item::Said { value, .. } = item else { return };
        let data = &value["data"];
        let Some(who) = data["reservationId"].as_str() else { return };
        let places = ["rooms", "areas"].into_iter().flat_map(|list| data[list].as_array()).flatten();
        for id in places {
            let all = self.world.rooms.iter().chain(&self.world.areas);
            for place in all.filter(|place| *id == *place.id) {
                let known = self.known.entry(who.to_owned()).or_default();
                if !known.contains(&place.door) {
                    known.push(place.door.clone());
                }
            }
        }
    }

    /// Some people try some doors; now and then somebody who has nothing.
    pub(crate) fn tries(&self, chance: &mut Chance, at: i64, who: &[String], items: &mut Vec<Item>) {
        let mut trying: Vec<String> = who.iter().filter(|who| !who.is_empty()).cloned().collect();
        let more = if trying.is_empty() { 2 } else { chance.below(4).saturating_sub(2) };
        for _ in 0..more {
            trying.push(chance.pick(self.people).clone());
        }
        if chance.percent(6) {
            trying.push(format!("lost:{}", chance.pick(self.people)));
        }
        if chance.percent(4) {
            let nobody = [
                chance.id("rsv"),
                chance.id("usr"),
                format!("lost:{}", chance.id("rsv")),
                "whoever".to_owned(),
            ];
            trying.push(chance.pick(&nobody).clone());
        }
        for who in trying {
            for door in self.doors(chance, &who) {
                let told = match chance.below(100) {
                    0 | 1 => Told::Wrong,
                    2..=6 => Told::Nothing,
                    _ => Told::Right,
                };
                items.push(Item::Tried { at, door, who: who.clone(), told });
            }
        }
    }

    /// Mostly doors he has had to do with.
    fn doors(&self, chance: &mut Chance, who: &str) -> Vec<String> {
        let known = self.known.get(who.strip_prefix("lost:").unwrap_or(who));
        let mut doors = known.map_or_else(Vec::new, |known| chance.some(known, 1, 2));
        if doors.is_empty() || chance.percent(40) {
            doors.extend(chance.some(&self.world.doors(), 1, 2).into_iter().map(str::to_owned));
        }
        doors
    }
}
