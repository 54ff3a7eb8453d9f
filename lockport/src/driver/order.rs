//! What the core hands to a driver, and what a driver hands back.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::credential::{KeyCredentialKind, Proof, Warning};
use crate::error::LockError;
use crate::id::{GrantId, KeyCredentialId, LockDeviceId};
use crate::secret::{Secret, stored};
use crate::validity::{Timestamp, Validity};

/// The whole target state of one grant, absolute. Stored before the call, so that a repeat is the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantOrder {
    /// The grant.
    pub grant: GrantId,
    /// The credential it is part of; its other grants may share an account or a card at the vendor.
    pub credential: KeyCredentialId,
    /// The kind.
    pub kind: KeyCredentialKind,
    /// The doors: one where the descriptor says `Per::Door`.
    pub doors: Vec<LockDeviceId>,
    /// The window, already narrowed to the kind's grain.
    pub window: Validity,
    /// Suspended natively: there, and opening nothing.
    pub blocked: bool,
    /// What the core chose (a PIN, a secret), or what the holder brought (a card), or what is to be restored.
    #[serde(with = "stored")]
    pub artifact: Option<Secret>,
    /// Strictly rising within the credential: a card tells old from new by it.
    pub serial: u64,
    /// What `find` looks for: letters and digits, unique, free of anybody's data.
    pub marker: String,
    /// How it stands to other keys of these doors.
    pub relation: Relation,
    /// The encoder at which it happens, where there is one.
    pub at: Option<LockDeviceId>,
    /// The artifact opens the doors already: the vendor is only to be told of it. Asked for only where the kind
    /// [`registers`](super::Kind::registers).
    #[serde(default)]
    pub already: bool,
}

/// What an operation is going to touch, as far as it is known before it is planned.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// The kind.
    pub kind: KeyCredentialKind,
    /// The doors.
    pub doors: &'a [LockDeviceId],
    /// The encoder at which it happens, where there is one.
    pub at: Option<LockDeviceId>,
}

/// What two operations must not use at once, under a name that only the driver understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseKey {
    pub(crate) name: String,
    pub(crate) span: LeaseSpan,
}

/// How long it is leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseSpan {
    UntilSettled,
    WhileWorkedOn,
}

impl LeaseKey {
    /// From the claim of an operation until it is settled and its lost calls can no longer land: a room in which a late call
    /// would take somebody else's key along.
    #[must_use]
    pub fn until_settled(name: impl Into<String>) -> Self {
        Self { name: name.into(), span: LeaseSpan::UntilSettled }
    }

    /// Only while somebody works on the operation: an encoder, a cable. An operation that waits for a card leaves it to others.
    #[must_use]
    pub fn while_worked_on(name: impl Into<String>) -> Self {
        Self { name: name.into(), span: LeaseSpan::WhileWorkedOn }
    }
}

/// How a key stands to other keys of its doors in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relation {
    /// The doors are its own.
    Override,
    /// Others open there too, and go on opening.
    Join,
    /// A key of staff.
    Staff,
}

/// What the core believes the vendor holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Held {
    /// The order that was last confirmed, or sent.
    pub order: GrantOrder,
    /// Amendments whose answer was lost: any of them may be in force.
    pub maybe: Vec<GrantOrder>,
    /// The vendor's reference. `None` when the answer of the grant was lost: the order must do.
    #[serde(with = "stored")]
    pub reference: Option<Secret>,
    /// What the vendor called the granting when it accepted it; it may be all that there is of it.
    #[serde(with = "stored")]
    pub job: Option<Secret>,
    /// What the granting try wrote down.
    pub note: Option<String>,
}

impl fmt::Debug for Held {
    /// What was written down may be the number of somebody's card.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, maybe, reference, job, note } = self;
        f.debug_struct("Held")
            .field("order", order)
            .field("maybe", maybe)
            .field("reference", reference)
            .field("job", job)
            .field("note", &note.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

impl Held {
    /// What is held when nothing is known of it but its order.
    #[must_use]
    pub const fn by(order: GrantOrder) -> Self {
        Self { order, maybe: Vec::new(), reference: None, job: None, note: None }
    }
}

/// One taking away.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// What is held.
    pub held: Held,
    /// Why.
    pub why: WhyWithdraw,
    /// Doors of it that other live grants of ours still need.
    pub shared: Vec<LockDeviceId>,
    /// The encoder at which it happens, where there is one.
    pub at: Option<LockDeviceId>,
}

/// Why something is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyWithdraw {
    /// For good.
    Revoke,
    /// For a while; the same artifact may come back.
    Suspend,
    /// It should never have been: another grant of the same operation was refused.
    Undo,
    /// Another grant stands in its place.
    Moved,
}

/// What the vendor really gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Granted {
    /// The vendor's handle.
    #[serde(with = "stored")]
    pub reference: Option<Secret>,
    /// What the holder gets, where it is not the order's own artifact.
    #[serde(with = "stored")]
    pub artifact: Option<Secret>,
    /// The window in force. Wider than ordered counts as refused, and is taken back.
    pub effective: Validity,
    /// How far the change is known to have got, where the vendor says.
    pub proof: Option<Proof>,
    /// Dead unless used by then.
    pub dies_unless_used_by: Option<Timestamp>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// What the vendor really took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// How far it is known to have got.
    pub proof: Proof,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// An answer of the vendor.
#[derive(Clone, Debug)]
pub enum Answer<T> {
    /// It is so.
    Done(T),
    /// It was accepted, and is not so yet.
    Pending(Pending),
}

/// Something accepted whose end is not known yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The vendor's handle of the job. It comes back in [`Attempt::job`] and [`Held::job`].
    #[serde(with = "stored")]
    pub reference: Option<Secret>,
    /// Who has to do something.
    pub waits_for: WaitsFor,
    /// When asking makes sense.
    pub ask_after: Timestamp,
    /// When it will not happen any more.
    pub give_up_at: Timestamp,
}

/// Who has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitsFor {
    /// The vendor's own queue.
    Vendor,
    /// A card at this encoder. Nothing was begun: the core calls again, with the same order, whenever the host does.
    CardAt(LockDeviceId),
    /// A call of the vendor's webhook.
    Webhook,
}

/// What a look at the vendor found.
#[derive(Clone, Debug)]
pub enum Found {
    /// These, as the order says; usually one.
    Present(Vec<Granted>),
    /// Something bears the order's marker, and is not as it says: an amend that has not landed, a grant done by half.
    Otherwise,
    /// Nothing that bears the order's marker: a promise.
    Absent,
    /// The vendor had accepted the write, and then said no: this error, which is final. Nothing of it is there.
    Refused(LockError),
    /// The vendor's answer does not tell.
    CannotTell,
}

/// Where a driver writes down, durably, what a later try must know.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Written when this returns.
    async fn write(&self, note: &str) -> Result<(), LockError>;
}

/// One try of one step.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The same for every try of a step: for vendors who honour a caller's key.
    pub call_key: &'a str,
    /// An earlier try of this step may have had its effect.
    pub resend: bool,
    /// What an earlier try wrote down.
    pub noted: Option<&'a str>,
    /// What the vendor called this step when it accepted it, where it did.
    pub job: Option<Job<'a>>,
    /// What stands, or may stand, of keys that this one is to be beside: what is granted goes on no card of theirs.
    pub beside: &'a [Held],
    /// Where this try writes down.
    pub journal: &'a dyn Journal,
}

/// A write that the vendor accepted and was not seen to have done.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What it does: a look for what a withdrawal left is not answered by the job of a grant.
    pub verb: Verb,
    /// The vendor's handle of it.
    pub reference: &'a Secret,
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It gives.
    Grant,
    /// It changes.
    Amend,
    /// It takes away.
    Withdraw,
}

/// What a call of the vendor's says about a job.
#[derive(Clone, Debug)]
pub struct JobNews {
    /// The vendor's handle of it.
    pub reference: Secret,
    /// Why the vendor did not do it; `None` when it did.
    pub refused: Option<LockError>,
}

impl<'a> Attempt<'a> {
    /// The first try of a step, about which nothing is known yet.
    #[must_use]
    pub const fn first(call_key: &'a str, journal: &'a dyn Journal) -> Self {
        Self { call_key, resend: false, noted: None, job: None, beside: &[], journal }
    }

    /// Writes down what a later try must know. Durable when it returns.
    ///
    /// # Errors
    /// When it could not be written; the driver must then not go on.
    pub async fn note(&self, text: &str) -> Result<(), LockError> {
        self.journal.write(text).await
    }
}
