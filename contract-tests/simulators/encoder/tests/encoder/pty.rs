//! A pseudo-terminal with the reader behind it, opened as any program would.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use lockport_sim_encoder::{Card, Encoder, Model, serve_pty};

use crate::host::{ACK, UID, hex, stronglink_frame};

/// Serves until it is dropped.
struct Served {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Served {
    fn new(encoder: &Encoder, link: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (encoder, link, stopped) = (encoder.clone(), link.to_path_buf(), Arc::clone(&stop));
        let thread =
            std::thread::spawn(move || serve_pty(&encoder, &link, || !stopped.load(Ordering::SeqCst)));
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Waits for the link to be there, or away.
fn wait_for(link: &Path, there: bool) {
    while link.exists() != there {
        std::thread::yield_now();
    }
}

fn open(link: &Path) -> File {
    wait_for(link, true);
    OpenOptions::new().read(true).write(true).open(link).unwrap()
}

fn ask(device: &mut File, request: &[u8], count: usize) -> Vec<u8> {
    device.write_all(request).unwrap();
    let mut answer = vec![0; count];
    device.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn programs_come_and_go_and_bytes_pass_as_they_are() {
    let folder = std::env::temp_dir().join(format!("lockport-sim-pty-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("encoder");
    // What a program left that was killed.
    symlink(folder.join("nowhere"), &link).unwrap();
    let encoder = Encoder::new(Model::Pn532);
    encoder.put(&Card::classic_1k(UID));
    let served = Served::new(&encoder, &link);
    let wake = hex("55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 FF 03 FD D4 14 01 17 00");
    let mut device = open(&link);
    assert_eq!(ask(&mut device, &wake, 15)[6..], hex("00 00 FF 02 FE D5 15 16 00"));
    drop(device);
    // A second program finds the line as the first one did: raw, without echo, 8 bits clean.
    let mut device = open(&link);
    let every_byte: Vec<u8> = (0..=255).collect();
    for part in every_byte.chunks(64) {
        let echo = crate::host::pn532_frame(&[&[0x00, 0x00], part].concat());
        let answer = ask(&mut device, &echo, ACK.len() + part.len() + 10);
        assert_eq!(answer[14..14 + part.len()], *part);
    }
    // The cable: the program's handle dies, the link is away, and comes back with another device.
    encoder.unplug();
    wait_for(&link, false);
    let mut byte = [0];
    assert!(device.read(&mut byte).map_or(true, |count| count == 0));
    encoder.plug();
    let mut device = open(&link);
    assert_eq!(ask(&mut device, &wake, 15)[..6], ACK);
    drop(served);
    assert!(!link.is_symlink());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_card_that_comes_later_is_noticed() {
    let folder = std::env::temp_dir().join(format!("lockport-sim-later-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("encoder");
    let encoder = Encoder::new(Model::StrongLink);
    let served = Served::new(&encoder, &link);
    let mut device = open(&link);
    assert_eq!(ask(&mut device, &stronglink_frame(0x01, &[]), 5), hex("BD 03 01 01 BE"));
    encoder.put(&Card::classic_1k(UID));
    assert_eq!(ask(&mut device, &stronglink_frame(0x01, &[]), 10), hex("BD 08 01 00 A1 B2 C3 D4 01 B1"));
    drop((device, served));
    std::fs::remove_dir_all(&folder).unwrap();
}
