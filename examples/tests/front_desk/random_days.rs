//! Random days, played and judged by the model.
//!
//! `LOCKPORT_DAYS` says how many (100 unless told otherwise), `LOCKPORT_SEED` with which seed they begin (1 unless told
//! otherwise). A day that fails is left in the build's directory for temporary files, to be played again by the program itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::{env, fs, thread};

use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Json, Summary};
use lockport_examples::front_desk::player::play;
use serde_json::Value;

use crate::generator::{Rehearsal, Want, rehearsal};
use crate::rehearsed::fresh_file;

const DAYS: u64 = 100;

/// What the days came to, so that days in which nothing happens are noticed.
#[derive(Debug, Default)]
struct Tally {
    opened: usize,
    shut: usize,
    refused: usize,
    issued: usize,
    revoked: usize,
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn every_door_of_every_random_day_does_as_the_page_says() {
    let (first, days) = (number("LOCKPORT_SEED", 1), number("LOCKPORT_DAYS", DAYS));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = days.div_ceil(workers as u64).max(1);
    let ranges = (first..first + days).step_by(usize::try_from(share).unwrap());
    let ranges: Vec<Range<u64>> = ranges.map(|from| from..(from + share).min(first + days)).collect();
    let outcomes = thread::scope(|scope| {
        let workers: Vec<_> = ranges.into_iter().map(|seeds| scope.spawn(|| play_all(seeds))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let mut total = Tally::default();
    let mut failures = Vec::new();
    for (tally, failed) in outcomes {
        total.opened += tally.opened;
        total.shut += tally.shut;
        total.refused += tally.refused;
        total.issued += tally.issued;
        total.revoked += tally.revoked;
        failures.extend(failed);
    }
    println!("{days} days from seed {first}: {total:?}, {} failed", failures.len());
    assert!(failures.is_empty(), "{} of {days} days failed\n{}", failures.len(), failures.join("\n"));
    if days >= DAYS {
        let Tally { opened, shut, refused, issued, revoked } = total;
        assert!(
            [opened, shut, refused, issued, revoked].into_iter().all(|count| count > 100),
            "nothing happened"
        );
    }
}

fn play_all(seeds: Range<u64>) -> (Tally, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for seed in seeds {
        let rehearsal = rehearsal(seed);
        // Now and then with the state in a file, which each restart opens anew.
        let store = match seed % 32 {
            0 => StoreAt::File(fresh_file(&format!("front-desk-{seed}.store"))),
            _ => StoreAt::default(),
        };
        let complaints = match runtime.block_on(played(&rehearsal, seed, store)) {
            Ok((told, summary)) => judge(&rehearsal, &told, &summary, &mut tally),
            Err(message) => vec![message],
        };
        if !complaints.is_empty() {
            failures.push(left_behind(&rehearsal, seed, &complaints));
        }
    }
    (tally, failures)
}

async fn played(rehearsal: &Rehearsal, seed: u64, store: StoreAt) -> Result<(String, Summary), String> {
    let hotel = Hotel::read(rehearsal.hotel.as_bytes()).map_err(|error| error.to_string())?;
    let day = day::read(&hotel, &rehearsal.file());
    let mut told = Vec::new();
    let summary = play(&hotel, &day, seed, store, &mut Json::new(&mut told))
        .await
        .map_err(|error| error.to_string())?;
    Ok((String::from_utf8(told).map_err(|error| error.to_string())?, summary))
}

/// What is not as it should be, in words.
fn judge(rehearsal: &Rehearsal, told: &str, summary: &Summary, tally: &mut Tally) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut answers = BTreeMap::new();
    let (mut issued, mut revoked) = (0, 0);
    let mut keys = BTreeMap::<String, BTreeSet<String>>::new();
    let mut last = Value::Null;
    for line in told.lines() {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Some(number) = told["line"].as_u64()
            && answers.insert(usize::try_from(number).unwrap(), told.clone()).is_some()
        {
            complaints.push(format!("line {number} is answered twice"));
        }
        let subject = told["event"]["subject"].as_str().unwrap_or_default();
        if subject.ends_with(".credential.issued.v1") {
            issued += 1;
            let text = |name: &str| told["event"]["data"][name].as_str().unwrap_or_default().to_owned();
            keys.entry(text("reservationId")).or_default().insert(text("keyCredentialId"));
        }
        revoked += usize::from(subject.ends_with(".credential.revoked.v1"));
        last = told;
    }
    let (mut tries, mut opened, mut refused, mut wrong) = (0, 0, 0, 0);
    for (index, (line, want)) in rehearsal.lines.iter().enumerate() {
        let answer = answers.remove(&(index + 1)).unwrap_or_default();
        let is_right = match want {
            Want::Blank => answer.is_null(),
            Want::Taken => answer["ok"] == true,
            Want::Refused(code) => answer["refused"]["code"] == *code,
            Want::Tried(Some(expect)) => answer["opened"] == *expect,
            Want::Tried(None) => answer["opened"].is_boolean(),
        };
        tries += usize::from(answer["opened"].is_boolean());
        opened += usize::from(answer["opened"] == true);
        refused += usize::from(answer["refused"].is_object());
        wrong += usize::from(!is_right && matches!(want, Want::Tried(Some(_))));
        if !is_right {
            let line = String::from_utf8_lossy(line);
            complaints.push(format!("  line {}: {line}\n    wanted {want:?}, got {answer}", index + 1));
        }
        tally.opened += usize::from(*want == Want::Tried(Some(true)));
        tally.shut += usize::from(*want == Want::Tried(Some(false)));
        tally.refused += usize::from(matches!(want, Want::Refused(_)));
    }
    tally.issued += issued;
    tally.revoked += revoked;
    if !answers.is_empty() {
        complaints.push(format!("  answers to lines that say nothing: {:?}", answers.keys()));
    }
    let open_tasks = summary.open_tasks;
    let want = Summary { tries, opened, refused_lines: refused, issued, revoked, open_tasks, wrong };
    let shown = serde_json::json!({ "summary": {
        "tries": tries, "opened": opened, "refusedLines": refused, "issued": issued, "revoked": revoked,
        "openTasks": open_tasks, "wrong": wrong,
    }});
    if *summary != want || last != shown {
        complaints.push(format!("  the summary says {last}, the answers {want:?}"));
    }
    for (reservation, least) in &rehearsal.keys {
        let issued = keys.get(reservation).map_or(0, BTreeSet::len);
        if issued < *least {
            complaints.push(format!("  {reservation} had {least} stays and {issued} keys"));
        }
    }
    // Nothing fails in these days, so nothing is left for a person.
    if open_tasks != 0 {
        complaints.push(format!("  {open_tasks} desk tasks are open in a day without trouble"));
    }
    complaints
}

/// Leaves the day where it can be looked at, and says how.
fn left_behind(rehearsal: &Rehearsal, seed: u64, complaints: &[String]) -> String {
    let hotel = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("front-desk-{seed}.hotel.json"));
    let day = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("front-desk-{seed}.jsonl"));
    fs::write(&hotel, &rehearsal.hotel).unwrap();
    fs::write(&day, rehearsal.file()).unwrap();
    let few = complaints.iter().take(6).cloned().collect::<Vec<_>>().join("\n");
    format!(
        "seed {seed}: {} complaints\n{few}\n  front-desk --hotel {} --day {}",
        complaints.len(),
        hotel.display(),
        day.display()
    )
}
