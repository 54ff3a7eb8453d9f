//! One answer from one thread to one future, and the thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use lockport::env::LinkError;

type Outcome<T> = Result<T, LinkError>;

#[derive(Debug)]
struct Slot<T> {
    outcome: Option<Outcome<T>>,
    waker: Option<Waker>,
    /// Whether the future was dropped.
    abandoned: bool,
}

type Shared<T> = Arc<Mutex<Slot<T>>>;

fn slot<T>(shared: &Shared<T>) -> MutexGuard<'_, Slot<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's end. Dropped without an answer, the device counts as gone: a thread that panicked keeps nobody waiting.
#[derive(Debug)]
pub(super) struct Promise<T>(Shared<T>);

/// The future's end.
#[derive(Debug)]
pub(super) struct Reply<T>(Shared<T>);

/// Both ends.
pub(super) fn reply<T>() -> (Promise<T>, Reply<T>) {
    let shared = Arc::new(Mutex::new(Slot { outcome: None, waker: None, abandoned: false }));
    (Promise(Arc::clone(&shared)), Reply(shared))
}

impl<T> Promise<T> {
    /// Answers; the answer comes back when nobody waits for it any more.
    pub(super) fn keep(self, outcome: Outcome<T>) -> Option<Outcome<T>> {
        let mut slot = slot(&self.0);
        if slot.abandoned {
            return Some(outcome);
        }
        slot.outcome = Some(outcome);
        wake(slot);
        None
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        slot(&self.0).abandoned
    }
}

/// Wakes the future, with the slot open again.
fn wake<T>(mut slot: MutexGuard<'_, Slot<T>>) {
    let waker = slot.waker.take();
    drop(slot);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let mut slot = slot(&self.0);
        if slot.outcome.is_none() {
            slot.outcome = Some(Err(LinkError::Gone));
            wake(slot);
        }
    }
}

impl<T> Future for Reply<T> {
    type Output = Outcome<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = slot(&self.0);
        match slot.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        slot(&self.0).abandoned = true;
    }
}

/// Runs something on a thread that nobody waits for.
pub(super) fn spawn(body: impl FnOnce() + Send + 'static) -> Result<(), LinkError> {
    let named = thread::Builder::new().name("lockport-link".to_owned());
    named.spawn(body).map(drop).map_err(|_| LinkError::Denied)
}
