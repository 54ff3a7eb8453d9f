//! What must not run at once: a lock takes one command at a time, and so does a gateway.

use crate::fake::{self, Host, Reply, Vendor, good};
use lockport::credential::KeyCredentialKind::{self, MobileApp, PinCode, QrCode, RfidCard};
use lockport::driver::{LeaseKey, Reach, VendorDriver};
use lockport::id::LockDeviceId;
use lockport_ttlock::{Passcodes, TtlockConfig};

const NEXT_DOOR: &str = "lck_01STPS8FNWQ9SP6SX84512QPKQ";

#[tokio::test]
async fn what_goes_through_one_gateway_waits_for_each_other() {
    let leases = |config: TtlockConfig, kind: KeyCredentialKind, doors: &[&str]| {
        let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
        let doors: Vec<LockDeviceId> = doors.iter().map(|door| door.parse().unwrap()).collect();
        let driver = Host::new().instance_with(config, "one", &vendor);
        driver.lease_keys(&Reach { kind, doors: &doors, at: None })
    };
    let house = |gateway_id| {
        let mut config = fake::config();
        let mut next = config.locks.values().next().unwrap().clone();
        next.lock_id = 8;
        config.locks.insert(NEXT_DOOR.parse().unwrap(), next);
        config.locks.values_mut().for_each(|lock| lock.gateway_id = gateway_id);
        config
    };
    let while_worked_on = |name: &str| LeaseKey::while_worked_on(name);
    for kind in [PinCode, RfidCard] {
        let at = |gateway, door| leases(house(gateway), kind, &[door]);
        assert_eq!(at(None, fake::DOOR), [while_worked_on("ttlock-lock:7")]);
        assert_eq!(at(None, NEXT_DOOR), [while_worked_on("ttlock-lock:8")]);
        for door in [fake::DOOR, NEXT_DOOR] {
            assert_eq!(at(Some(5), door), [while_worked_on("ttlock-gateway:5")]);
        }
    }
    // No lock hears of these.
    for kind in [MobileApp, QrCode] {
        assert_eq!(leases(house(Some(5)), kind, &[fake::DOOR]), []);
    }
    let random = TtlockConfig { passcodes: Passcodes::Random, ..house(None) };
    assert_eq!(leases(random, PinCode, &[fake::DOOR]), []);
}
