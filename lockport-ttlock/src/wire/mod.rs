//! The vendor's answers as it spells them: shapes, no meaning. Fields nobody reads are not here.

mod notice;

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub(crate) use self::notice::Notice;

/// What every answer may be: a refusal if the number is there and not 0.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    #[serde(default)]
    pub(crate) errcode: Option<Loose>,
}

/// An acknowledgement: whatever else stands in it does not matter.
#[derive(Deserialize)]
pub(crate) struct Ack {}

/// `/oauth2/token`
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Seconds.
    #[zeroize(skip)]
    pub(crate) expires_in: Loose,
}

/// `/v3/user/register`
#[derive(Deserialize)]
pub(crate) struct Registered {
    pub(crate) username: String,
}

/// `/v3/key/send`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sent {
    pub(crate) key_id: Loose,
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) list: Vec<T>,
    pub(crate) page_no: Loose,
    pub(crate) pages: Loose,
    pub(crate) total: Loose,
}

/// An item of `/v3/lock/listKey`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyItem {
    pub(crate) key_id: Loose,
    pub(crate) lock_id: Loose,
    #[serde(default)]
    pub(crate) key_name: Option<String>,
    pub(crate) key_status: Loose,
    /// Milliseconds since 1970, UTC.
    pub(crate) start_date: Loose,
    /// Milliseconds since 1970, UTC.
    pub(crate) end_date: Loose,
    /// The account that it was sent to.
    #[serde(default)]
    pub(crate) username: Option<String>,
}

/// `/v3/keyboardPwd/add`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasscodeAdded {
    pub(crate) keyboard_pwd_id: Loose,
}

/// `/v3/keyboardPwd/get`
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RandomPasscode {
    #[zeroize(skip)]
    pub(crate) keyboard_pwd_id: Loose,
    /// The digits.
    pub(crate) keyboard_pwd: String,
}

/// An item of `/v3/lock/listKeyboardPwd`. What others keep there may have gaps.
#[derive(Clone, PartialEq, Eq, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasscodeItem {
    #[zeroize(skip)]
    pub(crate) keyboard_pwd_id: Loose,
    #[zeroize(skip)]
    pub(crate) lock_id: Loose,
    /// The digits.
    #[serde(default)]
    pub(crate) keyboard_pwd: Option<String>,
    #[serde(default)]
    pub(crate) keyboard_pwd_name: Option<String>,
    /// Milliseconds since 1970, UTC.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) start_date: Option<Loose>,
    /// Milliseconds since 1970, UTC.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) end_date: Option<Loose>,
    /// On older pages only.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) status: Option<Loose>,
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) keyboard_pwd_type: Option<Loose>,
    /// 0 or 1.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) is_custom: Option<Loose>,
}

/// `/v3/identityCard/add` and its twin for reversed numbers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CardAdded {
    pub(crate) card_id: Loose,
}

/// An item of `/v3/identityCard/list`. What others keep there may have gaps.
#[derive(Clone, PartialEq, Eq, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CardItem {
    #[zeroize(skip)]
    pub(crate) card_id: Loose,
    #[zeroize(skip)]
    pub(crate) lock_id: Loose,
    #[serde(default)]
    pub(crate) card_number: Option<String>,
    #[serde(default)]
    pub(crate) card_name: Option<String>,
    /// Milliseconds since 1970, UTC.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) start_date: Option<Loose>,
    /// Milliseconds since 1970, UTC.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) end_date: Option<Loose>,
}

/// `/v3/lock/queryDate` and `/v3/lock/updateDate`
#[derive(Deserialize)]
pub(crate) struct LockDate {
    /// Milliseconds since 1970, UTC.
    pub(crate) date: Loose,
}

/// `/v3/wifiLock/detail`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WifiLock {
    /// 0 or 1.
    #[serde(default)]
    pub(crate) is_online: Option<Loose>,
}

/// An item of `/v3/lockRecord/list`. What is not told of every record may be missing.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordItem {
    #[zeroize(skip)]
    pub(crate) record_id: Loose,
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) lock_id: Option<Loose>,
    /// In the lock's numbering.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) record_type_from_lock: Option<Loose>,
    /// In the cloud's.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) record_type: Option<Loose>,
    /// 0 or 1.
    #[serde(default)]
    #[zeroize(skip)]
    pub(crate) success: Option<Loose>,
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// The digits in clear, or a card's number.
    #[serde(default)]
    pub(crate) keyboard_pwd: Option<String>,
    /// By the lock's clock, milliseconds since 1970, UTC.
    #[zeroize(skip)]
    pub(crate) lock_date: Loose,
}

/// `/app/getMonthRequestCount`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MonthCount {
    pub(crate) month_request_count: Loose,
}

/// An item of `/v3/lock/list`, and as much of `/v3/lock/detail` as is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LockItem {
    pub(crate) lock_id: Loose,
    /// Percent.
    #[serde(default)]
    pub(crate) electric_quantity: Option<Loose>,
    /// 0 or 1.
    #[serde(default)]
    pub(crate) has_gateway: Option<Loose>,
    /// A set of bits, in hexadecimal digits.
    #[serde(default)]
    pub(crate) feature_value: Option<String>,
    /// What the lock's wall is ahead of UTC, in milliseconds. Told of one lock only.
    #[serde(default)]
    pub(crate) timezone_raw_offset: Option<Loose>,
}

/// An item of `/v3/gateway/list`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GatewayItem {
    pub(crate) gateway_id: Loose,
    /// 0 or 1.
    pub(crate) is_online: Loose,
}

/// `/v3/gateway/listByLock`, which is not paged.
#[derive(Deserialize)]
pub(crate) struct Links {
    pub(crate) list: Vec<LinkItem>,
}

/// An item of `/v3/gateway/listByLock`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkItem {
    pub(crate) gateway_id: Loose,
    /// Milliseconds since 1970, UTC.
    #[serde(default)]
    pub(crate) rssi_update_date: Option<Loose>,
}

/// An integer as the vendor may write it.
// VENDOR: the same field is a number in one sample, a numeric string or a boolean in another (docs/vendor.md#answers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loose(pub(crate) i64);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor).map(Self)
    }
}

struct LooseVisitor;

impl Visitor<'_> for LooseVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, a numeric string or a boolean")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value).map_err(|_| E::custom("out of range"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<i64, E> {
        Ok(i64::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<i64, E> {
        value.trim().parse().map_err(|_| E::custom("not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_read_in_each_of_the_vendors_spellings() {
        for (text, want) in [
            ("3", 3),
            ("\"3\"", 3),
            ("true", 1),
            ("false", 0),
            ("-1008", -1008),
            ("9007199254740993", 9_007_199_254_740_993),
        ] {
            assert_eq!(serde_json::from_str::<Loose>(text).unwrap(), Loose(want), "{text}");
        }
        for text in ["null", "1.5", "\"\"", "\"x\"", "[]", "{}", "18446744073709551615"] {
            assert!(serde_json::from_str::<Loose>(text).is_err(), "{text}");
        }
    }
}
