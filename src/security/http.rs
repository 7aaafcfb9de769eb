//! The HTTP client for pages and token endpoints, over TLS or without.

use std::sync::Arc;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A client without a proxy that follows no redirect: an answer must come from whoever was asked, and nobody else may get
/// our credentials. Without `tls` it trusts no certificate, so that nothing is loaded where nothing is to be verified.
///
/// # Errors
/// Those of the client's own construction, in words without a secret.
pub fn client(tls: Option<&ClientConfig>) -> Result<Client, String> {
    // The configuration is handed in always: without one the client would look for a provider of its own.
    let tls = tls.map_or_else(trusting_nobody, |tls| Ok(tls.clone()))?;
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(Policy::none())
        .user_agent(concat!("kraft-check/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| format!("no HTTP client: {}", innermost(&error)))
}

fn trusting_nobody() -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| format!("no TLS: {error}"))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// The words of the innermost cause: the outer ones repeat the URL, which may hold a password.
#[must_use]
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if cause.downcast_ref::<reqwest::Error>().is_some() { "not answered as HTTP".to_owned() } else { cause.to_string() }
}
