//! Random walks: any writes in any order, for several guests, with failures, deaths, sweeps and clocks that are set back in
//! between, judged as everything else is. What is walked is data, so that whoever draws it can also shorten it.

use std::panic::AssertUnwindSafe;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use lockport::driver::{AfterLost, Suspend};

use super::host::{End, Host};
use super::judge::{Judge, Red};
use super::points::Patience;
use super::report::RedRun;
use super::rig::{Rig, Shelf};
use super::run::{afterwards, farewell};
use super::scenario::{Guest, Key, Op, Turn, Verb};
use super::way::{Strike, Way};
use super::world::World;

/// Who walks.
const NAMES: [&str; Walk::GUESTS] = ["ada", "bob", "cyd"];
/// The rooms that a set of bits names.
const ROOMS: [&[usize]; 15] = [
    &[0],
    &[1],
    &[0, 1],
    &[2],
    &[0, 2],
    &[1, 2],
    &[0, 1, 2],
    &[3],
    &[0, 3],
    &[1, 3],
    &[0, 1, 3],
    &[2, 3],
    &[0, 2, 3],
    &[1, 2, 3],
    &[0, 1, 2, 3],
];
/// When a stay begins, and when it can end, in hours.
const FROM: i32 = 2;
const UNTIL: [i32; 3] = [20, 26, 30];
/// A walk ends before the first stay can.
const ENOUGH: TimeDelta = TimeDelta::hours(12);

/// One step of a walk. Guests, rooms and ends are numbers that are taken as far as they go, so that every number means something;
/// a step that means nothing where the walk has come to is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A key for somebody who has none.
    Issue {
        /// Who.
        guest: u8,
        /// The rooms, as bits.
        rooms: u8,
        /// The end.
        until: u8,
    },
    /// Other rooms, another end, or both.
    Update {
        /// Who.
        guest: u8,
        /// The rooms, as bits.
        rooms: Option<u8>,
        /// The beginning.
        from: Option<u8>,
        /// The end.
        until: Option<u8>,
    },
    /// Takes the key away for a while.
    Suspend(u8),
    /// Gives it back.
    Unsuspend(u8),
    /// Takes it away.
    Revoke(u8),
    /// Takes it away and gives another.
    Replace {
        /// Who.
        guest: u8,
        /// The rooms of the other, as bits.
        rooms: u8,
    },
    /// Comes back to what was left without an answer.
    Resume(u8),
    /// Carries on whatever is open.
    Sweep,
    /// Waits, so many seconds.
    Pass(u16),
    /// The host's clock is set back, so many seconds.
    Back(u16),
    /// The process dies, and another one takes its place.
    Die,
}

/// How a write is gone about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Repeated, as the answers advise, until it is done.
    Insisting,
    /// Called once, and left.
    Leaving,
    /// Called once, while whoever it is about is away, and left.
    Away,
}

/// A walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The seed of everything random below.
    pub seed: u64,
    /// What is done.
    pub steps: Vec<(Step, Manner)>,
    /// What fails: after so many calls that pass, the next one that can fail in this way.
    pub stumbles: Vec<(u8, Way)>,
}

impl Walk {
    /// How many guests there are.
    pub const GUESTS: usize = 3;
}

/// One of the guests.
#[derive(Default)]
struct Person {
    stays: u32,
    /// Left without an answer.
    air: Option<Op>,
    /// Left, and overtaken since.
    stale: Vec<Op>,
    is_declared: bool,
}

/// Walks, and judges at every step.
///
/// # Errors
/// The red run.
pub async fn walk(rig: &dyn Rig, shelf: &dyn Shelf, walk: &Walk) -> Result<(), Box<RedRun>> {
    let mut trace = Vec::new();
    let walked = AssertUnwindSafe(on_a_stand(rig, shelf, walk, &mut trace)).catch_unwind().await;
    let why = match walked {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(Red(why))) => why,
        Err(_panic) => "something panicked".to_owned(),
    };
    let name = format!("{}/walk", rig.name());
    Err(Box::new(RedRun { name, calls: Vec::new(), seed: walk.seed, why, trace }))
}

async fn on_a_stand(
    rig: &dyn Rig,
    shelf: &dyn Shelf,
    walk: &Walk,
    trace: &mut Vec<String>,
) -> Result<(), Red> {
    let mut world = World::new(rig.open(walk.seed).await?, shelf.fresh().await?, walk.seed).await?;
    let walked = in_the_world(&mut world, walk).await;
    *trace = world.points.trace();
    walked
}

async fn in_the_world(world: &mut World, walk: &Walk) -> Result<(), Red> {
    let mut point = 0;
    let strikes: Vec<Strike> = walk
        .stumbles
        .iter()
        .map(|(gap, way)| {
            point += usize::from(*gap) + 1;
            Strike { point, way: *way }
        })
        .collect();
    let points = std::sync::Arc::clone(&world.points);
    let enough = world.true_now() + ENOUGH;
    let mut judge = Judge::around(world, &[&[FROM, FROM + 1], &UNTIL[..]].concat());
    let mut walker =
        Walker { host: Host::new(world, &mut judge, true), people: Default::default(), number: 0 };
    points.count(&strikes, Patience::UntilItFits);
    for (step, manner) in &walk.steps {
        if walker.host.world.true_now() < enough {
            walker.take(*step, *manner).await?;
        }
    }
    let _all = points.stop();
    points.say("the end: everything is asked again");
    let ends = walker.come_home().await?;
    afterwards(&mut walker.host, &ends).await?;
    farewell(&mut walker.host).await
}

struct Walker<'a> {
    host: Host<'a>,
    people: [Person; Walk::GUESTS],
    /// How many writes there were.
    number: usize,
}

fn rooms(bits: u8) -> &'static [usize] {
    let count = ROOMS.len();
    usize::from(bits).checked_rem(count).and_then(|number| ROOMS.get(number)).copied().unwrap_or(&[0])
}

fn end(number: u8) -> i32 {
    let count = UNTIL.len();
    usize::from(number).checked_rem(count).and_then(|number| UNTIL.get(number)).copied().unwrap_or(26)
}

impl Walker<'_> {
    async fn take(&mut self, step: Step, manner: Manner) -> Result<(), Red> {
        let issue = |bits, until| Verb::Issue { rooms: rooms(bits), from: FROM, until };
        match step {
            Step::Issue { guest, rooms, until } => self.issue(guest, issue(rooms, end(until)), manner).await,
            Step::Update { guest, rooms: bits, from, until } => {
                let from = from.map(|number| FROM.saturating_add(i32::from(number) % 2));
                let verb = Verb::Update { rooms: bits.map(rooms), from, until: until.map(end) };
                self.write(guest, verb, manner).await
            }
            Step::Suspend(guest) => self.write(guest, Verb::Suspend, manner).await,
            Step::Unsuspend(guest) => self.write(guest, Verb::Unsuspend, manner).await,
            Step::Revoke(guest) => self.write(guest, Verb::Revoke, manner).await,
            Step::Replace { guest, rooms } => {
                self.write(guest, Verb::Revoke, Manner::Insisting).await?;
                self.issue(guest, issue(rooms, 26), manner).await
            }
            Step::Resume(guest) => match self.person(guest).1.air {
                Some(op) => self.call(guest, op, manner).await,
                None => Ok(()),
            },
            Step::Sweep => self.host.take(&Turn::Sweep).await.map(drop),
            Step::Pass(seconds) => self.host.take(&Turn::Pass(seconds.into())).await.map(drop),
            Step::Back(seconds) => self.host.take(&Turn::Back(seconds.into())).await.map(drop),
            Step::Die => self.host.take(&Turn::Die).await.map(drop),
        }
    }

    fn person(&mut self, guest: u8) -> (Guest, &mut Person) {
        let number = usize::from(guest).checked_rem(Walk::GUESTS).unwrap_or_default();
        let [ada, bob, cyd] = &mut self.people;
        let (name, person) = match (number, NAMES) {
            (0, [name, ..]) => (name, ada),
            (1, [_, name, _]) => (name, bob),
            (_, [_, _, name]) => (name, cyd),
        };
        (Guest { name, stay: person.stays }, person)
    }

    /// A key for a stay of its own.
    async fn issue(&mut self, number: u8, verb: Verb, manner: Manner) -> Result<(), Red> {
        let (guest, person) = self.person(number);
        if person.air.is_some() || person.is_declared {
            return Ok(());
        }
        if self.host.hopes.houses().iter().any(|house| house.stay(guest).is_some()) {
            return Ok(());
        }
        let (_, person) = self.person(number);
        person.stays = person.stays.saturating_add(1);
        let (guest, _) = self.person(number);
        let op = self.op(guest, verb);
        self.call(number, op, manner).await
    }

    fn op(&mut self, guest: Guest, verb: Verb) -> Op {
        self.number = self.number.saturating_add(1);
        let name = match verb {
            Verb::Issue { .. } => "issue",
            Verb::Update { .. } => "update",
            Verb::Suspend => "suspend",
            Verb::Unsuspend => "unsuspend",
            Verb::Revoke => "revoke",
        };
        Op { key: Key::Numbered(name, self.number), guest, verb }
    }

    /// A change of what is there, where it means something.
    async fn write(&mut self, number: u8, verb: Verb, manner: Manner) -> Result<(), Red> {
        let (guest, person) = self.person(number);
        let (is_declared, is_left) = (person.is_declared, person.air.is_some());
        let houses = self.host.hopes.houses();
        let all = |fits: fn(bool) -> bool| {
            houses.iter().all(|house| house.stay(guest).is_some_and(|stay| fits(stay.suspended)))
        };
        let kind = &self.host.world.kind;
        let recovery = &kind.recovery;
        let may_declare = [recovery.grant, recovery.amend, recovery.withdraw].contains(&AfterLost::Declare);
        let is_clear = !(is_declared || is_left && may_declare);
        let can_suspend = kind.suspend != Suspend::No;
        let means_something = match verb {
            Verb::Issue { .. } => false,
            Verb::Update { .. } => is_clear && all(|_| true),
            Verb::Suspend => is_clear && can_suspend && all(|suspended| !suspended),
            Verb::Unsuspend => is_clear && can_suspend && all(|suspended| suspended),
            Verb::Revoke => is_declared || houses.iter().any(|house| house.stay(guest).is_some()),
        };
        if !means_something {
            return Ok(());
        }
        let op = self.op(guest, verb);
        self.call(number, op, manner).await
    }

    async fn call(&mut self, number: u8, op: Op, manner: Manner) -> Result<(), Red> {
        let turn = match manner {
            Manner::Insisting => Turn::Until(op),
            Manner::Leaving => Turn::Once(op),
            Manner::Away => Turn::Away(op),
        };
        let ended = self.host.take(&turn).await?;
        let (_, person) = self.person(number);
        if let Some(before) = person.air.take().filter(|before| before.key != op.key) {
            person.stale.push(before);
        }
        match ended {
            End::Left => person.air = Some(op),
            End::Declared(_) => person.is_declared = true,
            End::Done(_) if op.verb == Verb::Revoke => person.is_declared = false,
            End::Done(_) | End::Refused => {}
        }
        self.host.declared = self.people.iter().any(|person| person.is_declared);
        Ok(())
    }

    /// What was left is brought to its end, and what was overtaken is asked about.
    async fn come_home(&mut self) -> Result<Vec<(Op, End)>, Red> {
        let mut ends = Vec::new();
        for person in &mut self.people {
            if let Some(op) = person.air.take() {
                ends.push((op, self.host.take(&Turn::Until(op)).await?));
            }
            // What was never begun may still be done when it is asked for again; not to a key that is revoked.
            for op in std::mem::take(&mut person.stale) {
                if self.host.hopes.houses().iter().all(|house| house.stay(op.guest).is_none()) {
                    self.host.take(&Turn::Stale(op)).await?;
                }
            }
        }
        Ok(ends)
    }
}
