//! A serial encoder on a pseudo-terminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::RealTime;
use crate::encoder::Encoder;
use crate::port::{Cable, OpenError, Port};

/// How long at most until somebody who put a card on the encoder is noticed.
const GLANCE: Duration = Duration::from_millis(20);

/// Serves a serial encoder on a pseudo-terminal of which `link` is a symbolic link, until `goes_on` says no. It is asked
/// whenever the host says nothing. While the encoder is unplugged the link is away.
///
/// # Errors
/// The operating system's, or [`io::ErrorKind::ResourceBusy`] when the encoder is open already and
/// [`io::ErrorKind::AlreadyExists`] when something that is no link stands in the link's place.
pub fn serve_pty(encoder: &Encoder, link: &Path, mut goes_on: impl FnMut() -> bool) -> io::Result<()> {
    let time = RealTime::start();
    while goes_on() {
        match encoder.open() {
            Ok(port) => {
                let terminal = Terminal::open(link)?;
                serve_plugged(&port, terminal, time, &mut goes_on)?;
            }
            Err(OpenError::Gone) => wait(None, GLANCE).map(drop)?,
            Err(OpenError::Busy) => return Err(io::ErrorKind::ResourceBusy.into()),
        }
    }
    Ok(())
}

fn serve_plugged(
    port: &Port,
    mut terminal: Terminal,
    time: RealTime,
    goes_on: &mut impl FnMut() -> bool,
) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let Ok(bytes) = port.read(time.now()) else { return Ok(()) };
        terminal.master.write_all(&bytes)?;
        let timeout = port.next_at().map_or(GLANCE, |next| next.saturating_sub(time.now()).min(GLANCE));
        if wait(Some(&terminal.master), timeout)? {
            let count = terminal.master.read(&mut buffer)?;
            // The client's speed is no secret to this end, though nothing is paced by it.
            let speed = tcgetattr(&terminal.slave)?.output_speed();
            if port.set_speed(speed).is_err()
                || port.write(time.now(), buffer.get(..count).unwrap_or_default()).is_err()
            {
                return Ok(());
            }
        } else if !goes_on() {
            return Ok(());
        }
    }
}

/// Waits until something can be read; false when the time is over.
fn wait(file: Option<&File>, timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    let ready = match file {
        Some(file) => poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&timeout)),
        None => poll(&mut [], Some(&timeout)),
    };
    match ready {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A pseudo-terminal in raw mode, and the link to it.
struct Terminal {
    master: File,
    /// Kept open, or the master would see an error between two clients.
    slave: OwnedFd,
    link: PathBuf,
}

impl Terminal {
    fn open(link: &Path) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        // Clients put back what they found, so it has to be right before the first one comes.
        let mut attributes = tcgetattr(&slave)?;
        attributes.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &attributes)?;
        let target = name.to_str().map_err(io::Error::other)?;
        if link.is_symlink() {
            std::fs::remove_file(link)?;
        }
        symlink(target, link)?;
        Ok(Self { master: master.into(), slave, link: link.into() })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A link that somebody else has removed meanwhile is no loss.
        let _removed = std::fs::remove_file(&self.link);
    }
}
