//! What a vendor is and can do, as data: the planner, the guard and the recovery read it, and it crosses relay and FFI.

use std::time::Duration;

use chrono::TimeDelta;

use crate::capability::LockCapabilities;
use crate::credential::{KeyCredentialKind, Proof, VendorCode};
use crate::error::Operation;

/// A vendor's driver, described.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverDescriptor {
    /// Whose lock system.
    pub vendor: VendorCode,
    /// What people call it.
    pub display_name: &'static str,
    /// Where the driver must run (R24).
    pub runs_on: Placement,
    /// What it offers beside kinds; the flags of the kinds follow from `kinds`.
    pub capabilities: LockCapabilities,
    /// Whether its locks differ in what they can, or in whether they can be reached: the planner then asks now and then for the
    /// list of them, and chooses a kind that every door's lock can.
    pub doors_differ: bool,
    /// The kinds of credential it can grant, each with its own manners.
    pub kinds: Vec<Kind>,
    /// How long its calls may take.
    pub latency: LatencyProfile,
}

impl DriverDescriptor {
    /// The kind's manners, if the vendor has the kind.
    #[must_use]
    pub fn kind(&self, kind: KeyCredentialKind) -> Option<&Kind> {
        self.kinds.iter().find(|own| own.kind == kind)
    }

    /// The capabilities with the flags that follow from the kinds.
    #[must_use]
    pub fn all_capabilities(&self) -> LockCapabilities {
        let has = |kind| self.kind(kind).is_some();
        LockCapabilities {
            mobile_key: has(KeyCredentialKind::MobileApp),
            card_encoding: has(KeyCredentialKind::RfidCard),
            pin: has(KeyCredentialKind::PinCode),
            qr: has(KeyCredentialKind::QrCode),
            nfc: has(KeyCredentialKind::NfcTag),
            suspend: self.kinds.iter().any(|kind| kind.suspend != Suspend::No),
            read_back: self.kinds.iter().any(|kind| kind.recovery.grant.is_asked_for()),
            revoke_proof: self.kinds.iter().map(|kind| kind.best_proof).max(),
            pin_digits: self.kinds.iter().find_map(|kind| match kind.artifact {
                ArtifactSource::HostPin { digits } => Some(digits),
                _ => None,
            }),
            ..self.capabilities
        }
    }
}

/// Where a driver must run (R24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// Anywhere with a network: usually the cloud.
    Anywhere,
    /// On the desk's computer, beside its cables.
    Desk,
}

/// How one kind of credential behaves at this vendor.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The kind.
    pub kind: KeyCredentialKind,
    /// What one grant covers.
    pub per: Per,
    /// Where the artifact comes from.
    pub artifact: ArtifactSource,
    /// How it is suspended.
    pub suspend: Suspend,
    /// How its window is moved.
    pub amend_window: Amend,
    /// How its doors are changed.
    pub amend_doors: Amend,
    /// Whether a grant can be taken back before it was used. If not, never several at once: one may be refused.
    pub can_undo: bool,
    /// How far a withdrawal can be known to have got at best.
    pub best_proof: Proof,
    /// The grain of the lock's windows; the core narrows to it and never widens.
    pub grain: TimeDelta,
    /// Whether the vendor can be told of a credential that somebody else brought to the lock, so that it is changed and taken away
    /// like any other.
    pub registers: bool,
    /// Whether a grant has to reach the lock itself. Where the lock is out of reach, a kind that does not is tried first.
    pub needs_lock_online: bool,
    /// What is to be done about a call without an answer.
    pub recovery: Recovery,
}

/// What one grant covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Per {
    /// One door.
    Door,
    /// The whole stay.
    Stay {
        /// The most doors of one grant; a stay with more doors is several grants.
        max_doors: u16,
    },
}

/// Where the artifact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArtifactSource {
    /// The core draws a PIN of so many digits and the vendor takes it; the same at every door.
    HostPin {
        /// 4 to 9.
        digits: u8,
    },
    /// The core draws a secret that the driver uses as it needs; the same at every door.
    HostSecret,
    /// The vendor makes it; it may differ from door to door.
    Vendor,
    /// A card: what the holder brings is the artifact.
    Card,
}

/// How a kind is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspend {
    /// The vendor knows suspension: an amend to `blocked`.
    Native,
    /// The core takes it away and gives it again.
    Emulated,
    /// Not at all.
    No,
}

/// How something about a grant is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Amend {
    /// The vendor changes it in place.
    Native,
    /// The core gives a new grant and takes the old one away.
    Replace,
}

/// What is to be done about a call that got no answer. The class belongs to the verb, not to the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// About a grant.
    pub grant: AfterLost,
    /// About an amend.
    pub amend: AfterLost,
    /// About a withdrawal.
    pub withdraw: AfterLost,
    /// How long a call without an answer can still take effect: the vendor's longest queue, not our time-out.
    pub late_by: Duration,
    /// Whether `grant` writes a note before the first byte with an effect: no note, no effect.
    pub notes_first: bool,
}

/// One rule of a [`Recovery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterLost {
    /// Send the same again; the vendor knows it, or the target is absolute.
    Resend {
        /// How long the vendor remembers; `None` for ever. Later it is asked.
        within: Option<Duration>,
    },
    /// Wait until the call can no longer land, then look.
    Ask,
    /// Nobody can tell: say so, and let a person decide.
    Declare,
}

impl AfterLost {
    /// Whether the vendor is asked at some time: what is sent again for a while only is looked for after it.
    const fn is_asked_for(self) -> bool {
        matches!(self, Self::Ask | Self::Resend { within: Some(_) })
    }
}

/// How long a call may take, the shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LatencyClass {
    /// A call to a cloud.
    Cloud,
    /// A call that waits for a lock behind a gateway.
    Gateway,
    /// A call that waits for a person.
    Person,
}

impl LatencyClass {
    /// The deadline of a whole call of the port in this class.
    #[must_use]
    pub const fn deadline(self) -> Duration {
        match self {
            Self::Cloud => Duration::from_secs(10),
            Self::Gateway => Duration::from_secs(40),
            Self::Person => Duration::from_secs(60),
        }
    }
}

/// The class of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyProfile {
    /// Issue, update, unsuspend.
    pub give: LatencyClass,
    /// Revoke, suspend.
    pub take: LatencyClass,
    /// Lists and health.
    pub look: LatencyClass,
    /// A kind whose issue is of a class of its own, at a vendor with ways of different length. Everything else about a key has the
    /// classes above: of what kind it is, a call does not say.
    pub issue_of: Option<(KeyCredentialKind, LatencyClass)>,
}

impl LatencyProfile {
    /// The same class for everything.
    #[must_use]
    pub const fn all(class: LatencyClass) -> Self {
        Self { give: class, take: class, look: class, issue_of: None }
    }

    /// The same, and this class for the issue of this kind.
    #[must_use]
    pub const fn with_issue_of(self, kind: KeyCredentialKind, class: LatencyClass) -> Self {
        Self { issue_of: Some((kind, class)), ..self }
    }

    /// The class of an issue that may come to any of these kinds: the longest of theirs.
    #[must_use]
    pub fn of_issue(&self, kinds: &[KeyCredentialKind]) -> LatencyClass {
        let class = |kind: &KeyCredentialKind| match self.issue_of {
            Some((own, class)) if own == *kind => class,
            _ => self.give,
        };
        kinds.iter().map(class).max().unwrap_or(self.give)
    }

    /// The class of an operation.
    #[must_use]
    pub const fn of(&self, operation: Operation) -> LatencyClass {
        match operation {
            Operation::IssueCredential | Operation::UpdateCredential | Operation::UnsuspendCredential => {
                self.give
            }
            Operation::RevokeCredential | Operation::SuspendCredential => self.take,
            Operation::SettleCredential | Operation::ListDevices | Operation::HealthCheck => self.look,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_has_the_time_of_the_slowest_kind_that_it_may_come_to() {
        use KeyCredentialKind::{MobileApp, PinCode};
        let profile =
            LatencyProfile::all(LatencyClass::Gateway).with_issue_of(MobileApp, LatencyClass::Cloud);
        for (kinds, want) in [
            (&[MobileApp][..], LatencyClass::Cloud),
            (&[PinCode], LatencyClass::Gateway),
            (&[MobileApp, PinCode], LatencyClass::Gateway),
            (&[], LatencyClass::Gateway),
        ] {
            assert_eq!(profile.of_issue(kinds), want, "{kinds:?}");
        }
        assert_eq!(profile.of(Operation::RevokeCredential), LatencyClass::Gateway);
    }

    /// X9: what is sent again for a while only is asked for after it, so it can be read back.
    #[test]
    fn who_is_asked_at_some_time_can_be_read_back() {
        assert!(AfterLost::Ask.is_asked_for());
        assert!(AfterLost::Resend { within: Some(Duration::from_secs(1)) }.is_asked_for());
        assert!(!AfterLost::Resend { within: None }.is_asked_for() && !AfterLost::Declare.is_asked_for());
    }
}
