//! The file in which the desk keeps its state.

use std::fs;

use lockport::credential::Artifact;
use lockport_examples::front_desk::day::{self, Moment, News, Step};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::Json;
use lockport_examples::front_desk::player::Player;

use crate::program::{file, run};
use crate::rehearsed::fresh_file;
use crate::restarts::{SHIPPED_DAY, SHIPPED_HOTEL, TWO_DAY, TWO_HOTEL};

#[test]
fn a_day_is_the_same_over_a_file() {
    let path = fresh_file("shipped.store");
    let (_, in_memory, _) = run(&["--json"]);
    let (output, in_a_file, err) = run(&["--json", "--store", path.to_str().unwrap()]);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    assert_eq!(in_a_file, in_memory);
    assert!(path.is_file());
}

/// Everything a guest was handed is looked for in the file, while it is in use and when it is closed.
#[test]
fn no_secret_stands_in_the_file() {
    let path = fresh_file("secrets.store");
    let hotel = Hotel::read(TWO_HOTEL.as_bytes()).unwrap();
    let lines = day::read(&hotel, TWO_DAY.as_bytes());
    let opening = lines[0].content.as_ref().unwrap().at;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut json = Json::new(Vec::new());
    let (in_use, handed) = runtime.block_on(async {
        let store = StoreAt::File(path.clone());
        let mut player = Player::open(&hotel, opening, 1, store, &mut json).await.unwrap();
        let mut handed = Vec::new();
        for line in &lines {
            player.line(line).await.unwrap();
            let Ok(Moment { step: Step::Event(heard), .. }) = &line.content else { continue };
            let (reservation, ..) = heard.news.as_ref().and_then(News::stay).unwrap();
            for artifact in player.in_hand(reservation) {
                let (Artifact::Pin(text) | Artifact::MobileToken(text)) = artifact else {
                    panic!("{artifact:?}")
                };
                // EXPOSE: into the test that looks for it.
                handed.extend(text.expose().split(':').map(str::to_owned));
            }
        }
        (["", "-wal"].map(|part| fs::read(format!("{}{part}", path.display())).unwrap()), handed)
    });
    let closed = fs::read(&path).unwrap();
    assert!(handed.len() >= 20 && handed.iter().all(|secret| secret.len() >= 6), "{}", handed.len());
    for written in in_use.iter().chain([&closed]) {
        let written = String::from_utf8_lossy(written);
        assert!(!handed.iter().any(|secret| written.contains(secret)), "a secret stands in the file");
    }
    assert!(closed.len() > 10_000 && closed.starts_with(b"SQLite format 3"));
}

#[test]
fn a_file_that_is_no_store_is_named_in_one_line_and_left_alone() {
    let text = file(
        "text.store",
        b"no database, and long enough to be looked at as one: at least a hundred bytes, so more than these.",
    );
    let folder = env!("CARGO_TARGET_TMPDIR").to_owned();
    let nowhere = format!("{folder}/no-such-folder/desk.store");
    for path in [&text, &folder, &nowhere] {
        let before = fs::read(path).ok();
        let (output, out, err) = run(&["--store", path]);
        assert_eq!((output.status.code(), &*out), (Some(2), ""), "{path}");
        assert!(err.lines().count() == 1 && err.contains(path) && err.contains("database"), "{err}");
        assert_eq!(fs::read(path).ok(), before, "{path}");
    }
}

/// The vendors begin anew with another day, and the desk goes on with what it has: nothing is told of what was told.
#[test]
fn a_store_of_another_day_is_taken_up() {
    let path = fresh_file("again.store");
    let store = ["--json", "--store", path.to_str().unwrap()];
    assert_eq!(run(&store).0.status.code(), Some(0));
    let hotel = file("again.hotel.json", SHIPPED_HOTEL.as_bytes());
    let day = file("again.jsonl", format!("{SHIPPED_DAY}\n").as_bytes());
    let (output, out, err) = run(&[&store[..], &["--hotel", &hotel, "--day", &day]].concat());
    assert_eq!(
        (output.status.code(), &*err),
        (Some(1), ""),
        "the doors know nothing of the keys of yesterday"
    );
    assert!(!out.contains("credential.requested"), "{out}");
}
