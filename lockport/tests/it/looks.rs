//! Planning asks for the vendor's locks, where they differ: one caller at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use lockport::credential::{Contact, Guest, Holder, IssueInput};
use lockport::env::{Clock as _, ManualClock};
use lockport::id::{GuestId, ReservationId, RoomId};
use lockport::{SharedLockPort, Validity};

use crate::rig::partition;
use crate::yes::Looks;

fn issue(clock: &ManualClock, stay: u32) -> IssueInput {
    let (of, name) = (partition("a"), stay.to_be_bytes());
    let guest = Guest {
        id: GuestId::derived("test", &[&name]),
        reservation_id: ReservationId::derived("test", &[&name]),
        display_name: None,
        contact: Contact::default(),
    };
    let from = clock.now();
    let window = Validity::new(from, from + TimeDelta::days(1)).unwrap();
    let (rooms, key) = (vec![RoomId::derived("test", &[b"room"])], format!("stay-{stay}").parse().unwrap());
    IssueInput::new(of.tenant, of.property, Holder::Guest(guest), rooms, window, key)
}

/// What comes of it once nobody has anything to wait for; each look at it is one step of whoever goes on by himself.
fn ended<T>(mut future: impl Future<Output = T> + Unpin) -> T {
    (0..100).find_map(|_| (&mut future).now_or_never()).expect("it ends")
}

/// A port that has issued one key by a list which is no longer believed.
fn with_an_old_list() -> (Arc<ManualClock>, Arc<Looks>, SharedLockPort) {
    let clock = Arc::new(ManualClock::new("2026-03-02T12:00:00Z".parse().unwrap()));
    let looks = Arc::new(Looks::default());
    let port = crate::yes::port_that_looks(clock.clone(), looks.clone());
    ended(port.issue_credential(issue(&clock, 0))).unwrap();
    clock.advance(TimeDelta::minutes(11));
    (clock, looks, port)
}

/// R45: at a vendor that admits so many calls a minute, callers who all asked would hold each other up until none had an answer.
#[test]
fn who_plans_while_another_asks_for_the_locks_does_not_ask_too() {
    let clock = Arc::new(ManualClock::new("2026-03-02T12:00:00Z".parse().unwrap()));
    let looks = Arc::new(Looks::default());
    let port = crate::yes::port_that_looks(clock.clone(), looks.clone());
    let issued = ended(join_all((0..6).map(|stay| port.issue_credential(issue(&clock, stay)))));
    assert!(issued.iter().all(Result::is_ok), "{issued:?}");
    assert_eq!(looks.asked.load(Ordering::SeqCst), 1, "nobody has a list yet: the others wait for this one");

    clock.advance(TimeDelta::minutes(11));
    let mut asks = port.issue_credential(issue(&clock, 6));
    assert!((&mut asks).now_or_never().is_none(), "it is about to be told");
    let other = port.issue_credential(issue(&clock, 7)).now_or_never();
    assert!(other.is_some_and(|issued| issued.is_ok()), "the older list must do meanwhile");
    assert!(ended(asks).is_ok());
    assert_eq!(looks.asked.load(Ordering::SeqCst), 2);

    // Who asks and is given up over it is not followed by the next at once, who would be too.
    clock.advance(TimeDelta::minutes(11));
    let mut given_up = port.issue_credential(issue(&clock, 8));
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    let asked = looks.asked.load(Ordering::SeqCst);
    let next = port.issue_credential(issue(&clock, 9)).now_or_never();
    assert!(next.is_some_and(|issued| issued.is_ok()));
    clock.advance(TimeDelta::seconds(61));
    let mut later = port.issue_credential(issue(&clock, 10));
    assert!((&mut later).now_or_never().is_none(), "after a minute it is worth another try");
    assert!(ended(later).is_ok());
    assert_eq!(looks.asked.load(Ordering::SeqCst), asked + 1);
}

/// Whoever refreshes an old list has an issue of his own to carry out: it goes by the old one, and its answer soon waits no longer.
#[test]
fn an_issue_does_not_wait_for_the_locks_where_an_older_list_would_do() {
    let (clock, looks, port) = with_an_old_list();
    looks.hang.store(true, Ordering::SeqCst);
    let mut asks = port.issue_credential(issue(&clock, 1));
    assert!((&mut asks).now_or_never().is_none());
    clock.advance(TimeDelta::seconds(4));
    assert!((&mut asks).now_or_never().is_none(), "an answer may come yet");
    clock.advance(TimeDelta::seconds(1));
    assert!(ended(asks).is_ok());
    assert_eq!(looks.asked.load(Ordering::SeqCst), 2);
}

/// R45: where each call waits for its turn at the vendor, the list has all the time that the issue beside it takes, and costs it none.
#[test]
fn a_list_is_asked_for_beside_the_issue_as_long_as_that_takes() {
    let (clock, looks, port) = with_an_old_list();
    looks.hang.store(true, Ordering::SeqCst);
    looks.grants_hang.store(true, Ordering::SeqCst);
    let mut asks = port.issue_credential(issue(&clock, 1));
    assert!((&mut asks).now_or_never().is_none());
    clock.advance(TimeDelta::seconds(9));
    looks.hang.store(false, Ordering::SeqCst);
    assert!((&mut asks).now_or_never().is_none(), "the list is there, the key is not");
    looks.grants_hang.store(false, Ordering::SeqCst);
    assert!(ended(asks).is_ok());
    clock.advance(TimeDelta::minutes(9));
    assert!(port.issue_credential(issue(&clock, 2)).now_or_never().is_some_and(|issued| issued.is_ok()));
    assert_eq!(looks.asked.load(Ordering::SeqCst), 2, "the list of the second was kept");

    clock.advance(TimeDelta::minutes(2));
    looks.hang.store(true, Ordering::SeqCst);
    looks.grants_hang.store(true, Ordering::SeqCst);
    let mut asks = port.issue_credential(issue(&clock, 3));
    assert!((&mut asks).now_or_never().is_none());
    clock.advance(TimeDelta::seconds(9));
    looks.grants_hang.store(false, Ordering::SeqCst);
    assert!(asks.now_or_never().is_some_and(|issued| issued.is_ok()), "the time of the list was over before");
    assert_eq!(looks.asked.load(Ordering::SeqCst), 3);
}
