//! The other face of the vendor: somebody stands at a door and tries to open it.

use lockport::Timestamp;
use lockport::id::LockDeviceId;

use crate::vendor::MockVendor;

/// One door of the vendor. It knows what the cloud knows: these are online locks.
#[derive(Clone, Debug)]
pub struct Door {
    vendor: MockVendor,
    device: LockDeviceId,
}

impl Door {
    pub(crate) fn new(vendor: MockVendor, device: LockDeviceId) -> Self {
        Self { vendor, device }
    }

    /// Whether the door opens to this text (a typed PIN, a phone's token) for somebody who stands there at `at`.
    ///
    /// The cloud is taken as it stands by the vendor's clock, with what is due landed; `at` is only held against the windows.
    #[must_use]
    pub fn try_open(&self, artifact: &str, at: Timestamp) -> bool {
        self.vendor.with_cloud(|cloud, _| {
            let passes = cloud.doors.get(&self.device).map(|keypad| &keypad.passes);
            passes.into_iter().flat_map(|passes| passes.values()).any(|pass| {
                // EXPOSE: the lock compares what it is shown with what it holds.
                !pass.blocked && pass.window.contains(at) && pass.secret.expose() == artifact
            })
        })
    }
}
