//! What a property tells the driver: no secret is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use lockport::id::{LockDeviceId, PropertyId, RoomId, TenantId};
use serde::{Deserialize, Serialize};

/// One property at TTLock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TtlockConfig {
    /// Whose hotel.
    pub tenant: TenantId,
    /// Which hotel.
    pub property: PropertyId,
    /// The region's host: `https://euapi.ttlock.com`, without a path. `http` only towards this machine itself.
    pub base_url: String,
    /// The application's client id.
    pub client_id: String,
    /// The app account that is top administrator of the property's locks.
    pub account: String,
    /// What the vendor puts before the names of this application's guest accounts, without the underscore.
    pub account_prefix: String,
    /// Which sort of passcode this property's locks take.
    #[serde(default)]
    pub passcodes: Passcodes,
    /// In which order the reader at the desk reads the bytes of a card's number. Without a reader there are no cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<CardOrder>,
    /// How many calls a month the application has, by its plan. Nothing is refused here for it;
    /// [`monthly_calls`](crate::TtlockDriver::monthly_calls) tells what is left.
    #[serde(default = "free_plan")]
    pub monthly_calls: u32,
    /// The property's locks, under the hotel's own ids. Other locks of the account are left alone.
    pub locks: BTreeMap<LockDeviceId, TtlockLock>,
}

/// VENDOR: what users report of the plan that costs nothing (docs/vendor.md#quota).
const fn free_plan() -> u32 {
    30_000
}

/// Which sort of passcode a property's locks take. A property that has both sorts of locks has an adapter for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passcodes {
    /// Digits of the core's choice, which a gateway or the lock's own radio brings to the lock.
    #[default]
    Custom,
    /// Digits of the vendor's choice, which lock and cloud both work out: for locks that nothing reaches.
    Random,
    /// None: where a key has to open and shut to the second, for a lock keeps a passcode's window in minutes.
    Off,
}

/// In which order the reader at the desk reads the bytes of a card's number, seen from the lock's own reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardOrder {
    /// In the same.
    AsRead,
    /// The other way round.
    Reversed,
}

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TtlockLock {
    /// The vendor's number of it.
    pub lock_id: i64,
    /// What people call it.
    pub label: String,
    /// The rooms behind it.
    pub rooms: Vec<RoomId>,
    /// The gateway that carries what the lock is told, where it is known: it takes one command at a time for all its locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<i64>,
    /// The lock's Bluetooth address, where callbacks are to be held against it: `C0:FF:EE:00:12:34`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

impl TtlockLock {
    /// The lock of this number, of which no gateway is known.
    #[must_use]
    pub const fn new(lock_id: i64, label: String, rooms: Vec<RoomId>) -> Self {
        Self { lock_id, label, rooms, gateway_id: None, mac: None }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not `https://host[:port]`, nor `http` to a loopback host.
    #[error("base_url is not https://host[:port]; http is for loopback hosts only")]
    BaseUrl,
    /// The client id is empty or has other characters than letters and digits.
    #[error("client_id is not made of letters and digits")]
    ClientId,
    /// The account is empty or has white space or control characters in it.
    #[error("account is empty or has white space in it")]
    Account,
    /// The prefix is empty or has other characters than letters, digits, `-` and `_`.
    #[error("account_prefix is not made of letters, digits, '-' and '_'")]
    AccountPrefix,
    /// No lock at all.
    #[error("no lock is named")]
    NoLocks,
    /// A lock number that no lock has.
    #[error("{device}: a lock_id is a positive number")]
    LockId {
        /// The lock.
        device: LockDeviceId,
    },
    /// Two of the hotel's ids for one lock.
    #[error("{device}: its lock_id stands twice")]
    LockTwice {
        /// The second of them.
        device: LockDeviceId,
    },
}

impl TtlockConfig {
    /// Checks everything that can be checked without asking the vendor.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let named = |text: &str, others: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        if !is_allowed(&self.base_url) {
            return Err(ConfigError::BaseUrl);
        }
        if !named(&self.client_id, "") {
            return Err(ConfigError::ClientId);
        }
        if self.account.is_empty() || self.account.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(ConfigError::Account);
        }
        if !named(&self.account_prefix, "-_") {
            return Err(ConfigError::AccountPrefix);
        }
        if self.locks.is_empty() {
            return Err(ConfigError::NoLocks);
        }
        let mut seen = BTreeSet::new();
        for (device, lock) in &self.locks {
            if lock.lock_id <= 0 {
                return Err(ConfigError::LockId { device: *device });
            }
            if !seen.insert(lock.lock_id) {
                return Err(ConfigError::LockTwice { device: *device });
            }
        }
        Ok(())
    }

    /// The base of every address, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        self.base_url.strip_suffix('/').unwrap_or(&self.base_url)
    }
}

fn is_allowed(url: &str) -> bool {
    let url = url.strip_suffix('/').unwrap_or(url);
    if let Some(authority) = url.strip_prefix("https://") {
        return host(authority).is_some();
    }
    url.strip_prefix("http://").and_then(host).is_some_and(is_loopback)
}

/// The host of `host[:port]`, if it is nothing more than that.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some("0")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("0")),
        },
    };
    port?.parse::<u16>().ok()?;
    let plain = host.contains(':') || host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    (plain && !host.is_empty()).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> TtlockConfig {
        serde_json::from_str(
            r#"{
                "tenant": "tnt_01STPS8FNWQ9SP6SX84512QPKP", "property": "ppt_01STPS8FNWQ9SP6SX84512QPKP",
                "base_url": "https://euapi.ttlock.com", "client_id": "0a1b", "account": "desk@hotel.example",
                "account_prefix": "abcde",
                "locks": {"lck_01STPS8FNWQ9SP6SX84512QPKP": {"lock_id": 7, "label": "204", "rooms": []}}
            }"#,
        )
        .unwrap()
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in [
            "https://euapi.ttlock.com",
            "https://euapi.ttlock.com/",
            "https://h:8443",
            "http://127.0.0.1:80",
            "http://localhost",
            "http://[::1]:9",
            "http://127.1.2.3",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "euapi.ttlock.com",
            "http://euapi.ttlock.com",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "https://",
            "https://a b",
            "https://h/path",
            "https://h?x",
            "https://u:p@h",
            "http://[::2]",
            "https://h:x",
            "ftp://h",
            "https://[::1]x",
            "http://localhost:99999",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn each_mistake_has_its_own_error() {
        let device = "lck_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
        let lock = |lock_id| TtlockLock::new(lock_id, String::new(), vec![]);
        assert_eq!(config().check(), Ok(()));
        let with = |lock_id| {
            let mut config = config();
            config.locks.insert(device, lock(lock_id));
            config
        };
        let cases = [
            (TtlockConfig { base_url: "http://h".into(), ..config() }, ConfigError::BaseUrl),
            (TtlockConfig { client_id: "a b".into(), ..config() }, ConfigError::ClientId),
            (TtlockConfig { account: "a b".into(), ..config() }, ConfigError::Account),
            (TtlockConfig { account_prefix: String::new(), ..config() }, ConfigError::AccountPrefix),
            (TtlockConfig { locks: BTreeMap::new(), ..config() }, ConfigError::NoLocks),
            (with(0), ConfigError::LockId { device }),
            (with(7), ConfigError::LockTwice { device }),
        ];
        for (config, want) in cases {
            assert_eq!(config.check(), Err(want));
        }
    }

    #[test]
    fn a_field_nobody_knows_is_refused() {
        let text = serde_json::to_string(&config()).unwrap().replacen('{', "{\"client_secret\":\"x\",", 1);
        assert!(serde_json::from_str::<TtlockConfig>(&text).is_err());
    }
}
