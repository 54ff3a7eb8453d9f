//! Pairing: which of the devices that are plugged in is the desk's encoder, and the property's key.

use std::fmt::Write as _;

use lockport::credential::{Warning, WarningCode};
use lockport::env::Entropy;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret};

use crate::bus::{EncoderBus, EncoderModel, Plugged, UsbIdentity};
use crate::config::WiegandEncoder;
use crate::encoder::{EncoderError, Identity};
use crate::error::no_encoder;

/// The speeds to which a StrongLink board may be set, the likeliest first (section 5).
const STRONGLINK_SPEEDS: [u32; 5] = [115_200, 57_600, 38_400, 19_200, 9_600];

/// An encoder that answered, as it goes into the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired {
    /// What to keep of it.
    pub encoder: WiegandEncoder,
    /// What the technician should know.
    pub warnings: Vec<Warning>,
}

/// Talks to a device that is plugged in as to an encoder of this model, and tells what it is known by from now on.
///
/// # Errors
/// `CARD_ENCODER_OFFLINE` when it cannot be opened or says nothing; `DEVICE_NOT_PAIRED` when it is no such encoder.
pub async fn pair(
    bus: &dyn EncoderBus,
    plugged: &Plugged,
    model: EncoderModel,
    desk_slot: u8,
) -> Result<Paired, LockError> {
    let speeds: Vec<Option<u32>> = match model {
        EncoderModel::Stronglink => STRONGLINK_SPEEDS.into_iter().map(Some).collect(),
        _ => vec![None],
    };
    let mut last = EncoderError::Protocol;
    for baud in speeds {
        let mut encoder = bus.open(plugged, model, baud).await.map_err(no_encoder)?;
        match encoder.start().await {
            Ok(identity) => return Ok(paired(plugged, model, desk_slot, baud, identity)),
            Err(error) => last = error,
        }
    }
    Err(match last {
        EncoderError::Link(error) => no_encoder(error),
        _ => {
            let (code, reason) = (ErrorCode::DeviceNotPaired, FailureReason::EncoderProtocol);
            LockError::new(code, reason, RetryAdvice::Never, "the device is no encoder of this model")
        }
    })
}

fn paired(
    plugged: &Plugged,
    model: EncoderModel,
    desk_slot: u8,
    baud: Option<u32>,
    identity: Identity,
) -> Paired {
    let Plugged { port, usb } = plugged.clone();
    let warnings = shared_identity(usb.as_ref()).into_iter().collect();
    let firmware = identity.firmware;
    Paired { encoder: WiegandEncoder { model, desk_slot, port, usb, firmware, baud }, warnings }
}

/// Cheap bridges share a serial number or have none: such an encoder is known by its port, which must not be changed (section 12).
pub(crate) fn shared_identity(usb: Option<&UsbIdentity>) -> Option<Warning> {
    let detail = "it has no serial number of its own, so it is known by its port and its firmware".to_owned();
    let is_known = usb.is_some_and(UsbIdentity::is_unique);
    (!is_known).then_some(Warning { code: WarningCode::SharedIdentity, detail })
}

/// A fresh key for a property: to be put into the host's store of secrets under [`PROPERTY_KEY`](crate::PROPERTY_KEY), into every
/// door, and nowhere else. Another key makes every card of the property worthless.
///
/// # Errors
/// When no random bytes were to be had.
pub fn fresh_property_key(entropy: &dyn Entropy) -> Result<Secret, LockError> {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes)?;
    let text = bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    });
    Ok(Secret::new(text))
}
