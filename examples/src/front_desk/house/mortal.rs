//! What can happen to a vendor call: the vendor answers nothing for a while; or the process behind the desk dies, on order, as a
//! call of its own has been answered and before the answer is kept.

use std::collections::BTreeMap;
use std::future::{Future, pending, poll_fn};
use std::num::NonZeroU64;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::env::{Clock, HttpRequest, HttpResponse, HttpTransport, LinkError, TransportError};
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, RetryAdvice, Secret, Timestamp};
use lockport_wiegand::encoder::{Encoder, EncoderError, Identity, KeyName, SectorKey, Target};
use lockport_wiegand::{EncoderBus, EncoderModel, Plugged};

use crate::front_desk::record::Record;

/// The process behind the desk is dead: what it was about is dropped, and so is all it knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

/// What is to become of the process that runs now. Clones are the same fate.
#[derive(Clone, Debug, Default)]
pub(super) struct Mortality {
    fate: Arc<Mutex<Fate>>,
    record: Option<Record>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Lives,
    /// Dies with the answer to so many calls from now.
    DiesAfter(NonZeroU64),
    Dead,
}

impl Mortality {
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process whose vendor calls are noted.
    pub(super) fn over(record: Option<Record>) -> Self {
        Self { record, ..Self::default() }
    }

    /// A vendor is about to be called. Where a process whose record is played again came no further, this never returns.
    async fn called(&self, call: &str, what: &str) {
        if self.record.as_ref().is_some_and(|record| !record.calling(call, what)) {
            *self.fate() = Fate::Dead;
            pending::<()>().await;
        }
    }

    /// A new process, which is to die of nothing.
    pub(super) fn reborn(&self) {
        *self.fate() = Fate::Lives;
    }

    /// Orders the death of the process, in the place of any earlier order.
    pub(super) fn dies_after(&self, calls: NonZeroU64) {
        *self.fate() = Fate::DiesAfter(calls);
    }

    /// The vendor has answered a call. Where that was the last one, nobody lives to see the answer: this never returns.
    async fn answered(&self, call: &str, what: &str) {
        if let Some(record) = &self.record {
            record.answered(call, what);
        }
        if self.strikes() {
            pending::<()>().await;
        }
    }

    fn strikes(&self) -> bool {
        let mut fate = self.fate();
        if let Fate::DiesAfter(calls) = *fate {
            *fate = NonZeroU64::new(calls.get().saturating_sub(1)).map_or(Fate::Dead, Fate::DiesAfter);
        }
        *fate == Fate::Dead
    }

    /// Does something in the process. A driver hands nothing to a task of its own, so whoever dies dies while this is polled.
    pub(super) async fn outlives<T>(&self, act: impl Future<Output = T>) -> Result<T, Died> {
        let mut act = pin!(act);
        poll_fn(|context| {
            let polled = act.as_mut().poll(context);
            if *self.fate() == Fate::Dead { Poll::Ready(Err(Died)) } else { polled.map(Ok) }
        })
        .await
    }
}

/// Until when each vendor answers nothing, by the hotel's name for it. Clones are the same outages.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages(Arc<Mutex<BTreeMap<String, Timestamp>>>);

impl Outages {
    /// The vendor answers nothing until then, or until an earlier outage is over, whichever is later.
    pub(super) fn begin(&self, vendor: &str, until: Timestamp) {
        let mut outages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = outages.entry(vendor.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    fn is_away(&self, vendor: &str, now: Timestamp) -> bool {
        let outages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outages.get(vendor).is_some_and(|until| now < *until)
    }
}

/// The way to one vendor.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) vendor: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) outages: Outages,
    pub(super) mortality: Mortality,
}

impl Way {
    fn is_cut(&self) -> bool {
        self.outages.is_away(&self.vendor, self.clock.now())
    }

    /// The vendor is about to be called; `what` is the call's name, and no secret stands in it.
    async fn called(&self, what: &str) {
        self.mortality.called(what, &self.over(what)).await;
    }

    async fn answered(&self, what: &str) {
        self.mortality.answered(what, &self.over(what)).await;
    }

    fn over(&self, what: &str) -> String {
        format!("{} {what} {}", self.vendor, self.clock.now().format("%FT%TZ"))
    }
}

/// A transport whose every answered request is a vendor call.
#[derive(Debug)]
pub(super) struct MortalTransport<T> {
    pub(super) inner: T,
    pub(super) way: Way,
}

#[async_trait]
impl<T: HttpTransport> HttpTransport for MortalTransport<T> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if self.way.is_cut() {
            return Err(TransportError::TimedOut);
        }
        let what = path(&request.url).to_owned();
        self.way.called(&what).await;
        let response = self.inner.send(request).await?;
        self.way.answered(&what).await;
        Ok(response)
    }
}

/// What is asked for, without who asks and for whom.
fn path(url: &str) -> &str {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    path.split('?').next().unwrap_or_default()
}

/// Ports at which every answer of an encoder is a vendor call; an encoder whose vendor is cut off is not plugged in.
#[derive(Debug)]
pub(super) struct MortalBus<B> {
    pub(super) inner: B,
    pub(super) way: Way,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: EncoderBus> EncoderBus for MortalBus<B> {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        if self.way.is_cut() { Ok(Vec::new()) } else { self.inner.list().await }
    }

    async fn open(
        &self,
        plugged: &Plugged,
        model: EncoderModel,
        baud: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        let inner = self.inner.open(plugged, model, baud).await?;
        Ok(Box::new(MortalEncoder { inner, way: self.way.clone() }))
    }
}

#[derive(Debug)]
struct MortalEncoder {
    inner: Box<dyn Encoder>,
    way: Way,
}

/// One command, unless the cable is out.
macro_rules! command {
    ($this:ident, $what:literal, $call:expr) => {{
        if $this.way.is_cut() {
            return Err(LinkError::Gone.into());
        }
        $this.way.called($what).await;
        let answer = $call.await;
        $this.way.answered($what).await;
        answer
    }};
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Encoder for MortalEncoder {
    async fn start(&mut self) -> Result<Identity, EncoderError> {
        command!(self, "start", self.inner.start())
    }

    async fn list(&mut self) -> Result<Vec<Target>, EncoderError> {
        command!(self, "list", self.inner.list())
    }

    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError> {
        command!(self, "authenticate", self.inner.authenticate(target, block, name, key))
    }

    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError> {
        command!(self, "read", self.inner.read(target, address))
    }

    async fn write_block(
        &mut self,
        target: &Target,
        block: u8,
        data: &Secret<[u8; 16]>,
    ) -> Result<(), EncoderError> {
        command!(self, "write_block", self.inner.write_block(target, block, data))
    }

    async fn write_page(
        &mut self,
        target: &Target,
        page: u8,
        data: &Secret<[u8; 4]>,
    ) -> Result<(), EncoderError> {
        command!(self, "write_page", self.inner.write_page(target, page, data))
    }

    async fn version(&mut self, target: &Target) -> Result<[u8; 8], EncoderError> {
        command!(self, "version", self.inner.version(target))
    }

    async fn beep(&mut self) -> Result<(), EncoderError> {
        command!(self, "beep", self.inner.beep())
    }
}

/// A driver whose every call that comes back is a vendor call.
#[derive(Debug)]
pub(super) struct MortalDriver<D> {
    pub(super) inner: D,
    pub(super) way: Way,
}

impl<D> MortalDriver<D> {
    async fn call<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, LockError>>,
    ) -> Result<T, LockError> {
        if self.way.is_cut() {
            let (reason, advice) = (FailureReason::Timeout, RetryAdvice::OutcomeUnknown);
            return Err(LockError::unreachable(reason, advice, "no answer"));
        }
        self.way.called(what).await;
        let answer = call.await;
        self.way.answered(what).await;
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: VendorDriver> VendorDriver for MortalDriver<D> {
    fn describe(&self) -> DriverDescriptor {
        self.inner.describe()
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        self.call("grant", self.inner.grant(order, attempt)).await
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        self.call("find", self.inner.find(order, attempt)).await
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        self.call("amend", self.inner.amend(held, target, attempt)).await
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        self.call("withdraw", self.inner.withdraw(withdrawal, attempt)).await
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.call("devices", self.inner.devices()).await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.call("health", self.inner.health(device)).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        match Pin::as_mut(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits for something"),
        }
    }

    #[test]
    fn the_last_answer_is_never_seen() {
        let mortality = Mortality::default();
        let calls = async |count: u32| {
            for _ in 0..count {
                mortality.answered("", "").await;
            }
            count
        };
        assert_eq!(now(mortality.outlives(calls(100))), Ok(100), "nobody dies who is not to");
        mortality.dies_after(NonZeroU64::new(7).unwrap());
        mortality.dies_after(NonZeroU64::new(3).unwrap());
        assert_eq!(now(mortality.outlives(calls(2))), Ok(2));
        assert_eq!(now(mortality.outlives(calls(1))), Err(Died), "the third since the order that stands");
        assert_eq!(now(mortality.outlives(ready(()))), Err(Died), "the dead do nothing");
        mortality.reborn();
        assert_eq!(now(mortality.outlives(calls(100))), Ok(100));
    }
}
