//! What a case works with: a port, a clock, the vendor's side, and a small hotel.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::device::DoorMap;
use lockport::env::ManualClock;
use lockport::id::{KeyCredentialId, LockDeviceId, PropertyId, RoomId, TenantId};
use lockport::scope::Area;
use lockport::{Secret, SharedLockPort, Timestamp, Validity};

use crate::backstage::Backstage;

/// One adapter on a bench of its own. Cases never see each other's.
pub struct Bench {
    /// The adapter with the guard on top and nothing else: what retries or hides is judged elsewhere.
    pub port: SharedLockPort,
    /// The only clock. Only cases move it.
    pub clock: Arc<ManualClock>,
    /// The vendor's side.
    pub probe: Box<dyn VendorProbe>,
    /// Faults on order; `None` where nobody can order them, such as a vendor's own sandbox.
    pub faults: Option<Box<dyn FaultInjector>>,
    /// The people at the encoder; `None` where no kind needs anybody there.
    pub presence: Option<Box<dyn Presence>>,
    /// The locks as somebody in front of them can have them; `None` where nobody can get at them.
    pub locks: Option<Box<dyn LockControl>>,
    /// The line to the vendor; `None` where there is none.
    pub tap: Option<Box<dyn WireTap>>,
    /// The driver and the ledger behind the port; `None` for a port that was not built over a driver.
    pub backstage: Option<Backstage>,
    /// The hotel.
    pub site: Site,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("port", &self.port).field("site", &self.site).finish_non_exhaustive()
    }
}

/// The vendor's side, asked without the adapter. An adapter's own answer is never proof.
#[async_trait]
pub trait VendorProbe: Send + Sync {
    /// Somebody holds the artifact against the door at `at`; whether it opens. The vendor is taken as it stands now.
    ///
    /// # Errors
    /// When the door cannot be tried.
    async fn try_open(
        &self,
        door: LockDeviceId,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<bool, BenchError>;

    /// How many permissions of ours the vendor holds for the door now, whatever their windows.
    ///
    /// # Errors
    /// When the vendor cannot be looked at.
    async fn live(&self, door: LockDeviceId) -> Result<u64, BenchError>;

    /// How many permissions the vendor ever made, those it has no more included.
    ///
    /// # Errors
    /// When the vendor cannot be looked at.
    async fn ever_made(&self) -> Result<u64, BenchError>;

    /// How many calls of any sort reached the vendor.
    ///
    /// # Errors
    /// When the vendor cannot be looked at.
    async fn calls(&self) -> Result<u64, BenchError>;

    /// The case has moved the clock: a vendor with a clock of its own follows.
    fn clock_moved(&self, now: Timestamp);
}

/// The line between adapter and vendor, for whoever listens in.
pub trait WireTap: Send + Sync {
    /// What went over it and must be seen nowhere else: passwords, tokens, keys.
    fn secrets(&self) -> Vec<Secret>;

    /// What the adapter's own log of the line says so far.
    fn log(&self) -> String;
}

/// The locks and clocks on the vendor's side, for whoever can get at them.
pub trait LockControl: Send + Sync {
    /// The battery of a door's lock is at so many percent from now on.
    ///
    /// # Errors
    /// When this vendor's stand-in cannot play it; the case is then not run.
    fn set_battery(&self, door: LockDeviceId, percent: u8) -> Result<(), BenchError>;

    /// The vendor reaches the lock from now on, or does not. Locks that share a way to the vendor may go together.
    ///
    /// # Errors
    /// As [`Self::set_battery`].
    fn set_online(&self, door: LockDeviceId, is_online: bool) -> Result<(), BenchError>;

    /// The lock of a door can take credentials of this kind from now on, or cannot: a keypad is screwed to it, or taken off. Whether
    /// this vendor has locks that cannot.
    ///
    /// # Errors
    /// As [`Self::set_battery`].
    fn set_able(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        is_able: bool,
    ) -> Result<bool, BenchError>;

    /// Somebody sets a credential of this kind at the lock by hand, for this window: the text that it opens to, which is this one
    /// where one is named. `None` where nobody can.
    ///
    /// # Errors
    /// As [`Self::set_battery`].
    fn set_by_hand(
        &self,
        door: LockDeviceId,
        kind: KeyCredentialKind,
        window: Validity,
        text: Option<&Secret>,
    ) -> Result<Option<Secret>, BenchError>;

    /// The clock in the lock is so much ahead of the true time from now on, or behind it when negative.
    ///
    /// # Errors
    /// As [`Self::set_battery`].
    fn set_lock_clock(&self, door: LockDeviceId, ahead: TimeDelta) -> Result<(), BenchError>;

    /// The vendor's own clock is so much ahead of the true time from now on, or behind it when negative.
    ///
    /// # Errors
    /// As [`Self::set_battery`].
    fn set_vendor_clock(&self, ahead: TimeDelta) -> Result<(), BenchError>;
}

/// The holders of cards, for kinds that are written on what the holder brings.
#[async_trait]
pub trait Presence: Send + Sync {
    /// The encoder at which the hotel writes its cards.
    fn encoder(&self) -> LockDeviceId;

    /// The holder of this credential puts his card on the encoder: always the same one, blank the first time, and one that can
    /// bear a key of this kind.
    fn come(&self, holder: KeyCredentialId, kind: KeyCredentialKind);

    /// Whoever is there takes his card and goes.
    fn go(&self);

    /// The number that the desk's reader reads off this holder's card; `None` where nobody needs it, because the encoder does.
    fn read_at_the_desk(&self, _holder: KeyCredentialId) -> Option<String> {
        None
    }

    /// The holder of this credential holds his card against the door at `at`; whether it opens.
    ///
    /// # Errors
    /// When the door cannot be tried.
    async fn try_card(
        &self,
        door: LockDeviceId,
        holder: KeyCredentialId,
        at: Timestamp,
    ) -> Result<bool, BenchError>;
}

/// What can be ordered to go wrong between adapter and vendor. Each is used up by the next call with an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call is applied, and its reply is lost.
    LoseNextReply,
    /// The call is lost on its way, and the caller cannot know that.
    DropNextBeforeEffect,
    /// The reply is lost, and the call takes effect as late as this vendor's calls ever do: its longest queue.
    LateEffect,
    /// So many calls pass, and the next is refused for good, with a code that the vendor's pages know.
    RefuseAfter(u64),
    /// The vendor says no with a code that its pages do not know.
    RefuseNextWithUnknownCode,
    /// The vendor says no with this one of its documented codes.
    RefuseNextWith(i64),
    /// The call never leaves, and the caller can know it.
    NeverSend,
    /// So many writes on the holder's card go well, and the next is cut: the card is pulled away.
    CutWrite(u64, Cut),
    /// So many writes on the holder's card go well, and the next is one that the card does not keep, though it says so.
    LoseWritten(u64),
}

/// What a card has of a write that was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing: it had not begun.
    Early,
    /// A part.
    Midway,
    /// All: it alone knows.
    Late,
}

impl Cut {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Early, Self::Midway, Self::Late];
}

impl Fault {
    /// The three ways in which a call can end without an answer.
    pub(crate) const UNANSWERED: [Self; 3] =
        [Self::LoseNextReply, Self::DropNextBeforeEffect, Self::LateEffect];

    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoseNextReply => "reply lost",
            Self::DropNextBeforeEffect => "call lost",
            Self::LateEffect => "late effect",
            Self::RefuseAfter(_) => "refused",
            Self::RefuseNextWithUnknownCode => "unknown code",
            Self::RefuseNextWith(_) => "documented code",
            Self::NeverSend => "never sent",
            Self::CutWrite(..) => "card torn",
            Self::LoseWritten(_) => "write not kept",
        }
    }
}

/// Orders faults at the vendor.
pub trait FaultInjector: Send + Sync {
    /// Puts the fault at the end of the queue.
    ///
    /// # Errors
    /// When this vendor's stand-in cannot play it; the case is then not run.
    fn order(&self, fault: Fault) -> Result<(), BenchError>;

    /// How many ordered faults still wait for a call.
    fn waiting(&self) -> usize;

    /// Forgets the faults that still wait.
    fn forget(&self);

    /// Every code with which the vendor's pages say that it may say no: typed from those pages, not from the driver.
    fn documented_codes(&self) -> Vec<i64>;
}

/// Why the bench itself, not the adapter, failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchError {
    message: String,
}

impl BenchError {
    /// An error for people.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BenchError {}

/// The hotel on the bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub property: PropertyId,
    /// Its rooms: at least [`Site::ROOMS`], no two behind one door.
    pub rooms: Vec<SiteRoom>,
    /// Its shared areas.
    pub areas: Vec<SiteArea>,
}

/// A room and its doors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRoom {
    /// The room.
    pub id: RoomId,
    /// Its doors: at least one.
    pub doors: Vec<LockDeviceId>,
}

/// A shared area and its doors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteArea {
    /// The area.
    pub name: Area,
    /// Its doors: at least one.
    pub doors: Vec<LockDeviceId>,
}

impl Site {
    /// How many rooms the cases need.
    pub const ROOMS: usize = 4;

    /// The hotel of every simulated vendor: three rooms with a door, a suite with two, and a gym.
    #[must_use]
    pub fn standard() -> Self {
        let door = |name: &str| LockDeviceId::derived("lockport-contract/door", &[name.as_bytes()]);
        let room = |name: &str, doors: &[&str]| SiteRoom {
            id: RoomId::derived("lockport-contract/room", &[name.as_bytes()]),
            doors: doors.iter().copied().map(door).collect(),
        };
        Self {
            tenant: TenantId::derived("lockport-contract/tenant", &[]),
            property: PropertyId::derived("lockport-contract/property", &[]),
            rooms: vec![
                room("201", &["201"]),
                room("202", &["202"]),
                room("203", &["203"]),
                room("204", &["204", "204-balcony"]),
            ],
            areas: "gym"
                .parse()
                .map(|name| SiteArea { name, doors: vec![door("gym")] })
                .into_iter()
                .collect(),
        }
    }

    /// The rooms and areas as an adapter is told them.
    #[must_use]
    pub fn door_map(&self) -> DoorMap {
        let rooms = self
            .rooms
            .iter()
            .fold(DoorMap::default(), |map, room| map.with_room(room.id, None, room.doors.clone()));
        self.areas.iter().fold(rooms, |map, area| map.with_area(area.name.clone(), area.doors.clone()))
    }

    /// Every door, once.
    #[must_use]
    pub fn doors(&self) -> BTreeSet<LockDeviceId> {
        self.door_map().doors()
    }

    /// # Errors
    /// When the cases cannot tell right from wrong in this hotel.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        if self.rooms.len() < Self::ROOMS {
            return Err(BenchError::new(format!("the site has fewer than {} rooms", Self::ROOMS)));
        }
        let places =
            self.rooms.iter().map(|room| &room.doors).chain(self.areas.iter().map(|area| &area.doors));
        if places.clone().any(Vec::is_empty) || places.map(Vec::len).sum::<usize>() != self.doors().len() {
            return Err(BenchError::new("each place of the site needs a door that no other place has"));
        }
        Ok(())
    }
}
