//! USB HID devices: whole reports, report number first when they are sent.
//!
//! Windows and macOS give a device to one program. Linux does not: whoever else has the device file may write to it.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::time::Duration;

use async_trait::async_trait;
use hidapi::{HidApi, HidDevice, HidError};
use lockport::Secret;
use lockport::env::{HidBus, HidDeviceInfo, LinkError, ReportLink};

use super::reply::{reply, spawn};
use super::worker::{Device, Worker};

/// The longest report of full-speed USB.
const REPORT: usize = 64;

/// The HID devices of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHidBus;

#[async_trait]
impl HidBus for SystemHidBus {
    async fn list(&self) -> Result<Vec<HidDeviceInfo>, LinkError> {
        let (promise, devices) = reply();
        spawn(move || {
            let _nobody_waits = promise.keep(listed());
        })?;
        devices.await
    }

    async fn open(&self, path: &str) -> Result<Box<dyn ReportLink>, LinkError> {
        let path = path.to_owned();
        let worker = Worker::open(move || Reports::open(&path)).await?;
        Ok(Box::new(HidLink(worker)))
    }
}

fn listed() -> Result<Vec<HidDeviceInfo>, LinkError> {
    let api = HidApi::new().map_err(|_| LinkError::Denied)?;
    let known = api.device_list().map(|device| {
        let path = device.path().to_string_lossy().into_owned();
        let serial = device.serial_number().filter(|serial| !serial.is_empty()).map(str::to_owned);
        HidDeviceInfo::new(path, device.vendor_id(), device.product_id(), serial)
    });
    Ok(known.collect())
}

/// A HID device that is open.
#[derive(Debug)]
struct HidLink(Worker);

#[async_trait]
impl ReportLink for HidLink {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.0.write(report).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.0.read(timeout).await
    }
}

struct Reports(HidDevice);

impl Reports {
    fn open(path: &str) -> Result<Self, LinkError> {
        let name = CString::new(path).map_err(|_| LinkError::Gone)?;
        let api = HidApi::new().map_err(|_| LinkError::Denied)?;
        api.open_path(&name).map(Self).map_err(|_| why_not(path))
    }
}

/// The library does not say why it could not open a device; where it is a file, the file does.
fn why_not(path: &str) -> LinkError {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => LinkError::Denied,
        Err(error) if error.kind() == ErrorKind::ResourceBusy => LinkError::Busy,
        _ => LinkError::Gone,
    }
}

impl Device for Reports {
    /// A report leaves as a whole or not at all.
    fn write(&mut self, report: &[u8], _limit: Duration) -> Result<usize, LinkError> {
        let sent = self.0.write(report).map_err(|error| trouble(&error))?;
        if sent < report.len() { Err(LinkError::Gone) } else { Ok(report.len()) }
    }

    fn read(&mut self, limit: Duration) -> Result<Vec<u8>, LinkError> {
        let mut report = vec![0; REPORT];
        let millis = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        let count = self.0.read_timeout(&mut report, millis).map_err(|error| trouble(&error))?;
        if count == 0 {
            return Err(LinkError::TimedOut);
        }
        report.truncate(count);
        Ok(report)
    }
}

fn trouble(error: &HidError) -> LinkError {
    match error {
        HidError::IoError { error } if error.kind() == ErrorKind::PermissionDenied => LinkError::Denied,
        HidError::IoError { error } if error.kind() == ErrorKind::Interrupted => LinkError::TimedOut,
        _ => LinkError::Gone,
    }
}
