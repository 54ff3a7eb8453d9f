//! Wrong ports around an honest adapter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{IssueInput, IssueResult, RevokeInput, RevokeOutcome, UpdateInput, UpdateResult};
use lockport::env::{Clock as _, ManualClock};
use lockport::id::{KeyCredentialId, PropertyId};
use lockport::{ErrorCode, LockError, LockPort, Timestamp};
use lockport_contract::Site;
use lockport_mock::Personality;

use super::{BendPort, Saboteur, with_port};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "gives the first room only",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-001", "CAPA-006"],
        build: |bench, seed| with_port(bench, seed, FirstRoomOnly),
    },
    Saboteur {
        name: "forgets areas",
        on: Personality::PerDoor,
        caught_by: &["ISSUE-004"],
        build: |bench, seed| with_port(bench, seed, ForgetsAreas),
    },
    Saboteur {
        name: "takes every call for a new one",
        on: Personality::PerDoor,
        caught_by: &["IDEM-001", "IDEM-006", "IDEM-007"],
        build: |bench, seed| with_port(bench, seed, NewKeyEachTime::default()),
    },
    Saboteur {
        name: "takes other input under an old key",
        on: Personality::PerDoor,
        caught_by: &["IDEM-002"],
        build: |bench, seed| with_port(bench, seed, ConflictIgnored),
    },
    Saboteur {
        name: "asks the vendor before it refuses",
        on: Personality::PerDoor,
        caught_by: &["GUARD-001", "GUARD-002"],
        build: |bench, seed| with_port(bench, seed, AsksFirst(bench.site.property)),
    },
    Saboteur {
        name: "serves every tenant",
        on: Personality::PerDoor,
        caught_by: &["GUARD-001", "GUARD-002"],
        build: |bench, seed| with_port(bench, seed, TrustsEverybody(bench.site.clone())),
    },
    Saboteur {
        name: "refuses the second revoke",
        on: Personality::PerDoor,
        caught_by: &["REVOKE-002"],
        build: |bench, seed| with_port(bench, seed, RevokesOnce::default()),
    },
    Saboteur {
        name: "forgets a revoke that came before its issue",
        on: Personality::PerDoor,
        caught_by: &["REVOKE-003"],
        build: |bench, seed| with_port(bench, seed, NoTombstone::default()),
    },
    Saboteur {
        name: "forgets a call whose caller went away",
        on: Personality::PerDoor,
        caught_by: &["CANCEL-001"],
        build: |bench, seed| with_port(bench, seed, ForgetsDropped::default()),
    },
    Saboteur {
        name: "tries again under another key what failed for good",
        on: Personality::PerDoor,
        caught_by: &["IDEM-008"],
        build: |bench, seed| with_port(bench, seed, TriesAnew::default()),
    },
    Saboteur {
        name: "keeps every refusal under its key",
        on: Personality::PerDoor,
        caught_by: &["IDEM-009", "IDEM-011"],
        build: |bench, seed| with_port(bench, seed, KeepsRefusals::default()),
    },
    Saboteur {
        name: "forgets its keys after a week",
        on: Personality::PerDoor,
        caught_by: &["IDEM-010"],
        build: |bench, seed| with_port(bench, seed, ForgetsKeys(bench.clock.clone(), bench.clock.now())),
    },
];

/// Takes a repeat of what was never answered for a new call. The caller's id stays, as above.
#[derive(Debug, Default)]
struct ForgetsDropped {
    calls: AtomicU32,
    answered: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl BendPort for ForgetsDropped {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        let (asked, key) = (input.resulting_id(), input.idempotency_key.to_string());
        if !self.answered.lock().unwrap().contains(&key) {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            input.idempotency_key = format!("{key}-{call}").parse().unwrap();
        }
        let mut issued = inner.issue_credential(input).await?;
        self.answered.lock().unwrap().insert(key);
        issued.credential.id = asked;
        Ok(issued)
    }
}

#[derive(Debug, Default)]
struct TriesAnew {
    calls: AtomicU32,
}

#[async_trait]
impl BendPort for TriesAnew {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        match inner.issue_credential(input.clone()).await {
            Err(error) if !error.is_retriable() && self.calls.fetch_add(1, Ordering::SeqCst) > 0 => {
                input.idempotency_key = format!("{}-anew", input.idempotency_key).parse().unwrap();
                inner.issue_credential(input).await
            }
            answer => answer,
        }
    }
}

#[derive(Debug, Default)]
struct KeepsRefusals {
    refused: Mutex<BTreeMap<String, LockError>>,
}

#[async_trait]
impl BendPort for KeepsRefusals {
    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        let key = input.idempotency_key.to_string();
        if let Some(error) = self.refused.lock().unwrap().get(&key) {
            return Err(error.clone());
        }
        let answer = inner.issue_credential(input).await;
        if let Err(error) = &answer {
            self.refused.lock().unwrap().insert(key, error.clone());
        }
        answer
    }
}

#[derive(Debug)]
struct ForgetsKeys(Arc<ManualClock>, Timestamp);

#[async_trait]
impl BendPort for ForgetsKeys {
    async fn update(&self, inner: &dyn LockPort, mut input: UpdateInput) -> Result<UpdateResult, LockError> {
        if self.0.now() - self.1 > TimeDelta::days(7) {
            input.idempotency_key = format!("{}-anew", input.idempotency_key).parse().unwrap();
        }
        inner.update_credential(input).await
    }
}

#[derive(Debug)]
struct FirstRoomOnly;

#[async_trait]
impl BendPort for FirstRoomOnly {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        input.rooms.truncate(1);
        inner.issue_credential(input).await
    }
}

#[derive(Debug)]
struct ForgetsAreas;

#[async_trait]
impl BendPort for ForgetsAreas {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        input.scope.areas.clear();
        inner.issue_credential(input).await
    }
}

/// The caller's id stays, or the difference would show without a look at any door.
#[derive(Debug, Default)]
struct NewKeyEachTime {
    calls: AtomicU32,
}

#[async_trait]
impl BendPort for NewKeyEachTime {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let asked = input.resulting_id();
        input.idempotency_key = format!("{}-{call}", input.idempotency_key).parse().unwrap();
        let mut issued = inner.issue_credential(input).await?;
        issued.credential.id = asked;
        Ok(issued)
    }
}

#[derive(Debug)]
struct ConflictIgnored;

#[async_trait]
impl BendPort for ConflictIgnored {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        match inner.issue_credential(input.clone()).await {
            Err(error) if error.code() == ErrorCode::IdempotencyConflict => {
                input.idempotency_key = format!("{}-again", input.idempotency_key).parse().unwrap();
                inner.issue_credential(input).await
            }
            answer => answer,
        }
    }
}

#[derive(Debug)]
struct AsksFirst(PropertyId);

#[async_trait]
impl BendPort for AsksFirst {
    async fn before(&self, inner: &dyn LockPort) {
        let _polite = inner.list_devices(self.0).await;
    }
}

#[derive(Debug)]
struct TrustsEverybody(Site);

#[async_trait]
impl BendPort for TrustsEverybody {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        (input.tenant_id, input.property_id) = (self.0.tenant, self.0.property);
        inner.issue_credential(input).await
    }

    async fn update(&self, inner: &dyn LockPort, mut input: UpdateInput) -> Result<UpdateResult, LockError> {
        input.tenant_id = self.0.tenant;
        inner.update_credential(input).await
    }
}

#[derive(Debug, Default)]
struct RevokesOnce {
    revoked: Mutex<BTreeSet<KeyCredentialId>>,
}

#[async_trait]
impl BendPort for RevokesOnce {
    async fn revoke(&self, inner: &dyn LockPort, input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        let id = input.credential_id;
        if !self.revoked.lock().unwrap().insert(id) {
            return Err(LockError::credential_not_found(id));
        }
        inner.revoke_credential(input).await
    }
}

/// Revokes something else where it does not know the credential.
#[derive(Debug, Default)]
struct NoTombstone {
    issued: Mutex<BTreeSet<KeyCredentialId>>,
}

#[async_trait]
impl BendPort for NoTombstone {
    async fn issue(&self, inner: &dyn LockPort, input: IssueInput) -> Result<IssueResult, LockError> {
        self.issued.lock().unwrap().insert(input.resulting_id());
        inner.issue_credential(input).await
    }

    async fn revoke(&self, inner: &dyn LockPort, mut input: RevokeInput) -> Result<RevokeOutcome, LockError> {
        let asked = input.credential_id;
        if !self.issued.lock().unwrap().contains(&asked) {
            input.credential_id = KeyCredentialId::derived("lockport-contract/nobody", &[]);
        }
        let mut outcome = inner.revoke_credential(input).await?;
        outcome.credential_id = asked;
        Ok(outcome)
    }
}
