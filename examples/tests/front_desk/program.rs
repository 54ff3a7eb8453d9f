//! The program as it is called: what it prints, and how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lockport::credential::Artifact;
use lockport_examples::front_desk::day::{self, Change, Moment, News, Step};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Human, Json};
use lockport_examples::front_desk::player::Player;
use serde_json::{Value, json};

use crate::samples::{DAY, HOTEL};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_front-desk"));
    // Away from the sources: what is shipped is in the program.
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

pub(crate) fn run(arguments: &[&str]) -> (Output, String, String) {
    let output = program(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

/// A file of this name and content, for one test alone.
pub(crate) fn file(name: &str, content: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.into_os_string().into_string().unwrap()
}

#[test]
fn the_shipped_day_is_played_anywhere() {
    let (output, out, err) = run(&[]);
    assert_eq!((output.status.code(), &*err), (Some(0), ""), "{out}");
    assert!(out.contains("door 101") && out.contains("opens: a valid eKey"), "{out}");
    assert!(out.contains("TENANT_MISMATCH") && !out.contains('✗'), "{out}");
    assert!(out.contains("door   tried  opened   wrong"), "{out}");
}

#[test]
fn the_answers_for_programs_are_those_of_the_page() {
    let (output, out, err) = run(&["--json"]);
    assert_eq!((output.status.code(), &*err), (Some(0), ""), "{out}");
    let told: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told[0], json!({ "line": 1, "ok": true }));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let mut forms: Vec<String> = told.iter().map(keys).collect();
    forms.sort();
    forms.dedup();
    assert_eq!(
        forms,
        ["event", "line ok", "line opened task why", "line opened why", "line refused", "summary"]
    );
    for answer in &told {
        assert_eq!(answer["opened"] == json!(false), answer.get("task").is_some(), "{answer}");
    }
    let summary = told.last().unwrap()["summary"].as_object().unwrap();
    let mut members: Vec<&str> = summary.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["issued", "openTasks", "opened", "refusedLines", "revoked", "tries", "wrong"]);
}

#[test]
fn a_door_that_does_otherwise_makes_it_exit_with_1() {
    let hotel = file("wrong.hotel.json", HOTEL.as_bytes());
    let day = file("wrong.jsonl", DAY.replace("\"expect\": true", "\"expect\": false").as_bytes());
    let (output, out, _) = run(&["--hotel", &hotel, "--day", &day]);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert_eq!(out.matches('✗').count(), DAY.matches("\"expect\": true").count(), "{out}");
    let (output, out, _) = run(&["--hotel", &hotel, "--day", &day, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let summary: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(summary["summary"]["wrong"], json!(DAY.matches("\"expect\": true").count()));
}

#[test]
fn what_cannot_be_played_is_said_in_one_line_and_exits_with_2() {
    let good = file("good.hotel.json", HOTEL.as_bytes());
    let day = file("good.jsonl", DAY.as_bytes());
    let salto = file("salto.hotel.json", HOTEL.replace("ttlock", "salto").as_bytes());
    let mock = |name: &str, url: &str| {
        let mock = HOTEL.replace("\"ttlock\"", &format!("\"mock\", \"url\": \"{url}\""));
        file(&format!("{name}.hotel.json"), mock.as_bytes())
    };
    let odd = mock("odd", "mock://?personality=odd");
    let acme = file("acme.hotel.json", HOTEL.replace("ttlock", "acme\\n").as_bytes());
    let torn = file("torn.hotel.json", b"{");
    for (hotel, day, word) in [
        (&*good, "no-such.jsonl", "no-such.jsonl"),
        ("no-such.json", &*day, "no-such.json"),
        (&*torn, &*day, "torn.hotel.json"),
        (&*salto, &*day, "\"v0\" is not played yet: salto"),
        (&*odd, &*day, "\"v0\" does not start: "),
        (&*acme, &*day, "acme"),
    ] {
        for json in [&["--json"][..], &[]] {
            let (output, out, err) = run(&[&["--hotel", hotel, "--day", day], json].concat());
            assert_eq!((output.status.code(), &*out), (Some(2), ""), "{word}");
            assert!(err.lines().count() == 1 && err.contains(word), "{word}: {err}");
        }
    }
    for arguments in [&["--hotel", &*good][..], &["--day", &*day], &["--moon"]] {
        assert_eq!(run(arguments).0.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let mut child = program(&["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "{\"line\":1,\"ok\":true}\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

/// Everything a guest was handed is looked for in everything that was printed.
#[test]
fn no_secret_is_told() {
    let hotel = Hotel::read(HOTEL.as_bytes()).unwrap();
    let day = day::read(&hotel, DAY.as_bytes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let opening = day[0].content.as_ref().unwrap().at;
    let (mut people, mut programs) = (Vec::new(), Vec::new());
    let mut secrets = Vec::new();
    for is_for_people in [true, false] {
        let mut human = Human::new(&hotel, &mut people);
        let mut json = Json::new(&mut programs);
        runtime.block_on(async {
            let mut player = if is_for_people {
                Player::open(&hotel, opening, 1, StoreAt::default(), &mut human).await.unwrap()
            } else {
                Player::open(&hotel, opening, 1, StoreAt::default(), &mut json).await.unwrap()
            };
            for line in &day {
                player.line(line).await.unwrap();
                let Ok(Moment { step: Step::Event(heard), .. }) = &line.content else { continue };
                let news = heard.news.as_ref().and_then(News::stay);
                let Some((reservation, _, Change::Confirmed(_))) = news else { continue };
                for artifact in player.in_hand(reservation) {
                    let Artifact::MobileToken(token) = artifact else { panic!("{artifact:?}") };
                    // EXPOSE: into the test that looks for it.
                    secrets.extend(token.expose().split(':').map(str::to_owned));
                }
            }
            player.close().await.unwrap();
        });
    }
    assert!(secrets.len() >= 28 && secrets.iter().all(|secret| secret.len() >= 8), "{}", secrets.len());
    for told in [people, programs] {
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("opened"));
        assert!(!secrets.iter().any(|secret| told.contains(secret)), "a secret was told");
    }
}
