//! The player: turns the clock, wakes the desk whenever it asked to be woken, and plays line after line.

use std::collections::BTreeMap;
use std::io;

use chrono::TimeDelta;
use lockport::credential::Artifact;
use lockport::event::{Envelope, Published};
use lockport::id::{ArtifactRef, ReservationId, UserId};
use lockport::{LockError, Timestamp};
use serde_json::Value;

use super::day::{Heard, Line, Moment, Refusal, Step, Try, Who};
use super::hotel::Hotel;
use super::house::{House, HouseError, Verdict};
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

/// Plays a day and tells it.
///
/// # Errors
/// [`PlayError`] when the house does not open, when the desk itself fails, or when nothing can be told any more.
pub async fn play(
    hotel: &Hotel,
    day: &[Line],
    seed: u64,
    output: &mut dyn Output,
) -> Result<Summary, PlayError> {
    // The hours before the first line are nobody's: the house opens with it.
    let first = day.iter().find_map(|line| line.content.as_ref().ok());
    let opening = first.map(|moment| moment.at).unwrap_or_default();
    let house = House::start(hotel, opening, seed).await?;
    let mut player = Player {
        house,
        now: opening,
        wake: Some(opening),
        wallets: BTreeMap::new(),
        // Whoever delivers keys to guests; `reveal` writes down who asked.
        courier: UserId::derived("front-desk/courier/v1", &[&hotel.property.to_bytes()]),
        summary: Summary::default(),
        output,
    };
    for line in day {
        player.line(line).await?;
    }
    player.summary.open_tasks = player.house.service.open_tasks().await?.len();
    player.output.summary(&player.summary)?;
    Ok(player.summary)
}

struct Player<'o> {
    house: House,
    now: Timestamp,
    /// When the desk wants to be woken next.
    wake: Option<Timestamp>,
    /// What each guest was handed so far.
    wallets: BTreeMap<ReservationId, Vec<Artifact>>,
    courier: UserId,
    summary: Summary,
    output: &'o mut dyn Output,
}

impl Player<'_> {
    async fn line(&mut self, line: &Line) -> Result<(), PlayError> {
        let answer = match &line.content {
            Err(refusal) => Answer::Refused(refusal.clone()),
            Ok(Moment { at, step }) => {
                self.advance(*at).await?;
                self.step(step).await?
            }
        };
        if matches!(answer, Answer::Refused(_)) {
            self.summary.refused_lines = self.summary.refused_lines.saturating_add(1);
        }
        self.output.answer(line, &answer)?;
        if let Ok(Moment { step: Step::Event(_), .. }) = line.content {
            self.pump().await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<Answer, PlayError> {
        Ok(match step {
            Step::Event(heard) => self.event(heard).await,
            Step::Try(attempt) => Answer::Tried(self.attempt(attempt).await?),
            // Nothing here needs a person at the desk yet: every key of this hotel comes by itself.
            Step::Arrive(_) => Answer::Taken,
        })
    }

    async fn event(&self, heard: &Heard) -> Answer {
        if heard.news.is_none() {
            return Answer::Taken;
        }
        match self.house.service.deliver(&heard.envelope).await {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::Refused(Refusal::from(&error)),
        }
    }

    async fn attempt(&mut self, attempt: &Try) -> Result<Tried, PlayError> {
        let guest = match &attempt.who {
            Who::Guest(reservation) => Some(*reservation),
            Who::Staff(_) | Who::Finder(_) | Who::Stranger(_) => None,
        };
        let in_hand = guest.and_then(|guest| self.wallets.get(&guest)).map_or(&[][..], Vec::as_slice);
        let Verdict { opened, why } = self.house.try_open(&attempt.door, in_hand, self.now);
        let task = match guest {
            Some(guest) if !opened => self.open_task(guest).await?,
            _ => None,
        };
        let is_wrong = attempt.expect.is_some_and(|expect| expect != opened);
        self.summary.tries = self.summary.tries.saturating_add(1);
        self.summary.opened = self.summary.opened.saturating_add(usize::from(opened));
        self.summary.wrong = self.summary.wrong.saturating_add(usize::from(is_wrong));
        Ok(Tried { opened, why: why.to_owned(), task, is_wrong })
    }

    async fn open_task(&self, guest: ReservationId) -> Result<Option<String>, LockError> {
        let tasks = self.house.service.open_tasks().await?;
        let own = tasks.iter().find(|task| task.reservation == Some(guest));
        Ok(own.map(|task| task.kind.as_str().to_owned()))
    }

    /// Moves the clock to a line, from one wish to be woken to the next.
    async fn advance(&mut self, to: Timestamp) -> Result<(), PlayError> {
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
    async fn pump(&mut self) -> Result<(), PlayError> {
        for _ in 0..WAKES_AT_ONCE {
            self.wake = self.house.service.tick().await?;
            self.drain().await?;
            if self.wake.is_none_or(|wake| wake > self.now) {
                break;
            }
        }
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), PlayError> {
        loop {
            let waiting = self.house.service.drain(BATCH).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for undelivered in waiting {
                let event = undelivered.event().clone();
                self.hand_over(&event).await?;
                self.house.service.delivered(undelivered).await?;
                self.count(&event);
                // Told after the exchange: the reference in it is worthless by then.
                self.output.event(&event)?;
            }
        }
    }

    fn count(&mut self, event: &Envelope) {
        let counter = match &*event.subject {
            subject if subject == Published::CredentialIssued.subject() => &mut self.summary.issued,
            subject if subject == Published::CredentialRevoked.subject() => &mut self.summary.revoked,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }

    /// What an app does when it hears of a key: it exchanges the reference for the key, and the guest has it.
    async fn hand_over(&mut self, event: &Envelope) -> Result<(), PlayError> {
        let text = |pointer: &str| event.data.pointer(pointer).and_then(Value::as_str);
        let reference =
            text("/delivery/artifact/opaqueRef").and_then(|text| text.parse::<ArtifactRef>().ok());
        let guest = text("/reservationId").and_then(|text| text.parse::<ReservationId>().ok());
        let (Some(reference), Some(guest)) = (reference, guest) else { return Ok(()) };
        let deliveries = self.house.service.reveal(reference, self.courier, "delivery to the guest").await?;
        let artifacts = deliveries.into_iter().map(|delivery| delivery.artifact);
        self.wallets.entry(guest).or_default().extend(artifacts);
        Ok(())
    }
}
