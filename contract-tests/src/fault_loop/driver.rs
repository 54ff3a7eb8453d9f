//! The driver with a point at every call.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, Journal, LeaseKey, Reach,
    VendorDriver, Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use super::late::{Errand, Late, Sent};
use super::points::{Odd, Points, hold};
use super::ring::Ring;
use super::way::{Call, Way};

/// A driver whose n-th call fails.
#[derive(Debug)]
pub(crate) struct FaultyDriver {
    pub(crate) inner: Arc<dyn VendorDriver>,
    pub(crate) points: Arc<Points>,
    pub(crate) late: Arc<Late>,
    pub(crate) ring: Arc<Ring>,
}

impl FaultyDriver {
    /// What the failing way does with a call that has an effect: `effect` carries it out, `errand` is what lands late.
    async fn strike<T>(
        &self,
        way: Way,
        attempt: &Attempt<'_>,
        errand: Errand,
        effect: impl Future<Output = Result<T, LockError>> + Send,
    ) -> Result<T, LockError> {
        match way {
            Way::LostBefore | Way::AwayBefore => {}
            Way::LostAfter | Way::AwayAfter => {
                let _unheard = effect.await;
            }
            Way::Late => self.late.post(self.noted(errand, attempt).await?),
            Way::DroppedBefore(_) => return hold().await,
            Way::DroppedAfter(_) => {
                let _unheard = effect.await;
                return hold().await;
            }
            Way::DroppedLate(_) => {
                self.late.post(self.noted(errand, attempt).await?);
                return hold().await;
            }
            Way::NotSent => return Err(no_answer().with_advice(RetryAdvice::NotApplied)),
            Way::Refused => return Err(says_no(FailureReason::CapacityFull)),
        }
        Err(no_answer())
    }

    /// What is late was sent, and before it is sent a grant is noted where the vendor's driver notes first: so the note is
    /// overheard, written down, and goes along.
    async fn noted(&self, errand: Errand, attempt: &Attempt<'_>) -> Result<Errand, LockError> {
        let Errand::Grant(sent, order) = errand else { return Ok(errand) };
        let notes_first = self.describe().kind(order.kind).is_some_and(|kind| kind.recovery.notes_first);
        if !notes_first {
            return Ok(Errand::Grant(sent, order));
        }
        let Some(note) = overhear(&*self.inner, &order, attempt).await else {
            return Ok(Errand::Grant(sent, order));
        };
        attempt.note(&note).await?;
        Ok(Errand::Grant(sent.having_noted(note), order))
    }

    fn sent(&self, attempt: &Attempt<'_>) -> Sent {
        Sent::new(&self.inner, attempt)
    }

    fn heard(&self, order: &GrantOrder, granted: &Granted) {
        self.ring.add_text(order, granted.artifact.as_ref());
    }

    fn told<T>(&self, name: &str, answer: &Result<T, LockError>) {
        if let Err(error) = answer {
            self.points.say(&format!("   {name} answers {error} {:?}", error.advice()));
        }
    }
}

/// Begins a grant and lets it go on until it notes something, and no further.
async fn overhear(inner: &dyn VendorDriver, order: &GrantOrder, attempt: &Attempt<'_>) -> Option<String> {
    let ear = Ear::default();
    let listening = Attempt { journal: &ear, ..*attempt };
    let mut call = pin!(inner.grant(order, &listening));
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Pending if ear.heard().is_none() => Poll::Pending,
        _ => Poll::Ready(()),
    })
    .await;
    ear.heard()
}

/// A journal that hears what is noted and never comes back from writing it.
#[derive(Debug, Default)]
struct Ear(Mutex<Option<String>>);

impl Ear {
    fn heard(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Journal for Ear {
    async fn write(&self, note: &str) -> Result<(), LockError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(note.to_owned());
        hold().await
    }
}

fn says_no(reason: FailureReason) -> LockError {
    LockError::new(ErrorCode::KeyIssueFailed, reason, RetryAdvice::Never, "the vendor says no")
}

fn no_answer() -> LockError {
    LockError::unreachable(FailureReason::Timeout, RetryAdvice::OutcomeUnknown, "the call got no answer")
}

fn shown(verb: &str, order: &GrantOrder) -> String {
    let GrantOrder { doors, window, serial, blocked, .. } = order;
    let until = window.until().format("%d. %H:%M");
    let blocked = if *blocked { ", blocked" } else { "" };
    let ends: Vec<String> = doors.iter().map(|door| short(*door)).collect();
    format!("vendor.{verb} {} until {until}{blocked} (serial {serial})", ends.join(" "))
}

/// The end of a door's id: enough to tell doors apart.
pub(crate) fn short(door: LockDeviceId) -> String {
    let id = door.to_string();
    let end = id.len().saturating_sub(4);
    id.get(end..).unwrap_or_default().to_owned()
}

#[async_trait]
impl VendorDriver for FaultyDriver {
    fn describe(&self) -> DriverDescriptor {
        self.inner.describe()
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let name = shown("grant", order);
        self.points.say(&name);
        let odd = self.points.odd(&order.marker);
        let way = self.points.enter(Call::Grant, name);
        let effect = async {
            if let Odd::Refuses(reason) = odd {
                return Err(says_no(reason));
            }
            let answer = self.inner.grant(order, attempt).await;
            if odd == Odd::TakesItTwice {
                let _second = self.inner.grant(order, &Attempt { call_key: "again", ..*attempt }).await;
                return Err(no_answer());
            }
            if let Ok(Answer::Done(granted)) = &answer {
                self.heard(order, granted);
            }
            answer
        };
        let answer = match way {
            None => effect.await,
            Some(way) => {
                let errand = Errand::Grant(self.sent(attempt), order.clone());
                self.strike(way, attempt, errand, effect).await
            }
        };
        self.told("grant", &answer);
        answer
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let name = shown("find", order);
        let answer = match self.points.enter(Call::Look, name.clone()) {
            None => self.inner.find(order, attempt).await,
            Some(way) if way.drops().is_some() => hold().await,
            Some(_) => Err(no_answer()),
        };
        let found = match &answer {
            Ok(Found::Present(_)) => "there",
            Ok(Found::Otherwise) => "otherwise",
            Ok(Found::Absent) => "not there",
            Ok(Found::Refused(_)) => "refused",
            Ok(_) => "cannot tell",
            Err(_) => "no answer",
        };
        self.points.say(&format!("{name}: {found}"));
        answer
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let name = shown("amend", target);
        self.points.say(&name);
        let way = self.points.enter(Call::Effect, name);
        let effect = async {
            let answer = self.inner.amend(held, target, attempt).await;
            if let Ok(Answer::Done(granted)) = &answer {
                self.heard(target, granted);
            }
            answer
        };
        let answer = match way {
            None => effect.await,
            Some(way) => {
                let errand = Errand::Amend(self.sent(attempt), Box::new(held.clone()), target.clone());
                self.strike(way, attempt, errand, effect).await
            }
        };
        self.told("amend", &answer);
        answer
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let name = shown("withdraw", &withdrawal.held.order);
        self.points.say(&name);
        let way = self.points.enter(Call::Effect, name);
        let effect = self.inner.withdraw(withdrawal, attempt);
        let answer = match way {
            None => effect.await,
            Some(way) => {
                let errand = Errand::Withdraw(self.sent(attempt), Box::new(withdrawal.clone()));
                self.strike(way, attempt, errand, effect).await
            }
        };
        self.told("withdraw", &answer);
        answer
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.inner.devices().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.inner.health(device).await
    }
}
