//! The driver: orders in, one card written or read, answers back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof};
use lockport::device::{DeviceHealth, LockDevice};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, CardDesk, CardReading, CardSays, DriverDescriptor,
    Found, GrantOrder, Granted, Held, Kind, LatencyClass, LatencyProfile, LeaseKey, Per, Placement, Reach,
    Recovery, Suspend, VendorDriver, WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::env::{Env, SecretProvider};
use lockport::id::LockDeviceId;
use lockport::store::slots::Slots as StoreSlots;
use lockport::{LockError, Operation, RetryAdvice, Secret};

use crate::bus::{EncoderBus, EncoderWatch};
use crate::card::Trouble;
use crate::card::hand::Hand;
use crate::card::record::{Bearer, Content};
use crate::card::slots::Slots;
use crate::codec::record::{PropertyTag, Record};
use crate::config::{ConfigError, WiegandConfig};
use crate::encoder::{Family, Uid};
use crate::error::before_writing;
use crate::limits::MAX_DOORS;
use crate::map::{self, OnCard};
use crate::serial::Serials;
use crate::session::{Job, Stop};
use crate::site::{Site, encoder_of, lease_keys};

/// What the host lends the driver.
#[derive(Clone, Debug)]
pub struct WiegandEnv {
    /// The ports and devices of this computer.
    pub bus: Arc<dyn EncoderBus>,
    /// Who hears when an encoder is opened and closed.
    pub watch: Option<Arc<dyn EncoderWatch>>,
    /// Where [`PROPERTY_KEY`](crate::PROPERTY_KEY) and [`SECTOR_KEY`](crate::SECTOR_KEY) come from.
    pub secrets: Arc<dyn SecretProvider>,
    /// Where the count of serials lies, shared with the property's other desks.
    pub slots: StoreSlots,
    /// Time.
    pub env: Env,
}

/// Cards of one property, written at its desks.
///
/// Beside the contract of [`VendorDriver`]:
/// - One card holds one record, and a key is one record: at most nine doors (section 9.1).
/// - The number of the card and the serial of its record are noted before the first write. A repeat writes the same bytes.
/// - What is narrower, for a shorter time or for somebody else goes on a card only after what was there is wiped and read back.
/// - A card that opens nothing is told as withdrawn with proof `AtLock`; one that is away, with `ExpiresOnly`.
pub struct WiegandDriver {
    site: Site,
    slots: Slots,
    tag: PropertyTag,
    serials: Serials,
}

impl fmt::Debug for WiegandDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WiegandDriver").field("site", &self.site).finish_non_exhaustive()
    }
}

impl WiegandDriver {
    /// A driver for this property. Nothing is opened.
    ///
    /// # Errors
    /// What [`WiegandConfig::check`] finds.
    pub fn new(config: WiegandConfig, env: WiegandEnv) -> Result<Self, ConfigError> {
        config.check()?;
        let serials = Serials::new(env.slots.clone(), env.env.clone());
        let (slots, tag) = (config.slots()?, map::tag(&config));
        Ok(Self { site: Site::new(config, env), slots, tag, serials })
    }

    /// Makes the record of an order the one on the card that lies there; `None` when no card does, or not the one that is meant.
    /// `known` are the cards on which it was begun before.
    async fn write(
        &self,
        encoder: LockDeviceId,
        order: &GrantOrder,
        is_meant: impl Fn(&Uid) -> bool,
        known: &[Uid],
        attempt: &Attempt<'_>,
        operation: Operation,
    ) -> Result<Option<OnCard>, LockError> {
        // Before anything is opened: what no record can say is refused without a card.
        map::record(&self.site.config, order, 1)?;
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, operation).await?;
        let kind = check_kind(&job, order.kind);
        let desk_slot = job.desk_slot();
        let Some(mut hand) = job.hand(&keys).filter(|hand| is_meant(&hand.target().uid)) else {
            job.end();
            return Ok(None);
        };
        let written = match kind {
            Ok(()) => self.write_on(&mut hand, order, desk_slot, known, attempt).await,
            Err(trouble) => Err(Stop::Card(trouble)),
        };
        let touched = hand.is_touched();
        job.settle(written, touched).map(Some)
    }

    async fn write_on(
        &self,
        hand: &mut Hand<'_>,
        order: &GrantOrder,
        desk_slot: u8,
        known: &[Uid],
        attempt: &Attempt<'_>,
    ) -> Result<OnCard, Stop> {
        let uid = hand.target().uid.clone();
        let mut bearer = Bearer::of(hand, self.tag, self.slots).await?;
        let content = bearer.read().await.map_err(|trouble| self.of_card(trouble, known.contains(&uid)))?;
        let noted = attempt.noted.and_then(OnCard::parse).filter(|noted| noted.uid == uid);
        let on = match noted {
            Some(noted) => noted,
            None => self.note(uid, desk_slot, content.highest(), attempt).await?,
        };
        let record = map::record(&self.site.config, order, on.serial)?;
        bearer.put(&content, &record).await?;
        bearer.let_go().await?;
        Ok(on)
    }

    /// Chooses the record's serial and writes it down with the card's number, before anything is written on the card.
    async fn note(
        &self,
        uid: Uid,
        desk_slot: u8,
        seen: u32,
        attempt: &Attempt<'_>,
    ) -> Result<OnCard, LockError> {
        let serial = self.serials.next(desk_slot, seen).await.map_err(before_writing)?;
        let on = OnCard { uid, serial };
        attempt.note(&on.to_text()).await?;
        Ok(on)
    }

    /// What a trouble means on a card whose sectors were opened before: where cards get keys of their own, a key that was cut while
    /// it was written opens nothing (section 10).
    const fn of_card(&self, trouble: Trouble, is_known: bool) -> Trouble {
        match trouble {
            Trouble::SectorConfig if is_known && self.site.config.personalise => Trouble::Damaged,
            trouble => trouble,
        }
    }

    /// What stands on the card that lies there; no content where nothing of ours can stand.
    async fn content(
        &self,
        encoder: LockDeviceId,
        known: Option<&Uid>,
        operation: Operation,
    ) -> Result<Option<(Uid, Option<Content>)>, LockError> {
        let keys = self.site.keys().await?;
        let mut job = self.site.encoders.begin(encoder, operation).await?;
        let Some(mut hand) = job.hand(&keys) else {
            job.end();
            return Ok(None);
        };
        let uid = hand.target().uid.clone();
        let read = match self.read_on(&mut hand).await {
            Ok(content) => Ok(Some((uid.clone(), Some(content)))),
            Err(Trouble::Unsupported) => Ok(Some((uid.clone(), None))),
            Err(trouble) => Err(Stop::Card(self.of_card(trouble, known == Some(&uid)))),
        };
        job.settle(read, false)
    }

    async fn read_on(&self, hand: &mut Hand<'_>) -> Result<Content, Trouble> {
        Bearer::of(hand, self.tag, self.slots).await?.read().await
    }

    /// Takes what is known of a grant from the card that lies there; whether that is its card.
    async fn wipe(
        &self,
        encoder: LockDeviceId,
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
        let taken = self.take_from(&mut hand, known).await.map_err(Stop::Card);
        let touched = hand.is_touched();
        job.settle(taken, touched).map(|()| true)
    }

    async fn take_from(&self, hand: &mut Hand<'_>, known: &[OnCard]) -> Result<(), Trouble> {
        let uid = &hand.target().uid;
        let serials: Vec<u32> = known.iter().filter(|on| on.uid == *uid).map(|on| on.serial).collect();
        let mut bearer = Bearer::of(hand, self.tag, self.slots).await?;
        let content = bearer.read().await.map_err(|trouble| self.of_card(trouble, true))?;
        if bearer.take(&content, &serials).await? > 0 {
            bearer.let_go().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CardDesk for WiegandDriver {
    async fn read_card(&self, encoder: LockDeviceId) -> Result<Option<CardReading>, LockError> {
        let Some((uid, content)) = self.content(encoder, None, Operation::IssueCredential).await? else {
            return Ok(None);
        };
        let card = Secret::new(map::number_of(&uid));
        let ruling = content.as_ref().map(|content| content.ruling().map(|(_, record)| record));
        let says = match ruling {
            Some(Some(record)) => map::says(&self.site.config, record).unwrap_or(CardSays::Nothing),
            Some(None) => CardSays::Nothing,
            None => CardSays::Foreign,
        };
        Ok(Some(CardReading { card, says, for_panel: None }))
    }

    async fn encoder_health(&self, encoder: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.site.encoder_health(encoder).await
    }
}

/// Whether a key of this kind goes on the card that lies there, and this encoder can write it.
fn check_kind(job: &Job<'_>, kind: KeyCredentialKind) -> Result<(), Trouble> {
    let family = job.card().map(|card| card.family);
    let fits = match kind {
        KeyCredentialKind::RfidCard => family == Some(Family::Classic1k),
        KeyCredentialKind::NfcTag => family == Some(Family::Type2) && job.writes_tags(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(Trouble::Unsupported) }
}

/// What cards are and can do, for a property whose encoders write tags too or do not.
#[must_use]
pub fn descriptor(writes_tags: bool) -> DriverDescriptor {
    let kind = |kind| Kind {
        kind,
        per: Per::Stay { max_doors: MAX_DOORS },
        artifact: ArtifactSource::Card,
        suspend: Suspend::Emulated,
        amend_window: Amend::Native,
        amend_doors: Amend::Native,
        can_undo: true,
        best_proof: Proof::AtLock,
        grain: TimeDelta::seconds(1),
        registers: false,
        needs_lock_online: false,
        recovery: Recovery {
            grant: AfterLost::Ask,
            amend: AfterLost::Ask,
            withdraw: AfterLost::Resend { within: None },
            // Closing the port ends it.
            late_by: Duration::ZERO,
            notes_first: true,
        },
    };
    let tags = writes_tags.then_some(KeyCredentialKind::NfcTag);
    DriverDescriptor {
        vendor: crate::VENDOR,
        display_name: "Card encoder",
        runs_on: Placement::Desk,
        capabilities: LockCapabilities {
            scope_areas: true,
            joiner: true,
            max_doors: Some(MAX_DOORS),
            ..LockCapabilities::NONE
        },
        kinds: [KeyCredentialKind::RfidCard].into_iter().chain(tags).map(kind).collect(),
        doors_differ: false,
        latency: LatencyProfile::all(LatencyClass::Person),
    }
}

#[async_trait]
impl VendorDriver for WiegandDriver {
    fn describe(&self) -> DriverDescriptor {
        let can_write_tags = self.site.config.encoders.values().any(|encoder| encoder.model.writes_tags());
        descriptor(self.site.config.tags && can_write_tags)
    }

    /// One conversation at a time with an encoder.
    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        lease_keys(reach)
    }

    async fn grant(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Answer<Granted>, LockError> {
        let encoder = encoder_of(order)?;
        let cards = map::Cards::of(order, attempt)?;
        let written = self
            .write(
                encoder,
                order,
                |uid| cards.include(uid),
                cards.noted.as_slice(),
                attempt,
                Operation::IssueCredential,
            )
            .await?;
        Ok(match written {
            Some(on) => Answer::Done(map::granted(order, &on)),
            None => self.site.waits_for_card(encoder, order),
        })
    }

    /// Reads the card that lies there. Without a note nothing was begun, and nothing is known of where.
    async fn find(&self, order: &GrantOrder, attempt: &Attempt<'_>) -> Result<Found, LockError> {
        let encoder = encoder_of(order)?;
        let Some(on) = attempt.noted.and_then(OnCard::parse) else { return Ok(Found::Otherwise) };
        let content = self.content(encoder, Some(&on.uid), Operation::IssueCredential).await;
        // Whatever kept us from looking says nothing of what was written before.
        let content = content.map_err(|error| error.with_advice(RetryAdvice::OutcomeUnknown))?;
        let Some((uid, Some(content))) = content.filter(|(uid, _)| *uid == on.uid) else {
            return Ok(Found::CannotTell);
        };
        let wanted: Record = map::record(&self.site.config, order, on.serial)?;
        let bears = content.valid().any(|(_, record)| record.serial() == on.serial);
        Ok(match () {
            // The record comes before the keys: without these the job is not done.
            () if content.is_just(&wanted) && content.has_its_keys() => {
                Found::Present(vec![map::granted(order, &OnCard { uid, ..on })])
            }
            () if bears => Found::Otherwise,
            () => Found::Absent,
        })
    }

    async fn amend(
        &self,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let encoder = encoder_of(target)?;
        let cards: Vec<Uid> = map::known(held).into_iter().map(|on| on.uid).collect();
        let is_meant = |uid: &Uid| cards.contains(uid);
        let written =
            self.write(encoder, target, is_meant, &cards, attempt, Operation::UpdateCredential).await?;
        Ok(match written {
            Some(on) => Answer::Done(map::granted(target, &on)),
            None => self.site.waits_for_card(encoder, target),
        })
    }

    async fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        _: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = &withdrawal.held;
        let known = map::known(held);
        if known.is_empty() {
            // No number was ever noted: nothing was ever written.
            return Ok(Answer::Done(map::gone()));
        }
        let Some(encoder) = withdrawal.at.or(held.order.at) else {
            return Ok(Answer::Done(map::not_wiped()));
        };
        let operation = match withdrawal.why {
            WhyWithdraw::Suspend => Operation::SuspendCredential,
            _ => Operation::RevokeCredential,
        };
        if self.wipe(encoder, &known, operation).await? {
            return Ok(Answer::Done(map::gone()));
        }
        Ok(match withdrawal.why {
            // Who has other doors now has lost these when the card says so: as any change, that waits for it.
            WhyWithdraw::Moved => self.site.waits_for_card(encoder, &held.order),
            _ => Answer::Done(map::not_wiped()),
        })
    }

    async fn devices(&self) -> Result<Vec<LockDevice>, LockError> {
        self.site.devices(self.describe().all_capabilities()).await
    }

    async fn health(&self, device: LockDeviceId) -> Result<DeviceHealth, LockError> {
        self.site.health(device)
    }
}
