//! Grants, token life, registration, quota.

use lockport_sim_ttlock::{SimClock, Throttle, TtlockSim, md5_hex};
use serde_json::Value;

use crate::client::{CLIENT, NOW, OTHER_CLIENT, SECRET, Scene, but, errcode, exchange, without};

fn grant(id: &'static str, secret: &'static str) -> Vec<(&'static str, String)> {
    vec![
        (id, CLIENT.into()),
        (secret, SECRET.into()),
        ("grant_type", "password".into()),
        ("username", "hotel".into()),
        ("password", md5_hex("hotel password")),
    ]
}

fn refresh(token: &str) -> Vec<(&'static str, String)> {
    vec![
        ("clientId", CLIENT.into()),
        ("clientSecret", SECRET.into()),
        ("grant_type", "refresh_token".into()),
        ("refresh_token", token.into()),
    ]
}

fn names(body: &Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn password_grant_takes_both_spellings_and_answers_five_fields() {
    let scene = Scene::new().await;
    for (id, secret) in [("clientId", "clientSecret"), ("client_id", "client_secret")] {
        let body = scene.post("/oauth2/token", &grant(id, secret)).await;
        assert_eq!(names(&body), ["access_token", "expires_in", "refresh_token", "scope", "uid"]);
        assert_eq!(body["expires_in"], 7_776_000);
        assert_eq!(body["access_token"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn grants_are_refused_by_number() {
    let scene = Scene::new().await;
    let good = grant("clientId", "clientSecret");
    let upper = md5_hex("hotel password").to_uppercase();
    for (pairs, expected) in [
        (but(&good, "clientId", "ffff"), 10000),
        (but(&good, "clientSecret", "wrong"), 10001),
        (but(&good, "password", &md5_hex("wrong")), 10007),
        (but(&good, "password", "hotel password"), 10007),
        (but(&good, "password", &md5_hex(&md5_hex("hotel password"))), 10007),
        (but(&good, "password", &upper), 10007),
        (but(&good, "username", "nobody"), 10007),
        (but(&good, "grant_type", "client_credentials"), -3),
        (without(&good, "username"), -3),
        (without(&good, "clientId"), -3),
        (but(&good, "client_id", CLIENT), -3),
        (refresh("0123"), 10011),
    ] {
        assert_eq!(errcode(&scene.post("/oauth2/token", &pairs).await), expected, "{pairs:?}");
    }
}

#[tokio::test]
async fn a_refresh_kills_the_old_access_token() {
    let mut scene = Scene::new().await;
    let first = scene.post("/oauth2/token", &grant("clientId", "clientSecret")).await;
    let kept = first["refresh_token"].as_str().unwrap();
    let foreign = but(&refresh(kept), "clientId", OTHER_CLIENT);
    assert_eq!(errcode(&scene.post("/oauth2/token", &foreign).await), 10011);
    let second = scene.post("/oauth2/token", &refresh(kept)).await;
    assert_eq!(names(&second), ["access_token", "expires_in", "refresh_token"]);
    assert_eq!(second["refresh_token"], first["refresh_token"]);
    for (token, expected) in [(&first["access_token"], 10004), (&second["access_token"], 0)] {
        scene.token = token.as_str().unwrap().into();
        assert_eq!(errcode(&scene.call("/v3/lock/list", &[("pageNo", "1".into())]).await), expected);
    }
}

#[tokio::test]
async fn token_life_and_rotation_follow_the_builder() {
    let clock = SimClock::new(NOW);
    let sim = TtlockSim::builder(clock.clone())
        .application(CLIENT, SECRET)
        .account("hotel", &md5_hex("hotel password"))
        .access_token_life_s(60)
        .rotate_refresh_tokens()
        .start()
        .await
        .unwrap();
    let mut scene = Scene { sim, clock, token: String::new() };
    let first = scene.post("/oauth2/token", &grant("clientId", "clientSecret")).await;
    scene.token = first["access_token"].as_str().unwrap().into();
    for (at, expected) in [(NOW + 59_999, 0), (NOW + 60_000, 10004)] {
        scene.clock.set_ms(at);
        assert_eq!(errcode(&scene.call("/v3/lock/list", &[("pageNo", "1".into())]).await), expected);
    }
    let old = first["refresh_token"].as_str().unwrap();
    let second = scene.post("/oauth2/token", &refresh(old)).await;
    assert_eq!(second["expires_in"], 60);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(errcode(&scene.post("/oauth2/token", &refresh(old)).await), 10011);
}

#[tokio::test]
async fn tokens_are_checked_on_every_call() {
    let mut scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned())];
    let good = scene.with(&page);
    for (pairs, expected) in [
        (good.clone(), 0),
        (without(&good, "accessToken"), -3),
        (but(&good, "accessToken", "00000000000000000000000000000000"), 10003),
        (but(&good, "clientId", OTHER_CLIENT), 10003),
        (but(&good, "clientId", "ffff"), 10000),
        (without(&good, "clientId"), -3),
    ] {
        assert_eq!(errcode(&scene.post("/v3/lock/list", &pairs).await), expected, "{pairs:?}");
    }
    scene.token.clear();
    assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), -3);
}

#[tokio::test]
async fn the_date_may_be_five_minutes_off_and_no_more() {
    let scene = Scene::new().await;
    let good = scene.with(&[("pageNo", "1".into())]);
    for (off, expected) in [(0, 0), (300_000, 0), (-300_000, 0), (300_001, 80000), (-300_001, 80000)] {
        let pairs = but(&good, "date", &(NOW + off).to_string());
        assert_eq!(errcode(&scene.post("/v3/lock/list", &pairs).await), expected, "{off}");
    }
    for pairs in [without(&good, "date"), but(&good, "date", "today"), but(&good, "date", "")] {
        assert_eq!(errcode(&scene.post("/v3/lock/list", &pairs).await), -3);
    }
    let late = but(&scene.registration("anna", &md5_hex("x")), "date", &(NOW - 400_000).to_string());
    assert_eq!(errcode(&scene.post("/v3/user/register", &late).await), 80000);
}

#[tokio::test]
async fn the_date_header_tells_the_simulated_time() {
    let scene = Scene::new().await;
    scene.clock.set_ms(784_111_777_000);
    let answer = exchange(scene.sim.base_url(), "GET", "/nowhere", None, "").await.unwrap();
    assert!(answer.head.contains("date: Sun, 06 Nov 1994 08:49:37 GMT"), "{}", answer.head);
    assert_eq!(answer.head.matches("date: ").count(), 1);
}

#[tokio::test]
async fn registration_prefixes_the_name_and_refuses_bad_ones() {
    let scene = Scene::new().await;
    let full = scene.register("anna1").await;
    assert!(full.ends_with("_anna1") && full.len() > "_anna1".len());
    let md5 = md5_hex("x");
    for (name, password, expected) in [
        ("anna1", md5.as_str(), 30003),
        ("anna-2", &md5, 30002),
        ("änna", &md5, 30002),
        ("anna3", "clear text", 30005),
        ("anna3", &md5.to_uppercase(), 30005),
        ("", &md5, -3),
    ] {
        let body = scene.post("/v3/user/register", &scene.registration(name, password)).await;
        assert_eq!(errcode(&body), expected, "{name}");
    }
    let wrong = but(&scene.registration("anna4", &md5), "clientSecret", "wrong");
    assert_eq!(errcode(&scene.post("/v3/user/register", &wrong).await), 10001);
}

#[tokio::test]
async fn the_monthly_quota_ends_with_the_month_in_utc_plus_8() {
    let scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned())];
    let used = scene.sim.month_request_count(CLIENT);
    assert_eq!(used, 1);
    scene.sim.set_monthly_quota(used + 1);
    assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), 0);
    assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), 30007);
    let console = [("clientId", CLIENT.to_owned()), ("clientSecret", SECRET.to_owned())];
    assert_eq!(scene.post("/app/getMonthRequestCount", &console).await["monthRequestCount"], 2);
    // 2026-04-30 16:00 UTC is the first of May at UTC+8.
    let turn = 1_777_564_800_000;
    for (at, expected) in [(turn - 1, 30007), (turn, 0)] {
        scene.clock.set_ms(at);
        assert_eq!(errcode(&scene.call("/v3/lock/list", &page).await), expected);
    }
}

#[tokio::test]
async fn the_throttle_lets_go_with_time() {
    let scene = Scene::new().await;
    let page = [("pageNo", "1".to_owned())];
    scene.sim.set_throttle(Some(Throttle { calls: 2, per_ms: 1000 }));
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(errcode(&scene.call("/v3/lock/list", &page).await));
    }
    scene.clock.advance_ms(1000);
    codes.push(errcode(&scene.call("/v3/lock/list", &page).await));
    assert_eq!(codes, [0, 0, 30006, 0]);
}
