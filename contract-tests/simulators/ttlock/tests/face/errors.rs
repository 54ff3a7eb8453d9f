//! Every documented number is reached by its documented cause, or stands on the list of those that come by order
//! only; and every fault strikes every path.

use std::collections::BTreeSet;

use lockport_sim_ttlock::{Answered, Fault, Hold, TtlockSim, What, md5_hex};
use serde_json::Value;

use crate::client::{CLIENT, HOUR, NOW, SECRET, Scene, errcode};

/// VENDOR: section 10.1, all numbers of the list.
const DOCUMENTED: &[i64] = &[
    0, 1, -3, 10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010, 10011, 20000,
    20001, 20002, 20003, 20004, 20005, 20006, 20007, 20008, 30001, 30002, 30003, 30004, 30005, 30006, 30007,
    30008, 80000, 80002, 90000, -2018, -1003, -2025, -4043, -4056, -4067, -4082, -3011, -3016, -4063, -1008,
    -1016, -1018, -1027, -2019, -2020, -2023, -3039, -3046, -4064, -1007, -1026, -2009, -2032, -3006, -3007,
    -3008, -3009, -2012, -3002, -3036, -3003, -3037, -3034, -3035, -4037, -1021,
];

/// Their cause is told nowhere, or belongs to calls that are not simulated.
const BY_ORDER_ONLY: &[i64] = &[
    10002, 10005, 10006, 10008, 10009, 10010, 20000, 20001, 20003, 20004, 20005, 20006, 20007, 20008, 30001,
    30004, 90000, -1016, -1018, -2023, -3011, -3016, -4063, -4082,
];

/// The other tests of this folder reach a number where they name it.
const TESTS: &[&str] = &[
    include_str!("cards.rs"),
    include_str!("edge.rs"),
    include_str!("ekeys.rs"),
    include_str!("faults.rs"),
    include_str!("lists.rs"),
    include_str!("passcodes.rs"),
    include_str!("random.rs"),
    include_str!("reach.rs"),
    include_str!("records.rs"),
    include_str!("remote.rs"),
    include_str!("tokens.rs"),
];

#[test]
fn no_documented_number_is_forgotten() {
    let by_order: BTreeSet<i64> = BY_ORDER_ONLY.iter().copied().collect();
    for code in DOCUMENTED.iter().filter(|code| !by_order.contains(code) && code.unsigned_abs() > 1) {
        let text = code.to_string();
        let is_number = |place: &str| !place.starts_with(|next: char| next.is_ascii_digit() || next == '_');
        let reached = TESTS.iter().any(|test| {
            test.match_indices(&text).any(|(at, _)| {
                let before = test[..at].chars().next_back();
                let starts = before
                    .is_none_or(|sign| !sign.is_ascii_digit() && sign != '_' && (sign != '-' || *code < 0));
                starts && is_number(&test[at + text.len()..])
            })
        });
        assert!(reached || HERE.contains(code), "{code}");
    }
}

/// What the tests below reach.
const HERE: &[i64] = &[30008, -1027];

#[tokio::test]
async fn an_account_may_live_elsewhere() {
    let scene = Scene::of(|hotel| {
        hotel
            .lock("204", Some(5_001))
            .account_of_another_region("beijing", &md5_hex("x"))
            .account_bound_elsewhere("bound", &md5_hex("x"))
    })
    .await;
    let grant = [
        ("clientId", CLIENT.to_owned()),
        ("clientSecret", SECRET.to_owned()),
        ("username", "beijing".to_owned()),
        ("password", md5_hex("x")),
    ];
    assert_eq!(errcode(&scene.post("/oauth2/token", &grant).await), 30008);
    let sent = scene.post("/v3/key/send", &scene.sending("bound", (NOW, NOW + HOUR))).await;
    assert_eq!(errcode(&sent), -1027);
    assert!(scene.sim.live_ekeys("204").is_empty());
}

#[tokio::test]
async fn an_ordered_number_is_answered_on_any_path() {
    let scene = Scene::new().await;
    for code in BY_ORDER_ONLY {
        scene.sim.faults().push(Fault::once("/v3/lock/detail", What::Refuse(*code)));
        assert_eq!(scene.code_at_204("/v3/lock/detail", &[]).await, *code);
    }
}

fn paths() -> Vec<String> {
    TtlockSim::openapi()["paths"].as_object().unwrap().keys().cloned().collect()
}

/// What a caller sees of one request to each path under a fault.
#[tokio::test]
async fn every_fault_strikes_every_path() {
    assert!(paths().len() >= 45);
    for path in paths() {
        let scene = Scene::new().await;
        let faults = scene.sim.faults();
        let pairs =
            scene.with(&[("clientSecret", SECRET.into()), ("lockId", "5001".into()), ("pageNo", "1".into())]);
        let sound = scene.try_post(&path, &pairs).await.unwrap().body;
        let sound = errcode(&serde_json::from_str::<Value>(&sound).unwrap());
        for what in [What::DropBefore, What::DropAfter, What::LateEffect { ms: 5 }] {
            faults.push(Fault::once(&path, what));
            assert!(scene.try_post(&path, &pairs).await.is_none(), "{path} {what:?}");
            assert_eq!(scene.sim.seen().last().unwrap().answered, Answered::Dropped);
        }
        faults.push(Fault::once(&path, What::HttpStatus(503)));
        assert_eq!(scene.try_post(&path, &pairs).await.unwrap().status, 503, "{path}");
        faults.push(Fault::once(&path, What::Refuse(30006)));
        assert_eq!(errcode(&scene.post(&path, &pairs).await), 30006, "{path}");
        faults.push(Fault::once(&path, What::MalformedBody));
        let torn = scene.try_post(&path, &pairs).await.unwrap();
        assert!(torn.status == 200 && serde_json::from_str::<Value>(&torn.body).is_err(), "{path}");
        faults.push(Fault::once(&path, What::Delay(Hold::RealMs(0))));
        assert_eq!(errcode(&scene.post(&path, &pairs).await), sound, "{path}");
        faults.outage(NOW + 1);
        assert!(scene.try_post(&path, &pairs).await.is_none(), "{path}");
        faults.clear();
        if path.starts_with("/v3/") && path != "/v3/user/register" {
            faults.push(Fault::once(&path, What::ExpireTokens));
            assert_eq!(errcode(&scene.post(&path, &pairs).await), 10004, "{path}");
        }
        assert_eq!(faults.pending(), 0);
    }
}
