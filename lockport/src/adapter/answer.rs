//! From records to what a host gets.

use super::record::{GrantRecord, GrantState, Outcome, Program, Snapshot, StepState, StoredDelivery};
use crate::credential::{
    Artifact, Delivery, IssueResult, IssuedCredential, KeyCredentialKind, Progress, RevokeOutcome,
    SuspendOutcome, UpdateResult, VendorCode,
};
use crate::error::{FailureReason, LockError, RetryAdvice};
use crate::id::KeyCredentialId;
use crate::store::StoreError;
use crate::validity::Timestamp;

/// How far a run of an operation came.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) program: Program,
    /// Something has still to happen; ask then.
    pub(super) waits_until: Option<Timestamp>,
}

/// What the live grants open with: equal artifacts once, with all their doors.
pub(super) fn delivery(grants: &[GrantRecord]) -> Vec<StoredDelivery> {
    let mut delivery: Vec<StoredDelivery> = Vec::new();
    let live = grants.iter().filter(|grant| matches!(grant.state, GrantState::Live | GrantState::Suspended));
    for grant in live {
        let order = &grant.held.order;
        // EXPOSE: to tell equal artifacts from different ones; both stay in custody.
        let opens_with = grant.opens_with().map(crate::Secret::expose);
        let same = delivery.iter_mut().find(|known| {
            // EXPOSE: as above.
            known.artifact.as_ref().map(crate::Secret::expose) == opens_with && known.at == order.at
        });
        match same {
            Some(known) => known.doors.extend(&order.doors),
            None => {
                let artifact = grant.opens_with().cloned();
                delivery.push(StoredDelivery { doors: order.doors.clone(), artifact, at: order.at });
            }
        }
    }
    delivery
}

fn hand_out(kind: KeyCredentialKind, stored: StoredDelivery) -> Option<Delivery> {
    let artifact = match (kind, stored.artifact) {
        (KeyCredentialKind::RfidCard, _) => {
            Artifact::CardReadyAt(stored.at.or_else(|| stored.doors.first().copied())?)
        }
        (KeyCredentialKind::PinCode, Some(text)) => Artifact::Pin(text),
        (KeyCredentialKind::MobileApp, Some(text)) => Artifact::MobileToken(text),
        (KeyCredentialKind::QrCode, Some(text)) => Artifact::Qr(text),
        (KeyCredentialKind::NfcTag, Some(text)) => Artifact::Nfc(text),
        (_, None) => return None,
    };
    Some(Delivery { doors: stored.doors, artifact })
}

fn issued(
    id: KeyCredentialId,
    vendor: &VendorCode,
    Snapshot { content, delivery, vendor_ref_hash }: Snapshot,
) -> IssuedCredential {
    IssuedCredential {
        id,
        kind: content.kind,
        validity: content.validity,
        rooms: content.rooms,
        scope: content.scope,
        delivery: delivery.into_iter().filter_map(|stored| hand_out(content.kind, stored)).collect(),
        vendor: vendor.clone(),
        vendor_ref_hash,
        provisional: false,
        issued_at: content.issued_at,
    }
}

/// The credential of a program that gives, and whether it is all there.
fn given(
    run: &mut Run,
    id: KeyCredentialId,
    vendor: &VendorCode,
) -> Result<(Progress, IssuedCredential), LockError> {
    match (run.program.outcome.take(), run.program.target.take()) {
        (Some(Outcome::Given(snapshot)), _) => Ok((Progress::Active, issued(id, vendor, *snapshot))),
        (Some(Outcome::Failed(error)), _) => Err(error),
        (None, Some(content)) => {
            let snapshot = Snapshot { content, delivery: Vec::new(), vendor_ref_hash: None };
            Ok((Progress::Pending, issued(id, vendor, snapshot)))
        }
        _ => Err(StoreError::Corrupt.into()),
    }
}

pub(super) fn issue(
    mut run: Run,
    id: KeyCredentialId,
    vendor: &VendorCode,
) -> Result<IssueResult, LockError> {
    let (state, credential) = given(&mut run, id, vendor)?;
    let Program { decisions, warnings, .. } = run.program;
    Ok(IssueResult { state, credential, decisions, warnings, ask_after: run.waits_until })
}

pub(super) fn update(
    mut run: Run,
    id: KeyCredentialId,
    vendor: &VendorCode,
) -> Result<UpdateResult, LockError> {
    let (state, credential) = given(&mut run, id, vendor)?;
    Ok(UpdateResult { state, credential, warnings: run.program.warnings, ask_after: run.waits_until })
}

pub(super) fn revoke(run: Run, id: KeyCredentialId, now: Timestamp) -> Result<RevokeOutcome, LockError> {
    let is_at_it_again = run.program.current().any(|step| step.round > 0 && step.state == StepState::Sent);
    match run.program.outcome {
        // What a lost call brought is perhaps there until the vendor has taken that away too.
        Some(Outcome::Revoked { .. }) if is_at_it_again => Err(still_pending(&run, now)),
        Some(Outcome::Revoked { proof, effective_by }) => Ok(RevokeOutcome {
            credential_id: id,
            proof,
            effective_by,
            again_at: run.waits_until,
            warnings: run.program.warnings,
        }),
        Some(Outcome::Failed(error)) => Err(error),
        None => Err(still_pending(&run, now)),
        Some(_) => Err(StoreError::Corrupt.into()),
    }
}

pub(super) fn suspend(run: Run, id: KeyCredentialId, now: Timestamp) -> Result<SuspendOutcome, LockError> {
    match run.program.outcome {
        Some(Outcome::Suspended { how, proof }) => {
            Ok(SuspendOutcome { credential_id: id, how, proof, warnings: run.program.warnings })
        }
        Some(Outcome::Failed(error)) => Err(error),
        None => Err(still_pending(&run, now)),
        Some(_) => Err(StoreError::Corrupt.into()),
    }
}

pub(super) fn settle(
    run: Run,
    id: KeyCredentialId,
    vendor: &VendorCode,
    now: Timestamp,
) -> Result<Option<IssuedCredential>, LockError> {
    match run.program.outcome {
        Some(Outcome::Given(snapshot)) => Ok(Some(issued(id, vendor, *snapshot))),
        Some(Outcome::NotThere) => Ok(None),
        Some(Outcome::Failed(error)) => Err(error),
        None => Err(still_pending(&run, now)),
        Some(_) => Err(StoreError::Corrupt.into()),
    }
}

/// The vendor accepted the taking away, and it is not so yet: access stands, so this is no success.
fn still_pending(run: &Run, now: Timestamp) -> LockError {
    let wait = run.waits_until.map_or_else(Default::default, |then| super::engine::until(then, now));
    let code = run.program.intent.verb().refusal_code();
    LockError::new(
        code,
        FailureReason::InProgress,
        RetryAdvice::After(wait),
        "the vendor accepted it and has not done it yet",
    )
}
