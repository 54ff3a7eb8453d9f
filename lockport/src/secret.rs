//! What must never leave: a value that cannot be printed, serialised or compared by accident.

use std::fmt;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};

/// A secret value: wiped on drop, printed as `[redacted]`, with no `Display`, `Serialize`, `Deref` or `PartialEq`.
///
/// The only way in is [`expose`](Self::expose); each call has a line above it that begins with `// EXPOSE:` and says why.
///
/// ```
/// # use lockport::Secret;
/// let pin: Secret = Secret::new("274913".to_owned());
/// assert_eq!(format!("{pin:?}"), "[redacted]");
/// ```
///
/// It cannot be printed:
/// ```compile_fail,E0277
/// # use lockport::Secret;
/// let pin: Secret = Secret::new("274913".to_owned());
/// format!("{pin}");
/// ```
/// nor serialised, not even inside something that can be:
/// ```compile_fail,E0277
/// # use lockport::Secret;
/// let pin: Secret = Secret::new("274913".to_owned());
/// serde_json::to_string(&vec![pin]);
/// ```
/// nor compared in a time that tells how much of it is right:
/// ```compile_fail,E0369
/// # use lockport::Secret;
/// let pin: Secret = Secret::new("274913".to_owned());
/// let guess: Secret = Secret::new("000000".to_owned());
/// pin == guess;
/// ```
/// nor reached without saying so:
/// ```compile_fail,E0308
/// # use lockport::Secret;
/// let pin: Secret = Secret::new("274913".to_owned());
/// let text: &String = &pin;
/// ```
pub struct Secret<T: Zeroize = String>(SecretBox<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into custody.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(SecretBox::new(Box::new(value)))
    }

    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &T {
        self.0.expose_secret()
    }
}

impl Secret<String> {
    /// Whether it is this that was shown, in a time that tells nothing of how much of it is right.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        // EXPOSE: into a hash, which is compared.
        let (own, shown) = (Sha256::digest(self.expose().as_bytes()), Sha256::digest(shown.as_bytes()));
        own.iter().zip(&shown).fold(0, |differs, (own, shown)| differs | (own ^ shown)) == 0
    }
}

impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        // EXPOSE: into another custody, nowhere else.
        Self::new(self.expose().clone())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Serde for secrets inside a stored record, and only there: the record's bytes go into a `Secret` at once (`store::Row`).
pub(crate) mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Secret;

    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        // EXPOSE: into the body of a stored row, which is a secret as a whole.
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}
