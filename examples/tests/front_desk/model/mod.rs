//! Who may open what, as the page of the format says it, and nothing else: no line of the product stands behind this.
//!
//! The model reads the same two files as the program, line by line, and says of each line what the answer has to be. Where the
//! page leaves a door free for a while the verdict is [`Opens::Either`], with the words of the page it rests on.

mod staff;
mod stay;
#[cfg(test)]
mod tests;
mod timeline;
mod vendor;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::staff::Shift;
use self::stay::{News, Reservation, Said, Stay};
use self::timeline::{Held, Step, needs_task};
use self::vendor::{Kind, Moment, Vendor};
use crate::days::{Item, read_seconds, seconds};

/// What a door does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    Yes,
    No,
    Either(&'static str),
}

/// What a line has to be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Blank,
    Taken,
    Refused(&'static str),
    Tried {
        opens: Opens,
        /// Whether there has to be an open desk task when the door stays shut.
        task: bool,
    },
}

#[derive(Debug)]
struct Door {
    vendor: String,
    /// The floor of a room; an area has none.
    floor: Option<String>,
    is_area: bool,
}

/// A hotel, and everything that was said in it so far.
#[derive(Debug)]
pub(crate) struct Model {
    tenant: String,
    property: String,
    /// The door of each room and area.
    places: BTreeMap<String, String>,
    doors: BTreeMap<String, Door>,
    vendors: BTreeMap<String, Vendor>,
    no_show_after: i64,
    reservations: BTreeMap<String, Reservation>,
    shifts: BTreeMap<String, Shift>,
    deactivated: BTreeMap<String, Moment>,
    closed: Option<Moment>,
    heard: BTreeSet<String>,
    now: i64,
    line: usize,
}

impl Model {
    pub(crate) fn new(hotel: &Value) -> Self {
        let (mut places, mut doors) = (BTreeMap::new(), BTreeMap::new());
        for (list, id) in [("rooms", "roomId"), ("areas", "area")] {
            for place in hotel[list].as_array().into_iter().flatten() {
                let door = text(&place["door"]);
                places.insert(text(&place[id]), door.clone());
                let floor = place["floor"].as_str().map(str::to_owned);
                doors.insert(door, Door { vendor: text(&place["vendor"]), floor, is_area: list == "areas" });
            }
        }
        let vendors = hotel["vendors"].as_object().into_iter().flatten();
        Self {
            tenant: text(&hotel["tenantId"]),
            property: text(&hotel["propertyId"]),
            places,
            doors,
            vendors: vendors.map(|(name, vendor)| (name.clone(), vendor_of(vendor))).collect(),
            no_show_after: delay(&hotel["policy"]),
            reservations: BTreeMap::new(),
            shifts: BTreeMap::new(),
            deactivated: BTreeMap::new(),
            closed: None,
            heard: BTreeSet::new(),
            now: i64::MIN,
            line: 0,
        }
    }

    /// The answers to a whole day.
    pub(crate) fn answers(hotel: &Value, items: &[Item]) -> Vec<Want> {
        let mut model = Self::new(hotel);
        items.iter().map(|item| model.line(item)).collect()
    }

    /// The next line of the day.
    pub(crate) fn line(&mut self, item: &Item) -> Want {
        // Line 0 of a second is what the clock brings.
        self.line += 1;
        let (at, member, value) = match item {
            Item::Blank(_) => return Want::Blank,
            Item::Spoiled { want, .. } => return *want,
            Item::Said { at, member, value } => (*at, *member, value),
            Item::Tried { at, door, who, .. } => {
                return match self.moment(*at) {
                    Some(_) => self.tried(door, who),
                    None => Want::Refused("INVALID_INPUT"),
                };
            }
        };
        if let Some(code) = self.refusal(member, value) {
            return Want::Refused(code);
        }
        // "goes back in time": behind the last line that was taken, for a refused one is without effect.
        let Some(moment) = self.moment(at) else { return Want::Refused("INVALID_INPUT") };
        let reservation = value["reservationId"].as_str();
        match (member, reservation) {
            ("event", _) => self.event(moment, value),
            ("arrive", Some(id)) => self.reservation(id).desk.push(moment),
            ("lost", Some(id)) => self.reservation(id).say(moment, Said::Lost),
            ("unsuspend", Some(id)) => self.reservation(id).say(moment, Said::Unsuspend),
            ("outage", _) => {
                let until = seconds(&value["until"]);
                self.vendors.get_mut(&text(&value["vendor"])).unwrap().outage(moment, until);
            }
            ("restart", _) => {
                for vendor in self.vendors.values_mut() {
                    if value["afterCalls"].is_null() {
                        vendor.no_death_any_more(moment);
                    } else {
                        vendor.death_is_ordered(moment);
                    }
                }
            }
            other => panic!("no line of the format: {other:?}"),
        }
        Want::Taken
    }

    fn moment(&mut self, at: i64) -> Option<Moment> {
        if at < self.now {
            return None;
        }
        self.now = at;
        Some(Moment { at, line: self.line })
    }

    fn reservation(&mut self, id: &str) -> &mut Reservation {
        self.reservations.entry(id.to_owned()).or_default()
    }

    /// Why a line that is well-formed is refused all the same.
    fn refusal(&self, member: &str, value: &Value) -> Option<&'static str> {
        let data = &value["data"];
        let is_unknown = |name: &Value| name.as_str().is_some_and(|name| !self.places.contains_key(name));
        match member {
            "event" if value["tenantId"] != *self.tenant => Some("TENANT_MISMATCH"),
            "event" if names_property(&text(&value["subject"])) && data["propertyId"] != *self.property => {
                Some("TENANT_MISMATCH")
            }
            "event" => {
                let mut places =
                    ["rooms", "areas"].into_iter().flat_map(|list| data[list].as_array()).flatten();
                let edge = |name: &str| data[name].as_str().map(|_| read_seconds(&data[name]));
                let is_window = match (edge("validFrom"), edge("validUntil")) {
                    (Some(from), Some(until)) => from.is_some() && from < until,
                    _ => true,
                };
                (places.any(is_unknown) || !is_window).then_some("INVALID_INPUT")
            }
            "outage" => (!self.vendors.contains_key(&text(&value["vendor"]))).then_some("INVALID_INPUT"),
            _ => None,
        }
    }

    fn event(&mut self, moment: Moment, envelope: &Value) {
        // A duplicate changes nothing; reservations have their versions besides.
        let is_first = self.heard.insert(text(&envelope["id"]));
        let (subject, data) = (text(&envelope["subject"]), &envelope["data"]);
        let stay = || Stay {
            guest: text(&data["guestId"]),
            doors: ["rooms", "areas"]
                .into_iter()
                .flat_map(|list| data[list].as_array())
                .flatten()
                .map(|place| self.places[place.as_str().unwrap()].clone())
                .collect(),
            from: seconds(&data["validFrom"]),
            until: seconds(&data["validUntil"]),
        };
        let of = |name: &str| subject.ends_with(&format!(".{name}.v1"));
        let news = match () {
            () if of("booking.confirmed") => News::Stands(stay()),
            () if of("booking.dates_changed") => News::Changes(stay()),
            () if of("booking.cancelled") || of("booking.checked_out") || of("booking.early_checkout") => {
                News::Ends
            }
            () if of("booking.fraud_flagged") => News::Fraud,
            () if of("booking.no_show") => News::NoShow(seconds(&envelope["time"]) + self.no_show_after),
            () => {
                if is_first {
                    self.house_news(moment, &of, data);
                }
                return;
            }
        };
        let version = data["version"].as_u64().unwrap();
        let closed = self.closed;
        let reservation = self.reservation(&text(&data["reservationId"]));
        if closed.is_none() {
            reservation.say(moment, Said::News { version, news });
        }
    }

    fn house_news(&mut self, moment: Moment, of: &dyn Fn(&str) -> bool, data: &Value) {
        let user = text(&data["userId"]);
        match () {
            () if of("shift.started") => {
                let doors = self.scope(&text(&data["scope"]));
                let (from, until) = (seconds(&data["validFrom"]), seconds(&data["validUntil"]));
                let shift = self.shifts.entry(text(&data["shiftId"])).or_default();
                shift.start(moment, user, doors, from, until);
            }
            () if of("shift.ended") => self.shifts.entry(text(&data["shiftId"])).or_default().end(moment),
            () if of("user.deactivated") => {
                self.deactivated.entry(user).or_insert(moment);
            }
            () if of("property.deactivated") => {
                self.closed.get_or_insert(moment);
                for reservation in self.reservations.values_mut() {
                    reservation.say(moment, Said::Closed);
                }
            }
            () if of("tenant.config_updated") => self.no_show_after = delay(&data["policy"]),
            () => {}
        }
    }

    /// The doors of a scope (R105). Nothing in a day assigns a room or says what is back of house, so those open nothing.
    fn scope(&self, scope: &str) -> BTreeSet<String> {
        let (kind, name) = scope.split_once(':').unwrap_or((scope, ""));
        let is_in = |place: &str, door: &Door| match (kind, name) {
            ("rooms", "all") => !door.is_area,
            ("areas", "all") => door.is_area,
            ("room", _) => !door.is_area && place == name,
            ("areas", _) => door.is_area && place == name,
            ("floor", _) => door.floor.as_deref() == Some(name),
            _ => false,
        };
        let doors = self.places.iter().filter(|(place, door)| is_in(place, &self.doors[*door]));
        doors.map(|(_, door)| door.clone()).collect()
    }

    fn tried(&self, door: &str, who: &str) -> Want {
        if !self.doors.contains_key(door) {
            return Want::Refused("INVALID_INPUT");
        }
        let (opens, task) = if let Some(finder) = who.strip_prefix("lost:") {
            let opens = self
                .reservations
                .get(finder)
                .map(|of| self.held(of, door, &|held| held.finder(door, self.now)));
            (opens.unwrap_or(Opens::No), false)
        } else if who.starts_with("usr_") {
            self.staff(who, door)
        } else {
            self.guest(who, door)
        };
        Want::Tried { opens, task }
    }

    fn held<T>(&self, of: &Reservation, door: &str, ask: &dyn Fn(&Held<'_>) -> T) -> T {
        let steps = of.timeline(self.now);
        self.held_with(&steps, &of.desk, door, ask)
    }

    fn held_with<T>(&self, steps: &[Step], desk: &[Moment], door: &str, ask: &dyn Fn(&Held<'_>) -> T) -> T {
        let vendor = &self.doors[door].vendor;
        let is_theirs = |other: &str| self.doors[other].vendor == *vendor;
        ask(&Held { steps, vendor: &self.vendors[vendor], is_theirs: &is_theirs, desk })
    }

    fn guest(&self, id: &str, door: &str) -> (Opens, bool) {
        let Some(own) = self.reservations.get(id) else { return (Opens::No, false) };
        let holder = |of: &Reservation| self.held(of, door, &|held| held.holder(door, self.now));
        let opens = holder(own);
        let guests = own.guests();
        let also_his =
            self.reservations.iter().filter(|(other, of)| *other != id && !of.guests().is_disjoint(&guests));
        if opens == Opens::No && also_his.map(|(_, of)| holder(of)).any(|opens| opens != Opens::No) {
            return (
                Opens::Either("a guest of several stays: whether `as` is the guest or the stay is left open"),
                false,
            );
        }
        (opens, needs_task(&own.timeline(self.now), door, self.now))
    }

    fn staff(&self, user: &str, door: &str) -> (Opens, bool) {
        let shifts = self.shifts.values().filter(|shift| shift.user == user);
        let is_card = self.vendors[&self.doors[door].vendor].kind == Kind::Card;
        let mut task = false;
        let verdicts = shifts.map(|shift| {
            let steps = shift.timeline(self.deactivated.get(user).copied(), self.closed);
            let ever = steps.iter().any(|step| step.opens(door, self.now));
            // "until then the shift has a task".
            task |= is_card && needs_task(&steps, door, self.now);
            match self.vendors[&self.doors[door].vendor].kind {
                // No line brings staff to the desk.
                Kind::Card if ever => {
                    Opens::Either("A staff card is written when the shift starts, by a person")
                }
                Kind::Card => Opens::No,
                Kind::Online | Kind::Silent => {
                    self.held_with(&steps, &[], door, &|held| held.holder(door, self.now))
                }
            }
        });
        let best = verdicts.max_by_key(|opens| match opens {
            Opens::No => 0,
            Opens::Either(_) => 1,
            Opens::Yes => 2,
        });
        (best.unwrap_or(Opens::No), task)
    }
}

/// Whether the data of this subject says of which property it is.
fn names_property(subject: &str) -> bool {
    let has = ["reservation.booking.", "staff.shift.", "tenant.property.deactivated"];
    let heard = [
        "confirmed",
        "dates_changed",
        "cancelled",
        "checked_out",
        "early_checkout",
        "no_show",
        "fraud_flagged",
        "started",
        "ended",
        "deactivated",
    ];
    has.iter().any(|part| subject.contains(part))
        && heard.iter().any(|end| subject.ends_with(&format!("{end}.v1")))
}

fn vendor_of(entry: &Value) -> Vendor {
    let url = entry["url"].as_str().unwrap_or_default();
    let kind = match () {
        () if url.contains("personality=card") || entry["vendor"] == "generic-wiegand" => Kind::Card,
        () if url.contains("personality=silent_ack") => Kind::Silent,
        () => Kind::Online,
    };
    let mut vendor = Vendor::new(kind, url.contains("fail="));
    (vendor.recovers_in, vendor.lands_in) = match () {
        () if url.contains("personality=webhook") => (15, 35),
        () if url.contains("passcodes=custom") => (120, 0),
        () => (0, 0),
    };
    vendor
}

fn delay(policy: &Value) -> i64 {
    policy["noShowSuspendAfterHours"].as_i64().unwrap() * 3600
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
