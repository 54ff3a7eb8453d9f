//! What random days are made of. Each part can be left out, to find which one it takes to make a day fail.

/// A set of parts of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features(u32);

macro_rules! features {
    ($($name:ident = $bit:expr, $word:literal;)+) => {
        impl Features {
            $(pub(crate) const $name: Self = Self(1 << $bit);)+

            const WORDS: &[(&str, Self)] = &[$(($word, Self::$name)),+];
            pub(crate) const ALL: Self = Self($((1 << $bit))|+);
        }
    };
}

features! {
    NO_SHOW = 0, "no_show";
    FRAUD = 1, "fraud";
    UNSUSPEND = 2, "unsuspend";
    LOST = 3, "lost";
    OUTAGE = 4, "outage";
    SHIFTS = 5, "shifts";
    DEACTIVATION = 6, "deactivation";
    CONFIG = 7, "config";
    CARD = 8, "card";
    SILENT = 9, "silent_ack";
    WEBHOOK = 10, "webhook";
    RESTART = 11, "restart";
    AFTER_CALLS = 12, "after_calls";
    MOCK_LIMITS = 13, "mock_limits";
    MOCK_FAULTS = 14, "mock_faults";
    ANY_KINDS = 15, "any_kinds";
    ENCODER = 16, "encoder";
    PASSCODES = 17, "passcodes";
}

impl Features {
    pub(crate) const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    pub(crate) const fn without(self, those: Self) -> Self {
        Self(self.0 & !those.0)
    }

    pub(crate) const fn with(self, those: Self) -> Self {
        Self(self.0 | those.0)
    }

    /// `all`, `none`, or changes of what there is: `-outage,+card`.
    pub(crate) fn read(self, text: &str) -> Self {
        text.split(',').filter(|word| !word.is_empty()).fold(self, |features, word| match word {
            "all" => Self::ALL,
            "none" => Self(0),
            _ => {
                let (sign, word) = word.split_at(1);
                let known = Self::WORDS.iter().find(|(name, _)| *name == word);
                let (_, one) = known.unwrap_or_else(|| panic!("no part of a random day is called {word}"));
                if sign == "-" { features.without(*one) } else { features.with(*one) }
            }
        })
    }
}
