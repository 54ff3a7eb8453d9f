//! The host: does what the answers advise, and the judge stands beside it.

use std::time::Duration;

use chrono::TimeDelta;
use lockport::driver::{AfterLost, Amend, Suspend};
use lockport::{FailureReason, LockError, RetryAdvice, Timestamp};

use super::choke::Torn;
use super::judge::{Judge, Red, Strictness};
use super::model::{Hopes, House};
use super::scenario::{Guest, Op, Turn, Verb};
use super::world::{PAUSE, Said, Told, World};
use lockport::credential::Proof;

/// How often a host calls for one thing.
const TRIES: usize = 24;
/// How long a host waits for one thing, by the clock of the stand.
const PATIENCE: TimeDelta = TimeDelta::hours(2);

/// How a write ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Done(Told),
    /// Nobody can tell, and a person decides.
    Declared(LockError),
    /// The vendor said no, and everything is as before.
    Refused,
    /// Given up after one call.
    Left,
}

/// What there was before a write.
#[derive(Clone)]
struct Before {
    op: Op,
    hopes: Hopes,
    /// How many permissions the vendor had ever made, where nothing of anybody's was in the air.
    made: Option<u64>,
}

/// One host in one world.
pub(crate) struct Host<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) judge: &'a mut Judge,
    pub(crate) hopes: Hopes,
    /// Something was declared unknown: what the doors must open is not known any more.
    pub(crate) declared: bool,
    /// The vendor makes more than is asked for, or makes it twice.
    is_odd: bool,
    /// What there was before each write.
    before: Vec<Before>,
}

impl<'a> Host<'a> {
    pub(crate) fn new(world: &'a mut World, judge: &'a mut Judge, is_odd: bool) -> Self {
        Self {
            world,
            judge,
            hopes: Hopes::new(House::default()),
            declared: false,
            is_odd,
            before: Vec::new(),
        }
    }
}

impl Host<'_> {
    /// Takes a turn.
    pub(crate) async fn take(&mut self, turn: &Turn) -> Result<End, Red> {
        match turn {
            Turn::Until(op) => self.until(op).await,
            Turn::Once(op) => self.once(op).await,
            Turn::Away(op) => {
                self.world.nobody_comes(op.verb.gives());
                let end = self.once(op).await;
                self.world.nobody_comes(false);
                end
            }
            Turn::Stale(op) => self.stale(op).await,
            Turn::Sweep => {
                self.world.sweep_once().await?;
                self.look().await.map(|()| End::Left)
            }
            Turn::Pass(seconds) => {
                self.world.pass(Duration::from_secs((*seconds).into())).await;
                self.look().await.map(|()| End::Left)
            }
            Turn::Back(seconds) => {
                self.world.set_back(TimeDelta::seconds((*seconds).into()));
                Ok(End::Left)
            }
            Turn::Die => {
                self.world.reborn().await?;
                Ok(End::Left)
            }
        }
    }

    /// Repeats a write until it is done.
    pub(crate) async fn until(&mut self, op: &Op) -> Result<End, Red> {
        let give_up_at = self.world.true_now() + PATIENCE;
        self.begin(op).await?;
        for _ in 0..TRIES {
            let said = self.world.call(op).await?;
            let wait = match said {
                Said::Done(told) => return self.done(op, told).await,
                Said::Again(then, told) => {
                    self.shut_for_now(op).await?;
                    self.note_proof(op, &told);
                    self.wait_until(Some(then))
                }
                Said::Pending(then) => self.wait_until(then),
                Said::Repeat(wait, _) => wait,
                Said::Dropped(_) => PAUSE,
                Said::Refused(error) => return self.refused(op, error).await,
                Said::Hung => return Err(Red(format!("{} hangs", op.key))),
            };
            self.look().await?;
            if self.world.pass(wait).await {
                self.look().await?;
            }
            if self.world.true_now() > give_up_at {
                return Err(Red(format!("{} is not done after {PATIENCE}", op.key)));
            }
        }
        Err(Red(format!("{} is not done after {TRIES} calls", op.key)))
    }

    /// Calls once, and goes on with something else.
    async fn once(&mut self, op: &Op) -> Result<End, Red> {
        self.begin(op).await?;
        let end = match self.world.call(op).await? {
            Said::Done(told) => return self.done(op, told).await,
            Said::Refused(error) => return self.refused(op, error).await,
            Said::Hung => return Err(Red(format!("{} hangs", op.key))),
            Said::Again(..) => {
                self.shut_for_now(op).await?;
                End::Left
            }
            Said::Pending(_) | Said::Repeat(..) | Said::Dropped(_) => End::Left,
        };
        self.look().await?;
        Ok(end)
    }

    /// Comes with a write that was overtaken.
    async fn stale(&mut self, op: &Op) -> Result<End, Red> {
        for _ in 0..TRIES {
            let wait = match self.world.call(op).await? {
                Said::Done(_) | Said::Refused(_) => {
                    self.look().await?;
                    return Ok(End::Left);
                }
                Said::Hung => return Err(Red(format!("{} hangs", op.key))),
                Said::Again(then, _) => self.wait_until(Some(then)),
                Said::Pending(then) => self.wait_until(then),
                Said::Repeat(wait, _) => wait,
                Said::Dropped(_) => PAUSE,
            };
            self.look().await?;
            self.world.pass(wait).await;
        }
        Err(Red(format!("{}, overtaken, has no answer after {TRIES} calls", op.key)))
    }

    async fn begin(&mut self, op: &Op) -> Result<(), Red> {
        if self.before(op).is_none() {
            let made = self.world.stand.probe.ever_made().await?;
            let made = Some(made).filter(|_| matches!(self.hopes.houses(), [_]));
            self.before.push(Before { op: *op, hopes: self.hopes.clone(), made });
        }
        self.hopes.maybe(op);
        Ok(())
    }

    fn before(&self, op: &Op) -> Option<&Before> {
        self.before.iter().find(|known| known.op == *op)
    }

    fn wait_until(&self, then: Option<Timestamp>) -> Duration {
        let wait = then.and_then(|then| then.signed_duration_since(self.world.now()).to_std().ok());
        wait.unwrap_or_default().max(PAUSE)
    }

    async fn done(&mut self, op: &Op, told: Told) -> Result<End, Red> {
        if weak(&told) {
            self.note_proof(op, &told);
        } else {
            self.hopes.done(op);
        }
        if op.verb.gives() {
            self.judge.handed(op.guest, told.delivery.clone());
        }
        self.exact().await?;
        let stay = self.hopes.houses().iter().find_map(|house| house.stay(op.guest));
        if let (Verb::Issue { .. }, Some(stay)) = (op.verb, stay) {
            let right = Judge::made_by(self.world, stay.doors(&self.world.stand.site).len());
            let made = self.world.stand.probe.ever_made().await?;
            let before = self.before(op).and_then(|before| before.made);
            let made = made.saturating_sub(before.unwrap_or_default());
            if before.is_some() && made != right && !self.declared && !self.is_odd {
                return Err(Red(format!("{} made {made} permissions, {right} is right", op.key)));
            }
        }
        Ok(End::Done(told))
    }

    /// Weak proof: the host was told that it may still open.
    fn note_proof(&mut self, op: &Op, told: &Told) {
        if weak(told) {
            self.hopes.maybe(op);
        }
    }

    async fn refused(&mut self, op: &Op, error: LockError) -> Result<End, Red> {
        let before = self.before(op).map(|before| before.hopes.clone());
        if let Some(before) = before.filter(|_| self.world.points.has_refused())
            && error.reason() == FailureReason::CapacityFull
        {
            self.hopes.refused(op.guest, &before);
            self.exact().await?;
            return Ok(End::Refused);
        }
        let is_declared =
            error.reason() == FailureReason::OutcomeUnknown && error.advice() == RetryAdvice::Never;
        if !is_declared {
            return Err(Red(format!("{} is refused: {error}", op.key)));
        }
        if !self.may_declare(op) {
            return Err(Red(format!("{} is declared unknown, and the vendor can be asked", op.key)));
        }
        self.declared = true;
        self.look().await?;
        Ok(End::Declared(error))
    }

    /// Whether a lost call of this write is nobody's to find out.
    fn may_declare(&self, op: &Op) -> bool {
        let recovery = &self.world.kind.recovery;
        let (grant, amend, withdraw) = (recovery.grant, recovery.amend, recovery.withdraw);
        let needed: &[AfterLost] = match (op.verb, self.world.kind.suspend) {
            (Verb::Issue { .. }, _) => &[grant, withdraw],
            (Verb::Update { .. }, _) => &[grant, amend, withdraw],
            (Verb::Suspend | Verb::Unsuspend, Suspend::Native) => &[amend],
            (Verb::Suspend | Verb::Revoke, _) => &[withdraw],
            (Verb::Unsuspend, _) => &[grant],
        };
        needed.contains(&AfterLost::Declare)
    }

    /// In the air: nobody opens what neither before nor after has open, nobody is locked out of what both have.
    pub(crate) async fn look(&self) -> Result<(), Red> {
        let replaces = self.world.kind.amend_window != Amend::Native;
        let World { stand, .. } = &*self.world;
        let may_have_nothing = |guest: Guest| match stand.choke.torn {
            Torn::Never => replaces,
            Torn::WhereNarrower => replaces || !self.hopes.only_widen(&stand.site, guest),
            Torn::Always => true,
        };
        let strictness = |guest: Guest| {
            let in_the_air = !self.hopes.agree_on(guest);
            let is_lax = self.declared || (in_the_air && may_have_nothing(guest));
            if is_lax { Strictness::Shut } else { Strictness::Both }
        };
        self.judge.doors(self.world, &self.hopes, strictness).await
    }

    /// Done: the doors exactly as promised, and the vendor's books too.
    pub(crate) async fn exact(&self) -> Result<(), Red> {
        let strictness = if self.declared { Strictness::Shut } else { Strictness::Both };
        self.judge.doors(self.world, &self.hopes, |_| strictness).await?;
        self.judge.books(self.world, &self.hopes).await
    }

    /// A revoke that asks to be called again has shut every door for now.
    async fn shut_for_now(&self, op: &Op) -> Result<(), Red> {
        let mut shut = self.hopes.clone();
        shut.done(op);
        self.judge.doors(self.world, &shut, |_| Strictness::Shut).await
    }

    /// A write that is done, repeated: the same answer.
    pub(crate) async fn repeat(&mut self, op: &Op, end: &End) -> Result<(), Red> {
        for _ in 0..TRIES {
            let wait = match (self.world.call(op).await?, end) {
                (Said::Done(again), End::Done(told)) if again.is_same(told) => return Ok(()),
                (Said::Refused(again), End::Declared(error)) if again.reason() == error.reason() => {
                    return Ok(());
                }
                (Said::Refused(again), End::Refused) if again.reason() == FailureReason::CapacityFull => {
                    return Ok(());
                }
                (Said::Repeat(wait, _), _) => wait,
                (said, _) => return Err(Red(format!("{} again answers otherwise: {said:?}", op.key))),
            };
            self.world.pass(wait).await;
        }
        Err(Red(format!("{} again has no answer after {TRIES} calls", op.key)))
    }
}

fn weak(told: &Told) -> bool {
    told.proof == Some(Proof::ExpiresOnly)
}
