//! THE table: what the chip says of a command to a card, and what it means to us (section 4.8).

use crate::encoder::EncoderError;

/// Bits 6 and 7 say other things than the error.
const ERROR_BITS: u8 = 0x3F;

/// What a status means.
pub(super) const fn verdict(status: u8) -> Result<(), EncoderError> {
    Err(match status & ERROR_BITS {
        0x00 => return Ok(()),
        // No answer in time: moved, halted, or a refusal that the card speaks by silence.
        0x01 => EncoderError::CardGone,
        // CRC, parity, bit count, framing, collision, protocol, format.
        0x02..=0x06 | 0x0B | 0x13 => EncoderError::Radio,
        // Buffer errors: a fault of the bridge, or ours.
        0x07 | 0x09 | 0x0E => EncoderError::Protocol,
        // No field, too hot, too much current.
        0x0A | 0x0D | 0x2D => EncoderError::Faulty,
        // A bad parameter, a command that is not allowed: ours.
        0x10 | 0x26 => EncoderError::Protocol,
        // Not acceptable now: no card is listed.
        0x27 => EncoderError::CardGone,
        0x14 => EncoderError::KeyRefused,
        // Released, taken away.
        0x29 | 0x2B => EncoderError::CardGone,
        // 23 is a card whose number does not match its check byte; of all others only the refusal is known.
        _ => EncoderError::CardRefused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every status of section 4.8, and one that it does not name.
    #[test]
    fn every_status_has_its_meaning() {
        assert_eq!(verdict(0x00), Ok(()));
        assert_eq!(verdict(0x40), Ok(()));
        let table: [(EncoderError, &[u8]); 7] = [
            (EncoderError::CardGone, &[0x01, 0x27, 0x29, 0x2B]),
            (EncoderError::Radio, &[0x02, 0x03, 0x04, 0x05, 0x06, 0x0B, 0x13]),
            (EncoderError::Protocol, &[0x07, 0x09, 0x0E, 0x10, 0x26]),
            (EncoderError::Faulty, &[0x0A, 0x0D, 0x2D]),
            (EncoderError::KeyRefused, &[0x14, 0x54]),
            (EncoderError::CardRefused, &[0x23]),
            (EncoderError::CardRefused, &[0x3E]),
        ];
        for (meaning, statuses) in table {
            statuses.iter().for_each(|status| assert_eq!(verdict(*status), Err(meaning), "{status:02X}"));
        }
    }
}
