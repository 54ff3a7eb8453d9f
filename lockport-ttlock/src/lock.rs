//! The locks themselves: what the cloud has of them, and what a lock says of its clock.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::ClockSync;
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, Timestamp};

use crate::driver::TtlockDriver;
use crate::map::{self, lock};
use crate::wire::LockItem;

/// The vendor sets a clock to its own time.
#[async_trait]
impl ClockSync for TtlockDriver {
    async fn set_clock(&self, device: LockDeviceId, _: Timestamp) -> Result<(), LockError> {
        let id = self.lock(device)?.lock_id;
        let set = self.client.set_lock_date(id).await;
        set.map(drop).map_err(|error| error.at_device(device))
    }
}

impl TtlockDriver {
    /// The locks of the configuration that the vendor knows. One counts as online when it has a gateway and any gateway of the
    /// account is online: two lists for the whole property instead of a call a lock; a lock with a radio of its own is asked for.
    /// [`one_lock`](Self::one_lock) is exact.
    pub(crate) async fn all_locks(&self) -> Result<Vec<LockDevice>, LockError> {
        let locks = self.client.locks().await?;
        let with_gateway = locks.iter().any(|lock| map::is_yes(lock.has_gateway));
        let gateways = if with_gateway { self.client.gateways().await? } else { Vec::new() };
        let reachable = gateways.iter().any(|gateway| map::is_yes(Some(gateway.is_online)));
        let known: BTreeMap<i64, _> = locks.iter().map(|lock| (lock.lock_id.0, lock)).collect();
        let mut devices = Vec::with_capacity(self.config.locks.len());
        for (device, own) in &self.config.locks {
            let Some(lock) = known.get(&own.lock_id) else { continue };
            let by_gateway = reachable && map::is_yes(lock.has_gateway);
            let online = by_gateway || self.is_on_wifi(lock).await?;
            devices.push(LockDevice {
                device_id: *device,
                property_id: self.config.property,
                vendor: crate::VENDOR,
                label: own.label.clone(),
                rooms: own.rooms.clone(),
                online,
                battery: lock::battery(lock.electric_quantity),
                firmware: None,
                last_seen_at: None,
                capabilities: lock::capabilities(lock, self.config.passcodes, self.config.cards),
            });
        }
        Ok(devices)
    }

    /// From what the cloud has of the lock, and, where something reaches it, from what its clock shows: one to four calls.
    pub(crate) async fn one_lock(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        let id = self.lock(device)?.lock_id;
        let at = |error: LockError| error.at_device(device);
        let lock = self.client.lock_detail(id).await.map_err(at)?;
        let heard = map::is_yes(lock.has_gateway);
        let links = if heard { self.client.links(id).await.map_err(at)? } else { Vec::new() };
        let gateways =
            if links.is_empty() { Vec::new() } else { self.client.gateways().await.map_err(at)? };
        let live: BTreeSet<i64> = gateways
            .iter()
            .filter(|own| map::is_yes(Some(own.is_online)))
            .map(|own| own.gateway_id.0)
            .collect();
        let by_gateway = links.iter().any(|link| live.contains(&link.gateway_id.0));
        let is_near = by_gateway || self.is_on_wifi(&lock).await.map_err(at)?;
        let (online, clock_skew_ms) =
            if is_near { self.clock_of(id).await.map_err(at)? } else { (false, None) };
        let battery = lock::battery(lock.electric_quantity);
        Ok(DeviceHealth {
            device_id: device,
            online,
            battery,
            clock_skew_ms,
            last_sync_at: links.iter().filter_map(|link| map::instant(link.rssi_update_date?)).max(),
            warnings: lock::health_warnings(battery, online, clock_skew_ms),
        })
    }

    async fn is_on_wifi(&self, lock: &LockItem) -> Result<bool, LockError> {
        if !lock::has_wifi(lock) {
            return Ok(false);
        }
        match self.client.wifi_lock(lock.lock_id.0).await {
            Ok(wifi) => Ok(map::is_yes(wifi.is_online)),
            // It was never set up.
            Err(error) if error.reason() == FailureReason::Configuration => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the lock itself can be asked, and how far its clock is off. That it cannot is no error: it is how the lock is.
    async fn clock_of(&self, lock: i64) -> Result<(bool, Option<i64>), LockError> {
        let before = self.env.now();
        match self.client.lock_date(lock).await {
            Ok(shown) => Ok((true, Some(lock::skew_ms(shown, before, self.env.now())))),
            Err(error) => match error.reason() {
                FailureReason::DeviceOffline => Ok((false, None)),
                // Something is there, and has its hands full, or cannot tell.
                FailureReason::DeviceBusy
                | FailureReason::VendorInternal
                | FailureReason::DeviceFrozen
                | FailureReason::KindNotSupported => Ok((true, None)),
                _ => Err(error),
            },
        }
    }
}
