//! The planner: what is to be done at the vendor, decided from records alone. No I/O, no clock of its own.

use std::collections::BTreeSet;

use crate::credential::{Decision, DecisionCode, Holder, IssueInput, KeyCredentialKind};
use crate::driver::{
    Amend, ArtifactSource, DriverDescriptor, GrantOrder, Kind, Per, Relation, Suspend, WhyWithdraw,
};
use crate::env::Env;
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{GrantId, KeyCredentialId, LockDeviceId};
use crate::pin;
use crate::secret::Secret;
use crate::validity::Validity;

use super::locks::{KnownLock, KnownLocks};
use super::record::{
    Act, CredentialContent, CredentialRecord, GrantRecord, GrantState, Program, Step, StepState,
};

/// How often a PIN is drawn anew when the lock does not take it (R122).
pub(super) const MAX_REDRAWS: u8 = 3;

/// What to do next in a program.
#[derive(Debug)]
pub(super) enum Next {
    /// Carry out this step.
    Execute(usize),
    /// Nothing but steps that wait.
    Wait,
    /// The round was refused: take back these steps' effects, then look again.
    Undo(Vec<Step>),
    /// The round was refused and everything of it is taken back.
    Refused(LockError),
    /// Everything is done.
    Done,
    /// A revoke wants it to stop; it stops.
    Stopped,
    /// A step's outcome is not known and cannot be.
    Declared,
}

/// Reads the program; the only change it makes is to cancel what is no longer wanted. Steps that are `waiting` hold up nobody:
/// they are passed over.
pub(super) fn next(program: &mut Program, waiting: &BTreeSet<usize>) -> Next {
    if program.turned {
        cancel_planned(program);
        // What was sent and not recorded is not waited for: it counts as lost, and the locks stay until it can no longer land.
        for step in
            program.steps.iter_mut().filter(|step| matches!(step.state, StepState::Sent | StepState::Again))
        {
            step.lost_at = step.lost_at.max(step.last_sent);
        }
        return Next::Stopped;
    }
    if program.steps.iter().any(|step| step.round == program.round && step.state == StepState::Unknown) {
        cancel_planned(program);
        return Next::Declared;
    }
    let refused = program.failure.clone();
    if refused.is_some() {
        let round = program.round;
        let forward =
            |step: &&mut Step| step.round == round && !step.undo && step.state == StepState::Planned;
        program.steps.iter_mut().filter(forward).for_each(|step| step.state = StepState::Cancelled);
    }
    let open = |step: &Step| matches!(step.state, StepState::Planned | StepState::Sent | StepState::Again);
    // What stands in the place of something else has to be there before that is taken away.
    let is_giving =
        program.steps.iter().any(|step| open(step) && step.gives() && !step.undo && !takes_doors(step));
    let is_early = |step: &Step| {
        is_giving && !step.undo && (step.act == Act::Withdraw(WhyWithdraw::Moved) || takes_doors(step))
    };
    let mut unsettled = program.steps.iter().enumerate().filter(|(_, step)| open(step)).peekable();
    if unsettled.peek().is_some() {
        let ready = unsettled.find(|(index, step)| !waiting.contains(index) && !is_early(step));
        return ready.map_or(Next::Wait, |(index, _)| Next::Execute(index));
    }
    match refused {
        None => Next::Done,
        Some(error) => {
            let undo = undo(program);
            if undo.is_empty() { Next::Refused(error) } else { Next::Undo(undo) }
        }
    }
}

/// Whether an amend takes a door away.
fn takes_doors(step: &Step) -> bool {
    let is_taken = |door: &LockDeviceId| !step.order.doors.contains(door);
    step.before.as_ref().is_some_and(|before| before.doors.iter().any(is_taken))
}

fn cancel_planned(program: &mut Program) {
    let planned = program.steps.iter_mut().filter(|step| step.state == StepState::Planned);
    planned.for_each(|step| step.state = StepState::Cancelled);
}

/// What takes back the effects of the round in force, the last first. Once something was withdrawn there is no way back: what
/// was given in its place stays.
fn undo(program: &Program) -> Vec<Step> {
    let done = |step: &&Step| !step.undo && step.state == StepState::Done;
    if program.current().filter(done).any(|step| matches!(step.act, Act::Withdraw(_))) {
        return Vec::new();
    }
    let is_back = |grant: GrantId| program.current().any(|step| step.undo && step.order.grant == grant);
    let back = |step: &Step| {
        let (act, order) = match (step.act, &step.before) {
            (Act::Grant, _) => (Act::Withdraw(WhyWithdraw::Undo), step.order.clone()),
            (Act::Amend, Some(before)) => (Act::Amend, (**before).clone()),
            (Act::Amend, None) | (Act::Withdraw(_), _) => return None,
        };
        Some(Step { undo: true, ..Step::new(act, order, program.round) })
    };
    program.current().rev().filter(done).filter(|step| !is_back(step.order.grant)).filter_map(back).collect()
}

/// What a fresh set of grants is planned from.
pub(super) struct Wanted<'a> {
    pub(super) holder: &'a Holder,
    pub(super) validity: Validity,
    pub(super) doors: &'a [LockDeviceId],
    pub(super) at: Option<LockDeviceId>,
    pub(super) brought: Option<&'a str>,
    /// What is brought opens these doors already.
    pub(super) already: bool,
}

impl<'a> Wanted<'a> {
    /// What an issue wants at these doors.
    pub(super) fn of(input: &'a IssueInput, doors: &'a [LockDeviceId]) -> Self {
        Self {
            holder: &input.holder,
            validity: input.validity,
            doors,
            at: input.place.at,
            brought: input.place.holder_device.as_deref(),
            already: input.already,
        }
    }

    /// What a credential is to have at these doors, whoever brought what when it was issued.
    pub(super) fn again(
        content: &'a CredentialContent,
        doors: &'a [LockDeviceId],
        at: Option<LockDeviceId>,
    ) -> Self {
        let CredentialContent { holder, validity, .. } = content;
        Self { holder, validity: *validity, doors, at, brought: None, already: false }
    }
}

/// The kinds that can be granted as wanted, in order of preference, and why the others cannot. A kind that needs a lock which is
/// out of reach comes after those that do not.
pub(super) fn usable_kinds(
    descriptor: &DriverDescriptor,
    preferred: &[KeyCredentialKind],
    wanted: &Wanted<'_>,
    locks: &KnownLocks,
) -> (Vec<KeyCredentialKind>, Vec<Decision>) {
    let (mut kinds, mut later) = (Vec::new(), Vec::new());
    let mut decisions = Vec::new();
    let at = |door: &LockDeviceId| locks.get(door);
    let out_of_reach = wanted.doors.iter().filter_map(at).any(|lock| !lock.online);
    for kind in preferred {
        if kinds.contains(kind) || later.contains(kind) {
            continue;
        }
        let cannot = |lock: &KnownLock| !lock.capabilities.supports(*kind);
        let why_not = match descriptor.kind(*kind) {
            None => Some("the vendor does not have it"),
            Some(_) if wanted.doors.iter().filter_map(at).any(cannot) => {
                Some("one of the locks cannot take it")
            }
            Some(own) => unusable(own, wanted),
        };
        let mut decide =
            |code, why: &str| decisions.push(Decision { code, detail: format!("{kind}: {why}") });
        match why_not {
            Some(why) => decide(DecisionCode::KindSkipped, why),
            None if out_of_reach && descriptor.kind(*kind).is_some_and(|own| own.needs_lock_online) => {
                decide(DecisionCode::KindPutBack, "one of the locks is out of reach");
                later.push(*kind);
            }
            None => kinds.push(*kind),
        }
    }
    kinds.append(&mut later);
    (kinds, decisions)
}

/// The most doors of one grant.
fn most_doors(kind: &Kind) -> usize {
    match kind.per {
        Per::Door => 1,
        Per::Stay { max_doors } => usize::from(max_doors).max(1),
    }
}

/// Whether one credential of this kind may have so many doors: more than one grant has are several grants, and when the vendor
/// refuses one of them the others are taken back.
pub(super) fn has_room_for(kind: &Kind, doors: &[LockDeviceId]) -> bool {
    kind.can_undo || doors.len() <= most_doors(kind)
}

fn unusable(kind: &Kind, wanted: &Wanted<'_>) -> Option<&'static str> {
    if wanted.validity.narrowed_to(kind.grain).is_none() {
        return Some("the window is shorter than the lock's grain");
    }
    if !has_room_for(kind, wanted.doors) {
        return Some("several grants, and one could not be taken back");
    }
    if wanted.already && !kind.registers {
        return Some("the vendor cannot be told of what opens already");
    }
    if kind.artifact == ArtifactSource::Card && wanted.at.is_none() && wanted.brought.is_none() {
        return Some("no encoder and no card");
    }
    None
}

/// The artifact of a new credential of this kind: drawn here and none of those `given` before, brought by the holder, or left to the
/// vendor.
pub(super) fn artifact(
    kind: &Kind,
    wanted: &Wanted<'_>,
    given: &[Secret],
    env: &Env,
) -> Result<Option<Secret>, LockError> {
    let brought = || wanted.brought.map(|text| Secret::new(text.to_owned()));
    Ok(match kind.artifact {
        _ if wanted.already => brought(),
        ArtifactSource::HostPin { digits } => Some(pin::draw_other(&*env.entropy, digits, given)?),
        ArtifactSource::HostSecret => {
            let mut bytes = [0_u8; 16];
            env.entropy.fill(&mut bytes)?;
            Some(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
        }
        ArtifactSource::Card => brought(),
        ArtifactSource::Vendor => None,
    })
}

/// Grants for these doors, as steps, with everything chosen that a repeat must find unchanged.
pub(super) fn grants(
    credential: &mut CredentialRecord,
    content: &CredentialContent,
    kind: &Kind,
    wanted: &Wanted<'_>,
    others: &[GrantRecord],
    round: u32,
    env: &Env,
) -> Result<Vec<Step>, LockError> {
    let Some(window) = wanted.validity.narrowed_to(kind.grain) else {
        let message = "the window is shorter than the lock's grain";
        return Err(LockError::new(
            ErrorCode::InvalidInput,
            FailureReason::WindowTooShort,
            RetryAdvice::Never,
            message,
        ));
    };
    let groups = wanted.doors.chunks(most_doors(kind));
    let mut steps = Vec::with_capacity(groups.len());
    for doors in groups {
        credential.serial = credential.serial.saturating_add(1);
        let grant = GrantId::from_ulid(env.ulid()?);
        let order = GrantOrder {
            grant,
            credential: credential.id,
            kind: kind.kind,
            doors: doors.to_vec(),
            window,
            blocked: false,
            artifact: content.artifact.clone(),
            serial: credential.serial,
            marker: marker(grant),
            relation: relation(wanted.holder, credential.id, doors, &window, others),
            at: wanted.at,
            already: wanted.already,
        };
        steps.push(Step::new(Act::Grant, order, round));
    }
    Ok(steps)
}

/// A name for `find`: letters and digits only, unique, and telling nothing.
pub(super) fn marker(grant: GrantId) -> String {
    grant.to_string().replace(GrantId::PREFIX, MARKER)
}

/// What a marker begins with.
const MARKER: &str = "LP";

/// Whose marker it is, if it is one of ours.
pub(super) fn grant_of_marker(marker: &str) -> Option<GrantId> {
    format!("{}{}", GrantId::PREFIX, marker.strip_prefix(MARKER)?).parse().ok()
}

fn relation(
    holder: &Holder,
    credential: KeyCredentialId,
    doors: &[LockDeviceId],
    window: &Validity,
    others: &[GrantRecord],
) -> Relation {
    if matches!(holder, Holder::Staff(_)) {
        return Relation::Staff;
    }
    let shares = |other: &GrantRecord| {
        let order = &other.held.order;
        order.credential != credential
            // What is withdrawn here and may open still is no companion: the new key is to end it.
            && other.state != GrantState::Expiring
            && order.relation != Relation::Staff
            // Also a key that was written early for a later stay: what is made after it would outrank it.
            && order.window.until() > window.from()
            && order.doors.iter().any(|door| doors.contains(door))
    };
    if others.iter().any(shares) { Relation::Join } else { Relation::Override }
}

/// What is to be given or changed stands to others as a new key would: who has come to share a door since is not shut out by it.
pub(super) fn relate<'s>(steps: impl Iterator<Item = &'s mut Step>, holder: &Holder, others: &[GrantRecord]) {
    for step in steps.filter(|step| step.gives()) {
        let order = &mut step.order;
        order.relation = relation(holder, order.credential, &order.doors, &order.window, others);
        if let Some(before) = &mut step.before {
            before.relation = order.relation;
        }
    }
}

/// Steps that make a credential's grants fit a new target: grants first (they can be refused), then amends, then withdrawals
/// (they cannot be taken back). Where the vendor cannot amend, a new grant stands in for it.
pub(super) fn changes(
    credential: &mut CredentialRecord,
    content: &CredentialContent,
    kind: &Kind,
    wanted: &Wanted<'_>,
    own: &[GrantRecord],
    others: &[GrantRecord],
    env: &Env,
) -> Result<Vec<Step>, LockError> {
    let window = wanted.validity.narrowed_to(kind.grain);
    let is_same =
        |record: &GrantRecord| Some(record.held.order.window) == window && record.held.maybe.is_empty();
    let there: Vec<&GrantRecord> = own.iter().filter(|record| record.state.occupies()).collect();
    // What may not be there is no place for a door that is wanted.
    let can_stay = |record: &GrantRecord| {
        record.state != GrantState::Unknown && (is_same(record) || kind.amend_window == Amend::Native)
    };
    let (targets, fresh) = doors_of_each(kind, wanted.doors, &there, can_stay);
    let (mut amends, mut withdrawals) = (Vec::new(), Vec::new());
    for (record, doors) in there.iter().zip(&targets) {
        let order = &record.held.order;
        if doors.is_empty() {
            withdrawals.push(Step::new(Act::Withdraw(WhyWithdraw::Moved), placed(order, wanted.at), 0));
        } else if let Some(window) = window
            && !(is_same(record) && *doors == order.doors)
        {
            let target = GrantOrder { window, doors: doors.clone(), ..placed(order, wanted.at) };
            amends.push(amend(credential, order, target));
        }
    }
    let wanted = Wanted { doors: &fresh, ..*wanted };
    let mut steps = grants(credential, content, kind, &wanted, others, 0, env)?;
    on_the_card(&mut steps, kind, own);
    relate(amends.iter_mut(), wanted.holder, others);
    steps.append(&mut amends);
    steps.append(&mut withdrawals);
    Ok(steps)
}

/// The doors that each of these grants is to have, none where it goes; and the doors that none of them can take. A door that is
/// wanted still stays with the grant that has it. What is new fills up what may be amended, but no grant that loses a door to it,
/// for then it would lose that before another has its own; unless that one grant is all there is and will be.
fn doors_of_each(
    kind: &Kind,
    wanted: &[LockDeviceId],
    there: &[&GrantRecord],
    can_stay: impl Fn(&GrantRecord) -> bool,
) -> (Vec<Vec<LockDeviceId>>, Vec<LockDeviceId>) {
    let most = most_doors(kind);
    let takes_others = matches!(kind.per, Per::Stay { .. }) && kind.amend_doors == Amend::Native;
    let stays = |record: &&GrantRecord| {
        let doors = &record.held.order.doors;
        let is_whole = || wanted.chunks(most).any(|group| group == doors.as_slice());
        match kind.per {
            _ if !can_stay(record) => Vec::new(),
            Per::Stay { .. } if !takes_others && !is_whole() => Vec::new(),
            _ => doors.iter().copied().filter(|door| wanted.contains(door)).collect(),
        }
    };
    let mut targets: Vec<Vec<LockDeviceId>> = there.iter().map(stays).collect();
    let is_new = |door: &LockDeviceId| !targets.iter().any(|doors| doors.contains(door));
    let new: Vec<LockDeviceId> = wanted.iter().copied().filter(is_new).collect();
    let mut new = new.into_iter();
    let is_only = there.iter().filter(|record| can_stay(record)).count() == 1 && wanted.len() <= most;
    for (record, doors) in there.iter().zip(&mut targets) {
        let loses = doors.len() < record.held.order.doors.len();
        if takes_others && can_stay(record) && (is_only || !loses) {
            let room = most.saturating_sub(doors.len());
            doors.extend(new.by_ref().take(room));
        }
    }
    (targets, new.collect())
}

/// What is granted beside what is there goes on the same card.
pub(super) fn on_the_card(steps: &mut [Step], kind: &Kind, own: &[GrantRecord]) {
    if kind.artifact != ArtifactSource::Card {
        return;
    }
    let is_kept = |record: &&GrantRecord| record.state.occupies() || record.state == GrantState::Withheld;
    let Some(card) = own.iter().filter(is_kept).find_map(GrantRecord::opens_with) else { return };
    for step in steps {
        if step.act == Act::Grant {
            step.order.artifact.get_or_insert_with(|| card.clone());
        }
    }
}

/// Takes away everything that may be there.
pub(super) fn withdrawals(own: &[GrantRecord], why: WhyWithdraw, at: Option<LockDeviceId>) -> Vec<Step> {
    let there = own.iter().filter(|record| record.state.occupies());
    there.map(|record| Step::new(Act::Withdraw(why), placed(&record.held.order, at), 0)).collect()
}

/// The same order at the place where this operation happens; where it names none, at the order's own.
fn placed(order: &GrantOrder, at: Option<LockDeviceId>) -> GrantOrder {
    GrantOrder { at: at.or(order.at), ..order.clone() }
}

/// Suspends every grant that is not yet: blocked at the vendor, or taken away and kept here.
pub(super) fn suspension(
    credential: &mut CredentialRecord,
    kind: &Kind,
    own: &[GrantRecord],
    at: Option<LockDeviceId>,
) -> Vec<Step> {
    match kind.suspend {
        Suspend::Native => own
            .iter()
            .filter(|record| record.state.occupies() && record.state != GrantState::Suspended)
            .map(|record| blocked(credential, &record.held.order, true, at))
            .collect(),
        Suspend::Emulated | Suspend::No => withdrawals(own, WhyWithdraw::Suspend, at),
    }
}

/// Lets what is still there open again: what is blocked, and what could not be taken away while it was suspended.
pub(super) fn restoration(
    credential: &mut CredentialRecord,
    own: &[GrantRecord],
    at: Option<LockDeviceId>,
) -> Vec<Step> {
    let there = |record: &&GrantRecord| record.state.occupies() && record.state != GrantState::Live;
    own.iter().filter(there).map(|record| blocked(credential, &record.held.order, false, at)).collect()
}

/// What is granted again gets back what it had, where the core did not choose it: the same card, the vendor's own PIN.
pub(super) fn restore_artifacts(steps: &mut [Step], kind: &Kind, own: &[GrantRecord]) {
    if !matches!(kind.artifact, ArtifactSource::Card | ArtifactSource::Vendor) {
        return;
    }
    for step in steps {
        let shares = |record: &&GrantRecord| {
            record.held.order.doors.iter().any(|door| step.order.doors.contains(door))
        };
        let kept = own.iter().filter(|record| record.state == GrantState::Withheld).find(shares);
        if let Some(artifact) = kept.and_then(GrantRecord::opens_with) {
            step.order.artifact = Some(artifact.clone());
        }
    }
}

fn blocked(
    credential: &mut CredentialRecord,
    order: &GrantOrder,
    blocked: bool,
    at: Option<LockDeviceId>,
) -> Step {
    amend(credential, order, GrantOrder { blocked, ..placed(order, at) })
}

/// An amend and its way back, each newer than what was there before it.
fn amend(credential: &mut CredentialRecord, before: &GrantOrder, target: GrantOrder) -> Step {
    let serial = credential.serial.saturating_add(1);
    credential.serial = serial.saturating_add(1);
    let before = GrantOrder { serial: credential.serial, ..before.clone() };
    Step { before: Some(Box::new(before)), ..Step::new(Act::Amend, GrantOrder { serial, ..target }, 0) }
}
