//! The simulator by itself, as a program in another language meets it.

use std::net::SocketAddr;

use lockport_sim_ttlock::SimClock;
use lockport_sim_ttlock::alone::{Alone, Options, start};
use serde_json::Value;

use crate::client::{FORM, NOW, encode, exchange};

async fn alone(seed: u64) -> Alone {
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        seed,
        doors: vec!["201".into(), "<b>".into()],
        callback: None,
    };
    start(options, SimClock::new(NOW)).await.unwrap()
}

async fn ask(alone: &Alone, method: &str, path: &str, pairs: &[(&str, String)]) -> String {
    let kind = (method == "POST").then_some(FORM);
    exchange(alone.sim.base_url(), method, path, kind, &encode(pairs)).await.unwrap().body
}

#[tokio::test]
async fn a_stranger_logs_in_makes_a_code_tries_the_door_and_reads_the_log() {
    let alone = alone(7).await;
    let grant = [
        ("clientId", alone.client_id.clone()),
        ("clientSecret", alone.client_secret.clone()),
        ("username", alone.username.clone()),
        ("password", lockport_sim_ttlock::md5_hex(&alone.password)),
    ];
    let token: Value = serde_json::from_str(&ask(&alone, "POST", "/oauth2/token", &grant).await).unwrap();
    let add = [
        ("clientId", alone.client_id.clone()),
        ("accessToken", token["access_token"].as_str().unwrap().to_owned()),
        ("date", NOW.to_string()),
        ("lockId", alone.sim.lock_id("201").unwrap().to_string()),
        ("keyboardPwd", "739150".to_owned()),
        ("startDate", NOW.to_string()),
        ("endDate", (NOW + 60_000).to_string()),
        ("addType", "2".to_owned()),
    ];
    ask(&alone, "POST", "/v3/keyboardPwd/add", &add).await;
    let attempt = [("door", "201".to_owned()), ("passcode", "739150".to_owned())];
    assert_eq!(
        ask(&alone, "POST", "/bench/try", &attempt).await,
        r#"{"opened":true,"why":"a valid passcode"}"#
    );
    ask(&alone, "POST", "/bench/clock", &[("advanceMs", "120000".to_owned())]).await;
    assert!(ask(&alone, "POST", "/bench/try", &attempt).await.contains("no longer valid"));
    let doors: Value = serde_json::from_str(&ask(&alone, "GET", "/bench/doors", &[]).await).unwrap();
    assert_eq!(
        (doors["nowMs"].as_i64(), doors["doors"][0]["passcodes"].as_i64()),
        (Some(NOW + 120_000), Some(1))
    );
    let log = ask(&alone, "GET", "/bench/log", &[]).await;
    let page = ask(&alone, "GET", "/", &[]).await;
    assert!(log.contains("/v3/keyboardPwd/add") && page.contains("/v3/keyboardPwd/add"));
    assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"));
    for secret in ["739150", &alone.password, &alone.client_secret, token["access_token"].as_str().unwrap()] {
        assert!(!log.contains(secret) && !page.contains(secret));
    }
}

#[tokio::test]
async fn the_seed_makes_the_world_and_its_secrets() {
    let (one, same, other) = (alone(7).await, alone(7).await, alone(8).await);
    let told = |alone: &Alone| {
        (
            alone.client_id.clone(),
            alone.client_secret.clone(),
            alone.password.clone(),
            alone.sim.lock_id("201"),
        )
    };
    assert_eq!(told(&one), told(&same));
    assert_ne!(told(&one), told(&other));
}
