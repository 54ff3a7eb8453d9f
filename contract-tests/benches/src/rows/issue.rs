//! A key through everything, beside the HTTP requests that it needs sent by a bare client: to the same cloud, in turns.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lockport::SharedLockPort;
use lockport::credential::{IssueInput, KeyCredentialKind};
use lockport::env::{Env, HttpTransport};
use lockport::store::{Batch, MemoryStore, Store};
use lockport::transport::{Circuit, CircuitPolicy, Limits, Quota, TransportStack};
use rusqlite::Connection;

use super::store::{again, bare, by_hand};
use crate::cloud::{Cloud, Script, Tap, bare_client, send_bare, transport};
use crate::hotel::Hotel;
use crate::lent::{Counted, Stopwatch, real_env, thread_cpu_micros};
use crate::meter::{Metered, Meters};
use crate::report::{Figure, Hold};
use crate::store::{BatchTap, Folder, sqlite};
use crate::{Effort, Trouble};

/// At most this many times the wall time of the bare requests: at a wire, or beside a peer that is as durable (decision 0010).
const MOST_WALL: f64 = 1.15;
/// At most so much more, in milliseconds, at any wire.
const MOST_ADDED_MS: f64 = 200.0;
/// At most so long in 95 of 100 cases (R44), in milliseconds; asked of all of a few.
const MOST_MS: f64 = 1_200.0;
/// Keys that are issued before anything is measured.
const WARM_UP: u32 = 4;
/// So many pairs are measured at a slow wire, where most of the time is waiting.
const SLOW_PAIRS: u32 = 8;

#[derive(Clone, Copy)]
enum Ledger {
    Memory,
    Sqlite,
}

/// What is issued, and where it is written down.
#[derive(Clone, Copy)]
struct Subject {
    name: &'static str,
    kind: KeyCredentialKind,
    ledger: Ledger,
    /// How long the requests of the slow wires take, in milliseconds.
    wires: &'static [u64],
}

const SUBJECTS: [Subject; 4] = [
    Subject { name: "memory", kind: KeyCredentialKind::MobileApp, ledger: Ledger::Memory, wires: &[50, 200] },
    Subject { name: "sqlite", kind: KeyCredentialKind::MobileApp, ledger: Ledger::Sqlite, wires: &[50, 200] },
    Subject {
        name: "passcode-memory",
        kind: KeyCredentialKind::PinCode,
        ledger: Ledger::Memory,
        wires: &[200],
    },
    Subject {
        name: "passcode-sqlite",
        kind: KeyCredentialKind::PinCode,
        ledger: Ledger::Sqlite,
        wires: &[200],
    },
];

/// One pair, in microseconds.
struct Pair {
    stack: f64,
    bare: f64,
    /// The issue's commits made by hand, where the ledger is a file.
    durable: Option<f64>,
    /// Processor time of this thread, of both.
    cpu: Option<(f64, f64)>,
}

/// Everything at one wire.
struct Stand {
    kind: KeyCredentialKind,
    hotel: Hotel,
    cloud: Cloud,
    port: SharedLockPort,
    script: Script,
    client: reqwest::Client,
    /// The commits of one issue, and a database in which they are made by hand.
    by_hand: Option<(Vec<Batch>, RefCell<Connection>)>,
    env: Env,
    /// Requests of the set-up.
    before: usize,
    /// Gone after the store in it.
    _folder: Folder,
}

/// The transport with every layer, none of which has anything to do.
fn layered(env: &Env) -> Result<Arc<dyn HttpTransport>, Trouble> {
    let quota = Quota::new(1_000_000, Duration::from_secs(1)).with_burst(1_000, 0);
    Ok(TransportStack::new(Arc::new(transport()?), env.clone())
        .limits(Limits::new(quota))
        .circuit(Circuit::new(CircuitPolicy::default()))
        .log(Arc::new(Counted::default()))
        .build())
}

/// A key of this kind for the stay of this number.
fn of(hotel: &Hotel, kind: KeyCredentialKind, number: u32, env: &Env) -> Result<IssueInput, Trouble> {
    Ok(hotel.issue(number, 1, env.now())?.with_preferred_kinds(vec![kind]))
}

impl Stand {
    async fn open(
        Subject { kind, ledger, .. }: Subject,
        pairs: u32,
        wire: Duration,
        meters: Option<&Meters>,
    ) -> Result<Self, Trouble> {
        let (folder, env) = (Folder::new()?, real_env());
        let rooms = NonZeroU32::MIN.saturating_add(pairs).saturating_add(WARM_UP);
        let hotel = Hotel::new(0, "ttlock", rooms);
        let cloud = Cloud::start(std::slice::from_ref(&hotel), env.now(), wire).await?;
        let client = bare_client()?;

        // One key of another process, to see what is sent.
        let tap = Arc::new(Tap::new(transport()?));
        let elsewhere = Arc::new(BatchTap::new(Arc::new(MemoryStore::new())));
        let driver = cloud.driver(&hotel, tap.clone(), elsewhere.clone(), &env)?;
        let seen = hotel.adapter("main", driver, elsewhere.clone(), &env);
        seen.issue_credential(of(&hotel, kind, u32::MAX - 1, &env)?).await?;
        let _login = (tap.sent(), elsewhere.batches());
        seen.issue_credential(of(&hotel, kind, u32::MAX, &env)?).await?;
        let (script, batches) = (Script::of(tap.sent()), elsewhere.batches());

        let mut store: Arc<dyn Store> = match ledger {
            Ledger::Memory => Arc::new(MemoryStore::new()),
            Ledger::Sqlite => sqlite(&folder.file("ledger.db")).await?,
        };
        let by_hand = match ledger {
            Ledger::Memory => None,
            Ledger::Sqlite => {
                let connection = bare(&folder.file("bare.db"), &folder.file("ledger.db"))?;
                Some((batches, RefCell::new(connection)))
            }
        };
        let mut http = layered(&env)?;
        if let Some(meters) = meters {
            store = Arc::new(Metered { meters: meters.clone(), inner: store });
            http = Arc::new(Metered { meters: meters.clone(), inner: http });
        }
        let driver = cloud.driver(&hotel, http, store.clone(), &env)?;
        let port = hotel.whole_stack(hotel.adapter("main", driver, store, &env), &env);
        let mut stand =
            Self { kind, hotel, cloud, port, script, client, by_hand, env, before: 0, _folder: folder };
        for number in 0..WARM_UP {
            stand.pair(number).await?;
        }
        stand.before = stand.cloud.tally(0).0;
        Ok(stand)
    }

    async fn through_the_stack(&self, number: u32) -> Result<(f64, Option<f64>), Trouble> {
        let input = of(&self.hotel, self.kind, number, &self.env)?;
        let (cpu, watch) = (thread_cpu_micros(), Stopwatch::start());
        self.port.issue_credential(input).await?;
        let wall = watch.micros();
        Ok((wall, thread_cpu_micros().zip(cpu).map(|(after, before)| after - before)))
    }

    async fn bare(&self, number: u32) -> Result<(f64, Option<f64>), Trouble> {
        let requests = self.script.for_guest(number, self.env.now());
        let (cpu, watch) = (thread_cpu_micros(), Stopwatch::start());
        send_bare(&self.client, requests).await?;
        let wall = watch.micros();
        Ok((wall, thread_cpu_micros().zip(cpu).map(|(after, before)| after - before)))
    }

    /// Both, and every other time the other one first.
    async fn pair(&self, number: u32) -> Result<Pair, Trouble> {
        self.cloud.clock.set_ms(self.env.now().timestamp_millis());
        let (stack, bare) = if number.is_multiple_of(2) {
            let stack = self.through_the_stack(number).await?;
            (stack, self.bare(number).await?)
        } else {
            let bare = self.bare(number).await?;
            (self.through_the_stack(number).await?, bare)
        };
        let durable = match &self.by_hand {
            None => None,
            Some((batches, connection)) => {
                let of = [self.hotel.partition.tenant.to_string(), self.hotel.partition.property.to_string()];
                Some(by_hand(&mut connection.borrow_mut(), &of, &again(batches, number))?)
            }
        };
        Ok(Pair { stack: stack.0, bare: bare.0, durable, cpu: stack.1.zip(bare.1) })
    }

    /// Both sides sent the same number of requests, and the vendor did what each one asked.
    fn check(&self, pairs: u32) -> Result<(), Trouble> {
        let (all, bad) = self.cloud.tally(self.before);
        let want = self.script.requests().saturating_mul(usize::try_from(pairs)?).saturating_mul(2);
        if (all, bad) != (want, 0) {
            return Err(
                format!("the cloud saw {all} requests instead of {want}, {bad} without success").into()
            );
        }
        Ok(())
    }
}

async fn measure(subject: Subject, stands: u32, pairs: u32, wire: Duration) -> Result<Vec<Pair>, Trouble> {
    let mut all = Vec::new();
    for _ in 0..stands {
        let stand = Stand::open(subject, pairs, wire, None).await?;
        for number in WARM_UP..WARM_UP.saturating_add(pairs) {
            all.push(stand.pair(number).await?);
        }
        stand.check(pairs)?;
    }
    Ok(all)
}

/// Where the time of an issue goes, on a stand of its own, since looking takes time too.
async fn parts(subject: Subject, pairs: u32) -> Result<Vec<Figure>, Trouble> {
    let meters = Meters::default();
    let stand = Stand::open(subject, pairs, Duration::ZERO, Some(&meters)).await?;
    let parts = [
        ("commits", "of it in commits of the store", &meters.commits),
        ("reads", "of it in reads of the store", &meters.reads),
        ("wire", "of it under the transport's layers and on the wire", &meters.wire),
    ];
    let mut all: [Vec<f64>; 3] = [vec![], vec![], vec![]];
    for number in WARM_UP..WARM_UP.saturating_add(pairs) {
        for (_, _, meter) in &parts {
            let _set_to_nothing = meter.take();
        }
        stand.pair(number).await?;
        for (all, (_, _, meter)) in all.iter_mut().zip(&parts) {
            all.push(meter.take());
        }
    }
    let name = subject.name;
    let figure = |((part, what, _), all): (&(&str, &str, _), &Vec<f64>)| {
        Figure::median(&format!("issue/{name}/in-{part}"), what, all, "us")
    };
    Ok(parts.iter().zip(&all).map(figure).collect())
}

/// The row.
///
/// # Errors
/// When a key cannot be issued, or the two sides did not send the same requests.
pub async fn row(effort: Effort) -> Result<Vec<Figure>, Trouble> {
    let mut figures = Vec::new();
    for subject in SUBJECTS {
        let id = |figure: &str| format!("issue/{}/{figure}", subject.name);
        let pairs = measure(subject, effort.stands, effort.pairs, Duration::ZERO).await?;
        let of = |value: fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<f64>>();
        figures.push(Figure::median(
            &id("wall"),
            "whole stack / the same requests by bare reqwest, wall",
            &of(|pair| pair.stack / pair.bare),
            "x",
        ));
        figures.push(Figure::median(&id("stack"), "an issue, whole stack", &of(|pair| pair.stack), "us"));
        figures.push(Figure::median(&id("bare"), "its requests alone", &of(|pair| pair.bare), "us"));
        figures.push(Figure::median(
            &id("added"),
            "the difference",
            &of(|pair| pair.stack - pair.bare),
            "us",
        ));
        let beside = |pair: &Pair| pair.durable.map(|durable| pair.stack / (pair.bare + durable));
        let durable: Vec<f64> = pairs.iter().filter_map(beside).collect();
        if !durable.is_empty() {
            let what =
                "whole stack / the same requests by bare reqwest and the same commits by bare rusqlite";
            let beside = Figure::median(&id("wall-durable"), what, &durable, "x");
            figures.push(beside.hold(Hold::AtMost(MOST_WALL)));
        }
        let cpu: Vec<(f64, f64)> = pairs.iter().filter_map(|pair| pair.cpu).collect();
        if !cpu.is_empty() {
            let added: Vec<f64> = cpu.iter().map(|(stack, bare)| stack - bare).collect();
            let what = "the difference in processor time of the calling thread";
            figures.push(Figure::median(&id("added-cpu"), what, &added, "us"));
        }
        figures.extend(parts(subject, effort.pairs).await?);
        for wire in subject.wires {
            let pairs = measure(subject, 1, SLOW_PAIRS, Duration::from_millis(*wire)).await?;
            let ratios: Vec<f64> = pairs.iter().map(|pair| pair.stack / pair.bare).collect();
            let what = format!("whole stack / bare at a wire of {wire} ms a request");
            figures.push(
                Figure::median(&id(&format!("wall-at-{wire}ms")), &what, &ratios, "x")
                    .hold(Hold::AtMost(MOST_WALL)),
            );
            let slowest = pairs.iter().map(|pair| pair.stack / 1e3).fold(0.0, f64::max);
            let what = format!("the slowest of {SLOW_PAIRS} issues at that wire");
            figures.push(
                Figure::one(&id(&format!("slowest-at-{wire}ms")), &what, slowest, "ms")
                    .hold(Hold::AtMost(MOST_MS)),
            );
            let added: Vec<f64> = pairs.iter().map(|pair| (pair.stack - pair.bare) / 1e3).collect();
            let what = "the difference at that wire";
            figures.push(
                Figure::median(&id(&format!("added-at-{wire}ms")), what, &added, "ms")
                    .hold(Hold::AtMost(MOST_ADDED_MS)),
            );
        }
    }
    Ok(figures)
}
