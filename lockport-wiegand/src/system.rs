//! The encoders of this machine: its serial ports, its HID devices and the readers of its PC/SC service, each spoken to in its
//! model's own language.

use async_trait::async_trait;
use lockport::env::{Env, LinkError};

use crate::bus::{EncoderBus, EncoderModel, Plugged};
use crate::encoder::{Encoder, Timer};

/// The speed of a serial board that is set to no other.
#[cfg(feature = "serial")]
const BAUD: u32 = 115_200;

/// This machine's serial ports (feature `serial`), HID devices (feature `usb-hid`) and contactless readers behind its PC/SC service
/// (feature `pcsc`).
#[derive(Clone, Debug)]
pub struct SystemBus {
    timer: Timer,
}

impl SystemBus {
    /// On the host's clock.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self { timer: Timer::of(env) }
    }
}

#[async_trait]
impl EncoderBus for SystemBus {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        let mut all = Vec::new();
        #[cfg(feature = "serial")]
        for port in crate::link::serial_ports().await? {
            let usb = port.usb.map(|usb| {
                let crate::link::UsbIds { vendor_id, product_id, serial } = usb;
                crate::bus::UsbIdentity { vendor_id, product_id, serial }
            });
            all.push(Plugged { port: port.path, usb });
        }
        #[cfg(feature = "usb-hid")]
        for device in lockport::env::HidBus::list(&crate::link::SystemHidBus).await? {
            let (vendor_id, product_id) = (device.vendor_id, device.product_id);
            let usb = crate::bus::UsbIdentity { vendor_id, product_id, serial: device.serial };
            all.push(Plugged { port: device.path, usb: Some(usb) });
        }
        #[cfg(all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite)))]
        for name in crate::link::readers().await? {
            all.push(Plugged { port: name, usb: None });
        }
        Ok(all)
    }

    async fn open(
        &self,
        plugged: &Plugged,
        model: EncoderModel,
        baud: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        let timer = self.timer.clone();
        match model {
            #[cfg(feature = "serial")]
            EncoderModel::Pn532Serial => {
                let link = crate::link::SerialLink::open(&plugged.port, baud.unwrap_or(BAUD)).await?;
                Ok(Box::new(crate::encoder::Pn532::new(Box::new(link), timer)))
            }
            #[cfg(feature = "serial")]
            EncoderModel::Stronglink => {
                let link = crate::link::SerialLink::open(&plugged.port, baud.unwrap_or(BAUD)).await?;
                Ok(Box::new(crate::encoder::StrongLink::new(Box::new(link), timer)))
            }
            #[cfg(feature = "usb-hid")]
            EncoderModel::Pn532Hid => {
                let link = lockport::env::HidBus::open(&crate::link::SystemHidBus, &plugged.port).await?;
                Ok(Box::new(crate::encoder::Pn532::behind_bridge(link, timer)))
            }
            #[cfg(feature = "usb-hid")]
            EncoderModel::Rrhfoem04 => {
                let link = lockport::env::HidBus::open(&crate::link::SystemHidBus, &plugged.port).await?;
                Ok(Box::new(crate::encoder::Rrhfoem04::new(link, timer)))
            }
            #[cfg(all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite)))]
            EncoderModel::Pcsc => {
                let reader = crate::link::SystemReader::new(&plugged.port, timer)?;
                Ok(Box::new(crate::encoder::Pcsc::new(Box::new(reader))))
            }
            // No link of this build reaches it.
            #[cfg(not(all(
                feature = "serial",
                feature = "usb-hid",
                feature = "pcsc",
                any(windows, target_os = "macos", lockport_pcsclite)
            )))]
            _ => {
                let _unused = (plugged, baud, timer);
                Err(LinkError::Gone)
            }
        }
    }
}
