//! Random hotels and random days in them.

mod bus;
mod chance;
mod features;
mod guests;
mod probes;
mod spoiled;
mod staff;
mod trouble;
mod world;

use chrono::DateTime;
use serde_json::{Value, json};

pub(crate) use self::bus::CANARY;
pub(crate) use self::chance::Chance;
pub(crate) use self::features::Features;
use crate::model::{Model, Opens, Want, text};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// What a try tells the program to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Right,
    Wrong,
    Nothing,
}

/// A line before it is written.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Blank(Vec<u8>),
    /// One that cannot be read, and what has to be answered.
    Spoiled {
        line: Vec<u8>,
        want: Want,
    },
    Said {
        at: i64,
        member: &'static str,
        value: Value,
    },
    Tried {
        at: i64,
        door: String,
        who: String,
        told: Told,
    },
}

impl Item {
    /// A line that can be read, and the verdict that stands there.
    pub(crate) fn read(line: &str) -> (Self, Option<bool>) {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = seconds(&line["at"]);
        let attempt = &line["try"];
        if attempt.is_object() {
            let (door, who) = (text(&attempt["door"]), text(&attempt["as"]));
            return (Self::Tried { at, door, who, told: Told::Right }, attempt["expect"].as_bool());
        }
        let members = ["event", "arrive", "lost", "unsuspend", "outage", "restart"];
        let member = *members.iter().find(|member| line.get(**member).is_some()).unwrap();
        (Self::Said { at, member, value: line[member].clone() }, None)
    }

    /// The line as it stands in the file.
    pub(crate) fn line(&self, want: Want) -> Vec<u8> {
        match self {
            Self::Blank(line) | Self::Spoiled { line, .. } => line.clone(),
            Self::Said { at, member, value } => {
                json!({ "at": instant(*at), *member: value }).to_string().into_bytes()
            }
            Self::Tried { at, door, who, told } => {
                let mut attempt = json!({ "door": door, "as": who });
                if let Some(expect) = expected(*told, want) {
                    attempt["expect"] = json!(expect);
                }
                json!({ "at": instant(*at), "try": attempt }).to_string().into_bytes()
            }
        }
    }

    pub(crate) const fn is_restart(&self) -> bool {
        matches!(self, Self::Said { member, .. } if matches!(member.as_bytes(), b"restart"))
    }
}

/// What a try expects of its door; nothing where the page leaves the door free.
pub(crate) fn expected(told: Told, want: Want) -> Option<bool> {
    let Want::Tried { opens, .. } = want else { return None };
    let right = match opens {
        Opens::Yes => true,
        Opens::No => false,
        Opens::Either(_) => return None,
    };
    match told {
        Told::Right => Some(right),
        Told::Wrong => Some(!right),
        Told::Nothing => None,
    }
}

/// A hotel and a day in it.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    pub(crate) hotel: Value,
    pub(crate) items: Vec<Item>,
}

impl Day {
    pub(crate) fn wants(&self) -> Vec<Want> {
        Model::answers(&self.hotel, &self.items)
    }

    pub(crate) fn file(&self, wants: &[Want]) -> Vec<u8> {
        let lines = self.items.iter().zip(wants).map(|(item, want)| item.line(*want));
        lines.collect::<Vec<_>>().join(&b'\n')
    }
}

/// What happens, before it is a line.
#[derive(Clone, Debug)]
enum Happening {
    Line(Item),
    /// Somebody tries doors: these people, or whoever it may be.
    Probe(Vec<String>),
    Spoiled,
}

/// What happens when, in the order in which it came about.
#[derive(Debug, Default)]
struct Script(Vec<(i64, Happening)>);

impl Script {
    fn say(&mut self, at: i64, member: &'static str, value: Value) {
        self.0.push((at, Happening::Line(Item::Said { at, member, value })));
    }

    fn probe(&mut self, at: i64, who: &str) {
        self.0.push((at, Happening::Probe(vec![who.to_owned()])));
    }

    /// Some of the seconds around an instant at which something changes.
    fn probe_around(&mut self, chance: &mut Chance, at: i64, seconds: &[i64], who: &str) {
        for second in seconds {
            if chance.percent(40) {
                self.probe(at + second, who);
            }
        }
    }

    fn some_instant(&self, chance: &mut Chance, otherwise: i64) -> i64 {
        if self.0.is_empty() { otherwise } else { chance.pick(&self.0).0 }
    }
}

/// The seconds around a delivery: at once, at the edge of the five seconds, of the minute.
const AFTER_DELIVERY: [i64; 8] = [0, 1, 4, 5, 6, 59, 60, 61];
/// The seconds around the edge of a window.
const AT_AN_EDGE: [i64; 5] = [-1, 0, 1, 5, 60];

/// The day of a seed.
pub(crate) fn day(seed: u64, features: Features) -> Day {
    let mut chance = Chance::new(seed);
    let world = world::world(&mut chance, seed, features);
    let start = 1_770_000_000 + chance.between(0, 200 * DAY);
    let mut script = Script::default();
    let reservations = guests::come_and_go(&mut chance, &world, start, features, &mut script);
    let mut people = reservations.clone();
    people.extend(staff::work(&mut chance, &world, start, features, &mut script));
    trouble::strikes(&mut chance, &world, start, features, &mut script);
    let end = script.0.iter().map(|(at, _)| *at).max().unwrap_or(start) + DAY;
    for _ in 0..chance.between(0, 10) {
        script.0.push((chance.between(start, end), Happening::Spoiled));
    }
    for _ in 0..chance.between(0, 6) {
        let at = chance.between(start, end);
        script.probe(at, chance.pick(&people).as_str());
    }
    // Stable: what happens at one instant happens in the order in which it came about.
    script.0.sort_by_key(|(at, _)| *at);
    let mut items = Vec::new();
    let mut probing = probes::Probing::new(&world, &people);
    for (at, happening) in script.0 {
        match happening {
            Happening::Line(item) => {
                probing.hear(&item);
                items.push(item);
            }
            Happening::Probe(who) => probing.tries(&mut chance, at, &who, &mut items),
            Happening::Spoiled => items.push(spoiled::line(&mut chance, &world, &reservations, at)),
        }
    }
    Day { hotel: world.hotel, items }
}

pub(crate) fn instant(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().format("%FT%TZ").to_string()
}

pub(crate) fn seconds(text: &Value) -> i64 {
    read_seconds(text).unwrap()
}

pub(crate) fn read_seconds(text: &Value) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(text.as_str()?).ok()?.timestamp())
}
