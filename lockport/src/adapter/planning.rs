//! Planning an operation: from what was asked and what is there to the steps that are stored.

use super::Adapter;
use super::locks::KnownLocks;
use super::plan::{self, MAX_REDRAWS, Wanted};
use super::record::{
    Act, CredentialContent, CredentialRecord, CredentialState, GrantRecord, GrantState, Intent, Program,
    ProgramRecord, Step, term_of_door, term_of_past_door,
};
use crate::credential::{Decision, DecisionCode, IssueInput, UpdateInput, Verdict};
use crate::driver::{ArtifactSource, Kind, Suspend, VendorDriver, WhyWithdraw};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::LockDeviceId;
use crate::pin;
use crate::secret::Secret;
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::{Timestamp, Validity};

/// What planning comes to: all of it is written before anything is sent.
pub(super) struct Planned {
    pub(super) program: Program,
    pub(super) credential: Stored<CredentialRecord>,
    pub(super) grants: Vec<Stored<GrantRecord>>,
}

impl<D: VendorDriver> Adapter<D> {
    /// Plans a fresh operation. An error here means that nothing was changed and nothing is recorded.
    pub(super) async fn plan(&self, program: &Program) -> Result<Planned, LockError> {
        let id = program.intent.credential();
        let credential = self.credential(id).await?;
        let mut program = Program { planned: true, ..program.clone() };
        let mut grants = Vec::new();
        let credential = match program.intent.clone() {
            Intent::Issue(input) => self.plan_issue(&mut program, credential, &input).await?,
            Intent::Revoke(_) => {
                let fresh = CredentialRecord {
                    id,
                    state: CredentialState::Revoked,
                    content: None,
                    serial: 0,
                    revoked: None,
                    declared: None,
                };
                let credential = credential.unwrap_or_else(|| Stored::fresh(fresh));
                program.steps =
                    plan::withdrawals(&self.own(id).await?, WhyWithdraw::Revoke, program.intent.at());
                credential
            }
            Intent::Settle(input) => {
                let mut credential = credential.ok_or_else(|| LockError::credential_not_found(id))?;
                grants = self.plan_settle(&mut program, &mut credential.value, input.verdict).await?;
                credential
            }
            intent => self.plan_change(&mut program, credential, &intent).await?,
        };
        Ok(Planned { program, credential, grants })
    }

    /// Takes a person's word for what is unknown, and plans what is left to do. Of an issue: the doors that were never asked for
    /// when it happened, the taking back of what is there when it did not. Of a change: all that is still as it was when it
    /// happened, all that is otherwise when it did not.
    async fn plan_settle(
        &self,
        program: &mut Program,
        credential: &mut CredentialRecord,
        verdict: Verdict,
    ) -> Result<Vec<Stored<GrantRecord>>, LockError> {
        let unknown =
            |grant: &GrantRecord| grant.state == GrantState::Unknown || !grant.held.maybe.is_empty();
        let mut all = self.grants_of(credential.id).await?;
        if credential.state == CredentialState::Revoked || !all.iter().any(|grant| unknown(&grant.value)) {
            return Err(conflict(FailureReason::WrongState, "nothing about the credential is unknown"));
        }
        let happened = verdict == Verdict::Happened;
        let declared = credential.declared.take().filter(|_| happened);
        let content = declared.map(|content| *content).or_else(|| credential.content.clone());
        let content = content.ok_or(StoreError::Corrupt)?;
        let kind = self.descriptor.kind(content.kind).ok_or(StoreError::Corrupt)?;
        for grant in all.iter_mut().map(|grant| &mut grant.value).filter(|grant| unknown(grant)) {
            let newest = grant.held.maybe.pop();
            grant.held.maybe.clear();
            if happened {
                grant.held.order = newest.unwrap_or_else(|| grant.held.order.clone());
                grant.effective = grant.held.order.window;
            }
            let there = happened || grant.state != GrantState::Unknown;
            grant.state = match (there, grant.held.order.blocked) {
                (true, true) => GrantState::Suspended,
                (true, false) => GrantState::Live,
                (false, _) => GrantState::Withdrawn,
            };
        }
        let own: Vec<GrantRecord> = all.iter().map(|grant| grant.value.clone()).collect();
        program.steps = match credential.state {
            CredentialState::Failed if !happened => plan::withdrawals(&own, WhyWithdraw::Undo, None),
            CredentialState::Failed | CredentialState::Active => {
                self.change(credential, &content, kind, &own, None).await?
            }
            _ => Vec::new(),
        };
        program.target = Some(content);
        Ok(all)
    }

    async fn plan_issue(
        &self,
        program: &mut Program,
        known: Option<Stored<CredentialRecord>>,
        input: &IssueInput,
    ) -> Result<Stored<CredentialRecord>, LockError> {
        let id = input.resulting_id();
        match known.map(|record| record.value.state) {
            None => {}
            Some(CredentialState::Revoked) => {
                return Err(conflict(FailureReason::Revoked, "the credential is revoked"));
            }
            Some(_) => {
                return Err(conflict(FailureReason::WrongState, "a credential of that id was issued before"));
            }
        }
        if input.validity.is_over(self.env.now()) {
            return Err(window_over("the window is over already"));
        }
        let doors = self.doors.resolve(&input.rooms, &input.scope)?;
        let wanted = Wanted::of(input, &doors);
        let choose =
            |locks: &KnownLocks| plan::usable_kinds(&self.descriptor, &input.preferred_kinds, &wanted, locks);
        (program.kinds, program.decisions) = choose(&KnownLocks::new());
        if self.descriptor.doors_differ && !program.kinds.is_empty() {
            (program.kinds, program.decisions) = choose(&*self.known_locks().await?);
        }
        let Some(kind) = program.kinds.first().and_then(|kind| self.descriptor.kind(*kind)) else {
            let why: Vec<&str> = program.decisions.iter().map(|decision| decision.detail.as_str()).collect();
            return Err(LockError::unsupported(format!(
                "no preferred kind can be granted: {}",
                why.join("; ")
            )));
        };
        let content = CredentialContent {
            kind: kind.kind,
            holder: input.holder.clone(),
            validity: input.validity,
            rooms: input.rooms.clone(),
            scope: input.scope.clone(),
            artifact: self.artifact(kind, &wanted).await?,
            issued_at: self.env.now(),
            beside: input.beside.clone(),
        };
        let mut credential = CredentialRecord {
            id,
            state: CredentialState::Pending,
            content: Some(content.clone()),
            serial: 0,
            revoked: None,
            declared: None,
        };
        let others = self.occupants(&doors).await?;
        program.steps = plan::grants(&mut credential, &content, kind, &wanted, &others, 0, &self.env)?;
        program.decisions.push(Decision { code: DecisionCode::KindChosen, detail: kind.kind.to_string() });
        program.target = Some(content);
        Ok(Stored::fresh(credential))
    }

    /// What a new credential of this kind opens with, where that is chosen here. Whoever had a code once may remember it, and try it.
    async fn artifact(&self, kind: &Kind, wanted: &Wanted<'_>) -> Result<Option<Secret>, LockError> {
        let is_drawn = matches!(kind.artifact, ArtifactSource::HostPin { .. }) && !wanted.already;
        let given = if is_drawn { self.given(wanted.doors).await? } else { Vec::new() };
        plan::artifact(kind, wanted, &given, &self.env)
    }

    /// What was given out for these doors, as far back as their grants are remembered.
    async fn given(&self, doors: &[LockDeviceId]) -> Result<Vec<Secret>, LockError> {
        let mut given = Vec::new();
        for term in doors.iter().flat_map(|door| [term_of_door(*door), term_of_past_door(*door)]) {
            let there =
                Stored::<GrantRecord>::find(self.ledger.store(), self.ledger.partition(), &term).await?;
            given.extend(there.iter().filter_map(|grant| grant.value.opens_with().cloned()));
        }
        Ok(given)
    }

    async fn plan_change(
        &self,
        program: &mut Program,
        known: Option<Stored<CredentialRecord>>,
        intent: &Intent,
    ) -> Result<Stored<CredentialRecord>, LockError> {
        let id = intent.credential();
        let mut credential = known.ok_or_else(|| LockError::credential_not_found(id))?;
        let record = &mut credential.value;
        let suspended = match (record.state, intent) {
            (CredentialState::Active, Intent::Update(_) | Intent::Suspend(_)) => false,
            (CredentialState::Suspended, _) => true,
            (CredentialState::Revoked, _) => {
                return Err(conflict(FailureReason::Revoked, "the credential is revoked"));
            }
            (CredentialState::Active, _) => {
                return Err(conflict(FailureReason::WrongState, "the credential is not suspended"));
            }
            _ => return Err(conflict(FailureReason::WrongState, "the credential was never issued")),
        };
        let content = record.content.clone().ok_or(StoreError::Corrupt)?;
        let kind = self.descriptor.kind(content.kind).ok_or(StoreError::Corrupt)?;
        let now = self.env.now();
        if content.validity.is_over(now) && !matches!(intent, Intent::Suspend(_)) {
            let message = "the credential's window is over";
            let (code, reason) = (ErrorCode::CredentialExpired, FailureReason::WindowOver);
            return Err(LockError::new(code, reason, RetryAdvice::Never, message));
        }
        let target = match intent {
            Intent::Update(input) => updated(&content, input, now)?,
            _ => content,
        };
        let doors = self.doors.resolve(&target.rooms, &target.scope)?;
        if matches!(intent, Intent::Update(_)) && !plan::has_room_for(kind, &doors) {
            let message = format!("a {} of this vendor has not that many doors", kind.kind);
            return Err(LockError::unsupported(message).at_credential(id));
        }
        let own = self.own(id).await?;
        let native = kind.suspend == Suspend::Native;
        program.steps = match intent {
            Intent::Suspend(_) if kind.suspend == Suspend::No => {
                return Err(LockError::unsupported(format!("the vendor cannot suspend a {}", kind.kind)));
            }
            // Again, when it is suspended: what could not be taken away then is taken away now.
            Intent::Suspend(_) => plan::suspension(record, kind, &own, intent.at()),
            Intent::Update(_) if suspended && !native => Vec::new(),
            Intent::Update(_) => {
                let mut steps = self.change(record, &target, kind, &own, intent.at()).await?;
                if suspended {
                    // What would open nothing is not given: lifting the suspension gives it.
                    steps.retain(|step| step.act != Act::Grant);
                }
                steps
            }
            _ => self.unsuspension(record, &target, kind, &own, intent.at()).await?,
        };
        program.target = Some(target);
        Ok(credential)
    }

    /// What makes a credential's grants fit a new target.
    async fn change(
        &self,
        credential: &mut CredentialRecord,
        target: &CredentialContent,
        kind: &Kind,
        own: &[GrantRecord],
        at: Option<LockDeviceId>,
    ) -> Result<Vec<Step>, LockError> {
        let doors = self.doors.resolve(&target.rooms, &target.scope)?;
        let wanted = Wanted::again(target, &doors, at);
        let others = self.occupants(&doors).await?;
        plan::changes(credential, target, kind, &wanted, own, &others, &self.env)
    }

    /// What gives everything back that a suspension took: what is still there may open again, the rest is granted anew.
    async fn unsuspension(
        &self,
        credential: &mut CredentialRecord,
        target: &CredentialContent,
        kind: &Kind,
        own: &[GrantRecord],
        at: Option<LockDeviceId>,
    ) -> Result<Vec<Step>, LockError> {
        let doors = self.doors.resolve(&target.rooms, &target.scope)?;
        let mut steps = plan::restoration(credential, own, at);
        plan::relate(steps.iter_mut(), &target.holder, &self.occupants(&doors).await?);
        let is_there = |door: &LockDeviceId| {
            own.iter().any(|grant| grant.state.occupies() && grant.held.order.doors.contains(door))
        };
        let doors: Vec<LockDeviceId> = doors.into_iter().filter(|door| !is_there(door)).collect();
        let wanted = Wanted::again(target, &doors, at);
        let others = self.occupants(&doors).await?;
        let mut again = plan::grants(credential, target, kind, &wanted, &others, 0, &self.env)?;
        plan::restore_artifacts(&mut again, kind, own);
        plan::on_the_card(&mut again, kind, own);
        steps.append(&mut again);
        Ok(steps)
    }

    /// What was refused may succeed otherwise; whether there is a way left to try.
    pub(super) async fn try_otherwise(
        &self,
        op: &mut Stored<ProgramRecord>,
        error: &LockError,
    ) -> Result<bool, LockError> {
        match op.value.body.intent.clone() {
            Intent::Issue(input) => self.issue_otherwise(op, &input, error).await,
            Intent::Update(_) | Intent::Unsuspend(_) => self.change_otherwise(op, error).await,
            _ => Ok(false),
        }
    }

    /// A PIN that is to come to a door, or back to one, may be somebody else's there: its holder gets another at every door (R122),
    /// unless he has the one that he knows still to use.
    async fn change_otherwise(
        &self,
        op: &mut Stored<ProgramRecord>,
        error: &LockError,
    ) -> Result<bool, LockError> {
        let program = &mut op.value.body;
        let Some(mut target) = program.target.clone() else { return Ok(false) };
        let Some(kind) = self.descriptor.kind(target.kind) else { return Ok(false) };
        let ArtifactSource::HostPin { digits } = kind.artifact else { return Ok(false) };
        if !is_pin_refused(error) || program.redraws >= MAX_REDRAWS {
            return Ok(false);
        }
        let (id, at) = (program.intent.credential(), program.intent.at());
        let mut credential = self.credential(id).await?.ok_or(StoreError::Corrupt)?;
        let own = self.own(id).await?;
        let record = &mut credential.value;
        let is_moved = matches!(program.intent, Intent::Update(_));
        let doors = self.doors.resolve(&target.rooms, &target.scope)?;
        let stays = |grant: &GrantRecord| {
            grant.state.occupies() && grant.held.order.doors.iter().any(|door| doors.contains(door))
        };
        // Digits that he uses at a door which stays his are not to die before he has others: only another key can see to that.
        if is_moved && (record.state == CredentialState::Suspended || own.iter().any(stays)) {
            return Ok(false);
        }
        redraw(program, error);
        target.artifact = Some(pin::draw_other(&*self.env.entropy, digits, &self.given(&doors).await?)?);
        let steps = if is_moved {
            self.change(record, &target, kind, &own, at).await?
        } else {
            self.unsuspension(record, &target, kind, &own, at).await?
        };
        program.round = program.round.saturating_add(1);
        let round = program.round;
        program.steps.extend(steps.into_iter().map(|step| Step { round, ..step }));
        program.failure = None;
        program.target = Some(target);
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut credential)?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(true)
    }

    /// A refused issue may succeed with another PIN or as another kind; whether one is left to try.
    async fn issue_otherwise(
        &self,
        op: &mut Stored<ProgramRecord>,
        input: &IssueInput,
        error: &LockError,
    ) -> Result<bool, LockError> {
        let program = &mut op.value.body;
        if input.already || !error.reason().suggests_another_kind() {
            return Ok(false);
        }
        let tried = program.kinds.first().and_then(|kind| self.descriptor.kind(*kind));
        let is_drawn_here = tried.is_some_and(|kind| matches!(kind.artifact, ArtifactSource::HostPin { .. }));
        if is_drawn_here && is_pin_refused(error) && program.redraws < MAX_REDRAWS {
            redraw(program, error);
        } else {
            let refused = if program.kinds.is_empty() { return Ok(false) } else { program.kinds.remove(0) };
            let detail = format!("{refused}: {}", error.reason().as_str());
            program.decisions.push(Decision { code: DecisionCode::KindSkipped, detail });
            let Some(next) = program.kinds.first() else { return Ok(false) };
            program.decisions.push(Decision { code: DecisionCode::KindChosen, detail: next.to_string() });
        }
        let Some(kind) = program.kinds.first().and_then(|kind| self.descriptor.kind(*kind)) else {
            return Ok(false);
        };
        let doors = self.doors.resolve(&input.rooms, &input.scope)?;
        let wanted = Wanted::of(input, &doors);
        let mut credential = self.credential(input.resulting_id()).await?.ok_or(StoreError::Corrupt)?;
        let content = credential.value.content.as_mut().ok_or(StoreError::Corrupt)?;
        content.kind = kind.kind;
        content.artifact = self.artifact(kind, &wanted).await?;
        let content = content.clone();
        let others = self.occupants(&doors).await?;
        program.round = program.round.saturating_add(1);
        let steps =
            plan::grants(&mut credential.value, &content, kind, &wanted, &others, program.round, &self.env)?;
        program.steps.extend(steps);
        program.failure = None;
        program.target = Some(content);
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut credential)?;
        transaction.put(op)?;
        transaction.commit(self.ledger.store(), self.ledger.partition()).await?;
        Ok(true)
    }
}

fn is_pin_refused(error: &LockError) -> bool {
    matches!(error.reason(), FailureReason::PinCollision | FailureReason::PinRejected)
}

fn redraw(program: &mut Program, error: &LockError) {
    program.redraws = program.redraws.saturating_add(1);
    let detail = error.reason().as_str().to_owned();
    program.decisions.push(Decision { code: DecisionCode::PinRedrawn, detail });
}

fn conflict(reason: FailureReason, message: &str) -> LockError {
    LockError::new(ErrorCode::StateConflict, reason, RetryAdvice::Never, message)
}

fn window_over(message: &str) -> LockError {
    LockError::new(ErrorCode::InvalidInput, FailureReason::WindowOver, RetryAdvice::Never, message)
}

fn updated(
    content: &CredentialContent,
    input: &UpdateInput,
    now: Timestamp,
) -> Result<CredentialContent, LockError> {
    let from = input.valid_from.unwrap_or_else(|| content.validity.from());
    let until = input.valid_until.unwrap_or_else(|| content.validity.until());
    let validity = Validity::new(from, until).map_err(|error| LockError::invalid_input(error.to_string()))?;
    if validity.is_over(now) {
        return Err(window_over("the new window is over already"));
    }
    let rooms = input.rooms.clone().unwrap_or_else(|| content.rooms.clone());
    let scope = input.scope.clone().unwrap_or_else(|| content.scope.clone());
    UpdateInput::check_target(&rooms, &scope)?;
    Ok(CredentialContent { validity, rooms, scope, ..content.clone() })
}
