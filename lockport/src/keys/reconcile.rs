//! From what somebody is entitled to, to what his keys have to become. Nothing is called here: what is to be done is written down.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::claim::{Claim, Claimant, Entitlement};
use super::divide::{Part, divide};
use super::house::HouseRecord;
use super::record::{GivenUp, KeyRecord, Spec, Wants};
use super::schedule::SOON;
use super::state::KeyState;
use super::task::{DeskTask, DeskTaskKind, term_of_closed};
use super::{KeyService, earlier};
use crate::credential::{Decision, DecisionCode, KeyCredentialKind, RevokeReason};
use crate::driver::{ArtifactSource, Placement};
use crate::error::{ErrorCode, LockError};
use crate::event::Cause;
use crate::id::RoomId;
use crate::property::{AdapterBinding, Avoid, KindPolicy, Share};
use crate::scope::Area;
use crate::store::{StoreError, Stored, Transaction};
use crate::validity::Timestamp;

/// How long a key may be on its way before a person is asked to see to its holder.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(30);

/// How long a stay or a shift is remembered after the last window of its keys, and an order after it was given (design.md 7).
pub(super) const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// How long after that it is looked at again, when something about its keys is open still.
const FORGOTTEN_LATER: TimeDelta = TimeDelta::days(1);

/// How far a reconciliation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// What failed stays failed, until something else is wanted.
    AsWanted,
    /// And whose tries ran out at this adapter, gets another key: its vendor is back.
    Fresh(&'a str),
}

impl Reach<'_> {
    /// Whether a key that was given up is to be followed by another.
    fn follows(self, key: &KeyRecord) -> bool {
        key.given_up == Some(GivenUp::TriesRanOut) && self == Reach::Fresh(&key.adapter)
    }
}

impl KeyRecord {
    /// Whether it follows what its holder is entitled to: what came to its end, or is on its way there, does no more.
    fn is_followed(&self) -> bool {
        self.given_up.is_some() || !(matches!(self.wants, Wants::Gone(_)) || self.state == KeyState::Failed)
    }

    /// When a person has to see to the holder, if what is to be done is not done by then.
    pub(super) fn expect_task(&mut self, now: Timestamp) {
        self.task_at =
            self.work().filter(|work| self.wants == Wants::Open && work.serves_holder()).and_then(|work| {
                let from = self.wanted.validity.from();
                if self.needs_desk(work) {
                    Some(from.checked_sub_signed(SOON).unwrap_or(from).max(now))
                } else {
                    Some(now.checked_add_signed(ON_ITS_WAY)?.max(from))
                }
            });
    }

    /// It is to be something else from now on.
    fn turn(&mut self, wanted: Spec, wants: Wants, now: Timestamp) {
        if self.was_handed_over() {
            self.moves = self.moves.saturating_add(1);
        } else {
            self.spec = wanted.clone();
        }
        self.wanted = wanted;
        self.wants = wants;
        self.leaving_since = matches!(wants, Wants::Gone(_)).then_some(now);
        self.attempts = 0;
        self.next_try = Some(now);
        self.was_woken = false;
        self.expect_task(now);
    }

    /// A key that nobody asked for yet is not asked for before its window comes near.
    fn wait_for_horizon(&mut self, horizon: Option<TimeDelta>, now: Timestamp) {
        let then = horizon.and_then(|horizon| self.wanted.validity.from().checked_sub_signed(horizon));
        if let (KeyState::Requested, Some(then)) = (self.state, then) {
            self.next_try = Some(then.max(now));
        }
    }
}

impl KeyService {
    /// Makes somebody's keys want what he is entitled to now.
    pub(super) async fn reconcile<C: Claimant>(
        &self,
        claimant: &mut Stored<C>,
        house: &HouseRecord,
        reach: Reach<'_>,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let owner = claimant.value.owner();
        let mut claim = claimant.value.claim(&self.property).at(now, house);
        if let Claim::Live(live) = &mut claim {
            // What the property has no longer needs no key.
            live.rooms.retain(|room| self.property.has_room(*room));
            live.areas.retain(|area| self.property.has_area(area));
        }
        let live = match &claim {
            Claim::Live(entitlement) => Some(&**entitlement),
            Claim::Nothing | Claim::Ended(_) => None,
        };
        let policy = house.policy(self.property.policy());
        let mut keys = self.keys_of(owner).await?;
        if live.is_none() {
            let remembered =
                |from: Timestamp| from.checked_add_signed(REMEMBERED).unwrap_or(Timestamp::MAX_UTC);
            let ends = last_end(&keys).max(claimant.value.last_end());
            // Woken for this, and not by the end of the window or by what it has just heard.
            let is_due = |due: Timestamp| due <= now && ends.is_none_or(|ends| remembered(ends) <= due);
            let may_be_forgotten = claimant.value.due().is_some_and(is_due);
            if may_be_forgotten && keys.iter().all(|key| key.value.work().is_none()) {
                return self.forget(claimant, &keys, transaction).await;
            }
            let later = now.checked_add_signed(FORGOTTEN_LATER).unwrap_or(Timestamp::MAX_UTC);
            let whole = remembered(ends.map_or(now, |ends| ends.max(now)));
            claimant.value.set_wake(Some(if may_be_forgotten { later } else { whole }));
        } else {
            claimant.value.set_wake(claim.changes_at(now));
        }
        for key in keys.iter_mut().map(|key| &mut key.value).filter(|key| key.is_followed()) {
            // What was never handed over is not lost either.
            if let Some(live) = live.filter(|_| !key.was_handed_over()) {
                key.losses = live.losses;
            }
        }
        let is_in_vain = |key: &&KeyRecord| {
            let for_good = !matches!(key.given_up, None | Some(GivenUp::Undecided));
            for_good && live.is_some_and(|live| live.owns(key) && live.still_wants(key))
        };
        let in_vain: BTreeMap<String, Option<ErrorCode>> = keys
            .iter()
            .map(|key| &key.value)
            .filter(is_in_vain)
            .map(|key| (key.adapter.clone(), key.failed_with))
            .collect();
        let mut parts = match live {
            Some(live) => {
                let but_rather = match reach {
                    Reach::Fresh(adapter) => Some(adapter),
                    Reach::AsWanted => None,
                };
                let adapters = in_vain.keys().cloned().collect();
                let avoid = Avoid { adapters, given: given(live, &keys, now), but_rather };
                let shares = self.property.shares(&live.rooms, &live.areas, &avoid)?;
                self.parts(&shares, live, &keys, now)
            }
            None => Vec::new(),
        };
        let asked = self.asked_for(owner, &keys).await?;
        let (mut moved, mut dropped) = (Vec::new(), Vec::new());
        for key in &mut keys {
            let record = &mut key.value;
            if !record.is_followed() {
                continue;
            }
            let before = (record.wants, record.wanted.clone());
            let own = live.zip(parts.iter().position(|part| part.key == Some(record.id)));
            match (own, record.given_up) {
                // Of what nobody knows there is no second.
                (Some((live, of)), None | Some(GivenUp::Undecided)) => {
                    let is_unheard = record.provisional_until.is_some();
                    let whole = record.window(live.validity, house, now)?;
                    want(record, live, Spec::of(whole, &parts.remove(of).share), now);
                    // A change that is still to be made is told when it is made.
                    if is_unheard && record.provisional_until.is_none() && record.is_as_wanted() {
                        self.tell_updated(transaction, record, &record.spec, None, &[])?;
                    }
                    record.wait_for_horizon(self.property.issue_horizon(), now);
                }
                (Some((live, of)), Some(_)) => {
                    let same = parts.get(of).is_some_and(|part| {
                        live.still_wants(record)
                            && record.wanted == Spec::of(record.wanted.validity, &part.share)
                    });
                    if same && !reach.follows(record) {
                        // The same would fail again: a person opens.
                        parts.remove(of);
                        if live.wants(now) == Wants::Open
                            && !asked.iter().any(|asked| asked.meets(&record.wanted))
                        {
                            self.open_task(record, DeskTaskKind::EscortGuest, transaction).await?;
                        }
                    } else {
                        record.given_up = None;
                        moved.push(record.id);
                    }
                }
                // Where another adapter is asked instead, it is still known that this one was asked in vain.
                (None, Some(GivenUp::Refused | GivenUp::TriesRanOut)) => {
                    let is_wanted = live.is_some_and(|live| live.owns(record) && live.still_wants(record));
                    record.given_up = record.given_up.filter(|_| is_wanted);
                    moved.push(record.id);
                    if !is_wanted {
                        dropped.push(record.id);
                    }
                }
                (None, None | Some(GivenUp::Undecided)) => {
                    let lost = live.is_some_and(|live| live.losses != record.losses);
                    let ending = claimant.value.ending_after(record.from_version);
                    let reason = match &claim {
                        _ if lost => RevokeReason::Lost,
                        Claim::Ended(reason) => ending.unwrap_or(*reason),
                        _ => ending.unwrap_or(RevokeReason::Replaced),
                    };
                    self.give_up(record, reason, transaction)?;
                    dropped.push(record.id);
                }
            }
            if (record.wants, &record.wanted) != (before.0, &before.1) {
                // What is told of it from now on goes back to what changed it, and stands in line with what was told before.
                let correlation_id = record.cause.correlation_id.take();
                record.cause = Cause { correlation_id, ..claimant.value.newest_cause() };
            }
            transaction.put(key)?;
        }
        // Where somebody else is asked now, that key will say what a person has to do; where nobody is, nothing of what went is needed.
        let settled = if parts.is_empty() { dropped } else { moved };
        let may_open = live.is_some_and(|live| live.wants(now) == Wants::Open);
        let needless =
            |task: &DeskTask| (!may_open || settled.contains(&task.credential)) && task.kind.serves_holder();
        self.close_tasks(owner, needless, transaction).await?;
        if let Some(live) = live {
            for Part { share, .. } in &parts {
                let is_of = |key: &&Stored<KeyRecord>| {
                    key.value.adapter == share.adapter && key.value.from_version == live.version
                };
                let nth = u32::try_from(keys.iter().filter(is_of).count()).unwrap_or(u32::MAX);
                let mut key = self.new_key(&claimant.value, live, share, nth, (&policy, house))?;
                key.decisions =
                    in_vain.iter().filter_map(|(adapter, why)| self.skipped(share, adapter, *why)).collect();
                let there = || keys.iter().map(|key| &key.value).filter(|key| key.adapter == share.adapter);
                key.beside = there().filter(|key| key.is_open()).map(|key| key.id).collect();
                let before = there().filter(|key| !key.is_open() && key.from_version >= live.begun);
                // Where he has several keys, it comes in the place of one that was for the same.
                let is_one_of_several = !key.beside.is_empty();
                let before = before.filter(|before| !is_one_of_several || before.wanted.meets(&key.wanted));
                key.replaces = before
                    .max_by_key(|before| (before.wanted.meets(&key.wanted), before.from_version, before.nth))
                    .map(|before| before.id);
                self.tell_requested(transaction, &key)?;
                let mut key = Stored::fresh(key);
                transaction.put(&mut key)?;
                keys.push(key);
            }
            let ends =
                keys.iter().filter_map(|key| key.value.provisional_until).filter(|ends| *ends > now).min();
            claimant.value.set_wake(earlier(claimant.value.due(), ends));
        }
        Ok(transaction.put(claimant)?)
    }

    /// What each of somebody's keys has to open, and what keys that are not there yet have to. A key that was given up gets nothing new.
    fn parts(
        &self,
        shares: &[Share],
        live: &Entitlement,
        keys: &[Stored<KeyRecord>],
        now: Timestamp,
    ) -> Vec<Part> {
        let is_own = |key: &&KeyRecord| key.is_followed() && live.owns(key) && !is_spent(key, now);
        let mut own: Vec<&KeyRecord> = keys.iter().map(|key| &key.value).filter(is_own).collect();
        own.sort_by_key(|key| (key.given_up.is_some(), key.from_version, key.nth));
        let divided = |share: &Share| {
            let own: Vec<&KeyRecord> =
                own.iter().copied().filter(|key| key.adapter == share.adapter).collect();
            self.property.adapter(&share.adapter).map(|binding| divide(share, binding, &own))
        };
        shares.iter().filter_map(divided).flatten().collect()
    }

    /// Nothing of it matters any more: its keys, its tasks and itself. What was audited stays.
    async fn forget<C: Claimant>(
        &self,
        claimant: &Stored<C>,
        keys: &[Stored<KeyRecord>],
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let owner = claimant.value.owner();
        for term in [term_of_closed(owner), owner.to_string()] {
            for task in Stored::<DeskTask>::find(&*self.store, self.partition(), &term).await? {
                transaction.delete(&task);
            }
        }
        keys.iter().for_each(|key| transaction.delete(key));
        transaction.delete(claimant);
        for settle in self.property.adapters().iter().filter_map(|binding| binding.settle.as_ref()) {
            settle.tidy().await?;
        }
        Ok(())
    }

    /// That this adapter, which has some of the doors too, is passed over, and for what (R56, R120, R121).
    fn skipped(&self, share: &Share, adapter: &str, why: Option<ErrorCode>) -> Option<Decision> {
        let doors = &self.property.adapter(adapter).filter(|_| adapter != share.adapter)?.doors;
        let has_some = share.rooms.iter().any(|room| doors.has_room(*room))
            || share.scope.areas.iter().any(|area| doors.has_area(area));
        let why = why.map_or("given up", ErrorCode::as_str);
        let detail = format!("{adapter}: {why}");
        has_some.then_some(Decision { code: DecisionCode::AdapterSkipped, detail })
    }

    fn new_key<C: Claimant>(
        &self,
        claimant: &C,
        live: &Entitlement,
        share: &Share,
        nth: u32,
        (policy, house): (&KindPolicy, &HouseRecord),
    ) -> Result<KeyRecord, LockError> {
        let now = self.env.now();
        let binding = self.property.adapter(&share.adapter).ok_or(StoreError::Corrupt)?;
        let owner = claimant.owner();
        let parts: [&[u8]; 3] = [share.adapter.as_bytes(), &live.version.to_be_bytes(), &nth.to_be_bytes()];
        let spec = Spec::of(live.validity, share);
        // The booking's wish first, then the hotel's, then anything: a guest with another key than wished for still gets in.
        let mut kinds = live.kinds.clone();
        let descriptor = binding.port.describe_adapter();
        let there = KeyCredentialKind::ALL.iter().filter(|kind| descriptor.kind(**kind).is_some());
        for kind in policy.preferred_kinds.iter().chain(there) {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        let mut key = KeyRecord {
            id: owner.key_id(&parts),
            owner,
            holder: live.holder.clone(),
            adapter: share.adapter.clone(),
            vendor: descriptor.vendor,
            from_version: live.version,
            nth,
            losses: live.losses,
            replaces: None,
            beside: Vec::new(),
            on_card: comes_on_card(binding, &kinds),
            kinds,
            state: KeyState::Requested,
            wanted: spec.clone(),
            spec,
            wants: live.wants(now),
            leaving_since: None,
            trying: None,
            lifting: None,
            change_begun: false,
            moves: 0,
            kind: None,
            vendor_ref_hash: None,
            given_up: None,
            failed_with: None,
            attempts: 0,
            next_try: Some(now),
            due_since: None,
            was_woken: false,
            taken: None,
            task_at: None,
            artifact: None,
            delivery: Vec::new(),
            warnings: Vec::new(),
            decisions: Vec::new(),
            issued_at: None,
            suspended_at: None,
            revoked_at: None,
            revoke_confirmed_at: None,
            proof: None,
            provisional_until: None,
            cause: claimant.cause(live.version),
        };
        let validity = key.window(live.validity, house, now)?;
        (key.spec.validity, key.wanted.validity) = (validity, validity);
        key.wait_for_horizon(self.property.issue_horizon(), now);
        key.expect_task(now);
        Ok(key)
    }

    /// A key that is no longer wanted: forgotten when nobody has it yet, taken away otherwise.
    pub(super) fn give_up(
        &self,
        key: &mut KeyRecord,
        reason: RevokeReason,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let now = self.env.now();
        let spec = key.wanted.clone();
        let was_handed_over = key.was_handed_over();
        key.turn(spec, Wants::Gone(reason), now);
        key.given_up = None;
        if was_handed_over {
            return Ok(());
        }
        key.state = KeyState::Failed;
        key.revoke_confirmed_at = Some(now);
        key.next_try = None;
        self.tell_failed(transaction, key, None)
    }
}

/// What each adapter gave a key for, or is still asked for.
fn given(
    live: &Entitlement,
    keys: &[Stored<KeyRecord>],
    now: Timestamp,
) -> BTreeMap<String, (BTreeSet<RoomId>, BTreeSet<Area>)> {
    let mut given: BTreeMap<String, (BTreeSet<RoomId>, BTreeSet<Area>)> = BTreeMap::new();
    let is_asked = |key: &&KeyRecord| {
        let is_open = matches!(key.given_up, None | Some(GivenUp::Undecided));
        is_open && key.is_followed() && live.owns(key) && !is_spent(key, now)
    };
    for key in keys.iter().map(|key| &key.value).filter(is_asked) {
        let (rooms, areas) = given.entry(key.adapter.clone()).or_default();
        rooms.extend(&key.wanted.rooms);
        areas.extend(key.wanted.scope.areas.iter().cloned());
    }
    given
}

/// When the last window of these keys ends.
fn last_end(keys: &[Stored<KeyRecord>]) -> Option<Timestamp> {
    let until =
        |key: &Stored<KeyRecord>| key.value.spec.validity.until().max(key.value.wanted.validity.until());
    keys.iter().map(until).max()
}

/// Makes a key want what its share is.
fn want(key: &mut KeyRecord, live: &Entitlement, wanted: Spec, now: Timestamp) {
    let wants = live.wants(now);
    if key.wanted != wanted || key.wants != wants {
        key.turn(wanted, wants, now);
    }
}

impl Entitlement {
    /// Whether a key was given for this, and not lost since.
    fn owns(&self, key: &KeyRecord) -> bool {
        key.from_version >= self.begun && key.losses == self.losses
    }

    /// Whether what this key was to be is, or is part of, what is wanted now.
    fn still_wants(&self, key: &KeyRecord) -> bool {
        let spec = &key.wanted;
        key.is_whole(self.validity)
            && spec.rooms.iter().all(|room| self.rooms.contains(room))
            && spec.scope.areas.iter().all(|area| self.areas.contains(area))
    }

    fn wants(&self, now: Timestamp) -> Wants {
        match self.block {
            Some(block) if block.from <= now => Wants::Blocked(block.reason),
            _ => Wants::Open,
        }
    }
}

/// A key whose window is over cannot be brought back by moving its window: its holder gets another.
fn is_spent(key: &KeyRecord, now: Timestamp) -> bool {
    key.spec.validity.is_over(now) && key.was_handed_over()
}

/// Whether the first kind that the adapter has is one that stands on a card, written at its encoder.
fn comes_on_card(binding: &AdapterBinding, kinds: &[KeyCredentialKind]) -> bool {
    let descriptor = binding.port.describe_adapter();
    let mut there = kinds.iter().filter_map(|kind| descriptor.kind(*kind));
    let first = there.find(|kind| kind.artifact != ArtifactSource::Card || binding.encoder.is_some());
    first.is_some_and(|kind| kind.artifact == ArtifactSource::Card && descriptor.runs_on == Placement::Desk)
}
