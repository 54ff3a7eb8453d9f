//! What a lock talks with (VENDOR: section 1), and what it can do (VENDOR: section 7, `featureValue`).

use std::collections::BTreeSet;

/// How a lock reaches the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Radio {
    /// Bluetooth only: through a gateway that hears it.
    Bluetooth,
    Wifi(Wifi),
    /// The lock wakes by itself now and then; without a registration it is never heard of.
    Nb {
        is_registered: bool,
    },
}

/// The WiFi radio of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wifi {
    pub(crate) is_set_up: bool,
    pub(crate) is_power_saving: bool,
    pub(crate) silent_since_ms: Option<i64>,
    pub(crate) busy_until_ms: i64,
    /// Whether the callback already told that it went silent.
    pub(crate) is_told_off: bool,
}

/// A function of a lock, by its bit in `featureValue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Bit 0.
    Passcode = 0,
    /// Bit 1.
    Card = 1,
    /// Bit 4.
    AutoLock = 4,
    /// Bit 7.
    ModifyPasscode = 7,
    /// Bit 8.
    RemoteLock = 8,
    /// Bit 10.
    GatewayUnlock = 10,
    /// Bit 11.
    Freeze = 11,
    /// Bit 12.
    CyclicPasscode = 12,
    /// Bit 16.
    NbIot = 16,
    /// Bit 34.
    CyclicCard = 34,
    /// Bit 56.
    Wifi = 56,
}

/// The functions of one lock.
#[derive(Debug, Clone)]
pub(crate) struct Features(BTreeSet<Feature>);

impl Features {
    pub(crate) fn of(radio: &Radio) -> Self {
        let mut features = BTreeSet::from([
            Feature::Passcode,
            Feature::Card,
            Feature::AutoLock,
            Feature::ModifyPasscode,
            Feature::RemoteLock,
            Feature::GatewayUnlock,
            Feature::Freeze,
            Feature::CyclicPasscode,
            Feature::CyclicCard,
        ]);
        match radio {
            Radio::Bluetooth => {}
            Radio::Wifi(_) => drop(features.insert(Feature::Wifi)),
            Radio::Nb { .. } => drop(features.insert(Feature::NbIot)),
        }
        Self(features)
    }

    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }

    pub(crate) fn lose(&mut self, feature: Feature) {
        self.0.remove(&feature);
    }

    /// The bit set in hex, as the cloud writes it.
    pub(crate) fn value(&self) -> String {
        let bits = self.0.iter().fold(0_u128, |bits, feature| bits | (1 << (*feature as u32)));
        format!("{bits:x}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Feature, Features, Radio};

    #[test]
    fn the_value_is_the_bits_in_hex() {
        let mut features = Features::of(&Radio::Bluetooth);
        assert_eq!(features.value(), "400001d93");
        features.lose(Feature::CyclicCard);
        assert_eq!(features.value(), "1d93");
    }
}
