//! The cases of a file, and what came of one.

use serde_json::Value;

/// One case.
pub(super) struct Case<'f> {
    /// Its id; where it has none, the list it stands in and its place there.
    pub(super) id: String,
    /// The name of the list it stands in, or what it says of itself.
    pub(super) kind: &'f str,
    pub(super) body: &'f Value,
}

/// What came of a case.
#[derive(Debug)]
#[cfg_attr(not(feature = "wiegand"), expect(dead_code, reason = "without a codec every case is skipped"))]
pub(super) enum Outcome {
    Passed,
    Differs {
        got: Value,
        wanted: Value,
    },
    /// Why it was not played.
    Skipped(String),
}

#[cfg(feature = "wiegand")]
impl Outcome {
    /// Whether everything that is wanted is there. What is not wanted is not judged.
    pub(super) fn of(got: Value, wanted: &Value) -> Self {
        if holds(&got, wanted) { Self::Passed } else { Self::Differs { got, wanted: wanted.clone() } }
    }
}

#[cfg(feature = "wiegand")]
fn holds(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| got.get(key).is_some_and(|got| holds(got, wanted)))
        }
        (Value::Array(got), Value::Array(wanted)) => {
            got.len() == wanted.len() && got.iter().zip(wanted).all(|(got, wanted)| holds(got, wanted))
        }
        _ => got == wanted,
    }
}

/// Every case of a file, in order: the objects of its lists, however deep the lists stand.
pub(super) fn cases(file: &Value) -> Vec<Case<'_>> {
    let mut found = Vec::new();
    gather("", file, &mut found);
    found
}

fn gather<'f>(name: &'f str, value: &'f Value, found: &mut Vec<Case<'f>>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| gather(name, member, found)),
        Value::Array(items) => {
            for (at, body) in items.iter().enumerate().filter(|(_, item)| item.is_object()) {
                let own = |key: &str| body.get(key).and_then(Value::as_str);
                let id = own("id").map_or_else(|| format!("{name}[{at}]"), str::to_owned);
                let kind = own("kind").or_else(|| own("group")).unwrap_or(name);
                found.push(Case { id, kind, body });
            }
        }
        _ => {}
    }
}
