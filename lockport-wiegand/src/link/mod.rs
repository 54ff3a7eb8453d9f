//! The cables: this machine's serial ports and USB HID devices, as the links of [`lockport::env`].
//!
//! An operating system's calls on a device block. Each open device therefore has a thread of its own, and a link hands its work
//! to that thread: no runtime is needed, and none is held up. The thread ends when its link is dropped.

#[cfg(any(feature = "serial", feature = "usb-hid"))]
mod reply;
#[cfg(any(feature = "serial", feature = "usb-hid"))]
mod worker;

#[cfg(feature = "usb-hid")]
mod hid;
#[cfg(feature = "serial")]
mod serial;

#[cfg(feature = "usb-hid")]
pub use self::hid::SystemHidBus;
#[cfg(feature = "serial")]
pub use self::serial::{SerialLink, SerialPortInfo, UsbIds, serial_ports};
