//! TLS as clients of Kafka are configured for it: so far with the operating system's roots alone.
//!
//! Not here: files, and the names under which the settings are given.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::Secret;

/// What TLS is configured with.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Whom to trust; `None` for the operating system's roots.
    pub truststore: Option<Store>,
    /// Our own certificate and key.
    pub keystore: Option<Store>,
    /// Whether the certificate must have the host's name; its chain is verified always.
    pub verifies_hostname: bool,
    /// `ssl.enabled.protocols`, as written.
    pub enabled_protocols: Option<Vec<String>>,
    /// `ssl.cipher.suites`, as written.
    pub cipher_suites: Option<Vec<String>>,
}

/// A store that was read.
#[derive(Debug, Clone)]
pub struct Store {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// `ssl.*store.type`, as written.
    pub declared: Option<String>,
    /// The password of the store.
    pub password: Option<Secret>,
    /// `ssl.key.password`.
    pub key_password: Option<Secret>,
}

/// Which property is to blame, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Kafka's name of the property.
    pub property: &'static str,
    /// Why, in words.
    pub why: String,
}

/// The configuration, and warnings, one line each.
///
/// # Errors
/// Which property is to blame.
pub fn client_config(settings: &TlsSettings) -> Result<(ClientConfig, Vec<String>), Unfit> {
    let unfit = |property, why: &str| Unfit { property, why: why.to_owned() };
    if settings.truststore.is_some() || settings.keystore.is_some() || !settings.verifies_hostname {
        return Err(unfit("ssl.truststore.location", "stores cannot be read yet"));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(unfit("ssl.truststore.location", "the operating system has no roots: give a truststore"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit("ssl.enabled.protocols", &error.to_string()))?;
    Ok((config.with_root_certificates(roots).with_no_client_auth(), Vec::new()))
}
