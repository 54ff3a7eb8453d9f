//! The watch: what is otherwise at a lock is told once, and what is as it was is not (R119, R123, R148, R214 to R217).

use chrono::TimeDelta;
use lockport::env::Clock as _;
use lockport::keys::KeyState;
use lockport::{Validity, keys::KeyOwner};
use serde_json::{Value, json};

use crate::rig::{Hotel, LOOK, Told, confirmed, door, opening, partition, room, stay};
use crate::yielding::{run, run_and_drop, run_in_turn};

/// What was told of one door under `device.`, subject and what matters of it.
fn of_door(told: &Told, at: &str) -> Vec<(String, Value)> {
    let of = told.events.iter().filter(|event| event.data["deviceId"] == json!(door(at)));
    of.filter_map(|event| {
        let what = event.subject.strip_prefix("melmastoon.lock.device.")?.strip_suffix(".v1")?;
        Some((what.to_owned(), event.data.clone()))
    })
    .collect()
}

/// Alerts of one door: about what, how bad, and what was measured.
fn alerts(told: &Told, at: &str) -> Vec<(String, String, Value)> {
    let alerts = of_door(told, at).into_iter().filter(|(what, _)| what == "health_alert");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    alerts.map(|(_, data)| (text(&data["alert"]), text(&data["severity"]), data["metric"].clone())).collect()
}

/// R214: every lock is told of once, with what it can; whoever comes later tells of none again.
#[test]
fn a_lock_is_registered_once() {
    let hotel = Hotel::simple();
    let service = hotel.watching("a");
    let mut told = Told::default();
    hotel.live(&service, LOOK * 3);
    drop(service);
    hotel.live(&hotel.watching("b"), LOOK * 3);
    told.drain(&hotel.service("b"));
    assert_eq!(told.count("device.registered"), 5);
    assert_eq!(told.events.len(), 5, "nothing else happened");
    let (_, data) = of_door(&told, "101").remove(0);
    assert_eq!((&data["propertyId"], &data["rooms"]), (&json!(partition().property), &json!([room("101")])));
    assert_eq!((&data["capabilities"]["pin"], &data["vendor"]), (&json!(true), &json!("mock")));
}

/// R123, R215, R148: a clock is told when it crosses five and ten minutes, and when it is right again; where clocks can be set,
/// it soon is, at the door as well.
#[test]
fn a_clock_that_is_off_is_told_and_set() {
    let hotel = Hotel::simple();
    let service = hotel.watching("a");
    let mut told = Told::default();
    for minutes in [4, 6, 7, -11, -10, 6, 0] {
        hotel.vendor().set_lock_clock(door("101"), TimeDelta::minutes(minutes));
        hotel.live(&service, LOOK * 2);
    }
    told.drain(&service);
    let ms = |minutes: i64| json!({ "clockSkewMs": minutes * 60_000 });
    let clock = |severity: &str, minutes| ("clock_skew".to_owned(), severity.to_owned(), ms(minutes));
    assert_eq!(
        alerts(&told, "101"),
        [clock("warning", 6), clock("alert", -11), clock("warning", 6), clock("cleared", 0)]
    );
    let (_, data) = of_door(&told, "101").remove(1);
    assert_eq!(data["threshold"], json!({ "warnAtMs": 300_000, "alertAtMs": 600_000 }));

    let setting = hotel.setting_clocks("b");
    run(setting.deliver(&confirmed("one", 1, &["101"], 3))).unwrap();
    hotel.live(&setting, TimeDelta::minutes(1));
    let mut told = Told::default();
    told.drain(&setting);
    hotel.vendor().set_lock_clock(door("101"), TimeDelta::hours(2));
    assert!(!hotel.opens(told.hand(&stay("one")), "101"));
    hotel.live(&setting, LOOK * 2);
    assert!(hotel.opens(told.hand(&stay("one")), "101"));
    told.drain(&setting);
    let severities: Vec<_> = alerts(&told, "101").into_iter().map(|(_, severity, _)| severity).collect();
    assert_eq!(severities, ["alert", "cleared"]);
}

/// R216, X6: a battery is low once; a bit more of it is no new battery. A dead lock opens to nobody, and its key stays.
#[test]
fn a_battery_is_low_once() {
    let hotel = Hotel::simple();
    let service = hotel.watching("a");
    let mut told = Told::default();
    for percent in [16, 15, 14, 17, 0, 100, 15] {
        hotel.vendor().set_battery(door("202"), percent);
        hotel.live(&service, LOOK * 2);
    }
    told.drain(&service);
    let low: Vec<_> = of_door(&told, "202").into_iter().filter(|(what, _)| what == "battery_low").collect();
    assert_eq!(low.len(), 2, "{low:#?}");
    assert_eq!((&low[0].1["batteryPct"], &low[0].1["thresholdPct"]), (&json!(15), &json!(15)));
    let told: Vec<_> =
        alerts(&told, "202").into_iter().map(|(_, severity, metric)| (severity, metric)).collect();
    let battery = |severity: &str, percent: u8| (severity.to_owned(), json!({ "batteryPct": percent }));
    assert_eq!(told, [battery("warning", 15), battery("cleared", 100), battery("warning", 15)]);
}

/// R217, R119: a lock that is away is told once, and once when it is back; its keys stay active and open.
#[test]
fn a_lock_that_is_away_keeps_its_keys() {
    let hotel = Hotel::simple();
    let service = hotel.watching("a");
    let mut told = Told::default();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, LOOK);
    hotel.vendor().set_online(door("101"), false);
    hotel.live(&service, LOOK * 4);
    told.drain(&service);
    let away: Vec<_> = of_door(&told, "101").into_iter().filter(|(what, _)| what == "offline").collect();
    assert_eq!(away.len(), 1);
    assert_eq!(away[0].1["reason"], "no_heartbeat");
    assert_eq!(told.count("device.online"), 0);
    let keys = run(service.keys(KeyOwner::Stay(stay("one")))).unwrap();
    assert_eq!(keys.iter().map(|key| key.state).collect::<Vec<_>>(), [KeyState::Active]);
    assert!(hotel.opens(told.hand(&stay("one")), "101"));
    hotel.vendor().set_online(door("101"), true);
    hotel.live(&service, LOOK * 4);
    told.drain(&service);
    assert_eq!((told.count("device.offline"), told.count("device.online")), (1, 1));
    assert_eq!(alerts(&told, "101").len(), 2);
}

/// R215: a firmware that is older than the hotel wants is told of once, and once more when it is renewed; where the hotel wants none,
/// or the lock does not say, nothing is.
#[test]
fn an_old_firmware_is_told_of() {
    let hotel = Hotel::of(&[("main", "mock://", &["101", "102"]), ("annex", "mock://", &["201", "202"])]);
    let service = hotel.watching("a").with_least_firmware("main", "6.4.31");
    let mut told = Told::default();
    hotel.vendor().set_firmware(door("101"), [6, 4, 9]);
    hotel.vendor().set_firmware(door("102"), [6, 5, 0]);
    hotel.vendors["annex"].set_firmware(door("201"), [6, 4, 9]);
    hotel.live(&service, LOOK * 3);
    hotel.vendor().set_firmware(door("101"), [6, 4, 31]);
    hotel.live(&service, LOOK * 3);
    told.drain(&service);
    let alerts = told.of("device.health_alert");
    let told_of: Vec<_> = alerts.iter().map(|data| (&data["alert"], &data["severity"])).collect();
    assert_eq!(
        told_of,
        [(&json!("firmware_old"), &json!("warning")), (&json!("firmware_old"), &json!("cleared"))]
    );
    let (metric, threshold) = (&alerts[0]["metric"]["firmware"], &alerts[0]["threshold"]["leastFirmware"]);
    assert_eq!((metric, threshold), (&json!("6.4.9"), &json!("6.4.31")));
    assert_eq!(alerts[0]["deviceId"], json!(door("101")));
}

/// R217: a lock for cards has no line, and nobody misses it.
#[test]
fn a_lock_without_a_line_is_not_missed() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101", "102", "201", "202", "gym"])]);
    let service = hotel.watching("a");
    let mut told = Told::default();
    hotel.live(&service, LOOK * 3);
    told.drain(&service);
    assert_eq!((told.count("device.registered"), told.events.len()), (5, 5));
}

/// The question whether guests get in knows of batteries and clocks by the same thresholds as the watch.
#[test]
fn readiness_knows_what_the_watch_tells() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    let during = Validity::new(opening(), opening() + TimeDelta::hours(1)).unwrap();
    let is_ready = || run(service.readiness(during)).unwrap()[0].is_ready();
    assert!(is_ready());
    hotel.vendor().set_lock_clock(door("101"), TimeDelta::milliseconds(-300_001));
    assert!(!is_ready());
    hotel.vendor().set_lock_clock(door("101"), TimeDelta::zero());
    hotel.vendor().set_battery(door("101"), 15);
    assert!(!is_ready());
}

/// A look costs a list, a health check a lock and a page; one an interval, however many processes tick and however often. Who does
/// not watch asks nothing.
#[test]
fn a_look_is_made_once_an_interval_whoever_ticks() {
    let hotel = Hotel::simple();
    let (one, other) = (hotel.watching("a"), hotel.watching("b"));
    let silent = hotel.service("c");
    assert_eq!(run(silent.tick()).unwrap(), None);
    for _ in 0..60 {
        assert!(
            run_in_turn([&one, &other].into_iter().map(|service| service.tick())).iter().all(Result::is_ok)
        );
        run(silent.tick()).unwrap();
        hotel.pass(TimeDelta::seconds(10));
    }
    assert_eq!(hotel.vendor().calls(), 2 * (1 + 5 + 1));
    assert_eq!(run(silent.tick()).unwrap(), None);
    // A vendor that does not answer ends the look, and is looked after as any that is away.
    let away = Hotel::of(&[("main", "mock://?fail=devices", &["101", "102", "201", "202", "gym"])]);
    let service = away.watching("a");
    assert_eq!(run(service.tick()).unwrap(), Some(away.clock.now() + TimeDelta::seconds(120)));
}

/// Who dies over a look, wherever, is followed by another: nothing is told twice and nothing is lost.
#[test]
fn who_dies_over_a_look_is_followed_by_another() {
    for waits in 1.. {
        let hotel = Hotel::simple();
        hotel.vendor().set_battery(door("202"), 3);
        let _denied = hotel.vendor().door(door("201")).try_open("1", hotel.clock.now());
        let died = run_and_drop(hotel.watching("a").tick(), waits);
        hotel.live(&hotel.watching("b"), LOOK);
        let mut told = Told::default();
        told.drain(&hotel.service("b"));
        let counts = ["device.registered", "device.battery_low", "device.health_alert", "audit.attempt"];
        assert_eq!(counts.map(|what| told.count(what)), [5, 1, 1, 1], "dropped at wait {waits}");
        assert_eq!(told.events.len(), 8);
        if !died {
            return;
        }
    }
}
