//! Many random days of one adapter, over every kind of vendor: issues, moves, suspensions and revokes, with faults in between and everything repeated until
//! it is answered. After each the doors are as the answers said.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssuedCredential, Place, Progress, RevokeInput,
    RevokeReason, SuspendInput, SuspendReason, UnsuspendInput, UpdateInput,
};
use lockport::driver::{AfterLost, Kind, Per, Suspend};
use lockport::env::{Clock as _, Entropy as _, SeededEntropy};
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, RoomId};
use lockport::idempotency::IdempotencyKey;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, SharedLockPort, Timestamp, Validity};
use lockport_contract::harness::MockBench;
use lockport_contract::port_over;
use lockport_mock::{Fault, MockDriver, Personality, descriptor};

const SEEDS: u64 = 4;
const GUESTS: usize = 4;
const STEPS: usize = 40;
const TRIES: usize = 24;
/// Longer than any call can still take effect, and any queue after it.
const QUIET: TimeDelta = TimeDelta::seconds(36);

#[derive(Clone, Debug)]
struct Stay {
    credential: KeyCredentialId,
    rooms: Vec<RoomId>,
    window: Validity,
    is_suspended: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Issue(Box<IssueInput>),
    Update(Box<UpdateInput>),
    Suspend(SuspendInput),
    Unsuspend(UnsuspendInput),
    Revoke(RevokeInput),
}

impl Act {
    fn credential(&self) -> KeyCredentialId {
        match self {
            Self::Issue(input) => input.resulting_id(),
            Self::Update(input) => input.credential_id,
            Self::Suspend(input) => input.credential_id,
            Self::Unsuspend(input) => input.credential_id,
            Self::Revoke(input) => input.credential_id,
        }
    }

    fn gives(&self) -> bool {
        matches!(self, Self::Issue(_) | Self::Update(_) | Self::Unsuspend(_))
    }
}

struct Days {
    bench: MockBench,
    port: SharedLockPort,
    kind: Kind,
    chance: SeededEntropy,
    keys: [Vec<String>; GUESTS],
    stays: [Option<Stay>; GUESTS],
    names: u32,
}

impl Days {
    fn new(seed: u64, personality: Personality, kind: Kind) -> Self {
        let bench = MockBench::of(personality).unwrap();
        let port = port_over(MockDriver::new(bench.vendor.clone()), &bench.site, &bench.clock, seed);
        let chance = SeededEntropy::new(seed.wrapping_mul(31).wrapping_add(7));
        Self { bench, port, kind, chance, keys: Default::default(), stays: Default::default(), names: 0 }
    }

    fn draw(&self, below: usize) -> usize {
        let mut byte = [0; 8];
        self.chance.fill(&mut byte).unwrap();
        usize::try_from(u64::from_be_bytes(byte) % u64::try_from(below).unwrap()).unwrap()
    }

    fn name(&mut self, what: &str) -> IdempotencyKey {
        self.names += 1;
        format!("{what}-{}", self.names).parse().unwrap()
    }

    fn some_rooms(&self) -> Vec<RoomId> {
        let picked = 1 + self.draw((1 << self.bench.site.rooms.len()) - 1);
        let rooms = self.bench.site.rooms.iter().enumerate();
        rooms.filter(|(index, _)| picked >> index & 1 == 1).map(|(_, room)| room.id).collect()
    }

    fn some_window(&self) -> Validity {
        let hour = |hours: usize| self.bench.clock.now() + TimeDelta::hours(i64::try_from(hours).unwrap());
        Validity::new(hour(self.draw(5)), hour(48 + self.draw(100))).unwrap()
    }

    fn encoder(&self) -> LockDeviceId {
        LockDeviceId::derived("wear/encoder", &[])
    }

    fn place(&self) -> Place {
        Place { at: Some(self.encoder()), holder_device: None }
    }

    /// The one card of a credential's holder; whoever it is about stands at the encoder with it.
    fn card(credential: KeyCredentialId) -> String {
        format!("card of {credential}")
    }

    fn some_act(&mut self, guest: usize) -> Act {
        let tenant = self.bench.site.tenant;
        let Some(stay) = self.stays[guest].clone() else {
            let key = self.name("issue");
            let holder = Holder::Guest(Guest {
                id: GuestId::derived("wear", &[&[u8::try_from(guest).unwrap()]]),
                reservation_id: ReservationId::derived("wear", &[key.as_str().as_bytes()]),
                display_name: None,
                contact: Contact::default(),
            });
            let (rooms, window) = (self.some_rooms(), self.some_window());
            let input = IssueInput::new(tenant, self.bench.site.property, holder, rooms, window, key);
            let input = input.with_preferred_kinds(vec![self.kind.kind]).with_place(self.place());
            return Act::Issue(Box::new(input));
        };
        let (id, place) = (stay.credential, self.place());
        match self.draw(6) {
            0 => {
                let input = RevokeInput::new(tenant, id, RevokeReason::Checkout, self.name("revoke"));
                Act::Revoke(input.with_place(place))
            }
            _ if stay.is_suspended => {
                Act::Unsuspend(UnsuspendInput::new(tenant, id, self.name("unsuspend")).with_place(place))
            }
            1 => {
                let input = SuspendInput::new(tenant, id, SuspendReason::Manual, self.name("suspend"));
                Act::Suspend(input.with_place(place))
            }
            more => {
                let mut input = UpdateInput::new(tenant, id, self.name("update")).with_place(place);
                if more != 2 {
                    input = input.with_rooms(self.some_rooms());
                }
                if more != 3 {
                    let window = self.some_window();
                    input = input.with_valid_from(window.from()).with_valid_until(window.until());
                }
                Act::Update(Box::new(input))
            }
        }
    }

    /// How many grants the vendor is asked for at least.
    fn fresh_grants(&self, guest: usize, act: &Act) -> usize {
        if self.kind.per != Per::Door {
            return usize::from(matches!(act, Act::Issue(_)));
        }
        let rooms = match act {
            Act::Issue(input) => &input.rooms,
            Act::Update(input) => input.rooms.as_deref().unwrap_or_default(),
            Act::Suspend(_) | Act::Unsuspend(_) | Act::Revoke(_) => return 0,
        };
        let held = self.stays[guest].as_ref().map(|stay| self.doors_of(&stay.rooms)).unwrap_or_default();
        self.doors_of(rooms).difference(&held).count()
    }

    /// A refusal strikes a grant of the act it is ordered for, and nothing else: a revoke that the vendor refuses is no revoke.
    fn order_faults(&self, grants: usize) {
        if grants > 0 && self.bench.vendor.faults_waiting() == 0 && self.draw(4) == 0 {
            let message = "the door holds no more grants";
            let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::CapacityFull);
            let refusal = LockError::new(code, reason, RetryAdvice::Never, message);
            let after = u64::try_from(self.draw(grants)).unwrap();
            return self.bench.vendor.push_fault_after(after, Fault::Refuse(refusal));
        }
        for _ in 0..self.draw(4) {
            let fault = match self.draw(4) {
                0 => Fault::NotSent,
                1 => Fault::LoseCall,
                2 => Fault::LoseReply,
                _ => Fault::LateEffect(Duration::from_secs(29)),
            };
            self.bench.vendor.push_fault_after(u64::try_from(self.draw(3)).unwrap(), fault);
        }
    }

    /// The answer's credential, where it has one. What is pending is asked for again when its answer says so.
    async fn call(&self, act: &Act) -> Result<Option<IssuedCredential>, LockError> {
        for _ in 0..TRIES {
            match self.call_once(act).await? {
                (Progress::Active, credential) => return Ok(credential),
                _ => self.bench.clock.advance(TimeDelta::seconds(10)),
            }
        }
        panic!("still pending after {TRIES} tries: {act:?}")
    }

    async fn call_once(&self, act: &Act) -> Result<(Progress, Option<IssuedCredential>), LockError> {
        let encoder = self.bench.vendor.encoder(self.encoder());
        // Who is to be given something may be too slow to come.
        if !act.gives() || self.draw(4) > 0 {
            encoder.place_card(&Self::card(act.credential()));
        }
        let answer = self.ask(act).await;
        let _card = encoder.remove();
        answer
    }

    async fn ask(&self, act: &Act) -> Result<(Progress, Option<IssuedCredential>), LockError> {
        match act.clone() {
            Act::Issue(input) => {
                let issued = self.port.issue_credential(*input).await?;
                Ok((issued.state, Some(issued.credential)))
            }
            Act::Update(input) => {
                let updated = self.port.update_credential(*input).await?;
                Ok((updated.state, Some(updated.credential)))
            }
            Act::Unsuspend(input) => {
                let updated = self.port.unsuspend_credential(input).await?;
                Ok((updated.state, Some(updated.credential)))
            }
            Act::Suspend(input) => {
                self.port.suspend_credential(input).await.map(|_| (Progress::Active, None))
            }
            Act::Revoke(input) => {
                // What a lost call may still bring is taken away by the same call at the time its answer names.
                while let Some(then) = self.port.revoke_credential(input.clone()).await?.again_at {
                    assert!(then > self.bench.clock.now(), "a time to call again that is over");
                    self.bench.clock.set(then);
                }
                Ok((Progress::Active, None))
            }
        }
    }

    fn note(&mut self, guest: usize, act: &Act, credential: Option<IssuedCredential>) {
        if let Some(credential) = credential {
            for delivery in &credential.delivery {
                let key = match &delivery.artifact {
                    // EXPOSE: the guest tries it at every door.
                    Artifact::Pin(text) | Artifact::MobileToken(text) => text.expose().clone(),
                    Artifact::CardReadyAt(_) => Self::card(credential.id),
                    other => panic!("{other:?}"),
                };
                self.keys[guest].push(key);
            }
            let is_suspended = false;
            let IssuedCredential { id, rooms, validity, .. } = credential;
            self.stays[guest] = Some(Stay { credential: id, rooms, window: validity, is_suspended });
        }
        match act {
            Act::Suspend(_) => self.stays[guest].as_mut().unwrap().is_suspended = true,
            Act::Revoke(_) => self.stays[guest] = None,
            Act::Issue(_) | Act::Update(_) | Act::Unsuspend(_) => {}
        }
    }

    /// Repeats until there is an answer for good; `None` when it was refused.
    async fn insist(&mut self, guest: usize, act: &Act) -> Option<()> {
        for _ in 0..TRIES {
            match self.call(act).await {
                Ok(credential) => {
                    self.note(guest, act, credential);
                    return Some(());
                }
                Err(error) if error.advice() == RetryAdvice::Never => {
                    let is_declared = self.declares() && error.reason() == FailureReason::OutcomeUnknown;
                    let is_full = error.reason() == FailureReason::CapacityFull;
                    assert!(is_full || is_declared, "{act:?}: {error:?}");
                    return None;
                }
                Err(_) => self.bench.clock.advance(QUIET),
            }
        }
        panic!("no answer after {TRIES} tries: {act:?}, {:?}", self.call(act).await);
    }

    fn declares(&self) -> bool {
        self.kind.recovery.grant == AfterLost::Declare
    }

    /// A guest who leaves while something about him has no answer yet: whatever was going on, nothing is left.
    async fn leave(&mut self, guest: usize, act: &Act) {
        let (tenant, key) = (self.bench.site.tenant, self.name("leave"));
        let revoke = RevokeInput::new(tenant, act.credential(), RevokeReason::Cancellation, key);
        self.insist(guest, &Act::Revoke(revoke.with_place(self.place()))).await.unwrap();
    }

    fn doors_of(&self, rooms: &[RoomId]) -> BTreeSet<LockDeviceId> {
        let of_rooms = self.bench.site.rooms.iter().filter(|room| rooms.contains(&room.id));
        of_rooms.flat_map(|room| &room.doors).copied().collect()
    }

    fn check_doors(&self, after: &str) {
        let second = TimeDelta::seconds(1);
        for door in self.bench.site.doors() {
            let mut held = 0;
            for (guest, keys) in self.keys.iter().enumerate() {
                let stay =
                    self.stays[guest].as_ref().filter(|stay| self.doors_of(&stay.rooms).contains(&door));
                let is_held = |stay: &&Stay| !stay.is_suspended || self.kind.suspend == Suspend::Native;
                held += usize::from(stay.filter(is_held).is_some());
                let mut instants: Vec<Timestamp> = vec![self.bench.clock.now()];
                for own in self.stays.iter().flatten() {
                    instants.extend([own.window.from(), own.window.until()].map(|at| at - second));
                    instants.extend([own.window.from(), own.window.until()]);
                }
                for at in instants {
                    let should = stay.is_some_and(|stay| !stay.is_suspended && stay.window.contains(at));
                    let does = keys.iter().any(|key| self.bench.vendor.door(door).try_open(key, at));
                    assert_eq!(does, should, "guest {guest} at {door}, {at}, {after}: {:?}", self.stays);
                }
            }
            assert_eq!(
                self.bench.vendor.live_grants(door),
                held,
                "held at {door}, {after}: {:?}",
                self.stays
            );
        }
    }

    async fn live(mut self, seed: u64) {
        for step in 0..STEPS {
            let guest = self.draw(GUESTS);
            let act = self.some_act(guest);
            let leaves = self.draw(5) == 0;
            self.order_faults(if leaves { 0 } else { self.fresh_grants(guest, &act) });
            let ordered = self.bench.vendor.faults_waiting();
            if leaves {
                let _unanswered = self.call_once(&act).await;
                self.leave(guest, &act).await;
            } else if self.insist(guest, &act).await.is_none() && self.declares() {
                // What nobody can know is cleared up by a revoke.
                self.leave(guest, &act).await;
            }
            // Whatever is still on its way lands before the doors are judged.
            self.bench.clock.advance(QUIET);
            self.check_doors(&format!(
                "{}, seed {seed}, {}, step {step}, {ordered} faults, {act:?}",
                self.bench.vendor.personality(),
                self.kind.kind
            ));
        }
    }
}

async fn wear(personality: Personality) {
    for kind in descriptor(personality).kinds {
        for seed in 0..SEEDS {
            Days::new(seed, personality, kind.clone()).live(seed).await;
        }
    }
}

/// After every answer the doors are as it said: one test a personality, so that they run side by side.
macro_rules! personalities {
    ($($name:ident: $personality:ident,)*) => {$(
        #[tokio::test]
        async fn $name() {
            wear(Personality::$personality).await;
        }
    )*};
}

personalities! {
    per_door: PerDoor,
    per_stay: PerStay,
    room_wide: RoomWide,
    silent_ack: SilentAck,
    card: Card,
    webhook: Webhook,
}
