//! Typed ids: a prefix that says what it names, and a ULID (R26, R223).
//!
//! An id is 16 bytes, cheap to copy, and can only be built from text that names the right thing: a room's id never stands
//! where a guest's is asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// Text that is not the id it was read as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {expected} id")]
pub struct InvalidId {
    expected: &'static str,
}

/// Characters of a ULID's text form.
const ULID_CHARS: usize = 26;

/// Reads the ULID behind a prefix. Lower case is the same id; what overflows 128 bits is refused, for two texts must not be one id.
fn parse(text: &str, prefix: &str, expected: &'static str) -> Result<Ulid, InvalidId> {
    let invalid = InvalidId { expected };
    let Some(rest) = text.strip_prefix(prefix) else { return Err(invalid) };
    if rest.len() != ULID_CHARS || !matches!(rest.as_bytes().first(), Some(b'0'..=b'7')) {
        return Err(invalid);
    }
    let ulid = Ulid::from_string(rest).map_err(|_| invalid.clone())?;
    // Crockford's alphabet reads O as 0 and I, L as 1; an id has one spelling only.
    if ulid.to_string().eq_ignore_ascii_case(rest) { Ok(ulid) } else { Err(invalid) }
}

/// A ULID whose 128 bits are the beginning of a hash over length-prefixed parts: the same parts, the same id, on every machine.
pub(crate) fn derived(domain: &str, parts: &[&[u8]]) -> Ulid {
    let mut hash = Sha256::new();
    for part in std::iter::once(&domain.as_bytes()).chain(parts) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    Ulid::from_bytes(bytes)
}

macro_rules! id_newtype {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            #[doc = concat!("What the text of this id begins with: `", $prefix, "`.")]
            pub const PREFIX: &'static str = $prefix;

            /// The id with these 128 bits.
            #[must_use]
            pub const fn from_ulid(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The same id for the same parts, on every machine: where a name is needed before anybody could mint one.
            #[must_use]
            pub fn derived(domain: &str, parts: &[&[u8]]) -> Self {
                Self(derived(domain, parts))
            }

            /// The 16 bytes of this id, without its prefix.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, $prefix, stringify!($name)).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

id_newtype! {
    /// A hotel company: the outermost wall. Nothing of one tenant is ever seen by another.
    TenantId = "tnt_";
    /// One hotel of a tenant.
    PropertyId = "ppt_";
    /// A reservation, minted by the reservation service.
    ReservationId = "rsv_";
    /// A room of a property.
    RoomId = "rmu_";
    /// A guest.
    GuestId = "gst_";
    /// A member of staff, or an operator who acts for the hotel.
    UserId = "usr_";
    /// A shift of a member of staff, minted by the staff service.
    ShiftId = "shf_";
    /// One credential as the hotel knows it. Minted by the host, never by the vendor.
    KeyCredentialId = "key_";
    /// A lock, an encoder or a reader: whatever a credential is used at or written by.
    LockDeviceId = "lck_";
    /// An event on the bus.
    EventId = "evt_";
    /// A shift key of staff, beside the credential that carries it out.
    MasterKeyId = "mky_";
    /// A session at an encoder.
    EncoderSessionId = "enc_";
    /// A desktop or a phone that runs lockport.
    HostDeviceId = "dev_";
    /// One door access reported by a vendor.
    AccessAttemptId = "kca_";
    /// A webhook call of a vendor.
    WebhookId = "whk_";
    /// A vendor adapter of a property.
    VendorAdapterId = "vad_";
    /// A decision that a person accepted.
    DecisionId = "dec_";
    /// What the desk has to do.
    TaskId = "tsk_";
    /// A single-use reference to an artifact: exchanged for it through `KeyService::reveal`, which is audited; worthless by itself.
    ArtifactRef = "tk_";
    /// One effect at a vendor; the adapter's own name for it.
    GrantId = "grt_";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R223: an id is its prefix and a ULID, and nothing else reads as one.
    #[test]
    fn only_the_right_prefix_and_a_canonical_ulid_are_read() {
        let text = "rmu_01STPS8FNWQ9SP6SX84512QPKP";
        let id: RoomId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id, "rmu_01stps8fnwq9sp6sx84512qpkp".parse().unwrap());
        for bad in [
            "",
            "rmu_",
            "gst_01STPS8FNWQ9SP6SX84512QPKP",
            "RMU_01STPS8FNWQ9SP6SX84512QPKP",
            "01STPS8FNWQ9SP6SX84512QPKP",
            "rmu_01STPS8FNWQ9SP6SX84512QPK",
            "rmu_01STPS8FNWQ9SP6SX84512QPKPP",
            "rmu_81STPS8FNWQ9SP6SX84512QPKP",
            "rmu_O1STPS8FNWQ9SP6SX84512QPKP",
            "rmu_01STPS8FNWQ9SP6SX84512QPKU",
            "rmu_01STPS8FNWQ9SP6SX84512QPK ",
            "rmu_01STPS8FNWQ9SP6SX84512QPKé",
        ] {
            assert!(bad.parse::<RoomId>().is_err(), "{bad:?} was read as a room");
        }
    }

    #[test]
    fn a_derived_id_depends_on_where_its_parts_end() {
        let one = KeyCredentialId::derived("d", &[b"ab", b"c"]);
        assert_eq!(one, KeyCredentialId::derived("d", &[b"ab", b"c"]));
        assert_ne!(one, KeyCredentialId::derived("d", &[b"a", b"bc"]));
        assert_ne!(one, KeyCredentialId::derived("e", &[b"ab", b"c"]));
    }
}
