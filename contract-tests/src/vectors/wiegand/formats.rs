//! Wiegand bits, and how they sit on a card.

use lockport_wiegand::codec::wiegand::{
    Bits, DecodeError, EncodeError, Field, Fields, Format, to_block, to_pacs,
};
use serde_json::{Map, Value, json};

use super::{Played, Unplayable, error, hex, judged, member, missing, say, text};

fn format(case: &Value) -> Result<&'static Format, Unplayable> {
    let id = text(case, "format")?;
    Format::of(id).ok_or_else(|| Unplayable(format!("no format `{id}`")))
}

fn fields(case: &Value) -> Result<Fields, Unplayable> {
    let named = member(case, "fields")?.as_object().ok_or_else(|| missing("fields"))?;
    named.iter().try_fold(Fields::default(), |fields, (name, value)| {
        let field = Field::ALL.into_iter().find(|field| field.name() == name);
        Ok(fields.with(field.ok_or_else(|| missing(name))?, value.as_u64().ok_or_else(|| missing(name))?))
    })
}

fn refusal(refused: EncodeError) -> Value {
    match refused {
        EncodeError::OutOfRange(field) => json!({ "error": "out_of_range", "field": field.name() }),
        EncodeError::FieldNotInFormat(field) => {
            json!({ "error": "field_not_in_format", "field": field.name() })
        }
    }
}

pub(super) fn wiegand(case: &Value) -> Played {
    let format = format(case)?;
    match text(case, "op")? {
        "encode" => {
            let got = match format.encode(&fields(case)?) {
                Ok(bits) => json!({ "bits": bits.to_string(), "hex": bits.hex() }),
                Err(refused) => refusal(refused),
            };
            judged(got, case, &["bits", "hex", "error", "field"])
        }
        "decode" => {
            let bits: Bits = text(case, "bits")?.parse().map_err(|_| missing("bits"))?;
            let mut got = decoded(format, bits);
            let wanted = member(case, "expect")?;
            if let (false, Some(said)) = (format.has_parity(), wanted.get("parity_ok")) {
                // Nobody has looked, so there is nothing to say against it.
                say(&mut got, "parity_ok", said.clone());
            }
            let known = ["ok", "fields", "parity_ok", "parity_checked", "error", "bad_parity_positions"];
            judged(got, case, &known)
        }
        other => Err(Unplayable(format!("no op `{other}`"))),
    }
}

fn decoded(format: &Format, bits: Bits) -> Value {
    match format.decode(bits) {
        Ok(fields) => {
            let named: Map<String, Value> =
                format.fields().map(|field| (field.name().to_owned(), fields.get(field).into())).collect();
            json!({ "ok": true, "fields": named, "parity_ok": true, "parity_checked": format.has_parity() })
        }
        Err(DecodeError::Length) => json!({ "ok": false, "error": "length" }),
        Err(DecodeError::FixedBit) => json!({ "ok": false, "error": "fixed_bit" }),
        Err(DecodeError::Parity(bad)) => {
            let positions: Vec<u8> = bad.positions().collect();
            json!({
                "ok": false,
                "error": "parity",
                "bad_parity_positions": positions,
                "parity_ok": false,
                "parity_checked": true,
            })
        }
    }
}

pub(super) fn hid_on_mifare(case: &Value) -> Played {
    let got = match format(case)?.encode(&fields(case)?) {
        Ok(bits) => json!({ "block5": hex(&to_block(bits)), "new_pacs": hex(&to_pacs(bits)) }),
        Err(EncodeError::OutOfRange(_)) => error("out_of_range"),
        Err(EncodeError::FieldNotInFormat(_)) => error("field_not_in_format"),
    };
    judged(got, case, &["block5", "new_pacs", "error"])
}
