//! The reader behind a PC/SC service (section 7), in the messages of pcscd's virtual reader (section 14).

use std::time::Duration;

use lockport_sim_encoder::{Card, Model};

use crate::host::{Host, NOTHING, UID, hex};

const ATR: &str = "04";
const NO_CARD: &str = "00";
const OPEN_8: &str = "FF 86 00 00 05 01 00 08 60 00";

fn with(cards: &[&Card]) -> Host {
    let host = Host::new(Model::Pcsc);
    cards.iter().for_each(|card| host.encoder.put(card));
    host
}

fn answers(host: &Host, message: &str, expected: &str) {
    host.port.write(&hex(message)).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(10)).unwrap(), hex(expected), "{message}");
}

/// The card's ATR, and the delivery key in the reader.
fn connected(host: &Host) {
    answers(host, ATR, "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A");
    answers(host, "FF 82 00 00 06 FF FF FF FF FF FF", "90 00");
}

#[test]
fn the_page_s_commands_come_out_to_the_byte() {
    let card = Card::classic_1k(UID);
    let host = with(&[&card]);
    connected(&host);
    answers(&host, "FF CA 00 00 00", "A1 B2 C3 D4 90 00");
    answers(&host, OPEN_8, "90 00");
    answers(&host, "FF D6 00 09 10 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F", "90 00");
    answers(&host, "FF B0 00 09 10", "10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 90 00");
    assert_eq!(card.block(9).unwrap()[..2], [0x10, 0x11]);
}

#[test]
fn what_is_not_open_is_not_read_and_what_is_not_known_is_not_done() {
    let host = with(&[&Card::classic_1k(UID)]);
    connected(&host);
    answers(&host, "FF B0 00 09 10", "69 82");
    answers(&host, "FF D6 00 09 10 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F", "69 82");
    answers(&host, "FF 00 00 00 02 D4 02", "6A 81");
    answers(&host, "FF 82 00 00 06 00 00 00 00 00 00", "90 00");
    answers(&host, OPEN_8, "63 00");
    // It has halted; the next look wakes it, and the key in the reader stays the wrong one.
    answers(&host, OPEN_8, NO_CARD);
    connected(&host);
    answers(&host, OPEN_8, "90 00");
}

#[test]
fn a_card_that_loses_its_power_forgets_that_it_was_open() {
    let card = Card::classic_1k(UID);
    let host = with(&[&card]);
    connected(&host);
    answers(&host, OPEN_8, "90 00");
    host.port.write(&[0x00]).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(10)).unwrap(), NOTHING);
    answers(&host, "FF B0 00 09 10", NO_CARD);
    connected(&host);
    answers(&host, "FF B0 00 09 10", "69 82");
    host.encoder.take(&card);
    answers(&host, "FF CA 00 00 00", NO_CARD);
    answers(&host, ATR, NO_CARD);
}

#[test]
fn a_tag_has_pages_and_no_keys() {
    let tag = Card::ntag213([0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]);
    let host = with(&[&tag]);
    answers(&host, ATR, "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00 68");
    answers(&host, "FF CA 00 00 00", "04 A5 2B 9A 6F 1D 90 90 00");
    answers(&host, "FF D6 00 04 04 03 00 FE 00", "90 00");
    host.port.write(&hex("FF B0 00 04 10")).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(10)).unwrap()[..4], [0x03, 0x00, 0xFE, 0x00]);
}
