//! References to what stands elsewhere, `${file:PATH:KEY}`, `${env:NAME}`, `${directory:DIR:FILE}`: Kafka's own three
//! providers of configuration, under whatever name they are declared. Not here: which values are references.

use std::env;
use std::path::Path;

use super::sheet::{contents, found};
use crate::config::properties::{Properties, parse};

/// More bytes than a password, or a file of them, has.
const LIMIT: u64 = 1024 * 1024;

/// One of Kafka's own providers.
#[derive(Debug, Clone, Copy)]
enum Provider {
    File,
    Env,
    Directory,
}

const OWN: [(&str, &str, Provider); 3] = [
    ("file", "FileConfigProvider", Provider::File),
    ("env", "EnvVarConfigProvider", Provider::Env),
    ("directory", "DirectoryConfigProvider", Provider::Directory),
];

/// The providers by their names.
#[derive(Debug)]
pub(super) struct Providers(Vec<(String, Provider)>);

impl Providers {
    /// Those that `config.providers` declares, and Kafka's own by their usual names. Otherwise the key that is wrong, and
    /// why.
    pub(super) fn declared(properties: &Properties) -> Result<Self, (String, String)> {
        let names = properties.get("config.providers").map_or("", String::as_str);
        let mut providers = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let key = format!("config.providers.{name}.class");
            let Some(class) = properties.get(&key) else {
                return Err(("config.providers".to_owned(), format!("'{name}' is declared, and {key} is not given")));
            };
            let simple = class.rsplit('.').next().unwrap_or_default();
            let Some((.., provider)) = OWN.iter().find(|(_, own, _)| *own == simple) else {
                let own = OWN.map(|(_, own, _)| own).join(", ");
                let why = format!("'{class}' is not one of Kafka's own, and no other can be run: those are {own}");
                return Err((key, why));
            };
            providers.push((name.to_owned(), *provider));
        }
        for (name, _, provider) in OWN {
            if providers.iter().all(|(declared, _)| declared != name) {
                providers.push((name.to_owned(), provider));
            }
        }
        Ok(Self(providers))
    }

    /// The text with what its references refer to in their places, or why one of them refers to nothing. As in Kafka, what
    /// is put there is not looked through again, and braces without a colon in them are none.
    pub(super) fn resolve(&self, text: &str) -> Result<String, String> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            resolved.push_str(before);
            match behind.split_once('}') {
                Some((reference, after)) if reference.contains(':') => {
                    resolved.push_str(&self.value(reference)?);
                    rest = after;
                }
                _ => {
                    resolved.push_str("${");
                    rest = behind;
                }
            }
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    fn value(&self, reference: &str) -> Result<String, String> {
        let (name, what) = reference.split_once(':').unwrap_or((reference, ""));
        let Some((_, provider)) = self.0.iter().find(|(known, _)| known == name) else {
            // It may be a piece of a password.
            return Err("holds a reference ${…:…} to a provider that is not declared".to_owned());
        };
        let (path, key) = what.split_once(':').unwrap_or(("", what));
        let whole = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned());
        match provider {
            Provider::Env => env::var(key).map_err(|_| format!("there is no variable {key} in the environment")),
            Provider::File => {
                let read = contents(&found(Path::new(path)), LIMIT);
                let properties = read.and_then(|bytes| parse(&bytes).map_err(ToOwned::to_owned));
                let mut properties = properties.map_err(|why| format!("{path}, to which it refers: {why}"))?;
                properties.remove(key).ok_or_else(|| format!("{path}, to which it refers, has no key '{key}'"))
            }
            Provider::Directory => {
                let file = Path::new(path).join(key);
                let is_name = !key.is_empty() && !key.contains('/') && key != "..";
                let text =
                    if is_name { contents(&found(&file), LIMIT) } else { Err("it is no file's name".to_owned()) };
                let text =
                    text.and_then(whole).map_err(|why| format!("{}, to which it refers: {why}", file.display()))?;
                // Editors end a file with a line feed, which no password has at its end.
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

/// Whether a text is one reference and nothing else.
pub(super) fn is_reference(text: &str) -> bool {
    let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| inner.contains(':') && !inner.contains('}'))
}
