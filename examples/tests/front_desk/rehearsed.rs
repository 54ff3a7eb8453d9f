//! A day that is played to be held against another one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use lockport::Timestamp;
use lockport::event::Envelope;
use lockport_examples::front_desk::day::{self, Line, Moment, Step};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Answer, Output, Summary, Tried};
use lockport_examples::front_desk::player::Player;
use serde_json::{Value, json};

/// What a day was like, but for what a restart may change: ids, instants, and the restarts themselves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Day {
    /// One a line that is no restart.
    pub(crate) answers: Vec<String>,
    /// Whose key, and what became of it.
    pub(crate) events: Vec<String>,
    /// How many keys the vendor of each door holds for it at the end.
    pub(crate) keys: BTreeMap<String, usize>,
    pub(crate) open_tasks: usize,
    pub(crate) wrong: usize,
}

impl Day {
    /// What is not as in the other, in words; nothing when all is.
    pub(crate) fn unlike(&self, other: &Self) -> String {
        let mut unlike = String::new();
        for (index, (own, others)) in self.answers.iter().zip(&other.answers).enumerate() {
            if own != others {
                unlike += &format!("answer {}: {others}\n    became {own}\n", index + 1);
            }
        }
        if unlike.is_empty() && self != other {
            let Self { answers, events, keys, open_tasks, wrong } = self;
            unlike = format!("{} {events:#?} {keys:?} {open_tasks} {wrong}, not {other:#?}", answers.len());
        }
        unlike
    }
}

/// A day and how often the process died in it over a vendor call.
#[derive(Debug, Default)]
pub(crate) struct Rehearsed {
    pub(crate) day: Day,
    pub(crate) deaths: usize,
}

impl Output for Rehearsed {
    fn answer(&mut self, line: &Line, answer: &Answer) -> io::Result<()> {
        if matches!(line.content, Ok(Moment { step: Step::Restart(_), .. })) {
            assert!(matches!(answer, Answer::Taken), "{answer:?}");
            return Ok(());
        }
        self.day.answers.push(match answer {
            Answer::Taken => "ok".to_owned(),
            Answer::Refused(refusal) => format!("refused {}", refusal.code.name()),
            Answer::Tried(Tried { opened, why, task, is_wrong }) => {
                format!("opened {opened}: {why}, task {task:?}, wrong {is_wrong}")
            }
        });
        Ok(())
    }

    fn event(&mut self, event: &Envelope) -> io::Result<()> {
        let Envelope { subject, data, .. } = event;
        if subject.contains(".desk_task.") {
            // A key that takes a little longer has a task for that while; what is open when somebody tries a door is in the answers.
            return Ok(());
        }
        self.day.events.push(format!("{subject} of {}", data["reservationId"]));
        Ok(())
    }

    fn came_back(&mut self, _at: Timestamp) -> io::Result<()> {
        self.deaths += 1;
        Ok(())
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        self.day.open_tasks = summary.open_tasks;
        self.day.wrong = summary.wrong;
        Ok(())
    }
}

/// A file of this name that is not there yet, for one test alone.
pub(crate) fn fresh_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for leftover in ["", "-wal", "-shm"] {
        let _not_there = fs::remove_file(format!("{}{leftover}", path.display()));
    }
    path
}

/// Plays a day.
pub(crate) fn rehearse(hotel: &str, file: &str, store: StoreAt) -> Rehearsed {
    let hotel = Hotel::read(hotel.as_bytes()).unwrap();
    let lines = day::read(&hotel, file.as_bytes());
    let opening = lines.iter().find_map(|line| Some(line.content.as_ref().ok()?.at)).unwrap();
    let mut told = Rehearsed::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = runtime.block_on(async {
        let mut player = Player::open(&hotel, opening, 1, store, &mut told).await.unwrap();
        for line in &lines {
            player.line(line).await.unwrap();
        }
        let keys = hotel.doors().map(|(door, _)| (door.to_owned(), player.keys_at(door))).collect();
        player.close().await.unwrap();
        keys
    });
    told.day.keys = keys;
    told
}

/// The day with a restart after each of these lines (counted from 0), at the same instant. A line that is none stays alone.
pub(crate) fn restarting(file: &str, restart: &Value, after: impl Fn(usize) -> bool) -> String {
    let mut lines = Vec::new();
    for (index, line) in file.lines().enumerate() {
        lines.push(line.to_owned());
        let read: Value = serde_json::from_str(line).unwrap_or_default();
        if after(index) && read["at"].is_string() {
            lines.push(json!({ "at": read["at"], "restart": restart }).to_string());
        }
    }
    lines.join("\n")
}
