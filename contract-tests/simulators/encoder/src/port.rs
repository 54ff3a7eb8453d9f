//! The host's end of the cable. What is sent and received is told with its time, so that the caller owns the clock.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::SimClock;
use crate::core::{Core, USUAL_SPEED};

/// The cable is out, or was out since the handle was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the encoder is not connected")
    }
}

impl std::error::Error for Gone {}

/// Why an encoder cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The cable is out.
    Gone,
    /// Somebody else has it.
    Busy,
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => Gone.fmt(formatter),
            Self::Busy => formatter.write_str("the encoder is in use"),
        }
    }
}

impl std::error::Error for OpenError {}

/// What a host can do with an encoder that it has opened: write, read what is there, learn when to look again.
///
/// Of a serial encoder the unit is a run of bytes. Of a HID encoder it is a report: 65 bytes to it, the report number 0
/// first, and 64 bytes from it, without a number. Anything else the operating system would not pass on. Of a reader behind a PC/SC
/// service it is a message as pcscd's virtual reader knows them: one byte, 00 or 01 for the power, 02 for a reset, 04 for the ATR,
/// or a command; and an ATR or an answer, or the one byte 00 where no card is there.
pub trait Cable: fmt::Debug + Send + Sync {
    /// Sends from `now` on; returns when the last byte will have arrived.
    ///
    /// # Errors
    /// [`Gone`]; how much of it arrived is not known.
    fn write(&self, now: Duration, bytes: &[u8]) -> Result<Duration, Gone>;

    /// What has arrived by `now`: all bytes, or one report. Empty when there is nothing.
    ///
    /// # Errors
    /// [`Gone`]
    fn read(&self, now: Duration) -> Result<Vec<u8>, Gone>;

    /// When there may be something to read, if nobody does anything until then. `None`: never.
    fn next_at(&self) -> Option<Duration>;
}

/// An encoder that was opened, for its holder alone until it is dropped. Time never goes back: an earlier `now` than one
/// before counts as that one.
pub struct Port {
    core: Arc<Mutex<Core>>,
    generation: u64,
}

impl fmt::Debug for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Port").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Port {
    pub(crate) fn open(core: &Arc<Mutex<Core>>) -> Result<Self, OpenError> {
        let mut locked = core.lock().unwrap_or_else(PoisonError::into_inner);
        if !locked.is_plugged() {
            return Err(OpenError::Gone);
        }
        if std::mem::replace(&mut locked.is_open, true) {
            return Err(OpenError::Busy);
        }
        locked.set_host_speed(USUAL_SPEED);
        Ok(Self { core: Arc::clone(core), generation: locked.generation() })
    }

    /// Sets the speed of the host's end of a serial line; 115200 until then.
    ///
    /// # Errors
    /// [`Gone`]
    pub fn set_speed(&self, speed: u32) -> Result<(), Gone> {
        let mut core = self.core();
        core.check(self.generation)?;
        core.set_host_speed(speed);
        Ok(())
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cable for Port {
    fn write(&self, now: Duration, bytes: &[u8]) -> Result<Duration, Gone> {
        let mut core = self.core();
        core.check(self.generation)?;
        match bytes {
            [0, report @ ..] if core.model.is_hid() && report.len() == 64 => core.send(now, report),
            _ if core.model.is_hid() => Err(Gone),
            _ => core.send(now, bytes),
        }
    }

    fn read(&self, now: Duration) -> Result<Vec<u8>, Gone> {
        let mut core = self.core();
        core.check(self.generation)?;
        let received = core.receive(now);
        if received.is_empty() {
            // The cable may have come out just now; what was received before still counts.
            core.check(self.generation)?;
        }
        Ok(received)
    }

    fn next_at(&self) -> Option<Duration> {
        let core = self.core();
        core.check(self.generation).ok()?;
        core.next_at()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut core = self.core();
        if core.check(self.generation).is_ok() {
            core.is_open = false;
        }
    }
}

/// A cable on virtual time: waiting moves the clock instead of the day.
#[derive(Debug)]
pub struct VirtualPort {
    port: Port,
    clock: SimClock,
}

impl VirtualPort {
    /// Uses an opened encoder by this clock.
    #[must_use]
    pub fn new(port: Port, clock: SimClock) -> Self {
        Self { port, clock }
    }

    /// Sets the speed of the host's end, see [`Port::set_speed`].
    ///
    /// # Errors
    /// [`Gone`]
    pub fn set_speed(&self, speed: u32) -> Result<(), Gone> {
        self.port.set_speed(speed)
    }

    /// Sends and moves the clock to where the last byte has arrived.
    ///
    /// # Errors
    /// [`Gone`]
    pub fn write(&self, bytes: &[u8]) -> Result<(), Gone> {
        self.clock.advance_to(self.port.write(self.clock.now(), bytes)?);
        Ok(())
    }

    /// Waits at most `timeout` for something and returns it; empty when nothing came.
    ///
    /// # Errors
    /// [`Gone`]
    pub fn read(&self, timeout: Duration) -> Result<Vec<u8>, Gone> {
        let deadline = self.clock.now() + timeout;
        loop {
            let received = self.port.read(self.clock.now())?;
            if !received.is_empty() || self.clock.now() >= deadline {
                return Ok(received);
            }
            self.clock.advance_to(self.port.next_at().map_or(deadline, |next| next.min(deadline)));
        }
    }
}
