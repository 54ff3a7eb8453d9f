use std::process::Command;

use crate::{DAY, HOTEL};

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
    assert!(readme.contains(night), "the README is to show:\n{night}");
}
