//! What waits for a person.

use serde::{Deserialize, Serialize};

use super::claim::KeyOwner;
use crate::id::{KeyCredentialId, ReservationId, ShiftId, TaskId, UserId};
use crate::store::{Record, Table};
use crate::validity::Timestamp;

/// What a person has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeskTaskKind {
    /// A card is to be written: let its holder come to the desk, and call [`encode_now`](super::KeyService::encode_now).
    PresentCard,
    /// A card that is out is to be written anew: as for [`PresentCard`](Self::PresentCard), with that card.
    Reencode,
    /// The vendor's answer is lost for good: look, and say what is there through
    /// [`settle_task`](super::KeyService::settle_task).
    DecideOutcome,
    /// No electronic way is left: let the guest in.
    EscortGuest,
    /// A key may still open that must not: go and see.
    VisitDoor,
}

impl DeskTaskKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::PresentCard, Self::Reencode, Self::DecideOutcome, Self::EscortGuest, Self::VisitDoor];

    /// The word for it: `escort_guest`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PresentCard => "present_card",
            Self::Reencode => "reencode",
            Self::DecideOutcome => "decide_outcome",
            Self::EscortGuest => "escort_guest",
            Self::VisitDoor => "visit_door",
        }
    }

    /// Whether it is there for the sake of somebody who may open and cannot: it is no longer needed once he can, or may not.
    pub(super) const fn serves_holder(self) -> bool {
        matches!(self, Self::PresentCard | Self::Reencode | Self::EscortGuest)
    }
}

/// Something a person has to do, open until it is done or no longer needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskTask {
    /// The task.
    pub id: TaskId,
    /// What.
    pub kind: DeskTaskKind,
    /// About which credential.
    pub credential: KeyCredentialId,
    /// For whom that is.
    pub owner: KeyOwner,
    /// The member of staff it is about, where it is about one.
    pub staff: Option<UserId>,
    /// The adapter it is at.
    pub adapter: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// Since when no more.
    pub closed_at: Option<Timestamp>,
    /// The business under which its opening was told: its end comes after that.
    #[serde(default)]
    pub(super) correlation_id: Option<String>,
}

impl DeskTask {
    /// The stay it is about.
    #[must_use]
    pub const fn reservation(&self) -> Option<ReservationId> {
        match self.owner {
            KeyOwner::Stay(id) => Some(id),
            KeyOwner::Shift(_) => None,
        }
    }

    /// The shift it is about.
    #[must_use]
    pub const fn shift(&self) -> Option<ShiftId> {
        match self.owner {
            KeyOwner::Shift(id) => Some(id),
            KeyOwner::Stay(_) => None,
        }
    }
}

/// The term by which open tasks are found.
pub(super) const OPEN: &str = "open";

/// The term by which tasks are found that are closed.
pub(super) fn term_of_closed(owner: KeyOwner) -> String {
    format!("closed:{owner}")
}

impl Record for DeskTask {
    const TABLE: Table = Table::Task;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn terms(&self) -> Vec<String> {
        match self.closed_at {
            None => vec![OPEN.to_owned(), self.owner.to_string()],
            Some(_) => vec![term_of_closed(self.owner)],
        }
    }
}
