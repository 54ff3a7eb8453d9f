//! The encoder at the desk, as the person sees it who puts cards on it.

use lockport::id::LockDeviceId;

use crate::vendor::MockVendor;

/// One encoder of the vendor.
#[derive(Clone, Debug)]
pub struct Encoder {
    vendor: MockVendor,
    device: LockDeviceId,
}

impl Encoder {
    pub(crate) fn new(vendor: MockVendor, device: LockDeviceId) -> Self {
        Self { vendor, device }
    }

    /// Puts the card with this number on it; a number that was never seen is a blank card. What lay there is taken away.
    pub fn place_card(&self, card: &str) {
        self.vendor.with(|state, _| state.desk.place(self.device, card.to_owned()));
    }

    /// Takes the card away; its number, if one lay there.
    pub fn remove(&self) -> Option<String> {
        self.vendor.with(|state, _| state.desk.take(self.device))
    }
}
