//! The audit: an append-only chain of entries for each property (R136 to R138, R179). An entry is written in the transaction of
//! what it tells of, holds the hash of the one before it, and has no place for a secret, a vendor's text or a person's name.
//! See `docs/decisions/0011-events-and-audit.md`.

mod chain;
mod entry;
mod hash;
mod log;
mod merkle;

pub(crate) use self::chain::{Chain, End, reference_key};
pub use self::entry::{
    Action, AuditEntry, Draft, InvalidPurpose, Outcome, People, Pseudonym, Pseudonyms, Purpose, Reason,
    TraceId,
};
pub use self::hash::{Digest, InvalidDigest, VendorRefHash};
pub use self::log::{Anchor, AuditLog, Fault, Told, Verdict};
pub use self::merkle::{Inclusion, Sealed};
