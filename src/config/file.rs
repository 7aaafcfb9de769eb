//! The config file: found, read, refused whole if anything in it is wrong, and one of its clusters chosen.
//!
//! Not here: what stands above it (`layers`), and what the values mean.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::{Table, Value as Toml};

use super::{Refusal, contradiction};
use crate::cli::{Takes, every_flag};
use crate::settings::{Origin, Setting, Value};

/// More bytes than any config file has.
const LIMIT: u64 = 1024 * 1024;
/// Flags that belong to one run, not to a host or a cluster: no keys.
const NO_KEYS: [&str; 14] = [
    "config",
    "cluster",
    "from",
    "snapshot",
    "origin",
    "only",
    "health",
    "quiet",
    "verbose",
    "hold",
    "kafka",
    "brokers",
    "controllers",
    "fault",
];
const CLUSTERS: &str = "clusters";
const DEFAULT_CLUSTER: &str = "default-cluster";
/// How alike two words are that are taken for each other, from 0 to 1; the same as in clap's own suggestions.
const ALIKE: f64 = 0.7;
const CANDIDATES_MAX: usize = 3;

/// What a config file gives.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The file.
    pub(super) file: Option<PathBuf>,
    /// The name of the chosen cluster.
    pub(super) cluster: Option<String>,
    /// The settings: the cluster's own, and those of the top of the file that it does not set itself.
    pub(super) settings: Vec<Setting>,
}

/// Whether a flag can be set in a config file.
pub(super) fn is_key(flag: &str) -> bool {
    !NO_KEYS.contains(&flag)
}

/// Reads the named file, or the first one there is, and chooses the named cluster. A command that looks at a cluster
/// needs a choice.
pub(super) fn read(file: Option<&Path>, cluster: Option<&str>, looks: bool) -> Result<Chosen, Refusal> {
    let Some(path) = file.map(Path::to_owned).or_else(first_there_is) else {
        return match cluster {
            Some(name) => Err(contradiction(format!(
                "--cluster {name}: there is no config file to find it in: name one with --config FILE"
            ))),
            None => Ok(Chosen::default()),
        };
    };
    let file = Source { path, keys: every_flag().into_iter().filter(|(flag, _)| is_key(flag)).collect() };
    let mut top = file.table()?;
    let clusters = top.remove(CLUSTERS).map_or_else(|| Ok(Table::new()), |value| file.as_table(CLUSTERS, value))?;
    let default = top.remove(DEFAULT_CLUSTER).map(|value| match value {
        Toml::String(name) => Ok(name),
        other => {
            Err(file.refuse(&format!("{DEFAULT_CLUSTER}: the name of a cluster belongs here, not {}", kind(&other))))
        }
    });
    let default = default.transpose()?;
    let defaults = file.settings(top, None)?;
    let mut known: Vec<(String, Vec<Setting>)> = Vec::new();
    for (name, value) in clusters {
        let table = file.as_table(&format!("{CLUSTERS}.{name}"), value)?;
        let settings = file.settings(table, Some(&name))?;
        known.push((name, settings));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let name = file.choose(&names, cluster, default.as_deref(), looks)?.map(ToOwned::to_owned);
    let own = known.into_iter().find(|(known, _)| Some(known) == name.as_ref());
    let mut settings = own.map(|(_, settings)| settings).unwrap_or_default();
    for setting in defaults {
        if settings.iter().all(|own| own.key != setting.key) {
            settings.push(setting);
        }
    }
    Ok(Chosen { file: Some(file.path), cluster: name, settings })
}

/// The first file of the search. One that is there and cannot be read is not passed over.
fn first_there_is() -> Option<PathBuf> {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    let of_user = home.map(|home| home.join("kraft-check/config.toml"));
    let search = [Some("kraft-check.toml".into()), of_user, Some("/etc/kraft-check/config.toml".into())];
    search.into_iter().flatten().find(|path| match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    })
}

/// A config file, and the keys that it may have.
struct Source {
    path: PathBuf,
    keys: Vec<(String, Takes)>,
}

impl Source {
    fn refuse(&self, why: &str) -> Refusal {
        contradiction(format!("{}: {why}", self.path.display()))
    }

    /// The file as a table. Parsers' messages hold keys, never values: only they and the place are repeated.
    fn table(&self) -> Result<Table, Refusal> {
        let unreadable = |error: std::io::Error| self.refuse(&format!("the config file cannot be read: {error}"));
        let mut text = String::new();
        let open = File::open(&self.path).map_err(unreadable)?;
        open.take(LIMIT + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LIMIT {
            return Err(self.refuse(&format!("more than {LIMIT} bytes, which no config file has")));
        }
        if self.path.extension().is_some_and(|extension| extension == "json") {
            let value = serde_json::from_str(&text);
            let value: Toml = value.map_err(|error| self.refuse(&format!("not valid JSON: {error}")))?;
            return match value {
                Toml::Table(table) => Ok(table),
                other => Err(self.refuse(&format!("an object belongs here, not {}", kind(&other)))),
            };
        }
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let (line, column) =
                (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
            self.refuse(&format!("not valid TOML: {} at line {line} column {column}", error.message()))
        })
    }

    fn as_table(&self, place: &str, value: Toml) -> Result<Table, Refusal> {
        match value {
            Toml::Table(table) => Ok(table),
            other => Err(self.refuse(&format!("{place}: a table belongs here, not {}", kind(&other)))),
        }
    }

    /// The settings of one table: of a cluster, or of the top of the file.
    fn settings(&self, table: Table, cluster: Option<&str>) -> Result<Vec<Setting>, Refusal> {
        let place = cluster.map_or_else(String::new, |name| format!(" in [{CLUSTERS}.{name}]"));
        let mut settings = Vec::new();
        for (key, value) in table {
            let Some((_, takes)) = self.keys.iter().find(|(known, _)| *known == key) else {
                let mut known: Vec<&str> = self.keys.iter().map(|(known, _)| known.as_str()).collect();
                if cluster.is_none() {
                    known.extend([CLUSTERS, DEFAULT_CLUSTER]);
                }
                let instead = did_you_mean(&key, &known);
                let instead =
                    instead.unwrap_or_else(|| "the keys are those of 'kraft-check config show -o json'".to_owned());
                return Err(self.refuse(&format!("unknown key '{key}'{place}; {instead}")));
            };
            let found = kind(&value);
            let value = typed(*takes, value).ok_or_else(|| {
                let wanted = match takes {
                    Takes::Nothing => "true or false",
                    Takes::One => "a string or a whole number",
                    Takes::Several => "a string or an array of strings",
                };
                self.refuse(&format!("{key}{place}: {wanted} belongs here, not {found}"))
            })?;
            settings.push(Setting { key, value: Some(value), origin: Origin::File(self.path.clone()) });
        }
        Ok(settings)
    }

    /// The cluster that is meant. Where nothing is looked at, none need be.
    fn choose<'a>(
        &self,
        names: &[&'a str],
        cluster: Option<&str>,
        default: Option<&str>,
        looks: bool,
    ) -> Result<Option<&'a str>, Refusal> {
        let known = |name: &str, key: &str| {
            names.iter().copied().find(|known| *known == name).ok_or_else(|| {
                let all =
                    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
                let instead = did_you_mean(name, names).unwrap_or(all);
                self.refuse(&format!("{key}: there is no cluster '{name}'; {instead}"))
            })
        };
        let default = default.map(|name| known(name, DEFAULT_CLUSTER)).transpose()?;
        match (cluster, default, names) {
            (Some(name), ..) => known(name, "--cluster").map(Some),
            _ if !looks => Ok(None),
            (None, Some(name), _) => Ok(Some(name)),
            (None, None, []) => Ok(None),
            (None, None, [only]) => Ok(Some(only)),
            (None, None, several) => {
                let all = several.join(", ");
                Err(self.refuse(&format!("several clusters and none chosen: name one with --cluster: {all}")))
            }
        }
    }
}

/// The value as a flag takes it; none if it is of the wrong kind.
fn typed(takes: Takes, value: Toml) -> Option<Value> {
    Some(match (takes, value) {
        (Takes::Nothing, Toml::Boolean(truth)) => Value::Truth(truth),
        (Takes::One, Toml::String(text)) => Value::Text(text),
        (Takes::One, Toml::Integer(number)) => Value::Text(number.to_string()),
        (Takes::Several, Toml::String(text)) => Value::Texts(vec![text]),
        (Takes::Several, Toml::Array(items)) => {
            let text = |item: Toml| if let Toml::String(text) = item { Some(text) } else { None };
            Value::Texts(items.into_iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The kind of a value, never the value: it may be a secret in the wrong place.
fn kind(value: &Toml) -> &'static str {
    match value {
        Toml::String(_) => "a string",
        Toml::Integer(_) => "a whole number",
        Toml::Float(_) => "a number with a point",
        Toml::Boolean(_) => "true or false",
        Toml::Datetime(_) => "a time",
        Toml::Array(items) if items.iter().all(Toml::is_str) => "an array",
        Toml::Array(_) => "an array of anything else",
        Toml::Table(_) => "a table",
    }
}

/// The nearest words, the best first.
fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    let likeness = known.iter().map(|known| (strsim::jaro(word, known), known));
    let mut near: Vec<(f64, &&str)> = likeness.filter(|(likeness, _)| *likeness > ALIKE).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let near: Vec<String> = near.into_iter().take(CANDIDATES_MAX).map(|(_, known)| format!("'{known}'")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}
