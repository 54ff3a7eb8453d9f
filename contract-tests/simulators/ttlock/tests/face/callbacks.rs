//! Callbacks, as a receiver gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::post;
use lockport_sim_ttlock::{OnTheWay, WifiState};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::client::{CLIENT, HOUR, NOW, OTHER_CLIENT, Scene};

type Notice = BTreeMap<String, String>;
type Inbox = Arc<Mutex<Vec<Notice>>>;

const MINUTE: i64 = 60_000;

/// A receiver that keeps what it gets and answers as the vendor wants it, or with an error.
async fn receiver(status: u16) -> (String, Inbox) {
    let inbox = Inbox::default();
    let take = move |State(inbox): State<Inbox>, Form(notice): Form<Notice>| async move {
        inbox.lock().unwrap().push(notice);
        (StatusCode::from_u16(status).unwrap(), "success")
    };
    let router = Router::new().route("/hook/secret", post(take)).with_state(Arc::clone(&inbox));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hook/secret", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

fn taken(inbox: &Inbox) -> Vec<Notice> {
    std::mem::take(&mut *inbox.lock().unwrap())
}

fn records(notice: &Notice) -> Vec<Value> {
    serde_json::from_str(&notice["records"]).unwrap()
}

fn typed(notice: &Notice) -> String {
    records(notice)[0]["keyboardPwd"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_record_is_told_to_the_applications_the_account_logged_in_with() {
    let scene = Scene::new().await;
    let (url, inbox) = receiver(200).await;
    let (other_url, other_inbox) = receiver(200).await;
    scene.sim.set_callback_url(CLIENT, &url);
    scene.sim.set_callback_url(OTHER_CLIENT, &other_url);
    let _verdict = scene.type_in("739150", NOW);
    let sent = scene.sim.callbacks().await;
    assert_eq!((sent.len(), sent[0].notify_type, sent[0].accepted), (1, 1, true));
    let notices = taken(&inbox);
    assert_eq!(notices[0]["lockId"], "5001");
    assert_eq!(notices[0]["notifyType"], "1");
    assert_eq!(notices[0]["admin"], "hotel");
    let record = &records(&notices[0])[0];
    assert_eq!((record["recordType"].as_i64(), record["success"].as_i64()), (Some(4), Some(0)));
    assert_eq!(
        (record["keyboardPwd"].as_str(), record["electricQuantity"].as_i64()),
        (Some("739150"), Some(95))
    );
    assert!(taken(&other_inbox).is_empty(), "the account never logged in there");
    for mark in ["sign", "signature", "nonce", "timestamp"] {
        assert!(!notices[0].contains_key(mark), "nothing is signed");
    }
}

#[tokio::test]
async fn notices_are_lost_doubled_late_and_overtaken() {
    let scene = Scene::new().await;
    let (url, inbox) = receiver(200).await;
    scene.sim.set_callback_url(CLIENT, &url);
    for order in [OnTheWay::Lost, OnTheWay::Doubled, OnTheWay::Late { ms: MINUTE }, OnTheWay::Overtaken] {
        scene.sim.order_callback(order);
    }
    for digits in ["1001", "1002", "1003", "1004", "1005"] {
        let _verdict = scene.type_in(digits, NOW);
    }
    scene.sim.callbacks().await;
    let got: Vec<String> = taken(&inbox).iter().map(typed).collect();
    assert_eq!(got, ["1002", "1002", "1005", "1004"]);
    scene.clock.advance_ms(MINUTE);
    scene.sim.callbacks().await;
    assert_eq!(taken(&inbox).iter().map(typed).collect::<Vec<_>>(), ["1003"]);
}

#[tokio::test]
async fn a_receiver_that_fails_is_not_asked_again() {
    let scene = Scene::new().await;
    let (url, inbox) = receiver(500).await;
    scene.sim.set_callback_url(CLIENT, &url);
    let _verdict = scene.type_in("739150", NOW);
    let sent = scene.sim.callbacks().await;
    assert_eq!((sent.len(), sent[0].status, sent[0].accepted), (1, Some(500), false));
    assert_eq!(taken(&inbox).len(), 1);
    scene.sim.set_callback_url(CLIENT, "http://127.0.0.1:1/nobody");
    let _verdict = scene.type_in("739150", NOW);
    assert_eq!(scene.sim.callbacks().await[1].status, None);
}

#[tokio::test]
async fn the_test_button_sends_an_invented_record() {
    let scene = Scene::new().await;
    assert!(!scene.sim.press_callback_test_button(CLIENT));
    let (url, inbox) = receiver(200).await;
    scene.sim.set_callback_url(CLIENT, &url);
    assert!(scene.sim.press_callback_test_button(CLIENT));
    scene.sim.callbacks().await;
    let notices = taken(&inbox);
    assert_eq!((notices[0]["lockId"].as_str(), typed(&notices[0]).as_str()), ("222", "123456"));
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_told_half_an_hour_late() {
    let scene = Scene::new().await;
    let (url, inbox) = receiver(200).await;
    scene.sim.set_callback_url(CLIENT, &url);
    scene.sim.set_gateway_power("floor 2", false);
    let told = async |at: i64| -> Vec<(String, String)> {
        scene.clock.set_ms(at);
        scene.sim.callbacks().await;
        taken(&inbox)
            .iter()
            .map(|notice| (notice["notifyType"].clone(), notice["isOnline"].clone()))
            .collect()
    };
    assert!(told(NOW + 30 * MINUTE - 1).await.is_empty());
    assert_eq!(told(NOW + 30 * MINUTE).await, [("2".to_owned(), "0".to_owned())]);
    assert!(told(NOW + HOUR).await.is_empty());
    scene.sim.set_gateway_power("floor 2", true);
    assert_eq!(told(NOW + HOUR).await, [("2".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn a_wifi_lock_tells_that_it_is_gone_and_that_an_order_failed() {
    let scene = Scene::of(|hotel| hotel.wifi_lock("204", Some(5_001))).await;
    let (url, inbox) = receiver(200).await;
    scene.sim.set_callback_url(CLIENT, &url);
    let door = scene.sim.door("204");
    door.set_wifi(WifiState::Offline);
    scene.clock.set_ms(NOW + 15 * MINUTE);
    scene.sim.callbacks().await;
    let notices = taken(&inbox);
    assert_eq!((notices[0]["notifyType"].as_str(), notices[0]["isOnline"].as_str()), ("3", "0"));
    door.set_wifi(WifiState::PowerSaving);
    scene.sim.callbacks().await;
    assert_eq!(taken(&inbox)[0]["isOnline"], "1");

    assert!(door.add_passcode_by_hand("739150", 0, 0));
    let later = [("keyboardPwd", "739150"), ("keyboardPwdType", "2"), ("addType", "4")];
    assert_eq!(scene.code_at_204("/v3/keyboardPwd/add", &later).await, 0);
    let code = scene.sim.cloud_passcodes("204")[0].passcode_id.to_string();
    door.wake();
    scene.sim.callbacks().await;
    let notices = taken(&inbox);
    assert_eq!(notices[0]["notifyType"], "4");
    assert_eq!((notices[0]["objectType"].as_str(), &notices[0]["objectId"]), ("2", &code));
    assert_eq!(notices[0]["errcode"], "-3007");
}
