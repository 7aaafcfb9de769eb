//! `sasl.*`: who logs in, and how. Not here: what is said to log in (`security`, `observe`).

use std::env;
use std::path::{Path, PathBuf};

use super::jaas::{Module, line, section};
use super::sheet::{Sheet, contents, found, readable};
use super::{Notices, bearer};
use crate::config::Refusal;
use crate::report::Oddity;
use crate::security::{Login, ScramHash, Secret};

pub(super) const JAAS: &str = "sasl.jaas.config";
const MECHANISM: &str = "sasl.mechanism";
const HANDLER: &str = "sasl.login.callback.handler.class";
/// The mechanisms that are spoken, and their modules.
const MECHANISMS: [(&str, &str); 4] = [
    ("PLAIN", "PlainLoginModule"),
    ("SCRAM-SHA-256", "ScramLoginModule"),
    ("SCRAM-SHA-512", "ScramLoginModule"),
    ("OAUTHBEARER", "OAuthBearerLoginModule"),
];
const OWN_HANDLERS: [&str; 2] = [
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
];
/// The system property by which a JVM is told of a JAAS file.
const SYSTEM_PROPERTY: &str = "-Djava.security.auth.login.config=";
/// More bytes than any JAAS file has.
const LIMIT: u64 = 1024 * 1024;

/// The login that the sheet sets.
pub(super) fn login(sheet: &Sheet, notices: &mut Notices) -> Result<Login, Refusal> {
    let (mechanism, wanted) = mechanism(sheet)?;
    if let Some(handler) = sheet.get(HANDLER).filter(|handler| !OWN_HANDLERS.contains(handler)) {
        let why = format!("'{handler}' is a class of Java that cannot be run: leave it out, or give a token as a file");
        return Err(sheet.refuse(HANDLER, &why));
    }
    let module = module(sheet, notices)?;
    if module.class != wanted {
        let why = match module.class.as_str() {
            "Krb5LoginModule" => "Krb5LoginModule is a login by Kerberos, which is not supported".to_owned(),
            "IAMLoginModule" => "IAMLoginModule is a login by AWS IAM, which is not supported".to_owned(),
            class => format!("{class} is not the module of sasl.mechanism {mechanism}, which is {wanted}"),
        };
        return Err(sheet.refuse(JAAS, &why));
    }
    let user = || Ok((needed(sheet, &module, "username")?, Secret::new(needed(sheet, &module, "password")?)));
    let scram = |hash| {
        if module.option("tokenauth").is_some_and(|option| option.eq_ignore_ascii_case("true")) {
            return Err(sheet.refuse(JAAS, "tokenauth: a login by delegation token is not supported"));
        }
        let (user, password) = user()?;
        Ok(Login::scram(hash, user, password))
    };
    match mechanism {
        "PLAIN" => user().map(|(user, password)| Login::plain(user, password)),
        "SCRAM-SHA-256" => scram(ScramHash::Sha256),
        "SCRAM-SHA-512" => scram(ScramHash::Sha512),
        _ => {
            let source = bearer::source(sheet, &module, notices)?;
            let extensions = module.options("extension_").map(|(name, value)| (name.to_owned(), value.to_owned()));
            Ok(Login::oauth_bearer(source, extensions.collect()))
        }
    }
}

/// The mechanism and the module that belongs to it. Kafka's own default cannot be meant here.
fn mechanism(sheet: &Sheet) -> Result<(&'static str, &'static str), Refusal> {
    let known = MECHANISMS.map(|(mechanism, _)| mechanism).join(", ");
    let Some(given) = sheet.get(MECHANISM) else {
        let why = format!("not given, and Kafka's default is GSSAPI (Kerberos), which is not supported: give {known}");
        return Err(sheet.refuse(MECHANISM, &why));
    };
    let found = MECHANISMS.into_iter().find(|(mechanism, _)| *mechanism == given);
    found.ok_or_else(|| {
        let what = match given {
            "GSSAPI" => "GSSAPI (Kerberos) is not supported".to_owned(),
            "AWS_MSK_IAM" => "AWS_MSK_IAM (a login by AWS IAM) is not supported".to_owned(),
            other => format!("'{other}' is not known"),
        };
        sheet.refuse(MECHANISM, &format!("{what}: give one of {known}, which the listener must have enabled"))
    })
}

/// The login module of the sheet, or of the JAAS file that JVMs are told of.
fn module(sheet: &Sheet, notices: &mut Notices) -> Result<Module, Refusal> {
    if let Some(text) = sheet.get(JAAS) {
        return line(text).map_err(|why| sheet.refuse(JAAS, &why));
    }
    let Some(file) = of_environment() else {
        return Err(sheet.refuse(JAAS, "not given, so nobody knows who is to log in"));
    };
    let shown = file.display().to_string();
    let refuse = |why: &str| sheet.refuse(JAAS, &format!("not given, and {shown}, which KAFKA_OPTS names: {why}"));
    let found = found(&file);
    let bytes = contents(&found, LIMIT).map_err(|why| refuse(&why))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text in UTF-8"))?;
    let module = section(&text).map_err(|why| refuse(&why))?;
    if module.options("").any(|(_, value)| value.contains("${")) {
        return Err(refuse("a value refers to a property of the JVM, and there is none here"));
    }
    let holds_secret = ["password", "clientSecret"].iter().any(|option| module.option(option).is_some());
    if holds_secret && readable(&found) {
        let message = format!("{shown}: others can read this file, and a password stands in it: chmod 600 it");
        notices.warn(Oddity::SecretFileReadable, message);
    }
    notices
        .remark(1, format!("{}: no {JAAS}: the login is that of KafkaClient in {shown}, by KAFKA_OPTS", sheet.name()));
    Ok(module)
}

/// The JAAS file that `KAFKA_OPTS` names to JVMs. No more of it is read.
fn of_environment() -> Option<PathBuf> {
    let options = env::var("KAFKA_OPTS").ok()?;
    let words = shlex::split(&options)?;
    // A JVM takes the last one. A second = means that no other file is read beside it.
    let file = words.iter().rev().find_map(|word| word.strip_prefix(SYSTEM_PROPERTY))?;
    let file = file.strip_prefix('=').unwrap_or(file);
    let path = file.strip_prefix("file:").map_or(file, |rest| rest.strip_prefix("//").unwrap_or(rest));
    (!path.is_empty()).then(|| Path::new(path).to_owned())
}

/// An option without which there is no login.
pub(super) fn needed(sheet: &Sheet, module: &Module, option: &str) -> Result<String, Refusal> {
    let given = module.option(option).filter(|value| !value.is_empty()).map(ToOwned::to_owned);
    given.ok_or_else(|| sheet.refuse(JAAS, &format!("{} needs the option {option}", module.class)))
}
