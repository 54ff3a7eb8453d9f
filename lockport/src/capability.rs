//! What an adapter, or one door, can do. All `false` by default: an adapter writes only what it can (R35, X9).

use serde::{Deserialize, Serialize};

use crate::credential::{KeyCredentialKind, Proof};

/// What can be asked of an adapter; the guard refuses the rest before any I/O.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "a flag each is what the platform's interface says (R35)")]
pub struct LockCapabilities {
    /// `mobile_app` credentials.
    pub mobile_key: bool,
    /// `rfid_card` credentials.
    pub card_encoding: bool,
    /// `pin_code` credentials.
    pub pin: bool,
    /// `qr_code` credentials.
    pub qr: bool,
    /// `nfc_tag` credentials.
    pub nfc: bool,
    /// A revoke reaches the vendor without anybody at the door.
    pub remote_revoke: bool,
    /// An issue reaches the vendor without anybody at the desk.
    pub remote_issue: bool,
    /// Credentials can be issued while the cloud is away.
    pub offline_issuance: bool,
    /// Floors can be named in a guest's scope.
    pub scope_floors: bool,
    /// Shared areas can be named in a guest's scope.
    pub scope_areas: bool,
    /// Beside the ten (X9): a credential can be suspended and unsuspended.
    pub suspend: bool,
    /// Beside the ten (X9): what the vendor holds can be read back, so that a lost answer is found again.
    pub read_back: bool,
    /// Beside the ten (X9): several keys open one door side by side; none silently kills another.
    pub joiner: bool,
    /// Beside the ten (X9): a key can be good for one opening.
    pub one_shot: bool,
    /// Beside the ten (X9): a key can follow a weekly timetable of its own.
    pub weekly_schedule: bool,
    /// Beside the ten (X9): how far a revoke can be known to have got at best.
    pub revoke_proof: Option<Proof>,
    /// Beside the ten (X9): how many digits a PIN has.
    pub pin_digits: Option<u8>,
    /// Beside the ten (X9): the most doors of one credential.
    pub max_doors: Option<u16>,
}

impl LockCapabilities {
    /// Nothing at all: what a descriptor starts from.
    pub const NONE: Self = Self {
        mobile_key: false,
        card_encoding: false,
        pin: false,
        qr: false,
        nfc: false,
        remote_revoke: false,
        remote_issue: false,
        offline_issuance: false,
        scope_floors: false,
        scope_areas: false,
        suspend: false,
        read_back: false,
        joiner: false,
        one_shot: false,
        weekly_schedule: false,
        revoke_proof: None,
        pin_digits: None,
        max_doors: None,
    };

    /// Whether credentials of this kind can be issued.
    #[must_use]
    pub const fn supports(&self, kind: KeyCredentialKind) -> bool {
        match kind {
            KeyCredentialKind::MobileApp => self.mobile_key,
            KeyCredentialKind::PinCode => self.pin,
            KeyCredentialKind::RfidCard => self.card_encoding,
            KeyCredentialKind::QrCode => self.qr,
            KeyCredentialKind::NfcTag => self.nfc,
        }
    }
}
