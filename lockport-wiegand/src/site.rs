//! What every driver of this crate stands on: the property's configuration, its keys, its encoders and its doors.

use std::fmt;
use std::sync::Arc;

use lockport::capability::LockCapabilities;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{Answer, GrantOrder, LeaseKey, Pending, Reach, WaitsFor};
use lockport::env::{Env, LinkError, SecretError, SecretProvider};
use lockport::id::LockDeviceId;
use lockport::{FailureReason, LockError, Operation, Secret};

use crate::card::hand::delta;
use crate::card::keys::{DELIVERY, Keys, Opener};
use crate::codec::key::PropertyKey;
use crate::config::{SharedKey, WiegandConfig, WiegandDoor};
use crate::driver::WiegandEnv;
use crate::encoder::KeyName;
use crate::error::{no_encoder, no_secret};
use crate::limits::LOOK;
use crate::session::Encoders;

/// The name under which the host keeps the property's key: 32 hexadecimal digits, drawn at the pairing.
pub const PROPERTY_KEY: &str = "secret-lock-generic-wiegand/property-key";
/// The name under which the host keeps the sector key that all cards share: 12 hexadecimal digits. Without one it is the key with
/// which cards are delivered.
pub const SECTOR_KEY: &str = "secret-lock-generic-wiegand/sector-key";

/// One property.
pub(crate) struct Site {
    pub(crate) config: WiegandConfig,
    pub(crate) encoders: Encoders,
    pub(crate) env: Env,
    secrets: Arc<dyn SecretProvider>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Site {
    pub(crate) fn new(config: WiegandConfig, lent: WiegandEnv) -> Self {
        let WiegandEnv { bus, watch, secrets, slots: _, env } = lent;
        let encoders = Encoders::new(bus, env.clone(), watch, &config.encoders);
        Self { config, encoders, env, secrets }
    }

    /// The keys of the property's cards, fetched anew for each job: they stay where the host keeps them.
    pub(crate) async fn keys(&self) -> Result<Keys, LockError> {
        let WiegandConfig { tenant, property, sector_key, personalise, .. } = &self.config;
        let fetch = |name| self.secrets.secret(*tenant, *property, name);
        let property = fetch(PROPERTY_KEY).await.and_then(|text| bytes(&text)).map_err(no_secret)?;
        let shared = match fetch(SECTOR_KEY).await {
            Ok(text) => bytes(&text),
            Err(SecretError::Missing) => Ok(Secret::new(DELIVERY)),
            Err(error) => Err(error),
        };
        let name = match sector_key {
            SharedKey::A => KeyName::A,
            SharedKey::B => KeyName::B,
        };
        let shared = Opener { name, key: shared.map_err(no_secret)? };
        Ok(Keys { property: PropertyKey::new(property), shared, personal: *personalise })
    }

    pub(crate) fn waits_for_card<T>(&self, encoder: LockDeviceId, order: &GrantOrder) -> Answer<T> {
        let ask_after = self.env.now().checked_add_signed(delta(LOOK)).unwrap_or(order.window.until());
        let (waits_for, give_up_at) = (WaitsFor::CardAt(encoder), order.window.until());
        Answer::Pending(Pending { reference: None, waits_for, ask_after, give_up_at })
    }

    /// The doors of the configuration: offline locks, of which nothing is heard. That they can be served is what is asked here: an
    /// encoder has to be plugged in.
    pub(crate) async fn devices(&self, capabilities: LockCapabilities) -> Result<Vec<LockDevice>, LockError> {
        let plugged = self.encoders.plugged().await.map_err(no_encoder)?;
        if !plugged.values().any(|is_there| *is_there) {
            return Err(no_encoder(LinkError::Gone));
        }
        let device = |(id, door): (&LockDeviceId, &WiegandDoor)| LockDevice {
            device_id: *id,
            property_id: self.config.property,
            vendor: crate::VENDOR,
            label: door.label.clone(),
            rooms: door.rooms.clone(),
            online: false,
            battery: None,
            firmware: None,
            last_seen_at: None,
            capabilities,
        };
        Ok(self.config.doors.iter().map(device).collect())
    }

    /// An offline lock: what is known of it is that it is there.
    pub(crate) fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        if !self.config.doors.contains_key(&device) {
            return Err(LockError::device_not_paired(device));
        }
        Ok(DeviceHealth {
            device_id: device,
            online: false,
            battery: None,
            clock_skew_ms: None,
            last_sync_at: None,
            warnings: Vec::new(),
        })
    }

    /// Whether it is plugged in, answers, and is the one that was paired.
    pub(crate) async fn encoder_health(&self, encoder: LockDeviceId) -> Result<DeviceHealth, LockError> {
        match self.encoders.begin(encoder, Operation::HealthCheck).await {
            Ok(job) => job.end(),
            // It answers: what lies on it is another matter.
            Err(error) if error.reason() == FailureReason::MultipleCards => {}
            Err(error) => return Err(error),
        }
        Ok(DeviceHealth {
            device_id: encoder,
            online: true,
            battery: None,
            clock_skew_ms: None,
            last_sync_at: Some(self.env.now()),
            warnings: self.encoders.warnings(encoder),
        })
    }
}

/// One conversation at a time with an encoder.
pub(crate) fn lease_keys(reach: &Reach<'_>) -> Vec<LeaseKey> {
    reach.at.iter().map(|encoder| LeaseKey::while_worked_on(format!("encoder:{encoder}"))).collect()
}

pub(crate) fn encoder_of(order: &GrantOrder) -> Result<LockDeviceId, LockError> {
    order.at.ok_or_else(|| LockError::unsupported("a card is written at an encoder, and none is named"))
}

/// The bytes of hexadecimal digits.
fn bytes<const N: usize>(text: &Secret) -> Result<Secret<[u8; N]>, SecretError>
where
    [u8; N]: zeroize::Zeroize,
{
    // EXPOSE: into its bytes, which are a secret again.
    let text = text.expose();
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return Err(SecretError::Missing);
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(at * 2..at * 2 + 2).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).map_err(|_| SecretError::Missing)?;
    }
    Ok(Secret::new(bytes))
}
