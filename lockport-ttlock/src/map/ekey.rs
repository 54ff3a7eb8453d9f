//! eKeys: their accounts, their states, and the changes that make one like its order.

use std::iter::once;

use lockport::credential::{Warning, WarningCode};
use lockport::driver::{GrantOrder, Held};
use lockport::{LockError, Secret};

use super::{Handle, Listed, name_from, window_ms};
use crate::wire::{KeyItem, Loose};

/// What the vendor calls the state of an eKey.
mod status {
    pub(super) const NORMAL: i64 = 110_401;
    pub(super) const PENDING: i64 = 110_402;
    pub(super) const FROZEN: i64 = 110_405;
    pub(super) const DELETED: i64 = 110_408;
}

/// Which of a guest's accounts it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The one that every credential has.
    First,
    /// The one that takes its place where the vendor does not let the first receive anything.
    Another,
}

impl Holder {
    const fn domain(self) -> &'static str {
        match self {
            Self::First => "lockport-ttlock/account/v1",
            Self::Another => "lockport-ttlock/account/v1/another",
        }
    }
}

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

/// The account of an order: the same for all doors of one credential, and another for another password. So "this name exists"
/// can only mean that an earlier try registered it with this very password.
pub(crate) fn account(prefix: &str, order: &GrantOrder, holder: Holder) -> Result<Account, LockError> {
    let Some(password) = order.artifact.clone() else {
        return Err(LockError::invalid_input("a mobile key needs a secret: the password of its account"));
    };
    // EXPOSE: hashed here into a name that does not lead back to it.
    let name = name_from(holder.domain(), &[&order.credential.to_bytes(), password.expose().as_bytes()]);
    Ok(Account { username: format!("{prefix}_{name}"), name, password })
}

/// What the guest's app logs in with.
pub(crate) fn login(account: &Account) -> Secret {
    // EXPOSE: into the artifact, which is a secret as a whole.
    Secret::new(format!("{}:{}", account.username, account.password.expose()))
}

/// What the [`login`] of this account begins with.
pub(crate) fn login_begins(username: &str) -> Secret {
    Secret::new(format!("{username}:"))
}

/// Those of a lock's keys that bear the marker and are not deleted, newest first. The vendor's own search is fuzzy.
fn bearing(mut keys: Vec<KeyItem>, lock: i64, marker: &str) -> Vec<KeyItem> {
    keys.retain(|key| {
        key.lock_id == Loose(lock)
            && key.key_name.as_deref() == Some(marker)
            && key.key_status.0 != status::DELETED
    });
    keys.sort_by_key(|key| std::cmp::Reverse(key.key_id.0));
    keys
}

/// Those keys, as the driver looks at whatever a lock's list shows.
pub(crate) fn listed(
    keys: Vec<KeyItem>,
    lock: i64,
    marker: &str,
    order: &GrantOrder,
    prefix: &str,
) -> Vec<Listed> {
    let anothers = account(prefix, order, Holder::Another).ok().map(|account| account.username);
    let holder = |key: &KeyItem| match key.username == anothers && anothers.is_some() {
        true => Holder::Another,
        false => Holder::First,
    };
    let one = |key: &KeyItem| Listed {
        handle: Handle::of_key(key.key_id.0, holder(key)),
        is_target: is_target(key, order),
        artifact: None,
        window: None,
    };
    bearing(keys, lock, marker).iter().map(one).collect()
}

/// Whether a key is as the order says. A key that its holder has not yet taken counts as one: it opens as soon as it is taken.
fn is_target(key: &KeyItem, order: &GrantOrder) -> bool {
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

/// What freezing does not reach.
// VENDOR: a phone that is offline and holds the key is not stopped until it syncs (docs/vendor.md#ekeys, inferred).
pub(crate) fn frozen_at_next_sync() -> Warning {
    let detail = "a phone that is offline and already holds the key is not stopped until it syncs";
    Warning { code: WarningCode::EffectiveAtNextSync, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use lockport::Validity;
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
            username: None,
        }
    }

    #[test]
    fn an_account_is_named_after_its_credential_and_its_password() {
        let one = account("abcde", &order(false, SHORT), Holder::First).unwrap();
        assert_eq!(one.username, format!("abcde_{}", one.name));
        assert!(one.name.len() == 32 && one.name.chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(login(&one).expose(), &format!("{}:password", one.username));

        let door = GrantOrder { doors: vec![], marker: "m2".to_owned(), ..order(true, LONG) };
        assert_eq!(account("abcde", &door, Holder::First).unwrap().name, one.name, "the same for every door");
        let password = GrantOrder { artifact: Some(Secret::new("other".to_owned())), ..order(false, SHORT) };
        assert_ne!(account("abcde", &password, Holder::First).unwrap().name, one.name);
        assert_ne!(account("abcde", &order(false, SHORT), Holder::Another).unwrap().name, one.name);
        let credential = "key_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
        assert_ne!(
            account("abcde", &GrantOrder { credential, ..order(false, SHORT) }, Holder::First).unwrap().name,
            one.name
        );
        assert!(
            account("abcde", &GrantOrder { artifact: None, ..order(false, SHORT) }, Holder::First).is_err()
        );
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
}
