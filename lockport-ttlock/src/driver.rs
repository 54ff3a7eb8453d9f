//! The driver: orders in, a few calls out, answers back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, Warning};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LatencyClass, LatencyProfile, LeaseKey, Per, Placement, Reach, Recovery, Suspend, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::env::{Env, HttpTransport, SecretProvider};
use lockport::id::LockDeviceId;
use lockport::store::slots::Slots;
use lockport::{ErrorCode, FailureReason, LockError, Operation};

use crate::auth::Auth;
use crate::client::{Client, Deleted, NewKey, Sending};
use crate::config::{ConfigError, TtlockConfig, TtlockLock};
use crate::error::{expired, half_way};
use crate::limits::LATE_BY;
use crate::line::Line;
use crate::map::{self, Account, Change};
use crate::wire::KeyItem;

/// What a try writes down before the first byte that can have an effect.
const KEY_IS_BEING_SENT: &str = "key/send";

/// What the host lends the driver.
#[derive(Clone, Debug)]
pub struct TtlockEnv {
    /// The way to the vendor's cloud.
    pub http: Arc<dyn HttpTransport>,
    /// Where [`CLIENT_SECRET`](crate::CLIENT_SECRET) and [`ACCOUNT_PASSWORD`](crate::ACCOUNT_PASSWORD) come from.
    pub secrets: Arc<dyn SecretProvider>,
    /// Where the token lies, shared with the host's other instances.
    pub slots: Slots,
    /// Time.
    pub env: Env,
}

/// TTLock, for one property: eKeys over the vendor's cloud.
///
/// Beside the contract of [`VendorDriver`]:
/// - The artifact of a mobile key is `<username>:<password>`: what the vendor's app on the guest's phone logs in with.
/// - [`find`](VendorDriver::find) says `Absent` only when nothing at the lock bears the marker, and `Present` only when all that
///   bears it is as the order says. A key that bears it and is not, such as one that was sent and not yet frozen, is `Otherwise`.
/// - A withdrawal without a reference, or after a lost try, also takes whatever else bears the marker.
pub struct TtlockDriver {
    config: TtlockConfig,
    client: Client,
}

impl fmt::Debug for TtlockDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TtlockDriver").field("config", &self.config).finish_non_exhaustive()
    }
}

impl TtlockDriver {
    /// A driver for this property. Nothing is sent.
    ///
    /// # Errors
    /// What [`TtlockConfig::check`] finds.
    pub fn new(config: TtlockConfig, env: TtlockEnv) -> Result<Self, ConfigError> {
        config.check()?;
        let TtlockEnv { http, secrets, slots, env } = env;
        let line = Line::new(http, config.base().to_owned());
        let auth = Auth::new(&config, secrets, line.clone(), slots, env.clone());
        let client = Client::new(config.client_id.clone(), line, auth, env);
        Ok(Self { config, client })
    }

    fn lock(&self, device: LockDeviceId) -> Result<&TtlockLock, LockError> {
        self.config.locks.get(&device).ok_or_else(|| LockError::device_not_paired(device))
    }

    fn granted(&self, key: i64, order: &GrantOrder, warnings: Vec<Warning>) -> Granted {
        map::granted(&self.config.account_prefix, key, order, warnings)
    }

    /// Registers the guest's account and sends the key to it.
    async fn send(
        &self,
        order: &GrantOrder,
        account: &Account,
        lock: i64,
        attempt: &Attempt<'_>,
    ) -> Result<i64, LockError> {
        let dates = map::window_ms(order.window)?;
        let nonce = attempt.call_key;
        let key = NewKey { lock, receiver: &account.username, name: &order.marker, dates, nonce };
        self.client.register(account).await?;
        self.client.log_in().await?;
        // From here on a key may be there; what died before this line has sent none.
        attempt.note(KEY_IS_BEING_SENT).await?;
        if let Sending::Key(key) = self.client.send_key(&key).await? {
            return Ok(key);
        }
        // The vendor does not know the receiver after all.
        self.client.register(account).await?;
        match self.client.send_key(&key).await? {
            Sending::Key(key) => Ok(key),
            Sending::NoReceiver(error) => Err(error),
        }
    }

    /// Whatever bears one of the markers at the lock of the order, newest first.
    async fn bearing(
        &self,
        order: &GrantOrder,
        markers: &[&str],
        refusal: ErrorCode,
    ) -> Result<Vec<KeyItem>, LockError> {
        let lock = self.lock(map::door(order)?)?.lock_id;
        let mut all = Vec::new();
        for marker in markers {
            all.extend(map::bearing(self.client.keys(lock, marker, refusal).await?, lock, marker));
        }
        Ok(all)
    }

    async fn change(
        &self,
        key: i64,
        change: Change,
        target: &GrantOrder,
        refusal: ErrorCode,
    ) -> Result<(), LockError> {
        match change {
            Change::Period => self.client.change_period(key, map::window_ms(target.window)?, refusal).await,
            Change::Freeze => self.client.freeze_key(key, refusal).await,
            Change::Unfreeze => self.client.unfreeze_key(key, refusal).await,
        }
    }
}

/// What TTLock is and can do, without a property at hand.
#[must_use]
pub fn descriptor() -> DriverDescriptor {
    DriverDescriptor {
        vendor: crate::VENDOR,
        display_name: "TTLock",
        runs_on: Placement::Anywhere,
        // Joiner: each account's eKeys are its own.
        capabilities: LockCapabilities {
            remote_issue: true,
            remote_revoke: true,
            joiner: true,
            ..LockCapabilities::NONE
        },
        doors_differ: false,
        kinds: vec![Kind {
            kind: KeyCredentialKind::MobileApp,
            per: Per::Door,
            artifact: ArtifactSource::HostSecret,
            suspend: Suspend::Native,
            amend_window: Amend::Native,
            amend_doors: Amend::Replace,
            can_undo: true,
            best_proof: Proof::AtVendor,
            // Milliseconds on the wire; the core's windows are whole seconds.
            grain: TimeDelta::seconds(1),
            registers: false,
            needs_lock_online: false,
            recovery: Recovery {
                // Sent again, it would get another number: so the list is asked first.
                grant: AfterLost::Ask,
                amend: AfterLost::Resend { within: None },
                withdraw: AfterLost::Resend { within: None },
                late_by: LATE_BY,
                notes_first: true,
            },
        }],
        latency: LatencyProfile::all(LatencyClass::Cloud),
    }
}

#[async_trait]
impl VendorDriver for TtlockDriver {
    fn describe(&self) -> DriverDescriptor {
        descriptor()
    }

    /// None: an eKey is a row in the vendor's cloud, which keeps order by itself.
    fn lease_keys(&self, _: &Reach<'_>) -> Vec<LeaseKey> {
        Vec::new()
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        if order.kind != KeyCredentialKind::MobileApp {
            return Err(LockError::unsupported("this driver grants mobile keys only"));
        }
        let lock = self.lock(map::door(order)?)?.lock_id;
        let account = map::account(&self.config.account_prefix, order)?;
        let key = self.send(order, &account, lock, attempt).await?;
        if order.blocked {
            self.client.freeze_key(key, ErrorCode::KeyIssueFailed).await.map_err(half_way)?;
        }
        Ok(Answer::Done(self.granted(key, order, Vec::new())))
    }

    async fn find(&self, order: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        let keys = match self.bearing(order, &[&order.marker], ErrorCode::VendorUnreachable).await {
            Ok(keys) => keys,
            Err(error) if error.reason() == FailureReason::MalformedAnswer => return Ok(Found::CannotTell),
            Err(error) => return Err(error),
        };
        if keys.is_empty() {
            return Ok(Found::Absent);
        }
        if !keys.iter().all(|key| map::is_target(key, order)) {
            return Ok(Found::Otherwise);
        }
        Ok(Found::Present(keys.iter().map(|key| self.granted(key.key_id.0, order, Vec::new())).collect()))
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        _: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if held.order.doors != target.doors {
            return Err(LockError::unsupported("a mobile key stays at its door"));
        }
        let changes = map::changes(held, target);
        let freezes = changes.contains(&Change::Freeze);
        let operation = if freezes { Operation::SuspendCredential } else { Operation::UpdateCredential };
        let refusal = operation.refusal_code();
        let key = match held.reference.as_ref().and_then(map::key_of) {
            Some(key) => key,
            None => {
                let keys = self.bearing(&held.order, &map::markers(held), refusal).await?;
                keys.iter().map(|key| key.key_id.0).max().ok_or_else(expired)?
            }
        };
        for (done, change) in changes.into_iter().enumerate() {
            let changed = self.change(key, change, target, refusal).await;
            changed.map_err(|error| if done > 0 { half_way(error) } else { error })?;
        }
        let warnings = freezes.then(map::frozen_at_next_sync).into_iter().collect();
        Ok(Answer::Done(self.granted(key, target, warnings)))
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = &withdrawal.held;
        let done = Ok(Answer::Done(Withdrawn { proof: Proof::AtVendor, warnings: Vec::new() }));
        // A lock that has left the configuration cannot be searched; then the number alone must do.
        let searchable = self.lock(map::door(&held.order)?).is_ok();
        let mut begun = false;
        if let Some(key) = held.reference.as_ref().and_then(map::key_of) {
            begun = self.client.delete_key(key).await? == Deleted::Now;
            if !attempt.resend || !searchable {
                return done;
            }
        }
        let after = |begun: bool, error| if begun { half_way(error) } else { error };
        let keys = self.bearing(&held.order, &map::markers(held), ErrorCode::KeyRevokeFailed).await;
        for key in keys.map_err(|error| after(begun, error))? {
            let deleted = self.client.delete_key(key.key_id.0).await;
            begun |= deleted.map_err(|error| after(begun, error))? == Deleted::Now;
        }
        done
    }

    /// The locks of the configuration that the vendor knows. One counts as online when it has a gateway and any gateway of the
    /// account is online: two lists for the whole property instead of a call a lock. [`health`](Self::health) is exact.
    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        let locks = self.client.locks().await?;
        let with_gateway = locks.iter().any(|lock| map::is_yes(lock.has_gateway));
        let gateways = if with_gateway { self.client.gateways().await? } else { Vec::new() };
        let reachable = gateways.iter().any(|gateway| map::is_yes(Some(gateway.is_online)));
        let known: BTreeMap<i64, _> = locks.iter().map(|lock| (lock.lock_id.0, lock)).collect();
        let ours = self
            .config
            .locks
            .iter()
            .filter_map(|(device, own)| Some((device, own, known.get(&own.lock_id)?)));
        Ok(ours
            .map(|(device, own, lock)| LockDevice {
                device_id: *device,
                property_id: self.config.property,
                vendor: crate::VENDOR,
                label: own.label.clone(),
                rooms: own.rooms.clone(),
                online: reachable && map::is_yes(lock.has_gateway),
                battery: map::battery(lock.electric_quantity),
                firmware: None,
                last_seen_at: None,
                capabilities: map::DOOR,
            })
            .collect())
    }

    /// From what the cloud has of the lock: one to three calls, none of which wakes it.
    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
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
        let online = links.iter().any(|link| live.contains(&link.gateway_id.0));
        let battery = map::battery(lock.electric_quantity);
        Ok(DeviceHealth {
            device_id: device,
            online,
            battery,
            clock_skew_ms: None,
            last_sync_at: links.iter().filter_map(|link| map::instant(link.rssi_update_date?)).max(),
            warnings: map::health_warnings(battery, online),
        })
    }
}
