//! Wiegand formats (section 2.2), as the panel behind a reader decodes them.

/// Fields, fixed bits and parity of a format, in the notation of the table: positions with the most significant first.
struct Row {
    id: &'static str,
    bits: usize,
    fields: &'static str,
    fixed: &'static str,
    parity: &'static str,
}

const fn row(
    id: &'static str,
    bits: usize,
    fields: &'static str,
    fixed: &'static str,
    parity: &'static str,
) -> Row {
    Row { id, bits, fields, fixed, parity }
}

const TABLE: &[Row] = &[
    row("H10301", 26, "fc 1..8; cn 9..24", "", "0 even 1..12; 25 odd 13..24"),
    row("ind26", 26, "fc 1..12; cn 13..24", "", "0 even 1..12; 25 odd 13..24"),
    row("ind27", 27, "fc 0..12; cn 13..26", "", ""),
    row(
        "indasc27",
        27,
        "fc 9,4,6,5,0,7,19,8,10,16,24,12,22; cn 26,1,3,15,14,17,20,13,25,2,18,21,11,23",
        "",
        "",
    ),
    row(
        "Tecom27",
        27,
        "fc 15,19,24,23,22,18,6,10,14,3,2; cn 0,1,13,12,9,26,20,16,17,21,25,7,8,11,4,5",
        "",
        "",
    ),
    row(
        "2804W",
        28,
        "fc 4..11; cn 12..26",
        "",
        "2 odd 4,5,7,8,10,11,13,14,16,17,19,20,22,23,25,26; 0 even 1..13; 27 odd 0..26",
    ),
    row("ind29", 29, "fc 0..12; cn 13..28", "", ""),
    row("ATSW30", 30, "fc 1..12; cn 13..28", "", "0 even 1..12; 29 odd 13..28"),
    row("Kantech", 32, "fc 7..14; cn 15..30", "", ""),
    row("WIE32", 32, "fc 4..15; cn 16..31", "", ""),
    row("Kastle", 32, "il 2..6; fc 7..14; cn 15..30", "1 1", "0 even 1..16; 31 odd 14..30"),
    row("D10202", 33, "fc 1..7; cn 8..31", "", "0 even 1..16; 32 odd 16..31"),
    row("H10306", 34, "fc 1..16; cn 17..32", "", "0 even 1..16; 33 odd 17..32"),
    row("N10002", 34, "fc 1..16; cn 17..32", "", "0 even 1..16; 33 odd 17..32"),
    row("BQT34", 34, "fc 1..8; cn 9..32", "", "0 even 1..16; 33 odd 17..32"),
    row(
        "C1k35s",
        35,
        "fc 2..13; cn 14..33",
        "",
        "1 even 2,3,5,6,8,9,11,12,14,15,17,18,20,21,23,24,26,27,29,30,32,33; 34 odd 1,2,4,5,7,8,10,11,13,14,16,17,19,20,22,23,25,26,28,29,31,32; 0 odd 1..34",
    ),
    row(
        "Sie36",
        36,
        "fc 1..18; cn 19..34",
        "",
        "0 odd 1,3,4,6,7,9,10,12,13,15,16,18,19,21,22,24,25,27,28,30,31,33,34; 35 even 1,2,4,5,7,8,10,11,13,14,16,17,19,20,22,23,25,26,28,29,31,32,34",
    ),
    row("C15001", 36, "oem 1..10; fc 11..18; cn 19..34", "", "0 even 1..17; 35 odd 18..34"),
    row("S12906", 36, "fc 1..8; il 9,10; cn 11..34", "", "0 odd 1..17; 35 odd 17..34"),
    row("H10302", 37, "cn 1..35", "", "0 even 1..18; 36 odd 18..35"),
    row("H10304", 37, "fc 1..16; cn 17..35", "", "0 even 1..18; 36 odd 18..35"),
    row("MDI37", 37, "fc 3..6; cn 7..35", "", "0 even 1..18; 36 odd 18..35"),
    row("BQT38", 38, "cn 1..19; il 20..23; fc 24..36", "", "0 even 1..18; 37 odd 19..36"),
    row("ISCS", 38, "oem 1..4; fc 5..14; cn 15..36", "", "0 even 1..18; 37 odd 19..36"),
    row("PW39", 39, "fc 1..17; cn 18..37", "", "0 even 1..18; 38 odd 19..37"),
    row("Casi40", 40, "cn 1..38", "", ""),
    row("Verkada40", 40, "fc 1..10; cn 11..38", "", "0 even 1..10; 39 even 11..38"),
    row("BC40", 40, "oem 0..6; fc 7..18; cn 19..37", "", "39 odd 19..37"),
    row("H800002", 46, "fc 1..14; cn 15..44", "", "0 even 1..44; 45 odd 1..44"),
    row(
        "C1k48s",
        48,
        "fc 2..23; cn 24..46",
        "",
        "1 even 3,4,6,7,9,10,12,13,15,16,18,19,21,22,24,25,27,28,30,31,33,34,36,37,39,40,42,43,45,46; 47 odd 2,3,5,6,8,9,11,12,14,15,17,18,20,21,23,24,26,27,29,30,32,33,35,36,38,39,41,42,44,45; 0 odd 1..47",
    ),
    row("Avig56", 56, "fc 1..20; cn 21..54", "", "0 even 1..27; 55 odd 28..54"),
    row("IR56", 56, "fc 0..23; cn 24..55", "", ""),
    row("P10001", 40, "fc 4..15; cn 16..31", "1 0..3", "32 xor 0,8,16,24"),
];

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Frame {
    /// Facility or site code.
    pub(super) fc: Option<u64>,
    /// Card number.
    pub(super) cn: u64,
    /// Issue level.
    pub(super) il: Option<u64>,
    /// OEM or region code.
    pub(super) oem: Option<u64>,
    /// Whether the format has a parity that was checked.
    pub(super) parity_checked: bool,
}

/// Why bits are no frame of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FrameError {
    /// No format of this name is known.
    Format,
    /// Too many or too few bits.
    Length,
    /// A bit that never changes has changed.
    FixedBit,
    /// These parity positions are wrong.
    Parity(Vec<usize>),
}

/// `1..3,7` as 1, 2, 3, 7.
fn positions(list: &str) -> Vec<usize> {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    list.split(',')
        .flat_map(|part| match part.split_once("..") {
            Some((first, last)) => match (number(first), number(last)) {
                (Some(first), Some(last)) => (first..=last).collect(),
                _ => Vec::new(),
            },
            None => number(part).into_iter().collect(),
        })
        .collect()
}

/// The positions behind the first word of each clause.
fn clauses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|clause| clause.trim().split_once(' '))
}

/// Decodes a frame, position 0 first.
///
/// # Errors
/// [`FrameError`], in the page's order: length, fixed bits, parity.
pub(super) fn decode(format: &str, bits: &[bool]) -> Result<Frame, FrameError> {
    let row = TABLE.iter().find(|row| row.id == format).ok_or(FrameError::Format)?;
    if bits.len() != row.bits {
        return Err(FrameError::Length);
    }
    let bit = |position: &usize| bits.get(*position).copied().unwrap_or(false);
    for (value, places) in clauses(row.fixed) {
        if positions(places).iter().any(|place| bit(place) != (value == "1")) {
            return Err(FrameError::FixedBit);
        }
    }
    let mut wrong = Vec::new();
    let mut parity_checked = false;
    for clause in row.parity.split(';') {
        let mut words = clause.split_whitespace();
        let (Some(place), Some(kind), Some(list)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        parity_checked = true;
        if kind == "xor" {
            let byte =
                |first: usize| (first..first + 8).fold(0_u8, |byte, at| byte << 1 | u8::from(bit(&at)));
            let sum = positions(list).into_iter().fold(0, |sum, first| sum ^ byte(first));
            let first = positions(place).first().copied().unwrap_or(0);
            wrong.extend(
                (0..8).filter(|at| bit(&(first + at)) != (sum >> (7 - at) & 1 == 1)).map(|at| first + at),
            );
            continue;
        }
        for place in positions(place) {
            let ones = positions(list).iter().chain([&place]).filter(|at| bit(at)).count();
            if ones % 2 != usize::from(kind == "odd") {
                wrong.push(place);
            }
        }
    }
    if !wrong.is_empty() {
        return Err(FrameError::Parity(wrong));
    }
    let mut frame = Frame { parity_checked, ..Frame::default() };
    for (name, places) in clauses(row.fields) {
        let value = positions(places).iter().fold(0_u64, |value, at| value << 1 | u64::from(bit(at)));
        match name {
            "fc" => frame.fc = Some(value),
            "il" => frame.il = Some(value),
            "oem" => frame.oem = Some(value),
            _ => frame.cn = value,
        }
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::{FrameError, TABLE, decode, positions};

    fn bits(text: &str) -> Vec<bool> {
        text.chars().map(|bit| bit == '1').collect()
    }

    /// The worked examples of section 2.4.
    const EXAMPLES: [(&str, Option<u64>, u64, &str); 11] = [
        ("H10301", Some(18), 2025, "00001001000000111111010011"),
        ("H10306", Some(4660), 22136, "1000100100011010001010110011110001"),
        ("H10304", Some(1001), 50505, "1000000111110100100011000101010010010"),
        ("H10302", None, 1_234_567_890, "1000010010011001011000000010110100101"),
        ("C1k35s", Some(2047), 7, "11011111111111000000000000000001111"),
        ("C1k48s", Some(70000), 81, "110000010001000101110000000000000000000010100010"),
        ("ind26", Some(77), 3001, "00000010011011011101110011"),
        ("D10202", Some(64), 1_000_001, "110000000000111101000010010000011"),
        ("Casi40", None, 4095, "0000000000000000000000000001111111111110"),
        ("Kantech", Some(9), 513, "00000000000100100000010000000010"),
        ("P10001", Some(291), 17767, "1111000100100011010001010110011111110000"),
    ];

    #[test]
    fn the_page_s_examples_decode() {
        for (format, fc, cn, text) in EXAMPLES {
            let frame = decode(format, &bits(text)).unwrap();
            assert_eq!((frame.fc, frame.cn), (fc, cn), "{format}");
        }
    }

    #[test]
    fn one_flipped_bit_is_noticed_where_a_parity_or_a_fixed_bit_covers_it() {
        for (format, _, _, text) in EXAMPLES {
            let right = bits(text);
            let frame = decode(format, &right).unwrap();
            for at in 0..right.len() {
                let mut wrong = right.clone();
                wrong[at] = !wrong[at];
                assert_eq!(decode(format, &wrong).is_err(), frame.parity_checked, "{format} bit {at}");
            }
            assert_eq!(decode(format, &right[1..]), Err(FrameError::Length));
        }
    }

    #[test]
    fn every_row_of_the_table_is_whole() {
        for row in TABLE {
            let named = |text: &str| {
                text.split(';')
                    .flat_map(|clause| {
                        positions(clause.trim().split_once(' ').map_or("", |(_, places)| places))
                    })
                    .collect::<Vec<usize>>()
            };
            let mut fields = named(row.fields);
            assert!(fields.iter().all(|at| *at < row.bits), "{}", row.id);
            fields.sort_unstable();
            let count = fields.len();
            fields.dedup();
            assert_eq!(fields.len(), count, "{} uses a position twice", row.id);
        }
        assert_eq!(TABLE.len(), 33);
    }

    #[test]
    fn the_golden_vectors_decode() {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/wiegand.json")).unwrap();
        let mut judged = 0;
        for case in all["wiegand"].as_array().unwrap().iter().filter(|case| case["op"] == "decode") {
            let expect = &case["expect"];
            let decoded = decode(case["format"].as_str().unwrap(), &bits(case["bits"].as_str().unwrap()));
            match (decoded, expect["error"].as_str()) {
                (Ok(frame), None) => {
                    assert_eq!(frame.fc, expect["fields"]["fc"].as_u64(), "{}", case["id"]);
                    assert_eq!(Some(frame.cn), expect["fields"]["cn"].as_u64(), "{}", case["id"]);
                    assert_eq!(Some(frame.parity_checked), expect["parity_checked"].as_bool());
                }
                (Err(FrameError::Parity(wrong)), Some("parity")) => {
                    assert_eq!(serde_json::json!(wrong), expect["bad_parity_positions"], "{}", case["id"]);
                }
                (Err(FrameError::Length), Some("length"))
                | (Err(FrameError::FixedBit), Some("fixed_bit")) => {}
                (decoded, _) => panic!("{}: {decoded:?}", case["id"]),
            }
            judged += 1;
        }
        assert!(judged > 0);
    }
}
