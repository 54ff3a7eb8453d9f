//! Whoever stands between the driver and the cable at the bench: he sees what was written, and cuts the cable when it is ordered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};
use lockport_sim_cable::Between;
use lockport_sim_encoder::{Card, Encoder};

use super::panel::PanelDesk;
use super::records::{Record, records_on};

/// What is to go wrong, beside the simulator's own faults; and what was seen to be written.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The cable comes out before the next command.
    pub(super) never_sent: bool,
    /// The cable comes out when the next change of a card is done, and nobody hears of it.
    pub(super) cut_when_done: bool,
    /// What the cards said when that was ordered.
    before: Option<BTreeSet<(Vec<u8>, Mark)>>,
    /// Every mark that ever was whole on a card.
    pub(super) made: BTreeSet<(Vec<u8>, Mark)>,
    /// The writes after which that was looked at.
    writes: u32,
}

/// What a door takes a card by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Record(Record),
    /// Facility and number.
    Number(u64, u64),
}

/// The one who watches. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    encoder: Encoder,
    panel: Option<PanelDesk>,
    seen: Arc<Mutex<Seen>>,
}

impl Watch {
    pub(super) fn over(encoder: &Encoder, panel: Option<PanelDesk>) -> Self {
        Self { encoder: encoder.clone(), panel, seen: Arc::default() }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees what stands on these cards, wherever they are: an answer that nobody heard told nothing of it.
    pub(super) fn look_at(&self, cards: &[Card]) {
        self.seen().made.extend(self.content(cards));
    }

    fn content(&self, cards: &[Card]) -> BTreeSet<(Vec<u8>, Mark)> {
        let marks = |card: &Card| match &self.panel {
            Some(panel) => panel
                .hears(card)
                .map(|(facility, number)| Mark::Number(facility, number))
                .into_iter()
                .collect(),
            None => records_on(card).into_iter().map(Mark::Record).collect::<Vec<_>>(),
        };
        let on = |card: &Card| {
            let uid = card.uid();
            marks(card).into_iter().map(move |mark| (uid.clone(), mark)).collect::<Vec<_>>()
        };
        cards.iter().flat_map(on).collect()
    }

    fn before_sending(&self) -> Result<(), LinkError> {
        let mut seen = self.seen();
        if std::mem::take(&mut seen.never_sent) {
            self.encoder.unplug();
            return Err(LinkError::Gone);
        }
        if seen.cut_when_done && seen.before.is_none() {
            seen.before = Some(self.content(&self.encoder.cards()));
        }
        Ok(())
    }

    /// After the encoder did something: what became of the cards, and whether that is where the cable comes out.
    fn after_answer(&self) -> Result<(), LinkError> {
        let mut seen = self.seen();
        let writes = self.encoder.cards().iter().map(|card| card.tally().writes).sum();
        if seen.writes == writes {
            return Ok(());
        }
        seen.writes = writes;
        let content = self.content(&self.encoder.cards());
        let is_done = seen.cut_when_done && seen.before.as_ref().is_some_and(|before| *before != content);
        seen.made.extend(content);
        if is_done {
            seen.cut_when_done = false;
            seen.before = None;
            self.encoder.unplug();
            return Err(LinkError::Gone);
        }
        Ok(())
    }
}

impl Between for Watch {
    fn bytes(&self, cable: Box<dyn ByteLink>) -> Box<dyn ByteLink> {
        Box::new(Watched { cable, watch: self.clone() })
    }

    fn reports(&self, cable: Box<dyn ReportLink>) -> Box<dyn ReportLink> {
        Box::new(Watched { cable, watch: self.clone() })
    }
}

#[derive(Debug)]
struct Watched<L: ?Sized> {
    watch: Watch,
    cable: Box<L>,
}

#[async_trait]
impl ByteLink for Watched<dyn ByteLink> {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.watch.before_sending()?;
        self.cable.write(bytes).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let bytes = self.cable.read(timeout).await?;
        self.watch.after_answer().map(|()| bytes)
    }
}

#[async_trait]
impl ReportLink for Watched<dyn ReportLink> {
    async fn write(&self, report: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.watch.before_sending()?;
        self.cable.write(report).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        let report = self.cable.read(timeout).await?;
        self.watch.after_answer().map(|()| report)
    }
}
