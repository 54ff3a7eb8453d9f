//! Does what is to be counted by callgrind, each in a function that can be found by its name: keys issued at the mock, and the card
//! driver's codecs.

use std::hint::black_box;
use std::process::ExitCode;

use lockport::Secret;
use lockport::credential::IssueInput;
use lockport::driver::GrantOrder;
use lockport_bench::Trouble;
use lockport_bench::mock::{COUNTED, MockStand, WARM_UP};
use lockport_wiegand::codec::key::PropertyKey;
use lockport_wiegand::codec::pn532::{self, CardCommand, Command};
use lockport_wiegand::codec::record::{DoorNumbers, Flags, PropertyTag, RECORD_LEN, Record};
use lockport_wiegand::codec::rrhfoem04;
use lockport_wiegand::codec::wiegand::{Bits, Field, Fields, Format};
use lockport_wiegand::encoder::Uid;

#[inline(never)]
fn measured_issue(stand: &MockStand, input: IssueInput) -> Result<(), Trouble> {
    stand.issue(input)
}

#[inline(never)]
fn measured_grant(stand: &MockStand, order: &GrantOrder) -> Result<(), Trouble> {
    stand.grant(order)
}

#[inline(never)]
fn measured_wiegand_encode(format: &Format, fields: &Fields) -> Option<Bits> {
    format.encode(fields).ok()
}

#[inline(never)]
fn measured_wiegand_decode(format: &Format, bits: Bits) -> Option<Fields> {
    format.decode(bits).ok()
}

#[inline(never)]
fn measured_pn532_frame(command: &Command<'_>) -> Option<Secret<Vec<u8>>> {
    command.frame()
}

#[inline(never)]
fn measured_pn532_parse(heard: &[u8]) -> usize {
    pn532::parse(heard).used
}

#[inline(never)]
fn measured_record_sign(record: &Record, key: &PropertyKey, uid: &Uid) -> Secret<[u8; RECORD_LEN]> {
    record.seal(key, uid)
}

#[inline(never)]
fn measured_record_verify(
    bytes: &Secret<[u8; RECORD_LEN]>,
    key: &PropertyKey,
    uid: &Uid,
    tag: PropertyTag,
) -> Option<Record> {
    Record::open(bytes, key, uid, tag).ok()
}

#[inline(never)]
fn measured_report_build(command: &rrhfoem04::Command<'_>) -> Secret<Vec<u8>> {
    command.report()
}

#[inline(never)]
fn measured_report_parse(report: &[u8]) -> usize {
    rrhfoem04::parse(report).map_or(0, |response| response.data.len())
}

/// What the codecs work on: the examples of the page on encoders.
struct Examples {
    format: &'static Format,
    fields: Fields,
    bits: Bits,
    block: Secret<[u8; 16]>,
    key: PropertyKey,
    uid: Uid,
    tag: PropertyTag,
    record: Record,
    sealed: Secret<[u8; RECORD_LEN]>,
}

/// The answer to a read of a block: section 4.6.
const READ: [u8; 26] = [
    0x00, 0x00, 0xFF, 0x13, 0xED, 0xD5, 0x41, 0x00, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
    0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x72, 0x00,
];

/// An inventory that found a card: section 6.1.
const FOUND: [u8; 12] = [0x0A, 0x2F, 0x01, 0x00, 0x00, 0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xEE, 0x88];

impl Examples {
    fn new() -> Result<Self, Trouble> {
        let format = Format::of("C1k35s").ok_or("no such format")?;
        let fields = Fields::default().with(Field::FacilityCode, 2_047).with(Field::CardNumber, 7);
        let bits = format.encode(&fields)?;
        let key = PropertyKey::new(Secret::new([7; 16]));
        let uid = Uid::new(&[0xA1, 0xB2, 0xC3, 0xD4]).ok_or("no such number")?;
        let tag = PropertyTag::of("tnt_demo", "prp_demo");
        let record = Record::new(tag, 7, 1_767_268_800, 1_767_441_600)?;
        let doors = DoorNumbers::new(&[101, 204])?;
        let record = record.with_flags(Flags::OVERRIDE).with_doors(doors);
        let sealed = record.seal(&key, &uid);
        let block = Secret::new([0x55; 16]);
        Ok(Self { format, fields, bits, block, key, uid, tag, record, sealed })
    }

    /// Runs one codec once; whether there is one of this name, and it did what it is for.
    fn run(&self, name: &str) -> bool {
        match name {
            "wiegand_encode" => {
                measured_wiegand_encode(black_box(self.format), black_box(&self.fields)) == Some(self.bits)
            }
            "wiegand_decode" => {
                measured_wiegand_decode(black_box(self.format), black_box(self.bits)) == Some(self.fields)
            }
            "pn532_frame" => {
                let write = Command::InDataExchange(1, CardCommand::Write(9, &self.block));
                measured_pn532_frame(black_box(&write)).is_some()
            }
            // The last byte says nothing, so nobody waits for it.
            "pn532_parse" => measured_pn532_parse(black_box(&READ)) >= READ.len().saturating_sub(1),
            "record_sign" => {
                let signed = measured_record_sign(black_box(&self.record), &self.key, &self.uid);
                // EXPOSE: of a bench's own card.
                signed.expose() == self.sealed.expose()
            }
            "record_verify" => {
                let sealed = black_box(&self.sealed);
                measured_record_verify(sealed, &self.key, &self.uid, self.tag).as_ref() == Some(&self.record)
            }
            "report_build" => {
                let write = rrhfoem04::Command::Write(9, &self.block);
                // EXPOSE: only its length.
                measured_report_build(black_box(&write)).expose().len() >= rrhfoem04::WRITTEN_LEN
            }
            "report_parse" => measured_report_parse(black_box(&FOUND)) == 5,
            _ => false,
        }
    }
}

fn main() -> Result<ExitCode, Trouble> {
    let warm_up = usize::try_from(WARM_UP)?;
    match std::env::args().nth(1).as_deref() {
        Some("issue") => {
            let stand = MockStand::new()?;
            let mut inputs = stand.inputs()?.into_iter();
            inputs.by_ref().take(warm_up).try_for_each(|input| stand.issue(input))?;
            inputs.try_for_each(|input| measured_issue(&stand, input))?;
        }
        Some("grant") => {
            let stand = MockStand::new()?;
            let orders = stand.orders()?;
            let mut orders = orders.iter().take(stand.inputs()?.len());
            orders.by_ref().take(warm_up).try_for_each(|order| stand.grant(order))?;
            orders.try_for_each(|order| measured_grant(&stand, order))?;
        }
        Some(codec) => {
            let examples = Examples::new()?;
            if !(0..COUNTED).all(|_| examples.run(codec)) {
                return Ok(ExitCode::from(2));
            }
        }
        None => return Ok(ExitCode::from(2)),
    }
    Ok(ExitCode::SUCCESS)
}
