//! A schema that was released may gain members that need not be there, and nothing else (R226): whatever else changes comes as a
//! new subject, `.v2`, beside the old one.

use serde_json::{Map, Value, json};

use crate::events::committed;

/// What a reader is told and a validator ignores.
const ANNOTATIONS: [&str; 6] = ["$comment", "$id", "$schema", "description", "examples", "title"];

/// What in `now` breaks somebody who relied on `before`; each with the place.
fn breaks(before: &Value, now: &Value, at: &str) -> Vec<String> {
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return if before == now { Vec::new() } else { vec![format!("{at}: changed")] };
    };
    let mut found = Vec::new();
    let keywords = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
    for keyword in keywords.filter(|keyword| !ANNOTATIONS.contains(&&***keyword)) {
        let at = format!("{at}/{keyword}");
        match (&**keyword, before.get(keyword), now.get(keyword)) {
            ("properties", Some(Value::Object(before)), Some(Value::Object(now))) => {
                found.extend(in_members(before, now, &at));
            }
            ("required", Some(Value::Array(before)), Some(Value::Array(now))) => {
                let differs = before.len() != now.len() || before.iter().any(|name| !now.contains(name));
                found.extend(differs.then(|| format!("{at}: changed")));
            }
            ("items", Some(before), Some(now)) => found.extend(breaks(before, now, &at)),
            (_, before, now) => found.extend((before != now).then(|| format!("{at}: changed"))),
        }
    }
    found
}

fn in_members(before: &Map<String, Value>, now: &Map<String, Value>, at: &str) -> Vec<String> {
    let of_member = |(name, before): (&String, &Value)| match now.get(name) {
        None => vec![format!("{at}/{name}: gone")],
        Some(now) => breaks(before, now, &format!("{at}/{name}")),
    };
    before.iter().flat_map(of_member).collect()
}

/// R226: what is published now serves whoever relies on the last release (`schemas/released`), subject by subject.
#[test]
fn nothing_that_was_released_is_broken() {
    let (released, now) = (committed("schemas/released"), committed("schemas"));
    assert!(!released.is_empty());
    for (name, before) in released {
        let schema = now.get(&name).unwrap_or_else(|| panic!("{name} is no longer published"));
        let broken = breaks(&before, schema, &name);
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// A way to spoil a schema.
type Bend<'a> = Box<dyn Fn(&mut Value) + 'a>;

/// The check itself: it lets through what is additive and names everything else, on every schema.
#[test]
fn only_a_new_member_that_need_not_be_there_is_let_through() {
    for (name, schema) in committed("schemas") {
        let bent = |bend: &dyn Fn(&mut Value)| {
            let mut bent = schema.clone();
            bend(&mut bent);
            assert_ne!(bent, schema, "{name}: not bent");
            breaks(&schema, &bent, &name)
        };
        let member = schema["required"][0].as_str().unwrap();
        let optional = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .find(|name| !schema["required"].as_array().unwrap().contains(&json!(name)));
        let additive: [&dyn Fn(&mut Value); 3] = [
            &|schema| schema["properties"]["more"] = json!({ "type": "string" }),
            &|schema| schema["description"] = json!("in other words"),
            &|schema| schema["properties"][member]["description"] = json!("in other words"),
        ];
        for bend in additive {
            assert_eq!(bent(bend), [""; 0]);
        }
        let mut breaking: Vec<Bend<'_>> = vec![
            Box::new(|schema| drop(schema["properties"].as_object_mut().unwrap().remove(member))),
            Box::new(|schema| {
                let members = schema["properties"].as_object_mut().unwrap();
                let moved = members.remove(member).unwrap();
                members.insert("renamed".to_owned(), moved);
            }),
            Box::new(|schema| schema["required"].as_array_mut().unwrap().push(json!("more"))),
            Box::new(|schema| drop(schema["required"].as_array_mut().unwrap().remove(0))),
            Box::new(|schema| schema["properties"][member]["maxLength"] = json!(3)),
            Box::new(|schema| schema["properties"][member]["type"] = json!("integer")),
            Box::new(|schema| schema["additionalProperties"] = json!(false)),
            Box::new(|schema| drop(schema.as_object_mut().unwrap().remove("type"))),
        ];
        if let Some(optional) = optional {
            let optional = optional.clone();
            breaking.push(Box::new(move |schema| {
                schema["required"].as_array_mut().unwrap().push(json!(optional));
            }));
        }
        for (nth, bend) in breaking.iter().enumerate() {
            assert_ne!(bent(&**bend), [""; 0], "{name}: bend {nth} was let through");
        }
    }
    // Deep inside, and in lists.
    let deep = |items: Value| json!({ "properties": { "a": { "items": { "properties": { "b": items } } } } });
    let narrowed = breaks(&deep(json!({ "enum": [1, 2] })), &deep(json!({ "enum": [1] })), "s");
    assert_eq!(narrowed, ["s/properties/a/items/properties/b/enum: changed"]);
    let widened = breaks(&deep(json!({ "enum": [1] })), &deep(json!({ "enum": [1, 2] })), "s");
    assert_eq!(widened.len(), 1, "a reader that knows the words would meet one it does not");
}
