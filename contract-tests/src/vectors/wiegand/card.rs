//! What stands on a card: access bits, keys, the record, the two slots.

use lockport::Secret;
use lockport_wiegand::codec::access::AccessBits;
use lockport_wiegand::codec::key::{PropertyKey, diversified};
use lockport_wiegand::codec::record::{
    Areas, DoorNumbers, Flags, InvalidRecord, PropertyTag, Record, ruling,
};
use lockport_wiegand::encoder::KeyName;
use serde_json::{Value, json};

use super::{
    Played, Unplayable, array, byte, bytes, error, hex, judged, key_name, member, missing, text, uid,
};

pub(super) fn access_bits(case: &Value) -> Played {
    let got = match AccessBits::parse(array(case, "bytes_6_7_8")?) {
        Some(bits) => {
            let conditions = bits.conditions().map(|condition| format!("{:03b}", condition.bits()));
            json!({ "valid": true, "c1c2c3_block0_to_3": conditions })
        }
        None => json!({ "valid": false }),
    };
    judged(got, case, &["valid", "c1c2c3_block0_to_3"])
}

pub(super) fn key(case: &Value) -> Played {
    let master = Secret::new(array(case, "master")?);
    let wanted = text(case, "expect")?;
    let got = if case.get("input").is_some() {
        match diversified(&master, &bytes(case, "input")?) {
            // EXPOSE: a vector's key, which stands in a file.
            Some(key) => hex(key.expose()).into(),
            None => error("length"),
        }
    } else {
        let (card, purpose) = (uid(case)?, text(case, "purpose")?);
        let property = PropertyKey::new(master);
        match purpose {
            // EXPOSE: as above.
            "mac" => hex(property.mac_key(&card).expose()).into(),
            "key" | "sector" | "sector_key" | "key_a" | "key_b" | "sector_key_a" | "sector_key_b" => {
                let name = match purpose.rsplit_once('_') {
                    Some((_, "a")) => KeyName::A,
                    Some((_, "b")) => KeyName::B,
                    _ => key_name(case)?,
                };
                // EXPOSE: as above.
                hex(property.sector_key(&card, name, byte(case, "sector")?).expose()).into()
            }
            other => return Err(Unplayable(format!("no purpose `{other}`"))),
        }
    };
    Ok(super::Outcome::of(got, &wanted.into()))
}

fn property(case: &Value) -> Result<(PropertyKey, PropertyTag), Unplayable> {
    let (tenant, property) = text(case, "property")?.split_once('/').ok_or_else(|| missing("property"))?;
    let key = PropertyKey::new(Secret::new(array(case, "property_key")?));
    Ok((key, PropertyTag::of(tenant, property)))
}

fn number(fields: &Value, key: &str) -> Result<u32, Unplayable> {
    u32::try_from(member(fields, key)?.as_u64().ok_or_else(|| missing(key))?).map_err(|_| missing(key))
}

pub(super) fn record(case: &Value) -> Played {
    let (key, tag) = property(case)?;
    let fields = member(case, "fields")?;
    let optional = |key: &str| if fields.get(key).is_some() { byte(fields, key) } else { Ok(0) };
    let flags = Flags::from_bits(optional("flags")?).ok_or_else(|| missing("flags"))?;
    let areas = Areas::from_bits(optional("areas")?).ok_or_else(|| missing("areas"))?;
    let rooms: Vec<u16> = match fields.get("rooms") {
        None => Vec::new(),
        Some(rooms) => rooms
            .as_array()
            .and_then(|rooms| rooms.iter().map(|room| u16::try_from(room.as_u64()?).ok()).collect())
            .ok_or_else(|| missing("rooms"))?,
    };
    let sealed = || -> Result<_, InvalidRecord> {
        let doors = DoorNumbers::new(&rooms)?;
        Ok(move |serial, from, until| -> Result<Record, InvalidRecord> {
            Ok(Record::new(tag, serial, from, until)?.with_flags(flags).with_areas(areas).with_doors(doors))
        })
    };
    let (serial, from, until) = (number(fields, "serial")?, number(fields, "vf")?, number(fields, "vu")?);
    let got = match sealed().and_then(|record| record(serial, from, until)) {
        // EXPOSE: a vector's record, which stands in a file.
        Ok(record) => json!({ "record": hex(record.seal(&key, &uid(case)?).expose()) }),
        Err(_) => error("out_of_range"),
    };
    judged(got, case, &["record", "error"])
}

pub(super) fn slots(case: &Value) -> Played {
    let (key, tag) = property(case)?;
    let card = uid(case)?;
    let open = |slot: &str| -> Result<Option<Record>, Unplayable> {
        Ok(Record::open(&Secret::new(array(case, slot)?), &key, &card, tag).ok())
    };
    let (a, b) = (open("slot_a")?, open("slot_b")?);
    let got = match ruling(a.as_ref(), b.as_ref()) {
        Some((slot, record)) => json!({ "active": slot.to_string(), "serial": record.serial() }),
        None => {
            // "None" is said as a word or as nothing.
            let wanted = member(case, "expect")?.get("active").filter(|said| *said == "none");
            json!({ "active": wanted, "serial": null })
        }
    };
    judged(got, case, &["active", "serial"])
}
