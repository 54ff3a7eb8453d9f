//! What the drivers of online vendors have in common: orders to passes, one write, answers to what the core understands.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::Operation;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, VendorCode};
use lockport::driver::{
    AfterLost, Amend, ArtifactSource, DriverDescriptor, Found, GrantOrder, Granted, Held, Kind, LatencyClass,
    LatencyProfile, Per, Placement, Recovery, Suspend, WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::{ErrorCode, LockError, Secret, Timestamp};

use crate::cloud::{Cloud, Pass, Standing, Which, Write};
use crate::vendor::MockVendor;
use crate::wire::NoAnswer;

/// The longest that a call may lie between driver and vendor before it arrives.
const LONGEST_WAY: Duration = Duration::from_secs(30);

/// Sends the same again, for ever.
pub(super) const RESEND: AfterLost = AfterLost::Resend { within: None };

/// A vendor that does what it is told when it is told.
pub(super) fn receive(cloud: &mut Cloud, write: Write, _at: Timestamp) -> Result<Vec<u64>, u16> {
    cloud.apply(write, None)
}

pub(super) fn describe(display_name: &'static str, kinds: Vec<Kind>) -> DriverDescriptor {
    DriverDescriptor {
        vendor: VendorCode::MOCK,
        display_name,
        runs_on: Placement::Anywhere,
        capabilities: LockCapabilities {
            remote_issue: true,
            remote_revoke: true,
            scope_areas: true,
            joiner: true,
            ..LockCapabilities::NONE
        },
        doors_differ: false,
        kinds,
        latency: LatencyProfile::all(LatencyClass::Cloud),
    }
}

/// A kind of online lock: one door a grant, changed in place, looked for when its answer is lost.
pub(super) fn kind(kind: KeyCredentialKind, artifact: ArtifactSource, suspend: Suspend) -> Kind {
    Kind {
        kind,
        per: Per::Door,
        artifact,
        suspend,
        amend_window: Amend::Native,
        amend_doors: Amend::Replace,
        can_undo: true,
        best_proof: Proof::AtLock,
        grain: TimeDelta::seconds(1),
        registers: false,
        needs_lock_online: false,
        recovery: Recovery {
            grant: AfterLost::Ask,
            amend: RESEND,
            withdraw: RESEND,
            late_by: LONGEST_WAY,
            notes_first: false,
        },
    }
}

pub(super) fn to_pass(order: &GrantOrder) -> Pass {
    let GrantOrder { kind, marker, doors, window, blocked, artifact, .. } = order;
    Pass {
        kind: *kind,
        marker: marker.clone(),
        doors: doors.clone(),
        window: *window,
        standing: if *blocked { Standing::Blocked } else { Standing::Open },
        secret: artifact.clone(),
    }
}

/// A handle of the vendor's own.
pub(super) fn number(handle: Option<&Secret>) -> Option<u64> {
    // EXPOSE: the vendor's own handle, read back by the vendor.
    handle?.expose().parse().ok()
}

/// Which passes are meant: by the vendor's own handle, or by every name they may have.
pub(super) fn which(held: &Held) -> Which {
    number(held.reference.as_ref()).map_or_else(
        || {
            let orders = std::iter::once(&held.order).chain(&held.maybe);
            Which::Markers(orders.map(|order| order.marker.clone()).collect())
        },
        Which::Id,
    )
}

/// A write over the wire, and what came back; an error is about the order's first door.
pub(super) fn write(
    vendor: &MockVendor,
    operation: Operation,
    order: &GrantOrder,
    write: Write,
) -> Result<Vec<u64>, LockError> {
    vendor
        .with(|state, now| state.cloud.write(&mut state.wire, operation, write, now))
        .map_err(|no| at_first_door(no.into_error(operation.refusal_code()), order))
}

fn at_first_door(error: LockError, order: &GrantOrder) -> LockError {
    match order.doors.first() {
        Some(door) => error.at_device(*door),
        None => error,
    }
}

/// Tells the vendor of the order; answers the id of what came of it.
pub(super) fn create(
    vendor: &MockVendor,
    order: &GrantOrder,
    key: Option<&str>,
) -> Result<Option<u64>, LockError> {
    let create = if order.already {
        Write::Register(to_pass(order))
    } else {
        Write::Create(to_pass(order), key.map(str::to_owned))
    };
    Ok(write(vendor, Operation::IssueCredential, order, create)?.first().copied())
}

/// Makes what is held as the target says.
pub(super) fn replace(
    vendor: &MockVendor,
    held: &Held,
    target: &GrantOrder,
) -> Result<Option<u64>, LockError> {
    let operation = match (held.order.blocked, target.blocked) {
        (_, true) => Operation::SuspendCredential,
        (true, false) => Operation::UnsuspendCredential,
        (false, false) => Operation::UpdateCredential,
    };
    Ok(write(vendor, operation, target, Write::Replace(which(held), to_pass(target)))?.first().copied())
}

/// Takes it away, in the vendor's way.
pub(super) fn remove(
    vendor: &MockVendor,
    withdrawal: &Withdrawal,
    how: Write,
) -> Result<Option<u64>, LockError> {
    let operation = match withdrawal.why {
        WhyWithdraw::Suspend => Operation::SuspendCredential,
        _ => Operation::RevokeCredential,
    };
    Ok(write(vendor, operation, &withdrawal.held.order, how)?.first().copied())
}

/// Reads the vendor's whole list, and compares.
pub(super) fn find(vendor: &MockVendor, order: &GrantOrder) -> Result<Found, LockError> {
    vendor.with(|state, _| {
        let no = |no: NoAnswer| at_first_door(no.into_error(ErrorCode::VendorUnreachable), order);
        state.wire.read(None).map_err(no)?;
        let known = |pass: &&Pass| pass.marker == order.marker && pass.standing != Standing::Ended;
        let mut bearing = state.cloud.passes.iter().filter(|(_, pass)| known(pass)).peekable();
        if bearing.peek().is_none() {
            return Ok(Found::Absent);
        }
        let target = to_pass(order);
        let as_ordered = bearing.filter(|(_, pass)| is_as(pass, &target));
        let present: Vec<Granted> =
            as_ordered.map(|(id, pass)| granted(order, Some(*id), pass.secret.as_ref())).collect();
        Ok(if present.is_empty() { Found::Otherwise } else { Found::Present(present) })
    })
}

/// Asks for one grant that the vendor accepted, by the name of the job.
pub(super) fn find_job(vendor: &MockVendor, order: &GrantOrder, job: u64) -> Result<Found, LockError> {
    vendor.with(|state, _| {
        let no = |no: NoAnswer| at_first_door(no.into_error(ErrorCode::VendorUnreachable), order);
        state.wire.read(None).map_err(no)?;
        if let Some(code) = state.cloud.refused.get(&job) {
            let error = NoAnswer::Code(*code).into_error(ErrorCode::KeyIssueFailed);
            return Ok(Found::Refused(at_first_door(error, order)));
        }
        Ok(match state.cloud.passes.get(&job) {
            Some(pass) if is_as(pass, &to_pass(order)) => {
                Found::Present(vec![granted(order, Some(job), pass.secret.as_ref())])
            }
            Some(_) => Found::Otherwise,
            None if state.cloud.is_job(job) => Found::Otherwise,
            None => Found::Absent,
        })
    })
}

fn is_as(pass: &Pass, target: &Pass) -> bool {
    let Pass { kind, marker, doors, window, standing, secret } = target;
    let is_same = pass.kind == *kind && pass.marker == *marker && pass.doors == *doors;
    // EXPOSE: compared, and nowhere shown.
    let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().clone());
    let is_same_secret = secret.is_none() || text(&pass.secret) == text(secret);
    is_same && is_same_secret && pass.window == *window && pass.standing == *standing
}

/// What was given. `made` is the artifact where the vendor has one of its own.
pub(super) fn granted(order: &GrantOrder, id: Option<u64>, made: Option<&Secret>) -> Granted {
    Granted {
        reference: id.map(|id| Secret::new(id.to_string())),
        artifact: made.filter(|_| order.artifact.is_none()).cloned(),
        effective: order.window,
        // The locks are online: what the cloud has, the lock has.
        proof: Some(Proof::AtLock),
        dies_unless_used_by: None,
        warnings: Vec::new(),
    }
}

pub(super) const fn gone() -> Withdrawn {
    Withdrawn { proof: Proof::AtLock, warnings: Vec::new() }
}

/// The window, by the host's clock, in which it makes sense to wait for the vendor's own queue.
pub(super) fn soon(vendor: &MockVendor, from: TimeDelta, until: TimeDelta) -> (Timestamp, Timestamp) {
    let now = vendor.host_now();
    let then = |by| now.checked_add_signed(by).unwrap_or(now);
    (then(from), then(until))
}
