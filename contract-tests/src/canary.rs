//! Marked texts, and every way in which one can be written so that it is still there.

use std::collections::BTreeSet;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use lockport::Secret;

/// Shorter texts stand everywhere by chance.
const SHORTEST: usize = 6;

/// A text that must not be found.
#[derive(Debug)]
pub(crate) struct Canary {
    /// What it is: said in reports instead of the text.
    pub(crate) name: &'static str,
    forms: Vec<(&'static str, String)>,
}

/// Bytes as a text with one character for each, so that texts and bytes are searched alike.
fn flat(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of an encoding that is the same whatever stands before and after the text in its group of three bytes.
fn in_base64(engine: &impl base64::Engine, bytes: &[u8], before: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
    let encoded = engine.encode(&padded);
    let whole = padded.len() / 3 * 4;
    let first = before.saturating_mul(8).div_ceil(6);
    encoded.get(first..whole).unwrap_or_default().to_owned()
}

impl Canary {
    /// `None` when the text is too short to be told from chance.
    pub(crate) fn new(name: &'static str, secret: &Secret) -> Option<Self> {
        // EXPOSE: turned every way in which it could be found again; said nowhere.
        let text = secret.expose().as_str();
        let bytes = text.as_bytes();
        let wide = |turn: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(turn).collect::<Vec<u8>>();
        let mut forms = vec![
            ("plain", flat(bytes)),
            ("lower case", flat(text.to_lowercase().as_bytes())),
            ("upper case", flat(text.to_uppercase().as_bytes())),
            ("reversed", flat(text.chars().rev().collect::<String>().as_bytes())),
            ("hex", hex(bytes)),
            ("upper case hex", hex(bytes).to_uppercase()),
            ("percent-encoded", bytes.iter().map(|byte| format!("%{byte:02X}")).collect()),
            (
                "percent-encoded where needed",
                bytes.iter().fold(String::new(), |so_far, byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        so_far + &flat(&[*byte])
                    }
                    _ => format!("{so_far}%{byte:02X}"),
                }),
            ),
            ("UTF-16, low byte first", flat(&wide(u16::to_le_bytes))),
            ("UTF-16, high byte first", flat(&wide(u16::to_be_bytes))),
        ];
        for before in 0..3 {
            forms.push(("base64", in_base64(&STANDARD_NO_PAD, bytes, before)));
            forms.push(("base64 for addresses", in_base64(&URL_SAFE_NO_PAD, bytes, before)));
        }
        let mut seen = BTreeSet::new();
        forms.retain(|(_, form)| form.len() >= SHORTEST && seen.insert(form.clone()));
        (text.len() >= SHORTEST).then_some(Self { name, forms })
    }

    /// In what form it stands there, if it does.
    pub(crate) fn found_in(&self, place: &[u8]) -> Option<&'static str> {
        let place = flat(place);
        self.forms.iter().find(|(_, form)| place.contains(form.as_str())).map(|(form, _)| *form)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn found(place: &str) -> Option<&'static str> {
        Canary::new("name", &Secret::new("Zaiß 4711+x".to_owned())).unwrap().found_in(place.as_bytes())
    }

    #[test]
    fn a_canary_is_found_however_it_is_written() {
        for (form, place) in [
            ("plain", "xZaiß 4711+xx"),
            ("upper case", "xZAISS 4711+XX"),
            ("reversed", "x+1174 ßiaZ"),
            ("hex", "005a6169c39f20343731312b7800"),
            ("percent-encoded", "%5A%61%69%C3%9F%20%34%37%31%31%2B%78"),
            ("percent-encoded where needed", "Zai%C3%9F%204711%2Bx"),
        ] {
            assert_eq!(found(place), Some(form), "{place}");
        }
        assert_eq!(found("nothing of the sort"), None);
    }

    #[test]
    fn it_is_found_in_base64_wherever_it_stands() {
        for before in ["", "1", "12", "123"] {
            for after in ["", "1", "12"] {
                let text = format!("{before}Zaiß 4711+x{after}");
                let both = [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)];
                assert!(both.iter().all(|text| found(text).is_some()), "{both:?}");
            }
        }
    }

    #[test]
    fn it_is_found_in_utf_16() {
        let canary = Canary::new("name", &Secret::new("Zaiß 4711+x".to_owned())).unwrap();
        let wide: Vec<u8> = "a Zaiß 4711+x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(canary.found_in(&wide), Some("UTF-16, low byte first"));
    }
}
