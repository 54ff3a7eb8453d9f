//! The player: turns the clock, wakes the desk whenever it asked to be woken, and plays line after line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use chrono::TimeDelta;
use lockport::credential::Artifact;
use lockport::event::{Envelope, Published};
use lockport::id::{ArtifactRef, EventId, ReservationId, UserId};
use lockport::idempotency::IdempotencyKey;
use lockport::keys::{DeskTask, KeyService};
use lockport::{LockError, Timestamp};
use serde_json::Value;

use super::day::{Deed, Heard, Line, Moment, Refusal, Restart, Step, Try, Who};
use super::hotel::Hotel;
use super::house::{Card, Died, Hand, House, HouseError, StoreAt, Verdict};
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
    /// What everybody was handed so far.
    hands: BTreeMap<Who, Hand>,
    /// The losses that were reported, by their lines.
    losses: BTreeSet<usize>,
    /// How many cards the desk took from its stack.
    cards: usize,
    /// Whoever delivers keys to guests; a reveal is written down under this name.
    courier: UserId,
    /// The last line that was counted, and the events that were: what is told twice counts once.
    counted: usize,
    told: BTreeSet<EventId>,
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
            hands: BTreeMap::new(),
            losses: BTreeSet::new(),
            cards: 0,
            courier: UserId::derived("front-desk/courier/v1", &[&hotel.property.to_bytes()]),
            counted: 0,
            told: BTreeSet::new(),
            summary: Summary::default(),
            output,
        })
    }

    /// What a guest was handed so far.
    #[must_use]
    pub fn in_hand(&self, guest: ReservationId) -> &[Artifact] {
        self.hands.get(&Who::Guest(guest)).map_or(&[], |hand| &hand.artifacts)
    }

    /// Whether a door opens to somebody with everything he was handed so far. Nothing is told or counted.
    #[must_use]
    pub fn opens(&self, door: &str, who: &Who) -> bool {
        self.hands.get(who).is_some_and(|hand| self.house.try_open(door, hand, self.now).opened)
    }

    /// What waits for a person.
    ///
    /// # Errors
    /// [`PlayError`] when the desk itself fails.
    pub async fn tasks(&mut self) -> Result<Vec<DeskTask>, PlayError> {
        loop {
            match self.open_tasks().await {
                Ok(tasks) => return Ok(tasks),
                Err(halt) => self.get_over(halt).await?,
            }
        }
    }

    /// Lets the time pass until then: nothing happens but what the desk does by itself.
    ///
    /// # Errors
    /// [`PlayError`] when the desk itself fails or nothing can be told any more.
    pub async fn wait(&mut self, until: Timestamp) -> Result<(), PlayError> {
        while let Err(halt) = self.advance(until).await {
            self.get_over(halt).await?;
        }
        Ok(())
    }

    /// How full the battery in a door is from now on, in percent; without power it opens to nobody.
    pub fn set_battery(&self, door: &str, percent: u8) {
        self.house.set_battery(door, percent);
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
        // The day was played to its end before: what it came to is told all the same, as the store has it.
        while self.house.is_replaying() {
            self.house.next_life()?;
            self.come_back().await?;
        }
        self.summary.open_tasks = self.tasks().await?.len();
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
        match self.house.failure() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    async fn play(&mut self, line: &Line, is_told: &mut bool) -> Result<(), Halt> {
        let answer = match &line.content {
            Err(refusal) => Answer::Refused(refusal.clone()),
            Ok(Moment { at, step }) => {
                self.advance(*at).await?;
                self.step(line.number, step).await?
            }
        };
        if !*is_told {
            if line.number > self.counted {
                self.counted = line.number;
                self.summary.count(&answer);
            }
            self.output.answer(line, &answer)?;
            // Told first: whoever is killed in between tells it twice, and nobody misses it.
            self.house.note()?;
            *is_told = true;
        }
        if let Ok(Moment { step: Step::Event(_) | Step::Arrive(_) | Step::ByHand { .. }, .. }) = line.content
        {
            self.pump().await?;
        }
        Ok(())
    }

    /// After a death the process comes back where it died, and does what is due there.
    async fn get_over(&mut self, halt: Halt) -> Result<(), PlayError> {
        match halt {
            Halt::Failed(error) => Err(error),
            Halt::Died if self.house.is_life_over() => {
                self.house.next_life()?;
                self.come_back().await
            }
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
                Err(Halt::Died) if self.house.is_life_over() => self.house.next_life()?,
                Err(Halt::Died) => {}
            }
        }
    }

    async fn step(&mut self, line: usize, step: &Step) -> Result<Answer, Halt> {
        Ok(match step {
            Step::Event(heard) => self.event(heard).await?,
            Step::Try(attempt) => Answer::Tried(self.attempt(attempt).await?),
            Step::Arrive(reservation) => self.arrive(*reservation).await?,
            Step::ByHand { reservation, operator, deed } => {
                self.by_hand(line, *reservation, *operator, *deed).await?
            }
            Step::Outage { vendor, until } => {
                self.house.cut_off(vendor, *until);
                Answer::Taken
            }
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

    /// The desk does something about a reservation. A line that is played again is the same deed.
    async fn by_hand(
        &mut self,
        line: usize,
        reservation: ReservationId,
        operator: UserId,
        deed: Deed,
    ) -> Result<Answer, Halt> {
        let name = format!("front-desk/line/{line}").parse::<IdempotencyKey>();
        let name = name.map_err(|error| LockError::invalid_input(error.to_string()))?;
        let done = match deed {
            Deed::Lost => {
                if self.losses.insert(line) {
                    let lost = self.hands.remove(&Who::Guest(reservation)).unwrap_or_default();
                    let found = self.hands.entry(Who::Finder(reservation)).or_default();
                    found.artifacts.extend(lost.artifacts);
                    found.cards.extend(lost.cards);
                }
                self.house.ask(async |desk| desk.report_lost(reservation, &[], operator, &name).await).await?
            }
            Deed::Unsuspend => {
                self.house.ask(async |desk| desk.lift_suspensions(reservation, operator, &name).await).await?
            }
        };
        Ok(match done {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::Refused(Refusal::from(&error)),
        })
    }

    /// A guest lays one card after the other on the encoder, those he has and then new ones from the stack, until nothing waits for a
    /// card any more or a new one is of no use.
    async fn arrive(&mut self, reservation: ReservationId) -> Result<Answer, Halt> {
        for (vendor, encoder) in self.house.encoders() {
            let guest = Who::Guest(reservation);
            // Whoever died over this line left a card lying there, perhaps written already: it is the guest's.
            let left = self.house.take_card(&vendor);
            let mut cards: Vec<Card> = left.iter().cloned().collect();
            for card in self.hands.get(&guest).into_iter().flat_map(|hand| &hand.cards) {
                if card.vendor == vendor && !cards.contains(card) {
                    cards.push(card.clone());
                }
            }
            let mut cards = cards.into_iter();
            loop {
                let own = cards.next();
                let is_new = own.is_none();
                let card = own.unwrap_or_else(|| self.card_from_the_stack(&vendor));
                self.house.place_card(&card);
                let encode = async |desk: &KeyService| desk.encode_now(reservation.into(), encoder).await;
                let encoded = self.house.ask(encode).await??;
                let is_used = !encoded.done.is_empty() || left.as_ref() == Some(&card);
                // An encoder that does not answer has no use for another card.
                let is_over = encoded.waiting.is_empty() || (is_new && encoded.done.is_empty());
                let _taken = self.house.take_card(&vendor);
                let hand = self.hands.entry(guest.clone()).or_default();
                if is_used && !hand.cards.contains(&card) {
                    hand.cards.push(card);
                }
                if is_over {
                    break;
                }
            }
        }
        Ok(Answer::Taken)
    }

    fn card_from_the_stack(&mut self, vendor: &str) -> Card {
        self.cards = self.cards.saturating_add(1);
        Card { vendor: vendor.to_owned(), number: format!("card {}", self.cards) }
    }

    async fn attempt(&self, attempt: &Try) -> Result<Tried, Halt> {
        let empty = Hand::default();
        let hand = self.hands.get(&attempt.who).unwrap_or(&empty);
        let Verdict { opened, why } = self.house.try_open(&attempt.door, hand, self.now);
        let task = if opened { None } else { self.open_task(&attempt.who).await? };
        let is_wrong = attempt.expect.is_some_and(|expect| expect != opened);
        Ok(Tried { opened, why: why.to_owned(), task, is_wrong })
    }

    async fn open_task(&self, who: &Who) -> Result<Option<String>, Halt> {
        let is_his = |task: &DeskTask| match who {
            Who::Guest(reservation) => task.reservation() == Some(*reservation),
            Who::Staff(user) => task.staff == Some(*user),
            Who::Finder(_) | Who::Stranger(_) => false,
        };
        let tasks = self.open_tasks().await?;
        Ok(tasks.iter().find(|task| is_his(task)).map(|task| task.kind.as_str().to_owned()))
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
                self.house.note()?;
                self.output.event(&event)?;
                if self.told.insert(event.id) {
                    self.summary.count_event(&event);
                }
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
        let guest = text("/reservationId").and_then(|text| text.parse().ok()).map(Who::Guest);
        let holder = guest.or_else(|| text("/staffUserId")?.parse().ok().map(Who::Staff));
        let (Some(reference), Some(holder)) = (reference, holder) else { return Ok(()) };
        let reveal =
            async |desk: &KeyService| desk.reveal(reference, self.courier, "delivery to the guest").await;
        let deliveries = match self.house.ask(reveal).await? {
            Ok(deliveries) => deliveries,
            // A key that was taken away again before anybody fetched it: there is nothing to hand over.
            Err(error) if !error.is_retriable() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let artifacts = deliveries.into_iter().map(|delivery| delivery.artifact);
        self.hands.entry(holder).or_default().artifacts.extend(artifacts);
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
