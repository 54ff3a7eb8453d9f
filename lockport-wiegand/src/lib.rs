#![doc = include_str!("../README.md")]

pub mod bus;
mod card;
pub mod codec;
mod config;
mod driver;
pub mod encoder;
mod error;
mod limits;
pub mod link;
mod map;
mod pairing;
mod panel;
mod serial;
mod session;
mod site;
#[cfg(any(
    feature = "serial",
    feature = "usb-hid",
    all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite))
))]
mod system;

use lockport::credential::VendorCode;

pub use self::bus::{EncoderBus, EncoderModel, EncoderWatch, Plugged, UsbIdentity};
pub use self::config::{
    ConfigError, DoorPlace, RecordArea, SharedKey, WiegandConfig, WiegandDoor, WiegandEncoder,
};
pub use self::driver::{WiegandDriver, WiegandEnv, descriptor};
pub use self::pairing::{Paired, fresh_property_key, pair};
pub use self::panel::{PanelDriver, PanelProfile};
pub use self::site::{PROPERTY_KEY, SECTOR_KEY};

#[cfg(any(
    feature = "serial",
    feature = "usb-hid",
    all(feature = "pcsc", any(windows, target_os = "macos", lockport_pcsclite))
))]
pub use self::system::SystemBus;

/// Whose lock system this crate drives.
pub const VENDOR: VendorCode = VendorCode::GENERIC_WIEGAND;
