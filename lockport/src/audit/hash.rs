//! The hashes of the audit: SHA-256 over canonical bytes, and HMAC-SHA-256 where what is hashed could be guessed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::capability::LockCapabilities;
use crate::secret::Secret;

/// A SHA-256, written in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// Text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct InvalidDigest;

impl Digest {
    /// What stands before the first entry of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of these parts, each with its length before it, so that no two lists of parts run together.
    pub(super) fn of(domain: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(&domain.as_bytes()).chain(parts) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The hash of what an adapter could, over its canonical bytes.
    pub(crate) fn of_capabilities(what: &LockCapabilities) -> Result<Self, serde_json::Error> {
        let bytes = canonical(&serde_json::to_value(what)?);
        Ok(Self::of("lockport/capabilities/v1", &[bytes.as_bytes()]))
    }

    /// The hash of something that could be guessed, under the property's key.
    pub(crate) fn keyed(key: &Secret<Vec<u8>>, domain: &str, part: &[u8]) -> Self {
        // EXPOSE: into a keyed hash, which does not give it back.
        Self(hmac(key.expose(), Self::of(domain, &[part]).as_bytes()))
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 64 || !text.bytes().all(is_hex) {
            return Err(InvalidDigest);
        }
        let mut bytes = [0_u8; 32];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(at..at + 2).ok_or(InvalidDigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidDigest)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A vendor's reference under a key of the property's own (X2): the same reference can be recognised, and not guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VendorRefHash(Digest);

impl VendorRefHash {
    /// The hash of a vendor's reference under this key.
    #[must_use]
    pub fn of(key: &Secret<Vec<u8>>, vendor: &str, reference: &Secret) -> Self {
        // EXPOSE: into a keyed hash, which does not give it back.
        let (key, reference) = (key.expose(), reference.expose());
        let message = Digest::of("lockport/vendor-ref/v1", &[vendor.as_bytes(), reference.as_bytes()]);
        Self(Digest(hmac(key, message.as_bytes())))
    }

    /// What stands for several references of one credential: the hash of the only one, or a hash over the hashes of all, in
    /// their order as text.
    pub(crate) fn of_all(mut hashes: Vec<Self>) -> Option<Self> {
        hashes.sort_unstable_by_key(|hash| hash.0.0);
        match hashes.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => {
                let parts: Vec<&[u8]> = several.iter().map(|hash| hash.0.as_ref()).collect();
                Some(Self(Digest::of("lockport/vendor-refs/v1", &parts)))
            }
        }
    }
}

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// HMAC-SHA-256 (RFC 2104).
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let hashed: [u8; 32];
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key).into();
        &hashed
    } else {
        key
    };
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// The one spelling of a value (RFC 8785, for values without fractions): members sorted by name, no white space.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, to: &mut String) {
    match value {
        Value::Array(values) => {
            to.push('[');
            for (nth, value) in values.iter().enumerate() {
                if nth > 0 {
                    to.push(',');
                }
                write(value, to);
            }
            to.push(']');
        }
        Value::Object(members) => {
            // Sorted here: whether the map is sorted by itself depends on a feature that others may turn on.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            to.push('{');
            for (nth, (name, value)) in members.into_iter().enumerate() {
                if nth > 0 {
                    to.push(',');
                }
                to.push_str(&Value::String(name.clone()).to_string());
                to.push(':');
                write(value, to);
            }
            to.push('}');
        }
        other => to.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231, cases 1, 2 and 6.
    #[test]
    fn hmac_is_that_of_the_rfc() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, want) in cases {
            assert_eq!(hex(&hmac(key, message)), want);
        }
    }

    #[test]
    fn a_value_has_one_spelling() {
        let value = json!({ "b": [1, { "z": null, "a": "\u{e9}\n\"" }], "a": true });
        assert_eq!(canonical(&value), r#"{"a":true,"b":[1,{"a":"é\n\"","z":null}]}"#);
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of("t", &[b"a"]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for bad in ["", "00", &digest.to_string().to_uppercase(), &"é".repeat(32)] {
            assert_eq!(bad.parse::<Digest>(), Err(InvalidDigest), "{bad}");
        }
    }

    /// X2: the key, the vendor and the reference all count.
    #[test]
    fn a_reference_is_recognised_under_its_key_only() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let (one, other) = (Secret::new(vec![1; 32]), Secret::new(vec![2; 32]));
        let hash = VendorRefHash::of(&one, "ttlock", &secret("123"));
        assert_eq!(hash, VendorRefHash::of(&one, "ttlock", &secret("123")));
        assert_ne!(hash, VendorRefHash::of(&other, "ttlock", &secret("123")));
        assert_ne!(hash, VendorRefHash::of(&one, "salto", &secret("123")));
        assert_ne!(hash, VendorRefHash::of(&one, "ttlock", &secret("124")));
    }
}
