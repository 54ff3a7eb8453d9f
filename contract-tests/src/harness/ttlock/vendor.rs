//! The vendor's side, behind its back: the doors, the locks, and the people with their cards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::env::{Clock as _, ManualClock};
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{Secret, Timestamp, Validity};
use lockport_sim_ttlock::{Answered, Digits, Feature, Presented, Seen, SimClock, TtlockSim};

use super::wire::{MAKES, Wire};
use super::{GATEWAY, told};
use crate::bench::{BenchError, LockControl, Presence, VendorProbe};

/// What a guest with this artifact holds against a door; `None` when it is nothing that anybody could hold there.
pub(crate) fn presented(artifact: &Artifact) -> Result<Option<Presented>, BenchError> {
    match artifact {
        Artifact::MobileToken(token) => {
            // EXPOSE: the guest's phone logs in with it.
            Ok(token.expose().split_once(':').map(|(username, password)| Presented::EKey {
                username: username.to_owned(),
                password: password.to_owned(),
            }))
        }
        // EXPOSE: the guest types it.
        Artifact::Pin(digits) => Ok(Some(Presented::passcode(digits.expose()))),
        other => Err(BenchError::new(format!("no door here takes a {}", other.type_name()))),
    }
}

/// How many permissions there are at a door: what the cloud lists and what the lock keeps, each once.
pub(crate) fn live(sim: &TtlockSim, door: &str) -> usize {
    let mut codes: Vec<Digits> = sim.cloud_passcodes(door).into_iter().map(|code| code.digits).collect();
    for code in sim.lock_passcodes(door) {
        if !codes.contains(&code.digits) {
            codes.push(code.digits);
        }
    }
    let mut cards: Vec<String> = sim.cloud_cards(door).into_iter().map(|card| card.number).collect();
    for card in sim.lock_cards(door) {
        let number = card.number.to_string();
        if !cards.contains(&number) {
            cards.push(number);
        }
    }
    sim.live_ekeys(door).len().saturating_add(codes.len()).saturating_add(cards.len())
}

/// What somebody sets at a lock by hand who wants no digits of his own.
const BY_HAND: &str = "4711082";

/// Whether a call has made something that opens a door. What was only written into the cloud's books has not.
pub(crate) fn is_made(seen: &Seen) -> bool {
    MAKES.contains(&seen.path.as_str()) && !seen.on_paper && seen.answered == Answered::Errcode(0)
}

pub(super) struct Probe {
    pub(super) wire: Arc<Wire>,
    pub(super) clock: SimClock,
    pub(super) ahead_ms: Arc<AtomicI64>,
}

pub(super) struct Locks {
    pub(super) wire: Arc<Wire>,
    pub(super) bench: Arc<ManualClock>,
    pub(super) clock: SimClock,
    pub(super) ahead_ms: Arc<AtomicI64>,
}

/// Each holder has one card, whose number follows from his credential. The desk's reader reads it as the locks do.
pub(crate) struct People(pub(crate) Arc<TtlockSim>);

impl People {
    /// In four bytes, as most cards have it.
    fn number(holder: KeyCredentialId) -> u64 {
        let bytes = LockDeviceId::derived("lockport-contract/card", &[&holder.to_bytes()]).to_bytes();
        bytes.iter().take(4).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[async_trait]
impl Presence for People {
    fn encoder(&self) -> LockDeviceId {
        LockDeviceId::derived("lockport-contract/encoder", &[])
    }

    /// Once its number was read, nobody needs the card any more.
    fn come(&self, _: KeyCredentialId, _: KeyCredentialKind) {}

    fn go(&self) {}

    fn read_at_the_desk(&self, holder: KeyCredentialId) -> Option<String> {
        Some(Self::number(holder).to_string())
    }

    async fn try_card(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let card = Presented::Card { number: Self::number(holder) };
        Ok(self.0.door(&door.to_string()).try_open(&card, at.timestamp_millis()).opened)
    }
}

impl LockControl for Locks {
    fn set_battery(&self, door: LockDeviceId, percent: u8) -> Result<(), BenchError> {
        self.wire.sim.door(&door.to_string()).set_battery(percent);
        Ok(())
    }

    /// All locks hang on one gateway; where there is none, nothing reaches them.
    fn set_online(&self, _door: LockDeviceId, is_online: bool) -> Result<(), BenchError> {
        if self.wire.sim.set_gateway_power(GATEWAY, is_online) || !is_online {
            return Ok(());
        }
        Err(BenchError::new("the gateway is gone"))
    }

    /// A keypad or a reader can be missing; every lock opens to the phone that has its key.
    fn set_able(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        is_able: bool,
    ) -> Result<bool, BenchError> {
        let feature = match kind {
            KeyCredentialKind::PinCode => Feature::Passcode,
            KeyCredentialKind::RfidCard => Feature::Card,
            _ => return Ok(false),
        };
        if is_able {
            return Err(BenchError::new("what was taken off a lock stays off"));
        }
        self.wire.sim.door(&door.to_string()).take_feature(feature);
        Ok(true)
    }

    /// With the vendor's app, over Bluetooth, before the lock: the cloud has not heard of it.
    fn set_by_hand(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        window: Validity,
        text: Option<&Secret>,
    ) -> Result<Option<Secret>, BenchError> {
        if kind != KeyCredentialKind::PinCode {
            return Ok(None);
        }
        let text = text.cloned().unwrap_or_else(|| Secret::new(BY_HAND.to_owned()));
        let (from, until) = (window.from().timestamp_millis(), window.until().timestamp_millis());
        // EXPOSE: somebody types it at the lock.
        let is_taken = self.wire.sim.door(&door.to_string()).add_passcode_by_hand(text.expose(), from, until);
        if is_taken { Ok(Some(text)) } else { Err(BenchError::new("the lock does not take it")) }
    }

    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError> {
        self.wire.sim.door(&door.to_string()).set_drift_ms(ahead.num_milliseconds());
        Ok(())
    }

    fn set_vendor_clock(&self, ahead: TimeDelta) -> Result<(), BenchError> {
        self.ahead_ms.store(ahead.num_milliseconds(), Ordering::SeqCst);
        self.clock.set_ms(self.bench.now().timestamp_millis().saturating_add(ahead.num_milliseconds()));
        Ok(())
    }
}

#[async_trait]
impl VendorProbe for Probe {
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError> {
        let Some(held) = presented(artifact)? else { return Ok(false) };
        Ok(self.wire.sim.door(&door.to_string()).try_open(&held, at.timestamp_millis()).opened)
    }

    /// What the cloud lists and what the lock keeps, each once.
    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError> {
        u64::try_from(live(&self.wire.sim, &door.to_string())).map_err(told)
    }

    /// Calls that were answered are in the simulator's log; of those that were not, the log does not say whether they took effect.
    async fn ever_made(&self) -> Result<u64, BenchError> {
        let answered = self.wire.sim.seen().iter().filter(|seen| is_made(seen)).count();
        let now_ms = self.clock.now_ms();
        let unanswered = self.wire.orders().unanswered_ms.iter().filter(|landed| **landed <= now_ms).count();
        u64::try_from(answered.saturating_add(unanswered)).map_err(told)
    }

    async fn calls(&self) -> Result<u64, BenchError> {
        u64::try_from(self.wire.sim.seen().len()).map_err(told)
    }

    fn clock_moved(&self, now: Timestamp) {
        let ahead_ms = self.ahead_ms.load(Ordering::SeqCst);
        self.clock.set_ms(now.timestamp_millis().saturating_add(ahead_ms));
    }
}
