//! Whatever the vendor says, or whoever says it in the vendor's name: nothing panics, and nothing that was not read is taken for read.

use crate::bodies::{self, READERS};
use crate::fake::{self, Host, Reply, Vendor, good};
use lockport::driver::VendorDriver;
use lockport_ttlock::{Passcodes, TtlockConfig, TtlockDriver};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// All that the driver asks for, with a good answer to everything but one path.
async fn ask_with_one_odd(odd: &'static str, body: Value) {
    for passcodes in [Passcodes::Custom, Passcodes::Random] {
        let body = body.clone();
        let vendor =
            Vendor::new(move |_, path, _| Reply::Json(if path == odd { body.clone() } else { good(path) }));
        let config = TtlockConfig { passcodes, ..fake::config() };
        ask(&Host::new().instance_with(config, "one", &vendor)).await;
    }
}

/// Every parser once: all that the driver asks for, with the same answer to everything but the token.
async fn ask_everything(body: Vec<u8>) {
    let asked = |body: Vec<u8>| {
        Vendor::new(move |_, path, _| match path {
            "/oauth2/token" => Reply::Json(good(path)),
            _ => Reply::Bytes(body.clone()),
        })
    };
    for passcodes in [Passcodes::Custom, Passcodes::Random] {
        let config = TtlockConfig { passcodes, ..fake::config() };
        let vendor = asked(body.clone());
        let driver = Host::new().instance_with(config, "one", &vendor);
        ask(&driver).await;
    }
    let for_tokens = Vendor::new(move |_, path, _| match path {
        "/oauth2/token" => Reply::Bytes(body.clone()),
        path => Reply::Json(good(path)),
    });
    drop(fake::driver(&for_tokens).devices().await);
}

async fn ask(driver: &TtlockDriver) {
    for reader in 0..READERS {
        bodies::read(driver, reader).await;
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

const PATHS: [&str; 20] = [
    "/oauth2/token",
    "/v3/user/register",
    "/v3/key/send",
    "/v3/key/changePeriod",
    "/v3/key/delete",
    "/v3/lock/listKey",
    "/v3/lock/list",
    "/v3/lock/detail",
    "/v3/lock/queryDate",
    "/v3/lock/updateDate",
    "/v3/gateway/list",
    "/v3/gateway/listByLock",
    "/v3/keyboardPwd/add",
    "/v3/keyboardPwd/get",
    "/v3/keyboardPwd/delete",
    "/v3/lock/listKeyboardPwd",
    "/v3/identityCard/add",
    "/v3/identityCard/list",
    "/v3/lockRecord/list",
    "/app/getMonthRequestCount",
];

/// Every place in a value, the value itself included.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), all))
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

/// A good answer with something else in one place of it.
fn any_flaw() -> impl Strategy<Value = (&'static str, Value)> {
    let edge =
        prop_oneof![Just(i64::MIN), Just(i64::MIN + 1), Just(-1), Just(0), Just(i64::MAX), any::<i64>(),];
    let other = prop_oneof![2 => edge.prop_map(Value::from), 1 => any_json()];
    (proptest::sample::select(PATHS.to_vec()), any::<proptest::sample::Index>(), other).prop_map(
        |(path, which, other)| {
            let (mut answer, mut all) = (good(path), Vec::new());
            places(&answer, "", &mut all);
            *answer.pointer_mut(&all[which.index(all.len())]).unwrap() = other;
            (path, answer)
        },
    )
}

/// Any JSON, with a liking for the names that the vendor uses.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-3_i64..3).prop_map(Value::from),
        Just(json!(fake::MARKER)),
        Just(json!(fake::DIGITS)),
        Just(json!(fake::millis(fake::FROM))),
        Just(json!(7)),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    let names = [
        "list",
        "pageNo",
        "pages",
        "total",
        "errcode",
        "keyId",
        "lockId",
        "keyName",
        "keyStatus",
        "startDate",
        "endDate",
        "keyboardPwdId",
        "keyboardPwd",
        "keyboardPwdName",
        "cardId",
        "cardName",
        "cardNumber",
        "date",
        "recordId",
        "lockDate",
        "recordType",
        "success",
        "featureValue",
        "hasGateway",
        "gatewayId",
        "isOnline",
        "username",
        "access_token",
        "refresh_token",
        "expires_in",
        "monthRequestCount",
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        let name = proptest::sample::select(names.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(name, inner, 0..12).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn any_answer() -> impl Strategy<Value = Vec<u8>> {
    // A page that holds together, with anything in it.
    let page = vec(any_json(), 0..3).prop_map(|list| fake::page(&list));
    prop_oneof![
        1 => vec(any::<u8>(), 0..120),
        3 => any_json().prop_map(|json| json.to_string().into_bytes()),
        3 => page.prop_map(|json| json.to_string().into_bytes()),
    ]
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![Just("7".to_owned()), Just("1".to_owned()), "\\PC{0,12}", "[a-z0-9%+=&]{0,16}"];
    let json = any_json().prop_map(|json| json.to_string());
    let value = prop_oneof![3 => text, 2 => json]
        .prop_map(|text| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
    let names =
        ["notifyType", "lockId", "lockMac", "admin", "records", "gatewayId", "isOnline", "errcode", "x"];
    let field = (proptest::sample::select(names.to_vec()), value);
    let form = vec(field.prop_map(|(name, value)| format!("{name}={value}")), 0..8);
    prop_oneof![
        1 => vec(any::<u8>(), 0..80),
        4 => form.prop_map(|fields| fields.join("&").into_bytes()),
    ]
}

fn quietly(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(quietly(256))]

    #[test]
    fn any_answer_is_survived(body in any_answer()) {
        run(ask_everything(body));
    }

    #[test]
    fn any_flaw_in_a_good_answer_is_survived((path, answer) in any_flaw()) {
        run(ask_with_one_odd(path, answer));
    }

    #[test]
    fn any_call_of_the_vendors_is_survived(body in any_body()) {
        run(bodies::callback(&body));
    }
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// What was thought of, or found once: each file as an answer, and as a call.
#[test]
fn every_body_of_the_corpus_is_survived() {
    let bodies = files("it/corpus");
    assert!(bodies.len() >= 25, "files are missing");
    for body in bodies {
        run(async {
            bodies::callback(&body).await;
            ask_everything(body).await;
        });
    }
}

/// Seeds by hand, and what a fuzzer found worth keeping.
#[test]
fn the_kept_corpus_is_survived() {
    let (answers, calls) = (files("corpus/answer"), files("corpus/callback"));
    assert!(answers.len() >= 14 && calls.len() >= 4, "files are missing");
    run(async {
        for answer in answers {
            bodies::answer(&answer).await;
        }
        for call in calls {
            bodies::callback(&call).await;
        }
    });
}
