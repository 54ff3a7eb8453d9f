//! Frames on the line (section 4.2).
//!
//! ```text
//! normal     00 | 00 FF | LEN | LCS | TFI PD0 .. PDn | DCS | 00
//! extended   00 | 00 FF | FF FF | LENM LENL | LCS | TFI PD0 .. PDn | DCS | 00
//! ```
//! LEN counts TFI and PD. LEN and LCS make 0, and so do TFI, PD and DCS, both modulo 256.

use lockport::Secret;

/// The most bytes of TFI and PD together.
pub const MAX_CONTENT: usize = 265;
/// "Understood": from the chip before it answers; from the host, it ends a command that runs.
pub const ACK: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
/// "Say that again."
pub const NACK: [u8; 6] = [0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00];
/// What leads the chip out of power-down; a command follows it without a pause.
pub const WAKE: [u8; 16] = [0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const START: [u8; 2] = [0x00, 0xFF];
const FROM_HOST: u8 = 0xD4;
const FROM_CHIP: u8 = 0xD5;
const ERROR: u8 = 0x7F;

/// A frame from the host with these bytes as PD: what they hold may be a key, so the frame is a secret. Extended only where it
/// has to be. Nothing where there is no command or the content is too long.
///
/// Allocates once, as long as the frame is.
#[must_use]
pub fn frame(pd: &[&[u8]]) -> Option<Secret<Vec<u8>>> {
    let length = 1 + pd.iter().map(|part| part.len()).sum::<usize>();
    if !(2..=MAX_CONTENT).contains(&length) {
        return None;
    }
    let mut bytes = Vec::with_capacity(length + 10);
    bytes.push(0x00);
    bytes.extend_from_slice(&START);
    match u8::try_from(length) {
        Ok(length) => bytes.extend_from_slice(&[length, length.wrapping_neg()]),
        Err(_) => {
            let [high, low] = (length as u16).to_be_bytes();
            bytes.extend_from_slice(&[0xFF, 0xFF, high, low, high.wrapping_add(low).wrapping_neg()]);
        }
    }
    bytes.push(FROM_HOST);
    pd.iter().for_each(|part| bytes.extend_from_slice(part));
    let content = pd.iter().flat_map(|part| part.iter());
    bytes.push(content.fold(FROM_HOST, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg());
    bytes.push(0x00);
    Some(Secret::new(bytes))
}

/// What was found on the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part<'b> {
    /// The chip understood the command.
    Ack,
    /// Somebody wants the last frame again.
    Nack,
    /// The chip understood the frame and not its content.
    Error,
    /// An answer.
    Answer {
        /// The command that it answers.
        command: u8,
        /// What follows the command's code.
        data: &'b [u8],
    },
    /// Something that began as a frame and is none.
    Broken(Flaw),
}

/// What an answer holds may be a card's content, so only its kind is printed.
impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ack => f.write_str("Ack"),
            Self::Nack => f.write_str("Nack"),
            Self::Error => f.write_str("Error"),
            Self::Answer { command, data } => write!(f, "Answer({command:#04X}, {} bytes)", data.len()),
            Self::Broken(flaw) => write!(f, "Broken({flaw:?})"),
        }
    }
}

/// Why a start is not the start of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The length does not match its checksum, or no frame is that long. The search goes on behind the two start bytes.
    Lcs,
    /// The content does not match its checksum.
    Dcs,
    /// Sound, and not from the chip.
    Tfi,
    /// Sound, and without a command.
    NoCommand,
}

/// The first thing in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'b> {
    /// How many bytes are done with: noise before it, and the thing itself.
    pub used: usize,
    /// What it is; nothing while it has not arrived as a whole.
    pub part: Option<Part<'b>>,
}

/// Finds the first frame in the bytes that a line has given so far. Called again with what is left and what came since: it
/// keeps nothing, and inside a frame whose length was accepted it never looks for another start. The 00 behind a frame is not
/// waited for: where it comes, it is noise before the next one.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(noise) = bytes.windows(START.len()).position(|pair| pair == START) else {
        // The last byte may be the first of a start.
        let used = bytes.len() - usize::from(bytes.last() == START.first());
        return Parsed { used, part: None };
    };
    let (_, at) = bytes.split_at(noise + START.len());
    let started = noise + START.len();
    let unfinished = Parsed { used: noise, part: None };
    let bad_length = Parsed { used: started, part: Some(Part::Broken(Flaw::Lcs)) };
    let (length, head) = match *at {
        [0x00, 0xFF, ..] => return Parsed { used: started + 2, part: Some(Part::Ack) },
        [0xFF, 0x00, ..] => return Parsed { used: started + 2, part: Some(Part::Nack) },
        [0xFF, 0xFF, high, low, lcs, ..] => {
            if high.wrapping_add(low).wrapping_add(lcs) != 0 {
                return bad_length;
            }
            (usize::from(u16::from_be_bytes([high, low])), 5)
        }
        [] | [_] | [0xFF, 0xFF, ..] => return unfinished,
        [length, lcs, ..] => {
            if length.wrapping_add(lcs) != 0 {
                return bad_length;
            }
            (usize::from(length), 2)
        }
    };
    if !(1..=MAX_CONTENT).contains(&length) {
        return bad_length;
    }
    let Some((content, [dcs, ..])) = at.get(head..).and_then(|rest| rest.split_at_checked(length)) else {
        return unfinished;
    };
    let sum = content.iter().fold(*dcs, |sum, byte| sum.wrapping_add(*byte));
    let part = match content {
        _ if sum != 0 => Part::Broken(Flaw::Dcs),
        [ERROR] => Part::Error,
        [FROM_CHIP] => Part::Broken(Flaw::NoCommand),
        [FROM_CHIP, code, data @ ..] => Part::Answer { command: code.wrapping_sub(1), data },
        _ => Part::Broken(Flaw::Tfi),
    };
    Parsed { used: started + head + length + 1, part: Some(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRMWARE: [u8; 13] = [0, 0, 0xFF, 0x06, 0xFA, 0xD5, 0x03, 0x32, 0x01, 0x06, 0x07, 0xE8, 0];
    const ANSWER: Part<'_> = Part::Answer { command: 0x02, data: &[0x32, 0x01, 0x06, 0x07] };

    /// Everything that a line says, in order, and how many bytes are left.
    fn all(mut bytes: &[u8]) -> (Vec<Part<'_>>, usize) {
        let mut parts = Vec::new();
        loop {
            let parsed = parse(bytes);
            (_, bytes) = bytes.split_at(parsed.used);
            match parsed.part {
                Some(part) => parts.push(part),
                None => return (parts, bytes.len()),
            }
        }
    }

    /// The frames of sections 4.4 to 4.7 that the host sends.
    #[test]
    fn frames_of_the_page_are_built_to_the_byte() {
        let built = |pd: &[u8]| frame(&[pd]).unwrap().expose().clone();
        assert_eq!(built(&[0x02]), [0, 0, 0xFF, 0x02, 0xFE, 0xD4, 0x02, 0x2A, 0]);
        assert_eq!(built(&[0x14, 1, 0x14, 1]), [0, 0, 0xFF, 5, 0xFB, 0xD4, 0x14, 1, 0x14, 1, 2, 0]);
        assert_eq!(frame(&[&[0x52], &[0]]).unwrap().expose(), &[0, 0, 0xFF, 3, 0xFD, 0xD4, 0x52, 0, 0xDA, 0]);
        assert!(frame(&[]).is_none() && frame(&[&[7; MAX_CONTENT]]).is_none());
        let long = built(&[7; MAX_CONTENT - 1]);
        assert_eq!(long[..9], [0, 0, 0xFF, 0xFF, 0xFF, 0x01, 0x09, 0xF6, 0xD4]);
        assert_eq!(built(&[7; 254])[..5], [0, 0, 0xFF, 0xFF, 0x01]);
    }

    #[test]
    fn an_acknowledgement_and_an_answer_may_come_in_one_read() {
        assert_eq!(all(&[&ACK[..], &FIRMWARE].concat()), (vec![Part::Ack, ANSWER], 1));
        let refused = [0, 0, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0];
        assert_eq!(all(&[&NACK[..], &refused].concat()), (vec![Part::Nack, Part::Error], 1));
    }

    #[test]
    fn an_extended_frame_is_read_also_when_it_is_short() {
        let extended = [0, 0, 0xFF, 0xFF, 0xFF, 0, 6, 0xFA, 0xD5, 0x03, 0x32, 0x01, 0x06, 0x07, 0xE8, 0];
        assert_eq!(all(&extended), (vec![ANSWER], 1));
        for end in 0..extended.len() - 1 {
            assert_eq!(all(&extended[..end]).0, [], "{end} bytes");
        }
    }

    /// Noise before a frame, frames without their first or last 00, and a start that is none.
    #[test]
    fn the_next_frame_is_found_behind_anything() {
        let bare = &FIRMWARE[1..12];
        assert_eq!(all(&[&[0x55, 0x00, 0x81, 0xFF], bare, bare].concat()), (vec![ANSWER, ANSWER], 0));
        assert_eq!(all(&[&[0; 9], &FIRMWARE[..]].concat()), (vec![ANSWER], 1));
        let lcs = Part::Broken(Flaw::Lcs);
        assert_eq!(all(&[&[0x00, 0xFF, 0x21, 0x22], bare].concat()), (vec![lcs, ANSWER], 0));
        assert_eq!(
            all(&[&[0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x0A, 0xF5], bare].concat()),
            (vec![lcs, ANSWER], 0)
        );
        assert_eq!(all(&[&[0x00, 0xFF, 0x00, 0x00], bare].concat()), (vec![lcs, ANSWER], 0));
    }

    #[test]
    fn a_start_inside_a_frame_is_content() {
        let content = [0xD5, 0x41, 0x00, 0x00, 0x00, 0xFF, 0x02, 0xFE, 0xD5, 0x03, 0x28];
        let dcs = content.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
        let framed = [&[0, 0, 0xFF, 11, 0xF5], &content[..], &[dcs, 0]].concat();
        let whole = Part::Answer { command: 0x40, data: &content[2..] };
        assert_eq!(all(&framed), (vec![whole], 1));
        for end in 0..framed.len() - 1 {
            assert_eq!(all(&framed[..end]).0, [], "{end} bytes");
        }
    }

    #[test]
    fn what_is_wrong_with_a_frame_is_said() {
        let with = |at: usize, to: u8| {
            let mut bytes = FIRMWARE;
            bytes[at] = to;
            match parse(&bytes).part {
                Some(Part::Broken(flaw)) => Some(flaw),
                _ => None,
            }
        };
        assert_eq!(with(4, 0xFB), Some(Flaw::Lcs));
        assert_eq!(with(8, 0x02), Some(Flaw::Dcs));
        assert_eq!(with(11, 0xE9), Some(Flaw::Dcs));
        let own_echo = frame(&[&[0x02]]).unwrap();
        assert_eq!(parse(own_echo.expose()).part, Some(Part::Broken(Flaw::Tfi)));
        let no_command = [0, 0, 0xFF, 0x01, 0xFF, 0xD5, 0x2B, 0];
        assert_eq!(parse(&no_command).part, Some(Part::Broken(Flaw::NoCommand)));
    }
}
