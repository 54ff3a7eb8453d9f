//! Any bytes, in any pieces: no face panics, and every one of them can still be talked to afterwards.

use std::time::Duration;

use lockport_sim_encoder::{Cable, Card, Encoder, Model, Settings};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::host::{FACTORY, UID, hex, pn532_frame, stronglink_frame};

const TAG: [u8; 7] = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];

fn encoder(model: Model, card: &Card) -> Encoder {
    let settings = Settings { reads_high_pages: true, least_gap: None, ..Settings::default() };
    let encoder = Encoder::with_settings(model, settings);
    encoder.put(card);
    encoder
}

fn any_card() -> impl Strategy<Value = Card> {
    prop_oneof![
        Just(()).prop_map(|()| Card::classic_1k(UID)),
        Just(()).prop_map(|()| Card::ntag213(TAG)),
        Just(()).prop_map(|()| Card::ultralight(TAG)),
    ]
}

/// A command that is well framed and may be anything else, with a liking for those that reach the card.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let to_card = (any::<u8>(), prop_oneof![Just(0x60), Just(0x30), Just(0xA0), Just(0xA2), any::<u8>()]);
    prop_oneof![
        vec(any::<u8>(), 0..40),
        (to_card, vec(any::<u8>(), 0..20)).prop_map(|((target, code), rest)| [
            &[0x40, target % 3, code],
            &rest[..]
        ]
        .concat()),
        vec(any::<u8>(), 0..20).prop_map(|rest| [&[0x42], &rest[..]].concat()),
        Just(vec![0x4A, 0x02, 0x00]),
        any::<u8>().prop_map(|block| [&[0x40, 0x01, 0x60, block], &FACTORY[..], &UID].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_bytes_leave_a_pn532_that_can_be_reset(
        pieces in vec(vec(any::<u8>(), 0..80), 0..12),
        card in any_card(),
    ) {
        let encoder = encoder(Model::Pn532, &card);
        let port = encoder.open().unwrap();
        for (at, piece) in (0_u64..).zip(&pieces) {
            let now = Duration::from_millis(at);
            port.write(now, piece).unwrap();
            port.read(now).unwrap();
        }
        encoder.unplug();
        encoder.plug();
        let port = encoder.open().unwrap();
        port.write(Duration::from_secs(1), &[0x55]).unwrap();
        port.write(Duration::from_secs(1), &pn532_frame(&[0x14, 0x01])).unwrap();
        prop_assert_eq!(port.read(Duration::from_secs(2)).unwrap().len(), 6 + 9);
    }

    #[test]
    fn any_framed_command_is_acknowledged_and_never_breaks_the_chip(
        commands in vec(command(), 1..30),
        card in any_card(),
    ) {
        let encoder = encoder(Model::Pn532, &card);
        let port = encoder.open().unwrap();
        let mut now = Duration::ZERO;
        port.write(now, &[0x55]).unwrap();
        port.write(now, &pn532_frame(&[0x14, 0x01])).unwrap();
        port.read(now).unwrap();
        let mut sleeps = false;
        for command in commands {
            // Asleep or at another speed it does not listen, which is right.
            sleeps |= matches!(command[..], [0x16, _] | [0x16, _, _] | [0x10, _]);
            now += Duration::from_secs(1);
            port.write(now, &pn532_frame(&command)).unwrap();
            let heard = port.read(now + Duration::from_millis(900)).unwrap();
            prop_assert!(sleeps || heard.starts_with(&[0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00]), "{:02X?}", command);
        }
    }

    #[test]
    fn any_bytes_and_any_commands_leave_a_stronglink_that_answers(
        pieces in vec(vec(any::<u8>(), 0..60), 0..8),
        commands in vec((any::<u8>(), vec(any::<u8>(), 0..24)), 0..20),
        card in any_card(),
    ) {
        let encoder = encoder(Model::StrongLink, &card);
        let port = encoder.open().unwrap();
        let mut now = Duration::ZERO;
        for piece in pieces {
            port.write(now, &piece).unwrap();
            port.read(now).unwrap();
        }
        for (code, data) in commands {
            now += Duration::from_secs(1);
            port.write(now, &stronglink_frame(code, &data)).unwrap();
            port.read(now).unwrap();
        }
        now += Duration::from_secs(1);
        port.write(now, &stronglink_frame(0xF0, &[])).unwrap();
        prop_assert!(port.read(now).unwrap().starts_with(&[0xBD, 0x10, 0xF0, 0x00]));
    }

    #[test]
    fn any_report_leaves_a_hid_reader_that_answers(
        reports in vec(vec(any::<u8>(), 64), 0..20),
        model in prop_oneof![Just(Model::Rrhfoem04), Just(Model::Pn532Hid)],
        card in any_card(),
    ) {
        let encoder = encoder(model, &card);
        let port = encoder.open().unwrap();
        for report in reports {
            port.write(Duration::ZERO, &[&[0], &report[..]].concat()).unwrap();
            port.read(Duration::ZERO).unwrap();
        }
        encoder.unplug();
        encoder.plug();
        let port = encoder.open().unwrap();
        let mut hello = match model {
            Model::Rrhfoem04 => [&[0][..], &hex("03 F0 00 89 2F")].concat(),
            _ => [&[0, 10][..], &pn532_frame(&[0x14, 0x01])].concat(),
        };
        hello.resize(65, 0);
        port.write(Duration::ZERO, &hello).unwrap();
        prop_assert_eq!(port.read(Duration::ZERO).unwrap().len(), 64);
    }
}
