//! The ledger in a file, opened anew by every process that comes after a crash.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{KeyWrap, OsEntropy, SecretError};
use lockport::store::{SqliteStore, Store};

use super::rig::{Kept, Shelf};
use crate::bench::BenchError;

/// The ledger in a SQLite file of its own for every run, in the directory for temporary files.
#[derive(Clone, Copy, Debug, Default)]
pub struct InFile;

#[async_trait]
impl Shelf for InFile {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn fresh(&self) -> Result<Box<dyn Kept>, BenchError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("lockport-fault-loop-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).map_err(told)?;
        Ok(Box::new(KeptInFile { directory }))
    }
}

fn told(error: impl std::fmt::Display) -> BenchError {
    BenchError::new(error.to_string())
}

struct KeptInFile {
    directory: PathBuf,
}

impl Drop for KeptInFile {
    fn drop(&mut self) {
        // What cannot be tidied away now is tidied away with the other temporary files.
        let _left = std::fs::remove_dir_all(&self.directory);
    }
}

#[async_trait]
impl Kept for KeptInFile {
    async fn open(&self) -> Result<Arc<dyn Store>, BenchError> {
        let path = self.directory.join("ledger.db");
        let store = SqliteStore::open(&path, &Turned, Arc::new(OsEntropy)).await.map_err(told)?;
        Ok(Arc::new(store))
    }

    fn on_disk(&self) -> Result<Vec<u8>, BenchError> {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(told)? {
            bytes.extend(std::fs::read(entry.map_err(told)?.path()).map_err(told)?);
        }
        Ok(bytes)
    }
}

/// A wrapping that hides nothing from anybody who looks twice: the ledger of a run guards no door.
#[derive(Debug)]
struct Turned;

fn turned(key: &[u8]) -> Vec<u8> {
    key.iter().map(|byte| !byte).collect()
}

#[async_trait]
impl KeyWrap for Turned {
    fn current_key(&self) -> String {
        "turned".to_owned()
    }

    async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
        // EXPOSE: the key of a run's own ledger.
        Ok(turned(data_key.expose()))
    }

    async fn unwrap(&self, _key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
        Ok(Secret::new(turned(wrapped)))
    }
}
