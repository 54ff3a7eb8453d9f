//! Bus events: what the platform's envelope carries, held against the hotel before anything is done.
//!
//! lockport judges an event itself when it is delivered. A rehearsal has to know earlier: a refused line moves no clock, and
//! whether the line is refused decides whether the clock may move to it.

use lockport::Validity;
use lockport::credential::KeyCredentialKind;
use lockport::error::ErrorCode;
use lockport::event::{Envelope, SPEC_VERSION};
use lockport::id::{GuestId, PropertyId, ReservationId, RoomId};
use lockport::scope::Area;
use serde::Deserialize;

use super::line::object;
use super::{Refusal, Timestamp};
use crate::front_desk::hotel::Hotel;

/// An event that the hotel's own tenant and property sent.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The event.
    pub envelope: Envelope,
    /// What it says about a reservation; `None` when nobody at the desk listens to its subject.
    pub news: Option<News>,
}

/// What an event says about a reservation.
#[derive(Clone, Debug)]
pub struct News {
    /// The reservation.
    pub reservation: ReservationId,
    /// Which of its versions this is.
    pub version: u64,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a reservation.
#[derive(Clone, Debug)]
pub enum Change {
    /// It stands, like this.
    Confirmed(Booked),
    /// If it stands, then from now on like this.
    DatesChanged(Booked),
    /// It ends, in this way.
    Ended(Ending),
}

/// What is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The rooms.
    pub rooms: Vec<RoomId>,
    /// The areas.
    pub areas: Vec<Area>,
    /// From when until when.
    pub validity: Validity,
}

/// How a reservation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The guest does not come.
    Cancelled,
    /// The guest left.
    CheckedOut,
    /// The guest left before the time.
    EarlyCheckout,
}

/// The subjects the desk listens to, and how each is played; `None` when it is not played yet.
const SUBJECTS: [(&str, Option<Played>); 12] = [
    ("melmastoon.reservation.booking.confirmed.v1", Some(Played::Booking(Change::Confirmed))),
    ("melmastoon.reservation.booking.cancelled.v1", Some(Played::End(Ending::Cancelled))),
    ("melmastoon.reservation.booking.checked_out.v1", Some(Played::End(Ending::CheckedOut))),
    ("melmastoon.reservation.booking.early_checkout.v1", Some(Played::End(Ending::EarlyCheckout))),
    ("melmastoon.reservation.booking.dates_changed.v1", Some(Played::Booking(Change::DatesChanged))),
    ("melmastoon.reservation.booking.no_show.v1", None),
    ("melmastoon.reservation.booking.fraud_flagged.v1", None),
    ("melmastoon.staff.shift.started.v1", None),
    ("melmastoon.staff.shift.ended.v1", None),
    ("melmastoon.iam.user.deactivated.v1", None),
    ("melmastoon.tenant.property.deactivated.v1", None),
    ("melmastoon.tenant.config_updated.v1", None),
];

#[derive(Clone, Copy)]
enum Played {
    Booking(fn(Booked) -> Change),
    End(Ending),
}

/// The one member that says whose event it is beside the envelope.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfProperty {
    property_id: PropertyId,
}

/// Read whole, so that a member that is missing or broken is found; what only lockport needs is dropped again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Booking {
    reservation_id: ReservationId,
    #[serde(rename = "guestId")]
    _guest: GuestId,
    rooms: Vec<RoomId>,
    valid_from: Timestamp,
    valid_until: Timestamp,
    version: u64,
    #[serde(default)]
    areas: Vec<Area>,
    #[serde(default, rename = "preferredKinds")]
    _preferred_kinds: Vec<KeyCredentialKind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    reservation_id: ReservationId,
    version: u64,
}

impl Heard {
    pub(super) fn read(hotel: &Hotel, envelope: Envelope) -> Result<Self, Refusal> {
        let foreign =
            |what| Refusal::new(ErrorCode::TenantMismatch, &format!("the event is of another {what}"));
        if envelope.spec_version != SPEC_VERSION {
            return Err(Refusal::invalid("the event's envelope is of a version nobody here reads"));
        }
        if envelope.tenant_id != hotel.tenant {
            return Err(foreign("tenant"));
        }
        let Some((subject, played)) = SUBJECTS.iter().find(|(subject, _)| *subject == envelope.subject)
        else {
            return Ok(Self { envelope, news: None });
        };
        let Some(played) = played else {
            return Err(Refusal::unsupported(format!("'{subject}' is not played yet")));
        };
        if object::<OfProperty>("data", &envelope.data)?.property_id != hotel.property {
            return Err(foreign("property"));
        }
        let news = match played {
            Played::Booking(change) => booking(hotel, object("data", &envelope.data)?, *change)?,
            Played::End(ending) => {
                let End { reservation_id, version } = object("data", &envelope.data)?;
                News { reservation: reservation_id, version, change: Change::Ended(*ending) }
            }
        };
        Ok(Self { envelope, news: Some(news) })
    }
}

fn booking(hotel: &Hotel, data: Booking, change: fn(Booked) -> Change) -> Result<News, Refusal> {
    if let Some(room) = data.rooms.iter().find(|room| hotel.room(**room).is_none()) {
        return Err(Refusal::invalid(format!("the hotel has no room {room}")));
    }
    if let Some(area) = data.areas.iter().find(|area| !hotel.has_area(area)) {
        return Err(Refusal::invalid(format!("the hotel has no area '{area}'")));
    }
    let validity = Validity::new(data.valid_from, data.valid_until)
        .map_err(|error| Refusal::invalid(error.to_string()))?;
    let booked = Booked { rooms: data.rooms, areas: data.areas, validity };
    Ok(News { reservation: data.reservation_id, version: data.version, change: change(booked) })
}
