//! The cables: this machine's serial ports and USB HID devices, as the links of [`lockport::env`], and its PC/SC service.
//!
//! An operating system's calls on a device block. Each open device therefore has a thread of its own, and a link hands its work
//! to that thread: no runtime is needed, and none is held up. The thread ends when its link is dropped.

#[cfg(any(
    feature = "serial",
    feature = "usb-hid",
    all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite))
))]
mod reply;
#[cfg(any(feature = "serial", feature = "usb-hid"))]
mod worker;

#[cfg(feature = "usb-hid")]
mod hid;
// `lockport_pcsclite` is said by whoever builds on a system with the library of pcscd: see the readme.
#[cfg(all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite)))]
mod pcsc;
#[cfg(feature = "serial")]
mod serial;

#[cfg(feature = "usb-hid")]
pub use self::hid::SystemHidBus;
#[cfg(all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite)))]
pub(crate) use self::pcsc::{SystemReader, readers};
#[cfg(feature = "serial")]
pub use self::serial::{SerialLink, SerialPortInfo, UsbIds, serial_ports};
