use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{HOTEL, SARAH, ZAHRA, booked, fresh_file};

/// What the desk prints when this is typed.
fn types(store: &Path, lines: &[String]) -> String {
    let mut desk = Command::new(env!("CARGO_BIN_EXE_desk"))
        .args(["--hotel", HOTEL, "--store", store.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    desk.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    let output = desk.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The card is written after the program was ended and started again: what waited for it waited in the file.
#[test]
fn a_card_waits_for_its_guest_and_opens_his_door() {
    let store = fresh_file("desk.store");
    let line = |text: &str| text.to_owned();
    let told = types(
        &store,
        &[
            format!("event {}", booked(ZAHRA, "0N103")),
            format!("arrive {ZAHRA}"),
            line("try C1 card-1"),
            line("quit"),
        ],
    );
    assert!(told.contains(&format!("> task: present_card {ZAHRA}\n")), "{told}");
    assert!(told.contains("> door C1 stays shut\n"), "{told}");
    let told = types(
        &store,
        &[
            line("tasks"),
            format!("encode {ZAHRA}"),
            line("card card-1"),
            format!("encode {ZAHRA}"),
            line("tasks"),
            line("try C1 card-1"),
            line("try C1 card-2"),
        ],
    );
    let said: Vec<&str> = told.lines().map(|line| line.trim_start_matches("> ")).collect();
    assert_eq!(
        said,
        [
            &format!("task: present_card {ZAHRA}"),
            "another card is needed: lay it on the encoder, and type `encode` again",
            "the card is ready",
            "told: credential.issued.v1",
            "told: desk_task.closed.v1",
            "nothing to do",
            "door C1 opens",
            "door C1 stays shut",
            "",
        ]
    );
}

#[test]
fn what_cannot_be_done_is_said_and_the_desk_goes_on() {
    let told = types(
        &fresh_file("desk-refuses.store"),
        &[
            "fly".to_owned(),
            "encode me".to_owned(),
            "try 9 card-1".to_owned(),
            "event {".to_owned(),
            format!("arrive {SARAH}"),
        ],
    );
    assert_eq!(told.matches("> no: ").count(), 4, "{told}");
    assert!(told.ends_with("> nothing to do\n> "), "{told}");
}
