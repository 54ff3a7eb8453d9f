//! The RapidRadio RRHFOEM04 on USB HID: its reports (section 6.1).
//!
//! ```text
//! request   LEN CMDhi CMDlo data..              CRChi CRClo
//! response  LEN CMDhi CMDlo ERRhi ERRlo data..  CRChi CRClo
//! ```
//! LEN counts itself up to the last data byte. Behind a response stand stale bytes.

use lockport::Secret;

use crate::encoder::{KeyName, SectorKey, Uid};

/// USB vendor and product number.
pub const USB_IDS: (u16, u16) = (0x1781, 0x0C10);
/// A report as a device sends it.
pub const REPORT_LEN: usize = 64;
/// A report as it is written: its number, which is 0, before it.
pub const WRITTEN_LEN: usize = 65;

const CRC_LEN: usize = 2;
/// LEN, command, error.
const RESPONSE_HEAD: usize = 5;

/// The reader's own checksum: each byte goes into the low end of the register, then eight times left with 1021 where a one falls
/// out; inverted at the end.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    let mut register = 0xFFFF_u16;
    for byte in bytes {
        register ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = register & 0x8000 != 0;
            register <<= 1;
            if carry {
                register ^= 0x1021;
            }
        }
    }
    !register
}

/// A command to the reader.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Who it is.
    Information,
    /// A beep.
    Beep,
    /// The card that lies there.
    Inventory,
    /// Selects it.
    Select(&'a Uid),
    /// Opens a sector: card, block, which key, key.
    Authenticate {
        /// The card; of a long number the last four bytes.
        uid: &'a Uid,
        /// Any block of the sector.
        block: u8,
        /// Which key.
        name: KeyName,
        /// The key.
        key: &'a SectorKey,
    },
    /// 16 bytes from a block.
    Read(u8),
    /// 16 bytes to a block.
    Write(u8, &'a Secret<[u8; 16]>),
}

impl Command<'_> {
    /// Its number, high byte first on the wire.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Information => 0xF000,
            Self::Beep => 0xF001,
            Self::Inventory => 0x2F01,
            Self::Select(_) => 0x2F02,
            Self::Authenticate { .. } => 0x2101,
            Self::Read(_) => 0x2102,
            Self::Write(..) => 0x2103,
        }
    }

    /// The 65 bytes to write. What they hold may be a key, so they are a secret.
    ///
    /// Allocates once.
    #[must_use]
    pub fn report(&self) -> Secret<Vec<u8>> {
        match self {
            Self::Information | Self::Beep | Self::Inventory => self.with(&[]),
            Self::Select(uid) => self.with(&[&[uid.bytes().len() as u8], uid.bytes()]),
            Self::Authenticate { uid, block, name, key } => {
                let which = match name {
                    KeyName::A => 0x60,
                    KeyName::B => 0x61,
                };
                let last_four = uid.bytes().last_chunk::<4>().map_or(&[][..], |bytes| &bytes[..]);
                // EXPOSE: the reader wants the key; the report is a secret.
                self.with(&[last_four, &[*block, which], key.expose()])
            }
            Self::Read(block) => self.with(&[&[*block]]),
            // EXPOSE: what goes to the card; the report is a secret.
            Self::Write(block, data) => self.with(&[&[*block], data.expose()]),
        }
    }

    fn with(&self, data: &[&[u8]]) -> Secret<Vec<u8>> {
        let length = 3 + data.iter().map(|part| part.len()).sum::<usize>();
        let mut report = Vec::with_capacity(WRITTEN_LEN);
        report.extend_from_slice(&[0, length as u8]);
        report.extend_from_slice(&self.code().to_be_bytes());
        data.iter().for_each(|part| report.extend_from_slice(part));
        let crc = crc(report.get(1..).unwrap_or_default());
        report.extend_from_slice(&crc.to_be_bytes());
        report.resize(WRITTEN_LEN, 0);
        Secret::new(report)
    }
}

/// What the reader says. What it holds may be a card's content, so it is not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response<'b> {
    /// The command that it answers.
    pub command: u16,
    /// 0000 done, FFFF failed, and never why.
    pub error: u16,
    /// What follows.
    pub data: &'b [u8],
}

impl std::fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({:04X}, {:04X}, {} bytes)", self.command, self.error, self.data.len())
    }
}

/// Why a report is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The report ends before the frame does.
    Incomplete,
    /// No response is as short as its length says.
    Length,
    /// The checksum is wrong.
    Crc,
}

/// Takes a report apart; whatever stands behind the frame does not count.
///
/// # Errors
/// [`Flaw`]
pub fn parse(report: &[u8]) -> Result<Response<'_>, Flaw> {
    let length = usize::from(*report.first().ok_or(Flaw::Incomplete)?);
    if !(RESPONSE_HEAD..=REPORT_LEN - CRC_LEN).contains(&length) {
        return Err(Flaw::Length);
    }
    let (frame, rest) = report.split_at_checked(length).ok_or(Flaw::Incomplete)?;
    let said = rest.first_chunk::<CRC_LEN>().ok_or(Flaw::Incomplete)?;
    if u16::from_be_bytes(*said) != crc(frame) {
        return Err(Flaw::Crc);
    }
    match frame {
        [_, command_high, command_low, error_high, error_low, data @ ..] => Ok(Response {
            command: u16::from_be_bytes([*command_high, *command_low]),
            error: u16::from_be_bytes([*error_high, *error_low]),
            data,
        }),
        _ => Err(Flaw::Length),
    }
}

/// The card's number in the data of an inventory: its length, then itself.
#[must_use]
pub fn inventory(data: &[u8]) -> Option<&[u8]> {
    let (length, uid) = data.split_first()?;
    (usize::from(*length) == uid.len()).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    fn written(command: Command<'_>) -> Vec<u8> {
        let report = command.report().expose().clone();
        assert_eq!((report.len(), report[0]), (WRITTEN_LEN, 0));
        let frame = usize::from(report[1]) + CRC_LEN;
        assert!(report[1 + frame..].iter().all(|byte| *byte == 0));
        report[1..=frame].to_vec()
    }

    /// Section 6.1, to the byte.
    #[test]
    fn commands_of_the_page_are_built() {
        let uid = Uid::new(&[0xA1, 0xB2, 0xC3, 0xD4]).unwrap();
        let key = Secret::new([0xFF; 6]);
        let block = Secret::new(std::array::from_fn(|at| 0x10 + at as u8));
        assert_eq!(crc(&[0x03, 0xF0, 0x00]), 0x892F);
        assert_eq!(written(Command::Information), bytes::<5>("03F000 892F"));
        assert_eq!(written(Command::Inventory), bytes::<5>("032F01 B2BD"));
        assert_eq!(written(Command::Select(&uid)), bytes::<10>("082F0204A1B2C3D4 ECF9"));
        let open = Command::Authenticate { uid: &uid, block: 8, name: KeyName::A, key: &key };
        assert_eq!(written(open), bytes::<17>("0F2101A1B2C3D40860FFFFFFFFFFFF 29E1"));
        assert_eq!(written(Command::Read(9)), bytes::<6>("04210209 BB6A"));
        let write = "14210309101112131415161718191A1B1C1D1E1F 1EA5";
        assert_eq!(written(Command::Write(9, &block)), bytes::<22>(write));
    }

    /// What stands behind a frame is old, whatever it looks like.
    #[test]
    fn responses_are_read_before_stale_bytes() {
        let found = bytes::<12>("0A2F01000004A1B2C3D4EE88");
        let mut report = [0xEE; REPORT_LEN];
        report[..12].copy_from_slice(&found);
        let response = parse(&report).unwrap();
        assert_eq!((response.command, response.error), (0x2F01, 0));
        assert_eq!(inventory(response.data), Some(&[0xA1, 0xB2, 0xC3, 0xD4][..]));
        let none = bytes::<7>("052F01FFFF2A80");
        let none = parse(&none).unwrap();
        assert_eq!((none.command, none.error, none.data), (0x2F01, 0xFFFF, &[][..]));
        assert_eq!(inventory(&[5, 1, 2]), None);
    }

    #[test]
    fn what_is_wrong_with_a_report_is_said() {
        let found = bytes::<12>("0A2F01000004A1B2C3D4EE88");
        for end in 0..12 {
            assert_eq!(parse(&found[..end]), Err(Flaw::Incomplete), "{end} bytes");
        }
        for bit in 8..96 {
            let mut bent = found;
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&bent), Err(Flaw::Crc), "bit {bit}");
        }
        assert_eq!(parse(&[4; REPORT_LEN]), Err(Flaw::Length));
        assert_eq!(parse(&[63; REPORT_LEN]), Err(Flaw::Length));
    }
}
