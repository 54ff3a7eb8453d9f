//! A readable line a step and a table at the end, for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lockport::Timestamp;
use lockport::event::Envelope;
use serde_json::Value;

use super::{Answer, Output, Summary, Tried};
use crate::front_desk::day::{Booked, Change, Deed, Ending, Heard, Line, Moment, News, Restart, Step, Try};
use crate::front_desk::hotel::Hotel;
use crate::front_desk::printable;

/// The end of an id that tells it from the others of a hotel well enough to read along.
const ID_TAIL: usize = 5;

/// Writes for people.
#[derive(Debug)]
pub struct Human<'h, W> {
    hotel: &'h Hotel,
    to: W,
    doors: BTreeMap<String, AtDoor>,
    /// The last line that was counted: one that is told twice counts once.
    counted: usize,
}

/// What happened at a door.
#[derive(Debug, Default)]
struct AtDoor {
    tries: usize,
    opened: usize,
    wrong: usize,
}

impl<'h, W: Write> Human<'h, W> {
    /// Writes there, with the hotel's own names for its doors.
    pub const fn new(hotel: &'h Hotel, to: W) -> Self {
        Self { hotel, to, doors: BTreeMap::new(), counted: 0 }
    }

    /// What a step is, in three columns: what kind, who, and what of it.
    fn told(&self, step: &Step) -> (String, String, String) {
        match step {
            Step::Event(heard) => self.event_told(heard),
            Step::Try(attempt) => {
                (format!("door {}", attempt.door), short(&attempt.who.to_string()), String::new())
            }
            Step::Arrive(id) => ("desk".to_owned(), short(&id.to_string()), "arrives".to_owned()),
            Step::ByHand { reservation, deed, .. } => {
                let what = match deed {
                    Deed::Lost => "reports his key as lost",
                    Deed::Unsuspend => "may open again",
                };
                ("desk".to_owned(), short(&reservation.to_string()), what.to_owned())
            }
            Step::Outage { vendor, until } => {
                let what = format!("answers nothing until {}", until.format(SECOND));
                ("vendor".to_owned(), printable(vendor), what)
            }
            Step::Restart(Restart::Now) => {
                ("process".to_owned(), String::new(), "dies and comes back".to_owned())
            }
            Step::Restart(Restart::AfterCalls(calls)) => (
                "process".to_owned(),
                String::new(),
                format!("is to die over its vendor call {calls} from here"),
            ),
        }
    }

    fn event_told(&self, heard: &Heard) -> (String, String, String) {
        let Some(news) = &heard.news else {
            let subject = printable(&heard.envelope.subject);
            return ("bus".to_owned(), String::new(), format!("{subject}: nobody here listens to it"));
        };
        let (who, what) = match news {
            News::Stay { reservation, version, change } => {
                (reservation.to_string(), format!("v{version} {}", self.change_told(change)))
            }
            News::ShiftStarted { user, scopes, validity } => {
                let scopes: Vec<String> = scopes.iter().map(|scope| printable(&scope.to_string())).collect();
                let (from, until) = (validity.from().format(DAY), validity.until().format(DAY));
                (user.to_string(), format!("shift: {}, {from} to {until}", scopes.join(" ")))
            }
            News::ShiftEnded(user) => (user.to_string(), "shift ended".to_owned()),
            News::UserDeactivated(user) => (user.to_string(), "deactivated".to_owned()),
            News::PropertyDeactivated => (String::new(), "the property is deactivated".to_owned()),
            News::ConfigUpdated => (String::new(), "another policy from now on".to_owned()),
        };
        ("bus".to_owned(), short(&who), what)
    }

    fn change_told(&self, change: &Change) -> String {
        match change {
            Change::Ended(Ending::Cancelled) => "cancelled".to_owned(),
            Change::Ended(Ending::CheckedOut) => "checked out".to_owned(),
            Change::Ended(Ending::EarlyCheckout) => "checked out early".to_owned(),
            Change::NoShow => "no-show".to_owned(),
            Change::FraudFlagged => "flagged as fraud".to_owned(),
            Change::Confirmed(booked) => format!("confirmed: {}", self.booked_told(booked)),
            Change::DatesChanged(booked) => format!("changed: {}", self.booked_told(booked)),
        }
    }

    fn booked_told(&self, Booked { rooms, areas, validity }: &Booked) -> String {
        let rooms = rooms.iter().filter_map(|id| Some(self.hotel.room(*id)?.door.clone()));
        let places: Vec<String> = rooms.chain(areas.iter().map(ToString::to_string)).collect();
        let (from, until) = (validity.from().format(DAY), validity.until().format(DAY));
        let places = if places.is_empty() { "no door".to_owned() } else { places.join(" ") };
        format!("{places}, {from} to {until}")
    }

    fn tried(&mut self, attempt: &Try, tried: &Tried) {
        let door = self.doors.entry(attempt.door.clone()).or_default();
        door.tries = door.tries.saturating_add(1);
        door.opened = door.opened.saturating_add(usize::from(tried.opened));
        door.wrong = door.wrong.saturating_add(usize::from(tried.is_wrong));
    }

    fn row(&mut self, at: &str, kind: &str, who: &str, what: &str) -> io::Result<()> {
        writeln!(self.to, "{at:19}  {kind:10}  {who:15}  {what}")
    }
}

const DAY: &str = "%F %H:%M";
const SECOND: &str = "%F %T";

impl<W: Write> Output for Human<'_, W> {
    fn answer(&mut self, line: &Line, answer: &Answer) -> io::Result<()> {
        let Ok(Moment { at, step }) = &line.content else {
            let Answer::Refused(refusal) = answer else { return Ok(()) };
            let what = format!("refused: {} ({})", refusal.message, refusal.code.name());
            return self.row("", &format!("line {}", line.number), "", &what);
        };
        let at = at.format(SECOND).to_string();
        let (kind, who, mut what) = self.told(step);
        match answer {
            Answer::Taken => {}
            Answer::Refused(refusal) => {
                what = format!("{what}; refused: {} ({})", refusal.message, refusal.code.name());
            }
            Answer::Tried(tried) => {
                if let Step::Try(attempt) = step
                    && line.number > self.counted
                {
                    self.counted = line.number;
                    self.tried(attempt, tried);
                }
                what = tried_told(tried);
            }
        }
        self.row(&at, &kind, &who, &what)
    }

    fn event(&mut self, event: &Envelope) -> io::Result<()> {
        let subject = event.subject.strip_prefix("melmastoon.lock.").unwrap_or(&event.subject);
        let id = |name: &str| event.data.get(name).and_then(Value::as_str).map(short).unwrap_or_default();
        let key = id("keyCredentialId");
        let who =
            if event.data.get("reservationId").is_some() { id("reservationId") } else { id("staffUserId") };
        let at = event.time.format(SECOND).to_string();
        self.row(&at, "  told", &who, &format!("{subject} {key}"))
    }

    fn came_back(&mut self, at: Timestamp) -> io::Result<()> {
        let at = at.format(SECOND).to_string();
        self.row(&at, "process", "", "died before it kept a vendor's answer, and is back")
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let width = self.doors.keys().map(|door| door.chars().count()).max().unwrap_or(0).max("all".len());
        writeln!(self.to, "\n{:width$}  {:>6}  {:>6}  {:>6}", "door", "tried", "opened", "wrong")?;
        for (door, AtDoor { tries, opened, wrong }) in &self.doors {
            writeln!(self.to, "{door:width$}  {tries:>6}  {opened:>6}  {wrong:>6}")?;
        }
        let Summary { tries, opened, refused_lines, issued, revoked, open_tasks, wrong } = summary;
        writeln!(self.to, "{:width$}  {tries:>6}  {opened:>6}  {wrong:>6}\n", "all")?;
        writeln!(
            self.to,
            "keys issued {issued}, taken away {revoked}; lines refused {refused_lines}; open desk tasks {open_tasks}"
        )?;
        self.to.flush()
    }
}

fn tried_told(Tried { opened, why, task, is_wrong }: &Tried) -> String {
    let did = if *opened { "opens" } else { "stays shut" };
    let task = task.as_ref().map(|kind| format!("; desk task {kind}")).unwrap_or_default();
    let mark = match (is_wrong, opened) {
        (false, _) => "",
        (true, true) => "  ✗ should stay shut",
        (true, false) => "  ✗ should open",
    };
    format!("{did}: {why}{task}{mark}")
}

/// `rsv_…0PYNT` of an id; anything else as it is.
fn short(id: &str) -> String {
    let is_id = |text: &str| text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match id.rsplit_once('_') {
        Some((prefix, ulid)) if is_id(ulid) => {
            format!("{prefix}_…{}", ulid.get(ulid.len().saturating_sub(ID_TAIL)..).unwrap_or_default())
        }
        _ => printable(id),
    }
}
