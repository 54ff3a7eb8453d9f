//! Between the core's words and the vendor's: pure functions.

use std::iter::once;

use chrono::DateTime;
use lockport::capability::LockCapabilities;
use lockport::credential::{Proof, Warning, WarningCode};
use lockport::device::{Battery, DEFAULT_LOW_BATTERY_PERCENT};
use lockport::driver::{GrantOrder, Granted, Held};
use lockport::id::{KeyCredentialId, LockDeviceId};
use lockport::{LockError, Secret, Timestamp, Validity};
use md5::{Digest as _, Md5};
use zeroize::Zeroize as _;

use crate::wire::{KeyItem, Loose};

/// What the vendor calls the state of an eKey.
mod status {
    pub(super) const NORMAL: i64 = 110_401;
    pub(super) const PENDING: i64 = 110_402;
    pub(super) const FROZEN: i64 = 110_405;
    pub(super) const DELETED: i64 = 110_408;
}

/// What one door of this vendor can do.
pub(crate) const DOOR: LockCapabilities = LockCapabilities {
    mobile_key: true,
    remote_issue: true,
    remote_revoke: true,
    suspend: true,
    read_back: true,
    joiner: true,
    revoke_proof: Some(Proof::AtVendor),
    ..LockCapabilities::NONE
};

/// The guest's account at the vendor.
#[derive(Debug)]
pub(crate) struct Account {
    /// What it is registered as: letters and digits.
    pub(crate) name: String,
    /// What it is called from then on.
    pub(crate) username: String,
    /// Its password, in clear.
    pub(crate) password: Secret,
}

/// 32 lower-case letters and digits that depend on these parts only.
pub(crate) fn name_from(domain: &str, parts: &[&[u8]]) -> String {
    hex(&KeyCredentialId::derived(domain, parts).to_bytes())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The form in which the vendor takes a password.
pub(crate) fn md5_hex(password: &Secret) -> Secret {
    // EXPOSE: hashed here; the digest is as good as the password and stays a secret.
    let mut digest = Md5::digest(password.expose().as_bytes());
    let text = Secret::new(hex(&digest));
    digest.as_mut_slice().zeroize();
    text
}

/// The account of an order: the same for all doors of one credential, and another for another password. So "this name exists"
/// can only mean that an earlier try registered it with this very password.
pub(crate) fn account(prefix: &str, order: &GrantOrder) -> Result<Account, LockError> {
    let Some(password) = order.artifact.clone() else {
        return Err(LockError::invalid_input("a mobile key needs a secret: the password of its account"));
    };
    // EXPOSE: hashed here into a name that does not lead back to it.
    let name = name_from(
        "lockport-ttlock/account/v1",
        &[&order.credential.to_bytes(), password.expose().as_bytes()],
    );
    Ok(Account { username: format!("{prefix}_{name}"), name, password })
}

/// What the guest's app logs in with.
pub(crate) fn login(account: &Account) -> Secret {
    // EXPOSE: into the artifact, which is a secret as a whole.
    Secret::new(format!("{}:{}", account.username, account.password.expose()))
}

/// `startDate` and `endDate`.
// VENDOR: 0 and 0 mean for ever, an end of 1 means once (docs/vendor.md#ekeys); neither may come out of a window. One that
// began before 1970 begins a millisecond after it, where no lock ever was.
pub(crate) fn window_ms(window: Validity) -> Result<(i64, i64), LockError> {
    let (from, until) = (window.from().timestamp_millis(), window.until().timestamp_millis());
    if until <= 1 {
        return Err(LockError::invalid_input("a window ends after 1970"));
    }
    Ok((from.max(1), until))
}

/// A key's number as the core keeps it.
pub(crate) fn reference(key: i64) -> Secret {
    Secret::new(key.to_string())
}

/// The number in a reference.
pub(crate) fn key_of(reference: &Secret) -> Option<i64> {
    // EXPOSE: read back into the number it was made from.
    reference.expose().parse().ok()
}

/// What `held` may be called at the vendor.
pub(crate) fn markers(held: &Held) -> Vec<&str> {
    let mut markers: Vec<&str> =
        once(&held.order).chain(&held.maybe).map(|order| order.marker.as_str()).collect();
    markers.sort_unstable();
    markers.dedup();
    markers
}

/// Those of a lock's keys that bear the marker and are not deleted, newest first. The vendor's own search is fuzzy.
pub(crate) fn bearing(mut keys: Vec<KeyItem>, lock: i64, marker: &str) -> Vec<KeyItem> {
    keys.retain(|key| {
        key.lock_id == Loose(lock)
            && key.key_name.as_deref() == Some(marker)
            && key.key_status.0 != status::DELETED
    });
    keys.sort_by_key(|key| std::cmp::Reverse(key.key_id.0));
    keys
}

/// Whether a key is as the order says. A key that its holder has not yet taken counts as one: it opens as soon as it is taken.
pub(crate) fn is_target(key: &KeyItem, order: &GrantOrder) -> bool {
    let standing = match key.key_status.0 {
        status::NORMAL | status::PENDING => !order.blocked,
        status::FROZEN => order.blocked,
        _ => false,
    };
    standing && window_ms(order.window).is_ok_and(|window| window == (key.start_date.0, key.end_date.0))
}

/// One absolute change of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Both dates.
    Period,
    /// Opens nothing from now on.
    Freeze,
    /// Opens again.
    Unfreeze,
}

/// What makes `held` like `target`, whichever of its orders is in force; never nothing, so that success always has an answer of
/// the vendor behind it. In an order in which a break half-way never opens more than before and after together: frozen before a
/// window moves, moved before a key thaws.
pub(crate) fn changes(held: &Held, target: &GrantOrder) -> Vec<Change> {
    let differs = |what: fn(&GrantOrder, &GrantOrder) -> bool| {
        once(&held.order).chain(&held.maybe).any(|order| what(order, target))
    };
    let moves = differs(|a, b| a.window != b.window);
    let turns = differs(|a, b| a.blocked != b.blocked);
    match (moves, turns, target.blocked) {
        (_, false, _) => vec![Change::Period],
        (false, true, true) => vec![Change::Freeze],
        (false, true, false) => vec![Change::Unfreeze],
        (true, true, true) => vec![Change::Freeze, Change::Period],
        (true, true, false) => vec![Change::Period, Change::Unfreeze],
    }
}

/// What the core gets back about a key.
pub(crate) fn granted(prefix: &str, key: i64, order: &GrantOrder, warnings: Vec<Warning>) -> Granted {
    Granted {
        reference: Some(reference(key)),
        artifact: account(prefix, order).ok().as_ref().map(login),
        effective: order.window,
        proof: Some(Proof::AtVendor),
        dies_unless_used_by: None,
        warnings,
    }
}

/// What freezing does not reach.
// VENDOR: a phone that is offline and holds the key is not stopped until it syncs (docs/vendor.md#ekeys, inferred).
pub(crate) fn frozen_at_next_sync() -> Warning {
    let detail = "a phone that is offline and already holds the key is not stopped until it syncs";
    Warning { code: WarningCode::EffectiveAtNextSync, detail: detail.to_owned() }
}

/// A charge, if the vendor's number is one.
pub(crate) fn battery(percent: Option<Loose>) -> Option<Battery> {
    let percent = u8::try_from(percent?.0).ok().filter(|percent| *percent <= 100)?;
    Some(Battery { percent, low_threshold_percent: DEFAULT_LOW_BATTERY_PERCENT })
}

/// What a person should know about a lock in this state.
pub(crate) fn health_warnings(battery: Option<Battery>, online: bool) -> Vec<Warning> {
    let low = battery.filter(|battery| battery.percent <= battery.low_threshold_percent);
    let low = low.map(|battery| Warning {
        code: WarningCode::BatteryLow,
        detail: format!("{} percent left", battery.percent),
    });
    let offline = (!online).then(|| Warning {
        code: WarningCode::DeviceOffline,
        detail: "no gateway that is online hears the lock".to_owned(),
    });
    low.into_iter().chain(offline).collect()
}

/// Whether a 0 or 1 says yes.
pub(crate) fn is_yes(flag: Option<Loose>) -> bool {
    flag.is_some_and(|flag| flag.0 != 0)
}

/// An instant on the wire.
pub(crate) fn instant(millis: Loose) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(millis.0)
}

/// The one door of an order.
pub(crate) fn door(order: &GrantOrder) -> Result<LockDeviceId, LockError> {
    match order.doors.as_slice() {
        [door] => Ok(*door),
        _ => Err(LockError::invalid_input("a mobile key is for exactly one door")),
    }
}

#[cfg(test)]
mod tests {
    use lockport::credential::KeyCredentialKind;
    use lockport::driver::Relation;

    use super::*;

    fn window(from: &str, until: &str) -> Validity {
        Validity::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    }

    fn order(blocked: bool, until: &str) -> GrantOrder {
        GrantOrder {
            grant: "grt_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
            credential: "key_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap(),
            kind: KeyCredentialKind::MobileApp,
            doors: vec!["lck_01STPS8FNWQ9SP6SX84512QPKP".parse().unwrap()],
            window: window("2026-05-01T14:00:00Z", until),
            blocked,
            artifact: Some(Secret::new("password".to_owned())),
            serial: 1,
            marker: "m1".to_owned(),
            relation: Relation::Override,
            at: None,
            already: false,
        }
    }

    const SHORT: &str = "2026-05-03T10:00:00Z";
    const LONG: &str = "2026-05-04T10:00:00Z";

    fn item(status: i64, key: i64) -> KeyItem {
        KeyItem {
            key_id: Loose(key),
            lock_id: Loose(7),
            key_name: Some("m1".to_owned()),
            key_status: Loose(status),
            start_date: Loose(1_777_644_000_000),
            end_date: Loose(1_777_802_400_000),
        }
    }

    #[test]
    fn a_window_is_whole_milliseconds_and_never_one_of_the_vendors_special_ones() {
        let dates = window_ms(window("2026-05-01T14:00:00Z", SHORT)).unwrap();
        assert_eq!(dates, (1_777_644_000_000, 1_777_802_400_000));
        // For ever and once are no windows: what began before there were locks begins a millisecond after that.
        for from in ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(window_ms(window(from, SHORT)).unwrap(), (1, dates.1));
        }
        assert!(window_ms(window("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z")).is_err());
    }

    /// RFC 1321, appendix A.5.
    #[test]
    fn a_password_goes_out_as_32_lower_case_hex_digits() {
        for (text, want) in
            [("", "d41d8cd98f00b204e9800998ecf8427e"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0")]
        {
            assert_eq!(md5_hex(&Secret::new(text.to_owned())).expose(), want);
        }
    }

    #[test]
    fn an_account_is_named_after_its_credential_and_its_password() {
        let one = account("abcde", &order(false, SHORT)).unwrap();
        assert_eq!(one.username, format!("abcde_{}", one.name));
        assert!(one.name.len() == 32 && one.name.chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(login(&one).expose(), &format!("{}:password", one.username));

        let door = GrantOrder { doors: vec![], marker: "m2".to_owned(), ..order(true, LONG) };
        assert_eq!(account("abcde", &door).unwrap().name, one.name, "the same for every door");
        let password = GrantOrder { artifact: Some(Secret::new("other".to_owned())), ..order(false, SHORT) };
        assert_ne!(account("abcde", &password).unwrap().name, one.name);
        let credential = "key_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
        assert_ne!(
            account("abcde", &GrantOrder { credential, ..order(false, SHORT) }).unwrap().name,
            one.name
        );
        assert!(account("abcde", &GrantOrder { artifact: None, ..order(false, SHORT) }).is_err());
    }

    #[test]
    fn a_key_is_the_target_only_in_its_window_and_its_state() {
        let longer = KeyItem { end_date: Loose(1_777_888_800_000), ..item(status::NORMAL, 1) };
        let forever = KeyItem { start_date: Loose(0), end_date: Loose(0), ..item(status::NORMAL, 1) };
        for (key, blocked, want) in [
            (item(status::NORMAL, 1), false, true),
            (item(status::PENDING, 1), false, true),
            (item(status::FROZEN, 1), false, false),
            (item(status::FROZEN, 1), true, true),
            (item(status::NORMAL, 1), true, false),
            (item(status::PENDING, 1), true, false),
            (item(110_410, 1), false, false),
            (item(110_410, 1), true, false),
            (item(424_242, 1), false, false),
            (longer, false, false),
            (forever, false, false),
        ] {
            assert_eq!(is_target(&key, &order(blocked, SHORT)), want, "{key:?} blocked: {blocked}");
        }
    }

    #[test]
    fn a_fuzzy_search_is_narrowed_to_the_very_marker_newest_first() {
        let other = KeyItem { key_name: Some("m11".to_owned()), ..item(status::NORMAL, 9) };
        let nameless = KeyItem { key_name: None, ..item(status::NORMAL, 8) };
        let elsewhere = KeyItem { lock_id: Loose(8), ..item(status::NORMAL, 7) };
        let deleted = item(status::DELETED, 6);
        let keys =
            vec![item(status::NORMAL, 2), other, nameless, elsewhere, deleted, item(status::FROZEN, 5)];
        let ids: Vec<i64> = bearing(keys, 7, "m1").iter().map(|key| key.key_id.0).collect();
        assert_eq!(ids, [5, 2]);
    }

    #[test]
    fn changes_are_absolute_and_never_open_more_half_way() {
        let held = |order, maybe| Held { maybe, ..Held::by(order) };
        use Change::{Freeze, Period, Unfreeze};
        for (from, maybe, to, want) in [
            (order(false, SHORT), vec![], order(false, LONG), vec![Period]),
            (order(false, SHORT), vec![], order(false, SHORT), vec![Period]),
            (order(false, SHORT), vec![], order(true, SHORT), vec![Freeze]),
            (order(true, SHORT), vec![], order(false, SHORT), vec![Unfreeze]),
            (order(false, SHORT), vec![], order(true, LONG), vec![Freeze, Period]),
            (order(true, LONG), vec![], order(false, SHORT), vec![Period, Unfreeze]),
            (order(false, SHORT), vec![order(false, LONG)], order(false, SHORT), vec![Period]),
            (order(false, SHORT), vec![order(true, SHORT)], order(false, SHORT), vec![Unfreeze]),
            (order(true, SHORT), vec![order(false, LONG)], order(true, SHORT), vec![Freeze, Period]),
        ] {
            let text = format!("{from:?} or {maybe:?} to {to:?}");
            assert_eq!(changes(&held(from, maybe), &to), want, "{text}");
        }
    }

    #[test]
    fn a_charge_is_a_percentage_or_nothing() {
        for (wire, want) in
            [(Some(0), Some(0)), (Some(100), Some(100)), (Some(101), None), (Some(-1), None), (None, None)]
        {
            assert_eq!(battery(wire.map(Loose)).map(|battery| battery.percent), want);
        }
        let codes = |percent, online| -> Vec<WarningCode> {
            health_warnings(battery(Some(Loose(percent))), online)
                .iter()
                .map(|warning| warning.code)
                .collect()
        };
        assert_eq!(codes(16, true), []);
        assert_eq!(codes(15, true), [WarningCode::BatteryLow]);
        assert_eq!(codes(15, false), [WarningCode::BatteryLow, WarningCode::DeviceOffline]);
    }

    #[test]
    fn a_reference_is_read_as_it_was_written() {
        assert_eq!(key_of(&reference(9_007_199_254_740_993)), Some(9_007_199_254_740_993));
        assert_eq!(key_of(&Secret::new("x".to_owned())), None);
    }
}
