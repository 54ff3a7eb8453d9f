//! The golden vectors that concern a card or a reader, played against the simulator (`tests/vectors/wiegand.json`).

use lockport_sim_encoder::{AccessBits, Card, Door, Model, Panel, Place, Property};
use serde_json::Value;

use crate::host::{Host, hex, pn532_content, stronglink_frame};

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../vectors/wiegand.json")).unwrap();
    let cases = all[kind].as_array().unwrap().clone();
    assert!(!cases.is_empty(), "{kind}");
    cases
}

fn bytes(value: &Value) -> Vec<u8> {
    hex(value.as_str().unwrap())
}

fn uid<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

#[test]
fn access_bits() {
    for case in vectors("mifare_access_bits") {
        let parsed = AccessBits::parse(bytes(&case["bytes_6_7_8"]).try_into().unwrap());
        assert_eq!(parsed.is_some(), case["expect"]["valid"].as_bool().unwrap());
        let conditions = parsed.unwrap().conditions().map(|condition| format!("{condition:03b}"));
        assert_eq!(
            conditions.to_vec(),
            serde_json::from_value::<Vec<String>>(case["expect"]["c1c2c3_block0_to_3"].clone()).unwrap()
        );
    }
}

#[test]
fn requests_of_the_vectors_are_understood() {
    let host = Host::pn532(&[&Card::classic_1k(uid("7F31E05C")), &Card::classic_1k([1, 2, 3, 4])]);
    for case in vectors("pn532_build") {
        let answer = pn532_content(&host.ask(&bytes(&case["expect_hex"]))[6..]);
        assert_eq!(answer[..2], [0x4B, 1], "{}", case["id"]);
        let asked = case["build"]["uid"].as_str().unwrap_or("01020304");
        assert_eq!(answer[7..], hex(asked), "{}", case["id"]);
    }
    let card = Card::classic_1k_7(uid("04A52B9A6F1D90"));
    let key = hex("D3F7A0B15C2E");
    card.set_block(15, [&[0xFF; 6], &hex("78778869")[..], &key].concat().try_into().unwrap());
    let reader = Host::new(Model::StrongLink);
    reader.encoder.put(&card);
    reader.ask(&stronglink_frame(0x01, &[]));
    for case in vectors("stronglink_build") {
        assert_eq!(reader.ask(&bytes(&case["expect_hex"])), hex("BD 03 02 02 BE"), "{}", case["id"]);
    }
    let card = Card::classic_1k(uid("7F31E05C"));
    card.set_block(15, [&[0xFF; 6], &hex("78778869")[..], &key].concat().try_into().unwrap());
    let reader = Host::new(Model::Rrhfoem04);
    reader.encoder.put(&card);
    reader.port.write(&hid("082F02047F31E05C")).unwrap();
    assert_eq!(reader.port.read(std::time::Duration::ZERO).unwrap()[..5], hex("05 2F 02 00 00"));
    reader.clock.advance(std::time::Duration::from_millis(100));
    for case in vectors("rrhfoem04_build") {
        reader.port.write(&bytes(&case["expect_write_hex"])).unwrap();
        let answer = reader.port.read(std::time::Duration::ZERO).unwrap();
        assert_eq!(answer[..5], hex("05 21 01 00 00"), "{}", case["id"]);
    }
}

/// A report with the reader's checksum, computed the slow way.
pub(crate) fn hid(frame: &str) -> Vec<u8> {
    let frame = hex(frame);
    let mut register = 0xFFFF_u32;
    for byte in &frame {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            register <<= 1;
            if register & 0x1_0000 != 0 {
                register = (register & 0xFFFF) ^ 0x1021;
            }
        }
    }
    let crc = (!register & 0xFFFF) as u16;
    let mut report = [&[0][..], &frame, &crc.to_be_bytes()].concat();
    report.resize(65, 0);
    report
}

#[test]
fn answers_of_the_vectors_are_what_is_sent() {
    for case in vectors("pn532_parse") {
        let data = &case["expect"]["data"];
        if data.is_null() {
            let host = Host::pn532(&[&Card::classic_1k(uid("7F31E05C"))]);
            assert_eq!(host.ask(&hex("0000FF04FCD44A0200E000"))[6..], bytes(&case["hex"]), "{}", case["id"]);
        }
    }
    let reader = Host::new(Model::StrongLink);
    let card = Card::classic_1k_7(uid("04A52B9A6F1D90"));
    reader.encoder.put(&card);
    for case in vectors("stronglink_parse") {
        let request = match case["expect"]["command"].as_str().unwrap() {
            "01" => stronglink_frame(0x01, &[]),
            _ => stronglink_frame(0x02, &hex("02 AA 00 00 00 00 00 00")),
        };
        assert_eq!(reader.ask(&request), bytes(&case["hex"]), "{}", case["id"]);
    }
    let reader = Host::new(Model::Rrhfoem04);
    reader.encoder.put(&card);
    for case in vectors("rrhfoem04_parse") {
        reader.port.write(&hid("032F01")).unwrap();
        assert_eq!(
            reader.port.read(std::time::Duration::ZERO).unwrap(),
            bytes(&case["report"]),
            "{}",
            case["id"]
        );
    }
}

#[test]
fn a_hid_style_card_opens_at_its_panel() {
    for case in vectors("hid_on_mifare") {
        let card = Card::classic_1k([1, 2, 3, 4]);
        card.set_block(7, uid::<16>("484944204953 787788 AA 204752454154"));
        card.set_block(5, bytes(&case["expect"]["block5"]).try_into().unwrap());
        let (fc, cn) = (case["fields"]["fc"].as_u64().unwrap(), case["fields"]["cn"].as_u64().unwrap());
        let panel = Panel::of_hid_style(case["format"].as_str().unwrap());
        assert!(Door::panel(panel.clone().admitting(fc, cn)).try_open(&card, 0).opened);
        assert!(!Door::panel(panel.admitting(fc, cn + 1)).try_open(&card, 0).opened);
    }
}

fn put_record(card: &Card, first_block: u8, record: &[u8]) {
    for (offset, block) in (0..).zip(record.as_chunks::<16>().0) {
        card.set_block(first_block + offset, *block);
    }
}

#[test]
fn records_open_the_doors_they_name() {
    for case in vectors("card_record") {
        let key = bytes(&case["property_key"]).try_into().unwrap();
        let property = Property::new(key, case["property"].as_str().unwrap());
        let card = Card::classic_1k(bytes(&case["uid"]).try_into().unwrap());
        put_record(&card, 8, &bytes(&case["expect"]["record"]));
        let fields = &case["fields"];
        let from = fields["vf"].as_i64().unwrap() * 1000;
        let until = fields["vu"].as_i64().unwrap() * 1000;
        for room in fields["rooms"].as_array().unwrap() {
            let door = Door::signed_record(&property, Place::Room(room.as_u64().unwrap() as u16));
            let opened = [from - 1, from, until - 1, until].map(|at| door.try_open(&card, at).opened);
            assert_eq!(opened, [false, true, true, false], "{}", case["id"]);
        }
        assert!(!Door::signed_record(&property, Place::Room(306)).try_open(&card, from).opened);
    }
}

#[test]
fn the_ruling_slot_is_the_one_the_vectors_name() {
    for case in vectors("card_slot_selection") {
        let key = bytes(&case["property_key"]).try_into().unwrap();
        let property = Property::new(key, case["property"].as_str().unwrap());
        let card = Card::classic_1k(bytes(&case["uid"]).try_into().unwrap());
        put_record(&card, 8, &bytes(&case["slot_a"]));
        put_record(&card, 12, &bytes(&case["slot_b"]));
        // Slot A lists 305, slot B 305 and 306; both hold at this time.
        let at = 1_893_492_000_000;
        let opened = [305, 306]
            .map(|room| Door::signed_record(&property, Place::Room(room)).try_open(&card, at).opened);
        assert_eq!(opened[1], case["expect"]["active"] == "b", "{}", case["id"]);
        assert!(opened[0], "{}", case["id"]);
        card.set_block(12, [0; 16]);
        assert!(!Door::signed_record(&property, Place::Room(306)).try_open(&card, at).opened);
    }
}
