//! Frames of the PN532 (section 4.2), from the chip's side.

pub(super) const ACK: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
pub(super) const NACK: [u8; 6] = [0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00];
pub(super) const ERROR: [u8; 8] = [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00];

/// The most that LENM:LENL may say.
const LONGEST: usize = 265;

/// Where TFI stands in a normal frame of ours.
pub(super) const CONTENT: usize = 5;

/// What the host sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    Ack,
    Nack,
    /// TFI and what follows; both checksums are right.
    Frame(Vec<u8>),
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
}

/// Collects bytes into frames.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    pending: Vec<u8>,
}

enum Parsed {
    NeedMore,
    /// Forget this many bytes.
    Skip(usize),
    /// A frame that ends after this many bytes.
    Got(usize, Incoming),
}

impl Receiver {
    /// Forgets a frame that has begun.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Takes one byte; `Some` when it completes a frame.
    pub(super) fn push(&mut self, byte: u8) -> Option<Incoming> {
        self.pending.push(byte);
        loop {
            match parse(&self.pending) {
                Parsed::NeedMore => return None,
                Parsed::Skip(count) => drop(self.pending.drain(..count)),
                Parsed::Got(count, incoming) => {
                    self.pending.drain(..count);
                    return Some(incoming);
                }
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Parsed {
    match *bytes {
        [] | [0x00] => Parsed::NeedMore,
        [0x00, 0xFF, ref rest @ ..] => parse_started(rest),
        _ => Parsed::Skip(1),
    }
}

/// What follows the start bytes; counts include these two.
fn parse_started(rest: &[u8]) -> Parsed {
    let (length, header) = match *rest {
        [0x00, 0xFF, ..] => return Parsed::Got(4, Incoming::Ack),
        [0xFF, 0x00, ..] => return Parsed::Got(4, Incoming::Nack),
        [0xFF, 0xFF] | [0xFF, 0xFF, _] | [0xFF, 0xFF, _, _] => return Parsed::NeedMore,
        [0xFF, 0xFF, high, low, check, ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if sum(&[high, low, check]) != 0 || length == 0 || length > LONGEST {
                return Parsed::Skip(2);
            }
            (length, 5)
        }
        [length, check, ..] => {
            if length.wrapping_add(check) != 0 || length == 0 {
                return Parsed::Skip(2);
            }
            (usize::from(length), 2)
        }
        _ => return Parsed::NeedMore,
    };
    let Some(content) = rest.get(header..header + length + 1) else { return Parsed::NeedMore };
    let whole = 2 + header + length + 1;
    match sum(content) {
        0 => Parsed::Got(whole, Incoming::Frame(content.get(..length).unwrap_or_default().to_vec())),
        // A frame with a wrong checksum is passed over in silence.
        _ => Parsed::Skip(whole),
    }
}

/// A frame of the chip: TFI D5, answer code, data.
pub(super) fn response(code: u8, data: &[u8]) -> Vec<u8> {
    let content: Vec<u8> = [0xD5, code].into_iter().chain(data.iter().copied()).collect();
    let mut frame = vec![0x00, 0x00, 0xFF];
    match u8::try_from(content.len()) {
        Ok(length) => frame.extend([length, length.wrapping_neg()]),
        Err(_) => {
            let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
            frame.extend([0xFF, 0xFF]);
            frame.extend(length);
            frame.push(sum(&length).wrapping_neg());
        }
    }
    frame.extend(&content);
    frame.push(sum(&content).wrapping_neg());
    frame.push(0x00);
    frame
}
