//! What `ssl.*` says, made into a client of TLS: whom we trust, who we are, and in which versions and ciphers.
//!
//! TLS is rustls with ring, and nothing else. Not here: how stores are opened (`stores`), where their bytes come from and
//! what properties are called in a file (`config`), connections (`observe`).

use std::collections::HashSet;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion};

use super::stores::{self, Blame, Contents, Fault, Wanted};
pub use super::stores::{STORE_LIMIT, Store};
pub use super::verifier::Untrusted;
use super::verifier::Verifier;

const TRUSTSTORE: &str = "ssl.truststore.location";
const KEYSTORE: &str = "ssl.keystore.location";
const PROTOCOLS: &str = "ssl.enabled.protocols";
const CIPHERS: &str = "ssl.cipher.suites";

/// What is said about TLS. Stores come read; texts come as they are written.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Whom we trust: a truststore, or without one the operating system's authorities.
    pub truststore: Option<Store>,
    /// Who we are.
    pub keystore: Option<Store>,
    /// Whether a certificate must have the host's name (`ssl.endpoint.identification.algorithm=https`). If not, chain and
    /// validity are verified all the same.
    pub verifies_hostname: bool,
    /// `ssl.enabled.protocols`: `TLSv1.3`, `TLSv1.2`. `None` and nothing: both.
    pub enabled_protocols: Option<Vec<String>>,
    /// `ssl.cipher.suites`, by the names of IANA, which are Java's. `None` and nothing: all that ring has.
    pub cipher_suites: Option<Vec<String>>,
}

/// Why no TLS can be had with these settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The property that is to blame, by Kafka's name.
    pub property: &'static str,
    /// What is wrong and what to do, in one line without secrets: what follows `PROPERTY: `.
    pub why: String,
}

/// A client of TLS, and warnings of one line each, which begin with the property that they are about.
///
/// # Errors
/// A store that cannot be opened or has nothing of use in it; protocols or ciphers of which none is left.
pub fn client_config(settings: &TlsSettings) -> Result<(ClientConfig, Vec<String>), Unfit> {
    let mut warnings = Vec::new();
    let mut provider = ring::default_provider();
    provider.cipher_suites = ciphers(settings.cipher_suites.as_deref(), provider.cipher_suites, &mut warnings)?;
    let provider = Arc::new(provider);
    let versions = versions(settings.enabled_protocols.as_deref(), &mut warnings)?;
    let verifier = Verifier {
        chain: chain(settings.truststore.as_ref(), &provider, &mut warnings)?,
        verifies_hostname: settings.verifies_hostname,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|_| unfit(CIPHERS, "none of these is of a version that ssl.enabled.protocols has"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(keystore) = &settings.keystore else { return Ok((builder.with_no_client_auth(), warnings)) };
    let blamed = |fault: Fault| blame(fault, KEYSTORE, "ssl.keystore.password");
    let (own, passed_over) = stores::open(keystore, Wanted::Key).and_then(stores::own).map_err(blamed)?;
    warnings.extend(passed_over.into_iter().map(|warning| format!("{KEYSTORE}: {warning}")));
    // Shown whatever authorities the peer names: then the peer says what is wrong with it.
    Ok((builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))), warnings))
}

fn unfit(property: &'static str, why: impl Into<String>) -> Unfit {
    Unfit { property, why: why.into() }
}

fn blame(Fault(blame, why): Fault, location: &'static str, password: &'static str) -> Unfit {
    let property = match blame {
        Blame::Contents => location,
        Blame::Password => password,
        Blame::KeyPassword => "ssl.key.password",
    };
    Unfit { property, why }
}

/// Whoever a chain may end with.
fn chain(
    truststore: Option<&Store>,
    provider: &Arc<CryptoProvider>,
    warnings: &mut Vec<String>,
) -> Result<Arc<WebPkiServerVerifier>, Unfit> {
    let trusted = match truststore {
        Some(store) => trusted(store, warnings)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    let distinct: HashSet<CertificateDer> = trusted.into_iter().collect();
    let (_, unreadable) = roots.add_parsable_certificates(distinct);
    if roots.is_empty() {
        let why = if truststore.is_none() {
            "is not set, and this system has no authorities of its own: set it, or install ca-certificates"
        } else if unreadable > 0 {
            "has no certificate that can be read"
        } else {
            "has no certificate"
        };
        return Err(unfit(TRUSTSTORE, why));
    }
    if truststore.is_some() && unreadable > 0 {
        warnings.push(format!("{TRUSTSTORE}: {unreadable} of its certificates cannot be read and are not trusted"));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unfit(TRUSTSTORE, error.to_string()))
}

fn trusted(store: &Store, warnings: &mut Vec<String>) -> Result<Vec<CertificateDer<'static>>, Unfit> {
    let blamed = |fault| blame(fault, TRUSTSTORE, "ssl.truststore.password");
    let Contents { trusted, others, warnings: passed_over, .. } = stores::open(store, Wanted::Trust).map_err(blamed)?;
    warnings.extend(passed_over.into_iter().map(|warning| format!("{TRUSTSTORE}: {warning}")));
    if !trusted.is_empty() || others.is_empty() {
        return Ok(trusted);
    }
    // `openssl pkcs12` marks nothing unless it is told to. Whoever calls it a truststore means them.
    warnings.push(format!(
        "{TRUSTSTORE}: no certificate in it is marked as trusted, so Java would trust none; all {} of it are trusted \
         here",
        others.len()
    ));
    Ok(others)
}

fn versions(
    enabled: Option<&[String]>,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Unfit> {
    let Some(enabled) = enabled.filter(|enabled| !enabled.is_empty()) else { return Ok(vec![&TLS13, &TLS12]) };
    let mut versions = Vec::new();
    let mut dropped = Vec::new();
    for name in enabled {
        match name.trim() {
            "TLSv1.3" => versions.push(&TLS13),
            "TLSv1.2" => versions.push(&TLS12),
            other => dropped.push(shown(other)),
        }
    }
    if versions.is_empty() {
        let why = format!("{} cannot be spoken, only TLSv1.2 and TLSv1.3", dropped.join(", "));
        return Err(unfit(PROTOCOLS, why));
    }
    if !dropped.is_empty() {
        warnings.push(format!("{PROTOCOLS}: {} cannot be spoken and is not offered", dropped.join(", ")));
    }
    Ok(versions)
}

fn ciphers(
    wanted: Option<&[String]>,
    known: Vec<SupportedCipherSuite>,
    warnings: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, Unfit> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(known) };
    let mut suites = Vec::new();
    let mut dropped = Vec::new();
    for name in wanted {
        // rustls calls those of TLS 1.3 TLS13_…, IANA and Java TLS_….
        let is_named = |suite: &&SupportedCipherSuite| {
            suite.suite().as_str().is_some_and(|known| known.replace("TLS13_", "TLS_") == name.trim())
        };
        match known.iter().find(is_named) {
            Some(suite) => suites.push(*suite),
            None => dropped.push(shown(name)),
        }
    }
    let named = dropped.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = dropped.len().checked_sub(5).filter(|more| *more > 0);
    let named = more.map_or_else(|| named.clone(), |more| format!("{named} and {more} more"));
    if suites.is_empty() {
        let why = format!("{named} cannot be used: only suites of AES-GCM and ChaCha20, in TLS 1.2 with ECDHE");
        return Err(unfit(CIPHERS, why));
    }
    if !dropped.is_empty() {
        warnings.push(format!("{CIPHERS}: {named} cannot be used and is not offered"));
    }
    Ok(suites)
}

/// A word of somebody's file, as it may be repeated.
fn shown(word: &str) -> String {
    word.trim().chars().flat_map(char::escape_debug).take(60).collect()
}
