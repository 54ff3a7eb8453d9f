//! The description of the HTTP face.

use std::collections::BTreeSet;

use lockport_sim_ttlock::TtlockSim;
use serde_json::Value;

use crate::client::{Scene, exchange};

/// Run with `WRITE_OPENAPI=1` to write the file anew.
#[test]
fn the_committed_description_is_the_served_one() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let written = format!("{:#}\n", TtlockSim::openapi());
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(file, &written).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), written);
}

#[tokio::test]
async fn it_is_served_and_names_every_field_an_operation_takes() {
    let scene = Scene::new().await;
    let served = exchange(scene.sim.base_url(), "GET", "/openapi.json", None, "").await.unwrap();
    let served: Value = serde_json::from_str(&served.body).unwrap();
    assert_eq!(served, TtlockSim::openapi());
    let mut named = BTreeSet::new();
    for path in served["paths"].as_object().unwrap().values() {
        let form = &path["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"];
        named.extend(form["schema"]["properties"].as_object().unwrap().keys().cloned());
    }
    // Every name an operation asks its fields for, as it stands in the source.
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut asked = BTreeSet::new();
    for file in std::fs::read_dir(source).unwrap() {
        let path = file.unwrap().path();
        if !["account", "card", "ekey", "gateway", "lock", "passcode", "record", "remote"]
            .iter()
            .any(|name| path.file_stem().is_some_and(|stem| stem == *name))
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for asking in [
            "fields.int(\"",
            "fields.text(\"",
            "fields.optional(\"",
            "fields.optional_int(\"",
            "fields.choice(\"",
            "By::read(fields, \"",
            "By::read(&call.fields, \"",
        ] {
            asked.extend(text.split(asking).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    assert!(asked.len() > 30, "{asked:?}");
    let unnamed: Vec<&String> = asked.difference(&named).collect();
    assert!(unnamed.is_empty(), "not in the description: {unnamed:?}");
}
