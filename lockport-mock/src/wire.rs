//! The way between a driver and its vendor: it counts calls, and loses, delays or refuses them as ordered.

use std::collections::VecDeque;
use std::time::Duration;

use lockport::env::TransportError;
use lockport::{ErrorCode, FailureReason, LockError, Operation, RetryAdvice};

use crate::chance::Chance;
use crate::errcode::{self, UNDOCUMENTED};
use crate::fault::Fault;
use crate::url::{FaultRule, Often, When};

/// What the caller gets when it gets no yes.
#[derive(Clone, Debug)]
pub(crate) enum NoAnswer {
    Code(u16),
    Transport(TransportError),
    Given(LockError),
}

impl NoAnswer {
    /// The error for it. `refusal` is what a plain no to this call is.
    pub(crate) fn into_error(self, refusal: ErrorCode) -> LockError {
        match self {
            Self::Code(code) => errcode::to_lock_error(code, refusal),
            Self::Transport(error) => error.into(),
            Self::Given(error) => error,
        }
    }
}

/// What happens to a call that does not simply go through.
#[derive(Debug)]
pub(crate) enum Strike {
    /// Nothing is applied.
    Before(NoAnswer),
    /// Nothing of it is whole.
    Midway(NoAnswer),
    /// It is applied, and its answer is lost.
    After(NoAnswer),
    /// Its answer is lost, and it arrives so much later.
    Late(Duration, NoAnswer),
}

#[derive(Debug)]
pub(crate) struct Wire {
    /// Each with how many writes pass before it strikes.
    pub(crate) faults: VecDeque<(u64, Fault)>,
    pub(crate) calls: u64,
    rule: Option<FaultRule>,
    /// How many calls the rule has looked at.
    looked_at: u64,
    chance: Chance,
}

impl Wire {
    pub(crate) fn new(rule: Option<FaultRule>, chance: Chance) -> Self {
        Self { faults: VecDeque::new(), calls: 0, rule, looked_at: 0, chance }
    }

    /// A call that changes something sets out.
    pub(crate) fn write(&mut self, operation: Operation) -> Option<Strike> {
        self.calls = self.calls.saturating_add(1);
        self.ordered().or_else(|| self.by_rule(operation))
    }

    /// A call that only looks sets out; ordered faults let it pass.
    pub(crate) fn read(&mut self, operation: Option<Operation>) -> Result<(), NoAnswer> {
        self.calls = self.calls.saturating_add(1);
        match operation.and_then(|operation| self.by_rule(operation)) {
            None => Ok(()),
            Some(Strike::Before(no) | Strike::Midway(no) | Strike::After(no) | Strike::Late(_, no)) => {
                Err(no)
            }
        }
    }

    fn ordered(&mut self) -> Option<Strike> {
        if let Some((passing @ 1.., _)) = self.faults.front_mut() {
            *passing = passing.saturating_sub(1);
            return None;
        }
        let timed_out = NoAnswer::Transport(TransportError::TimedOut);
        Some(match self.faults.pop_front()?.1 {
            Fault::Refuse(error) => Strike::Before(NoAnswer::Given(error)),
            Fault::Code(code) => Strike::Before(NoAnswer::Code(code)),
            Fault::UnknownCode => Strike::Before(NoAnswer::Code(UNDOCUMENTED)),
            Fault::NotSent => Strike::Before(NoAnswer::Transport(TransportError::NotSent)),
            Fault::LoseCall => Strike::Before(NoAnswer::Transport(TransportError::Lost)),
            Fault::Tear => Strike::Midway(timed_out),
            Fault::Miswrite => Strike::Midway(NoAnswer::Given(does_not_read_back())),
            Fault::LoseReply => Strike::After(timed_out),
            Fault::LateEffect(by) => Strike::Late(by, timed_out),
        })
    }

    fn by_rule(&mut self, operation: Operation) -> Option<Strike> {
        let rule = self.rule.as_ref().filter(|rule| rule.fails(operation))?;
        self.looked_at = self.looked_at.saturating_add(1);
        let strikes = match rule.often {
            Often::Percent(percent) => self.chance.below(100) < u64::from(percent),
            Often::Nth(nth) => self.looked_at == nth,
        };
        let no = || NoAnswer::Given(rule.error());
        strikes.then(|| match rule.when {
            When::Before => Strike::Before(no()),
            When::After => Strike::After(no()),
            When::Late(by) => Strike::Late(by, no()),
        })
    }
}

fn does_not_read_back() -> LockError {
    let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::VerifyFailed);
    LockError::new(code, reason, RetryAdvice::OutcomeUnknown, "what was written does not read back")
}
