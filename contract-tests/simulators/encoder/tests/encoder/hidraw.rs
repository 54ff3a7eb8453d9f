//! A HID reader as a file that a HID stack opens, where `/dev/fuse` is there and may be used.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockport_sim_encoder::{Card, Encoder, Model, serve_hidraw};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::host::{UID, hex};

#[test]
fn a_hid_stack_opens_polls_and_reads_it() {
    if !Path::new("/dev/fuse").exists() {
        println!("skipped: there is no /dev/fuse");
        return;
    }
    let folder = std::env::temp_dir().join(format!("lockport-sim-hid-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let encoder = Encoder::new(Model::Rrhfoem04);
    encoder.put(&Card::classic_1k(UID));
    let stop = Arc::new(AtomicBool::new(false));
    let (served, mounted, stopped) = (encoder.clone(), folder.clone(), Arc::clone(&stop));
    let thread =
        std::thread::spawn(move || serve_hidraw(&served, &mounted, || !stopped.load(Ordering::SeqCst)));
    let path = folder.join("hidraw0");
    while !path.exists() && !thread.is_finished() {
        std::thread::yield_now();
    }
    if thread.is_finished() {
        println!("skipped: {:?}", thread.join().unwrap());
        return;
    }
    let mut device = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let second = OpenOptions::new().read(true).write(true).open(&path).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::ResourceBusy);
    let mut report = [&[0][..], &hex("03 2F 01 B2 BD")].concat();
    report.resize(65, 0);
    assert!(device.write(&report[1..]).is_err(), "the report number is missing");
    let mut answer = [0; 64];
    assert_eq!(device.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock);
    device.write_all(&report).unwrap();
    let wait = |device: &std::fs::File| {
        let timeout = Timespec { tv_sec: 10, tv_nsec: 0 };
        let mut fds = [PollFd::new(device, PollFlags::IN)];
        poll(&mut fds, Some(&timeout)).unwrap();
        fds[0].revents()
    };
    assert!(wait(&device).contains(PollFlags::IN));
    assert_eq!(device.read(&mut answer).unwrap(), 64);
    assert_eq!(answer[..12], hex("0A 2F 01 00 00 04 A1 B2 C3 D4 EE 88"));
    encoder.unplug();
    assert!(wait(&device).contains(PollFlags::HUP));
    assert!(device.write(&report).is_err() && device.read(&mut answer).is_err());
    drop(device);
    assert!(OpenOptions::new().read(true).open(&path).is_err());
    encoder.plug();
    assert!(OpenOptions::new().read(true).open(&path).is_ok());
    stop.store(true, Ordering::SeqCst);
    thread.join().unwrap().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
