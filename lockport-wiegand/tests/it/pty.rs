//! The serial link on a real pseudo-terminal, with the simulated encoder behind it. Time is real here, so nothing waits for
//! longer than it has to.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink as _, Env, LinkError, SeededEntropy, Sleep, SystemClock};
use lockport_sim_encoder::{Card, Encoder, Fault, Model, Step, What, serve_pty};
use lockport_wiegand::encoder::{Encoder as _, EncoderError, KeyName, Pn532, Timer};
use lockport_wiegand::link::{SerialLink, serial_ports};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const UID: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
const BLOCK: [u8; 16] = *b"0123456789abcdef";
const SPEED: u32 = 115_200;

/// Waits in real time.
#[derive(Debug)]
struct RealSleep;

#[async_trait]
impl Sleep for RealSleep {
    async fn sleep(&self, duration: Duration) {
        let _over = tokio::time::timeout(duration, std::future::pending::<()>()).await;
    }
}

pub(crate) fn real_timer() -> Timer {
    let entropy = Arc::new(SeededEntropy::new(0));
    Timer::of(&Env { clock: Arc::new(SystemClock), sleep: Arc::new(RealSleep), entropy })
}

/// An encoder behind a pseudo-terminal, until it is dropped.
pub(crate) struct Served {
    pub(crate) encoder: Encoder,
    folder: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Served {
    pub(crate) fn new(name: &str, encoder: Encoder) -> Self {
        let folder = std::env::temp_dir().join(format!("lockport-wiegand-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (served, link, stopped) = (encoder.clone(), folder.join("encoder"), Arc::clone(&stop));
        let serve = move || serve_pty(&served, &link, || !stopped.load(Ordering::SeqCst));
        let thread = Some(std::thread::spawn(serve));
        let served = Self { encoder, folder, stop, thread };
        served.waits(true);
        served
    }

    pub(crate) fn path(&self) -> String {
        self.folder.join("encoder").to_str().unwrap().to_owned()
    }

    /// Until the port is there, or away.
    fn waits(&self, there: bool) {
        while Path::new(&self.path()).exists() != there {
            std::thread::yield_now();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        let _removed = std::fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// A pseudo-terminal with nobody behind it but the test.
fn bare() -> (File, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    (master.into(), name)
}

/// R14, R61: from the open port to the bytes on the card.
#[tokio::test]
async fn a_card_is_written_through_a_port_of_the_operating_system() {
    let card = Card::classic_1k(UID);
    let served = Served::new("write", Encoder::new(Model::Pn532));
    served.encoder.put(&card);
    let link = SerialLink::open(&served.path(), SPEED).await.unwrap();
    let mut encoder = Pn532::new(Box::new(link), real_timer());
    assert_eq!(encoder.start().await.unwrap().firmware, "1.6");
    let target = encoder.list().await.unwrap().remove(0);
    encoder.authenticate(&target, 8, KeyName::A, &Secret::new([0xFF; 6])).await.unwrap();
    encoder.write_block(&target, 9, &Secret::new(BLOCK)).await.unwrap();
    assert_eq!(card.block(9), Some(BLOCK));
    assert_eq!(*encoder.read(&target, 9).await.unwrap().expose(), BLOCK);
}

#[tokio::test]
async fn a_port_is_for_one_program_and_free_again_at_once() {
    let (_master, path) = bare();
    for _ in 0..3 {
        let held = SerialLink::open(&path, SPEED).await.unwrap();
        assert_eq!(SerialLink::open(&path, SPEED).await.map(drop), Err(LinkError::Busy));
        drop(held);
    }
    assert_eq!(SerialLink::open("/nowhere/at-all", SPEED).await.map(drop), Err(LinkError::Gone));
    // Whatever ports this machine has: a pseudo-terminal is none of them, and the list can be had.
    assert!(serial_ports().await.unwrap().iter().all(|port| port.path != path));
}

/// R62: the cable comes out in the middle of a command, and is put back.
#[tokio::test]
async fn an_unplugged_port_is_gone_and_can_be_opened_when_it_is_back() {
    let served = Served::new("unplug", Encoder::new(Model::Pn532));
    served.encoder.put(&Card::classic_1k(UID));
    let open =
        async || Pn532::new(Box::new(SerialLink::open(&served.path(), SPEED).await.unwrap()), real_timer());
    let mut encoder = open().await;
    encoder.start().await.unwrap();
    served.encoder.fault(Fault::next(Step::Find, What::Unplug));
    assert_eq!(encoder.list().await, Err(EncoderError::Link(LinkError::Gone)));
    assert_eq!(encoder.list().await, Err(EncoderError::Link(LinkError::Gone)));
    drop(encoder);
    served.waits(false);
    served.encoder.plug();
    served.waits(true);
    let mut encoder = open().await;
    encoder.start().await.unwrap();
    assert_eq!(encoder.list().await.unwrap().len(), 1);
}

/// One thread is enough for a host: while a read waits, everything else goes on; a read that is dropped holds up nobody and
/// loses nothing.
#[tokio::test(flavor = "current_thread")]
async fn a_read_that_waits_blocks_no_runtime_and_a_dropped_one_loses_nothing() {
    use std::io::Write as _;
    let (mut master, path) = bare();
    let link = SerialLink::open(&path, SPEED).await.unwrap();
    let long = Duration::from_secs(20);
    let mut ran = false;
    tokio::select! {
        biased;
        _ = link.read(long) => unreachable!("nobody has written"),
        () = async { tokio::task::yield_now().await; ran = true; } => {}
    }
    assert!(ran);
    // The dropped read is still at the port when the bytes come, or it has let go: they are the next read's either way.
    master.write_all(b"first").unwrap();
    assert_eq!(link.read(long).await.unwrap().expose(), b"first");
    assert_eq!(link.read(Duration::from_millis(20)).await.map(drop), Err(LinkError::TimedOut));
    assert_eq!(link.read(Duration::ZERO).await.map(drop), Err(LinkError::TimedOut));
}

/// All bytes, all values, both ways, also more at once than a terminal holds; and a device that takes nothing ends in time.
#[tokio::test]
async fn bytes_pass_as_they_are_and_a_full_line_ends_in_time() {
    use std::io::{Read as _, Write as _};
    let (mut master, path) = bare();
    let link = SerialLink::open(&path, SPEED).await.unwrap();
    let all: Vec<u8> = (0..64 * 256).map(|at| at as u8).collect();
    let (mut reads, want) = (master.try_clone().unwrap(), all.clone());
    let reader = std::thread::spawn(move || {
        let mut got = vec![0; want.len()];
        reads.read_exact(&mut got).unwrap();
        got == want
    });
    link.write(&Secret::new(all.clone())).await.unwrap();
    assert!(reader.join().unwrap());
    master.write_all(&all[..256]).unwrap();
    let mut got = Vec::new();
    while got.len() < 256 {
        got.extend_from_slice(link.read(Duration::from_secs(10)).await.unwrap().expose());
    }
    assert_eq!(got, all[..256]);
    let too_much = Secret::new(vec![0; 1 << 20]);
    assert_eq!(link.write(&too_much).await, Err(LinkError::TimedOut));
    drop(master);
    assert_eq!(link.write(&Secret::new(vec![1])).await, Err(LinkError::Gone));
    assert_eq!(link.read(Duration::from_secs(10)).await.map(drop), Err(LinkError::Gone));
}
