//! Images: what a file makes of a card, and a card of a file.

use lockport_sim_encoder::{Card, CardKind, ImageError};

use crate::host::{Host, UID, hex};

const LONG: [u8; 7] = [0x04, 0xA5, 0x2B, 0x9A, 0x6F, 0x1D, 0x90];

#[test]
fn every_kind_comes_back_from_its_image() {
    let cards = [
        (Card::classic_1k(UID), 1024),
        (Card::classic_1k_7(LONG), 1024),
        (Card::ultralight(LONG), 64),
        (Card::ntag213(LONG), 180),
    ];
    for (card, length) in cards {
        let image = card.image();
        assert_eq!(image.len(), length);
        let again = Card::from_image(&image).unwrap();
        assert_eq!((again.uid(), again.kind(), again.image()), (card.uid(), card.kind(), image));
        assert_eq!(Host::pn532(&[&again]).list(), [card.uid()]);
        assert!(!again.is(&card) && again.is(&again.clone()));
    }
    assert_eq!(Card::foreign(&UID, [3, 0x44], 0x20).image(), [0; 0]);
}

#[test]
fn what_is_no_card_is_refused() {
    assert_eq!(Card::from_image(&[0; 1000]).unwrap_err(), ImageError::Length(1000));
    let mut image = Card::ntag213(LONG).image();
    image[3] ^= 1;
    assert_eq!(Card::from_image(&image).unwrap_err(), ImageError::SerialNumber);
}

#[test]
fn a_copy_is_another_card_and_a_blank_is_empty() {
    let card = Card::classic_1k(UID);
    card.set_block(8, [7; 16]);
    let (copy, blank) = (card.copy(), card.blank_with_same_uid());
    card.set_block(9, [8; 16]);
    assert_eq!((copy.block(8), copy.block(9)), (Some([7; 16]), Some([0; 16])));
    assert_eq!((blank.uid(), blank.block(8)), (card.uid(), Some([0; 16])));
    for other in [Card::classic_1k_7(LONG), Card::ultralight(LONG), Card::ntag213(LONG)] {
        let blank = other.blank_with_same_uid();
        assert_eq!((blank.kind(), blank.uid()), (other.kind(), LONG.to_vec()));
    }
    let foreign = Card::foreign(&hex("01020304050607080910"), [3, 0x44], 0x20).blank_with_same_uid();
    assert_eq!((foreign.kind(), foreign.uid().len()), (CardKind::Foreign, 10));
}

#[test]
fn a_message_is_found_as_a_phone_finds_it() {
    let tag = Card::ntag213(LONG);
    assert_eq!(tag.message(), Some(vec![]), "as delivered: lock control, then an empty message");
    for length in [0, 1, 61, 140, 141, 142] {
        let message: Vec<u8> = (0..).take(length).collect();
        assert_eq!(tag.set_message(&message), length <= 141, "{length}");
        assert_eq!(tag.message().unwrap().len(), length.min(141));
    }
    assert_eq!(tag.page(40), Some([0, 0, 0, 0xBD]), "nothing behind the user's memory");
    tag.set_page(4, [0x00, 0x00, 0x03, 0xFF]);
    tag.set_page(5, [0x00, 0x02, 0xAB, 0xCD]);
    assert_eq!(tag.message(), Some(vec![0xAB, 0xCD]));
    tag.set_page(4, [0xFE, 0x03, 0x01, 0x00]);
    assert_eq!(tag.message(), None);
    assert!(!Card::ultralight(LONG).set_message(&[0; 46]) && Card::ultralight(LONG).set_message(&[0; 45]));
    assert!(!Card::classic_1k(UID).set_message(&[]) && Card::classic_1k(UID).message().is_none());
}
