//! What TTLock is and can do, without a property at hand.

use chrono::TimeDelta;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof};
use lockport::driver::{
    AfterLost, Amend, ArtifactSource, DriverDescriptor, Kind, LatencyClass, LatencyProfile, Per, Placement,
    Recovery, Suspend,
};

use crate::config::{CardOrder, Passcodes};
use crate::limits::{LATE_BY, LATE_BY_GATEWAY, PIN_DIGITS};

/// What TTLock is and can do at a property whose passcodes are of this sort, and whose desk has a reader for cards or has not. A lock
/// that nothing reaches takes no cards.
#[must_use]
pub fn descriptor(passcodes: Passcodes, reader: Option<CardOrder>) -> DriverDescriptor {
    let kinds = match (passcodes, reader) {
        (Passcodes::Custom, Some(_)) => vec![ekey(), custom_passcode(), card()],
        (Passcodes::Custom, None) => vec![ekey(), custom_passcode()],
        (Passcodes::Random, _) => vec![ekey(), random_passcode()],
        (Passcodes::Off, Some(_)) => vec![ekey(), card()],
        (Passcodes::Off, None) => vec![ekey()],
    };
    DriverDescriptor {
        vendor: crate::VENDOR,
        display_name: match passcodes {
            Passcodes::Custom | Passcodes::Off => "TTLock",
            Passcodes::Random => "TTLock without gateways",
        },
        runs_on: Placement::Anywhere,
        // Joiner: each account's eKeys are its own, and so is each passcode and each card.
        capabilities: LockCapabilities {
            remote_issue: true,
            remote_revoke: true,
            joiner: true,
            ..LockCapabilities::NONE
        },
        // One has no keypad, another no gateway; every one opens to a phone.
        doors_differ: kinds.len() > 1,
        latency: match (passcodes, reader) {
            (Passcodes::Off, None) => LatencyProfile::all(LatencyClass::Cloud),
            (Passcodes::Custom | Passcodes::Off, _) => LatencyProfile::all(LatencyClass::Gateway)
                .with_issue_of(KeyCredentialKind::MobileApp, LatencyClass::Cloud),
            (Passcodes::Random, _) => {
                LatencyProfile { give: LatencyClass::Cloud, ..LatencyProfile::all(LatencyClass::Gateway) }
            }
        },
        kinds,
    }
}

/// Asked first after a lost grant: sent again, it would get another number. Everything else is absolute.
const fn recovery(late_by: std::time::Duration) -> Recovery {
    Recovery {
        grant: AfterLost::Ask,
        amend: AfterLost::Resend { within: None },
        withdraw: AfterLost::Resend { within: None },
        late_by,
        notes_first: true,
    }
}

/// A row in the vendor's cloud.
fn ekey() -> Kind {
    Kind {
        kind: KeyCredentialKind::MobileApp,
        per: Per::Door,
        artifact: ArtifactSource::HostSecret,
        suspend: Suspend::Native,
        amend_window: Amend::Native,
        amend_doors: Amend::Replace,
        can_undo: true,
        best_proof: Proof::AtVendor,
        // Milliseconds on the wire; the core's windows are whole seconds.
        grain: TimeDelta::seconds(1),
        registers: false,
        needs_lock_online: false,
        recovery: recovery(LATE_BY),
    }
}

/// Digits of ours that a gateway carries to the lock.
fn custom_passcode() -> Kind {
    Kind {
        kind: KeyCredentialKind::PinCode,
        per: Per::Door,
        artifact: ArtifactSource::HostPin { digits: PIN_DIGITS },
        suspend: Suspend::Emulated,
        amend_window: Amend::Native,
        amend_doors: Amend::Replace,
        can_undo: true,
        best_proof: Proof::AtLock,
        // VENDOR: the lock keeps minutes (docs/vendor.md#passcodes).
        grain: TimeDelta::minutes(1),
        registers: true,
        needs_lock_online: true,
        recovery: recovery(LATE_BY_GATEWAY),
    }
}

/// Digits that lock and cloud both work out.
fn random_passcode() -> Kind {
    Kind {
        artifact: ArtifactSource::Vendor,
        suspend: Suspend::No,
        amend_window: Amend::Replace,
        // VENDOR: nothing about it can be changed before it was used once (docs/vendor.md#passcodes).
        can_undo: false,
        best_proof: Proof::ExpiresOnly,
        // VENDOR: whole hours (docs/vendor.md#passcodes).
        grain: TimeDelta::hours(1),
        registers: false,
        needs_lock_online: false,
        recovery: recovery(LATE_BY),
        ..custom_passcode()
    }
}

/// The number of a card that a gateway carries to the lock.
fn card() -> Kind {
    Kind {
        kind: KeyCredentialKind::RfidCard,
        artifact: ArtifactSource::Card,
        // A card's name cannot be changed with its window, so one that no lock has confirmed could not be told from one that has.
        registers: false,
        ..custom_passcode()
    }
}
