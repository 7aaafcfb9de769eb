//! The properties that hold for one role: a file's, and those of -X over them, with references resolved and every key
//! in its class. Not here: what a property means.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::keys::{Class, class, is_secret};
use super::references::Providers;
use super::{Notices, Overrides};
use crate::config::properties::{Properties, parse};
use crate::config::{Refusal, contradiction};
use crate::report::Oddity;

/// More bytes than any properties file has.
const LIMIT: u64 = 1024 * 1024;

/// What holds for one role.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What the file is called in messages, or -X where there is none.
    name: String,
    /// What -X is called where it was given.
    typed: String,
    texts: BTreeMap<String, Text>,
}

/// A property's value. It may be a secret, so nobody shows it.
struct Text {
    value: String,
    /// Whether it was given by -X.
    typed: bool,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(crate::settings::MASK)
    }
}

impl Sheet {
    /// Reads a file, and sets these over it. What is unknown in the file, or passed over, is noticed.
    pub(super) fn read(file: Option<&Path>, over: &Overrides, notices: &mut Notices) -> Result<Self, Refusal> {
        let name = file.map_or_else(|| over.name.clone(), |file| file.display().to_string());
        let refuse = |why: &str| contradiction(format!("{name}: {why}"));
        let properties = match file {
            Some(file) => {
                let found = found(file);
                let bytes = contents(&found, LIMIT).map_err(|why| refuse(&format!("cannot be read: {why}")))?;
                let properties = parse(&bytes).map_err(refuse)?;
                if let Some(message) = readable_secret(&name, &found, &properties) {
                    notices.warn(Oddity::SecretFileReadable, message);
                }
                properties
            }
            None => Properties::new(),
        };
        let trimmed = |value: &str| value.trim_matches(|c| c <= ' ').to_owned();
        // Java's own trim, which Kafka does to every value.
        let of_file = properties.iter().map(|(key, value)| (key.clone(), Text { value: trimmed(value), typed: false }));
        let mut texts: BTreeMap<String, Text> = of_file.collect();
        let typed = |(key, value): &(String, String)| (key.clone(), Text { value: trimmed(value), typed: true });
        texts.extend(over.properties.iter().map(typed));
        let mut sheet = Self { name, typed: over.name.clone(), texts };
        sheet.classify(notices)?;
        sheet.resolve()?;
        Ok(sheet)
    }

    /// What the file is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The value, without blanks around it; empty where it is given as nothing.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(|text| text.value.as_str())
    }

    /// The value, where it is given as something.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// The items of a list, apart by commas.
    pub(super) fn list(&self, key: &str) -> Option<Vec<String>> {
        let items = self.get(key)?.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(items.map(ToOwned::to_owned).collect())
    }

    /// Whether the property was given by -X.
    pub(super) fn is_typed(&self, key: &str) -> bool {
        self.texts.get(key).is_some_and(|text| text.typed)
    }

    /// Whether any property's key begins so.
    pub(super) fn has_any(&self, beginning: &str) -> bool {
        self.texts.iter().any(|(key, text)| key.starts_with(beginning) && !text.value.is_empty())
    }

    /// Where a property stands, for messages.
    pub(super) fn place(&self, key: &str) -> String {
        let name = if self.is_typed(key) { &self.typed } else { &self.name };
        format!("{name}: {key}")
    }

    /// Refuses a property of this sheet.
    pub(super) fn refuse(&self, key: &str, why: &str) -> Refusal {
        contradiction(format!("{}: {why}", self.place(key)))
    }

    /// Has it noticed that something is odd about this sheet.
    pub(super) fn warn(&self, oddity: Oddity, message: &str, notices: &mut Notices) {
        notices.warn(oddity, format!("{}: {message}", self.name));
    }

    fn classify(&self, notices: &mut Notices) -> Result<(), Refusal> {
        let mut ignored: Vec<String> = Vec::new();
        for (key, Text { value, .. }) in &self.texts {
            let (shown, place) = (key.escape_debug(), self.place(key));
            match class(key, value) {
                Class::Honoured => {}
                Class::Refused(why) => return Err(self.refuse(key, why)),
                Class::NearMiss(meant) => {
                    let message = format!("{place}: not known, and ignored; did you mean '{meant}'?");
                    notices.warn(Oddity::PropertyNearMiss, message);
                }
                Class::OfOthers(words) => {
                    notices.warn(Oddity::PropertyNearMiss, format!("{place}: ignored; {words}"));
                }
                Class::Harmless | Class::Unknown => ignored.push(shown.to_string()),
            }
        }
        if !ignored.is_empty() {
            notices.remark(2, format!("{}: ignored: {}", self.name, ignored.join(", ")));
        }
        Ok(())
    }

    /// Puts in the place of every reference what it refers to. What is ignored may refer to anything.
    fn resolve(&mut self) -> Result<(), Refusal> {
        let texts: Properties = self.texts.iter().map(|(key, text)| (key.clone(), text.value.clone())).collect();
        let providers = Providers::declared(&texts).map_err(|(key, why)| self.refuse(&key, &why))?;
        for (key, value) in texts {
            if class(&key, &value) == Class::Honoured {
                let value = providers.resolve(&value).map_err(|why| self.refuse(&key, &why))?;
                let typed = self.is_typed(&key);
                self.texts.insert(key, Text { value, typed });
            }
        }
        Ok(())
    }
}

/// Where a file of this name is: one with a relative path among the credentials that systemd hands us, where it is there;
/// otherwise below the working folder, as for Kafka.
pub(super) fn found(path: &Path) -> PathBuf {
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty());
    let there = credentials.map(|folder| Path::new(&folder).join(path)).filter(|there| there.exists());
    there.filter(|_| path.is_relative()).unwrap_or_else(|| path.to_owned())
}

/// A file's bytes, at most so many, or why there are none.
pub(super) fn contents(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let open = File::open(path).map_err(|error| error.to_string())?;
    open.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("more than {limit} bytes, which no such file has"));
    }
    Ok(bytes)
}

/// That others than its owner can read a file with a secret in plain text.
fn readable_secret(name: &str, file: &Path, properties: &Properties) -> Option<String> {
    let holds = |(key, value): (&String, &String)| {
        let plain = !value.trim().is_empty() && !value.contains("${");
        // A login without a password in it, as one whose token stands elsewhere, is none.
        let words = value.to_ascii_lowercase();
        let secret = !key.ends_with("jaas.config") || words.contains("password") || words.contains("secret");
        plain && is_secret(key) && secret
    };
    let key = properties.iter().find(|(key, value)| holds((key, value)))?.0;
    let shown = key.escape_debug();
    readable(file).then(|| format!("{name}: others can read this file, and {shown} stands in it: chmod 600 it"))
}

/// Whether others than its owner can read a file.
pub(super) fn readable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o044 != 0)
}
