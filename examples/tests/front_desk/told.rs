//! What a vendor tells of its own accord, in a house whose doors have TTLock's locks.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use lockport::Timestamp;
use lockport_examples::front_desk::day::{self, Moment, Step, Try, Who};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::Json;
use lockport_examples::front_desk::player::Player;
use serde_json::Value;

use crate::samples::{DAY, HOTEL};

fn lines(told: &[u8]) -> impl Iterator<Item = Value> {
    str::from_utf8(told).unwrap().lines().map(|line| serde_json::from_str(line).unwrap())
}

/// The events of a subject.
fn of(told: &[u8], subject: &str) -> Vec<Value> {
    let subject = format!("melmastoon.lock.{subject}.v1");
    let events = lines(told).map(|mut line| line["event"].take());
    events.filter(|event| event["subject"] == subject.as_str()).collect()
}

/// R46, R108, R220: whoever tries a door is told with his reservation as soon as the vendor calls, long before a look is due; and
/// every look after it tells nothing twice.
#[tokio::test]
async fn who_tried_a_door_is_told_when_the_vendor_calls() {
    let hotel = Hotel::read(HOTEL.as_bytes()).unwrap();
    let day = day::read(&hotel, DAY.as_bytes());
    let opening = day[0].content.as_ref().unwrap().at;
    let mut told = Vec::new();
    let mut json = Json::new(&mut told);
    let mut player = Player::open(&hotel, opening, 1, StoreAt::default(), &mut json).await.unwrap();
    for line in &day {
        player.line(line).await.unwrap();
    }
    player.close().await.unwrap();
    let opened = lines(&told).filter(|answer| answer["opened"] == true);
    let opened = opened.map(|answer| answer["line"].as_u64().unwrap()).collect::<BTreeSet<_>>();
    let tries = day.iter().filter(|line| opened.contains(&u64::try_from(line.number).unwrap()));
    let tries = tries.filter_map(|line| match line.content.as_ref().unwrap() {
        Moment { at, step: Step::Try(Try { who: Who::Guest(guest), .. }) } => Some((*at, guest.to_string())),
        _ => None,
    });
    let tries: Vec<_> = tries.collect();
    let told = of(&told, "audit.attempt");
    let at = |event: &Value| event["time"].as_str().unwrap().parse::<Timestamp>().unwrap();
    for (tried_at, who) in &tries {
        let his = |event: &&Value| {
            event["data"]["reservationId"] == who.as_str() && event["data"]["outcome"] == "granted"
        };
        let soon = *tried_at..*tried_at + TimeDelta::hours(1);
        assert!(told.iter().filter(his).any(|event| soon.contains(&at(event))), "{who} at {tried_at}");
    }
    let mut names: Vec<&Value> = told.iter().map(|event| &event["data"]["vendorEventId"]).collect();
    names.sort_unstable_by_key(|name| name.to_string());
    names.dedup();
    assert!(tries.len() >= 10 && names.len() == told.len(), "{} tries, {} told", tries.len(), told.len());
}

/// R123, R148, R215, R216: a battery that runs low is told at the next look, and a clock that is off is set at the lock.
#[tokio::test]
async fn a_look_tells_of_batteries_and_sets_clocks() {
    let hotel = Hotel::read(HOTEL.as_bytes()).unwrap();
    let door = hotel.doors().next().unwrap().0.to_owned();
    let opening: Timestamp = "2026-05-04T00:00:00Z".parse().unwrap();
    let mut told = Vec::new();
    let mut json = Json::new(&mut told);
    let mut player = Player::open(&hotel, opening, 1, StoreAt::default(), &mut json).await.unwrap();
    player.wait(opening + TimeDelta::hours(1)).await.unwrap();
    player.set_battery(&door, 9);
    player.set_drift(&door, -318_000);
    player.wait(opening + TimeDelta::hours(25)).await.unwrap();
    assert_eq!(player.drift(&door), Some(0), "the clock was set");
    player.wait(opening + TimeDelta::hours(49)).await.unwrap();
    player.close().await.unwrap();
    assert_eq!(of(&told, "device.registered").len(), hotel.doors().count());
    let low = of(&told, "device.battery_low");
    assert_eq!(low.iter().map(|event| &event["data"]["batteryPct"]).collect::<Vec<_>>(), [9]);
    let clocks = of(&told, "device.health_alert");
    let clocks = clocks.iter().filter(|event| event["data"]["alert"] == "clock_skew");
    let clocks: Vec<_> = clocks.map(|event| event["data"]["severity"].as_str().unwrap().to_owned()).collect();
    assert_eq!(clocks, ["warning", "cleared"]);
}
