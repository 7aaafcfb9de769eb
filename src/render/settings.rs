//! Settings: as a config file for people, as a document for programs. Secrets are hidden in both.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::{Envelope, Named};
use super::{clean, is_invisible};
use crate::exit::COMPLETE;
use crate::settings::{Setting, Settings, Value};

#[derive(Serialize)]
struct Body<'a> {
    cluster: Named<'a>,
    file: Option<String>,
    settings: Vec<JsonSetting<'a>>,
}

#[derive(Serialize)]
struct JsonSetting<'a> {
    key: &'a str,
    value: Option<JsonValue>,
    origin: String,
}

/// Each value as the JSON type that it is.
#[derive(Serialize)]
#[serde(untagged)]
enum JsonValue {
    Truth(bool),
    Text(String),
    Texts(Vec<String>),
}

/// A config file that would set the same, the chosen cluster's settings at its top.
pub(super) fn toml(settings: &Settings, with_origin: bool) -> String {
    let mut text = String::new();
    if let Some(file) = &settings.file {
        let cluster = settings.cluster.as_ref().map_or_else(String::new, |name| format!(", cluster {name}"));
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "# {}{}", clean(&file.display().to_string()), clean(&cluster));
    }
    for setting in &settings.all {
        let Some(value) = setting.shown() else { continue };
        let value = match value {
            Value::Truth(truth) => truth.to_string(),
            Value::Text(text) => quoted(&text),
            Value::Texts(texts) => {
                format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
        };
        let origin = if with_origin { format!(" # {}", clean(&setting.origin.words())) } else { String::new() };
        let _ = writeln!(text, "{} = {value}{origin}", setting.key);
    }
    text
}

/// The settings as a document.
pub(super) fn json(settings: &Settings, command: &[String]) -> String {
    let setting = |setting: &'_ Setting| {
        setting.shown().map(|value| match value {
            Value::Truth(truth) => JsonValue::Truth(truth),
            Value::Text(text) => JsonValue::Text(text),
            Value::Texts(texts) => JsonValue::Texts(texts),
        })
    };
    let body = Body {
        cluster: Named { name: settings.cluster.as_deref() },
        file: settings.file.as_ref().map(|file| file.display().to_string()),
        settings: settings
            .all
            .iter()
            .map(|one| JsonSetting { key: &one.key, value: setting(one), origin: one.origin.words() })
            .collect(),
    };
    Envelope::of("config", command, &COMPLETE, &body)
}

/// A TOML string on one line, whole: it is read back as what it was.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() || is_invisible(c) => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
