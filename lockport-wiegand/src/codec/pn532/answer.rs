//! What the chip answers (sections 4.4 and 4.5).

use std::fmt;

/// What GetFirmwareVersion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Firmware {
    /// Which chip: 32 for a PN532.
    pub chip: u8,
    /// Version.
    pub version: u8,
    /// Revision.
    pub revision: u8,
    /// What it supports, a bit each: ISO 14443 A, B, ISO 18092.
    pub support: u8,
}

impl Firmware {
    /// Takes the answer's data apart.
    #[must_use]
    pub const fn parse(data: &[u8]) -> Option<Self> {
        match *data {
            [chip, version, revision, support] => Some(Self { chip, version, revision, support }),
            _ => None,
        }
    }
}

/// A card that was listed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Listed<'b> {
    /// The chip's number for it, from 1.
    pub target: u8,
    /// SENS_RES (ATQA), in the order in which the chip says it.
    pub sens_res: [u8; 2],
    /// SEL_RES (SAK).
    pub sel_res: u8,
    /// Its number.
    pub uid: &'b [u8],
    /// The answer to select of an ISO 14443-4 card, its length first; empty for others.
    pub ats: &'b [u8],
}

/// The number is a guest's, so it is not printed.
impl fmt::Debug for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed")
            .field("target", &self.target)
            .field("sel_res", &self.sel_res)
            .finish_non_exhaustive()
    }
}

/// The bit of SEL_RES that says ISO 14443-4.
const ISO_14443_4: u8 = 0x20;

/// The cards in the answer to InListPassiveTarget, at most two; nothing where the answer breaks its layout.
#[must_use]
pub fn targets(data: &[u8]) -> Option<[Option<Listed<'_>>; 2]> {
    let (&count, mut at) = data.split_first()?;
    let mut found = [None; 2];
    let (wanted, _) = found.split_at_mut_checked(usize::from(count))?;
    for place in wanted {
        let [target, sens_high, sens_low, sel_res, uid_length, rest @ ..] = at else { return None };
        let (uid, rest) = rest.split_at_checked(usize::from(*uid_length))?;
        // The chip asks for it by itself unless it was told not to; then the answer ends here.
        let ats_length = match rest.first() {
            Some(length) if sel_res & ISO_14443_4 != 0 => usize::from(*length),
            _ => 0,
        };
        let (ats, rest) = rest.split_at_checked(ats_length)?;
        let sens_res = [*sens_high, *sens_low];
        *place = Some(Listed { target: *target, sens_res, sel_res: *sel_res, uid, ats });
        at = rest;
    }
    at.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    #[test]
    fn the_firmware_says_which_chip_it_is() {
        let firmware = Firmware { chip: 0x32, version: 1, revision: 6, support: 7 };
        assert_eq!(Firmware::parse(&[0x32, 1, 6, 7]), Some(firmware));
        assert_eq!(Firmware::parse(&[0x32, 1, 6]), None);
    }

    /// Section 4.5: none, one, two of which one is an ISO 14443-4 card.
    #[test]
    fn cards_are_listed_with_their_numbers() {
        assert_eq!(targets(&[0]), Some([None, None]));
        let classic =
            Listed { target: 1, sens_res: [0, 4], sel_res: 8, uid: &[0xA1, 0xB2, 0xC3, 0xD4], ats: &[] };
        assert_eq!(targets(&bytes::<10>("01 01 0004 08 04 A1B2C3D4")), Some([Some(classic), None]));
        let desfire = bytes::<18>("02 0344 20 07 04112233445566 067577810280");
        let two = [&bytes::<10>("02 01 0004 08 04 A1B2C3D4")[..], &desfire[..]].concat();
        let listed = targets(&two).unwrap();
        assert_eq!(listed[0], Some(classic));
        let second = listed[1].unwrap();
        assert_eq!((second.target, second.sens_res, second.sel_res), (2, [3, 0x44], 0x20));
        assert_eq!((second.uid.len(), second.ats), (7, &bytes::<6>("067577810280")[..]));
        assert!(!format!("{second:?}").contains("uid"));
    }

    #[test]
    fn an_answer_that_breaks_its_layout_lists_nothing() {
        let one = bytes::<10>("01 01 0004 08 04 A1B2C3D4");
        for end in 0..one.len() {
            assert_eq!(targets(&one[..end]), None, "{end} bytes");
        }
        assert_eq!(targets(&[&one[..], &[0]].concat()), None);
        assert_eq!(targets(&[3]), None);
    }
}
