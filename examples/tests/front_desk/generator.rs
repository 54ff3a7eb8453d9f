//! Random days of the part of the format that is played, with what the page says of every line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::booking::{BusEvent, DAY, MINUTE, Whose, World, book, instant, rebook, world};
use crate::chance::Chance;
use crate::model::{Model, News};

/// What a line has to be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Blank,
    Taken,
    Refused(&'static str),
    Tried(Option<bool>),
}

/// A line and its answer.
pub(crate) type Line = (Vec<u8>, Want);

/// A hotel, a day in it, and an answer a line.
pub(crate) struct Rehearsal {
    pub(crate) hotel: String,
    pub(crate) lines: Vec<Line>,
    /// The least number of keys that each reservation has had: one a stay.
    pub(crate) keys: BTreeMap<String, usize>,
}

impl Rehearsal {
    pub(crate) fn file(&self) -> Vec<u8> {
        self.lines.iter().map(|(line, _)| line.as_slice()).collect::<Vec<_>>().join(&b'\n')
    }
}

/// What happens, before it is a line.
#[derive(Clone)]
enum Happening {
    Event(BusEvent),
    Probe,
    Noise,
    /// The process dies and comes back; what the page says of the day is the same.
    Restart,
}

pub(crate) fn rehearsal(seed: u64) -> Rehearsal {
    let mut chance = Chance::new(seed);
    let world = world(&mut chance);
    let start = 1_770_000_000 + chance.between(0, 200 * DAY);
    let mut happenings = Vec::new();
    let guests: Vec<String> = (0..chance.between(1, 5)).map(|_| chance.id("gst")).collect();
    let reservations: Vec<String> = (0..chance.between(1, 7)).map(|_| chance.id("rsv")).collect();
    for reservation in &reservations {
        let guest = chance.pick(&guests).clone();
        reserve(&mut chance, &world, start, reservation, &guest, &mut happenings);
    }
    let end = happenings.iter().map(|(at, _)| *at).max().unwrap_or(start) + DAY;
    for _ in 0..chance.between(0, 12) {
        happenings.push((chance.between(start, end), Happening::Noise));
    }
    for _ in 0..chance.between(0, 6) {
        // Shortly before something happens, or a death over a vendor's call would mostly find no call.
        let at = chance.pick(&happenings).0;
        happenings.push((at - chance.between(0, MINUTE), Happening::Restart));
    }
    // Stable: what happens at one instant happens in the order in which it came about.
    happenings.sort_by_key(|(at, _)| *at);
    let (lines, keys) = told(&mut chance, &world, &reservations, &happenings);
    Rehearsal { hotel: world.hotel.to_string(), lines, keys }
}

/// One reservation's story, in the order of its versions, and how the bus carries it.
fn reserve(
    chance: &mut Chance,
    world: &World,
    start: i64,
    reservation: &str,
    guest: &str,
    happenings: &mut Vec<(i64, Happening)>,
) {
    let whose = Whose { world, reservation, guest };
    let mut at = start + chance.between(0, 2 * DAY);
    let mut booking = book(chance, world, at);
    let mut version = 0;
    let mut is_live = false;
    for _ in 0..chance.between(1, 6) {
        version += u64::try_from(chance.between(1, 3)).unwrap();
        let books = if is_live { chance.percent(55) } else { chance.percent(85) };
        let event = if books {
            booking = rebook(chance, world, at, booking);
            // Now and then a change of what is not there.
            let changes = chance.percent(if is_live { 50 } else { 5 });
            is_live |= !changes;
            whose.booked(chance, at, version, &booking, changes)
        } else {
            is_live = false;
            whose.ended(chance, at, version)
        };
        carry(chance, at, &event, happenings);
        if chance.percent(6) {
            // Of two events with one version the first delivered stands.
            let rival = if chance.percent(50) {
                let other = book(chance, world, at);
                whose.booked(chance, at, version, &other, false)
            } else {
                whose.ended(chance, at, version)
            };
            carry(chance, at, &rival, happenings);
        }
        at += if chance.percent(20) { chance.between(0, 10) } else { chance.between(MINUTE, DAY) };
    }
}

/// The bus delivers at least once, and not always at once.
fn carry(chance: &mut Chance, at: i64, event: &BusEvent, happenings: &mut Vec<(i64, Happening)>) {
    let mut deliver = |chance: &mut Chance, at: i64| {
        happenings.push((at, Happening::Event(event.clone())));
        for pause in [0, 4, 5, 6, MINUTE] {
            if chance.percent(40) {
                happenings.push((at + pause, Happening::Probe));
            }
        }
    };
    let late = if chance.percent(25) { chance.between(1, 2 * DAY) } else { 0 };
    deliver(chance, at + late);
    while chance.percent(20) {
        let again = if chance.percent(50) { chance.between(0, MINUTE) } else { chance.between(0, 2 * DAY) };
        deliver(chance, at + late + again);
    }
    if let News::Stands(stay) | News::Changes(stay) = &event.news {
        for edge in [stay.from, stay.until] {
            for at in [edge - 1, edge, edge + 1] {
                if chance.percent(50) {
                    happenings.push((at, Happening::Probe));
                }
            }
        }
        happenings.push((chance.between(stay.from, stay.until - 1), Happening::Probe));
    }
}

/// The least number of keys a reservation has had so far.
#[derive(Default)]
struct Keys {
    least: usize,
    /// The newest version that the present key can have been made for.
    made_for: u64,
    was_going_on: bool,
}

impl Keys {
    /// Looks at the stay that is going on, as the version that began it and the one it is as.
    fn see(&mut self, stay: Option<(u64, u64)>) {
        if let Some((begun, version)) = stay {
            // A confirmation above an end is a new stay with a new key. A late one below the stay's beginning only makes the
            // same stay begin earlier.
            if self.least == 0 || begun > self.made_for {
                self.least += 1;
                self.made_for = version;
            } else if !self.was_going_on {
                self.made_for = self.made_for.max(version);
            }
        }
        self.was_going_on = stay.is_some();
    }
}

/// The lines, and by the model what is wanted of each.
fn told(
    chance: &mut Chance,
    world: &World,
    reservations: &[String],
    happenings: &[(i64, Happening)],
) -> (Vec<Line>, BTreeMap<String, usize>) {
    let mut model = Model::default();
    let mut lines = Vec::new();
    let mut keys = BTreeMap::<String, Keys>::new();
    for (at, happening) in happenings {
        for reservation in reservations {
            keys.entry(reservation.clone()).or_default().see(model.going_on(reservation, *at));
        }
        match happening {
            Happening::Event(BusEvent { reservation, version, news, envelope }) => {
                model.deliver(*at, reservation, *version, news.clone());
                lines.push((line(*at, "event", envelope), Want::Taken));
            }
            Happening::Probe => probe(chance, world, reservations, &model, *at, &mut lines),
            Happening::Restart => {
                let later = json!({ "afterCalls": chance.between(1, 12) });
                // Where a lost clearing of a room may still come, the next key waits for half a minute after a death.
                let waits = world.hotel["vendors"].to_string().contains("room_wide");
                let restart = if waits || chance.percent(30) { json!({}) } else { later };
                lines.push((line(*at, "restart", &restart), Want::Taken));
            }
            Happening::Noise => lines.push(noise(chance, world, reservations, *at)),
        }
    }
    (lines, keys.into_iter().map(|(reservation, keys)| (reservation, keys.least)).collect())
}

fn line(at: i64, member: &str, value: &Value) -> Vec<u8> {
    json!({ "at": instant(at), member: value }).to_string().into_bytes()
}

/// Some guests try some doors, and now and then somebody tries who has nothing.
fn probe(
    chance: &mut Chance,
    world: &World,
    reservations: &[String],
    model: &Model,
    at: i64,
    lines: &mut Vec<Line>,
) {
    let doors: Vec<&str> = world.rooms.iter().chain(&world.areas).map(|place| &*place.door).collect();
    for reservation in chance.some(reservations, 1, 3) {
        for door in chance.some(&doors, 1, 4) {
            let expect = model.expects(&reservation, door, at).filter(|_| chance.percent(95));
            let mut attempt = json!({ "door": door, "as": reservation });
            if let Some(expect) = expect {
                attempt["expect"] = json!(expect);
            }
            lines.push((line(at, "try", &attempt), Want::Tried(expect)));
        }
    }
    if chance.percent(10) {
        let lost = format!("lost:{}", chance.pick(reservations));
        let nobody = [chance.id("rsv"), chance.id("usr"), lost, "whoever".to_owned()];
        let attempt = json!({ "door": chance.pick(&doors), "as": chance.pick(&nobody), "expect": false });
        lines.push((line(at, "try", &attempt), Want::Tried(Some(false))));
    }
}

/// What belongs into no day, or does nothing in one.
fn noise(chance: &mut Chance, world: &World, reservations: &[String], at: i64) -> Line {
    let reservation = chance.pick(reservations).clone();
    let guest = chance.id("gst");
    let whose = Whose { world, reservation: &reservation, guest: &guest };
    let booking = book(chance, world, at);
    let mut event = whose.booked(chance, at, 1_000, &booking, false).envelope;
    let refused = Want::Refused("INVALID_INPUT");
    match chance.below(15) {
        0 => (b"  ".to_vec(), Want::Blank),
        1 => (b"{\"at\":".to_vec(), refused),
        2 => (line(at, "arrive", &json!({ "reservationId": reservation })), Want::Taken),
        3 => (line(at, "arrive", &json!({})), refused),
        4 => (line(at, "lost", &json!({ "reservationId": reservation })), Want::Refused("UNSUPPORTED")),
        5 => {
            event["subject"] = json!("melmastoon.housekeeping.room.cleaned.v1");
            (line(at, "event", &event), Want::Taken)
        }
        6 => {
            event["tenantId"] = json!(chance.id("tnt"));
            (line(at, "event", &event), Want::Refused("TENANT_MISMATCH"))
        }
        7 => {
            event["data"]["propertyId"] = json!(chance.id("ppt"));
            (line(at, "event", &event), Want::Refused("TENANT_MISMATCH"))
        }
        8 => {
            event["data"]["rooms"] = json!([chance.id("rmu")]);
            (line(at, "event", &event), refused)
        }
        9 => {
            event["data"]["areas"] = json!(["sauna"]);
            (line(at, "event", &event), refused)
        }
        10 => {
            event["data"]["validUntil"] = event["data"]["validFrom"].clone();
            (line(at, "event", &event), refused)
        }
        11 => {
            event["data"].as_object_mut().unwrap().remove("version");
            (line(at, "event", &event), refused)
        }
        12 => {
            let subject = "melmastoon.reservation.booking.fraud_flagged.v1";
            event["subject"] = json!(subject);
            (line(at, "event", &event), Want::Refused("UNSUPPORTED"))
        }
        13 => (line(at, "try", &json!({ "door": "999", "as": reservation, "expect": true })), refused),
        _ => {
            // Far ahead and refused: were it to move the clock, all that follows would go back in time.
            event["data"]["validUntil"] = json!("2026-01-01T00:00:00.5Z");
            (line(at + 400 * DAY, "event", &event), refused)
        }
    }
}
