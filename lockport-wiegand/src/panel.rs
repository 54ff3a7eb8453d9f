//! Readers before a Wiegand panel (sections 3.1 to 3.3): the card is a number, and who may open what until when is the panel's. So
//! nothing on the card ends by itself, and every key says so in a warning.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, Warning, WarningCode};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, CardDesk, CardReading, CardSays, DriverDescriptor,
    Found, GrantOrder, Granted, Held, Kind, LatencyClass, LatencyProfile, LeaseKey, Per, Placement, Reach,
    Recovery, Suspend, VendorDriver, WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, Operation, RetryAdvice, Secret};

use crate::card::Trouble;
use crate::card::hand::{Hand, is_same};
use crate::card::place::{DataBlock, Sector};
use crate::codec::wiegand::{
    Bits, ByteOrder, Field, Fields, Format, SerialForm, from_block, serial_number, to_block,
};
use crate::config::{ConfigError, WiegandConfig};
use crate::driver::WiegandEnv;
use crate::encoder::Uid;
use crate::error::before_writing;
use crate::limits::MAX_DOORS;
use crate::map::{self, OnCard};
use crate::serial::Serials;
use crate::session::Stop;
use crate::site::{Site, encoder_of, lease_keys};

/// What the panel hears of a card.
#[derive(Clone, Copy, Debug)]
pub enum PanelProfile {
    /// Bits that are written on the card, under a number of the property's own.
    ///
    /// They have one place, and a reader takes whatever stands there whose parity is right. So a card that is pulled away while it is
    /// written may say another number than its own, which may be another guest's: no order of writes prevents that. What was there
    /// is wiped first, so that it is not said any more, and the same call with the card on the encoder again makes it right.
    WiegandBits {
        /// How the bits are laid out.
        format: &'static Format,
        /// The property's facility code; 0 where the format has none.
        facility_code: u64,
        /// The block that holds them: a data block, and none of sector 0.
        block: u8,
    },
    /// The card's own number. Nothing is written.
    Csn {
        /// Into how many bits the reader makes it.
        form: SerialForm,
        /// In which order the reader takes it.
        order: ByteOrder,
    },
}

/// Where the bits are written, once that is known to be allowed.
#[derive(Clone, Copy, Debug)]
enum Writes {
    Bits { format: &'static Format, facility_code: u64, block: DataBlock },
    Nothing { form: SerialForm, order: ByteOrder },
}

/// Cards for a panel. Beside the contract of [`VendorDriver`]: a grant holds what the encoder can do, and the panel has to be told
/// the number, by whoever runs it: [`CardDesk::read_card`] says it. A key that is taken away opens until the panel is told.
#[derive(Debug)]
pub struct PanelDriver {
    site: Site,
    writes: Writes,
    numbers: Serials,
}

impl PanelDriver {
    /// A driver for this property. Nothing is opened.
    ///
    /// # Errors
    /// What [`WiegandConfig::check`] finds; [`ConfigError::Sectors`] for a block that may not be written;
    /// [`ConfigError::FacilityCode`].
    pub fn new(config: WiegandConfig, profile: PanelProfile, env: WiegandEnv) -> Result<Self, ConfigError> {
        config.check()?;
        let writes = match profile {
            PanelProfile::WiegandBits { format, facility_code, block } => {
                let at = |sector: Sector| sector.blocks().into_iter().find(|own| own.address() == block);
                let block = Sector::new(block / 4).and_then(at).ok_or(ConfigError::Sectors)?;
                numbered(format, facility_code, 1).ok_or(ConfigError::FacilityCode)?;
                Writes::Bits { format, facility_code, block }
            }
            PanelProfile::Csn { form, order } => Writes::Nothing { form, order },
        };
        let numbers = Serials::from_one(env.slots.clone(), env.env.clone());
        Ok(Self { site: Site::new(config, env), writes, numbers })
    }

    /// What the panel hears of a card with this number.
    fn bits(&self, on: &OnCard) -> Result<Bits, Trouble> {
        match self.writes {
            Writes::Bits { format, facility_code, .. } => numbered(format, facility_code, on.serial),
            Writes::Nothing { form, order } => serial_number(&on.uid, form, order),
        }
        .ok_or(Trouble::Unsupported)
    }

    /// Makes the card that lies there one that the panel can be told of; `None` when none does, or not the one that is meant.
    async fn give(
        &self,
        encoder: LockDeviceId,
        is_meant: impl Fn(&Uid) -> bool,
        attempt: &Attempt<'_>,
    ) -> Result<Option<OnCard>, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, Operation::IssueCredential).await?;
        let Some(mut hand) = job.hand(&keys).filter(|hand| is_meant(&hand.target().uid)) else {
            job.end();
            return Ok(None);
        };
        let given = self.give_on(&mut hand, attempt).await;
        let touched = hand.is_touched();
        job.settle(given, touched).map(Some)
    }

    async fn give_on(&self, hand: &mut Hand<'_>, attempt: &Attempt<'_>) -> Result<OnCard, Stop> {
        let uid = hand.target().uid.clone();
        if matches!(self.writes, Writes::Bits { .. }) && !hand.is_classic() {
            return Err(Trouble::Unsupported.into());
        }
        let noted = attempt.noted.and_then(OnCard::parse).filter(|noted| noted.uid == uid);
        let on = match noted {
            Some(noted) => noted,
            None => {
                let serial = match self.writes {
                    Writes::Bits { format, facility_code, .. } => {
                        let serial = self.numbers.next(0, 0).await.map_err(before_writing)?;
                        numbered(format, facility_code, serial).ok_or_else(no_number_left)?;
                        serial
                    }
                    Writes::Nothing { .. } => 0,
                };
                let on = OnCard { uid, serial };
                // What no card can say is refused before anything is noted.
                self.bits(&on)?;
                attempt.note(&on.to_text()).await?;
                on
            }
        };
        self.put(hand, &on).await?;
        Ok(on)
    }

    /// Makes the card say what the panel is to hear of it. There is one place for it, so what stands there is wiped first: a card that
    /// is pulled away in between says nothing.
    async fn put(&self, hand: &mut Hand<'_>, on: &OnCard) -> Result<(), Trouble> {
        let wanted = Secret::new(to_block(self.bits(on)?));
        if let Writes::Bits { block, .. } = self.writes {
            let stands = hand.read_block(block).await?;
            if !is_same(&stands, &wanted) {
                let nothing = Secret::new(NOTHING);
                if !is_same(&stands, &nothing) {
                    write(hand, block, &nothing).await?;
                }
                write(hand, block, &wanted).await?;
            }
            hand.find_again().await?;
        }
        hand.beep().await;
        Ok(())
    }

    /// Makes the card that lies there say what it said before, if it is one of these; `None` when it is not.
    async fn give_back(&self, encoder: LockDeviceId, known: &[OnCard]) -> Result<Option<OnCard>, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, Operation::UnsuspendCredential).await?;
        let on = job.card().and_then(|card| known.iter().find(|on| on.uid == card.uid)).cloned();
        let Some((mut hand, on)) = job.hand(&keys).zip(on) else {
            job.end();
            return Ok(None);
        };
        let put = self.put(&mut hand, &on).await.map_err(Stop::Card);
        let touched = hand.is_touched();
        job.settle(put, touched).map(|()| Some(on))
    }

    /// Whether the card that lies there is this one and says what it is to say; `None` when another does, or none.
    async fn says(&self, encoder: LockDeviceId, on: &OnCard) -> Result<Option<bool>, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, Operation::IssueCredential).await?;
        let Some(mut hand) = job.hand(&keys).filter(|hand| hand.target().uid == on.uid) else {
            job.end();
            return Ok(None);
        };
        let said = self.says_on(&mut hand, on).await.map_err(Stop::Card);
        job.settle(said, false).map(Some)
    }

    async fn says_on(&self, hand: &mut Hand<'_>, on: &OnCard) -> Result<bool, Trouble> {
        let wanted = Secret::new(to_block(self.bits(on)?));
        match self.writes {
            Writes::Bits { block, .. } => Ok(is_same(&hand.read_block(block).await?, &wanted)),
            Writes::Nothing { .. } => Ok(true),
        }
    }

    /// What the panel hears of the card; nothing where there are no bits on it, or its number is none.
    async fn heard_of(&self, hand: &mut Hand<'_>) -> Result<Option<Bits>, Trouble> {
        Ok(match self.writes {
            // EXPOSE: into bits, which are a secret again.
            Writes::Bits { block, .. } if hand.is_classic() => {
                from_block(*hand.read_block(block).await?.expose())
            }
            Writes::Bits { .. } => None,
            Writes::Nothing { form, order } => serial_number(&hand.target().uid, form, order),
        })
    }

    /// Takes the bits from the card that lies there, if it is one of these and they are its own; whether it is one of these.
    async fn wipe(
        &self,
        encoder: LockDeviceId,
        block: DataBlock,
        known: &[OnCard],
        operation: Operation,
    ) -> Result<bool, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, operation).await?;
        let is_meant = |hand: &Hand<'_>| known.iter().any(|on| on.uid == hand.target().uid);
        let Some(mut hand) = job.hand(&keys).filter(is_meant) else {
            job.end();
            return Ok(false);
        };
        let wiped = self.wipe_on(&mut hand, block, known).await.map_err(Stop::Card);
        let touched = hand.is_touched();
        job.settle(wiped, touched).map(|()| true)
    }

    async fn wipe_on(&self, hand: &mut Hand<'_>, block: DataBlock, known: &[OnCard]) -> Result<(), Trouble> {
        let uid = hand.target().uid.clone();
        for on in known.iter().filter(|on| on.uid == uid) {
            if self.says_on(hand, on).await? {
                write(hand, block, &Secret::new(NOTHING)).await?;
            }
        }
        Ok(())
    }
}

/// The bits of a number of the property's; nothing where the format has no room for it.
fn numbered(format: &Format, facility_code: u64, number: u32) -> Option<Bits> {
    let fields =
        Fields::default().with(Field::FacilityCode, facility_code).with(Field::CardNumber, number.into());
    format.encode(&fields).ok()
}

/// Another card would not help.
fn no_number_left() -> LockError {
    let message = "every number that the panel's format has was given";
    LockError::new(ErrorCode::KeyIssueFailed, FailureReason::CapacityFull, RetryAdvice::Never, message)
}

/// A block that says nothing to a panel.
const NOTHING: [u8; 16] = [0; 16];

/// Whether nothing changes but that the key is to be there: it was taken away for a while, and perhaps the card has lost it.
fn is_given_back(held: &Held, target: &GrantOrder) -> bool {
    held.order.window == target.window && held.order.doors == target.doors
}

/// Writes a block and reads it back through a fresh opening.
async fn write(hand: &mut Hand<'_>, block: DataBlock, data: &Secret<[u8; 16]>) -> Result<(), Trouble> {
    hand.write_block(block, data).await?;
    hand.reopen(block.sector()).await?;
    if is_same(&hand.read_block(block).await?, data) { Ok(()) } else { Err(Trouble::Verify) }
}

fn no_time_bound() -> Warning {
    let detail =
        "nothing on the card ends it: the panel has to be told who may open what, and when not any more";
    Warning { code: WarningCode::NoTimeBound, detail: detail.to_owned() }
}

fn granted(order: &GrantOrder, on: &OnCard) -> Granted {
    Granted { proof: None, warnings: vec![no_time_bound()], ..map::granted(order, on) }
}

#[async_trait]
impl VendorDriver for PanelDriver {
    fn describe(&self) -> DriverDescriptor {
        let (writes, best_proof) = match self.writes {
            Writes::Bits { .. } => (true, Proof::AtLock),
            Writes::Nothing { .. } => (false, Proof::ExpiresOnly),
        };
        let kind = Kind {
            kind: KeyCredentialKind::RfidCard,
            per: Per::Stay { max_doors: MAX_DOORS },
            artifact: ArtifactSource::Card,
            suspend: if writes { Suspend::Emulated } else { Suspend::No },
            amend_window: Amend::Native,
            amend_doors: Amend::Native,
            can_undo: true,
            best_proof,
            grain: TimeDelta::seconds(1),
            registers: false,
            needs_lock_online: false,
            recovery: Recovery {
                grant: AfterLost::Ask,
                amend: AfterLost::Resend { within: None },
                withdraw: AfterLost::Resend { within: None },
                late_by: Duration::ZERO,
                notes_first: true,
            },
        };
        DriverDescriptor {
            vendor: crate::VENDOR,
            display_name: "Card encoder, before a panel",
            runs_on: Placement::Desk,
            capabilities: LockCapabilities {
                joiner: true,
                max_doors: Some(MAX_DOORS),
                ..LockCapabilities::NONE
            },
            kinds: vec![kind],
            doors_differ: false,
            latency: LatencyProfile::all(LatencyClass::Person),
        }
    }

    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let encoder = encoder_of(order)?;
        let cards = map::Cards::of(order, attempt)?;
        Ok(match self.give(encoder, |uid| cards.include(uid), attempt).await? {
            Some(on) => Answer::Done(granted(order, &on)),
            None => self.site.waits_for_card(encoder, order),
        })
    }

    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let encoder = encoder_of(order)?;
        let Some(on) = attempt.noted.and_then(OnCard::parse) else { return Ok(Found::Otherwise) };
        let says = self.says(encoder, &on).await;
        Ok(match says.map_err(|error| error.with_advice(RetryAdvice::OutcomeUnknown))? {
            Some(true) => Found::Present(vec![granted(order, &on)]),
            Some(false) => Found::Absent,
            None => Found::CannotTell,
        })
    }

    /// Nothing on the card changes, and the panel has to be told; but what is given back is put on the card where it is there no more.
    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        _: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let known = map::known(held);
        if matches!(self.writes, Writes::Bits { .. }) && is_given_back(held, target) {
            let encoder = encoder_of(target)?;
            return Ok(match self.give_back(encoder, &known).await? {
                Some(on) => Answer::Done(granted(target, &on)),
                None => self.site.waits_for_card(encoder, target),
            });
        }
        let on = known.into_iter().next();
        let on = on.ok_or_else(|| LockError::unsupported("nothing is known of the key that is to change"))?;
        Ok(Answer::Done(granted(target, &on)))
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        _: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = &withdrawal.held;
        let known = map::known(held);
        if known.is_empty() {
            return Ok(Answer::Done(map::gone()));
        }
        let operation = match withdrawal.why {
            WhyWithdraw::Suspend => Operation::SuspendCredential,
            _ => Operation::RevokeCredential,
        };
        if let (Writes::Bits { block, .. }, Some(encoder)) = (self.writes, withdrawal.at.or(held.order.at))
            && self.wipe(encoder, block, &known, operation).await?
        {
            return Ok(Answer::Done(map::gone()));
        }
        let Withdrawn { proof, mut warnings } = map::not_wiped();
        warnings.push(no_time_bound());
        Ok(Answer::Done(Withdrawn { proof, warnings }))
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.site.devices(self.describe().all_capabilities()).await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.site.health(device)
    }
}

#[async_trait]
impl CardDesk for PanelDriver {
    /// The card's own number, and what the panel hears of it: who may open what with it, the panel knows.
    async fn read_card(&self, encoder: LockDeviceId) -> Result<Option<CardReading>, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, Operation::IssueCredential).await?;
        let Some(mut hand) = job.hand(&keys) else {
            job.end();
            return Ok(None);
        };
        let card = Secret::new(map::number_of(&hand.target().uid));
        let bits = self.heard_of(&mut hand).await.map_err(Stop::Card);
        let for_panel = job.settle(bits, false)?.map(|bits| Secret::new(bits.to_string()));
        Ok(Some(CardReading { card, says: CardSays::Nothing, for_panel }))
    }

    async fn encoder_health(&self, encoder: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.site.encoder_health(encoder).await
    }
}
