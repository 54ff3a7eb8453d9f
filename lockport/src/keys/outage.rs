//! A vendor that does not answer: noted once, asked now and then whether it is back, and what waited for it is then done at once.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::reconcile::Reach;
use super::record::{GivenUp, KeyRecord, term_of_waiting};
use super::schedule::PAUSES;
use super::state::KeyState;
use super::{KeyService, earlier};
use crate::error::{ErrorCode, LockError};
use crate::store::{Record, Stored, Table, Transaction};
use crate::validity::Timestamp;

/// How often a vendor that did not answer is asked whether it is back.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(120);

/// The longest somebody waits for a fresh key at a vendor that seems to be back.
const FRESH_AT_LEAST_EVERY: TimeDelta = TimeDelta::days(1);

/// A vendor that did not answer, or at which somebody's tries ran out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OutageRecord {
    adapter: String,
    since: Timestamp,
    look_at: Timestamp,
    /// It did not answer, and that was told.
    #[serde(default = "yes")]
    is_away: bool,
}

const fn yes() -> bool {
    true
}

impl Record for OutageRecord {
    const TABLE: Table = Table::Outage;

    fn id(&self) -> String {
        self.adapter.clone()
    }

    fn due(&self) -> Option<Timestamp> {
        Some(self.look_at)
    }
}

impl KeyService {
    /// Where an adapter's vendor did not answer, it is asked from now on whether it is back.
    pub(super) async fn note_outage(&self, adapter: &str, error: &LockError) -> Result<(), LockError> {
        if is_away(error) { self.look_soon(adapter, Some(error)).await } else { Ok(()) }
    }

    /// At this adapter somebody's tries ran out, or its vendor did not answer: it is looked at soon, also where others who waited for it in
    /// vain have made that seldom.
    pub(super) async fn look_soon(&self, adapter: &str, away: Option<&LockError>) -> Result<(), LockError> {
        let known = Stored::<OutageRecord>::read(&*self.store, self.partition(), adapter).await?;
        let now = self.env.now();
        let soon = now.checked_add_signed(LOOK_EVERY).unwrap_or(now);
        let mut row = known.unwrap_or_else(|| {
            let adapter = adapter.to_owned();
            Stored::fresh(OutageRecord { adapter, since: now, look_at: Timestamp::MAX_UTC, is_away: false })
        });
        let is_news = away.is_some() && !row.value.is_away;
        if row.value.look_at <= soon && !is_news {
            return Ok(());
        }
        row.value.look_at = row.value.look_at.min(soon);
        row.value.is_away |= is_news;
        let mut transaction = Transaction::new(&self.env)?;
        transaction.put(&mut row)?;
        if let Some(binding) = self.property.adapter(adapter).filter(|_| is_news) {
            self.say_reachability(&mut transaction, binding, away);
        }
        self.commit_if_first(transaction).await
    }

    /// Asks a vendor whether it is back, and when it is, wakes whatever waited for it.
    pub(super) async fn look_after_outage(&self, mut outage: Stored<OutageRecord>) -> Result<(), LockError> {
        let now = self.env.now();
        let is_back = match self.property.adapter(&outage.value.adapter) {
            Some(binding) => {
                // Written down first: who dies over it has looked.
                outage.value.look_at = now.checked_add_signed(LOOK_EVERY).unwrap_or(now);
                let mut transaction = Transaction::new(&self.env)?;
                transaction.put(&mut outage)?;
                transaction.commit(&*self.store, self.partition()).await?;
                let looked = binding.port.list_devices(self.partition().property).await;
                !looked.is_err_and(|error| is_away(&error))
            }
            // It is gone from the property: nobody waits for it.
            None => true,
        };
        if is_back { self.is_back(&mut outage).await } else { Ok(()) }
    }

    async fn is_back(&self, outage: &mut Stored<OutageRecord>) -> Result<(), LockError> {
        let now = self.env.now();
        let term = term_of_waiting(&outage.value.adapter);
        let mut look_again = None;
        for mut key in Stored::<KeyRecord>::find(&*self.store, self.partition(), &term).await? {
            if key.value.given_up == Some(GivenUp::TriesRanOut) {
                let before = in_vain_before(&key.value, &self.keys_of(key.value.owner).await?);
                match fresh_at(&key.value, before) {
                    then if then <= now => {
                        let fresh = Reach::Fresh(&outage.value.adapter);
                        self.reconcile_owner(key.value.owner, fresh).await?;
                    }
                    then => look_again = earlier(look_again, Some(then)),
                }
            } else if !key.value.was_woken && key.value.next_try.is_some_and(|then| then > now) {
                key.value.was_woken = true;
                key.value.next_try = Some(now);
                let mut transaction = Transaction::new(&self.env)?;
                transaction.put(&mut key)?;
                self.commit_if_first(transaction).await?;
            }
        }
        let mut transaction = Transaction::new(&self.env)?;
        match look_again {
            Some(then) => {
                outage.value.look_at = then;
                transaction.put(outage)?;
            }
            None => {
                transaction.delete(outage);
                let was_away = outage.value.is_away;
                if let Some(binding) = self.property.adapter(&outage.value.adapter).filter(|_| was_away) {
                    self.say_reachability(&mut transaction, binding, None);
                }
            }
        }
        self.commit_if_first(transaction).await
    }
}

/// Whether the vendor, or the encoder that stands for it at the desk, was not reached.
pub(super) fn is_away(error: &LockError) -> bool {
    matches!(error.code(), ErrorCode::VendorUnreachable | ErrorCode::CardEncoderOffline)
}

/// How many keys came to nothing in a row in whose place this one came.
fn in_vain_before(key: &KeyRecord, keys: &[Stored<KeyRecord>]) -> usize {
    let before =
        |key: &&KeyRecord| keys.iter().map(|other| &other.value).find(|other| key.replaces == Some(other.id));
    std::iter::successors(before(&key), before).take_while(|other| other.state == KeyState::Failed).count()
}

/// When the holder of a key whose tries ran out gets another one, at the soonest: the oftener that came to nothing, the later.
fn fresh_at(key: &KeyRecord, before: usize) -> Timestamp {
    let since = key.leaving_since.unwrap_or_default();
    since.checked_add_signed(pause_after(before)).unwrap_or(since)
}

/// How long a fresh key is waited for after so many in a row that came to nothing. After the last of the pauses each is twice as long
/// as the one before: a vendor that answers, and takes nothing for months, does not fill the ledger.
fn pause_after(before: usize) -> TimeDelta {
    let longest = PAUSES.last().copied().unwrap_or_default();
    let beyond = before.saturating_sub(PAUSES.len().saturating_sub(1));
    let doubled = longest.saturating_mul(2_i64.saturating_pow(u32::try_from(beyond).unwrap_or(u32::MAX)));
    TimeDelta::try_seconds(PAUSES.get(before).copied().unwrap_or(doubled))
        .unwrap_or(FRESH_AT_LEAST_EVERY)
        .min(FRESH_AT_LEAST_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R66, R73: after the pauses, twice as long each time, and a day at most.
    #[test]
    fn what_comes_to_nothing_again_and_again_is_asked_for_less_and_less() {
        let pauses = (0..12).map(pause_after).map(|pause| pause.num_seconds());
        let wanted = [10, 60, 300, 1_800, 7_200, 14_400, 28_800, 57_600, 86_400, 86_400, 86_400, 86_400];
        assert!(pauses.eq(wanted));
        assert_eq!(pause_after(usize::MAX), FRESH_AT_LEAST_EVERY);
    }
}
