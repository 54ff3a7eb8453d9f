//! The HTTP face (VENDOR: section 2).

use std::sync::Arc;

use axum::Form;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, FromRequest, Query, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, DATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::bench;
use crate::core::{Arrival, Core, Reply};
use crate::line::{Exchange, Line};
use crate::route;

type Pairs = Vec<(String, String)>;

/// JSON that breaks off in the middle.
const BROKEN_JSON: &str = "{\"errcode\":0,\"errm";

const JSON: &str = "application/json;charset=UTF-8";

/// Serves until the sender of `stop` is gone.
pub(crate) async fn serve(listener: TcpListener, core: Arc<Core>, mut stop: watch::Receiver<()>) {
    let service = Router::new()
        .merge(bench::routes())
        .fallback(face)
        .with_state(core)
        .into_make_service_with_connect_info::<Line>();
    let stopped = async move { while stop.changed().await.is_ok() {} };
    // Serving ends only by the shutdown; there is no error to pass on.
    let _ended = axum::serve(Exchange(listener), service).with_graceful_shutdown(stopped).await;
}

async fn face(
    State(core): State<Arc<Core>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let arrival = take_in(request).await;
    let allowed = route::find(&arrival.path).map(|route| route.verbs.allow());
    let (mut reply, hold) = core.receive(arrival);
    reply = match reply {
        Reply::OnItsWay(answer) => arrive(&core, answer).await.map_or(Reply::Cut, Reply::Json),
        Reply::OnItsWayMalformed(answer) => {
            arrive(&core, answer).await.map_or(Reply::Cut, |_| Reply::Malformed)
        }
        at_once => at_once,
    };
    if let Some(hold) = hold {
        core.faults.hold(hold).await;
    }
    let (status, content_type, body) = match reply {
        // VENDOR: section 2.2, HTTP 200 also for errors.
        Reply::Json(json) => (StatusCode::OK, JSON, json.to_string()),
        Reply::Malformed => (StatusCode::OK, JSON, BROKEN_JSON.into()),
        Reply::Edge(status) => edge_page(status),
        Reply::Cut | Reply::OnItsWay(_) | Reply::OnItsWayMalformed(_) => {
            line.cut();
            edge_page(503)
        }
    };
    // Section 10.1 sends clients to the `Date` header to correct their clock: it tells the cloud's time.
    let cloud_ms = core.clock.now_ms().saturating_add(core.state().0.cloud_skew_ms);
    let headers = [(CONTENT_TYPE, content_type.to_owned()), (DATE, http_date(cloud_ms))];
    let mut response = (status, headers, Body::from(body)).into_response();
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(allowed)) = (status, allowed) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

/// Waits until the clock gets to where a command arrives; `None` when the simulation ends before.
async fn arrive(core: &Core, mut answer: oneshot::Receiver<Value>) -> Option<Value> {
    let mut ticks = core.clock.changes();
    loop {
        drop(core.state());
        tokio::select! {
            answer = &mut answer => return answer.ok(),
            _moved = ticks.changed() => {}
        }
    }
}

fn edge_page(status: u16) -> (StatusCode, &'static str, String) {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, "text/html", format!("<html><body><h1>{status}</h1></body></html>"))
}

fn http_date(unix_ms: i64) -> String {
    DateTime::from_timestamp_millis(unix_ms)
        .map(|date| date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

/// Reads query and form. A POST that carries a body, or names a content type, must be a form.
async fn take_in(request: Request) -> Arrival {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut unreadable = None;
    let mut pairs: Pairs = match Query::try_from_uri(request.uri()) {
        Ok(Query(pairs)) => pairs,
        Err(rejection) => {
            unreadable = Some(rejection.status().as_u16());
            Pairs::new()
        }
    };
    let has_body = request.headers().contains_key(CONTENT_TYPE) || !request.body().is_end_stream();
    if method == Method::POST && has_body {
        match Form::<Pairs>::from_request(request, &()).await {
            Ok(Form(body)) => pairs.extend(body),
            Err(rejection) => unreadable = Some(rejection.status().as_u16()),
        }
    }
    Arrival { method: method.to_string(), path, pairs, unreadable }
}
