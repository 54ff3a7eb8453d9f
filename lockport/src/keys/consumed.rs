//! What comes from the bus: the platform's events, decoded with typed errors (R71, R224, R227).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::stay::{Booking, StayEvent};
use crate::credential::{KeyCredentialKind, RevokeReason};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::event::{Envelope, SPEC_VERSION};
use crate::id::{GuestId, PropertyId, ReservationId, RoomId};
use crate::scope::Area;
use crate::store::Partition;
use crate::validity::{Timestamp, Validity};

/// The subjects that the platform sends (R224), and what becomes of each here.
const SUBJECTS: &[(&str, Subject)] = &[
    ("melmastoon.reservation.booking.confirmed.v1", Subject::Confirmed),
    ("melmastoon.reservation.booking.dates_changed.v1", Subject::DatesChanged),
    ("melmastoon.reservation.booking.cancelled.v1", Subject::Ended(RevokeReason::Cancellation)),
    ("melmastoon.reservation.booking.checked_out.v1", Subject::Ended(RevokeReason::Checkout)),
    ("melmastoon.reservation.booking.early_checkout.v1", Subject::Ended(RevokeReason::Checkout)),
    ("melmastoon.reservation.booking.no_show.v1", Subject::NotPlayed),
    ("melmastoon.reservation.booking.fraud_flagged.v1", Subject::NotPlayed),
    ("melmastoon.staff.shift.started.v1", Subject::NotPlayed),
    ("melmastoon.staff.shift.ended.v1", Subject::NotPlayed),
    ("melmastoon.iam.user.deactivated.v1", Subject::NotPlayed),
    ("melmastoon.tenant.property.deactivated.v1", Subject::NotPlayed),
    ("melmastoon.tenant.config_updated.v1", Subject::NotPlayed),
];

#[derive(Clone, Copy)]
enum Subject {
    Confirmed,
    DatesChanged,
    Ended(RevokeReason),
    /// The platform sends it and this version refuses it by name, so that nobody believes it was obeyed.
    NotPlayed,
}

/// What an event asks for.
#[derive(Debug)]
pub(super) enum Consumed {
    Stay {
        reservation: ReservationId,
        version: u64,
        event: StayEvent,
    },
    /// A subject nobody sends us.
    Foreign,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StayData {
    reservation_id: ReservationId,
    property_id: PropertyId,
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

/// Reads an event of this property.
///
/// # Errors
/// `TENANT_MISMATCH` for another tenant's or property's; `INVALID_INPUT` for what cannot be read; `UNSUPPORTED`, with the
/// subject's name, for what is not played yet.
pub(super) fn decode(event: &Envelope, own: Partition) -> Result<Consumed, LockError> {
    if event.spec_version != SPEC_VERSION {
        return Err(LockError::invalid_input("the envelope's specVersion is not 1.0"));
    }
    if event.tenant_id != own.tenant {
        return Err(LockError::tenant_mismatch());
    }
    let Some((name, subject)) = SUBJECTS.iter().find(|(name, _)| *name == event.subject) else {
        return Ok(Consumed::Foreign);
    };
    let stay_event = match subject {
        Subject::NotPlayed => {
            let message = format!("events of {name} are not handled yet");
            return Err(LockError::new(
                ErrorCode::Unsupported,
                FailureReason::Invalid,
                RetryAdvice::Never,
                message,
            ));
        }
        Subject::Confirmed => StayEvent::Confirmed,
        Subject::DatesChanged => StayEvent::DatesChanged,
        Subject::Ended(reason) => {
            let StayData { reservation_id, property_id, version } = read(&event.data)?;
            own_property(property_id, own)?;
            return Ok(Consumed::Stay {
                reservation: reservation_id,
                version,
                event: StayEvent::Ended(*reason),
            });
        }
    };
    let StayData { reservation_id, property_id, version } = read(&event.data)?;
    own_property(property_id, own)?;
    let event = stay_event(booking(read(&event.data)?)?);
    Ok(Consumed::Stay { reservation: reservation_id, version, event })
}

fn own_property(property: PropertyId, own: Partition) -> Result<(), LockError> {
    if property == own.property { Ok(()) } else { Err(LockError::tenant_mismatch()) }
}

fn booking(data: BookingData) -> Result<Booking, LockError> {
    let BookingData { guest_id, rooms, valid_from, valid_until, areas, preferred_kinds } = data;
    let validity = Validity::new(valid_from, valid_until)
        .map_err(|error| LockError::invalid_input(error.to_string()))?;
    Ok(Booking { guest: guest_id, rooms, areas, validity, preferred_kinds })
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
