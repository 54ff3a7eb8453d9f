//! What 200 properties with four vendors each keep on the heap while nothing happens.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{measure, opt_out};
use chrono::TimeDelta;
use lockport::SharedLockPort;
use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::{Env, HttpTransport};
use lockport::keys::KeyService;
use lockport::property::{KindPolicy, Property, Registry};
use lockport::store::Store;
use lockport::transport::{Circuit, CircuitPolicy, Limits, Quota, TransportStack};
use lockport_bench::Trouble;
use lockport_bench::cloud::{Cloud, transport};
use lockport_bench::hotel::Hotel;
use lockport_bench::lent::{Counted, real_env};
use lockport_bench::report::{Figure, Hold};
use lockport_bench::store::{Folder, sqlite};
use lockport_mock::{MockDriver, MockVendor, Personality};

const PROPERTIES: u32 = 200;
/// Rooms of one vendor: with four of them a hotel of 100 rooms.
const ROOMS: NonZeroU32 = NonZeroU32::MIN.saturating_add(24);
/// The vendors beside TTLock, until there are drivers of their own.
const STAND_INS: [Personality; 3] = [Personality::PerDoor, Personality::PerStay, Personality::Webhook];
/// 64 MiB.
const MOST_MIB: f64 = 64.0;
const MIB: f64 = 1_048_576.0;

/// What stays when everything is built and has issued one key at each vendor.
#[derive(Default)]
struct Built {
    registry: Registry,
    services: Vec<KeyService>,
    ports: Vec<(SharedLockPort, Hotel)>,
}

struct Builder<'a> {
    env: Env,
    store: Arc<dyn Store>,
    cloud: &'a Cloud,
    http: Arc<dyn HttpTransport>,
    limits: Limits,
}

impl Builder<'_> {
    fn port<D: VendorDriver>(&self, name: &str, hotel: &Hotel, driver: D) -> SharedLockPort {
        hotel.whole_stack(hotel.adapter(name, driver, self.store.clone(), &self.env), &self.env)
    }

    fn property(&self, number: u32, ttlock: &Hotel, built: &mut Built) -> Result<(), Trouble> {
        let transport = TransportStack::new(self.http.clone(), self.env.clone())
            .limits(self.limits.clone())
            .circuit(Circuit::new(CircuitPolicy::default()))
            .log(Arc::new(Counted::default()))
            .build();
        let driver = self.cloud.driver(ttlock, transport, self.store.clone(), &self.env)?;
        let mut ports = vec![("ttlock", self.port("ttlock", ttlock, driver), ttlock.clone())];
        for personality in STAND_INS {
            let name = personality.as_str();
            let hotel = Hotel::new(number, name, ROOMS);
            let mut driver = None;
            // The vendor is not ours to carry: only its driver is.
            opt_out(|| {
                let map = (*hotel.map).clone();
                let clock = self.env.clock.clone();
                driver = Some(MockVendor::of(personality, hotel.partition.property, map, clock));
            });
            let driver = MockDriver::new(driver.ok_or("no vendor")?);
            ports.push((name, self.port(name, &hotel, driver), hotel));
        }
        let policy = KindPolicy {
            preferred_kinds: vec![KeyCredentialKind::MobileApp],
            no_show_suspend_after: TimeDelta::hours(4),
        };
        let of = ttlock.partition;
        let mut property = Property::new(of.tenant, of.property, "Asia/Kabul".to_owned(), policy);
        for (name, port, hotel) in ports {
            property = property.with_adapter(name, port.clone(), hotel.map.clone());
            built.ports.push((port, hotel));
        }
        let property = Arc::new(property);
        built.registry.insert(property.clone());
        built.services.push(KeyService::new(property, self.store.clone(), self.env.clone(), "bench"));
        Ok(())
    }
}

/// The part of the process that is in memory, in bytes, where the system tells it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kilobytes| kilobytes * 1_024.0)
}

/// The row.
///
/// # Errors
/// When a property cannot be set up.
pub(crate) fn row() -> Result<Vec<Figure>, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (folder, env) = (Folder::new()?, real_env());
    let hotels: Vec<Hotel> = (0..PROPERTIES).map(|number| Hotel::new(number, "ttlock", ROOMS)).collect();
    let cloud = runtime.block_on(Cloud::start(&hotels, env.now(), Duration::ZERO))?;
    let mut outcome = Err("nothing was built".into());
    let before = resident();
    let counted = measure(|| {
        outcome = runtime.block_on(async {
            let builder = Builder {
                env: env.clone(),
                store: sqlite(&folder.file("ledger.db")).await?,
                cloud: &cloud,
                http: Arc::new(transport()?),
                limits: Limits::new(Quota::new(1_000_000, Duration::from_secs(1))),
            };
            let mut built = Built::default();
            for (number, hotel) in (0_u32..).zip(&hotels) {
                builder.property(number, hotel, &mut built)?;
            }
            for (stay, (port, hotel)) in (0_u32..).zip(&built.ports) {
                port.issue_credential(hotel.issue(stay, 1, env.now())?).await?;
            }
            for service in &built.services {
                service.tick().await?;
            }
            Ok::<Built, Trouble>(built)
        });
    });
    let built = outcome?;
    let live = counted.bytes_current as f64;
    let grown = resident().zip(before).map(|(after, before)| (after - before) / MIB);
    let (properties, vendors) = (built.services.len(), built.ports.len());
    let what = format!("live heap of {properties} properties with {vendors} vendors and a key at each");
    let mut figures = vec![
        Figure::one("heap/live", &what, live / MIB, "MiB").hold(Hold::AtMost(MOST_MIB)),
        Figure::one(
            "heap/peak",
            "at its highest while they were set up",
            counted.bytes_max as f64 / MIB,
            "MiB",
        ),
        Figure::one("heap/property", "of one property", live / f64::from(PROPERTIES) / 1_024.0, "KiB"),
    ];
    if let Some(grown) = grown {
        let what =
            "growth of the whole process: with SQLite's pages, the simulators and what the allocator keeps";
        figures.push(Figure::one("heap/resident", what, grown, "MiB"));
    }
    Ok(figures)
}
