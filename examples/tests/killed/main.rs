//! A rehearsal that dies over a vendor call, and is called again with the same file: the day goes on where it was, and ends as if
//! nothing had been.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use lockport::credential::VendorCode;
use lockport::driver::AfterLost;
use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::Json;
use lockport_examples::front_desk::player::Player;
use lockport_examples::front_desk::record::{Record, SEED};
use lockport_mock::Personality;
use lockport_ttlock::Passcodes;
use serde_json::Value;

const HOTEL: &str = include_str!("../../data/hotel.json");
const SHIPPED_DAY: &str = include_str!("../../data/day.jsonl");

/// How a process dies: over its n-th vendor call of a name, before that leaves or with the answer in hand.
const BEFORE_CALL: &str = "--die-before-call";
const AFTER_ANSWER: &str = "--die-after-answer";

/// When whoever was to find a door open tries it once more: later than any key may be late here.
const LATER: TimeDelta = TimeDelta::seconds(61);

/// A call over which a process died, as its last words have it.
#[derive(Debug)]
struct Over {
    how: &'static str,
    vendor: String,
    call: String,
    at: DateTime<Utc>,
}

impl Over {
    fn read(how: &'static str, said: &str) -> Self {
        let last = said.lines().last().unwrap_or_default();
        let words: Vec<&str> = last.strip_prefix("front-desk: dies over ").unwrap().split(' ').collect();
        let &[vendor, call, at] = &*words else { panic!("{said}") };
        Self { how, vendor: vendor.to_owned(), call: call.to_owned(), at: at.parse().unwrap() }
    }

    /// How late the key may be that was on its way.
    ///
    /// Before a grant left, the ledger says that it is sent. Where its answer is looked for (`Ask`), that it is not there counts
    /// when it can no longer land. A vendor that honours our key (`Resend`) is asked again at once; so is one to whom the grant was
    /// not yet noted as begun; and where the answer was there, so is the key, and is found.
    fn late_by(&self, hotel: &Hotel) -> TimeDelta {
        let (descriptor, grants) = match &hotel.vendors[&self.vendor].code {
            code if *code == VendorCode::TTLOCK => {
                (lockport_ttlock::descriptor(Passcodes::Off, None), "v3/key/send")
            }
            code if *code == VendorCode::GENERIC_WIEGAND => {
                (lockport_wiegand::descriptor(false), "write_block")
            }
            _ => (lockport_mock::descriptor(Personality::PerStay), "grant"),
        };
        let recovery = descriptor.kinds[0].recovery;
        let is_lost = self.how == BEFORE_CALL && self.call == grants && recovery.grant == AfterLost::Ask;
        if is_lost { TimeDelta::from_std(recovery.late_by).unwrap() } else { TimeDelta::zero() }
    }
}

/// The shipped day, in which whoever was to find a door open tries it again [`LATER`], unless something happens before.
fn day_with_second_tries() -> String {
    let at = |line: &Value| line["at"].as_str().map(|at| at.parse::<DateTime<Utc>>().unwrap());
    let (mut lines, mut again) = (Vec::new(), Vec::<Value>::new());
    for line in SHIPPED_DAY.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(now) = at(&parsed) {
            if again.iter().all(|again| at(again) <= Some(now)) {
                lines.extend(again.drain(..).map(|again| again.to_string()));
            }
            again.retain(|again| at(again) == Some(now + LATER));
            if parsed["try"]["expect"] == true {
                let mut second = parsed.clone();
                second["at"] = (now + LATER).format("%FT%TZ").to_string().into();
                again.push(second);
            }
        }
        lines.push(line.to_owned());
    }
    lines.join("\n")
}

/// A folder for a day, a store and what lies beside it, for one test alone.
fn place(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.trim_start_matches('-'));
    let _not_there = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    folder
}

/// What was told: the answers by line, and the summary.
#[derive(Debug, Default)]
struct Told {
    answers: BTreeMap<u64, Value>,
    summary: Value,
}

impl Told {
    fn hear(text: &[u8]) -> Self {
        let mut heard = Self::default();
        for line in std::str::from_utf8(text).unwrap().lines() {
            let told: Value = serde_json::from_str(line).unwrap();
            if let Some(number) = told["line"].as_u64() {
                heard.answers.insert(number, told);
            } else if told["summary"].is_object() {
                heard.summary = told["summary"].clone();
            }
        }
        heard
    }
}

/// A day over a file, played by one process after the other.
struct Rehearsal {
    hotel: Hotel,
    day: String,
    folder: PathBuf,
}

impl Rehearsal {
    fn of(name: &str) -> Self {
        let (folder, day) = (place(name), day_with_second_tries());
        fs::write(folder.join("hotel.json"), HOTEL).unwrap();
        fs::write(folder.join("day.jsonl"), &day).unwrap();
        Self { hotel: Hotel::read(HOTEL.as_bytes()).unwrap(), day, folder }
    }

    fn store(&self) -> PathBuf {
        self.folder.join("desk.store")
    }

    /// Lets a process go on with the day; over what it died, if it did.
    fn go_on(&self, death: Option<(&'static str, &str, u64)>) -> (Told, Option<Over>) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_front-desk"));
        program.current_dir(&self.folder).args(["--json", "--store", "desk.store"]);
        program.args(["--hotel", "hotel.json", "--day", "day.jsonl"]);
        if let Some((how, call, nth)) = death {
            program.args([how, &format!("{call}:{nth}")]);
        }
        let output = program.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let over = match (output.status.code(), death) {
            (None, Some((how, ..))) => Some(Over::read(how, &said)),
            // With a late key a door did not do as the day expects.
            (Some(0 | 1), _) => None,
            _ => panic!("{:?}: {said}", output.status),
        };
        (Told::hear(&output.stdout), over)
    }

    /// Plays the day here, what was played before included: what is told, and how many keys each door's vendor holds at the end.
    fn play(&self, store: StoreAt, seed: u64) -> (Told, Vec<usize>) {
        let lines = day::read(&self.hotel, self.day.as_bytes());
        let opening = lines.iter().find_map(|line| Some(line.content.as_ref().ok()?.at)).unwrap();
        let mut heard = Vec::new();
        let mut json = Json::new(&mut heard);
        let keys = runtime().block_on(async {
            let mut player = Player::open(&self.hotel, opening, seed, store, &mut json).await.unwrap();
            for line in &lines {
                player.line(line).await.unwrap();
            }
            let keys = self.hotel.doors().map(|(door, _)| player.keys_at(door)).collect();
            player.close().await.unwrap();
            keys
        });
        (Told::hear(&heard), keys)
    }

    /// As [`play`](Self::play), going on where the last process died.
    fn play_on(&self) -> (Told, Vec<usize>) {
        let (hotel, day) = (HOTEL.as_bytes(), self.day.as_bytes());
        let record = runtime().block_on(Record::open(&self.store(), hotel, day)).unwrap();
        let played = self.play(StoreAt::Recorded(record.clone()), record.seed());
        assert!(!record.is_replaying());
        played
    }

    /// Holds the answers of a day with deaths against those of the day without one. How many doors were tried before a key that
    /// was late was there.
    fn judge(&self, undisturbed: &Told, answers: &BTreeMap<u64, Value>, deaths: &[Over]) -> usize {
        let lines: Vec<&str> = self.day.lines().collect();
        let mut late = BTreeSet::new();
        for (number, told) in answers {
            let before = &undisturbed.answers[number];
            if told == before {
                continue;
            }
            let line: Value = serde_json::from_str(lines[usize::try_from(*number).unwrap() - 1]).unwrap();
            let (door, who) = (line["try"]["door"].as_str().unwrap(), line["try"]["as"].as_str().unwrap());
            let at: DateTime<Utc> = line["at"].as_str().unwrap().parse().unwrap();
            let (_, vendor) = self.hotel.doors().find(|(own, _)| *own == door).unwrap();
            let is_late = |over: &&Over| {
                over.vendor == vendor && over.at <= at && at < over.at + over.late_by(&self.hotel)
            };
            let shut = before["opened"] == true && told["opened"] == false;
            let over = deaths.iter().find(is_late).filter(|_| shut);
            let over = over.unwrap_or_else(|| panic!("line {number}: {before} became {told}: {deaths:?}"));
            late.insert((over.at, who.to_owned(), *number));
        }
        let holders: BTreeSet<_> = late.iter().map(|(at, who, _)| (at, who)).collect();
        let calls: BTreeSet<_> = late.iter().map(|(at, ..)| at).collect();
        assert_eq!(holders.len(), calls.len(), "one call, one key: {late:?}");
        late.len()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The table at the end, with so many doors found shut for a late key, which is all that they may change.
fn with_late(summary: &Value, late: usize) -> Value {
    let mut summary = summary.clone();
    let late = u64::try_from(late).unwrap();
    summary["opened"] = (summary["opened"].as_u64().unwrap() - late).into();
    summary["wrong"] = (summary["wrong"].as_u64().unwrap() + late).into();
    summary
}

/// One call of each sort in this day, and which of its name.
const CALLS: [(&str, u64); 13] = [
    ("oauth2/token", 1),
    ("v3/key/send", 6),
    ("v3/key/changePeriod", 1),
    ("write_block", 2),
    ("v3/key/delete", 4),
    ("grant", 3),
    ("find", 3),
    ("v3/user/register", 10),
    ("v3/key/send", 10),
    ("write_block", 4),
    ("amend", 2),
    ("v3/key/freeze", 1),
    ("withdraw", 2),
];

/// Lets a process die over each of these calls, and another one go on. How many doors were found shut for a late key.
fn each_death(how: &'static str) -> usize {
    let rehearsal = Rehearsal::of(how);
    let (undisturbed, keys) = rehearsal.play(StoreAt::default(), SEED);
    let mut late = 0;
    for (call, nth) in CALLS {
        let rehearsal = Rehearsal::of(how);
        let (told, over) = rehearsal.go_on(Some((how, call, nth)));
        let over = [over.unwrap()];
        assert_eq!(over[0].call, call);
        rehearsal.judge(&undisturbed, &told.answers, &over);
        let (whole, held) = rehearsal.play_on();
        let shut = rehearsal.judge(&undisturbed, &whole.answers, &over);
        assert_eq!(whole.answers.len(), undisturbed.answers.len(), "{over:?}");
        assert_eq!(whole.summary, with_late(&undisturbed.summary, shut), "{over:?}");
        // What the vendors were asked for once is not there twice.
        assert_eq!(held, keys, "{over:?}");
        late += shut;
    }
    late
}

/// The key that had not left yet is late, where its vendor has to be asked for it; nothing else is.
#[test]
fn a_death_before_a_call_makes_its_key_late_at_most() {
    assert_eq!(each_death(BEFORE_CALL), 2, "a shift's key and a guest's, each tried five seconds later");
}

/// What was answered is found: nobody notices.
#[test]
fn a_death_over_an_answer_changes_nothing() {
    assert_eq!(each_death(AFTER_ANSWER), 0);
}

/// Not once but three times, so that one dies who went on himself.
#[test]
fn a_day_may_be_killed_again_and_again() {
    let rehearsal = Rehearsal::of("again-and-again");
    let (undisturbed, _) = rehearsal.play(StoreAt::default(), SEED);
    let (mut told, mut deaths) = (Vec::new(), Vec::new());
    for death in [
        (AFTER_ANSWER, "v3/key/send", 6),
        (BEFORE_CALL, "v3/key/changePeriod", 1),
        (AFTER_ANSWER, "grant", 1),
    ] {
        let (heard, over) = rehearsal.go_on(Some(death));
        told.push(heard);
        deaths.push(over.unwrap());
    }
    told.push(rehearsal.go_on(None).0);
    let (mut answers, mut late) = (BTreeMap::new(), 0);
    for told in &mut told {
        let last = answers.keys().next_back().copied();
        assert!(told.answers.keys().next().copied() >= last, "after line {last:?}: {told:?}");
        late += rehearsal.judge(&undisturbed, &told.answers, &deaths);
        answers.append(&mut told.answers);
    }
    assert_eq!(answers.len(), undisturbed.answers.len());
    assert_eq!(told[3].summary, with_late(&undisturbed.summary, late));
    // Called once more there is nothing to play, and the same to say.
    let (once_more, _) = rehearsal.go_on(None);
    assert_eq!((once_more.answers.len(), &once_more.summary), (0, &told[3].summary));
    for beside in fs::read_dir(&rehearsal.folder).unwrap() {
        let name = beside.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("replayed"), "{name}");
    }
}
