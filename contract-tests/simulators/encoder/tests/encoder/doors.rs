//! Doors: what a card opens, for whom, and when (sections 3 and 9, R51).

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use lockport_sim_encoder::{Area, Card, Door, Panel, Place, Property, SectorKeys, SerialHabit};
use sha2::{Digest, Sha256};

use crate::host::{UID, hex};

const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const NAME: &str = "tnt_demo/prp_demo";
const FROM: u32 = 1_767_268_800;
const UNTIL: u32 = 1_767_441_600;
const NOON: i64 = 1_767_355_200_000;

/// A record as an encoder would write it.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) flags: u8,
    pub(crate) serial: u32,
    pub(crate) from: u32,
    pub(crate) until: u32,
    pub(crate) areas: u8,
    pub(crate) rooms: Vec<u16>,
}

impl Written {
    pub(crate) fn new(serial: u32, rooms: &[u16]) -> Self {
        Self { flags: 0, serial, from: FROM, until: UNTIL, areas: 0, rooms: rooms.to_vec() }
    }

    fn flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    pub(crate) fn bytes(&self, uid: &[u8]) -> Vec<u8> {
        let mut record = vec![0x4C, 0x4B, 0x01, self.flags];
        record.extend(&Sha256::digest(NAME)[..4]);
        for number in [self.serial, self.from, self.until] {
            record.extend(number.to_be_bytes());
        }
        record.extend([self.areas, self.rooms.len() as u8]);
        self.rooms.iter().for_each(|room| record.extend(room.to_be_bytes()));
        record.resize(40, 0);
        signed(record, uid)
    }

    pub(crate) fn blocks(&self, uid: &[u8]) -> [[u8; 16]; 3] {
        self.bytes(uid).as_chunks::<16>().0.to_vec().try_into().unwrap()
    }

    fn on(&self, card: &Card, first_block: u8) {
        for (block, content) in (first_block..).zip(self.blocks(&card.uid())) {
            card.set_block(block, content);
        }
    }
}

fn cmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Cmac::<Aes128>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn signed(mut record: Vec<u8>, uid: &[u8]) -> Vec<u8> {
    let key = cmac(&KEY, &[&[1], uid, &[0x4C, 0x4B, 0x01], b"lockport-mac"].concat());
    let mac = cmac(&key, &[&[uid.len() as u8], uid, &record[..]].concat());
    record.extend(&mac[..8]);
    record
}

fn property() -> Property {
    Property::new(KEY, NAME)
}

pub(crate) fn room(number: u16) -> Door {
    Door::signed_record(&property(), Place::Room(number))
}

fn opens(door: &Door, card: &Card) -> bool {
    door.try_open(card, NOON).opened
}

#[test]
fn the_page_s_example_opens_its_rooms_and_its_area() {
    let card = Card::classic_1k(UID);
    let mut written = Written::new(7, &[101, 204]);
    written.areas = 1;
    assert_eq!(written.blocks(&UID)[0].to_vec(), hex("4C 4B 01 00 E8 78 E4 7C 00 00 00 07 69 56 61 C0"));
    assert_eq!(written.blocks(&UID)[2].to_vec(), hex("00 00 00 00 00 00 00 00 F2 7B 0D FC 97 CD B8 F6"));
    written.on(&card, 8);
    assert!(opens(&room(101), &card) && opens(&room(204), &card) && !opens(&room(205), &card));
    let area = |area| opens(&Door::signed_record(&property(), Place::Area(area)), &card);
    assert_eq!(
        [Area::Lobby, Area::Gym, Area::Pool, Area::Spa, Area::Parking].map(area),
        [true, false, false, false, false]
    );
}

#[test]
fn a_door_judges_the_window_by_its_own_clock() {
    let card = Card::classic_1k(UID);
    Written::new(7, &[101]).on(&card, 8);
    let door = room(101);
    let (from, until) = (i64::from(FROM) * 1000, i64::from(UNTIL) * 1000);
    let tries = |at: [i64; 4]| at.map(|at| door.try_open(&card, at).opened);
    assert_eq!(tries([from - 1, from, until - 1, until]), [false, true, true, false]);
    door.set_drift_ms(60_000);
    assert_eq!(
        tries([from - 60_001, from - 60_000, until - 60_001, until - 60_000]),
        [false, true, true, false]
    );
    door.set_drift_ms(0);
    door.set_battery_dead(true);
    assert!(!opens(&door, &card));
}

#[test]
fn one_changed_byte_anywhere_and_the_record_is_none() {
    let card = Card::classic_1k(UID);
    let blocks = Written::new(7, &[101]).blocks(&UID);
    for index in 0..48 {
        Written::new(7, &[101]).on(&card, 8);
        let mut content = blocks[index / 16];
        content[index % 16] ^= 1;
        card.set_block(8 + index as u8 / 16, content);
        assert!(!opens(&room(101), &card), "byte {index}");
    }
}

#[test]
fn a_record_holds_for_its_card_and_its_property_alone() {
    let card = Card::classic_1k(UID);
    Written::new(7, &[101]).on(&card, 8);
    let other = Card::classic_1k([1, 2, 3, 4]);
    (8..11).for_each(|block| other.set_block(block, card.block(block).unwrap()));
    assert!(!opens(&room(101), &other), "copied onto a card with another serial number");
    assert!(!opens(&room(101), &card.blank_with_same_uid()), "the serial number alone");
    // Section 9.6 says so: the whole card copied opens.
    assert!(opens(&room(101), &card.copy()));
    let elsewhere = Property::new(KEY, "tnt_demo/prp_other");
    assert!(!opens(&Door::signed_record(&elsewhere, Place::Room(101)), &card));
    let other_key = Property::new([9; 16], NAME);
    assert!(!opens(&Door::signed_record(&other_key, Place::Room(101)), &card));
}

#[test]
fn what_is_not_well_formed_is_no_record_even_with_a_right_mac() {
    let card = Card::classic_1k(UID);
    let good = Written::new(7, &[101, 204]).bytes(&UID)[..40].to_vec();
    type Change = (&'static str, fn(&mut Vec<u8>));
    let changes: [Change; 9] = [
        ("magic", |record| record[0] = 0x4D),
        ("version", |record| record[2] = 2),
        ("unknown flag", |record| record[3] = 8),
        ("unknown area", |record| record[20] = 0x20),
        ("serial 0", |record| record[8..12].fill(0)),
        ("window backwards", |record| record.copy_within(12..16, 16)),
        ("ten rooms", |record| record[21] = 10),
        ("rooms not rising", |record| record[22..26].copy_from_slice(&[0, 204, 0, 101])),
        ("rooms past their number", |record| record[21] = 1),
    ];
    for (told, change) in changes {
        let mut record = good.clone();
        change(&mut record);
        for (block, content) in (8..).zip(signed(record, &UID).as_chunks::<16>().0) {
            card.set_block(block, *content);
        }
        assert!(!opens(&room(101), &card), "{told}");
        // Nor does it stand in the way of one that is.
        Written::new(6, &[101]).on(&card, 12);
        assert!(opens(&room(101), &card), "{told}");
        card.set_block(12, [0; 16]);
    }
}

#[test]
fn the_higher_serial_rules_and_slot_a_when_they_are_equal() {
    let card = Card::classic_1k(UID);
    for (a, b, rules) in [(7, 8, 204), (8, 7, 101), (7, 7, 101)] {
        Written::new(a, &[101]).on(&card, 8);
        Written::new(b, &[204]).on(&card, 12);
        assert_eq!([opens(&room(101), &card), opens(&room(204), &card)], [rules == 101, rules == 204]);
    }
    // The ruling record is judged alone: that the other one would do does not count.
    Written { until: FROM + 1, ..Written::new(9, &[101]) }.on(&card, 8);
    assert!(!opens(&room(204), &card));
    card.set_block(8, [0; 16]);
    assert!(opens(&room(204), &card), "once it is wiped, the other one rules");
}

#[test]
fn only_an_override_raises_the_floor_and_staff_stands_beside_it() {
    let on_new_card = |number: u8, written: Written| {
        let card = Card::classic_1k([number, 2, 3, 4]);
        written.on(&card, 8);
        card
    };
    let before = on_new_card(1, Written::new(5, &[101]).flags(4));
    let companion = on_new_card(2, Written::new(6, &[101]));
    let next = on_new_card(3, Written::new(9, &[101]).flags(4));
    let joined = on_new_card(4, Written::new(10, &[101]));
    let staff = on_new_card(5, Written::new(2, &[101]).flags(2 | 4));
    let door = room(101);
    assert!(opens(&door, &before) && opens(&door, &companion) && opens(&door, &before));
    assert_eq!(door.floor(), 5);
    assert!(opens(&door, &next));
    assert_eq!(door.floor(), 9);
    assert!(!opens(&door, &before) && !opens(&door, &companion), "the stay before is over");
    assert!(opens(&door, &joined) && opens(&door, &next), "a key that joins kills nobody");
    assert!(opens(&door, &staff));
    assert_eq!(door.floor(), 9);
    // An override for another room, or not accepted, teaches this door nothing.
    let elsewhere = on_new_card(6, Written::new(20, &[102]).flags(4));
    let early =
        on_new_card(7, Written { from: UNTIL, until: UNTIL + 9, ..Written::new(30, &[101]).flags(4) });
    assert!(!opens(&door, &elsewhere) && !opens(&door, &early));
    assert_eq!(door.floor(), 9);
    // An area has no floor: guests of other rooms come and go.
    let area = |serial| {
        let mut written = Written::new(serial, &[101]).flags(4);
        written.areas = 2;
        on_new_card(serial as u8, written)
    };
    let gym = Door::signed_record(&property(), Place::Area(Area::Gym));
    assert!(opens(&gym, &area(40)) && opens(&gym, &area(39)));
}

#[test]
fn doors_read_with_the_keys_they_were_given() {
    let card = Card::classic_1k(UID);
    Written::new(7, &[101]).on(&card, 8);
    let personal = property().with_sector_keys(SectorKeys::Personal { otherwise: [0xFF; 6] });
    let door = Door::signed_record(&personal, Place::Room(101));
    assert!(opens(&door, &card), "not personalised yet");
    card.set_block(11, hex("C8BE0013B0E3 787788 69 DC024A40B491").try_into().unwrap());
    assert!(opens(&door, &card), "the key of the page's example");
    assert!(!opens(&room(101), &card), "the delivery key opens this sector no more");
    let elsewhere = Card::classic_1k(UID);
    Written::new(7, &[101]).on(&elsewhere, 20);
    assert!(opens(&Door::signed_record(&property().with_sectors(5, 6), Place::Room(101)), &elsewhere));
    assert!(!opens(&room(101), &elsewhere));
}

#[test]
fn a_tag_opens_with_its_message_of_64_bytes() {
    let uid = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];
    let tag = Card::ntag213(uid);
    let message =
        [b"\x03\x3D\xD4\x0A\x30lockport:k", &Written::new(7, &[101]).bytes(&uid)[..], &[0xFE]].concat();
    assert_eq!(message.len(), 64);
    for (page, content) in (4..).zip(message.as_chunks::<4>().0) {
        tag.set_page(page, *content);
    }
    assert!(opens(&room(101), &tag));
    assert!(opens(&room(101), &tag.copy()));
    let phone = tag.message().unwrap();
    assert_eq!(phone, message[2..63]);
    assert!(tag.set_message(&phone) && opens(&room(101), &tag));
    let [a, b, c, end] = tag.page(19).unwrap();
    tag.set_page(19, [a, b, c, 0x00]);
    assert!(!opens(&room(101), &tag), "a message without its end");
    tag.set_page(19, [a, b, c, end]);
    tag.set_page(4, [0x03, 0x00, 0xFE, 0x00]);
    assert!(!opens(&room(101), &tag), "an empty message");
    assert!(!opens(&room(101), &Card::foreign(&uid, [0x03, 0x44], 0x20)));
}

#[test]
fn a_panel_knows_numbers_and_checks_frames() {
    let card = Card::classic_1k([18, 0x07, 0xE9, 0x55]);
    card.set_block(5, hex("02 00 00 00 00 00 00 00 00 00 00 00 04 24 0F D3").try_into().unwrap());
    let at = |panel: Panel| Door::panel(panel.admitting(18, 2025)).try_open(&card, NOON);
    assert!(at(Panel::of_bits(5, [0xFF; 6], "H10301")).opened, "the page's example");
    assert!(!at(Panel::of_bits(5, [0xFF; 6], "H10306")).opened, "another length");
    assert!(!at(Panel::of_hid_style("H10301")).opened, "another key");
    assert!(!at(Panel::of_bits(6, [0xFF; 6], "H10301")).opened, "an empty block");
    card.set_block(5, hex("02 00 00 00 00 00 00 00 00 00 00 00 04 24 0F D2").try_into().unwrap());
    assert_eq!(at(Panel::of_bits(5, [0xFF; 6], "H10301")).why, "the parity is wrong");
    card.set_block(5, hex("03 00 00 00 00 00 00 00 00 00 00 00 04 24 0F D3").try_into().unwrap());
    assert!(!at(Panel::of_bits(5, [0xFF; 6], "H10301")).opened, "another type byte");
    // The serial number instead: three bytes, or four, either way round.
    assert!(at(Panel::of_serial_numbers(SerialHabit::Bits26, false)).opened);
    let by_serial = |habit, reversed, facility, number| {
        let panel = Panel::of_serial_numbers(habit, reversed).admitting(facility, number);
        Door::panel(panel).try_open(&card, NOON).opened
    };
    assert!(by_serial(SerialHabit::Bits26, true, 0x55, 0xE907));
    assert!(by_serial(SerialHabit::Bits34, false, 0x1207, 0xE955));
    assert!(by_serial(SerialHabit::Bits34, true, 0x55E9, 0x0712));
}

#[test]
fn a_card_goes_back_onto_its_encoder_after_the_door() {
    let card = Card::classic_1k(UID);
    Written::new(7, &[101]).on(&card, 8);
    let host = crate::host::Host::pn532(&[&card]);
    assert_eq!(host.list(), [UID]);
    assert!(opens(&room(101), &card));
    assert_ne!(host.read(8).0, 0x00, "it was carried away in between");
    assert_eq!(host.list(), [UID]);
}
