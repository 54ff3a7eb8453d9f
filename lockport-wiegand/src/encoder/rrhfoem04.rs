//! A RapidRadio RRHFOEM04 desk encoder (section 6.1 of the page on encoders).

use std::fmt::{self, Write as _};
use std::time::Duration;

use async_trait::async_trait;
use lockport::env::{LinkError, ReportLink};
use lockport::{Secret, Timestamp};

use super::{Encoder, EncoderError, Family, Identity, KeyName, SectorKey, Target, Timer, Uid};
use crate::codec::rrhfoem04::{Command, inventory, parse};

/// Section 13.
const LIMIT: Duration = Duration::from_millis(500);
/// The reader loses a command that comes sooner after the one before.
const GAP: Duration = Duration::from_millis(100);
/// The most old reports that are thrown away before a command.
const MOST_DRAINED: u32 = 64;
/// The most tries of a command that changes nothing on a card.
const TRIES: u32 = 2;

/// A RRHFOEM04.
///
/// It says that something failed and never why, so a refusal is told by the command that failed. It writes no pages: their
/// commands' layout is not published. It shows one card also where two lie there.
pub struct Rrhfoem04 {
    link: Box<dyn ReportLink>,
    timer: Timer,
    /// When the last command went out.
    last: Option<Timestamp>,
    /// The card that is selected, until it refuses something.
    selected: Option<Uid>,
}

impl fmt::Debug for Rrhfoem04 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rrhfoem04").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Rrhfoem04 {
    /// Over an open device.
    #[must_use]
    pub fn new(link: Box<dyn ReportLink>, timer: Timer) -> Self {
        Self { link, timer, last: None, selected: None }
    }

    /// A command and its answer's data, or nothing where the reader says that it failed. What got no answer, or a damaged one,
    /// is sent again, unless a card may be changed by it.
    async fn ask(&mut self, command: &Command<'_>) -> Result<Option<Secret<Vec<u8>>>, EncoderError> {
        let tries = if matches!(command, Command::Write(..)) { 1 } else { TRIES };
        let report = command.report();
        let mut ended = EncoderError::Link(LinkError::TimedOut);
        for _ in 0..tries {
            self.pace().await;
            self.drain().await?;
            self.last = Some(self.timer.now());
            self.link.write(&report).await?;
            match self.answer(command.code()).await {
                Err(again @ (EncoderError::Link(LinkError::TimedOut) | EncoderError::Protocol)) => {
                    ended = again
                }
                done => return done,
            }
        }
        Err(ended)
    }

    /// Waits until the reader can take a command. A clock that was set back costs one gap.
    async fn pace(&self) {
        let Some(last) = self.last else { return };
        let gone = self.timer.now().signed_duration_since(last).to_std().unwrap_or_default();
        if let Some(left) = GAP.checked_sub(gone).filter(|left| !left.is_zero()) {
            self.timer.pause(left).await;
        }
    }

    async fn drain(&self) -> Result<(), EncoderError> {
        for _ in 0..MOST_DRAINED {
            match self.link.read(Duration::ZERO).await {
                Ok(_) => {}
                Err(LinkError::TimedOut) => break,
                Err(away) => return Err(away.into()),
            }
        }
        Ok(())
    }

    /// Waits for this command's answer; one to another command is an old one.
    async fn answer(&self, code: u16) -> Result<Option<Secret<Vec<u8>>>, EncoderError> {
        let mut deadline = self.timer.deadline(LIMIT);
        let mut damaged = false;
        while let Some(left) = self.timer.left(&mut deadline) {
            let report = match self.link.read(left).await {
                Ok(report) => report,
                Err(LinkError::TimedOut) => break,
                Err(away) => return Err(away.into()),
            };
            // EXPOSE: taken apart; the data is a secret again.
            match parse(report.expose()) {
                Ok(response) if response.command == code => {
                    return Ok((response.error == 0).then(|| Secret::new(response.data.to_vec())));
                }
                Ok(_) => {}
                Err(_) => damaged = true,
            }
        }
        Err(if damaged { EncoderError::Protocol } else { LinkError::TimedOut.into() })
    }

    /// A command to the selected card. Whatever goes wrong, the card has to be found again.
    async fn exchange(
        &mut self,
        target: &Target,
        command: &Command<'_>,
        refusal: EncoderError,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        if self.selected.take_if(|selected| *selected == target.uid).is_none() {
            return Err(EncoderError::CardGone);
        }
        let data = self.ask(command).await?.ok_or(refusal)?;
        self.selected = Some(target.uid.clone());
        Ok(data)
    }
}

/// The model's name, and in hexadecimal what follows it: versions and the reader's own serial number. Where the one ends and the other
/// begins is not published, and need not be known to tell one reader from another.
fn firmware(information: &[u8]) -> Option<String> {
    let mut parts = information.splitn(2, |byte| *byte == b'-');
    let (name, rest) = (parts.next()?, parts.next().unwrap_or_default());
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut text = String::from_utf8_lossy(name).into_owned();
    for (at, byte) in rest.iter().enumerate() {
        // Writing to a string cannot fail.
        let _written = write!(text, "{}{byte:02X}", if at == 0 { "-" } else { "" });
    }
    Some(text)
}

#[async_trait]
impl Encoder for Rrhfoem04 {
    async fn start(&mut self) -> Result<Identity, EncoderError> {
        self.selected = None;
        let data = self.ask(&Command::Information).await?.ok_or(EncoderError::Protocol)?;
        // EXPOSE: what a device says of itself.
        let firmware = firmware(data.expose()).ok_or(EncoderError::Protocol)?;
        Ok(Identity { model: "rrhfoem04", firmware })
    }

    /// The reader tells a card's number and not its type. Four bytes are taken for a MIFARE Classic 1K, which is all that it
    /// can write; whether that is true, the first authentication says.
    async fn list(&mut self) -> Result<Vec<Target>, EncoderError> {
        self.selected = None;
        let Some(found) = self.ask(&Command::Inventory).await? else { return Ok(Vec::new()) };
        // EXPOSE: a card's number, into a `Uid`.
        let uid = inventory(found.expose()).and_then(Uid::new).ok_or(EncoderError::Protocol)?;
        // Taken away between two commands: there is none.
        if self.ask(&Command::Select(&uid)).await?.is_none() {
            return Ok(Vec::new());
        }
        self.selected = Some(uid.clone());
        Ok(vec![Target { uid, family: Family::Classic1k }])
    }

    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError> {
        let command = Command::Authenticate { uid: &target.uid, block, name, key };
        self.exchange(target, &command, EncoderError::KeyRefused).await?;
        Ok(())
    }

    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError> {
        let data = self.exchange(target, &Command::Read(address), EncoderError::CardGone).await?;
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
        self.exchange(target, &Command::Write(block, data), EncoderError::CardGone).await?;
        Ok(())
    }

    async fn write_page(&mut self, _: &Target, _: u8, _: &Secret<[u8; 4]>) -> Result<(), EncoderError> {
        Err(EncoderError::Unsupported)
    }

    async fn version(&mut self, _: &Target) -> Result<[u8; 8], EncoderError> {
        Err(EncoderError::Unsupported)
    }

    async fn beep(&mut self) -> Result<(), EncoderError> {
        self.ask(&Command::Beep).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 6.1: model up to the hyphen, versions, serial in the last bytes. Two readers of one make differ, as do two firmwares.
    #[test]
    fn a_reader_is_told_from_another_of_its_make() {
        let own = firmware(b"RRHFOEM04-\x01\x06\x00\x00\x12\x34");
        assert_eq!(own.as_deref(), Some("RRHFOEM04-010600001234"));
        assert_ne!(own, firmware(b"RRHFOEM04-\x01\x06\x00\x00\x12\x35"));
        assert_ne!(own, firmware(b"RRHFOEM04-\x01\x07\x00\x00\x12\x34"));
        assert_eq!(firmware(b"RRHFOEM07").as_deref(), Some("RRHFOEM07"));
        assert_eq!((firmware(b""), firmware(b"-\x01"), firmware(b"R\xFF-")), (None, None, None));
    }
}
