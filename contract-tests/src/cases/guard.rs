//! What is refused before anybody is asked.

use lockport::credential::RevokeReason;
use lockport::credential::{RevokeInput, SuspendInput, SuspendReason, UpdateInput};
use lockport::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use lockport::{ErrorCode, LockError};

use crate::case::{Case, CaseResult, Stop, check};
use crate::trial::{Keyring, Trial, key};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "GUARD-001",
        requirement: "An issue that kind, tenant, property, rooms or window forbid is refused with its own code, and the vendor sees no call.",
        spec: "R35, R37, R38, R227",
        needs: &[],
        judge: |trial| Box::pin(issues(trial)),
    },
    Case {
        id: "GUARD-002",
        requirement: "Every other call for a foreign tenant, property or door is refused with its own code, and the vendor sees no call.",
        spec: "R37, R38, R227",
        needs: &[],
        judge: |trial| Box::pin(other_calls(trial)),
    },
];

/// Fails unless the answer is this refusal and the vendor's count of calls stands where it stood.
async fn refused<T>(
    trial: &Trial,
    what: &str,
    answer: Result<T, LockError>,
    code: ErrorCode,
    calls: u64,
) -> CaseResult {
    let Err(error) = answer else { return Err(Stop::Failed(format!("{what} was taken"))) };
    check!(error.code() == code, "{what} is {}, and the port answered {error:?}", code.name());
    check!(!error.is_retriable(), "{what} stays refused, and the port answered {error:?}");
    let now = trial.calls().await?;
    check!(now == calls, "{what} was refused, and the vendor saw {} calls", now.saturating_sub(calls));
    Ok(())
}

async fn issues(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let nowhere = RoomId::derived("lockport-contract/nowhere", &[]);

    let mut foreign_tenant = trial.issue("tenant", &[one], window)?;
    foreign_tenant.tenant_id = TenantId::derived("lockport-contract/foreign", &[]);
    let mut foreign_property = trial.issue("property", &[one], window)?;
    foreign_property.property_id = PropertyId::derived("lockport-contract/foreign", &[]);
    let mut attempts = vec![
        ("another tenant's issue", foreign_tenant, ErrorCode::TenantMismatch),
        ("another property's issue", foreign_property, ErrorCode::TenantMismatch),
        ("an issue for no room", trial.issue("empty", &[], window)?, ErrorCode::InvalidInput),
        ("an issue for a room twice", trial.issue("twice", &[one, one], window)?, ErrorCode::InvalidInput),
        (
            "an issue for an unknown room",
            trial.issue("unknown", &[one, nowhere], window)?,
            ErrorCode::InvalidInput,
        ),
        (
            "an issue for yesterday",
            trial.issue("over", &[one], trial.hours(-26, -2)?)?,
            ErrorCode::InvalidInput,
        ),
    ];
    if let Some(kind) = trial.foreign_kind() {
        let input = trial.issue("kind", &[one], window)?.with_preferred_kinds(vec![kind]);
        attempts.push(("an issue of a kind that is not offered", input, ErrorCode::Unsupported));
    }
    let calls = trial.calls().await?;
    for (what, input, code) in attempts {
        refused(trial, what, trial.port().issue_credential(input).await, code, calls).await?;
    }
    trial.vendor_holds_nothing().await
}

async fn other_calls(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?;
    let (foreign, id) = (TenantId::derived("lockport-contract/foreign", &[]), issued.credential.id);
    let calls = trial.calls().await?;
    let mismatch = ErrorCode::TenantMismatch;

    let update = UpdateInput::new(foreign, id, key("update")?).with_valid_until(trial.hour(30));
    refused(trial, "another tenant's update", trial.port().update_credential(update).await, mismatch, calls)
        .await?;
    let revoke = RevokeInput::new(foreign, id, RevokeReason::Security, key("revoke")?);
    refused(trial, "another tenant's revoke", trial.port().revoke_credential(revoke).await, mismatch, calls)
        .await?;
    // Where the kind cannot be suspended there are two reasons to refuse, and either is right.
    if trial.port().describe_adapter().all_capabilities().suspend {
        let suspend = SuspendInput::new(foreign, id, SuspendReason::Manual, key("suspend")?);
        let answer = trial.port().suspend_credential(suspend).await;
        refused(trial, "another tenant's suspend", answer, mismatch, calls).await?;
    }
    let property = PropertyId::derived("lockport-contract/foreign", &[]);
    let list = trial.port().list_devices(property).await;
    refused(trial, "another property's list", list, mismatch, calls).await?;
    let door = LockDeviceId::derived("lockport-contract/foreign", &[]);
    let health = trial.port().health_check(door).await;
    refused(trial, "the health of a foreign door", health, ErrorCode::DeviceNotPaired, calls).await?;
    trial.judge("the guest", &Keyring::of(&issued.credential), &[(&[one], window)]).await
}
