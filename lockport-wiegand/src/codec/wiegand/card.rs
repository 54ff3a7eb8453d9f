//! How Wiegand bits sit on a card, or come out of its number (sections 3.1 to 3.3).

use super::{Bits, Field, Fields, Format};
use crate::encoder::Uid;

/// What the block's first byte says it holds.
const WIEGAND_BLOCK: u8 = 0x02;

/// A block of a MIFARE Classic that holds these bits: `02`, then 15 bytes with one leading 1 before the bits, right-aligned.
#[must_use]
pub const fn to_block(bits: Bits) -> [u8; 16] {
    let number = (1_u128 << bits.len() | bits.value() as u128) | (WIEGAND_BLOCK as u128) << 120;
    number.to_be_bytes()
}

/// The bits that a block holds; nothing where it holds something else, or more than any format has.
#[must_use]
pub fn from_block(block: [u8; 16]) -> Option<Bits> {
    let [kind, rest @ ..] = block;
    let number = rest.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let len = number.checked_ilog2().filter(|_| kind == WIEGAND_BLOCK)?;
    Bits::of(u64::try_from(number ^ 1 << len).ok()?, u8::try_from(len).ok()?)
}

/// The newer form: how many bits of padding, then the bits from the left, padded with zeros.
///
/// Allocates at most nine bytes.
#[must_use]
pub fn to_pacs(bits: Bits) -> Vec<u8> {
    let octets = bits.len().div_ceil(8);
    let padding = octets * 8 - bits.len();
    let number = u128::from(bits.value()) << padding;
    let all = number.to_be_bytes();
    let (_, last) = all.split_at(all.len() - usize::from(octets));
    [&[padding], last].concat()
}

/// What a reader makes of a card's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SerialForm {
    /// 26 bits: the first byte as facility code, the next two as card number.
    Bits26,
    /// 34 bits: the first four bytes.
    Bits34,
}

/// In which order a reader takes a card's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// As the card sends it.
    AsSent,
    /// Its first four bytes backwards.
    Reversed,
}

/// The first byte of a number that is drawn anew each time.
const RANDOM: u8 = 0x08;

/// What a panel hears when nothing is written and the card's number counts. Nothing for a card whose number is random.
#[must_use]
pub fn serial_number(uid: &Uid, form: SerialForm, order: ByteOrder) -> Option<Bits> {
    let [a, b, c, d] = *uid.bytes().first_chunk::<4>()?;
    if a == RANDOM && uid.bytes().len() == 4 {
        return None;
    }
    let [a, b, c, d] = match order {
        ByteOrder::AsSent => [a, b, c, d],
        ByteOrder::Reversed => [d, c, b, a],
    };
    let (id, facility_code, card_number) = match form {
        SerialForm::Bits26 => ("H10301", u16::from(a), u16::from_be_bytes([b, c])),
        SerialForm::Bits34 => ("H10306", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
    };
    let fields = Fields::default()
        .with(Field::FacilityCode, facility_code.into())
        .with(Field::CardNumber, card_number.into());
    Format::of(id)?.encode(&fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    /// Section 3.2, and the vectors' own.
    #[test]
    fn bits_sit_behind_a_sentinel() {
        let example: Bits = "00001001000000111111010011".parse().unwrap();
        assert_eq!(to_block(example), bytes("02000000000000000000000004240FD3"));
        assert_eq!(to_pacs(example), bytes::<5>("060903F4C0"));
        assert_eq!(from_block(to_block(example)), Some(example));
        for len in 0..=Bits::MOST {
            let ones = Bits::of((1 << len) - 1, len).unwrap();
            assert_eq!(from_block(to_block(ones)), Some(ones), "{len} bits");
            assert_eq!(from_block(to_block(Bits::zeros(len))), Some(Bits::zeros(len)), "{len} bits");
        }
        assert_eq!(from_block([0; 16]), None);
        assert_eq!(from_block(bytes("03000000000000000000000004240FD3")), None);
        assert_eq!(from_block(bytes("02000000000000000000000000000000")), None);
        assert_eq!(from_block(bytes("02FF0000000000000000000000000000")), None);
    }

    #[test]
    fn a_cards_number_becomes_what_its_reader_makes_of_it() {
        let uid = Uid::new(&[0x7F, 0x31, 0xE0, 0x5C]).unwrap();
        let read = |form, order| {
            let bits = serial_number(&uid, form, order).unwrap();
            let format = Format::of(if form == SerialForm::Bits26 { "H10301" } else { "H10306" }).unwrap();
            let fields = format.decode(bits).unwrap();
            (fields.get(Field::FacilityCode), fields.get(Field::CardNumber))
        };
        assert_eq!(read(SerialForm::Bits26, ByteOrder::AsSent), (0x7F, 0x31E0));
        assert_eq!(read(SerialForm::Bits34, ByteOrder::AsSent), (0x7F31, 0xE05C));
        assert_eq!(read(SerialForm::Bits26, ByteOrder::Reversed), (0x5C, 0xE031));
        assert_eq!(read(SerialForm::Bits34, ByteOrder::Reversed), (0x5CE0, 0x317F));
        let random = Uid::new(&[0x08, 1, 2, 3]).unwrap();
        assert_eq!(serial_number(&random, SerialForm::Bits26, ByteOrder::AsSent), None);
    }
}
