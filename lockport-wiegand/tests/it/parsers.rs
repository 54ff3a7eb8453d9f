//! What holds for every parser, whatever bytes it is given. Played over drawn bytes, over a kept corpus, and by the fuzzer.

use lockport::Secret;
use lockport_wiegand::codec::access::AccessBits;
use lockport_wiegand::codec::key::PropertyKey;
use lockport_wiegand::codec::record::{PropertyTag, RECORD_LEN, Record, blocks, of_blocks};
use lockport_wiegand::codec::wiegand::{Bits, FORMATS, from_block, to_block};
use lockport_wiegand::codec::{bridge, ndef, pcsc, pn532, rrhfoem04, stronglink};
use lockport_wiegand::encoder::Uid;

/// Everything that a stream says when it comes in these pieces; the parser never goes back, and always gets on.
fn heard(pieces: &[&[u8]], parse: impl Fn(&[u8]) -> (usize, Option<String>)) -> Vec<String> {
    let (mut buffer, mut said) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let (used, part) = parse(&buffer);
            assert!(used <= buffer.len());
            buffer.drain(..used);
            match part {
                Some(part) => {
                    assert!(used > 0);
                    said.push(part);
                }
                None => break,
            }
        }
    }
    said
}

/// A stream means the same however it is cut into reads.
fn means_the_same_in_pieces(stream: &[u8], parse: impl Fn(&[u8]) -> (usize, Option<String>) + Copy) {
    let whole = heard(&[stream], parse);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(heard(&bytes, parse), whole);
    let sevens: Vec<&[u8]> = stream.chunks(7).collect();
    assert_eq!(heard(&sevens, parse), whole);
}

/// The PN532's stream, and its answers' data.
pub(crate) fn pn532(stream: &[u8]) {
    means_the_same_in_pieces(stream, |bytes| {
        let parsed = pn532::parse(bytes);
        let told = parsed.part.map(|part| match part {
            pn532::Part::Answer { command, data } => format!("{command} {data:?}"),
            other => format!("{other:?}"),
        });
        (parsed.used, told)
    });
    let _firmware = pn532::Firmware::parse(stream);
    if let Some(listed) = pn532::targets(stream) {
        let most = listed.iter().flatten().map(|listed| listed.uid.len() + listed.ats.len()).sum::<usize>();
        assert!(most < stream.len());
    }
    if let Some(bytes) = bridge::content(stream) {
        assert!(bytes.len() <= bridge::MOST);
    }
    let carried: Vec<u8> = bridge::reports(stream)
        .flat_map(|report| bridge::content(&report.expose()[1..]).unwrap_or_default().to_vec())
        .collect();
    assert_eq!(carried, stream);
}

/// The StrongLink's stream, the RRHFOEM04's reports, and what a reader behind PC/SC answers.
pub(crate) fn readers(stream: &[u8]) {
    means_the_same_in_pieces(stream, |bytes| {
        let parsed = stronglink::parse(bytes);
        let told = parsed.part.map(|part| match part {
            stronglink::Part::Answer { command, status, data } => format!("{command} {status} {data:?}"),
            other @ stronglink::Part::Broken(_) => format!("{other:?}"),
        });
        (parsed.used, told)
    });
    let _selected = stronglink::selected(stream);
    let _inventory = rrhfoem04::inventory(stream);
    if let Ok(response) = rrhfoem04::parse(stream) {
        assert!(response.data.len() + 7 <= stream.len());
    }
    if let Some(response) = pcsc::parse(stream) {
        assert_eq!([response.data, &response.status.to_be_bytes()].concat(), stream);
    }
    let _card = pcsc::card_name(stream);
}

/// What stands on a card.
pub(crate) fn card(memory: &[u8]) {
    let _message = ndef::unwrap(memory);
    if let Some(bytes) = memory.first_chunk::<3>()
        && let Some(bits) = AccessBits::parse(*bytes)
    {
        assert!(bits.conditions().iter().all(|condition| condition.bits() < 8));
    }
    if let Some(block) = memory.first_chunk::<16>()
        && let Some(bits) = from_block(*block)
    {
        assert_eq!(to_block(bits), *block);
    }
    if let Some(bytes) = memory.first_chunk::<RECORD_LEN>() {
        let (record, key) = (Secret::new(*bytes), PropertyKey::new(Secret::new([7; 16])));
        let tag = PropertyTag::of("tnt_demo", "prp_demo");
        for uid in [[1, 2, 3, 4].as_slice(), &[1, 2, 3, 4, 5, 6, 7]].into_iter().filter_map(Uid::new) {
            if let Ok(opened) = Record::open(&record, &key, &uid, tag) {
                assert_eq!(opened.seal(&key, &uid).expose(), bytes);
            }
        }
        assert_eq!(of_blocks(&blocks(&record)).expose(), bytes);
        assert_eq!(ndef::unwrap(ndef::wrap(&record).expose()).map(|found| *found.expose()), Some(*bytes));
    }
}

/// Wiegand bits of every length, read as every format: what is read is written back, but for the bits that no field owns.
pub(crate) fn wiegand(bytes: &[u8]) {
    let Some((len, rest)) = bytes.split_first() else { return };
    let number = rest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let len = len % (Bits::MOST + 1);
    let Some(bits) = Bits::of(number & ((1_u64 << len) - 1), len) else { panic!("{len} bits of {number}") };
    assert_eq!(bits.to_string().parse(), Ok(bits));
    assert_eq!(from_block(to_block(bits)), Some(bits));
    for format in FORMATS {
        if let Ok(fields) = format.decode(bits) {
            let again = format.encode(&fields).map(|again| format.decode(again));
            assert_eq!(again, Ok(Ok(fields)), "{}", format.id());
        }
    }
}
