//! What a host says and hears, written from the page alone.

use std::time::Duration;

use lockport_sim_encoder::{Card, Encoder, Gone, Model, Settings, SimClock, VirtualPort};

pub(crate) const UID: [u8; 4] = [0xA1, 0xB2, 0xC3, 0xD4];
pub(crate) const FACTORY: [u8; 6] = [0xFF; 6];
pub(crate) const ACK: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];
pub(crate) const NOTHING: [u8; 0] = [];
pub(crate) const ERROR: [u8; 8] = [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00];

/// Bytes of a hexadecimal text; spaces do not count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, []) = digits.as_chunks::<2>() else { panic!("odd number of digits: {text}") };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A host that has opened an encoder, on virtual time.
pub(crate) struct Host {
    pub(crate) encoder: Encoder,
    pub(crate) clock: SimClock,
    pub(crate) port: VirtualPort,
}

impl Host {
    pub(crate) fn new(model: Model) -> Self {
        Self::with(model, Settings::default())
    }

    pub(crate) fn with(model: Model, settings: Settings) -> Self {
        let encoder = Encoder::with_settings(model, settings);
        let clock = SimClock::new();
        let port = VirtualPort::new(encoder.open().unwrap(), clock.clone());
        Self { encoder, clock, port }
    }

    /// A PN532 that is awake and does not look for cards for ever, with these cards on it.
    pub(crate) fn pn532(cards: &[&Card]) -> Self {
        Self::pn532_with(Settings::default(), cards)
    }

    pub(crate) fn pn532_with(settings: Settings, cards: &[&Card]) -> Self {
        let host = Self::with(Model::Pn532, settings);
        cards.iter().for_each(|card| host.encoder.put(card));
        host.start();
        host
    }

    /// The start sequence of section 4.4.
    pub(crate) fn start(&self) {
        self.port.write(&hex("55 55 00 00 00 00 00 00 00 00 00 00 00 00 00 00")).unwrap();
        assert_eq!(self.chip(&[0x14, 0x01, 0x14, 0x01]), [0x15]);
        assert_eq!(self.chip(&[0x32, 0x05, 0x00, 0x01, 0x02]), [0x33]);
    }

    /// Everything that comes within a second of silence.
    pub(crate) fn heard(&self) -> Result<Vec<u8>, Gone> {
        let mut all = Vec::new();
        loop {
            let bytes = self.port.read(Duration::from_secs(1))?;
            if bytes.is_empty() {
                return Ok(all);
            }
            all.extend(bytes);
        }
    }

    pub(crate) fn ask(&self, bytes: &[u8]) -> Vec<u8> {
        self.port.write(bytes).unwrap();
        self.heard().unwrap()
    }

    /// A PN532 command without its frame; the answer without its own, the acknowledgement checked.
    pub(crate) fn chip(&self, command: &[u8]) -> Vec<u8> {
        let answer = self.ask(&pn532_frame(command));
        let rest = answer.strip_prefix(&ACK).unwrap_or_else(|| panic!("no ACK in {answer:02X?}"));
        pn532_content(rest)
    }

    /// Status and data of a command to card 1.
    pub(crate) fn card(&self, command: &[u8]) -> (u8, Vec<u8>) {
        let answer = self.chip(&[&[0x40, 0x01], command].concat());
        assert_eq!(answer[0], 0x41);
        (answer[1], answer[2..].to_vec())
    }

    /// Lists at most two cards and returns their serial numbers.
    pub(crate) fn list(&self) -> Vec<Vec<u8>> {
        let answer = self.chip(&[0x4A, 0x02, 0x00]);
        assert_eq!(answer[0], 0x4B);
        let mut rest = &answer[2..];
        let mut found = Vec::new();
        for _ in 0..answer[1] {
            let length = usize::from(rest[4]);
            found.push(rest[5..5 + length].to_vec());
            rest = &rest[5 + length..];
        }
        found
    }

    /// Authenticates with key A (60) or B (61); the status.
    pub(crate) fn authenticate(&self, kind: u8, block: u8, key: [u8; 6], uid: &[u8]) -> u8 {
        let last = &uid[uid.len() - 4..];
        self.card(&[&[kind, block], &key[..], last].concat()).0
    }

    pub(crate) fn read(&self, block: u8) -> (u8, Vec<u8>) {
        self.card(&[0x30, block])
    }

    pub(crate) fn write(&self, block: u8, content: &[u8]) -> u8 {
        self.card(&[&[0xA0, block], content].concat()).0
    }
}

pub(crate) fn pn532_frame(command: &[u8]) -> Vec<u8> {
    let length = u8::try_from(command.len() + 1).unwrap();
    let sum = command.iter().fold(0xD4_u8, |sum, byte| sum.wrapping_add(*byte));
    let mut frame = vec![0x00, 0x00, 0xFF, length, length.wrapping_neg(), 0xD4];
    frame.extend(command);
    frame.extend([sum.wrapping_neg(), 0x00]);
    frame
}

/// What stands between D5 and the checksum.
pub(crate) fn pn532_content(frame: &[u8]) -> Vec<u8> {
    let [0x00, 0x00, 0xFF, length, check, 0xD5, rest @ ..] = frame else { panic!("no frame: {frame:02X?}") };
    assert_eq!(length.wrapping_add(*check), 0);
    let count = usize::from(*length) - 1;
    assert_eq!(rest.len(), count + 2, "{frame:02X?}");
    let sum = rest.iter().fold(0xD5_u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!((sum, rest[count + 1]), (0, 0));
    rest[..count].to_vec()
}

pub(crate) fn stronglink_frame(command: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xBA, u8::try_from(data.len() + 2).unwrap(), command];
    frame.extend(data);
    frame.push(frame.iter().fold(0, |sum, byte| sum ^ byte));
    frame
}
