//! Plays a day and holds what was answered against what the page wants.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lockport::credential::Artifact;
use lockport::id::ReservationId;
use lockport_examples::front_desk::day;
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::{Json, Summary};
use lockport_examples::front_desk::player::Player;
use serde_json::{Value, json};

use crate::days::{CANARY, Day, Item, expected};
use crate::model::{Opens, Want};

/// The randomness of the machine, as the program has it: what is wrong here is wrong there.
const SEED: u64 = 1;

/// What was played.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) told: String,
    summary: Summary,
    /// Everything that guests were handed.
    secrets: BTreeSet<String>,
}

impl Played {
    /// "No PIN, token or vendor reference stands in any output."
    pub(crate) fn is_told_in(&self, output: &str) -> bool {
        let words: BTreeSet<&str> = output.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let is_number = |secret: &str| secret.chars().all(|c| c.is_ascii_digit());
        let is_told = |secret: &String| {
            if is_number(secret) { words.contains(&**secret) } else { output.contains(&**secret) }
        };
        output.contains(CANARY) || self.secrets.iter().any(is_told)
    }
}

/// What the days came to, so that days in which nothing happens are noticed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) opened: usize,
    pub(crate) shut: usize,
    pub(crate) free: usize,
    pub(crate) tasks: usize,
    pub(crate) refused: usize,
    pub(crate) issued: usize,
    pub(crate) revoked: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { opened, shut, free, tasks, refused, issued, revoked } = other;
        self.opened += opened;
        self.shut += shut;
        self.free += free;
        self.tasks += tasks;
        self.refused += refused;
        self.issued += issued;
        self.revoked += revoked;
    }
}

/// Something that is not as the page has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// What kind, so that a day is made shorter without changing what is wrong in it.
    pub(crate) kind: &'static str,
    pub(crate) words: String,
}

fn complaint(kind: &'static str, words: impl Into<String>) -> Complaint {
    Complaint { kind, words: words.into() }
}

/// Plays a day within this process.
pub(crate) async fn played(day: &Day, file: &[u8], store: Option<PathBuf>) -> Result<Played, Complaint> {
    let failed = |error: &dyn std::fmt::Display| complaint("not played", error.to_string());
    let hotel = Hotel::read(day.hotel.to_string().as_bytes()).map_err(|error| failed(&error))?;
    let lines = day::read(&hotel, file);
    let opening = lines.iter().find_map(|line| Some(line.content.as_ref().ok()?.at)).unwrap_or_default();
    let store = store.map_or_else(StoreAt::default, StoreAt::File);
    let guests: BTreeSet<ReservationId> = day
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Said { value, .. } => {
                value["data"]["reservationId"].as_str().or(value["reservationId"].as_str())?.parse().ok()
            }
            _ => None,
        })
        .collect();
    let mut told = Vec::new();
    let mut secrets = BTreeSet::new();
    let mut json = Json::new(&mut told);
    let mut player =
        Player::open(&hotel, opening, SEED, store, &mut json).await.map_err(|error| failed(&error))?;
    for line in &lines {
        player.line(line).await.map_err(|error| failed(&error))?;
        for guest in &guests {
            for artifact in player.in_hand(*guest) {
                if let Artifact::Pin(text) | Artifact::MobileToken(text) = artifact {
                    // EXPOSE: into the test that looks for it.
                    secrets.insert(text.expose().to_owned());
                }
            }
        }
    }
    let summary = player.close().await.map_err(|error| failed(&error))?;
    let told = String::from_utf8(told).map_err(|error| failed(&error))?;
    Ok(Played { told, summary, secrets })
}

/// What is not as it should be.
pub(crate) fn complaints(day: &Day, wants: &[Want], played: &Played, tally: &mut Tally) -> Vec<Complaint> {
    let Played { told, summary, .. } = played;
    let mut complaints = Vec::new();
    let (mut issued, mut revoked) = (0, 0);
    let mut answers = BTreeMap::new();
    let mut last = Value::Null;
    for line in told.lines() {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Some(number) = told["line"].as_u64()
            && answers.insert(usize::try_from(number).unwrap(), told.clone()).is_some()
        {
            complaints.push(complaint("answered twice", format!("line {number} is answered twice")));
        }
        if let Some(event) = told.get("event") {
            if event["tenantId"] != day.hotel["tenantId"]
                || !event["id"].is_string()
                || !event["data"].is_object()
            {
                complaints.push(complaint("odd event", line));
            }
            let subject = event["subject"].as_str().unwrap_or_default();
            issued += usize::from(subject.ends_with(".credential.issued.v1"));
            revoked += usize::from(subject.ends_with(".credential.revoked.v1"));
            if subject.contains(".local.") {
                complaints.push(complaint("local event", line));
            }
        }
        last = told;
    }
    let mut counted = Summary { issued, revoked, open_tasks: summary.open_tasks, ..Summary::default() };
    for (index, (item, want)) in day.items.iter().zip(wants).enumerate() {
        let answer = answers.remove(&(index + 1)).unwrap_or_default();
        counted.tries += usize::from(answer["opened"].is_boolean());
        counted.opened += usize::from(answer["opened"] == true);
        counted.refused_lines += usize::from(answer["refused"].is_object());
        if let Item::Tried { told, .. } = item
            && let Some(expect) = expected(*told, *want)
        {
            counted.wrong += usize::from(answer["opened"] != expect);
        }
        if let Some(kind) = wrong(*want, &answer, tally) {
            let line = item.line(*want);
            let line = String::from_utf8_lossy(&line);
            let words = format!("line {}: {line}\n    wanted {want:?}, got {answer}", index + 1);
            complaints.push(complaint(kind, words));
        }
    }
    tally.issued += issued;
    tally.revoked += revoked;
    if !answers.is_empty() {
        complaints.push(complaint(
            "too many answers",
            format!("answers to lines that say nothing: {:?}", answers.keys()),
        ));
    }
    let shown = json!({ "summary": {
        "tries": counted.tries, "opened": counted.opened, "refusedLines": counted.refused_lines, "issued": issued,
        "revoked": revoked, "openTasks": counted.open_tasks, "wrong": counted.wrong,
    }});
    if *summary != counted || last != shown {
        complaints.push(complaint("summary", format!("the summary says {last}, the answers {counted:?}")));
    }
    if played.is_told_in(told) {
        complaints.push(complaint("secret", "something that somebody was handed stands in the output"));
    }
    complaints
}

/// What kind of wrong an answer is; nothing when it is right.
fn wrong(want: Want, answer: &Value, tally: &mut Tally) -> Option<&'static str> {
    match want {
        Want::Blank => (!answer.is_null()).then_some("blank line answered"),
        Want::Taken => (answer["ok"] != true).then_some("not taken"),
        Want::Refused(code) => {
            tally.refused += 1;
            let message = answer["refused"]["message"].as_str().unwrap_or_default();
            (answer["refused"]["code"] != *code || message.is_empty()).then_some("not refused")
        }
        Want::Tried { opens, task } => {
            let Some(opened) = answer["opened"].as_bool() else { return Some("try not answered") };
            match opens {
                Opens::Yes => tally.opened += 1,
                Opens::No => tally.shut += 1,
                Opens::Either(_) => tally.free += 1,
            }
            match opens {
                Opens::Yes if !opened => return Some("shut"),
                Opens::No if opened => return Some("opened"),
                _ => {}
            }
            tally.tasks += usize::from(!opened && task);
            (!opened && task && !answer["task"].is_string()).then_some("no task")
        }
    }
}

/// What a day with restarts shows otherwise than the same day without.
pub(crate) fn differences(day: &Day, wants: &[Want], with: &Played, without: &Played) -> Vec<Complaint> {
    let tries = |played: &Played| -> Vec<Value> {
        let told = played.told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.filter(|told| told["opened"].is_boolean()).collect()
    };
    let lines = day.items.iter().zip(wants).filter(|(item, _)| matches!(item, Item::Tried { .. }));
    let mut complaints = Vec::new();
    for ((with, without), (item, want)) in tries(with).iter().zip(tries(without)).zip(lines) {
        if matches!(want, Want::Tried { opens: Opens::Either(_), .. }) {
            continue;
        }
        if with["opened"] != without["opened"] || with["task"].is_null() != without["task"].is_null() {
            let line = String::from_utf8_lossy(&item.line(*want)).into_owned();
            let words =
                format!("line {}: {line}\n    without restarts {without}, with them {with}", with["line"]);
            complaints.push(complaint("noticed restart", words));
        }
    }
    complaints
}
