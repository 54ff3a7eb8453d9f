//! Wiegand formats, both ways, from one table (section 2).
//!
//! Position 0 is the first bit on the wire. A value that does not fit its field is refused, never cut.

mod bits;
mod card;
mod table;

use std::fmt;

pub use self::bits::{Bits, NotBits};
pub use self::card::{ByteOrder, SerialForm, from_block, serial_number, to_block, to_pacs};
pub use self::table::FORMATS;

/// A field of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The facility or site code.
    FacilityCode,
    /// The card number.
    CardNumber,
    /// The issue level.
    IssueLevel,
    /// The OEM or region code.
    Oem,
}

impl Field {
    /// All of them, in the order in which they are checked.
    pub const ALL: [Self; 4] = [Self::FacilityCode, Self::CardNumber, Self::IssueLevel, Self::Oem];

    /// Its short name: `fc`, `cn`, `il`, `oem`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FacilityCode => "fc",
            Self::CardNumber => "cn",
            Self::IssueLevel => "il",
            Self::Oem => "oem",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The values of a credential's fields. One that a format lacks is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields([u64; 4]);

impl Fields {
    /// With this field's value.
    #[must_use]
    pub const fn with(mut self, field: Field, value: u64) -> Self {
        let [facility_code, card_number, issue_level, oem] = &mut self.0;
        match field {
            Field::FacilityCode => *facility_code = value,
            Field::CardNumber => *card_number = value,
            Field::IssueLevel => *issue_level = value,
            Field::Oem => *oem = value,
        }
        self
    }

    /// A field's value.
    #[must_use]
    pub const fn get(&self, field: Field) -> u64 {
        let [facility_code, card_number, issue_level, oem] = self.0;
        match field {
            Field::FacilityCode => facility_code,
            Field::CardNumber => card_number,
            Field::IssueLevel => issue_level,
            Field::Oem => oem,
        }
    }
}

/// Positions on the wire; of a field, most significant first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Positions {
    /// From the first to the last, both included.
    Run(u8, u8),
    /// These, in this order.
    List(&'static [u8]),
}

impl Positions {
    fn each(self) -> impl Iterator<Item = u8> {
        let (run, list) = match self {
            Self::Run(first, last) => (first..last + 1, [].as_slice()),
            Self::List(list) => (0..0, list),
        };
        run.chain(list.iter().copied())
    }

    fn count(self) -> u32 {
        match self {
            Self::Run(first, last) => u32::from(last - first) + 1,
            Self::List(list) => list.len() as u32,
        }
    }
}

/// What the ones over a parity's positions and its own bit make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    Even,
    Odd,
}

/// A parity bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parity {
    pub(crate) bit: u8,
    pub(crate) sense: Sense,
    pub(crate) over: Positions,
}

impl Parity {
    /// What the bit has to be.
    fn wanted(&self, bits: Bits) -> bool {
        let ones = self.over.each().filter(|position| bits.is_set(*position)).count();
        (ones % 2 == 1) == (self.sense == Sense::Even)
    }
}

/// A layout of bits.
#[derive(Debug)]
pub struct Format {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) bits: u8,
    pub(crate) fields: &'static [(Field, Positions)],
    /// Positions that are always 1.
    pub(crate) ones: &'static [u8],
    /// In the order in which they are computed: later ones may cover earlier ones.
    pub(crate) parity: &'static [Parity],
}

/// Why there are no bits for these fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The value is larger than its field.
    #[error("{0} does not fit its field")]
    OutOfRange(Field),
    /// The format has no such field, and its value is not 0.
    #[error("the format has no {0}")]
    FieldNotInFormat(Field),
}

/// Why these bits are not of this format. What comes first here is found first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another number of bits.
    #[error("the format has another length")]
    Length,
    /// A bit that is always 1 is not.
    #[error("a bit that is always 1 is not")]
    FixedBit,
    /// Parity bits that are wrong.
    #[error("a parity bit is wrong")]
    Parity(BadParity),
}

/// The positions of parity bits that are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BadParity(u64);

impl BadParity {
    /// The positions, rising.
    pub fn positions(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |position| self.0 >> position & 1 == 1)
    }
}

impl Format {
    /// The format of this id.
    #[must_use]
    pub fn of(id: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.id == id)
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// What people call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How many bits it has.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.bits
    }

    /// The fields that it has.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(field, _)| *field)
    }

    /// The largest value of a field; nothing where the format lacks it.
    #[must_use]
    pub fn largest(&self, field: Field) -> Option<u64> {
        Some((1 << self.positions(field)?.count()) - 1)
    }

    /// Whether its parity is known, and therefore checked.
    #[must_use]
    pub const fn has_parity(&self) -> bool {
        !self.parity.is_empty()
    }

    fn positions(&self, wanted: Field) -> Option<Positions> {
        self.fields.iter().find(|(field, _)| *field == wanted).map(|(_, positions)| *positions)
    }

    /// The bits of these fields.
    ///
    /// # Errors
    /// [`EncodeError`]; nothing is cut.
    pub fn encode(&self, fields: &Fields) -> Result<Bits, EncodeError> {
        let mut bits = Bits::zeros(self.bits);
        for field in Field::ALL {
            let value = fields.get(field);
            let Some(positions) = self.positions(field) else {
                if value != 0 {
                    return Err(EncodeError::FieldNotInFormat(field));
                }
                continue;
            };
            let width = positions.count();
            if value >> width != 0 {
                return Err(EncodeError::OutOfRange(field));
            }
            for (position, place) in positions.each().zip((0..width).rev()) {
                bits.set(position, value >> place & 1 == 1);
            }
        }
        self.ones.iter().for_each(|position| bits.set(*position, true));
        for parity in self.parity {
            bits.set(parity.bit, parity.wanted(bits));
        }
        Ok(bits)
    }

    /// The fields of these bits.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode(&self, bits: Bits) -> Result<Fields, DecodeError> {
        if bits.len() != self.bits {
            return Err(DecodeError::Length);
        }
        if !self.ones.iter().all(|position| bits.is_set(*position)) {
            return Err(DecodeError::FixedBit);
        }
        let wrong = self.parity.iter().filter(|parity| bits.is_set(parity.bit) != parity.wanted(bits));
        let wrong = wrong.fold(0_u64, |wrong, parity| wrong | 1 << parity.bit);
        if wrong != 0 {
            return Err(DecodeError::Parity(BadParity(wrong)));
        }
        Ok(self.fields.iter().fold(Fields::default(), |fields, (field, positions)| {
            let value =
                positions.each().fold(0, |value, position| value << 1 | u64::from(bits.is_set(position)));
            fields.with(*field, value)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(facility_code: u64, card_number: u64) -> Fields {
        Fields::default().with(Field::FacilityCode, facility_code).with(Field::CardNumber, card_number)
    }

    /// Section 2.4, both ways.
    #[test]
    fn the_worked_examples_are_met() {
        for (id, fc, cn, bits, hex) in [
            ("H10301", 18, 2025, "00001001000000111111010011", "0240FD3"),
            ("H10306", 4660, 22136, "1000100100011010001010110011110001", "22468ACF1"),
            ("H10304", 1001, 50505, "1000000111110100100011000101010010010", "103E918A92"),
            ("H10302", 0, 1_234_567_890, "1000010010011001011000000010110100101", "10932C05A5"),
            ("C1k35s", 2047, 7, "11011111111111000000000000000001111", "6FFE0000F"),
            ("C1k48s", 70000, 81, "110000010001000101110000000000000000000010100010", "C111700000A2"),
            ("ind26", 77, 3001, "00000010011011011101110011", "009B773"),
            ("D10202", 64, 1_000_001, "110000000000111101000010010000011", "1801E8483"),
            ("Casi40", 0, 4095, "0000000000000000000000000001111111111110", "0000001FFE"),
            ("Kantech", 9, 513, "00000000000100100000010000000010", "00120402"),
            ("P10001", 291, 17767, "1111000100100011010001010110011111110000", "F1234567F0"),
        ] {
            let format = Format::of(id).unwrap();
            let built = format.encode(&fields(fc, cn)).unwrap();
            assert_eq!((built.to_string().as_str(), built.hex().as_str()), (bits, hex), "{id}");
            assert_eq!(format.decode(bits.parse().unwrap()), Ok(fields(fc, cn)), "{id}");
        }
    }

    /// A slip of the pen in the table: every position is inside, no two fields share one, and a parity never covers itself.
    #[test]
    fn the_table_is_sound() {
        assert_eq!(FORMATS.len(), 33);
        for format in FORMATS {
            let id = format.id;
            assert!(std::ptr::eq(Format::of(id).unwrap(), format), "{id} stands there twice");
            let mut used: Vec<u8> =
                format.fields.iter().flat_map(|(_, positions)| positions.each()).collect();
            used.extend(format.ones);
            used.extend(format.parity.iter().map(|parity| parity.bit));
            let count = used.len();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), count, "{id}: two things at one position");
            assert!(used.iter().all(|position| *position < format.bits), "{id}");
            for parity in format.parity {
                assert!(parity.over.each().all(|at| at < format.bits && at != parity.bit), "{id}");
            }
        }
    }

    /// A bit turned over anywhere under a parity is found, and the parity bits that it breaks are named.
    #[test]
    fn a_turned_bit_is_found_by_every_parity_that_covers_it() {
        for format in FORMATS.iter().filter(|format| format.has_parity()) {
            let fields = format.fields().fold(Fields::default(), |fields, field| {
                fields.with(field, format.largest(field).unwrap() / 3)
            });
            let sound = format.encode(&fields).unwrap();
            for position in (0..format.bits).filter(|position| !format.ones.contains(position)) {
                let mut bent = sound;
                bent.set(position, !bent.is_set(position));
                let covers =
                    |parity: &&Parity| parity.bit == position || parity.over.each().any(|at| at == position);
                let mut want: Vec<u8> =
                    format.parity.iter().filter(covers).map(|parity| parity.bit).collect();
                want.sort_unstable();
                let found = match format.decode(bent) {
                    Err(DecodeError::Parity(bad)) => bad.positions().collect(),
                    other => {
                        assert!(other.is_ok(), "{other:?}");
                        vec![]
                    }
                };
                assert_eq!(found, want, "{}, position {position}", format.id);
            }
        }
    }

    #[test]
    fn nothing_is_cut_and_nothing_is_invented() {
        for format in FORMATS {
            for field in Field::ALL {
                let with = |value| format.encode(&Fields::default().with(field, value)).map(drop);
                match format.largest(field) {
                    Some(largest) => {
                        assert_eq!(with(largest), Ok(()));
                        assert_eq!(with(largest + 1), Err(EncodeError::OutOfRange(field)), "{}", format.id);
                        assert_eq!(with(u64::MAX), Err(EncodeError::OutOfRange(field)), "{}", format.id);
                    }
                    None => assert_eq!(with(1), Err(EncodeError::FieldNotInFormat(field)), "{}", format.id),
                }
            }
        }
    }

    /// Length before fixed bits, fixed bits before parity.
    #[test]
    fn what_is_wrong_first_is_said() {
        let kastle = Format::of("Kastle").unwrap();
        assert_eq!(kastle.decode(Bits::zeros(31)), Err(DecodeError::Length));
        assert_eq!(kastle.decode(Bits::zeros(32)), Err(DecodeError::FixedBit));
        let mut bits = Bits::zeros(32);
        bits.set(1, true);
        let Err(DecodeError::Parity(bad)) = kastle.decode(bits) else { panic!("parity is wrong") };
        assert_eq!(bad.positions().collect::<Vec<_>>(), [0, 31]);
    }
}
