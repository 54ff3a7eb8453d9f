//! Bus events: what the platform's envelope carries, held against the hotel before anything is done.
//!
//! lockport judges an event itself when it is delivered. A rehearsal has to know earlier: a refused line moves no clock, and
//! whether the line is refused decides whether the clock may move to it.

use std::collections::BTreeSet;

use lockport::Validity;
use lockport::credential::KeyCredentialKind;
use lockport::error::ErrorCode;
use lockport::event::{Envelope, SPEC_VERSION};
use lockport::id::{GuestId, PropertyId, ReservationId, RoomId, ShiftId, UserId};
use lockport::scope::{Area, StaffScope};
use serde::Deserialize;
use serde_json::Value;

use super::line::object;
use super::{Refusal, Timestamp};
use crate::front_desk::hotel::Hotel;

/// An event that the hotel's own tenant and property sent.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The event.
    pub envelope: Envelope,
    /// What it says; `None` when nobody at the desk listens to its subject.
    pub news: Option<News>,
}

/// What an event says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// Something about a reservation.
    Stay {
        /// The reservation.
        reservation: ReservationId,
        /// Which of its versions this is.
        version: u64,
        /// What becomes of it.
        change: Change,
    },
    /// A shift begins.
    ShiftStarted {
        /// Whose.
        user: UserId,
        /// What it reaches.
        scopes: Vec<StaffScope>,
        /// From when until when.
        validity: Validity,
    },
    /// A shift ends.
    ShiftEnded(UserId),
    /// A member of staff may open nothing any more.
    UserDeactivated(UserId),
    /// Nobody may.
    PropertyDeactivated,
    /// Keys are handed out in another way from now on.
    ConfigUpdated,
}

impl News {
    /// The reservation it is about, with its version and what becomes of it.
    #[must_use]
    pub const fn stay(&self) -> Option<(ReservationId, u64, &Change)> {
        match self {
            Self::Stay { reservation, version, change } => Some((*reservation, *version, change)),
            _ => None,
        }
    }
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
    /// The guest did not come.
    NoShow,
    /// The guest is to be looked into before he opens anything.
    FraudFlagged,
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

/// The subjects the desk listens to, and how each is read.
const SUBJECTS: [(&str, Played); 12] = [
    ("melmastoon.reservation.booking.confirmed.v1", Played::Booking(Change::Confirmed)),
    ("melmastoon.reservation.booking.cancelled.v1", Played::Stay(Change::Ended(Ending::Cancelled))),
    ("melmastoon.reservation.booking.checked_out.v1", Played::Stay(Change::Ended(Ending::CheckedOut))),
    ("melmastoon.reservation.booking.early_checkout.v1", Played::Stay(Change::Ended(Ending::EarlyCheckout))),
    ("melmastoon.reservation.booking.dates_changed.v1", Played::Booking(Change::DatesChanged)),
    ("melmastoon.reservation.booking.no_show.v1", Played::Stay(Change::NoShow)),
    ("melmastoon.reservation.booking.fraud_flagged.v1", Played::Stay(Change::FraudFlagged)),
    ("melmastoon.staff.shift.started.v1", Played::ShiftStarted),
    ("melmastoon.staff.shift.ended.v1", Played::ShiftEnded),
    ("melmastoon.iam.user.deactivated.v1", Played::UserDeactivated),
    ("melmastoon.tenant.property.deactivated.v1", Played::PropertyDeactivated),
    ("melmastoon.tenant.config_updated.v1", Played::ConfigUpdated),
];

enum Played {
    Booking(fn(Booked) -> Change),
    Stay(Change),
    ShiftStarted,
    ShiftEnded,
    UserDeactivated,
    PropertyDeactivated,
    ConfigUpdated,
}

impl Played {
    /// Whether the event may be of a whole tenant, and need not name the property.
    const fn may_be_of_all(&self) -> bool {
        matches!(self, Self::UserDeactivated | Self::ConfigUpdated)
    }
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
struct OfStay {
    reservation_id: ReservationId,
    version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfUser {
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfShift {
    #[serde(rename = "shiftId")]
    _shift: ShiftId,
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rota {
    scope: Scopes,
    valid_from: Timestamp,
    valid_until: Timestamp,
    #[serde(default)]
    rooms: BTreeSet<RoomId>,
}

/// One scope, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scopes {
    One(StaffScope),
    Several(Vec<StaffScope>),
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "policy")]
    _policy: Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    #[serde(rename = "noShowSuspendAfterHours")]
    _delay: u16,
    #[serde(rename = "preferredKinds")]
    _kinds: Vec<KeyCredentialKind>,
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
        let Some((_, played)) = SUBJECTS.iter().find(|(subject, _)| *subject == envelope.subject) else {
            return Ok(Self { envelope, news: None });
        };
        let data = &envelope.data;
        let names_property = !played.may_be_of_all() || data.get("propertyId").is_some();
        if names_property && object::<OfProperty>("data", data)?.property_id != hotel.property {
            return Err(foreign("property"));
        }
        let news = read(hotel, played, data)?;
        Ok(Self { envelope, news: Some(news) })
    }
}

fn read(hotel: &Hotel, played: &Played, data: &Value) -> Result<News, Refusal> {
    Ok(match played {
        Played::Booking(change) => booking(hotel, object("data", data)?, *change)?,
        Played::Stay(change) => {
            let OfStay { reservation_id: reservation, version } = object("data", data)?;
            News::Stay { reservation, version, change: change.clone() }
        }
        Played::ShiftStarted => {
            let OfShift { user_id, .. } = object("data", data)?;
            shift(hotel, user_id, object("data", data)?)?
        }
        Played::ShiftEnded => News::ShiftEnded(object::<OfShift>("data", data)?.user_id),
        Played::UserDeactivated => News::UserDeactivated(object::<OfUser>("data", data)?.user_id),
        Played::PropertyDeactivated => News::PropertyDeactivated,
        Played::ConfigUpdated => {
            object::<Config>("data", data)?;
            News::ConfigUpdated
        }
    })
}

fn booking(hotel: &Hotel, data: Booking, change: fn(Booked) -> Change) -> Result<News, Refusal> {
    known_rooms(hotel, &data.rooms)?;
    known_areas(hotel, &data.areas)?;
    let validity = window(data.valid_from, data.valid_until)?;
    let booked = Booked { rooms: data.rooms, areas: data.areas, validity };
    Ok(News::Stay { reservation: data.reservation_id, version: data.version, change: change(booked) })
}

fn shift(hotel: &Hotel, user: UserId, rota: Rota) -> Result<News, Refusal> {
    let Rota { scope, valid_from, valid_until, rooms } = rota;
    let scopes = match scope {
        Scopes::One(scope) => vec![scope],
        Scopes::Several(scopes) => scopes,
    };
    let rooms = rooms.into_iter().chain(scopes.iter().filter_map(|scope| match scope {
        StaffScope::Room(room) => Some(*room),
        _ => None,
    }));
    known_rooms(hotel, &rooms.collect::<Vec<_>>())?;
    let areas = scopes.iter().filter_map(|scope| match scope {
        StaffScope::Area(area) => Some(area.clone()),
        _ => None,
    });
    known_areas(hotel, &areas.collect::<Vec<_>>())?;
    Ok(News::ShiftStarted { user, scopes, validity: window(valid_from, valid_until)? })
}

fn known_rooms(hotel: &Hotel, rooms: &[RoomId]) -> Result<(), Refusal> {
    match rooms.iter().find(|room| hotel.room(**room).is_none()) {
        Some(room) => Err(Refusal::invalid(format!("the hotel has no room {room}"))),
        None => Ok(()),
    }
}

fn known_areas(hotel: &Hotel, areas: &[Area]) -> Result<(), Refusal> {
    match areas.iter().find(|area| !hotel.has_area(area)) {
        Some(area) => Err(Refusal::invalid(format!("the hotel has no area '{area}'"))),
        None => Ok(()),
    }
}

fn window(from: Timestamp, until: Timestamp) -> Result<Validity, Refusal> {
    Validity::new(from, until).map_err(|error| Refusal::invalid(error.to_string()))
}
