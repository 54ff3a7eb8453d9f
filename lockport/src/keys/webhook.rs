//! Calls of a vendor's webhook: told before and after they are looked into (R221), each taken in once, and told as an alert when
//! somebody else has called (R124). Whether it is the vendor who calls is for its driver to check, or for the host.

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::observe::{VendorSignal, no_such_adapter};
use super::record::KeyRecord;
use super::{DELIVERY_TRIES, KeyService};
use crate::audit::{Action, Digest, Draft, Outcome, reference_key};
use crate::driver::{VendorCall, VendorEventId};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::event::{Cause, WebhookProcessed, WebhookReceived, Word};
use crate::id::{KeyCredentialId, WebhookId};
use crate::port::{SeenCall, VendorCalls};
use crate::property::AdapterBinding;
use crate::store::{Record, StoreError, Stored, Table, Transaction};
use crate::telemetry::{Counter, Histogram, Label, UseCase, Value, WebhookKind};
use crate::validity::Timestamp;

/// For how long a call is known, so that it is not taken in twice.
const KNOWN_FOR: TimeDelta = TimeDelta::days(30);

/// The same for a call that only its body tells from others: a gateway that goes twice in a week is told of in the same words, and only what
/// comes again at once is the same call.
const BODY_KNOWN_FOR: TimeDelta = TimeDelta::minutes(10);

/// How many calls that are no longer to be known are forgotten with each new one.
const FORGOTTEN_AT_ONCE: usize = 4;

/// Refused calls of one adapter are told no more often than this: a flood must not fill the outbox.
const REFUSALS_APART: TimeDelta = TimeDelta::seconds(60);

/// What came of a vendor's call (R221).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// It was taken in.
    Applied,
    /// It had been taken in before.
    Duplicate,
    /// It was about nothing.
    Ignored,
}

impl WebhookOutcome {
    /// The platform's word: `applied`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
        }
    }
}

/// Which call of a vendor's webhook it is: the same call is taken in once.
#[derive(Clone, Copy)]
pub enum WebhookCall<'a> {
    /// As the vendor names it.
    Named(&'a VendorEventId),
    /// The vendor names none: the one with this body. What is told of it is a hash under the property's own key, for a body may
    /// hold a PIN.
    WithBody(&'a [u8]),
}

impl fmt::Debug for WebhookCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(event) => f.debug_tuple("Named").field(event).finish(),
            Self::WithBody(_) => f.write_str("WithBody([redacted])"),
        }
    }
}

/// What a vendor's call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookNews {
    /// Nothing that is known here.
    Nothing,
    /// Something that was taken in.
    Something,
    /// Something that the vendor had accepted for this credential, and that has ended: what is to be done next is done by the next
    /// [`tick`](KeyService::tick).
    Ended(KeyCredentialId),
}

/// A call that was taken, and what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// What came of it.
    pub outcome: WebhookOutcome,
    /// The text that the vendor wants, over HTTP 200.
    pub reply: &'static str,
}

/// A call that is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WebhookRecord {
    id: String,
    /// Looked into, to the end.
    done: bool,
    forget_at: Timestamp,
}

impl Record for WebhookRecord {
    const TABLE: Table = Table::Webhook;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn due(&self) -> Option<Timestamp> {
        Some(self.forget_at)
    }
}

impl KeyService {
    /// With the calls of an adapter's vendor, for [`called`](Self::called) to look into.
    #[must_use]
    pub fn with_calls(mut self, adapter: &str, calls: Arc<dyn VendorCalls>) -> Self {
        self.beside.calls.push((adapter.to_owned(), calls));
        self
    }

    /// Somebody has called the webhook of an adapter's vendor. Whether it is the vendor is checked here; then the call is told, looked
    /// into once, and what it leads to is taken in: a job that has ended, doors that were tried, locks that are otherwise. What a call
    /// says that nobody has signed is looked for at the vendor first. A call that fails is not known yet: the vendor may call again.
    /// To be followed by [`tick`](Self::tick).
    ///
    /// # Errors
    /// `WEBHOOK_SIGNATURE_INVALID` when it is not the vendor, as [`refuse_webhook`](Self::refuse_webhook) says, and for an adapter
    /// without [`with_calls`](Self::with_calls); `INVALID_INPUT` when it cannot be read; when vendor or store is away.
    pub async fn called(&self, adapter: &str, call: &VendorCall<'_>) -> Result<Called, LockError> {
        let Some((_, calls)) = self.beside.calls.iter().find(|(name, _)| name == adapter) else {
            return Err(self.refuse_webhook(adapter).await);
        };
        let head = match calls.check(call).await {
            Ok(head) => head,
            Err(error) if error.code() == ErrorCode::WebhookSignatureInvalid => {
                return Err(self.refuse_webhook(adapter).await);
            }
            Err(error) => return Err(error),
        };
        let name = head.event.as_ref().map_or(WebhookCall::WithBody(call.body), WebhookCall::Named);
        let take_in = async || self.follow(adapter, calls.take_in(call).await?).await;
        let outcome = self.webhook(adapter, name, head.kind, take_in).await?;
        Ok(Called { outcome, reply: head.reply })
    }

    /// What a call leads to.
    async fn follow(&self, adapter: &str, seen: SeenCall) -> Result<WebhookNews, LockError> {
        let signals: Vec<VendorSignal> = match seen {
            SeenCall::Nothing => return Ok(WebhookNews::Nothing),
            SeenCall::Ended(credential) => return Ok(WebhookNews::Ended(credential)),
            SeenCall::Attempts(seen) => seen.into_iter().map(VendorSignal::Attempt).collect(),
            SeenCall::Devices(devices) => {
                devices.into_iter().map(|device| VendorSignal::Device(Box::new(device))).collect()
            }
        };
        for signal in &signals {
            self.do_observe(adapter, signal).await?;
        }
        Ok(WebhookNews::Something)
    }

    /// An adapter's vendor has called, as the host has checked, where it does that itself: otherwise [`called`](Self::called) does
    /// all of it. `apply` hands the call in (`VendorCalls::take_in`, [`observe`](Self::observe)) and says
    /// what it was about; it is not called for a call that was taken in before. A call that is dropped, or whose `apply` fails, is not
    /// known yet: the vendor may call again.
    ///
    /// # Errors
    /// `INVALID_INPUT` when the property has no such adapter; what `apply` says; when the store is away.
    pub async fn webhook(
        &self,
        adapter: &str,
        call: WebhookCall<'_>,
        kind: WebhookKind,
        apply: impl AsyncFnOnce() -> Result<WebhookNews, LockError>,
    ) -> Result<WebhookOutcome, LockError> {
        self.timed(UseCase::Webhook, Box::pin(self.do_webhook(adapter, call, kind, apply))).await
    }

    async fn do_webhook(
        &self,
        adapter: &str,
        call: WebhookCall<'_>,
        kind: WebhookKind,
        apply: impl AsyncFnOnce() -> Result<WebhookNews, LockError>,
    ) -> Result<WebhookOutcome, LockError> {
        let binding = self.property.adapter(adapter).ok_or_else(no_such_adapter)?;
        self.queue.catch_up().await?;
        let begin = self.env.now();
        let event = &self.name_of(call).await?;
        let known_for = if matches!(call, WebhookCall::Named(_)) { KNOWN_FOR } else { BODY_KNOWN_FOR };
        let call = WebhookId::from_ulid(self.env.ulid()?);
        self.told_of(binding, (call, Some(event), kind)).await?;
        let parts: [&[u8]; 2] = [adapter.as_bytes(), event.as_str().as_bytes()];
        let id = WebhookId::derived("lockport/webhook/v1", &parts).to_string();
        let known = Stored::<WebhookRecord>::read(&*self.store, self.partition(), &id).await?;
        let is_known = |known: &Stored<WebhookRecord>| known.value.done && known.value.forget_at > begin;
        let outcome = match known.as_ref().filter(|known| is_known(known)) {
            Some(_) => WebhookOutcome::Duplicate,
            None => match self.within_span(binding, kind, apply()).await? {
                WebhookNews::Nothing => WebhookOutcome::Ignored,
                WebhookNews::Something => WebhookOutcome::Applied,
                WebhookNews::Ended(key) => {
                    self.wake_key(key).await?;
                    WebhookOutcome::Applied
                }
            },
        };
        self.is_done(binding, (call, kind), (id, known_for), outcome).await?;
        let vendor = binding.port.describe_adapter().vendor;
        let labels = [
            (Label::Vendor, Value::Vendor(&vendor)),
            (Label::Kind, Value::Word(kind.as_str())),
            (Label::Outcome, Value::Word(outcome.as_str())),
        ];
        self.meter.add(Counter::WebhooksProcessed, &labels);
        self.meter.observe(Histogram::WebhookLag, &labels, self.env.since(begin).as_secs_f64());
        Ok(outcome)
    }

    /// What it waited for has ended: it is due. Somebody who is quicker has looked after it.
    async fn wake_key(&self, id: KeyCredentialId) -> Result<(), LockError> {
        let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id.to_string()).await?;
        let Some(mut key) = found else { return Ok(()) };
        let now = self.env.now();
        if key.value.work().is_none() || key.value.next_try.is_none_or(|then| then <= now) {
            return Ok(());
        }
        key.value.next_try = Some(now);
        match self.save(&mut key, self.transaction()?).await {
            Err(error) if error.is_store_conflict() => Ok(()),
            other => other,
        }
    }

    async fn name_of(&self, call: WebhookCall<'_>) -> Result<VendorEventId, LockError> {
        let body = match call {
            WebhookCall::Named(event) => return Ok(event.clone()),
            WebhookCall::WithBody(body) => body,
        };
        let key = reference_key(&*self.store, self.partition()).await?;
        Ok(match key {
            Some(key) => {
                VendorEventId::of(&Digest::keyed(&key, "lockport/webhook-body/v1", body).to_string())
            }
            // Nothing has ever happened at this property, so nothing can be called about twice.
            None => VendorEventId::of(&WebhookId::from_ulid(self.env.ulid()?).to_string()),
        })
    }

    /// Before anything is done about it.
    async fn told_of(
        &self,
        of: &AdapterBinding,
        (webhook_id, event, kind): (WebhookId, Option<&VendorEventId>, WebhookKind),
    ) -> Result<(), LockError> {
        let mut transaction = self.transaction()?;
        self.tell_received(&mut transaction, of, (webhook_id, event, kind))?;
        transaction.commit(&*self.store, self.partition()).await?;
        let vendor = of.port.describe_adapter().vendor;
        let labels = [(Label::Vendor, Value::Vendor(&vendor)), (Label::Kind, Value::Word(kind.as_str()))];
        self.meter.add(Counter::WebhooksReceived, &labels);
        Ok(())
    }

    /// Without an event's name: somebody else has called.
    fn tell_received(
        &self,
        transaction: &mut Transaction,
        of: &AdapterBinding,
        (webhook_id, event, kind): (WebhookId, Option<&VendorEventId>, WebhookKind),
    ) -> Result<(), LockError> {
        let data = WebhookReceived {
            webhook_id,
            property_id: Some(self.partition().property),
            vendor: of.port.describe_adapter().vendor,
            external_event_id: event.cloned(),
            kind: Word::of(kind.as_str()),
            received_at: self.env.now(),
            signature_ok: event.is_some(),
        };
        self.tell(transaction, &about(webhook_id), &data).map(|_| ())
    }

    async fn is_done(
        &self,
        of: &AdapterBinding,
        (webhook_id, kind): (WebhookId, WebhookKind),
        (id, known_for): (String, TimeDelta),
        outcome: WebhookOutcome,
    ) -> Result<(), LockError> {
        let mut last = StoreError::Conflict.into();
        for _ in 0..DELIVERY_TRIES {
            let now = self.env.now();
            let mut transaction = self.transaction()?;
            let old = Stored::<WebhookRecord>::due(&*self.store, self.partition(), now, FORGOTTEN_AT_ONCE);
            let old = old.await?;
            old.iter().filter(|old| old.value.id != id).for_each(|old| transaction.delete(old));
            let known = Stored::<WebhookRecord>::read(&*self.store, self.partition(), &id).await?;
            let forget_at = now.checked_add_signed(known_for).unwrap_or(now);
            let fresh = || Stored::fresh(WebhookRecord { id: id.clone(), done: true, forget_at });
            let mut record = known.unwrap_or_else(fresh);
            if outcome != WebhookOutcome::Duplicate {
                record.value.forget_at = forget_at;
            }
            transaction.put(&mut record)?;
            let data = WebhookProcessed {
                webhook_id,
                property_id: Some(self.partition().property),
                vendor: of.port.describe_adapter().vendor,
                kind: Word::of(kind.as_str()),
                outcome: Word::of(outcome.as_str()),
                processed_at: now,
            };
            self.tell(&mut transaction, &about(webhook_id), &data)?;
            match transaction.commit(&*self.store, self.partition()).await {
                Err(error) if error.is_store_conflict() => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    /// Somebody has called an adapter's webhook who is not its vendor: counted, told as an alert and noted in the audit, no more
    /// often than once a minute, and nothing else (R124). What to answer him: `WEBHOOK_SIGNATURE_INVALID`, over HTTP 401.
    pub async fn refuse_webhook(&self, adapter: &str) -> LockError {
        let message = "the call does not show that it is the vendor's";
        let (code, reason) = (ErrorCode::WebhookSignatureInvalid, FailureReason::AuthRejected);
        let refused = LockError::new(code, reason, RetryAdvice::Never, message);
        if let Some(binding) = self.property.adapter(adapter) {
            let vendor = binding.port.describe_adapter().vendor;
            self.meter.add(Counter::WebhookSignaturesFailed, &[(Label::Vendor, Value::Vendor(&vendor))]);
            // The store being away changes nothing about the answer; the next such call tells.
            let _told_later = self.tell_refusal(binding, &refused).await;
        }
        refused
    }

    async fn tell_refusal(&self, of: &AdapterBinding, why: &LockError) -> Result<(), LockError> {
        self.queue.catch_up().await?;
        let now = self.env.now();
        let id = format!("refused/{}", of.name);
        let known = Stored::<WebhookRecord>::read(&*self.store, self.partition(), &id).await?;
        if known.as_ref().is_some_and(|known| known.value.forget_at > now) {
            return Ok(());
        }
        let forget_at = now.checked_add_signed(REFUSALS_APART).unwrap_or(now);
        let mut record = known.unwrap_or_else(|| Stored::fresh(WebhookRecord { id, done: false, forget_at }));
        record.value.forget_at = forget_at;
        let mut transaction = self.transaction()?;
        transaction.put(&mut record)?;
        let call = WebhookId::from_ulid(self.env.ulid()?);
        self.tell_received(&mut transaction, of, (call, None, WebhookKind::Other))?;
        let mut draft = Draft::new(Action::RefuseWebhook, Outcome::Error);
        draft.vendor = Some(of.port.describe_adapter().vendor);
        draft.failure_reason = Some(why.reason());
        transaction.note(&self.env, draft);
        self.say_refused_webhook(&mut transaction, of, why);
        transaction.commit(&*self.store, self.partition()).await
    }

    /// Looks into a call, in a span of its own (R201).
    #[cfg(feature = "trace")]
    async fn within_span<T>(
        &self,
        of: &AdapterBinding,
        kind: WebhookKind,
        apply: impl Future<Output = Result<T, LockError>>,
    ) -> Result<T, LockError> {
        use tracing::Instrument as _;
        use tracing::field::Empty;

        let vendor = of.port.describe_adapter().vendor;
        let name = crate::telemetry::catalog::span::WEBHOOK.replace("{vendor}", vendor.as_str());
        let span = tracing::info_span!(
            target: "lockport",
            "WebhookHandler",
            otel.name = name,
            tenantId = %self.partition().tenant,
            propertyId = %self.partition().property,
            vendor = vendor.as_str(),
            vendorAdapterId = of.name.as_str(),
            operation = kind.as_str(),
            outcome = Empty,
            errorCode = Empty,
            durationMs = Empty,
        );
        let begin = self.env.now();
        let result = apply.instrument(span.clone()).await;
        let ended = if result.is_ok() { crate::telemetry::Ended::Ok } else { crate::telemetry::Ended::Error };
        span.record("outcome", ended.as_str());
        if let Err(error) = &result {
            span.record("errorCode", error.code().as_str());
        }
        span.record("durationMs", u64::try_from(self.env.since(begin).as_millis()).unwrap_or(u64::MAX));
        result
    }

    /// Looks into a call.
    #[cfg(not(feature = "trace"))]
    async fn within_span<T>(
        &self,
        _: &AdapterBinding,
        _: WebhookKind,
        apply: impl Future<Output = Result<T, LockError>>,
    ) -> Result<T, LockError> {
        apply.await
    }
}

/// What is told of one call stays in order.
fn about(call: WebhookId) -> Cause {
    Cause { correlation_id: Some(call.to_string()), ..Cause::default() }
}
