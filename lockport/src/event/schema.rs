//! JSON Schemas of the events, generated from their types (R226). A schema describes what is written; it leaves room for members
//! it does not know, so that one more of them breaks nobody.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{
    AccessAnomaly, AccessAttempt, AdapterHealthChanged, CredentialFailed, CredentialIssued,
    CredentialRequested, CredentialRevoked, CredentialSuspended, CredentialUnsuspended, CredentialUpdated,
    DeskTaskClosed, DeskTaskOpened, DeviceBatteryLow, DeviceHealthAlert, DeviceOffline, DeviceOnline,
    DeviceRegistered, EncoderSessionClosed, EncoderSessionOpened, Envelope, MasterKeyExpired,
    MasterKeyIssued, Published, RevokeFailed, UnsuspendedBy, VendorError, WebhookProcessed, WebhookReceived,
    Word,
};
use crate::audit::VendorRefHash;
use crate::credential::{
    Decision, KeyCredentialKind, Proof, RevokeReason, SuspendReason, VendorCode, Warning,
};
use crate::driver::VendorEventId;
use crate::id::{
    AccessAttemptId, ArtifactRef, EncoderSessionId, EventId, GuestId, HostDeviceId, KeyCredentialId,
    LockDeviceId, MasterKeyId, PropertyId, ReservationId, RoomId, ShiftId, TaskId, TenantId, UserId,
    VendorAdapterId, WebhookId,
};
use crate::idempotency::{IdempotencyKey, MAX_KEY};
use crate::scope::{Area, Floor, MAX_PLACE_NAME};

/// The name under which the envelope's schema is published.
pub const ENVELOPE: &str = "envelope.v1";

/// The schema of what an event of this subject says: its `data`.
#[must_use]
pub fn of(subject: Published) -> Value {
    let schema = match subject {
        Published::CredentialRequested => generate::<CredentialRequested>(),
        Published::CredentialIssued => generate::<CredentialIssued>(),
        Published::CredentialFailed => generate::<CredentialFailed>(),
        Published::CredentialUpdated => generate::<CredentialUpdated>(),
        Published::CredentialRevoked => generate::<CredentialRevoked>(),
        Published::CredentialSuspended => generate::<CredentialSuspended>(),
        Published::CredentialUnsuspended => generate::<CredentialUnsuspended>(),
        Published::RevokeFailed => generate::<RevokeFailed>(),
        Published::VendorError => generate::<VendorError>(),
        Published::MasterKeyIssued => generate::<MasterKeyIssued>(),
        Published::MasterKeyExpired => generate::<MasterKeyExpired>(),
        Published::DeskTaskOpened => generate::<DeskTaskOpened>(),
        Published::DeskTaskClosed => generate::<DeskTaskClosed>(),
        Published::DeviceRegistered => generate::<DeviceRegistered>(),
        Published::DeviceHealthAlert => generate::<DeviceHealthAlert>(),
        Published::DeviceBatteryLow => generate::<DeviceBatteryLow>(),
        Published::DeviceOffline => generate::<DeviceOffline>(),
        Published::DeviceOnline => generate::<DeviceOnline>(),
        Published::AccessAttempt => generate::<AccessAttempt>(),
        Published::AccessAnomaly => generate::<AccessAnomaly>(),
        Published::WebhookReceived => generate::<WebhookReceived>(),
        Published::WebhookProcessed => generate::<WebhookProcessed>(),
        Published::AdapterHealthChanged => generate::<AdapterHealthChanged>(),
        Published::EncoderSessionOpened => generate::<EncoderSessionOpened>(),
        Published::EncoderSessionClosed => generate::<EncoderSessionClosed>(),
    };
    titled(schema, subject.subject(), &subject.schema_url())
}

/// The schema of the envelope (R207).
#[must_use]
pub fn envelope() -> Value {
    let url = format!("https://schemas.melmastoon.ghasi.io/lock/{ENVELOPE}.json");
    titled(generate::<Envelope>(), "Envelope", &url)
}

/// Every schema with the name of its file, without `.json`.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    let subjects = Published::ALL.into_iter().map(|subject| (subject.name(), of(subject)));
    std::iter::once((ENVELOPE, envelope())).chain(subjects).collect()
}

fn titled(mut schema: Schema, title: &str, url: &str) -> Value {
    schema.insert("$id".to_owned(), json!(url));
    schema.insert("title".to_owned(), json!(title));
    schema.to_value()
}

fn generate<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.inline_subschemas = true;
    });
    settings.with_transform(AbsentNotNull).into_generator().into_root_schema_for::<T>()
}

/// Of something that is told as far as it is known, and of which more may be known one day.
pub(super) fn nothing_required(schema: &mut Schema) {
    schema.remove("required");
}

/// A member that need not be there is left out, never null.
#[derive(Clone, Debug)]
struct AbsentNotNull;

impl Transform for AbsentNotNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let required: Vec<String> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for (name, property) in properties {
            if required.contains(name) {
                continue;
            }
            let Some(property) = property.as_object_mut() else { continue };
            property.remove("default");
            if let Some(Value::Array(words)) = property.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if let Some(Value::Array(types)) = property.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    property.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(mut either)) = property.remove("anyOf") {
                either.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
                match either.as_slice() {
                    [Value::Object(only)] => {
                        for (key, value) in only {
                            property.entry(key.clone()).or_insert_with(|| value.clone());
                        }
                    }
                    _ => {
                        property.insert("anyOf".to_owned(), Value::Array(either));
                    }
                }
            }
        }
    }
}

macro_rules! text_schemas {
    ($($name:ident: $schema:expr;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

/// What follows an id's prefix: a ULID.
const ULID: &str = "[0-7][0-9A-HJKMNP-TV-Z]{25}";

macro_rules! id_schemas {
    ($($name:ident)*) => {
        text_schemas! {
            $($name: json_schema!({ "type": "string", "pattern": format!("^{}{ULID}$", $name::PREFIX) });)*
        }
    };
}

id_schemas! {
    AccessAttemptId ArtifactRef EventId GuestId KeyCredentialId LockDeviceId MasterKeyId PropertyId ReservationId RoomId
    ShiftId TaskId TenantId UserId EncoderSessionId HostDeviceId VendorAdapterId WebhookId
}

/// A code, with a sentence about it. Codes may become more.
fn coded() -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "code": { "type": "string", "pattern": "^[A-Z][A-Z_]*$" },
            "detail": { "type": "string" },
        },
        "required": ["code", "detail"],
    })
}

fn place() -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_PLACE_NAME })
}

text_schemas! {
    Area: place();
    Floor: place();
    IdempotencyKey: json_schema!({ "type": "string", "pattern": format!("^[!-~]{{1,{MAX_KEY}}}$") });
    KeyCredentialKind: json_schema!({ "enum": KeyCredentialKind::ALL });
    Proof: json_schema!({ "enum": [Proof::ExpiresOnly, Proof::AtVendor, Proof::AtLock] });
    RevokeReason: json_schema!({ "enum": [
        RevokeReason::Checkout, RevokeReason::Cancellation, RevokeReason::Security, RevokeReason::Lost,
        RevokeReason::Replaced,
    ] });
    SuspendReason: json_schema!({ "enum": [
        SuspendReason::NoShow, SuspendReason::FraudReview, SuspendReason::OverduePayment, SuspendReason::Manual,
    ] });
    UnsuspendedBy: json_schema!({ "type": "string", "pattern": format!("^(saga|{}{ULID})$", UserId::PREFIX) });
    VendorEventId: json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$" });
    VendorRefHash: json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    VendorCode: json_schema!({ "type": "string", "pattern": "^[a-z0-9-]{1,32}$" });
    Decision: coded();
    Warning: coded();
    Word: json_schema!({ "type": "string", "pattern": Word::PATTERN });
}
