//! A vendor's quota: the rate, the line, who goes first, and who is refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use lockport::env::{
    Env, HttpMethod, HttpRequest, HttpResponse, HttpTransport, ManualClock, Priority, TransportError,
};
use lockport::transport::{Limits, Quota, RateLimit};
use lockport::{FailureReason, LockError, RetryAdvice, Secret, Timestamp};

use crate::rig::{env, now, run};
use crate::stack::{drive, poll_once};

/// A vendor that answers as it is told, and 200 when nothing is told; it takes some time each.
#[derive(Debug)]
pub(crate) struct Vendor {
    env: Env,
    takes: Duration,
    answers: Mutex<VecDeque<Result<u16, TransportError>>>,
    pub(crate) seen: Mutex<Vec<(Timestamp, String)>>,
}

impl Vendor {
    pub(crate) fn new(env: &Env, takes: Duration) -> Arc<Self> {
        let (answers, seen) = (Mutex::default(), Mutex::default());
        Arc::new(Self { env: env.clone(), takes, answers, seen })
    }

    pub(crate) fn tell(&self, answer: Result<u16, TransportError>, times: usize) {
        self.answers.lock().unwrap().extend(std::iter::repeat_n(answer, times));
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn names(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, url)| url.clone()).collect()
    }
}

#[async_trait]
impl HttpTransport for Vendor {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.seen.lock().unwrap().push((self.env.now(), request.url));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(200));
        if !self.takes.is_zero() {
            self.env.sleep.sleep(self.takes).await;
        }
        let body = Secret::new(b"answer".to_vec());
        answer.map(|status| HttpResponse { status, date: None, retry_after: None, body })
    }
}

pub(crate) fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: HttpMethod::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(8),
    }
}

struct Bench {
    env: Env,
    clock: Arc<ManualClock>,
    vendor: Arc<Vendor>,
    limits: Limits,
}

impl Bench {
    fn new(quota: Quota) -> Self {
        let (env, clock) = env();
        let vendor = Vendor::new(&env, Duration::ZERO);
        Self { env, clock, vendor, limits: Limits::new(quota) }
    }

    /// One of several transports under the same quota.
    fn transport(&self) -> RateLimit {
        RateLimit::new(self.vendor.clone(), self.limits.clone(), self.env.clone())
    }

    fn took(&self) -> f64 {
        (self.env.now() - now()).num_microseconds().unwrap() as f64 / 1e6
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The most requests in any stretch of time.
fn most_within(vendor: &Vendor, stretch: TimeDelta) -> usize {
    let seen = vendor.seen.lock().unwrap();
    let from = |begin: Timestamp| seen.iter().filter(|(at, _)| *at >= begin && *at < begin + stretch).count();
    seen.iter().map(|(at, _)| from(*at)).max().unwrap()
}

/// R45, R57: 1,000 issues at 98 % of the permitted rate or more, none refused, and never more than is permitted.
#[test]
fn a_thousand_requests_keep_to_the_rate_and_use_it() {
    // 30 in a second: all at once, by two transports, with the patience that takes.
    let bench = Bench::new(Quota::new(30, SECOND).with_patience(MINUTE));
    let transports = [bench.transport(), bench.transport()];
    let all = join_all((0..1_000).map(|number| transports[number % 2].send(get(&format!("{number}")))));
    assert!(drive(&bench.clock, all).iter().all(Result::is_ok));
    let rate = 999.0 / bench.took();
    assert!((29.4..=30.0).contains(&rate), "{rate} requests in a second");
    assert_eq!(most_within(&bench.vendor, TimeDelta::seconds(1)), 30);
    let in_turn: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    assert_eq!(bench.vendor.names(), in_turn, "first come, first served");

    // 100 in a minute: eight workers, with the patience of every stack.
    let bench = Bench::new(Quota::new(100, MINUTE));
    let transport = bench.transport();
    let worker = async || {
        for number in 0..125 {
            transport.send(get(&format!("{number}"))).await.unwrap();
        }
    };
    drive(&bench.clock, join_all((0..8).map(|_| worker())));
    let rate = 999.0 / bench.took() * 60.0;
    assert!((98.0..=100.0).contains(&rate), "{rate} requests in a minute");
    assert_eq!(most_within(&bench.vendor, TimeDelta::minutes(1)), 100);
}

#[test]
fn after_a_quiet_time_a_burst_passes_and_no_more() {
    let bench = Bench::new(Quota::new(10, SECOND).with_burst(5, 0));
    let transport = bench.transport();
    let burst = |count: usize| join_all((0..count).map(|_| transport.send(get("/"))));
    let at_once = |bench: &Bench, before: usize| {
        let now = bench.env.now();
        bench.vendor.seen.lock().unwrap().iter().skip(before).filter(|(at, _)| *at == now).count()
    };
    let mut first = Box::pin(burst(8));
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(at_once(&bench, 0), 5);
    drive(&bench.clock, first);
    assert!((bench.took() - 0.3).abs() < 1e-6, "{}", bench.took());
    // An hour later there is one burst again, not an hour's worth.
    bench.clock.advance(TimeDelta::hours(1));
    let mut second = Box::pin(burst(8));
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(at_once(&bench, 8), 5);
}

#[test]
fn what_takes_access_away_uses_the_reserve_and_passes_the_line() {
    let bench = Bench::new(Quota::new(10, SECOND).with_burst(5, 2));
    let transport = bench.transport();
    let issues = join_all((0..20).map(|number| transport.send(get(&format!("issue {number}")))));
    let mut issues = Box::pin(issues);
    assert!(poll_once(issues.as_mut()).is_pending());
    // Three of five are for everybody; seventeen wait.
    assert_eq!((bench.vendor.count(), bench.limits.waiting()), (3, 17));
    for number in 0..2 {
        run(Priority::First.scope(transport.send(get(&format!("revoke {number}"))))).unwrap();
    }
    // The reserve is used up: the third waits a turn, and still goes before all seventeen.
    let third = Priority::First.scope(transport.send(get("revoke 2")));
    let (answers, third) = drive(&bench.clock, join(issues, third));
    assert!(third.is_ok() && answers.iter().all(Result::is_ok));
    let names = bench.vendor.names();
    assert_eq!(names[3..6], ["revoke 0", "revoke 1", "revoke 2"]);
    assert_eq!(names[6], "issue 3");
    // Whoever goes first, the vendor sees no more than it admits: 23 requests are five at once and 18 turns, and two turns more
    // until the reserve is whole again.
    assert!((bench.took() - 2.0).abs() < 1e-6, "{}", bench.took());
    assert!(most_within(&bench.vendor, TimeDelta::seconds(1)) <= 14);
}

#[test]
fn without_a_reserve_it_still_passes_the_line() {
    let bench = Bench::new(Quota::new(10, SECOND));
    let transport = bench.transport();
    let mut issues = Box::pin(join_all((0..5).map(|number| transport.send(get(&format!("issue {number}"))))));
    assert!(poll_once(issues.as_mut()).is_pending());
    let revoke = Priority::First.scope(transport.send(get("revoke")));
    let (answers, revoked) = drive(&bench.clock, join(issues, revoke));
    assert!(revoked.is_ok() && answers.iter().all(Result::is_ok));
    assert_eq!(bench.vendor.names()[..3], ["issue 0", "revoke", "issue 1"]);
}

#[test]
fn who_would_wait_too_long_is_refused_at_once_and_told_how_long() {
    let bench = Bench::new(Quota::new(1, SECOND).with_patience(Duration::from_secs(2)));
    let transport = bench.transport();
    let mut four = Box::pin(join_all((0..4).map(|_| transport.send(get("/")))));
    assert!(poll_once(four.as_mut()).is_pending());
    assert_eq!(bench.limits.waiting(), 2, "the fourth does not even stand in line");
    let answers = drive(&bench.clock, four);
    assert!(answers[..3].iter().all(Result::is_ok));
    let error = *answers[3].as_ref().unwrap_err();
    assert_eq!(error, TransportError::Limited(Duration::from_secs(3)));
    assert_eq!(bench.vendor.count(), 3);
    let error = LockError::from(error);
    assert_eq!(error.reason(), FailureReason::Throttled);
    assert_eq!(error.advice(), RetryAdvice::After(Duration::from_secs(3)));
}

#[test]
fn who_goes_away_gives_up_the_place() {
    let bench = Bench::new(Quota::new(1, SECOND).with_patience(MINUTE));
    let transport = bench.transport();
    run(transport.send(get("first"))).unwrap();
    let mut gone: Vec<_> = (0..5).map(|_| transport.send(get("gone"))).collect();
    for waiter in &mut gone {
        assert!(poll_once(waiter.as_mut()).is_pending());
    }
    assert_eq!(bench.limits.waiting(), 5);
    drop(gone);
    assert_eq!(bench.limits.waiting(), 0);
    drive(&bench.clock, transport.send(get("last"))).unwrap();
    assert!((bench.took() - 1.0).abs() < 1e-6, "{}", bench.took());
    assert_eq!(bench.vendor.names(), ["first", "last"]);
}

#[test]
fn a_waiter_nobody_polls_costs_one_turn_and_stops_nobody() {
    let bench = Bench::new(Quota::new(1, SECOND).with_patience(MINUTE));
    let transport = bench.transport();
    run(transport.send(get("first"))).unwrap();
    let mut stuck = transport.send(get("stuck"));
    assert!(poll_once(stuck.as_mut()).is_pending());
    drive(&bench.clock, transport.send(get("second"))).unwrap();
    assert!((bench.took() - 2.0).abs() < 1e-6, "{}", bench.took());
}

#[test]
fn a_clock_that_jumps_back_delays_by_a_turn_and_no_more() {
    let bench = Bench::new(Quota::new(1, SECOND));
    let transport = bench.transport();
    run(transport.send(get("/"))).unwrap();
    bench.clock.advance(TimeDelta::hours(-1));
    let begin = bench.env.now();
    drive(&bench.clock, transport.send(get("/"))).unwrap();
    assert_eq!(bench.env.now() - begin, TimeDelta::seconds(1));
}
