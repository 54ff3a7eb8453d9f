//! Many random days of one adapter: issues, moves, suspensions and revokes, with faults in between and everything repeated until
//! it is answered. After each the doors are as the answers said.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use lockport::credential::{
    Artifact, Contact, Guest, Holder, IssueInput, IssuedCredential, KeyCredentialKind, RevokeInput,
    RevokeReason, SuspendInput, SuspendReason, UnsuspendInput, UpdateInput,
};
use lockport::env::{Clock as _, Entropy as _, SeededEntropy};
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, RoomId};
use lockport::idempotency::IdempotencyKey;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, SharedLockPort, Timestamp, Validity};
use lockport_contract::harness::MockBench;
use lockport_contract::port_over;
use lockport_mock::{Fault, MockDriver};

const SEEDS: u64 = 8;
const GUESTS: usize = 4;
const STEPS: usize = 40;
const TRIES: usize = 12;

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

struct Days {
    bench: MockBench,
    port: SharedLockPort,
    kind: KeyCredentialKind,
    chance: SeededEntropy,
    keys: [Vec<String>; GUESTS],
    stays: [Option<Stay>; GUESTS],
    names: u32,
}

impl Days {
    fn new(seed: u64, kind: KeyCredentialKind) -> Self {
        let bench = MockBench::new().unwrap();
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
            return Act::Issue(Box::new(input.with_preferred_kinds(vec![self.kind])));
        };
        let id = stay.credential;
        match self.draw(6) {
            0 => Act::Revoke(RevokeInput::new(tenant, id, RevokeReason::Checkout, self.name("revoke"))),
            _ if stay.is_suspended => Act::Unsuspend(UnsuspendInput::new(tenant, id, self.name("unsuspend"))),
            1 => Act::Suspend(SuspendInput::new(tenant, id, SuspendReason::Manual, self.name("suspend"))),
            more => {
                let mut input = UpdateInput::new(tenant, id, self.name("update"));
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
    fn fresh_doors(&self, guest: usize, act: &Act) -> usize {
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

    /// The answer's credential, where it has one.
    async fn call(&self, act: &Act) -> Result<Option<IssuedCredential>, LockError> {
        match act.clone() {
            Act::Issue(input) => Ok(Some(self.port.issue_credential(*input).await?.credential)),
            Act::Update(input) => Ok(Some(self.port.update_credential(*input).await?.credential)),
            Act::Unsuspend(input) => Ok(Some(self.port.unsuspend_credential(input).await?.credential)),
            Act::Suspend(input) => self.port.suspend_credential(input).await.map(|_| None),
            Act::Revoke(input) => {
                // What a lost call may still bring is taken away by the same call at the time its answer names.
                while let Some(then) = self.port.revoke_credential(input.clone()).await?.again_at {
                    assert!(then > self.bench.clock.now(), "a time to call again that is over");
                    self.bench.clock.set(then);
                }
                Ok(None)
            }
        }
    }

    fn note(&mut self, guest: usize, act: &Act, credential: Option<IssuedCredential>) {
        if let Some(credential) = credential {
            for delivery in &credential.delivery {
                let (Artifact::Pin(text) | Artifact::MobileToken(text)) = &delivery.artifact else {
                    panic!()
                };
                // EXPOSE: the guest tries it at every door.
                self.keys[guest].push(text.expose().clone());
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
                    assert_eq!(error.reason(), FailureReason::CapacityFull, "{act:?}: {error:?}");
                    return None;
                }
                Err(_) => self.bench.clock.advance(TimeDelta::seconds(31)),
            }
        }
        panic!("no answer after {TRIES} tries: {act:?}, {:?}", self.call(act).await);
    }

    /// A guest who leaves while something about him has no answer yet: whatever was going on, nothing is left.
    async fn leave(&mut self, guest: usize, act: &Act) {
        let _unanswered = self.call(act).await;
        let credential = match act {
            Act::Issue(input) => input.resulting_id(),
            Act::Update(input) => input.credential_id,
            Act::Suspend(input) => input.credential_id,
            Act::Unsuspend(input) => input.credential_id,
            Act::Revoke(input) => input.credential_id,
        };
        let key = self.name("leave");
        let revoke = RevokeInput::new(self.bench.site.tenant, credential, RevokeReason::Cancellation, key);
        self.insist(guest, &Act::Revoke(revoke)).await.unwrap();
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
                let is_held = |stay: &&Stay| !stay.is_suspended || self.kind == KeyCredentialKind::MobileApp;
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
            self.order_faults(if leaves { 0 } else { self.fresh_doors(guest, &act) });
            let ordered = self.bench.vendor.faults_waiting();
            if leaves {
                self.leave(guest, &act).await;
            } else {
                self.insist(guest, &act).await;
            }
            // Whatever is still on its way lands before the doors are judged.
            self.bench.clock.advance(TimeDelta::seconds(31));
            self.check_doors(&format!(
                "seed {seed}, {:?}, step {step}, {ordered} faults, {act:?}",
                self.kind
            ));
        }
    }
}

#[tokio::test]
async fn after_every_answer_the_doors_are_as_it_said() {
    for seed in 0..SEEDS {
        for kind in [KeyCredentialKind::MobileApp, KeyCredentialKind::PinCode] {
            Days::new(seed, kind).live(seed).await;
        }
    }
}
