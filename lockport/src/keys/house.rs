//! What the platform says of a property as a whole.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::credential::KeyCredentialKind;
use crate::property::KindPolicy;
use crate::store::{Record, Table};
use crate::validity::Timestamp;

/// A policy as an event carries it and as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyData {
    no_show_suspend_after_hours: u16,
    preferred_kinds: Vec<KeyCredentialKind>,
}

impl From<&PolicyData> for KindPolicy {
    fn from(data: &PolicyData) -> Self {
        Self {
            preferred_kinds: data.preferred_kinds.clone(),
            no_show_suspend_after: TimeDelta::hours(data.no_show_suspend_after_hours.into()),
        }
    }
}

/// What was said of the property since it was configured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct HouseRecord {
    /// The policy of the newest `config_updated`; without one, the configured policy stands.
    pub(super) policy: Option<PolicyData>,
    /// When the bus says that this policy was told.
    #[serde(default)]
    pub(super) policy_told_at: Option<Timestamp>,
    /// Since when nobody opens anything.
    pub(super) deactivated_at: Option<Timestamp>,
    /// Since when there may be keys that do not know of it yet.
    pub(super) clearing: Option<Timestamp>,
    /// Whether the desk is without its cloud: what it gives out is provisional.
    #[serde(default)]
    pub(super) is_offline: bool,
    /// Since when there may be provisional keys although the cloud is back.
    #[serde(default)]
    pub(super) rejoining: Option<Timestamp>,
}

impl HouseRecord {
    pub(super) const ID: &'static str = "house";

    pub(super) const fn is_deactivated(&self) -> bool {
        self.deactivated_at.is_some()
    }

    /// The policy in force.
    pub(super) fn policy(&self, configured: &KindPolicy) -> KindPolicy {
        self.policy.as_ref().map_or_else(|| configured.clone(), KindPolicy::from)
    }
}

impl Record for HouseRecord {
    const TABLE: Table = Table::House;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }

    fn due(&self) -> Option<Timestamp> {
        [self.clearing, self.rejoining].into_iter().flatten().min()
    }
}
