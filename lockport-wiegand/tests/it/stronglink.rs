//! The StrongLink against the simulated one.

use std::time::Duration;

use lockport::Secret;
use lockport_sim_encoder::{Card, Model, Settings, Step, What};
use lockport_wiegand::encoder::{Encoder, EncoderError, Family, KeyName, StrongLink};

use crate::desk::{Desk, GONE, TIMED_OUT, Trouble, UID, hears_no_late_answer, now, opened, writes_and_reads};

fn started(desk: &Desk) -> Box<dyn Encoder> {
    let mut encoder = StrongLink::new(desk.serial(), desk.timer());
    let identity = now(encoder.start()).unwrap();
    assert_eq!(identity.model, "stronglink");
    assert!(identity.firmware.starts_with("SL025"), "{}", identity.firmware);
    Box::new(encoder)
}

#[test]
fn a_block_is_written_and_read() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::StrongLink, &[&card]);
    let mut encoder = started(&desk);
    let target = writes_and_reads(&mut *encoder, &card);
    assert_eq!(now(encoder.version(&target)), Err(EncoderError::Unsupported));
}

/// Section 5.2: pages one by one, and none above 0F unless the firmware reaches them.
#[test]
fn pages_are_read_as_far_as_the_firmware_reaches() {
    for reads_high_pages in [false, true] {
        let card = Card::ntag213([4, 1, 2, 3, 4, 5, 6]);
        card.set_page(0x11, [9; 4]);
        let settings = Settings { reads_high_pages, ..Settings::default() };
        let desk = Desk::with(Model::StrongLink, settings, &[&card]);
        let mut encoder = started(&desk);
        let target = now(encoder.list()).unwrap().remove(0);
        assert_eq!(target.family, Family::Type2);
        now(encoder.write_page(&target, 4, &Secret::new([3, 0, 0xFE, 0]))).unwrap();
        assert_eq!(card.page(4), Some([3, 0, 0xFE, 0]));
        assert_eq!(now(encoder.read(&target, 4)).unwrap().expose()[..4], [3, 0, 0xFE, 0]);
        let high = now(encoder.read(&target, 0x10)).map(|block| block.expose()[4..8] == [9; 4]);
        assert_eq!(high, if reads_high_pages { Ok(true) } else { Err(EncoderError::Unsupported) });
    }
}

/// R62: a wrong key is told; nothing goes to the card before it was found again.
#[test]
fn no_card_and_a_wrong_key_are_said() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::StrongLink, &[]);
    let mut encoder = started(&desk);
    assert_eq!(now(encoder.list()), Ok(vec![]));
    desk.encoder.put(&card);
    let target = now(encoder.list()).unwrap().remove(0);
    let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &Secret::new([0; 6])));
    assert_eq!(wrong, Err(EncoderError::KeyRefused));
    let asked = desk.encoder.seen().len();
    assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
    assert_eq!(desk.encoder.seen().len(), asked);
    let target = opened(&mut *encoder);
    desk.encoder.take(&card);
    assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
}

#[test]
fn a_late_answer_does_not_answer_the_next_command() {
    hears_no_late_answer(Model::StrongLink, started);
}

/// Section 12, R59: a converter that gives back what is sent, at once or in pieces. Exactly that is dropped, also where a key looks
/// like the answer that it was right.
#[test]
fn an_echo_is_no_answer() {
    for piece in [1, 5, 64] {
        let card = Card::classic_1k(UID);
        let desk = Desk::new(Model::StrongLink, &[&card]);
        desk.echoes_in_pieces_of(piece);
        let mut encoder = StrongLink::new(desk.serial(), desk.timer());
        now(encoder.start()).unwrap();
        let target = now(encoder.list()).unwrap().remove(0);
        let login_ok = Secret::new([0xBD, 0x03, 0x02, 0x02, 0xBE, 0x00]);
        let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &login_ok));
        assert_eq!(wrong, Err(EncoderError::KeyRefused), "pieces of {piece}");
        opened(&mut encoder);
    }
}

/// R62: every fault of the line ends in time with the truth, and a write is never sent twice.
#[test]
fn a_disturbed_line_ends_in_time_with_the_truth() {
    let noise = What::Noise(vec![0x00, 0xBD, 0x30, 0x01, 0xBD, 0x02, 0xBD]);
    for (what, read, write) in [
        (noise, (Ok(()), 1), (Ok(()), 1)),
        (What::Corrupt, (Ok(()), 2), (Err(EncoderError::Protocol), 1)),
        (What::Truncate(4), (Ok(()), 2), (Err(EncoderError::Protocol), 1)),
        (What::DropBefore, (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::LoseReply, (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::Nak, (Ok(()), 2), (Err(EncoderError::Protocol), 1)),
        (What::Delay(Duration::from_millis(400)), (Ok(()), 1), (Ok(()), 1)),
        (What::Delay(Duration::from_millis(550)), (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::Stick, (Err(TIMED_OUT), 1), (Err(TIMED_OUT), 1)),
        (What::Unplug, (Err(GONE), 1), (Err(GONE), 1)),
        (What::UnplugAfter, (Err(GONE), 1), (Err(GONE), 1)),
        (What::Refuse(0x04), (Err(EncoderError::Radio), 1), (Err(EncoderError::Radio), 1)),
        (What::Refuse(0x0D), (Err(EncoderError::CardGone), 1), (Err(EncoderError::CardGone), 1)),
    ] {
        let trouble =
            Trouble { model: Model::StrongLink, started, longest: Duration::from_secs(1), what: &what };
        assert_eq!(trouble.in_a(Step::Read), read, "read, {what:?}");
        assert_eq!(trouble.in_a(Step::Write), write, "write, {what:?}");
    }
}
