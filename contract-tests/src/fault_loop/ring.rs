//! Everything that ever opened a door, or could have.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockport::Secret;
use lockport::credential::{Artifact, KeyCredentialKind};
use lockport::driver::GrantOrder;
use lockport::id::KeyCredentialId;

/// Everything that was ever sent to the vendor, or made by it, to open a door with.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    artifacts: Mutex<BTreeMap<KeyCredentialId, Vec<Artifact>>>,
}

impl Ring {
    fn artifacts(&self) -> MutexGuard<'_, BTreeMap<KeyCredentialId, Vec<Artifact>>> {
        self.artifacts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one artifact, once.
    pub(crate) fn add(&self, credential: KeyCredentialId, artifact: Artifact) {
        let mut artifacts = self.artifacts();
        let own = artifacts.entry(credential).or_default();
        if !own.iter().any(|known| same(known, &artifact)) {
            own.push(artifact);
        }
    }

    /// Keeps what an order names, and what came of it.
    pub(crate) fn add_text(&self, order: &GrantOrder, text: Option<&Secret>) {
        if let Some(artifact) = text.cloned().and_then(|text| to_artifact(order.kind, text)) {
            self.add(order.credential, artifact);
        }
    }

    /// What there is of one credential.
    pub(crate) fn of(&self, credential: KeyCredentialId) -> Vec<Artifact> {
        self.artifacts().get(&credential).cloned().unwrap_or_default()
    }

    /// Every text that must stand in no file.
    pub(crate) fn texts(&self) -> Vec<Secret> {
        self.artifacts().values().flatten().filter_map(text).cloned().collect()
    }
}

/// The text of an artifact that is one.
pub(crate) fn text(artifact: &Artifact) -> Option<&Secret> {
    match artifact {
        Artifact::Pin(text) | Artifact::MobileToken(text) | Artifact::Qr(text) | Artifact::Nfc(text) => {
            Some(text)
        }
        _ => None,
    }
}

/// Whether two artifacts are the same thing in a hand.
pub(crate) fn same(one: &Artifact, other: &Artifact) -> bool {
    match (one, other) {
        (Artifact::CardReadyAt(one), Artifact::CardReadyAt(other)) => one == other,
        _ => match (text(one), text(other)) {
            // EXPOSE: compared, and nowhere shown.
            (Some(a), Some(b)) => one.type_name() == other.type_name() && a.expose() == b.expose(),
            _ => false,
        },
    }
}

fn to_artifact(kind: KeyCredentialKind, text: Secret) -> Option<Artifact> {
    match kind {
        KeyCredentialKind::PinCode => Some(Artifact::Pin(text)),
        KeyCredentialKind::MobileApp => Some(Artifact::MobileToken(text)),
        KeyCredentialKind::QrCode => Some(Artifact::Qr(text)),
        KeyCredentialKind::NfcTag => Some(Artifact::Nfc(text)),
        KeyCredentialKind::RfidCard => None,
    }
}
