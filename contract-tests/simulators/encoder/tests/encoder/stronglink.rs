//! The StrongLink face (section 5).

use std::time::Duration;

use lockport_sim_encoder::{Card, Fault, Model, Settings, Step, What};

use crate::host::{FACTORY, Host, NOTHING, UID, hex, stronglink_frame};

/// A reader with a card, and a command without its frame: status and data of the answer.
struct Reader(Host);

impl Reader {
    fn new(card: &Card) -> Self {
        let host = Host::new(Model::StrongLink);
        host.encoder.put(card);
        Self(host)
    }

    fn command(&self, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
        let answer = self.0.ask(&stronglink_frame(command, data));
        assert_eq!(answer.iter().fold(0, |sum, byte| sum ^ byte), 0, "{answer:02X?}");
        let [0xBD, length, code, status, data @ .., _] = answer.as_slice() else { panic!("{answer:02X?}") };
        assert_eq!((usize::from(*length), *code), (data.len() + 3, command));
        (*status, data.to_vec())
    }

    fn login(&self, sector: u8, kind: u8, key: [u8; 6]) -> u8 {
        self.command(0x02, &[&[sector, kind], &key[..]].concat()).0
    }
}

#[test]
fn the_page_s_exchanges_come_out_to_the_byte() {
    let card = Card::classic_1k(UID);
    let host = Host::new(Model::StrongLink);
    let exchanges = [
        ("BA 02 01 B9", "BD 08 01 00 A1 B2 C3 D4 01 B1"),
        ("BA 0A 02 02 AA FF FF FF FF FF FF 1A", "BD 03 02 02 BE"),
        (
            "BA 13 04 09 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F A4",
            "BD 13 04 00 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F AA",
        ),
    ];
    assert_eq!(host.ask(&hex("BA 02 01 B9")), hex("BD 03 01 01 BE"), "no card");
    host.encoder.put(&card);
    for (request, answer) in exchanges {
        assert_eq!(host.ask(&hex(request)), hex(answer), "{request}");
    }
    assert_eq!(host.ask(&hex("BA 03 03 09 B3"))[..4], [0xBD, 0x13, 0x03, 0x00]);
    assert!(host.ask(&hex("BA 02 F0 48")).windows(7).any(|text| text == b"SL025M-"));
    assert_eq!(card.block(9).unwrap()[15], 0x1F);
}

#[test]
fn every_refusal_has_the_status_the_page_gives_it() {
    let card = Card::classic_1k(UID);
    let reader = Reader::new(&card);
    assert_eq!(reader.login(2, 0xAA, FACTORY), 0x01, "nothing was selected");
    assert_eq!(reader.command(0x01, &[]).1, [&UID[..], &[0x01]].concat());
    assert_eq!(reader.command(0x03, &[8]).0, 0x0D, "not logged in");
    assert_eq!(reader.login(16, 0xAA, FACTORY), 0x08);
    assert_eq!(reader.login(2, 0xAA, [0; 6]), 0x03);
    assert_eq!(reader.login(2, 0xAA, FACTORY), 0x01, "halted: select again");
    reader.command(0x01, &[]);
    assert_eq!(reader.login(2, 0xAA, FACTORY), 0x02, "success");
    assert_eq!(reader.command(0x03, &[12]).0, 0x0D, "another sector");
    assert_eq!(reader.command(0x05, &[8]).0, 0x0E, "no value block");
    assert_eq!(reader.command(0x06, &[8, 5, 0, 0, 0]), (0x00, vec![5, 0, 0, 0]));
    assert_eq!(reader.command(0x08, &[8, 2, 0, 0, 0]), (0x00, vec![7, 0, 0, 0]));
    assert_eq!(reader.command(0x09, &[8, 3, 0, 0, 0]), (0x00, vec![4, 0, 0, 0]));
    assert_eq!(reader.command(0x0A, &[8, 9]), (0x00, vec![4, 0, 0, 0]));
    assert_eq!(reader.command(0x05, &[9]), (0x00, vec![4, 0, 0, 0]));
    assert_eq!(reader.command(0x12, &[0, 1, 2, 3, 4, 5, 6]).0, 0x09, "no key is stored");
    // Sector 0: the manufacturer block cannot be written, and the refusal halts the card.
    reader.command(0x01, &[]);
    assert_eq!(reader.login(0, 0xAA, FACTORY), 0x02);
    assert_eq!(reader.command(0x04, &[&[0], &[1; 16][..]].concat()).0, 0x05);
    assert_eq!(reader.command(0x03, &[0]).0, 0x01);
    assert_eq!(card.tally().manufacturer, 1);
    reader.0.encoder.take(&card);
    assert_eq!(reader.command(0x01, &[]).0, 0x01);
}

#[test]
fn a_damaged_frame_is_a_checksum_status_and_noise_is_passed_over() {
    let reader = Reader::new(&Card::classic_1k(UID));
    assert_eq!(reader.0.ask(&hex("BA 02 01 B8")), hex("BD 03 01 F0 4F"));
    assert_eq!(reader.0.ask(&hex("00 FF 17 BA 02 01 B9")), hex("BD 08 01 00 A1 B2 C3 D4 01 B1"));
    assert_eq!(reader.0.ask(&stronglink_frame(0x77, &[])), NOTHING, "no such command");
    // Half a frame, silence, then a whole one.
    reader.0.port.write(&hex("BA 13 04")).unwrap();
    assert_eq!(reader.0.heard().unwrap(), NOTHING);
    assert_eq!(reader.command(0x01, &[]).0, 0x00);
}

#[test]
fn a_page_is_written_where_the_firmware_reaches() {
    let tag = Card::ntag213([0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]);
    let reader = Reader::new(&tag);
    assert_eq!(reader.command(0x01, &[]).1.last(), Some(&0x03));
    assert_eq!(reader.command(0x11, &[5, 1, 2, 3, 4]), (0x00, vec![1, 2, 3, 4]));
    assert_eq!(reader.command(0x10, &[5]), (0x00, vec![1, 2, 3, 4]));
    assert_eq!(reader.command(0x10, &[0x10]).0, 0x08);
    assert_eq!(reader.command(0x11, &[0x10, 1, 2, 3, 4]).0, 0x08);
    let host = Host::with(Model::StrongLink, Settings { reads_high_pages: true, ..Settings::default() });
    host.encoder.put(&tag);
    let reader = Reader(host);
    reader.command(0x01, &[]);
    assert_eq!(reader.command(0x11, &[0x10, 1, 2, 3, 4]).0, 0x00);
    assert_eq!(reader.command(0x11, &[1, 1, 2, 3, 4]).0, 0x05, "the serial number stays");
    assert_eq!(tag.page(0x10), Some([1, 2, 3, 4]));
    reader.command(0x01, &[]);
    assert_eq!(reader.login(1, 0xAA, FACTORY), 0x03, "a tag has no sectors");
    assert_eq!(reader.command(0x10, &[4]).0, 0x01, "halted by the attempt");
}

#[test]
fn a_board_is_found_at_its_own_speed_only() {
    let host = Host::with(Model::StrongLink, Settings { speed: Some(19_200), ..Settings::default() });
    let answered: Vec<u32> = [115_200, 57_600, 38_400, 19_200, 9_600]
        .into_iter()
        .filter(|speed| {
            host.port.set_speed(*speed).unwrap();
            !host.ask(&stronglink_frame(0xF0, &[])).is_empty()
        })
        .collect();
    assert_eq!(answered, [19_200]);
    assert_eq!(host.encoder.seen().len(), 1, "and nothing else was taken for a command");
    // The other way round: asked at the right speed, listened to at another.
    host.port.set_speed(19_200).unwrap();
    host.encoder.fault(Fault::next(Step::Hello, What::Delay(Duration::from_millis(10))));
    host.port.write(&stronglink_frame(0xF0, &[])).unwrap();
    host.port.set_speed(9_600).unwrap();
    assert_eq!(host.heard().unwrap(), NOTHING);
}

#[test]
fn the_line_runs_at_the_speed_of_its_board() {
    let settings = Settings { baud: Some(9_600), card_times: true, ..Settings::default() };
    let host = Host::with(Model::StrongLink, settings);
    host.encoder.put(&Card::classic_1k(UID));
    host.port.write(&stronglink_frame(0x01, &[])).unwrap();
    let mut heard = 0;
    while heard < 10 {
        heard += host.port.read(Duration::from_millis(500)).unwrap().len();
    }
    let byte = Duration::from_nanos(10_000_000_000 / 9_600);
    assert_eq!(host.clock.now(), byte * 14 + Duration::from_micros(2_500));
}
