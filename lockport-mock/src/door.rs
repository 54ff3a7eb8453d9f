//! The other face of the vendor: somebody stands at a door and tries to open it.

use lockport::Timestamp;
use lockport::driver::AttemptOutcome;
use lockport::id::LockDeviceId;

use crate::vendor::MockVendor;

/// One door of the vendor. An online lock knows what the cloud knows; one for cards knows the cards that it has seen.
#[derive(Clone, Debug)]
pub struct Door {
    vendor: MockVendor,
    device: LockDeviceId,
}

impl Door {
    pub(crate) fn new(vendor: MockVendor, device: LockDeviceId) -> Self {
        Self { vendor, device }
    }

    /// Whether the door opens to this text (a typed PIN, a phone's token, a card's number) for somebody who stands there at `at`.
    ///
    /// The vendor is taken as it stands by its own clock, with what is due landed; `at` is the true time, which the lock reads off
    /// its own clock and holds against the windows. The lock writes the attempt down, unless it has no power.
    #[must_use]
    pub fn try_open(&self, artifact: &str, at: Timestamp) -> bool {
        self.vendor.with(|state, _| {
            let lock = state.lock(self.device);
            let at = lock.clock(at);
            if lock.battery_percent == 0 {
                return false;
            }
            let (mut outcome, marker) = state.cloud.judge(self.device, artifact, at);
            if outcome != AttemptOutcome::Granted && state.desk.try_open(self.device, artifact, at) {
                outcome = AttemptOutcome::Granted;
            }
            state.records.add(self.device, at, outcome, marker);
            outcome == AttemptOutcome::Granted
        })
    }
}
