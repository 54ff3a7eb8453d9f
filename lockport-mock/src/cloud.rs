//! A vendor's cloud: what it holds, what it refuses, and what lands late. It knows nothing of credentials.
//!
//! What is written here is alike for every online vendor; how a call is received ([`Receive`]) belongs to each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use lockport::Operation;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{AttemptOutcome, DenyReason};
use lockport::id::LockDeviceId;
use lockport::{Secret, Timestamp, Validity};

use crate::chance::Chance;
use crate::errcode::{MEMORY_FULL, NO_SUCH_DOOR, NO_SUCH_GRANT, NO_SUCH_KIND, PIN_TAKEN};
use crate::wire::{NoAnswer, Strike, Wire};

/// What lets somebody in: the vendor's record of one permission.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) kind: KeyCredentialKind,
    pub(crate) marker: String,
    pub(crate) doors: Vec<LockDeviceId>,
    pub(crate) window: Validity,
    pub(crate) standing: Standing,
    /// What it opens to; in a call, `None` where the vendor is to make or to keep it.
    pub(crate) secret: Option<Secret>,
}

impl Pass {
    /// What it is good for at `at`.
    fn judge(&self, at: Timestamp) -> AttemptOutcome {
        match self.standing {
            Standing::Blocked => AttemptOutcome::Denied(DenyReason::Blocked),
            Standing::Ended => AttemptOutcome::Denied(DenyReason::Expired),
            Standing::Open if self.window.contains(at) => AttemptOutcome::Granted,
            Standing::Open if at < self.window.from() => AttemptOutcome::Denied(DenyReason::NotYetValid),
            Standing::Open => AttemptOutcome::Denied(DenyReason::Expired),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Blocked,
    /// Its end was moved to a moment that is over.
    Ended,
}

/// Which passes a call is about.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Id(u64),
    /// Whoever lost the answer has no id; any of these markers is meant.
    Markers(Vec<String>),
}

impl Which {
    pub(crate) fn is(&self, id: u64, pass: &Pass) -> bool {
        match self {
            Self::Id(own) => *own == id,
            Self::Markers(markers) => markers.contains(&pass.marker),
        }
    }
}

/// A call that changes something.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// Under the caller's key, where the vendor honours one.
    Create(Pass, Option<String>),
    Replace(Which, Pass),
    /// Removing what is not there succeeds, and says so by the ids.
    Remove(Which),
    /// Tells the cloud of what stands at the locks already.
    Register(Pass),
    /// Ends what is meant now, and keeps its record.
    End(Which),
    /// Removes everything at this door.
    Clear(LockDeviceId),
}

/// How a vendor receives a call that has arrived: at once, or into its own queue. Answers the ids that it is about.
pub(crate) type Receive = fn(&mut Cloud, Write, Timestamp) -> Result<Vec<u64>, u16>;

#[derive(Debug)]
enum What {
    /// A call arrives late.
    Arrives(Write),
    /// The vendor's queue comes to a job.
    Runs(u64, Write),
}

/// The cloud's whole state. Its owner says what time it is.
#[derive(Debug)]
pub(crate) struct Cloud {
    /// Each door with how many passes its lock holds at most.
    pub(crate) doors: BTreeMap<LockDeviceId, usize>,
    /// Which lock cannot take which kind.
    pub(crate) lacking: BTreeSet<(LockDeviceId, KeyCredentialKind)>,
    pub(crate) passes: BTreeMap<u64, Pass>,
    /// What somebody set at the locks by hand, and the cloud has not heard of.
    pub(crate) by_hand: Vec<Pass>,
    pub(crate) effects_made: u64,
    /// Callers' keys, when they were first seen, and what they stand for.
    pub(crate) keys: BTreeMap<String, (Timestamp, u64)>,
    /// Jobs that the vendor's own queue came to and refused, with the code.
    pub(crate) refused: BTreeMap<u64, u16>,
    /// What a vendor that calls back has called and nobody has fetched; `None` for one that does not.
    pub(crate) webhooks: Option<Vec<String>>,
    receive: Receive,
    chance: Chance,
    last_id: u64,
    due: Vec<(Timestamp, What)>,
}

impl Cloud {
    pub(crate) fn new(doors: BTreeMap<LockDeviceId, usize>, receive: Receive, chance: Chance) -> Self {
        Self {
            doors,
            lacking: BTreeSet::new(),
            passes: BTreeMap::new(),
            by_hand: Vec::new(),
            effects_made: 0,
            keys: BTreeMap::new(),
            refused: BTreeMap::new(),
            webhooks: None,
            receive,
            chance,
            last_id: 0,
            due: Vec::new(),
        }
    }

    /// Lets everything happen that is due by now, in the order in which it is due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        loop {
            let due = self.due.iter().enumerate().filter(|(_, (at, _))| *at <= now);
            let Some(index) = due.min_by_key(|(_, (at, _))| *at).map(|(index, _)| index) else { return };
            let (at, what) = self.due.remove(index);
            match what {
                // Whoever asked has gone: the answer has nobody to reach.
                What::Arrives(write) => drop((self.receive)(self, write, at)),
                What::Runs(id, write) => self.run(id, write),
            }
        }
    }

    /// A write over the wire, with what may happen to it there. Answers the ids it is about.
    pub(crate) fn write(
        &mut self,
        wire: &mut Wire,
        operation: Operation,
        write: Write,
        now: Timestamp,
    ) -> Result<Vec<u64>, NoAnswer> {
        match wire.write(operation) {
            None => (self.receive)(self, write, now).map_err(NoAnswer::Code),
            Some(Strike::Before(no) | Strike::Midway(no)) => Err(no),
            Some(Strike::After(no)) => {
                let _unheard = (self.receive)(self, write, now);
                Err(no)
            }
            Some(Strike::Late(by, no)) => {
                let at = TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by));
                self.due.push((at.unwrap_or(Timestamp::MAX_UTC), What::Arrives(write)));
                Err(no)
            }
        }
    }

    /// Takes a job into the vendor's own queue; answers its id, which is that of what it creates.
    pub(crate) fn enqueue(&mut self, at: Timestamp, write: Write) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        self.due.push((at, What::Runs(self.last_id, write)));
        self.last_id
    }

    /// Whether a grant under this marker waits in the vendor's own queue.
    pub(crate) fn is_queued(&self, marker: &str) -> bool {
        let creates =
            |what: &What| matches!(what, What::Runs(_, Write::Create(pass, _)) if pass.marker == marker);
        self.due.iter().any(|(_, what)| creates(what))
    }

    /// Whether a grant of this id waits in the vendor's own queue.
    pub(crate) fn is_job(&self, id: u64) -> bool {
        self.due.iter().any(|(_, what)| matches!(what, What::Runs(own, Write::Create(..)) if *own == id))
    }

    /// Takes grants that are meant out of the vendor's own queue.
    pub(crate) fn cancel(&mut self, which: &Which) {
        let is_meant =
            |what: &What| matches!(what, What::Runs(id, Write::Create(pass, _)) if which.is(*id, pass));
        self.due.retain(|(_, what)| !is_meant(what));
    }

    fn run(&mut self, id: u64, write: Write) {
        let is_new = matches!(write, Write::Create(..));
        let outcome = self.apply(write, is_new.then_some(id));
        if let Err(code) = &outcome {
            self.refused.insert(id, *code);
        }
        if let Some(webhooks) = &mut self.webhooks {
            let outcome = outcome.map_or_else(|code| format!("refused {code}"), |_| "done".to_owned());
            webhooks.push(format!("{{\"job\":{id},\"outcome\":\"{outcome}\"}}"));
        }
    }

    /// Does it, now.
    pub(crate) fn apply(&mut self, write: Write, id: Option<u64>) -> Result<Vec<u64>, u16> {
        match write {
            Write::Create(mut pass, _) => {
                self.check_room(&pass)?;
                self.check_doors(&pass, &[])?;
                let chance = &mut self.chance;
                pass.secret.get_or_insert_with(|| Secret::new(chance.token()));
                let id = id.unwrap_or_else(|| self.last_id.saturating_add(1));
                self.last_id = self.last_id.max(id);
                self.effects_made = self.effects_made.saturating_add(1);
                self.passes.insert(id, pass);
                Ok(vec![id])
            }
            Write::Replace(which, pass) => {
                let ids = self.matching(&which);
                if ids.is_empty() {
                    return Err(NO_SUCH_GRANT);
                }
                self.check_doors(&pass, &ids)?;
                let is_new = |door: &&LockDeviceId| {
                    !ids.iter().filter_map(|id| self.passes.get(id)).any(|own| own.doors.contains(door))
                };
                let doors = pass.doors.iter().filter(is_new).copied().collect();
                self.check_room(&Pass { doors, ..pass.clone() })?;
                for (_, own) in self.passes.iter_mut().filter(|(id, _)| ids.contains(id)) {
                    let secret = pass.secret.clone().or_else(|| own.secret.take());
                    *own = Pass { secret, ..pass.clone() };
                }
                Ok(ids)
            }
            Write::Remove(which) => {
                let ids = self.matching(&which);
                self.passes.retain(|id, _| !ids.contains(id));
                Ok(ids)
            }
            Write::Register(pass) => {
                let is_it = |door: LockDeviceId, own: &Pass| own.doors.contains(&door) && is_same(own, &pass);
                if !pass.doors.iter().all(|door| self.by_hand.iter().any(|own| is_it(*door, own))) {
                    return Err(NO_SUCH_GRANT);
                }
                let doors = pass.doors.clone();
                self.by_hand.retain(|own| !doors.iter().any(|door| is_it(*door, own)));
                self.last_id = self.last_id.saturating_add(1);
                self.passes.insert(self.last_id, pass);
                Ok(vec![self.last_id])
            }
            Write::End(which) => {
                let ids = self.matching(&which);
                for (_, own) in self.passes.iter_mut().filter(|(id, _)| ids.contains(id)) {
                    own.standing = Standing::Ended;
                }
                Ok(ids)
            }
            Write::Clear(door) => {
                self.doors.get(&door).ok_or(NO_SUCH_DOOR)?;
                let at_it = self.passes.iter().filter(|(_, pass)| pass.doors.contains(&door));
                let ids: Vec<u64> = at_it.map(|(id, _)| *id).collect();
                self.passes.retain(|id, _| !ids.contains(id));
                Ok(ids)
            }
        }
    }

    /// How many passes the lock of a door holds.
    pub(crate) fn held_at(&self, door: LockDeviceId) -> usize {
        let is_held = |pass: &&Pass| pass.standing != Standing::Ended && pass.doors.contains(&door);
        self.passes.values().filter(is_held).count()
    }

    /// What the lock of the door says to this text at `at`, and the marker of what it knew by it.
    pub(crate) fn judge(
        &self,
        door: LockDeviceId,
        artifact: &str,
        at: Timestamp,
    ) -> (AttemptOutcome, Option<String>) {
        let shown = self.passes.values().chain(&self.by_hand).filter(|pass| {
            // EXPOSE: the lock compares what it is shown with what it holds.
            pass.doors.contains(&door) && pass.secret.as_ref().is_some_and(|own| own.expose() == artifact)
        });
        let mut known = None;
        for pass in shown {
            let outcome = pass.judge(at);
            if outcome == AttemptOutcome::Granted {
                return (outcome, Some(pass.marker.clone()));
            }
            known = Some((outcome, Some(pass.marker.clone())));
        }
        known.unwrap_or((AttemptOutcome::Denied(DenyReason::UnknownKey), None))
    }

    /// Whether every lock has room for one more.
    pub(crate) fn check_room(&self, pass: &Pass) -> Result<(), u16> {
        for door in &pass.doors {
            let limit = self.doors.get(door).ok_or(NO_SUCH_DOOR)?;
            if self.held_at(*door) >= *limit {
                return Err(MEMORY_FULL);
            }
        }
        Ok(())
    }

    fn check_doors(&self, pass: &Pass, except: &[u64]) -> Result<(), u16> {
        if pass.doors.iter().any(|door| !self.doors.contains_key(door)) {
            return Err(NO_SUCH_DOOR);
        }
        if pass.doors.iter().any(|door| self.lacking.contains(&(*door, pass.kind))) {
            return Err(NO_SUCH_KIND);
        }
        let others = self.passes.iter().filter(|(id, _)| !except.contains(id)).map(|(_, other)| other);
        if others.chain(&self.by_hand).any(|other| collide(other, pass)) { Err(PIN_TAKEN) } else { Ok(()) }
    }

    fn matching(&self, which: &Which) -> Vec<u64> {
        self.passes.iter().filter(|(id, pass)| which.is(**id, pass)).map(|(id, _)| *id).collect()
    }
}

/// Whether both open to the same.
fn is_same(one: &Pass, other: &Pass) -> bool {
    // EXPOSE: compared inside the vendor, and nowhere shown.
    let text = |pass: &Pass| pass.secret.as_ref().map(|secret| secret.expose().clone());
    one.kind == other.kind && text(one) == text(other)
}

/// Two people cannot type the same digits at one door, whenever they come.
fn collide(one: &Pass, other: &Pass) -> bool {
    let is_pin = |pass: &Pass| pass.kind == KeyCredentialKind::PinCode && pass.standing != Standing::Ended;
    let meet = one.doors.iter().any(|door| other.doors.contains(door));
    is_pin(one) && is_pin(other) && meet && is_same(one, other)
}
