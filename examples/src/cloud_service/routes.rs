//! The routes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use lockport::LockError;
use lockport::credential::{KeyCredentialKind, SuspendReason, Verdict};
use lockport::driver::VendorCall;
use lockport::error::ErrorCode;
use lockport::event::Envelope;
use lockport::id::{ReservationId, TaskId, UserId};
use lockport::idempotency::IdempotencyKey;
use lockport::keys::DeskTask;
use serde::Deserialize;
use serde_json::json;

use super::{Service, add_one};

/// What is answered instead.
struct Refused(LockError);

impl From<LockError> for Refused {
    fn from(error: LockError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    /// What may be sent again is told apart from what will be refused for ever: a bus acts on it.
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = match error.code() {
            _ if error.is_retriable() => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::CredentialNotFound => StatusCode::NOT_FOUND,
            ErrorCode::WebhookSignatureInvalid => StatusCode::UNAUTHORIZED,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let body = json!({ "code": error.code().name(), "message": error.message() });
        (status, Json(body)).into_response()
    }
}

/// Something that somebody at a desk does. The caller names it, so that it may be sent again.
#[derive(Debug, Deserialize)]
struct ByHand {
    operator: UserId,
    name: IdempotencyKey,
}

/// A loss, and what its holder would rather have in its place.
#[derive(Debug, Deserialize)]
struct Lost {
    #[serde(flatten)]
    by: ByHand,
    #[serde(default)]
    kinds: Vec<KeyCredentialKind>,
}

/// Why somebody is not to open for a while.
#[derive(Debug, Deserialize)]
struct Suspended {
    #[serde(flatten)]
    by: ByHand,
    reason: SuspendReason,
}

/// What a person found out.
#[derive(Debug, Deserialize)]
struct Word {
    operator: UserId,
    happened: bool,
}

/// Every route of the service.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/events", post(event))
        .route("/webhooks/{adapter}/{secret}", post(webhook))
        .route("/desk/tasks", get(tasks))
        .route("/desk/tasks/{task}/settle", post(settle))
        .route("/desk/reservations/{reservation}/lost", post(lost))
        .route("/desk/reservations/{reservation}/suspend", post(suspend))
        .route("/desk/reservations/{reservation}/unsuspend", post(unsuspend))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(service)
}

type At = State<Arc<Service>>;

/// The bus delivers. Once it is answered it is kept; what follows is the pump's.
async fn event(State(service): At, Json(event): Json<Envelope>) -> Result<StatusCode, Refused> {
    match service.wired.keys.deliver(&event).await {
        Ok(()) => add_one(&service.counts.delivered),
        Err(error) => {
            add_one(&service.counts.refused);
            return Err(error.into());
        }
    }
    Ok(taken(&service))
}

/// A vendor calls. Whoever does not know the address is not the vendor (R124); the locks of these examples sign nothing beside that.
async fn webhook(
    State(service): At,
    Path((adapter, secret)): Path<(String, String)>,
    body: Bytes,
) -> Result<&'static str, Refused> {
    let keys = &service.wired.keys;
    let is_the_vendor = service.webhooks.get(&adapter).is_some_and(|own| own.is(&secret));
    if !is_the_vendor {
        let refused = keys.refuse_webhook(&adapter).await;
        service.nudge.notify_one();
        return Err(refused.into());
    }
    let called = keys.called(&adapter, &VendorCall { segment: &secret, headers: &[], body: &body }).await?;
    service.nudge.notify_one();
    Ok(called.reply)
}

async fn tasks(State(service): At) -> Result<Json<Vec<DeskTask>>, Refused> {
    Ok(Json(service.wired.keys.open_tasks().await?))
}

async fn settle(
    State(service): At,
    Path(task): Path<TaskId>,
    Json(Word { operator, happened }): Json<Word>,
) -> Result<StatusCode, Refused> {
    let verdict = if happened { Verdict::Happened } else { Verdict::DidNotHappen };
    service.wired.keys.settle_task(task, verdict, operator).await?;
    Ok(taken(&service))
}

async fn lost(
    State(service): At,
    Path(reservation): Path<ReservationId>,
    Json(Lost { by: ByHand { operator, name }, kinds }): Json<Lost>,
) -> Result<StatusCode, Refused> {
    service.wired.keys.report_lost(reservation, &kinds, operator, &name).await?;
    Ok(taken(&service))
}

async fn suspend(
    State(service): At,
    Path(reservation): Path<ReservationId>,
    Json(Suspended { by: ByHand { operator, name }, reason }): Json<Suspended>,
) -> Result<StatusCode, Refused> {
    service.wired.keys.suspend_stay(reservation, reason, operator, &name).await?;
    Ok(taken(&service))
}

async fn unsuspend(
    State(service): At,
    Path(reservation): Path<ReservationId>,
    Json(ByHand { operator, name }): Json<ByHand>,
) -> Result<StatusCode, Refused> {
    service.wired.keys.lift_suspensions(reservation, operator, &name).await?;
    Ok(taken(&service))
}

/// Something came in: the pump has a look.
fn taken(service: &Service) -> StatusCode {
    service.nudge.notify_one();
    StatusCode::ACCEPTED
}

/// Unwell while the last round of work failed: the store or the bus is away. A vendor that is away is no reason to be restarted.
async fn health(State(service): At) -> StatusCode {
    if *service.is_well.borrow() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn metrics(State(service): At) -> Result<String, Refused> {
    let counts = &service.counts;
    let open = service.wired.keys.open_tasks().await?.len();
    let mut text = format!("lockport_open_tasks {open}\n");
    for (name, counter) in [
        ("ticks", &counts.ticks),
        ("failed_ticks", &counts.failed_ticks),
        ("events_delivered", &counts.delivered),
        ("events_refused", &counts.refused),
        ("events_published", &counts.published),
    ] {
        let count = counter.load(Ordering::Relaxed);
        // Writing into a text does not fail.
        let _written = writeln!(text, "lockport_{name}_total {count}");
    }
    Ok(text)
}
