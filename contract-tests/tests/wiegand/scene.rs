//! One guest, one card, and what the doors may do before and after one call.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use lockport::credential::{
    Contact, Guest, Holder, IssueInput, KeyCredentialKind, Place, Progress, RevokeInput, RevokeReason,
    SuspendInput, SuspendReason, UnsuspendInput, UpdateInput,
};
use lockport::env::Clock as _;
use lockport::id::{GuestId, KeyCredentialId, LockDeviceId, ReservationId, RoomId};
use lockport::scope::GuestScope;
use lockport::{LockError, LockPort, RetryAdvice, SharedLockPort, Timestamp, Validity};
use lockport_contract::harness::WiegandBench;
use lockport_contract::{Backstage, Presence as _};
use lockport_sim_encoder::Card;
use lockport_wiegand::EncoderModel;

/// What one call does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Issue,
    /// The card bears a former guest's key, which nobody took away.
    IssueOnUsed,
    Longer,
    Shorter,
    Later,
    OtherRoom,
    MoreRooms,
    FewerRooms,
    WithoutGym,
    Suspend,
    Unsuspend,
    Revoke,
}

impl Verb {
    pub(crate) const ALL: [Self; 12] = [
        Self::Issue,
        Self::IssueOnUsed,
        Self::Longer,
        Self::Shorter,
        Self::Later,
        Self::OtherRoom,
        Self::MoreRooms,
        Self::FewerRooms,
        Self::WithoutGym,
        Self::Suspend,
        Self::Unsuspend,
        Self::Revoke,
    ];
}

impl Verb {
    /// Whether something of what stood on the card is not to stand there any more.
    pub(crate) const fn narrows(self) -> bool {
        !matches!(self, Self::Issue | Self::Longer | Self::MoreRooms | Self::Unsuspend)
    }
}

/// Which rooms a key opens, by their number in the house, whether the gym too, and from which hour until which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    rooms: &'static [usize],
    gym: bool,
    hours: (i64, i64),
}

/// What a stay begins with.
const STAY: Right = Right { rooms: &[0, 1], gym: true, hours: (4, 28) };
/// What the guest before had.
const FORMER: Right = Right { rooms: &[2], gym: false, hours: (2, 20) };

fn former() -> KeyCredentialId {
    KeyCredentialId::derived("tears", &[b"the former guest"])
}

pub(crate) struct Scene {
    pub(crate) bench: WiegandBench,
    port: SharedLockPort,
    kind: KeyCredentialKind,
    verb: Verb,
    pub(crate) before: Option<Right>,
    pub(crate) after: Option<Right>,
    start: Timestamp,
    id: KeyCredentialId,
}

impl Scene {
    /// Everything up to the call.
    pub(crate) async fn set(model: EncoderModel, kind: KeyCredentialKind, verb: Verb) -> Self {
        let bench = WiegandBench::of(model, 0).unwrap();
        let backstage = Backstage::over(bench.driver().await.unwrap(), &bench.site, &bench.clock, 0);
        let start = bench.clock.now();
        let after = match verb {
            Verb::Issue | Verb::IssueOnUsed | Verb::Unsuspend => Some(STAY),
            Verb::Longer => Some(Right { hours: (4, 40), ..STAY }),
            Verb::Shorter => Some(Right { hours: (4, 12), ..STAY }),
            Verb::Later => Some(Right { hours: (10, 28), ..STAY }),
            Verb::OtherRoom => Some(Right { rooms: &[0, 2], ..STAY }),
            Verb::MoreRooms => Some(Right { rooms: &[0, 1, 3], ..STAY }),
            Verb::FewerRooms => Some(Right { rooms: &[0], ..STAY }),
            Verb::WithoutGym => Some(Right { gym: false, ..STAY }),
            Verb::Suspend | Verb::Revoke => None,
        };
        let before = match verb {
            Verb::Issue | Verb::Unsuspend => None,
            Verb::IssueOnUsed => Some(FORMER),
            _ => Some(STAY),
        };
        let port = backstage.port();
        let id = KeyCredentialId::derived("tears", &[b"the guest"]);
        let scene = Self { bench, port, kind, verb, before, after, start, id };
        match verb {
            Verb::Issue => {}
            Verb::IssueOnUsed => {
                // The former guest's own card, which is given to the next.
                scene.come();
                let input = scene.issue("former", FORMER).with_credential_id(former());
                let issued = scene.port.issue_credential(input).await.unwrap();
                assert_eq!(issued.state, Progress::Active);
            }
            _ => {
                scene.come();
                let input = scene.issue("guest", STAY);
                assert_eq!(scene.port.issue_credential(input).await.unwrap().state, Progress::Active);
            }
        }
        if verb == Verb::Unsuspend {
            scene.port.suspend_credential(scene.suspend()).await.unwrap();
        }
        scene
    }

    pub(crate) fn card(&self) -> Card {
        self.bench.card_of(self.id, self.kind)
    }

    /// The guest puts his card on the encoder, which is plugged in.
    pub(crate) fn come(&self) {
        self.bench.come(self.id, self.kind);
    }

    fn at(&self, hour: i64) -> Timestamp {
        self.start + TimeDelta::hours(hour)
    }

    fn window(&self, right: Right) -> Validity {
        Validity::new(self.at(right.hours.0), self.at(right.hours.1)).unwrap()
    }

    fn rooms(&self, right: Right) -> Vec<RoomId> {
        right.rooms.iter().map(|room| self.bench.site.rooms[*room].id).collect()
    }

    fn scope(&self, right: Right) -> GuestScope {
        let areas = self.bench.site.areas.iter().filter(|_| right.gym).map(|area| area.name.clone());
        GuestScope { areas: areas.collect(), ..GuestScope::default() }
    }

    fn place(&self) -> Place {
        Place { at: Some(self.bench.encoder()), holder_device: None }
    }

    fn issue(&self, name: &str, right: Right) -> IssueInput {
        let holder = Holder::Guest(Guest {
            id: GuestId::derived("tears", &[name.as_bytes()]),
            reservation_id: ReservationId::derived("tears", &[name.as_bytes()]),
            display_name: None,
            contact: Contact::default(),
        });
        let (tenant, property) = (self.bench.site.tenant, self.bench.site.property);
        let key = format!("issue-{name}").parse().unwrap();
        IssueInput::new(tenant, property, holder, self.rooms(right), self.window(right), key)
            .with_credential_id(self.id)
            .with_preferred_kinds(vec![self.kind])
            .with_scope(self.scope(right))
            .with_place(self.place())
    }

    /// An issue to the guest, for a port of the test's own.
    pub(crate) fn stay_input(&self) -> IssueInput {
        self.issue("guest", STAY)
    }

    /// An issue to somebody who had the card before, and of no area.
    pub(crate) fn former_input(&self) -> IssueInput {
        self.issue("former", Right { gym: false, ..FORMER }).with_credential_id(former())
    }

    /// The former guest's key is taken away while the card lies there.
    pub(crate) async fn revoke_former(&self) {
        let (id, key) = (former(), "former-gone".parse().unwrap());
        let input = RevokeInput::new(self.bench.site.tenant, id, RevokeReason::Checkout, key);
        self.come();
        self.port.revoke_credential(input.with_place(self.place())).await.unwrap();
    }

    fn suspend(&self) -> SuspendInput {
        let key = "suspend".parse().unwrap();
        SuspendInput::new(self.bench.site.tenant, self.id, SuspendReason::FraudReview, key)
            .with_place(self.place())
    }

    fn revoke(&self, key: &str) -> RevokeInput {
        let key = key.parse().unwrap();
        RevokeInput::new(self.bench.site.tenant, self.id, RevokeReason::Cancellation, key)
            .with_place(self.place())
    }

    /// The call; whether it is done, and not only begun.
    pub(crate) async fn call(&self) -> Result<bool, LockError> {
        let port: &dyn LockPort = &*self.port;
        let tenant = self.bench.site.tenant;
        match self.verb {
            Verb::Issue | Verb::IssueOnUsed => {
                let answer = port.issue_credential(self.issue("guest", STAY)).await?;
                Ok(answer.state == Progress::Active)
            }
            Verb::Suspend => port.suspend_credential(self.suspend()).await.map(|_| true),
            Verb::Unsuspend => {
                let input = UnsuspendInput::new(tenant, self.id, "back".parse().unwrap());
                let answer = port.unsuspend_credential(input.with_place(self.place())).await?;
                Ok(answer.state == Progress::Active)
            }
            Verb::Revoke => port.revoke_credential(self.revoke("revoke")).await.map(|_| true),
            _ => {
                let after = self.after.unwrap();
                let input = UpdateInput::new(tenant, self.id, "update".parse().unwrap())
                    .with_rooms(self.rooms(after))
                    .with_scope(self.scope(after))
                    .with_valid_from(self.at(after.hours.0))
                    .with_valid_until(self.at(after.hours.1))
                    .with_place(self.place());
                let answer = port.update_credential(input).await?;
                Ok(answer.state == Progress::Active)
            }
        }
    }

    /// The same call under the same key with the card on the encoder, as often as its answers ask for it.
    pub(crate) async fn repeat(&self) {
        for _ in 0..8 {
            self.come();
            match self.call().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => assert_ne!(error.advice(), RetryAdvice::Never, "{:?}: {error:?}", self.verb),
            }
            self.bench.clock.advance(TimeDelta::seconds(10));
        }
        panic!("{:?} never ends", self.verb);
    }

    /// The guest's stay is over, his card is on the encoder.
    pub(crate) async fn leave(&self) {
        self.come();
        self.port.revoke_credential(self.revoke("leave")).await.unwrap();
    }

    fn allows(&self, right: Right, door: LockDeviceId, at: Timestamp) -> bool {
        let of_rooms = right.rooms.iter().flat_map(|room| &self.bench.site.rooms[*room].doors);
        let of_gym = self.bench.site.areas.iter().filter(|_| right.gym).flat_map(|area| &area.doors);
        let doors: BTreeSet<LockDeviceId> = of_rooms.chain(of_gym).copied().collect();
        doors.contains(&door) && self.window(right).contains(at)
    }

    /// Every door at the seconds around every edge: what it does, and which of the two rights allow it.
    pub(crate) fn doors(&self) -> impl Iterator<Item = (String, bool, bool, bool)> + '_ {
        let second = TimeDelta::seconds(1);
        let hours = [self.before, self.after, Some(STAY), Some(FORMER)].into_iter().flatten();
        let edges: BTreeSet<i64> = hours.flat_map(|right| [right.hours.0, right.hours.1]).collect();
        let instants = edges.into_iter().flat_map(move |hour| [self.at(hour) - second, self.at(hour)]);
        let instants: Vec<Timestamp> = instants.chain([self.at(8), self.at(50)]).collect();
        let doors: Vec<LockDeviceId> = self.bench.site.doors().into_iter().collect();
        let card = self.card();
        doors.into_iter().flat_map(move |door| {
            let card = card.clone();
            instants.clone().into_iter().map(move |at| {
                let opens = self.bench.would_open(door, &card, at);
                let allows = |right: Option<Right>| right.is_some_and(|right| self.allows(right, door, at));
                (format!("{door} at {at}"), opens, allows(self.before), allows(self.after))
            })
        })
    }

    /// Fails where a door opens that neither the old nor the new right opens.
    pub(crate) fn opens_at_most_either(&self, told: &str) {
        for (what, opens, before, after) in self.doors() {
            assert!(!opens || before || after, "{told}: {what} is open");
        }
    }

    /// Fails where a door opens that the new right does not open.
    pub(crate) fn opens_at_most_the_new(&self, told: &str) {
        for (what, opens, _, after) in self.doors() {
            assert!(!opens || after, "{told}: {what} is open");
        }
    }

    /// Fails unless every door does as the new right says.
    pub(crate) fn opens_just_the_new(&self, told: &str) {
        for (what, opens, _, after) in self.doors() {
            assert_eq!(opens, after, "{told}: {what}");
        }
    }

    /// Fails where a door opens.
    pub(crate) fn opens_nothing(&self, told: &str) {
        for (what, opens, ..) in self.doors() {
            assert!(!opens, "{told}: {what} is open");
        }
    }
}
