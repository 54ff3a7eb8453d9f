//! The text of a passcode, kept out of everything that is printed.

use std::fmt;

/// What somebody types on a lock's keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits(String);

impl Digits {
    /// Takes the text as it is; the lock and the cloud judge it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text in clear.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// VENDOR: section 10.1, "passcode too simple": one digit throughout, or a run up or down.
    pub(crate) fn is_simple(&self) -> bool {
        let bytes = self.0.as_bytes();
        let steps = |step: i16| {
            bytes
                .iter()
                .zip(bytes.iter().skip(1))
                .all(|(one, next)| i16::from(*next) - i16::from(*one) == step)
        };
        steps(0) || steps(1) || steps(-1)
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[digits]")
    }
}

#[cfg(test)]
mod tests {
    use super::Digits;

    #[test]
    fn runs_and_repeated_digits_are_simple() {
        for (text, simple) in [
            ("1111", true),
            ("123456", true),
            ("9876", true),
            ("1112", false),
            ("1357", false),
            ("9012", false),
            ("2580", false),
        ] {
            assert_eq!(Digits::new(text).is_simple(), simple, "{text}");
        }
    }

    #[test]
    fn the_text_is_not_printed() {
        assert!(!format!("{:?}", Digits::new("4711")).contains("4711"));
    }
}
