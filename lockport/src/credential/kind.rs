//! The closed words of the platform: kinds, reasons, and the open set of vendors.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What opens the door (R27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCredentialKind {
    /// A key in an app on the guest's phone.
    MobileApp,
    /// Digits for the keypad at the door.
    PinCode,
    /// A card, written at the property's encoder.
    RfidCard,
    /// A code shown to a camera at the door.
    QrCode,
    /// A phone or a sticker held to the lock.
    NfcTag,
}

impl KeyCredentialKind {
    /// Every kind, in the order of the platform's interface.
    pub const ALL: [Self; 5] = [Self::MobileApp, Self::PinCode, Self::RfidCard, Self::QrCode, Self::NfcTag];

    /// The platform's word: `mobile_app`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MobileApp => "mobile_app",
            Self::PinCode => "pin_code",
            Self::RfidCard => "rfid_card",
            Self::QrCode => "qr_code",
            Self::NfcTag => "nfc_tag",
        }
    }
}

impl fmt::Display for KeyCredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a credential is suspended (R28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendReason {
    /// The guest did not come.
    NoShow,
    /// Somebody has to look at the payment.
    FraudReview,
    /// Something is not paid.
    OverduePayment,
    /// A person decided so.
    Manual,
}

/// Why a credential is revoked (R28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// The stay is over.
    Checkout,
    /// The booking was cancelled.
    Cancellation,
    /// It must not open any more, whoever holds it.
    Security,
    /// The holder lost it.
    Lost,
    /// Another credential stands in its place.
    Replaced,
}

/// Whose lock system (R29): an open set, so that a new vendor needs no new core.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VendorCode(Cow<'static, str>);

/// Text that is no vendor code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vendor code is 1 to 32 of a-z, 0-9 and '-'")]
pub struct InvalidVendorCode;

impl VendorCode {
    /// TTLock (Sciener).
    pub const TTLOCK: Self = Self(Cow::Borrowed("ttlock"));
    /// Salto.
    pub const SALTO: Self = Self(Cow::Borrowed("salto"));
    /// ASSA ABLOY: Vostio and Visionline.
    pub const ASSA_ABLOY: Self = Self(Cow::Borrowed("assa-abloy"));
    /// Encoders at the desk.
    pub const GENERIC_WIEGAND: Self = Self(Cow::Borrowed("generic-wiegand"));
    /// The vendor that exists in memory only.
    pub const MOCK: Self = Self(Cow::Borrowed("mock"));

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VendorCode {
    type Err = InvalidVendorCode;
    fn from_str(text: &str) -> Result<Self, InvalidVendorCode> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 32 || !text.bytes().all(allowed) {
            return Err(InvalidVendorCode);
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

impl TryFrom<String> for VendorCode {
    type Error = InvalidVendorCode;
    fn try_from(text: String) -> Result<Self, InvalidVendorCode> {
        text.parse()
    }
}

impl From<VendorCode> for String {
    fn from(code: VendorCode) -> Self {
        code.0.into_owned()
    }
}

impl fmt::Display for VendorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VendorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R27, R28: the platform's exact words.
    #[test]
    fn the_closed_words_are_the_platforms() {
        let kinds = serde_json::to_string(&KeyCredentialKind::ALL).unwrap();
        assert_eq!(kinds, r#"["mobile_app","pin_code","rfid_card","qr_code","nfc_tag"]"#);
        for kind in KeyCredentialKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let suspend = [
            SuspendReason::NoShow,
            SuspendReason::FraudReview,
            SuspendReason::OverduePayment,
            SuspendReason::Manual,
        ];
        assert_eq!(
            serde_json::to_string(&suspend).unwrap(),
            r#"["no_show","fraud_review","overdue_payment","manual"]"#
        );
        let revoke = [
            RevokeReason::Checkout,
            RevokeReason::Cancellation,
            RevokeReason::Security,
            RevokeReason::Lost,
            RevokeReason::Replaced,
        ];
        let words = r#"["checkout","cancellation","security","lost","replaced"]"#;
        assert_eq!(serde_json::to_string(&revoke).unwrap(), words);
    }

    /// R15, R29: a vendor nobody has heard of is a vendor code all the same.
    #[test]
    fn the_set_of_vendors_is_open() {
        assert_eq!("ttlock".parse::<VendorCode>().unwrap(), VendorCode::TTLOCK);
        assert_eq!("dormakaba".parse::<VendorCode>().unwrap().as_str(), "dormakaba");
        for bad in ["", "TTLock", "a b", "x".repeat(33).as_str()] {
            assert!(bad.parse::<VendorCode>().is_err());
        }
    }
}
