//! The wire log, and the order of the layers around a transport.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::Secret;
use lockport::env::{HttpMethod, HttpRequest, HttpResponse, HttpTransport, TransportError};
use lockport::transport::{
    Circuit, CircuitPolicy, CircuitState, Limits, Quota, TransportStack, WireOutcome, WireRecord, WireSink,
};

use crate::limits::{Vendor, get};
use crate::rig::{env, run};
use crate::stack::{drive, poll_once};

const CANARY: &str = "canary-9b1e";

#[derive(Debug, Default)]
struct Log(Mutex<Vec<WireRecord>>);

impl WireSink for Log {
    fn record(&self, record: WireRecord) {
        self.0.lock().unwrap().push(record);
    }
}

/// A vendor whose answer holds a secret.
#[derive(Debug)]
struct Talkative;

#[async_trait]
impl HttpTransport for Talkative {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        let body = Secret::new(format!("token={CANARY}").into_bytes());
        Ok(HttpResponse { status: 201, date: None, retry_after: None, body })
    }
}

#[test]
fn the_log_tells_of_an_exchange_and_not_what_was_said() {
    let (env, _) = env();
    let log = Arc::new(Log::default());
    let transport = TransportStack::new(Arc::new(Talkative), env).log(log.clone()).build();
    let request = HttpRequest {
        method: HttpMethod::Put,
        url: format!("https://{CANARY}:{CANARY}@vendor.example:8443/keys/7?token={CANARY}#{CANARY}"),
        headers: vec![("authorization", Secret::new(CANARY.to_owned()))],
        body: Some(Secret::new(CANARY.as_bytes().to_vec())),
        timeout: Duration::from_secs(8),
    };
    run(transport.send(request)).unwrap();
    run(transport.send(get(&format!("https://vendor.example#{CANARY}")))).unwrap();
    run(transport.send(get(&format!("https://vendor.example?at=https://{CANARY}@x/")))).unwrap();
    run(transport.send(get("/relative@path?q"))).unwrap();
    let records = log.0.lock().unwrap();
    assert_eq!(records[0].method, HttpMethod::Put);
    assert_eq!(records[0].headers, ["authorization"]);
    assert_eq!((records[0].sent, records[0].received), (CANARY.len(), CANARY.len() + 6));
    assert_eq!(records[0].outcome, WireOutcome::Answered(201));
    let urls: Vec<&str> = records.iter().map(|record| record.url.as_str()).collect();
    let plain = "https://vendor.example";
    assert_eq!(urls, ["https://vendor.example:8443/keys/7", plain, plain, "/relative@path"]);
    assert!(!format!("{records:?}").contains(CANARY));
}

#[test]
fn the_log_tells_how_it_ended_and_how_long_it_took() {
    let (env, clock) = env();
    let log = Arc::new(Log::default());
    let vendor = Vendor::new(&env, Duration::from_millis(250));
    let transport = TransportStack::new(vendor.clone(), env).log(log.clone()).build();
    vendor.tell(Err(TransportError::Lost), 1);
    drive(&clock, transport.send(get("/"))).unwrap_err();
    let mut dropped = transport.send(get("/"));
    assert!(poll_once(dropped.as_mut()).is_pending());
    clock.advance(TimeDelta::milliseconds(100));
    drop(dropped);
    let records = log.0.lock().unwrap();
    let ends: Vec<_> = records.iter().map(|record| (record.outcome, record.took.as_millis())).collect();
    assert_eq!(ends, [(WireOutcome::Failed(TransportError::Lost), 250), (WireOutcome::Abandoned, 100)]);
}

/// Rate limit > circuit breaker > wire log.
#[test]
fn the_order_is_the_builders_whatever_is_named_first() {
    let (env, clock) = env();
    let (log, vendor) = (Arc::new(Log::default()), Vendor::new(&env, Duration::ZERO));
    let circuit = Circuit::new(CircuitPolicy::default());
    let quota = Quota::new(1, Duration::from_secs(1)).with_burst(21, 0).with_patience(Duration::ZERO);
    let stack = TransportStack::new(vendor.clone(), env);
    let transport = stack.log(log.clone()).circuit(circuit.clone()).limits(Limits::new(quota)).build();
    vendor.tell(Ok(503), 20);
    for _ in 0..20 {
        run(transport.send(get("/"))).unwrap();
    }
    assert_eq!(circuit.state(), CircuitState::Open);
    // The log is innermost: what the circuit holds back was not on the wire.
    assert_eq!(run(transport.send(get("/"))).unwrap_err(), TransportError::CircuitOpen);
    assert_eq!(log.0.lock().unwrap().len(), 20);
    // The limit is outermost: it has counted that one too, and holds back before the circuit is asked.
    assert!(matches!(run(transport.send(get("/"))).unwrap_err(), TransportError::Limited(_)));
    clock.advance(TimeDelta::seconds(30));
    run(transport.send(get("/"))).unwrap();
    assert_eq!((log.0.lock().unwrap().len(), circuit.state()), (21, CircuitState::HalfOpen));
}
