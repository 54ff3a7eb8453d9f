//! What comes from the bus: the platform's events, decoded with typed errors (R71, R224, R227).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::house::PolicyData;
use super::shift::Rota;
use super::stay::Booking;
use crate::credential::{KeyCredentialKind, RevokeReason};
use crate::error::LockError;
use crate::event::{Envelope, SPEC_VERSION};
use crate::id::{GuestId, PropertyId, ReservationId, RoomId, ShiftId, UserId};
use crate::scope::{Area, StaffScope};
use crate::store::Partition;
use crate::validity::{Timestamp, Validity};

/// The subjects that the platform sends (R224), and what becomes of each here.
const SUBJECTS: [(&str, Subject); 12] = [
    ("melmastoon.reservation.booking.confirmed.v1", Subject::Confirmed),
    ("melmastoon.reservation.booking.dates_changed.v1", Subject::DatesChanged),
    ("melmastoon.reservation.booking.cancelled.v1", Subject::Ended(RevokeReason::Cancellation)),
    ("melmastoon.reservation.booking.checked_out.v1", Subject::Ended(RevokeReason::Checkout)),
    ("melmastoon.reservation.booking.early_checkout.v1", Subject::Ended(RevokeReason::Checkout)),
    ("melmastoon.reservation.booking.no_show.v1", Subject::NoShow),
    ("melmastoon.reservation.booking.fraud_flagged.v1", Subject::Fraud),
    ("melmastoon.staff.shift.started.v1", Subject::ShiftStarted),
    ("melmastoon.staff.shift.ended.v1", Subject::ShiftEnded),
    ("melmastoon.iam.user.deactivated.v1", Subject::UserDeactivated),
    ("melmastoon.tenant.property.deactivated.v1", Subject::PropertyDeactivated),
    ("melmastoon.tenant.config_updated.v1", Subject::ConfigUpdated),
];

#[derive(Clone, Copy)]
enum Subject {
    Confirmed,
    DatesChanged,
    Ended(RevokeReason),
    NoShow,
    Fraud,
    ShiftStarted,
    ShiftEnded,
    UserDeactivated,
    PropertyDeactivated,
    ConfigUpdated,
}

/// What an event asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Consumed {
    Stay {
        reservation: ReservationId,
        version: u64,
        news: News,
    },
    ShiftStarted {
        shift: ShiftId,
        user: UserId,
        rota: Rota,
    },
    ShiftEnded {
        shift: ShiftId,
        user: UserId,
    },
    UserDeactivated(UserId),
    PropertyDeactivated,
    ConfigUpdated(PolicyData),
    /// A subject nobody sends us.
    Foreign,
}

/// What an event says of a reservation.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    Confirmed(Booking),
    DatesChanged(Booking),
    Ended(RevokeReason),
    /// The guest did not come; said at this instant. The hotel's policy says how long after it the key is suspended.
    NoShow(Timestamp),
    /// At once.
    Fraud,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StayData {
    reservation_id: ReservationId,
    version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookingData {
    guest_id: GuestId,
    rooms: BTreeSet<RoomId>,
    valid_from: Timestamp,
    valid_until: Timestamp,
    #[serde(default)]
    areas: BTreeSet<Area>,
    #[serde(default)]
    preferred_kinds: Vec<KeyCredentialKind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShiftData {
    shift_id: ShiftId,
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RotaData {
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
#[serde(rename_all = "camelCase")]
struct UserData {
    user_id: UserId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfProperty {
    property_id: PropertyId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigData {
    policy: PolicyData,
}

/// Reads an event of this property.
///
/// # Errors
/// `TENANT_MISMATCH` for another tenant's or property's; `INVALID_INPUT` for what cannot be read.
pub(super) fn decode(event: &Envelope, own: Partition) -> Result<Consumed, LockError> {
    if event.spec_version != SPEC_VERSION {
        return Err(LockError::invalid_input("the envelope's specVersion is not 1.0"));
    }
    if event.tenant_id != own.tenant {
        return Err(LockError::tenant_mismatch());
    }
    let Some((_, subject)) = SUBJECTS.iter().find(|(name, _)| *name == event.subject) else {
        return Ok(Consumed::Foreign);
    };
    let data = &event.data;
    own_property(data, own, subject)?;
    Ok(match subject {
        Subject::Confirmed => of_stay(data, News::Confirmed(booking(read(data)?)?))?,
        Subject::DatesChanged => of_stay(data, News::DatesChanged(booking(read(data)?)?))?,
        Subject::Ended(reason) => of_stay(data, News::Ended(*reason))?,
        Subject::NoShow => of_stay(data, News::NoShow(event.time))?,
        Subject::Fraud => of_stay(data, News::Fraud)?,
        Subject::ShiftStarted => {
            let ShiftData { shift_id: shift, user_id: user } = read(data)?;
            let RotaData { scope, valid_from, valid_until, rooms: assigned } = read(data)?;
            let scopes = match scope {
                Scopes::One(scope) => vec![scope],
                Scopes::Several(scopes) => scopes,
            };
            let rota = Rota { scopes, assigned, validity: window(valid_from, valid_until)? };
            Consumed::ShiftStarted { shift, user, rota }
        }
        Subject::ShiftEnded => {
            let ShiftData { shift_id: shift, user_id: user } = read(data)?;
            Consumed::ShiftEnded { shift, user }
        }
        Subject::UserDeactivated => Consumed::UserDeactivated(read::<UserData>(data)?.user_id),
        Subject::PropertyDeactivated => Consumed::PropertyDeactivated,
        Subject::ConfigUpdated => Consumed::ConfigUpdated(read::<ConfigData>(data)?.policy),
    })
}

fn of_stay(data: &Value, news: News) -> Result<Consumed, LockError> {
    let StayData { reservation_id: reservation, version } = read(data)?;
    Ok(Consumed::Stay { reservation, version, news })
}

/// An event names its property, except those of a whole tenant, which may.
fn own_property(data: &Value, own: Partition, subject: &Subject) -> Result<(), LockError> {
    let may_be_of_all = matches!(subject, Subject::UserDeactivated | Subject::ConfigUpdated);
    if may_be_of_all && data.get("propertyId").is_none() {
        return Ok(());
    }
    let OfProperty { property_id } = read(data)?;
    if property_id == own.property { Ok(()) } else { Err(LockError::tenant_mismatch()) }
}

fn booking(data: BookingData) -> Result<Booking, LockError> {
    let BookingData { guest_id, rooms, valid_from, valid_until, areas, preferred_kinds } = data;
    let validity = window(valid_from, valid_until)?;
    Ok(Booking { guest: guest_id, rooms, areas, validity, preferred_kinds })
}

fn window(from: Timestamp, until: Timestamp) -> Result<Validity, LockError> {
    Validity::new(from, until).map_err(|error| LockError::invalid_input(error.to_string()))
}

fn read<'de, T: Deserialize<'de>>(data: &'de Value) -> Result<T, LockError> {
    // A list would be read member by member.
    if !data.is_object() {
        return Err(LockError::invalid_input("data is not an object"));
    }
    // The decoder's own words may quote the data; a guest's could be in it.
    T::deserialize(data).map_err(|error| LockError::invalid_input(format!("data: {}", scrubbed(&error))))
}

/// Of a decoder's message only what names a member.
fn scrubbed(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once('`').and_then(|(head, rest)| Some((head, rest.split_once('`')?.0))) {
        Some((head, member)) if head.ends_with("field ") => format!("{head}`{member}`"),
        _ => "a member cannot be read".to_owned(),
    }
}
