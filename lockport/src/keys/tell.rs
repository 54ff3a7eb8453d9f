//! What the bus is told of a key (R208 to R213, R218): never a vendor's reference, never the text of an artifact.

use serde_json::{Map, Value, json};

use super::claim::KeyOwner;
use super::record::{KeyRecord, Spec};
use super::task::DeskTask;
use crate::credential::{Holder, Proof, RevokeReason, SuspendReason, Warning};
use crate::error::LockError;
use crate::id::{MasterKeyId, UserId};
use crate::scope::StaffScope;
use crate::validity::Timestamp;

fn with(mut base: Map<String, Value>, more: Value) -> Value {
    if let Value::Object(more) = more {
        base.extend(more);
    }
    Value::Object(base)
}

/// Whose key it is.
fn of(key: &KeyRecord) -> Map<String, Value> {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("keyCredentialId", json!(key.id));
    match key.owner {
        KeyOwner::Stay(reservation) => put("reservationId", json!(reservation)),
        KeyOwner::Shift(shift) => put("shiftId", json!(shift)),
    };
    match &key.holder {
        Holder::Guest(guest) => put("guestId", json!(guest.id)),
        Holder::Staff(staff) => put("staffUserId", json!(staff.user_id)),
    };
    put("vendor", json!(key.vendor));
    data
}

/// Whose key it is, and of what sort he is.
fn held(key: &KeyRecord) -> Map<String, Value> {
    let mut data = of(key);
    let kind = match &key.holder {
        Holder::Guest(_) => "guest",
        Holder::Staff(_) => "staff",
    };
    data.insert("holderKind".to_owned(), json!(kind));
    data
}

pub(super) fn requested(key: &KeyRecord, idempotency_key: &str) -> Value {
    with(
        held(key),
        json!({
            "rooms": key.spec.rooms,
            "scope": key.spec.scope,
            "validFrom": key.spec.validity.from(),
            "validUntil": key.spec.validity.until(),
            "preferredKinds": key.kinds,
            "idempotencyKey": idempotency_key,
        }),
    )
}

/// The reference to the artifact, and what kind of artifact it is.
fn delivery(key: &KeyRecord, artifact_type: &str) -> Value {
    json!({ "artifact": { "type": artifact_type, "opaqueRef": key.artifact } })
}

pub(super) fn issued(key: &KeyRecord, artifact_type: &str) -> Value {
    with(
        held(key),
        json!({
            "kind": key.kind,
            "rooms": key.spec.rooms,
            "scope": key.spec.scope,
            "validFrom": key.spec.validity.from(),
            "validUntil": key.spec.validity.until(),
            "provisional": false,
            "delivery": delivery(key, artifact_type),
            "issuedAt": key.issued_at,
            "warnings": key.warnings,
        }),
    )
}

pub(super) fn failed(key: &KeyRecord, why: Option<&LockError>, at: Timestamp) -> Value {
    with(
        of(key),
        json!({
            "failureReason": why.map_or("cancelled", |error| error.reason().as_str()),
            "vendorMessage": why.map(LockError::message),
            "attempts": key.attempts,
            "lastAttemptAt": at,
        }),
    )
}

pub(super) fn updated(
    key: &KeyRecord,
    before: &Spec,
    artifact_type: Option<&str>,
    warnings: &[Warning],
    at: Timestamp,
) -> Value {
    let after = &key.spec;
    let mut changes = Map::new();
    let mut change = |name: &str, from: Value, to: Value| {
        if from != to {
            changes.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    change("validFrom", json!(before.validity.from()), json!(after.validity.from()));
    change("validUntil", json!(before.validity.until()), json!(after.validity.until()));
    change("rooms", json!(before.rooms), json!(after.rooms));
    change("scope", json!(before.scope), json!(after.scope));
    let mut data = of(key);
    if let Some(artifact_type) = artifact_type {
        data.insert("delivery".to_owned(), delivery(key, artifact_type));
    }
    with(data, json!({ "changes": changes, "updatedAt": at, "warnings": warnings }))
}

pub(super) fn suspended(
    key: &KeyRecord,
    reason: SuspendReason,
    warnings: &[Warning],
    at: Timestamp,
) -> Value {
    with(of(key), json!({ "reason": reason, "suspendedAt": at, "warnings": warnings }))
}

pub(super) fn unsuspended(
    key: &KeyRecord,
    by: Option<UserId>,
    artifact_type: Option<&str>,
    at: Timestamp,
) -> Value {
    let mut data = of(key);
    if let Some(artifact_type) = artifact_type {
        data.insert("delivery".to_owned(), delivery(key, artifact_type));
    }
    let by = by.map_or_else(|| "saga".to_owned(), |user| user.to_string());
    with(data, json!({ "unsuspendedAt": at, "unsuspendedBy": by }))
}

/// What the vendor said to a revoke.
pub(super) struct Revoked<'a> {
    pub(super) reason: RevokeReason,
    pub(super) confirmed: bool,
    pub(super) proof: Option<Proof>,
    pub(super) warnings: &'a [Warning],
    /// Who reported the loss, if that was it (R103).
    pub(super) operator: Option<UserId>,
}

pub(super) fn revoked(key: &KeyRecord, what: &Revoked<'_>, at: Timestamp) -> Value {
    let mut data = of(key);
    let operator = what.operator.map(|operator| ("operatorId".to_owned(), json!(operator)));
    data.extend(operator);
    with(
        data,
        json!({
            "reason": what.reason,
            "revokedAt": at,
            "metadata": {
                "wasProvisional": false,
                "vendorRevokeOk": what.confirmed,
                "proof": what.proof,
                "warnings": what.warnings,
            },
        }),
    )
}

/// A revoke came to less than its reason requires (R84).
pub(super) fn revoke_failed(key: &KeyRecord, reason: RevokeReason, why: &str, at: Timestamp) -> Value {
    with(of(key), json!({ "reason": reason, "failureReason": why, "observedAt": at }))
}

/// A vendor did not answer until the tries ran out (R73, R118).
pub(super) fn vendor_error(key: &KeyRecord, error: &LockError, at: Timestamp) -> Value {
    with(
        of(key),
        json!({
            "errorCode": error.code().as_str(),
            "failureReason": error.reason().as_str(),
            "attempts": key.attempts,
            "observedAt": at,
        }),
    )
}

fn master(key: &KeyRecord) -> Map<String, Value> {
    let mut data = Map::new();
    let id = MasterKeyId::derived("lockport/master-key/v1", &[&key.id.to_bytes()]);
    data.insert("masterKeyId".to_owned(), json!(id));
    data.insert("keyCredentialId".to_owned(), json!(key.id));
    if let Holder::Staff(staff) = &key.holder {
        data.insert("staffUserId".to_owned(), json!(staff.user_id));
    }
    if let KeyOwner::Shift(shift) = key.owner {
        data.insert("shiftId".to_owned(), json!(shift));
    }
    data
}

fn scope(scope: &StaffScope) -> Value {
    match scope {
        StaffScope::Room(room) => json!({ "kind": "room", "roomId": room }),
        StaffScope::Floor(floor) => json!({ "kind": "floor", "floor": floor }),
        StaffScope::RoomsAssigned => json!({ "kind": "rooms_assigned" }),
        StaffScope::RoomsAll => json!({ "kind": "rooms_all" }),
        StaffScope::Area(area) => json!({ "kind": "area", "area": area }),
        StaffScope::AreasAll => json!({ "kind": "areas_all" }),
        StaffScope::BackOfHouse => json!({ "kind": "back_of_house" }),
    }
}

/// A shift has its key (R218). `scope` is the shift's first, `scopes` are all of them.
pub(super) fn master_issued(key: &KeyRecord, scopes: &[StaffScope]) -> Value {
    with(
        master(key),
        json!({
            "scope": scopes.first().map(scope),
            "scopes": scopes.iter().map(scope).collect::<Vec<_>>(),
            "validFrom": key.spec.validity.from(),
            "validUntil": key.spec.validity.until(),
            "kind": key.kind,
            "issuedAt": key.issued_at,
        }),
    )
}

pub(super) fn master_expired(key: &KeyRecord, trigger: &str, at: Timestamp) -> Value {
    with(master(key), json!({ "expiredAt": at, "trigger": trigger }))
}

/// What waits for a person, or no longer does.
pub(super) fn task(task: &DeskTask) -> Value {
    let mut data = Map::new();
    match task.owner {
        KeyOwner::Stay(id) => data.insert("reservationId".to_owned(), json!(id)),
        KeyOwner::Shift(id) => data.insert("shiftId".to_owned(), json!(id)),
    };
    let closed = task.closed_at.map(|at| ("closedAt".to_owned(), json!(at)));
    data.extend(closed);
    with(
        data,
        json!({
            "taskId": task.id,
            "kind": task.kind.as_str(),
            "keyCredentialId": task.credential,
            "openedAt": task.opened_at,
        }),
    )
}
