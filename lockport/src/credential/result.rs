//! What a host gets back: artifacts, evidence, and the reasons for what was chosen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{KeyCredentialKind, VendorCode};
use crate::audit::VendorRefHash;
use crate::id::{KeyCredentialId, LockDeviceId, RoomId};
use crate::scope::GuestScope;
use crate::secret::Secret;
use crate::validity::{Timestamp, Validity};

/// What is handed over (R32). The text inside is a secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Artifact {
    /// Digits for the keypad.
    Pin(Secret),
    /// What the booking app exchanges for the vendor's key.
    MobileToken(Secret),
    /// What is shown as a QR code.
    Qr(Secret),
    /// What is put on a tag.
    Nfc(Secret),
    /// A card lies ready at this encoder.
    CardReadyAt(LockDeviceId),
}

impl Artifact {
    /// The word the platform has for it: `mobile_token`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Pin(_) => "pin",
            Self::MobileToken(_) => "mobile_token",
            Self::Qr(_) => "qr",
            Self::Nfc(_) => "nfc",
            Self::CardReadyAt(_) => "rfid_card_ready_at",
        }
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CardReadyAt(device) => f.debug_tuple("CardReadyAt").field(device).finish(),
            _ => write!(f, "{}([redacted])", self.type_name()),
        }
    }
}

/// One artifact and the doors it opens. A PIN that the vendor chooses differs from door to door, so delivery is a list.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The doors.
    pub doors: Vec<LockDeviceId>,
    /// What opens them.
    pub artifact: Artifact,
}

/// A credential as it stands (R31). The vendor's own reference is not in it (X2).
#[derive(Clone, Debug)]
pub struct IssuedCredential {
    /// Its name.
    pub id: KeyCredentialId,
    /// What it is.
    pub kind: KeyCredentialKind,
    /// The window that was asked for.
    pub validity: Validity,
    /// Its rooms.
    pub rooms: Vec<RoomId>,
    /// Its reach beside the rooms.
    pub scope: GuestScope,
    /// What is handed over, and where it opens.
    pub delivery: Vec<Delivery>,
    /// Whose lock system.
    pub vendor: VendorCode,
    /// What the vendor calls it, as a keyed hash (X2); absent while the vendor has no name for it, or the property no audit.
    pub vendor_ref_hash: Option<VendorRefHash>,
    /// Issued offline and not yet reconciled (R42).
    pub provisional: bool,
    /// When the vendor confirmed it.
    pub issued_at: Timestamp,
}

/// Whether the vendor is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// The vendor confirmed it.
    Active,
    /// The vendor, or a person, has still to do something; the same key asks again.
    Pending,
}

/// Why the plan is as it is: for the desk, the log and the auditor (R56, R120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub code: DecisionCode,
    /// On what; scrubbed.
    pub detail: String,
}

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum DecisionCode {
    /// This kind was taken.
    KindChosen,
    /// This kind was passed over.
    KindSkipped,
    /// This kind is tried after the others.
    KindPutBack,
    /// Another PIN was drawn (R122).
    PinRedrawn,
    /// An adapter of the property was passed over: what it was asked for before came to nothing.
    AdapterSkipped,
}

/// Something a person should know about a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is.
    pub code: WarningCode,
    /// More of it; scrubbed.
    pub detail: String,
}

/// What can be warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum WarningCode {
    /// The lock's clock is off (R123).
    ClockSkew,
    /// The battery is below its threshold.
    BatteryLow,
    /// The device was not heard of lately.
    DeviceOffline,
    /// The lock opens a little later or closes a little earlier than asked: it knows coarser times only.
    WindowNarrowed,
    /// Dead unless used by a certain time.
    DiesUnlessUsed,
    /// The vendor promises only the end date: it may open until then.
    ExpiresOnly,
    /// A phone that is offline is not stopped until it syncs.
    EffectiveAtNextSync,
    /// The card was not there to be wiped: it may open until its window ends.
    CardNotWiped,
    /// The device has no serial number that tells it from others of its make.
    SharedIdentity,
    /// Nothing on the card ends by itself: whoever runs the doors has to end it there.
    NoTimeBound,
}

/// Answer to an issue (R33).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssueResult {
    /// Whether the vendor is done.
    pub state: Progress,
    /// The credential.
    pub credential: IssuedCredential,
    /// Why the plan is as it is.
    pub decisions: Vec<Decision>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// While pending: when asking again, with the same key, makes sense.
    pub ask_after: Option<Timestamp>,
}

/// Answer to an update or an unsuspend: both may change an artifact.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateResult {
    /// Whether the vendor is done.
    pub state: Progress,
    /// The credential as it stands now.
    pub credential: IssuedCredential,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// While pending: when asking again, with the same key, makes sense.
    pub ask_after: Option<Timestamp>,
}

/// How far the taking away of access is known to have got, weakest first; a credential's proof is the weakest of its grants'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Nothing but the end of the window stops it.
    ExpiresOnly,
    /// The vendor's cloud has it; the lock learns of it by itself.
    AtVendor,
    /// The lock itself has it, or never needed to.
    AtLock,
}

/// Answer to a revoke (X11).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeOutcome {
    /// Which credential.
    pub credential_id: KeyCredentialId,
    /// How far it got.
    pub proof: Proof,
    /// From when on it certainly opens nothing.
    pub effective_by: Timestamp,
    /// A lost call may still land: call again then, with the same key, and what it brought is taken away too.
    pub again_at: Option<Timestamp>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// How a suspension is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendMethod {
    /// The vendor knows suspension.
    Native,
    /// Taken away at the vendor, kept here, given again later.
    Emulated,
}

/// Answer to a suspend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuspendOutcome {
    /// Which credential.
    pub credential_id: KeyCredentialId,
    /// How it is done.
    pub how: SuspendMethod,
    /// How far it got.
    pub proof: Proof,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}
