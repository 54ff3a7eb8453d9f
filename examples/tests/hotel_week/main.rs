//! A hotel's week on virtual time: forty rooms, four lock systems, every door tried for everybody after everything that happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected has to fail, and says how long the week took"
)]

#[path = "../front_desk/days/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a week needs the forms of a day, and its chance")]
mod days;
mod guests;
mod house;
mod judge;
#[path = "../front_desk/model/mod.rs"]
mod model;
mod script;
mod staff;

use std::time::Instant;

use self::house::Kind;
use self::judge::{Played, play};
use self::script::Week;

const SEED: u64 = 2_026;

/// What every door did to everybody at every moment that was looked at is right, and the same for the same seed.
#[test]
fn a_week_of_forty_rooms_is_right_at_every_door_and_the_same_again() {
    let week = Week::of(Kind::InMemory, SEED);
    let first = timed(&week);
    is_right(&first);
    let again = timed(&Week::of(Kind::InMemory, SEED));
    assert!(again.answers == first.answers, "the same seed plays another week");
}

/// The same week over the vendors' own wires, at their simulators' doors.
#[test]
fn the_week_is_right_over_ttlock_and_an_encoder() {
    is_right(&timed(&Week::of(Kind::OnTheWire, SEED)));
}

fn is_right(played: &Played) {
    let Played { looks, tries, opened, shut, free, tasks, wrong, .. } = played;
    assert_eq!(*wrong, Vec::<String>::new());
    // A week in which nothing happens is right as well.
    assert!(
        *looks > 300 && *opened > 5_000 && *shut > 200_000 && *tasks > 10,
        "{looks} {opened} {shut} {tasks}"
    );
    assert!(*free * 50 < *tries, "{free} of {tries} tries are judged by nobody");
}

fn timed(week: &Week) -> Played {
    #[expect(
        clippy::disallowed_methods,
        reason = "the time that the machine takes, for whoever reads the output"
    )]
    let begun = Instant::now();
    let played = play(week);
    let took = begun.elapsed();
    println!(
        "a week with {} events, {} looks at {} doors, {} tries: {took:.1?}",
        week.events(),
        played.looks,
        week.doors.len(),
        played.tries
    );
    played
}
