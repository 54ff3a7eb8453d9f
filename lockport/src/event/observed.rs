//! What vendors tell by themselves, or are seen to do: devices, doors, calls and reachability, in the form of 004 section 2.

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::payload::payloads;
use super::{KeyHolder, Payload, Published, Word};
use crate::audit::VendorRefHash;
use crate::capability::LockCapabilities;
use crate::credential::{KeyCredentialKind, VendorCode};
use crate::driver::VendorEventId;
use crate::id::{
    AccessAttemptId, EncoderSessionId, HostDeviceId, KeyCredentialId, LockDeviceId, MasterKeyId, PropertyId,
    RoomId, VendorAdapterId, WebhookId,
};
use crate::validity::Timestamp;

payloads! {
    /// A lock was seen for the first time (R214).
    DeviceRegistered {
        /// The lock.
        pub device_id: LockDeviceId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What people call it.
        pub label: String,
        /// The rooms behind it.
        pub rooms: Vec<RoomId>,
        /// What this one door can; what is absent is unlimited or not known.
        #[serde(serialize_with = "what_is_known")]
        #[cfg_attr(
            feature = "schema",
            schemars(with = "LockCapabilities", transform = super::schema::nothing_required)
        )]
        pub capabilities: LockCapabilities,
        /// Its firmware, if it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub firmware: Option<String>,
        /// When it was first seen.
        pub registered_at: Timestamp,
    }

    /// Something about a lock crossed a threshold (R123, R215).
    DeviceHealthAlert {
        /// The lock.
        pub device_id: LockDeviceId,
        /// The hotel.
        pub property_id: PropertyId,
        /// What it is about: `battery_low`, `clock_skew`, `firmware_old`, `offline`.
        pub alert: Word,
        /// How bad: `warning`, `alert`; `cleared` when it is well again.
        pub severity: Word,
        /// What was measured.
        pub metric: DeviceMetric,
        /// Against what.
        pub threshold: DeviceThreshold,
        /// When that was seen.
        pub observed_at: Timestamp,
    }

    /// A lock's battery is low (R216).
    DeviceBatteryLow {
        /// The lock.
        pub device_id: LockDeviceId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Its charge, in percent.
        pub battery_pct: u8,
        /// At or below this it is low: the lock's own threshold (X6).
        pub threshold_pct: u8,
        /// When that was seen.
        pub observed_at: Timestamp,
    }

    /// A lock cannot be reached any more (R217). Its credentials stay as they are (R119).
    DeviceOffline {
        /// The lock.
        pub device_id: LockDeviceId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Since when, as far as it was seen.
        pub since: Timestamp,
        /// When its vendor last heard of it, if it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_seen_at: Option<Timestamp>,
        /// What is known of why: `no_heartbeat`.
        pub reason: Word,
    }

    /// A lock can be reached again (R217).
    DeviceOnline {
        /// The lock.
        pub device_id: LockDeviceId,
        /// The hotel.
        pub property_id: PropertyId,
        /// Since when, as far as it was seen.
        pub since: Timestamp,
        /// When its vendor last heard of it, if it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub last_seen_at: Option<Timestamp>,
        /// What is known of why: `heartbeat`.
        pub reason: Word,
    }

    /// Somebody tried a door (R220).
    AccessAttempt {
        /// The attempt.
        pub attempt_id: AccessAttemptId,
        /// The hotel.
        pub property_id: PropertyId,
        /// The door.
        pub device_id: LockDeviceId,
        /// The credential, where it can be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key_credential_id: Option<KeyCredentialId>,
        /// The key of a shift that it carries out, where it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub master_key_id: Option<MasterKeyId>,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<KeyCredentialKind>,
        /// What the lock said: `granted`, `denied`.
        pub outcome: Word,
        /// Why not; null when it opened.
        pub deny_reason: Option<Word>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What the vendor calls the attempt.
        pub vendor_event_id: VendorEventId,
        /// What the vendor calls the key, as a keyed hash (X2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vendor_ref_hash: Option<VendorRefHash>,
        /// When, by the lock's own clock.
        pub attempted_at: Timestamp,
        /// When it was heard of here.
        pub ingested_at: Timestamp,
    }

    /// An attempt that should not be (R83, R108).
    AccessAnomaly {
        /// The attempt by which it was seen.
        pub attempt_id: AccessAttemptId,
        /// The hotel.
        pub property_id: PropertyId,
        /// The door.
        pub device_id: LockDeviceId,
        /// What is odd: `used_after_revoke`, `used_while_suspended`, `off_shift`, `repeated_denials`.
        pub anomaly: Word,
        /// The credential, where it can be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key_credential_id: Option<KeyCredentialId>,
        /// The key of a shift that it carries out, where it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub master_key_id: Option<MasterKeyId>,
        /// Whose it is.
        #[serde(flatten)]
        pub holder: KeyHolder,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// How many attempts it is about.
        pub attempts: u32,
        /// When the last of them was, by the lock's own clock.
        pub attempted_at: Timestamp,
        /// When it was seen here.
        pub observed_at: Timestamp,
    }

    /// A vendor's webhook was called (R221); before anything is done about it.
    WebhookReceived {
        /// The call.
        pub webhook_id: WebhookId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What the vendor calls it; of a call that is not its own nothing is taken over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub external_event_id: Option<VendorEventId>,
        /// What it is about: `access.granted`.
        #[serde(rename = "type")]
        pub kind: Word,
        /// When it came in.
        pub received_at: Timestamp,
        /// Whether the vendor itself has called. Otherwise this is an alert, and nothing else has happened (R124).
        pub signature_ok: bool,
    }

    /// A call of a vendor's webhook was looked into (R221).
    WebhookProcessed {
        /// The call.
        pub webhook_id: WebhookId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// What it is about: `access.granted`.
        #[serde(rename = "type")]
        pub kind: Word,
        /// What came of it: `applied`, `duplicate`, `ignored`.
        pub outcome: Word,
        /// When.
        pub processed_at: Timestamp,
    }

    /// A vendor's circuit opened, closed, or is tried carefully (R222).
    AdapterHealthChanged {
        /// The adapter.
        pub vendor_adapter_id: VendorAdapterId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Whose lock system.
        pub vendor: VendorCode,
        /// Where the vendor is asked; added by the host that has more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub environment: Option<Word>,
        /// What it was: `closed`, `half_open`, `open`.
        pub from: Word,
        /// What it is.
        pub to: Word,
        /// Why: `error_rate_threshold`, `pause_over`, `probe_failed`, `probes_passed`.
        pub reason: Word,
        /// By what that is judged.
        pub metric: CircuitMetric,
        /// When that was seen.
        pub changed_at: Timestamp,
    }

    /// A program at a desk opened its encoder (R219).
    EncoderSessionOpened {
        /// The session.
        pub encoder_session_id: EncoderSessionId,
        /// The hotel.
        pub property_id: PropertyId,
        /// The desktop at which the encoder hangs.
        pub desktop_device_id: HostDeviceId,
        /// The encoder; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub device_id: Option<LockDeviceId>,
        /// What it is: `hid_omnikey`, `rrhfoem04`.
        pub encoder_model: Word,
        /// How it hangs there: `usb_hid`, `serial`, `pcsc`.
        pub transport: Word,
        /// Since when.
        pub opened_at: Timestamp,
    }

    /// The encoder is not open any more (R219).
    EncoderSessionClosed {
        /// The session.
        pub encoder_session_id: EncoderSessionId,
        /// The hotel; lockport always names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub property_id: Option<PropertyId>,
        /// Since when, as far as it was told.
        pub closed_at: Timestamp,
        /// Why: `graceful`, `unplugged`, or `lost` when its program never said.
        pub close_reason: Word,
    }
}

/// The members that say something.
fn what_is_known<S: Serializer>(of: &LockCapabilities, to: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(of).map_err(S::Error::custom)?;
    if let Value::Object(members) = &mut value {
        members.retain(|_, value| !value.is_null());
    }
    value.serialize(to)
}

/// What was measured of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceMetric {
    /// Its clock minus ours, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew_ms: Option<i64>,
    /// Its charge, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_pct: Option<u8>,
    /// Its firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
}

/// Against what it was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceThreshold {
    /// Above this, either way, it is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_at_ms: Option<u32>,
    /// Above this it is an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_at_ms: Option<u32>,
    /// At or below this it is low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_pct: Option<u8>,
    /// Below this it is old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_firmware: Option<String>,
}

/// By what a circuit is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CircuitMetric {
    /// How many of the last requests failed, in percent.
    pub error_rate_pct: f64,
    /// Of how many at most.
    pub window_size: u32,
}
