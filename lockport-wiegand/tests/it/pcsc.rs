//! A contactless reader behind a PC/SC service, against the simulated one.

use std::time::Duration;

use lockport::Secret;
use lockport_sim_encoder::{Card, Model, Settings, Step, What};
use lockport_wiegand::encoder::{Encoder, EncoderError, Family, KeyName, Pcsc};

use crate::desk::{Desk, GONE, TIMED_OUT, Trouble, UID, delivery, now, opened, writes_and_reads};

fn started(desk: &Desk) -> Box<dyn Encoder> {
    let mut encoder = Pcsc::new(desk.reader());
    let identity = now(encoder.start()).unwrap();
    assert_eq!((identity.model, identity.firmware.as_str()), ("pcsc", "Simulated Reader 01"));
    Box::new(encoder)
}

/// Section 7, with a number of four bytes and with one of seven.
#[test]
fn a_block_is_written_and_read() {
    for card in [Card::classic_1k(UID), Card::classic_1k_7([0x04, 0xA1, 1, 2, 3, 4, 5])] {
        let desk = Desk::new(Model::Pcsc, &[&card]);
        let mut encoder = started(&desk);
        writes_and_reads(&mut *encoder, &card);
        now(encoder.beep()).unwrap();
    }
}

/// Section 7: an OMNIKEY takes keys with a P1 of its own, and is known by its name.
#[test]
fn an_omnikey_gets_its_keys_as_it_takes_them() {
    for (name, key_structure, opens) in [
        ("HID Global OMNIKEY 5022 Smart Card Reader 0", 0x20, true),
        ("ACS ACR122U PICC Interface 00 00", 0x00, true),
        ("ACS ACR122U PICC Interface 00 00", 0x20, false),
    ] {
        let card = Card::classic_1k(UID);
        let settings = Settings { key_structure, ..Settings::default() };
        let desk = Desk::with(Model::Pcsc, settings, &[&card]);
        let mut encoder = Pcsc::new(desk.reader_called(name));
        let target = now(encoder.list()).unwrap().remove(0);
        let answer = now(encoder.authenticate(&target, 8, KeyName::A, &delivery()));
        assert_eq!(answer.is_ok(), opens, "{name}, P1 {key_structure:02X}: {answer:?}");
    }
}

/// A key that opens nothing, a sector that is not open, a card that is not there: each is told apart, and after each the card is
/// found again.
#[test]
fn a_refusal_is_told_by_what_was_refused() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pcsc, &[]);
    let mut encoder = started(&desk);
    assert_eq!(now(encoder.list()), Ok(vec![]));
    desk.encoder.put(&card);
    let target = now(encoder.list()).unwrap().remove(0);
    let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &Secret::new([0; 6])));
    assert_eq!(wrong, Err(EncoderError::KeyRefused));
    assert_eq!(
        now(encoder.read(&target, 8)).map(drop),
        Err(EncoderError::CardGone),
        "not before it was found"
    );
    let target = now(encoder.list()).unwrap().remove(0);
    assert_eq!(now(encoder.read(&target, 8)).map(drop), Err(EncoderError::CardRefused));
    let target = opened(&mut *encoder);
    assert_eq!(now(encoder.read(&target, 12)).map(drop), Err(EncoderError::CardGone), "another sector");
    let target = opened(&mut *encoder);
    desk.encoder.take(&card);
    assert_eq!(now(encoder.read(&target, 8)).map(drop), Err(EncoderError::CardGone));
    assert_eq!(now(encoder.list()), Ok(vec![]));
}

/// An Ultralight C has the ATR and the container of an NTAG213, so nothing of this kind is written.
#[test]
fn a_tag_is_told_and_not_written() {
    let tag = Card::ntag213([0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]);
    let desk = Desk::new(Model::Pcsc, &[&tag]);
    let mut encoder = started(&desk);
    let target = now(encoder.list()).unwrap().remove(0);
    assert_eq!(target.family, Family::Type2);
    assert_eq!(now(encoder.version(&target)), Err(EncoderError::Unsupported));
    assert_eq!(now(encoder.write_page(&target, 4, &Secret::new([0; 4]))), Err(EncoderError::Unsupported));
    assert_eq!(tag.tally().writes, 0);
}

/// R62: every fault ends in time with the truth, and nothing is sent twice: the service's own cable loses nothing by noise.
#[test]
fn a_disturbed_reader_ends_in_time_with_the_truth() {
    for (what, want) in [
        (What::DropBefore, Err(TIMED_OUT)),
        (What::LoseReply, Err(TIMED_OUT)),
        (What::Truncate(1), Err(EncoderError::Protocol)),
        (What::Refuse(0x63), Err(EncoderError::CardGone)),
        (What::Refuse(0x69), Err(EncoderError::CardRefused)),
        (What::Refuse(0x6A), Err(EncoderError::Unsupported)),
        (What::Refuse(0x6F), Err(EncoderError::CardRefused)),
        (What::Delay(Duration::from_millis(450)), Ok(())),
        (What::Delay(Duration::from_millis(550)), Err(TIMED_OUT)),
        (What::Stick, Err(TIMED_OUT)),
        (What::Unplug, Err(GONE)),
        (What::UnplugAfter, Err(GONE)),
    ] {
        let trouble =
            Trouble { model: Model::Pcsc, started, longest: Duration::from_millis(500), what: &what };
        for step in [Step::Read, Step::Write] {
            assert_eq!(trouble.in_a(step), (want, 1), "{step:?}, {what:?}");
        }
    }
}
