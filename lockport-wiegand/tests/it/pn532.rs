//! The PN532 against the simulated one: what it does to cards, and that every fault ends in time with the truth.

use std::time::Duration;

use futures_util::FutureExt as _;
use lockport::Secret;
use lockport_sim_encoder::{Card, Fault, Model, Settings, Step, What};
use lockport_wiegand::codec::pn532::ACK;
use lockport_wiegand::encoder::{Encoder as _, EncoderError, Family, KeyName, Pn532, Target};

use crate::desk::{BLOCK, Desk, GONE, TIMED_OUT, UID, delivery, now, opened, writes_and_reads};

fn started(desk: &Desk) -> Pn532 {
    let mut encoder = Pn532::new(desk.serial(), desk.timer());
    let identity = now(encoder.start()).unwrap();
    assert_eq!((identity.model, identity.firmware.as_str()), ("pn532", "1.6"));
    encoder
}

#[test]
fn a_block_is_written_and_read() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pn532, &[&card]);
    let mut encoder = started(&desk);
    writes_and_reads(&mut encoder, &card);
    assert_eq!(now(encoder.beep()), Ok(()));
}

/// Section 4.6: of seven bytes the last four make the key.
#[test]
fn a_card_with_a_long_number_is_opened() {
    let card = Card::classic_1k_7([0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90]);
    let desk = Desk::new(Model::Pn532, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    assert_eq!((target.uid.bytes().len(), target.family), (7, Family::Classic1k));
}

/// Section 4.7: pages go through InDataExchange, the version does not, and after it the tag has to be found again.
#[test]
fn a_tag_is_told_from_others_and_written() {
    let uid = [0x04, 1, 2, 3, 4, 5, 6];
    let (ntag, ultralight) = (Card::ntag213(uid), Card::ultralight(uid));
    let desk = Desk::new(Model::Pn532, &[&ntag]);
    let mut encoder = started(&desk);
    let target = now(encoder.list()).unwrap().remove(0);
    assert_eq!(target.family, Family::Type2);
    now(encoder.write_page(&target, 4, &Secret::new([3, 0, 0xFE, 0]))).unwrap();
    assert_eq!(ntag.page(4), Some([3, 0, 0xFE, 0]));
    assert_eq!(now(encoder.read(&target, 4)).unwrap().expose()[..4], [3, 0, 0xFE, 0]);
    assert_eq!(now(encoder.version(&target)).unwrap()[6], 0x0F);
    assert_eq!(now(encoder.read(&target, 4)).map(|_| ()), Err(EncoderError::CardGone));
    assert_eq!(now(encoder.list()).unwrap().len(), 1);

    desk.encoder.take_all();
    desk.encoder.put(&ultralight);
    let target = now(encoder.list()).unwrap().remove(0);
    assert_eq!(now(encoder.version(&target)), Err(EncoderError::CardRefused));
    let target = now(encoder.list()).unwrap().remove(0);
    desk.encoder.take_all();
    assert_eq!(now(encoder.version(&target)), Err(EncoderError::CardGone));
}

/// Two cards are listed as two, and neither can be touched; without a card the chip does not look for ever.
#[test]
fn no_card_and_two_cards_are_said() {
    let (one, two) = (Card::classic_1k(UID), Card::classic_1k([1, 2, 3, 4]));
    let desk = Desk::new(Model::Pn532, &[]);
    let mut encoder = started(&desk);
    let (took, none) = desk.timed(encoder.list());
    assert_eq!(none, Ok(vec![]));
    assert!(took < Duration::from_millis(100), "{took:?}");

    desk.encoder.put(&one);
    desk.encoder.put(&two);
    let both = now(encoder.list()).unwrap();
    assert_eq!(both.len(), 2);
    for target in &both {
        let refused = now(encoder.authenticate(target, 8, KeyName::A, &delivery()));
        assert_eq!(refused, Err(EncoderError::CardGone));
    }
    assert_eq!(desk.encoder.count(Step::Authenticate), 0);
}

/// R62, a wrong sector configuration: after the refusal the card has halted. It is found again, also by a firmware that does not
/// find halted cards (section 16), and nothing is sent to it before.
#[test]
fn a_wrong_key_is_told_and_the_card_found_again() {
    for finds_halted in [true, false] {
        let card = Card::classic_1k(UID);
        let desk = Desk::with(Model::Pn532, Settings { finds_halted, ..Settings::default() }, &[&card]);
        let mut encoder = started(&desk);
        let target = now(encoder.list()).unwrap().remove(0);
        let wrong = now(encoder.authenticate(&target, 8, KeyName::A, &Secret::new([0; 6])));
        assert_eq!(wrong, Err(EncoderError::KeyRefused));
        let asked = desk.encoder.seen().len();
        assert_eq!(now(encoder.read(&target, 8)).map(|_| ()), Err(EncoderError::CardGone));
        assert_eq!(desk.encoder.seen().len(), asked);
        opened(&mut encoder);
    }
}

/// The chip starts in a mode in which only one command helps; a host that died in the middle of a frame left half of it there.
#[test]
fn the_start_leads_out_of_any_state() {
    let desk = Desk::new(Model::Pn532, &[&Card::classic_1k(UID)]);
    drop(started(&desk));
    let half = desk.encoder.open().unwrap();
    half_a_frame(&half, &desk);
    drop(half);
    let mut encoder = started(&desk);
    opened(&mut encoder);
}

fn half_a_frame(port: &lockport_sim_encoder::Port, desk: &Desk) {
    use lockport_sim_encoder::Cable as _;
    port.write(desk.time.now(), &[0x00, 0x00, 0xFF, 0x15, 0xEB, 0xD4, 0x40, 0x01, 0xA0]).unwrap();
}

/// What one call does to an encoder whose sector is open.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    List,
    Authenticate,
    Read,
    Write,
}

impl Call {
    const ALL: [Self; 4] = [Self::List, Self::Authenticate, Self::Read, Self::Write];

    fn step(self) -> Step {
        match self {
            Self::List => Step::Find,
            Self::Authenticate => Step::Authenticate,
            Self::Read => Step::Read,
            Self::Write => Step::Write,
        }
    }

    async fn make(self, encoder: &mut Pn532, target: &Target) -> Result<(), EncoderError> {
        match self {
            Self::List => encoder.list().await.map(|_| ()),
            Self::Authenticate => encoder.authenticate(target, 8, KeyName::A, &delivery()).await,
            Self::Read => encoder.read(target, 9).await.map(|_| ()),
            Self::Write => encoder.write_block(target, 9, &Secret::new(BLOCK)).await,
        }
    }

    /// The longest it may take, by section 13 and the repeats of section 4.3: three acknowledgements, two revivals between them,
    /// the answer, and that once more.
    fn longest(self) -> Duration {
        let answer = if self == Self::List { 1000 } else { 200 };
        Duration::from_millis(3 * 100 + 2 * 200 + answer + 100 + 5)
    }
}

/// One fault in one call: how the call ends, how often the command reached the chip.
fn faulted(call: Call, what: &What) -> (Result<(), EncoderError>, usize) {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pn532, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    let before = desk.encoder.count(call.step());
    desk.encoder.fault(Fault::next(call.step(), what.clone()));
    let (took, ended) = desk.timed(call.make(&mut encoder, &target));
    assert!(took <= call.longest(), "{call:?}, {what:?}: {took:?}");
    assert_eq!(desk.encoder.pending_faults(), 0, "{call:?}, {what:?}");
    let sent = desk.encoder.count(call.step()) - before;
    if call == Call::Write {
        // Never twice, and a success is one: the oracle is the card.
        assert_eq!(sent, 1, "{what:?}");
        assert!(ended.is_err() || card.block(9) == Some(BLOCK), "{what:?}");
    }
    if desk.encoder.is_plugged() && !matches!(*what, What::Stick) {
        if desk.encoder.cards().is_empty() {
            desk.encoder.put(&card);
        }
        opened(&mut encoder);
    }
    (ended, sent)
}

/// R62, faults of the line. What comes damaged is asked for again and costs nothing, neither does noise; a command that was not
/// acknowledged goes out again, a write does not.
#[test]
fn a_disturbed_line_ends_in_time_with_the_truth() {
    for call in Call::ALL {
        let noise = [0x00, 0xFF, 0x13, 0x55, 0x00, 0x00, 0xFF, 0xFF, 0x00];
        assert_eq!(faulted(call, &What::Noise(noise.to_vec())), (Ok(()), 1), "{call:?}");
        assert_eq!(faulted(call, &What::Noise(vec![0x00; 700])), (Ok(()), 1), "{call:?}");
        assert_eq!(faulted(call, &What::Corrupt), (Ok(()), 1), "{call:?}");
        let unacknowledged = if call == Call::Write { (Err(TIMED_OUT), 1) } else { (Ok(()), 2) };
        assert_eq!(faulted(call, &What::DropBefore), unacknowledged, "{call:?}");
        assert_eq!(faulted(call, &What::Nak), unacknowledged, "{call:?}");
        assert_eq!(faulted(call, &What::LoseReply), (Err(TIMED_OUT), 1), "{call:?}");
        assert_eq!(faulted(call, &What::Delay(Duration::from_millis(90))), (Ok(()), 1), "{call:?}");
        assert_eq!(faulted(call, &What::Delay(Duration::from_secs(5))), (Err(TIMED_OUT), 1), "{call:?}");
        // Without an accepted length nobody knows that it was an answer.
        for length in 0..10 {
            let ended = if length < 5 { Err(TIMED_OUT) } else { Ok(()) };
            assert_eq!(faulted(call, &What::Truncate(length)), (ended, 1), "{call:?}, {length}");
        }
    }
}

/// The acknowledgement is lost and the answer is not: it counts, and nothing is sent twice.
#[test]
fn an_answer_without_its_acknowledgement_counts() {
    let card = Card::classic_1k(UID);
    let desk = Desk::new(Model::Pn532, &[&card]);
    let mut encoder = started(&desk);
    let target = opened(&mut encoder);
    for call in [Call::Read, Call::Write, Call::Authenticate, Call::List] {
        let before = desk.encoder.count(call.step());
        desk.loses(&ACK);
        assert_eq!(now(call.make(&mut encoder, &target)), Ok(()), "{call:?}");
        assert_eq!(desk.encoder.count(call.step()) - before, 1, "{call:?}");
    }
    assert_eq!(card.block(9), Some(BLOCK));
}

/// R62, an encoder that is unplugged or answers nothing any more.
#[test]
fn a_dead_encoder_is_told_in_time() {
    for call in Call::ALL {
        assert_eq!(faulted(call, &What::Unplug).0, Err(GONE), "{call:?}");
        assert_eq!(faulted(call, &What::UnplugAfter).0, Err(GONE), "{call:?}");
        assert_eq!(faulted(call, &What::Stick).0, Err(TIMED_OUT), "{call:?}");
    }
    let desk = Desk::new(Model::Pn532, &[]);
    let mut encoder = Pn532::new(desk.serial(), desk.timer());
    desk.encoder.fault(Fault::next(Step::Hello, What::Stick));
    let (took, started) = desk.timed(encoder.start());
    assert_eq!(started.map(|_| ()), Err(TIMED_OUT));
    assert!(took <= Duration::from_millis(600), "{took:?}");
}

/// Section 4.8, through the whole path: what the chip says of a card is what the caller hears.
#[test]
fn a_refusal_is_told_as_what_it_is() {
    for (status, meaning) in [
        (0x01, EncoderError::CardGone),
        (0x05, EncoderError::Radio),
        (0x0D, EncoderError::Faulty),
        (0x14, EncoderError::KeyRefused),
        (0x23, EncoderError::CardRefused),
        (0x2B, EncoderError::CardGone),
    ] {
        assert_eq!(faulted(Call::Read, &What::Refuse(status)), (Err(meaning), 1), "{status:02X}");
    }
    assert_eq!(faulted(Call::Write, &What::TakeCards).0, Err(EncoderError::CardGone));
    assert_eq!(faulted(Call::Authenticate, &What::TakeCards).0, Err(EncoderError::CardGone));
}

/// A call that is dropped leaves a command running and its answer on the line. The next call ends the one and ignores the other.
#[test]
fn a_dropped_call_does_not_answer_the_next() {
    let (first, second) = (Card::classic_1k(UID), Card::classic_1k([1, 2, 3, 4]));
    let desk = Desk::new(Model::Pn532, &[&first]);
    let mut encoder = started(&desk);
    desk.stalls();
    assert!(encoder.list().now_or_never().is_none());
    desk.flows();
    desk.encoder.take(&first);
    desk.encoder.put(&second);
    assert_eq!(opened(&mut encoder).uid.bytes(), [1, 2, 3, 4]);
}
