//! Retention: what nobody can ask for any more is dropped.

use super::Adapter;
use super::record::{CredentialRecord, ProgramRecord, lock_of_credential};
use crate::driver::VendorDriver;
use crate::error::LockError;
use crate::store::{Stored, Transaction};

/// How many operations, and how many credentials, are dropped at a time.
const PAGE: usize = 64;

impl<D: VendorDriver> Adapter<D> {
    /// Drops operations whose outcome nobody may ask for any more, and credentials with their grants, [`REMEMBERED`] after their
    /// window is over; a page of each. A credential that is still worked on stays. Calls nobody.
    ///
    /// # Errors
    /// What the store says.
    ///
    /// [`REMEMBERED`]: crate::store::ledger::REMEMBERED
    pub(super) async fn drop_outlived(&self) -> Result<(), LockError> {
        let (store, partition, now) = (self.ledger.store(), self.partition, self.env.now());
        let mut transaction = Transaction::new(&self.env)?;
        for operation in Stored::<ProgramRecord>::due(store, partition, now, PAGE).await? {
            transaction.delete(&operation);
        }
        for credential in Stored::<CredentialRecord>::due(store, partition, now, PAGE).await? {
            let id = credential.value.id;
            if self.ledger.forget_lock(&lock_of_credential(id), &mut transaction).await? {
                self.grants_of(id).await?.iter().for_each(|grant| transaction.delete(grant));
                transaction.delete(&credential);
            }
        }
        if transaction.is_empty() {
            return Ok(());
        }
        match transaction.commit(store, partition).await {
            // Another instance does the same, or somebody needs one of them after all.
            Err(error) if error.is_store_conflict() => Ok(()),
            other => other,
        }
    }
}
