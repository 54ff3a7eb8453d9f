//! The driver: orders in, a few calls out, answers back. What is alike for everything that a lock's list shows stands here; what
//! is not stands with each sort.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lockport::credential::{KeyCredentialKind, Proof, Warning, WarningCode};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::env::{Env, HttpTransport, SecretProvider};
use lockport::id::LockDeviceId;
use lockport::store::slots::Slots;
use lockport::{ErrorCode, LockError, Secret};

use crate::auth::Auth;
use crate::client::{Client, Deleted};
use crate::config::{ConfigError, Passcodes, TtlockConfig, TtlockLock};
use crate::descriptor::descriptor;
use crate::error::{expired, half_way};
use crate::line::Line;
use crate::map::{self, Handle, Listed};

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

/// TTLock, for one property, over the vendor's cloud: eKeys, passcodes and cards.
///
/// Beside the contract of [`VendorDriver`]:
/// - The artifact of a mobile key is `<username>:<password>`: what the vendor's app on the guest's phone logs in with. That of a
///   card is its number in decimal digits, as the reader at the desk read it.
/// - [`find`](VendorDriver::find) says `Absent` only when nothing at the lock bears the marker, and `Present` only when all that
///   bears it is as the order says. A key that bears it and is not, such as one that was sent and not yet frozen, is `Otherwise`.
/// - A withdrawal without a reference, or after a lost try, also takes whatever else bears the marker.
pub struct TtlockDriver {
    pub(crate) config: TtlockConfig,
    pub(crate) client: Client,
    pub(crate) env: Env,
}

/// What the vendor keeps for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A row in the cloud.
    EKey,
    /// Digits of ours, in the lock.
    Custom,
    /// Digits that lock and cloud both work out.
    Random,
    /// A number, in the lock.
    Card,
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
        let line = Line::new(http, config.base().to_owned(), env.clone());
        let auth = Auth::new(&config, secrets, line.clone(), slots, env.clone());
        let client = Client::new(config.client_id.clone(), line, auth, env.clone());
        Ok(Self { config, client, env })
    }

    pub(crate) fn lock(&self, device: LockDeviceId) -> Result<&TtlockLock, LockError> {
        self.config.locks.get(&device).ok_or_else(|| LockError::device_not_paired(device))
    }

    fn sort(&self, kind: KeyCredentialKind) -> Result<Sort, LockError> {
        match kind {
            KeyCredentialKind::MobileApp => Ok(Sort::EKey),
            KeyCredentialKind::PinCode => match self.config.passcodes {
                Passcodes::Custom => Ok(Sort::Custom),
                Passcodes::Random => Ok(Sort::Random),
                Passcodes::Off => Err(LockError::unsupported("this property has no passcodes")),
            },
            KeyCredentialKind::RfidCard => Ok(Sort::Card),
            _ => Err(LockError::unsupported(format!("this vendor has no {kind}"))),
        }
    }

    /// Whatever bears one of the markers at the lock of the order.
    async fn bearing(
        &self,
        sort: Sort,
        order: &GrantOrder,
        markers: &[&str],
        refusal: ErrorCode,
    ) -> Result<Vec<Listed>, LockError> {
        let lock = self.lock(map::door(order)?)?.lock_id;
        let mut all = Vec::new();
        for marker in markers {
            all.extend(match sort {
                Sort::EKey => {
                    let keys = self.client.keys(lock, marker, refusal).await?;
                    map::ekey::listed(keys, lock, marker, order, &self.config.account_prefix)
                }
                Sort::Custom | Sort::Random => {
                    let name = Secret::new((*marker).to_owned());
                    let items = self.client.passcodes(lock, Some(&name), refusal).await?;
                    map::passcode::bearing(&items, lock, marker, order)
                }
                Sort::Card => {
                    let items = self.client.cards(lock, Some(marker), refusal).await?;
                    map::card::bearing(&items, lock, marker, order, self.config.cards)
                }
            });
        }
        Ok(all)
    }

    /// Where what is held is: as its reference says, or, where the answer of its grant was lost, the newest that bears its marker.
    pub(crate) async fn handle_of(
        &self,
        sort: Sort,
        held: &Held,
        refusal: ErrorCode,
    ) -> Result<Handle, LockError> {
        if let Some(handle) = held.reference.as_ref().and_then(Handle::of) {
            return Ok(handle);
        }
        let listed = self.bearing(sort, &held.order, &map::markers(held), refusal).await?;
        listed.iter().map(|one| one.handle).max_by_key(|handle| handle.id).ok_or_else(expired)
    }

    async fn delete(&self, sort: Sort, handle: Handle, order: &GrantOrder) -> Result<Deleted, LockError> {
        if sort == Sort::EKey {
            return self.client.delete_key(handle.id).await;
        }
        let there = (self.lock_of(handle, order)?, handle.id);
        match sort {
            Sort::EKey | Sort::Custom => self.client.delete_passcode(there).await,
            Sort::Random => self.client.delete_random(there).await,
            Sort::Card => self.client.delete_card(there).await,
        }
    }

    /// The lock of a handle; a lock that has left the configuration is known by the handle alone.
    pub(crate) fn lock_of(&self, handle: Handle, order: &GrantOrder) -> Result<i64, LockError> {
        match handle.lock {
            Some(lock) => Ok(lock),
            None => Ok(self.lock(map::door(order)?)?.lock_id),
        }
    }

    /// What the core gets back about what is at this handle.
    pub(crate) fn granted(
        &self,
        sort: Sort,
        handle: Handle,
        order: &GrantOrder,
        made: Option<Secret>,
        proof: Proof,
    ) -> Granted {
        let prefix = &self.config.account_prefix;
        let artifact = match sort {
            Sort::EKey => {
                map::ekey::account(prefix, order, handle.holder).ok().as_ref().map(map::ekey::login)
            }
            Sort::Random => made,
            Sort::Custom | Sort::Card => None,
        };
        let granted = map::granted(handle, artifact, order.window, proof);
        let dies_unless_used_by = (sort == Sort::Random).then(|| map::passcode::dies_unused(order.window));
        Granted { dies_unless_used_by, ..granted }
    }
}

#[async_trait]
impl VendorDriver for TtlockDriver {
    fn describe(&self) -> DriverDescriptor {
        descriptor(self.config.passcodes, self.config.cards)
    }

    /// An eKey is a row in the vendor's cloud, which keeps order by itself. A lock takes one command at a time, and so does a
    /// gateway, which hears several locks.
    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        let goes_to_the_lock = match self.sort(reach.kind) {
            Ok(Sort::Custom | Sort::Card) => reach.doors,
            _ => &[],
        };
        let known = goes_to_the_lock.iter().filter_map(|door| self.config.locks.get(door));
        known
            .map(|lock| match lock.gateway_id {
                Some(gateway) => LeaseKey::while_worked_on(format!("ttlock-gateway:{gateway}")),
                None => LeaseKey::while_worked_on(format!("ttlock-lock:{}", lock.lock_id)),
            })
            .collect()
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let sort = self.sort(order.kind)?;
        let lock = self.lock(map::door(order)?)?.lock_id;
        if order.blocked && sort != Sort::EKey {
            return Err(LockError::unsupported("only a mobile key can be given suspended"));
        }
        let granted = match sort {
            Sort::EKey => self.grant_ekey(order, lock, attempt).await?,
            Sort::Custom if order.already => self.register_custom(order, lock, attempt).await?,
            Sort::Custom => self.grant_custom(order, lock, attempt).await?,
            Sort::Random => self.grant_random(order, lock, attempt).await?,
            Sort::Card => self.grant_card(order, lock, attempt).await?,
        };
        Ok(Answer::Done(granted))
    }

    async fn find(&self, order: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        let sort = self.sort(order.kind)?;
        let listed = self.bearing(sort, order, &[&order.marker], ErrorCode::VendorUnreachable).await;
        let granted = |one: &Listed| {
            let order = GrantOrder { window: one.window.unwrap_or(order.window), ..order.clone() };
            self.granted(sort, one.handle, &order, one.artifact.clone(), Proof::AtVendor)
        };
        map::found(listed, granted)
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        if held.order.doors != target.doors {
            return Err(LockError::unsupported("a key of this vendor stays at its door"));
        }
        let sort = self.sort(target.kind)?;
        let granted = match sort {
            Sort::EKey => self.amend_ekey(held, target, attempt).await?,
            Sort::Custom | Sort::Card => self.move_in_lock(sort, held, target).await?,
            Sort::Random => {
                return Err(LockError::unsupported("a passcode of the vendor's choice is not changed"));
            }
        };
        Ok(Answer::Done(granted))
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = &withdrawal.held;
        let order = &held.order;
        let sort = self.sort(order.kind)?;
        let after = |begun: bool, error| if begun { half_way(error) } else { error };
        let mut took = Vec::new();
        // A lock that has left the configuration cannot be searched; then the number alone must do.
        let searchable = self.lock(map::door(order)?).is_ok();
        let known = held.reference.as_ref().and_then(Handle::of);
        if let Some(handle) = known {
            took.push(self.delete(sort, handle, order).await?);
        }
        // A change whose answer was lost may have sent an eKey anew: then it has another number.
        let is_another = sort == Sort::EKey && took.contains(&Deleted::Before) && !held.maybe.is_empty();
        if known.is_none() || ((attempt.resend || is_another) && searchable) {
            let unseen = map::unseen(&order.marker);
            let mut markers = map::markers(held);
            markers.extend(order.already.then_some(unseen.as_str()));
            let listed = self.bearing(sort, order, &markers, ErrorCode::KeyRevokeFailed).await;
            let has_begun = |took: &[Deleted]| took.contains(&Deleted::Now);
            for one in listed.map_err(|error| after(has_begun(&took), error))? {
                let deleted = self.delete(sort, one.handle, order).await;
                took.push(deleted.map_err(|error| after(has_begun(&took), error))?);
            }
            // Nothing is listed, and the answer of the grant was lost.
            if took.is_empty() && sort == Sort::Custom {
                took.push(self.delete_stray(order).await?);
            }
        }
        Ok(Answer::Done(withdrawn(sort, &took)))
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.all_locks().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.one_lock(device).await
    }
}

/// How far a taking away got: as far as its weakest part.
fn withdrawn(sort: Sort, took: &[Deleted]) -> Withdrawn {
    if took.contains(&Deleted::NotYet) {
        let detail =
            "nobody has used it yet, or nothing reaches the lock, so the lock cannot be told to forget it";
        let warnings = vec![Warning { code: WarningCode::ExpiresOnly, detail: detail.to_owned() }];
        return Withdrawn { proof: Proof::ExpiresOnly, warnings };
    }
    // A gateway's word for what was there; of what was not, only the cloud's books are known.
    let seen_gone = !took.is_empty() && took.iter().all(|deleted| *deleted == Deleted::Now);
    let proof = if seen_gone && sort != Sort::EKey { Proof::AtLock } else { Proof::AtVendor };
    Withdrawn { proof, warnings: Vec::new() }
}
