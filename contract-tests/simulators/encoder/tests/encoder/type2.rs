//! Type 2 tags: Ultralight and NTAG213 through a PN532 (sections 4.7 and 8.3).

use lockport_sim_encoder::Card;

use crate::host::{ACK, ERROR, Host, hex, pn532_frame};

const UID: [u8; 7] = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];

fn listed(tag: &Card) -> Host {
    let host = Host::pn532(&[tag]);
    host.list();
    host
}

/// InCommunicateThru; a refusal halts the tag, so it is listed again.
fn through(host: &Host, command: &[u8]) -> (u8, Vec<u8>) {
    let answer = host.chip(&[&[0x42], command].concat());
    if answer[1] != 0 {
        host.list();
    }
    (answer[1], answer[2..].to_vec())
}

fn write(host: &Host, page: u8, content: [u8; 4]) -> u8 {
    let status = host.card(&[&[0xA2, page], &content[..]].concat()).0;
    if status != 0 {
        host.list();
    }
    status
}

#[test]
fn a_new_ntag213_is_what_its_maker_ships() {
    let tag = Card::ntag213(UID);
    let host = listed(&tag);
    assert_eq!(host.read(0).1, hex("04 A5 2B 02 9A 6F 1D 90 78 48 00 00 E1 10 12 00"));
    assert_eq!(through(&host, &[0x60]), (0x00, hex("00 04 04 02 01 00 0F 03")));
    assert_eq!(through(&host, &[0x3A, 0x04, 0x05]), (0x00, hex("01 03 A0 0C 34 03 00 FE")));
    assert_eq!(
        host.read(0x2A).1,
        hex("00 05 00 00 00 00 00 00 00 00 00 00 04 A5 2B 02"),
        "no password, then page 0"
    );
    assert_eq!(
        host.ask(&hex("00 00 FF 09 F7 D4 40 01 A2 04 03 00 FE 00 44 00"))[6..13],
        hex("00 00 FF 03 FD D5 41")
    );
    assert_eq!(tag.page(4), Some([0x03, 0x00, 0xFE, 0x00]));
    assert_eq!(host.read(0x2D).0, 0x01, "past the end");
}

#[test]
fn get_version_inside_data_exchange_is_an_authentication() {
    let host = listed(&Card::ntag213(UID));
    assert_eq!(host.ask(&pn532_frame(&[0x40, 0x01, 0x60])), [&ACK[..], &ERROR].concat());
    assert_eq!(host.authenticate(0x60, 4, [0xFF; 6], &UID), 0x14);
    host.list();
    assert_eq!(host.card(&[0x3A, 4, 5]).0, 0x10, "FAST_READ goes by InCommunicateThru only");
}

#[test]
fn an_ultralight_knows_nothing_of_versions_and_passwords() {
    let tag = Card::ultralight(UID);
    let host = listed(&tag);
    for command in [&[0x60][..], &[0x3A, 0, 1], &[0x1B, 0xFF, 0xFF, 0xFF, 0xFF], &[0x39, 0x02]] {
        assert_eq!(through(&host, command).0, 0x01, "it says nothing to {command:02X?}");
    }
    assert_eq!(write(&host, 15, [1, 2, 3, 4]), 0x00);
    assert_eq!(write(&host, 16, [1, 2, 3, 4]), 0x01);
    assert_eq!(host.read(15).1[..8], hex("01 02 03 04 04 A5 2B 02"), "on at page 0");
    // The compatible write sends sixteen bytes of which four are kept.
    assert_eq!(host.write(6, &[5; 16]), 0x00);
    assert_eq!((tag.page(6), tag.page(7)), (Some([5; 4]), Some([0; 4])));
}

#[test]
fn lock_bits_and_the_capability_container_can_only_be_set() {
    let tag = Card::ntag213(UID);
    let host = listed(&tag);
    for page in [0, 1] {
        assert_eq!(write(&host, page, [9; 4]), 0x01);
    }
    assert_eq!(write(&host, 3, [0, 0, 0, 0x0F]), 0x00);
    assert_eq!(tag.page(3), Some([0xE1, 0x10, 0x12, 0x0F]));
    // Static bits: page 4 and page 15.
    assert_eq!(write(&host, 2, [0xFF, 0xFF, 0x10, 0x80]), 0x00);
    assert_eq!(tag.page(2), Some([0x78, 0x48, 0x10, 0x80]), "the serial number's bytes stay");
    assert_eq!(write(&host, 2, [0; 4]), 0x00);
    assert_eq!(tag.page(2), Some([0x78, 0x48, 0x10, 0x80]), "and nothing is cleared");
    let writable: Vec<u8> = (4..16).filter(|page| write(&host, *page, [1; 4]) == 0).collect();
    assert_eq!(writable, (5..15).collect::<Vec<u8>>());
    // The lowest bit freezes the container's lock bit.
    assert_eq!(write(&host, 2, [0, 0, 0x01, 0]), 0x00);
    assert_eq!(write(&host, 2, [0, 0, 0x08, 0]), 0x00);
    assert_eq!(tag.page(2), Some([0x78, 0x48, 0x11, 0x80]));
    // Dynamic bits cover two pages each.
    assert_eq!(write(&host, 0x28, [0x02, 0x08, 0x00, 0xFF]), 0x00);
    assert_eq!(tag.page(0x28), Some([0x02, 0x08, 0x00, 0xBD]));
    let locked: Vec<u8> = (16..40).filter(|page| write(&host, *page, [1; 4]) != 0).collect();
    assert_eq!(locked, [18, 19, 38, 39]);
    assert_eq!(write(&host, 0x28, [0x00, 0x00, 0x01, 0x00]), 0x00);
    assert_eq!(write(&host, 0x28, [0x05, 0x00, 0x00, 0x00]), 0x00);
    assert_eq!(tag.page(0x28), Some([0x06, 0x08, 0x01, 0xBD]), "pages 16 to 19 are frozen as they are");
    assert_eq!((tag.tally().manufacturer, tag.tally().trailers), (7, 3));
}

#[test]
fn a_password_guards_writing_and_on_demand_reading() {
    let tag = Card::ntag213(UID);
    let host = listed(&tag);
    tag.set_page(0x2B, *b"pass");
    tag.set_page(0x2C, [0xAC, 0x0C, 0, 0]);
    tag.set_page(0x29, [0x04, 0, 0, 0x06]);
    assert_eq!(write(&host, 5, [1; 4]), 0x00);
    assert_eq!(write(&host, 6, [1; 4]), 0x01);
    assert_eq!(host.read(6).0, 0x00, "reading is free");
    // PROT and a limit of two wrong passwords.
    tag.set_page(0x2A, [0x82, 0x05, 0, 0]);
    assert_eq!(host.read(6).0, 0x01);
    host.list();
    assert_eq!(host.read(5).1[4..8], hex("04 A5 2B 02"), "on at page 0 where the guarded part begins");
    assert_ne!(through(&host, &[0x3A, 5, 6]).0, 0x00);
    assert_ne!(through(&host, b"\x1Bnope").0, 0x00);
    assert_eq!(through(&host, b"\x1Bpass"), (0x00, vec![0xAC, 0x0C]));
    assert_eq!(write(&host, 6, [1; 4]), 0x00);
    assert_eq!(host.read(6).0, 0x00);
    host.list();
    assert_eq!(write(&host, 6, [2; 4]), 0x01, "a new selection starts without");
    for _ in 0..2 {
        assert_ne!(through(&host, b"\x1Bnope").0, 0x00);
    }
    assert_ne!(through(&host, b"\x1Bpass").0, 0x00, "locked out for good");
    assert_eq!(tag.page(6), Some([1; 4]));
}

#[test]
fn the_counter_moves_once_for_each_time_in_the_field() {
    let tag = Card::ntag213(UID);
    let host = listed(&tag);
    assert_eq!(through(&host, &[0x39, 0x02]).0, 0x02, "off as delivered: refused aloud");
    tag.set_page(0x2A, [0x10, 0x05, 0, 0]);
    host.encoder.take(&tag);
    host.encoder.put(&tag);
    host.list();
    assert_eq!(through(&host, &[0x39, 0x02]).1, [0, 0, 0]);
    host.read(4);
    host.read(4);
    assert_eq!(through(&host, &[0x39, 0x02]).1, [1, 0, 0]);
    host.encoder.take(&tag);
    host.encoder.put(&tag);
    host.list();
    through(&host, &[0x3A, 4, 5]);
    assert_eq!(through(&host, &[0x39, 0x02]).1, [2, 0, 0]);
}

#[test]
fn four_bits_are_told_by_the_checksum_setting() {
    let tag = Card::ntag213(UID);
    let host = listed(&tag);
    let write = [0xA2, 0x05, 1, 2, 3, 4];
    assert_eq!(through(&host, &write).0, 0x02, "an acknowledgement carries no checksum");
    assert_eq!(tag.page(5), Some([1, 2, 3, 4]), "and the page is written all the same");
    // Receive mode without the check.
    assert_eq!(host.chip(&[0x08, 0x63, 0x03, 0x00]), [0x09]);
    assert_eq!(through(&host, &write), (0x00, vec![0x0A]));
    assert_eq!(through(&host, &[0x30, 0x30]), (0x00, vec![0x00]), "refused");
    host.list();
    // The list has put the check back; now the host adds the checksum itself.
    assert_eq!(host.chip(&[0x06, 0x63, 0x03]), [0x07, 0x80]);
    assert_eq!(host.chip(&[0x08, 0x63, 0x02, 0x00]), [0x09]);
    assert_eq!(through(&host, &[0x60]).0, 0x01, "without its checksum nobody listens");
    assert_eq!(host.chip(&[0x08, 0x63, 0x02, 0x00]), [0x09]);
    assert_eq!(through(&host, &[0x60, 0xF8, 0x32]).1, hex("00 04 04 02 01 00 0F 03"));
    assert_eq!(through(&host, &[]).0, 0x01);
}
