//! A PN532 behind any byte stream: a serial line, or a bridge that carries one (section 4 of the page on encoders).

mod line;
mod status;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, ReportLink};

use self::line::{Line, Wake};
use super::bridge::Bridge;
use super::{Encoder, EncoderError, Family, Identity, KeyName, SectorKey, Target, Timer, Uid};
use crate::codec::pn532::{CardCommand, Command, Field, Firmware, Listed, targets};

/// Section 13: how long the chip may look for cards.
const LIST_LIMIT: Duration = Duration::from_secs(1);
/// Section 13: how long a card may take, and everything else.
const EXCHANGE_LIMIT: Duration = Duration::from_millis(200);
/// Section 4.4: how long the field is down to reset the cards in it.
const FIELD_DOWN: Duration = Duration::from_millis(10);

/// What a PN532 calls itself.
const CHIP: u8 = 0x32;
/// The chip's number for the one card that was listed.
const THE_TARGET: u8 = 1;
/// Looked for: one more than may lie there.
const MOST_TARGETS: u8 = 2;
/// GET_VERSION of a type 2 tag.
const GET_VERSION: u8 = 0x60;

/// A PN532.
///
/// # Cancellation
/// A future that is dropped leaves a command running; the next call ends it first.
pub struct Pn532 {
    line: Line,
    timer: Timer,
    /// The one card that the last list found, until it refuses something.
    selected: Option<Uid>,
    /// Whether a card may lie there that the chip has spoken to since the field came up: it may have halted.
    touched: bool,
}

impl fmt::Debug for Pn532 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pn532").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Pn532 {
    /// Over an open serial line.
    #[must_use]
    pub fn new(link: Box<dyn ByteLink>, timer: Timer) -> Self {
        Self::over(link, timer, Wake::First)
    }

    /// Behind a bridge that is a HID device (section 6.2): the same stream inside reports, and nothing to be woken.
    #[must_use]
    pub fn behind_bridge(link: Box<dyn ReportLink>, timer: Timer) -> Self {
        Self::over(Box::new(Bridge::new(link, timer.clone())), timer, Wake::Never)
    }

    fn over(link: Box<dyn ByteLink>, timer: Timer, wake: Wake) -> Self {
        Self { line: Line::new(link, timer.clone(), wake), timer, selected: None, touched: true }
    }

    async fn look(&mut self) -> Result<Vec<Target>, EncoderError> {
        let command = Command::InListPassiveTarget { max_targets: MOST_TARGETS, uid: None };
        let answer = self.line.ask(&command, LIST_LIMIT).await?;
        // EXPOSE: numbers and types of cards; a number goes into a `Uid`.
        let listed = targets(answer.expose()).ok_or(EncoderError::Protocol)?;
        listed.iter().flatten().map(|listed| target(listed).ok_or(EncoderError::Protocol)).collect()
    }

    async fn reset_field(&mut self) -> Result<(), EncoderError> {
        self.line.ask(&Command::Field(Field::Off), EXCHANGE_LIMIT).await?;
        self.timer.pause(FIELD_DOWN).await;
        self.line.ask(&Command::Field(Field::On), EXCHANGE_LIMIT).await?;
        Ok(())
    }

    /// A command to the selected card. Whatever goes wrong, the card has to be found again.
    async fn exchange(
        &mut self,
        target: &Target,
        command: &Command<'_>,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        if self.selected.take_if(|selected| *selected == target.uid).is_none() {
            return Err(EncoderError::CardGone);
        }
        let answer = self.line.ask(command, EXCHANGE_LIMIT).await?;
        // EXPOSE: status and data are parted; the data is a secret again.
        let (&said, data) = answer.expose().split_first().ok_or(EncoderError::Protocol)?;
        status::verdict(said)?;
        self.selected = Some(target.uid.clone());
        Ok(Secret::new(data.to_vec()))
    }

    async fn card(
        &mut self,
        target: &Target,
        command: CardCommand<'_>,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        self.exchange(target, &Command::InDataExchange(THE_TARGET, command)).await
    }
}

/// Section 4.5: what kind of card it is, by its type byte.
fn target(listed: &Listed<'_>) -> Option<Target> {
    let family = match (listed.sel_res, listed.uid.len()) {
        (0x08 | 0x88, 4 | 7) => Family::Classic1k,
        (0x00, 7) => Family::Type2,
        _ => Family::Other,
    };
    Some(Target { uid: Uid::new(listed.uid)?, family })
}

#[async_trait]
impl Encoder for Pn532 {
    async fn start(&mut self) -> Result<Identity, EncoderError> {
        self.selected = None;
        self.touched = true;
        self.line.wake().await?;
        let answer = self.line.ask(&Command::GetFirmwareVersion, EXCHANGE_LIMIT).await?;
        // EXPOSE: a version.
        let firmware = Firmware::parse(answer.expose()).filter(|firmware| firmware.chip == CHIP);
        let firmware = firmware.ok_or(EncoderError::Protocol)?;
        self.line.ask(&Command::FiniteRetries, EXCHANGE_LIMIT).await?;
        let firmware = format!("{}.{}", firmware.version, firmware.revision);
        Ok(Identity { model: "pn532", firmware })
    }

    async fn list(&mut self) -> Result<Vec<Target>, EncoderError> {
        self.selected = None;
        let mut found = self.look().await?;
        if found.is_empty() && self.touched {
            self.reset_field().await?;
            found = self.look().await?;
        }
        self.touched = !found.is_empty();
        if let [only] = found.as_slice() {
            self.selected = Some(only.uid.clone());
        }
        Ok(found)
    }

    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError> {
        let command = CardCommand::Authenticate { block, name, key, uid: &target.uid };
        self.card(target, command).await?;
        Ok(())
    }

    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError> {
        let data = self.card(target, CardCommand::Read(address)).await?;
        // EXPOSE: into a block, which is a secret again.
        let block = data.expose().as_slice().try_into().map_err(|_| EncoderError::Protocol)?;
        Ok(Secret::new(block))
    }

    async fn write_block(
        &mut self,
        target: &Target,
        block: u8,
        data: &Secret<[u8; 16]>,
    ) -> Result<(), EncoderError> {
        self.card(target, CardCommand::Write(block, data)).await?;
        Ok(())
    }

    async fn write_page(
        &mut self,
        target: &Target,
        page: u8,
        data: &Secret<[u8; 4]>,
    ) -> Result<(), EncoderError> {
        self.card(target, CardCommand::WritePage(page, data)).await?;
        Ok(())
    }

    /// A tag without this command refuses it or is silent, and so is one that is away: the card is looked for to tell.
    async fn version(&mut self, target: &Target) -> Result<[u8; 8], EncoderError> {
        let answer = self.exchange(target, &Command::InCommunicateThru(&[GET_VERSION])).await;
        self.selected = None;
        match answer {
            // EXPOSE: what the maker wrote into every tag of its kind.
            Ok(data) => data.expose().as_slice().try_into().map_err(|_| EncoderError::Protocol),
            Err(EncoderError::CardGone) => {
                let here = self.list().await?.contains(target);
                self.selected = None;
                Err(if here { EncoderError::CardRefused } else { EncoderError::CardGone })
            }
            Err(other) => Err(other),
        }
    }

    /// It has nothing to beep with.
    async fn beep(&mut self) -> Result<(), EncoderError> {
        Ok(())
    }
}
