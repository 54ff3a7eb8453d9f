//! The desk: what waits for a person, cards that are written while somebody stands there, and a person's word on what no machine
//! can find out.

use std::collections::BTreeSet;

use super::KeyService;
use super::claim::KeyOwner;
use super::reconcile::Reach;
use super::record::{GivenUp, KeyRecord, Spec, Work};
use super::task::{DeskTask, DeskTaskKind, OPEN};
use crate::credential::{Holder, SettleInput, Verdict};
use crate::error::{ErrorCode, FailureReason, LockError, RetryAdvice};
use crate::id::{KeyCredentialId, LockDeviceId, TaskId, UserId};
use crate::port::SharedLockPort;
use crate::store::{StoreError, Stored, Transaction};
use crate::telemetry::UseCase;

/// How many things in a row are done with one card.
const AT_ONCE: usize = 8;

/// What came of a visit at the encoder.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Encoded {
    /// The credentials whose card is now as it is to be.
    pub done: Vec<KeyCredentialId>,
    /// The credentials that wait for another card than the one that lies there, or for one at all.
    pub waiting: Vec<KeyCredentialId>,
    /// What the encoder refused, with why.
    pub failed: Vec<(KeyCredentialId, LockError)>,
}

/// What came of one key's part in a visit.
enum Visit {
    /// Nothing was to be done.
    Needless,
    /// It is as it is to be.
    Done,
    /// For another card, or for one at all.
    Waits,
    /// What the encoder said first.
    Refused(LockError),
}

impl KeyService {
    /// What a person has to do now.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn open_tasks(&self) -> Result<Vec<DeskTask>, LockError> {
        let tasks = Stored::<DeskTask>::find(&*self.store, self.partition(), OPEN).await?;
        Ok(tasks.into_iter().map(|task| task.value).collect())
    }

    /// Does, at this encoder, all that somebody's keys need a card for: writes, rewrites, wipes. The card lies there now; what
    /// needs another one is told, and done when it is called again with that.
    ///
    /// # Errors
    /// `DEVICE_NOT_PAIRED` when the property has no such encoder; anything retriable: call again. What an encoder says about a
    /// single key is in the answer.
    pub async fn encode_now(&self, owner: KeyOwner, encoder: LockDeviceId) -> Result<Encoded, LockError> {
        self.timed(UseCase::EncodeNow, Box::pin(self.do_encode_now(owner, encoder))).await
    }

    async fn do_encode_now(&self, owner: KeyOwner, encoder: LockDeviceId) -> Result<Encoded, LockError> {
        let binding = self.property.adapters().iter().find(|binding| binding.encoder == Some(encoder));
        let binding = binding.ok_or_else(|| LockError::device_not_paired(encoder))?;
        let _alone = self.ticking.lock().await;
        self.come_back().await?;
        let mut encoded = Encoded::default();
        let mut seen = BTreeSet::new();
        for _ in 0..AT_ONCE {
            for key in self.keys_of(owner).await? {
                let id = key.value.id;
                if key.value.adapter != binding.name || !key.value.on_card || !seen.insert(id) {
                    continue;
                }
                match Box::pin(self.encode(key, &binding.port)).await {
                    Ok(Visit::Needless) => {}
                    Ok(Visit::Done) => encoded.done.push(id),
                    Ok(Visit::Waits) => encoded.waiting.push(id),
                    Err(error) if error.is_store_conflict() => encoded.waiting.push(id),
                    Ok(Visit::Refused(error)) | Err(error) => encoded.failed.push((id, error)),
                }
            }
            // What one key could not become is another's to be: that one is written while its holder is still there.
            if !self.is_woken(owner).await? {
                break;
            }
            self.reconcile_owner(owner, Reach::AsWanted).await?;
        }
        Ok(encoded)
    }

    /// Everything about one key that its card is needed for.
    async fn encode(&self, mut key: Stored<KeyRecord>, port: &SharedLockPort) -> Result<Visit, LockError> {
        let now = self.env.now();
        let mut wipe = key.value.is_out(now);
        let mut touched = false;
        let mut refused = None;
        for _ in 0..AT_ONCE {
            let again = if wipe { key.value.take_away_again() } else { None };
            let Some(work) = key.value.work().or(again) else {
                let done = if touched { Visit::Done } else { Visit::Needless };
                return Ok(refused.map_or(done, Visit::Refused));
            };
            let wipes = std::mem::take(&mut wipe) && again.is_some();
            touched = true;
            let id = key.value.id.to_string();
            let before = (key.value.state, key.value.work());
            let answered = Box::pin(self.attempt(key, work, SharedLockPort::clone(port))).await?;
            refused = refused.or(answered);
            let read = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id).await?;
            key = read.ok_or(StoreError::Corrupt)?;
            let is_next = (key.value.state, key.value.work()) != before;
            let is_done = if wipes { !key.value.is_out(now) } else { is_next };
            // What was refused and is to be done still takes another card.
            if !is_done || (refused.is_some() && key.value.work() == Some(work)) {
                return Ok(refused.map_or(Visit::Waits, Visit::Refused));
            }
        }
        let waits = if key.value.work().is_none() { Visit::Done } else { Visit::Waits };
        Ok(refused.map_or(waits, Visit::Refused))
    }

    /// Takes a person's word on a task to decide: whether what the vendor was asked for, and never answered, happened. What
    /// happened is handed out, for what did not its holder gets another key.
    ///
    /// # Errors
    /// `CREDENTIAL_NOT_FOUND` when no such task is open; `UNSUPPORTED` when its adapter takes no word; what the adapter says.
    pub async fn settle_task(
        &self,
        task: TaskId,
        verdict: Verdict,
        operator: UserId,
    ) -> Result<(), LockError> {
        self.timed(UseCase::SettleTask, Box::pin(self.do_settle_task(task, verdict, operator))).await
    }

    async fn do_settle_task(
        &self,
        task: TaskId,
        verdict: Verdict,
        operator: UserId,
    ) -> Result<(), LockError> {
        let found = Stored::<DeskTask>::read(&*self.store, self.partition(), &task.to_string()).await?;
        let found = found
            .filter(|task| task.value.closed_at.is_none() && task.value.kind == DeskTaskKind::DecideOutcome);
        let Some(task) = found else {
            let message = "no such task waits for a word";
            let (code, reason) = (ErrorCode::CredentialNotFound, FailureReason::NotFound);
            return Err(LockError::new(code, reason, RetryAdvice::Never, message));
        };
        let settle = self.property.adapter(&task.value.adapter).and_then(|binding| binding.settle.clone());
        let settle = settle.ok_or_else(|| LockError::unsupported("the adapter takes nobody's word"))?;
        let id = task.value.credential.to_string();
        let found = Stored::<KeyRecord>::read(&*self.store, self.partition(), &id).await?;
        let mut key = found.ok_or_else(|| LockError::credential_not_found(task.value.credential))?;
        let name = key.value.write_key("settle");
        let input = SettleInput::new(self.partition().tenant, key.value.id, verdict, operator, name);
        let settled = settle.settle(input).await?;
        let mut transaction = Transaction::new(&self.env)?;
        self.close_tasks(task.value.owner, |other| other.id == task.value.id, &mut transaction).await?;
        key.value.given_up = None;
        self.note_settled(&mut transaction, &key.value, task.value.id, operator)?;
        match settled {
            Some(credential) => self.issued(&mut key.value, &credential, &mut transaction).await?,
            None => self.let_go(&mut key.value, GivenUp::TriesRanOut, None, &mut transaction)?,
        }
        transaction.put(&mut key)?;
        transaction.commit(&*self.store, self.partition()).await?;
        self.reconcile_owner(task.value.owner, Reach::Fresh(&task.value.adapter)).await
    }

    pub(super) async fn open_task(
        &self,
        key: &KeyRecord,
        kind: DeskTaskKind,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let term = key.owner.to_string();
        let open = Stored::<DeskTask>::find(&*self.store, self.partition(), &term).await?;
        if open.iter().any(|task| task.value.kind == kind && task.value.credential == key.id) {
            return Ok(());
        }
        let task = DeskTask {
            id: TaskId::from_ulid(self.env.ulid()?),
            kind,
            credential: key.id,
            owner: key.owner,
            staff: match &key.holder {
                Holder::Staff(staff) => Some(staff.user_id),
                Holder::Guest(_) => None,
            },
            adapter: key.adapter.clone(),
            opened_at: self.env.now(),
            closed_at: None,
            correlation_id: key.cause.correlation_id.clone(),
        };
        self.tell_task(transaction, &task, &key.cause)?;
        Ok(transaction.put(&mut Stored::fresh(task))?)
    }

    /// What a person is asked already to see to, by the keys that were to open it.
    pub(super) async fn asked_for(
        &self,
        owner: KeyOwner,
        keys: &[Stored<KeyRecord>],
    ) -> Result<Vec<Spec>, LockError> {
        let open = Stored::<DeskTask>::find(&*self.store, self.partition(), &owner.to_string()).await?;
        let is_asked = |key: &&KeyRecord| {
            open.iter().any(|task| task.value.credential == key.id && task.value.kind.serves_holder())
        };
        Ok(keys.iter().map(|key| &key.value).filter(is_asked).map(|key| key.wanted.clone()).collect())
    }

    pub(super) async fn close_tasks(
        &self,
        owner: KeyOwner,
        which: impl Fn(&DeskTask) -> bool,
        transaction: &mut Transaction,
    ) -> Result<(), LockError> {
        let term = owner.to_string();
        for mut task in Stored::<DeskTask>::find(&*self.store, self.partition(), &term).await? {
            if !which(&task.value) {
                continue;
            }
            task.value.closed_at = Some(self.env.now());
            self.tell_task(transaction, &task.value, &Default::default())?;
            transaction.put(&mut task)?;
        }
        Ok(())
    }
}

impl KeyRecord {
    /// What was taken away while the card was out is taken away once more, as a write of its own.
    fn take_away_again(&mut self) -> Option<Work> {
        use super::record::Wants;
        self.moves = self.moves.saturating_add(1);
        match self.wants {
            Wants::Gone(reason) => Some(Work::Revoke(reason)),
            Wants::Blocked(reason) => Some(Work::Suspend(reason)),
            Wants::Open => None,
        }
    }
}

impl Work {
    /// What a person has to do where it is not done.
    pub(super) const fn task(self, on_card: bool) -> DeskTaskKind {
        match self {
            Self::Issue if on_card => DeskTaskKind::PresentCard,
            Self::Update | Self::Unsuspend if on_card => DeskTaskKind::Reencode,
            Self::Issue | Self::Update | Self::Unsuspend => DeskTaskKind::EscortGuest,
            Self::Suspend(_) | Self::Revoke(_) => DeskTaskKind::VisitDoor,
        }
    }
}
