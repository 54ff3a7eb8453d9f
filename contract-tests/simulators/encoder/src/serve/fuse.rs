//! A HID encoder as a file that a real HID stack takes for `/dev/hidraw0`, made with FUSE.
//!
//! Enumeration, vendor and product number come from the kernel's own tables on a real system and are not here: a host
//! opens the path.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, IoctlFlags,
    LockOwner, MountOption, Notifier, OpenFlags, PollEvents, PollFlags, PollHandle, PollNotifier, ReplyAttr,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyOpen, ReplyPoll, ReplyWrite, Request,
    Session, WriteFlags,
};

use super::RealTime;
use crate::encoder::Encoder;
use crate::port::{Cable, OpenError, Port};

/// The device's name in the folder.
const NAME: &str = "hidraw0";
const DEVICE: INodeNo = INodeNo(2);

/// How long at most until somebody who pulled the cable is noticed.
const GLANCE: Duration = Duration::from_millis(20);

/// Vendor-defined usage page FF00: one input and one output report of 64 bytes, without numbers.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x81, 0x02, 0x09, 0x03, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xC0,
];

#[derive(Debug, Default)]
struct Open {
    port: Option<Port>,
    /// Reports for the host.
    ready: VecDeque<Vec<u8>>,
    is_gone: bool,
    waiting: Option<PollHandle>,
}

impl Open {
    /// Fetches what is due; true when a host that waits should look.
    fn fetch(&mut self, now: Duration) -> bool {
        let Some(port) = &self.port else { return false };
        loop {
            match port.read(now) {
                Ok(report) if report.is_empty() => break,
                Ok(report) => self.ready.push_back(report),
                Err(_) => {
                    self.is_gone = true;
                    break;
                }
            }
        }
        self.is_gone || !self.ready.is_empty()
    }
}

#[derive(Debug)]
struct Device {
    encoder: Encoder,
    time: RealTime,
    open: Mutex<Open>,
    /// Something was written, so there may be an answer sooner.
    written: Condvar,
}

impl Device {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a HID encoder as the file `hidraw0` in `folder`, an empty folder, until `goes_on` says no.
///
/// # Errors
/// The operating system's: without `/dev/fuse` or the right to mount there is no device.
pub fn serve_hidraw(encoder: &Encoder, folder: &Path, mut goes_on: impl FnMut() -> bool) -> io::Result<()> {
    let device = Arc::new(Device {
        encoder: encoder.clone(),
        time: RealTime::start(),
        open: Mutex::default(),
        written: Condvar::new(),
    });
    // What a killed program before us has left.
    if folder.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotConnected) {
        rustix::mount::unmount(folder, rustix::mount::UnmountFlags::DETACH)?;
    }
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("lockport-sim".into()), MountOption::NoExec];
    let session = Session::new(Files(Arc::clone(&device)), folder, &config)?.spawn()?;
    let notifier = session.notifier();
    while goes_on() {
        deliver(&device, &notifier)?;
    }
    session.umount_and_join()
}

/// Tells a waiting host of what is due and waits for the next thing.
fn deliver(device: &Device, notifier: &Notifier) -> io::Result<()> {
    let mut open = device.open();
    if open.fetch(device.time.now())
        && let Some(waiting) = open.waiting.take()
    {
        notifier.poll(waiting)?;
    }
    let next = open.port.as_ref().and_then(Cable::next_at);
    let timeout = next.map_or(GLANCE, |next| next.saturating_sub(device.time.now()).min(GLANCE));
    // Woken or not, the next round looks again.
    let _waited = device.written.wait_timeout(open, timeout);
    Ok(())
}

struct Files(Arc<Device>);

fn attributes(ino: INodeNo) -> FileAttr {
    let (kind, perm) = match ino {
        DEVICE => (FileType::RegularFile, 0o600),
        _ => (FileType::Directory, 0o700),
    };
    FileAttr {
        ino,
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        rdev: 0,
        blksize: 64,
        flags: 0,
    }
}

impl Filesystem for Files {
    fn lookup(&self, _request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match parent == INodeNo::ROOT && name == NAME {
            true => reply.entry(&Duration::ZERO, &attributes(DEVICE), Generation(0)),
            false => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _request: &Request, ino: INodeNo, _file: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&Duration::ZERO, &attributes(ino));
    }

    fn setattr(
        &self,
        _request: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        _size: Option<u64>,
        _atime: Option<fuser::TimeOrNow>,
        _mtime: Option<fuser::TimeOrNow>,
        _ctime: Option<std::time::SystemTime>,
        _file: Option<FileHandle>,
        _crtime: Option<std::time::SystemTime>,
        _chgtime: Option<std::time::SystemTime>,
        _bkuptime: Option<std::time::SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        // Opening with truncation is asked for by programs that take it for a file; a device ignores it.
        reply.attr(&Duration::ZERO, &attributes(ino));
    }

    fn readdir(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        if offset == 0 {
            // A listing of one name always has room.
            let _full = reply.add(DEVICE, 1, FileType::RegularFile, NAME);
        }
        reply.ok();
    }

    fn open(&self, _request: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        if ino != DEVICE {
            return reply.error(Errno::EINVAL);
        }
        match self.0.encoder.open() {
            Ok(port) => {
                *self.0.open() = Open { port: Some(port), ..Open::default() };
                reply.opened(FileHandle(1), FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_NONSEEKABLE);
            }
            Err(OpenError::Busy) => reply.error(Errno::EBUSY),
            Err(OpenError::Gone) => reply.error(Errno::ENODEV),
        }
    }

    fn release(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        *self.0.open() = Open::default();
        reply.ok();
    }

    fn write(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        _offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        if !matches!(data, [0, report @ ..] if report.len() == 64) {
            return reply.error(Errno::EINVAL);
        }
        let written = self.0.open().port.as_ref().map(|port| port.write(self.0.time.now(), data));
        match written {
            Some(Ok(_)) => reply.written(65),
            _ => reply.error(Errno::ENODEV),
        }
        self.0.written.notify_all();
    }

    fn read(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        _offset: u64,
        _size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut open = self.0.open();
        open.fetch(self.0.time.now());
        match open.ready.pop_front() {
            Some(report) => reply.data(&report),
            None if open.is_gone => reply.error(Errno::EIO),
            None => reply.error(Errno::EAGAIN),
        }
    }

    fn poll(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        notifier: PollNotifier,
        _events: PollEvents,
        flags: PollFlags,
        reply: ReplyPoll,
    ) {
        let mut open = self.0.open();
        open.fetch(self.0.time.now());
        if flags.contains(PollFlags::FUSE_POLL_SCHEDULE_NOTIFY) {
            open.waiting = Some(notifier.handle());
        }
        let mut events = PollEvents::POLLOUT;
        if !open.ready.is_empty() {
            events |= PollEvents::POLLIN;
        }
        if open.is_gone {
            events |= PollEvents::POLLHUP | PollEvents::POLLERR;
        }
        reply.poll(events);
    }

    fn ioctl(
        &self,
        _request: &Request,
        _ino: INodeNo,
        _file: FileHandle,
        _flags: IoctlFlags,
        command: u32,
        _input: &[u8],
        room: u32,
        reply: ReplyIoctl,
    ) {
        let size = u32::try_from(DESCRIPTOR.len()).unwrap_or(0).to_ne_bytes();
        let [number, kind, ..] = command.to_le_bytes();
        let mut answer = match (kind, number) {
            // HIDIOCGRDESCSIZE, HIDIOCGRDESC and HIDIOCGRAWINFO of linux/hidraw.h.
            (b'H', 1) => size.to_vec(),
            (b'H', 2) => [&size[..], &DESCRIPTOR].concat(),
            (b'H', 3) => {
                const USB: u32 = 3;
                let (vendor, product) = self.0.encoder.model().usb_ids().unwrap_or_default();
                [&USB.to_ne_bytes()[..], &vendor.to_ne_bytes(), &product.to_ne_bytes()].concat()
            }
            _ => return reply.error(Errno::EINVAL),
        };
        answer.resize(usize::try_from(room).unwrap_or(answer.len()), 0);
        reply.ioctl(0, &answer);
    }
}
