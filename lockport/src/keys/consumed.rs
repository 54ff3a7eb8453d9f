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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorCode;
    use crate::id::TenantId;

    fn own() -> Partition {
        Partition {
            tenant: "tnt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
            property: "ppt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
        }
    }

    fn event(subject: &str, data: &Value) -> Envelope {
        serde_json::from_value(json!({
            "specVersion": "1.0", "id": "evt_01STPS8FNWQ9SP6SX84512QPKP", "subject": subject, "type": subject,
            "source": "/test", "time": "2026-05-04T10:00:00Z", "tenantId": own().tenant, "data": data,
        }))
        .unwrap()
    }

    /// What each of the twelve subjects carries when nothing is missing.
    fn good(subject: &str) -> Value {
        let mut data = json!({ "propertyId": own().property });
        let more = match subject.split('.').nth_back(1).unwrap() {
            "confirmed" | "dates_changed" => json!({
                "reservationId": "rsv_01STPS8FNWQ9SP6SX84512QPKP", "version": 7,
                "guestId": "gst_01STPS8FNWQ9SP6SX84512QPKP", "rooms": ["rmu_01STPS8FNWQ9SP6SX84512QPKP"],
                "areas": ["gym"], "preferredKinds": ["pin_code"],
                "validFrom": "2026-05-04T12:00:00Z", "validUntil": "2026-05-06T12:00:00Z",
            }),
            "started" => json!({
                "shiftId": "shf_01STPS8FNWQ9SP6SX84512QPKP", "userId": "usr_01STPS8FNWQ9SP6SX84512QPKP",
                "scope": "floor:2", "validFrom": "2026-05-04T12:00:00Z", "validUntil": "2026-05-04T20:00:00Z",
            }),
            "ended" => json!({
                "shiftId": "shf_01STPS8FNWQ9SP6SX84512QPKP", "userId": "usr_01STPS8FNWQ9SP6SX84512QPKP",
            }),
            "deactivated" if subject.contains(".property.") => json!({}),
            "deactivated" => json!({ "userId": "usr_01STPS8FNWQ9SP6SX84512QPKP" }),
            "config_updated" => {
                json!({ "policy": { "noShowSuspendAfterHours": 3, "preferredKinds": ["rfid_card"] } })
            }
            _ => json!({ "reservationId": "rsv_01STPS8FNWQ9SP6SX84512QPKP", "version": 7 }),
        };
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    }

    /// R71, R224: each of the twelve subjects asks for what stands beside it, in the order of 004.
    #[test]
    fn each_subject_asks_for_its_own() {
        let asked: Vec<String> = SUBJECTS
            .iter()
            .map(|(subject, _)| {
                let asked = match decode(&event(subject, &good(subject)), own()).unwrap() {
                    Consumed::Stay { version: 7, news, .. } => match news {
                        News::Confirmed(booking) => format!("issue {} areas", booking.areas.len()),
                        News::DatesChanged(booking) => format!("update {} rooms", booking.rooms.len()),
                        News::Ended(reason) => format!("revoke {reason:?}"),
                        News::NoShow(said) => format!("suspend some time after {said}"),
                        News::Fraud => "suspend at once".to_owned(),
                    },
                    Consumed::Stay { .. } => "another version".to_owned(),
                    Consumed::ShiftStarted { rota, .. } => format!("issue master {}", rota.scopes[0]),
                    Consumed::ShiftEnded { .. } => "revoke master".to_owned(),
                    Consumed::UserDeactivated(_) => "revoke masters of the user".to_owned(),
                    Consumed::PropertyDeactivated => "revoke everything".to_owned(),
                    Consumed::ConfigUpdated(_) => "another policy".to_owned(),
                    Consumed::Foreign => "nothing".to_owned(),
                };
                format!("{} {asked}", subject.trim_start_matches("melmastoon."))
            })
            .collect();
        assert_eq!(
            asked,
            [
                "reservation.booking.confirmed.v1 issue 1 areas",
                "reservation.booking.dates_changed.v1 update 1 rooms",
                "reservation.booking.cancelled.v1 revoke Cancellation",
                "reservation.booking.checked_out.v1 revoke Checkout",
                "reservation.booking.early_checkout.v1 revoke Checkout",
                "reservation.booking.no_show.v1 suspend some time after 2026-05-04 10:00:00 UTC",
                "reservation.booking.fraud_flagged.v1 suspend at once",
                "staff.shift.started.v1 issue master floor:2",
                "staff.shift.ended.v1 revoke master",
                "iam.user.deactivated.v1 revoke masters of the user",
                "tenant.property.deactivated.v1 revoke everything",
                "tenant.config_updated.v1 another policy",
            ]
        );
        assert_eq!(
            decode(&event("melmastoon.billing.paid.v1", &json!([])), own()).unwrap(),
            Consumed::Foreign
        );
    }

    /// R227: what is another tenant's or property's is refused as such, whatever else is wrong with it.
    #[test]
    fn what_is_not_ours_is_refused() {
        let other = Partition {
            tenant: TenantId::derived("t", &[b"other"]),
            property: PropertyId::derived("t", &[b"other"]),
        };
        for (subject, _) in &SUBJECTS {
            let ours = event(subject, &good(subject));
            let foreign = decode(&ours, Partition { tenant: other.tenant, ..own() }).unwrap_err();
            assert_eq!(foreign.code(), ErrorCode::TenantMismatch, "{subject}");
            let foreign = decode(&ours, Partition { property: other.property, ..own() }).unwrap_err();
            assert_eq!(foreign.code(), ErrorCode::TenantMismatch, "{subject}");
            let torn = event(subject, &json!({ "propertyId": other.property }));
            assert_eq!(decode(&torn, own()).unwrap_err().code(), ErrorCode::TenantMismatch, "{subject}");
        }
    }

    /// A member that is missing or cannot be read is named or at least refused, and nothing of what stands there is quoted.
    #[test]
    fn what_cannot_be_read_is_refused_without_a_quotation() {
        let optional = ["areas", "preferredKinds"];
        for (subject, kind) in &SUBJECTS {
            let good = good(subject);
            for member in good.as_object().unwrap().keys() {
                let may_be_of_all = matches!(kind, Subject::UserDeactivated | Subject::ConfigUpdated);
                let may_be_missing =
                    optional.contains(&member.as_str()) || (member == "propertyId" && may_be_of_all);
                let mut missing = good.clone();
                missing.as_object_mut().unwrap().remove(member);
                let read = decode(&event(subject, &missing), own());
                assert_eq!(read.is_ok(), may_be_missing, "{subject} without {member}");
                let mut broken = good.clone();
                broken[member] = json!({ "secret words": "of a guest" });
                let error = decode(&event(subject, &broken), own()).unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidInput, "{subject} with {member} broken");
                assert!(!format!("{error} {error:?}").contains("secret words"), "{error:?}");
            }
            assert!(decode(&event(subject, &json!([1, 2])), own()).is_err(), "{subject} as a list");
        }
    }
}
