//! One line.

use std::num::NonZeroU64;

use lockport::Timestamp;
use lockport::event::Envelope;
use lockport::id::{ReservationId, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Deed, Heard, Moment, Refusal, Restart, Step, Try, Who, instant};
use crate::front_desk::hotel::Hotel;

/// The members of which a line has exactly one, as they stand there: a member that is there and null is there.
#[derive(Deserialize)]
struct Members {
    #[serde(default, deserialize_with = "present")]
    at: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    event: Option<Value>,
    #[serde(default, rename = "try", deserialize_with = "present")]
    attempt: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    arrive: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    lost: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    unsuspend: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    outage: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    restart: Option<Value>,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Attempt {
    door: String,
    #[serde(rename = "as")]
    who: String,
    #[serde(default, deserialize_with = "present")]
    expect: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arrival {
    reservation_id: ReservationId,
}

/// Something that an operator does about a reservation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ByHand {
    reservation_id: ReservationId,
    operator: UserId,
}

#[derive(Deserialize)]
struct Away {
    vendor: String,
    until: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Death {
    #[serde(default, deserialize_with = "present")]
    after_calls: Option<NonZeroU64>,
}

pub(super) fn read(hotel: &Hotel, bytes: &[u8]) -> Result<Moment, Refusal> {
    let text = str::from_utf8(bytes).map_err(|_| Refusal::invalid("the line is not UTF-8"))?;
    if !text.trim_start().starts_with('{') {
        return Err(Refusal::invalid("the line is no JSON object"));
    }
    let members: Members = serde_json::from_str(text)
        .map_err(|error| Refusal::invalid(format!("the line cannot be read: {error}")))?;
    let (name, member) = members.only()?;
    let at = match &members.at {
        Some(Value::String(text)) => instant(text)?,
        _ => return Err(Refusal::invalid("the line has no 'at'")),
    };
    let step = match name {
        "event" => Step::Event(Box::new(Heard::read(hotel, object::<Envelope>("event", member)?)?)),
        "try" => Step::Try(attempt(hotel, object("try", member)?)?),
        "arrive" => Step::Arrive(object::<Arrival>("arrive", member)?.reservation_id),
        "restart" => {
            let Death { after_calls } = object("restart", member)?;
            Step::Restart(after_calls.map_or(Restart::Now, Restart::AfterCalls))
        }
        "lost" | "unsuspend" => {
            let ByHand { reservation_id: reservation, operator } = object(name, member)?;
            let deed = if name == "lost" { Deed::Lost } else { Deed::Unsuspend };
            Step::ByHand { reservation, operator, deed }
        }
        // The last of the names there are.
        _ => {
            let Away { vendor, until } = object("outage", member)?;
            if !hotel.vendors.contains_key(&vendor) {
                return Err(Refusal::invalid(format!("the hotel has no vendor {vendor:?}")));
            }
            if until <= at {
                return Err(Refusal::invalid("the outage is over before it begins"));
            }
            Step::Outage { vendor, until }
        }
    };
    Ok(Moment { at, step })
}

impl Members {
    fn only(&self) -> Result<(&'static str, &Value), Refusal> {
        let all = [
            ("event", &self.event),
            ("try", &self.attempt),
            ("arrive", &self.arrive),
            ("lost", &self.lost),
            ("unsuspend", &self.unsuspend),
            ("outage", &self.outage),
            ("restart", &self.restart),
        ];
        let names = || all.map(|(name, _)| name).join(", ");
        let mut there = all.into_iter().filter_map(|(name, member)| Some((name, member.as_ref()?)));
        match (there.next(), there.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Refusal::invalid(format!("the line has none of {}", names()))),
            (Some((one, _)), Some((other, _))) => {
                Err(Refusal::invalid(format!("the line has both '{one}' and '{other}'")))
            }
        }
    }
}

/// A member that has to be an object: what reads a structure would take a list of its values as well.
pub(super) fn object<T: DeserializeOwned>(name: &str, member: &Value) -> Result<T, Refusal> {
    if !member.is_object() {
        return Err(Refusal::invalid(format!("'{name}' is no JSON object")));
    }
    T::deserialize(member).map_err(|error| Refusal::invalid(format!("'{name}' cannot be read: {error}")))
}

fn attempt(hotel: &Hotel, attempt: Attempt) -> Result<Try, Refusal> {
    if !hotel.has_door(&attempt.door) {
        return Err(Refusal::invalid(format!("the hotel has no door {:?}", attempt.door)));
    }
    Ok(Try { door: attempt.door, who: Who::read(&attempt.who), expect: attempt.expect })
}
