//! What is told of a key: to the bus (R208 to R213, R218), never a vendor's reference, never the text of an artifact; and to the
//! audit (R136), in the same transaction. Every change of a key's state comes by here.

use super::KeyService;
use super::by_hand::ByHand;
use super::claim::KeyOwner;
use super::record::{KeyRecord, Spec};
use super::task::DeskTask;
use crate::audit::{Action, Draft, Outcome, Reason};
use crate::credential::{Holder, RevokeOutcome, RevokeReason, SuspendReason, Warning};
use crate::error::{FailureReason, LockError};
use crate::event::{
    ArtifactReference, Cause, Change, Changes, CredentialFailed, CredentialIssued, CredentialRequested,
    CredentialRevoked, CredentialSuspended, CredentialUnsuspended, CredentialUpdated, Delivery,
    DeskTaskClosed, DeskTaskOpened, HolderKind, KeyHolder, MasterKeyExpired, MasterKeyIssued, Payload,
    RevokeFailed, RevokeMetadata, Scope, StaffReach, VendorError, Word,
};
use crate::id::{EventId, MasterKeyId, UserId};
use crate::scope::StaffScope;
use crate::store::{StoreError, Transaction};
use crate::telemetry::{Ended, Saga};

/// Whose key it is.
pub(super) fn holder(key: &KeyRecord) -> KeyHolder {
    let mut holder = KeyHolder::default();
    match key.owner {
        KeyOwner::Stay(reservation) => holder.reservation_id = Some(reservation),
        KeyOwner::Shift(shift) => holder.shift_id = Some(shift),
    }
    match &key.holder {
        Holder::Guest(guest) => holder.guest_id = Some(guest.id),
        Holder::Staff(staff) => holder.staff_user_id = Some(staff.user_id),
    }
    holder
}

const fn holder_kind(key: &KeyRecord) -> HolderKind {
    match key.holder {
        Holder::Guest(_) => HolderKind::Guest,
        Holder::Staff(_) => HolderKind::Staff,
    }
}

/// The reference to the artifact, and what kind of artifact it is.
fn delivery(key: &KeyRecord, artifact_type: &'static str) -> Result<Delivery, StoreError> {
    let opaque_ref = key.artifact.ok_or(StoreError::Corrupt)?;
    Ok(Delivery {
        artifact: ArtifactReference { kind: Word::of(artifact_type), opaque_ref },
        deep_link: None,
    })
}

/// The key of a shift, beside the credential that carries it out.
pub(super) fn master(key: &KeyRecord) -> MasterKeyId {
    MasterKeyId::derived("lockport/master-key/v1", &[&key.id.to_bytes()])
}

fn staff(key: &KeyRecord) -> Result<UserId, StoreError> {
    match &key.holder {
        Holder::Staff(staff) => Ok(staff.user_id),
        Holder::Guest(_) => Err(StoreError::Corrupt),
    }
}

impl KeyService {
    pub(super) fn tell_requested(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialRequested {
                key_credential_id: key.id,
                property_id: self.partition().property,
                holder: holder(key),
                holder_kind: Some(holder_kind(key)),
                rooms: key.spec.rooms.clone(),
                scope: Some(Scope::from(&key.spec.scope)),
                valid_from: key.spec.validity.from(),
                valid_until: key.spec.validity.until(),
                preferred_kinds: key.kinds.clone(),
                vendor: key.vendor.clone(),
                idempotency_key: key.issue_key(),
                replaces: key.replaces,
            },
        )?;
        let draft = Draft { replaces: key.replaces, ..Draft::new(Action::Request, Outcome::Ok) };
        self.note(transaction, key, Some(event), draft)
    }

    /// Handed to the port, outcome open: nothing for the bus (X15).
    pub(super) fn tell_pending(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        self.note(transaction, key, None, Draft::new(Action::Issue, Outcome::Deferred))
    }

    /// `scopes` are those of a shift.
    pub(super) fn tell_issued(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        artifact_type: &'static str,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        self.mark_saga(transaction, key, Saga::Issue, Ended::Ok);
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialIssued {
                key_credential_id: key.id,
                property_id: self.partition().property,
                holder_kind: holder_kind(key),
                holder: holder(key),
                kind: key.kind.ok_or(StoreError::Corrupt)?,
                rooms: key.spec.rooms.clone(),
                scope: Scope::from(&key.spec.scope),
                valid_from: key.spec.validity.from(),
                valid_until: key.spec.validity.until(),
                vendor: key.vendor.clone(),
                vendor_ref_hash: key.vendor_ref_hash,
                provisional: key.provisional_until.is_some(),
                delivery: delivery(key, artifact_type)?,
                issued_at: key.issued_at.ok_or(StoreError::Corrupt)?,
                warnings: key.warnings.clone(),
                decisions: key.decisions.clone(),
            },
        )?;
        self.note(transaction, key, Some(event), Draft::new(Action::Issue, Outcome::Ok))
    }

    /// Why it failed, unless nobody wanted it any more.
    pub(super) fn tell_failed(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        why: Option<&LockError>,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        self.mark_failed(transaction, key, why);
        let reason = why.map_or("cancelled", |error| error.reason().as_str());
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialFailed {
                key_credential_id: key.id,
                property_id: Some(self.partition().property),
                holder: holder(key),
                vendor: key.vendor.clone(),
                failure_reason: Word::of(reason),
                vendor_message: why.map(|error| error.message().to_owned()),
                attempts: key.attempts,
                last_attempt_at: self.env.now(),
            },
        )?;
        let failure_reason = why.map(LockError::reason);
        self.note(
            transaction,
            key,
            Some(event),
            Draft { failure_reason, ..Draft::new(Action::Issue, Outcome::Error) },
        )
    }

    pub(super) fn tell_updated(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        before: &Spec,
        artifact_type: Option<&'static str>,
        warnings: &[Warning],
    ) -> Result<(), LockError> {
        self.mark_saga(transaction, key, Saga::Update, Ended::Ok);
        let after = &key.spec;
        let changes = Changes {
            valid_from: Change::between(before.validity.from(), after.validity.from()),
            valid_until: Change::between(before.validity.until(), after.validity.until()),
            rooms: Change::between(before.rooms.clone(), after.rooms.clone()),
            scope: Change::between(Scope::from(&before.scope), Scope::from(&after.scope)),
        };
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialUpdated {
                key_credential_id: key.id,
                property_id: Some(self.partition().property),
                holder: holder(key),
                changes,
                delivery: artifact_type.map(|of| delivery(key, of)).transpose()?,
                vendor: key.vendor.clone(),
                vendor_ref_hash: key.vendor_ref_hash,
                provisional: Some(key.provisional_until.is_some()),
                updated_at: self.env.now(),
                warnings: warnings.to_vec(),
            },
        )?;
        self.note(transaction, key, Some(event), Draft::new(Action::Update, Outcome::Ok))
    }

    pub(super) fn tell_suspended(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        reason: SuspendReason,
        warnings: &[Warning],
        operator: Option<UserId>,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        self.mark_saga(transaction, key, Saga::Suspend, Ended::Ok);
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialSuspended {
                key_credential_id: key.id,
                property_id: Some(self.partition().property),
                holder: holder(key),
                vendor: Some(key.vendor.clone()),
                reason,
                suspended_at: self.env.now(),
                warnings: warnings.to_vec(),
            },
        )?;
        let reason = Some(Reason::Suspend(reason));
        let mut draft = Draft { reason, ..Draft::new(Action::Suspend, Outcome::Ok) };
        draft.people.operator_id = operator;
        self.note(transaction, key, Some(event), draft)
    }

    pub(super) fn tell_unsuspended(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        by: Option<UserId>,
        artifact_type: Option<&'static str>,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        self.mark_saga(transaction, key, Saga::Unsuspend, Ended::Ok);
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialUnsuspended {
                key_credential_id: key.id,
                property_id: Some(self.partition().property),
                holder: holder(key),
                vendor: Some(key.vendor.clone()),
                delivery: artifact_type.map(|of| delivery(key, of)).transpose()?,
                unsuspended_at: self.env.now(),
                unsuspended_by: by.into(),
            },
        )?;
        let mut draft = Draft::new(Action::Unsuspend, Outcome::Ok);
        draft.people.operator_id = by;
        self.note(transaction, key, Some(event), draft)
    }

    /// `outcome` is what the vendor said, if it took it; `order` is whose it was, where it was a person's (R103, R183).
    pub(super) fn tell_revoked(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        reason: RevokeReason,
        outcome: Option<&RevokeOutcome>,
        order: Option<&ByHand>,
    ) -> Result<(), LockError> {
        self.say_state(transaction, key);
        let operator = order.map(|order| order.operator);
        let event = self.tell(
            transaction,
            &key.cause,
            &CredentialRevoked {
                key_credential_id: key.id,
                property_id: Some(self.partition().property),
                holder: holder(key),
                vendor: key.vendor.clone(),
                reason,
                revoked_at: self.env.now(),
                operator_id: operator,
                metadata: RevokeMetadata {
                    was_provisional: key.provisional_until.is_some(),
                    vendor_revoke_ok: outcome.is_some(),
                    proof: outcome.map(|outcome| outcome.proof),
                    warnings: outcome.map(|outcome| outcome.warnings.clone()).unwrap_or_default(),
                },
            },
        )?;
        let how = if outcome.is_some() { Outcome::Ok } else { Outcome::Deferred };
        let mut draft = Draft { reason: Some(Reason::Revoke(reason)), ..Draft::new(Action::Revoke, how) };
        draft.people.operator_id = operator;
        draft.decision_id = order.and_then(|order| order.decision);
        self.note(transaction, key, Some(event), draft)
    }

    /// It came to less than its reason requires (R84); `None` where the vendor took it and promises too little.
    pub(super) fn tell_revoke_failed(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        reason: RevokeReason,
        why: Option<FailureReason>,
    ) -> Result<(), LockError> {
        let event = self.tell(
            transaction,
            &key.cause,
            &RevokeFailed {
                key_credential_id: key.id,
                property_id: self.partition().property,
                holder: holder(key),
                vendor: key.vendor.clone(),
                reason,
                failure_reason: Word::of(why.map_or("weak_proof", FailureReason::as_str)),
                observed_at: self.env.now(),
            },
        )?;
        let reason = Some(Reason::Revoke(reason));
        let draft = Draft { reason, failure_reason: why, ..Draft::new(Action::Revoke, Outcome::Error) };
        self.note(transaction, key, Some(event), draft)
    }

    /// A vendor did not answer until the tries ran out (R73, R118). That the key failed is told beside it.
    pub(super) fn tell_vendor_error(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        error: &LockError,
    ) -> Result<(), LockError> {
        let data = VendorError {
            key_credential_id: key.id,
            property_id: self.partition().property,
            holder: holder(key),
            vendor: key.vendor.clone(),
            error_code: Word::of(error.code().as_str()),
            failure_reason: Word::of(error.reason().as_str()),
            attempts: key.attempts,
            observed_at: self.env.now(),
        };
        self.tell(transaction, &key.cause, &data).map(|_| ())
    }

    /// A shift has its key (R218).
    pub(super) fn tell_master_issued(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        scopes: &[StaffScope],
    ) -> Result<(), LockError> {
        let data = MasterKeyIssued {
            master_key_id: master(key),
            key_credential_id: key.id,
            staff_user_id: staff(key)?,
            shift_id: holder(key).shift_id,
            property_id: self.partition().property,
            scope: scopes.first().map(StaffReach::from).ok_or(StoreError::Corrupt)?,
            scopes: scopes.iter().map(StaffReach::from).collect(),
            valid_from: key.spec.validity.from(),
            valid_until: key.spec.validity.until(),
            kind: key.kind.ok_or(StoreError::Corrupt)?,
            issued_at: key.issued_at.ok_or(StoreError::Corrupt)?,
        };
        self.tell(transaction, &key.cause, &data).map(|_| ())
    }

    /// A shift's key is gone (R218).
    pub(super) fn tell_master_expired(
        &self,
        transaction: &mut Transaction,
        key: &KeyRecord,
        trigger: &'static str,
    ) -> Result<(), LockError> {
        let data = MasterKeyExpired {
            master_key_id: master(key),
            key_credential_id: key.id,
            staff_user_id: staff(key)?,
            shift_id: holder(key).shift_id,
            property_id: Some(self.partition().property),
            expired_at: self.env.now(),
            trigger: Word::of(trigger),
        };
        self.tell(transaction, &key.cause, &data).map(|_| ())
    }

    /// Something waits for a person, or no longer does.
    pub(super) fn tell_task(
        &self,
        transaction: &mut Transaction,
        task: &DeskTask,
        cause: &Cause,
    ) -> Result<(), LockError> {
        let property_id = self.partition().property;
        let holder = KeyHolder {
            reservation_id: task.reservation(),
            shift_id: task.shift(),
            staff_user_id: task.staff,
            ..KeyHolder::default()
        };
        // What closes a task has often no single cause; the business it belongs to is known all the same.
        let told_under = cause.correlation_id.clone().or_else(|| task.correlation_id.clone());
        let correlation_id = told_under.or_else(|| Some(task.owner.to_string()));
        let cause = Cause { correlation_id, ..cause.clone() };
        let (task_id, key_credential_id, opened_at) = (task.id, task.credential, task.opened_at);
        let kind = Word::of(task.kind.as_str());
        let told = match task.closed_at {
            None => {
                let data =
                    DeskTaskOpened { task_id, property_id, holder, kind, key_credential_id, opened_at };
                self.tell(transaction, &cause, &data)
            }
            Some(closed_at) => {
                let data = DeskTaskClosed {
                    task_id,
                    property_id,
                    holder,
                    kind,
                    key_credential_id,
                    opened_at,
                    closed_at,
                };
                self.tell(transaction, &cause, &data)
            }
        };
        told.map(|_| ())
    }

    /// Adds an event to what is being written.
    pub(super) fn tell<T: Payload>(
        &self,
        transaction: &mut Transaction,
        cause: &Cause,
        data: &T,
    ) -> Result<EventId, LockError> {
        let id = EventId::from_ulid(self.env.ulid()?);
        let data = serde_json::to_value(data).map_err(|_| StoreError::Corrupt)?;
        let event = T::SUBJECT.envelope(id, self.env.now(), self.partition().tenant, cause, data);
        self.queue.push(transaction, event)?;
        Ok(id)
    }
}
