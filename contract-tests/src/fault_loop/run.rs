//! One run: a scenario on a fresh stand, with the failures on order, judged from the first call to the last door.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::host::{End, Host};
use super::judge::{Judge, Red};
use super::points::{Patience, Point};
use super::rig::{Rig, Shelf};
use super::scenario::{Key, Op, Quirk, Scenario, Verb};
use super::way::Strike;
use super::world::World;

/// How long the vendor's own queue may take with what has landed.
const AFTERWARDS: Duration = Duration::from_secs(60);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Played {
    /// The points that were passed while failures could strike.
    pub(crate) points: Vec<Point>,
    pub(crate) red: Option<String>,
    /// Something was declared unknown, for a person to decide.
    pub(crate) declared: bool,
    /// How many failures on order never struck.
    pub(crate) waiting: usize,
    pub(crate) trace: Vec<String>,
}

/// Plays one run. A panic is a red run.
pub(crate) async fn play(
    rig: &dyn Rig,
    shelf: &dyn Shelf,
    scenario: &Scenario<'_>,
    strikes: &[Strike],
    seed: u64,
) -> Played {
    let mut played = Played { points: Vec::new(), red: None, declared: false, waiting: 0, trace: Vec::new() };
    let judged =
        AssertUnwindSafe(on_a_stand(rig, shelf, scenario, strikes, seed, &mut played)).catch_unwind();
    match judged.await {
        Ok(Ok(())) => {}
        Ok(Err(Red(why))) => played.red = Some(why),
        Err(_panic) => played.red = Some("something panicked".to_owned()),
    }
    played
}

async fn on_a_stand(
    rig: &dyn Rig,
    shelf: &dyn Shelf,
    scenario: &Scenario<'_>,
    strikes: &[Strike],
    seed: u64,
    played: &mut Played,
) -> Result<(), Red> {
    let mut world = World::new(rig.open(seed).await?, shelf.fresh().await?, seed).await?;
    let judged = in_the_world(&mut world, scenario, strikes, played).await;
    played.trace = world.points.trace();
    judged
}

async fn in_the_world(
    world: &mut World,
    scenario: &Scenario<'_>,
    strikes: &[Strike],
    played: &mut Played,
) -> Result<(), Red> {
    let mut judge = Judge::new(world, scenario);
    let points = std::sync::Arc::clone(&world.points);
    let is_odd = scenario.quirk != Quirk::None;
    let mut host = Host::new(world, &mut judge, is_odd);
    for op in scenario.setup {
        host.until(op).await.map_err(|Red(why)| Red(format!("before anything failed: {why}")))?;
    }
    points.be_odd(scenario.quirk);
    if matches!(scenario.quirk, Quirk::NotThisKind(_)) {
        host.world.prefer_what_is_alike();
    }
    points.count(strikes, Patience::None);
    let mut ends: Vec<(Op, End)> = Vec::new();
    let mut judged = Ok(());
    for turn in scenario.act {
        match host.take(turn).await {
            Ok(end) => ends.extend(turn.op().map(|op| (*op, end))),
            Err(red) => {
                judged = Err(red);
                break;
            }
        }
    }
    let (all, waiting) = points.stop();
    (played.points, played.declared, played.waiting) = (all, host.declared, waiting);
    judged?;
    points.say("the end: everything late has landed, and everything is asked again");
    afterwards(&mut host, &ends).await?;
    farewell(&mut host).await
}

/// When nothing can land any more the doors are as they were; and the same keys get the same answers.
pub(super) async fn afterwards(host: &mut Host<'_>, ends: &[(Op, End)]) -> Result<(), Red> {
    host.world.pass(host.world.stand.choke.latest + AFTERWARDS).await;
    host.exact().await?;
    let made = host.world.stand.probe.ever_made().await?;
    // An operation that was taken up again has only its last answer.
    for (number, (op, end)) in ends.iter().enumerate() {
        let is_last = !ends.iter().skip(number.saturating_add(1)).any(|(later, _)| later.key == op.key);
        if is_last && !matches!(end, End::Left) {
            host.repeat(op, end).await?;
        }
    }
    host.exact().await?;
    if host.world.stand.probe.ever_made().await? != made {
        return Err(Red("the same keys again made new permissions".to_owned()));
    }
    Ok(())
}

/// A last revoke of every key leaves nothing at the vendor, nothing open at the doors, and nothing open in the ledger.
pub(super) async fn farewell(host: &mut Host<'_>) -> Result<(), Red> {
    for guest in host.world.guests() {
        let op = Op { key: Key::Named("last-revoke"), guest, verb: Verb::Revoke };
        host.until(&op).await?;
    }
    host.world.pass(host.world.stand.choke.latest + AFTERWARDS).await;
    // What is revoked is known, whatever was declared before.
    host.declared = false;
    host.exact().await?;
    if host.world.has_open_operations().await? {
        return Err(Red("an operation is still open in the ledger".to_owned()));
    }
    Judge::disk(host.world)
}
