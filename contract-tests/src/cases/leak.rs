//! What must be seen nowhere: guests' names and addresses, PINs and tokens, what the driver logs in with.

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lockport::credential::{Artifact, Holder, IssueInput, IssuedCredential, Place};
use lockport::stack::{AuditRecord, AuditSink};
use lockport::store::Table;
use lockport::{LockError, Secret};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::bench::Fault;
use crate::canary::Canary;
use crate::case::{Case, CaseResult, Need, check};
use crate::trial::Trial;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "LEAK-001",
        requirement: "No input, answer, order or error prints a guest's data, an artifact, a card's number or what the driver logs in with, however it is written.",
        spec: "R41, R115, R137, R142",
        needs: &[Need::Faults, Need::Backstage],
        judge: |trial| Box::pin(printed(trial)),
    },
    Case {
        id: "LEAK-002",
        requirement: "Audit, trace, log and the log of the wire keep none of it either.",
        spec: "R41, R115, R136, R142, R192",
        needs: &[Need::Faults, Need::Backstage],
        judge: |trial| Box::pin(logged(trial)),
    },
    Case {
        id: "LEAK-003",
        requirement: "Of what a store can read, its rows' names and terms and the bytes of its file, nothing is secret.",
        spec: "R41, R110, R111, X2, X17",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(stored(trial)),
    },
];

const NAME: &str = "Wilhelmine Canary-Quittenbaum";
const EMAIL: &str = "quittenbaum+canary@guests.example";
const PHONE: &str = "+4915550173942";
const DEVICE: &str = "04A1B2C3D4E5F6-canary-device";

/// Everything that was said somewhere.
#[derive(Debug, Default)]
struct Said(Vec<(&'static str, String)>);

impl Said {
    fn print(&mut self, place: &'static str, what: &impl Debug) {
        self.0.push((place, format!("{what:?} {what:#?}")));
    }

    fn print_error(&mut self, error: &LockError) {
        self.print("an error's Debug", error);
        self.0.push(("an error's Display", format!("{error} {error:#}")));
        self.0.push(("an error's message", error.message().to_owned()));
        let mut source = error.source();
        while let Some(inner) = source {
            self.0.push(("an error's source", format!("{inner} {inner:?}")));
            source = inner.source();
        }
    }

    fn print_answer<T: Debug>(&mut self, place: &'static str, answer: Result<T, LockError>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.print(place, &answer);
                Some(answer)
            }
            Err(error) => {
                self.print_error(&error);
                None
            }
        }
    }

    /// Fails when a canary is found in anything that was said.
    fn check(&self, canaries: &[Canary]) -> CaseResult {
        for (place, text) in &self.0 {
            check_place(place, text.as_bytes(), canaries)?;
        }
        Ok(())
    }
}

fn check_place(place: &str, bytes: &[u8], canaries: &[Canary]) -> CaseResult {
    for canary in canaries {
        let form = canary.found_in(bytes);
        check!(form.is_none(), "{place} holds {}, {}", canary.name, form.unwrap_or_default());
    }
    Ok(())
}

/// A guest of whom every text is marked.
fn marked(trial: &Trial, name: &str) -> CaseResult<IssueInput> {
    let [one] = trial.rooms()?;
    let mut input = trial.issue(name, &[one], trial.hours(2, 26)?)?;
    if let Holder::Guest(guest) = &mut input.holder {
        guest.display_name = Some(NAME.to_owned());
        guest.contact.email = Some(EMAIL.to_owned());
        guest.contact.phone_e164 = Some(PHONE.to_owned());
    }
    // What lies on an encoder has a number of its own.
    if !trial.is_on_card() {
        let place = Place { holder_device: Some(DEVICE.to_owned()), ..input.place.clone() };
        input = input.with_place(place);
    }
    Ok(input)
}

fn artifacts(credential: &IssuedCredential) -> Vec<Secret> {
    let text = |artifact: &Artifact| match artifact {
        Artifact::Pin(text) | Artifact::MobileToken(text) | Artifact::Qr(text) | Artifact::Nfc(text) => {
            Some(text.clone())
        }
        _ => None,
    };
    credential.delivery.iter().filter_map(|delivery| text(&delivery.artifact)).collect()
}

/// Lives a guest's whole stay, with trouble in between; whatever was printed of it is in `said`.
async fn stay(trial: &Trial, said: &mut Said) -> CaseResult<Vec<Secret>> {
    let [one, two] = trial.rooms()?;
    let mut secrets = Vec::new();
    for fault in [
        None,
        Some(Fault::RefuseAfter(0)),
        Some(Fault::RefuseNextWithUnknownCode),
        Some(Fault::LoseNextReply),
        Some(Fault::NeverSend),
    ] {
        let name = fault.map_or("untroubled", Fault::as_str).replace(' ', "-");
        let input = marked(trial, &name)?;
        let id = input.resulting_id();
        said.print("an issue", &input);
        if let Some(fault) = fault {
            trial.order(fault)?;
        }
        let issued =
            said.print_answer("an issued credential", trial.port().issue_credential(input.clone()).await);
        trial.outlast_lost_calls()?;
        let again = said.print_answer("an issued credential", trial.port().issue_credential(input).await);
        for issued in [issued, again].into_iter().flatten() {
            secrets.extend(artifacts(&issued.credential));
        }
        let update = trial.update(id, &format!("update-{name}"))?.with_rooms(vec![one, two]);
        said.print("an update", &update);
        if let Some(updated) =
            said.print_answer("an updated credential", trial.port().update_credential(update).await)
        {
            secrets.extend(artifacts(&updated.credential));
        }
        let suspend = trial.suspend(id, &format!("suspend-{name}"))?;
        said.print("a suspend", &suspend);
        said.print_answer("a suspension", trial.port().suspend_credential(suspend).await);
        let unsuspend = trial.unsuspend(id, &format!("unsuspend-{name}"))?;
        said.print("an unsuspend", &unsuspend);
        if let Some(back) =
            said.print_answer("an unsuspension", trial.port().unsuspend_credential(unsuspend).await)
        {
            secrets.extend(artifacts(&back.credential));
        }
        let revoke = trial.revoke(id, &format!("revoke-{name}"))?;
        said.print("a revoke", &revoke);
        said.print_answer("a revocation", trial.port().revoke_credential(revoke).await);
    }
    said.print_answer("a list of locks", trial.port().list_devices(trial.site().property).await);
    for door in trial.doors_of(&[one]) {
        said.print_answer("a lock's health", trial.port().health_check(door).await);
    }
    said.print("a port", &trial.unattended());
    said.print("what is behind a port", trial.backstage()?);
    Ok(secrets)
}

/// All that must not be found. The name of the write is no secret: the platform's logs have a field for it (R192).
fn canaries(trial: &Trial, artifacts: &[Secret]) -> Vec<Canary> {
    let of_guest = [
        ("a guest's name", NAME),
        ("a guest's address", EMAIL),
        ("a guest's phone number", PHONE),
        ("what the holder brought", DEVICE),
    ];
    let of_guest = of_guest.map(|(name, text)| Canary::new(name, &Secret::new(text.to_owned())));
    let of_keys = artifacts.iter().map(|secret| Canary::new("an artifact", secret));
    let of_vendor = trial.secrets();
    let of_vendor = of_vendor.iter().map(|secret| Canary::new("what the driver logs in with", secret));
    of_guest.into_iter().chain(of_keys).chain(of_vendor).flatten().collect()
}

async fn printed(trial: &Trial) -> CaseResult {
    let mut said = Said::default();
    trial.backstage()?.pace().listen();
    let artifacts = stay(trial, &mut said).await?;
    said.0.push(("what a driver is handed, as a panic could print it", trial.backstage()?.pace().heard()));
    said.check(&canaries(trial, &artifacts))
}

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<String>>);

impl Heard {
    fn add(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn all(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl AuditSink for Heard {
    async fn record(&self, record: AuditRecord) {
        self.leave(record);
    }

    fn leave(&self, record: AuditRecord) {
        self.add(&format!("{record:?} {}\n", serde_json::to_string(&record).unwrap_or_default()));
    }
}

/// Takes every span and every event, of whatever level and of whatever crate.
struct Collector(Heard);

struct Fields<'a>(&'a Heard);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _written = write!(text, "{}={value:?} ", field.name());
        self.0.add(&text);
    }
}

impl Subscriber for Collector {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.add(span.metadata().name());
        span.record(&mut Fields(&self.0));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&self.0));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&self.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn logged(trial: &Trial) -> CaseResult {
    let (audit, trace) = (Heard::default(), Heard::default());
    let stack = trial.backstage()?.stack_of("contract").trace().audit(Arc::new(audit.clone()));
    let stacked = trial.through(stack.build());
    let mut said = Said::default();
    let artifacts = stay(&stacked, &mut said).with_subscriber(Collector(trace.clone())).await?;
    // The port under judgement too, whatever it is: what it says of itself goes the same way.
    let more = stay(trial, &mut said).with_subscriber(Collector(trace.clone())).await?;
    check!(audit.all().contains("keyCredentialId"), "the audit says nothing");
    check!(trace.all().contains("LockPort.issue_credential"), "the trace says nothing");
    check!(trace.all().contains("vendor exchange"), "the log says nothing");
    let canaries = canaries(trial, &[artifacts, more].concat());
    check_place("the audit", audit.all().as_bytes(), &canaries)?;
    check_place("the trace", trace.all().as_bytes(), &canaries)?;
    check_place("the log of the wire", trial.wire_log().as_bytes(), &canaries)
}

const TABLES: [Table; 5] = [Table::Operation, Table::Grant, Table::Credential, Table::Lock, Table::Slot];

async fn stored(trial: &Trial) -> CaseResult {
    let mut said = Said::default();
    let input = marked(trial, "guest")?;
    let issued = trial.port().issue_credential(input.clone()).await?;
    let backstage = trial.backstage()?;
    for table in TABLES {
        let rows = backstage.store().find(backstage.partition(), table, "").await;
        let rows = rows.map_err(|error| crate::case::Stop::NotRun(error.to_string()))?;
        for row in rows {
            said.print("a stored row", &row);
            said.0.push(("a stored row's name", row.id));
            said.0.push(("a stored row's terms", row.terms.join("\n")));
        }
    }
    check!(!said.0.is_empty(), "nothing was stored");
    said.check(&canaries(trial, &artifacts(&issued.credential)))?;
    #[cfg(feature = "sqlite")]
    {
        use crate::fault_loop::{InFile, Shelf as _};
        let file = InFile.fresh().await?;
        let filed = trial.through(backstage.with_store(file.open().await?).port());
        let mut input = marked(&filed, "guest-in-file")?;
        input.rooms = trial.rooms_of_a_key()?;
        let issued = filed.port().issue_credential(input).await?;
        let bytes = file.on_disk()?;
        check!(!bytes.is_empty(), "nothing was written to the file");
        check_place("the store's file", &bytes, &canaries(trial, &artifacts(&issued.credential)))?;
    }
    Ok(())
}
