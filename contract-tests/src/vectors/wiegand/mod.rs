//! The vectors of `wiegand.json`: formats, frames, keys and what stands on a card.

mod card;
mod formats;
mod pn532;
mod readers;

use lockport::Secret;
use lockport_wiegand::encoder::{KeyName, SectorKey, Uid};
use serde_json::{Value, json};

use super::case::Outcome;

/// What a case leaves unsaid, so that it cannot be played.
pub(super) struct Unplayable(String);

type Played = Result<Outcome, Unplayable>;

/// Plays one case.
pub(super) fn play(kind: &str, case: &Value) -> Outcome {
    let played = match kind {
        "wiegand" => formats::wiegand(case),
        "hid_on_mifare" => formats::hid_on_mifare(case),
        "pn532_parse" => pn532::parsed(case),
        "pn532_build" => pn532::built(case),
        "stronglink_parse" => readers::stronglink_parsed(case),
        "stronglink_build" => readers::stronglink_built(case),
        "rrhfoem04_parse" => readers::rrhfoem04_parsed(case),
        "rrhfoem04_build" => readers::rrhfoem04_built(case),
        "mifare_access_bits" => card::access_bits(case),
        "key_diversification" => card::key(case),
        "card_record" => card::record(case),
        "card_slot_selection" => card::slots(case),
        _ => Err(Unplayable("no such kind".to_owned())),
    };
    played.unwrap_or_else(|Unplayable(why)| Outcome::Skipped(why))
}

fn missing(key: &str) -> Unplayable {
    Unplayable(format!("`{key}` is missing or of another form"))
}

/// A member that has to be there.
fn member<'c>(case: &'c Value, key: &str) -> Result<&'c Value, Unplayable> {
    case.get(key).ok_or_else(|| missing(key))
}

fn text<'c>(case: &'c Value, key: &str) -> Result<&'c str, Unplayable> {
    member(case, key)?.as_str().ok_or_else(|| missing(key))
}

/// A number, in words or in hex digits.
fn byte(case: &Value, key: &str) -> Result<u8, Unplayable> {
    let value = member(case, key)?;
    let number = value.as_u64().or_else(|| u64::from_str_radix(value.as_str()?, 16).ok());
    number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| missing(key))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pair = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map(pair).collect::<Option<_>>().filter(|_| rest.is_empty())
}

fn bytes(case: &Value, key: &str) -> Result<Vec<u8>, Unplayable> {
    from_hex(text(case, key)?).ok_or_else(|| missing(key))
}

fn array<const N: usize>(case: &Value, key: &str) -> Result<[u8; N], Unplayable> {
    bytes(case, key)?.try_into().map_err(|_| missing(key))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Everything that was read, whether in one read or in several.
fn reads(case: &Value, key: &str) -> Result<Vec<Vec<u8>>, Unplayable> {
    let read = |value: &Value| value.as_str().and_then(from_hex).ok_or_else(|| missing(key));
    match member(case, key)? {
        Value::Array(reads) => reads.iter().map(read).collect(),
        one => Ok(vec![read(one)?]),
    }
}

fn uid(case: &Value) -> Result<Uid, Unplayable> {
    Uid::new(&bytes(case, "uid")?).ok_or_else(|| missing("uid"))
}

fn sector_key(case: &Value) -> Result<SectorKey, Unplayable> {
    Ok(Secret::new(array(case, "value")?))
}

fn key_name(case: &Value) -> Result<KeyName, Unplayable> {
    match text(case, "key")? {
        "A" | "a" => Ok(KeyName::A),
        "B" | "b" => Ok(KeyName::B),
        _ => Err(missing("key")),
    }
}

/// The command that a parsed answer is taken to be for, where the case names one.
fn asked(case: &Value) -> Option<&str> {
    ["request", "sent", "for", "command", "expected_command"].iter().find_map(|key| case.get(key)?.as_str())
}

fn error(class: &str) -> Value {
    json!({ "error": class })
}

/// One more thing that is said of a case.
fn say(got: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(said) = got.as_object_mut() {
        said.insert(key.to_owned(), value.into());
    }
}

fn is(said: &Value, key: &str, value: &str) -> bool {
    said.get(key).and_then(Value::as_str) == Some(value)
}

/// The verdict, or a skip where the case wants to know what nobody here says.
fn judged(got: Value, case: &Value, known: &[&str]) -> Played {
    let wanted = member(case, "expect")?;
    let unknown =
        wanted.as_object().and_then(|wanted| wanted.keys().find(|key| !known.contains(&key.as_str())));
    match unknown {
        Some(key) => Err(Unplayable(format!("nothing here says `{key}`"))),
        None => Ok(Outcome::of(got, wanted)),
    }
}
