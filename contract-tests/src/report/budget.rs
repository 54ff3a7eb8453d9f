//! What a call may take, by the platform's documents.

use lockport::Operation;
use lockport::credential::VendorCode;
use lockport::driver::DriverDescriptor;

/// The 95th percentile of a vendor's calls, in milliseconds (R44, R50, R55, R60).
const OF_VENDORS: [(VendorCode, u64, &str); 4] = [
    (VendorCode::TTLOCK, 1_200, "R44"),
    (VendorCode::SALTO, 2_000, "R50"),
    (VendorCode::ASSA_ABLOY, 1_500, "R55"),
    (VendorCode::GENERIC_WIEGAND, 2_500, "R60"),
];

/// In milliseconds, and where the figure is from.
pub(super) fn of(operation: Operation, descriptor: &DriverDescriptor) -> (u64, &'static str) {
    let known = OF_VENDORS.iter().find(|(vendor, ..)| *vendor == descriptor.vendor);
    known.map_or_else(
        || {
            let deadline = descriptor.latency.of(operation).deadline().as_millis();
            (u64::try_from(deadline).unwrap_or(u64::MAX), "the deadline of its latency class")
        },
        |(_, budget_ms, from)| (*budget_ms, *from),
    )
}
