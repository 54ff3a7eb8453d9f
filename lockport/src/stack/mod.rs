//! Layers over a port, in the one order that means what it says: guard, then deadline.

mod deadline;
mod guard;

use std::sync::Arc;

pub use self::deadline::DeadlineLayer;
pub use self::guard::GuardLayer;
use crate::device::DoorMap;
use crate::env::Env;
use crate::port::SharedLockPort;
use crate::store::Partition;

/// Puts the layers around a port. The guard and the deadline cannot be left out.
#[derive(Debug)]
pub struct LockStack {
    port: SharedLockPort,
    partition: Partition,
    doors: Arc<DoorMap>,
    env: Env,
}

impl LockStack {
    /// Around this port of this property.
    #[must_use]
    pub fn new(port: SharedLockPort, partition: Partition, doors: Arc<DoorMap>, env: Env) -> Self {
        Self { port, partition, doors, env }
    }

    /// The whole stack.
    #[must_use]
    pub fn build(self) -> SharedLockPort {
        let deadline = Arc::new(DeadlineLayer::new(self.port, self.env.clone()));
        Arc::new(GuardLayer::new(deadline, self.partition, self.doors, self.env))
    }
}
