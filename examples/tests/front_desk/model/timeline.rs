//! What somebody may, moment after moment, held against what a vendor's doors can know of it.

use std::collections::BTreeSet;

use super::Opens;
use super::vendor::{Desk, Kind, Moment, NEVER, SETTLING, Vendor};

/// "A guest who may open and cannot has an open desk task, within a minute."
const TASK_WITHIN: i64 = 60;

/// The right to open doors in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) doors: BTreeSet<String>,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) is_suspended: bool,
    /// Which of the keys of one reservation: a new stay has a new one.
    pub(crate) generation: usize,
}

/// What holds from a moment on.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) moment: Moment,
    pub(crate) key: Option<Key>,
    /// How often the keys in hand were lost until then.
    pub(crate) losses: usize,
}

impl Step {
    const NOTHING: Self = Self { moment: Moment::by_the_clock(i64::MIN), key: None, losses: 0 };

    pub(crate) fn opens(&self, door: &str, at: i64) -> bool {
        self.key.as_ref().is_some_and(|key| {
            !key.is_suspended && key.from <= at && at < key.until && key.doors.contains(door)
        })
    }

    fn is_suspended(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.is_suspended)
    }

    const fn which(&self) -> (Option<usize>, usize) {
        match &self.key {
            Some(key) => (Some(key.generation), self.losses),
            None => (None, self.losses),
        }
    }

    /// The part of it that doors of this vendor have to know.
    fn at(&self, is_theirs: &dyn Fn(&str) -> bool) -> (Option<Key>, usize) {
        let own = self.key.as_ref().map(|key| Key {
            doors: key.doors.iter().filter(|door| is_theirs(door)).cloned().collect(),
            ..key.clone()
        });
        (own.filter(|key| !key.doors.is_empty()), self.losses)
    }
}

/// Somebody's rights and the vendor of the door he stands before.
pub(crate) struct Held<'m> {
    pub(crate) steps: &'m [Step],
    pub(crate) vendor: &'m Vendor,
    pub(crate) is_theirs: &'m dyn Fn(&str) -> bool,
    pub(crate) desk: &'m Desk,
}

impl Held<'_> {
    /// What may be known at the doors, from the step that certainly is to the newest that can be; and all steps that matter there.
    fn known(&self, now: i64) -> (Vec<&Step>, usize, usize) {
        let mut steps = vec![&Step::NOTHING];
        let (mut low, mut high) = (0, 0);
        let (mut earliest, mut latest) = (i64::MIN, i64::MIN);
        for step in self.steps.iter().filter(|step| step.moment.at <= now) {
            let last = steps[steps.len() - 1];
            if step.at(self.is_theirs) == last.at(self.is_theirs) {
                continue;
            }
            let is_loss = step.losses > last.losses;
            // In their order: a later change of the same key waits for an earlier one.
            earliest = earliest.max(self.vendor.earliest(step.moment, is_loss, self.desk));
            let own = self.vendor.latest(step.moment, self.desk);
            latest = latest.max(own);
            if last.is_suspended() && !step.is_suspended() {
                let lifted = self.vendor.may_be_lifted(last.moment) + SETTLING;
                latest = latest.max(lifted);
            }
            steps.push(step);
            if latest <= now {
                low = steps.len() - 1;
            }
            if earliest <= now {
                high = steps.len() - 1;
            }
        }
        (steps, low, high)
    }

    /// Whether the holder opens the door.
    pub(crate) fn holder(&self, door: &str, now: i64) -> Opens {
        let (steps, low, high) = self.known(now);
        let newest = steps[steps.len() - 1];
        // What was lost is not in his hands, whatever the door would say to it.
        let can = |step: &&Step| step.losses == newest.losses && step.opens(door, now);
        if !steps[low..=high].iter().any(can) {
            return Opens::No;
        }
        let stands = |step: &&Step| can(step) && step.which() == newest.which();
        if steps[low..].iter().all(stands) { Opens::Yes } else { self.either(steps[low + 1..].first()) }
    }

    /// Whether somebody opens the door with everything that was lost so far.
    pub(crate) fn finder(&self, door: &str, now: i64) -> Opens {
        let (steps, low, high) = self.known(now);
        let losses = self.steps.iter().filter(|step| step.moment.at <= now).map(|step| step.losses).max();
        let losses = losses.unwrap_or(0);
        if steps[low..=high].iter().any(|step| step.losses < losses && step.opens(door, now)) {
            return self.either(steps[low + 1..].first());
        }
        if self.vendor.kind == Kind::Card && self.lost_cards(door, now) {
            return Opens::Either(
                "a lost card is never at the desk again: until the end of the window written on it",
            );
        }
        Opens::No
    }

    /// Whether a card that was lost may have been written so that it opens the door now.
    fn lost_cards(&self, door: &str, now: i64) -> bool {
        let mut losses = 0;
        for (index, step) in self.steps.iter().enumerate() {
            if step.losses > losses {
                losses = step.losses;
                let before = Held { steps: &self.steps[..index], ..*self };
                let (steps, low, high) = before.known(step.moment.at);
                if steps[low..=high].iter().any(|step| step.opens(door, now)) {
                    return true;
                }
            }
        }
        false
    }

    fn either(&self, waits: Option<&&Step>) -> Opens {
        let latest = waits.map_or(NEVER, |step| self.vendor.latest(step.moment, self.desk));
        Opens::Either(match self.vendor.kind {
            _ if self.vendor.fails => "the vendor's address orders failures",
            Kind::Card => "a card counts when it is next at the desk or its written window ends",
            Kind::Silent if latest == NEVER => "a call lost over a silent vendor ends in a task",
            _ if waits.is_some_and(|step| latest > step.moment.at + SETTLING) => "within 3 h after an outage",
            _ => "within 5 s of its delivery",
        })
    }
}

/// Whether a holder whom the door leaves outside needs an open task: he has been allowed in for a minute, and nothing changed.
pub(crate) fn needs_task(steps: &[Step], door: &str, now: i64) -> bool {
    let last = steps.iter().rfind(|step| step.moment.at <= now);
    last.is_some_and(|step| {
        step.moment.at <= now - TASK_WITHIN && step.opens(door, now) && step.opens(door, now - TASK_WITHIN)
    })
}
