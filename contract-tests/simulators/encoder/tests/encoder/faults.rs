//! Every fault on order: what the host sees, what the card and the log say.

use std::time::Duration;

use lockport_sim_encoder::{
    Cable, Card, Encoder, Fault, Gone, Model, On, OpenError, SimClock, Step, VirtualPort, What,
};

use crate::host::{ACK, ERROR, FACTORY, Host, NOTHING, UID, hex, pn532_frame, stronglink_frame};

const DONE: &str = "00 00 FF 03 FD D5 41 00 EA 00";

/// A host with sector 2 open, and what it hears to a write of block 8 under this fault.
fn writing(what: What) -> (Host, Card, Vec<u8>) {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    host.list();
    host.authenticate(0x60, 8, FACTORY, &UID);
    host.encoder.fault(Fault::next(Step::Write, what));
    let heard = host.ask(&pn532_frame(&[&[0x40, 0x01, 0xA0, 0x08], &[5; 16][..]].concat()));
    assert_eq!(host.encoder.pending_faults(), 0);
    (host, card, heard)
}

fn written(card: &Card) -> bool {
    card.block(8) == Some([5; 16])
}

#[test]
fn what_is_lost_or_refused_before_the_card_changes_nothing() {
    let (_, card, heard) = writing(What::DropBefore);
    assert_eq!((heard, written(&card)), (vec![], false));
    let (_, card, heard) = writing(What::Nak);
    assert_eq!((heard, written(&card)), (hex("00 00 FF FF 00 00"), false));
    let (host, card, heard) = writing(What::Refuse(0x0B));
    assert_eq!((heard, written(&card)), ([&ACK[..], &hex("00 00 FF 03 FD D5 41 0B DF 00")].concat(), false));
    assert_eq!(host.encoder.seen().last().unwrap().status, Some(0x0B));
    assert_eq!(host.write(8, &[5; 16]), 0x00, "and it strikes once");
}

#[test]
fn what_is_lost_after_the_card_has_happened() {
    let (host, card, heard) = writing(What::LoseReply);
    assert_eq!((heard, written(&card)), (ACK.to_vec(), true));
    assert_eq!(host.ask(&hex("00 00 FF FF 00 00")), hex(DONE), "the chip still has its answer");
    host.encoder.fault(Fault::next(Step::Read, What::LoseReply));
    assert_eq!(host.ask(&pn532_frame(&[0x40, 0x01, 0x30, 0x08])), ACK);
    let read = host.ask(&hex("00 00 FF FF 00 00"));
    assert_eq!(read[8..24], [5; 16], "and it is the lost one, not the one before");
    let (host, card, heard) = writing(What::Corrupt);
    assert_eq!(heard.len(), ACK.len() + 10);
    assert!(written(&card));
    assert_ne!(heard[ACK.len()..], hex(DONE));
    assert_eq!(host.ask(&hex("00 00 FF FF 00 00")), hex(DONE), "the repeated one is whole");
    let (_, card, heard) = writing(What::Truncate(4));
    assert_eq!((heard, written(&card)), ([&ACK[..], &hex("00 00 FF 03")].concat(), true));
    let (_, card, heard) = writing(What::Noise(vec![0x17, 0x00, 0xFF]));
    assert_eq!((heard, written(&card)), ([&ACK[..], &[0x17, 0x00, 0xFF], &hex(DONE)].concat(), true));
}

#[test]
fn a_delayed_answer_comes_when_it_is_due_and_not_before() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    host.encoder.fault(Fault::next(Step::Find, What::Delay(Duration::from_secs(3))));
    host.port.write(&pn532_frame(&[0x4A, 0x01, 0x00])).unwrap();
    assert_eq!(host.port.read(Duration::ZERO).unwrap(), ACK);
    assert_eq!(host.port.read(Duration::from_millis(2_999)).unwrap(), NOTHING);
    assert_eq!(host.port.read(Duration::from_millis(1)).unwrap().len(), 19);
    // An answer that is not out yet can be taken back.
    host.encoder.fault(Fault::next(Step::Find, What::Delay(Duration::from_millis(300))));
    host.port.write(&pn532_frame(&[0x4A, 0x01, 0x00])).unwrap();
    host.port.write(&ACK).unwrap();
    assert_eq!(host.heard().unwrap(), ACK);
}

#[test]
fn cards_come_and_go_in_the_middle_of_a_job() {
    let (_, card, heard) = writing(What::TakeCards);
    assert_eq!((heard[ACK.len() + 7], written(&card)), (0x01, false));
    let other = Card::classic_1k([1, 2, 3, 4]);
    let (host, card, heard) = writing(What::SwapCard(other.clone()));
    assert_eq!((heard[ACK.len() + 7], written(&card), written(&other)), (0x01, false, false));
    assert_eq!(host.list(), [vec![1, 2, 3, 4]]);
    // A clone has the right number but was not selected; once it is, it has none of the content.
    let original = Card::classic_1k(UID);
    let clone = original.blank_with_same_uid();
    let (host, card, heard) = writing(What::SwapCard(clone.clone()));
    assert_eq!((heard[ACK.len() + 7], written(&card), written(&clone)), (0x01, false, false));
    assert_eq!(host.list(), [UID]);
    // A second card beside the first one does not disturb what is selected, and is found by the next list.
    let (host, card, heard) = writing(What::PutCard(other));
    assert_eq!((heard[ACK.len() + 7], written(&card)), (0x00, true));
    assert_eq!(host.list().len(), 2);
}

#[test]
fn two_cards_with_one_serial_number_answer_as_one_until_they_differ() {
    let card = Card::classic_1k(UID);
    let clone = card.blank_with_same_uid();
    let host = Host::pn532(&[&card, &clone]);
    assert_eq!(host.list(), [UID]);
    assert_eq!(host.authenticate(0x60, 8, FACTORY, &UID), 0x00);
    assert_eq!(host.write(8, &[5; 16]), 0x00);
    assert!(written(&card) && written(&clone), "a write reaches both");
    clone.set_block(8, [6; 16]);
    assert_eq!(host.read(8).0, 0x06, "two answers at once");
}

#[test]
fn a_stuck_encoder_says_nothing_until_it_is_plugged_in_again() {
    let (host, card, heard) = writing(What::Stick);
    assert_eq!((heard, written(&card)), (vec![], false));
    assert_eq!(host.ask(&hex("55 55 00 00")), NOTHING);
    assert_eq!(host.ask(&pn532_frame(&[0x02])), NOTHING);
    host.encoder.unplug();
    host.encoder.plug();
    let port = VirtualPort::new(host.encoder.open().unwrap(), host.clock.clone());
    let again = Host { encoder: host.encoder.clone(), clock: host.clock.clone(), port };
    again.start();
    assert_eq!(again.list(), [UID]);
}

#[test]
fn the_cable_comes_out_before_or_after_the_effect() {
    for (what, is_written) in [(What::Unplug, false), (What::UnplugAfter, true)] {
        let card = Card::classic_1k(UID);
        let host = Host::pn532(&[&card]);
        host.list();
        host.authenticate(0x60, 8, FACTORY, &UID);
        host.encoder.fault(Fault::next(Step::Write, what));
        let write = pn532_frame(&[&[0x40, 0x01, 0xA0, 0x08], &[5; 16][..]].concat());
        assert_eq!(host.port.write(&write), Err(Gone));
        assert_eq!(written(&card), is_written);
        assert!(!host.encoder.is_plugged());
        assert!(matches!(host.encoder.open(), Err(OpenError::Gone)));
    }
}

#[test]
fn every_model_knows_the_faults_in_its_own_words() {
    let reader = Host::new(Model::StrongLink);
    reader.encoder.put(&Card::classic_1k(UID));
    let select = stronglink_frame(0x01, &[]);
    reader.encoder.fault(Fault::next(Step::Find, What::Nak));
    assert_eq!(reader.ask(&select), hex("BD 03 01 F0 4F"));
    reader.encoder.fault(Fault::next(Step::Find, What::Refuse(0x01)));
    assert_eq!(reader.ask(&select), hex("BD 03 01 01 BE"));
    reader.encoder.fault(Fault::next(Step::Find, What::Corrupt));
    let damaged = reader.ask(&select);
    assert_ne!(damaged.iter().fold(0, |sum, byte| sum ^ byte), 0);
    reader.encoder.fault(Fault { on: On::Command(0x01), skip: 2, times: 2, what: What::LoseReply });
    let answered: Vec<bool> = (0..5).map(|_| !reader.ask(&select).is_empty()).collect();
    assert_eq!(answered, [true, true, false, false, true]);
    reader.encoder.fault(Fault { on: On::Any, skip: 0, times: 9, what: What::DropBefore });
    assert_eq!(reader.ask(&select), NOTHING);
    reader.encoder.clear_faults();
    assert_eq!(reader.ask(&select).len(), 10);

    let reader = Host::new(Model::Rrhfoem04);
    let mut inventory = [&[0][..], &hex("03 2F 01 B2 BD")].concat();
    inventory.resize(65, 0);
    reader.encoder.put(&Card::classic_1k(UID));
    let ask = |what| {
        reader.encoder.fault(Fault::next(Step::Find, what));
        reader.clock.advance(Duration::from_millis(100));
        reader.port.write(&inventory).unwrap();
        reader.port.read(Duration::from_millis(500)).unwrap()
    };
    for what in [What::Nak, What::Refuse(0x42)] {
        assert_eq!(ask(what)[..7], hex("05 2F 01 FF FF 2A 80"));
    }
    assert_eq!(ask(What::LoseReply), NOTHING);
    assert_eq!(
        ask(What::Delay(Duration::from_millis(400)))[..12],
        hex("0A 2F 01 00 00 04 A1 B2 C3 D4 EE 88")
    );
    assert_eq!(ask(What::Corrupt)[..12], hex("0A 2F 01 00 00 14 A1 B2 C3 D4 EE 88"));
    // Cut short: the front of the answer, and behind it what stood there before.
    assert_eq!(ask(What::Truncate(2))[..12], hex("0A 2F 01 00 00 14 A1 B2 C3 D4 EE 88"));
}

#[test]
fn a_refusal_that_has_no_status_is_the_error_frame() {
    let host = Host::pn532(&[]);
    host.encoder.fault(Fault::next(Step::Find, What::Refuse(0x01)));
    assert_eq!(host.ask(&pn532_frame(&[0x4A, 0x01, 0x00])), [&ACK[..], &ERROR].concat());
}

#[test]
fn the_log_tells_steps_and_statuses() {
    let card = Card::classic_1k(UID);
    let host = Host::pn532(&[&card]);
    host.list();
    host.authenticate(0x60, 8, [0; 6], &UID);
    let told: Vec<(Step, u16, Option<u8>)> =
        host.encoder.seen().iter().map(|seen| (seen.step, seen.command, seen.status)).collect();
    let expected = [
        (Step::Hello, 0x14, None),
        (Step::Hello, 0x32, None),
        (Step::Find, 0x4A, None),
        (Step::Authenticate, 0x40, Some(0x14)),
    ];
    assert_eq!(told, expected);
    assert_eq!(host.encoder.count(Step::Hello), 2);
    let (to, from) = host.encoder.traffic();
    assert!(to > 50 && from > 60, "{to} {from}");
}

#[test]
fn time_told_by_the_caller_never_goes_back() {
    let encoder = Encoder::new(Model::Pn532);
    let port = encoder.open().unwrap();
    port.write(Duration::from_secs(5), &[0x55]).unwrap();
    port.write(Duration::from_secs(1), &pn532_frame(&[0x14, 0x01])).unwrap();
    assert_eq!(encoder.seen()[0].at, Duration::from_secs(5));
    let clock = SimClock::new();
    clock.advance_to(Duration::from_secs(2));
    clock.advance_to(Duration::from_secs(1));
    assert_eq!(clock.now(), Duration::from_secs(2));
}
