//! What is set, and where each setting comes from. Pure; secrets are hidden here, before anything shows them.
//!
//! Not here: who reads the places that settings come from (`config`), and what a setting means.

use std::path::PathBuf;

/// What stands where a secret was.
pub const MASK: &str = "***";
/// A key with one of these words in it holds a secret.
pub const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "jaas"];
/// The setting whose values are properties of their own, KEY=VALUE.
const PROPERTY: &str = "property";

/// Every setting of one command.
#[derive(Debug, Default)]
pub struct Settings {
    /// The name of the cluster that was chosen in the config file.
    pub cluster: Option<String>,
    /// The config file that was read.
    pub file: Option<PathBuf>,
    /// The settings, in the order of the flags.
    pub all: Vec<Setting>,
}

impl Settings {
    /// Where the setting comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.all.iter().find(|setting| setting.key == key).map_or(&Origin::Default, |setting| &setting.origin)
    }
}

/// One setting: a flag, whoever gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The long flag, without its hyphens.
    pub key: String,
    /// Its value, as text; nothing where there is none.
    pub value: Option<Value>,
    /// Who gave it.
    pub origin: Origin,
}

impl Setting {
    /// The value as it may be shown.
    #[must_use]
    pub fn shown(&self) -> Option<Value> {
        let is_secret = |key: &str| SECRET_WORDS.iter().any(|word| key.contains(word));
        let hide = |text: &String| match text.split_once('=') {
            _ if is_secret(&self.key) => MASK.to_owned(),
            // A reference to a secret is none.
            Some((key, value))
                if self.key == PROPERTY && is_secret(&key.to_ascii_lowercase()) && !value.starts_with("${") =>
            {
                format!("{key}={MASK}")
            }
            _ => without_user(text),
        };
        self.value.as_ref().map(|value| match value {
            Value::Truth(truth) => Value::Truth(*truth),
            Value::Text(text) => Value::Text(hide(text)),
            Value::Texts(texts) => Value::Texts(texts.iter().map(hide).collect()),
        })
    }
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a flag that is there or not.
    Truth(bool),
    /// Of a flag with one value.
    Text(String),
    /// Of a flag that may be repeated.
    Texts(Vec<String>),
}

/// Who gave a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment, in this variable.
    Environment(String),
    /// This config file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl Origin {
    /// What the setting is called where it comes from, for a message about it.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        match self {
            Self::Flag | Self::Default => format!("--{key}"),
            Self::Environment(variable) => variable.clone(),
            Self::File(file) => format!("{}: {key}", file.display()),
        }
    }

    /// The origin in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Flag => "flag".to_owned(),
            Self::Environment(variable) => format!("environment {variable}"),
            Self::File(file) => file.display().to_string(),
            Self::Default => "default".to_owned(),
        }
    }
}

/// The text without the user and password of any URL in it. An @ in a path hides more than it must, never less.
fn without_user(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://");
        match part.rsplit_once('@') {
            Some((_, rest)) => shown.extend([MASK, "@", rest]),
            None => shown.push_str(part),
        }
    }
    shown
}
