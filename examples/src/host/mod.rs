//! What every host does alike: it lends the core a clock, waiting and chance, opens its store, and builds a [`KeyService`] over its
//! locks. The locks of these examples are mocks in the memory of the process; a real host builds its drivers in the same place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::VendorCode;
use lockport::env::{Env, OsEntropy, Sleep, SystemClock};
use lockport::id::LockDeviceId;
use lockport::keys::KeyService;
use lockport::property::{AdapterBinding, Property};
use lockport::stack::LockStack;
use lockport::store::Store;
use lockport_mock::{MockDriver, MockVendor, Personality};

use crate::front_desk::hotel::Hotel;

/// Waits on the host's runtime.
#[derive(Clone, Copy, Debug)]
pub struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    #[expect(clippy::disallowed_methods, reason = "the one place where a host waits for real")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What a host lends that runs for real.
#[must_use]
pub fn real_env() -> Env {
    Env { clock: Arc::new(SystemClock), sleep: Arc::new(TokioSleep), entropy: Arc::new(OsEntropy) }
}

/// Why a host does not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WiringError {
    /// A lock system that these examples have no locks of.
    #[error("vendor {name:?} is {code}: the locks of this example are mocks")]
    NoMock {
        /// The name the hotel gives it.
        name: String,
        /// What lock system.
        code: VendorCode,
    },
    /// An address that no mock understands.
    #[error("vendor {name:?}: {reason}")]
    Address {
        /// The name the hotel gives it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One lock system of the host.
#[derive(Clone, Debug)]
pub struct Locks {
    /// The vendor and its doors.
    pub vendor: MockVendor,
    /// Its adapter, which hears what the vendor calls back.
    pub adapter: Arc<Adapter<MockDriver>>,
    /// Its encoder, where cards are written.
    pub encoder: Option<LockDeviceId>,
}

/// The keys of a hotel and its lock systems, by their names.
#[derive(Debug)]
pub struct Wired {
    /// The service.
    pub keys: Arc<KeyService>,
    /// The lock systems.
    pub locks: BTreeMap<String, Locks>,
}

/// Builds the service of a hotel over a store, with what the host lends. `instance` names this process among all that share the
/// store.
///
/// # Errors
/// [`WiringError`] when a vendor is no mock.
pub fn wire(hotel: &Hotel, store: &Arc<dyn Store>, env: &Env, instance: &str) -> Result<Wired, WiringError> {
    let partition = hotel.partition();
    let zone = hotel.zone.name().to_owned();
    let mut property = Property::new(hotel.tenant, hotel.property, zone, hotel.policy.clone());
    let mut locks = BTreeMap::new();
    for (name, of) in &hotel.vendors {
        if of.code != VendorCode::MOCK {
            return Err(WiringError::NoMock { name: name.clone(), code: of.code.clone() });
        }
        let doors = hotel.door_map(name);
        let url = of.url.as_deref().unwrap_or("mock://");
        let vendor = MockVendor::from_url(url, hotel.property, doors.clone(), env.clock.clone())
            .map_err(|error| WiringError::Address { name: name.clone(), reason: error.to_string() })?;
        let doors = Arc::new(doors);
        let setup = AdapterSetup {
            name: name.clone(),
            partition,
            doors: doors.clone(),
            store: store.clone(),
            env: env.clone(),
            instance: instance.to_owned(),
        };
        let adapter = Arc::new(Adapter::new(MockDriver::new(vendor.clone()), setup));
        let port = LockStack::new(adapter.clone(), partition, doors.clone(), env.clone()).build();
        let encoder = (vendor.personality() == Personality::Card).then(|| hotel.encoder(name));
        let settle = Some(adapter.clone() as _);
        property = property.with_binding(AdapterBinding { name: name.clone(), port, doors, encoder, settle });
        locks.insert(name.clone(), Locks { vendor, adapter, encoder });
    }
    let keys = KeyService::new(Arc::new(property), store.clone(), env.clone(), instance);
    let keys = locks.iter().fold(keys, |keys, (name, of)| keys.with_calls(name, of.adapter.clone()));
    Ok(Wired { keys: Arc::new(keys), locks })
}
