//! The states of a credential and the only ways between them (R64 to R67).

use serde::{Deserialize, Serialize};

/// How a credential stands, as the hotel means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Wanted; no vendor has heard of it.
    Requested,
    /// Handed to the port; the outcome is open (X15).
    Pending,
    /// The vendor confirmed it.
    Active,
    /// Not to open until further notice.
    Suspended,
    /// Never to open again.
    Revoked,
    /// It did not come about.
    Failed,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::Pending, Self::Active, Self::Suspended, Self::Revoked, Self::Failed];

    /// Whether there is an arrow from here to there.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Requested, Self::Pending | Self::Failed)
                | (Self::Pending, Self::Active | Self::Failed)
                | (Self::Active, Self::Suspended | Self::Revoked)
                | (Self::Suspended, Self::Active | Self::Revoked)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R64 to R67: the drawn arrows and no other.
    #[test]
    fn only_the_drawn_arrows_exist() {
        use KeyState::{Active, Failed, Pending, Requested, Revoked, Suspended};
        let drawn = [
            (Requested, Pending),
            (Requested, Failed),
            (Pending, Active),
            (Pending, Failed),
            (Active, Suspended),
            (Active, Revoked),
            (Suspended, Active),
            (Suspended, Revoked),
        ];
        for from in KeyState::ALL {
            for to in KeyState::ALL {
                assert_eq!(from.may_become(to), drawn.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }
}
