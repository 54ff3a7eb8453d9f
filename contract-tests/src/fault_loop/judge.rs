//! The judge: at the doors with everything that ever opened one, and at the vendor's own books.

use std::collections::{BTreeMap, BTreeSet};

use lockport::credential::{Artifact, Delivery};
use lockport::id::{KeyCredentialId, LockDeviceId};

use super::driver::short;
use super::model::{HOUR, Hopes};
use super::scenario::{Guest, Scenario, Verb};
use super::world::World;
use crate::bench::BenchError;

/// How a run ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Red(pub(crate) String);

impl From<BenchError> for Red {
    fn from(error: BenchError) -> Self {
        Self(format!("the stand: {error}"))
    }
}

/// Where around an edge of a window somebody tries the doors, in seconds.
const AROUND: [i64; 10] = [-HOUR, -1_801, -61, -2, -1, 0, 1, 59, 1_800, HOUR];

/// And where, at a door that nobody has: just before an edge and on it.
const AT: [i64; 2] = [-1, 0];

/// How strictly the doors are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Nothing opens that may not.
    Shut,
    /// And everything opens that must.
    Both,
}

/// What is watched in one run.
pub(crate) struct Judge {
    instants: Vec<i64>,
    /// Fewer of them.
    edges: Vec<i64>,
    doors: BTreeSet<LockDeviceId>,
    /// What each guest was handed last.
    delivered: BTreeMap<Guest, Vec<Delivery>>,
}

impl Judge {
    pub(crate) fn new(world: &World, scenario: &Scenario<'_>) -> Self {
        let mut edges = Vec::new();
        for op in scenario.ops() {
            match op.verb {
                Verb::Issue { from, until, .. } => edges.extend([from, until]),
                Verb::Update { from, until, .. } => edges.extend(from.into_iter().chain(until)),
                _ => {}
            }
        }
        Self::around(world, &edges)
    }

    /// Watches around these hours.
    pub(crate) fn around(world: &World, edges: &[i32]) -> Self {
        let around = |by: &[i64]| -> Vec<i64> {
            let all: BTreeSet<i64> =
                edges.iter().flat_map(|edge| by.iter().map(move |by| i64::from(*edge) * HOUR + by)).collect();
            all.into_iter().collect()
        };
        let (instants, edges) = (around(&AROUND), around(&AT));
        Self { instants, edges, doors: world.stand.site.doors(), delivered: BTreeMap::new() }
    }

    /// The guest was handed this.
    pub(crate) fn handed(&mut self, guest: Guest, delivery: Vec<Delivery>) {
        self.delivered.insert(guest, delivery);
    }

    /// Tries everything at every door: shut where no house has it open; open where all have, to what the guest was handed.
    pub(crate) async fn doors(
        &self,
        world: &World,
        hopes: &Hopes,
        strictness: impl Fn(Guest) -> Strictness,
    ) -> Result<(), Red> {
        for guest in world.guests() {
            let Some(credential) = world.credential(guest) else { continue };
            let ring = world.ring.of(credential);
            let strict = strictness(guest) == Strictness::Both;
            for door in &self.doors {
                let handed = self.handed_for(guest, *door);
                let opens = hopes.opens(&world.stand.site, guest, *door);
                let is_anybodys = opens.iter().any(Option::is_some);
                for seconds in if is_anybodys { &self.instants } else { &self.edges } {
                    let open = |window: &Option<(i64, i64)>| {
                        window.is_some_and(|(from, until)| from <= *seconds && *seconds < until)
                    };
                    let (may, must) = (opens.iter().any(open), opens.iter().all(open));
                    if may != must || (must && !strict) {
                        continue;
                    }
                    let tried: &[Artifact] = if must { &handed } else { &ring };
                    let does = self.opens(world, *door, credential, tried, *seconds).await?;
                    if does != must {
                        let (door, at) = (short(*door), world.at(*seconds));
                        let word = if does { "open" } else { "shut" };
                        return Err(Red(format!(
                            "door {door} is {word} to {guest} at {at}, and should not be"
                        )));
                    }
                }
            }
            if strict && !self.has_a_key(world, hopes, guest).await? {
                return Err(Red(format!("{guest} is between two keys, and has neither")));
            }
        }
        Ok(())
    }

    /// Whether all of one of the houses opens to the guest: who is given one key for another has one of them at every moment. A
    /// card that is pulled away while it is written has what was safe to write first.
    async fn has_a_key(&self, world: &World, hopes: &Hopes, guest: Guest) -> Result<bool, BenchError> {
        let Some(credential) = world.credential(guest).filter(|_| world.stand.presence.is_none()) else {
            return Ok(true);
        };
        let ring = world.ring.of(credential);
        'houses: for house in hopes.houses() {
            for door in &self.doors {
                let window = house.opens(&world.stand.site, guest, *door);
                for seconds in window.into_iter().flat_map(|(from, until)| [from, until.saturating_sub(1)]) {
                    if !self.opens(world, *door, credential, &ring, seconds).await? {
                        continue 'houses;
                    }
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn handed_for(&self, guest: Guest, door: LockDeviceId) -> Vec<Artifact> {
        let delivery = self.delivered.get(&guest).into_iter().flatten();
        delivery.filter(|one| one.doors.contains(&door)).map(|one| one.artifact.clone()).collect()
    }

    async fn opens(
        &self,
        world: &World,
        door: LockDeviceId,
        credential: KeyCredentialId,
        artifacts: &[Artifact],
        seconds: i64,
    ) -> Result<bool, BenchError> {
        if let Some(presence) = &world.stand.presence
            // The card that its holder has, whatever he was told about it.
            && presence.try_card(door, credential, world.at(seconds)).await?
        {
            return Ok(true);
        }
        // Nobody holds a note that his card is ready against a door.
        for artifact in artifacts.iter().filter(|own| !matches!(own, Artifact::CardReadyAt(_))) {
            if world.stand.probe.try_open(door, artifact, world.at(seconds)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The vendor's books: at every door as many permissions as the houses have.
    pub(crate) async fn books(&self, world: &World, hopes: &Hopes) -> Result<(), Red> {
        let suspend = world.kind.suspend;
        for door in &self.doors {
            let right = hopes.houses().iter().map(|house| house.holds(&world.stand.site, *door, suspend));
            let (least, most) =
                right.fold((u64::MAX, 0), |(least, most), (low, high)| (least.min(low), most.max(high)));
            let live = world.stand.probe.live(*door).await?;
            if !(least..=most).contains(&live) {
                let door = short(*door);
                return Err(Red(format!(
                    "the vendor holds {live} for door {door}, {least} to {most} is right"
                )));
            }
        }
        Ok(())
    }

    /// How many permissions an issue for so many doors makes.
    pub(crate) fn made_by(world: &World, doors: usize) -> u64 {
        crate::trial::grants_of(world.kind.per, doors)
    }

    /// Nothing that opens a door stands on the disk for everybody to read.
    pub(crate) fn disk(world: &World) -> Result<(), Red> {
        let bytes = world.kept.on_disk()?;
        if bytes.is_empty() {
            return Ok(());
        }
        for secret in world.ring.texts() {
            // EXPOSE: looked for in what lies on the disk; nothing of it is shown.
            let needle = secret.expose().as_bytes();
            if !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle) {
                return Err(Red("an artifact stands on the disk in the clear".to_owned()));
            }
        }
        Ok(())
    }
}
