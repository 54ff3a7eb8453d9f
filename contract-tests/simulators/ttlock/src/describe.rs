//! The HTTP face in OpenAPI 3.1, written from the table of paths.
//!
//! Every field travels as text, and the application answers HTTP 200 whatever stands in it (VENDOR: section 2), so
//! the schemas of fields are plain strings: what a field should hold is told in words.

use serde_json::{Map, Value, json};

use crate::route::{Field, Gate, Kind, Route, Shape, Verbs, all};

/// The members whose shape changes from answer to answer (VENDOR: section 2.2).
const LOOSE: &[&str] = &[
    "lockId",
    "keyId",
    "keyboardPwdId",
    "cardId",
    "gatewayId",
    "recordId",
    "isOnline",
    "isCustom",
    "keyboardPwdType",
];

/// The members that are text.
const TEXT: &[&str] = &[
    "access_token",
    "refresh_token",
    "username",
    "keyName",
    "keyStatus",
    "senderUsername",
    "remarks",
    "lockData",
    "userType",
    "lockName",
    "lockAlias",
    "lockMac",
    "featureValue",
    "groupName",
    "noKeyPwd",
    "modelNum",
    "hardwareRevision",
    "firmwareRevision",
    "keyboardPwd",
    "keyboardPwdName",
    "cardNumber",
    "cardName",
    "adminPwd",
    "lockKey",
    "aesKeyStr",
    "gatewayMac",
    "gatewayName",
    "networkName",
    "networkMac",
    "link",
    "wifiMac",
];

/// The whole document.
pub(crate) fn openapi() -> Value {
    let paths: Map<String, Value> = all().iter().map(|route| (route.path.to_owned(), path(route))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "TTLock cloud, simulated",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every path answers HTTP 200 with JSON, also to what it refuses: then `errcode` is there \
                            and not 0. Fields stand in the query, in the form, or in both; each at most once.",
        },
        "paths": paths,
        "components": { "schemas": { "Refusal": refusal() }, "responses": { "Edge": edge() } },
    })
}

fn refusal() -> Value {
    json!({
        "type": "object",
        "required": ["errcode", "errmsg"],
        "properties": {
            "errcode": { "type": "integer", "not": { "const": 0 } },
            "errmsg": { "type": "string" },
            "description": { "type": "string" },
        },
        "additionalProperties": false,
    })
}

fn edge() -> Value {
    json!({
        "description": "Refused before the application saw it.",
        "content": { "text/html": { "schema": { "type": "string" } } },
    })
}

fn path(route: &Route) -> Value {
    let mut methods = Map::new();
    if route.verbs == Verbs::GetOrPost {
        let parameters: Vec<Value> = fields(route).iter().map(parameter).collect();
        methods.insert("get".into(), operation(route, "get", json!({ "parameters": parameters })));
    }
    let properties: Map<String, Value> =
        fields(route).iter().map(|field| (field.name.to_owned(), schema(field))).collect();
    let form = json!({
        "requestBody": {
            "content": {
                "application/x-www-form-urlencoded": { "schema": { "type": "object", "properties": properties } },
            },
        },
    });
    methods.insert("post".into(), operation(route, "post", form));
    Value::Object(methods)
}

fn operation(route: &Route, method: &str, mut operation: Value) -> Value {
    let edge_response = json!({ "$ref": "#/components/responses/Edge" });
    let about = json!({
        "operationId": format!("{method}{}", route.path.replace('/', "_")),
        "summary": format!("Section {} of the vendor page", route.section),
        "responses": {
            "200": {
                "description": "The answer, or a refusal by number.",
                "content": {
                    "application/json": {
                        "schema": { "anyOf": [answer(route.shape), { "$ref": "#/components/schemas/Refusal" }] },
                    },
                },
            },
            "400": edge_response,
            "405": edge_response,
            "413": edge_response,
            "415": edge_response,
            "422": edge_response,
        },
    });
    if let (Some(operation), Value::Object(about)) = (operation.as_object_mut(), about) {
        operation.extend(about);
    }
    operation
}

/// The common fields a gate asks for, and those of the path.
fn fields(route: &Route) -> Vec<Field> {
    let common: &[(&str, Kind)] = match route.gate {
        Gate::Grant | Gate::Console => &[("clientId", Kind::Text), ("clientSecret", Kind::Text)],
        Gate::Secret => &[("clientId", Kind::Text), ("clientSecret", Kind::Text), ("date", Kind::Millis)],
        Gate::Token => &[("clientId", Kind::Text), ("accessToken", Kind::Text), ("date", Kind::Millis)],
    };
    let common = common.iter().map(|(name, kind)| Field { name, kind: *kind, is_required: true });
    common.chain(route.fields.iter().copied()).collect()
}

fn parameter(field: &Field) -> Value {
    json!({ "name": field.name, "in": "query", "schema": schema(field) })
}

fn schema(field: &Field) -> Value {
    let kind = match field.kind {
        Kind::Int => "A whole number in decimal digits",
        Kind::Millis => "Milliseconds since 1970 UTC in decimal digits",
        Kind::Text => "Text",
        Kind::Json => "JSON text",
    };
    let need = if field.is_required { "refused with -3 when it is missing" } else { "may be missing" };
    json!({ "type": "string", "description": format!("{kind}; {need}.") })
}

fn answer(shape: Shape) -> Value {
    match shape {
        Shape::Ack => json!({
            "type": "object",
            "required": ["errcode", "errmsg"],
            "properties": {
                "errcode": { "const": 0 },
                "errmsg": { "type": "string" },
                "description": { "type": "string" },
            },
            "additionalProperties": false,
        }),
        Shape::Object(members) => object(members),
        Shape::List(members) => json!({
            "type": "object",
            "required": ["list"],
            "properties": { "list": { "type": "array", "items": object(members) } },
            "not": { "required": ["errcode"] },
        }),
        Shape::Page(members) => json!({
            "type": "object",
            "required": ["list", "pageNo", "pageSize", "pages", "total"],
            "properties": {
                "list": { "type": "array", "items": object(members) },
                "pageNo": { "type": "integer", "minimum": 1 },
                "pageSize": { "type": "integer", "minimum": 1, "maximum": 1000 },
                "pages": { "type": "integer", "minimum": 0 },
                "total": { "type": "integer", "minimum": 0 },
            },
            "not": { "required": ["errcode"] },
        }),
    }
}

/// An object that holds at least these members; `errcode` 0 and its text come and go.
fn object(members: &[&str]) -> Value {
    let mut properties: Map<String, Value> =
        members.iter().map(|name| ((*name).to_owned(), member(name))).collect();
    properties.insert("errcode".into(), json!({ "const": 0 }));
    json!({ "type": "object", "required": members, "properties": properties })
}

fn member(name: &str) -> Value {
    if LOOSE.contains(&name) {
        json!({ "type": ["integer", "string", "boolean"] })
    } else if TEXT.contains(&name) {
        json!({ "type": "string" })
    } else {
        json!({ "type": "integer" })
    }
}
