//! One encoder as a whole: cable, line, face, field. It is told the time and goes through what happens until then in
//! order.

use std::collections::VecDeque;
use std::time::Duration;

use crate::desk::{CardTimes, Desk};
use crate::encoder::{Model, Settings};
use crate::face::Face;
use crate::face::bridge::Bridge;
use crate::face::pcsc::Pcsc;
use crate::face::pn532::Pn532;
use crate::face::rrhfoem04::Rrhfoem04;
use crate::face::stronglink::StrongLink;
use crate::fault::Faults;
use crate::field::Field;
use crate::line::Line;
use crate::port::Gone;

/// The speed of a host that does not tell.
pub(crate) const USUAL_SPEED: u32 = 115_200;

/// A unit on its way, with the time at which it is there.
type Report = (Duration, Vec<u8>);

#[derive(Debug)]
enum Wire {
    Serial(Line),
    /// Whole units: the reports of a HID device, or a service's messages.
    Units {
        incoming: VecDeque<Report>,
        outgoing: VecDeque<Report>,
    },
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) model: Model,
    settings: Settings,
    now: Duration,
    wire: Wire,
    face: Box<dyn Face>,
    pub(crate) desk: Desk,
    is_plugged: bool,
    /// Counts the times the cable was put in; a handle of an earlier time is dead.
    generation: u64,
    pub(crate) is_open: bool,
    /// The speed the host has opened the line at.
    host_speed: u32,
    /// The cable comes out when the host has sent this many bytes more.
    bytes_until_unplug: Option<usize>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

fn power_up(model: Model, settings: Settings) -> Box<dyn Face> {
    match model {
        Model::Pn532 => Box::new(Pn532::new(true, settings.finds_halted)),
        Model::Pn532Hid => Box::new(Bridge::new(settings.finds_halted)),
        Model::StrongLink => Box::new(StrongLink::new(settings.reads_high_pages)),
        Model::Rrhfoem04 => Box::new(Rrhfoem04::new(settings.least_gap)),
        Model::Pcsc => Box::new(Pcsc::new(settings.key_structure)),
    }
}

impl Core {
    pub(crate) fn new(model: Model, settings: Settings) -> Self {
        let wire = match model.is_serial() {
            true => Wire::Serial(Line::new(settings.baud)),
            false => Wire::Units { incoming: VecDeque::new(), outgoing: VecDeque::new() },
        };
        let desk = Desk {
            field: Field::default(),
            faults: Faults::default(),
            times: if settings.card_times { CardTimes::TYPICAL } else { CardTimes::NONE },
            seen: Vec::new(),
            pull: false,
            is_stuck: false,
            speed: settings.speed,
            next_speed: None,
            too_early: 0,
        };
        Self {
            model,
            settings,
            now: Duration::ZERO,
            wire,
            face: power_up(model, settings),
            desk,
            is_plugged: true,
            generation: 0,
            is_open: false,
            host_speed: USUAL_SPEED,
            bytes_until_unplug: None,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    pub(crate) fn is_plugged(&self) -> bool {
        self.is_plugged
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// A handle of this generation can still be used.
    pub(crate) fn check(&self, generation: u64) -> Result<(), Gone> {
        match self.is_plugged && self.generation == generation {
            true => Ok(()),
            false => Err(Gone),
        }
    }

    pub(crate) fn unplug(&mut self) {
        self.is_plugged = false;
        self.is_open = false;
        self.bytes_until_unplug = None;
        self.desk.pull = false;
        self.desk.is_stuck = false;
        self.desk.speed = self.settings.speed;
        self.desk.next_speed = None;
        self.desk.field.power(false);
        self.face = power_up(self.model, self.settings);
        match &mut self.wire {
            Wire::Serial(line) => line.clear(),
            Wire::Units { incoming, outgoing } => {
                incoming.clear();
                outgoing.clear();
            }
        }
    }

    pub(crate) fn plug(&mut self) {
        if !self.is_plugged {
            self.is_plugged = true;
            self.generation += 1;
        }
    }

    /// The host sets the speed of its end.
    pub(crate) fn set_host_speed(&mut self, speed: u32) {
        self.host_speed = speed;
    }

    /// Whether the two ends understand each other; at different speeds there is only noise.
    fn is_in_tune(&self) -> bool {
        self.desk.speed.is_none_or(|speed| speed == self.host_speed)
    }

    pub(crate) fn unplug_after(&mut self, bytes: usize) {
        self.bytes_until_unplug = Some(bytes);
    }

    /// The host sends bytes; returns when the last of them will have arrived.
    pub(crate) fn send(&mut self, now: Duration, bytes: &[u8]) -> Result<Duration, Gone> {
        self.advance(now);
        if !self.is_plugged {
            return Err(Gone);
        }
        let cut = self.bytes_until_unplug.filter(|left| *left <= bytes.len());
        let sent = bytes.get(..cut.unwrap_or(bytes.len())).unwrap_or(bytes);
        if let Some(left) = &mut self.bytes_until_unplug {
            *left = left.saturating_sub(bytes.len());
        }
        self.bytes_in += sent.len() as u64;
        let arrived = match &mut self.wire {
            Wire::Serial(line) => line.send(self.now, sent),
            Wire::Units { incoming, .. } => {
                // A report that was cut is none.
                if cut.is_none() {
                    incoming.push_back((self.now, bytes.to_vec()));
                }
                self.now
            }
        };
        if cut.is_some() {
            // What was sent still gets there, then there is silence.
            self.advance(arrived);
            self.unplug();
            return Err(Gone);
        }
        self.advance(now);
        match self.is_plugged {
            true => Ok(arrived),
            false => Err(Gone),
        }
    }

    /// What has reached the host by now: all bytes, or one report.
    pub(crate) fn receive(&mut self, now: Duration) -> Vec<u8> {
        self.advance(now);
        let received = match &mut self.wire {
            Wire::Serial(line) => line.receive(self.now),
            Wire::Units { outgoing, .. } => match outgoing.front() {
                Some((at, _)) if *at <= self.now => {
                    outgoing.pop_front().map(|(_, report)| report).unwrap_or_default()
                }
                _ => Vec::new(),
            },
        };
        self.bytes_out += received.len() as u64;
        received
    }

    /// When something happens next, if nobody does anything.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        let (arrival, for_host) = match &self.wire {
            Wire::Serial(line) => (line.next_arrival(), line.next_for_host()),
            Wire::Units { incoming, outgoing } => {
                (incoming.front().map(|(at, _)| *at), outgoing.front().map(|(at, _)| *at))
            }
        };
        [arrival, for_host, self.face.next_due(), self.face.next_wake()].into_iter().flatten().min()
    }

    /// Goes through everything that happens until `now`.
    pub(crate) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        while self.step(self.now) {}
    }

    /// The next thing that happens until `now`; false when there is none.
    fn step(&mut self, now: Duration) -> bool {
        let due = self.face.next_due();
        let wake = self.face.next_wake();
        let arrival = match &self.wire {
            Wire::Serial(line) => line.next_arrival(),
            Wire::Units { incoming, .. } => incoming.front().map(|(at, _)| *at),
        };
        let Some(next) = [due, wake, arrival].into_iter().flatten().min().filter(|next| *next <= now) else {
            return false;
        };
        if due == Some(next) {
            let in_tune = self.is_in_tune();
            if let Some((due, bytes)) = self.face.outbox().pop_due(next) {
                match &mut self.wire {
                    Wire::Serial(line) if in_tune => line.answer(due, &bytes),
                    Wire::Serial(_) => {}
                    Wire::Units { outgoing, .. } => outgoing.push_back((due, bytes)),
                }
            }
            if self.face.next_due().is_none() {
                self.desk.speed = self.desk.next_speed.take().or(self.desk.speed);
            }
        } else if arrival == Some(next) {
            let unit = match &mut self.wire {
                Wire::Serial(line) => line.pop_arrived().map(|(_, byte)| vec![byte]),
                Wire::Units { incoming, .. } => incoming.pop_front().map(|(_, report)| report),
            };
            if let Some(unit) = unit.filter(|_| !self.desk.is_stuck && self.is_in_tune()) {
                self.face.take(next, &unit, &mut self.desk);
            }
        } else {
            self.face.wake(next, &mut self.desk);
        }
        if self.desk.is_stuck {
            self.face.outbox().clear();
        }
        if self.desk.pull {
            self.unplug();
        }
        true
    }
}
