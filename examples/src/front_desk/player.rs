//! The player: turns the clock, wakes the desk whenever it asked to be woken, and plays line after line.

use std::collections::BTreeMap;
use std::io;

use chrono::TimeDelta;
use lockport::credential::Artifact;
use lockport::event::{Envelope, Published};
use lockport::id::{ArtifactRef, ReservationId, UserId};
use lockport::keys::{DeskTask, KeyService};
use lockport::{LockError, Timestamp};
use serde_json::Value;

use super::day::{Heard, Line, Moment, Refusal, Restart, Step, Try, Who};
use super::hotel::Hotel;
use super::house::{Died, House, HouseError, StoreAt, Verdict};
use super::output::{Answer, Output, Summary, Tried};

/// Events taken from the outbox at once.
const BATCH: usize = 64;

/// How often the desk is woken at one instant before it has to wait for the next.
const WAKES_AT_ONCE: usize = 64;

/// Why a day ended before its last line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The house does not open.
    #[error(transparent)]
    House(#[from] HouseError),
    /// The desk failed where no vendor was asked.
    #[error("the desk failed: {0}")]
    Desk(#[from] LockError),
    /// Nobody listens any more, or what was told cannot be written.
    #[error("{0}")]
    Output(#[from] io::Error),
}

/// Why a line is not done yet.
enum Halt {
    /// The process died over it.
    Died,
    Failed(PlayError),
}

impl From<Died> for Halt {
    fn from(_: Died) -> Self {
        Self::Died
    }
}

impl From<LockError> for Halt {
    fn from(error: LockError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Plays a day and tells it.
///
/// # Errors
/// [`PlayError`] when the house does not open, when the desk itself fails, or when nothing can be told any more.
pub async fn play(
    hotel: &Hotel,
    day: &[Line],
    seed: u64,
    store: StoreAt,
    output: &mut dyn Output,
) -> Result<Summary, PlayError> {
    // The hours before the first line are nobody's: the house opens with it.
    let first = day.iter().find_map(|line| line.content.as_ref().ok());
    let opening = first.map(|moment| moment.at).unwrap_or_default();
    let mut player = Player::open(hotel, opening, seed, store, output).await?;
    for line in day {
        player.line(line).await?;
    }
    player.close().await
}

/// A house in which a day is being played.
///
/// Everything here is outside the process behind the desk and outlives it: the bus, the guests' hands, what was told.
pub struct Player<'o> {
    house: House,
    now: Timestamp,
    /// When the desk wants to be woken next.
    wake: Option<Timestamp>,
    /// What each guest was handed so far.
    wallets: BTreeMap<ReservationId, Vec<Artifact>>,
    /// Whoever delivers keys to guests; a reveal is written down under this name.
    courier: UserId,
    summary: Summary,
    output: &'o mut dyn Output,
}

impl<'o> Player<'o> {
    /// Opens the house. The same seed makes the same day.
    ///
    /// # Errors
    /// [`PlayError::House`] when the house does not open.
    pub async fn open(
        hotel: &Hotel,
        opening: Timestamp,
        seed: u64,
        store: StoreAt,
        output: &'o mut dyn Output,
    ) -> Result<Self, PlayError> {
        Ok(Self {
            house: House::start(hotel, opening, seed, store).await?,
            now: opening,
            wake: Some(opening),
            wallets: BTreeMap::new(),
            courier: UserId::derived("front-desk/courier/v1", &[&hotel.property.to_bytes()]),
            summary: Summary::default(),
            output,
        })
    }

    /// What a guest was handed so far.
    #[must_use]
    pub fn in_hand(&self, guest: ReservationId) -> &[Artifact] {
        self.wallets.get(&guest).map_or(&[], Vec::as_slice)
    }

    /// How many keys the vendor holds for a door.
    #[must_use]
    pub fn keys_at(&self, door: &str) -> usize {
        self.house.keys_at(door)
    }

    /// Tells what the day came to.
    ///
    /// # Errors
    /// [`PlayError`] when the desk itself fails or nothing can be told any more.
    pub async fn close(mut self) -> Result<Summary, PlayError> {
        self.summary.open_tasks = loop {
            match self.open_tasks().await {
                Ok(tasks) => break tasks.len(),
                Err(halt) => self.get_over(halt).await?,
            }
        };
        self.output.summary(&self.summary)?;
        Ok(self.summary)
    }

    /// Plays a line and tells what became of it. A line over which the process dies is played again, as a bus would, and answered
    /// once: with the first answer.
    ///
    /// # Errors
    /// [`PlayError`] when the desk itself fails or nothing can be told any more.
    pub async fn line(&mut self, line: &Line) -> Result<(), PlayError> {
        let mut is_told = false;
        while let Err(halt) = self.play(line, &mut is_told).await {
            self.get_over(halt).await?;
        }
        Ok(())
    }

    async fn play(&mut self, line: &Line, is_told: &mut bool) -> Result<(), Halt> {
        let answer = match &line.content {
            Err(refusal) => Answer::Refused(refusal.clone()),
            Ok(Moment { at, step }) => {
                self.advance(*at).await?;
                self.step(step).await?
            }
        };
        if !std::mem::replace(is_told, true) {
            self.summary.count(&answer);
            self.output.answer(line, &answer)?;
        }
        if let Ok(Moment { step: Step::Event(_), .. }) = line.content {
            self.pump().await?;
        }
        Ok(())
    }

    /// After a death the process comes back where it died, and does what is due there.
    async fn get_over(&mut self, halt: Halt) -> Result<(), PlayError> {
        match halt {
            Halt::Failed(error) => Err(error),
            Halt::Died => {
                self.output.came_back(self.now)?;
                self.come_back().await
            }
        }
    }

    async fn come_back(&mut self) -> Result<(), PlayError> {
        loop {
            self.house.come_back().await?;
            match self.pump().await {
                Ok(()) => return Ok(()),
                Err(Halt::Failed(error)) => return Err(error),
                Err(Halt::Died) => {}
            }
        }
    }

    async fn step(&mut self, step: &Step) -> Result<Answer, Halt> {
        Ok(match step {
            Step::Event(heard) => self.event(heard).await?,
            Step::Try(attempt) => Answer::Tried(self.attempt(attempt).await?),
            // Nothing here needs a person at the desk yet: every key of this hotel comes by itself.
            Step::Arrive(_) => Answer::Taken,
            Step::Restart(Restart::Now) => {
                self.come_back().await.map_err(Halt::Failed)?;
                Answer::Taken
            }
            Step::Restart(Restart::AfterCalls(calls)) => {
                self.house.dies_after(*calls);
                Answer::Taken
            }
        })
    }

    async fn event(&self, heard: &Heard) -> Result<Answer, Halt> {
        if heard.news.is_none() {
            return Ok(Answer::Taken);
        }
        Ok(match self.house.ask(async |desk| desk.deliver(&heard.envelope).await).await? {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::Refused(Refusal::from(&error)),
        })
    }

    async fn attempt(&self, attempt: &Try) -> Result<Tried, Halt> {
        let guest = match &attempt.who {
            Who::Guest(reservation) => Some(*reservation),
            Who::Staff(_) | Who::Finder(_) | Who::Stranger(_) => None,
        };
        let in_hand = guest.map_or(&[][..], |guest| self.in_hand(guest));
        let Verdict { opened, why } = self.house.try_open(&attempt.door, in_hand, self.now);
        let task = match guest {
            Some(guest) if !opened => self.open_task(guest).await?,
            _ => None,
        };
        let is_wrong = attempt.expect.is_some_and(|expect| expect != opened);
        Ok(Tried { opened, why: why.to_owned(), task, is_wrong })
    }

    async fn open_task(&self, guest: ReservationId) -> Result<Option<String>, Halt> {
        let tasks = self.open_tasks().await?;
        let own = tasks.iter().find(|task| task.reservation == Some(guest));
        Ok(own.map(|task| task.kind.as_str().to_owned()))
    }

    async fn open_tasks(&self) -> Result<Vec<DeskTask>, Halt> {
        Ok(self.house.ask(async |desk| desk.open_tasks().await).await??)
    }

    /// Moves the clock to a line, from one wish to be woken to the next.
    async fn advance(&mut self, to: Timestamp) -> Result<(), Halt> {
        while let Some(wake) = self.wake.filter(|wake| *wake < to) {
            // A desk that wants to be woken at once is woken a second later: between two lines time has to pass.
            let next = wake.max(self.now.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(to));
            if next >= to {
                break;
            }
            self.set_clock(next);
            self.pump().await?;
        }
        // What is tried at one instant is tried at one state of the house.
        if to > self.now || self.wake.is_some_and(|wake| wake <= to) {
            self.set_clock(to);
            self.pump().await?;
        }
        Ok(())
    }

    fn set_clock(&mut self, now: Timestamp) {
        self.now = now;
        self.house.set_clock(now);
    }

    /// Lets the desk do all that is due now, and hands on what it has to tell.
    async fn pump(&mut self) -> Result<(), Halt> {
        for _ in 0..WAKES_AT_ONCE {
            self.wake = self.house.ask(async |desk| desk.tick().await).await??;
            self.drain().await?;
            if self.wake.is_none_or(|wake| wake > self.now) {
                break;
            }
        }
        Ok(())
    }

    /// An event is told first and then marked as told: whoever dies in between tells it twice, and nobody misses it.
    async fn drain(&mut self) -> Result<(), Halt> {
        loop {
            let waiting = self.house.ask(async |desk| desk.drain(BATCH).await).await??;
            if waiting.is_empty() {
                return Ok(());
            }
            for undelivered in waiting {
                let event = undelivered.event().clone();
                self.output.event(&event)?;
                self.summary.count_event(&event);
                self.hand_over(&event).await?;
                self.house.ask(async |desk| desk.delivered(undelivered).await).await??;
            }
        }
    }

    /// What an app does when it hears of a key: it exchanges the reference for the key, and the guest has it.
    async fn hand_over(&mut self, event: &Envelope) -> Result<(), Halt> {
        let text = |pointer: &str| event.data.pointer(pointer).and_then(Value::as_str);
        let reference =
            text("/delivery/artifact/opaqueRef").and_then(|text| text.parse::<ArtifactRef>().ok());
        let guest = text("/reservationId").and_then(|text| text.parse::<ReservationId>().ok());
        let (Some(reference), Some(guest)) = (reference, guest) else { return Ok(()) };
        let reveal =
            async |desk: &KeyService| desk.reveal(reference, self.courier, "delivery to the guest").await;
        let deliveries = match self.house.ask(reveal).await? {
            Ok(deliveries) => deliveries,
            // A key that was taken away again before anybody fetched it: there is nothing to hand over.
            Err(error) if !error.is_retriable() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let artifacts = deliveries.into_iter().map(|delivery| delivery.artifact);
        self.wallets.entry(guest).or_default().extend(artifacts);
        Ok(())
    }
}

impl Summary {
    fn count(&mut self, answer: &Answer) {
        let add = |counter: &mut usize, counts: bool| *counter = counter.saturating_add(counts.into());
        match answer {
            Answer::Taken => {}
            Answer::Refused(_) => add(&mut self.refused_lines, true),
            Answer::Tried(Tried { opened, is_wrong, .. }) => {
                add(&mut self.tries, true);
                add(&mut self.opened, *opened);
                add(&mut self.wrong, *is_wrong);
            }
        }
    }

    fn count_event(&mut self, event: &Envelope) {
        let counter = match &*event.subject {
            subject if subject == Published::CredentialIssued.subject() => &mut self.issued,
            subject if subject == Published::CredentialRevoked.subject() => &mut self.revoked,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }
}
