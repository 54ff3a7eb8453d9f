//! Hotels and stays without end, each with ids of its own.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{Contact, Guest, Holder, IssueInput};
use lockport::device::DoorMap;
use lockport::driver::VendorDriver;
use lockport::env::Env;
use lockport::id::{GuestId, LockDeviceId, PropertyId, ReservationId, RoomId, TenantId};
use lockport::stack::{LockStack, RetryPolicy};
use lockport::store::{Partition, Store};
use lockport::{SharedLockPort, Timestamp, Validity};

use crate::Trouble;
use crate::lent::Counted;

/// Below the class's 10 s, so that both deadlines are there and none strikes.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(9);

/// A hotel, or one vendor's part of one: so many rooms with a door each.
#[derive(Clone, Debug)]
pub struct Hotel {
    /// Whose hotel, and which.
    pub partition: Partition,
    /// The rooms.
    pub rooms: Vec<RoomId>,
    /// Their doors, in the same order.
    pub doors: Vec<LockDeviceId>,
    /// The same as a map.
    pub map: Arc<DoorMap>,
}

impl Hotel {
    /// The hotel of this number; `part` names the rooms that one vendor has of it.
    #[must_use]
    pub fn new(number: u32, part: &str, rooms: NonZeroU32) -> Self {
        let own = number.to_be_bytes();
        let name = |room: u32| format!("{number}-{part}-{room}");
        let doors: Vec<LockDeviceId> =
            (0..rooms.get()).map(|room| LockDeviceId::derived("bench", &[name(room).as_bytes()])).collect();
        let rooms: Vec<RoomId> =
            (0..rooms.get()).map(|room| RoomId::derived("bench", &[name(room).as_bytes()])).collect();
        let map = rooms
            .iter()
            .zip(&doors)
            .fold(DoorMap::default(), |map, (room, door)| map.with_room(*room, None, vec![*door]));
        Self {
            partition: Partition {
                tenant: TenantId::derived("bench", &[&own]),
                property: PropertyId::derived("bench", &[&own]),
            },
            rooms,
            doors,
            map: Arc::new(map),
        }
    }

    /// The issue of the stay of this number, in as many rooms in a row as asked; two nights from now on.
    ///
    /// # Errors
    /// Never in practice.
    pub fn issue(&self, stay: u32, rooms: u32, now: Timestamp) -> Result<IssueInput, Trouble> {
        let first = usize::try_from(stay.saturating_mul(rooms))?;
        let rooms =
            self.rooms.iter().cycle().skip(first % self.rooms.len()).take(usize::try_from(rooms)?).copied();
        let name = stay.to_be_bytes();
        let guest = Guest {
            id: GuestId::derived("bench", &[&name]),
            reservation_id: ReservationId::derived("bench", &[&name]),
            display_name: Some("Ada Lovelace".to_owned()),
            contact: Contact::default(),
        };
        let from = now.trunc_subsecs(0);
        let until = from.checked_add_signed(TimeDelta::days(2)).ok_or("no such day")?;
        Ok(IssueInput::new(
            self.partition.tenant,
            self.partition.property,
            Holder::Guest(guest),
            rooms.collect(),
            Validity::new(from, until)?,
            format!("stay-{stay}/issue").parse()?,
        ))
    }

    /// The adapter of this hotel over a driver.
    #[must_use]
    pub fn adapter<D: VendorDriver>(
        &self,
        name: &str,
        driver: D,
        store: Arc<dyn Store>,
        env: &Env,
    ) -> SharedLockPort {
        let setup = AdapterSetup {
            name: name.to_owned(),
            partition: self.partition,
            doors: self.map.clone(),
            store,
            env: env.clone(),
            instance: "bench".to_owned(),
        };
        Arc::new(Adapter::new(driver, setup))
    }

    /// Audit, trace, guard, deadline, retry and attempt time-out around it.
    #[must_use]
    pub fn whole_stack(&self, port: SharedLockPort, env: &Env) -> SharedLockPort {
        LockStack::new(port, self.partition, self.map.clone(), env.clone())
            .audit(Arc::new(Counted::default()))
            .trace()
            .retry(RetryPolicy::default())
            .attempt_timeout(ATTEMPT_TIMEOUT)
            .build()
    }
}
