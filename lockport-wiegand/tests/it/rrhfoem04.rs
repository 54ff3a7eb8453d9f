//! The RRHFOEM04 against the simulated one, which loses what comes too early and fills its reports with old bytes; and a PN532
//! behind a bridge.

use std::time::Duration;

use lockport::Secret;
use lockport_sim_encoder::{Card, Fault, Model, Step, What};
use lockport_wiegand::encoder::{Encoder, EncoderError, KeyName, Pn532, Rrhfoem04};

use crate::desk::{
    BLOCK, Desk, GONE, TIMED_OUT, Trouble, UID, hears_no_late_answer, now, opened, writes_and_reads,
};

fn started(desk: &Desk) -> Box<dyn Encoder> {
    let mut encoder = Rrhfoem04::new(desk.hid(), desk.timer());
    assert_eq!(now(encoder.start()).unwrap().model, "rrhfoem04");
    Box::new(encoder)
}

/// Section 6.1: with the least gap between commands and no more, so that none is lost and the budget of section 13 holds.
#[test]
fn a_block_is_written_and_read_at_the_readers_own_pace() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Rrhfoem04, &[&card]);
    let mut encoder = started(&desk);
    let (took, ()) = desk.timed(async {
        let target = writes_and_reads(&mut *encoder, &card);
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
    let target = opened(&mut *encoder);
    desk.encoder.take(&card);
    assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
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
        let longest = Duration::from_millis(1200);
        let trouble = Trouble { model: Model::Rrhfoem04, started, longest, what: &what };
        assert_eq!(trouble.in_a(Step::Read), read, "read, {what:?}");
        assert_eq!(trouble.in_a(Step::Write), write, "write, {what:?}");
    }
}

#[test]
fn a_late_answer_does_not_answer_the_next_command() {
    hears_no_late_answer(Model::Rrhfoem04, started);
}

/// Section 6.2: the same chip, its stream inside reports.
#[test]
fn a_chip_behind_a_bridge_writes_as_on_a_line() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pn532Hid, &[&card]);
    let mut encoder = Pn532::behind_bridge(desk.hid(), desk.timer());
    assert_eq!(now(encoder.start()).unwrap().firmware, "1.6");
    let target = writes_and_reads(&mut encoder, &card);
    desk.encoder.fault(Fault::next(Step::Read, What::Corrupt));
    assert_eq!(*now(encoder.read(&target, 9)).unwrap().expose(), BLOCK);
    desk.encoder.fault(Fault::next(Step::Read, What::Unplug));
    assert_eq!(now(encoder.read(&target, 9)).map(|_| ()), Err(GONE));
}
