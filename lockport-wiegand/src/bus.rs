//! Where encoders are plugged in: what the host, or a test, lends.

use std::fmt;

use async_trait::async_trait;
use lockport::env::LinkError;
use lockport::id::LockDeviceId;
use lockport::keys::{EncoderClose, EncoderTransport};
use serde::{Deserialize, Serialize};

use crate::encoder::Encoder;

/// Which protocol an encoder speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EncoderModel {
    /// A PN532 on a serial port.
    Pn532Serial,
    /// A PN532 behind a bridge to HID.
    Pn532Hid,
    /// A StrongLink SL025 on a serial port.
    Stronglink,
    /// A RapidRadio RRHFOEM04.
    Rrhfoem04,
    /// A contactless reader behind the operating system's PC/SC service.
    Pcsc,
}

impl EncoderModel {
    /// Every model.
    pub const ALL: [Self; 5] =
        [Self::Pn532Serial, Self::Stronglink, Self::Rrhfoem04, Self::Pn532Hid, Self::Pcsc];

    /// The word for it: `pn532-serial`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pn532Serial => "pn532-serial",
            Self::Pn532Hid => "pn532-hid",
            Self::Stronglink => "stronglink",
            Self::Rrhfoem04 => "rrhfoem04",
            Self::Pcsc => "pcsc",
        }
    }

    /// Whether it writes the pages of a tag: the others have no command for it, none that is published, or none by which a tag is
    /// told from others.
    #[must_use]
    pub const fn writes_tags(self) -> bool {
        matches!(self, Self::Pn532Serial | Self::Pn532Hid)
    }
}

impl EncoderModel {
    /// Whether it gives a card keys of its own within the time of one job: where every command waits a tenth of a second, the record
    /// alone takes most of it (section 13).
    #[must_use]
    pub const fn writes_keys(self) -> bool {
        !matches!(self, Self::Rrhfoem04)
    }
}

impl EncoderModel {
    /// How it hangs at its desk, in the bus's words.
    #[must_use]
    pub const fn transport(self) -> EncoderTransport {
        match self {
            Self::Pn532Serial | Self::Stronglink => EncoderTransport::Serial,
            Self::Pn532Hid | Self::Rrhfoem04 => EncoderTransport::UsbHid,
            Self::Pcsc => EncoderTransport::Pcsc,
        }
    }
}

/// Hears when the driver has opened an encoder, and when it has it no more (R219). Called in the middle of a job, which holds the
/// encoder: note it, call nothing of the driver, and tell the bus afterwards, through [`KeyService::encoder_opened`](lockport::keys::KeyService::encoder_opened) and
/// [`encoder_closed`](lockport::keys::KeyService::encoder_closed).
pub trait EncoderWatch: fmt::Debug + Send + Sync {
    /// It was opened, and is the one that was paired.
    fn opened(&self, encoder: LockDeviceId, model: EncoderModel);

    /// It was closed: by the driver, or because it was pulled out or answers no more. A driver that was told to stop in the middle of a
    /// job closes it too, and opens it again for the next.
    fn closed(&self, encoder: LockDeviceId, why: EncoderClose);
}

impl fmt::Display for EncoderModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What USB says of a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsbIdentity {
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// Serial number, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

impl UsbIdentity {
    /// Whether the serial number tells this device from others: cheap bridges share one, or have none.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.serial.as_deref().is_some_and(|serial| !matches!(serial.trim_start_matches('0'), "" | "1"))
    }
}

/// A device that is plugged in and may be an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plugged {
    /// Where it is, as the operating system names it. The name moves from plug to plug.
    pub port: String,
    /// What USB says of it, where it is a USB device.
    pub usb: Option<UsbIdentity>,
}

/// The ports and devices of this computer. Neither serial ports nor HID devices tell of a plug, so the list is asked for again and
/// again.
#[async_trait]
pub trait EncoderBus: fmt::Debug + Send + Sync + 'static {
    /// What is plugged in now.
    ///
    /// # Errors
    /// [`LinkError`] when it cannot be listed.
    async fn list(&self) -> Result<Vec<Plugged>, LinkError>;

    /// Opens one for ourselves alone, as an encoder of this model; nothing is said to it yet. `baud` is the speed of a serial board
    /// that is not set to its model's own.
    ///
    /// # Errors
    /// [`LinkError`]
    async fn open(
        &self,
        plugged: &Plugged,
        model: EncoderModel,
        baud: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 12: cheap bridges share serial `0001` or have none.
    #[test]
    fn a_serial_that_everybody_has_names_nobody() {
        let is_unique = |serial: Option<&str>| {
            UsbIdentity { vendor_id: 1, product_id: 2, serial: serial.map(str::to_owned) }.is_unique()
        };
        assert!(!is_unique(None) && !is_unique(Some("")) && !is_unique(Some("0001")));
        assert!(!is_unique(Some("0000")) && is_unique(Some("A90")) && is_unique(Some("0002")));
    }

    #[test]
    fn a_model_is_written_as_it_is_called() {
        for model in EncoderModel::ALL {
            assert_eq!(serde_json::to_value(model).unwrap(), model.as_str());
        }
    }
}
