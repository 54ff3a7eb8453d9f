//! Credentials: what a host asks for and what it gets.

mod input;
mod kind;
mod result;

pub(crate) use self::input::fingerprint;
pub use self::input::{
    ChannelHint, Contact, Guest, Holder, IssueInput, MAX_DISPLAY_NAME, MAX_ROOMS, Place, RevokeInput,
    SettleInput, Staff, SuspendInput, UnsuspendInput, UpdateInput, Verdict,
};
pub use self::kind::{InvalidVendorCode, KeyCredentialKind, RevokeReason, SuspendReason, VendorCode};
pub use self::result::{
    Artifact, Decision, DecisionCode, Delivery, IssueResult, IssuedCredential, Progress, Proof,
    RevokeOutcome, SuspendMethod, SuspendOutcome, UpdateResult, Warning, WarningCode,
};
