//! What is written down in the audit: of a key with each event about it (R136), and what a person did.

use super::claim::KeyOwner;
use super::record::KeyRecord;
use super::tell::holder;
use super::{BulkRevoke, BulkTarget, KeyService};
use crate::audit::{Action, Digest, Draft, Outcome, Purpose, Reason, TraceId};
use crate::error::{FailureReason, LockError};
use crate::event::{Envelope, KeyHolder, Objection};
use crate::id::{EventId, TaskId, UserId};
use crate::store::{StoreError, Transaction};

impl KeyService {
    /// A deed of a person about a key: its artifact was handed out, or got another reference.
    pub(super) fn note_handing_out(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        (action, operator, purpose): (Action, UserId, Purpose),
    ) -> Result<(), LockError> {
        let mut draft = Draft { purpose: Some(purpose), ..Draft::new(action, Outcome::Ok) };
        draft.people.operator_id = Some(operator);
        self.note(transaction, key, None, draft)
    }

    /// A person's word on a call whose answer is lost.
    pub(super) fn note_settled(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        task: TaskId,
        operator: UserId,
    ) -> Result<(), LockError> {
        let mut draft = Draft { task_id: Some(task), ..Draft::new(Action::Settle, Outcome::Ok) };
        draft.people.operator_id = Some(operator);
        self.note(transaction, key, None, draft)
    }

    /// An order of a person to take many keys away.
    pub(super) fn note_bulk(&self, transaction: &mut Transaction, order: &BulkRevoke) {
        let mut draft = Draft::new(Action::RevokeAll, Outcome::Ok);
        draft.reason = Some(Reason::Revoke(order.reason));
        draft.decision_id = order.decision;
        draft.people.operator_id = Some(order.operator);
        draft.people.approver_ids.clone_from(&order.approvals);
        match order.target {
            BulkTarget::Owner(KeyOwner::Stay(reservation)) => draft.reservation_id = Some(reservation),
            BulkTarget::Owner(KeyOwner::Shift(shift)) => draft.shift_id = Some(shift),
            BulkTarget::Guest(guest) => draft.people.guest_id = Some(guest),
            BulkTarget::Staff(staff) => draft.people.staff_id = Some(staff),
            BulkTarget::Property => {}
        }
        transaction.note(&self.env, draft);
    }

    /// An event that must not leave.
    pub(super) fn note_dropped(&self, transaction: &mut Transaction, event: &Envelope, why: Objection) {
        let reason = match why {
            Objection::Foreign => FailureReason::ForeignId,
            Objection::Member | Objection::Artifact => FailureReason::Invalid,
        };
        let draft = Draft {
            event_id: Some(event.id),
            failure_reason: Some(reason),
            ..Draft::new(Action::DropEvent, Outcome::Ok)
        };
        transaction.note(&self.env, draft);
    }

    /// Adds an entry about a key to what is being written.
    pub(super) fn note(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        event: Option<EventId>,
        mut draft: Draft,
    ) -> Result<(), LockError> {
        let KeyHolder { reservation_id, shift_id, guest_id, staff_user_id } = holder(key);
        let binding = self.property.adapter(&key.adapter);
        let capabilities = binding.map(|binding| binding.port.describe_adapter().capabilities);
        let snapshot = |of| Digest::of_capabilities(&of).map_err(|_| StoreError::Corrupt);
        draft.key_credential_id = Some(key.id);
        (draft.reservation_id, draft.shift_id) = (reservation_id, shift_id);
        (draft.people.guest_id, draft.people.staff_id) = (guest_id, staff_user_id);
        draft.event_id = event;
        draft.lock_device_id = binding.and_then(|binding| binding.encoder).filter(|_| key.on_card);
        draft.vendor = Some(key.vendor.clone());
        draft.vendor_ref_hash = key.vendor_ref_hash;
        draft.capabilities = capabilities.map(snapshot).transpose()?;
        draft.trace_id = key.cause.trace_id.as_deref().and_then(TraceId::read);
        transaction.note(&self.env, draft);
        Ok(())
    }
}
