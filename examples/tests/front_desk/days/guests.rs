//! Guests: what becomes of their stays, and what they do at the desk.

use serde_json::json;

use super::bus::{Booking, Whose, carry};
use super::world::World;
use super::{AFTER_DELIVERY, AT_AN_EDGE, Chance, DAY, Features, HOUR, MINUTE, Script};

/// Tells the stories of all reservations; their ids.
pub(crate) fn come_and_go(
    chance: &mut Chance,
    world: &World,
    start: i64,
    features: Features,
    script: &mut Script,
) -> Vec<String> {
    let reservations: Vec<String> = (0..chance.between(1, 5)).map(|_| chance.id("rsv")).collect();
    let guests: Vec<String> = reservations.iter().map(|_| chance.id("gst")).collect();
    for (reservation, guest) in reservations.iter().zip(&guests) {
        // Now and then one guest has several stays.
        let guest = if chance.percent(7) { chance.pick(&guests) } else { guest };
        Story { whose: Whose { world, reservation, guest }, features, script }.tell(chance, start);
    }
    reservations
}

struct Story<'s, 'w> {
    whose: Whose<'w>,
    features: Features,
    script: &'s mut Script,
}

impl Story<'_, '_> {
    fn tell(&mut self, chance: &mut Chance, start: i64) {
        let world = self.whose.world;
        let mut at = start + chance.between(0, 2 * DAY);
        let mut booking = book(chance, world, at);
        let mut version = 0;
        let mut is_live = false;
        for _ in 0..chance.between(1, 6) {
            version += u64::try_from(chance.between(1, 3)).unwrap();
            let (books, ends) = if is_live { (45, 65) } else { (80, 85) };
            let what = chance.below(100);
            let event = if what < books {
                booking = rebook(chance, world, at, booking);
                // Now and then a change of what is not there.
                let changes = chance.percent(if is_live { 50 } else { 5 });
                is_live |= !changes;
                self.whose.booked(
                    chance,
                    at,
                    version,
                    &booking,
                    if changes { "dates_changed" } else { "confirmed" },
                )
            } else if what < ends || !self.features.has(Features::NO_SHOW.with(Features::FRAUD)) {
                is_live = false;
                let how = *chance.pick(&["cancelled", "checked_out", "early_checkout"]);
                self.whose.told(chance, at, version, how)
            } else {
                self.suspicion(chance, at, version, &booking)
            };
            let delivered = carry(chance, at, &event, self.whose.reservation, self.script);
            self.rival(chance, at, version);
            self.at_the_edges(chance, &booking);
            self.at_the_desk(chance, delivered, &booking);
            at += if chance.percent(25) { chance.between(0, 10) } else { chance.between(MINUTE, DAY) };
            if self.features.has(Features::UNSUSPEND) && chance.percent(15) {
                self.unsuspend(chance, at);
            }
        }
    }

    fn suspicion(
        &mut self,
        chance: &mut Chance,
        at: i64,
        version: u64,
        booking: &Booking,
    ) -> super::bus::Event {
        let is_fraud = match (self.features.has(Features::FRAUD), self.features.has(Features::NO_SHOW)) {
            (true, true) => chance.percent(40),
            (fraud, _) => fraud,
        };
        if self.features.has(Features::UNSUSPEND) && chance.percent(60) {
            let later = if chance.percent(30) { chance.between(0, 10) } else { chance.between(0, 14 * HOUR) };
            self.unsuspend(chance, at + later);
        }
        if is_fraud {
            return self.whose.told(chance, at, version, "fraud_flagged");
        }
        // What happened may be hours old when it is told.
        let time = if chance.percent(70) { at } else { at - chance.between(0, 14 * HOUR) };
        // The policy of the hotel or a later one: the edge of each is worth a look.
        for hours in 0..=12 {
            if chance.percent(15) || world_delay(self.whose.world) == hours {
                self.script.probe_around(chance, time + hours * HOUR, &AT_AN_EDGE, self.whose.reservation);
            }
        }
        self.script.probe(booking.from + MINUTE, self.whose.reservation);
        self.whose.told(chance, time, version, "no_show")
    }

    fn unsuspend(&mut self, chance: &mut Chance, at: i64) {
        let operator = chance.id("usr");
        let who = self.someone(chance);
        self.script.say(at, "unsuspend", json!({ "reservationId": who, "operator": operator }));
        self.script.probe_around(chance, at, &AFTER_DELIVERY, self.whose.reservation);
    }

    /// Of two events with one version the first delivered stands.
    fn rival(&mut self, chance: &mut Chance, at: i64, version: u64) {
        if chance.percent(6) {
            let rival = if chance.percent(50) {
                let other = book(chance, self.whose.world, at);
                self.whose.booked(chance, at, version, &other, "confirmed")
            } else {
                self.whose.told(chance, at, version, "cancelled")
            };
            carry(chance, at, &rival, self.whose.reservation, self.script);
        }
    }

    fn at_the_edges(&mut self, chance: &mut Chance, booking: &Booking) {
        self.script.probe_around(chance, booking.from, &AT_AN_EDGE, self.whose.reservation);
        self.script.probe_around(chance, booking.until, &AT_AN_EDGE, self.whose.reservation);
        self.script.probe(chance.between(booking.from, booking.until - 1), self.whose.reservation);
    }

    fn at_the_desk(&mut self, chance: &mut Chance, delivered: i64, booking: &Booking) {
        let has_cards = self.whose.world.has("personality=card") || self.whose.world.has("generic-wiegand");
        while chance.percent(if has_cards { 60 } else { 15 }) {
            let at = match chance.below(4) {
                0 => delivered + chance.between(0, MINUTE),
                1 => booking.from + chance.between(0, HOUR),
                2 => booking.from,
                _ => chance.between(booking.from, booking.until - 1).min(booking.from + 3 * DAY),
            };
            let who = self.someone(chance);
            self.script.say(at, "arrive", json!({ "reservationId": who }));
            self.script.probe_around(chance, at, &AFTER_DELIVERY, self.whose.reservation);
        }
        if self.features.has(Features::LOST) && chance.percent(15) {
            let at = match chance.below(4) {
                0 => delivered + chance.between(0, MINUTE),
                1 => booking.from - chance.between(0, DAY),
                _ => chance.between(booking.from, booking.until - 1).min(booking.from + 3 * DAY),
            };
            let finder = format!("lost:{}", self.whose.reservation);
            let mut times = vec![at];
            if chance.percent(25) {
                times.push(
                    at + if chance.percent(50) { chance.between(0, 9) } else { chance.between(MINUTE, DAY) },
                );
            }
            for at in times {
                let (who, operator) = (self.someone(chance), chance.id("usr"));
                self.script.say(at, "lost", json!({ "reservationId": who, "operator": operator }));
                self.script.probe_around(chance, at, &AFTER_DELIVERY, self.whose.reservation);
                self.script.probe_around(chance, at, &AFTER_DELIVERY, &finder);
                if has_cards && chance.percent(70) {
                    self.script.say(at + 2 * MINUTE, "arrive", json!({ "reservationId": who }));
                    self.script.probe(at + 3 * MINUTE, self.whose.reservation);
                }
                self.script.probe(at + chance.between(0, DAY), &finder);
            }
        }
    }

    /// Mostly the guest himself; now and then a reservation that nobody knows.
    fn someone(&self, chance: &mut Chance) -> String {
        if chance.percent(4) { chance.id("rsv") } else { self.whose.reservation.to_owned() }
    }
}

fn world_delay(world: &World) -> i64 {
    world.hotel["policy"]["noShowSuspendAfterHours"].as_i64().unwrap()
}

pub(crate) fn book(chance: &mut Chance, world: &World, at: i64) -> Booking {
    let (from, until) = window(chance, world, at);
    Booking { rooms: rooms(chance, world), areas: areas(chance, world), from, until }
}

/// A change: of one thing, of everything, or of nothing at all.
fn rebook(chance: &mut Chance, world: &World, at: i64, before: Booking) -> Booking {
    let booking = match chance.below(8) {
        0 => before,
        1 => Booking { rooms: rooms(chance, world), ..before },
        2 => Booking { areas: areas(chance, world), ..before },
        3 => Booking { until: before.until + chance.between(1, 2 * DAY), ..before },
        4 => Booking { until: chance.between(before.from + 1, before.until), ..before },
        5 => Booking { from: chance.between(before.from - DAY, before.until - 1), ..before },
        _ => book(chance, world, at),
    };
    let (from, until) = told_apart(world, booking.from, booking.until);
    Booking { from, until, ..booking }
}

/// The least window around these that every lock in the house can tell.
fn told_apart(world: &World, from: i64, until: i64) -> (i64, i64) {
    let grain = world.grain();
    (from.div_euclid(grain) * grain, (until + grain - 1).div_euclid(grain) * grain)
}

fn rooms(chance: &mut Chance, world: &World) -> Vec<usize> {
    // A booking may name no room, and open nothing; or the whole house.
    let all: Vec<usize> = (0..world.rooms.len()).collect();
    match chance.below(20) {
        0 => Vec::new(),
        1 => all,
        _ => chance.some(&all, 1, 3),
    }
}

fn areas(chance: &mut Chance, world: &World) -> Vec<usize> {
    chance.some(&(0..world.areas.len()).collect::<Vec<_>>(), 0, 2)
}

/// Mostly nights ahead; sometimes a walk-in, a moment, or a stay that is over already.
pub(crate) fn window(chance: &mut Chance, world: &World, at: i64) -> (i64, i64) {
    let from = match chance.below(12) {
        0 => at - chance.between(0, DAY),
        1 | 2 => at,
        3 => at + chance.between(0, 100 * DAY),
        _ => at + chance.between(0, 2 * DAY),
    };
    let from = if chance.percent(70) { from.div_euclid(HOUR) * HOUR } else { from };
    let length = match chance.below(10) {
        0 => chance.between(1, 90),
        1 | 2 => chance.between(MINUTE, 6 * HOUR),
        3 => chance.between(DAY, 400 * DAY),
        _ => chance.between(1, 72) * HOUR,
    };
    told_apart(world, from, from + length)
}
