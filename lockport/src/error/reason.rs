//! The finer meaning behind a code (X12): what a planner, a desk and a metric read.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why, finely. Texts are frozen; more may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FailureReason {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl FailureReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The frozen text: `pin_collision`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// The vendor said no and no finer reason is known.
    Refused = "refused";
    /// The vendor's code stands in no table of ours. Counted; the contract suite fails on it.
    UnmappedVendorCode = "unmapped_vendor_code";
    /// Nothing was reached: no connection, or it broke before the request was out.
    Network = "network";
    /// No answer in time.
    Timeout = "timeout";
    /// An answer that is not what the vendor's pages promise.
    MalformedAnswer = "malformed_answer";
    /// The vendor's own trouble: it says so, and promises nothing.
    VendorInternal = "vendor_internal";
    /// Too many calls at once.
    Throttled = "throttled";
    /// The calls of this period are used up.
    QuotaExhausted = "quota_exhausted";
    /// Client id, secret, account or token were refused.
    AuthRejected = "auth_rejected";
    /// The account may not do this at that lock.
    NotPermitted = "not_permitted";
    /// The property's configuration does not fit the vendor's side.
    Configuration = "configuration";
    /// It may have been applied, and nobody can tell.
    OutcomeUnknown = "outcome_unknown";
    /// The PIN is taken at that lock.
    PinCollision = "pin_collision";
    /// The vendor does not like the PIN.
    PinRejected = "pin_rejected";
    /// That lock cannot take this kind of credential.
    KindNotSupported = "kind_not_supported";
    /// The lock's memory is full.
    CapacityFull = "capacity_full";
    /// The lock or its gateway is away.
    DeviceOffline = "device_offline";
    /// The lock or its gateway is busy with another command.
    DeviceBusy = "device_busy";
    /// The lock is frozen as a whole.
    DeviceFrozen = "device_frozen";
    /// No card on the encoder.
    NoCard = "no_card";
    /// The card's sectors are not as the profile says.
    SectorConfig = "sector_config";
    /// More than one card on the encoder.
    MultipleCards = "multiple_cards";
    /// The card was taken away, or changed for another, before it was done.
    CardRemoved = "card_removed";
    /// A card of a kind on which nothing is written.
    CardUnsupported = "card_unsupported";
    /// What was written on the card does not read back.
    VerifyFailed = "verify_failed";
    /// The card is lost: it opens with no key any more.
    CardDamaged = "card_damaged";
    /// The encoder does not speak its protocol.
    EncoderProtocol = "encoder_protocol";
    /// The encoder is in use by another program.
    PortBusy = "port_busy";
    /// The encoder is in use by another job.
    Busy = "busy";
    /// Clocks disagree.
    Clock = "clock";
    /// The vendor has no such thing (any more).
    NotFound = "not_found";
    /// What the vendor gave opens more than was asked; it was taken back.
    WiderThanOrdered = "wider_than_ordered";
    /// The same operation is being carried out elsewhere right now.
    InProgress = "in_progress";
    /// Another call made this one pointless.
    Superseded = "superseded";
    /// The credential is revoked.
    Revoked = "revoked";
    /// The credential is not suspended, or already is.
    WrongState = "wrong_state";
    /// The window is over.
    WindowOver = "window_over";
    /// The window is shorter than what the lock can hold.
    WindowTooShort = "window_too_short";
    /// Input that a type or a limit forbids.
    Invalid = "invalid";
    /// The same key, other input.
    OtherInput = "other_input";
    /// A room, an area or a device that this property does not have.
    UnknownPlace = "unknown_place";
    /// Ids of another tenant or property.
    ForeignId = "foreign_id";
    /// Our own store could not be read or written.
    StoreUnavailable = "store_unavailable";
    /// Our own store holds something that cannot be read.
    StoreCorrupt = "store_corrupt";
}

impl FailureReason {
    /// Whether it lies in what is on the encoder, and not in the encoder: another card, or the same laid on anew, may do.
    #[must_use]
    pub const fn lies_in_the_card(self) -> bool {
        matches!(
            self,
            Self::NoCard
                | Self::MultipleCards
                | Self::CardRemoved
                | Self::CardUnsupported
                | Self::SectorConfig
                | Self::VerifyFailed
                | Self::CardDamaged
        )
    }

    /// Whether another kind of credential may succeed where this one was refused.
    #[must_use]
    pub const fn suggests_another_kind(self) -> bool {
        matches!(
            self,
            Self::PinCollision
                | Self::PinRejected
                | Self::KindNotSupported
                | Self::CapacityFull
                | Self::NoCard
                | Self::SectorConfig
        )
    }
}
