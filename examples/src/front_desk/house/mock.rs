//! Vendors in memory: one for each way in which vendors differ.

use lockport::Timestamp;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::Artifact;
use lockport::id::LockDeviceId;
use lockport_mock::{MockDriver, MockVendor, Personality};

use super::mortal::MortalDriver;
use super::{Built, Hand, HouseError, Site, Vendor, Verdict};

/// A vendor that the hotel says nothing more of.
const ANY: &str = "mock://";

/// A mock and its doors.
#[derive(Debug)]
struct Mock {
    name: String,
    vendor: MockVendor,
}

impl Vendor for Mock {
    /// It lives by the clock of the house.
    fn set_clock(&self, _now: Timestamp) {}

    fn try_open(&self, site: &Site, door: &str, hand: &Hand, at: Timestamp) -> Verdict {
        let Some(device) = site.device(door) else { return Verdict::shut("there is no such door") };
        let lock = self.vendor.door(device);
        let is_taken = |artifact: &Artifact| match artifact {
            Artifact::Pin(text) | Artifact::MobileToken(text) | Artifact::Qr(text) | Artifact::Nfc(text) => {
                // EXPOSE: the guest types it, or holds it against the lock.
                lock.try_open(text.expose(), at)
            }
            _ => false,
        };
        let own = hand.cards.iter().filter(|card| card.vendor == self.name);
        if hand.artifacts.iter().any(is_taken) || own.clone().any(|card| lock.try_open(&card.number, at)) {
            Verdict { opened: true, why: "a key that the lock knows" }
        } else {
            Verdict::shut("nothing in hand that this lock takes")
        }
    }

    fn keys_at(&self, site: &Site, door: &str) -> usize {
        site.device(door).map_or(0, |device| self.vendor.live_grants(device))
    }

    fn set_battery(&self, site: &Site, door: &str, percent: u8) {
        if let Some(device) = site.device(door) {
            self.vendor.set_battery(device, percent);
        }
    }

    fn encoder(&self, site: &Site) -> Option<LockDeviceId> {
        (self.vendor.personality() == Personality::Card).then(|| site.hotel.encoder(&self.name))
    }

    fn place_card(&self, site: &Site, number: &str) {
        self.vendor.encoder(site.hotel.encoder(&self.name)).place_card(number);
    }

    fn take_card(&self, site: &Site) -> Option<String> {
        self.vendor.encoder(site.hotel.encoder(&self.name)).remove()
    }

    fn adapter(&self, site: &Site, setup: AdapterSetup) -> Result<Built, String> {
        let driver = MortalDriver { inner: MockDriver::new(self.vendor.clone()), way: site.way(&setup.name) };
        Ok(Built::of(Adapter::new(driver, setup)))
    }
}

/// Puts a lock into each door of the vendor.
pub(super) fn start(site: &Site, name: &str, url: Option<&str>) -> Result<Box<dyn Vendor>, HouseError> {
    let (property, doors, clock) = (site.hotel.property, site.hotel.door_map(name), site.env.clock.clone());
    let before = site.hotel.vendors.keys().take_while(|other| *other != name);
    let seed = before.fold(site.seed, |seed, _| seed.wrapping_add(1));
    let vendor = MockVendor::from_url(&seeded(url.unwrap_or(ANY), seed), property, doors, clock)
        .map_err(|error| HouseError::DoesNotStart { name: name.to_owned(), reason: error.to_string() })?;
    Ok(Box::new(Mock { name: name.to_owned(), vendor }))
}

/// The address with a seed of its own, unless it has one: two vendors that drew the same would hand out the same tokens.
fn seeded(url: &str, seed: u64) -> String {
    if url.contains("seed=") {
        return url.to_owned();
    }
    let and = if url.contains('?') { '&' } else { '?' };
    format!("{url}{and}seed={seed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_without_a_seed_gets_one() {
        assert_eq!(seeded(ANY, 7), "mock://?seed=7");
        assert_eq!(seeded("mock://?personality=per_stay", 7), "mock://?personality=per_stay&seed=7");
        assert_eq!(seeded("mock://?seed=0", 7), "mock://?seed=0");
    }
}
