//! The publisher's own look at what leaves (R194, R227): what must not be in an event stops it, however it came in.

use serde_json::Value;

use super::Envelope;
use crate::secret::Secret;
use crate::store::Partition;
use crate::validity::Timestamp;

/// Members that no event has, written without `_`, `-` and capitals. `vendorRefHash` and `opaqueRef` are not among them: they
/// are worthless by themselves (X2, X17).
pub const FORBIDDEN_MEMBERS: [&str; 29] = [
    "accesstoken",
    "apikey",
    "authorization",
    "cardnumber",
    "carduid",
    "clientsecret",
    "contact",
    "credential",
    "displayname",
    "email",
    "guestname",
    "keybytes",
    "keydata",
    "lockseed",
    "mobiletoken",
    "otp",
    "passcode",
    "passphrase",
    "password",
    "phone",
    "phonee164",
    "pin",
    "pincode",
    "privatekey",
    "refreshtoken",
    "secret",
    "token",
    "vendorref",
    "vendorreference",
];

/// Members that hold a measure of ours: a number of theirs that reads like somebody's PIN is none.
const MEASURES: [&str; 8] = [
    "alertAtMs",
    "attempts",
    "batteryPct",
    "clockSkewMs",
    "errorRatePct",
    "thresholdPct",
    "warnAtMs",
    "windowSize",
];

/// The shortest text that is looked for: what is shorter stands everywhere.
const SHORTEST: usize = 4;

/// Why an event is not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Objection {
    /// It is of another tenant or property (R227).
    Foreign,
    /// It has a member that no event may have (R194).
    Member,
    /// It holds the text of an artifact (R194).
    Artifact,
}

impl Objection {
    /// The word of the metric `outbox.publish_dropped_total`: `redaction`, `tenant`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "tenant",
            Self::Member | Self::Artifact => "redaction",
        }
    }
}

/// Looks at events on their way out.
#[derive(Debug)]
pub struct Redactor {
    own: Partition,
    custody: Vec<Secret>,
}

impl Redactor {
    /// For the events of one property; `custody` are the texts of the artifacts that are kept for its guests and staff.
    #[must_use]
    pub fn new(own: Partition, mut custody: Vec<Secret>) -> Self {
        // EXPOSE: to measure it.
        custody.retain(|text| text.expose().len() >= SHORTEST);
        Self { own, custody }
    }

    /// Why this event must not leave, if it must not.
    #[must_use]
    pub fn objection(&self, event: &Envelope) -> Option<Objection> {
        let named = event.data.get("propertyId").and_then(Value::as_str);
        let own = self.own.property.to_string();
        if event.tenant_id != self.own.tenant || named.is_some_and(|named| named != own) {
            return Some(Objection::Foreign);
        }
        let texts = [&event.trace_id, &event.correlation_id].into_iter().flatten();
        if texts.into_iter().any(|text| self.is_told_in(text)) {
            return Some(Objection::Artifact);
        }
        self.look(&event.data)
    }

    fn look(&self, value: &Value) -> Option<Objection> {
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Number(number) => self.is_told_in(&number.to_string()).then_some(Objection::Artifact),
            Value::String(text) => self.is_told_in(text).then_some(Objection::Artifact),
            Value::Array(values) => values.iter().find_map(|value| self.look(value)),
            Value::Object(members) => members.iter().find_map(|(name, value)| {
                // That a lock can take PINs is no PIN.
                if is_forbidden(name) && !value.is_boolean() {
                    return Some(Objection::Member);
                }
                if value.is_number() && MEASURES.contains(&&**name) {
                    return None;
                }
                if self.is_told_in(name) { Some(Objection::Artifact) } else { self.look(value) }
            }),
        }
    }

    /// Whether an artifact stands in this text. Digits count as a whole word only, and not within an instant: a PIN may be 2026.
    fn is_told_in(&self, text: &str) -> bool {
        let is_instant = text.parse::<Timestamp>().is_ok();
        self.custody.iter().any(|secret| {
            // EXPOSE: to look for it where it must not be.
            let secret = secret.expose();
            if secret.bytes().all(|byte| byte.is_ascii_digit()) {
                !is_instant && text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == secret)
            } else {
                text.contains(&**secret)
            }
        })
    }
}

fn is_forbidden(member: &str) -> bool {
    let plain: String =
        member.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    FORBIDDEN_MEMBERS.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::{Cause, Published};
    use crate::id::{EventId, PropertyId, TenantId};

    fn own() -> Partition {
        Partition { tenant: TenantId::derived("t", &[b"own"]), property: PropertyId::derived("t", &[b"own"]) }
    }

    fn objection(data: Value) -> Option<Objection> {
        let custody = ["274913", "2026", "ekey-7f3a", "1"].map(|text| Secret::new(text.to_owned()));
        let redactor = Redactor::new(own(), custody.into());
        let (id, at) = (EventId::derived("t", &[b"e"]), "2026-05-04T12:00:00Z".parse().unwrap());
        let event = Published::VendorError.envelope(id, at, own().tenant, &Cause::default(), data);
        redactor.objection(&event)
    }

    /// R194: a member that no event has, and an artifact's text wherever it stands, also as a number.
    #[test]
    fn what_must_not_leave_is_seen() {
        for name in ["vendorRef", "vendor_ref", "PIN", "cardNumber", "Pass-Word", "accessToken", "secret"] {
            assert_eq!(objection(json!({ "a": [{ name: "x" }] })), Some(Objection::Member), "{name}");
        }
        for told in [
            json!("274913"),
            json!("the PIN is 274913."),
            json!(274_913),
            json!([{ "deep": "xekey-7f3ax" }]),
            json!({ "274913": 1 }),
            json!({ "clockSkewMs": "274913" }),
        ] {
            assert_eq!(objection(json!({ "a": told })), Some(Objection::Artifact), "{told}");
        }
    }

    /// What only looks like it is published: ids and instants hold digits, references and hashes are no secrets.
    #[test]
    fn what_may_leave_is_let_through() {
        let harmless = json!({
            "validFrom": "2026-05-04T12:00:00Z", "at": "2026-05-04T12:00:00.274913Z", "id": "evt_x274913x",
            "opaqueRef": "tk_01STPS8FNWQ9SP6SX84512QPKP", "vendorRefHash": "00ff", "attempts": 1,
            "capabilities": { "pin": true }, "metric": { "clockSkewMs": 274_913 }, "threshold": { "warnAtMs": 2026 },
            "artifact": { "type": "pin" }, "propertyId": own().property,
        });
        assert_eq!(objection(harmless), None);
    }

    /// R227
    #[test]
    fn what_is_of_another_hotel_is_seen() {
        let other = PropertyId::derived("t", &[b"other"]);
        assert_eq!(objection(json!({ "propertyId": other })), Some(Objection::Foreign));
    }
}
