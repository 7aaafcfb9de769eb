//! Kafka's client properties: a file for each role, -X over them, and what they set: how everybody is spoken to, and
//! addresses and times where nobody else gives them.
//!
//! Here: which file is whose, and what wins. Not here: which keys there are (`keys`), and what each means (`sheet` and the
//! files beside it).

mod bearer;
mod jaas;
mod keys;
mod login;
mod pages;
mod references;
mod sheet;
mod stores;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Refusal, contradiction, read, usage};
use crate::cli::LookArgs;
use crate::report::{Note, Oddity};
use crate::security::{Access, Security};
use crate::settings::{Origin, Settings};
use sheet::Sheet;

const PROTOCOL: &str = "security.protocol";
const DNS: &str = "client.dns.lookup";
/// The flag of -X.
const PROPERTY: &str = "property";

/// What there is to know of the configuration beside what it sets.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// For the report.
    pub warnings: Vec<Note>,
    /// For standard error: each from so many -v on.
    pub remarks: Vec<(u8, String)>,
}

impl Notices {
    /// Once, however often it is said: two roles may have one file.
    fn warn(&mut self, oddity: Oddity, message: String) {
        let note = Note { id: oddity.id(), subject: None, message };
        if !self.warnings.contains(&note) {
            self.warnings.push(note);
        }
    }

    /// Likewise.
    fn remark(&mut self, level: u8, line: String) {
        if self.remarks.iter().all(|(_, other)| *other != line) {
            self.remarks.push((level, line));
        }
    }
}

/// The properties of -X.
#[derive(Default)]
struct Overrides {
    /// What they are called where they were given.
    name: String,
    properties: Vec<(String, String)>,
}

/// What client properties set.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) access: Access,
    pub(super) notices: Notices,
    /// `bootstrap.servers`, and whose they are.
    pub(super) brokers: Option<Given<Vec<String>>>,
    /// `bootstrap.controllers`, likewise.
    pub(super) controllers: Option<Given<Vec<String>>>,
    /// `request.timeout.ms`, or else `socket.connection.setup.timeout.ms`: connecting and asking have one bound here.
    pub(super) request_timeout: Option<Given<Duration>>,
    /// `default.api.timeout.ms`: of one look.
    pub(super) look_timeout: Option<Given<Duration>>,
}

/// A value of a property.
#[derive(Debug)]
pub(super) struct Given<T> {
    pub(super) value: T,
    /// Where it stands, for messages.
    pub(super) place: String,
    /// Whether -X gave it.
    typed: bool,
}

impl<T> Given<T> {
    /// Whether it holds although a flag may have been given: a flag wins over -X of the same place and over every lower
    /// one, -X of a higher place wins over the flag, and a file of properties only over defaults.
    pub(super) fn holds(&self, flag: &str, settings: &Settings) -> bool {
        let of_flag = rank(settings.origin(flag));
        let own = if self.typed { rank(settings.origin(PROPERTY)) } else { FILE_OF_PROPERTIES };
        own < of_flag
    }
}

/// Between config file and default.
const FILE_OF_PROPERTIES: u8 = 3;

fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Flag => 0,
        Origin::Environment(_) => 1,
        Origin::File(_) => 2,
        Origin::Default => FILE_OF_PROPERTIES + 1,
    }
}

/// Reads the files of properties that the arguments name.
pub(super) fn read_all(args: &LookArgs, settings: &Settings) -> Result<Client, Refusal> {
    let mut notices = Notices::default();
    let over = read(settings, PROPERTY, |name| overrides(name, &args.properties))?;
    let own = |file: Option<&Path>, notices: &mut Notices| Sheet::read(file, &over, notices);
    let brokers = own(args.command_config.as_deref(), &mut notices)?;
    let security = security(&brokers, &mut notices)?;
    let separate = args.controller_command_config.as_deref();
    let separate = separate.map(|file| own(Some(file), &mut notices)).transpose()?;
    let of_controllers = match &separate {
        Some(sheet) => self::security(sheet, &mut notices)?,
        None => security.clone(),
    };
    let pages = pages::security(args.metrics_config.as_deref(), &mut notices)?;
    let controllers = separate.as_ref().and_then(|sheet| addresses(sheet, "bootstrap.controllers"));
    Ok(Client {
        access: Access { brokers: security, controllers: of_controllers, pages },
        brokers: addresses(&brokers, "bootstrap.servers"),
        controllers: controllers.or_else(|| addresses(&brokers, "bootstrap.controllers")),
        request_timeout: match time(&brokers, "request.timeout.ms")? {
            None => time(&brokers, "socket.connection.setup.timeout.ms")?,
            given => given,
        },
        look_timeout: time(&brokers, "default.api.timeout.ms")?,
        notices,
    })
}

/// The properties of -X. Everybody on a host can read its command lines, so none with a secret is taken.
fn overrides(name: &str, texts: &[String]) -> Result<Overrides, Refusal> {
    let mut properties = Vec::new();
    for text in texts {
        let Some((key, value)) = text.split_once('=') else {
            return Err(usage(format!("{name}: KEY=VALUE belongs here, such as ssl.protocol=TLSv1.2")));
        };
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(usage(format!("{name}: KEY=VALUE belongs here, and the key is not one")));
        }
        if keys::is_secret(key) && !value.is_empty() && !references::is_reference(value) {
            return Err(usage(format!(
                "{name}: {key} is a secret, which everyone on this host would see: set it in the file of \
                 --command-config, or refer to a file with {key}=${{file:PATH:KEY}}"
            )));
        }
        properties.push((key.to_owned(), value.to_owned()));
    }
    let name = if name == "--property" { "-X".to_owned() } else { name.to_owned() };
    Ok(Overrides { name, properties })
}

/// How listeners are spoken to by this sheet. Without TLS nothing of TLS is read, made or loaded.
fn security(sheet: &Sheet, notices: &mut Notices) -> Result<Security, Refusal> {
    let given = sheet.get(PROTOCOL);
    let (is_tls, is_sasl) = match given.unwrap_or("PLAINTEXT").to_ascii_uppercase().as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            let known = "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL";
            let given = given.unwrap_or_default();
            return Err(sheet.refuse(PROTOCOL, &format!("'{given}' is not known: give {known}")));
        }
    };
    let wants_more = ["sasl.jaas.config", "sasl.mechanism", "ssl.keystore.", "ssl.truststore."];
    if given.is_none() && wants_more.iter().any(|beginning| sheet.has_any(beginning)) {
        let words =
            "security.protocol is not given, so nothing of ssl.* and sasl.* counts: Kafka's default is PLAINTEXT";
        sheet.warn(Oddity::PropertyNotHeeded, words, notices);
    }
    dns(sheet, notices)?;
    Ok(Security {
        tls: is_tls.then(|| stores::tls(sheet, notices)).transpose()?,
        login: is_sasl.then(|| login::login(sheet, notices).map(Arc::new)).transpose()?,
        client_id: sheet.get("client.id").map(|id| client_id(sheet, id)).transpose()?,
    })
}

/// What we call ourselves. It stands in a request's header, whose strings have a length of 16 bits.
fn client_id(sheet: &Sheet, id: &str) -> Result<Arc<str>, Refusal> {
    if id.len() > 255 || id.contains(char::is_control) {
        return Err(sheet.refuse("client.id", "at most 255 bytes, and no control characters, make a client.id"));
    }
    Ok(Arc::from(id))
}

/// Every address of a name is tried, whatever is set; names are never made of addresses.
fn dns(sheet: &Sheet, notices: &mut Notices) -> Result<(), Refusal> {
    match sheet.get(DNS) {
        None | Some("use_all_dns_ips" | "default") => {}
        Some("resolve_canonical_bootstrap_servers_only") => {
            let words = "client.dns.lookup: every address of a name is tried under that name, and no canonical name is \
                         looked for: give those with -b";
            sheet.warn(Oddity::PropertyNotHeeded, words, notices);
        }
        Some(other) => {
            let known = "use_all_dns_ips or resolve_canonical_bootstrap_servers_only";
            return Err(sheet.refuse(DNS, &format!("'{other}' is not known: give {known}")));
        }
    }
    Ok(())
}

/// Addresses as Kafka takes them: the name of a protocol in front of them tells it nothing.
fn addresses(sheet: &Sheet, key: &str) -> Option<Given<Vec<String>>> {
    let plain = |text: String| text.rsplit_once("://").map_or(text.clone(), |(_, address)| address.to_owned());
    let value: Vec<String> = sheet.list(key)?.into_iter().map(plain).collect();
    Some(given(sheet, key, value))
}

/// A time in milliseconds, from 1 to a day's.
fn time(sheet: &Sheet, key: &str) -> Result<Option<Given<Duration>>, Refusal> {
    let Some(text) = sheet.get(key) else { return Ok(None) };
    let time = text.parse::<u64>().ok().map(Duration::from_millis);
    let time = time.filter(|time| !time.is_zero() && *time <= Duration::from_hours(24));
    let why = || format!("'{text}' is not a number of milliseconds between 1 and 86400000");
    time.map(|time| Some(given(sheet, key, time))).ok_or_else(|| sheet.refuse(key, &why()))
}

fn given<T>(sheet: &Sheet, key: &str, value: T) -> Given<T> {
    Given { value, place: sheet.place(key), typed: sheet.is_typed(key) }
}

/// Reads what a property gives in the manner of a flag. In a file nothing is a slip of the hand.
pub(super) fn as_given<T>(
    given: &Given<Vec<String>>,
    reader: impl FnOnce(&str, &[String]) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    reader(&given.place, &given.value).map_err(|refusal| contradiction(refusal.message))
}
