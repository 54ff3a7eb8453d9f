//! One case on one bench with one kind of credential: inputs, time, and the judgement at the doors.

mod desk;
mod vendor;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::{DurationRound as _, TimeDelta};
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssuedCredential, KeyCredentialKind, Place, Proof,
    RevokeInput, RevokeReason, SuspendInput, SuspendReason, UnsuspendInput, UpdateInput,
};
use lockport::driver::{AfterLost, ArtifactSource, Kind};
use lockport::env::Clock as _;
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, RoomId, TenantId};
use lockport::idempotency::IdempotencyKey;
use lockport::{
    ErrorCode, FailureReason, LockError, LockPort, RetryAdvice, Secret, SharedLockPort, Timestamp, Validity,
};

use self::vendor::Left;
pub(crate) use self::vendor::{grants_of, takes_back};
use crate::backstage::Backstage;
use crate::bench::{Bench, BenchError, Fault, FaultInjector, LockControl, Presence, Site};
use crate::case::{CaseResult, Stop, check};
use crate::tally::{Tally, Watched};

/// How many hours the doors are watched. Windows of cases lie inside, on whole hours, so that no lock's grain moves their edges.
const HORIZON_HOURS: i32 = 50;

/// One case being judged.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    bench: Arc<Bench>,
    port: SharedLockPort,
    kind: Kind,
    start: Timestamp,
    tally: Arc<Tally>,
    left: Arc<Mutex<Left>>,
}

/// Everything one guest was ever handed: whoever stands at a door tries all of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring(Vec<Held>);

#[derive(Clone, Debug)]
enum Held {
    Artifact(Artifact),
    /// The card of this credential's holder; what is on it is between the encoder and the doors.
    Card(KeyCredentialId),
}

impl Keyring {
    pub(crate) fn of(credential: &IssuedCredential) -> Self {
        let mut keyring = Self::default();
        keyring.add(credential);
        keyring
    }

    /// The card of this credential's holder, whatever he was told about it.
    pub(crate) fn of_card(holder: KeyCredentialId) -> Self {
        Self(vec![Held::Card(holder)])
    }

    /// What nobody handed out.
    pub(crate) fn of_artifact(artifact: Artifact) -> Self {
        Self(vec![Held::Artifact(artifact)])
    }

    pub(crate) fn add(&mut self, credential: &IssuedCredential) {
        for delivery in &credential.delivery {
            let held = match &delivery.artifact {
                Artifact::CardReadyAt(_) => Held::Card(credential.id),
                artifact => Held::Artifact(artifact.clone()),
            };
            // Nobody carries the same key twice.
            if !self.0.iter().any(|own| own.is_same_as(&held)) {
                self.0.push(held);
            }
        }
    }
}

impl Held {
    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Card(one), Self::Card(other)) => one == other,
            (Self::Artifact(Artifact::Pin(one)), Self::Artifact(Artifact::Pin(other)))
            | (Self::Artifact(Artifact::MobileToken(one)), Self::Artifact(Artifact::MobileToken(other)))
            | (Self::Artifact(Artifact::Qr(one)), Self::Artifact(Artifact::Qr(other)))
            | (Self::Artifact(Artifact::Nfc(one)), Self::Artifact(Artifact::Nfc(other))) => {
                // EXPOSE: two of a guest's own keys, compared.
                one.expose() == other.expose()
            }
            _ => false,
        }
    }
}

/// Which doors open when; all others stay shut, and these stay shut at other times.
pub(crate) type Opens<'a> = &'a [(&'a [RoomId], Validity)];

impl Trial {
    /// # Errors
    /// When the bench's hotel does not do.
    pub(crate) fn new(bench: Bench, kind: Kind, tally: Arc<Tally>) -> Result<Self, BenchError> {
        bench.site.check()?;
        let hour = TimeDelta::hours(1);
        let start =
            bench.clock.now().duration_trunc(hour).map_err(|_| BenchError::new("the clock is absurd"))?;
        let port = Arc::new(Watched::new(Arc::clone(&bench.port), Arc::clone(&tally)));
        Ok(Self { bench: Arc::new(bench), port, kind, start: start + hour, tally, left: Arc::default() })
    }

    /// The same trial through another port over the same ledger: another process, or another layer on top.
    pub(crate) fn through(&self, port: SharedLockPort) -> Self {
        let port = Arc::new(Watched::new(port, Arc::clone(&self.tally)));
        Self { port, ..self.clone() }
    }

    /// The port as a desk uses it: holders come with their cards, and what is pending is asked for again until it is done.
    pub(crate) fn port(&self) -> &dyn LockPort {
        self
    }

    /// The port with nobody at the encoder and nobody who asks again.
    pub(crate) fn unattended(&self) -> &dyn LockPort {
        self.port.as_ref()
    }

    pub(crate) fn site(&self) -> &Site {
        &self.bench.site
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The first `N` rooms of the site.
    pub(crate) fn rooms<const N: usize>(&self) -> CaseResult<[RoomId; N]> {
        let ids: Vec<RoomId> = self.site().rooms.iter().take(N).map(|room| room.id).collect();
        ids.try_into().map_err(|_| Stop::NotRun(format!("the site has fewer than {N} rooms")))
    }

    /// The first full hour of the trial, and so many hours more.
    pub(crate) fn hour(&self, hours: i32) -> Timestamp {
        self.start + TimeDelta::hours(hours.into())
    }

    /// The window from one hour to another.
    pub(crate) fn hours(&self, from: i32, until: i32) -> CaseResult<Validity> {
        Validity::new(self.hour(from), self.hour(until)).map_err(|error| Stop::NotRun(error.to_string()))
    }

    /// What the clock of the bench shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.bench.clock.now()
    }

    /// Moves the clock, and the vendor's with it.
    pub(crate) fn pass(&self, by: TimeDelta) {
        self.bench.clock.advance(by);
        self.bench.probe.clock_moved(self.bench.clock.now());
    }

    /// Moves the clock past the time at which a lost call can still take effect.
    pub(crate) fn outlast_lost_calls(&self) -> CaseResult {
        let late_by = TimeDelta::from_std(self.kind.recovery.late_by)
            .map_err(|_| Stop::Failed("the descriptor says that a lost call lands in another age".into()))?;
        self.pass(late_by + TimeDelta::seconds(1));
        Ok(())
    }

    /// Orders a fault for the next calls of the port.
    pub(crate) fn order(&self, fault: Fault) -> CaseResult {
        self.tally.ordered(fault);
        self.faults()?.order(fault).map_err(|error| Stop::NotRun(format!("{fault:?}: {error}")))
    }

    /// Forgets what was ordered and has not struck.
    pub(crate) fn forget(&self) -> CaseResult {
        self.faults()?.forget();
        Ok(())
    }

    /// Whether what was ordered has struck.
    pub(crate) fn has_struck(&self) -> CaseResult<bool> {
        Ok(self.faults()?.waiting() == 0)
    }

    /// What the vendor's pages say that it may refuse with.
    pub(crate) fn documented_codes(&self) -> CaseResult<Vec<i64>> {
        Ok(self.faults()?.documented_codes())
    }

    /// The driver and the ledger behind the port.
    pub(crate) fn backstage(&self) -> CaseResult<&Backstage> {
        self.bench.backstage.as_ref().ok_or_else(|| Stop::NotRun("nobody sees behind this port".into()))
    }

    /// The locks themselves.
    pub(crate) fn locks(&self) -> CaseResult<&dyn LockControl> {
        self.bench.locks.as_deref().ok_or_else(|| Stop::NotRun("nobody can get at the locks here".into()))
    }

    /// Whether the kind is written on what its holder brings.
    pub(crate) fn is_on_card(&self) -> bool {
        self.kind.artifact == ArtifactSource::Card
    }

    /// Whether it is written there: where the desk only reads a number off a card, nothing is.
    pub(crate) fn is_written(&self) -> bool {
        let somebody = KeyCredentialId::derived("lockport-contract/somebody", &[]);
        let presence = self.bench.presence.as_ref();
        let is_read = presence.is_some_and(|presence| presence.read_at_the_desk(somebody).is_some());
        self.is_on_card() && !is_read
    }

    /// Whether the encoder only reads the card: what is on it is there whatever becomes of the key, so nothing but the end of the
    /// window can be promised.
    pub(crate) fn is_only_read(&self) -> bool {
        self.is_on_card() && self.kind.best_proof == Proof::ExpiresOnly
    }

    /// What went over the line to the vendor and must be seen nowhere else.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        self.bench.tap.as_ref().map(|tap| tap.secrets()).unwrap_or_default()
    }

    /// What the adapter's log of that line says.
    pub(crate) fn wire_log(&self) -> String {
        self.bench.tap.as_ref().map(|tap| tap.log()).unwrap_or_default()
    }

    /// Turns the clock to this time, and the vendor's with it.
    pub(crate) fn turn_clock_to(&self, now: Timestamp) {
        self.bench.clock.set(now);
        self.bench.probe.clock_moved(now);
    }

    /// The descriptor says so, and the adapter does otherwise: told in the report beside the failure.
    pub(crate) fn differs(&self, flag: &str, how: &str) -> Stop {
        let told = format!("{flag}: {how}");
        self.tally.differs(&told);
        Stop::Failed(told)
    }

    /// Stops the case when an ordered fault never struck: it would prove nothing.
    pub(crate) fn all_struck(&self) -> CaseResult {
        match self.faults()?.waiting() {
            0 => Ok(()),
            waiting => Err(Stop::NotRun(format!("{waiting} ordered faults never struck"))),
        }
    }

    /// Fails unless the answer to a call whose own call to the vendor got none is the right one. An adapter that finds out by itself
    /// may succeed; one that cannot must say so, or the caller takes something for certain that is not. One that never will may say
    /// that at once.
    pub(crate) fn unanswered<T>(&self, answer: Result<T, LockError>) -> CaseResult {
        self.all_struck()?;
        if let Err(error) = answer {
            let is_told = error.advice() == RetryAdvice::OutcomeUnknown || self.is_declared(&error);
            check!(is_told, "the call was lost, and the port answered {error:?}");
        }
        Ok(())
    }

    /// Whether the error says that what became of a grant is not known and never will be, at a vendor where that is so.
    pub(crate) fn is_declared(&self, error: &LockError) -> bool {
        let is = (error.code(), error.reason(), error.advice());
        let declared = (ErrorCode::KeyIssueFailed, FailureReason::OutcomeUnknown, RetryAdvice::Never);
        self.kind.recovery.grant == AfterLost::Declare && is == declared
    }

    fn presence(&self) -> CaseResult<&dyn Presence> {
        self.bench.presence.as_deref().ok_or_else(|| Stop::NotRun("nobody here brings a card".into()))
    }

    fn place(&self) -> Place {
        let at = self.bench.presence.as_ref().map(|presence| presence.encoder());
        Place { at, holder_device: None }
    }

    fn faults(&self) -> CaseResult<&dyn FaultInjector> {
        self.bench
            .faults
            .as_deref()
            .ok_or_else(|| Stop::NotRun("no faults can be ordered on this bench".into()))
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.site().tenant
    }

    /// An issue to the guest of this name, of the trial's kind, under the guest's own key.
    pub(crate) fn issue(&self, guest: &str, rooms: &[RoomId], window: Validity) -> CaseResult<IssueInput> {
        let name = guest.as_bytes();
        let holder = Holder::Guest(Guest {
            id: GuestId::derived("lockport-contract/guest", &[name]),
            reservation_id: ReservationId::derived("lockport-contract/stay", &[name]),
            display_name: None,
            contact: Contact::default(),
        });
        let (tenant, property) = (self.tenant(), self.site().property);
        let key = key(&format!("issue-{guest}"))?;
        let input = IssueInput::new(tenant, property, holder, rooms.to_vec(), window, key);
        let holder = input.resulting_id();
        let holder_device =
            self.bench.presence.as_ref().and_then(|presence| presence.read_at_the_desk(holder));
        let place = Place { holder_device, ..self.place() };
        Ok(input.with_preferred_kinds(vec![self.kind.kind]).with_place(place))
    }

    pub(crate) fn update(&self, credential: KeyCredentialId, name: &str) -> CaseResult<UpdateInput> {
        Ok(UpdateInput::new(self.tenant(), credential, key(name)?).with_place(self.place()))
    }

    pub(crate) fn revoke(&self, credential: KeyCredentialId, name: &str) -> CaseResult<RevokeInput> {
        let input = RevokeInput::new(self.tenant(), credential, RevokeReason::Cancellation, key(name)?);
        Ok(input.with_place(self.place()))
    }

    pub(crate) fn suspend(&self, credential: KeyCredentialId, name: &str) -> CaseResult<SuspendInput> {
        let input = SuspendInput::new(self.tenant(), credential, SuspendReason::FraudReview, key(name)?);
        Ok(input.with_place(self.place()))
    }

    pub(crate) fn unsuspend(&self, credential: KeyCredentialId, name: &str) -> CaseResult<UnsuspendInput> {
        Ok(UnsuspendInput::new(self.tenant(), credential, key(name)?).with_place(self.place()))
    }

    /// The doors of these rooms.
    pub(crate) fn doors_of(&self, rooms: &[RoomId]) -> BTreeSet<LockDeviceId> {
        let of_rooms = self.site().rooms.iter().filter(|room| rooms.contains(&room.id));
        of_rooms.flat_map(|room| &room.doors).copied().collect()
    }

    /// Whether anything on the ring opens the door at `at`.
    pub(crate) async fn opens(&self, door: LockDeviceId, keys: &Keyring, at: Timestamp) -> CaseResult<bool> {
        // The newest first: whoever was handed another key uses that one.
        for held in keys.0.iter().rev() {
            let opens = match held {
                Held::Artifact(artifact) => self.bench.probe.try_open(door, artifact, at).await?,
                Held::Card(holder) => self.presence()?.try_card(door, *holder, at).await?,
            };
            if opens {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries everything on the ring at every door of the hotel around the edges of these windows, and nowhere else in time: for
    /// cases that look often.
    pub(crate) async fn judge_edges(&self, whose: &str, keys: &Keyring, opens: Opens<'_>) -> CaseResult {
        let opens: Vec<_> = opens.iter().map(|(rooms, window)| (self.doors_of(rooms), *window)).collect();
        check!(opens.is_empty() || !keys.0.is_empty(), "{whose} was handed nothing");
        self.try_at(whose, keys, &opens, &self.edges_of(&opens), |does, should| does == should).await
    }

    /// As [`Self::judge_edges`], and a door that should be open may be shut.
    pub(crate) async fn judge_edges_at_most(
        &self,
        whose: &str,
        keys: &Keyring,
        opens: Opens<'_>,
    ) -> CaseResult {
        let opens: Vec<_> = opens.iter().map(|(rooms, window)| (self.doors_of(rooms), *window)).collect();
        self.try_at(whose, keys, &opens, &self.edges_of(&opens), |does, should| should || !does).await
    }

    /// The seconds around these windows' edges, and some on no edge.
    fn edges_of(&self, opens: &[(BTreeSet<LockDeviceId>, Validity)]) -> Vec<Timestamp> {
        let second = TimeDelta::seconds(1);
        let edges = opens.iter().flat_map(|(_, window)| [window.from(), window.until()]);
        edges
            .flat_map(|edge| [edge - second, edge])
            .chain([2, 12, 40].map(|hours| self.hour(hours)))
            .collect()
    }

    /// Tries everything on the ring at every door of the hotel, around every full hour from now on: open where and when `opens`
    /// says, shut everywhere else and at all other times.
    pub(crate) async fn judge(&self, whose: &str, keys: &Keyring, opens: Opens<'_>) -> CaseResult {
        let opens: Vec<_> = opens.iter().map(|(rooms, window)| (self.doors_of(rooms), *window)).collect();
        self.judge_doors(whose, keys, &opens).await
    }

    /// As [`Self::judge`], and a door that should be open may be shut.
    pub(crate) async fn judge_at_most(&self, whose: &str, keys: &Keyring, opens: Opens<'_>) -> CaseResult {
        let opens: Vec<_> = opens.iter().map(|(rooms, window)| (self.doors_of(rooms), *window)).collect();
        self.try_doors(whose, keys, &opens, |does, should| should || !does).await
    }

    /// As [`Self::judge`], with doors named one by one.
    pub(crate) async fn judge_doors(
        &self,
        whose: &str,
        keys: &Keyring,
        opens: &[(BTreeSet<LockDeviceId>, Validity)],
    ) -> CaseResult {
        check!(opens.is_empty() || !keys.0.is_empty(), "{whose} was handed nothing");
        self.try_doors(whose, keys, opens, |does, should| does == should).await
    }

    async fn try_doors(
        &self,
        whose: &str,
        keys: &Keyring,
        opens: &[(BTreeSet<LockDeviceId>, Validity)],
        is_right: fn(bool, bool) -> bool,
    ) -> CaseResult {
        let now = self.now();
        let second = TimeDelta::seconds(1);
        let instants = (0..=HORIZON_HOURS).flat_map(|hours| [self.hour(hours) - second, self.hour(hours)]);
        let instants: Vec<Timestamp> = instants.filter(|at| *at >= now).collect();
        self.try_at(whose, keys, opens, &instants, is_right).await
    }

    async fn try_at(
        &self,
        whose: &str,
        keys: &Keyring,
        opens: &[(BTreeSet<LockDeviceId>, Validity)],
        instants: &[Timestamp],
        is_right: fn(bool, bool) -> bool,
    ) -> CaseResult {
        for at in instants.iter().copied() {
            for door in self.site().doors() {
                let should = opens.iter().any(|(doors, window)| doors.contains(&door) && window.contains(at));
                let does = self.opens(door, keys, at).await?;
                let (does_word, should_word) = (word(does), word(should));
                check!(
                    is_right(does, should),
                    "{door} is {does_word} to {whose} at {at:?}, {should_word} is right ({opens:?})"
                );
            }
        }
        Ok(())
    }

    /// A kind that the adapter does not offer.
    pub(crate) fn foreign_kind(&self) -> Option<KeyCredentialKind> {
        let descriptor = self.port().describe_adapter();
        KeyCredentialKind::ALL.into_iter().find(|kind| descriptor.kind(*kind).is_none())
    }
}

fn word(is_open: bool) -> &'static str {
    if is_open { "open" } else { "shut" }
}

/// An idempotency key of the suite's own.
pub(crate) fn key(name: &str) -> CaseResult<IdempotencyKey> {
    name.parse().map_err(|_| Stop::NotRun(format!("{name:?} is no idempotency key")))
}
