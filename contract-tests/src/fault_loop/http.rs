//! The transport with a point at every request.

use std::sync::Arc;

use async_trait::async_trait;
use lockport::env::{HttpMethod, HttpRequest, HttpResponse, HttpTransport, TransportError};

use super::late::{Errand, Late};
use super::points::{Points, hold};
use super::way::{Call, Way};

/// A transport whose n-th request fails.
#[derive(Debug)]
pub(crate) struct FaultyHttp {
    pub(crate) inner: Arc<dyn HttpTransport>,
    pub(crate) points: Arc<Points>,
    pub(crate) late: Arc<Late>,
}

#[async_trait]
impl HttpTransport for FaultyHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let path = request.url.split('?').next().unwrap_or_default();
        let path = path.splitn(4, '/').nth(3).unwrap_or_default();
        let name = format!("http /{path}");
        self.points.say(&name);
        let call = if request.method == HttpMethod::Get { Call::Look } else { Call::Effect };
        let Some(way) = self.points.enter(call, name) else { return self.inner.send(request).await };
        match way {
            Way::NotSent => return Err(TransportError::NotSent),
            Way::LostBefore | Way::AwayBefore | Way::Refused => {}
            Way::LostAfter | Way::AwayAfter => {
                let _unheard = self.inner.send(request).await;
            }
            Way::Late => self.late.post(Errand::request(Arc::clone(&self.inner), request)),
            Way::DroppedBefore(_) => return hold().await,
            Way::DroppedAfter(_) => {
                let _unheard = self.inner.send(request).await;
                return hold().await;
            }
            Way::DroppedLate(_) => {
                self.late.post(Errand::request(Arc::clone(&self.inner), request));
                return hold().await;
            }
        }
        Err(TransportError::TimedOut)
    }
}
