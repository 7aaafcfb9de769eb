//! How a listener is spoken to: TLS, a login, and what we call ourselves.
//!
//! Nothing here reads a file or opens a connection: texts and stores come read (`config`), and what is made of them is
//! used by `observe`. Not here: the names of the properties that set it.

mod secret;
pub mod tls;

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
