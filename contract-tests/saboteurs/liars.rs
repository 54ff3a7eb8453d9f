//! Adapters whose descriptor says one thing and who do another, in both directions; and those who tell of locks what is not so.

use async_trait::async_trait;
use lockport::capability::LockCapabilities;
use lockport::credential::{IssueInput, IssueResult, Proof};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{AfterLost, DriverDescriptor, VendorDriver as _};
use lockport::id::{LockDeviceId, PropertyId};
use lockport::{AdapterDescriptor, LockError, LockPort};
use lockport_mock::{MockDriver, Personality};

use super::{BendDriver, BendPort, Saboteur, with_driver, with_port};

pub(super) const ALL: &[Saboteur] = &[
    Saboteur {
        name: "denies a kind that it has",
        on: Personality::PerDoor,
        caught_by: &["CAPA-001"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.mobile_key = false)),
    },
    Saboteur {
        name: "claims a kind that it has not",
        on: Personality::PerDoor,
        caught_by: &["CAPA-001"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.qr = true)),
    },
    Saboteur {
        name: "tells of a lock without a keypad that it has one",
        on: Personality::PerDoor,
        caught_by: &["PLAN-001"],
        build: |bench, seed| with_driver(bench, seed, EveryLock(|lock| lock.capabilities.pin = true)),
    },
    Saboteur {
        name: "tells of every lock that it is in reach",
        on: Personality::PerDoor,
        caught_by: &["PLAN-002"],
        build: |bench, seed| with_driver(bench, seed, EveryLock(|lock| lock.online = true)),
    },
    Saboteur {
        name: "takes floors and gives none",
        on: Personality::PerDoor,
        caught_by: &["CAPA-002"],
        build: |bench, seed| with_port(bench, seed, IgnoresFloors),
    },
    Saboteur {
        name: "claims that nobody is needed where somebody is",
        on: Personality::Card,
        caught_by: &["CAPA-003"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.remote_issue = true)),
    },
    Saboteur {
        name: "claims that a card can be revoked from afar",
        on: Personality::Card,
        caught_by: &["CAPA-003"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.remote_revoke = true)),
    },
    Saboteur {
        name: "denies that nobody is needed",
        on: Personality::PerDoor,
        caught_by: &["CAPA-003"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.remote_revoke = false)),
    },
    Saboteur {
        name: "denies that it can be read back",
        on: Personality::PerDoor,
        caught_by: &["CAPA-004"],
        build: |bench, seed| {
            with_driver(
                bench,
                seed,
                Descriptor(|own| {
                    own.kinds.iter_mut().for_each(|kind| kind.recovery.grant = AfterLost::Declare);
                }),
            )
        },
    },
    Saboteur {
        name: "claims less proof than it has",
        on: Personality::PerDoor,
        caught_by: &["CAPA-005"],
        build: |bench, seed| {
            with_driver(
                bench,
                seed,
                Descriptor(|own| {
                    own.kinds.iter_mut().for_each(|kind| kind.best_proof = Proof::AtVendor);
                }),
            )
        },
    },
    Saboteur {
        name: "claims more proof than it has",
        on: Personality::SilentAck,
        caught_by: &["CAPA-005"],
        build: |bench, seed| {
            with_driver(
                bench,
                seed,
                Descriptor(|own| {
                    own.kinds.iter_mut().for_each(|kind| kind.best_proof = Proof::AtLock);
                }),
            )
        },
    },
    Saboteur {
        name: "claims other digits than its PINs have",
        on: Personality::RoomWide,
        caught_by: &["CAPA-005"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.pin_digits = Some(4))),
    },
    Saboteur {
        name: "denies that keys stand side by side",
        on: Personality::PerDoor,
        caught_by: &["CAPA-007"],
        build: |bench, seed| with_port(bench, seed, Flags(|can| can.joiner = false)),
    },
    Saboteur {
        name: "forgets a door in its list",
        on: Personality::PerDoor,
        caught_by: &["DEVICE-001"],
        build: |bench, seed| with_port(bench, seed, ForgetsADoor),
    },
    Saboteur {
        name: "tells of another door than was asked about",
        on: Personality::PerDoor,
        caught_by: &["DEVICE-002"],
        build: |bench, seed| with_port(bench, seed, AnyDoor(bench.site.doors().into_iter().next().unwrap())),
    },
    Saboteur {
        name: "says that all is well with every lock",
        on: Personality::PerDoor,
        caught_by: &["DEVICE-003", "TIME-004"],
        build: |bench, seed| with_driver(bench, seed, AllIsWell),
    },
];

/// Says so of its flags.
#[derive(Debug)]
struct Flags(fn(&mut LockCapabilities));

impl BendPort for Flags {
    fn describe(&self, inner: &dyn LockPort) -> AdapterDescriptor {
        let mut descriptor = inner.describe_adapter();
        (self.0)(&mut descriptor.capabilities);
        descriptor
    }
}

/// Says so of its kinds.
#[derive(Debug)]
struct Descriptor(fn(&mut DriverDescriptor));

#[async_trait]
impl BendDriver for Descriptor {
    fn describe(&self, inner: &MockDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        (self.0)(&mut descriptor);
        descriptor
    }
}

#[derive(Debug)]
struct IgnoresFloors;

#[async_trait]
impl BendPort for IgnoresFloors {
    async fn issue(&self, inner: &dyn LockPort, mut input: IssueInput) -> Result<IssueResult, LockError> {
        input.scope.floors.clear();
        inner.issue_credential(input).await
    }
}

#[derive(Debug)]
struct ForgetsADoor;

#[async_trait]
impl BendPort for ForgetsADoor {
    async fn devices(
        &self,
        inner: &dyn LockPort,
        property: PropertyId,
    ) -> Result<Vec<LockDevice>, LockError> {
        let mut list = inner.list_devices(property).await?;
        list.pop();
        Ok(list)
    }
}

#[derive(Debug)]
struct AnyDoor(LockDeviceId);

#[async_trait]
impl BendPort for AnyDoor {
    async fn health(&self, inner: &dyn LockPort, _device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        inner.health_check(self.0).await
    }
}

#[derive(Debug)]
struct AllIsWell;

#[async_trait]
impl BendDriver for AllIsWell {
    async fn devices(&self, inner: &MockDriver) -> Result<Vec<LockDevice>, LockError> {
        let well = |device: LockDevice| {
            let battery = device.battery.map(|battery| lockport::device::Battery { percent: 100, ..battery });
            LockDevice { online: true, battery, ..device }
        };
        Ok(inner.devices().await?.into_iter().map(well).collect())
    }

    async fn health(&self, inner: &MockDriver, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        let health = inner.health(device).await?;
        let battery = health.battery.map(|battery| lockport::device::Battery { percent: 100, ..battery });
        Ok(DeviceHealth { online: true, battery, clock_skew_ms: Some(0), warnings: Vec::new(), ..health })
    }
}

/// Says the same of every lock, whatever the vendor says.
#[derive(Debug)]
struct EveryLock(fn(&mut LockDevice));

#[async_trait]
impl BendDriver for EveryLock {
    async fn devices(&self, inner: &MockDriver) -> Result<Vec<LockDevice>, LockError> {
        let mut all = inner.devices().await?;
        all.iter_mut().for_each(self.0);
        Ok(all)
    }
}
