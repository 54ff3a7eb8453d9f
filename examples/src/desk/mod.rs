//! A desk without a network: a SQLite file, an encoder, and a prompt at which somebody types. Nothing runs between two lines: the
//! service is woken before each prompt, which is all that a program needs that has a person in front of it.

use std::io::{self, BufRead, Write};
use std::path::Path;

use lockport::LockError;
use lockport::env::Env;
use lockport::event::Envelope;
use lockport::id::{LockDeviceId, ReservationId};
use lockport_mock::MockVendor;

use crate::front_desk::hotel::Hotel;
use crate::front_desk::house::{HouseError, StoreAt};
use crate::front_desk::printable;
use crate::host::{Wired, WiringError, wire};

/// What can be typed.
const HELP: &str =
    "event JSON | arrive RESERVATION | card NUMBER | encode RESERVATION | tasks | try DOOR CARD | quit";

/// Events taken from the outbox at once.
const BATCH: usize = 64;

/// Why a desk does not come up, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// The file.
    #[error(transparent)]
    Store(#[from] HouseError),
    /// The locks.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// The hotel has no encoder.
    #[error("the hotel has no vendor of cards")]
    NoEncoder,
    /// What was typed, or what is printed.
    #[error(transparent)]
    Terminal(#[from] io::Error),
    /// The service.
    #[error(transparent)]
    Keys(#[from] LockError),
}

/// Serves a desk until `quit`, or until nothing more is typed.
///
/// # Errors
/// [`DeskError`] when it does not come up, or its file or its terminal is away. What is refused is told, and the desk goes on.
pub async fn run(
    hotel: &Hotel,
    store: &Path,
    env: &Env,
    typed: impl BufRead,
    to: &mut impl Write,
) -> Result<(), DeskError> {
    let store = StoreAt::File(store.to_owned()).open().await?;
    let wired = wire(hotel, &store, env, "desk-1")?;
    let mut cards = wired.locks.values().filter_map(|locks| Some((locks.vendor.clone(), locks.encoder?)));
    let (vendor, encoder) = cards.next().ok_or(DeskError::NoEncoder)?;
    let desk = Desk { hotel, env, wired: &wired, vendor, encoder };
    desk.wake(to).await?;
    for line in typed.lines() {
        let line = line?;
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if word == "quit" {
            break;
        }
        if let Err(refused) = desk.does(word, rest.trim(), to).await {
            let Refused::Told(why) = refused else { return Err(refused.into()) };
            writeln!(to, "no: {}", printable(&why))?;
        }
        desk.wake(to).await?;
    }
    Ok(())
}

/// Why a line did nothing.
enum Refused {
    Told(String),
    Terminal(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

impl From<LockError> for Refused {
    fn from(error: LockError) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<Refused> for DeskError {
    fn from(refused: Refused) -> Self {
        Self::Terminal(match refused {
            Refused::Terminal(error) => error,
            Refused::Told(why) => io::Error::other(why),
        })
    }
}

struct Desk<'h> {
    hotel: &'h Hotel,
    env: &'h Env,
    wired: &'h Wired,
    vendor: MockVendor,
    encoder: LockDeviceId,
}

impl Desk<'_> {
    /// Does what is due, and tells what there is to tell.
    async fn wake(&self, to: &mut impl Write) -> Result<(), DeskError> {
        self.wired.keys.tick().await?;
        loop {
            let waiting = self.wired.keys.drain(BATCH).await?;
            if waiting.is_empty() {
                break;
            }
            for event in waiting {
                let subject = &event.event().subject;
                writeln!(to, "told: {}", subject.strip_prefix("melmastoon.lock.").unwrap_or(subject))?;
                self.wired.keys.delivered(event).await?;
            }
        }
        write!(to, "> ")?;
        Ok(to.flush()?)
    }

    async fn does(&self, word: &str, rest: &str, to: &mut impl Write) -> Result<(), Refused> {
        match word {
            "" => Ok(()),
            "event" => {
                let event: Envelope =
                    serde_json::from_str(rest).map_err(|error| Refused::Told(error.to_string()))?;
                Ok(self.wired.keys.deliver(&event).await?)
            }
            "arrive" => self.tasks(Some(guest(rest)?), to).await,
            "tasks" => self.tasks(None, to).await,
            "card" => {
                self.vendor.encoder(self.encoder).place_card(rest);
                Ok(())
            }
            "encode" => self.encode(guest(rest)?, to).await,
            "try" => {
                let (door, card) = rest.split_once(' ').unwrap_or((rest, ""));
                if !self.hotel.has_door(door) {
                    return Err(Refused::Told(format!("there is no door {door:?}")));
                }
                let opens = self.vendor.door(self.hotel.lock(door)).try_open(card.trim(), self.env.now());
                writeln!(to, "door {door} {}", if opens { "opens" } else { "stays shut" })?;
                Ok(())
            }
            _ => Err(Refused::Told(format!("what there is: {HELP}"))),
        }
    }

    async fn tasks(&self, of: Option<ReservationId>, to: &mut impl Write) -> Result<(), Refused> {
        let mut open = self.wired.keys.open_tasks().await?;
        open.retain(|task| of.is_none() || task.reservation() == of);
        for task in &open {
            let of = task.reservation().map(|id| id.to_string()).unwrap_or_default();
            writeln!(to, "task: {} {of}", task.kind.as_str())?;
        }
        if open.is_empty() {
            writeln!(to, "nothing to do")?;
        }
        Ok(())
    }

    async fn encode(&self, guest: ReservationId, to: &mut impl Write) -> Result<(), Refused> {
        let encoded = self.wired.keys.encode_now(guest.into(), self.encoder).await?;
        if let Some((_, error)) = encoded.failed.into_iter().next() {
            return Err(error.into());
        }
        let told = match (encoded.done.len(), encoded.waiting.len()) {
            (0, 0) => "nothing is to be written",
            (_, 0) => "the card is ready",
            _ => "another card is needed: lay it on the encoder, and type `encode` again",
        };
        writeln!(to, "{told}")?;
        Ok(())
    }
}

fn guest(text: &str) -> Result<ReservationId, Refused> {
    text.parse().map_err(|_| Refused::Told(format!("no reservation: {text:?}")))
}
