//! What was played of a day over a file, written down beside it, so that a process that was killed is followed by one that goes on.
//!
//! The store is on disk, and outlives a process that is killed. The vendors, their doors and the guests' hands are simulated in that
//! process, and die with it. They are the same for the same seed, so they are built anew by playing, unheard and over a copy of what
//! the store began with, what was played before: as far as it was, to the call. From there on the day goes on over the store itself.
//!
//! Three things are noted, a mark each: that a vendor is about to be called, that an event is about to be told, and that a line was
//! answered. No more than that is needed to find the place again, and no secret is in it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockport::env::{Entropy as _, OsEntropy};
use lockport::store::MemoryStore;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::house::{HouseError, StoreAt};

/// A rehearsal over nothing is the same every time.
pub const SEED: u64 = 1;

const MARK: u8 = b'.';
const NEXT_LIFE: u8 = b'\n';

/// What belongs to a database beside its file, and is there while it is in use.
const LOG: &str = "-wal";

/// Whose record it is: its first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Heading {
    /// The hash of hotel and day.
    day: String,
    seed: u64,
}

/// Where the process that goes on with a day is to die, by itself: all of it at once, as if it were killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When in that call.
    pub moment: Moment,
    /// Over which vendor call.
    pub over: CallName,
}

/// A moment of a vendor call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it leaves: what it is to bring about is written down.
    Before,
    /// With its answer in hand: what it brought about is not written down.
    Answered,
}

/// A vendor call of a process, by what is asked for and how often that was asked for before: `v3/key/send:6` is the sixth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallName {
    call: String,
    nth: NonZeroU64,
}

impl FromStr for CallName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (call, nth) = text.rsplit_once(':').ok_or("a call is named CALL:N")?;
        let nth = nth.parse().map_err(|_| "the calls of one name are counted from 1")?;
        Ok(Self { call: call.to_owned(), nth })
    }
}

/// How far a day was played, and where it is. Clones are the same record.
#[derive(Clone, Debug)]
pub struct Record(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    store: PathBuf,
    file: File,
    seed: u64,
    /// The marks that each earlier process left.
    lives: Vec<u64>,
    /// Which process is being played; one that is not among the earlier ones is this one.
    life: usize,
    marks_left: u64,
    /// The earlier process got no further than here.
    is_over: bool,
    failed: Option<io::Error>,
    at: StoreAt,
    /// How often this process has made each vendor call.
    calls: BTreeMap<String, u64>,
    death: Option<Death>,
}

impl Record {
    /// The record of a day over a store. Where that was used for another day, or is not there, it begins anew.
    ///
    /// # Errors
    /// [`HouseError`] when the file is no store, or the record cannot be read or written.
    pub async fn open(store: &Path, hotel: &[u8], day: &[u8]) -> Result<Self, HouseError> {
        let is_used = fs::metadata(store).is_ok_and(|file| file.len() > 0);
        // Before anything is written beside it: whatever is wrong with the file is said by whoever knows files.
        drop(StoreAt::File(store.to_owned()).open().await?);
        Self::beside(store, is_used, hotel, day)
            .map_err(|error| HouseError::Record { path: store.to_owned(), error })
    }

    fn beside(store: &Path, is_used: bool, hotel: &[u8], day: &[u8]) -> io::Result<Self> {
        let mut hash = Sha256::new();
        for file in [hotel, day] {
            hash.update(file.len().to_be_bytes());
            hash.update(file);
        }
        let day = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = beside(store, "played");
        let known = if is_used { known(&path, &day) } else { None };
        let (seed, lives) = match known {
            Some(known) => known,
            None => {
                // Over rows of another day the ids that the one seed draws are taken.
                let seed = if is_used { drawn()? } else { SEED };
                begin(store, &path, &Heading { day, seed }, is_used)?;
                (seed, Vec::new())
            }
        };
        let file = OpenOptions::new().append(true).open(&path)?;
        let at = StoreAt::File(store.to_owned());
        let marks_left = 0;
        let mut state = State {
            store: store.to_owned(),
            file,
            seed,
            lives,
            life: 0,
            marks_left,
            is_over: false,
            failed: None,
            at,
            calls: BTreeMap::new(),
            death: None,
        };
        if !state.lives.is_empty() {
            state.enter()?;
        }
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders the death of this process; those that are played again died of something else.
    pub fn dies(&self, death: Death) {
        self.state().death = Some(death);
    }

    /// With which seed the house is built.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.state().seed
    }

    /// With which seed the present process draws: no two draw the same.
    pub(super) fn seed_of_life(&self) -> u64 {
        let state = self.state();
        let life = u64::try_from(state.life).unwrap_or_default();
        state.seed.wrapping_add(life.rotate_right(16))
    }

    /// The store that it is beside.
    pub(super) fn path(&self) -> PathBuf {
        self.state().store.clone()
    }

    /// Where the desk's state is in the life that is being played.
    pub(super) fn store(&self) -> StoreAt {
        self.state().at.clone()
    }

    /// Whether what is played now was played before: nobody is to hear of it.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        !self.state().is_now()
    }

    /// Whether an earlier process got no further than here.
    pub(super) fn is_over(&self) -> bool {
        self.state().is_over
    }

    /// What cannot be written down any more.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state().failed.take()
    }

    /// A vendor is about to be called, which is noted; `what` tells more of the call. Whether the process that is being played lives
    /// to do it.
    pub(super) fn calling(&self, call: &str, what: &str) -> bool {
        let mut state = self.state();
        if state.is_now() {
            let made = state.calls.entry(call.to_owned()).or_default();
            *made = made.saturating_add(1);
            state.die(Moment::Before, call, what);
        }
        drop(state);
        self.mark()
    }

    /// The vendor has answered.
    pub(super) fn answered(&self, call: &str, what: &str) {
        let state = self.state();
        if state.is_now() {
            state.die(Moment::Answered, call, what);
        }
    }

    /// Something is noted. Whether the process that is being played lives to go on.
    pub(super) fn mark(&self) -> bool {
        let mut state = self.state();
        if state.is_now() {
            if let Err(error) = state.file.write_all(&[MARK]) {
                state.failed = Some(error);
            }
        } else if let Some(left) = state.marks_left.checked_sub(1) {
            state.marks_left = left;
        } else {
            state.is_over = true;
        }
        !state.is_over
    }

    /// The next process, over what the store was when it began; behind the last of the earlier ones this one, over the store itself.
    pub(super) fn next_life(&self) -> io::Result<()> {
        let mut state = self.state();
        state.life = state.life.saturating_add(1);
        state.is_over = false;
        if state.life < state.lives.len() {
            return state.enter();
        }
        remove(&beside(&state.store, "replayed"))?;
        copy(&state.store, &beside(&state.store, &format!("life-{}", state.life)))?;
        state.file.write_all(&[NEXT_LIFE])?;
        state.at = StoreAt::File(state.store.clone());
        Ok(())
    }
}

impl State {
    /// Whether what is played now was not played before.
    fn is_now(&self) -> bool {
        self.life >= self.lives.len()
    }

    /// Where this is the death that was ordered, nothing of this process does anything any more.
    fn die(&self, now: Moment, call: &str, what: &str) {
        let made = self.calls.get(call).copied().unwrap_or_default();
        let is_it =
            |Death { moment, over }: &Death| *moment == now && over.call == call && over.nth.get() == made;
        if self.death.as_ref().is_some_and(is_it) {
            // What cannot be said is not said; it dies all the same.
            let _unheard = writeln!(io::stderr(), "front-desk: dies over {what}");
            std::process::abort();
        }
    }

    /// One of the earlier processes is played again.
    fn enter(&mut self) -> io::Result<()> {
        self.marks_left = self.lives.get(self.life).copied().unwrap_or_default();
        let began_with = beside(&self.store, &format!("life-{}", self.life));
        self.at = if began_with.exists() {
            let copied = beside(&self.store, "replayed");
            remove(&copied)?;
            copy(&began_with, &copied)?;
            StoreAt::File(copied)
        } else {
            StoreAt::Memory(Arc::new(MemoryStore::new()))
        };
        Ok(())
    }
}

/// The seed of a record of this day, and the marks of each process.
fn known(path: &Path, day: &String) -> Option<(u64, Vec<u64>)> {
    let text = fs::read_to_string(path).ok()?;
    let (heading, lives) = text.split_once('\n')?;
    let heading: Heading = serde_json::from_str(heading).ok()?;
    let marks = |life: &str| u64::try_from(life.len()).unwrap_or_default();
    (heading.day == *day).then(|| (heading.seed, lives.split('\n').map(marks).collect()))
}

/// A record without a mark. What is left of another one goes first.
fn begin(store: &Path, path: &Path, heading: &Heading, is_used: bool) -> io::Result<()> {
    let mut life = 0_usize;
    while remove(&beside(store, &format!("life-{life}")))? {
        life = life.saturating_add(1);
    }
    if is_used {
        copy(store, &beside(store, "life-0"))?;
    }
    let mut file = File::create(path)?;
    writeln!(file, "{}", serde_json::to_string(heading)?)
}

fn drawn() -> io::Result<u64> {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed).map_err(io::Error::other)?;
    Ok(u64::from_be_bytes(seed))
}

fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn log_of(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(LOG);
    name.into()
}

/// A database that nobody has open: what is in its log is part of it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    remove(to)?;
    if log_of(from).exists() {
        fs::copy(log_of(from), log_of(to))?;
    }
    fs::copy(from, to).map(drop)
}

/// Whether it was there.
fn remove(store: &Path) -> io::Result<bool> {
    for leftover in [log_of(store), store.as_os_str().to_owned().into()] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && leftover == store => return Ok(false),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}
