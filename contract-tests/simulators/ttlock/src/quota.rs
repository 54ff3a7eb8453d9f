//! The monthly quota and the throttle of an application (VENDOR: section 12).

use std::collections::{BTreeMap, VecDeque};

use chrono::DateTime;
use serde_json::json;

use crate::errcode::Errcode;
use crate::limits::{MONTHLY_QUOTA, QUOTA_ZONE_MS};
use crate::route::Call;
use crate::state::State;
use crate::wire::Answer;

/// At most `calls` calls of one application in any `per_ms` of the simulated clock; more answer 30006.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// How many calls pass.
    pub calls: usize,
    /// In how many milliseconds.
    pub per_ms: i64,
}

/// Counts calls per application.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) monthly: u64,
    pub(crate) throttle: Option<Throttle>,
    used: BTreeMap<(String, String), u64>,
    recent: BTreeMap<String, VecDeque<i64>>,
}

impl Quota {
    pub(crate) fn new() -> Self {
        Self { monthly: MONTHLY_QUOTA, throttle: None, used: BTreeMap::new(), recent: BTreeMap::new() }
    }

    /// Calls of the month that `now_ms` lies in.
    pub(crate) fn used(&self, client_id: &str, now_ms: i64) -> u64 {
        self.used.get(&(client_id.into(), month(now_ms))).copied().unwrap_or(0)
    }

    /// Counts one call, or refuses it; a refused call is not counted.
    pub(crate) fn spend(&mut self, client_id: &str, now_ms: i64) -> Result<(), Errcode> {
        let used = self.used.entry((client_id.into(), month(now_ms))).or_default();
        if *used >= self.monthly {
            return Err(Errcode::QUOTA_USED_UP);
        }
        if let Some(throttle) = self.throttle {
            let recent = self.recent.entry(client_id.into()).or_default();
            recent.retain(|at| now_ms.saturating_sub(*at) < throttle.per_ms);
            if recent.len() >= throttle.calls {
                return Err(Errcode::TOO_MANY_CALLS);
            }
            recent.push_back(now_ms);
        }
        *used += 1;
        Ok(())
    }
}

fn month(now_ms: i64) -> String {
    DateTime::from_timestamp_millis(now_ms.saturating_add(QUOTA_ZONE_MS))
        .map(|date| date.format("%Y-%m").to_string())
        .unwrap_or_default()
}

/// `POST /app/getMonthRequestCount`.
pub(crate) fn month_request_count(state: &mut State, call: &Call) -> Answer {
    Ok(json!({ "monthRequestCount": state.quota.used(&call.client_id, call.now_ms) }))
}
