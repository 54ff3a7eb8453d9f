//! Writes cut at every byte, seen by the door: a torn card never opens more than the old or the new record allows (R62).

use std::time::Duration;

use lockport_sim_encoder::{Card, Fault, Gone, Leaves, Model, OpenError, Settings, Step, Tear, Then, What};

use crate::doors::{Written, room};
use crate::host::{FACTORY, Host, UID, hex, pn532_frame, stronglink_frame};

const NOON: i64 = 1_767_355_200_000;
const LEAVES: [Leaves; 5] = [Leaves::Old, Leaves::New, Leaves::OldTail, Leaves::Erased, Leaves::Garbage(17)];

/// A record as narrow as the old one is wide would be a different case; this one is wider.
fn old() -> Written {
    Written::new(7, &[101])
}

fn new() -> Written {
    Written::new(8, &[101, 204])
}

fn card_with(written: &Written) -> Card {
    let card = Card::classic_1k(UID);
    for (block, content) in (8..).zip(written.blocks(&UID)) {
        card.set_block(block, content);
    }
    card
}

fn opens(card: &Card, number: u16) -> bool {
    room(number).try_open(card, NOON).opened
}

/// Writes the new record into slot B, block 0 last, then wipes slot A (section 10). Stops at the first refusal.
fn rewrite(host: &Host) -> Result<(), u8> {
    let [first, second, third] = new().blocks(&UID);
    let writes = [(13, second), (14, third), (12, first), (8, [0; 16])];
    for (block, content) in writes {
        host.list();
        let opened = host.authenticate(0x60, block, FACTORY, &UID);
        let status = if opened == 0 { host.write(block, &content) } else { opened };
        if status != 0 {
            return Err(status);
        }
    }
    Ok(())
}

#[test]
fn the_safe_order_survives_a_tear_at_every_byte_of_every_write() {
    let mut cut = 0;
    for write in 0..4 {
        for byte in 0..=16 {
            for leaves in LEAVES {
                for then in [Then::Gone, Then::Reset] {
                    let card = card_with(&old());
                    let host = Host::pn532(&[&card]);
                    card.tear(Tear { skip: write, byte, leaves, then });
                    assert_eq!(rewrite(&host), Err(0x01), "no answer comes from a torn write");
                    let told = format!("write {write} byte {byte} {leaves:?}");
                    // The old record holds until the new one does: room 101 at any time, 204 only by the new one.
                    assert!(opens(&card, 101), "{told}");
                    let new_stands = card.block(12) == Some(new().blocks(&UID)[0]);
                    assert_eq!(opens(&card, 204), new_stands, "{told}");
                    assert_eq!((card.tally().torn, card.tally().writes), (1, write + 1));
                    assert_eq!(host.encoder.cards().is_empty(), then == Then::Gone);
                    cut += 1;
                }
            }
        }
    }
    assert_eq!(cut, 4 * 17 * 5 * 2);
}

#[test]
fn what_a_tear_leaves_is_what_was_ordered() {
    let (before, after) = ([0xAA; 16], [0x55; 16]);
    for byte in 0..=16 {
        for leaves in LEAVES {
            let card = Card::classic_1k(UID);
            card.set_block(8, before);
            let host = Host::pn532(&[&card]);
            host.list();
            host.authenticate(0x60, 8, FACTORY, &UID);
            card.tear(Tear::at(byte, leaves));
            assert_eq!(host.write(8, &after), 0x01);
            let block = card.block(8).unwrap();
            let (head, tail) = block.split_at(byte);
            match leaves {
                Leaves::Old => assert_eq!(block, before),
                Leaves::New => assert_eq!(block, after),
                _ => assert_eq!(head, &after[..byte]),
            }
            match leaves {
                Leaves::OldTail => assert_eq!(tail, &before[byte..]),
                Leaves::Erased => assert_eq!(tail, vec![0; 16 - byte]),
                Leaves::Garbage(_) if tail.len() > 4 => {
                    assert!(tail != &before[byte..] && tail != &after[byte..]);
                }
                _ => {}
            }
            assert!(host.list().is_empty(), "the card is gone");
            host.encoder.put(&card);
            assert_eq!(host.list(), [UID]);
        }
    }
}

#[test]
fn a_torn_trailer_can_kill_its_sector() {
    let mut dead = 0;
    for byte in 0..=16 {
        let card = Card::classic_1k(UID);
        let host = Host::pn532(&[&card]);
        host.list();
        host.authenticate(0x60, 8, FACTORY, &UID);
        let trailer = hex("C8BE0013B0E3 787788 69 DC024A40B491");
        card.tear(Tear { skip: 0, byte, leaves: Leaves::Erased, then: Then::Reset });
        assert_eq!(host.write(11, &trailer), 0x01);
        let key_a: [u8; 6] = card.block(11).unwrap()[..6].try_into().unwrap();
        host.list();
        let opened = host.authenticate(0x60, 8, key_a, &UID) == 0;
        assert_eq!(opened, byte >= 9, "the access bits are bytes 6 to 8");
        dead += u32::from(!opened);
    }
    assert_eq!(dead, 9);
}

#[test]
fn a_tag_s_page_tears_too() {
    let uid = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];
    for byte in 0..=4 {
        let tag = Card::ntag213(uid);
        tag.set_page(6, [0xAA; 4]);
        let host = Host::pn532(&[&tag]);
        host.list();
        tag.tear(Tear::at(byte, Leaves::OldTail));
        assert_eq!(host.card(&[0xA2, 6, 1, 2, 3, 4]).0, 0x01);
        assert_eq!(tag.page(6).unwrap(), [&[1, 2, 3, 4][..byte], &[0xAA; 4][byte..]].concat()[..]);
    }
}

#[test]
fn the_cable_out_at_every_byte_of_a_write_command_leaves_the_old_block_or_the_new() {
    // A PN532 does not wait for the postamble, a StrongLink needs every byte.
    for (model, needs) in [(Model::Pn532, 27), (Model::StrongLink, 21)] {
        for count in 0..=needs {
            let card = Card::classic_1k(UID);
            let host = match model {
                Model::Pn532 => Host::pn532(&[&card]),
                _ => Host::new(model),
            };
            host.encoder.put(&card);
            let frame = match model {
                Model::Pn532 => {
                    host.list();
                    host.authenticate(0x60, 8, FACTORY, &UID);
                    pn532_frame(&[&[0x40, 0x01, 0xA0, 0x08], &[5; 16][..]].concat())
                }
                _ => {
                    host.ask(&stronglink_frame(0x01, &[]));
                    host.ask(&stronglink_frame(0x02, &[&[2, 0xAA], &FACTORY[..]].concat()));
                    stronglink_frame(0x04, &[&[8], &[5; 16][..]].concat())
                }
            };
            host.encoder.unplug_after_bytes(count);
            assert_eq!(host.port.write(&frame), Err(Gone), "{model:?} {count}");
            assert_eq!(host.port.read(Duration::ZERO), Err(Gone));
            let expected = if count >= needs { [5; 16] } else { [0; 16] };
            assert_eq!(card.block(8), Some(expected), "{model:?} {count}");
            assert!(matches!(host.encoder.open(), Err(OpenError::Gone)));
        }
    }
}

#[test]
fn unplugged_while_the_card_writes() {
    let settings = Settings { baud: Some(115_200), card_times: true, ..Settings::default() };
    let card = Card::classic_1k(UID);
    let host = Host::pn532_with(settings, &[&card]);
    host.list();
    host.authenticate(0x60, 8, FACTORY, &UID);
    let tear = Tear::at(5, Leaves::OldTail);
    host.encoder.fault(Fault::next(Step::Write, What::TearAndUnplug(tear)));
    let write = pn532_frame(&[&[0x40, 0x01, 0xA0, 0x08], &[5; 16][..]].concat());
    // The last byte arrives later than it is sent: the cable comes out in between.
    host.port.write(&write).unwrap();
    assert_eq!(host.port.read(Duration::from_secs(1)), Err(Gone));
    assert_eq!(card.block(8).unwrap(), [&[5; 5], &[0; 11][..]].concat()[..]);
}
