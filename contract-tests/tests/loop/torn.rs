//! Rows that are not what was written: told as such, nothing at the vendor, nothing overwritten.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockport::adapter::Adapter;
use lockport::store::{Batch, MemoryStore, Partition, Row, Store, StoreError, Table};
use lockport::{FailureReason, LockError, LockPort as _, Secret, Timestamp};
use lockport_mock::{MockDriver, Personality};

use crate::house::House;

/// What is wrong with the rows of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// The body does not unseal.
    Sealed,
    /// The body is cut off.
    Cut,
    /// The body says what only a newer version understands.
    Newer,
}

#[derive(Debug)]
struct Torn {
    inner: MemoryStore,
    wrong: Mutex<Option<(Table, Wrong)>>,
    commits: Mutex<usize>,
}

impl Torn {
    fn new() -> Self {
        Self { inner: MemoryStore::new(), wrong: Mutex::default(), commits: Mutex::default() }
    }

    fn tear(&self, table: Table, mut row: Row) -> Result<Row, StoreError> {
        let Some((_, wrong)) = self.wrong.lock().unwrap().filter(|(of, _)| *of == table) else {
            return Ok(row);
        };
        // EXPOSE: torn, for a test.
        let text = String::from_utf8(row.body.expose().clone()).unwrap();
        let torn = match wrong {
            Wrong::Sealed => return Err(StoreError::Corrupt),
            Wrong::Cut => text[..text.len() / 2].to_owned(),
            // Every state and verb has another name.
            Wrong::Newer => text
                .replace("\"Live\"", "\"Half\"")
                .replace("\"Active\"", "\"Half\"")
                .replace("\"Issue\"", "\"Lend\"")
                .replace("\"open\":", "\"ajar\":"),
        };
        row.body = Secret::new(torn.into_bytes());
        Ok(row)
    }
}

#[async_trait]
impl Store for Torn {
    async fn read(&self, of: Partition, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.inner.read(of, table, id).await?.map(|row| self.tear(table, row)).transpose()
    }

    async fn find(&self, of: Partition, table: Table, term: &str) -> Result<Vec<Row>, StoreError> {
        let rows = self.inner.find(of, table, term).await?;
        rows.into_iter().map(|row| self.tear(table, row)).collect()
    }

    async fn due(
        &self,
        of: Partition,
        table: Table,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.inner.due(of, table, until, limit).await?;
        rows.into_iter().map(|row| self.tear(table, row)).collect()
    }

    async fn commit(&self, of: Partition, batch: &Batch) -> Result<(), StoreError> {
        *self.commits.lock().unwrap() += 1;
        self.inner.commit(of, batch).await
    }
}

/// Each verb once, under this key.
async fn every_verb(house: &House, process: &Adapter<MockDriver>) -> Vec<(&'static str, Option<LockError>)> {
    let tenant = house.bench.site.tenant;
    let issue = house.issue("ada", &[0]);
    let id = issue.resulting_id();
    let update = house.update(id, "move").with_rooms(vec![house.room(1)]);
    let reason = lockport::credential::SuspendReason::Manual;
    let suspend = lockport::credential::SuspendInput::new(tenant, id, reason, "suspend".parse().unwrap());
    vec![
        ("issue", process.issue_credential(issue).await.err()),
        ("update", process.update_credential(update).await.err()),
        ("suspend", process.suspend_credential(suspend).await.err()),
        ("revoke", process.revoke_credential(house.revoke(id, "revoke")).await.err()),
    ]
}

#[tokio::test]
async fn a_row_that_cannot_be_read_stops_whoever_needs_it_before_anything_is_sent() {
    // The table, and who needs none of it.
    let tables: [(Table, &[&str]); 4] = [
        (Table::Operation, &["update", "suspend", "revoke"]),
        (Table::Grant, &["issue"]),
        (Table::Credential, &["issue"]),
        (Table::Lock, &["issue"]),
    ];
    for (table, spared) in tables {
        for wrong in [Wrong::Sealed, Wrong::Cut, Wrong::Newer] {
            let store = Arc::new(Torn::new());
            let house = House::with_store(Personality::PerDoor, store.clone());
            let process = house.process("one", house.driver());
            process.issue_credential(house.issue("ada", &[0])).await.unwrap();
            *store.wrong.lock().unwrap() = Some((table, wrong));
            let what = format!("{table:?} {wrong:?}");
            if table == Table::Operation {
                // Who needs none of it goes on; only the one that is torn does not.
                let error = process.issue_credential(house.issue("ada", &[0])).await.unwrap_err();
                assert_eq!(error.reason(), FailureReason::StoreCorrupt, "{what}");
                continue;
            }
            let before = (house.bench.vendor.calls(), *store.commits.lock().unwrap());
            for (verb, error) in every_verb(&house, &process).await {
                match error {
                    Some(error) => assert_eq!(error.reason(), FailureReason::StoreCorrupt, "{what}, {verb}"),
                    None => assert!(spared.contains(&verb), "{what}: {verb} did not need it"),
                }
            }
            let after = (house.bench.vendor.calls(), *store.commits.lock().unwrap());
            assert_eq!(before.0, after.0, "{what}: something was sent");
            // Whole again, everything is as before.
            *store.wrong.lock().unwrap() = None;
            for (verb, error) in every_verb(&house, &process).await {
                assert!(error.is_none(), "{what}, {verb}, whole again: {error:?}");
            }
            assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0, "{what}");
        }
    }
}

/// An operation that cannot go on because of what it cannot read is not told as done.
#[tokio::test]
async fn what_cannot_be_carried_on_counts_as_open_and_stands_in_the_way() {
    let store = Arc::new(Torn::new());
    let house = House::with_store(Personality::PerDoor, store.clone());
    let process = house.process("one", house.driver());
    house.bench.vendor.push_fault(lockport_mock::Fault::LoseReply);
    let issue = house.issue("ada", &[0]);
    process.issue_credential(issue.clone()).await.unwrap_err();
    *store.wrong.lock().unwrap() = Some((Table::Grant, Wrong::Cut));
    assert_eq!(process.sweep().await.unwrap(), 1);
    let update = house.update(issue.resulting_id(), "move").with_rooms(vec![house.room(1)]);
    let error = process.update_credential(update).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::StoreCorrupt);
    *store.wrong.lock().unwrap() = None;
    assert_eq!(process.sweep().await.unwrap(), 0);
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1);
}

#[cfg(feature = "sqlite")]
mod file {
    use std::path::{Path, PathBuf};

    use lockport::env::{KeyWrap, OsEntropy, SecretError};
    use lockport::store::SqliteStore;

    use super::*;

    /// Hides nothing: the ledger of this test guards no door.
    #[derive(Debug)]
    struct Plain;

    #[async_trait]
    impl KeyWrap for Plain {
        fn current_key(&self) -> String {
            "plain".to_owned()
        }

        async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
            // EXPOSE: as above.
            Ok(data_key.expose().clone())
        }

        async fn unwrap(&self, _key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
            Ok(Secret::new(wrapped.to_vec()))
        }
    }

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _left = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn open(file: &Path) -> Option<Arc<dyn Store>> {
        let store = SqliteStore::open(file, &Plain, Arc::new(OsEntropy)).await.ok()?;
        Some(Arc::new(store))
    }

    /// A file with a key in it, torn in one place; what comes of asking for the key again, and of taking it away.
    async fn torn(whole: &[u8], house: &mut House, folder: &Folder, tear: impl Fn(&mut Vec<u8>), what: &str) {
        let file = folder.0.join("torn.db");
        for name in ["torn.db", "torn.db-wal", "torn.db-shm"] {
            let _none = std::fs::remove_file(folder.0.join(name));
        }
        let mut bytes = whole.to_vec();
        tear(&mut bytes);
        std::fs::write(&file, &bytes).unwrap();
        // A file that is no store is told so, and nothing is lost with it.
        let Some(store) = open(&file).await else { return };
        house.store = store;
        let process = house.process("next", house.driver());
        let made = house.bench.vendor.effects_made();
        let _told = process.issue_credential(house.issue("ada", &[0])).await;
        let _told = process.sweep().await;
        assert_eq!(house.bench.vendor.effects_made(), made, "{what}: the key was made again");
        assert_eq!(house.bench.vendor.live_grants(house.door(0)), 1, "{what}: the key is gone");
    }

    #[tokio::test]
    async fn a_file_that_is_cut_or_flipped_makes_no_second_key_and_loses_none() {
        let folder = Folder(std::env::temp_dir().join(format!("lockport-torn-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        let file = folder.0.join("whole.db");
        let mut house = House::with_store(Personality::PerDoor, open(&file).await.unwrap());
        let process = house.process("one", house.driver());
        process.issue_credential(house.issue("ada", &[0])).await.unwrap();
        drop(process);
        house.store = Arc::new(MemoryStore::new());
        let whole = std::fs::read(&file).unwrap();
        assert!(whole.len() >= 6 * 4096, "{} bytes are in the file", whole.len());
        for page in 0..whole.len() / 4096 {
            let at = page * 4096;
            // An empty file is a new one, as one that is not there; so, to SQLite, is one of a single byte.
            let cut = at.max(100);
            torn(&whole, &mut house, &folder, |bytes| bytes.truncate(cut), &format!("cut at {cut}")).await;
            for offset in [5, 1_024, 2_048, 3_500, 3_800, 4_000, 4_090] {
                let what = format!("flipped at {at}+{offset}");
                torn(&whole, &mut house, &folder, |bytes| bytes[at + offset] ^= 0x41, &what).await;
            }
        }
    }
}
