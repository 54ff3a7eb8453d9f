//! Every request of every verb, failed in every way: no secret gets out, and no error promises more than it knows.

use std::error::Error;
use std::sync::Arc;

use crate::fake::{self, AGAIN, FIRST, Reply, Vendor, good, refused};
use lockport::driver::{ClockSync as _, GrantOrder, VendorDriver};
use lockport::env::TransportError;
use lockport::{LockError, RetryAdvice};
use lockport_ttlock::TtlockDriver;
use serde_json::json;

const VERBS: [&str; 23] = [
    "key: grant",
    "key: grant blocked",
    "key: find",
    "key: move",
    "key: freeze",
    "key: move and thaw",
    "key: move by marker",
    "key: withdraw",
    "key: withdraw by marker",
    "key: withdraw again",
    "passcode: grant",
    "passcode: register",
    "passcode: find",
    "passcode: move",
    "passcode: move by marker",
    "passcode: withdraw",
    "passcode: withdraw by marker",
    "passcode: withdraw again",
    "card: grant",
    "card: find",
    "card: move",
    "card: withdraw",
    "card: withdraw again",
];

async fn run(driver: &TtlockDriver, verb: &str) -> Result<String, LockError> {
    let (order, reference, verb) = match verb.split_once(": ") {
        Some(("passcode", verb)) => (fake::passcode(), "7:61", verb),
        Some(("card", verb)) => (fake::card(), "7:71", verb),
        Some(("random", verb)) => (fake::random(), "7:61", verb),
        Some((_, verb)) => (fake::order(), "234522", verb),
        None => (fake::order(), "", verb),
    };
    let later = || fake::until(order.clone(), "2026-05-04T10:00:00Z");
    let held = || fake::held(order.clone(), Some(reference));
    let lost = || fake::held(order.clone(), None);
    Ok(match verb {
        "grant" => format!("{:?}", driver.grant(&order, &FIRST).await?),
        "register" => {
            let order = GrantOrder { already: true, ..order.clone() };
            format!("{:?}", driver.grant(&order, &FIRST).await?)
        }
        "grant blocked" => format!("{:?}", driver.grant(&fake::blocked(), &FIRST).await?),
        "find" => format!("{:?}", driver.find(&order, &FIRST).await?),
        "move" => format!("{:?}", driver.amend(&held(), &later(), &FIRST).await?),
        "freeze" => format!("{:?}", driver.amend(&held(), &fake::blocked(), &FIRST).await?),
        "move and thaw" => {
            let held = fake::held(fake::blocked(), Some(reference));
            format!("{:?}", driver.amend(&held, &later(), &FIRST).await?)
        }
        "move by marker" => format!("{:?}", driver.amend(&lost(), &later(), &FIRST).await?),
        "withdraw" => format!("{:?}", driver.withdraw(&fake::withdrawal(held()), &FIRST).await?),
        "withdraw by marker" => format!("{:?}", driver.withdraw(&fake::withdrawal(lost()), &FIRST).await?),
        "withdraw again" => format!("{:?}", driver.withdraw(&fake::withdrawal(held()), &AGAIN).await?),
        "devices" => format!("{:?}", driver.devices().await?),
        "health" => format!("{:?}", driver.health(fake::DOOR.parse().unwrap()).await?),
        "set clock" => {
            let now = fake::NOW.parse().unwrap();
            format!("{:?}", driver.set_clock(fake::DOOR.parse().unwrap(), now).await?)
        }
        other => panic!("no such verb: {other}"),
    })
}

/// Answers well except to the request of this number.
fn failing_at(number: usize, reply: Reply) -> Arc<Vendor> {
    Vendor::new(move |before, path, _| if before == number { reply.clone() } else { Reply::Json(good(path)) })
}

fn failures() -> Vec<Reply> {
    let leaks = json!({
        "username": "LEAK-username", "keyId": "LEAK-key", "keyboardPwdId": "LEAK-id", "cardId": "LEAK-card", "date": "LEAK-date",
        "list": "LEAK-list", "access_token": "LEAK-token",
        "refresh_token": 7, "expires_in": "LEAK",
    });
    let mut all = vec![
        Reply::Fails(TransportError::NotSent),
        Reply::Fails(TransportError::Lost),
        Reply::Fails(TransportError::TimedOut),
        Reply::Fails(TransportError::TooLarge),
        Reply::Raw(500, "LEAK-body".to_owned()),
        Reply::Raw(302, "LEAK-body".to_owned()),
        Reply::Raw(200, "<html>LEAK-body</html>".to_owned()),
        Reply::Raw(200, String::new()),
        Reply::Json(json!({"errcode": "LEAK-code"})),
        Reply::Json(leaks),
    ];
    let codes = [
        1, -3, -3007, -2009, -1021, -3008, 10000, 10003, 10004, 10007, 10011, 30003, 30005, 30006, 30007,
        80000, 90000, -1003, -1008, -2025, -4064, -9999,
    ];
    all.extend(codes.map(|code| Reply::Json(refused(code))));
    all
}

/// The digests were computed once, by another program.
const CANARIES: [&str; 10] = [
    "LEAK",
    fake::TOKEN,
    fake::REFRESH,
    fake::SECRET,
    fake::PASSWORD,
    fake::ARTIFACT,
    fake::DIGITS,
    fake::CARD,
    "9dd49438d2932677d07760524e6b6ce0",
    "779745e1c6f18ad2434261e0e7fda484",
];

fn assert_clean(text: &str, case: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{case}: {canary} in {text}");
    }
}

#[tokio::test]
async fn no_secret_and_no_word_of_the_vendors_gets_out_on_any_path() {
    for verb in VERBS.into_iter().chain(["devices", "health", "set clock"]) {
        for reply in failures() {
            for number in 0.. {
                let vendor = failing_at(number, reply.clone());
                let driver = fake::driver(&vendor);
                let case = format!("{verb}, request {number}");
                match run(&driver, verb).await {
                    Ok(text) => assert_clean(&text, &case),
                    Err(error) => {
                        let source = error.source().map(|source| format!("{source} {source:?}"));
                        let stored = serde_json::to_string(&error).unwrap();
                        assert_clean(&format!("{error} {error:?} {error:#?} {source:?} {stored}"), &case);
                    }
                }
                assert_clean(&format!("{driver:?} {driver:#?}"), &case);
                if vendor.seen().len() <= number {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_error_after_a_request_that_may_have_had_an_effect_says_so() {
    let lost = [TransportError::Lost, TransportError::TimedOut, TransportError::TooLarge].map(Reply::Fails);
    let unclear = [Reply::Raw(502, String::new()), Reply::Raw(200, "?".to_owned())];
    let open = [Reply::Json(refused(1)), Reply::Json(refused(90000))];
    // After 30006 nothing is sent for a while, so that what a verb would clear up behind it stays.
    let said_no =
        [Reply::Fails(TransportError::NotSent), Reply::Json(refused(30007)), Reply::Json(refused(-2025))];
    for verb in VERBS {
        for (reply, is_no) in lost
            .iter()
            .chain(&unclear)
            .chain(&open)
            .map(|reply| (reply, false))
            .chain(said_no.iter().map(|reply| (reply, true)))
        {
            for number in 0.. {
                let vendor = failing_at(number, reply.clone());
                let outcome = run(&fake::driver(&vendor), verb).await;
                let paths = vendor.paths();
                let Some(failed) = paths.get(number) else { break };
                let has_effect = |path: &String| {
                    let folders = ["/v3/key/", "/v3/keyboardPwd/", "/v3/identityCard/"];
                    folders.iter().any(|folder| path.starts_with(folder)) && !path.ends_with("/list")
                };
                let earlier = paths.iter().take(number).any(has_effect);
                let Err(error) = outcome else {
                    assert!(verb.ends_with("find"), "{verb}: went on after a failure at {failed}");
                    continue;
                };
                let unknown = error.advice() == RetryAdvice::OutcomeUnknown;
                let want = earlier || (has_effect(failed) && !is_no);
                assert_eq!(unknown, want, "{verb}: {failed} after {paths:?}: {error:?}");
            }
        }
    }
}
