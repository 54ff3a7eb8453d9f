//! What the edge refuses before the application sees it.

use lockport_sim_ttlock::Answered;

use crate::client::{FORM, Scene, encode, errcode, exchange};

#[tokio::test]
async fn the_edge_refuses_by_http_status() {
    let scene = Scene::new().await;
    let base = scene.sim.base_url();
    let list = encode(&scene.with(&[("pageNo", "1".into())]));
    let json = Some("application/json");
    for (method, target, kind, body, expected) in [
        ("GET", "/v3/key/send", None, "", 405),
        ("GET", "/oauth2/token", None, "", 405),
        ("PUT", "/v3/lock/list", Some(FORM), list.as_str(), 405),
        ("POST", "/v3/key/send", json, "{}", 415),
        ("POST", "/v3/lock/list", None, &list, 415),
        ("POST", "/v3/gateway/isOnline", Some(FORM), &list, 404),
        ("POST", "/v3/key/get/", Some(FORM), &list, 404),
    ] {
        let answer = exchange(base, method, target, kind, body).await.unwrap();
        assert_eq!(answer.status, expected, "{method} {target}");
        assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_err());
    }
    assert!(scene.sim.seen().iter().any(|seen| seen.answered == Answered::Http(415)));
}

#[tokio::test]
async fn query_and_body_are_one_set_of_fields() {
    let scene = Scene::new().await;
    let base = scene.sim.base_url();
    let common = encode(&scene.with(&[]));
    let all = encode(&scene.with(&[("pageNo", "1".into())]));
    for (target, body, expected) in [
        (format!("/v3/lock/list?{common}"), "pageNo=1", 0),
        (format!("/v3/lock/list?{all}"), "", 0),
        (format!("/v3/lock/list?{all}"), "pageNo=1", -3),
        ("/v3/lock/list".into(), all.as_str(), 0),
        (format!("/v3/lock/list?{common}"), "pageNo=1&lockAlias=%FF", -3),
    ] {
        let answer = exchange(base, "POST", &target, Some(FORM), body).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(errcode(&serde_json::from_str(&answer.body).unwrap()), expected, "{body}");
    }
    let bare = exchange(base, "POST", &format!("/v3/lock/list?{all}"), None, "").await.unwrap();
    assert_eq!(bare.status, 200);
}
