//! The wire, byte for byte: each file in `tests/it/golden` is one call of the driver, what it must send and what it makes of the answers.

use std::collections::BTreeSet;

use crate::fake::{self, AGAIN, FIRST, Host, Reply, Vendor};
use lockport::LockError;
use lockport::driver::{Answer, Found, GrantOrder, Granted, Held, VendorDriver};
use lockport_ttlock::{CardOrder, Passcodes, TtlockConfig, TtlockDriver};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    /// The vendor's page, and when it was read.
    source: String,
    call: Call,
    exchanges: Vec<Exchange>,
    want: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    verb: String,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    target: Order,
    #[serde(default)]
    maybe: Vec<Order>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    resend: bool,
    #[serde(default)]
    passcodes: Passcodes,
    #[serde(default)]
    cards: Option<CardOrder>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    kind: Sort,
    until: Option<String>,
    blocked: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    Key,
    Passcode,
    Random,
    Card,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    path: String,
    form: String,
    answer: Value,
}

impl Order {
    fn build(&self) -> GrantOrder {
        let order = match self.kind {
            Sort::Key => fake::order(),
            Sort::Passcode => fake::passcode(),
            Sort::Random => fake::random(),
            Sort::Card => fake::card(),
        };
        let order = GrantOrder { blocked: self.blocked, ..order };
        self.until.as_ref().map_or(order.clone(), |until| fake::until(order, until))
    }
}

fn granted(granted: &Granted) -> Value {
    let text = |secret: &Option<lockport::Secret>| secret.as_ref().map(|secret| secret.expose().clone());
    json!({
        "reference": text(&granted.reference),
        "artifact": text(&granted.artifact),
        "effective": granted.effective,
        "proof": granted.proof,
        "warnings": granted.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(),
        "dies_unless_used_by": granted.dies_unless_used_by,
    })
}

/// What a file does not name is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let named = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(named.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(all) => all.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn done<T>(answer: Answer<T>) -> T {
    match answer {
        Answer::Done(done) => done,
        Answer::Pending(_) => panic!("nothing is pending at this vendor"),
    }
}

async fn run(driver: &TtlockDriver, call: &Call) -> Result<Value, LockError> {
    let attempt = if call.resend { &AGAIN } else { &FIRST };
    let maybe = call.maybe.iter().map(Order::build).collect();
    let held = Held { maybe, ..fake::held(call.order.build(), call.reference.as_deref()) };
    Ok(match call.verb.as_str() {
        "grant" => granted(&done(driver.grant(&call.order.build(), attempt).await?)),
        "find" => match driver.find(&call.order.build(), attempt).await? {
            Found::Present(all) => json!({"present": all.iter().map(granted).collect::<Vec<_>>()}),
            Found::Absent => json!("absent"),
            Found::CannotTell => json!("cannot_tell"),
            Found::Otherwise => json!("otherwise"),
            Found::Refused(error) => return Err(error),
        },
        "amend" => granted(&done(driver.amend(&held, &call.target.build(), attempt).await?)),
        "withdraw" => {
            let withdrawn = done(driver.withdraw(&fake::withdrawal(held), attempt).await?);
            json!({"proof": withdrawn.proof, "warnings": withdrawn.warnings})
        }
        "devices" => json!(driver.devices().await?),
        "health" => json!(driver.health(fake::DOOR.parse().unwrap()).await?),
        other => panic!("no such verb: {other}"),
    })
}

fn error(error: &LockError) -> Value {
    json!({"code": error.code(), "reason": error.reason(), "advice": error.advice()})
}

#[tokio::test]
async fn every_golden_exchange_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden");
    let files: BTreeSet<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 60, "files are missing");
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let golden: Golden =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            golden.source.contains("https://") && golden.source.ends_with("read 2026-11-22"),
            "{name}: no source"
        );

        let script = golden.exchanges.clone();
        let vendor = Vendor::new(move |before, path, _| match script.get(before) {
            Some(exchange) => Reply::Json(exchange.answer.clone()),
            None => panic!("one request too many: {path}"),
        });
        let Call { passcodes, cards, .. } = golden.call;
        let cards = cards.or(fake::config().cards);
        let config = TtlockConfig { passcodes, cards, ..fake::config() };
        let driver = Host::new().instance_with(config, "one", &vendor);
        let got = run(&driver, &golden.call).await.unwrap_or_else(|e| error(&e));
        let want: Vec<_> =
            golden.exchanges.into_iter().map(|exchange| (exchange.path, exchange.form)).collect();
        assert_eq!(vendor.seen(), want, "{name}: what was sent");
        assert_eq!(without_nulls(got), without_nulls(golden.want), "{name}: what came of it");
    }
}
