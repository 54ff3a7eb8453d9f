//! Events as the platform's bus carries them.

use serde_json::{Value, json};

use super::world::{World, kinds};
use super::{Chance, Script, instant};

/// A canary: never of any use to the desk, and to be found in no answer.
pub(crate) const CANARY: &str = "73194628";

/// An event that is still to be delivered, perhaps more than once.
#[derive(Clone, Debug)]
pub(crate) struct Event(pub(crate) Value);

/// `subject` without the platform's prefix.
pub(crate) fn event(chance: &mut Chance, world: &World, time: i64, subject: &str, data: &Value) -> Event {
    let subject = format!("melmastoon.{subject}.v1");
    let mut envelope = json!({
        "specVersion": "1.0", "id": chance.id("evt"), "subject": subject, "type": subject,
        "source": "/services/reservation-service", "time": instant(time), "tenantId": world.tenant, "data": data,
    });
    if chance.percent(50) {
        envelope["traceId"] = json!("00-364fcee8cdd168691ed01fcd7529c3ac-309cb5c8d66db494-01");
        envelope["correlationId"] = json!(chance.id("rsv"));
    }
    // "unknown members are ignored".
    if chance.percent(10) {
        envelope["data"]["pin"] = json!(CANARY);
        envelope["note"] = json!({ "token": CANARY });
    }
    Event(envelope)
}

/// What is booked: rooms and areas by their place in the hotel.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    pub(crate) rooms: Vec<usize>,
    pub(crate) areas: Vec<usize>,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

pub(crate) struct Whose<'w> {
    pub(crate) world: &'w World,
    pub(crate) reservation: &'w str,
    pub(crate) guest: &'w str,
}

impl Whose<'_> {
    /// `what`: `confirmed` or `dates_changed`.
    pub(crate) fn booked(
        &self,
        chance: &mut Chance,
        at: i64,
        version: u64,
        booking: &Booking,
        what: &str,
    ) -> Event {
        let Booking { rooms, areas, from, until } = booking;
        let rooms: Vec<&str> = rooms.iter().map(|index| &*self.world.rooms[*index].id).collect();
        let areas: Vec<&str> = areas.iter().map(|index| &*self.world.areas[*index].id).collect();
        let mut data = json!({
            "reservationId": self.reservation, "propertyId": self.world.property, "guestId": self.guest,
            "version": version, "rooms": rooms, "validFrom": instant(*from), "validUntil": instant(*until),
        });
        if !areas.is_empty() || chance.percent(20) {
            data["areas"] = json!(areas);
        }
        if chance.percent(20) {
            data["preferredKinds"] = json!(kinds(chance, self.world.features));
        }
        event(chance, self.world, at, &format!("reservation.booking.{what}"), &data)
    }

    /// An event that says nothing but what becomes of the stay.
    pub(crate) fn told(&self, chance: &mut Chance, time: i64, version: u64, what: &str) -> Event {
        let data = json!({
            "reservationId": self.reservation, "propertyId": self.world.property, "version": version,
        });
        event(chance, self.world, time, &format!("reservation.booking.{what}"), &data)
    }
}

/// The bus delivers at least once, and not always at once. Says when it first did.
pub(crate) fn carry(chance: &mut Chance, at: i64, event: &Event, who: &str, script: &mut Script) -> i64 {
    let late = match chance.below(8) {
        0 => chance.between(1, 2 * super::DAY),
        1 => chance.between(1, super::MINUTE),
        _ => 0,
    };
    let mut deliver = |chance: &mut Chance, at: i64| {
        script.say(at, "event", event.0.clone());
        script.probe_around(chance, at, &super::AFTER_DELIVERY, who);
    };
    deliver(chance, at + late);
    while chance.percent(20) {
        let again = if chance.percent(50) {
            chance.between(0, super::MINUTE)
        } else {
            chance.between(0, 2 * super::DAY)
        };
        deliver(chance, at + late + again);
    }
    at + late
}
