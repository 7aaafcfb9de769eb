//! The JSON Schema: is it one, does it refuse what it must, and does `schema` print it?

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::Validator;
use kraft_check::exit::{EXITS, INTERRUPTED, TERMINATED};
use kraft_check::render::SCHEMA;
use kraft_check::stages::STAGES;
use serde_json::{Value, json};

use crate::tool::run;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    jsonschema::draft202012::new(&schema).expect("a schema")
});

/// Holds a document against the schema.
pub(crate) fn holds(document: &Value) {
    if let Err(error) = VALIDATOR.validate(document) {
        panic!("{error} at {} of {document}", error.instance_path());
    }
}

#[test]
fn the_schema_is_a_schema_and_is_printed() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    for format in ["", " -o json", " -o human"] {
        let ran = run(&format!("schema{format}"));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, SCHEMA, ""));
    }
}

#[test]
fn the_schema_knows_the_stages_and_every_way_to_end() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let stages: Vec<&str> = STAGES.iter().map(|stage| stage.id).collect();
    assert_eq!(schema.pointer("/$defs/stage/enum"), Some(&json!(stages)));
    let of_table = EXITS.iter().copied().chain([&INTERRUPTED, &TERMINATED]).map(|exit| exit.code);
    let codes: BTreeSet<u8> = of_table.collect();
    // An event has none.
    let codes: Vec<Value> = codes.into_iter().map(Value::from).chain([Value::Null]).collect();
    assert_eq!(schema.pointer("/$defs/frame/properties/exit_code/enum"), Some(&json!(codes)));
}

#[test]
fn the_schema_refuses_what_would_mislead_a_script() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/3.9.2/forward/09-one-broker-on-kraft.json");
    let not_yet = run(&format!("stage brokers-migrated -o json --from {fixture}")).json();
    let complete = run(&format!("stage brokers-in-migration -o json --from {fixture}")).json();
    let error = run("stage finalised -o json").json();
    assert_eq!((&complete["verdict"], &error["kind"]), (&json!("complete"), &json!("error")));
    for (document, pointer, value) in [
        (&not_yet, "/retryable", json!(false)),
        (&not_yet, "/exit_code", json!(0)),
        (&not_yet, "/exit_code", json!(2)),
        (&not_yet, "/exit_code", json!(4)),
        (&not_yet, "/exit_code", json!(null)),
        (&not_yet, "/exit_code", json!(124)),
        (&not_yet, "/verdict", json!("complete")),
        (&not_yet, "/verdict", json!("done")),
        (&not_yet, "/verdict", json!(null)),
        (&not_yet, "/kind", json!("error")),
        (&not_yet, "/kind", json!("other")),
        (&not_yet, "/observed_at", json!("yesterday")),
        (&not_yet, "/findings/0/status", json!("failed")),
        (&complete, "/findings", not_yet["findings"].clone()),
        (&complete, "/summary/unknown", json!(1)),
        (&complete, "/summary/pass", json!(0)),
        (&complete, "/retryable", json!(true)),
        (&error, "/verdict", json!("unknown")),
        (&error, "/exit_code", json!(0)),
        (&error, "/retryable", json!(true)),
    ] {
        let mut wrong = document.clone();
        *wrong.pointer_mut(pointer).expect("a place") = value.clone();
        assert!(!VALIDATOR.is_valid(&wrong), "{pointer} = {value}");
    }
    for document in [&not_yet, &complete, &error] {
        for key in document.as_object().expect("an object").keys() {
            let mut less = document.clone();
            less.as_object_mut().expect("an object").remove(key);
            assert!(!VALIDATOR.is_valid(&less), "without {key}");
        }
    }
}
