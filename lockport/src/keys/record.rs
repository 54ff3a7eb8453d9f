//! The hotel's credentials, as they are stored.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::claim::KeyOwner;
use super::state::KeyState;
use crate::audit::VendorRefHash;
use crate::credential::{
    Artifact, Decision, Delivery, Holder, IssuedCredential, KeyCredentialKind, Proof, RevokeReason,
    SuspendReason, VendorCode, Warning,
};
use crate::error::ErrorCode;
use crate::event::Cause;
use crate::id::{ArtifactRef, KeyCredentialId, LockDeviceId, RoomId};
use crate::idempotency::IdempotencyKey;
use crate::property::Share;
use crate::scope::GuestScope;
use crate::secret::{Secret, stored};
use crate::store::{Record, Table};
use crate::validity::{Timestamp, Validity};

/// What a key is to open, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) rooms: Vec<RoomId>,
    pub(super) scope: GuestScope,
    pub(super) validity: Validity,
}

impl Spec {
    pub(super) fn of(validity: Validity, share: &Share) -> Self {
        Self { rooms: share.rooms.clone(), scope: share.scope.clone(), validity }
    }

    /// Whether it opens something that the other opens.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.rooms.iter().any(|room| other.rooms.contains(room))
            || self.scope.areas.iter().any(|area| other.scope.areas.contains(area))
    }

    /// Whether it opens everything that the other opens, whenever that does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.validity.covers(&other.validity)
            && other.rooms.iter().all(|room| self.rooms.contains(room))
            && other.scope.areas.iter().all(|area| self.scope.areas.contains(area))
    }
}

/// What a key is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wants {
    Open,
    Blocked(SuspendReason),
    Gone(RevokeReason),
}

/// What is still to be done about a key at its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Issue,
    Update,
    Suspend(SuspendReason),
    Unsuspend,
    Revoke(RevokeReason),
}

impl Work {
    /// Whether it gives its holder something, so that he is without it until it is done.
    pub(super) const fn serves_holder(self) -> bool {
        matches!(self, Self::Issue | Self::Update | Self::Unsuspend)
    }
}

/// What was begun and whose outcome is not written down: the vendor may have done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trying {
    Suspend(SuspendReason),
    Unsuspend,
}

/// Why nobody tries any more to bring a key about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum GivenUp {
    /// Refused for good: the same would be refused again.
    Refused,
    /// Its tries ran out: when the vendor is back, its holder gets another.
    TriesRanOut,
    /// Nobody can tell whether it is there: a person decides.
    Undecided,
}

/// Who is at work on a key, and until when nobody else is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) by: String,
    pub(super) until: Timestamp,
}

/// How long a key stays with whoever took it up, should he never come back: longer than any deadline.
pub(super) const TAKEN_FOR: TimeDelta = TimeDelta::seconds(120);

/// A credential as the hotel means it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) id: KeyCredentialId,
    pub(super) owner: KeyOwner,
    pub(super) holder: Holder,
    pub(super) adapter: String,
    pub(super) vendor: VendorCode,
    /// The version that was in force when the key was asked for: it belongs to every claim that began no later and has not ended
    /// since.
    pub(super) from_version: u64,
    /// Which key of that version at that adapter: 0 is the first.
    pub(super) nth: u32,
    /// The key in whose place it comes.
    pub(super) replaces: Option<KeyCredentialId>,
    /// The keys beside which it comes: where they stand on cards, each has its own.
    #[serde(default)]
    pub(super) beside: Vec<KeyCredentialId>,
    /// How often its owner had lost everything when the key was asked for.
    pub(super) losses: usize,
    /// Kinds in order of preference, as they were when the key was asked for: a repeat must ask for the same.
    pub(super) kinds: Vec<KeyCredentialKind>,
    pub(super) state: KeyState,
    /// What the vendor was last told.
    pub(super) spec: Spec,
    /// What it is to be told; the same, when nothing is to be changed.
    pub(super) wanted: Spec,
    pub(super) wants: Wants,
    /// Since when it is to be gone.
    pub(super) leaving_since: Option<Timestamp>,
    pub(super) trying: Option<Trying>,
    /// Under which move the lifting that is being tried was begun: it keeps its name, whatever is wanted beside it since.
    #[serde(default)]
    pub(super) lifting: Option<u64>,
    /// A change of what it opens was begun, and none has come to its end since: whatever was asked for last, the vendor may have what was
    /// asked for before.
    #[serde(default)]
    pub(super) change_begun: bool,
    /// How often what it is to be was moved: each move is a write of its own.
    pub(super) moves: u64,
    pub(super) kind: Option<KeyCredentialKind>,
    /// What the vendor calls it, as a keyed hash (X2).
    #[serde(default)]
    pub(super) vendor_ref_hash: Option<VendorRefHash>,
    /// It stands on a card: to be written and rewritten it has to be at the desk.
    pub(super) on_card: bool,
    pub(super) given_up: Option<GivenUp>,
    /// What it failed with.
    #[serde(default)]
    pub(super) failed_with: Option<ErrorCode>,
    pub(super) attempts: u32,
    pub(super) next_try: Option<Timestamp>,
    /// Since when what is being done was to be done; unknown where a person with a card is waited for.
    #[serde(default)]
    pub(super) due_since: Option<Timestamp>,
    /// It was tried out of turn because its vendor seemed to be back: once is enough.
    pub(super) was_woken: bool,
    pub(super) taken: Option<Taken>,
    /// When a person has to see to its holder, should what is to be done not be done by then.
    pub(super) task_at: Option<Timestamp>,
    pub(super) artifact: Option<ArtifactRef>,
    pub(super) delivery: Vec<KeptDelivery>,
    pub(super) warnings: Vec<Warning>,
    /// Why it is what it is (R56, R120, R121).
    #[serde(default)]
    pub(super) decisions: Vec<Decision>,
    pub(super) issued_at: Option<Timestamp>,
    /// When it was last suspended.
    #[serde(default)]
    pub(super) suspended_at: Option<Timestamp>,
    /// When it was given up here, and when the vendor confirmed that it is gone (X11).
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) revoke_confirmed_at: Option<Timestamp>,
    /// How sure it is that what was taken away is gone.
    pub(super) proof: Option<Proof>,
    /// When it ends, as it was given out or moved without the cloud, whatever its holder is entitled to (R94). The cloud has not
    /// heard of it.
    #[serde(default)]
    pub(super) provisional_until: Option<Timestamp>,
    pub(super) cause: Cause,
}

/// How long a PIN's text is kept beyond its window (X17).
const KEPT_AFTER: TimeDelta = TimeDelta::hours(24);

impl KeyRecord {
    /// When the text of the artifact is wiped.
    pub(super) fn wipe_at(&self) -> Option<Timestamp> {
        if self.delivery.is_empty() {
            None
        } else {
            self.spec.validity.until().checked_add_signed(KEPT_AFTER)
        }
    }

    /// Whether it may still come to anything.
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.state, KeyState::Revoked | KeyState::Failed) && !matches!(self.wants, Wants::Gone(_))
    }

    /// Whether it was ever handed to a port.
    pub(super) const fn was_handed_over(&self) -> bool {
        self.attempts > 0 || !matches!(self.state, KeyState::Requested)
    }

    /// What is to be done next about it.
    pub(super) fn work(&self) -> Option<Work> {
        use KeyState::{Active, Failed, Pending, Requested, Revoked, Suspended};
        if let Wants::Gone(reason) = self.wants {
            let is_gone = self.revoke_confirmed_at.is_some() && self.next_try.is_none();
            return (self.was_handed_over() && !is_gone).then_some(Work::Revoke(reason));
        }
        if self.given_up == Some(GivenUp::Undecided) {
            return None;
        }
        let begun = match self.trying {
            Some(Trying::Suspend(reason)) => Some(Work::Suspend(reason)),
            _ => None,
        };
        match (self.state, self.wants) {
            (Requested, Wants::Blocked(_)) | (Failed | Revoked, _) => None,
            // What was begun is brought to its end before it is blocked.
            (Requested | Pending, _) => Some(Work::Issue),
            (Active, Wants::Blocked(reason)) => Some(Work::Suspend(reason)),
            // A lifting that was begun may come to its end still; and so long as this is not confirmed, it is not done.
            (Suspended, Wants::Blocked(reason)) => {
                let is_sure = !matches!(self.trying, Some(Trying::Unsuspend | Trying::Suspend(_)));
                (!is_sure).then_some(Work::Suspend(reason))
            }
            (Active, _) if begun.is_some() => begun,
            (Active, _) => self.differs().then_some(Work::Update),
            // Told before it may open; but a card that is out bears what stood on it, and is given back before it is rewritten.
            // A lifting that was begun may have happened: a change after it is one of a key that opens.
            (Suspended, _) if self.trying == Some(Trying::Unsuspend) => Some(Work::Unsuspend),
            (Suspended, _) if self.differs() && !self.on_card => Some(Work::Update),
            (Suspended, _) => Some(Work::Unsuspend),
        }
    }

    /// Whether it opens, and nothing is to be changed about it.
    pub(super) fn is_as_wanted(&self) -> bool {
        self.state == KeyState::Active && self.work().is_none()
    }

    /// Whether the vendor has, or may have, something else than what is wanted.
    fn differs(&self) -> bool {
        self.spec != self.wanted || self.change_begun
    }

    /// Whether only its card at the desk lets that be done.
    pub(super) const fn needs_desk(&self, work: Work) -> bool {
        self.on_card && work.serves_holder()
    }

    /// Whether something was taken away that still opens, because the card was away: to be done when it is seen.
    pub(super) fn is_out(&self, now: Timestamp) -> bool {
        let taken_away = matches!(self.wants, Wants::Gone(_)) || self.state == KeyState::Suspended;
        self.on_card
            && taken_away
            && self.proof == Some(Proof::ExpiresOnly)
            && !self.spec.validity.is_over(now)
    }

    /// The name of this key's issue: what it is for, and the key's number within that (R79, R224, X7).
    pub(super) fn issue_key(&self) -> IdempotencyKey {
        match self.owner {
            KeyOwner::Stay(reservation) => {
                let step = format!("issue/{}/{}", self.adapter, self.nth);
                IdempotencyKey::for_stay_step(reservation, &step, self.from_version)
            }
            KeyOwner::Shift(shift) => {
                let step = format!("issue-master/{}/{}", self.adapter, self.nth);
                IdempotencyKey::for_shift_step(shift, &step)
            }
        }
    }

    /// The name of the write that is to make it what it is to be.
    pub(super) fn write_key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::for_credential_step(self.id, step, self.moves)
    }

    /// The name of the write that lifts its suspension.
    pub(super) fn lift_key(&self) -> IdempotencyKey {
        IdempotencyKey::for_credential_step(self.id, "unsuspend", self.lifting.unwrap_or(self.moves))
    }
}

/// The term by which the key behind an artifact's reference is found.
pub(super) fn term_of_artifact(artifact: ArtifactRef) -> String {
    format!("artifact:{artifact}")
}

/// The term by which the keys are found that wait for an adapter.
pub(super) fn term_of_waiting(adapter: &str) -> String {
    format!("waiting:{adapter}")
}

/// The term by which the keys are found that somebody took up.
pub(super) fn term_of_taken(by: &str) -> String {
    format!("taken:{by}")
}

/// The term by which the keys are found whose artifact's text is kept.
pub(super) const IN_CUSTODY: &str = "custody";

/// The term by which the open keys are found that the cloud has not heard of.
pub(super) const PROVISIONAL_KEY: &str = "provisional";

/// The term by which the keys are found that may still come to anything.
pub(super) const OPEN_KEY: &str = "open";

impl Record for KeyRecord {
    const TABLE: Table = Table::Key;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        let work = self.work().filter(|work| !self.needs_desk(*work)).and(self.next_try);
        let work = work.map(|then| self.taken.as_ref().map_or(then, |taken| taken.until.max(then)));
        [work, self.task_at, self.wipe_at()].into_iter().flatten().min()
    }

    fn terms(&self) -> Vec<String> {
        let mut terms = vec![self.owner.to_string()];
        terms.extend(self.artifact.map(term_of_artifact));
        terms.extend(self.taken.as_ref().map(|taken| term_of_taken(&taken.by)));
        if self.delivery.iter().any(|kept| kept.text.is_some()) {
            terms.push(IN_CUSTODY.to_owned());
        }
        if self.is_open() {
            terms.push(OPEN_KEY.to_owned());
            terms.extend(self.provisional_until.map(|_| PROVISIONAL_KEY.to_owned()));
        }
        let is_waiting = self.attempts > 0 && self.work().is_some();
        if is_waiting || self.given_up == Some(GivenUp::TriesRanOut) {
            terms.push(term_of_waiting(&self.adapter));
        }
        terms
    }
}

/// An artifact, kept until its window is over and a day more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptDelivery {
    doors: Vec<LockDeviceId>,
    #[serde(with = "stored")]
    text: Option<Secret>,
    ready_at: Option<LockDeviceId>,
}

impl KeptDelivery {
    pub(super) fn of(credential: &IssuedCredential) -> Vec<Self> {
        let keep = |delivery: &Delivery| {
            let (text, ready_at) = match &delivery.artifact {
                Artifact::Pin(text)
                | Artifact::MobileToken(text)
                | Artifact::Qr(text)
                | Artifact::Nfc(text) => (Some(text.clone()), None),
                Artifact::CardReadyAt(device) => (None, Some(*device)),
            };
            Self { doors: delivery.doors.clone(), text, ready_at }
        };
        credential.delivery.iter().map(keep).collect()
    }

    /// The text, for whoever looks that it does not leave.
    pub(super) fn text(&self) -> Option<Secret> {
        self.text.clone()
    }

    pub(super) fn hand_out(&self, kind: KeyCredentialKind) -> Option<Delivery> {
        let artifact = match (kind, self.text.clone(), self.ready_at) {
            (KeyCredentialKind::PinCode, Some(text), _) => Artifact::Pin(text),
            (KeyCredentialKind::MobileApp, Some(text), _) => Artifact::MobileToken(text),
            (KeyCredentialKind::QrCode, Some(text), _) => Artifact::Qr(text),
            (KeyCredentialKind::NfcTag, Some(text), _) => Artifact::Nfc(text),
            (_, _, Some(device)) => Artifact::CardReadyAt(device),
            _ => return None,
        };
        Some(Delivery { doors: self.doors.clone(), artifact })
    }

    /// Whether both hand out the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        // EXPOSE: to notice that the vendor changed an artifact; both stay in custody.
        let (own, others) = (self.text.as_ref().map(Secret::expose), other.text.as_ref().map(Secret::expose));
        self.doors == other.doors && own == others && self.ready_at == other.ready_at
    }
}
