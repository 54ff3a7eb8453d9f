//! The process behind the desk dies and comes back, anywhere in a day, and the day is as it would have been.

use lockport_examples::front_desk::house::StoreAt;
use serde_json::json;

use crate::rehearsed::{Day, fresh_file, rehearse, restarting};
use crate::samples;

pub(crate) const SHIPPED_HOTEL: &str = include_str!("../../data/hotel.json");
pub(crate) const SHIPPED_DAY: &str = include_str!("../../data/day.jsonl");

/// Two vendors in one hotel, and stays over both.
pub(crate) const TWO_HOTEL: &str = include_str!("../../data/samples/annex.hotel.json");
pub(crate) const TWO_DAY: &str = include_str!("../../data/samples/annex.jsonl");

/// The same hotel with a mock of this personality behind every door.
pub(crate) fn all_mock(personality: &str) -> String {
    let url = format!("mock://?personality={personality}");
    let mock = format!("\"mock\", \"url\": \"{url}\"");
    TWO_HOTEL.replace("mock://?personality=per_door", &url).replace("\"ttlock\"", &mock)
}

/// The same day, with nine minutes between a change and who tries a door after it.
fn leisurely() -> String {
    TWO_DAY.replace("0:06Z", "9:06Z")
}

/// The day as it is without a restart.
fn undisturbed(hotel: &str, day: &str) -> Day {
    let rehearsed = rehearse(hotel, day, StoreAt::default());
    assert_eq!((rehearsed.day.wrong, rehearsed.day.open_tasks, rehearsed.deaths), (0, 0, 0), "{rehearsed:?}");
    rehearsed.day
}

/// Plays the days in which the process dies over the first, second, ... vendor call after each of these lines (counted from 0);
/// how many there were.
fn each_death(
    hotel: &str,
    day: &str,
    after: &[usize],
    store: impl Fn() -> StoreAt,
    mut judge: impl FnMut(&str, Day),
) -> usize {
    let mut deaths = 0;
    for line in after {
        for calls in 1.. {
            let dies = restarting(day, &json!({ "afterCalls": calls }), |index| index == *line);
            let rehearsed = rehearse(hotel, &dies, store());
            if rehearsed.deaths == 0 {
                break;
            }
            deaths += rehearsed.deaths;
            judge(&format!("{calls} calls after line {}", line + 1), rehearsed.day);
        }
    }
    deaths
}

fn assert_no_death_is_noticed(hotel: &str, day: &str, after: &[usize], at_least: usize) {
    let undisturbed = undisturbed(hotel, day);
    let deaths = each_death(hotel, day, after, StoreAt::default, |when, day| {
        assert_eq!(day.unlike(&undisturbed), "", "{when}");
    });
    assert!(deaths >= at_least, "only {deaths} deaths");
}

fn assert_no_restart_is_noticed(hotel: &str, day: &str, store: StoreAt) {
    let undisturbed = undisturbed(hotel, day);
    let rehearsed = rehearse(hotel, &restarting(day, &json!({}), |_| true), store);
    assert_eq!(rehearsed.day.unlike(&undisturbed), "");
}

#[test]
fn a_restart_after_every_line_changes_nothing() {
    for (hotel, day) in [(samples::HOTEL, samples::DAY), (SHIPPED_HOTEL, SHIPPED_DAY), (TWO_HOTEL, TWO_DAY)] {
        assert_no_restart_is_noticed(hotel, day, StoreAt::default());
    }
    for personality in ["per_door", "per_stay", "room_wide", "silent_ack"] {
        assert_no_restart_is_noticed(&all_mock(personality), TWO_DAY, StoreAt::default());
    }
    assert_no_restart_is_noticed(&all_mock("webhook"), &leisurely(), StoreAt::default());
}

#[test]
fn nor_does_one_with_the_state_in_a_file() {
    assert_no_restart_is_noticed(TWO_HOTEL, TWO_DAY, StoreAt::File(fresh_file("restart.store")));
}

#[test]
fn a_death_over_any_call_to_one_vendor_changes_nothing() {
    assert_no_death_is_noticed(samples::HOTEL, samples::DAY, &[0, 50], 20);
    for personality in ["per_door", "per_stay", "room_wide"] {
        assert_no_death_is_noticed(&all_mock(personality), TWO_DAY, &[0, 26], 20);
    }
}

#[test]
fn a_death_over_any_call_to_two_vendors_changes_nothing() {
    assert_no_death_is_noticed(TWO_HOTEL, TWO_DAY, &[0, 21], 30);
}

/// A part of the day: a disk takes its time.
#[test]
fn nor_does_one_with_the_state_in_a_file_that_is_opened_anew() {
    let morning: Vec<&str> = TWO_DAY.lines().take(26).collect();
    let morning = morning.join("\n");
    let undisturbed = undisturbed(TWO_HOTEL, &morning);
    let store = || StoreAt::File(fresh_file("death.store"));
    let deaths = each_death(TWO_HOTEL, &morning, &[0, 16], store, |when, day| {
        assert_eq!(day.unlike(&undisturbed), "", "{when}");
    });
    assert!(deaths >= 5, "only {deaths} deaths");
}

/// A vendor that calls back takes seconds for each step, and minutes where a call to it was lost: its guests have the time here.
#[test]
fn a_death_over_a_call_to_a_vendor_that_calls_back_changes_nothing() {
    assert_no_death_is_noticed(&all_mock("webhook"), &leisurely(), &[16], 20);
}

/// Where a vendor cannot be asked, a grant that was lost ends in a task for a person: its guest may find a door shut, and that is all.
#[test]
fn a_death_over_a_call_to_a_silent_vendor_ends_in_a_task_at_worst() {
    let hotel = all_mock("silent_ack");
    let undisturbed = undisturbed(&hotel, TWO_DAY);
    let mut undecided = 0;
    let deaths = each_death(&hotel, TWO_DAY, &[0, 16, 30], StoreAt::default, |when, day| {
        for (with, without) in day.answers.iter().zip(&undisturbed.answers) {
            let waits_for_a_person = with.starts_with("opened false") && with.contains("decide_outcome");
            assert!(with == without || waits_for_a_person, "{when}: {without} became {with}");
            undecided += usize::from(with != without);
        }
        assert_eq!(day.answers.len(), undisturbed.answers.len());
        // The end of the stay has taken away what nobody decided about.
        assert_eq!(day.open_tasks, 0, "{when}");
    });
    assert!(deaths >= 20 && undecided >= 10, "{deaths} deaths, {undecided} undecided");
}

/// The later order stands: of two deaths that were ordered one comes.
#[test]
fn a_restart_takes_the_place_of_one_that_has_not_come_yet() {
    let dies = restarting(TWO_DAY, &json!({ "afterCalls": 2 }), |index| index < 4);
    let rehearsed = rehearse(&all_mock("per_door"), &dies, StoreAt::default());
    assert_eq!(rehearsed.deaths, 1);
    let lives = restarting(&dies, &json!({}), |index| index == 1);
    let after_all = restarting(TWO_DAY, &json!({}), |index| index == 0);
    assert_eq!(rehearse(&all_mock("per_door"), &after_all, StoreAt::default()).deaths, 0);
    assert_eq!(rehearse(&all_mock("per_door"), &lives, StoreAt::default()).deaths, 1);
}
