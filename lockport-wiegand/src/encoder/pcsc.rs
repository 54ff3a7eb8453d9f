//! A contactless reader behind the operating system's PC/SC service (section 7 of the page on encoders).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::LinkError;

use super::{Encoder, EncoderError, Family, Identity, KeyName, SectorKey, Target, Uid};
use crate::codec::pcsc::{CardName, Command, DONE, FAILED, KeyMemory, NOT_SUPPORTED, card_name, parse};

/// How long the reader may take for a command, and the service to connect: as any encoder on USB (section 13).
const LIMIT: Duration = Duration::from_millis(500);

/// A reader as the PC/SC service lends it: for ourselves alone while a card is connected.
#[async_trait]
pub trait CardReader: fmt::Debug + Send + Sync + 'static {
    /// What the service calls it.
    fn name(&self) -> &str;

    /// Lets go of the card, whose power is taken from it, and connects to the one that lies there now: its ATR, or nothing where
    /// none lies there.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkError::Busy`] when another program has the card.
    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError>;

    /// A command and its answer, status last; nothing when the card is not there any more.
    ///
    /// # Errors
    /// [`LinkError`]; whether the command got to the card is not known.
    async fn transmit(
        &self,
        apdu: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError>;
}

/// A reader that speaks PC/SC.
///
/// It shows one card also where two lie there. It writes no tags: by these commands an Ultralight C, which is refused, cannot be told
/// from an NTAG.
pub struct Pcsc {
    reader: Box<dyn CardReader>,
    /// The card that is connected, until it refuses something.
    selected: Option<Uid>,
}

impl fmt::Debug for Pcsc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pcsc").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl Pcsc {
    /// Over a reader of the service's.
    #[must_use]
    pub fn new(reader: Box<dyn CardReader>) -> Self {
        Self { reader, selected: None }
    }

    /// A command's data; `refusal` is what it means that it failed.
    async fn ask(
        &self,
        command: &Command<'_>,
        refusal: EncoderError,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        let answer = self.reader.transmit(&command.apdu(), LIMIT).await?.ok_or(EncoderError::CardGone)?;
        // EXPOSE: taken apart; the data is a secret again.
        let response = parse(answer.expose()).ok_or(EncoderError::Protocol)?;
        match response.status {
            DONE => Ok(Secret::new(response.data.to_vec())),
            FAILED => Err(refusal),
            NOT_SUPPORTED => Err(EncoderError::Unsupported),
            // 69 82 is a sector that is not open; whatever else a reader says, the card has refused.
            _ => Err(EncoderError::CardRefused),
        }
    }

    /// A command to the connected card. Whatever goes wrong, the card has to be found again.
    async fn exchange(
        &mut self,
        target: &Target,
        commands: &[Command<'_>],
        refusal: EncoderError,
    ) -> Result<Secret<Vec<u8>>, EncoderError> {
        if self.selected.take_if(|selected| *selected == target.uid).is_none() {
            return Err(EncoderError::CardGone);
        }
        let mut data = Secret::new(Vec::new());
        for command in commands {
            data = self.ask(command, refusal).await?;
        }
        self.selected = Some(target.uid.clone());
        Ok(data)
    }
}

/// What kind of card it is: by its ATR, and by how long its number is.
fn family(name: CardName, uid: &Uid) -> Family {
    match (name, uid.bytes().len()) {
        (CardName::Classic1k, 4 | 7) => Family::Classic1k,
        (CardName::Ultralight, 7) => Family::Type2,
        _ => Family::Other,
    }
}

#[async_trait]
impl Encoder for Pcsc {
    /// The service tells no firmware that every reader has; a reader is known by its name.
    async fn start(&mut self) -> Result<Identity, EncoderError> {
        self.selected = None;
        let _card = self.reader.connect(LIMIT).await?;
        Ok(Identity { model: "pcsc", firmware: self.reader.name().to_owned() })
    }

    async fn list(&mut self) -> Result<Vec<Target>, EncoderError> {
        self.selected = None;
        let Some(atr) = self.reader.connect(LIMIT).await? else { return Ok(Vec::new()) };
        let uid = match self.ask(&Command::Uid, EncoderError::CardGone).await {
            Ok(uid) => uid,
            // Taken away between two commands: there is none.
            Err(EncoderError::CardGone) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        // EXPOSE: a card's number, into a `Uid`.
        let uid = Uid::new(uid.expose()).ok_or(EncoderError::Protocol)?;
        self.selected = Some(uid.clone());
        Ok(vec![Target { family: family(card_name(&atr), &uid), uid }])
    }

    async fn authenticate(
        &mut self,
        target: &Target,
        block: u8,
        name: KeyName,
        key: &SectorKey,
    ) -> Result<(), EncoderError> {
        let memory = KeyMemory::of_reader(self.reader.name());
        let commands = [Command::LoadKey(key, memory), Command::Authenticate(block, name)];
        self.exchange(target, &commands, EncoderError::KeyRefused).await?;
        Ok(())
    }

    async fn read(&mut self, target: &Target, address: u8) -> Result<Secret<[u8; 16]>, EncoderError> {
        let data = self.exchange(target, &[Command::Read(address)], EncoderError::CardGone).await?;
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
        self.exchange(target, &[Command::Write(block, data)], EncoderError::CardGone).await?;
        Ok(())
    }

    async fn write_page(&mut self, _: &Target, _: u8, _: &Secret<[u8; 4]>) -> Result<(), EncoderError> {
        Err(EncoderError::Unsupported)
    }

    async fn version(&mut self, _: &Target) -> Result<[u8; 8], EncoderError> {
        Err(EncoderError::Unsupported)
    }

    /// No command for it is every reader's.
    async fn beep(&mut self) -> Result<(), EncoderError> {
        Ok(())
    }
}
