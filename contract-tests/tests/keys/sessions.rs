//! The sessions of an encoder, as the bus hears of them (R219).

use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::id::HostDeviceId;
use lockport::keys::{EncoderClose, EncoderTransport};
use serde_json::{Value, json};

use crate::rig::{Hotel, Told, door};
use crate::yielding::{run, run_in_turn};

/// What was told, in its order: what happened, to which session, and why.
fn told(told: &Told) -> Vec<(String, Value, Value)> {
    let of = |event: &lockport::event::Envelope| {
        let what = event.subject.trim_start_matches("melmastoon.lock.encoder_session.").to_owned();
        (what, event.data["encoderSessionId"].clone(), event.data["closeReason"].clone())
    };
    told.events.iter().map(of).collect()
}

#[test]
fn a_session_is_opened_and_closed_once_and_one_that_nobody_closed_is_lost() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101"])]);
    let (service, mut bus) = (hotel.service("a"), Told::default());
    let (at, desktop) = (Hotel::encoder("main"), HostDeviceId::derived("t", &[b"desk"]));
    let open = || run(service.encoder_opened(at, desktop, "rrhfoem04", EncoderTransport::UsbHid)).unwrap();
    let close = |why| run(service.encoder_closed(at, why)).unwrap();
    close(EncoderClose::Graceful);
    let one = open();
    hotel.pass(TimeDelta::hours(8));
    close(EncoderClose::Graceful);
    close(EncoderClose::Unplugged);
    // This one dies over it.
    let two = open();
    let three = open();
    close(EncoderClose::Unplugged);
    bus.drain(&service);
    let said = |what: &str, id, why: Value| (format!("{what}.v1"), json!(id), why);
    assert_eq!(
        told(&bus),
        [
            said("opened", one, Value::Null),
            said("closed", one, json!("graceful")),
            said("opened", two, Value::Null),
            said("closed", two, json!("lost")),
            said("opened", three, Value::Null),
            said("closed", three, json!("unplugged")),
        ]
    );
    let opened = &bus.events[0].data;
    assert_eq!((&opened["desktopDeviceId"], &opened["deviceId"]), (&json!(desktop), &json!(at)));
    assert_eq!((&opened["encoderModel"], &opened["transport"]), (&json!("rrhfoem04"), &json!("usb_hid")));
}

/// Two processes that tell at once: two sessions, of which one is over.
#[test]
fn who_tells_at_once_is_told_one_after_the_other() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101"])]);
    let (one, two, mut bus) = (hotel.service("a"), hotel.service("b"), Told::default());
    let (at, desktop) = (Hotel::encoder("main"), HostDeviceId::derived("t", &[b"desk"]));
    let opened = run_in_turn(
        [&one, &two].into_iter().map(|of| of.encoder_opened(at, desktop, "pn532", EncoderTransport::Serial)),
    );
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
    bus.drain(&one);
    let words: Vec<_> = told(&bus).into_iter().map(|(what, ..)| what).collect();
    assert_eq!(words, ["opened.v1", "closed.v1", "opened.v1"]);
}

/// What is no encoder of the property, or names no model, is refused and told to nobody.
#[test]
fn what_cannot_be_is_refused() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101"])]);
    let (service, mut bus) = (hotel.service("a"), Told::default());
    let desktop = HostDeviceId::derived("t", &[b"desk"]);
    let open = |at, model| {
        run(service.encoder_opened(at, desktop, model, EncoderTransport::Pcsc)).unwrap_err().code()
    };
    assert_eq!(open(door("101"), "pn532"), ErrorCode::DeviceNotPaired);
    assert_eq!(open(Hotel::encoder("main"), "a model"), ErrorCode::InvalidInput);
    let closed = run(service.encoder_closed(door("101"), EncoderClose::Graceful));
    assert_eq!(closed.unwrap_err().code(), ErrorCode::DeviceNotPaired);
    bus.drain(&service);
    assert!(bus.events.is_empty());
}
