//! Weekly hours, judged on the lock's own wall (VENDOR: section 6, `cyclicConfig`; section 5.1, types 5 to 14).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::errcode::Errcode;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const DAY_MINUTES: i64 = 24 * 60;

/// The same hours on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// 1 Monday to 7 Sunday, in order.
    days: Vec<i64>,
    from_minute: i64,
    until_minute: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    week_day: i64,
    start_time: i64,
    end_time: i64,
}

impl Schedule {
    /// `days` from the minute of the day of `start_wall_ms` to that of `end_wall_ms`.
    pub(crate) fn of_hours(days: &[i64], start_wall_ms: i64, end_wall_ms: i64) -> Result<Self, Errcode> {
        Self::new(days.to_vec(), minute_of_day(start_wall_ms), minute_of_day(end_wall_ms))
    }

    fn new(mut days: Vec<i64>, from_minute: i64, until_minute: i64) -> Result<Self, Errcode> {
        days.sort_unstable();
        days.dedup();
        let days_exist = !days.is_empty() && days.iter().all(|day| (1..=7).contains(day));
        let hours_exist = 0 <= from_minute && from_minute < until_minute && until_minute <= DAY_MINUTES;
        if days_exist && hours_exist {
            Ok(Self { days, from_minute, until_minute })
        } else {
            Err(Errcode::INVALID_PARAMETER)
        }
    }

    /// Reads a `cyclicConfig`. VENDOR: section 6, all its entries share the same times.
    pub(crate) fn parse(text: &str) -> Result<Self, Errcode> {
        let entries: Vec<Value> = serde_json::from_str(text).map_err(|_| Errcode::BAD_JSON)?;
        let entries: Vec<Entry> =
            serde_json::from_value(Value::Array(entries)).map_err(|_| Errcode::INVALID_PARAMETER)?;
        let first = entries.first().ok_or(Errcode::INVALID_PARAMETER)?;
        let hours = (first.start_time, first.end_time);
        if entries.iter().any(|entry| (entry.start_time, entry.end_time) != hours) {
            return Err(Errcode::INVALID_PARAMETER);
        }
        Self::new(entries.iter().map(|entry| entry.week_day).collect(), hours.0, hours.1)
    }

    /// The entries as the list of cards shows them.
    pub(crate) fn entries(&self) -> Value {
        self.days
            .iter()
            .map(|day| json!({ "weekDay": day, "startTime": self.from_minute, "endTime": self.until_minute }))
            .collect()
    }

    /// Whether the lock's wall shows one of these hours; the last minute is outside.
    pub(crate) fn holds(&self, wall_ms: i64) -> bool {
        let minute = minute_of_day(wall_ms);
        self.days.contains(&week_day(wall_ms)) && self.from_minute <= minute && minute < self.until_minute
    }
}

fn minute_of_day(wall_ms: i64) -> i64 {
    wall_ms.rem_euclid(DAY_MS) / MINUTE_MS
}

/// 1 Monday to 7 Sunday; the first of January 1970 was a Thursday.
fn week_day(wall_ms: i64) -> i64 {
    (wall_ms.div_euclid(DAY_MS) + 3).rem_euclid(7) + 1
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::errcode::Errcode;

    /// 2026-04-27, a Monday, 00:00.
    const MONDAY: i64 = 1_777_248_000_000;
    const MINUTE: i64 = 60_000;

    #[test]
    fn a_schedule_holds_on_its_days_and_in_its_hours() {
        let text =
            r#"[{"weekDay":1,"startTime":480,"endTime":1080},{"weekDay":7,"startTime":480,"endTime":1080}]"#;
        let schedule = Schedule::parse(text).expect("a schedule");
        for (day, minute, holds) in [
            (0, 479, false),
            (0, 480, true),
            (0, 1079, true),
            (0, 1080, false),
            (1, 600, false),
            (6, 600, true),
        ] {
            assert_eq!(schedule.holds(MONDAY + (day * 1440 + minute) * MINUTE), holds, "{day} {minute}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_by_number() {
        for (text, code) in [
            ("no json", Errcode::BAD_JSON),
            ("{}", Errcode::BAD_JSON),
            ("[]", Errcode::INVALID_PARAMETER),
            ("[1]", Errcode::INVALID_PARAMETER),
            (r#"[{"weekDay":8,"startTime":1,"endTime":2}]"#, Errcode::INVALID_PARAMETER),
            (r#"[{"weekDay":1,"startTime":2,"endTime":2}]"#, Errcode::INVALID_PARAMETER),
            (r#"[{"weekDay":1,"startTime":0,"endTime":1441}]"#, Errcode::INVALID_PARAMETER),
            (
                r#"[{"weekDay":1,"startTime":1,"endTime":2},{"weekDay":2,"startTime":1,"endTime":3}]"#,
                Errcode::INVALID_PARAMETER,
            ),
        ] {
            assert_eq!(Schedule::parse(text), Err(code), "{text}");
        }
    }
}
