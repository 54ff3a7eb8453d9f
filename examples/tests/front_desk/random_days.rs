//! Random days, played and judged by the model.
//!
//! `LOCKPORT_DAYS` says how many, `LOCKPORT_SEED` with which seed they begin (1 unless told otherwise), `LOCKPORT_FEATURES` what
//! they are made of (`-outage,+card`, `all`, `none`). A day that fails is made short and left in the build's directory for
//! temporary files, to be played again by the program itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{env, fs, thread};

use crate::days::{Day, Features, Item, day};
use crate::judge::{Complaint, Tally, complaints, differences, played};
use crate::program::{file, run};
use crate::rehearsed::fresh_file;
use crate::shrink::shrink;

const DAYS: u64 = 60;

/// How long nobody plays anything before a day counts as one that never ends. A day takes less than a second.
const NEVER_ENDS: Duration = Duration::from_secs(300);

/// What a worker has to tell.
enum News {
    Plays {
        worker: usize,
        seed: u64,
    },
    /// What stands in the files that were left behind.
    Found(String),
    Over {
        worker: usize,
        tally: Tally,
        failed: usize,
    },
}

/// What random days are made of.
const FEATURES: Features = Features::ALL;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn features() -> Features {
    FEATURES.read(&env::var("LOCKPORT_FEATURES").unwrap_or_default())
}

#[test]
fn every_door_of_every_random_day_does_as_the_page_says() {
    let (first, days) = (number("LOCKPORT_SEED", 1), number("LOCKPORT_DAYS", DAYS));
    let features = features();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (tell, hear) = mpsc::channel();
    for worker in 0..workers {
        let share = (first..first + days).skip(worker).step_by(workers);
        let tell = tell.clone();
        thread::spawn(move || play_all(share, features, days == 1, worker, &tell));
    }
    drop(tell);
    let mut playing = BTreeMap::new();
    let mut total = Tally::default();
    let (mut failures, mut over) = (0, 0);
    loop {
        match hear.recv_timeout(NEVER_ENDS) {
            Ok(News::Plays { worker, seed }) => _ = playing.insert(worker, seed),
            Ok(News::Found(told)) => println!("{told}"),
            Ok(News::Over { worker, tally, failed }) => {
                playing.remove(&worker);
                total.add(&tally);
                failures += failed;
                over += 1;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                for seed in playing.values() {
                    let day = day(*seed, features);
                    println!("{}", left_behind(&day, day.items.len(), *seed, &[]));
                }
                panic!("a day never ends: of one of the seeds {:?}", playing.values());
            }
        }
    }
    assert_eq!(over, workers, "a day was given up");
    println!("{days} days from seed {first}: {total:?}, {failures} failed");
    assert!(failures == 0, "{failures} of {days} days failed");
    if days >= DAYS {
        let Tally { opened, shut, free, tasks: _, refused, issued, revoked } = total;
        assert!(
            [opened, shut, free, refused, issued, revoked].into_iter().all(|count| count > 100),
            "nothing happened"
        );
    }
}

/// The program as it is called says the same, to programs and to people, and ends as the page says.
#[test]
fn the_program_plays_random_days_as_they_are_judged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut ends = BTreeSet::new();
    for seed in 1..=8 {
        let day = day(seed, features());
        let wants = day.wants();
        let lines = day.file(&wants);
        let played = runtime.block_on(played(&day, &lines, None)).unwrap();
        let hotel = file(&format!("called-{seed}.hotel.json"), day.hotel.to_string().as_bytes());
        let lines = file(&format!("called-{seed}.jsonl"), &lines);
        let (output, out, err) = run(&["--hotel", &hotel, "--day", &lines, "--json"]);
        assert_eq!((&*out, &*err), (&*played.told, ""), "seed {seed}");
        let (for_people, out, err) = run(&["--hotel", &hotel, "--day", &lines]);
        assert_eq!((for_people.status.code(), &*err), (output.status.code(), ""), "seed {seed}");
        assert!(!played.is_told_in(&out), "seed {seed}: a secret");
        let is_wrong = out.contains('✗');
        assert_eq!(output.status.code(), Some(is_wrong.into()), "seed {seed}");
        ends.insert(output.status.code());
    }
    assert_eq!(ends.len(), 2, "only one way to end was met");
}

/// Days that once failed, as short as they were made, judged again.
#[test]
fn what_was_found_once_stays_right() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut played = 0;
    let mut wrong = String::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/front_desk/found")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let hotel = fs::read_to_string(path.with_extension("hotel.json")).unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        let items = lines.lines().map(|line| Item::read(line).0).collect();
        let day = Day { hotel: serde_json::from_str(&hotel).unwrap(), items };
        for Complaint { kind, words } in runtime.block_on(judged(&day, 1, &mut Tally::default())) {
            wrong += &format!("{}: {kind}: {words}\n", path.display());
        }
        played += 1;
    }
    assert!(played > 0 && wrong.is_empty(), "{wrong}");
}

/// A day that is played alone is left behind whether it fails or not.
fn play_all(
    seeds: impl Iterator<Item = u64>,
    features: Features,
    is_alone: bool,
    worker: usize,
    tell: &mpsc::Sender<News>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut tally = Tally::default();
    let mut failed = 0;
    for seed in seeds {
        let day = day(seed, features);
        if is_alone {
            tell.send(News::Found(left_behind(&day, day.items.len(), seed, &[]))).unwrap();
        }
        let judged = |day: &Day, tally: &mut Tally| {
            tell.send(News::Plays { worker, seed }).unwrap();
            runtime.block_on(judged(day, seed, tally))
        };
        let first = judged(&day, &mut tally).into_iter().next();
        let Some(first) = first else { continue };
        let judged = |day: &Day| judged(day, &mut Tally::default());
        let short = shrink(&day, |day| judged(day).iter().any(|complaint| complaint.kind == first.kind));
        let complaints = judged(&short);
        // At once: who plays thousands by hand need not wait for the last.
        tell.send(News::Found(left_behind(&short, day.items.len(), seed, &complaints))).unwrap();
        failed += 1;
    }
    tell.send(News::Over { worker, tally, failed }).unwrap();
}

async fn judged(day: &Day, seed: u64, tally: &mut Tally) -> Vec<Complaint> {
    // Now and then with the state in a file, which each restart opens anew.
    let store = seed.is_multiple_of(32).then(|| fresh_file(&format!("front-desk-{seed}.store")));
    let wants = day.wants();
    let with = match played(day, &day.file(&wants), store).await {
        Ok(played) => played,
        Err(complaint) => return vec![complaint],
    };
    let mut wrong = complaints(day, &wants, &with, tally);
    if wrong.is_empty() && is_as_without_restarts(day) {
        let mut undisturbed = day.clone();
        undisturbed.items.retain(|item| !item.is_restart());
        match played(&undisturbed, &undisturbed.file(&undisturbed.wants()), None).await {
            Ok(without) => wrong = differences(day, &wants, &with, &without),
            Err(complaint) => wrong.push(complaint),
        }
    }
    wrong
}

/// Whether all that this day shows has to be as it were without its restarts. Not where a retry waits for a random while, nor
/// where a call lost in a crash may end in a task.
fn is_as_without_restarts(day: &Day) -> bool {
    let said = |item: &Item, word: &str| matches!(item, Item::Said { member, .. } if *member == word);
    let dies = day
        .items
        .iter()
        .any(|item| matches!(item, Item::Said { value, .. } if !value["afterCalls"].is_null()));
    let vendors = day.hotel["vendors"].to_string();
    let has_outage = day.items.iter().any(|item| said(item, "outage"));
    let is_noticed = dies
        && ["silent_ack", "webhook", "room_wide", "passcodes=custom"]
            .iter()
            .any(|slow| vendors.contains(slow));
    day.items.iter().any(Item::is_restart) && !has_outage && !vendors.contains("fail=") && !is_noticed
}

/// Leaves the day where it can be looked at, and says how.
fn left_behind(day: &Day, from: usize, seed: u64, complaints: &[Complaint]) -> String {
    let path = |end: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("front-desk-{seed}.{end}"));
    let (hotel, file) = (path("hotel.json"), path("jsonl"));
    fs::write(&hotel, serde_json::to_string_pretty(&day.hotel).unwrap()).unwrap();
    fs::write(&file, day.file(&day.wants())).unwrap();
    let few = complaints.iter().take(4).map(|Complaint { kind, words }| format!("  {kind}: {words}"));
    format!(
        "seed {seed}: {} lines of {from}, {} complaints\n{}\n  front-desk --hotel {} --day {}",
        day.items.len(),
        complaints.len(),
        few.collect::<Vec<_>>().join("\n"),
        hotel.display(),
        file.display()
    )
}
