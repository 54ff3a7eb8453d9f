//! The RRHFOEM04 against the simulated one, which loses what comes too early and fills its reports with old bytes; and a PN532
//! behind a bridge.

use std::time::Duration;

use lockport::Secret;
use lockport::env::LinkError;
use lockport_sim_encoder::{Card, Fault, Model, On, Step, What};
use lockport_wiegand::encoder::{Encoder as _, EncoderError, KeyName, Pn532, Rrhfoem04, SectorKey, Target};

use crate::desk::{Desk, now};

const UID: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
const BLOCK: [u8; 16] = *b"0123456789abcdef";
const TIMED_OUT: EncoderError = EncoderError::Link(LinkError::TimedOut);
const GONE: EncoderError = EncoderError::Link(LinkError::Gone);

fn delivery() -> SectorKey {
    Secret::new([0xFF; 6])
}

fn started(desk: &Desk) -> Rrhfoem04 {
    let mut encoder = Rrhfoem04::new(desk.cable(), desk.timer());
    assert_eq!(now(encoder.start()).unwrap().model, "rrhfoem04");
    encoder
}

fn opened(encoder: &mut Rrhfoem04) -> Target {
    let target = now(encoder.list()).unwrap().remove(0);
    now(encoder.authenticate(&target, 8, KeyName::A, &delivery())).unwrap();
    target
}

/// Section 6.1: with the least gap between commands and no more, so that none is lost and the budget of section 13 holds.
#[test]
fn a_block_is_written_and_read_at_the_readers_own_pace() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Rrhfoem04, &[&card]);
    let mut encoder = started(&desk);
    let (took, ()) = desk.timed(async {
        let target = opened(&mut encoder);
        encoder.write_block(&target, 9, &Secret::new(BLOCK)).await.unwrap();
        assert_eq!(card.block(9), Some(BLOCK));
        assert_eq!(*encoder.read(&target, 9).await.unwrap().expose(), BLOCK);
        encoder.beep().await.unwrap();
        assert_eq!(encoder.version(&target).await, Err(EncoderError::Unsupported));
    });
    assert_eq!(desk.encoder.too_early(), 0);
    assert!(took <= Duration::from_millis(600), "six commands took {took:?}");
}

/// "Failed" is all it says: which command failed tells no card from a wrong key.
#[test]
fn a_failure_is_told_by_the_command_that_failed() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Rrhfoem04, &[]);
    let mut encoder = started(&desk);
    assert_eq!(now(encoder.list()), Ok(vec![]));
    desk.encoder.put(&card);
    let target = now(encoder.list()).unwrap().remove(0);
    let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &Secret::new([0; 6])));
    assert_eq!(wrong, Err(EncoderError::KeyRefused));
    let target = opened(&mut encoder);
    desk.encoder.take(&card);
    assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
}

fn faulted(step: Step, what: &What) -> (Result<(), EncoderError>, usize) {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Rrhfoem04, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    let before = desk.encoder.count(step);
    desk.encoder.fault(Fault::next(step, what.clone()));
    let (took, ended) = if step == Step::Write {
        desk.timed(encoder.write_block(&target, 9, &Secret::new(BLOCK)))
    } else {
        desk.timed(async { encoder.read(&target, 9).await.map(|_| ()) })
    };
    assert!(took <= Duration::from_millis(1200), "{what:?}: {took:?}");
    assert!(step != Step::Write || ended.is_err() || card.block(9) == Some(BLOCK), "{what:?}");
    let sent = desk.encoder.count(step) - before;
    if desk.encoder.is_plugged() && !matches!(what, What::Stick) {
        opened(&mut encoder);
    }
    (ended, sent)
}

/// R62: every fault ends in time with the truth, and a write is never sent twice. An old report that is still there when the next
/// command goes out does not answer it.
#[test]
fn a_disturbed_reader_ends_in_time_with_the_truth() {
    for (what, read, write) in [
        (What::Corrupt, (Ok(()), 2), (Err(EncoderError::Protocol), 1)),
        (What::Truncate(6), (Ok(()), 2), (Err(EncoderError::Protocol), 1)),
        (What::DropBefore, (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::LoseReply, (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::Nak, (Err(EncoderError::CardGone), 1), (Err(EncoderError::CardGone), 1)),
        (What::Delay(Duration::from_millis(450)), (Ok(()), 1), (Ok(()), 1)),
        (What::Delay(Duration::from_millis(550)), (Ok(()), 2), (Err(TIMED_OUT), 1)),
        (What::Stick, (Err(TIMED_OUT), 1), (Err(TIMED_OUT), 1)),
        (What::Unplug, (Err(GONE), 1), (Err(GONE), 1)),
        (What::UnplugAfter, (Err(GONE), 1), (Err(GONE), 1)),
    ] {
        assert_eq!(faulted(Step::Read, &what), read, "read, {what:?}");
        assert_eq!(faulted(Step::Write, &what), write, "write, {what:?}");
    }
}

/// A command is sent again because its answer is late, and both answers come. The second is no answer to the next command.
#[test]
fn a_late_answer_does_not_answer_the_next_command() {
    let card = Card::classic_1k(UID);
    card.set_block(8, [8; 16]);
    card.set_block(9, [9; 16]);
    let desk = Desk::new(Model::Rrhfoem04, &[&card]);
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

/// Section 6.2: the same chip, its stream inside reports.
#[test]
fn a_chip_behind_a_bridge_writes_as_on_a_line() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pn532Hid, &[&card]);
    let mut encoder = Pn532::behind_bridge(desk.cable(), desk.timer());
    assert_eq!(now(encoder.start()).unwrap().firmware, "1.6");
    let target = now(encoder.list()).unwrap().remove(0);
    now(encoder.authenticate(&target, 8, KeyName::A, &delivery())).unwrap();
    now(encoder.write_block(&target, 9, &Secret::new(BLOCK))).unwrap();
    assert_eq!(card.block(9), Some(BLOCK));
    desk.encoder.fault(Fault::next(Step::Read, What::Corrupt));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), BLOCK);
    desk.encoder.fault(Fault::next(Step::Read, What::Unplug));
    assert_eq!(now(encoder.read(&target, 9)).map(|_| ()), Err(GONE));
}
