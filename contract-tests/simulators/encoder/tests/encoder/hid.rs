//! The HID faces: RRHFOEM04 (section 6.1) and the PN532 behind a bridge (section 6.2).

use std::time::Duration;

use lockport_sim_encoder::{Card, Model, Settings};

use crate::host::{ACK, FACTORY, Host, NOTHING, UID, hex, pn532_content, pn532_frame};

const GAP: Duration = Duration::from_millis(100);

/// A report as `hidapi` writes it: the number 0, then 64 bytes.
fn report(content: &[u8]) -> Vec<u8> {
    let mut report = [&[0], content].concat();
    report.resize(65, 0);
    report
}

/// A frame with its checksum behind it.
fn framed(frame: &str) -> String {
    let report = crate::vectors::hid(frame);
    let length = usize::from(report[1]);
    report[1..length + 3].iter().map(|byte| format!("{byte:02X}")).collect()
}

fn with_card(card: &Card) -> Host {
    let host = Host::new(Model::Rrhfoem04);
    host.encoder.put(card);
    host
}

/// The next answer to a frame given as text, the gap kept; as many bytes as the expected text has.
fn answers(host: &Host, request: &str, expected: &str) {
    host.clock.advance(GAP);
    host.port.write(&report(&hex(request))).unwrap();
    let answer = host.port.read(GAP).unwrap();
    assert_eq!(answer.len(), 64, "{request}");
    let expected = hex(expected);
    assert_eq!(answer[..expected.len()], expected, "{request}");
}

#[test]
fn the_page_s_exchanges_come_out_to_the_byte() {
    let card = Card::classic_1k(UID);
    let host = Host::new(Model::Rrhfoem04);
    answers(&host, "03 2F 01 B2 BD", "05 2F 01 FF FF 2A 80");
    host.encoder.put(&card);
    answers(&host, "03 F0 00 89 2F", "15 F0 00 00 00 52 52 48 46 4F 45 4D 30 34 2D");
    answers(&host, "03 2F 01 B2 BD", "0A 2F 01 00 00 04 A1 B2 C3 D4 EE 88");
    answers(&host, "08 2F 02 04 A1 B2 C3 D4 EC F9", "05 2F 02 00 00");
    answers(&host, "0F 21 01 A1 B2 C3 D4 08 60 FF FF FF FF FF FF 29 E1", "05 21 01 00 00 D0 71");
    answers(&host, "14 21 03 09 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 1E A5", "05 21 03 00 00");
    answers(&host, "04 21 02 09 BB 6A", "15 21 02 00 00 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F");
    assert_eq!(card.block(9).unwrap()[..2], [0x10, 0x11]);
}

#[test]
fn bytes_behind_a_frame_are_stale() {
    let host = with_card(&Card::classic_1k(UID));
    answers(&host, "03 F0 00 89 2F", "15 F0 00 00 00");
    host.clock.advance(GAP);
    host.port.write(&report(&hex("03 2F 01 B2 BD"))).unwrap();
    let answer = host.port.read(GAP).unwrap();
    assert_eq!(answer[..12], hex("0A 2F 01 00 00 04 A1 B2 C3 D4 EE 88"));
    assert_ne!(answer[12..23], [0; 11], "the rest of the frame before");
}

#[test]
fn failures_have_one_word_and_damaged_reports_none() {
    let card = Card::classic_1k(UID);
    let host = with_card(&card);
    let failed_authentication = "05 21 01 FF FF";
    answers(&host, "0F 21 01 A1 B2 C3 D4 08 60 FF FF FF FF FF FF 29 E1", failed_authentication);
    answers(&host, "04 21 02 09 BB 6A", "05 21 02 FF FF");
    for broken in ["03 2F 01 B2 BC", "02 2F 01 B2 BD", "3F 2F 01 B2 BD", "00"] {
        host.clock.advance(GAP);
        host.port.write(&report(&hex(broken))).unwrap();
        assert_eq!(host.port.read(GAP).unwrap(), NOTHING, "{broken}");
    }
    assert!(host.port.write(&[0; 64]).is_err(), "the report number is missing");
    assert!(host.port.write(&[1; 65]).is_err(), "the reader has no numbered reports");
    assert_eq!(card.tally().authentications, 0);
}

#[test]
fn a_restart_forgets_the_card_and_a_beep_does_not() {
    let host = with_card(&Card::classic_1k(UID));
    let authenticate = "0F 21 01 A1 B2 C3 D4 08 60 FF FF FF FF FF FF 29 E1";
    let select = "08 2F 02 04 A1 B2 C3 D4 EC F9";
    answers(&host, select, "05 2F 02 00 00");
    answers(&host, &framed("03 F0 01"), "05 F0 01 00 00");
    answers(&host, authenticate, "05 21 01 00 00");
    answers(&host, &framed("03 FF 03"), "05 FF 03 00 00");
    answers(&host, authenticate, "05 21 01 FF FF");
    answers(&host, &framed("04 22 01 04"), "05 22 01 FF FF");
}

#[test]
fn blocks_are_read_and_written_in_an_open_sector_only() {
    let tag = Card::ntag213([0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]);
    let host = with_card(&tag);
    answers(&host, &framed("0B 2F 02 07 04 A5 2B 9A 6F 1D 90"), "05 2F 02 00 00");
    answers(&host, &framed("04 21 02 04"), "05 21 02 FF FF");
    answers(&host, &framed("14 21 03 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"), "05 21 03 FF FF");
    assert_eq!(tag.tally().writes, 0);
    host.encoder.take_all();
    let card = Card::classic_1k(UID);
    host.encoder.put(&card);
    answers(&host, "08 2F 02 04 A1 B2 C3 D4 EC F9", "05 2F 02 00 00");
    answers(&host, "04 21 02 09 BB 6A", "05 21 02 FF FF");
    answers(&host, "08 2F 02 04 A1 B2 C3 D4 EC F9", "05 2F 02 00 00");
    answers(&host, "0F 21 01 A1 B2 C3 D4 08 60 FF FF FF FF FF FF 29 E1", "05 21 01 00 00");
    answers(&host, "03 F0 00 89 2F", "15 F0 00 00 00");
    answers(&host, "04 21 02 09 BB 6A", "15 21 02 00 00");
    answers(&host, "04 21 02 09 BB 6A", "15 21 02 00 00");
    answers(&host, &framed("04 21 02 0C"), "05 21 02 FF FF");
    answers(&host, "04 21 02 09 BB 6A", "05 21 02 FF FF");
}

#[test]
fn a_command_that_comes_too_early_is_lost() {
    let host = with_card(&Card::classic_1k(UID));
    let inventory = report(&hex("03 2F 01 B2 BD"));
    host.port.write(&inventory).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(99)).unwrap().len(), 64);
    host.clock.advance(Duration::from_millis(99));
    host.port.write(&inventory).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(500)).unwrap(), NOTHING);
    assert_eq!(host.encoder.too_early(), 1);
    host.port.write(&inventory).unwrap();
    assert_eq!(host.port.read(GAP).unwrap().len(), 64);
    let quick = Host::with(Model::Rrhfoem04, Settings { least_gap: None, ..Settings::default() });
    for _ in 0..3 {
        quick.port.write(&inventory).unwrap();
        assert_eq!(quick.port.read(GAP).unwrap().len(), 64);
    }
}

/// A PN532 byte stream cut into reports of `size` bytes each, and what comes back as a stream.
fn through_bridge(host: &Host, stream: &[u8], size: usize) -> Vec<u8> {
    for piece in stream.chunks(size) {
        host.port.write(&report(&[&[u8::try_from(piece.len()).unwrap()], piece].concat())).unwrap();
    }
    let mut heard = Vec::new();
    loop {
        let report = host.port.read(Duration::from_secs(1)).unwrap();
        let Some((count, bytes)) = report.split_first() else { return heard };
        assert!((1..=63).contains(count));
        heard.extend_from_slice(&bytes[..usize::from(*count)]);
    }
}

#[test]
fn a_bridged_pn532_speaks_in_pieces_of_63_bytes() {
    let host = Host::new(Model::Pn532Hid);
    host.encoder.put(&Card::classic_1k(UID));
    // The wake bytes are not sent; SAMConfiguration still comes first.
    assert_eq!(through_bridge(&host, &pn532_frame(&[0x02]), 63), NOTHING);
    let sam = through_bridge(&host, &pn532_frame(&[0x14, 0x01]), 1);
    assert_eq!(sam, [&ACK[..], &hex("00 00 FF 02 FE D5 15 16 00")].concat());
    through_bridge(&host, &pn532_frame(&[0x32, 0x05, 0x00, 0x01, 0x02]), 63);
    let long: Vec<u8> = [&[0x00, 0x00], &[0x5A; 150][..]].concat();
    let answer = through_bridge(&host, &pn532_frame(&long), 63);
    assert_eq!(pn532_content(&answer[ACK.len()..])[1..], long[1..], "longer than a report, both ways");
    // Two frames in one report, and one with a keep-alive in the middle.
    let firmware = pn532_frame(&[0x02]);
    assert_eq!(through_bridge(&host, &firmware.repeat(2), 63).len(), 2 * (ACK.len() + 13));
    host.port.write(&report(&[&[4], &firmware[..4]].concat())).unwrap();
    host.port.write(&report(&[0])).unwrap();
    assert_eq!(through_bridge(&host, &firmware[4..], 63).len(), ACK.len() + 13);
    // A count above 63 breaks the stream: the half frame before it is forgotten.
    host.port.write(&report(&[&[4], &firmware[..4]].concat())).unwrap();
    host.port.write(&report(&[64])).unwrap();
    assert_eq!(through_bridge(&host, &firmware[4..], 63), NOTHING);
    assert_eq!(through_bridge(&host, &firmware, 63).len(), ACK.len() + 13);
    // A command can be taken back across the bridge too.
    host.encoder.take_all();
    through_bridge(&host, &pn532_frame(&[0x32, 0x05, 0x00, 0x01, 0xFF]), 63);
    assert_eq!(through_bridge(&host, &pn532_frame(&[0x4A, 0x01, 0x00]), 63), ACK);
    assert_eq!(through_bridge(&host, &ACK, 63), NOTHING);
    let card = Card::classic_1k(UID);
    host.encoder.put(&card);
    assert_eq!(through_bridge(&host, &pn532_frame(&[0x02]), 63).len(), ACK.len() + 13);
    let keys = [&[0x40, 0x01, 0x60, 0x08], &FACTORY[..], &UID].concat();
    through_bridge(&host, &pn532_frame(&[0x4A, 0x01, 0x00]), 63);
    assert_eq!(pn532_content(&through_bridge(&host, &pn532_frame(&keys), 63)[6..]), [0x41, 0x00]);
}
