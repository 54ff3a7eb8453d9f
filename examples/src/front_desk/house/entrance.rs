//! Where a vendor calls the house: an address of its own on loopback HTTP. What is called waits there until the desk takes it, and is
//! answered with what the desk says.

use std::io;
use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use lockport::LockError;
use lockport::driver::VendorCall;
use lockport::error::ErrorCode;
use lockport::keys::Called;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

/// What a vendor is answered: a status, and the text that it wants.
type Reply = Result<&'static str, StatusCode>;

/// A call of a vendor's that waits for an answer. One that is dropped was not taken, and the vendor hears of that.
#[derive(Debug)]
pub(super) struct Call {
    segment: String,
    body: Bytes,
    reply: oneshot::Sender<Reply>,
}

impl Call {
    /// As the desk looks at it.
    pub(super) fn as_heard(&self) -> VendorCall<'_> {
        VendorCall { segment: &self.segment, headers: &[], body: &self.body }
    }

    /// Answers it with what came of it.
    pub(super) fn answer(self, called: Result<Called, LockError>) {
        let reply = called.map(|called| called.reply).map_err(|error| match error.code() {
            _ if error.is_retriable() => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::WebhookSignatureInvalid => StatusCode::UNAUTHORIZED,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        });
        // A vendor that waits no longer is told nothing.
        let _hung_up = self.reply.send(reply);
    }
}

/// An address that is called.
#[derive(Debug)]
pub(super) struct Entrance {
    url: String,
    waiting: Mutex<mpsc::UnboundedReceiver<Call>>,
    /// Ends with the house.
    _serving: JoinSet<()>,
}

impl Entrance {
    /// Opens it on a free port; the last segment of the address is this one.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub(super) async fn open(segment: &str) -> io::Result<Self> {
        let (hand_in, waiting) = mpsc::unbounded_channel();
        let routes = Router::new().route("/hooks/{segment}", post(called)).with_state(hand_in);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/hooks/{segment}", listener.local_addr()?);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It ends only with the task.
            let _served = axum::serve(listener, routes).await;
        });
        Ok(Self { url, waiting: Mutex::new(waiting), _serving: serving })
    }

    /// What stands in the vendor's console.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The next call that waits, or that comes before the vendor is `quiet`.
    pub(super) async fn next(&self, quiet: impl Future) -> Option<Call> {
        let mut waiting = self.waiting.lock().await;
        tokio::select! {
            biased;
            call = waiting.recv() => call,
            _ = quiet => waiting.try_recv().ok(),
        }
    }
}

async fn called(
    State(hand_in): State<mpsc::UnboundedSender<Call>>,
    Path(segment): Path<String>,
    body: Bytes,
) -> Result<&'static str, StatusCode> {
    let (reply, replied) = oneshot::channel();
    hand_in.send(Call { segment, body, reply }).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    replied.await.unwrap_or(Err(StatusCode::SERVICE_UNAVAILABLE))
}
