//! The samples with verdicts.

use std::collections::BTreeMap;

use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Json, Summary};
use lockport_examples::front_desk::player::play;
use serde_json::Value;

use crate::model::{Model, News, Stay};

pub(crate) const HOTEL: &str = include_str!("../../data/samples/skeleton.hotel.json");
pub(crate) const DAY: &str = include_str!("../../data/samples/skeleton.jsonl");

fn seconds(text: &Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap().timestamp()
}

/// The model agrees with every verdict of the sample, so that what is judged by it is judged by the page.
#[test]
fn the_model_gives_the_verdicts_of_the_sample() {
    let hotel: Value = serde_json::from_str(HOTEL).unwrap();
    let doors: BTreeMap<&str, &str> = hotel["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| (room["roomId"].as_str().unwrap(), room["door"].as_str().unwrap()))
        .collect();
    let mut model = Model::default();
    let (mut opened, mut shut) = (0, 0);
    for line in DAY.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let at = seconds(&line["at"]);
        let data = &line["event"]["data"];
        if let Some(subject) = line["event"]["subject"].as_str() {
            if data["propertyId"] != hotel["propertyId"] {
                continue;
            }
            let news = if subject.ends_with(".confirmed.v1") {
                let rooms = data["rooms"].as_array().unwrap().iter();
                let mut own: Vec<&str> = rooms.map(|room| doors[room.as_str().unwrap()]).collect();
                if data["areas"].is_array() {
                    own.push("GYM");
                }
                News::Stands(Stay {
                    guest: data["guestId"].to_string(),
                    doors: own.into_iter().map(str::to_owned).collect(),
                    from: seconds(&data["validFrom"]),
                    until: seconds(&data["validUntil"]),
                })
            } else {
                News::Ends
            };
            let reservation = data["reservationId"].as_str().unwrap();
            model.deliver(at, reservation, data["version"].as_u64().unwrap(), news);
        }
        if let Some(door) = line["try"]["door"].as_str() {
            let expect = line["try"]["expect"].as_bool();
            assert_eq!(model.expects(line["try"]["as"].as_str().unwrap(), door, at), expect, "{line}");
            *if expect == Some(true) { &mut opened } else { &mut shut } += 1;
        }
    }
    assert!(opened >= 10 && shut >= 10, "{opened} opened, {shut} shut");
}

/// The program gives the verdicts of the sample as well, and refuses the one line that is of another property.
#[test]
fn the_sample_is_played_as_its_verdicts_say() {
    let hotel = Hotel::read(HOTEL.as_bytes()).unwrap();
    let day = day::read(&hotel, DAY.as_bytes());
    let mut told = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let summary =
        runtime.block_on(play(&hotel, &day, 1, StoreAt::default(), &mut Json::new(&mut told))).unwrap();
    let told = String::from_utf8(told).unwrap();
    let refused: Vec<&str> = told.lines().filter(|line| line.contains("\"refused\":")).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("TENANT_MISMATCH"), "{refused:?}");
    let Summary { tries, opened, refused_lines, issued, revoked, open_tasks, wrong } = summary;
    assert_eq!((wrong, tries, refused_lines, open_tasks), (0, 78, 1, 0), "{told}");
    assert!(opened >= 10 && issued >= 7 && revoked >= 2, "{summary:?}");
}
