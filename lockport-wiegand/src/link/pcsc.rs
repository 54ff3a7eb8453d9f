//! The readers of this machine's PC/SC service: of Windows and macOS themselves, of pcscd on Linux.
//!
//! The service's calls block, each for as long as the reader takes. So every call has a thread of its own, and is left behind when
//! its time is over.

use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use lockport::Secret;
use lockport::env::LinkError;
use pcsc::{Card, Context, Disposition, Error, MAX_BUFFER_SIZE, Protocols, Scope, ShareMode};
use zeroize::Zeroizing;

use super::reply::{reply, spawn};
use crate::encoder::{CardReader, Timer};

/// The names of the readers that are plugged in.
pub(crate) async fn readers() -> Result<Vec<String>, LinkError> {
    let (promise, names) = reply();
    spawn(move || {
        let _nobody_waits = promise.keep(listed());
    })?;
    names.await
}

fn listed() -> Result<Vec<String>, LinkError> {
    let names = Context::establish(Scope::User).and_then(|context| context.list_readers_owned());
    match names {
        Ok(names) => Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect()),
        // Without a service there are no readers either.
        Err(Error::NoReadersAvailable | Error::NoService | Error::ServiceStopped) => Ok(Vec::new()),
        Err(error) => Err(trouble(error)),
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct SystemReader {
    name: String,
    session: Arc<Mutex<Session>>,
    timer: Timer,
}

impl SystemReader {
    /// The reader of this name; whether it is there, the first connection tells.
    pub(crate) fn new(name: &str, timer: Timer) -> Result<Self, LinkError> {
        let c_name = CString::new(name).map_err(|_| LinkError::Gone)?;
        let session = Session { name: c_name, context: None, card: None };
        Ok(Self { name: name.to_owned(), session: Arc::new(Mutex::new(session)), timer })
    }

    async fn within<T: Send + 'static>(
        &self,
        timeout: Duration,
        call: impl FnOnce(&mut Session) -> Result<T, LinkError> + Send + 'static,
    ) -> Result<T, LinkError> {
        let (promise, answer) = reply();
        let session = Arc::clone(&self.session);
        spawn(move || {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            // The one before it took too long: what nobody waits for any more is not begun.
            if !promise.is_abandoned() {
                let _nobody_waits = promise.keep(call(&mut session));
            }
        })?;
        match select(answer, Box::pin(self.timer.pause(timeout))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(LinkError::TimedOut),
        }
    }
}

#[async_trait]
impl CardReader for SystemReader {
    fn name(&self) -> &str {
        &self.name
    }

    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        self.within(timeout, Session::connect).await
    }

    async fn transmit(
        &self,
        apdu: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        let apdu = apdu.clone();
        self.within(timeout, move |session| session.transmit(&apdu)).await
    }
}

/// What a conversation with the service holds.
struct Session {
    name: CString,
    context: Option<Context>,
    card: Option<Card>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Session {
    fn connect(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        if let Some(card) = self.card.take() {
            // It is let go of in any case; without power it forgets that it had halted.
            let _told = card.disconnect(Disposition::UnpowerCard);
        }
        let context = match &self.context {
            Some(context) => context,
            None => self.context.insert(Context::establish(Scope::User).map_err(trouble)?),
        };
        let card = match context.connect(&self.name, ShareMode::Exclusive, Protocols::ANY) {
            Ok(card) => card,
            Err(error) if is_card_away(error) => return Ok(None),
            Err(error) => {
                self.context = None;
                return Err(trouble(error));
            }
        };
        let status = match card.status2_owned() {
            Ok(status) => status,
            Err(error) if is_card_away(error) => return Ok(None),
            Err(error) => return Err(trouble(error)),
        };
        self.card = Some(card);
        Ok(Some(status.atr().to_vec()))
    }

    fn transmit(&mut self, apdu: &Secret<Vec<u8>>) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        let Some(card) = &self.card else { return Ok(None) };
        let mut room = Zeroizing::new(vec![0; MAX_BUFFER_SIZE]);
        // EXPOSE: to the reader.
        match card.transmit(apdu.expose(), &mut room) {
            Ok(answer) => Ok(Some(Secret::new(answer.to_vec()))),
            Err(error) if is_card_away(error) => Ok(None),
            Err(error) => Err(trouble(error)),
        }
    }
}

/// Whether it is the card that is not there, or not any more.
const fn is_card_away(error: Error) -> bool {
    matches!(
        error,
        Error::NoSmartcard
            | Error::RemovedCard
            | Error::ResetCard
            | Error::UnpoweredCard
            | Error::UnresponsiveCard
            | Error::NotTransacted
    )
}

const fn trouble(error: Error) -> LinkError {
    match error {
        Error::SharingViolation => LinkError::Busy,
        Error::NoAccess => LinkError::Denied,
        Error::Timeout => LinkError::TimedOut,
        _ => LinkError::Gone,
    }
}
