//! The vendor's own cloud: what it holds, what it refuses, and what lands late. It knows nothing of credentials.

use std::collections::{BTreeMap, VecDeque};

use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::env::TransportError;
use lockport::id::LockDeviceId;
use lockport::{LockError, Secret, Timestamp, Validity};

use crate::errcode::{MEMORY_FULL, NO_SUCH_DOOR, NO_SUCH_GRANT, PIN_TAKEN, UNDOCUMENTED};
use crate::fault::Fault;

/// What a door lets in: the vendor's record of one permission.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) kind: KeyCredentialKind,
    pub(crate) marker: String,
    pub(crate) window: Validity,
    pub(crate) blocked: bool,
    pub(crate) secret: Secret,
}

/// Which passes of a door a call is about.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Id(u64),
    /// Whoever lost the answer has no id; any of these markers is meant.
    Markers(Vec<String>),
}

impl Which {
    fn is(&self, id: u64, pass: &Pass) -> bool {
        match self {
            Self::Id(own) => *own == id,
            Self::Markers(markers) => markers.contains(&pass.marker),
        }
    }
}

/// A call that changes something.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create(Pass),
    Replace(Which, Pass),
    /// Removing what is not there succeeds, and says so by the count.
    Remove(Which),
}

/// What the caller gets when it gets no yes.
#[derive(Clone, Debug)]
pub(crate) enum NoAnswer {
    Code(u16),
    Transport(TransportError),
    Given(LockError),
}

#[derive(Debug)]
pub(crate) struct Keypad {
    pub(crate) memory_limit: usize,
    pub(crate) passes: BTreeMap<u64, Pass>,
}

#[derive(Debug)]
struct Late {
    at: Timestamp,
    door: LockDeviceId,
    write: Write,
}

/// The cloud's whole state. Its owner says what time it is.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) doors: BTreeMap<LockDeviceId, Keypad>,
    /// Each with how many writes pass before it strikes.
    pub(crate) faults: VecDeque<(u64, Fault)>,
    pub(crate) effects_made: u64,
    pub(crate) calls: u64,
    next_id: u64,
    late: Vec<Late>,
}

impl Cloud {
    pub(crate) fn new(doors: impl IntoIterator<Item = LockDeviceId>, memory_limit: usize) -> Self {
        let empty = |door| (door, Keypad { memory_limit, passes: BTreeMap::new() });
        Self {
            doors: doors.into_iter().map(empty).collect(),
            faults: VecDeque::new(),
            effects_made: 0,
            calls: 0,
            next_id: 1,
            late: Vec::new(),
        }
    }

    /// Lets everything land that is due by now, in the order in which it is due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let (mut due, late): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|late| late.at <= now);
        self.late = late;
        due.sort_by_key(|late| late.at);
        for Late { door, write, .. } in due {
            // Whoever asked has gone: a refusal has nobody to reach.
            let _unheard = self.apply(door, write);
        }
    }

    /// A write over the wire, with what the next fault does to it. Answers the ids it is about.
    pub(crate) fn write(
        &mut self,
        door: LockDeviceId,
        write: Write,
        now: Timestamp,
    ) -> Result<Vec<u64>, NoAnswer> {
        self.calls = self.calls.saturating_add(1);
        match self.next_fault() {
            None => self.apply(door, write).map_err(NoAnswer::Code),
            Some(Fault::Refuse(error)) => Err(NoAnswer::Given(error)),
            Some(Fault::UnknownCode) => Err(NoAnswer::Code(UNDOCUMENTED)),
            Some(Fault::NotSent) => Err(NoAnswer::Transport(TransportError::NotSent)),
            Some(Fault::LoseCall) => Err(NoAnswer::Transport(TransportError::Lost)),
            Some(Fault::LoseReply) => {
                let _unheard = self.apply(door, write);
                Err(NoAnswer::Transport(TransportError::TimedOut))
            }
            Some(Fault::LateEffect(by)) => {
                let at = TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by));
                self.late.push(Late { at: at.unwrap_or(Timestamp::MAX_UTC), door, write });
                Err(NoAnswer::Transport(TransportError::TimedOut))
            }
        }
    }

    fn next_fault(&mut self) -> Option<Fault> {
        if let Some((passing @ 1.., _)) = self.faults.front_mut() {
            *passing = passing.saturating_sub(1);
            return None;
        }
        self.faults.pop_front().map(|(_, fault)| fault)
    }

    /// A read over the wire: the whole list of a door.
    pub(crate) fn list(&mut self, door: LockDeviceId) -> Result<Vec<(u64, Pass)>, NoAnswer> {
        self.calls = self.calls.saturating_add(1);
        let keypad = self.doors.get(&door).ok_or(NoAnswer::Code(NO_SUCH_DOOR))?;
        Ok(keypad.passes.iter().map(|(id, pass)| (*id, pass.clone())).collect())
    }

    fn apply(&mut self, door: LockDeviceId, write: Write) -> Result<Vec<u64>, u16> {
        let keypad = self.doors.get_mut(&door).ok_or(NO_SUCH_DOOR)?;
        match write {
            Write::Create(pass) => {
                if keypad.passes.len() >= keypad.memory_limit {
                    return Err(MEMORY_FULL);
                }
                if keypad.passes.values().any(|other| collide(other, &pass)) {
                    return Err(PIN_TAKEN);
                }
                let id = self.next_id;
                self.next_id = id.saturating_add(1);
                self.effects_made = self.effects_made.saturating_add(1);
                keypad.passes.insert(id, pass);
                Ok(vec![id])
            }
            Write::Replace(which, pass) => {
                let ids: Vec<u64> = matching(keypad, &which);
                if ids.is_empty() {
                    return Err(NO_SUCH_GRANT);
                }
                let is_taken =
                    keypad.passes.iter().any(|(id, other)| !ids.contains(id) && collide(other, &pass));
                if is_taken {
                    return Err(PIN_TAKEN);
                }
                for id in &ids {
                    keypad.passes.insert(*id, pass.clone());
                }
                Ok(ids)
            }
            Write::Remove(which) => {
                let ids = matching(keypad, &which);
                keypad.passes.retain(|id, _| !ids.contains(id));
                Ok(ids)
            }
        }
    }
}

fn matching(keypad: &Keypad, which: &Which) -> Vec<u64> {
    keypad.passes.iter().filter(|(id, pass)| which.is(**id, pass)).map(|(id, _)| *id).collect()
}

/// Two people cannot type the same digits at one door, whenever they come.
fn collide(one: &Pass, other: &Pass) -> bool {
    let is_pin = |pass: &Pass| pass.kind == KeyCredentialKind::PinCode;
    // EXPOSE: compared inside the vendor, and nowhere shown.
    is_pin(one) && is_pin(other) && one.secret.expose() == other.secret.expose()
}
