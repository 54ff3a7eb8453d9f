//! What is told of doors, locks and vendors that nobody asked about: to the bus (R214 to R217, R220 to R222) and of attempts to
//! the audit.

use super::KeyService;
use super::claim::KeyOwner;
use super::device::{DeviceChange, Facts};
use super::record::KeyRecord;
use super::tell::{holder, master};
use crate::audit::{Action, Draft, Outcome, Reason};
use crate::device::{Battery, CLOCK_ALERT_AT_MS, CLOCK_WARN_AT_MS, ClockStanding, LockDevice};
use crate::driver::AttemptOutcome;
use crate::error::LockError;
use crate::event::{
    AccessAnomaly, AccessAttempt, AdapterHealthChanged, AnomalyKind, Cause, CircuitMetric, DeviceBatteryLow,
    DeviceHealthAlert, DeviceMetric, DeviceOffline, DeviceOnline, DeviceRegistered, DeviceThreshold, Word,
};
use crate::id::{AccessAttemptId, LockDeviceId, MasterKeyId, VendorAdapterId};
use crate::port::SeenAttempt;
use crate::property::AdapterBinding;
use crate::store::Transaction;
use crate::telemetry::{Counter, Label, Mark};
use crate::transport::{CIRCUIT_WINDOW, CircuitState};

/// What nobody knows the kind of.
const UNKNOWN_KIND: &str = "unknown";

/// What is told of one lock stays in order.
fn about(device: LockDeviceId) -> Cause {
    Cause { correlation_id: Some(device.to_string()), ..Cause::default() }
}

/// The key of a shift that a credential carries out.
fn master_of(key: Option<&KeyRecord>) -> Option<MasterKeyId> {
    key.filter(|key| matches!(key.owner, KeyOwner::Shift(_))).map(master)
}

impl KeyService {
    pub(super) fn tell_registered(
        &self,
        transaction: &mut Transaction,
        seen: &LockDevice,
    ) -> Result<(), LockError> {
        let data = DeviceRegistered {
            device_id: seen.device_id,
            property_id: self.partition().property,
            vendor: seen.vendor.clone(),
            label: seen.label.clone(),
            rooms: seen.rooms.clone(),
            capabilities: seen.capabilities,
            firmware: seen.firmware.clone(),
            registered_at: self.env.now(),
        };
        self.tell(transaction, &about(seen.device_id), &data).map(|_| ())
    }

    pub(super) fn tell_device(
        &self,
        transaction: &mut Transaction,
        device_id: LockDeviceId,
        change: DeviceChange,
        facts: &Facts<'_>,
    ) -> Result<(), LockError> {
        let (property_id, now, cause) = (self.partition().property, self.env.now(), about(device_id));
        let last_seen_at = facts.last_seen_at;
        match change {
            DeviceChange::Offline => {
                let reason = Word::of("no_heartbeat");
                let data = DeviceOffline { device_id, property_id, since: now, last_seen_at, reason };
                self.tell(transaction, &cause, &data)?;
            }
            DeviceChange::Online => {
                let reason = Word::of("heartbeat");
                let data = DeviceOnline { device_id, property_id, since: now, last_seen_at, reason };
                self.tell(transaction, &cause, &data)?;
            }
            DeviceChange::BatteryLow(Battery { percent, low_threshold_percent }) => {
                let data = DeviceBatteryLow {
                    device_id,
                    property_id,
                    battery_pct: percent,
                    threshold_pct: low_threshold_percent,
                    observed_at: now,
                };
                self.tell(transaction, &cause, &data)?;
            }
            DeviceChange::BatteryCharged(_)
            | DeviceChange::FirmwareOld
            | DeviceChange::FirmwareRenewed
            | DeviceChange::Clock(..) => {}
        }
        self.tell_alert(transaction, device_id, change, facts)
    }

    /// The same once more, among what is to be looked after (R215).
    fn tell_alert(
        &self,
        transaction: &mut Transaction,
        device_id: LockDeviceId,
        change: DeviceChange,
        facts: &Facts<'_>,
    ) -> Result<(), LockError> {
        let (mut metric, mut threshold) = (DeviceMetric::default(), DeviceThreshold::default());
        let (alert, severity) = match change {
            DeviceChange::Offline => ("offline", "warning"),
            DeviceChange::Online => ("offline", "cleared"),
            DeviceChange::BatteryLow(battery) | DeviceChange::BatteryCharged(battery) => {
                metric.battery_pct = Some(battery.percent);
                threshold.threshold_pct = Some(battery.low_threshold_percent);
                let is_low = matches!(change, DeviceChange::BatteryLow(_));
                ("battery_low", if is_low { "warning" } else { "cleared" })
            }
            DeviceChange::FirmwareOld | DeviceChange::FirmwareRenewed => {
                metric.firmware = facts.firmware.map(|firmware| firmware.is.to_owned());
                threshold.least_firmware = facts.firmware.map(|firmware| firmware.at_least.to_owned());
                ("firmware_old", if change == DeviceChange::FirmwareOld { "warning" } else { "cleared" })
            }
            DeviceChange::Clock(standing, skew) => {
                metric.clock_skew_ms = Some(skew);
                threshold.warn_at_ms = Some(CLOCK_WARN_AT_MS);
                threshold.alert_at_ms = Some(CLOCK_ALERT_AT_MS);
                let severity = match standing {
                    ClockStanding::Right => "cleared",
                    ClockStanding::Off => "warning",
                    ClockStanding::FarOff => "alert",
                };
                ("clock_skew", severity)
            }
        };
        let data = DeviceHealthAlert {
            device_id,
            property_id: self.partition().property,
            alert: Word::of(alert),
            severity: Word::of(severity),
            metric,
            threshold,
            observed_at: self.env.now(),
        };
        self.tell(transaction, &about(device_id), &data).map(|_| ())
    }

    pub(super) fn tell_attempt(
        &self,
        transaction: &mut Transaction,
        attempt_id: AccessAttemptId,
        of: &AdapterBinding,
        seen: &SeenAttempt,
        key: Option<&KeyRecord>,
    ) -> Result<(), LockError> {
        let vendor = of.port.describe_adapter().vendor;
        let kind = seen.kind.or_else(|| key.and_then(|key| key.kind));
        let data = AccessAttempt {
            attempt_id,
            property_id: self.partition().property,
            device_id: seen.device,
            key_credential_id: seen.credential,
            master_key_id: master_of(key),
            holder: key.map(holder).unwrap_or_default(),
            kind,
            outcome: Word::of(seen.outcome.as_str()),
            deny_reason: seen.outcome.deny_reason().map(|reason| Word::of(reason.as_str())),
            vendor: vendor.clone(),
            vendor_event_id: seen.event.clone(),
            vendor_ref_hash: seen.vendor_ref_hash,
            attempted_at: seen.at,
            ingested_at: self.env.now(),
        };
        let event = self.tell(transaction, &about(seen.device), &data)?;
        let outcome = match seen.outcome {
            AttemptOutcome::Granted => Outcome::Granted,
            AttemptOutcome::Denied(_) => Outcome::Denied,
        };
        let mut draft = self.draft_of_attempt(Action::Attempt, outcome, of, seen, key);
        draft.event_id = Some(event);
        draft.reason = seen.outcome.deny_reason().map(Reason::Deny);
        transaction.note(&self.env, draft);
        let kind = kind.map_or(UNKNOWN_KIND, |kind| kind.as_str());
        let words = vec![(Label::Result, seen.outcome.as_str()), (Label::Kind, kind)];
        transaction.mark(Mark { vendor: Some(vendor), ..Mark::new(&self.meter, Counter::Attempts, words) });
        Ok(())
    }

    /// `times` is how many attempts it is about.
    pub(super) fn tell_anomaly(
        &self,
        transaction: &mut Transaction,
        attempt_id: AccessAttemptId,
        of: &AdapterBinding,
        seen: &SeenAttempt,
        key: Option<&KeyRecord>,
        (kind, times): (AnomalyKind, u32),
    ) -> Result<(), LockError> {
        let data = AccessAnomaly {
            attempt_id,
            property_id: self.partition().property,
            device_id: seen.device,
            anomaly: Word::of(kind.as_str()),
            key_credential_id: seen.credential,
            master_key_id: master_of(key),
            holder: key.map(holder).unwrap_or_default(),
            vendor: of.port.describe_adapter().vendor,
            attempts: times,
            attempted_at: seen.at,
            observed_at: self.env.now(),
        };
        let event = self.tell(transaction, &about(seen.device), &data)?;
        let outcome = match seen.outcome {
            AttemptOutcome::Granted => Outcome::Granted,
            AttemptOutcome::Denied(_) => Outcome::Denied,
        };
        let mut draft = self.draft_of_attempt(Action::Anomaly, outcome, of, seen, key);
        draft.event_id = Some(event);
        draft.reason = Some(Reason::Anomaly(kind));
        transaction.note(&self.env, draft);
        Ok(())
    }

    fn draft_of_attempt(
        &self,
        action: Action,
        outcome: Outcome,
        of: &AdapterBinding,
        seen: &SeenAttempt,
        key: Option<&KeyRecord>,
    ) -> Draft {
        let mut draft = Draft::new(action, outcome);
        let holder = key.map(holder).unwrap_or_default();
        draft.key_credential_id = seen.credential;
        (draft.reservation_id, draft.shift_id) = (holder.reservation_id, holder.shift_id);
        (draft.people.guest_id, draft.people.staff_id) = (holder.guest_id, holder.staff_user_id);
        draft.lock_device_id = Some(seen.device);
        draft.vendor = Some(of.port.describe_adapter().vendor);
        draft.vendor_ref_hash = seen.vendor_ref_hash;
        draft
    }

    /// The circuit before an adapter's vendor is otherwise than it was told (R222).
    pub(super) fn tell_circuit(
        &self,
        transaction: &mut Transaction,
        of: &AdapterBinding,
        (from, to): (CircuitState, CircuitState),
        error_rate_pct: f64,
    ) -> Result<(), LockError> {
        let parts: [&[u8]; 2] = [&self.partition().property.to_bytes(), of.name.as_bytes()];
        let id = VendorAdapterId::derived("lockport/vendor-adapter/v1", &parts);
        let reason = match (from, to) {
            (CircuitState::HalfOpen, CircuitState::Open) => "probe_failed",
            (_, CircuitState::Open) => "error_rate_threshold",
            (_, CircuitState::HalfOpen) => "pause_over",
            (_, CircuitState::Closed) => "probes_passed",
        };
        let data = AdapterHealthChanged {
            vendor_adapter_id: id,
            property_id: Some(self.partition().property),
            vendor: of.port.describe_adapter().vendor,
            environment: None,
            from: Word::of(from.as_str()),
            to: Word::of(to.as_str()),
            reason: Word::of(reason),
            metric: CircuitMetric { error_rate_pct, window_size: CIRCUIT_WINDOW },
            changed_at: self.env.now(),
        };
        let cause = Cause { correlation_id: Some(id.to_string()), ..Cause::default() };
        self.say_circuit(transaction, of, to);
        self.tell(transaction, &cause, &data).map(|_| ())
    }
}
