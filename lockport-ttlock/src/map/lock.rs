//! Locks: what each of them can do, and how it is.

use lockport::Timestamp;
use lockport::capability::LockCapabilities;
use lockport::credential::{Proof, Warning, WarningCode};
use lockport::device::{Battery, DEFAULT_LOW_BATTERY_PERCENT};

use super::is_yes;
use crate::config::{CardOrder, Passcodes};
use crate::limits::{MAX_CLOCK_SKEW_MS, PIN_DIGITS};
use crate::wire::{LockItem, Loose};

/// The functions of a lock that matter here, as bits of its `featureValue`.
mod bit {
    pub(super) const PASSCODE: usize = 0;
    pub(super) const CARD: usize = 1;
    pub(super) const WIFI: usize = 56;
}

/// Whether a set of bits in hexadecimal digits, of any length, holds this one.
fn has_bit(digits: Option<&str>, bit: usize) -> bool {
    let digit = digits.and_then(|digits| digits.trim().chars().rev().nth(bit / 4));
    digit.and_then(|digit| digit.to_digit(16)).is_some_and(|nibble| nibble >> (bit % 4) & 1 == 1)
}

/// How far a lock's clock is off that showed this at some time between two of ours.
pub(crate) fn skew_ms(shown: i64, before: Timestamp, after: Timestamp) -> i64 {
    let (before, after) = (before.timestamp_millis(), after.timestamp_millis());
    let midpoint = before.saturating_add(after.saturating_sub(before) / 2);
    shown.saturating_sub(midpoint)
}

/// Whether the lock has a radio of its own.
pub(crate) fn has_wifi(lock: &LockItem) -> bool {
    has_bit(lock.feature_value.as_deref(), bit::WIFI)
}

/// What this door can do: what the lock itself has, and what can be brought to it. A lock that does not say what it has is not
/// believed to have it.
pub(crate) fn capabilities(
    lock: &LockItem,
    passcodes: Passcodes,
    reader: Option<CardOrder>,
) -> LockCapabilities {
    let has = |bit| has_bit(lock.feature_value.as_deref(), bit);
    let can_be_told = is_yes(lock.has_gateway) || has(bit::WIFI);
    let gets_passcodes = match passcodes {
        Passcodes::Custom => can_be_told,
        Passcodes::Random => true,
        Passcodes::Off => false,
    };
    let takes_passcodes = has(bit::PASSCODE) && gets_passcodes;
    let takes_cards = has(bit::CARD) && reader.is_some() && can_be_told && passcodes != Passcodes::Random;
    let is_told = takes_cards || (takes_passcodes && passcodes == Passcodes::Custom);
    LockCapabilities {
        mobile_key: true,
        pin: takes_passcodes,
        card_encoding: takes_cards,
        remote_issue: true,
        remote_revoke: true,
        suspend: true,
        read_back: true,
        joiner: true,
        revoke_proof: Some(if is_told { Proof::AtLock } else { Proof::AtVendor }),
        pin_digits: (takes_passcodes && passcodes == Passcodes::Custom).then_some(PIN_DIGITS),
        ..LockCapabilities::NONE
    }
}

/// A charge, if the vendor's number is one.
pub(crate) fn battery(percent: Option<Loose>) -> Option<Battery> {
    let percent = u8::try_from(percent?.0).ok().filter(|percent| *percent <= 100)?;
    Some(Battery { percent, low_threshold_percent: DEFAULT_LOW_BATTERY_PERCENT })
}

/// What a person should know about a lock in this state.
pub(crate) fn health_warnings(battery: Option<Battery>, online: bool, skew_ms: Option<i64>) -> Vec<Warning> {
    let low = battery.filter(|battery| battery.percent <= battery.low_threshold_percent);
    let low = low.map(|battery| Warning {
        code: WarningCode::BatteryLow,
        detail: format!("{} percent left", battery.percent),
    });
    let offline = (!online).then(|| Warning {
        code: WarningCode::DeviceOffline,
        detail: "no gateway that is online hears the lock".to_owned(),
    });
    let skew = skew_ms.filter(|skew| skew.unsigned_abs() > MAX_CLOCK_SKEW_MS);
    let skew = skew.map(|skew| Warning {
        code: WarningCode::ClockSkew,
        detail: format!("the lock's clock is {} s off", skew / 1_000),
    });
    low.into_iter().chain(offline).chain(skew).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_a_percentage_or_nothing() {
        for (wire, want) in
            [(Some(0), Some(0)), (Some(100), Some(100)), (Some(101), None), (Some(-1), None), (None, None)]
        {
            assert_eq!(battery(wire.map(Loose)).map(|battery| battery.percent), want);
        }
        let codes = |percent, online, skew| -> Vec<WarningCode> {
            health_warnings(battery(Some(Loose(percent))), online, skew)
                .iter()
                .map(|warning| warning.code)
                .collect()
        };
        assert_eq!(codes(16, true, None), []);
        assert_eq!(codes(15, true, Some(300_000)), [WarningCode::BatteryLow]);
        assert_eq!(codes(15, false, None), [WarningCode::BatteryLow, WarningCode::DeviceOffline]);
        // R123: more than five minutes, either way.
        assert_eq!(codes(16, true, Some(-300_001)), [WarningCode::ClockSkew]);
        for skew in [300_001, i64::MAX, i64::MIN] {
            assert_eq!(codes(16, true, Some(skew)), [WarningCode::ClockSkew]);
        }
    }

    fn lock(features: Option<&str>, has_gateway: i64) -> LockItem {
        LockItem {
            lock_id: Loose(7),
            electric_quantity: None,
            has_gateway: Some(Loose(has_gateway)),
            feature_value: features.map(str::to_owned),
            timezone_raw_offset: None,
        }
    }

    #[test]
    fn a_lock_can_what_it_has_and_what_can_be_brought_to_it() {
        use Passcodes::{Custom, Off, Random};
        // Pin, card, and how far a revoke gets.
        for (features, gateway, passcodes, want) in [
            (Some("3"), 1, Custom, (true, true, Proof::AtLock)),
            (Some("400000003"), 1, Custom, (true, true, Proof::AtLock)),
            (Some("400000003"), 0, Custom, (false, false, Proof::AtVendor)),
            (Some("400000003"), 0, Random, (true, false, Proof::AtVendor)),
            (Some("FEFFFFFFFFFFFFFF"), 0, Custom, (false, false, Proof::AtVendor)),
            (Some("100000000000003"), 0, Custom, (true, true, Proof::AtLock)),
            (Some("2"), 1, Custom, (false, true, Proof::AtLock)),
            (Some("3"), 1, Random, (true, false, Proof::AtVendor)),
            (Some("4"), 1, Custom, (false, false, Proof::AtVendor)),
            (Some("xyz"), 1, Custom, (false, false, Proof::AtVendor)),
            (Some(""), 1, Custom, (false, false, Proof::AtVendor)),
            (None, 1, Custom, (false, false, Proof::AtVendor)),
            (Some("3"), 1, Off, (false, true, Proof::AtLock)),
            (Some("1"), 1, Off, (false, false, Proof::AtVendor)),
        ] {
            let can = capabilities(&lock(features, gateway), passcodes, Some(CardOrder::AsRead));
            let got = (can.pin, can.card_encoding, can.revoke_proof);
            assert_eq!(got, (want.0, want.1, Some(want.2)), "{features:?}, gateway: {gateway}");
            let without = capabilities(&lock(features, gateway), passcodes, None);
            assert!(!without.card_encoding && without.pin == can.pin, "a card has to be read at the desk");
            assert!(can.mobile_key, "an eKey needs nothing of the lock");
        }
    }
}
