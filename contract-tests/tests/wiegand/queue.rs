//! The queue before an encoder: one job at a time, so many that wait, and none that waits for ever.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::future::join;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::env::{ByteLink, Env, LinkError, ReportLink, SeededEntropy};
use lockport::store::{MemoryStore, Partition};
use lockport::{ErrorCode, FailureReason, LockError, LockPort as _, RetryAdvice, Secret};
use lockport_contract::Presence as _;
use lockport_sim_cable::Between;
use lockport_wiegand::{EncoderModel, WiegandDriver};

use crate::scene::{Scene, Verb};

/// How many jobs may wait for one encoder.
const WAITING: usize = 8;
/// How long each of them does.
const QUEUE: TimeDelta = TimeDelta::seconds(30);

/// A slow line: every frame lets others go on first, and none passes while the gate is shut.
#[derive(Debug, Default)]
struct Gate {
    is_shut: AtomicBool,
    /// How many frames have set out.
    sent: AtomicUsize,
}

impl Gate {
    async fn pass(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let mut has_waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) && !self.is_shut.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn shut(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
    }

    fn open(&self) {
        self.is_shut.store(false, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Gated<L: ?Sized>(Arc<Gate>, Box<L>);

#[async_trait]
impl ByteLink for Gated<dyn ByteLink> {
    async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.0.pass().await;
        self.1.write(bytes).await
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.1.read(timeout).await
    }
}

#[derive(Debug)]
struct OnTheLine(Arc<Gate>);

impl Between for OnTheLine {
    fn bytes(&self, cable: Box<dyn ByteLink>) -> Box<dyn ByteLink> {
        Box::new(Gated(Arc::clone(&self.0), cable))
    }

    fn reports(&self, cable: Box<dyn ReportLink>) -> Box<dyn ReportLink> {
        cable
    }
}

/// A desk with a slow line, a card on the encoder, and a driver that waits by the bench's clock.
struct Desk {
    scene: Scene,
    gate: Arc<Gate>,
    adapter: Adapter<WiegandDriver>,
}

/// Whether a card lies there, once it is told.
type Reading<'a> = Pin<Box<dyn Future<Output = Result<bool, LockError>> + 'a>>;

impl Desk {
    async fn new() -> Self {
        let scene = Scene::set(
            EncoderModel::Stronglink,
            lockport::credential::KeyCredentialKind::RfidCard,
            Verb::Issue,
        )
        .await;
        let bench = &scene.bench;
        let gate = Arc::new(Gate::default());
        let (config, mut lent) = bench.lent_with(Some(Arc::new(OnTheLine(Arc::clone(&gate))))).await.unwrap();
        lent.env.sleep = bench.clock.clone();
        let driver = WiegandDriver::new(config, lent).unwrap();
        let env = Env {
            clock: bench.clock.clone(),
            sleep: bench.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        let setup = AdapterSetup {
            name: "main".to_owned(),
            partition: Partition { tenant: bench.site.tenant, property: bench.site.property },
            doors: Arc::new(bench.site.door_map()),
            store: Arc::new(MemoryStore::new()),
            env,
            instance: "desk".to_owned(),
        };
        scene.come();
        Self { gate, adapter: Adapter::new(driver, setup), scene }
    }

    /// A look at the card.
    fn reading(&self) -> Reading<'_> {
        let read = self.adapter.read_card(self.scene.bench.encoder());
        Box::pin(read.map(|read| read.map(|card| card.is_some())))
    }

    /// How many frames have set out and how many writes the card has had: what a job that waits may not change.
    fn marks(&self) -> (usize, u32) {
        (self.gate.sent.load(Ordering::SeqCst), self.scene.card().tally().writes)
    }

    fn steps(&self) -> Vec<String> {
        self.scene.bench.encoder.seen().iter().map(|seen| format!("{:?}", seen.step)).collect()
    }
}

fn is_busy(error: &LockError) {
    let is = (error.code(), error.reason(), error.advice());
    assert_eq!(is, (ErrorCode::KeyIssueFailed, FailureReason::Busy, RetryAdvice::NotApplied));
}

/// Section 12: a job has the encoder from the first frame to the beep; the frames of two never mix.
#[tokio::test]
async fn two_jobs_at_one_encoder_are_one_after_the_other() {
    let (together, apart) = (Desk::new().await, Desk::new().await);
    let issue = together.adapter.issue_credential(together.scene.stay_input());
    let (issued, read) = join(issue, together.reading()).await;
    issued.unwrap();
    assert!(read.unwrap());
    apart.adapter.issue_credential(apart.scene.stay_input()).await.unwrap();
    assert!(apart.reading().await.unwrap());
    assert_eq!(together.steps(), apart.steps());
    together.scene.opens_just_the_new("one after the other");
}

/// R120: who finds the queue full is told so at once; nothing was sent, nothing is written, and the same call does it later.
#[tokio::test]
async fn a_full_queue_refuses_and_changes_nothing() {
    let desk = Desk::new().await;
    desk.gate.shut();
    let mut jobs: Vec<Reading<'_>> = (0..=WAITING).map(|_| desk.reading()).collect();
    for job in &mut jobs {
        assert!(job.as_mut().now_or_never().is_none());
    }
    let before = desk.marks();
    let issued = desk.adapter.issue_credential(desk.scene.stay_input()).now_or_never();
    is_busy(&issued.expect("it waits").unwrap_err());
    is_busy(&desk.reading().now_or_never().expect("it waits").unwrap_err());
    assert_eq!(desk.marks(), before);
    // One goes away; his place is free again.
    drop(jobs.pop());
    let mut late = desk.reading();
    assert!(late.as_mut().now_or_never().is_none());
    jobs.push(late);
    desk.gate.open();
    for job in jobs {
        assert!(job.await.unwrap());
    }
    desk.adapter.issue_credential(desk.scene.stay_input()).await.unwrap();
    desk.scene.opens_just_the_new("later");
}

/// R120: nobody waits longer than half a minute, also when the job before him never ends.
#[tokio::test]
async fn a_wait_ends_at_its_deadline() {
    let desk = Desk::new().await;
    desk.gate.shut();
    let mut first = desk.reading();
    assert!(first.as_mut().now_or_never().is_none());
    let before = desk.marks();
    let mut issue = pin!(desk.adapter.issue_credential(desk.scene.stay_input()));
    assert!((&mut issue).now_or_never().is_none());
    desk.scene.bench.clock.advance(QUEUE - TimeDelta::milliseconds(1));
    assert!((&mut issue).now_or_never().is_none(), "it waits no longer than a moment less");
    desk.scene.bench.clock.advance(TimeDelta::milliseconds(1));
    is_busy(&(&mut issue).now_or_never().expect("it waits too long").unwrap_err());
    assert_eq!(desk.marks(), before);
    desk.gate.open();
    assert!(first.await.unwrap());
    desk.adapter.issue_credential(desk.scene.stay_input()).await.unwrap();
    desk.scene.opens_just_the_new("later");
}

/// R62, R151: the cable is pulled and put back in the middle of a write: that job says that its outcome is open, the one that
/// waited opens the encoder anew, and the same call under the same key ends right.
#[tokio::test]
async fn a_replug_in_the_middle_of_a_job_ends_that_job_alone() {
    let desk = Desk::new().await;
    let mut issue = Box::pin(desk.adapter.issue_credential(desk.scene.stay_input()));
    while desk.scene.card().tally().writes == 0 {
        assert!(issue.as_mut().now_or_never().is_none(), "it was done before the cable came out");
    }
    let mut waits = desk.reading();
    assert!(waits.as_mut().now_or_never().is_none());
    desk.scene.bench.encoder.unplug();
    desk.scene.come();
    let (cut, read) = join(issue, waits).await;
    let cut = cut.unwrap_err();
    let right = (ErrorCode::CardEncoderOffline, FailureReason::DeviceOffline, RetryAdvice::OutcomeUnknown);
    assert_eq!((cut.code(), cut.reason(), cut.advice()), right);
    assert!(read.unwrap(), "the encoder is back");
    desk.scene.opens_at_most_either("cut");
    desk.adapter.issue_credential(desk.scene.stay_input()).await.unwrap();
    desk.scene.opens_just_the_new("repeated");
    assert_eq!(desk.scene.bench.records_on(&desk.scene.card()), 1);
}
