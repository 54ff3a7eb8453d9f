//! One card in hand: found, opened, read and written, with the repeats that the page allows and no other.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use lockport::env::{Clock, LinkError};
use lockport::{Secret, Timestamp};

use super::Trouble;
use super::keys::{Keys, Opener};
use super::place::{DataBlock, MessagePage, Sector};
use crate::codec::access::Trailer;
use crate::encoder::{Encoder, EncoderError, Family, Target};
use crate::limits::{JOB, WRITES};

/// A card that lies on an encoder, for one job.
pub(crate) struct Hand<'e> {
    encoder: &'e mut dyn Encoder,
    target: Target,
    keys: &'e Keys,
    clock: Arc<dyn Clock>,
    until: Timestamp,
    /// The sector that is open, and which key opened it.
    open: Option<(Sector, usize)>,
    /// Whether anything was sent that the card may have kept.
    touched: bool,
}

/// The card that lies there, if exactly one does.
pub(crate) async fn find(encoder: &mut dyn Encoder) -> Result<Option<Target>, Trouble> {
    match encoder.list().await?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Trouble::SeveralCards),
    }
}

/// Whether nothing further can come from the encoder: the cable is out, or somebody else has it.
pub(crate) const fn is_away(error: EncoderError) -> bool {
    matches!(error, EncoderError::Link(LinkError::Gone | LinkError::Busy | LinkError::Denied))
}

impl<'e> Hand<'e> {
    /// The card that was just found; the job's time runs from now.
    pub(crate) fn on(
        encoder: &'e mut dyn Encoder,
        target: Target,
        keys: &'e Keys,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let until = clock.now().checked_add_signed(delta(JOB)).unwrap_or(Timestamp::MAX_UTC);
        Self { encoder, target, keys, clock, until, open: None, touched: false }
    }

    pub(crate) const fn keys(&self) -> &'e Keys {
        self.keys
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the card may hold something that it did not hold before this job.
    pub(crate) const fn is_touched(&self) -> bool {
        self.touched
    }

    fn check_time(&self) -> Result<(), Trouble> {
        if self.clock.now() < self.until { Ok(()) } else { Err(Trouble::TooLong) }
    }

    /// Finds the same card again: after a refusal it has halted, after a loss of power it has forgotten everything.
    pub(crate) async fn find_again(&mut self) -> Result<(), Trouble> {
        self.open = None;
        match find(self.encoder).await? {
            Some(target) if target.uid == self.target.uid => {
                self.target = target;
                Ok(())
            }
            _ => Err(Trouble::Removed),
        }
    }

    /// Which kind of tag it is; the card is found again after it.
    pub(crate) async fn version(&mut self) -> Result<[u8; 8], Trouble> {
        self.check_time()?;
        let version = self.encoder.version(&self.target).await;
        self.find_again().await?;
        version.map_err(|error| match error {
            EncoderError::Link(_) | EncoderError::Protocol => error.into(),
            _ => Trouble::Unsupported,
        })
    }

    /// Opens a sector with one of the keys that it can have, and tells which. Every other key would be a guess.
    pub(crate) async fn open(&mut self, sector: Sector) -> Result<usize, Trouble> {
        if let Some((open, by)) = self.open
            && open == sector
        {
            return Ok(by);
        }
        self.reopen(sector).await
    }

    /// Opens a sector also when it is open: what is read then is what the card has kept.
    pub(crate) async fn reopen(&mut self, sector: Sector) -> Result<usize, Trouble> {
        for (by, opener) in self.keys.of(&self.target.uid, sector).into_iter().enumerate() {
            if self.try_key(sector, &opener).await? {
                self.open = Some((sector, by));
                return Ok(by);
            }
        }
        Err(Trouble::SectorConfig)
    }

    /// Whether this key opens the sector; afterwards the card is selected, whatever came of it.
    pub(crate) async fn try_key(&mut self, sector: Sector, opener: &Opener) -> Result<bool, Trouble> {
        self.open = None;
        let block = sector.first().address();
        for is_last in [false, true] {
            self.check_time()?;
            match self.encoder.authenticate(&self.target, block, opener.name, &opener.key).await {
                Ok(()) => return Ok(true),
                Err(EncoderError::KeyRefused) => {
                    self.find_again().await?;
                    return Ok(false);
                }
                Err(error) => self.mend(error, is_last).await?,
            }
        }
        Err(Trouble::Removed)
    }

    /// After a command that failed and may be repeated: the card is found again, unless that was the last try.
    async fn mend(&mut self, error: EncoderError, is_last: bool) -> Result<(), Trouble> {
        if is_last || is_away(error) || error == EncoderError::Unsupported {
            return Err(match error {
                EncoderError::CardGone => Trouble::Removed,
                EncoderError::CardRefused | EncoderError::KeyRefused => Trouble::SectorConfig,
                error => error.into(),
            });
        }
        self.find_again().await
    }

    /// Reads a block, twice where the first reading came to nothing.
    pub(crate) async fn read_block(&mut self, block: DataBlock) -> Result<Secret<[u8; 16]>, Trouble> {
        for is_last in [false, true] {
            self.open(block.sector()).await?;
            self.check_time()?;
            match self.encoder.read(&self.target, block.address()).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => self.mend(error, is_last).await?,
            }
        }
        Err(Trouble::Removed)
    }

    /// Reads a sector's trailer: its access bits; its keys are not to be had.
    pub(crate) async fn read_trailer(&mut self, sector: Sector) -> Result<Secret<[u8; 16]>, Trouble> {
        self.open(sector).await?;
        self.check_time()?;
        Ok(self.encoder.read(&self.target, sector.trailer()).await?)
    }

    /// Writes a block, and knows afterwards that it stands there. A write without an answer is looked after before it is repeated.
    pub(crate) async fn write_block(
        &mut self,
        block: DataBlock,
        data: &Secret<[u8; 16]>,
    ) -> Result<(), Trouble> {
        for _ in 0..WRITES {
            self.open(block.sector()).await?;
            self.check_time()?;
            self.touched = true;
            match self.encoder.write_block(&self.target, block.address(), data).await {
                Ok(()) => return Ok(()),
                Err(error) if is_away(error) => return Err(error.into()),
                Err(_) => {
                    self.find_again().await?;
                    if is_same(&self.read_block(block).await?, data) {
                        return Ok(());
                    }
                }
            }
        }
        Err(Trouble::Verify)
    }

    /// Writes a sector's trailer, once and never again: what became of it, its keys tell.
    pub(crate) async fn write_trailer(&mut self, sector: Sector, trailer: &Trailer) -> Result<(), Trouble> {
        self.open(sector).await?;
        self.check_time()?;
        self.touched = true;
        let written = self.encoder.write_block(&self.target, sector.trailer(), trailer.block()).await;
        self.open = None;
        match written {
            Err(error) if is_away(error) => Err(error.into()),
            _ => self.find_again().await,
        }
    }

    /// Reads four pages of a tag from this one on.
    pub(crate) async fn read_pages(&mut self, page: MessagePage) -> Result<Secret<[u8; 16]>, Trouble> {
        for is_last in [false, true] {
            self.check_time()?;
            match self.encoder.read(&self.target, page.address()).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => self.mend(error, is_last).await?,
            }
        }
        Err(Trouble::Removed)
    }

    /// Writes a page of a tag; as [`write_block`](Self::write_block).
    pub(crate) async fn write_page(
        &mut self,
        page: MessagePage,
        data: &Secret<[u8; 4]>,
    ) -> Result<(), Trouble> {
        for _ in 0..WRITES {
            self.check_time()?;
            self.touched = true;
            match self.encoder.write_page(&self.target, page.address(), data).await {
                Ok(()) => return Ok(()),
                Err(error) if is_away(error) || error == EncoderError::Unsupported => {
                    return Err(error.into());
                }
                Err(_) => {
                    self.find_again().await?;
                    if starts_with(&self.read_pages(page).await?, data) {
                        return Ok(());
                    }
                }
            }
        }
        Err(Trouble::Verify)
    }

    /// Tells the person at the desk that it is done. Nothing depends on it.
    pub(crate) async fn beep(&mut self) {
        let _silent = self.encoder.beep().await;
    }

    pub(crate) const fn is_classic(&self) -> bool {
        matches!(self.target.family, Family::Classic1k)
    }

    pub(crate) const fn is_tag(&self) -> bool {
        matches!(self.target.family, Family::Type2)
    }
}

pub(crate) fn is_same(one: &Secret<[u8; 16]>, other: &Secret<[u8; 16]>) -> bool {
    // EXPOSE: what was read back, compared with what was written.
    one.expose() == other.expose()
}

fn starts_with(pages: &Secret<[u8; 16]>, page: &Secret<[u8; 4]>) -> bool {
    // EXPOSE: what was read back, compared with what was written.
    pages.expose().starts_with(page.expose())
}

pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
