//! Where the desk's state is while no process runs.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use lockport::Secret;
use lockport::env::{Entropy as _, KeyWrap, OsEntropy, SecretError};
use lockport::store::{MemoryStore, SqliteStore, Store};

use super::HouseError;
use crate::front_desk::record::Record;

/// Where the desk's state is: it is there before the process and after it.
#[derive(Clone, Debug)]
pub enum StoreAt {
    /// In memory, for as long as the rehearsal goes on.
    Memory(Arc<MemoryStore>),
    /// In this file, which is made where there is none.
    File(PathBuf),
    /// In the file of this record, from where the record has come to.
    Recorded(Record),
}

impl Default for StoreAt {
    fn default() -> Self {
        Self::Memory(Arc::default())
    }
}

impl StoreAt {
    /// What a process does when it starts. A file is opened anew each time.
    ///
    /// # Errors
    /// [`HouseError::Store`] when the file cannot be opened, or is no store.
    pub async fn open(&self) -> Result<Arc<dyn Store>, HouseError> {
        let path = match self {
            Self::Memory(store) => return Ok(store.clone()),
            Self::File(path) => path.clone(),
            Self::Recorded(record) => record.path(),
        };
        // Not the rehearsal's own randomness: what a file was sealed with before must not be drawn once more.
        let store = SqliteStore::open(&path, &RehearsalKey, Arc::new(OsEntropy)).await;
        store
            .map(|store| -> Arc<dyn Store> { Arc::new(store) })
            .map_err(|error| HouseError::Store { path, error })
    }
}

/// The key under which a rehearsal wraps its file's data keys. It stands in the program, for everybody to read, because nothing
/// that a rehearsal keeps opens a real door; a key file beside the store would only look like protection. A real host wraps with
/// its KMS or its keychain.
const REHEARSAL_KEY: [u8; 32] = *b"lockport rehearsal, not a secret";
const REHEARSAL_KEY_NAME: &str = "rehearsal/v1";

const NONCE: usize = 24;

#[derive(Debug)]
struct RehearsalKey;

fn cipher() -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(REHEARSAL_KEY))
}

#[async_trait]
impl KeyWrap for RehearsalKey {
    fn current_key(&self) -> String {
        REHEARSAL_KEY_NAME.to_owned()
    }

    async fn wrap(&self, data_key: &Secret<Vec<u8>>) -> Result<Vec<u8>, SecretError> {
        let mut nonce = [0_u8; NONCE];
        OsEntropy.fill(&mut nonce).map_err(|_| SecretError::Unavailable)?;
        // EXPOSE: the data key, into the cipher.
        let sealed = cipher()
            .encrypt(&XNonce::from(nonce), data_key.expose().as_slice())
            .map_err(|_| SecretError::Unavailable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    async fn unwrap(&self, key: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, SecretError> {
        let known = wrapped.split_first_chunk::<NONCE>().filter(|_| key == REHEARSAL_KEY_NAME);
        let (nonce, sealed) = known.ok_or(SecretError::Missing)?;
        let opened = cipher().decrypt(&XNonce::from(*nonce), sealed);
        opened.map(Secret::new).map_err(|_| SecretError::Missing)
    }
}
