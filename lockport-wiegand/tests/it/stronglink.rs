//! The StrongLink against the simulated one.

use std::time::Duration;

use lockport::Secret;
use lockport::env::LinkError;
use lockport_sim_encoder::{Card, Fault, Model, On, Settings, Step, What};
use lockport_wiegand::encoder::{
    Echo, Encoder as _, EncoderError, Family, KeyName, SectorKey, StrongLink, Target,
};

use crate::desk::{Desk, now};

const UID: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
const BLOCK: [u8; 16] = *b"0123456789abcdef";
const TIMED_OUT: EncoderError = EncoderError::Link(LinkError::TimedOut);
const GONE: EncoderError = EncoderError::Link(LinkError::Gone);

fn delivery() -> SectorKey {
    Secret::new([0xFF; 6])
}

fn started(desk: &Desk) -> StrongLink {
    let mut encoder = StrongLink::new(desk.cable(), desk.timer());
    let identity = now(encoder.start()).unwrap();
    assert_eq!(identity.model, "stronglink");
    assert!(identity.firmware.starts_with("SL025"), "{}", identity.firmware);
    encoder
}

fn opened(encoder: &mut StrongLink) -> Target {
    let target = now(encoder.list()).unwrap().remove(0);
    now(encoder.authenticate(&target, 8, KeyName::A, &delivery())).unwrap();
    target
}

#[test]
fn a_block_is_written_and_read() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::StrongLink, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    assert_eq!((target.uid.bytes(), target.family), (&UID[..], Family::Classic1k));
    now(encoder.write_block(&target, 9, &Secret::new(BLOCK))).unwrap();
    assert_eq!(card.block(9), Some(BLOCK));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), BLOCK);
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
    let target = opened(&mut encoder);
    desk.encoder.take(&card);
    assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
}

/// A command is sent again because its answer is late, and both answers come. The second is no answer to the next command.
#[test]
fn a_late_answer_does_not_answer_the_next_command() {
    let card = Card::classic_1k(UID);
    card.set_block(8, [8; 16]);
    card.set_block(9, [9; 16]);
    let desk = Desk::new(Model::StrongLink, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    desk.encoder.fault(Fault {
        on: On::Step(Step::Read),
        skip: 0,
        times: 2,
        what: What::Delay(Duration::from_millis(550)),
    });
    assert_eq!(*now(encoder.read(&target, 8)).unwrap().expose(), [8; 16]);
    desk.clock.advance(Duration::from_secs(2));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), [9; 16]);
}

/// A converter that gives back what is sent: exactly that is dropped, also where a key looks like the answer that it was right.
#[test]
fn an_echo_is_no_answer() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::StrongLink, &[&card]);
    desk.echoes();
    let mut encoder = StrongLink::new(desk.cable(), desk.timer()).with_echo(Echo::Own);
    now(encoder.start()).unwrap();
    let target = now(encoder.list()).unwrap().remove(0);
    let login_ok = Secret::new([0xBD, 0x03, 0x02, 0x02, 0xBE, 0x00]);
    let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &login_ok));
    assert_eq!(wrong, Err(EncoderError::KeyRefused));
    opened(&mut encoder);
}

/// One fault in a read or a write: how it ends, how often the command reached the reader; always in time, and afterwards the
/// reader can be used as before.
fn faulted(step: Step, what: &What) -> (Result<(), EncoderError>, usize) {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::StrongLink, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    let before = desk.encoder.count(step);
    desk.encoder.fault(Fault::next(step, what.clone()));
    let (took, ended) = if step == Step::Write {
        desk.timed(encoder.write_block(&target, 9, &Secret::new(BLOCK)))
    } else {
        desk.timed(async { encoder.read(&target, 9).await.map(|_| ()) })
    };
    assert!(took <= Duration::from_secs(1), "{what:?}: {took:?}");
    assert!(step != Step::Write || ended.is_err() || card.block(9) == Some(BLOCK), "{what:?}");
    let sent = desk.encoder.count(step) - before;
    if desk.encoder.is_plugged() && !matches!(what, What::Stick) {
        opened(&mut encoder);
    }
    (ended, sent)
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
        assert_eq!(faulted(Step::Read, &what), read, "read, {what:?}");
        assert_eq!(faulted(Step::Write, &what), write, "write, {what:?}");
    }
}
