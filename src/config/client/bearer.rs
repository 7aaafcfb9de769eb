//! Where tokens of OAUTHBEARER come from: an endpoint, a file, or claims that nobody signs. Not here: how they are got.

use std::sync::Arc;

use reqwest::Url;
use rustls::ClientConfig;
use serde_json::{Number, Value};

use super::jaas::Module;
use super::login::{JAAS, needed};
use super::sheet::Sheet;
use super::{Notices, Overrides, stores};
use crate::config::Refusal;
use crate::security::{Secret, TokenSource};

const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const CLIENT_ID: &str = "sasl.oauthbearer.client.credentials.client.id";
const CLIENT_SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";
const URL_ENCODED: &str = "sasl.oauthbearer.header.urlencode";

/// Where the tokens of this login come from.
pub(super) fn source(sheet: &Sheet, module: &Module, notices: &mut Notices) -> Result<TokenSource, Refusal> {
    let Some(text) = sheet.get(ENDPOINT) else { return unsecured(sheet, module) };
    // What it holds is not repeated: it may be a password.
    let url = Url::parse(text).map_err(|error| sheet.refuse(ENDPOINT, &format!("not a URL ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        let why = "a URL with a user or password is refused: give clientId and clientSecret in sasl.jaas.config";
        return Err(sheet.refuse(ENDPOINT, why));
    }
    match url.scheme() {
        "file" => url.to_file_path().map(TokenSource::File).map_err(|()| {
            sheet.refuse(ENDPOINT, "no path of a file on this host: give file:///PATH of a file with a token in it")
        }),
        "http" | "https" => {
            let given = |key: &str, option: &str| match sheet.get(key) {
                Some(text) => Ok(text.to_owned()),
                None => needed(sheet, module, option),
            };
            let encoded = |text: String| if is_encoded(sheet) { form_encoded(&text) } else { text };
            let scope = sheet.get("sasl.oauthbearer.scope").or_else(|| module.option("scope"));
            Ok(TokenSource::Endpoint {
                url: text.to_owned(),
                client_id: encoded(given(CLIENT_ID, "clientId")?),
                client_secret: Secret::new(encoded(given(CLIENT_SECRET, "clientSecret")?)),
                scope: scope.filter(|scope| !scope.is_empty()).map(ToOwned::to_owned),
                tls: if url.scheme() == "https" { Some(tls(sheet, module, notices)?) } else { None },
            })
        }
        other => {
            Err(sheet.refuse(ENDPOINT, &format!("'{other}' is not spoken: give an https://, http:// or file:// URL")))
        }
    }
}

/// TLS for the endpoint, which the options of the login module set, as in Kafka; not the properties of the listeners.
fn tls(sheet: &Sheet, module: &Module, notices: &mut Notices) -> Result<Arc<ClientConfig>, Refusal> {
    let options = module.options("ssl.").map(|(name, value)| (format!("ssl.{name}"), value.to_owned()));
    let own = Overrides { name: format!("{}: {JAAS}", sheet.name()), properties: options.collect() };
    stores::tls(&Sheet::read(None, &own, notices)?, notices)
}

fn is_encoded(sheet: &Sheet) -> bool {
    sheet.get(URL_ENCODED).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// As forms in URLs are encoded, which RFC 6749 asks for and Kafka does only if it is told to.
fn form_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'.' | b'-' | b'*' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// Kafka's own tokens that nobody signs, for trials: the options of the module are the claims.
fn unsecured(sheet: &Sheet, module: &Module) -> Result<TokenSource, Refusal> {
    let mut claims: Vec<(String, Value)> = Vec::new();
    for (claim, text) in module.options("unsecuredLoginStringClaim_") {
        claims.push((claim.to_owned(), Value::String(text.to_owned())));
    }
    for (claim, text) in module.options("unsecuredLoginNumberClaim_") {
        let number: Result<Number, _> = text.trim().parse();
        let why = || format!("unsecuredLoginNumberClaim_{claim} is not a number");
        claims.push((claim.to_owned(), Value::Number(number.map_err(|_| sheet.refuse(JAAS, &why()))?)));
    }
    for (claim, text) in module.options("unsecuredLoginListClaim_") {
        // The first character is what stands between the others.
        let mut rest = text.chars();
        let items: Vec<Value> = match rest.next() {
            Some(between) => rest.as_str().split(between).map(|item| Value::String(item.to_owned())).collect(),
            None => Vec::new(),
        };
        claims.push((claim.to_owned(), Value::Array(items)));
    }
    if claims.is_empty() {
        let why = "not given, so there is no token: give an https:// URL, or file:///PATH of a file with a token in it";
        return Err(sheet.refuse(ENDPOINT, why));
    }
    Ok(TokenSource::Unsecured { claims })
}
