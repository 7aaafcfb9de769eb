//! How a listener is spoken to: TLS, a login, and what we call ourselves.
//!
//! Nothing here opens a connection, and no file but those of the operating system's authorities: texts and stores come
//! read (`config`), and what is made of them is used by `observe`. Not here: how a file of properties is read.

mod secret;
mod stores;
pub mod tls;
mod verifier;

use std::sync::Arc;

use rustls::ClientConfig;

pub use secret::Secret;

/// How the listeners of one role are spoken to. As it is by default: PLAINTEXT, by our own name.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS under everything, with `security.protocol` SSL and `SASL_SSL`.
    pub tls: Option<Arc<ClientConfig>>,
}

/// How pages are spoken to over HTTP.
#[derive(Debug, Clone, Default)]
pub struct PageSecurity {
    /// TLS, for `https://`.
    pub tls: Option<Arc<ClientConfig>>,
    /// The value of the header `Authorization`.
    pub authorization: Option<Secret>,
}

/// How everybody is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Brokers' listeners.
    pub brokers: Security,
    /// Controllers' listeners.
    pub controllers: Security,
    /// Metrics pages.
    pub pages: PageSecurity,
}
