//! `ssl.*`: stores read, and made TLS of. Not here: what is in a store (`security`).

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use super::Notices;
use super::sheet::{Sheet, contents, found};
use crate::config::Refusal;
use crate::report::Oddity;
use crate::security::Secret;
use crate::security::tls::{STORE_LIMIT, Store, TlsSettings, client_config};

const LOCATION_OF_TRUST: &str = "ssl.truststore.location";
const CERTIFICATES: &str = "ssl.truststore.certificates";
const LOCATION_OF_KEY: &str = "ssl.keystore.location";
const KEY: &str = "ssl.keystore.key";
const CHAIN: &str = "ssl.keystore.certificate.chain";
const ALGORITHM: &str = "ssl.endpoint.identification.algorithm";
const PROTOCOL: &str = "ssl.protocol";
const ENABLED: &str = "ssl.enabled.protocols";

/// TLS as the sheet sets it; by the operating system's roots where it names no truststore.
pub(super) fn tls(sheet: &Sheet, notices: &mut Notices) -> Result<Arc<ClientConfig>, Refusal> {
    let settings = TlsSettings {
        truststore: truststore(sheet)?,
        keystore: keystore(sheet)?,
        verifies_hostname: verifies_hostname(sheet, notices)?,
        enabled_protocols: enabled_protocols(sheet)?,
        cipher_suites: sheet.list("ssl.cipher.suites"),
    };
    let (config, odd) = client_config(&settings).map_err(|unfit| refuse(sheet, unfit.property, &unfit.why))?;
    for line in odd {
        sheet.warn(Oddity::TlsNotAsWritten, &line, notices);
    }
    Ok(Arc::new(config))
}

/// Refuses what a property is to blame for, by the name under which it was given: a store is a file, which is named as
/// well, or stands in the properties themselves.
fn refuse(sheet: &Sheet, property: &str, why: &str) -> Refusal {
    let inline = match property {
        LOCATION_OF_TRUST => CERTIFICATES,
        LOCATION_OF_KEY => KEY,
        other => other,
    };
    match (sheet.get(property), sheet.get(inline)) {
        (None, Some(_)) => sheet.refuse(inline, why),
        (Some(file), _) if inline != property => sheet.refuse(property, &format!("{file}: {why}")),
        _ => sheet.refuse(property, why),
    }
}

fn truststore(sheet: &Sheet) -> Result<Option<Store>, Refusal> {
    let password = secret(sheet, "ssl.truststore.password");
    let declared = sheet.get("ssl.truststore.type").map(ToOwned::to_owned);
    let bytes = match (sheet.get(CERTIFICATES), sheet.get(LOCATION_OF_TRUST)) {
        (Some(_), Some(_)) => {
            let why = "ssl.truststore.location is given as well, and only one of them can be";
            return Err(sheet.refuse(CERTIFICATES, why));
        }
        (Some(pem), None) => {
            inline(sheet, CERTIFICATES, pem, declared.as_deref(), "ssl.truststore.type")?;
            pem.as_bytes().to_vec()
        }
        (None, Some(file)) => read(sheet, LOCATION_OF_TRUST, file)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Store { bytes, declared, password, key_password: None }))
}

fn keystore(sheet: &Sheet) -> Result<Option<Store>, Refusal> {
    let password = secret(sheet, "ssl.keystore.password");
    let key_password = secret(sheet, "ssl.key.password");
    let declared = sheet.get("ssl.keystore.type").map(ToOwned::to_owned);
    let bytes = match (sheet.get(KEY), sheet.get(CHAIN), sheet.get(LOCATION_OF_KEY)) {
        (Some(_), _, Some(_)) => {
            return Err(sheet.refuse(KEY, "ssl.keystore.location is given as well, and only one of them can be"));
        }
        (_, Some(_), Some(_)) => {
            return Err(sheet.refuse(CHAIN, "ssl.keystore.location is given as well, and only one of them can be"));
        }
        (Some(key), Some(chain), None) => {
            inline(sheet, KEY, key, declared.as_deref(), "ssl.keystore.type")?;
            inline(sheet, CHAIN, chain, declared.as_deref(), "ssl.keystore.type")?;
            format!("{key}\n{chain}\n").into_bytes()
        }
        (Some(_), None, None) => {
            return Err(sheet.refuse(CHAIN, "not given, and ssl.keystore.key needs the certificates for it"));
        }
        (None, Some(_), None) => {
            return Err(sheet.refuse(KEY, "not given, and ssl.keystore.certificate.chain needs the key for it"));
        }
        (None, None, Some(file)) => read(sheet, LOCATION_OF_KEY, file)?,
        (None, None, None) => return Ok(None),
    };
    Ok(Some(Store { bytes, declared, password, key_password }))
}

/// Refuses what stands in a property and is no PEM. Kafka reads it so only where the type says it.
fn inline(sheet: &Sheet, key: &str, pem: &str, declared: Option<&str>, type_key: &str) -> Result<(), Refusal> {
    if !pem.contains("-----BEGIN ") {
        let why =
            "no PEM, which begins with -----BEGIN: in a properties file its lines are ended by \\n\\ or joined by \\n";
        return Err(sheet.refuse(key, why));
    }
    match declared {
        Some(declared) if !declared.eq_ignore_ascii_case("PEM") => {
            Err(sheet.refuse(type_key, &format!("'{declared}', and {key} is PEM: give PEM")))
        }
        _ => Ok(()),
    }
}

fn read(sheet: &Sheet, key: &str, file: &str) -> Result<Vec<u8>, Refusal> {
    let refuse = |why: &str| sheet.refuse(key, &format!("{file}: {why}"));
    contents(&found(Path::new(file)), STORE_LIMIT).map_err(|why| refuse(&why))
}

fn secret(sheet: &Sheet, key: &str) -> Option<Secret> {
    sheet.get(key).map(Secret::new)
}

/// Whether certificates are held to names: as Java takes it, by the rules of HTTPS, or not at all if it is empty.
fn verifies_hostname(sheet: &Sheet, notices: &mut Notices) -> Result<bool, Refusal> {
    match sheet.text(ALGORITHM) {
        None => Ok(true),
        Some("") => {
            let words =
                "ssl.endpoint.identification.algorithm is empty: certificates are not held to the names of hosts";
            sheet.warn(Oddity::HostnameNotVerified, words, notices);
            Ok(false)
        }
        Some(algorithm) if algorithm.eq_ignore_ascii_case("https") => Ok(true),
        Some(algorithm) => {
            let why = format!("'{algorithm}' is not known: give https, or nothing if names are not to be verified");
            Err(sheet.refuse(ALGORITHM, &why))
        }
    }
}

/// The protocols that are left by `ssl.protocol`, which is the newest one that Kafka lets be spoken.
fn enabled_protocols(sheet: &Sheet) -> Result<Option<Vec<String>>, Refusal> {
    let enabled = sheet.list(ENABLED);
    match sheet.get(PROTOCOL) {
        None | Some("TLS" | "TLSv1.3") => Ok(enabled),
        Some("TLSv1.2") => {
            let enabled = enabled.unwrap_or_else(|| vec!["TLSv1.2".to_owned()]);
            let left: Vec<String> = enabled.into_iter().filter(|protocol| protocol != "TLSv1.3").collect();
            if left.is_empty() {
                return Err(sheet.refuse(ENABLED, "TLSv1.3, which ssl.protocol=TLSv1.2 leaves out: nothing is left"));
            }
            Ok(Some(left))
        }
        Some(other) => Err(sheet.refuse(PROTOCOL, &format!("'{other}' is not spoken: give TLSv1.3 or TLSv1.2"))),
    }
}
