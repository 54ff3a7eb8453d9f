//! The handle of a simulated encoder: what a person at the desk, or a test, can do to it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::card::Card;
use crate::core::Core;
use crate::desk::Seen;
use crate::fault::{Fault, Step};
use crate::port::{OpenError, Port};

/// Which encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Model {
    /// A PN532 on a high-speed UART (section 4).
    Pn532,
    /// A PN532 behind a bridge to HID (section 6.2).
    Pn532Hid,
    /// A StrongLink SL025 (section 5).
    StrongLink,
    /// A RapidRadio RRHFOEM04 (section 6.1).
    Rrhfoem04,
    /// A contactless reader, as a PC/SC service sees it (section 7).
    Pcsc,
}

impl Model {
    /// Whether it speaks in HID reports, not on a serial line.
    #[must_use]
    pub fn is_hid(self) -> bool {
        matches!(self, Self::Pn532Hid | Self::Rrhfoem04)
    }

    /// Whether it is on a serial line.
    #[must_use]
    pub fn is_serial(self) -> bool {
        matches!(self, Self::Pn532 | Self::StrongLink)
    }

    /// USB vendor and product number, where the page names them.
    #[must_use]
    pub fn usb_ids(self) -> Option<(u16, u16)> {
        (self == Self::Rrhfoem04).then_some((0x1781, 0x0C10))
    }
}

/// How an encoder is set up.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The rate at which a serial line carries bytes, bits a second; `None`: they take no time.
    pub baud: Option<u32>,
    /// The speed a serial board is set to: a host at another one is not understood. `None`: any is.
    pub speed: Option<u32>,
    /// Whether cards take the time they take on the air (section 8.1).
    pub card_times: bool,
    /// Whether a PN532 finds halted cards when it looks for cards. Both kinds of firmware are said to exist (section 16);
    /// turning the field off and on wakes them in any case.
    pub finds_halted: bool,
    /// Whether a StrongLink's firmware reaches pages above 0F.
    pub reads_high_pages: bool,
    /// A RRHFOEM04 loses a command that comes sooner than this after the one before (section 6.1).
    pub least_gap: Option<Duration>,
    /// The P1 with which a PC/SC reader takes a key; an OMNIKEY's is 20 (section 7).
    pub key_structure: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            baud: None,
            speed: None,
            card_times: false,
            finds_halted: true,
            reads_high_pages: false,
            least_gap: Some(Duration::from_millis(100)),
            key_structure: 0x00,
        }
    }
}

/// A simulated encoder. Clones are the same device.
#[derive(Clone)]
pub struct Encoder(Arc<Mutex<Core>>);

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Encoder").field("model", &self.model()).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder that is plugged in, with nothing on it.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self::with_settings(model, Settings::default())
    }

    /// The same, set up otherwise.
    #[must_use]
    pub fn with_settings(model: Model, settings: Settings) -> Self {
        Self(Arc::new(Mutex::new(Core::new(model, settings))))
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which encoder it is.
    #[must_use]
    pub fn model(&self) -> Model {
        self.core().model
    }

    /// Opens the host's end of the cable, for one holder.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&self) -> Result<Port, OpenError> {
        Port::open(&self.0)
    }

    /// Puts a card on the encoder, beside those that lie there.
    pub fn put(&self, card: &Card) {
        self.core().desk.field.put(card);
    }

    /// Takes a card away; nothing happens when it does not lie there.
    pub fn take(&self, card: &Card) {
        self.core().desk.field.take(card);
    }

    /// Takes all cards away and hands them over.
    pub fn take_all(&self) -> Vec<Card> {
        self.core().desk.field.take_all()
    }

    /// The cards that lie on the encoder; one that fell off in the middle of a write does not.
    #[must_use]
    pub fn cards(&self) -> Vec<Card> {
        self.core().desk.field.cards()
    }

    /// Puts a fault at the end of the queue. A command is caught by the first fault that waits for it and is due.
    pub fn fault(&self, fault: Fault) {
        self.core().desk.faults.push(fault);
    }

    /// Forgets the faults on order.
    pub fn clear_faults(&self) {
        self.core().desk.faults.clear();
    }

    /// How many commands the faults on order still wait for.
    #[must_use]
    pub fn pending_faults(&self) -> u32 {
        self.core().desk.faults.pending()
    }

    /// Pulls the cable. Every handle is dead from now on, the cards have no power.
    pub fn unplug(&self) {
        self.core().unplug();
    }

    /// Pulls the cable as soon as the host has sent this many bytes more: the last of them still arrives.
    pub fn unplug_after_bytes(&self, bytes: usize) {
        self.core().unplug_after(bytes);
    }

    /// Puts the cable back; the device starts afresh and has to be opened again.
    pub fn plug(&self) {
        self.core().plug();
    }

    /// Whether the cable is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.core().is_plugged()
    }

    /// All commands that arrived whole, in order: what they mean, never what they carry.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.core().desk.seen.clone()
    }

    /// How many commands of a meaning arrived.
    #[must_use]
    pub fn count(&self, step: Step) -> usize {
        self.core().desk.seen.iter().filter(|seen| seen.step == step).count()
    }

    /// Commands that a RRHFOEM04 lost because they came too early.
    #[must_use]
    pub fn too_early(&self) -> u32 {
        self.core().desk.too_early
    }

    /// Bytes the host sent and received; reports count with their 64 bytes.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        let core = self.core();
        (core.bytes_in, core.bytes_out)
    }
}
