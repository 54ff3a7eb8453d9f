//! The file in which a vendor team keeps what is known not to hold yet, each with its reason.

use std::fmt;

use async_trait::async_trait;
use lockport::credential::KeyCredentialKind;
use serde::Deserialize;

use crate::bench::{Bench, BenchError};
use crate::harness::{Exemption, Harness};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exempt: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    case: String,
    kind: Option<KeyCredentialKind>,
    reason: String,
}

/// A ledger that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerError(String);

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ledger of exemptions cannot be read: {}", self.0)
    }
}

impl std::error::Error for LedgerError {}

/// The exemptions in the text of a `contract.toml`:
///
/// ```toml
/// [[exempt]]
/// case = "TIME-003"
/// kind = "pin_code"          # for this kind only; for all when left out
/// reason = "the sandbox shows nobody its clock"
/// ```
///
/// # Errors
/// When the text is no such file: an unknown word counts as a mistake, not as nothing.
pub fn parse_ledger(text: &str) -> Result<Vec<Exemption>, LedgerError> {
    let file: File = toml::from_str(text).map_err(|error| LedgerError(error.to_string()))?;
    let exemption = |Entry { case, kind, reason }| Exemption { case, kind, reason };
    Ok(file.exempt.into_iter().map(exemption).collect())
}

/// A harness with the exemptions of a ledger beside its own.
pub struct Excused<'a> {
    inner: &'a dyn Harness,
    exemptions: Vec<Exemption>,
}

impl fmt::Debug for Excused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excused").field("exemptions", &self.exemptions).finish_non_exhaustive()
    }
}

impl<'a> Excused<'a> {
    /// This harness, with these exemptions too.
    #[must_use]
    pub fn new(inner: &'a dyn Harness, ledger: Vec<Exemption>) -> Self {
        let exemptions = inner.exemptions().iter().cloned().chain(ledger).collect();
        Self { inner, exemptions }
    }
}

#[async_trait]
impl Harness for Excused<'_> {
    async fn open(&self, seed: u64) -> Result<Bench, BenchError> {
        self.inner.open(seed).await
    }

    fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }
}
