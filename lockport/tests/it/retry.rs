//! Repeats: the published table of decisions, and the layer that carries them out.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use lockport::env::{Entropy, EntropyError, SeededEntropy};
use lockport::stack::{Decision, Failed, GiveUp, RetryBudget, RetryPolicy, decide};
use lockport::{FailureReason, RetryAdvice};
use serde::Deserialize;

use crate::rig::now;
use crate::stack::{Bench, away, issue, quick, revoke};

#[derive(Deserialize)]
struct Table {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    attempts: Option<NonZeroU32>,
    advice: String,
    #[serde(default)]
    asked_ms: u64,
    attempt: u32,
    tokens: u32,
    left_ms: u64,
    again: Option<Again>,
    give_up: Option<GiveUp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Again {
    from_ms: u64,
    to_ms: u64,
    cost: u32,
}

#[test]
fn decisions_are_those_of_the_table() {
    let table: Table = serde_json::from_str(include_str!("retry_table.json")).unwrap();
    for case in &table.cases {
        let policy = RetryPolicy::default();
        let policy = case.attempts.map_or(policy.clone(), |attempts| policy.with_attempts(attempts));
        let advice = match case.advice.as_str() {
            "never" => RetryAdvice::Never,
            "not_applied" => RetryAdvice::NotApplied,
            "outcome_unknown" => RetryAdvice::OutcomeUnknown,
            "after" => RetryAdvice::After(Duration::from_millis(case.asked_ms)),
            other => panic!("{other}"),
        };
        let failed = Failed { advice, attempt: case.attempt, left: Duration::from_millis(case.left_ms) };
        let decisions: Vec<Decision> = [0, 1 << 30, 1 << 31, u32::MAX]
            .map(|chance| decide(&policy, failed, case.tokens, chance))
            .to_vec();
        if let Some(why) = case.give_up {
            assert_eq!(decisions, [Decision::GiveUp(why); 4], "{}", case.name);
            continue;
        }
        let want = case.again.as_ref().expect(&case.name);
        let pauses: Vec<u64> = decisions
            .iter()
            .map(|decision| match decision {
                Decision::Again { after, cost } => {
                    assert_eq!(*cost, want.cost, "{}", case.name);
                    u64::try_from((*after + Duration::from_nanos(999_999)).as_millis()).unwrap()
                }
                Decision::GiveUp(why) => panic!("{}: {why:?}", case.name),
            })
            .collect();
        assert!(pauses.is_sorted(), "{}: {pauses:?}", case.name);
        assert_eq!((pauses[0], pauses[3]), (want.from_ms, want.to_ms), "{}: {pauses:?}", case.name);
    }
}

/// An outage: however many calls fail, a full budget is good for 500 / 14 = 35 extra requests.
#[test]
fn an_outage_costs_at_most_35_extra_requests_a_budget() {
    let calls = 200;
    let bench = Bench::new(|_| (Duration::from_millis(5), Err(away(RetryAdvice::NotApplied))));
    let budget = RetryBudget::default();
    // Two stacks over the same vendor and property, and all calls at once.
    let ports = [(); 2].map(|()| bench.stack().retry(RetryPolicy::new(budget.clone())).build());
    let all = (0..calls).map(|call| ports[call % 2].revoke_credential(revoke(&format!("k-{call}"))));
    for answer in bench.drive(join_all(all)) {
        assert_eq!(answer.unwrap_err().message(), "away");
    }
    assert_eq!(bench.port.calls() - calls, 35);
    assert_eq!(budget.tokens(), 500 - 35 * 14);
}

#[test]
fn success_gives_back_what_the_last_repeat_cost_or_one() {
    let bench = Bench::new(|call| match call {
        0 | 1 => (Duration::ZERO, Err(away(RetryAdvice::OutcomeUnknown))),
        _ => quick(call),
    });
    let budget = RetryBudget::default();
    let port = bench.stack().retry(RetryPolicy::new(budget.clone())).build();
    bench.drive(port.issue_credential(issue("k-1"))).unwrap();
    assert_eq!((bench.port.calls(), budget.tokens()), (3, 500 - 14));
    for more in 1..=20 {
        bench.drive(port.list_devices(crate::rig::partition("a").property)).unwrap();
        assert_eq!(budget.tokens(), (500 - 14 + more).min(500));
    }
}

#[test]
fn an_unknown_outcome_is_repeated_with_the_same_key_and_leaves_one_credential() {
    let bench = Bench::new(|call| match call {
        0 => (Duration::ZERO, Err(away(RetryAdvice::OutcomeUnknown))),
        _ => quick(call),
    });
    let port = bench.stack().retry(RetryPolicy::default()).build();
    let first = bench.drive(port.issue_credential(issue("k-1"))).unwrap();
    let again = bench.drive(port.issue_credential(issue("k-1"))).unwrap();
    assert_eq!(first.credential.id, again.credential.id);
    assert_eq!(bench.port.calls(), 3);
}

#[test]
fn what_cannot_help_is_not_repeated() {
    let bench = Bench::new(|_| (Duration::ZERO, Err(away(RetryAdvice::Never))));
    let port = bench.stack().retry(RetryPolicy::default()).build();
    assert_eq!(
        bench.drive(port.revoke_credential(revoke("k-1"))).unwrap_err().reason(),
        FailureReason::Network
    );
    assert_eq!((bench.port.calls(), bench.env.now()), (1, now()));
}

#[test]
fn a_pause_that_is_asked_for_is_kept_and_one_beyond_the_deadline_goes_to_the_caller() {
    let asked = |pause: u64| {
        let bench = Bench::new(move |call| match call {
            0 => (Duration::from_secs(4), Err(away(RetryAdvice::After(Duration::from_secs(pause))))),
            _ => quick(call),
        });
        let port = bench.stack().retry(RetryPolicy::default()).build();
        let answer = bench.drive(port.revoke_credential(revoke("k-1"))).map_err(|error| error.advice());
        (answer.map(|_| ()), bench.port.calls(), bench.env.now() - now())
    };
    assert_eq!(asked(3), (Ok(()), 2, TimeDelta::seconds(7)));
    // Four of the ten seconds are gone: six are too many.
    let late = Err(RetryAdvice::After(Duration::from_secs(6)));
    assert_eq!(asked(6), (late, 1, TimeDelta::seconds(4)));
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

#[test]
fn pauses_are_drawn_from_the_hosts_randomness_and_the_longest_without_it() {
    let pauses = |entropy: Arc<dyn Entropy>| {
        let mut bench = Bench::new(|_| (Duration::ZERO, Err(away(RetryAdvice::NotApplied))));
        bench.env.entropy = entropy;
        let port = bench.stack().retry(RetryPolicy::default()).build();
        bench.drive(port.revoke_credential(revoke("k-1"))).unwrap_err();
        let asked = bench.port.asked.lock().unwrap();
        asked.windows(2).map(|two| (two[1].1 - two[0].1).num_microseconds().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(pauses(Arc::new(NoEntropy)), [49_999, 99_999]);
    let seeded = |seed| pauses(Arc::new(SeededEntropy::new(seed)));
    assert_eq!(seeded(7), seeded(7));
    assert_ne!(seeded(7), seeded(8));
    let firsts: Vec<i64> = (0..200).map(|seed| seeded(seed)[0]).collect();
    let mean = firsts.iter().sum::<i64>() / 200;
    assert!((20_000..30_000).contains(&mean), "full jitter has its mean in the middle: {mean} us");
}
