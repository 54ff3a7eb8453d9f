//! Access bits: every condition, every command, both keys, over the line of a PN532.

use lockport_sim_encoder::{AccessBits, Card};

use crate::host::{FACTORY, Host, UID};

const KEY_A: [u8; 6] = [0xA0; 6];
const KEY_B: [u8; 6] = [0xB0; 6];

/// Data sheet table 8, one row a condition C1 C2 C3: who may read, write, increment, and decrement or transfer.
const DATA: [(u8, [&str; 4]); 8] = [
    (0b000, ["AB", "AB", "AB", "AB"]),
    (0b010, ["AB", "", "", ""]),
    (0b100, ["AB", "B", "", ""]),
    (0b110, ["AB", "B", "B", "AB"]),
    (0b001, ["AB", "", "", "AB"]),
    (0b011, ["B", "B", "", ""]),
    (0b101, ["B", "", "", ""]),
    (0b111, ["", "", "", ""]),
];

/// Data sheet table 7: who may write key A, read the bits, write the bits, read key B, write key B.
const TRAILER: [(u8, [&str; 5]); 8] = [
    (0b000, ["A", "A", "", "A", "A"]),
    (0b010, ["", "A", "", "A", ""]),
    (0b100, ["B", "AB", "", "", "B"]),
    (0b110, ["", "AB", "", "", ""]),
    (0b001, ["A", "A", "A", "A", "A"]),
    (0b011, ["B", "AB", "B", "", "B"]),
    (0b101, ["", "AB", "B", "", ""]),
    (0b111, ["", "AB", "", "", ""]),
];

/// The three bytes of four conditions, from the page's rule for bits.
fn bits(conditions: [u8; 4]) -> [u8; 3] {
    let column = |shift: u8| {
        conditions.iter().enumerate().fold(0, |column, (block, value)| column | (value >> shift & 1) << block)
    };
    let (c1, c2, c3) = (column(2), column(1), column(0));
    [(!c2 & 15) << 4 | (!c1 & 15), c1 << 4 | (!c3 & 15), c3 << 4 | c2]
}

fn trailer(access: [u8; 3]) -> [u8; 16] {
    [&KEY_A[..], &access, &[0x69], &KEY_B].concat().try_into().unwrap()
}

fn value(value: i32) -> [u8; 16] {
    let (plain, inverse) = (value.to_le_bytes(), (!value).to_le_bytes());
    [plain, inverse, plain, [9, !9, 9, !9]].concat().try_into().unwrap()
}

/// A card whose sector 2 has these conditions, its block 9 a value block.
fn card(data: u8, trailer_condition: u8) -> Card {
    let card = Card::classic_1k(UID);
    card.set_block(9, value(100));
    card.set_block(11, trailer(bits([data, data, data, trailer_condition])));
    card
}

/// A host that has listed the card and opened the sector with this key.
fn opened(card: &Card, key: char) -> Host {
    let host = Host::pn532(&[card]);
    host.list();
    let (kind, key) = if key == 'A' { (0x60, KEY_A) } else { (0x61, KEY_B) };
    assert_eq!(host.authenticate(kind, 8, key, &UID), 0x00);
    host
}

#[test]
fn all_4096_sets_of_access_bits_are_read_and_their_inverses_checked() {
    let mut valid = 0;
    for all in 0..4096_u16 {
        let conditions: [u8; 4] = std::array::from_fn(|block| (all >> (3 * block) & 7) as u8);
        let bytes = bits(conditions);
        assert_eq!(AccessBits::parse(bytes).unwrap().conditions(), conditions);
        for flipped in 0..24 {
            let mut broken = bytes;
            broken[flipped / 8] ^= 1 << (flipped % 8);
            assert_eq!(AccessBits::parse(broken), None, "{bytes:02X?} with bit {flipped}");
        }
        valid += 1;
    }
    assert_eq!(valid, 4096);
    assert_eq!(bits([0b000, 0b000, 0b000, 0b001]), [0xFF, 0x07, 0x80]);
    assert_eq!(bits([0b100, 0b100, 0b100, 0b011]), [0x78, 0x77, 0x88]);
}

#[test]
fn data_blocks_obey_every_condition_for_both_keys() {
    for (condition, rights) in DATA {
        for (trailer_condition, trailer_rights) in TRAILER {
            for key in ['A', 'B'] {
                // A readable key B is data: it opens nothing.
                let is_dead = key == 'B' && !trailer_rights[3].is_empty();
                let card = card(condition, trailer_condition);
                let may = |index: usize| rights[index].contains(key) && !is_dead;
                let told = format!("{condition:03b} {trailer_condition:03b} {key}");
                let host = opened(&card, key);
                assert_eq!(host.read(8).0 == 0, may(0), "read {told}");
                let host = opened(&card, key);
                assert_eq!(host.write(8, &[7; 16]) == 0, may(1), "write {told}");
                assert_eq!(card.block(8) == Some([7; 16]), may(1), "written {told}");
                for (index, command, result) in [(2, 0xC1, 103), (3, 0xC0, 97)] {
                    let host = opened(&card, key);
                    assert_eq!(host.card(&[command, 9, 3, 0, 0, 0]).0 == 0, may(index), "{command:X} {told}");
                    // What was counted goes back only with the right to transfer.
                    let transferred = host.card(&[0xB0, 9]).0 == 0;
                    assert_eq!(transferred, may(index) && may(3), "transfer {told}");
                    let expected = if transferred { result } else { 100 };
                    assert_eq!(card.block(9), Some(value(expected)), "{told}");
                    card.set_block(9, value(100));
                }
            }
        }
    }
}

#[test]
fn trailers_obey_every_condition_for_both_keys() {
    let new_a = [0x1A; 6];
    let new_b = [0x1B; 6];
    let new_bits = bits([0b100, 0b100, 0b100, 0b011]);
    let new: [u8; 16] = [&new_a[..], &new_bits, &[0x42], &new_b].concat().try_into().unwrap();
    for (condition, [write_a, read_bits, write_bits, read_b, write_b]) in TRAILER {
        for key in ['A', 'B'] {
            let is_dead = key == 'B' && !read_b.is_empty();
            let may = |who: &str| who.contains(key) && !is_dead;
            let card = card(0b000, condition);
            let old = card.block(11).unwrap();
            let told = format!("{condition:03b} {key}");
            let (status, read) = opened(&card, key).read(11);
            assert_eq!(status == 0, may(read_bits), "{told}");
            if status == 0 {
                assert_eq!(read[..6], [0; 6], "key A never shows, {told}");
                assert_eq!(read[6..10], old[6..10], "{told}");
                assert_eq!(read[10..], if may(read_b) { KEY_B } else { [0; 6] }, "{told}");
            }
            let any = [write_a, write_bits, write_b].into_iter().any(may);
            assert_eq!(opened(&card, key).write(11, &new) == 0, any, "{told}");
            let now = card.block(11).unwrap();
            assert_eq!(now[..6], if may(write_a) { new_a } else { KEY_A }, "{told}");
            assert_eq!(now[6..10], if may(write_bits) { new[6..10].to_vec() } else { old[6..10].to_vec() });
            assert_eq!(now[10..], if may(write_b) { new_b } else { KEY_B }, "{told}");
            assert_eq!(card.tally().trailers, 1);
        }
    }
}

#[test]
fn bad_access_bits_kill_a_sector_for_good() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    host.list();
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x00);
    let broken: [u8; 16] = [&FACTORY[..], &[0xFF, 0x07, 0x81, 0x69], &FACTORY].concat().try_into().unwrap();
    assert_eq!(host.write(11, &broken), 0x00);
    for (kind, key) in [(0x60, FACTORY), (0x61, FACTORY)] {
        host.list();
        assert_eq!(host.authenticate(kind, 8, key, &UID), 0x14);
    }
    host.list();
    assert_eq!(host.authenticate(0x60, 12, FACTORY, &UID), 0x00, "the next sector lives");
}

#[test]
fn the_manufacturer_block_is_read_only_and_attempts_are_counted() {
    let card = Card::classic_1k(UID);
    card.allow_only([8, 9, 10]);
    let host = Host::pn532(&[&card]);
    let before = card.block(0);
    host.list();
    host.authenticate(0x60, 0, FACTORY, &UID);
    assert_ne!(host.write(0, &[1; 16]), 0x00);
    assert_eq!(card.block(0), before);
    host.list();
    host.authenticate(0x60, 8, FACTORY, &UID);
    assert_eq!(host.write(8, &[1; 16]), 0x00);
    host.list();
    host.authenticate(0x60, 12, FACTORY, &UID);
    assert_eq!(host.write(12, &[1; 16]), 0x00);
    let tally = card.tally();
    assert_eq!((tally.writes, tally.manufacturer, tally.trailers, tally.foreign), (2, 1, 0, 2));
}
