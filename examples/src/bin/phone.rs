//! A host like a phone: no runtime, no threads, and every call may be dropped at any moment because the app goes into the background.
//! Calling again with the same key is all that it takes.

use std::future::Future;
use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use chrono::TimeDelta;
use lockport::adapter::{Adapter, AdapterSetup};
use lockport::credential::{Artifact, Guest, Holder, IssueInput, IssueResult, RevokeInput, RevokeReason};
use lockport::device::DoorMap;
use lockport::env::{Clock as _, Env, ManualClock, SeededEntropy};
use lockport::id::{LockDeviceId, RoomId};
use lockport::port::SharedLockPort;
use lockport::stack::LockStack;
use lockport::store::{MemoryStore, Partition};
use lockport::{LockError, RetryAdvice, Validity};
use lockport_mock::MockVendor;

/// How long the app looks away at a time. A call is on its way for three seconds, and so is its answer.
const STEP: TimeDelta = TimeDelta::seconds(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut to = io::stdout().lock();
    let phone = Phone::new()?;
    // The app asks, and goes into the background before the call has reached anybody.
    let first = phone.input("stay-1")?;
    phone.asks_and_leaves(&first, 0)?;
    writeln!(to, "stay-1 dropped on its way out: the vendor holds {} keys", phone.keys())?;
    // Nobody can know that it never will, so the first answers are when to ask again.
    let (issued, times) = phone.keeps_asking(&first)?;
    writeln!(to, "stay-1 asked again {times} times: the vendor holds {} keys", phone.keys())?;
    writeln!(to, "stay-1 opens the door: {}", phone.opens(&issued))?;
    // This time it leaves when the vendor has done it, and before the answer is there.
    let second = phone.input("stay-2")?;
    phone.asks_and_leaves(&second, 4)?;
    writeln!(to, "stay-2 dropped on its way back: the vendor holds {} keys", phone.keys())?;
    let (issued, times) = phone.keeps_asking(&second)?;
    writeln!(to, "stay-2 asked again {times} times: the vendor holds {} keys", phone.keys())?;
    writeln!(to, "stay-2 opens the door: {}", phone.opens(&issued))?;
    // The app does not remember whether it asked: the same key is answered with the same credential.
    let (again, _) = phone.keeps_asking(&second)?;
    let is_same = again.credential.id == issued.credential.id;
    writeln!(to, "stay-2 asked once too often, the same credential: {is_same}")?;
    let (id, key) = (issued.credential.id, "stay-2/revoke".parse()?);
    let revoke = RevokeInput::new(second.tenant_id, id, RevokeReason::Checkout, key);
    phone.waits_for(phone.port.revoke_credential(revoke))?;
    writeln!(to, "stay-2 taken away, opens the door: {}", phone.opens(&issued))?;
    Ok(())
}

struct Phone {
    clock: Arc<ManualClock>,
    vendor: MockVendor,
    door: LockDeviceId,
    port: SharedLockPort,
    partition: Partition,
    room: RoomId,
}

impl Phone {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let partition = Partition {
            tenant: "tnt_01YZGK9CWK5ZAZN2838DAW9XES".parse()?,
            property: "ppt_0154TYT7PGYJ6S3XNWF8FMPJN8".parse()?,
        };
        let (room, door) =
            ("rmu_01T3F0WNZJADQMND8VYXQF675Y".parse()?, "lck_01T3F0WNZJADQMND8VYXQF675Y".parse()?);
        let doors = Arc::new(DoorMap::default().with_room(room, None, vec![door]));
        // A clock that this program turns: what it shows is the same on every machine. A phone lends its own.
        let clock = Arc::new(ManualClock::new("2026-05-07T13:00:00Z".parse()?));
        let env =
            Env { clock: clock.clone(), sleep: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
        let url = "mock://?latency=gateway";
        let vendor = MockVendor::from_url(url, partition.property, (*doors).clone(), clock.clone())?;
        vendor.sleep_on(clock.clone());
        let setup = AdapterSetup {
            name: "main".to_owned(),
            partition,
            doors: doors.clone(),
            store: Arc::new(MemoryStore::new()),
            env: env.clone(),
            instance: "phone-1".to_owned(),
        };
        let adapter = Arc::new(Adapter::new(lockport_mock::MockDriver::new(vendor.clone()), setup));
        let port = LockStack::new(adapter, partition, doors, env).build();
        Ok(Self { clock, vendor, door, port, partition, room })
    }

    fn input(&self, key: &str) -> Result<IssueInput, Box<dyn std::error::Error>> {
        let guest: Guest = serde_json::from_str(
            r#"{ "id": "gst_01YN6ZGD3Y210WMW4BJ51T485P", "reservationId": "rsv_012ZQ1126SMK14XSD85VPGTQJW" }"#,
        )?;
        let window = Validity::new("2026-05-07T13:00:00Z".parse()?, "2026-05-09T09:00:00Z".parse()?)?;
        let Partition { tenant, property } = self.partition;
        let holder = Holder::Guest(guest);
        Ok(IssueInput::new(tenant, property, holder, vec![self.room], window, key.parse()?))
    }

    /// Calls, lets so many seconds pass, and drops the call where it stands.
    fn asks_and_leaves(&self, input: &IssueInput, seconds: u32) -> Result<(), Box<dyn std::error::Error>> {
        let mut call = self.port.issue_credential(input.clone());
        for _ in 0..seconds {
            let _waits = poll(call.as_mut());
            self.clock.advance(STEP);
        }
        match poll(call.as_mut()) {
            Poll::Ready(_) => Err("the call was over before the app left".into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Asks under the same key until there is an answer, as late each time as it is told to; how often that was.
    fn keeps_asking(&self, input: &IssueInput) -> Result<(IssueResult, u32), LockError> {
        let mut times = 1_u32;
        loop {
            let error = match self.waits_for(self.port.issue_credential(input.clone())) {
                Ok(issued) => return Ok((issued, times)),
                Err(error) => error,
            };
            let pause = match error.advice() {
                RetryAdvice::Never => return Err(error),
                RetryAdvice::After(pause) => TimeDelta::from_std(pause).unwrap_or(STEP),
                _ => STEP,
            };
            self.clock.advance(pause);
            times = times.saturating_add(1);
        }
    }

    /// What a phone has for a runtime: whoever called looks again, and time goes by.
    fn waits_for<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        loop {
            match poll(call.as_mut()) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => self.clock.advance(STEP),
            }
        }
    }

    fn keys(&self) -> usize {
        self.vendor.live_grants(self.door)
    }

    /// The guest holds what he was sent against the door.
    fn opens(&self, issued: &IssueResult) -> bool {
        issued.credential.delivery.iter().any(|delivery| {
            let Artifact::MobileToken(token) = &delivery.artifact else { return false };
            // EXPOSE: the phone shows its token to the door.
            self.vendor.door(self.door).try_open(token.expose(), self.clock.now())
        })
    }
}

fn poll<T>(call: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    call.poll(&mut Context::from_waker(Waker::noop()))
}
