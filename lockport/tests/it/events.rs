//! What leaves for the bus: events that their schemas describe (R207 to R213, R218, R226), each once for a change (R70), in order,
//! to one process at a time, and nothing that must not be in one (R194, R227).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use jsonschema::Validator;
use lockport::event::{CONSUMED, Envelope, Kept, Published, RetentionPolicy, schema};
use serde_json::{Value, json};

/// The committed schemas by the name of their file, without `.json`.
pub(crate) fn committed(folder: &str) -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect()
}

/// As the schema, with no room for members it does not know.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            members.values_mut().for_each(|value| *value = closed(value.take()));
            let is_object = members.get("type").is_some_and(|kind| kind == "object");
            if is_object && members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = closed(value.take())),
        _ => {}
    }
    schema
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

/// Holds an event against the committed schemas: the envelope's and its subject's, with every member named there.
pub(crate) fn check(event: &Envelope) {
    static CLOSED: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    let validators = CLOSED.get_or_init(|| {
        committed("schemas").into_iter().map(|(name, schema)| (name, validator(&closed(schema)))).collect()
    });
    let judge = |name: &str, value: &Value| {
        let faults: Vec<String> =
            validators[name].iter_errors(value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}\n{value:#}");
    };
    judge(schema::ENVELOPE, &serde_json::to_value(event).unwrap());
    let name = event.subject.strip_prefix("melmastoon.lock.").unwrap();
    let url = format!("https://schemas.melmastoon.ghasi.io/lock/{name}.json");
    assert_eq!(event.schema_url.as_deref(), Some(&*url));
    judge(name, &event.data);
}

/// R226: what is committed is what the types say, one schema a subject and the envelope's. `LOCKPORT_WRITE_SCHEMAS=1` writes them.
#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let generated: BTreeMap<String, Value> =
        schema::all().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    assert_eq!(generated.len(), Published::ALL.len() + 1);
    if std::env::var_os("LOCKPORT_WRITE_SCHEMAS").is_some() {
        for (name, schema) in &generated {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.json"));
            fs::write(path, format!("{schema:#}\n")).unwrap();
        }
    }
    let committed = committed("schemas");
    let names = |schemas: &BTreeMap<String, Value>| schemas.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated));
    for (name, schema) in &generated {
        assert_eq!(&committed[name], schema, "{name}: write it anew with LOCKPORT_WRITE_SCHEMAS=1");
    }
}

/// Every schema is one, and says where it is published.
#[test]
fn a_schema_is_named_as_it_is_published() {
    for (name, schema) in committed("schemas") {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$id"], json!(format!("https://schemas.melmastoon.ghasi.io/lock/{name}.json")));
    }
}

/// R225: what the page on events says of each subject is what the code says, and it names no other.
#[test]
fn the_table_of_subjects_is_that_of_the_code() {
    let page = include_str!("../../schemas/README.md");
    let policy = RetentionPolicy::default();
    let published = Published::ALL.map(|what| {
        let kept = match policy.sink(what.class()) {
            Kept::Days(days) => format!("{days} days"),
            Kept::Years(years) => format!("{years} years"),
        };
        let (subject, name, class) = (what.subject(), what.name(), what.class().as_str());
        let anchored = if what.is_anchored() { "yes" } else { "no" };
        format!("| [`{subject}`]({name}.json) | {class} | {kept} | {anchored} |")
    });
    let consumed = CONSUMED.map(|(subject, what)| format!("| `{subject}` | {what} |"));
    let rows: Vec<&str> =
        page.lines().filter(|line| line.contains("`melmastoon.") && line.starts_with('|')).collect();
    let wanted: Vec<&str> = published.iter().chain(&consumed).map(String::as_str).collect();
    assert_eq!(rows, wanted);
}

/// The samples of 004 section 2, with ids in full, are what the schemas describe.
#[test]
fn the_platforms_own_samples_are_valid() {
    let samples: BTreeMap<String, Value> = serde_json::from_str(include_str!("events_samples.json")).unwrap();
    let schemas = committed("schemas");
    assert_eq!(samples.len(), 21);
    for (name, sample) in samples {
        let validator = validator(&closed(schemas[&name].clone()));
        let faults: Vec<String> = validator.iter_errors(&sample).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        // Without any one of its members that the schema asks for it is not, and with a vendor's reference the closed one is not.
        for member in schemas[&name]["required"].as_array().unwrap() {
            let mut torn = sample.clone();
            torn.as_object_mut().unwrap().remove(member.as_str().unwrap()).unwrap();
            assert!(!validator.is_valid(&torn), "{name} without {member}");
        }
        let mut leaky = sample;
        leaky["vendorRef"] = json!("ekey-1");
        assert!(!validator.is_valid(&leaky), "{name}");
    }
}
