//! The audit's chain: whatever is done to it afterwards is found (R146, R179), people can be taken out of it (R138), and two
//! processes make one chain of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::audit::{Action, AuditLog, Draft, Fault, Outcome, Reason};
use lockport::credential::{RevokeReason, VendorCode};
use lockport::env::ManualClock;
use lockport::id::{GuestId, KeyCredentialId, UserId};
use lockport::stack::{AuditRecord, AuditSink};
use lockport::store::{Batch, Content, MemoryStore, Row, Store, StoreError, Table, Write};
use lockport::{FailureReason, LockError, RetryAdvice, Secret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::rig::{Between, env, now, partition, run};
use crate::stack::{Bench, away, issue, revoke};

const LENGTH: u64 = 6;

fn guest(nth: u64) -> GuestId {
    GuestId::derived("test", &[&nth.to_be_bytes()])
}

fn draft(nth: u64) -> Draft {
    let action = [Action::Issue, Action::Revoke, Action::Reveal][usize::try_from(nth % 3).unwrap()];
    let mut draft = Draft::new(action, Outcome::Ok);
    draft.key_credential_id = Some(KeyCredentialId::derived("test", &[&nth.to_be_bytes()]));
    draft.vendor = Some(VendorCode::MOCK);
    draft.reason = (action == Action::Revoke).then_some(Reason::Revoke(RevokeReason::Lost));
    draft.people.operator_id = Some(UserId::derived("test", &[b"operator"]));
    draft.people.guest_id = Some(guest(nth));
    draft.people.approver_ids = vec![UserId::derived("test", &[b"approver"])];
    draft
}

struct Rig {
    log: AuditLog,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

impl Rig {
    fn new(length: u64) -> Self {
        let (env, clock) = env();
        let store = Arc::new(MemoryStore::new());
        let log = AuditLog::new(store.clone(), partition("a"), env);
        for nth in 1..=length {
            run(log.append(draft(nth))).unwrap();
        }
        Self { log, store, clock }
    }

    fn row(&self, table: Table, id: &str) -> Option<Row> {
        run(self.store.read(partition("a"), table, id)).unwrap()
    }

    fn body(&self, table: Table, id: &str) -> Value {
        serde_json::from_slice(self.row(table, id).unwrap().body.expose()).unwrap()
    }

    /// As somebody would who has the database.
    fn write(&self, table: Table, id: &str, body: Option<Vec<u8>>) {
        static BATCH: AtomicU64 = AtomicU64::new(1);
        let batch = u128::from(BATCH.fetch_add(1, Ordering::Relaxed));
        let there = self.row(table, id);
        let page = id.parse::<u64>().map_or(0, |nth| nth / 256);
        let terms = if table == Table::Audit { vec![format!("page:{page}")] } else { Vec::new() };
        let content = body.map(|body| Content { due: None, terms, body: Secret::new(body) });
        let expected = there.map_or(0, |row| row.revision);
        let writes = vec![Write { table, id: id.to_owned(), expected, content }];
        run(self.store.commit(partition("a"), &Batch { id: batch, writes })).unwrap();
    }

    fn entry(&self, nth: u64) -> Value {
        self.body(Table::Audit, &id(nth))
    }

    fn put(&self, nth: u64, body: &Value) {
        self.write(Table::Audit, &id(nth), Some(body.to_string().into_bytes()));
    }

    fn faults(&self) -> Vec<Fault> {
        run(self.log.verify(..)).unwrap().faults
    }
}

fn id(nth: u64) -> String {
    format!("{nth:020}")
}

/// The hash that such an entry has, made here once more.
fn resealed(mut kept: Value) -> Value {
    let previous: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&kept["previous"].as_str().unwrap()[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let mut hash = Sha256::new();
    for part in [b"lockport/audit/v1".as_slice(), &previous, kept["entry"].as_str().unwrap().as_bytes()] {
        hash.update(u64::try_from(part.len()).unwrap().to_be_bytes());
        hash.update(part);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    kept["hash"] = json!(hex);
    kept
}

/// Every member of a value replaced by another of its kind, one at a time.
fn bent(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let put = |member: Option<Value>| {
                    let mut bent = members.clone();
                    match member {
                        Some(member) => bent.insert(name.clone(), member),
                        None => bent.remove(name),
                    };
                    Value::Object(bent)
                };
                bent(member).into_iter().map(Some).chain([None]).map(put).collect::<Vec<_>>()
            })
            .collect(),
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1)],
        Value::String(text) => {
            let last = if text.ends_with('0') { "1" } else { "0" };
            vec![json!(format!("{}{last}", &text[..text.len() - 1]))]
        }
        _ => vec![json!("x")],
    }
}

/// R179, R146: any single change of any entry is found, and found there: any member, any byte, with the hash left as it was or
/// made anew; an entry taken out, put in, moved or swapped with any other.
#[test]
fn any_single_change_is_found_where_it_is() {
    assert_eq!(Rig::new(LENGTH).faults(), []);
    let mut changes = 0;
    let mut expect = |bend: &dyn Fn(&Rig), places: &[u64], what: &str| {
        changes += 1;
        let rig = Rig::new(LENGTH);
        bend(&rig);
        let named: BTreeSet<u64> = rig.faults().iter().filter_map(|fault| fault.nth()).collect();
        assert_eq!(named, places.iter().copied().collect(), "{what}: {:?}", rig.faults());
    };
    let sample = Rig::new(LENGTH);
    for nth in 1..=LENGTH {
        let kept = sample.entry(nth);
        let text = kept["entry"].as_str().unwrap();
        for entry in bent(&serde_json::from_str(text).unwrap()) {
            let mut body = kept.clone();
            body["entry"] = json!(entry.to_string());
            expect(&|rig| rig.put(nth, &body), &[nth], &format!("{nth}: {entry}"));
            let body = resealed(body);
            expect(&|rig| rig.put(nth, &body), &[nth], &format!("{nth} with a new hash: {entry}"));
        }
        for body in bent(&kept) {
            expect(&|rig| rig.put(nth, &body), &[nth], &format!("{nth}: {body}"));
        }
        let bytes = kept.to_string().into_bytes();
        for at in (0..bytes.len()).step_by(7) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let what = format!("{nth}: {}", String::from_utf8_lossy(&bytes));
            expect(&|rig| rig.write(Table::Audit, &id(nth), Some(bytes.clone())), &[nth], &what);
        }
        expect(&|rig| rig.write(Table::Audit, &id(nth), None), &[nth], "taken out");
        for other in nth + 1..=LENGTH {
            let swap = |rig: &Rig| {
                rig.put(nth, &sample.entry(other));
                rig.put(other, &sample.entry(nth));
            };
            expect(&swap, &[nth, other], "swapped");
        }
    }
    for nth in 1..=LENGTH {
        let behind = resealed({
            let mut body = sample.entry(nth);
            body["nth"] = json!(LENGTH + 1);
            body["previous"] = sample.entry(LENGTH)["hash"].clone();
            body
        });
        expect(&|rig| rig.put(LENGTH + 1, &behind), &[LENGTH + 1], "put in");
    }
    assert!(changes > 500, "{changes}");
}

/// The row that says where the chain ends is watched as well.
#[test]
fn an_end_that_was_moved_is_found() {
    let head = |bend: &dyn Fn(&mut Value)| {
        let rig = Rig::new(LENGTH);
        let mut body = rig.body(Table::Chain, "head");
        bend(&mut body);
        rig.write(Table::Chain, "head", Some(body.to_string().into_bytes()));
        rig.faults()
    };
    let shorter = head(&|head| head["nth"] = json!(LENGTH - 2));
    assert!(shorter.contains(&Fault::Inserted(LENGTH)) && shorter.contains(&Fault::Inserted(LENGTH - 1)));
    assert_eq!(head(&|head| head["nth"] = json!(LENGTH + 1)), [Fault::Missing(LENGTH + 1)]);
    assert_eq!(head(&|head| head["hash"] = json!("0".repeat(64))), [Fault::Replaced(LENGTH)]);
    let rig = Rig::new(LENGTH);
    rig.write(Table::Chain, "head", None);
    assert_eq!(rig.faults(), [Fault::EndMissing]);
}

/// Who rewrites all of it is found by what was kept outside.
#[test]
fn a_chain_that_was_written_anew_does_not_hold_its_anchor() {
    let rig = Rig::new(LENGTH);
    let anchor = run(rig.log.end()).unwrap().unwrap();
    assert!(run(rig.log.holds(anchor)).unwrap());
    let mut previous = json!("0".repeat(64));
    for nth in 1..=LENGTH {
        let mut body = rig.entry(nth);
        body["entry"] = json!(body["entry"].as_str().unwrap().replace("reveal", "issue"));
        body["previous"] = previous;
        let body = resealed(body);
        previous = body["hash"].clone();
        rig.put(nth, &body);
    }
    let mut head = rig.body(Table::Chain, "head");
    head["hash"] = previous;
    rig.write(Table::Chain, "head", Some(head.to_string().into_bytes()));
    assert_eq!(rig.faults(), []);
    assert!(!run(rig.log.holds(anchor)).unwrap());
}

/// R138: people are taken out, the proofs stay valid and the same person stays the same; taking them out by the back door is found.
#[test]
fn people_are_taken_out_and_the_proofs_stay_valid() {
    let rig = Rig::new(LENGTH);
    let before = run(rig.log.entries(..)).unwrap();
    assert_eq!(before[2].people.guest_id, Some(guest(3)));
    rig.clock.advance(TimeDelta::days(400));
    run(rig.log.append(draft(1))).unwrap();
    assert_eq!(run(rig.log.pseudonymise(now() + TimeDelta::days(100))).unwrap(), LENGTH);
    assert_eq!(run(rig.log.pseudonymise(now() + TimeDelta::days(100))).unwrap(), 0);
    assert_eq!(rig.faults(), []);
    let after = run(rig.log.entries(..)).unwrap();
    assert_eq!(after.len() as u64, LENGTH + 2, "one more tells that it was done, once");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.entry, before.hash), (&after.entry, after.hash));
        assert!(after.people.is_empty());
    }
    assert_eq!(after[6].people.guest_id, Some(guest(1)), "younger than that");
    assert_eq!(after[6].entry.people.guest, before[0].entry.people.guest);
    let ids = [guest(3).to_string(), UserId::derived("test", &[b"operator"]).to_string()];
    for nth in 1..=LENGTH {
        let body = rig.entry(nth).to_string();
        assert!(!ids.iter().any(|id| body.contains(id)), "{body}");
    }
    let mut body = rig.entry(LENGTH + 1);
    body["people"] = Value::Null;
    rig.put(LENGTH + 1, &body);
    assert_eq!(rig.faults(), [Fault::People(LENGTH + 1)]);
}

/// R136: instants rise, also when the clock goes back.
#[test]
fn a_clock_that_goes_back_does_not_turn_the_chain() {
    let rig = Rig::new(3);
    rig.clock.set(now() - TimeDelta::days(1));
    run(rig.log.append(draft(4))).unwrap();
    let told = run(rig.log.entries(..)).unwrap();
    assert!(told.windows(2).all(|pair| pair[0].entry.at < pair[1].entry.at));
    assert_eq!(told.iter().map(|told| told.entry.nth).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

/// Two processes make one chain: who comes second gets the next place, also when that happens again and again; and a commit that
/// happened although nobody said so is not made twice.
#[test]
fn two_processes_make_one_chain() {
    let rough = |quicker, lost| {
        let (env, _) = env();
        let inner = Arc::new(MemoryStore::new());
        let other = |nth, then: Result<(), StoreError>| {
            let other = AuditLog::new(inner.clone(), partition("a"), env.clone());
            move || run(other.append(draft(nth))).map_or(Err(StoreError::Corrupt), |_| then)
        };
        let store = Between::new(inner.clone())
            .before(quicker, other(50, Ok(())))
            .after(lost, other(60, Err(StoreError::Unavailable)));
        let log = |store| AuditLog::new(store, partition("a"), env.clone());
        (log(Arc::new(store) as Arc<dyn Store>), log(inner.clone()))
    };
    let (log, plain) = rough(20, 0);
    run(log.append(draft(1))).unwrap();
    let told = run(plain.entries(..)).unwrap();
    assert_eq!(told.len(), 21);
    assert_eq!(told[20].people.guest_id, Some(guest(1)));
    assert_eq!(run(plain.verify(..)).unwrap().faults, []);

    let (log, plain) = rough(0, 1);
    let conflict = run(log.append(draft(1))).unwrap_err();
    assert_eq!(conflict, LockError::from(StoreError::Conflict), "it may have happened: read and think again");
    let told = run(plain.entries(..)).unwrap();
    assert_eq!(told.iter().filter(|told| told.people.guest_id == Some(guest(1))).count(), 1);
    assert_eq!(run(plain.verify(..)).unwrap().faults, []);
}

/// R9, R185: an entry is proved under a root with its hash alone, for any part of the chain; a changed entry is not.
#[test]
fn an_entry_is_proved_under_its_root() {
    let rig = Rig::new(600);
    let sealed = run(rig.log.seal(250..=520)).unwrap().unwrap();
    assert_eq!((sealed.from, sealed.to), (250, 520));
    let told = run(rig.log.entries(..)).unwrap();
    for nth in [250, 255, 256, 400, 520] {
        let proof = run(rig.log.prove(nth, &sealed)).unwrap().unwrap();
        let own = told[usize::try_from(nth).unwrap() - 1].hash;
        assert!(proof.leads(own, sealed.root));
        assert!(!proof.leads(told[0].hash, sealed.root));
    }
    for nth in [1, 249, 521] {
        assert_eq!(run(rig.log.prove(nth, &sealed)).unwrap(), None);
    }
    let all = run(rig.log.seal(..)).unwrap().unwrap();
    assert_eq!((all.from, all.to), (1, 600));
    let mut body = rig.entry(300);
    body["entry"] = json!(body["entry"].as_str().unwrap().replace("mock", "salt"));
    rig.put(300, &resealed(body));
    assert_ne!(run(rig.log.seal(250..=520)).unwrap().unwrap().root, sealed.root);
    assert_eq!(run(Rig::new(0).log.seal(..)).unwrap(), None);
}

/// A sink that keeps what a port was asked in the property's chain.
#[derive(Debug)]
struct Kept(AuditLog);

#[async_trait]
impl AuditSink for Kept {
    async fn record(&self, record: AuditRecord) {
        if let Some(draft) = record.draft() {
            self.0.append(draft).await.unwrap();
        }
    }
    fn leave(&self, record: AuditRecord) {
        panic!("{record:?}");
    }
}

/// R136: what a host does at a bare port has its place in the same chain, what it only asks has none.
#[test]
fn a_bare_port_is_audited_in_the_same_chain() {
    let rig = Rig::new(1);
    let (env, _) = env();
    let book = Arc::new(Kept(AuditLog::new(rig.store.clone(), partition("a"), env)));
    let bench =
        Bench::new(|call| (Duration::ZERO, if call == 1 { Err(away(RetryAdvice::Never)) } else { Ok(()) }));
    let port = bench.stack().audit(book).build();
    bench.drive(port.issue_credential(issue("k-1"))).unwrap();
    bench.drive(port.revoke_credential(revoke("k-2"))).unwrap_err();
    bench.drive(port.list_devices(partition("a").property)).unwrap();
    let told = run(rig.log.entries(2..)).unwrap();
    let ends: Vec<_> = told.iter().map(|told| (told.entry.action, told.entry.outcome)).collect();
    assert_eq!(ends, [(Action::Issue, Outcome::Ok), (Action::Revoke, Outcome::Error)]);
    assert!(told.iter().all(|told| told.entry.capabilities.is_some() && told.entry.vendor.is_some()));
    assert_eq!(told[1].entry.failure_reason, Some(FailureReason::Network));
    assert_eq!(rig.faults(), []);
}

/// More than a page: parts can be looked at by themselves, and a fault is found from the part it is in.
#[test]
fn a_part_is_verified_by_itself() {
    let rig = Rig::new(600);
    let checked = |from, to| run(rig.log.verify(from..=to)).unwrap();
    assert_eq!((checked(1, 600).checked, checked(250, 520).checked), (600, 271));
    let mut body = rig.entry(300);
    body["entry"] = json!(body["entry"].as_str().unwrap().replace("mock", "salt"));
    rig.put(300, &body);
    assert_eq!(checked(1, 299).faults, []);
    assert_eq!(checked(301, 600).faults, []);
    for (from, to) in [(1, 600), (300, 300), (256, 511)] {
        assert_eq!(checked(from, to).faults, [Fault::Changed(300)]);
    }
}
