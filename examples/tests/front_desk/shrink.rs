//! Makes a failing day short.

use crate::days::{Day, Item};

/// How many days are played at most to make one short.
const PLAYS: usize = 600;

/// The shortest day found in which the same still is wrong.
pub(crate) fn shrink(day: &Day, mut is_wrong: impl FnMut(&Day) -> bool) -> Day {
    let mut best = day.clone();
    let mut plays = 0;
    let mut still = |day: &Day| {
        plays += 1;
        plays <= PLAYS && is_wrong(day)
    };
    let mut piece = best.items.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        let mut is_shorter = false;
        while at < best.items.len() {
            let mut shorter = best.clone();
            shorter.items.drain(at..(at + piece).min(best.items.len()));
            if still(&shorter) {
                best = shorter;
                is_shorter = true;
            } else {
                at += piece;
            }
        }
        if piece == 1 && !is_shorter {
            break;
        }
        piece = if piece == 1 { 1 } else { piece / 2 };
    }
    smaller_house(&mut best, &mut still);
    best
}

/// Leaves out rooms and areas nobody speaks of, and what an event need not say.
fn smaller_house(best: &mut Day, still: &mut impl FnMut(&Day) -> bool) {
    for list in ["rooms", "areas"] {
        let mut index = 0;
        while index < best.hotel[list].as_array().map_or(0, Vec::len) {
            let mut smaller = best.clone();
            smaller.hotel[list].as_array_mut().unwrap().remove(index);
            if still(&smaller) { *best = smaller } else { index += 1 }
        }
    }
    let unused: Vec<String> = best.hotel["vendors"].as_object().unwrap().keys().cloned().collect();
    for name in unused {
        let mut smaller = best.clone();
        smaller.hotel["vendors"].as_object_mut().unwrap().remove(&name);
        let rest = smaller.hotel.to_string();
        if !rest.contains(&format!("\"vendor\":\"{name}\"")) && still(&smaller) {
            *best = smaller;
        }
    }
    for index in 0..best.items.len() {
        for (list, name) in [("rooms", 0), ("areas", 0), ("rooms", 1), ("areas", 1)] {
            let mut smaller = best.clone();
            if let Item::Said { value, .. } = &mut smaller.items[index]
                && let Some(places) = value["data"].get_mut(list).and_then(|places| places.as_array_mut())
                && places.len() > name
            {
                places.remove(name);
                if still(&smaller) {
                    *best = smaller;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_lines_of_a_hundred_are_found() {
        let said = |number: i64| Item::Said { at: number, member: "restart", value: json!({ "n": number }) };
        let hotel = json!({ "vendors": { "main": {} }, "rooms": [{ "vendor": "main" }], "areas": [] });
        let day = Day { hotel, items: (0..100).map(said).collect() };
        let has = |day: &Day, number: i64| {
            day.items.iter().any(|item| matches!(item, Item::Said { at, .. } if *at == number))
        };
        let short = shrink(&day, |day| has(day, 13) && has(day, 77));
        assert_eq!(short.items.len(), 2);
        assert!(short.hotel["rooms"].as_array().unwrap().is_empty());
    }
}
