use std::process::Command;

/// One effect per intent (R44), however often the app went away over it: judged by what the vendor holds.
#[test]
fn a_call_that_was_dropped_is_made_again_under_the_same_key() {
    let output = Command::new(env!("CARGO_BIN_EXE_phone")).output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<&str> = told.lines().collect();
    let asked: Vec<&str> = told[1].split(' ').collect();
    assert!(asked[3].parse::<u32>().unwrap() > 1, "who was told to wait asked again: {told:?}");
    assert_eq!(
        [&told[..1], &[asked[4..].join(" ").as_str()], &told[2..]].concat(),
        [
            "stay-1 dropped on its way out: the vendor holds 0 keys",
            "times: the vendor holds 1 keys",
            "stay-1 opens the door: true",
            "stay-2 dropped on its way back: the vendor holds 2 keys",
            "stay-2 asked again 1 times: the vendor holds 2 keys",
            "stay-2 opens the door: true",
            "stay-2 asked once too often, the same credential: true",
            "stay-2 taken away, opens the door: false",
        ]
    );
}
