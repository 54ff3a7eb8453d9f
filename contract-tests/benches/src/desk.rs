//! A desk whose encoder takes the time that a real one takes: a PN532 behind a pseudo-terminal held to its line's rate, with cards
//! that take the time that cards take. It runs on a thread of its own as if it were another machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use lockport::Secret;
use lockport::credential::{IssueInput, KeyCredentialKind, Place};
use lockport::env::{Env, LinkError, SecretError, SecretProvider};
use lockport::id::{LockDeviceId, PropertyId, TenantId};
use lockport::store::Store;
use lockport::store::slots::Slots;
use lockport_sim_encoder::{Card, Encoder as SimEncoder, Model, Seen, Settings, Step, serve_pty};
use lockport_wiegand::encoder::Encoder;
use lockport_wiegand::{
    DoorPlace, EncoderBus, EncoderModel, PROPERTY_KEY, Plugged, SharedKey, SystemBus, WiegandConfig,
    WiegandDoor, WiegandDriver, WiegandEncoder, WiegandEnv, pair,
};

use crate::Trouble;
use crate::hotel::Hotel;
use crate::store::Folder;

/// The line, bits a second; a byte takes ten of them.
pub const BAUD: u32 = 115_200;
const BITS_OF_A_BYTE: f64 = 10.0;

/// A simulated encoder, and what can be seen of it.
#[derive(Clone, Debug)]
pub struct Paced(pub SimEncoder);

/// An encoder on a desk, behind a pseudo-terminal.
#[derive(Debug)]
pub struct Desk {
    /// The encoder.
    pub sim: Paced,
    link: PathBuf,
    goes_on: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: Folder,
}

/// What passed between two looks.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// Bytes, both ways.
    pub bytes: u64,
    /// Commands.
    pub commands: usize,
    /// What these bytes take on the line and these commands on the air, in microseconds, when nobody dawdles.
    pub least_micros: f64,
}

/// A look at the encoder's log.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: u64,
    commands: usize,
}

/// A PN532's acknowledgement, which is on the line while the card works already.
const ACK_BYTES: f64 = 6.0;
/// The last byte of a command and of its answer, for which neither side waits.
const UNWAITED_BYTES: f64 = 2.0;

/// What a command takes on the air, in microseconds (section 8.1 of the page on encoders, a card with a number of four bytes).
const fn on_the_air(step: Step) -> f64 {
    match step {
        Step::Find | Step::Read => 2_500.0,
        Step::Authenticate => 2_000.0,
        Step::Write => 5_500.0,
        _ => 0.0,
    }
}

impl Paced {
    /// A PN532 on a line of this rate, with cards that take their time; nothing lies on it.
    #[must_use]
    pub fn pn532() -> Self {
        let settings = Settings { baud: Some(BAUD), card_times: true, ..Settings::default() };
        Self(SimEncoder::with_settings(Model::Pn532, settings))
    }

    /// A card as it is delivered, with a number of its own, in the place of whatever lay there.
    #[must_use]
    pub fn fresh_card(&self, number: u32) -> Card {
        let [_, b, c, d] = number.to_be_bytes();
        let card = Card::classic_1k([0xA1, b, c, d]);
        let _taken = self.0.take_all();
        self.0.put(&card);
        card
    }

    /// The encoder's own log until now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (to, from) = self.0.traffic();
        Mark { bytes: to.saturating_add(from), commands: self.0.seen().len() }
    }

    /// What passed since then.
    #[must_use]
    pub fn since(&self, mark: Mark) -> Passed {
        let now = self.mark();
        let bytes = now.bytes.saturating_sub(mark.bytes);
        let seen = self.0.seen();
        let seen: Vec<&Seen> = seen.iter().skip(mark.commands).collect();
        let byte = BITS_OF_A_BYTE / f64::from(BAUD) * 1e6;
        let air: f64 = seen.iter().map(|seen| on_the_air(seen.step)).sum();
        let at_once = |seen: &&Seen| on_the_air(seen.step).min(ACK_BYTES * byte) + UNWAITED_BYTES * byte;
        let at_once: f64 = seen.iter().map(at_once).sum();
        Passed { bytes, commands: seen.len(), least_micros: bytes as f64 * byte + air - at_once }
    }
}

impl Desk {
    /// An encoder with nothing on it.
    ///
    /// # Errors
    /// When no pseudo-terminal is to be had.
    pub fn open() -> Result<Self, Trouble> {
        let folder = Folder::new()?;
        let link = folder.file("pn532");
        let sim = Paced::pn532();
        let goes_on = Arc::new(AtomicBool::new(true));
        let (tell, told) = mpsc::channel();
        let (served, path, wanted) = (sim.0.clone(), link.clone(), goes_on.clone());
        let body = move || {
            let ended = serve_pty(&served, &path, || {
                // Who has stopped listening for this knows that it is there.
                let _known = tell.send(Ok(()));
                wanted.load(Ordering::SeqCst)
            });
            if let Err(error) = ended {
                let _known = tell.send(Err(error));
            }
        };
        let thread = thread::Builder::new().name("encoder".to_owned()).spawn(body)?;
        // It asks once before the link is there, and again when nobody has said anything.
        told.recv()??;
        told.recv()??;
        Ok(Self { sim, link, goes_on, thread: Some(thread), _folder: folder })
    }

    /// The device, as other programs name it.
    #[must_use]
    pub fn port(&self) -> String {
        self.link.display().to_string()
    }

    /// The bus of this machine, on which there is this one device.
    #[must_use]
    pub fn bus(&self, env: &Env) -> Arc<dyn EncoderBus> {
        Arc::new(OneDevice { port: self.port(), system: SystemBus::new(env) })
    }

    /// The encoder by our link layer alone.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn encoder(&self, env: &Env) -> Result<Box<dyn Encoder>, Trouble> {
        Ok(SystemBus::new(env).open(&plugged(self.port()), EncoderModel::Pn532Serial, None).await?)
    }
}

/// The encoder of a bus as the configuration keeps it.
///
/// # Errors
/// When it does not answer.
pub async fn paired(bus: &dyn EncoderBus) -> Result<WiegandEncoder, Trouble> {
    let all = bus.list().await?;
    let one = all.first().ok_or("nothing is plugged in")?;
    Ok(pair(bus, one, EncoderModel::Pn532Serial, 0).await?.encoder)
}

/// The driver of a hotel whose cards are written at the encoder of this bus. Nothing is opened.
///
/// # Errors
/// When the hotel has more doors than there are numbers.
pub fn driver(
    bus: Arc<dyn EncoderBus>,
    paired: &WiegandEncoder,
    hotel: &Hotel,
    store: Arc<dyn Store>,
    env: &Env,
) -> Result<WiegandDriver, Trouble> {
    let mut doors = BTreeMap::new();
    for (number, door) in hotel.doors.iter().enumerate() {
        let place = DoorPlace::Number(u16::try_from(number)?);
        let rooms = hotel.map.rooms_behind(*door);
        doors.insert(*door, WiegandDoor { place, label: door.to_string(), rooms });
    }
    let config = WiegandConfig {
        tenant: hotel.partition.tenant,
        property: hotel.partition.property,
        encoders: [(encoder_id(), paired.clone())].into(),
        doors,
        sectors: [2, 3],
        sector_key: SharedKey::A,
        tags: false,
        personalise: false,
    };
    let slots = Slots::new(store, hotel.partition, env.clone(), "bench".to_owned());
    let lent = WiegandEnv { bus, watch: None, secrets: Arc::new(Secrets), slots, env: env.clone() };
    Ok(WiegandDriver::new(config, lent)?)
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // What it had to say was said.
            let _ended = thread.join();
        }
    }
}

fn encoder_id() -> LockDeviceId {
    LockDeviceId::derived("bench/encoder", &[])
}

/// The same stay, as a card that is written at this desk.
#[must_use]
pub fn as_card(input: IssueInput) -> IssueInput {
    let place = Place { at: Some(encoder_id()), holder_device: None };
    input.with_preferred_kinds(vec![KeyCredentialKind::RfidCard]).with_place(place)
}

fn plugged(port: String) -> Plugged {
    Plugged { port, usb: None }
}

#[derive(Debug)]
struct OneDevice {
    port: String,
    system: SystemBus,
}

#[async_trait]
impl EncoderBus for OneDevice {
    async fn list(&self) -> Result<Vec<Plugged>, LinkError> {
        Ok(vec![plugged(self.port.clone())])
    }

    async fn open(
        &self,
        plugged: &Plugged,
        model: EncoderModel,
        baud: Option<u32>,
    ) -> Result<Box<dyn Encoder>, LinkError> {
        self.system.open(plugged, model, baud).await
    }
}

#[derive(Debug)]
struct Secrets;

#[async_trait]
impl SecretProvider for Secrets {
    async fn secret(&self, _: TenantId, _: PropertyId, name: &str) -> Result<Secret, SecretError> {
        match name {
            PROPERTY_KEY => Ok(Secret::new("000102030405060708090a0b0c0d0e0f".to_owned())),
            _ => Err(SecretError::Missing),
        }
    }
}
