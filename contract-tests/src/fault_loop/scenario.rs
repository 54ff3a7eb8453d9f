//! The scenarios, as data.

/// Who has a key.
pub(crate) type Guest = &'static str;

/// One write of the host, under its own idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    /// The idempotency key; the same again is the same write again.
    pub(crate) key: &'static str,
    pub(crate) guest: Guest,
    pub(crate) verb: Verb,
}

/// What the write asks for. Rooms are numbers in the site, times are hours after the first full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Issue { rooms: &'static [usize], from: i32, until: i32 },
    Update { rooms: Option<&'static [usize]>, until: Option<i32> },
    Suspend,
    Unsuspend,
    Revoke,
}

/// How the host goes about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Repeats it, as the answers advise, until it is done.
    Until(Op),
    /// Calls once, whatever comes, and goes on with something else.
    Once(Op),
    /// Comes late with a write that something else has overtaken: whatever it answers, no door may change.
    Stale(Op),
}

impl Turn {
    pub(crate) const fn op(&self) -> &Op {
        match self {
            Self::Until(op) | Self::Once(op) | Self::Stale(op) => op,
        }
    }
}

/// What is done without failures first, and what the failures are put into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) setup: &'static [Op],
    pub(crate) act: &'static [Turn],
}

impl Scenario {
    /// Whether somebody is suspended in it: not every kind can be.
    pub(crate) fn suspends(&self) -> bool {
        let ops = self.setup.iter().chain(self.act.iter().map(Turn::op));
        ops.into_iter().any(|op| matches!(op.verb, Verb::Suspend | Verb::Unsuspend))
    }
}

const ADA: Guest = "ada";
/// The same person with a new key.
const ADA_ANEW: Guest = "ada-anew";
const BOB: Guest = "bob";

const ISSUE: Op = issue("issue", ADA, &[0]);
const ISSUE_THREE: Op = issue("issue-three", ADA, &[0, 1, 2]);
const ISSUE_ANEW: Op = issue("replace-issue", ADA_ANEW, &[0]);
const ISSUE_BOB: Op = issue("issue-bob", BOB, &[0]);
const LENGTHEN: Op = update("lengthen", None, Some(30));
const SHORTEN: Op = update("shorten", None, Some(20));
const MOVE: Op = update("move", Some(&[1]), None);
const MOVE_AND_SHORTEN: Op = update("move-and-shorten", Some(&[1]), Some(20));
/// One room stays, two go, two come.
const REGROUP: Op = update("regroup", Some(&[2, 3]), None);
const SUSPEND: Op = plain("suspend", Verb::Suspend);
const UNSUSPEND: Op = plain("unsuspend", Verb::Unsuspend);
const REVOKE: Op = plain("revoke", Verb::Revoke);

const fn issue(key: &'static str, guest: Guest, rooms: &'static [usize]) -> Op {
    Op { key, guest, verb: Verb::Issue { rooms, from: 2, until: 26 } }
}

const fn update(key: &'static str, rooms: Option<&'static [usize]>, until: Option<i32>) -> Op {
    Op { key, guest: ADA, verb: Verb::Update { rooms, until } }
}

const fn plain(key: &'static str, verb: Verb) -> Op {
    Op { key, guest: ADA, verb }
}

const fn scenario(name: &'static str, setup: &'static [Op], act: &'static [Turn]) -> Scenario {
    Scenario { name, setup, act }
}

use Turn::{Once, Stale, Until};

pub(crate) const ALL: &[Scenario] = &[
    scenario("issue", &[], &[Until(ISSUE)]),
    scenario("issue-three", &[], &[Until(ISSUE_THREE)]),
    scenario("join", &[ISSUE], &[Until(ISSUE_BOB)]),
    scenario("lengthen", &[ISSUE], &[Until(LENGTHEN)]),
    scenario("shorten", &[ISSUE], &[Until(SHORTEN)]),
    scenario("move", &[ISSUE], &[Until(MOVE)]),
    scenario("move-and-shorten", &[ISSUE], &[Until(MOVE_AND_SHORTEN)]),
    scenario("regroup", &[ISSUE_THREE], &[Until(REGROUP)]),
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
];
