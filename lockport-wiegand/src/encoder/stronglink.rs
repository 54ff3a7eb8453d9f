//! A StrongLink SL025 board (section 5 of the page on encoders).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError};
use zeroize::Zeroizing;

use super::{Encoder, EncoderError, Family, Identity, KeyName, SectorKey, Target, Timer, Uid};
use crate::codec::stronglink::{CardType, Command, Part, parse, selected, status};

/// Section 13.
const LIMIT: Duration = Duration::from_millis(500);
/// The most tries of a command that changes nothing on a card.
const TRIES: u32 = 2;
/// The most reads that throw away old input.
const MOST_DRAINED: u32 = 64;
/// More than any answer; what comes beyond it is noise.
const BUFFER: usize = 1024;
/// How many blocks a sector of a MIFARE Classic 1K has.
const BLOCKS: u8 = 4;

/// A StrongLink SL025B or SL025M.
///
/// It shows one card also where two lie there, and it has no GET_VERSION. Some converters to RS-485 give back what is sent on them
/// (section 12): exactly that is dropped. No answer begins as a command does, so the line itself tells whether it does so.
pub struct StrongLink {
    link: Box<dyn ByteLink>,
    timer: Timer,
    heard: Zeroizing<Vec<u8>>,
    /// The card that is selected, until it refuses something.
    selected: Option<Uid>,
}

impl fmt::Debug for StrongLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrongLink").field("link", &self.link).finish_non_exhaustive()
    }
}

impl StrongLink {
    /// Over an open line.
    #[must_use]
    pub fn new(link: Box<dyn ByteLink>, timer: Timer) -> Self {
        let heard = Zeroizing::new(Vec::with_capacity(BUFFER));
        Self { link, timer, heard, selected: None }
    }

    /// A command and its answer's data. What got no answer, or was damaged on the way, is sent again, unless a card may be
    /// changed by it.
    async fn ask(&mut self, command: &Command<'_>) -> Result<Secret<Vec<u8>>, EncoderError> {
        let tries = if command.writes() { 1 } else { TRIES };
        let frame = command.frame();
        let mut ended = EncoderError::Link(LinkError::TimedOut);
        for _ in 0..tries {
            self.drain().await?;
            self.link.write(&frame).await?;
            // EXPOSE: to know it again when the line gives it back.
            match self.answer(command.code(), frame.expose()).await {
                Ok(Answer { said: status::CHECKSUM_WRONG, .. }) => ended = EncoderError::Protocol,
                Ok(answer) => return verdict(command, answer.said).map(|()| answer.data),
                Err(again @ (EncoderError::Link(LinkError::TimedOut) | EncoderError::Protocol)) => {
                    ended = again
                }
                Err(away) => return Err(away),
            }
        }
        Err(ended)
    }

    async fn drain(&mut self) -> Result<(), EncoderError> {
        self.heard.clear();
        for _ in 0..MOST_DRAINED {
            match self.link.read(Duration::ZERO).await {
                Ok(_) => {}
                Err(LinkError::TimedOut) => break,
                Err(away) => return Err(away.into()),
            }
        }
        Ok(())
    }

    /// Waits for this command's answer; one to another command is an old one. `echo` is what the line may give back first.
    async fn answer(&mut self, code: u8, mut echo: &[u8]) -> Result<Answer, EncoderError> {
        let mut deadline = self.timer.deadline(LIMIT);
        let mut damaged = false;
        loop {
            while let Some(found) = self.next() {
                match found {
                    Some((command, answer)) if command == code => return Ok(answer),
                    Some(_) => {}
                    None => damaged = true,
                }
            }
            let heard_more = match self.timer.left(&mut deadline) {
                Some(left) => self.hear(left, &mut echo).await?,
                None => false,
            };
            if heard_more {
                continue;
            }
            if self.heard.is_empty() {
                return Err(if damaged { EncoderError::Protocol } else { LinkError::TimedOut.into() });
            }
            // What is kept began as an answer and never became one: noise, perhaps with the answer behind it.
            self.heard.remove(0);
            damaged = true;
        }
    }

    /// Takes in what comes; says whether anything came in time.
    async fn hear(&mut self, limit: Duration, echo: &mut &[u8]) -> Result<bool, EncoderError> {
        match self.link.read(limit).await {
            Ok(bytes) => {
                // EXPOSE: into the buffer, which is wiped.
                let bytes = without_echo(bytes.expose(), echo);
                let room = BUFFER.saturating_sub(self.heard.len());
                self.heard.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                Ok(true)
            }
            Err(LinkError::TimedOut) => Ok(false),
            Err(away) => Err(away.into()),
        }
    }

    /// The next thing in the buffer: an answer and its command, or a beginning that was none.
    fn next(&mut self) -> Option<Option<(u8, Answer)>> {
        let parsed = parse(&self.heard);
        let found = parsed.part.map(|part| match part {
            Part::Answer { command, status, data } => {
                Some((command, Answer { said: status, data: Secret::new(data.to_vec()) }))
            }
            Part::Broken(_) => None,
        });
        let used = parsed.used;
        self.heard.drain(..used);
        found
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
        let data = self.ask(command).await?;
        self.selected = Some(target.uid.clone());
        Ok(data)
    }
}

/// What came, without the command that the line has given back so far; once something else comes, it gives back no more.
fn without_echo<'b>(bytes: &'b [u8], echo: &mut &[u8]) -> &'b [u8] {
    let given_back = bytes.iter().zip(*echo).take_while(|(came, sent)| came == sent).count();
    let (_, rest) = bytes.split_at(given_back);
    let (_, left) = echo.split_at(given_back);
    *echo = if rest.is_empty() { left } else { &[] };
    rest
}

struct Answer {
    said: u8,
    data: Secret<Vec<u8>>,
}

/// THE table: what the reader says of a command, and what it means to us (section 5.2).
const fn verdict(command: &Command<'_>, said: u8) -> Result<(), EncoderError> {
    Err(match (command, said) {
        // Of a login, and of nothing else, success is 02.
        (Command::Login { .. }, status::LOGIN_OK) => return Ok(()),
        (Command::Login { .. }, status::DONE) => EncoderError::Protocol,
        (_, status::DONE) => return Ok(()),
        (_, status::NO_CARD) => EncoderError::CardGone,
        (_, status::LOGIN_FAILED) => EncoderError::KeyRefused,
        // Refused or disturbed: it does not say which.
        (_, status::READ_FAILED | status::WRITE_FAILED | status::NOT_READ_BACK) => EncoderError::Radio,
        (_, status::ADDRESS_TOO_HIGH) => EncoderError::Unsupported,
        // The card lost its power meanwhile.
        (_, status::NOT_LOGGED_IN) => EncoderError::CardGone,
        // 09, 0E and F0 are not of these commands, and others are not documented.
        _ => EncoderError::Protocol,
    })
}

#[async_trait]
impl Encoder for StrongLink {
    async fn start(&mut self) -> Result<Identity, EncoderError> {
        self.selected = None;
        let name = self.ask(&Command::Firmware).await?;
        // EXPOSE: a firmware's name.
        let name = str::from_utf8(name.expose()).map_err(|_| EncoderError::Protocol)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EncoderError::Protocol);
        }
        Ok(Identity { model: "stronglink", firmware: name.to_owned() })
    }

    async fn list(&mut self) -> Result<Vec<Target>, EncoderError> {
        self.selected = None;
        let found = match self.ask(&Command::Select).await {
            Ok(found) => found,
            Err(EncoderError::CardGone) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        // EXPOSE: a card's number and type; the number goes into a `Uid`.
        let (uid, card_type) = selected(found.expose()).ok_or(EncoderError::Protocol)?;
        let family = match card_type {
            CardType::Classic1k | CardType::Classic1kLong => Family::Classic1k,
            CardType::Type2 => Family::Type2,
            CardType::Classic4k | CardType::Classic4kLong | CardType::Desfire | CardType::Other => {
                Family::Other
            }
        };
        let uid = Uid::new(uid).ok_or(EncoderError::Protocol)?;
        self.selected = Some(uid.clone());
        Ok(vec![Target { uid, family }])
    }

    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError> {
        self.exchange(target, &Command::Login { sector: block / BLOCKS, name, key }).await?;
        Ok(())
    }

    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError> {
        let mut block = Zeroizing::new([0; 16]);
        if target.family == Family::Type2 {
            for (page, to) in (0..).zip(block.as_chunks_mut::<4>().0) {
                let page = address.wrapping_add(page);
                let data = self.exchange(target, &Command::ReadPage(page)).await?;
                // EXPOSE: into a block, which is a secret again.
                *to = data.expose().as_slice().try_into().map_err(|_| EncoderError::Protocol)?;
            }
        } else {
            let data = self.exchange(target, &Command::ReadBlock(address)).await?;
            // EXPOSE: as above.
            *block = data.expose().as_slice().try_into().map_err(|_| EncoderError::Protocol)?;
        }
        Ok(Secret::new(*block))
    }

    async fn write_block(
        &mut self,
        target: &Target,
        block: u8,
        data: &Secret<[u8; 16]>,
    ) -> Result<(), EncoderError> {
        self.exchange(target, &Command::WriteBlock(block, data)).await?;
        Ok(())
    }

    async fn write_page(
        &mut self,
        target: &Target,
        page: u8,
        data: &Secret<[u8; 4]>,
    ) -> Result<(), EncoderError> {
        self.exchange(target, &Command::WritePage(page, data)).await?;
        Ok(())
    }

    async fn version(&mut self, _: &Target) -> Result<[u8; 8], EncoderError> {
        Err(EncoderError::Unsupported)
    }

    /// It has nothing to beep with.
    async fn beep(&mut self) -> Result<(), EncoderError> {
        Ok(())
    }
}
