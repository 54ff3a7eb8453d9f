//! The golden vectors of this project, played as anybody's are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use lockport_contract::{VectorsError, play_vectors};
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../lockport-wiegand/tests/vectors/wiegand.json");
const OURS: &str = include_str!("../../../lockport-wiegand/tests/vectors/wiegand_more.json");

/// Every case of both files is met, and none is passed over.
#[test]
fn the_encoder_codecs_meet_every_vector() {
    for (file, least) in [(SAMPLE, 25), (OURS, 120)] {
        let report = play_vectors(file).unwrap();
        assert!(report.is_green() && report.skipped == 0, "{report}");
        assert!(report.passed >= least, "{report}");
    }
}

/// A file that says something else differs, case by case, whatever the case: a player that passes everything proves nothing.
#[test]
fn a_bent_vector_differs() {
    let bend = |value: &mut Value| match value {
        Value::String(text) => {
            let last = text.pop();
            text.push(if last == Some('0') { '1' } else { '0' });
        }
        Value::Number(number) => *value = json!(number.as_u64().unwrap() + 1),
        Value::Bool(flag) => *value = json!(!*flag),
        Value::Null => *value = json!("a"),
        Value::Array(items) => items.push(json!(0)),
        Value::Object(_) => unreachable!("members are bent one by one"),
    };
    for file in [SAMPLE, OURS] {
        let sound: Value = serde_json::from_str(file).unwrap();
        let mut bent = sound.clone();
        let mut count = 0;
        for case in bent.as_object_mut().unwrap().values_mut().filter_map(Value::as_array_mut).flatten() {
            let case = case.as_object_mut().unwrap();
            let wanted =
                ["expect", "expect_hex", "expect_write_hex"].iter().find(|key| case.contains_key(**key));
            let mut wanted = case.get_mut(*wanted.unwrap()).unwrap();
            count += 1;
            if let Some(wanted) = wanted.as_object_mut() {
                // Of a format without known parity nobody can say it.
                wanted.remove("parity_ok");
            }
            while wanted.is_object() {
                // Of several members the last: not the one that says which kind of answer is looked for.
                wanted = wanted.as_object_mut().unwrap().values_mut().next_back().unwrap();
            }
            bend(wanted);
        }
        let report = play_vectors(&bent.to_string()).unwrap();
        assert_eq!((report.passed, report.failed, report.skipped), (0, count, 0), "{report}");
        assert_eq!(report.lines().len(), count);
    }
}

/// Files for which this build has no codec are recognised, and each of their cases is named.
#[test]
fn other_files_are_recognised_and_skipped() {
    for file in [
        json!({ "schema": "ttlock-ble/1", "vectors": [{ "id": "crc-001", "kind": "crc8" }] }),
        json!({ "format": "lockport-salto-vectors/1", "sections": { "ship": [{ "id": "crc-001" }] } }),
        json!({ "vendor": "assa-abloy", "cases": [{ "id": "crc-001", "group": "oauth" }] }),
        json!({ "wiegand": [], "pn532_parse": [], "tea_leaves": [{ "id": "crc-001" }] }),
    ] {
        let report = play_vectors(&file.to_string()).unwrap();
        assert_eq!((report.passed, report.failed, report.skipped), (0, 0, 1), "{report}");
        assert!(!report.is_green() && report.to_string().starts_with("crc-001: skipped"), "{report}");
        assert!(report.to_string().ends_with("\n0 passed, 0 failed, 1 skipped"), "{report}");
    }
    assert!(matches!(play_vectors("{}"), Err(VectorsError::UnknownHead)));
    assert!(matches!(play_vectors("nonsense"), Err(VectorsError::Json(_))));
}
