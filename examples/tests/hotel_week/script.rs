//! What happens in the week, and when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta, TimeZone as _};
use chrono_tz::Europe::Berlin;
use serde_json::Value;

use crate::days::{Chance, Item, MINUTE};
use crate::house::{self, Hotel, Kind};
use crate::{guests, staff};

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// A line of a day.
    Line(Item),
    /// The battery in a door has so many percent from now on; no line of a day says so.
    Battery { door: String, percent: u8 },
    /// Nothing but what the clock brings.
    Nothing,
}

/// A week of a hotel: every deed at a second of its own.
#[derive(Debug)]
pub(crate) struct Week {
    pub(crate) hotel: Value,
    pub(crate) doors: Vec<String>,
    pub(crate) deeds: BTreeMap<i64, Deed>,
    /// Everybody who may stand at a door.
    pub(crate) people: BTreeMap<String, Person>,
}

/// Somebody who may stand at a door.
#[derive(Debug)]
pub(crate) struct Person {
    /// Since when there is anything to be said about him.
    pub(crate) since: i64,
    /// The doors that were ever said to be his.
    pub(crate) doors: BTreeSet<String>,
}

impl Week {
    pub(crate) fn of(kind: Kind, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let hotel = Hotel::new(kind, &mut chance);
        let doors = hotel.doors();
        let mut week =
            Self { hotel: hotel.json.clone(), doors, deeds: BTreeMap::new(), people: BTreeMap::new() };
        guests::come_and_go(&mut chance, &hotel, &mut week);
        staff::work(&mut chance, &hotel, &mut week);
        house::trouble(&mut week);
        week
    }

    pub(crate) fn events(&self) -> usize {
        self.deeds.values().filter(|deed| !matches!(deed, Deed::Nothing)).count()
    }

    /// A deed, then or as soon after as nothing else happens: each is looked at by itself.
    pub(crate) fn add(&mut self, at: i64, deed: Deed) -> i64 {
        const APART: i64 = 11;
        let mut at = at;
        while let Some((other, _)) = self.deeds.range(at - APART + 1..at + APART).next_back() {
            at = other + APART;
        }
        let deed = match deed {
            Deed::Line(Item::Said { member, value, .. }) => Deed::Line(Item::Said { at, member, value }),
            other => other,
        };
        self.deeds.insert(at, deed);
        at
    }

    pub(crate) fn say(&mut self, at: i64, member: &'static str, value: Value) -> i64 {
        self.add(at, Deed::Line(Item::Said { at, member, value }))
    }

    /// Somebody looks, at that second.
    pub(crate) fn look(&mut self, at: i64) {
        self.deeds.entry(at).or_insert(Deed::Nothing);
    }

    pub(crate) fn knows(&mut self, who: &str, since: i64, doors: impl IntoIterator<Item = String>) {
        let new = Person { since, doors: BTreeSet::new() };
        let person = self.people.entry(who.to_owned()).or_insert(new);
        person.since = person.since.min(since);
        person.doors.extend(doors);
    }
}

/// The Monday on which it begins. In the night to its Sunday the clocks go back: that day has 25 hours.
fn monday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 19).unwrap()
}

/// The week's days and one more, on which the last guests leave.
pub(crate) const DAYS: i64 = 7;

/// A time of day on the wall clock of the hotel, in seconds since 1970 in UTC; of two the earlier.
pub(crate) fn on_the_wall(day: i64, hour: u32, minute: u32) -> i64 {
    let date = monday().checked_add_signed(TimeDelta::days(day)).unwrap();
    Berlin.from_local_datetime(&date.and_hms_opt(hour, minute, 0).unwrap()).earliest().unwrap().timestamp()
}

/// Some minutes from now.
pub(crate) fn minutes(chance: &mut Chance, least: i64, most: i64) -> i64 {
    chance.between(least, most) * MINUTE
}
