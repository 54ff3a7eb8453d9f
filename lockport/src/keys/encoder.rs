//! The sessions of the encoders at the desks (R219): the program that owns one tells when it opened it and when it closed it, and the
//! bus hears of both, each once.

use serde::{Deserialize, Serialize};

use super::KeyService;
use crate::error::LockError;
use crate::event::{Cause, EncoderSessionClosed, EncoderSessionOpened, Word};
use crate::id::{EncoderSessionId, HostDeviceId, LockDeviceId};
use crate::store::{Record, Stored, Table, Transaction};
use crate::telemetry::UseCase;
use crate::validity::Timestamp;

/// How an encoder hangs at its desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncoderTransport {
    /// USB, as a HID device.
    UsbHid,
    /// A serial line, often over USB.
    Serial,
    /// Behind the PC/SC service of the operating system.
    Pcsc,
}

impl EncoderTransport {
    /// The bus's word: `usb_hid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsbHid => "usb_hid",
            Self::Serial => "serial",
            Self::Pcsc => "pcsc",
        }
    }
}

/// Why a session at an encoder is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncoderClose {
    /// The program closed it.
    Graceful,
    /// It was pulled out, or answers no more.
    Unplugged,
}

impl EncoderClose {
    /// The bus's word: `graceful`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::Unplugged => "unplugged",
        }
    }
}

/// Why a session is over that nobody closed: its program died, and another one is at the encoder now.
const LOST: &str = "lost";

/// The session at an encoder that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SessionRecord {
    encoder: LockDeviceId,
    session: EncoderSessionId,
    opened_at: Timestamp,
}

impl Record for SessionRecord {
    const TABLE: Table = Table::EncoderSession;

    fn id(&self) -> String {
        self.encoder.to_string()
    }
}

/// What is told of one encoder stays in order.
fn about(encoder: LockDeviceId) -> Cause {
    Cause { correlation_id: Some(encoder.to_string()), ..Cause::default() }
}

impl KeyService {
    /// The program on this desktop has opened an encoder of the property: a session begins, once for each time that this is told.
    /// One that was open still is over; its program died. `model` is a word such as `rrhfoem04`.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the property has no such encoder; `INVALID_INPUT` when the model is no word. Anything retriable: tell
    /// it again.
    pub async fn encoder_opened(
        &self,
        encoder: LockDeviceId,
        desktop: HostDeviceId,
        model: &str,
        transport: EncoderTransport,
    ) -> Result<EncoderSessionId, LockError> {
        let opened = self.do_open_encoder(encoder, desktop, model, transport);
        self.timed(UseCase::EncoderOpened, Box::pin(opened)).await
    }

    async fn do_open_encoder(
        &self,
        encoder: LockDeviceId,
        desktop: HostDeviceId,
        model: &str,
        transport: EncoderTransport,
    ) -> Result<EncoderSessionId, LockError> {
        self.require_encoder(encoder)?;
        let model =
            Word::try_from(model.to_owned()).map_err(|error| LockError::invalid_input(error.to_string()))?;
        let session = EncoderSessionId::from_ulid(self.env.ulid()?);
        self.take_in(|| async {
            let (mut transaction, now) = (self.transaction()?, self.env.now());
            let found = self.session(encoder).await?;
            if let Some(before) = &found {
                self.tell_session_closed(&mut transaction, &before.value, LOST)?;
            }
            let record = SessionRecord { encoder, session, opened_at: now };
            let mut row = found.unwrap_or_else(|| Stored::fresh(record.clone()));
            row.value = record;
            let opened = EncoderSessionOpened {
                encoder_session_id: session,
                property_id: self.partition().property,
                desktop_device_id: desktop,
                device_id: Some(encoder),
                encoder_model: model.clone(),
                transport: Word::of(transport.as_str()),
                opened_at: now,
            };
            self.tell(&mut transaction, &about(encoder), &opened)?;
            transaction.put(&mut row)?;
            transaction.commit(&*self.store, self.partition()).await
        })
        .await?;
        Ok(session)
    }

    /// The session at an encoder is over. Where none is open, nothing is told.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the property has no such encoder. Anything retriable: tell it again.
    pub async fn encoder_closed(&self, encoder: LockDeviceId, why: EncoderClose) -> Result<(), LockError> {
        self.timed(UseCase::EncoderClosed, Box::pin(self.do_close_encoder(encoder, why))).await
    }

    async fn do_close_encoder(&self, encoder: LockDeviceId, why: EncoderClose) -> Result<(), LockError> {
        self.require_encoder(encoder)?;
        self.take_in(|| async {
            let Some(session) = self.session(encoder).await? else { return Ok(()) };
            let mut transaction = self.transaction()?;
            self.tell_session_closed(&mut transaction, &session.value, why.as_str())?;
            transaction.delete(&session);
            transaction.commit(&*self.store, self.partition()).await
        })
        .await
    }

    async fn session(&self, encoder: LockDeviceId) -> Result<Option<Stored<SessionRecord>>, LockError> {
        Ok(Stored::read(&*self.store, self.partition(), &encoder.to_string()).await?)
    }

    fn require_encoder(&self, encoder: LockDeviceId) -> Result<(), LockError> {
        let has_it = self.property.adapters().iter().any(|binding| binding.encoder == Some(encoder));
        if has_it { Ok(()) } else { Err(LockError::device_not_paired(encoder)) }
    }

    fn tell_session_closed(
        &self,
        transaction: &mut Transaction,
        session: &SessionRecord,
        why: &'static str,
    ) -> Result<(), LockError> {
        let closed = EncoderSessionClosed {
            encoder_session_id: session.session,
            property_id: Some(self.partition().property),
            closed_at: self.env.now(),
            close_reason: Word::of(why),
        };
        self.tell(transaction, &about(session.encoder), &closed).map(|_| ())
    }
}
