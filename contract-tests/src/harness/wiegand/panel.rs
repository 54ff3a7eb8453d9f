//! Cards that are no more than a number, and the panel that knows who may open what until when. Whoever runs it is told of every
//! answer of the driver's, and has each card held to the panel's own reader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    Answer, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held, LeaseKey, Reach, VendorDriver,
    Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{LockError, Secret, Timestamp, Validity};
use lockport_sim_encoder::{Card, Panel, SerialHabit};
use lockport_wiegand::codec::wiegand::{ByteOrder, Format, SerialForm};
use lockport_wiegand::{PanelDriver, PanelProfile};

use super::{Hands, lock};
use crate::bench::BenchError;

/// The layout of the bits.
const FORMAT: &str = "H10301";
/// Where they stand.
const BLOCK: u8 = 9;
/// The property's own.
const FACILITY: u64 = 18;
/// Key A of a card as it is delivered.
const DELIVERY: [u8; 6] = [0xFF; 6];

/// What stands on the cards (section 3 of the page on encoders).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardProfile {
    /// A record that the doors verify.
    #[default]
    SignedRecord,
    /// Bits that a reader forwards to a panel.
    WiegandBits,
    /// Nothing: the card's own number counts.
    Csn,
}

impl CardProfile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::SignedRecord, Self::WiegandBits, Self::Csn];

    /// The page's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedRecord => "signed_record",
            Self::WiegandBits => "wiegand_bits",
            Self::Csn => "csn",
        }
    }

    /// The blocks of a card that may be written.
    pub(super) const fn blocks(self) -> &'static [u8] {
        match self {
            Self::SignedRecord => &[8, 9, 10, 12, 13, 14],
            Self::WiegandBits => &[BLOCK],
            Self::Csn => &[],
        }
    }

    /// The same for the driver before a panel.
    pub(super) fn of_panel(self) -> Result<Option<PanelProfile>, BenchError> {
        let format = Format::of(FORMAT).ok_or_else(|| BenchError::new("there is no such format"))?;
        Ok(match self {
            Self::SignedRecord => None,
            Self::WiegandBits => {
                Some(PanelProfile::WiegandBits { format, facility_code: FACILITY, block: BLOCK })
            }
            Self::Csn => Some(PanelProfile::Csn { form: SerialForm::Bits34, order: ByteOrder::AsSent }),
        })
    }
}

/// Who may come in where and when.
#[derive(Clone, Debug)]
struct Right {
    number: (u64, u64),
    doors: Vec<LockDeviceId>,
    window: Validity,
}

/// What the panel was told.
#[derive(Debug, Default)]
struct Book {
    /// By what the driver calls a key.
    rights: BTreeMap<String, Right>,
    /// Every key that ever was in the book.
    ever: BTreeSet<String>,
    drifts: BTreeMap<LockDeviceId, TimeDelta>,
}

/// The panel, its reader at the desk, and whoever runs it. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct PanelDesk {
    reader: Panel,
    hands: Arc<Mutex<Hands>>,
    /// Whether a key that was taken away has to be struck out here, because nothing is taken from its card.
    strikes_out: bool,
    book: Arc<Mutex<Book>>,
}

impl PanelDesk {
    /// The panel of this profile; `None` where doors judge by themselves.
    pub(super) fn of(profile: CardProfile, hands: &Arc<Mutex<Hands>>) -> Option<Self> {
        let (reader, strikes_out) = match profile {
            CardProfile::SignedRecord => return None,
            CardProfile::WiegandBits => (Panel::of_bits(BLOCK, DELIVERY, FORMAT), false),
            CardProfile::Csn => (Panel::of_serial_numbers(SerialHabit::Bits34, false), true),
        };
        Some(Self { reader, hands: Arc::clone(hands), strikes_out, book: Arc::default() })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// What the panel hears of a card, wherever that lies.
    pub(super) fn hears(&self, card: &Card) -> Option<(u64, u64)> {
        // Never the card itself: it would lose its selection on the encoder.
        self.reader.hears(&card.copy())
    }

    /// Whether the panel opens this door to the card.
    pub(super) fn lets_in(&self, door: LockDeviceId, card: &Card, at: Timestamp) -> bool {
        let Some(number) = self.hears(card) else { return false };
        let book = self.book();
        let at = at + book.drifts.get(&door).copied().unwrap_or_default();
        book.rights
            .values()
            .any(|right| right.number == number && right.doors.contains(&door) && right.window.contains(at))
    }

    /// Whether the panel ever opens this door to the card.
    pub(super) fn knows(&self, door: LockDeviceId, card: &Card) -> bool {
        let number = self.hears(card);
        let is_own = |right: &Right| Some(right.number) == number && right.doors.contains(&door);
        self.book().rights.values().any(is_own)
    }

    /// How many keys it was ever told of.
    pub(super) fn ever(&self) -> usize {
        self.book().ever.len()
    }

    /// Its clock at this door is so much ahead of the true time.
    pub(super) fn set_drift(&self, door: LockDeviceId, ahead: TimeDelta) {
        self.book().drifts.insert(door, ahead);
    }

    /// A key was given: its holder shows his card.
    fn enter(&self, order: &GrantOrder, granted: &Granted) {
        let card = lock(&self.hands).card(order.credential, order.kind);
        let number = card.and_then(|card| self.hears(&card));
        let (Some(name), Some(number)) = (name_of(granted.reference.as_ref()), number) else { return };
        let right = Right { number, doors: order.doors.clone(), window: granted.effective };
        let mut book = self.book();
        book.ever.insert(name.clone());
        book.rights.insert(name, right);
    }

    /// A key was changed; its card need not be there.
    fn change(&self, held: &Held, target: &GrantOrder, granted: &Granted) {
        let mut book = self.book();
        let name = name_of(held.reference.as_ref()).or_else(|| held.note.clone());
        if let Some(right) = name.and_then(|name| book.rights.get_mut(&name)) {
            right.doors.clone_from(&target.doors);
            right.window = granted.effective;
        }
    }

    /// A key was taken away.
    fn strike_out(&self, held: &Held) {
        if let Some(name) =
            name_of(held.reference.as_ref()).or_else(|| held.note.clone()).filter(|_| self.strikes_out)
        {
            self.book().rights.remove(&name);
        }
    }
}

fn name_of(reference: Option<&Secret>) -> Option<String> {
    // EXPOSE: what the driver calls a key, to know it again.
    reference.map(|text| text.expose().clone())
}

/// The driver before a panel, with whoever runs that told of its answers.
#[derive(Debug)]
pub(super) struct Operated {
    inner: PanelDriver,
    panel: PanelDesk,
}

impl Operated {
    pub(super) const fn over(inner: PanelDriver, panel: PanelDesk) -> Self {
        Self { inner, panel }
    }
}

#[async_trait]
impl VendorDriver for Operated {
    fn describe(&self) -> DriverDescriptor {
        self.inner.describe()
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        self.inner.lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let answer = self.inner.grant(order, attempt).await?;
        if let Answer::Done(granted) = &answer {
            self.panel.enter(order, granted);
        }
        Ok(answer)
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let found = self.inner.find(order, attempt).await?;
        if let Found::Present(all) = &found {
            all.iter().for_each(|granted| self.panel.enter(order, granted));
        }
        Ok(found)
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let answer = self.inner.amend(held, target, attempt).await?;
        if let Answer::Done(granted) = &answer {
            self.panel.change(held, target, granted);
        }
        Ok(answer)
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let answer = self.inner.withdraw(withdrawal, attempt).await?;
        if let Answer::Done(_) = &answer {
            self.panel.strike_out(&withdrawal.held);
        }
        Ok(answer)
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.inner.devices().await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.inner.health(device).await
    }
}
