//! The circuit: when it opens, who passes while it is open, and when it closes again.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use lockport::env::{Env, HttpTransport as _, ManualClock, TransportError};
use lockport::transport::{Circuit, CircuitBreaker, CircuitPolicy, CircuitState};
use lockport::{FailureReason, LockError, RetryAdvice};

use crate::limits::{Vendor, get};
use crate::rig::{env, run};
use crate::stack::{drive, poll_once};

struct Bench {
    env: Env,
    clock: Arc<ManualClock>,
    vendor: Arc<Vendor>,
    circuit: Circuit,
}

impl Bench {
    fn new(takes: Duration) -> Self {
        let (env, clock) = env();
        let vendor = Vendor::new(&env, takes);
        Self { env, clock, vendor, circuit: Circuit::new(CircuitPolicy::default()) }
    }

    fn transport(&self) -> CircuitBreaker {
        CircuitBreaker::new(self.vendor.clone(), self.circuit.clone(), self.env.clone())
    }

    /// Sends so often, each answered like this.
    fn send(&self, answer: Result<u16, TransportError>, times: usize) {
        self.vendor.tell(answer, times);
        for _ in 0..times {
            let result = drive(&self.clock, self.transport().send(get("/")));
            assert_eq!(result.map(|response| response.status), answer);
        }
    }

    fn state(&self) -> CircuitState {
        self.circuit.state()
    }

    fn opened() -> Self {
        let bench = Self::new(Duration::ZERO);
        bench.send(Err(TransportError::NotSent), 20);
        assert_eq!(bench.state(), CircuitState::Open);
        bench
    }

    /// The pause is over.
    fn due(takes: Duration) -> Self {
        let mut bench = Self::opened();
        bench.vendor = Vendor::new(&bench.env, takes);
        bench.clock.advance(TimeDelta::seconds(30));
        bench
    }
}

#[test]
fn it_opens_at_half_of_the_outcomes_and_not_before_there_are_twenty() {
    let bench = Bench::new(Duration::ZERO);
    bench.send(Ok(503), 19);
    assert_eq!((bench.state(), bench.state().gauge()), (CircuitState::Closed, 0.0));
    bench.send(Ok(500), 1);
    assert_eq!((bench.state(), bench.state().gauge()), (CircuitState::Open, 1.0));

    // 100 good ones before: the window is 100 wide, so it takes 50 bad ones.
    let bench = Bench::new(Duration::ZERO);
    bench.send(Ok(200), 300);
    bench.send(Err(TransportError::TimedOut), 49);
    assert_eq!(bench.state(), CircuitState::Closed);
    bench.send(Err(TransportError::Lost), 1);
    assert_eq!(bench.state(), CircuitState::Open);
}

#[test]
fn what_has_left_the_window_no_longer_counts() {
    let bench = Bench::new(Duration::ZERO);
    bench.send(Ok(200), 60);
    bench.send(Ok(500), 49);
    bench.send(Ok(200), 75);
    // Of the last 100 these are all that failed; in a longer window there would be half.
    bench.send(Ok(500), 45);
    assert_eq!(bench.state(), CircuitState::Closed);
}

/// Who says "no" is there.
#[test]
fn a_vendors_no_is_no_failure() {
    let bench = Bench::new(Duration::ZERO);
    for answer in [Ok(400), Ok(401), Ok(404), Ok(409), Ok(429), Err(TransportError::TooLarge)] {
        bench.send(answer, 100);
        assert_eq!(bench.state(), CircuitState::Closed, "{answer:?}");
    }
    // Nor is what another layer held back: nobody was asked.
    bench.send(Err(TransportError::Limited(Duration::from_secs(1))), 100);
    assert_eq!(bench.state(), CircuitState::Closed);
}

#[test]
fn while_it_is_open_nothing_is_sent_and_the_caller_knows_it() {
    let bench = Bench::opened();
    let before = bench.vendor.count();
    // Another transport with the same handle.
    let error = run(bench.transport().send(get("/"))).unwrap_err();
    assert_eq!(error, TransportError::CircuitOpen);
    bench.clock.advance(TimeDelta::milliseconds(29_999));
    assert_eq!(run(bench.transport().send(get("/"))).unwrap_err(), TransportError::CircuitOpen);
    assert_eq!(bench.vendor.count(), before);
    let error = LockError::from(error);
    assert_eq!((error.reason(), error.advice()), (FailureReason::Network, RetryAdvice::NotApplied));
}

#[test]
fn one_probe_at_a_time_however_many_ask() {
    let bench = Bench::due(Duration::from_millis(200));
    let transport = bench.transport();
    let round = || drive(&bench.clock, join_all((0..50).map(|_| transport.send(get("/")))));
    for probe in 1..=3 {
        let answers = round();
        assert_eq!(bench.vendor.count(), probe, "one request of fifty");
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let want = if probe < 3 { CircuitState::HalfOpen } else { CircuitState::Closed };
        assert_eq!(bench.state(), want);
    }
    assert_eq!(CircuitState::HalfOpen.gauge(), 0.5);
    assert!(round().iter().all(Result::is_ok));
    assert_eq!(bench.vendor.count(), 53);
}

/// The same with real threads.
#[test]
fn one_probe_at_a_time_on_many_threads() {
    let bench = Bench::due(Duration::ZERO);
    bench.vendor.tell(Err(TransportError::NotSent), 64);
    let (transport, gate) = (bench.transport(), std::sync::Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                gate.wait();
                run(transport.send(get("/"))).unwrap_err();
            });
        }
    });
    assert_eq!(bench.vendor.count(), 1, "the first probe failed, and nobody else was let through");
}

#[test]
fn a_bad_probe_opens_it_again_for_the_whole_pause() {
    let bench = Bench::due(Duration::ZERO);
    bench.send(Ok(200), 2);
    bench.send(Ok(502), 1);
    assert_eq!(bench.state(), CircuitState::Open);
    bench.clock.advance(TimeDelta::seconds(29));
    run(bench.transport().send(get("/"))).unwrap_err();
    bench.clock.advance(TimeDelta::seconds(1));
    // The two good ones of last time are forgotten.
    bench.send(Ok(200), 2);
    assert_eq!(bench.state(), CircuitState::HalfOpen);
    bench.send(Ok(200), 1);
    assert_eq!(bench.state(), CircuitState::Closed);
    // And what opened it is forgotten too: one more failure does not.
    bench.send(Ok(500), 1);
    assert_eq!(bench.state(), CircuitState::Closed);
}

#[test]
fn a_probe_that_is_dropped_frees_its_place() {
    let bench = Bench::due(Duration::from_secs(60));
    let transport = bench.transport();
    let mut probe = transport.send(get("/"));
    assert!(poll_once(probe.as_mut()).is_pending());
    assert_eq!(run(transport.send(get("/"))).unwrap_err(), TransportError::CircuitOpen);
    drop(probe);
    assert_eq!(bench.state(), CircuitState::HalfOpen);
    drive(&bench.clock, transport.send(get("/"))).unwrap();
    assert_eq!(bench.vendor.count(), 2);
}

/// A caller's own time-out cuts a request before the transport's does; a vendor that swallows everything must still be noticed.
#[test]
fn silence_counts_as_a_failure_and_a_change_of_mind_does_not() {
    for (seconds, want) in [(4, CircuitState::Closed), (5, CircuitState::Open)] {
        let bench = Bench::new(Duration::from_secs(60));
        let transport = bench.transport();
        for _ in 0..20 {
            let mut request = transport.send(get("/"));
            assert!(poll_once(request.as_mut()).is_pending());
            bench.clock.advance(TimeDelta::seconds(seconds));
        }
        assert_eq!(bench.state(), want, "given up after {seconds} s");
    }
}

#[test]
fn an_answer_to_a_request_from_before_says_nothing_now() {
    let bench = Bench::new(Duration::from_secs(31));
    let transport = bench.transport();
    bench.vendor.tell(Ok(200), 1);
    let mut old = transport.send(get("/"));
    assert!(poll_once(old.as_mut()).is_pending());
    let vendor = Vendor::new(&bench.env, Duration::ZERO);
    vendor.tell(Err(TransportError::NotSent), 21);
    let failing = CircuitBreaker::new(vendor, bench.circuit.clone(), bench.env.clone());
    for _ in 0..20 {
        run(failing.send(get("/"))).unwrap_err();
    }
    bench.clock.advance(TimeDelta::seconds(31));
    // The probe is under way when the old request's answer comes: it is not the probe's.
    let mut probe = transport.send(get("/"));
    assert!(poll_once(probe.as_mut()).is_pending());
    assert!(poll_once(old.as_mut()).is_ready());
    assert_eq!(run(failing.send(get("/"))).unwrap_err(), TransportError::CircuitOpen);
    assert_eq!(bench.state(), CircuitState::HalfOpen);
}

#[test]
fn a_clock_that_jumps_back_leaves_it_open_for_one_pause_and_no_more() {
    let bench = Bench::opened();
    bench.clock.advance(TimeDelta::hours(-1));
    run(bench.transport().send(get("/"))).unwrap_err();
    bench.clock.advance(TimeDelta::seconds(30));
    run(bench.transport().send(get("/"))).unwrap();
    assert_eq!(bench.state(), CircuitState::HalfOpen);
}
