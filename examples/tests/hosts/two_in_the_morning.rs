use std::process::Command;

use crate::{DAY, HOTEL};

/// What is told, less what may be otherwise another time: when a pause is over, which id was drawn, what of one wake comes first.
fn gist(told: &str) -> Vec<String> {
    let mut gist: Vec<String> = Vec::new();
    let mut since_a_line = 0;
    for line in told.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.get(2) == Some(&"told") {
            gist.push(words[2..words.len() - 1].join(" "));
            gist[since_a_line..].sort();
        } else {
            gist.push(words.join(" "));
            since_a_line = gist.len();
        }
    }
    gist
}

/// What the README shows of it is what the program prints.
#[test]
fn the_readme_shows_what_a_late_guest_sees_while_the_vendor_is_down() {
    let output = Command::new(env!("CARGO_BIN_EXE_front-desk"))
        .args(["--hotel", HOTEL, "--day", DAY])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).unwrap();
    let night = told.split("\n\n").next().unwrap();
    let readme = include_str!("../../README.md");
    let shown = readme.split("```text\n2026-05-14 09:00:00").nth(1).unwrap().split("\n```").next().unwrap();
    let shown = format!("2026-05-14 09:00:00{shown}");
    assert_eq!(gist(night), gist(&shown), "the README is to show:\n{night}");
    assert!(
        gist(night)
            .iter()
            .any(|line| line.contains("stays shut") && line.ends_with("desk task escort_guest"))
    );
}
