//! The promises of `Store`, one suite for every implementation.

use std::sync::Arc;

use chrono::TimeDelta;
use lockport::Secret;
use lockport::store::slots::{Lease, SlotValue, Slots};
use lockport::store::{
    Batch, Content, MemoryStore, Partition, Record, Store, StoreError, Stored, Table, Transaction, Write,
};
use serde::{Deserialize, Serialize};

use crate::rig::{now, partition, run};

fn content(body: &str) -> Option<Content> {
    Some(Content { due: None, terms: Vec::new(), body: Secret::new(body.as_bytes().to_vec()) })
}

fn write(id: &str, expected: u64, content: Option<Content>) -> Write {
    Write { table: Table::Key, id: id.to_owned(), expected, content }
}

fn body(store: &dyn Store, of: Partition, id: &str) -> Option<(u64, String)> {
    let row = run(store.read(of, Table::Key, id)).unwrap()?;
    Some((row.revision, String::from_utf8(row.body.expose().clone()).unwrap()))
}

/// Every promise, over a fresh store each.
fn judge(fresh: impl Fn() -> Arc<dyn Store>) {
    for (name, promise) in PROMISES {
        let store = fresh();
        let kept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| promise(&*store)));
        assert!(kept.is_ok(), "not kept: {name}");
    }
}

type Promise = fn(&dyn Store);

const PROMISES: &[(&str, Promise)] = &[
    ("what is committed is read", committed_is_read),
    ("a moved revision is a conflict and changes nothing", all_or_nothing),
    ("the same batch may be committed again", repeatable),
    ("a batch of another name may not", not_by_another),
    ("partitions and tables do not meet", walls),
    ("rows are found by their terms, and no longer by old ones", terms),
    ("due rows come in the order of their time", due),
    ("a deleted row is gone and may come again", deletion),
];

fn committed_is_read(store: &dyn Store) {
    let of = partition("a");
    assert_eq!(body(store, of, "k"), None);
    run(store.commit(of, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
    assert_eq!(body(store, of, "k"), Some((1, "one".to_owned())));
    run(store.commit(of, &Batch { id: 2, writes: vec![write("k", 1, content("two"))] })).unwrap();
    assert_eq!(body(store, of, "k"), Some((2, "two".to_owned())));
}

fn all_or_nothing(store: &dyn Store) {
    let of = partition("a");
    run(store.commit(of, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
    for stale in [0, 2] {
        let writes = vec![write("other", 0, content("x")), write("k", stale, content("two"))];
        assert_eq!(run(store.commit(of, &Batch { id: 2, writes })), Err(StoreError::Conflict));
    }
    assert_eq!(body(store, of, "k"), Some((1, "one".to_owned())));
    assert_eq!(body(store, of, "other"), None);
}

fn repeatable(store: &dyn Store) {
    let of = partition("a");
    let batch = Batch { id: 1, writes: vec![write("k", 0, content("one")), write("l", 0, content("two"))] };
    run(store.commit(of, &batch)).unwrap();
    run(store.commit(of, &batch)).unwrap();
    assert_eq!(body(store, of, "k"), Some((1, "one".to_owned())));
    let away = Batch { id: 2, writes: vec![write("k", 1, None)] };
    run(store.commit(of, &away)).unwrap();
    run(store.commit(of, &away)).unwrap();
    assert_eq!(body(store, of, "k"), None);
}

fn not_by_another(store: &dyn Store) {
    let of = partition("a");
    run(store.commit(of, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
    let other = Batch { id: 2, writes: vec![write("k", 0, content("one"))] };
    assert_eq!(run(store.commit(of, &other)), Err(StoreError::Conflict));
}

fn walls(store: &dyn Store) {
    let (one, two) = (partition("a"), partition("b"));
    run(store.commit(one, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
    assert_eq!(body(store, two, "k"), None);
    assert!(run(store.read(one, Table::Task, "k")).unwrap().is_none());
    assert!(run(store.find(two, Table::Key, "")).unwrap().is_empty());
    let mixed = Partition { tenant: one.tenant, property: two.property };
    assert_eq!(body(store, mixed, "k"), None);
    run(store.commit(two, &Batch { id: 2, writes: vec![write("k", 0, content("two"))] })).unwrap();
    assert_eq!(body(store, one, "k"), Some((1, "one".to_owned())));
}

fn terms(store: &dyn Store) {
    let of = partition("a");
    let with = |terms: &[&str]| {
        content("x")
            .map(|content| Content { terms: terms.iter().map(ToString::to_string).collect(), ..content })
    };
    let writes =
        vec![write("b", 0, with(&["open", "x"])), write("a", 0, with(&["open"])), write("c", 0, with(&[]))];
    run(store.commit(of, &Batch { id: 1, writes })).unwrap();
    let found = |term: &str| -> Vec<String> {
        run(store.find(of, Table::Key, term)).unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(found("open"), ["a", "b"]);
    let read = run(store.read(of, Table::Key, "b")).unwrap().unwrap();
    assert_eq!((found("x"), read.terms), (vec!["b".to_owned()], vec!["open".to_owned(), "x".to_owned()]));
    assert_eq!(found("ope"), [""; 0]);
    assert_eq!(found(""), ["a", "b", "c"]);
    run(store.commit(of, &Batch { id: 2, writes: vec![write("b", 1, with(&["shut"]))] })).unwrap();
    assert_eq!(found("open"), ["a"]);
    assert_eq!(found("shut"), ["b"]);
}

fn due(store: &dyn Store) {
    let of = partition("a");
    let at = |seconds| now() + TimeDelta::seconds(seconds);
    let due = |seconds| content("x").map(|content| Content { due: Some(at(seconds)), ..content });
    let writes = vec![
        write("late", 0, due(30)),
        write("b", 0, due(10)),
        write("a", 0, due(10)),
        write("never", 0, content("x")),
    ];
    run(store.commit(of, &Batch { id: 1, writes })).unwrap();
    let up_to = |seconds, limit| -> Vec<String> {
        run(store.due(of, Table::Key, at(seconds), limit)).unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(up_to(9, 9), [""; 0]);
    assert_eq!(up_to(10, 9), ["a", "b"]);
    assert_eq!(up_to(99, 9), ["a", "b", "late"]);
    assert_eq!(up_to(99, 1), ["a"]);
    run(store.commit(of, &Batch { id: 2, writes: vec![write("a", 1, content("x"))] })).unwrap();
    assert_eq!(up_to(10, 9), ["b"]);
}

fn deletion(store: &dyn Store) {
    let of = partition("a");
    run(store.commit(of, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
    assert_eq!(
        run(store.commit(of, &Batch { id: 2, writes: vec![write("k", 7, None)] })),
        Err(StoreError::Conflict)
    );
    run(store.commit(of, &Batch { id: 3, writes: vec![write("k", 1, None)] })).unwrap();
    assert_eq!(body(store, of, "k"), None);
    run(store.commit(of, &Batch { id: 4, writes: vec![write("k", 0, content("two"))] })).unwrap();
    assert_eq!(body(store, of, "k"), Some((1, "two".to_owned())));
}

#[test]
fn the_memory_store_keeps_the_promises() {
    judge(|| Arc::new(MemoryStore::new()));
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use lockport::env::{KeyWrap, SecretError, SeededEntropy};
    use lockport::store::{OpenError, SqliteStore};

    use super::*;

    /// A wrapping key that is only a name: it "wraps" by masking with a byte of its own, which is all that the store's tests
    /// need of a KMS.
    #[derive(Debug)]
    struct Wrap(u8);

    #[async_trait]
    impl KeyWrap for Wrap {
        fn current_key(&self) -> String {
            format!("kek-{}", self.0)
        }

        async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
            Ok(data_key.expose().iter().map(|byte| byte ^ self.0).collect())
        }

        async fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
            let mask: u8 =
                key.strip_prefix("kek-").and_then(|n| n.parse().ok()).ok_or(SecretError::Missing)?;
            if mask.abs_diff(self.0) > 1 {
                return Err(SecretError::Missing);
            }
            Ok(Secret::new(wrapped.iter().map(|byte| byte ^ mask).collect()))
        }
    }

    /// A file that goes with the test.
    struct File(PathBuf);

    impl File {
        fn new() -> Self {
            static NTH: AtomicU32 = AtomicU32::new(0);
            let nth = NTH.fetch_add(1, Ordering::Relaxed);
            let file = std::env::temp_dir().join(format!("lockport-store-{}-{nth}.db", std::process::id()));
            let _ = std::fs::remove_file(&file);
            Self(file)
        }

        fn open(&self, wrap: u8) -> Result<SqliteStore, OpenError> {
            run(SqliteStore::open(&self.0, &Wrap(wrap), Arc::new(SeededEntropy::new(u64::from(wrap)))))
        }

        /// Everything that is on disk, the write-ahead log too.
        fn bytes(&self) -> Vec<u8> {
            let mut all = std::fs::read(&self.0).unwrap();
            all.extend(std::fs::read(self.0.with_extension("db-wal")).unwrap_or_default());
            all
        }

        fn sql(&self, sql: &str) {
            rusqlite::Connection::open(&self.0).unwrap().execute_batch(sql).unwrap();
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            for extension in ["db", "db-wal", "db-shm"] {
                let _ = std::fs::remove_file(self.0.with_extension(extension));
            }
        }
    }

    #[test]
    fn sqlite_keeps_the_promises() {
        let files = std::cell::RefCell::new(Vec::new());
        judge(|| {
            let file = File::new();
            let store = file.open(7).unwrap();
            files.borrow_mut().push(file);
            Arc::new(store)
        });
    }

    /// R110: no body is on disk in the clear, and what was committed is there after the store was opened anew.
    #[test]
    fn bodies_are_sealed_on_disk_and_outlive_the_process() {
        let file = File::new();
        let of = partition("a");
        let canary = "CANARY-274913";
        {
            let store = file.open(7).unwrap();
            run(store.commit(of, &Batch { id: 1, writes: vec![write("k", 0, content(canary))] })).unwrap();
            let found = file.bytes().windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "the body is on disk in the clear");
        }
        assert_eq!(body(&file.open(7).unwrap(), of, "k"), Some((1, canary.to_owned())));
    }

    /// A row that is moved to another tenant, another table or another name does not open.
    #[test]
    fn a_row_that_is_moved_does_not_open() {
        let (one, two) = (partition("a"), partition("b"));
        for moved in [
            format!("UPDATE rows SET tenant = '{}', property = '{}'", two.tenant, two.property),
            "UPDATE rows SET tbl = 8".to_owned(),
            "UPDATE rows SET id = 'other'".to_owned(),
            "UPDATE rows SET body = x'01'".to_owned(),
            "UPDATE rows SET body = x''".to_owned(),
        ] {
            let file = File::new();
            let store = file.open(7).unwrap();
            run(store.commit(one, &Batch { id: 1, writes: vec![write("k", 0, content("one"))] })).unwrap();
            file.sql(&moved);
            let places = [
                (one, Table::Key, "k"),
                (two, Table::Key, "k"),
                (one, Table::Task, "k"),
                (one, Table::Key, "other"),
            ];
            let read: Vec<_> =
                places.map(|(of, table, id)| run(store.read(of, table, id)).map(|row| row.is_some())).into();
            assert!(
                read.contains(&Err(StoreError::Corrupt)) && !read.contains(&Ok(true)),
                "{moved}: {read:?}"
            );
        }
    }

    /// R175, R176: after the host's key has changed, old rows open, new rows are sealed under a new data key, and the old
    /// wrapping key is no longer needed.
    #[test]
    fn rotation_keeps_old_rows_readable_and_lets_the_old_key_go() {
        let file = File::new();
        let of = partition("a");
        let commit = |store: &SqliteStore, id: u128, name: &str| {
            run(store.commit(of, &Batch { id, writes: vec![write(name, 0, content(name))] })).unwrap();
        };
        commit(&file.open(7).unwrap(), 1, "old");
        commit(&file.open(8).unwrap(), 2, "new");
        // Key 9 can no longer unwrap what 7 wrapped: all that is left is wrapped by 8.
        let store = file.open(9).unwrap();
        assert_eq!(body(&store, of, "old"), Some((1, "old".to_owned())));
        assert_eq!(body(&store, of, "new"), Some((1, "new".to_owned())));
        assert_eq!(file.open(50).err(), Some(OpenError::Keys));
    }

    #[test]
    fn a_newer_file_and_what_is_no_file_are_refused() {
        let file = File::new();
        drop(file.open(7).unwrap());
        file.sql("PRAGMA user_version = 99");
        assert_eq!(file.open(7).err(), Some(OpenError::Newer));
        // Another program's file is left as it is.
        let foreign = File::new();
        foreign.sql("CREATE TABLE theirs (x)");
        let before = std::fs::read(&foreign.0).unwrap();
        assert_eq!(foreign.open(7).err(), Some(OpenError::File));
        assert_eq!(std::fs::read(&foreign.0).unwrap(), before);
        std::fs::write(&file.0, b"this is no database, and it is long enough to look at").unwrap();
        let _ = std::fs::remove_file(file.0.with_extension("db-wal"));
        assert_eq!(file.open(7).err(), Some(OpenError::File));
    }
}

/// A record of a table that a test names.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named<const TASK: bool>(String);

impl<const TASK: bool> Record for Named<TASK> {
    const TABLE: Table = if TASK { Table::Task } else { Table::Key };

    fn id(&self) -> String {
        "same".to_owned()
    }
}

/// In one transaction the last word on a row stands, and rows of two tables with one id are two.
#[test]
fn a_row_put_twice_is_written_as_it_was_put_last() {
    let (env, _) = crate::rig::env();
    let (store, of) = (MemoryStore::new(), partition("a"));
    let mut key = Stored::fresh(Named::<false>("first".to_owned()));
    let mut task = Stored::fresh(Named::<true>("task".to_owned()));
    let mut transaction = Transaction::new(&env).unwrap();
    transaction.put(&mut key).unwrap();
    transaction.put(&mut task).unwrap();
    key.value.0 = "last".to_owned();
    transaction.put(&mut key).unwrap();
    run(transaction.commit(&store, of)).unwrap();
    let key = run(Stored::<Named<false>>::read(&store, of, "same")).unwrap().unwrap();
    let task = run(Stored::<Named<true>>::read(&store, of, "same")).unwrap().unwrap();
    assert_eq!((&*key.value.0, &*task.value.0), ("last", "task"));
}

/// One instance at a time makes what all share; who died over it is followed when his lease is over, and a clock that was set back
/// keeps nobody out.
#[test]
fn a_slot_is_filled_by_one_at_a_time() {
    let (env, clock) = crate::rig::env();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let slots = |owner: &str| Slots::new(store.clone(), partition("a"), env.clone(), owner.to_owned());
    let (one, two) = (slots("one"), slots("two"));
    let text = |slots: &Slots| {
        let found = run(slots.get("token")).unwrap();
        found.map(|found| found.value.expose().clone())
    };
    let is_ours = |slots: &Slots| matches!(run(slots.lease("token", 30)).unwrap(), Lease::Yours);
    assert!(text(&one).is_none() && is_ours(&one) && is_ours(&one) && !is_ours(&two));
    clock.advance(TimeDelta::seconds(29));
    assert!(!is_ours(&two));
    let value = SlotValue { value: Secret::new("made".to_owned()), expires: None };
    run(one.put("token", value)).unwrap();
    assert_eq!(text(&two).as_deref(), Some("made"));
    assert!(is_ours(&two), "it is let go with the value");
    clock.advance(TimeDelta::seconds(30));
    assert!(is_ours(&one), "two died over it");
    clock.set(now() - TimeDelta::hours(1));
    assert!(is_ours(&two), "nobody can say how much is left of it");
    let next = |value: Option<Secret>| {
        let text = value.map_or_else(String::new, |value| value.expose().clone());
        Ok(SlotValue { value: Secret::new(format!("{text} and more")), expires: None })
    };
    run(one.change("token", next)).unwrap();
    assert_eq!(text(&one).as_deref(), Some("made and more"));
}
