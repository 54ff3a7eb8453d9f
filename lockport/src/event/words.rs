//! Words of an event that are no type of their own: open sets, so that a new word is no new schema.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{InvalidId, UserId};

/// The longest word, in bytes.
const MAX_WORD: usize = 64;

/// One word of ours: a letter, then letters, digits, `_` and `.`; never text of a person or a vendor.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Word(Cow<'static, str>);

/// Text that is no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a word is a letter and then letters, digits, '_' and '.', at most {MAX_WORD} in all")]
pub struct InvalidWord;

impl Word {
    /// What a word looks like, as a regular expression.
    pub const PATTERN: &'static str = "^[A-Za-z][A-Za-z0-9_.]{0,63}$";

    /// A word that stands in the program.
    pub(crate) const fn of(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// The word as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = InvalidWord;
    fn try_from(text: String) -> Result<Self, InvalidWord> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        if !begins || text.len() > MAX_WORD || !text.bytes().all(inner) {
            return Err(InvalidWord);
        }
        Ok(Self(Cow::Owned(text)))
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0.into_owned()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is odd about an attempt (R83, R108).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnomalyKind {
    /// A door opened to a key after it was revoked.
    UsedAfterRevoke,
    /// A door opened to a key that is suspended.
    UsedWhileSuspended,
    /// A door opened to a key of staff outside its shift.
    OffShift,
    /// A door did not open, again and again.
    RepeatedDenials,
}

impl AnomalyKind {
    /// The word for it: `off_shift`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsedAfterRevoke => "used_after_revoke",
            Self::UsedWhileSuspended => "used_while_suspended",
            Self::OffShift => "off_shift",
            Self::RepeatedDenials => "repeated_denials",
        }
    }
}

/// Who lifted a suspension (R213): `usr_...`, or `saga` when no person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum UnsuspendedBy {
    /// It followed from an event.
    Saga,
    /// A person at the desk.
    User(UserId),
}

impl From<Option<UserId>> for UnsuspendedBy {
    fn from(user: Option<UserId>) -> Self {
        user.map_or(Self::Saga, Self::User)
    }
}

impl TryFrom<String> for UnsuspendedBy {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        if text == "saga" { Ok(Self::Saga) } else { UserId::from_str(&text).map(Self::User) }
    }
}

impl From<UnsuspendedBy> for String {
    fn from(by: UnsuspendedBy) -> Self {
        match by {
            UnsuspendedBy::Saga => "saga".to_owned(),
            UnsuspendedBy::User(user) => user.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_no_sentence() {
        for good in ["refused", "shift.ended", "MELMASTOON.LOCK.KEY_ISSUE_FAILED"] {
            assert_eq!(Word::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "two words", "274913", "ä", "a@b", "x".repeat(MAX_WORD + 1).as_str()] {
            assert!(Word::try_from(bad.to_owned()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn who_lifts_is_a_person_or_the_saga() {
        let user = UserId::derived("t", &[b"u"]);
        for by in [UnsuspendedBy::Saga, UnsuspendedBy::User(user)] {
            assert_eq!(UnsuspendedBy::try_from(String::from(by)).unwrap(), by);
        }
        assert!(UnsuspendedBy::try_from("gst_01STPS8FNWQ9SP6SX84512QPKP".to_owned()).is_err());
    }
}
