//! The samples with verdicts.

use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Json, Summary};
use lockport_examples::front_desk::player::play;
use serde_json::Value;

use crate::days::Item;
use crate::model::{Model, Opens, Want, text};

pub(crate) const HOTEL: &str = include_str!("../../data/samples/skeleton.hotel.json");
pub(crate) const DAY: &str = include_str!("../../data/samples/skeleton.jsonl");
const ANNEX: (&str, &str) =
    (include_str!("../../data/samples/annex.hotel.json"), include_str!("../../data/samples/annex.jsonl"));
const TWO_VENDORS: (&str, &str) = (
    include_str!("../../data/samples/two-vendors.hotel.json"),
    include_str!("../../data/samples/two-vendors.jsonl"),
);
const CARDS: (&str, &str) =
    (include_str!("../../data/samples/cards.hotel.json"), include_str!("../../data/samples/cards.jsonl"));
/// The same day, with the cards written on an encoder.
const ENCODER: (&str, &str) =
    (include_str!("../../data/samples/encoder.hotel.json"), include_str!("../../data/samples/cards.jsonl"));

/// The model agrees with every verdict of the samples, and leaves few doors free, so that what is judged by it is judged by the page.
#[test]
fn the_model_gives_the_verdicts_of_the_samples() {
    for (hotel, day, free_at_most) in [
        (HOTEL, DAY, 0),
        (ANNEX.0, ANNEX.1, 0),
        (TWO_VENDORS.0, TWO_VENDORS.1, 0),
        (CARDS.0, CARDS.1, 0),
        (ENCODER.0, ENCODER.1, 0),
    ] {
        let mut model = Model::new(&serde_json::from_str(hotel).unwrap());
        let (mut yes, mut no, mut free) = (0, 0, 0);
        for line in day.lines() {
            let (item, verdict) = Item::read(line);
            let Want::Tried { opens, .. } = model.line(&item) else { continue };
            match (opens, verdict) {
                (Opens::Either(_), Some(_)) => free += 1,
                (Opens::Yes, Some(true)) => yes += 1,
                (Opens::No, Some(false)) => no += 1,
                (_, None) => {}
                _ => panic!("{opens:?} is not what the sample says: {line}"),
            }
        }
        assert!(yes >= 10 && no >= 10 && free <= free_at_most, "{yes} yes, {no} no, {free} left free");
    }
}

/// The program gives the verdicts of the sample as well, and refuses the one line that is of another property.
#[test]
fn the_sample_is_played_as_its_verdicts_say() {
    let (summary, refused) = plays((HOTEL, DAY));
    assert_eq!(refused, ["TENANT_MISMATCH"]);
    let Summary { tries, opened, refused_lines, issued, revoked, open_tasks, wrong } = summary;
    assert_eq!((wrong, tries, refused_lines, open_tasks), (0, 78, 1, 0), "{summary:?}");
    assert!(opened >= 10 && issued >= 7 && revoked >= 2, "{summary:?}");
}

/// Two lock systems in one hotel, staff, a no-show, a loss, an outage.
#[test]
fn two_vendors_are_played_as_their_verdicts_say() {
    let (summary, refused) = plays(TWO_VENDORS);
    assert_eq!((summary.wrong, &*refused), (0, &["INVALID_INPUT".to_owned()][..]), "{summary:?}");
}

/// Cards that carry their own rights.
#[test]
fn cards_are_played_as_their_verdicts_say() {
    for cards in [CARDS, ENCODER] {
        let (summary, refused) = plays(cards);
        let codes = ["INVALID_INPUT", "INVALID_INPUT", "TENANT_MISMATCH"];
        assert_eq!((summary.wrong, &*refused), (0, &codes.map(str::to_owned)[..]), "{summary:?}");
    }
}

/// What a day came to, and the codes of the lines that were refused.
fn plays((hotel, day): (&str, &str)) -> (Summary, Vec<String>) {
    let hotel = Hotel::read(hotel.as_bytes()).unwrap();
    let day = day::read(&hotel, day.as_bytes());
    let mut told = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let summary =
        runtime.block_on(play(&hotel, &day, 1, StoreAt::default(), &mut Json::new(&mut told))).unwrap();
    let told = String::from_utf8(told).unwrap();
    let told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (
        summary,
        told.filter(|told| told["refused"].is_object()).map(|told| text(&told["refused"]["code"])).collect(),
    )
}
