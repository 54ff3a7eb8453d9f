//! What the bus is told of a key (R208 to R212): never a vendor's reference, never the text of an artifact.

use serde_json::{Value, json};

use super::record::{KeyRecord, Spec};
use crate::credential::{RevokeReason, Warning};
use crate::error::LockError;
use crate::validity::Timestamp;

pub(super) fn requested(key: &KeyRecord, idempotency_key: &str) -> Value {
    json!({
        "keyCredentialId": key.id,
        "reservationId": key.reservation,
        "guestId": key.booking.guest,
        "rooms": key.spec.rooms,
        "scope": key.spec.scope,
        "validFrom": key.spec.validity.from(),
        "validUntil": key.spec.validity.until(),
        "preferredKinds": key.kinds,
        "vendor": key.vendor,
        "idempotencyKey": idempotency_key,
    })
}

/// The reference to the artifact, and what kind of artifact it is.
fn delivery(key: &KeyRecord, artifact_type: &str) -> Value {
    json!({ "artifact": { "type": artifact_type, "opaqueRef": key.artifact } })
}

pub(super) fn issued(key: &KeyRecord, artifact_type: &str) -> Value {
    json!({
        "keyCredentialId": key.id,
        "holderKind": "guest",
        "reservationId": key.reservation,
        "guestId": key.booking.guest,
        "kind": key.kind,
        "rooms": key.spec.rooms,
        "scope": key.spec.scope,
        "validFrom": key.spec.validity.from(),
        "validUntil": key.spec.validity.until(),
        "vendor": key.vendor,
        "provisional": false,
        "delivery": delivery(key, artifact_type),
        "issuedAt": key.issued_at,
        "warnings": key.warnings,
    })
}

pub(super) fn failed(key: &KeyRecord, why: Option<&LockError>, at: Timestamp) -> Value {
    json!({
        "keyCredentialId": key.id,
        "reservationId": key.reservation,
        "vendor": key.vendor,
        "failureReason": why.map_or("cancelled", |error| error.reason().as_str()),
        "vendorMessage": why.map(LockError::message),
        "attempts": key.attempts,
        "lastAttemptAt": at,
    })
}

pub(super) fn updated(
    key: &KeyRecord,
    before: &Spec,
    artifact_type: Option<&str>,
    warnings: &[Warning],
    at: Timestamp,
) -> Value {
    let after = &key.spec;
    let mut changes = json!({});
    let mut change = |name: &str, from: Value, to: Value| {
        if from != to
            && let Some(changes) = changes.as_object_mut()
        {
            changes.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    change("validFrom", json!(before.validity.from()), json!(after.validity.from()));
    change("validUntil", json!(before.validity.until()), json!(after.validity.until()));
    change("rooms", json!(before.rooms), json!(after.rooms));
    change("scope", json!(before.scope), json!(after.scope));
    let mut data = json!({
        "keyCredentialId": key.id,
        "reservationId": key.reservation,
        "changes": changes,
        "vendor": key.vendor,
        "updatedAt": at,
        "warnings": warnings,
    });
    if let (Some(artifact_type), Some(data)) = (artifact_type, data.as_object_mut()) {
        data.insert("delivery".to_owned(), delivery(key, artifact_type));
    }
    data
}

pub(super) fn revoked(key: &KeyRecord, reason: RevokeReason, confirmed: bool, at: Timestamp) -> Value {
    json!({
        "keyCredentialId": key.id,
        "reservationId": key.reservation,
        "vendor": key.vendor,
        "reason": reason,
        "revokedAt": at,
        "metadata": { "wasProvisional": false, "vendorRevokeOk": confirmed },
    })
}
