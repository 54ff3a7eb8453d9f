//! What an adapter writes down: the program of an operation, its grants, its credentials.

use serde::{Deserialize, Serialize};

use crate::audit::VendorRefHash;
use crate::credential::{
    Decision, Holder, IssueInput, KeyCredentialKind, Proof, RevokeInput, SettleInput, SuspendInput,
    SuspendMethod, UnsuspendInput, UpdateInput, Warning,
};
use crate::driver::{GrantOrder, Held, Pending, WaitsFor, WhyWithdraw};
use crate::error::{LockError, Operation as Verb};
use crate::id::{GrantId, KeyCredentialId, LockDeviceId, RoomId};
use crate::idempotency::IdempotencyKey;
use crate::scope::GuestScope;
use crate::secret::{Secret, stored};
use crate::store::ledger::{Operation, REMEMBERED};
use crate::store::{Record, Table};
use crate::validity::{Timestamp, Validity};

/// An operation of the ledger, with its program.
pub(super) type ProgramRecord = Operation<Program>;

/// What was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Intent {
    Issue(Box<IssueInput>),
    Update(UpdateInput),
    Revoke(RevokeInput),
    Suspend(SuspendInput),
    Unsuspend(UnsuspendInput),
    Settle(SettleInput),
}

impl Intent {
    pub(super) const fn verb(&self) -> Verb {
        match self {
            Self::Issue(_) => Verb::IssueCredential,
            Self::Update(_) => Verb::UpdateCredential,
            Self::Revoke(_) => Verb::RevokeCredential,
            Self::Suspend(_) => Verb::SuspendCredential,
            Self::Unsuspend(_) => Verb::UnsuspendCredential,
            Self::Settle(_) => Verb::SettleCredential,
        }
    }

    pub(super) fn key(&self) -> &IdempotencyKey {
        match self {
            Self::Issue(input) => &input.idempotency_key,
            Self::Update(input) => &input.idempotency_key,
            Self::Revoke(input) => &input.idempotency_key,
            Self::Suspend(input) => &input.idempotency_key,
            Self::Unsuspend(input) => &input.idempotency_key,
            Self::Settle(input) => &input.idempotency_key,
        }
    }

    pub(super) fn credential(&self) -> KeyCredentialId {
        match self {
            Self::Issue(input) => input.resulting_id(),
            Self::Update(input) => input.credential_id,
            Self::Revoke(input) => input.credential_id,
            Self::Suspend(input) => input.credential_id,
            Self::Unsuspend(input) => input.credential_id,
            Self::Settle(input) => input.credential_id,
        }
    }

    /// The encoder at which it happens.
    pub(super) fn at(&self) -> Option<LockDeviceId> {
        match self {
            Self::Issue(input) => input.place.at,
            Self::Update(input) => input.place.at,
            Self::Revoke(input) => input.place.at,
            Self::Suspend(input) => input.place.at,
            Self::Unsuspend(input) => input.place.at,
            Self::Settle(_) => None,
        }
    }

    pub(super) fn fingerprint(&self) -> Result<String, LockError> {
        let name = self.verb().as_str();
        match self {
            Self::Issue(input) => crate::credential::fingerprint(name, input),
            Self::Update(input) => crate::credential::fingerprint(name, input),
            Self::Revoke(input) => crate::credential::fingerprint(name, input),
            Self::Suspend(input) => crate::credential::fingerprint(name, input),
            Self::Unsuspend(input) => crate::credential::fingerprint(name, input),
            Self::Settle(input) => crate::credential::fingerprint(name, input),
        }
    }
}

/// An operation as a stored program: after a crash it is read, never planned again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) intent: Intent,
    /// Kinds that are still to be tried, the one in use first (issue only).
    pub(super) kinds: Vec<KeyCredentialKind>,
    pub(super) redraws: u8,
    pub(super) round: u32,
    pub(super) steps: Vec<Step>,
    /// Whether the steps were planned: an operation without any is planned too.
    pub(super) planned: bool,
    /// What the credential will be once the steps are done.
    pub(super) target: Option<CredentialContent>,
    /// A revoke wants this operation to stop where it is.
    pub(super) turned: bool,
    /// What is being undone, and why the operation will fail.
    pub(super) failure: Option<LockError>,
    pub(super) decisions: Vec<Decision>,
    pub(super) warnings: Vec<Warning>,
    pub(super) outcome: Option<Outcome>,
}

impl Program {
    pub(super) fn new(intent: Intent) -> Self {
        Self {
            intent,
            kinds: Vec::new(),
            redraws: 0,
            round: 0,
            steps: Vec::new(),
            planned: false,
            target: None,
            turned: false,
            failure: None,
            decisions: Vec::new(),
            warnings: Vec::new(),
            outcome: None,
        }
    }

    /// The steps of the round in force, with their numbers.
    pub(super) fn current(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(|step| step.round == self.round)
    }
}

/// What a step does at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Act {
    Grant,
    Amend,
    Withdraw(WhyWithdraw),
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StepState {
    /// Not sent, or the vendor said that it was not applied.
    Planned,
    /// Written down as sent; the answer is not recorded.
    Sent,
    /// As `Sent`, and known not to be as it should: to be sent again.
    Again,
    /// The answer is recorded.
    Done,
    /// The vendor said no, and nothing is there.
    Refused,
    /// The answer is lost and cannot be asked for.
    Unknown,
    /// Never sent, no longer wanted.
    Cancelled,
}

/// One effect at the vendor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) act: Act,
    /// The target; for a withdrawal, what is taken away.
    pub(super) order: GrantOrder,
    /// For an amend: the order it goes back to when the round is refused.
    pub(super) before: Option<Box<GrantOrder>>,
    pub(super) round: u32,
    /// Part of taking a refused round back.
    pub(super) undo: bool,
    pub(super) state: StepState,
    /// Not before then: a second withdrawal, when a lost call can no longer land.
    pub(super) not_before: Option<Timestamp>,
    pub(super) first_sent: Option<Timestamp>,
    pub(super) last_sent: Option<Timestamp>,
    /// When a call was sent that got no answer and may still land.
    pub(super) lost_at: Option<Timestamp>,
    /// How many calls were sent and got no answer.
    pub(super) unanswered: u32,
    pub(super) note: Option<String>,
    pub(super) waiting: Option<Pending>,
}

impl Step {
    pub(super) const fn new(act: Act, order: GrantOrder, round: u32) -> Self {
        Self {
            act,
            order,
            before: None,
            round,
            undo: false,
            state: StepState::Planned,
            not_before: None,
            first_sent: None,
            last_sent: None,
            lost_at: None,
            unanswered: 0,
            note: None,
            waiting: None,
        }
    }
}

impl Step {
    /// Whether something opens by it.
    pub(super) const fn gives(&self) -> bool {
        matches!(self.act, Act::Grant | Act::Amend)
    }

    /// Whether nothing of it was begun: it was not sent, or nobody has come with a card.
    pub(super) fn is_not_begun(&self) -> bool {
        let waits = |pending: &Pending| waits_for_card(pending) && pending.reference.is_none();
        let is_unsent = self.state == StepState::Planned && self.first_sent.is_none();
        let is_next = is_unsent || self.waiting.as_ref().is_some_and(waits);
        is_next && self.note.is_none() && self.lost_at.is_none()
    }
}

/// Whether it goes on when somebody comes with a card.
pub(super) const fn waits_for_card(pending: &Pending) -> bool {
    matches!(pending.waits_for, WaitsFor::CardAt(_))
}

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum GrantState {
    /// Sent, not recorded: it may be there, and counts as if it were.
    Unknown,
    Live,
    /// Natively suspended.
    Suspended,
    /// Gone at the vendor, kept here (emulated suspension).
    Withheld,
    /// Withdrawn here; the vendor promises only the end of the window.
    Expiring,
    /// Proven gone.
    Withdrawn,
}

impl GrantState {
    /// Whether something may open by it.
    pub(super) const fn occupies(self) -> bool {
        matches!(self, Self::Unknown | Self::Live | Self::Suspended | Self::Expiring)
    }
}

/// One effect at the vendor, as it is believed to stand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GrantRecord {
    pub(super) held: Held,
    pub(super) state: GrantState,
    /// What the holder got, where the vendor made it.
    #[serde(with = "stored")]
    pub(super) artifact: Option<Secret>,
    pub(super) effective: Validity,
    pub(super) proof: Option<Proof>,
    /// It bears another's marker at the vendor: no look finds it, and its reference has to do.
    #[serde(default)]
    pub(super) is_unmarked: bool,
}

impl GrantRecord {
    /// What the holder opens with.
    pub(super) fn opens_with(&self) -> Option<&Secret> {
        self.artifact.as_ref().or(self.held.order.artifact.as_ref())
    }

    pub(super) const fn id(&self) -> GrantId {
        self.held.order.grant
    }
}

/// The lock on a credential.
pub(super) fn lock_of_credential(id: KeyCredentialId) -> String {
    format!("cred:{id}")
}

/// The term by which the credentials are found that are to be beside this one.
pub(super) fn term_of_beside(id: KeyCredentialId) -> String {
    format!("beside:{id}")
}

/// The term by which a credential's grants are found.
pub(super) fn term_of_credential(id: KeyCredentialId) -> String {
    format!("credential:{id}")
}

/// The term by which the grants that occupy a door are found.
pub(super) fn term_of_door(id: LockDeviceId) -> String {
    format!("door:{id}")
}

/// The term by which the grants are found that occupied a door.
pub(super) fn term_of_past_door(id: LockDeviceId) -> String {
    format!("past:{id}")
}

impl Record for GrantRecord {
    const TABLE: Table = Table::Grant;

    fn id(&self) -> String {
        self.held.order.grant.to_string()
    }

    fn terms(&self) -> Vec<String> {
        let mut terms = vec![term_of_credential(self.held.order.credential)];
        let term = if self.state.occupies() { term_of_door } else { term_of_past_door };
        terms.extend(self.held.order.doors.iter().copied().map(term));
        terms
    }
}

/// How a credential stands at this vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CredentialState {
    Pending,
    Active,
    Suspended,
    Revoked,
    /// Refused by the vendor, or declared unknown; only a revoke makes sense.
    Failed,
}

/// A credential as this adapter knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CredentialRecord {
    pub(super) id: KeyCredentialId,
    pub(super) state: CredentialState,
    /// Absent for a tombstone: revoked before anybody issued it.
    pub(super) content: Option<CredentialContent>,
    /// The serial of the newest order.
    pub(super) serial: u64,
    pub(super) revoked: Option<(Proof, Timestamp)>,
    /// What it is to be if a change that was declared unknown did happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) declared: Option<Box<CredentialContent>>,
}

/// What a credential is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CredentialContent {
    pub(super) kind: KeyCredentialKind,
    pub(super) holder: Holder,
    pub(super) validity: Validity,
    pub(super) rooms: Vec<RoomId>,
    pub(super) scope: GuestScope,
    /// What the core drew or the holder brought.
    #[serde(with = "stored")]
    pub(super) artifact: Option<Secret>,
    pub(super) issued_at: Timestamp,
    /// Keys of the same holder on whose cards it must not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) beside: Vec<KeyCredentialId>,
}

impl CredentialRecord {
    /// When nobody may ask for it any more: a while after its window is over, a tombstone after its revoke.
    pub(super) fn keep_until(&self) -> Option<Timestamp> {
        let ends = self.content.as_ref().map(|content| content.validity.until());
        ends.or(self.revoked.map(|(_, by)| by))?.checked_add_signed(REMEMBERED)
    }
}

impl Record for CredentialRecord {
    const TABLE: Table = Table::Credential;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn due(&self) -> Option<Timestamp> {
        self.keep_until()
    }

    fn terms(&self) -> Vec<String> {
        let beside = self.content.iter().flat_map(|content| &content.beside);
        beside.copied().map(term_of_beside).collect()
    }
}

/// How an operation ended; repeated for ever after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Given(Box<Snapshot>),
    Revoked {
        proof: Proof,
        effective_by: Timestamp,
    },
    Suspended {
        how: SuspendMethod,
        proof: Proof,
    },
    /// A person looked, and it is not there.
    NotThere,
    Failed(LockError),
}

/// A credential as it was handed out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) content: CredentialContent,
    pub(super) delivery: Vec<StoredDelivery>,
    /// What the vendor calls it, as a keyed hash (X2).
    #[serde(default)]
    pub(super) vendor_ref_hash: Option<VendorRefHash>,
}

/// One artifact and its doors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredDelivery {
    pub(super) doors: Vec<LockDeviceId>,
    #[serde(with = "stored")]
    pub(super) artifact: Option<Secret>,
    pub(super) at: Option<LockDeviceId>,
}
