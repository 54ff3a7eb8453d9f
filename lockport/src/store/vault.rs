//! The vault: what a stored body looks like on disk (R110, R175).
//!
//! A body is sealed with XChaCha20-Poly1305 under a data key; the data keys are wrapped by the host's [`KeyWrap`] and stand
//! beside the rows. The envelope is `version (1) | data key (4, big endian) | nonce (24) | ciphertext and tag`. What a body is
//! bound to (tenant, property, table, row) is authenticated with it: a row that is moved does not open.

use std::collections::BTreeMap;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::{Partition, StoreError, Table};
use crate::env::{Entropy, KeyWrap};
use crate::secret::Secret;

/// The envelope's version, which names its algorithm too.
const VERSION: u8 = 1;
/// Bytes before the ciphertext.
const HEAD: usize = 1 + 4 + NONCE;
const NONCE: usize = 24;
const DATA_KEY: usize = 32;

/// A data key as it is kept: wrapped, under the name of the key that wraps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrappedKey {
    pub(super) id: u32,
    pub(super) wrapping_key: String,
    pub(super) wrapped: Vec<u8>,
}

/// Opens and closes bodies. Holds the data keys in the clear, in memory only.
#[derive(Debug)]
pub(super) struct Vault {
    keys: BTreeMap<u32, Secret<Vec<u8>>>,
    entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// Unwraps the data keys that are there, and makes the first where there is none. What is returned beside the vault has to
    /// be kept before anything is sealed: keys that are new, and keys that the host's key in force wraps anew (rotation).
    pub(super) async fn open(
        kept: &[WrappedKey],
        wrap: &dyn KeyWrap,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Vec<WrappedKey>), StoreError> {
        let mut keys = BTreeMap::new();
        let mut to_keep = Vec::new();
        let current = wrap.current_key();
        for key in kept {
            let clear =
                wrap.unwrap(&key.wrapping_key, &key.wrapped).await.map_err(|_| StoreError::Unavailable)?;
            if key.wrapping_key != current {
                let wrapped = wrap.wrap(&clear).await.map_err(|_| StoreError::Unavailable)?;
                to_keep.push(WrappedKey { id: key.id, wrapping_key: current.clone(), wrapped });
            }
            keys.insert(key.id, clear);
        }
        // A new data key at each rotation: the old ones open what they sealed, and seal nothing more.
        if keys.is_empty() || !to_keep.is_empty() {
            let id = keys.keys().next_back().map_or(1, |last| last.saturating_add(1));
            let mut bytes = vec![0_u8; DATA_KEY];
            entropy.fill(&mut bytes).map_err(|_| StoreError::Unavailable)?;
            let clear = Secret::new(bytes);
            let wrapped = wrap.wrap(&clear).await.map_err(|_| StoreError::Unavailable)?;
            to_keep.push(WrappedKey { id, wrapping_key: current, wrapped });
            keys.insert(id, clear);
        }
        Ok((Self { keys, entropy }, to_keep))
    }

    fn cipher(&self, id: u32) -> Result<XChaCha20Poly1305, StoreError> {
        let key = self.keys.get(&id).ok_or(StoreError::Corrupt)?;
        // EXPOSE: the data key, into the cipher.
        let key = Key::try_from(key.expose().as_slice()).map_err(|_| StoreError::Corrupt)?;
        Ok(XChaCha20Poly1305::new(&key))
    }

    pub(super) fn seal(&self, bound_to: &[u8], body: &Secret<Vec<u8>>) -> Result<Vec<u8>, StoreError> {
        let id = *self.keys.keys().next_back().ok_or(StoreError::Corrupt)?;
        let mut nonce = [0_u8; NONCE];
        self.entropy.fill(&mut nonce).map_err(|_| StoreError::Unavailable)?;
        // EXPOSE: the body, into the cipher.
        let payload = Payload { msg: body.expose(), aad: bound_to };
        let sealed =
            self.cipher(id)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| StoreError::Corrupt)?;
        let mut envelope = Vec::with_capacity(HEAD.saturating_add(sealed.len()));
        envelope.push(VERSION);
        envelope.extend_from_slice(&id.to_be_bytes());
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        Ok(envelope)
    }

    pub(super) fn open_body(&self, bound_to: &[u8], envelope: &[u8]) -> Result<Secret<Vec<u8>>, StoreError> {
        let (version, rest) = envelope.split_first().ok_or(StoreError::Corrupt)?;
        let (id, rest) = rest.split_first_chunk::<4>().ok_or(StoreError::Corrupt)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(StoreError::Corrupt)?;
        if *version != VERSION {
            return Err(StoreError::Corrupt);
        }
        let payload = Payload { msg: sealed, aad: bound_to };
        let opened = self.cipher(u32::from_be_bytes(*id))?.decrypt(&XNonce::from(*nonce), payload);
        opened.map(Secret::new).map_err(|_| StoreError::Corrupt)
    }
}

/// What a body is bound to: fixed lengths first, so that no two rows are bound alike.
pub(super) fn bound_to(partition: Partition, table: Table, id: &str) -> Vec<u8> {
    let mut bytes = b"lockport/body/v1".to_vec();
    bytes.extend_from_slice(&partition.tenant.to_bytes());
    bytes.extend_from_slice(&partition.property.to_bytes());
    bytes.push(table as u8);
    bytes.extend_from_slice(id.as_bytes());
    bytes
}
