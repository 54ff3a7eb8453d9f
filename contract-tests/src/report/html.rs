//! The report as one page to file: no script, nothing that is fetched from anywhere.

use std::collections::{BTreeMap, BTreeSet};

use lockport::capability::LockCapabilities;
use lockport::credential::KeyCredentialKind;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Line, Report, Verdict};

const STYLE: &str = "body{font:15px/1.4 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left;\
    vertical-align:top}.passed,.green{background:#dfd}.failed,.red,.over{background:#fdd}\
    .not-run{background:#fdb}.refused,.exempt{background:#eee}";

/// What an adapter says of itself, how to read it off, and the cases that judge it.
type Flag = (&'static str, fn(&LockCapabilities) -> String, &'static [&'static str]);

const FLAGS: [Flag; 10] = [
    ("remoteIssue", |can| can.remote_issue.to_string(), &["CAPA-003"]),
    ("remoteRevoke", |can| can.remote_revoke.to_string(), &["CAPA-003", "CARD-003"]),
    ("scopeFloors", |can| can.scope_floors.to_string(), &["CAPA-002"]),
    ("scopeAreas", |can| can.scope_areas.to_string(), &["CAPA-002", "ISSUE-004"]),
    (
        "suspend",
        |can| can.suspend.to_string(),
        &["SUSPEND-001", "SUSPEND-002", "SUSPEND-003", "CARD-004", "CARD-005"],
    ),
    ("readBack", |can| can.read_back.to_string(), &["CAPA-004", "IDEM-003"]),
    ("joiner", |can| can.joiner.to_string(), &["CAPA-007", "OVERLAP-001", "SHARED-001"]),
    ("revokeProof", |can| format!("{:?}", can.revoke_proof), &["CAPA-005"]),
    ("pinDigits", |can| format!("{:?}", can.pin_digits), &["CAPA-005"]),
    ("maxDoors", |can| format!("{:?}", can.max_doors), &["CAPA-006"]),
];

/// The worst of several verdicts.
fn worst<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<&'a Verdict> {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Failed(_) => 4,
        Verdict::NotRun(_) => 3,
        Verdict::Exempt(_) => 2,
        Verdict::Refused => 1,
        Verdict::Passed => 0,
    };
    lines.map(|line| &line.verdict).max_by_key(|verdict| rank(verdict))
}

fn cell(verdict: Option<&Verdict>) -> Markup {
    let word = verdict.map_or("nothing ran", Verdict::as_str);
    html! { td class=(word.replace(' ', "-")) { (word) } }
}

fn capabilities(report: &Report) -> Markup {
    let kinds: BTreeSet<KeyCredentialKind> = report.lines.iter().map(|line| line.kind).collect();
    html! {
        h2 { "What it can" }
        table {
            tr { th { "Capability" } th { "It says" } th { "Judged" } th { "By" } }
            @for kind in &kinds {
                tr {
                    td { (kind.as_str()) } td { "true" }
                    (cell(worst(report.lines.iter().filter(|line| line.kind == *kind))))
                    td { "every case" }
                }
            }
            @if let Some(about) = &report.about {
                @for (flag, says, cases) in FLAGS {
                    tr {
                        td { (flag) } td { (says(&about.can)) }
                        (cell(worst(report.lines.iter().filter(|line| cases.contains(&line.case)))))
                        td { (cases.join(", ")) }
                    }
                }
            }
        }
        @if report.differs.is_empty() { p { "No flag differs from what the adapter does." } }
        @else { ul { @for what in &report.differs { li class="failed" { (what) } } } }
    }
}

fn latencies(report: &Report) -> Markup {
    html! {
        h2 { "How long calls took on this bench" }
        table {
            tr { th { "Operation" } th { "Calls" } th { "Half within" } th { "95 % within" } th { "Budget" } th { "From" } }
            @for own in &report.latencies {
                tr {
                    td { (own.operation.as_str()) } td { (own.calls) } td { (own.p50_us) " µs" }
                    td class=[(!own.is_within()).then_some("over")] { (own.p95_us) " µs" }
                    td { (own.budget_ms) " ms" } td { (own.budget_from) }
                }
            }
        }
    }
}

fn faults(report: &Report) -> Markup {
    let mut played: BTreeMap<(&str, &str), Vec<&Line>> = BTreeMap::new();
    for line in &report.lines {
        let area = line.case.split('-').next().unwrap_or_default();
        line.faults.iter().for_each(|fault| played.entry((fault, area)).or_default().push(line));
    }
    let rows: BTreeSet<&str> = played.keys().map(|(fault, _)| *fault).collect();
    let columns: BTreeSet<&str> = played.keys().map(|(_, area)| *area).collect();
    html! {
        h2 { "What went wrong on purpose" }
        table {
            tr { th { "Fault" } @for area in &columns { th { (area) } } }
            @for fault in &rows {
                tr {
                    td { (fault) }
                    @for area in &columns {
                        @match played.get(&(*fault, *area)) {
                            Some(lines) => (cell(worst(lines.iter().copied()))),
                            None => td {},
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn page(report: &Report) -> String {
    let name = report.about.as_ref().map_or("no adapter", |about| about.name);
    let (class, word) = if report.is_green() { ("green", "green") } else { ("red", "red") };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Contract: " (name) } style { (PreEscaped(STYLE)) } }
            body {
                h1 { "Contract: " (name) }
                p { span class=(class) { (word) } ": " (report.counts()) ", seed " (report.seed) }
                ul { @for red in report.reds() { li class="red" { (red) } } }
                (capabilities(report))
                (latencies(report))
                (faults(report))
                h2 { "Codes of the vendor that no table knows" }
                @if report.unmapped.is_empty() { p { "None was seen." } }
                @else { ul { @for error in &report.unmapped { li class="red" { (error) } } } }
                h2 { "Every case" }
                table {
                    tr { th { "Case" } th { "Kind" } th { "Verdict" } th { "Why" } }
                    @for line in &report.lines {
                        tr {
                            td { (line.case) } td { (line.kind.as_str()) } (cell(Some(&line.verdict)))
                            td { (line.verdict.why().unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
