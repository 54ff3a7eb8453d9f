//! The PN532 face, byte for byte as section 4 writes it.

use std::time::Duration;

use lockport_sim_encoder::{Cable, Card, Encoder, Model, Settings, VirtualPort};

use crate::host::{ACK, ERROR, FACTORY, Host, NOTHING, UID, hex, pn532_frame};

const WAKE: &str = "55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

fn answers(host: &Host, request: &str, response: &str) {
    assert_eq!(host.ask(&hex(request)), [&ACK[..], &hex(response)].concat(), "{request}");
}

#[test]
fn the_page_s_exchanges_come_out_to_the_byte() {
    let card = Card::classic_1k(UID);
    card.set_block(9, std::array::from_fn(|index| 0x10 + index as u8));
    let host = Host::new(Model::Pn532);
    host.encoder.put(&card);
    host.port.write(&hex(WAKE)).unwrap();
    answers(&host, "00 00 FF 05 FB D4 14 01 14 01 02 00", "00 00 FF 02 FE D5 15 16 00");
    answers(&host, "00 00 FF 02 FE D4 02 2A 00", "00 00 FF 06 FA D5 03 32 01 06 07 E8 00");
    answers(&host, "00 00 FF 06 FA D4 32 05 00 01 02 F2 00", "00 00 FF 02 FE D5 33 F8 00");
    answers(
        &host,
        "00 00 FF 04 FC D4 4A 02 00 E0 00",
        "00 00 FF 0C F4 D5 4B 01 01 00 04 08 04 A1 B2 C3 D4 E4 00",
    );
    answers(
        &host,
        "00 00 FF 0F F1 D4 40 01 60 08 FF FF FF FF FF FF A1 B2 C3 D4 9F 00",
        "00 00 FF 03 FD D5 41 00 EA 00",
    );
    answers(
        &host,
        "00 00 FF 05 FB D4 40 01 30 09 B2 00",
        "00 00 FF 13 ED D5 41 00 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 72 00",
    );
    card.set_block(9, [0; 16]);
    answers(
        &host,
        "00 00 FF 15 EB D4 40 01 A0 09 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F CA 00",
        "00 00 FF 03 FD D5 41 00 EA 00",
    );
    assert_eq!(card.block(9).unwrap()[..4], [0x10, 0x11, 0x12, 0x13]);
    answers(&host, "00 00 FF 03 FD D4 52 00 DA 00", "00 00 FF 03 FD D5 53 00 D8 00");
}

#[test]
fn only_the_wake_bytes_and_sam_configuration_lead_out_of_the_first_sleep() {
    let host = Host::new(Model::Pn532);
    assert_eq!(host.ask(&pn532_frame(&[0x02])), NOTHING, "asleep");
    assert_eq!(host.ask(&pn532_frame(&[0x14, 0x01])), NOTHING, "not even SAMConfiguration wakes it");
    host.port.write(&[0x55, 0x55, 0x00]).unwrap();
    assert_eq!(host.ask(&pn532_frame(&[0x02])), NOTHING, "low battery mode");
    // One, two or three parameter bytes; a mode that does not exist is none.
    assert_eq!(host.chip(&[0x14, 0x01]), [0x15]);
    assert_eq!(host.chip(&[0x14, 0x01, 0x14]), [0x15]);
    assert_eq!(host.ask(&pn532_frame(&[0x14, 0x05])), [&ACK[..], &ERROR].concat());
    assert_eq!(host.chip(&[0x02]), [0x03, 0x32, 0x01, 0x06, 0x07]);
    // As it comes, it looks for cards for ever.
    assert_eq!(host.ask(&pn532_frame(&[0x4A, 0x02, 0x00])), ACK);
    assert_eq!(host.heard().unwrap(), NOTHING);
    // PowerDown: then 55 is enough.
    assert_eq!(host.chip(&[0x16, 0x20]), [0x17, 0x00]);
    assert_eq!(host.ask(&pn532_frame(&[0x02])), NOTHING);
    host.port.write(&[0x55]).unwrap();
    assert_eq!(host.chip(&[0x02]), [0x03, 0x32, 0x01, 0x06, 0x07]);
}

#[test]
fn frames_are_read_as_strictly_as_the_page_says() {
    let host = Host::pn532(&[]);
    let firmware = [&ACK[..], &hex("00 00 FF 06 FA D5 03 32 01 06 07 E8 00")].concat();
    let good = pn532_frame(&[0x02]);
    assert_eq!(host.ask(&good[1..]), firmware, "the leading 00 may be lost");
    assert_eq!(host.ask(&[&[0; 9], &good[..]].concat()), firmware, "or there may be many");
    assert_eq!(host.ask(&good[..good.len() - 1]), firmware, "the postamble is not insisted on");
    assert_eq!(host.ask(&hex("00 00 FF FF FF 00 02 FE D4 02 2A 00")), firmware, "extended");
    assert_eq!(host.ask(&hex("00 00 FF 02 FD D4 02 2A 00")), NOTHING, "a wrong length checksum");
    assert_eq!(host.ask(&hex("00 00 FF 02 FE D4 02 2B 00")), NOTHING, "a wrong data checksum");
    assert_eq!(host.ask(&hex("00 00 FF FF FF 02 02 FC D4 02 2A 00")), NOTHING, "longer than any");
    assert_eq!(host.ask(&good), firmware);
    assert_eq!(host.ask(&hex("00 00 FF 02 FE D5 02 29 00")), [&ACK[..], &ERROR].concat(), "TFI of the chip");
    assert_eq!(host.ask(&pn532_frame(&[0x99])), [&ACK[..], &ERROR].concat(), "no such command");
    // A payload may hold the start bytes.
    let echo = [0x00, 0x00, 0x00, 0x00, 0xFF, 0x02];
    assert_eq!(host.chip(&echo), [0x01, 0x00, 0x00, 0x00, 0xFF, 0x02]);
    // Two frames in one write, and one frame in many.
    assert_eq!(host.ask(&[good.clone(), good.clone()].concat()), firmware.repeat(2));
    good[..8].iter().for_each(|byte| host.port.write(&[*byte]).unwrap());
    assert_eq!(host.ask(&good[8..]), firmware);
}

#[test]
fn nack_repeats_the_last_answer_and_ack_takes_a_command_back() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[]);
    let nack = hex("00 00 FF FF 00 00");
    assert_eq!(host.ask(&nack), hex("00 00 FF 02 FE D5 33 F8 00"));
    // Passive retries for ever: nothing comes until there is a card.
    assert_eq!(host.chip(&[0x32, 0x05, 0x00, 0x01, 0xFF]), [0x33]);
    assert_eq!(host.ask(&pn532_frame(&[0x4A, 0x02, 0x00])), ACK);
    assert_eq!(host.heard().unwrap(), NOTHING);
    host.encoder.put(&card);
    assert_eq!(host.heard().unwrap(), hex("00 00 FF 0C F4 D5 4B 01 01 00 04 08 04 A1 B2 C3 D4 E4 00"));
    // The same, taken back before the card comes.
    host.encoder.take(&card);
    assert_eq!(host.ask(&pn532_frame(&[0x4A, 0x02, 0x00])), ACK);
    assert_eq!(host.ask(&ACK), NOTHING);
    host.encoder.put(&card);
    assert_eq!(host.heard().unwrap(), NOTHING);
    assert_eq!(host.list(), [UID]);
}

#[test]
fn a_list_without_a_card_answers_after_its_retries() {
    let host = Host::pn532(&[]);
    let before = host.clock.now();
    host.port.write(&pn532_frame(&[0x4A, 0x02, 0x00])).unwrap();
    assert_eq!(host.port.read(Duration::from_secs(1)).unwrap(), ACK);
    let answer = host.port.read(Duration::from_secs(1)).unwrap();
    assert_eq!(answer, hex("00 00 FF 03 FD D5 4B 00 E0 00"));
    assert!(host.clock.now() - before >= Duration::from_millis(10), "it tried again");
    // A card that comes in between is still found.
    host.chip(&[0x32, 0x05, 0x00, 0x01, 0x20]);
    host.port.write(&pn532_frame(&[0x4A, 0x01, 0x00])).unwrap();
    assert_eq!(host.port.read(Duration::from_millis(20)).unwrap(), ACK);
    assert_eq!(host.port.read(Duration::from_millis(20)).unwrap(), NOTHING);
    host.encoder.put(&Card::classic_1k(UID));
    assert_eq!(host.heard().unwrap().len(), 19);
}

#[test]
fn two_cards_are_listed_and_reached_by_their_numbers() {
    let (first, second) = (Card::classic_1k(UID), Card::classic_1k([1, 2, 3, 4]));
    let host = Host::pn532(&[&first, &second]);
    assert_eq!(host.list(), [vec![1, 2, 3, 4], UID.to_vec()]);
    let data = [&[0xA0, 0x08], &[7; 16][..]].concat();
    for (target, uid) in [(1, [1, 2, 3, 4]), (2, UID)] {
        let keys = [&[0x60, 0x08], &FACTORY[..], &uid].concat();
        assert_eq!(host.chip(&[&[0x40, target], &keys[..]].concat()), [0x41, 0x00]);
    }
    assert_eq!(host.chip(&[&[0x40, 0x02], &data[..]].concat()), [0x41, 0x00]);
    assert_eq!((first.block(8), second.block(8)), (Some([7; 16]), Some([0; 16])));
    // Asked for one of them by its serial number, only that one is found.
    let one = host.chip(&[&[0x4A, 0x02, 0x00], &UID[..]].concat());
    assert_eq!(one, [&[0x4B, 1, 1, 0x00, 0x04, 0x08, 4], &UID[..]].concat());
    assert_eq!(host.chip(&[&[0x40, 0x02], &data[..]].concat()), [0x41, 0x27], "no such target");
}

#[test]
fn the_general_status_tells_field_and_targets() {
    let host = Host::pn532(&[&Card::classic_1k(UID), &Card::classic_1k([1, 2, 3, 4])]);
    assert_eq!(host.chip(&[0x04]), [0x05, 0, 0, 0, 0]);
    host.list();
    assert_eq!(host.chip(&[0x04]), [0x05, 0, 1, 2, 1, 0, 0, 0x10, 2, 0, 0, 0x10, 0]);
    assert_eq!(host.chip(&[0x52, 0x01]), [0x53, 0x00]);
    assert_eq!(host.chip(&[0x04]), [0x05, 0, 1, 1, 2, 0, 0, 0x10, 0]);
    assert_eq!(host.chip(&[0x54, 0x01]), [0x55, 0x27], "released");
    assert_eq!(host.chip(&[0x32, 0x01, 0x00]), [0x33]);
    assert_eq!(host.chip(&[0x04])[2], 0, "the field is off");
    assert_eq!(host.list().len(), 2, "and on again by itself");
}

#[test]
fn cards_of_every_kind_answer_as_the_table_says() {
    let long = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];
    let rows: [(Card, &str); 6] = [
        (Card::classic_1k(UID), "00 04 08 04 A1 B2 C3 D4"),
        (Card::classic_1k_7(long), "00 44 08 07 04 A5 2B 9A 6F 1D 90"),
        (Card::classic_1k(UID).with_sel_res(0x88), "00 04 88 04 A1 B2 C3 D4"),
        (Card::ntag213(long), "00 44 00 07 04 A5 2B 9A 6F 1D 90"),
        (Card::foreign(&UID, [0x00, 0x04], 0x09), "00 04 09 04 A1 B2 C3 D4"),
        (Card::foreign(&long, [0x03, 0x44], 0x20), "03 44 20 07 04 A5 2B 9A 6F 1D 90 02 00"),
    ];
    for (card, target) in rows {
        let host = Host::pn532(&[&card]);
        assert_eq!(host.chip(&[0x4A, 0x02, 0x00]), [&[0x4B, 1, 1], &hex(target)[..]].concat());
    }
}

#[test]
fn a_failed_authentication_halts_the_card_until_it_is_listed_again() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    host.list();
    assert_eq!(host.authenticate(0x60, 8, [0; 6], &UID), 0x14);
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x01, "halted, so not even begun");
    host.list();
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &[9, 9, 9, 9]), 0x14, "another card's number");
    host.list();
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x00);
    assert_eq!(host.read(12).0, 0x01, "another sector");
    assert_eq!(host.read(8).0, 0x01, "and the refusal halted it");
    assert_eq!((card.tally().authentications, card.tally().failed_authentications), (1, 2));
}

#[test]
fn firmware_that_finds_no_halted_card_finds_it_after_the_field_was_off() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532_with(Settings { finds_halted: false, ..Settings::default() }, &[&card]);
    assert_eq!(host.list(), [UID]);
    assert_eq!(host.list(), [UID], "a selected card is found");
    assert_eq!(host.authenticate(0x60, 8, [0; 6], &UID), 0x14);
    assert_eq!(host.list(), [] as [[u8; 4]; 0]);
    assert_eq!(host.chip(&[0x32, 0x01, 0x00]), [0x33]);
    assert_eq!(host.chip(&[0x32, 0x01, 0x01]), [0x33]);
    assert_eq!(host.list(), [UID]);
    assert_eq!(host.chip(&[0x52, 0x00]), [0x53, 0x00]);
    assert_eq!(host.list(), [] as [[u8; 4]; 0], "a released card is halted");
    // Without its cable the encoder has no field: that wakes the card too.
    host.encoder.unplug();
    host.encoder.plug();
    let port = VirtualPort::new(host.encoder.open().unwrap(), host.clock.clone());
    let again = Host { port, ..host };
    again.start();
    assert_eq!(again.list(), [UID]);
}

#[test]
fn the_last_four_bytes_of_a_long_serial_number_authenticate() {
    let uid = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];
    let host = Host::pn532(&[&Card::classic_1k_7(uid)]);
    host.list();
    let all = [&[0x40, 0x01, 0x60, 0x08], &FACTORY[..], &uid].concat();
    assert_eq!(host.ask(&pn532_frame(&all)), [&ACK[..], &ERROR].concat(), "seven are a syntax error");
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &uid[..4]), 0x14, "the first four are wrong");
    host.list();
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &uid), 0x00);
    // Asked for by its number, a long one needs its cascade tag.
    let found = host.chip(&[&[0x4A, 0x01, 0x00, 0x88], &uid[..]].concat());
    assert_eq!(found[..2], [0x4B, 1]);
    let bare = pn532_frame(&[&[0x4A, 0x01, 0x00], &uid[..]].concat());
    assert_eq!(host.ask(&bare), [&ACK[..], &ERROR].concat());
}

#[test]
fn commands_to_a_card_that_was_not_listed_or_is_gone_are_told_apart() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    assert_eq!(host.read(8).0, 0x27, "nothing was listed");
    host.list();
    host.encoder.take(&card);
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x01, "it was taken away");
    assert_eq!(host.chip(&[0x44, 0x01]), [0x45, 0x00]);
    assert_eq!(host.chip(&[0x54, 0x01]), [0x55, 0x2B], "it cannot be selected again");
    host.encoder.put(&card);
    assert_eq!(host.chip(&[0x54, 0x01]), [0x55, 0x00]);
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x00);
}

#[test]
fn a_changed_line_speed_is_a_lost_encoder() {
    let host = Host::pn532(&[]);
    assert_eq!(host.ask(&pn532_frame(&[0x10, 0x09])), [&ACK[..], &ERROR].concat());
    assert_eq!(host.chip(&[0x10, 0x05]), [0x11]);
    assert_eq!(host.ask(&pn532_frame(&[0x02])), NOTHING);
    assert_eq!(host.ask(&hex(WAKE)), NOTHING);
    host.port.set_speed(230_400).unwrap();
    assert_eq!(host.chip(&[0x02]), [0x03, 0x32, 0x01, 0x06, 0x07]);
    // The next start does not know.
    let Host { encoder, clock, port } = host;
    drop(port);
    let again = Host { port: VirtualPort::new(encoder.open().unwrap(), clock.clone()), encoder, clock };
    assert_eq!(again.ask(&pn532_frame(&[0x02])), NOTHING);
    again.encoder.unplug();
    again.encoder.plug();
    let port = VirtualPort::new(again.encoder.open().unwrap(), again.clock.clone());
    Host { port, ..again }.start();
}

#[test]
fn the_line_and_the_card_take_their_time() {
    let settings = Settings { baud: Some(115_200), card_times: true, ..Settings::default() };
    let host = Host::pn532_with(settings, &[&Card::classic_1k(UID)]);
    let byte = Duration::from_nanos(10_000_000_000 / 115_200);
    let check = |command: &[u8], card: Duration, answer: u32| {
        let start = host.clock.now();
        let request = pn532_frame(command);
        host.port.write(&request).unwrap();
        let mut heard = 0;
        while heard < ACK.len() + answer as usize {
            heard += host.port.read(Duration::from_millis(100)).unwrap().len();
        }
        // The acknowledgement goes out while the card works.
        // The postamble of the request is not waited for.
        let line = byte * (request.len() as u32 - 1 + answer);
        assert_eq!(host.clock.now() - start, line + card.max(byte * 6), "{command:02X?}");
    };
    check(&[0x4A, 0x02, 0x00], Duration::from_micros(2_500), 19);
    check(&[&[0x40, 0x01, 0x60, 0x08], &FACTORY[..], &UID].concat(), Duration::from_micros(2_000), 10);
    check(&[0x40, 0x01, 0x30, 0x08], Duration::from_micros(2_500), 26);
    check(&[&[0x40, 0x01, 0xA0, 0x08], &[5; 16][..]].concat(), Duration::from_micros(5_500), 10);
}

#[test]
fn an_encoder_is_opened_by_one_and_lost_when_the_cable_comes_out() {
    let encoder = Encoder::new(Model::Pn532);
    let port = encoder.open().unwrap();
    assert!(encoder.open().is_err());
    drop(port);
    let port = encoder.open().unwrap();
    encoder.unplug();
    assert!(port.write(Duration::ZERO, &[0x55]).is_err());
    assert!(port.read(Duration::ZERO).is_err());
    encoder.plug();
    assert!(port.read(Duration::ZERO).is_err(), "the handle of before stays dead");
    assert!(encoder.open().is_ok());
}
