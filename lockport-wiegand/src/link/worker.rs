//! The thread that owns an open device and makes the calls that block.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use lockport::Secret;
use lockport::env::LinkError;

use super::reply::{Promise, Reply, reply, spawn};

/// How long a call may block before the thread looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(10);
/// How long the device may take to take what is sent.
const WRITE_LIMIT: Duration = Duration::from_secs(1);
/// How long a link that is dropped waits for its device to be closed, so that it can be opened again at once. Only a device
/// that hangs in the middle of a write takes longer, and then nobody waits for it.
const CLOSE_LIMIT: Duration = Duration::from_millis(100);

/// A device that is open, for one thread.
pub(super) trait Device: 'static {
    /// Sends as much as can be sent within the time; how much.
    fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<usize, LinkError>;

    /// Waits for input: what is there, or `TimedOut`.
    fn read(&mut self, limit: Duration) -> Result<Vec<u8>, LinkError>;
}

enum Job {
    Write(Secret<Vec<u8>>, Promise<()>),
    Read(Duration, Promise<Secret<Vec<u8>>>),
}

/// A link's hold on its thread.
#[derive(Debug)]
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    closed: Arc<AtomicBool>,
    ended: Ended,
}

/// Becomes disconnected when the thread ends. Behind a mutex only because a receiver is for one thread.
type Ended = std::sync::Mutex<Receiver<()>>;

impl Worker {
    /// Opens a device on a thread of its own, which keeps it.
    pub(super) async fn open<D: Device>(
        open: impl FnOnce() -> Result<D, LinkError> + Send + 'static,
    ) -> Result<Self, LinkError> {
        let (jobs, inbox) = channel();
        let (end, ended) = channel();
        let closed = Arc::new(AtomicBool::new(false));
        let is_closed = Arc::clone(&closed);
        let (promise, opened) = reply();
        let body = move || {
            match open() {
                Ok(device) => {
                    // Where nobody waited for it, the inbox is closed and so is the device, at once.
                    let _nobody_waits = promise.keep(Ok(()));
                    Bench { device, is_closed, unread: VecDeque::new() }.serve(&inbox);
                }
                Err(error) => drop(promise.keep(Err(error))),
            }
            drop(end);
        };
        spawn(body)?;
        // Made before the wait: where that is dropped, the thread is told.
        let worker = Self { jobs: Some(jobs), closed, ended: ended.into() };
        opened.await?;
        Ok(worker)
    }

    /// Sends all bytes.
    pub(super) async fn write(&self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        self.ask(|promise| Job::Write(bytes.clone(), promise)).await
    }

    /// Waits for input.
    pub(super) async fn read(&self, limit: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.ask(|promise| Job::Read(limit, promise)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Promise<T>) -> Job) -> Result<T, LinkError> {
        let (promise, reply): (_, Reply<T>) = reply();
        let jobs = self.jobs.as_ref().ok_or(LinkError::Gone)?;
        // A job that nobody takes drops its promise, which answers for it.
        let _taken = jobs.send(job(promise));
        reply.await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        self.jobs = None;
        let ended = self.ended.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ended_or_hangs = ended.recv_timeout(CLOSE_LIMIT);
    }
}

/// The thread's side.
struct Bench<D> {
    device: D,
    is_closed: Arc<AtomicBool>,
    /// What came for a read that nobody waited for any more.
    unread: VecDeque<Secret<Vec<u8>>>,
}

impl<D: Device> Bench<D> {
    fn serve(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Write(bytes, promise) => {
                    let sent = self.write(&bytes);
                    let _nobody_waits = promise.keep(sent);
                }
                Job::Read(limit, promise) => {
                    let read = self.read(limit, &promise);
                    if let Some(Ok(bytes)) = promise.keep(read) {
                        self.unread.push_front(bytes);
                    }
                }
            }
        }
    }

    /// To the end, also when nobody waits for it any more: half a frame would be worse.
    fn write(&mut self, bytes: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        // EXPOSE: onto the cable.
        let mut rest = bytes.expose().as_slice();
        let mut left = WRITE_LIMIT;
        while !rest.is_empty() {
            match self.device.write(rest, SLICE) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(LinkError::TimedOut) => {
                    left = left.checked_sub(SLICE).ok_or(LinkError::TimedOut)?;
                    if self.is_closed.load(Ordering::SeqCst) {
                        return Err(LinkError::Gone);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// In slices, so that a read which nobody waits for any more does not hold up the next call.
    fn read(
        &mut self,
        limit: Duration,
        promise: &Promise<Secret<Vec<u8>>>,
    ) -> Result<Secret<Vec<u8>>, LinkError> {
        if let Some(bytes) = self.unread.pop_front() {
            return Ok(bytes);
        }
        let mut left = limit;
        loop {
            let slice = left.min(SLICE);
            match self.device.read(slice) {
                Ok(bytes) => return Ok(Secret::new(bytes)),
                Err(LinkError::TimedOut) => {}
                Err(error) => return Err(error),
            }
            left = left.saturating_sub(slice);
            if left.is_zero() || promise.is_abandoned() {
                return Err(LinkError::TimedOut);
            }
        }
    }
}
