//! The address of a mock vendor, which says what it is like and what goes wrong with it.
//!
//! ```text
//! mock://?personality=per_door|per_stay|room_wide|silent_ack|card|webhook
//!        &seed=NUMBER
//!        &fail=issue|update|revoke|suspend|unsuspend|devices|health[,...]   what fails,
//!        &pct=0..100 | &nth=1..                         so often in a hundred, or once (every call when neither is said),
//!        &error=CODE &reason=REASON                     with this answer (VENDOR_UNREACHABLE),
//!        &when=before|after|late:SECONDS                before any effect (so when nothing is said), after it, or long before it
//!        &latency=fast|cloud|gateway|slow               how long calls take
//!        &capability=-suspend[,-pin,...]                what it cannot do
//!        &doors=1..                                     the most doors of one key
//! ```
//! Each key once. What is left out is as for [`MockUrl::default`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lockport::Operation;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice};

use crate::personality::Personality;

/// What a `mock:` address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MockUrl {
    /// What kind of vendor.
    pub personality: Personality,
    /// The seed of everything that the vendor draws.
    pub seed: u64,
    /// What fails.
    pub fail: Option<FaultRule>,
    /// How long calls take.
    pub latency: Latency,
    /// What it cannot do though vendors of its kind can.
    pub without: Vec<Ability>,
    /// The most doors of one key, where there is such a limit.
    pub max_doors: Option<u16>,
}

/// Calls that fail by rule rather than by order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultRule {
    /// Which operations; a grant counts as an issue, and a withdrawal that does not suspend as a revoke.
    pub operations: Vec<Operation>,
    /// How often.
    pub often: Often,
    /// With this code: one of the six that stand for a vendor's answer.
    pub error: ErrorCode,
    /// Its finer meaning.
    pub reason: FailureReason,
    /// Before or after the effect.
    pub when: When,
}

/// How often a [`FaultRule`] strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Often {
    /// So many in a hundred, by chance.
    Percent(u8),
    /// The one with this number, counted from 1.
    Nth(u64),
}

/// When a [`FaultRule`] strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Nothing is applied.
    Before,
    /// It is applied, and the caller cannot know.
    After,
    /// It is applied so much later, and the caller cannot know.
    Late(Duration),
}

/// How long calls take, there and back, once the vendor has something to sleep on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Latency {
    /// No time at all.
    #[default]
    Fast,
    /// A cloud: 0.4 s.
    Cloud,
    /// A lock behind a gateway: 6 s.
    Gateway,
    /// Longer than any call may take: 90 s.
    Slow,
}

impl Latency {
    /// There and back.
    #[must_use]
    pub const fn round_trip(self) -> Duration {
        match self {
            Self::Fast => Duration::ZERO,
            Self::Cloud => Duration::from_millis(400),
            Self::Gateway => Duration::from_secs(6),
            Self::Slow => Duration::from_secs(90),
        }
    }
}

macro_rules! abilities {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Something that can be taken from a vendor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Ability {
            $($(#[$doc])* $name,)*
        }

        impl Ability {
            const TABLE: &'static [(&'static str, Self)] = &[$(($text, Self::$name)),*];
        }
    };
}

abilities! {
    /// Keys on phones.
    MobileKey = "mobile_key";
    /// Cards.
    CardEncoding = "card_encoding";
    /// PINs.
    Pin = "pin";
    /// Issue without anybody at the desk.
    RemoteIssue = "remote_issue";
    /// Revoke without anybody at the door.
    RemoteRevoke = "remote_revoke";
    /// Shared areas in a guest's scope.
    ScopeAreas = "scope_areas";
    /// Suspension.
    Suspend = "suspend";
}

/// Why text is no address of a mock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MockUrlError {
    /// It does not begin with `mock://`, or something stands between that and the `?`.
    NotMock,
    /// A key that means nothing here.
    UnknownKey(String),
    /// A key that stands there twice, or excludes another.
    Twice(String),
    /// A key without what it is about: `pct` without `fail`.
    Alone(String),
    /// A value that the key does not take.
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
}

impl fmt::Display for MockUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMock => f.write_str("the address of a mock begins with mock:// and has only a query"),
            Self::UnknownKey(key) => write!(f, "{key:?} is no setting of a mock"),
            Self::Twice(key) => write!(f, "{key:?} is set twice, or against another setting"),
            Self::Alone(key) => write!(f, "{key:?} is set, and nothing is to fail"),
            Self::Value { key, value } => write!(f, "{key:?} cannot be {value:?}"),
        }
    }
}

impl std::error::Error for MockUrlError {}

/// What may fail, and the word for it.
const OPERATIONS: [(&str, Operation); 7] = [
    ("issue", Operation::IssueCredential),
    ("update", Operation::UpdateCredential),
    ("revoke", Operation::RevokeCredential),
    ("suspend", Operation::SuspendCredential),
    ("unsuspend", Operation::UnsuspendCredential),
    ("devices", Operation::ListDevices),
    ("health", Operation::HealthCheck),
];

/// What a vendor can answer, and what it means when no reason is named.
const ANSWERS: [(ErrorCode, FailureReason); 6] = [
    (ErrorCode::VendorUnreachable, FailureReason::Network),
    (ErrorCode::KeyIssueFailed, FailureReason::Refused),
    (ErrorCode::KeyRevokeFailed, FailureReason::Refused),
    (ErrorCode::DeviceNotPaired, FailureReason::UnknownPlace),
    (ErrorCode::CredentialExpired, FailureReason::NotFound),
    (ErrorCode::CardEncoderOffline, FailureReason::DeviceOffline),
];

/// The keys that say how something fails.
const HOW: [&str; 5] = ["pct", "nth", "error", "reason", "when"];

impl FaultRule {
    pub(crate) fn fails(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    /// What the caller is told.
    pub(crate) fn error(&self) -> LockError {
        let is_transient = matches!(self.error, ErrorCode::VendorUnreachable | ErrorCode::CardEncoderOffline);
        let advice = match self.when {
            When::After | When::Late(_) => RetryAdvice::OutcomeUnknown,
            When::Before if is_transient => RetryAdvice::NotApplied,
            When::Before => RetryAdvice::Never,
        };
        LockError::new(self.error, self.reason, advice, "the mock fails as its address says")
    }
}

impl FromStr for MockUrl {
    type Err = MockUrlError;

    fn from_str(text: &str) -> Result<Self, MockUrlError> {
        let query = match text.strip_prefix("mock://").ok_or(MockUrlError::NotMock)? {
            "" => "",
            rest => rest.strip_prefix('?').ok_or(MockUrlError::NotMock)?,
        };
        let mut said: Vec<(&str, &str)> = Vec::new();
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            let (key, value) =
                setting.split_once('=').ok_or_else(|| MockUrlError::UnknownKey(setting.to_owned()))?;
            if said.iter().any(|(known, _)| *known == key) {
                return Err(MockUrlError::Twice(key.to_owned()));
            }
            said.push((key, value));
        }
        let mut url = Self::default();
        for (key, value) in &said {
            let wrong = || MockUrlError::Value { key: (*key).to_owned(), value: (*value).to_owned() };
            match *key {
                "personality" => url.personality = value.parse().map_err(|_| wrong())?,
                "seed" => url.seed = value.parse().map_err(|_| wrong())?,
                "latency" => url.latency = latency(value).ok_or_else(wrong)?,
                "capability" => url.without = list(value, ability).ok_or_else(wrong)?,
                "doors" => {
                    let most = value.parse().ok().filter(|most| *most > 0);
                    url.max_doors = Some(most.ok_or_else(wrong)?);
                }
                "fail" => url.fail = Some(fault_rule(&said)?),
                how if HOW.contains(&how) => {
                    if said.iter().all(|(key, _)| *key != "fail") {
                        return Err(MockUrlError::Alone(how.to_owned()));
                    }
                }
                unknown => return Err(MockUrlError::UnknownKey(unknown.to_owned())),
            }
        }
        Ok(url)
    }
}

fn fault_rule(said: &[(&str, &str)]) -> Result<FaultRule, MockUrlError> {
    let value_of = |key: &str| said.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
    let wrong = |key: &str, value: &str| MockUrlError::Value { key: key.to_owned(), value: value.to_owned() };
    let read = |key: &str| value_of(key).map(|value| (value, wrong(key, value)));
    let mut rule = FaultRule {
        operations: Vec::new(),
        often: Often::Percent(100),
        error: ErrorCode::VendorUnreachable,
        reason: FailureReason::Network,
        when: When::Before,
    };
    if let Some((value, wrong)) = read("fail") {
        rule.operations = list(value, |word| named(&OPERATIONS, word)).ok_or(wrong)?;
    }
    if let Some((value, wrong)) = read("pct") {
        let percent = value.parse().ok().filter(|percent| *percent <= 100);
        rule.often = Often::Percent(percent.ok_or(wrong)?);
    }
    if let Some((value, wrong)) = read("nth") {
        if value_of("pct").is_some() {
            return Err(MockUrlError::Twice("nth".to_owned()));
        }
        rule.often = Often::Nth(value.parse().ok().filter(|nth| *nth > 0).ok_or(wrong)?);
    }
    if let Some((value, wrong)) = read("error") {
        let known = ANSWERS.into_iter().find(|(code, _)| code.name() == value || code.as_str() == value);
        (rule.error, rule.reason) = known.ok_or(wrong)?;
    }
    if let Some((value, wrong)) = read("reason") {
        let known = FailureReason::ALL.iter().find(|reason| reason.as_str() == value);
        rule.reason = *known.ok_or(wrong)?;
    }
    if let Some((value, wrong)) = read("when") {
        rule.when = when(value).ok_or(wrong)?;
    }
    Ok(rule)
}

fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

fn list<T>(value: &str, word: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(word).collect()
}

fn ability(word: &str) -> Option<Ability> {
    named(Ability::TABLE, word.strip_prefix('-')?)
}

fn latency(word: &str) -> Option<Latency> {
    let table = [
        ("fast", Latency::Fast),
        ("cloud", Latency::Cloud),
        ("gateway", Latency::Gateway),
        ("slow", Latency::Slow),
    ];
    named(&table, word)
}

fn when(word: &str) -> Option<When> {
    match word.split_once(':') {
        None if word == "before" => Some(When::Before),
        None if word == "after" => Some(When::After),
        Some(("late", seconds)) => {
            Some(When::Late(Duration::from_secs(u64::from(seconds.parse::<u32>().ok()?))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
