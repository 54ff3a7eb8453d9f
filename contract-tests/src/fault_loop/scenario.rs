//! The scenarios, as data.

use std::fmt;

use lockport::driver::{AfterLost, ArtifactSource, Kind, Suspend};

/// Who has a key: a person, and which of his stays it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) stay: u32,
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, stay } = self;
        if *stay == 0 { f.write_str(name) } else { write!(f, "{name}-{stay}") }
    }
}

/// The idempotency key of a write, less the guest's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Named(&'static str),
    Numbered(&'static str, usize),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Numbered(name, number) => write!(f, "{name}-{number}"),
        }
    }
}

/// One write of the host, under its own idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    /// The idempotency key; the same again is the same write again.
    pub(crate) key: Key,
    pub(crate) guest: Guest,
    pub(crate) verb: Verb,
}

/// What the write asks for. Rooms are numbers in the site, times are hours after the first full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Issue { rooms: &'static [usize], from: i32, until: i32 },
    Update { rooms: Option<&'static [usize]>, from: Option<i32>, until: Option<i32> },
    Suspend,
    Unsuspend,
    Revoke,
}

impl Verb {
    pub(crate) const fn gives(&self) -> bool {
        matches!(self, Self::Issue { .. } | Self::Update { .. } | Self::Unsuspend)
    }
}

/// How the host goes about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Repeats it, as the answers advise, until it is done.
    Until(Op),
    /// Calls once, whatever comes, and goes on with something else.
    Once(Op),
    /// As `Once`, and whoever is to be given something is not there to take it.
    Away(Op),
    /// Comes late with a write that something else has overtaken: whatever it answers, no door may change.
    Stale(Op),
    /// Carries on whatever is open.
    Sweep,
    /// Waits, so many seconds.
    Pass(u32),
    /// Finds its clock set back, so many seconds; the vendor's goes on.
    Back(u32),
    /// Dies, and another one takes its place.
    Die,
}

impl Turn {
    pub(crate) const fn op(&self) -> Option<&Op> {
        match self {
            Self::Until(op) | Self::Once(op) | Self::Away(op) | Self::Stale(op) => Some(op),
            Self::Sweep | Self::Pass(_) | Self::Back(_) | Self::Die => None,
        }
    }
}

/// What is odd about the vendor, all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    None,
    /// Says no to these grants, counted by their markers from zero, whenever they are sent; then there is another PIN to try.
    TakenPins(&'static [usize]),
    /// Says no to this grant, whenever it is sent; then there is another kind to try.
    NotThisKind(usize),
    /// Takes this grant twice, and answers nothing, the first time that it is sent.
    Twice(usize),
}

/// What is done without failures first, and what the failures are put into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario<'a> {
    pub(crate) name: &'a str,
    pub(crate) setup: &'a [Op],
    pub(crate) act: &'a [Turn],
    pub(crate) quirk: Quirk,
}

impl Scenario<'_> {
    pub(crate) fn ops(&self) -> impl Iterator<Item = &Op> {
        self.setup.iter().chain(self.act.iter().filter_map(Turn::op))
    }

    /// Whether it means anything for this kind, which is one of so many alike.
    pub(crate) fn suits(&self, kind: &Kind, alike: usize) -> bool {
        // Not every kind can be suspended.
        let suspends = self.ops().any(|op| matches!(op.verb, Verb::Suspend | Verb::Unsuspend));
        let is_possible = match self.quirk {
            Quirk::None => true,
            Quirk::TakenPins(_) => matches!(kind.artifact, ArtifactSource::HostPin { .. }),
            Quirk::NotThisKind(_) => alike > 1,
            // Where the vendor can be asked, and two of the same can stand side by side.
            Quirk::Twice(_) => {
                kind.recovery.grant == AfterLost::Ask && kind.artifact == ArtifactSource::HostSecret
            }
        };
        is_possible && (kind.suspend != Suspend::No || !suspends)
    }
}

const ADA: Guest = Guest { name: "ada", stay: 0 };
/// The same person with a new key.
const ADA_ANEW: Guest = Guest { name: "ada", stay: 1 };
const BOB: Guest = Guest { name: "bob", stay: 0 };

const ISSUE: Op = issue("issue", ADA, &[0]);
const ISSUE_THREE: Op = issue("issue-three", ADA, &[0, 1, 2]);
const ISSUE_FOUR: Op = issue("issue-four", ADA, &[0, 1, 2, 3]);
const ISSUE_ANEW: Op = issue("replace-issue", ADA_ANEW, &[0]);
const ISSUE_BOB: Op = issue("issue-bob", BOB, &[0]);
const LENGTHEN: Op = update("lengthen", None, Some(30));
const SHORTEN: Op = update("shorten", None, Some(20));
const MOVE: Op = update("move", Some(&[1]), None);
const MOVE_AND_SHORTEN: Op = update("move-and-shorten", Some(&[1]), Some(20));
/// One room stays, two go, two come.
const REGROUP: Op = update("regroup", Some(&[2, 3]), None);
const WIDEN: Op = update("widen", Some(&[0, 1, 2, 3]), None);
const NARROW: Op = update("narrow", Some(&[2]), None);
const SUSPEND: Op = plain("suspend", Verb::Suspend);
const UNSUSPEND: Op = plain("unsuspend", Verb::Unsuspend);
const REVOKE: Op = plain("revoke", Verb::Revoke);

const fn issue(key: &'static str, guest: Guest, rooms: &'static [usize]) -> Op {
    Op { key: Key::Named(key), guest, verb: Verb::Issue { rooms, from: 2, until: 26 } }
}

const fn update(key: &'static str, rooms: Option<&'static [usize]>, until: Option<i32>) -> Op {
    Op { key: Key::Named(key), guest: ADA, verb: Verb::Update { rooms, from: None, until } }
}

const fn plain(key: &'static str, verb: Verb) -> Op {
    Op { key: Key::Named(key), guest: ADA, verb }
}

const fn scenario(name: &'static str, setup: &'static [Op], act: &'static [Turn]) -> Scenario<'static> {
    odd(name, Quirk::None, setup, act)
}

const fn odd(
    name: &'static str,
    quirk: Quirk,
    setup: &'static [Op],
    act: &'static [Turn],
) -> Scenario<'static> {
    Scenario { name, setup, act, quirk }
}

use Turn::{Back, Once, Stale, Sweep, Until};

pub(crate) const ALL: &[Scenario<'static>] = &[
    scenario("issue", &[], &[Until(ISSUE)]),
    scenario("issue-three", &[], &[Until(ISSUE_THREE)]),
    scenario("join", &[ISSUE], &[Until(ISSUE_BOB)]),
    scenario("lengthen", &[ISSUE], &[Until(LENGTHEN)]),
    scenario("shorten", &[ISSUE], &[Until(SHORTEN)]),
    scenario("move", &[ISSUE], &[Until(MOVE)]),
    scenario("move-and-shorten", &[ISSUE], &[Until(MOVE_AND_SHORTEN)]),
    scenario("regroup", &[ISSUE_THREE], &[Until(REGROUP)]),
    scenario("widen-and-narrow", &[ISSUE], &[Until(WIDEN), Until(NARROW)]),
    scenario("suspend-five", &[ISSUE_FOUR], &[Until(SUSPEND), Until(UNSUSPEND), Until(REVOKE)]),
    scenario("suspend", &[ISSUE], &[Until(SUSPEND)]),
    scenario("unsuspend", &[ISSUE, SUSPEND], &[Until(UNSUSPEND)]),
    scenario("lengthen-suspended", &[ISSUE, SUSPEND], &[Until(LENGTHEN), Until(UNSUSPEND)]),
    scenario("revoke", &[ISSUE_THREE], &[Until(REVOKE)]),
    scenario("revoke-suspended", &[ISSUE, SUSPEND], &[Until(REVOKE)]),
    scenario("revoke-one-of-two", &[ISSUE, ISSUE_BOB], &[Until(REVOKE)]),
    scenario("revoke-mid-issue", &[], &[Once(ISSUE_THREE), Until(REVOKE), Stale(ISSUE_THREE)]),
    scenario(
        "revoke-mid-update",
        &[ISSUE],
        &[Once(MOVE_AND_SHORTEN), Until(REVOKE), Stale(MOVE_AND_SHORTEN)],
    ),
    scenario("revoke-mid-lengthen", &[ISSUE], &[Once(LENGTHEN), Until(REVOKE), Stale(LENGTHEN)]),
    scenario("revoke-mid-suspend", &[ISSUE], &[Once(SUSPEND), Until(REVOKE), Stale(SUSPEND)]),
    scenario("revoke-mid-unsuspend", &[ISSUE, SUSPEND], &[Once(UNSUSPEND), Until(REVOKE), Stale(UNSUSPEND)]),
    scenario("shorten-then-lengthen", &[ISSUE], &[Once(SHORTEN), Until(LENGTHEN)]),
    scenario("move-then-shorten", &[ISSUE], &[Once(MOVE), Until(MOVE_AND_SHORTEN)]),
    scenario("replace", &[ISSUE], &[Until(REVOKE), Until(ISSUE_ANEW)]),
    scenario("revoke-then-next", &[ISSUE], &[Once(REVOKE), Until(ISSUE_BOB), Until(REVOKE)]),
    // Two guests in one room.
    scenario("join-mid-move", &[ISSUE], &[Once(MOVE), Until(ISSUE_BOB), Until(MOVE)]),
    scenario("joiner-stays", &[ISSUE_BOB, ISSUE], &[Until(MOVE), Until(REVOKE)]),
    scenario("joiner-mid-revoke", &[ISSUE], &[Once(ISSUE_BOB), Until(REVOKE), Until(ISSUE_BOB)]),
    // Odd vendors.
    odd("pin-taken", Quirk::TakenPins(&[0, 1]), &[], &[Until(ISSUE)]),
    odd("pin-taken-next-door", Quirk::TakenPins(&[1]), &[], &[Until(ISSUE_THREE), Until(REVOKE)]),
    odd("pin-taken-where-it-moves", Quirk::TakenPins(&[0]), &[ISSUE], &[Until(MOVE), Until(REVOKE)]),
    odd("next-kind", Quirk::NotThisKind(1), &[], &[Until(ISSUE_THREE), Until(REVOKE)]),
    odd("found-twice", Quirk::Twice(0), &[], &[Until(ISSUE), Until(LENGTHEN), Until(REVOKE)]),
    // The host's clock is set back.
    scenario("back-mid-issue", &[], &[Once(ISSUE_THREE), Back(900), Until(ISSUE_THREE)]),
    scenario("back-then-sweep", &[ISSUE], &[Once(MOVE), Back(900), Sweep, Until(MOVE)]),
    scenario("back-mid-revoke", &[ISSUE], &[Once(REVOKE), Back(900), Until(REVOKE), Until(ISSUE_BOB)]),
    scenario("back-mid-change", &[ISSUE], &[Once(SHORTEN), Back(900), Once(LENGTHEN), Until(REVOKE)]),
];
