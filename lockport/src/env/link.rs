//! Links to devices beside the computer: serial, HID and BLE. An encoder's or a lock's driver sees only these.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::secret::Secret;

/// Why a link did not carry something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The device is not there, or was unplugged.
    #[error("the device is not connected")]
    Gone,
    /// Somebody else has it open.
    #[error("the device is in use")]
    Busy,
    /// Nothing came in time.
    #[error("the device did not answer in time")]
    TimedOut,
    /// The operating system forbids it.
    #[error("the operating system forbids access to the device")]
    Denied,
}

/// Bytes both ways, in order, without frames: a serial port. Bytes are secrets: they may be a card's keys.
#[async_trait]
pub trait ByteLink: fmt::Debug + Send + Sync + 'static {
    /// Sends all bytes.
    ///
    /// # Errors
    /// [`LinkError`]; how many bytes had left by then is not known.
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError>;

    /// Waits for at least one byte and returns what is there.
    ///
    /// # Errors
    /// [`LinkError::TimedOut`] when nothing came within `timeout`.
    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError>;
}

/// Whole reports both ways: a HID device that is open.
#[async_trait]
pub trait ReportLink: fmt::Debug + Send + Sync + 'static {
    /// Sends one output report, report number first.
    ///
    /// # Errors
    /// [`LinkError`]; whether the device got the report is not known.
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError>;

    /// Waits for one input report.
    ///
    /// # Errors
    /// [`LinkError::TimedOut`] when none came within `timeout`.
    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError>;
}

/// What the bus says of a HID device that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HidDeviceInfo {
    /// Where it is, as the operating system names it.
    pub path: String,
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// Serial number, if it has one: how an encoder is known again after a replug.
    pub serial: Option<String>,
}

impl HidDeviceInfo {
    /// What a bus says of one device.
    #[must_use]
    pub const fn new(path: String, vendor_id: u16, product_id: u16, serial: Option<String>) -> Self {
        Self { path, vendor_id, product_id, serial }
    }
}

/// The HID devices of this computer.
#[async_trait]
pub trait HidBus: fmt::Debug + Send + Sync + 'static {
    /// What is plugged in now.
    ///
    /// # Errors
    /// [`LinkError`] when the bus cannot be listed.
    async fn list(&self) -> Result<Vec<HidDeviceInfo>, LinkError>;

    /// Opens one, for ourselves alone.
    ///
    /// # Errors
    /// [`LinkError::Gone`] or [`LinkError::Busy`].
    async fn open(&self, path: &str) -> Result<Box<dyn ReportLink>, LinkError>;
}

/// Where a BLE device is: its address as the operating system names it (on some systems not the radio's own).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceAddress(pub String);

/// One BLE device's characteristics, connected.
#[async_trait]
pub trait GattLink: fmt::Debug + Send + Sync + 'static {
    /// The most bytes of one write.
    fn max_write(&self) -> usize;

    /// Writes to a characteristic, named by its 128-bit UUID, without waiting for a response.
    ///
    /// # Errors
    /// [`LinkError`]; whether the device got the bytes is not known.
    async fn write(&self, characteristic: u128, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError>;

    /// Waits for the next notification of a characteristic.
    ///
    /// # Errors
    /// [`LinkError::Gone`] when the device disconnected, [`LinkError::TimedOut`] when none came within `timeout`.
    async fn notified(&self, characteristic: u128, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError>;
}
