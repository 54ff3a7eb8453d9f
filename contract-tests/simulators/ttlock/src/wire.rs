//! Fields on the way in, the two answer shapes and the vendor's loose typing on the way out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::errcode::Errcode;

/// What an operation answers: the data object, or `Null` for a bare acknowledgement.
pub(crate) type Answer = Result<Value, Errcode>;

/// The merged fields of one request, each present once.
#[derive(Debug, Clone)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// VENDOR: section 2, query string and form body are one set of fields.
    ///
    /// A field given twice has no defined winner, and a value that is not UTF-8 no defined text: both are
    /// refused.
    pub(crate) fn merge(pairs: Vec<(String, String)>) -> Result<Self, Errcode> {
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            let undecodable = value.contains(char::REPLACEMENT_CHARACTER);
            if undecodable || fields.insert(name, value).is_some() {
                return Err(Errcode::INVALID_PARAMETER);
            }
        }
        Ok(Self(fields))
    }

    /// Whether the field was sent at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that may be missing; an empty one counts as missing.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Errcode> {
        self.optional(name).ok_or(Errcode::INVALID_PARAMETER)
    }

    /// A text that goes by two names, of which exactly one must be there.
    pub(crate) fn either(&self, name: &str, other: &str) -> Result<&str, Errcode> {
        if self.has(name) && self.has(other) {
            return Err(Errcode::INVALID_PARAMETER);
        }
        self.text(name).or_else(|_| self.text(other))
    }

    /// A whole number that must be there.
    pub(crate) fn int(&self, name: &str) -> Result<i64, Errcode> {
        let text = self.text(name)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Errcode::INVALID_PARAMETER);
        }
        text.parse().map_err(|_| Errcode::INVALID_PARAMETER)
    }

    /// A whole number that may be missing; when it is there it must be one, even if empty.
    pub(crate) fn optional_int(&self, name: &str) -> Result<Option<i64>, Errcode> {
        if self.has(name) { self.int(name).map(Some) } else { Ok(None) }
    }

    /// One of a few numbers, with a value for when it is missing.
    pub(crate) fn choice(&self, name: &str, allowed: &[i64], missing: i64) -> Result<i64, Errcode> {
        let value = self.optional_int(name)?.unwrap_or(missing);
        if allowed.contains(&value) { Ok(value) } else { Err(Errcode::INVALID_PARAMETER) }
    }
}

/// How the answers write flags, ids and acknowledgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typing {
    /// Flags are 0/1, ids are numbers, every acknowledgement has the same three fields.
    Plain,
    /// VENDOR: section 2.2. From answer to answer a flag is a number, a numeric string or a boolean, an id
    /// a number or a numeric string, and `errcode` 0 or `description` come and go.
    #[default]
    Loose,
}

/// Picks the next shape, so that consecutive answers differ in a repeatable way.
#[derive(Debug)]
pub(crate) struct Shapes {
    typing: Typing,
    turn: u64,
}

impl Shapes {
    pub(crate) fn new(typing: Typing) -> Self {
        Self { typing, turn: 0 }
    }

    fn turn(&mut self, of: u64) -> u64 {
        if self.typing == Typing::Plain {
            return 0;
        }
        self.turn += 1;
        self.turn % of
    }

    /// A yes or no where the vendor's table says 0 or 1.
    pub(crate) fn flag(&mut self, yes: bool) -> Value {
        match self.turn(3) {
            0 => json!(i64::from(yes)),
            1 => json!(yes),
            _ => json!(i64::from(yes).to_string()),
        }
    }

    /// The id of something.
    pub(crate) fn id(&mut self, id: i64) -> Value {
        match self.turn(2) {
            0 => json!(id),
            _ => json!(id.to_string()),
        }
    }

    /// VENDOR: section 2.2, the acknowledgement or error shape, or the data itself, which carries
    /// `errcode` 0 only now and then.
    pub(crate) fn body(&mut self, answer: Answer) -> Value {
        match answer {
            Err(code) => {
                let (english, chinese) = code.texts();
                let mut body = json!({ "errcode": code.0, "errmsg": english });
                match self.turn(3) {
                    0 => put(&mut body, "description", english),
                    1 => put(&mut body, "description", chinese),
                    _ => {}
                }
                body
            }
            Ok(Value::Null) => match self.turn(2) {
                0 => {
                    json!({ "errcode": 0, "errmsg": "none error message", "description": "none error message" })
                }
                _ => json!({ "errcode": 0, "errmsg": "none error message or means yes" }),
            },
            Ok(data) => data,
        }
    }

    /// Adds `errcode` 0 to a data object in every other answer.
    pub(crate) fn sometimes_errcode(&mut self, mut data: Value) -> Value {
        if self.turn(2) == 1
            && let Some(object) = data.as_object_mut()
        {
            success_into(object);
        }
        data
    }
}

fn success_into(object: &mut Map<String, Value>) {
    object.insert("errcode".into(), json!(0));
    object.insert("errmsg".into(), json!("none error message"));
}

fn put(body: &mut Value, name: &str, text: &str) {
    if let Some(object) = body.as_object_mut() {
        object.insert(name.into(), json!(text));
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    fn fields(pairs: &[(&str, &str)]) -> Option<Fields> {
        Fields::merge(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).ok()
    }

    #[test]
    fn numbers_are_plain_decimal() {
        for (text, good) in [
            ("7", true),
            ("-7", true),
            ("+7", false),
            ("7.0", false),
            ("", false),
            (" 7", false),
            ("-", false),
        ] {
            let parsed = fields(&[("n", text)]).map(|set| set.optional_int("n").is_ok());
            assert_eq!(parsed, Some(good), "{text:?}");
        }
        assert_eq!(fields(&[("n", "99999999999999999999")]).map(|set| set.int("n").is_ok()), Some(false));
    }

    #[test]
    fn a_repeated_field_is_refused() {
        assert!(fields(&[("lockId", "1"), ("lockId", "1")]).is_none());
    }
}
