//! THE table of formats (section 2.2; written again from the layouts, compared with RfidResearchGroup/proxmark3,
//! `client/src/wiegand_formats.c` at 1c8c3b78; H10301, H10302, H10304 also with what hidglobal.com publishes). Section 2.3 says which
//! formats are left out and why. The XOR byte of P10001 is written as the eight even parities that it is.

use super::Field::{CardNumber, FacilityCode, IssueLevel, Oem};
use super::Positions::{List, Run};
use super::Sense::{Even, Odd};
use super::{Format, Parity};

/// Every format that is spoken here. Length alone names none of them: it comes from the property's configuration.
pub static FORMATS: &[Format] = &[
    Format {
        id: "H10301",
        name: "HID 26-bit open",
        bits: 26,
        fields: &[(FacilityCode, Run(1, 8)), (CardNumber, Run(9, 24))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 12) },
            Parity { bit: 25, sense: Odd, over: Run(13, 24) },
        ],
    },
    Format {
        id: "ind26",
        name: "Indala 26",
        bits: 26,
        fields: &[(FacilityCode, Run(1, 12)), (CardNumber, Run(13, 24))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 12) },
            Parity { bit: 25, sense: Odd, over: Run(13, 24) },
        ],
    },
    Format {
        id: "ind27",
        name: "Indala 27",
        bits: 27,
        fields: &[(FacilityCode, Run(0, 12)), (CardNumber, Run(13, 26))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "indasc27",
        name: "Indala ASC 27 (scrambled)",
        bits: 27,
        fields: &[
            (FacilityCode, List(&[9, 4, 6, 5, 0, 7, 19, 8, 10, 16, 24, 12, 22])),
            (CardNumber, List(&[26, 1, 3, 15, 14, 17, 20, 13, 25, 2, 18, 21, 11, 23])),
        ],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "Tecom27",
        name: "Tecom 27 (scrambled)",
        bits: 27,
        fields: &[
            (FacilityCode, List(&[15, 19, 24, 23, 22, 18, 6, 10, 14, 3, 2])),
            (CardNumber, List(&[0, 1, 13, 12, 9, 26, 20, 16, 17, 21, 25, 7, 8, 11, 4, 5])),
        ],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "2804W",
        name: "2804 28",
        bits: 28,
        fields: &[(FacilityCode, Run(4, 11)), (CardNumber, Run(12, 26))],
        ones: &[],
        parity: &[
            Parity {
                bit: 2,
                sense: Odd,
                over: List(&[4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26]),
            },
            Parity { bit: 0, sense: Even, over: Run(1, 13) },
            Parity { bit: 27, sense: Odd, over: Run(0, 26) },
        ],
    },
    Format {
        id: "ind29",
        name: "Indala 29",
        bits: 29,
        fields: &[(FacilityCode, Run(0, 12)), (CardNumber, Run(13, 28))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "ATSW30",
        name: "ATS 30",
        bits: 30,
        fields: &[(FacilityCode, Run(1, 12)), (CardNumber, Run(13, 28))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 12) },
            Parity { bit: 29, sense: Odd, over: Run(13, 28) },
        ],
    },
    Format {
        id: "Kantech",
        name: "Indala/Kantech KFS 32",
        bits: 32,
        fields: &[(FacilityCode, Run(7, 14)), (CardNumber, Run(15, 30))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "WIE32",
        name: "Wiegand 32",
        bits: 32,
        fields: &[(FacilityCode, Run(4, 15)), (CardNumber, Run(16, 31))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "Kastle",
        name: "Kastle 32",
        bits: 32,
        fields: &[(IssueLevel, Run(2, 6)), (FacilityCode, Run(7, 14)), (CardNumber, Run(15, 30))],
        ones: &[1],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 16) },
            Parity { bit: 31, sense: Odd, over: Run(14, 30) },
        ],
    },
    Format {
        id: "D10202",
        name: "HID D10202 33",
        bits: 33,
        fields: &[(FacilityCode, Run(1, 7)), (CardNumber, Run(8, 31))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 16) },
            Parity { bit: 32, sense: Odd, over: Run(16, 31) },
        ],
    },
    Format {
        id: "H10306",
        name: "HID H10306 34",
        bits: 34,
        fields: &[(FacilityCode, Run(1, 16)), (CardNumber, Run(17, 32))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 16) },
            Parity { bit: 33, sense: Odd, over: Run(17, 32) },
        ],
    },
    Format {
        id: "N10002",
        name: "Honeywell/Northern 34",
        bits: 34,
        fields: &[(FacilityCode, Run(1, 16)), (CardNumber, Run(17, 32))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 16) },
            Parity { bit: 33, sense: Odd, over: Run(17, 32) },
        ],
    },
    Format {
        id: "BQT34",
        name: "BQT 34",
        bits: 34,
        fields: &[(FacilityCode, Run(1, 8)), (CardNumber, Run(9, 32))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 16) },
            Parity { bit: 33, sense: Odd, over: Run(17, 32) },
        ],
    },
    Format {
        id: "C1k35s",
        name: "HID Corporate 1000 35",
        bits: 35,
        fields: &[(FacilityCode, Run(2, 13)), (CardNumber, Run(14, 33))],
        ones: &[],
        parity: &[
            Parity {
                bit: 1,
                sense: Even,
                over: List(&[
                    2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32, 33,
                ]),
            },
            Parity {
                bit: 34,
                sense: Odd,
                over: List(&[
                    1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29, 31, 32,
                ]),
            },
            Parity { bit: 0, sense: Odd, over: Run(1, 34) },
        ],
    },
    Format {
        id: "Sie36",
        name: "Siemens 36",
        bits: 36,
        fields: &[(FacilityCode, Run(1, 18)), (CardNumber, Run(19, 34))],
        ones: &[],
        parity: &[
            Parity {
                bit: 0,
                sense: Odd,
                over: List(&[
                    1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22, 24, 25, 27, 28, 30, 31, 33, 34,
                ]),
            },
            Parity {
                bit: 35,
                sense: Even,
                over: List(&[
                    1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29, 31, 32, 34,
                ]),
            },
        ],
    },
    Format {
        id: "C15001",
        name: "Keyscan C15001 36",
        bits: 36,
        fields: &[(Oem, Run(1, 10)), (FacilityCode, Run(11, 18)), (CardNumber, Run(19, 34))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 17) },
            Parity { bit: 35, sense: Odd, over: Run(18, 34) },
        ],
    },
    Format {
        id: "S12906",
        name: "Simplex S12906 36",
        bits: 36,
        fields: &[(FacilityCode, Run(1, 8)), (IssueLevel, List(&[9, 10])), (CardNumber, Run(11, 34))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Odd, over: Run(1, 17) },
            Parity { bit: 35, sense: Odd, over: Run(17, 34) },
        ],
    },
    Format {
        id: "H10302",
        name: "HID 37, number only",
        bits: 37,
        fields: &[(CardNumber, Run(1, 35))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 36, sense: Odd, over: Run(18, 35) },
        ],
    },
    Format {
        id: "H10304",
        name: "HID 37, facility + number",
        bits: 37,
        fields: &[(FacilityCode, Run(1, 16)), (CardNumber, Run(17, 35))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 36, sense: Odd, over: Run(18, 35) },
        ],
    },
    Format {
        id: "MDI37",
        name: "PointGuard MDI 37",
        bits: 37,
        fields: &[(FacilityCode, Run(3, 6)), (CardNumber, Run(7, 35))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 36, sense: Odd, over: Run(18, 35) },
        ],
    },
    Format {
        id: "BQT38",
        name: "BQT 38",
        bits: 38,
        fields: &[(CardNumber, Run(1, 19)), (IssueLevel, Run(20, 23)), (FacilityCode, Run(24, 36))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 37, sense: Odd, over: Run(19, 36) },
        ],
    },
    Format {
        id: "ISCS",
        name: "ISCS 38",
        bits: 38,
        fields: &[(Oem, Run(1, 4)), (FacilityCode, Run(5, 14)), (CardNumber, Run(15, 36))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 37, sense: Odd, over: Run(19, 36) },
        ],
    },
    Format {
        id: "PW39",
        name: "Pyramid 39",
        bits: 39,
        fields: &[(FacilityCode, Run(1, 17)), (CardNumber, Run(18, 37))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 18) },
            Parity { bit: 38, sense: Odd, over: Run(19, 37) },
        ],
    },
    Format {
        id: "Casi40",
        name: "Casi-Rusco 40",
        bits: 40,
        fields: &[(CardNumber, Run(1, 38))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "Verkada40",
        name: "Verkada 40",
        bits: 40,
        fields: &[(FacilityCode, Run(1, 10)), (CardNumber, Run(11, 38))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 10) },
            Parity { bit: 39, sense: Even, over: Run(11, 38) },
        ],
    },
    Format {
        id: "BC40",
        name: "Bundy 40",
        bits: 40,
        fields: &[(Oem, Run(0, 6)), (FacilityCode, Run(7, 18)), (CardNumber, Run(19, 37))],
        ones: &[],
        parity: &[Parity { bit: 39, sense: Odd, over: Run(19, 37) }],
    },
    Format {
        id: "H800002",
        name: "HID H800002 46",
        bits: 46,
        fields: &[(FacilityCode, Run(1, 14)), (CardNumber, Run(15, 44))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 44) },
            Parity { bit: 45, sense: Odd, over: Run(1, 44) },
        ],
    },
    Format {
        id: "C1k48s",
        name: "HID Corporate 1000 48",
        bits: 48,
        fields: &[(FacilityCode, Run(2, 23)), (CardNumber, Run(24, 46))],
        ones: &[],
        parity: &[
            Parity {
                bit: 1,
                sense: Even,
                over: List(&[
                    3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22, 24, 25, 27, 28, 30, 31, 33, 34, 36,
                    37, 39, 40, 42, 43, 45, 46,
                ]),
            },
            Parity {
                bit: 47,
                sense: Odd,
                over: List(&[
                    2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30, 32, 33, 35, 36,
                    38, 39, 41, 42, 44, 45,
                ]),
            },
            Parity { bit: 0, sense: Odd, over: Run(1, 47) },
        ],
    },
    Format {
        id: "Avig56",
        name: "Avigilon 56",
        bits: 56,
        fields: &[(FacilityCode, Run(1, 20)), (CardNumber, Run(21, 54))],
        ones: &[],
        parity: &[
            Parity { bit: 0, sense: Even, over: Run(1, 27) },
            Parity { bit: 55, sense: Odd, over: Run(28, 54) },
        ],
    },
    Format {
        id: "IR56",
        name: "Inner Range 56",
        bits: 56,
        fields: &[(FacilityCode, Run(0, 23)), (CardNumber, Run(24, 55))],
        ones: &[],
        parity: &[],
    },
    Format {
        id: "P10001",
        name: "HID/Honeywell 40",
        bits: 40,
        fields: &[(FacilityCode, Run(4, 15)), (CardNumber, Run(16, 31))],
        ones: &[0, 1, 2, 3],
        parity: &[
            Parity { bit: 32, sense: Even, over: List(&[0, 8, 16, 24]) },
            Parity { bit: 33, sense: Even, over: List(&[1, 9, 17, 25]) },
            Parity { bit: 34, sense: Even, over: List(&[2, 10, 18, 26]) },
            Parity { bit: 35, sense: Even, over: List(&[3, 11, 19, 27]) },
            Parity { bit: 36, sense: Even, over: List(&[4, 12, 20, 28]) },
            Parity { bit: 37, sense: Even, over: List(&[5, 13, 21, 29]) },
            Parity { bit: 38, sense: Even, over: List(&[6, 14, 22, 30]) },
            Parity { bit: 39, sense: Even, over: List(&[7, 15, 23, 31]) },
        ],
    },
];
