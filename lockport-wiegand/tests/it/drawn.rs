//! Drawn bytes: no parser panics, what is built is read back, noise before a frame is stepped over, and no encoder is led astray
//! or kept by a line that says anything at all.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use lockport::Secret;
use lockport::env::{ByteLink, LinkError, ReportLink};
use lockport_sim_cable::LineTime;
use lockport_sim_encoder::Model;
use lockport_wiegand::codec::pn532::{self, Part};
use lockport_wiegand::codec::record::{Areas, DoorNumbers, Flags, PropertyTag, Record};
use lockport_wiegand::codec::wiegand::{FORMATS, Field, Fields};
use lockport_wiegand::codec::{key::PropertyKey, ndef, rrhfoem04, stronglink};
use lockport_wiegand::encoder::{
    CardReader, Encoder, Family, KeyName, Pcsc, Pn532, Rrhfoem04, StrongLink, Target, Uid,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::desk::{Desk, now};
use crate::parsers;

/// A PN532's answer as the chip sends it: a host's frame with the other direction's mark.
fn answer(pd: &[u8]) -> Vec<u8> {
    let mut bytes = pn532::frame(&[pd]).unwrap().expose().clone();
    let content = bytes.len() - 2 - pd.len() - 1;
    bytes[content] = 0xD5;
    let dcs = bytes.len() - 2;
    bytes[dcs] = bytes[dcs].wrapping_sub(1);
    bytes
}

/// Bytes that look like what these lines carry more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        vec(any::<u8>(), 0..24),
        Just(pn532::ACK.to_vec()),
        Just(vec![0x00, 0xFF]),
        Just(vec![0x00, 0xFF, 0xFF, 0xFF, 0x00, 0x06, 0xFA]),
        Just(vec![0xBD, 0x03, 0x02, 0x02, 0xBE]),
        Just(vec![0xBD]),
        vec(any::<u8>(), 1..64).prop_map(|pd| answer(&pd)),
    ];
    vec(token, 0..8).prop_map(|tokens| tokens.concat())
}

/// Everything that a line says, told in full.
fn answers(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    loop {
        let parsed = pn532::parse(bytes);
        (_, bytes) = bytes.split_at(parsed.used);
        match parsed.part {
            Some(Part::Answer { command, data }) => found.push((command, data.to_vec())),
            Some(_) => {}
            None => return found,
        }
    }
}

/// A line that says what was drawn, a piece a read, then nothing; and takes everything.
#[derive(Debug)]
struct Babble {
    pieces: Mutex<Vec<Vec<u8>>>,
    time: LineTime,
}

impl Babble {
    fn next(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        match self.pieces.lock().unwrap().pop() {
            Some(piece) if !piece.is_empty() => {
                self.time.wait_until(self.time.now() + timeout.min(Duration::from_millis(3)));
                Ok(Secret::new(piece))
            }
            _ => {
                self.time.wait_until(self.time.now() + timeout);
                Err(LinkError::TimedOut)
            }
        }
    }
}

#[async_trait]
impl ByteLink for Babble {
    async fn write(&self, _: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        Ok(())
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.next(timeout)
    }
}

#[async_trait]
impl ReportLink for Babble {
    async fn write(&self, _: &Secret<Vec<u8>>) -> Result<(), LinkError> {
        Ok(())
    }

    async fn read(&self, timeout: Duration) -> Result<Secret<Vec<u8>>, LinkError> {
        self.next(timeout)
    }
}

#[async_trait]
impl CardReader for Babble {
    fn name(&self) -> &str {
        "babble"
    }

    async fn connect(&self, timeout: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        self.next(timeout).map(|said| Some(said.expose().clone()))
    }

    async fn transmit(
        &self,
        _: &Secret<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Option<Secret<Vec<u8>>>, LinkError> {
        self.next(timeout).map(Some)
    }
}

/// Every method once, whatever the one before said; none takes longer than the longest may.
fn speak(encoder: &mut dyn Encoder, desk: &Desk) {
    let longest = Duration::from_millis(4500);
    let mut target = Target { uid: Uid::new(&[1, 2, 3, 4]).unwrap(), family: Family::Classic1k };
    let within = |took: Duration| assert!(took <= longest, "{took:?}");
    within(desk.timed(async { encoder.start().await.is_ok() }).0);
    let (took, listed) = desk.timed(encoder.list());
    within(took);
    if let Ok([found, ..]) = listed.as_deref() {
        target = found.clone();
    }
    let key = Secret::new([0xFF; 6]);
    within(desk.timed(async { encoder.authenticate(&target, 8, KeyName::A, &key).await.is_ok() }).0);
    within(desk.timed(async { encoder.read(&target, 255).await.is_ok() }).0);
    within(desk.timed(async { encoder.version(&target).await.is_ok() }).0);
    let _listed = now(encoder.list());
    within(desk.timed(async { encoder.write_block(&target, 9, &Secret::new([0; 16])).await.is_ok() }).0);
    within(desk.timed(async { encoder.write_page(&target, 4, &Secret::new([0; 4])).await.is_ok() }).0);
    within(desk.timed(async { encoder.beep().await.is_ok() }).0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_upset_a_parser(bytes in stream(), memory in vec(any::<u8>(), 0..96)) {
        parsers::pn532(&bytes);
        parsers::readers(&bytes);
        parsers::card(&memory);
        parsers::wiegand(&memory);
    }

    #[test]
    fn a_pn532_answer_is_read_back_behind_noise(
        noise in vec(1_u8..0xFF, 0..40),
        pd in vec(any::<u8>(), 1..264),
    ) {
        let bytes = [noise, answer(&pd)].concat();
        prop_assert_eq!(answers(&bytes), vec![(pd[0].wrapping_sub(1), pd[1..].to_vec())]);
    }

    #[test]
    fn a_stronglink_answer_is_read_back_behind_noise(
        noise in vec(0_u8..0xBD, 0..40),
        content in vec(any::<u8>(), 2..60),
    ) {
        let mut frame = vec![0xBD, content.len() as u8 + 1];
        frame.extend_from_slice(&content);
        frame.push(frame.iter().fold(0, |sum, byte| sum ^ byte));
        let bytes = [noise, frame].concat();
        let parsed = stronglink::parse(&bytes);
        let want = stronglink::Part::Answer { command: content[0], status: content[1], data: &content[2..] };
        prop_assert_eq!((parsed.used, parsed.part), (bytes.len(), Some(want)));
    }

    #[test]
    fn a_report_is_read_back_before_stale_bytes(content in vec(any::<u8>(), 4..60), stale in any::<u8>()) {
        let mut report = [&[content.len() as u8 + 1], &content[..]].concat();
        let crc = rrhfoem04::crc(&report);
        report.extend_from_slice(&crc.to_be_bytes());
        report.resize(64, stale);
        let response = rrhfoem04::parse(&report).unwrap();
        prop_assert_eq!(response.command, u16::from_be_bytes([content[0], content[1]]));
        prop_assert_eq!(response.error, u16::from_be_bytes([content[2], content[3]]));
        prop_assert_eq!(response.data, &content[4..]);
    }

    #[test]
    fn fields_that_fit_come_back(at in 0..FORMATS.len(), drawn in any::<[u64; 4]>()) {
        let format = &FORMATS[at];
        let fields = Field::ALL.into_iter().zip(drawn).fold(Fields::default(), |fields, (field, value)| {
            match format.largest(field) {
                Some(largest) => fields.with(field, value & largest),
                None => fields,
            }
        });
        let bits = format.encode(&fields).unwrap();
        prop_assert_eq!(bits.len(), format.length());
        prop_assert_eq!(format.decode(bits), Ok(fields));
    }

    #[test]
    fn a_record_comes_back_from_its_own_card_only(
        serial in 1..u32::MAX,
        from in 0..u32::MAX,
        length in 1..u32::MAX,
        (flags, areas) in (0..8_u8, 0..32_u8),
        doors in vec(any::<u16>(), 0..9),
        uid in select(vec![4_usize, 7]).prop_flat_map(|len| vec(any::<u8>(), len)),
        secret in any::<[u8; 16]>(),
        bit in 0..384_usize,
    ) {
        let (key, uid, tag) = (PropertyKey::new(Secret::new(secret)), Uid::new(&uid).unwrap(), PropertyTag::of("t", "p"));
        let record = Record::new(tag, serial, from, from.saturating_add(length)).unwrap()
            .with_flags(Flags::from_bits(flags).unwrap())
            .with_areas(Areas::from_bits(areas).unwrap())
            .with_doors(DoorNumbers::new(&doors).unwrap());
        let sealed = record.seal(&key, &uid);
        let found = ndef::unwrap(ndef::wrap(&sealed).expose()).unwrap();
        prop_assert_eq!(Record::open(&found, &key, &uid, tag), Ok(record));
        let mut bent = *sealed.expose();
        bent[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Record::open(&Secret::new(bent), &key, &uid, tag).is_err());
    }

    /// R62: whatever a line says, and in whatever pieces.
    #[test]
    fn no_line_keeps_an_encoder_or_makes_it_panic(pieces in vec(stream(), 0..60)) {
        let desk = Desk::new(Model::Pn532, &[]);
        let babble = || Box::new(Babble { pieces: Mutex::new(pieces.clone()), time: desk.time.clone() });
        speak(&mut Pn532::new(babble(), desk.timer()), &desk);
        speak(&mut Pn532::behind_bridge(babble(), desk.timer()), &desk);
        speak(&mut StrongLink::new(babble(), desk.timer()), &desk);
        speak(&mut Rrhfoem04::new(babble(), desk.timer()), &desk);
        speak(&mut Pcsc::new(babble()), &desk);
    }
}

/// A corpus that is kept: seeds by hand, and what a fuzzer found worth keeping.
#[test]
fn the_kept_corpus_upsets_no_parser() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for (folder, play) in [
        ("pn532", parsers::pn532 as fn(&[u8])),
        ("readers", parsers::readers),
        ("card", parsers::card),
        ("wiegand", parsers::wiegand),
    ] {
        let mut played = 0;
        for file in std::fs::read_dir(corpus.join(folder)).unwrap() {
            play(&std::fs::read(file.unwrap().path()).unwrap());
            played += 1;
        }
        assert!(played >= 4, "{folder}: {played} files");
    }
}
