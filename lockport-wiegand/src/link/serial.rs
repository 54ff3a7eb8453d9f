//! Serial ports, also behind USB: 8 data bits, no parity, 1 stop bit, no flow control, for ourselves alone.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError};
use serialport::{ClearBuffer, SerialPort, SerialPortType};

use super::reply::{reply, spawn};
use super::worker::{Device, Worker};

/// Longer than any answer of any encoder.
const CHUNK: usize = 1024;
/// A port that says it has room has room for so many: a longer write could block in the operating system, beyond any limit.
const SURE_ROOM: usize = 64;
/// Some systems take a time of zero for "no limit".
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// A serial port that is open.
#[derive(Debug)]
pub struct SerialLink(Worker);

impl SerialLink {
    /// Opens a port at this speed, and forgets what it had received.
    ///
    /// On macOS a pseudo-terminal takes no speed but 0, which leaves it as it is.
    ///
    /// # Errors
    /// [`LinkError::Gone`] when there is no such port, [`LinkError::Busy`] when another program has it, [`LinkError::Denied`] when
    /// the operating system forbids it.
    pub async fn open(path: &str, baud: u32) -> Result<Self, LinkError> {
        let path = path.to_owned();
        Worker::open(move || Port::open(&path, baud)).await.map(Self)
    }
}

#[async_trait]
impl ByteLink for SerialLink {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.0.write(bytes).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.0.read(timeout).await
    }
}

struct Port(Box<dyn SerialPort>);

impl Port {
    fn open(path: &str, baud: u32) -> Result<Self, LinkError> {
        let opened = serialport::new(path, baud).timeout(LEAST_WAIT).open().and_then(|port| {
            port.clear(ClearBuffer::Input)?;
            Ok(Self(port))
        });
        opened.map_err(|error| match error.kind {
            serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => LinkError::Denied,
            // "No device" is also said of one that somebody else has.
            serialport::ErrorKind::NoDevice if is_there(path) => LinkError::Busy,
            _ => LinkError::Gone,
        })
    }

    fn within(&mut self, limit: Duration) -> Result<&mut dyn SerialPort, LinkError> {
        self.0.set_timeout(limit.max(LEAST_WAIT)).map_err(|_| LinkError::Gone)?;
        Ok(&mut *self.0)
    }
}

impl Device for Port {
    fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<usize, LinkError> {
        let bytes = bytes.get(..SURE_ROOM).unwrap_or(bytes);
        self.within(limit)?.write(bytes).map_err(|error| trouble(&error))
    }

    fn read(&mut self, limit: Duration) -> Result<Vec<u8>, LinkError> {
        let mut chunk = vec![0; CHUNK];
        let count = self.within(limit)?.read(&mut chunk).map_err(|error| trouble(&error))?;
        // The end of the input: nobody is on the other side any more.
        if count == 0 {
            return Err(LinkError::Gone);
        }
        chunk.truncate(count);
        Ok(chunk)
    }
}

/// Section 12, measured: a read with nothing to read is timed out; after the other side has closed, both ways are a broken pipe.
fn trouble(error: &io::Error) -> LinkError {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::Interrupted | ErrorKind::WouldBlock => LinkError::TimedOut,
        ErrorKind::PermissionDenied => LinkError::Denied,
        _ => LinkError::Gone,
    }
}

fn is_there(path: &str) -> bool {
    Path::new(path).exists() || listed().is_ok_and(|ports| ports.iter().any(|port| port.path == path))
}

/// A serial port that this machine has now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SerialPortInfo {
    /// Its name, by which it is opened. It may change with every replug.
    pub path: String,
    /// What is behind it, if it is a USB device.
    pub usb: Option<UsbIds>,
}

/// How a USB device is known again after a replug. Cheap converters share a serial number or have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UsbIds {
    /// USB vendor id.
    pub vendor_id: u16,
    /// USB product id.
    pub product_id: u16,
    /// Serial number, if it has one.
    pub serial: Option<String>,
}

/// The serial ports of this machine. No event tells of a plug: ask once a second while nothing is to be done.
///
/// # Errors
/// [`LinkError::Denied`] when they cannot be listed.
pub async fn serial_ports() -> Result<Vec<SerialPortInfo>, LinkError> {
    let (promise, ports) = reply();
    spawn(move || {
        let _nobody_waits = promise.keep(listed());
    })?;
    ports.await
}

fn listed() -> Result<Vec<SerialPortInfo>, LinkError> {
    // Where Linux shows no devices at all, the crate below panics.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = serialport::available_ports().map_err(|_| LinkError::Denied)?;
    let known = ports.into_iter().map(|port| {
        let usb = match port.port_type {
            SerialPortType::UsbPort(usb) => {
                Some(UsbIds { vendor_id: usb.vid, product_id: usb.pid, serial: usb.serial_number })
            }
            _ => None,
        };
        SerialPortInfo { path: port.port_name, usb }
    });
    Ok(known.collect())
}
