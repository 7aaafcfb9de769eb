//! How a listener is spoken to: TLS, a login, and what we call ourselves.
//!
//! Texts and stores come read (`config`), and what is made of them is used by `observe`; but tokens, which run out, are had
//! here when they are needed (`token`). Not here: the names of the properties that set it.

pub mod http;
mod login;
mod scram;
mod secret;
mod stores;
pub mod tls;
mod token;
mod verifier;

use std::sync::Arc;

use rustls::ClientConfig;

use crate::snapshot::AskedAs;
pub use login::{Failed, Login, Turn};
pub use scram::ScramHash;
pub use secret::Secret;
pub use token::TokenSource;

/// How the listeners of one role are spoken to. As it is by default: PLAINTEXT, by our own name.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS under everything, with `security.protocol` SSL and `SASL_SSL`.
    pub tls: Option<Arc<ClientConfig>>,
    /// A login, with `security.protocol` `SASL_PLAINTEXT` and `SASL_SSL`.
    pub login: Option<Arc<Login>>,
    /// What we call ourselves (`client.id`); `None`: `kraft-check`.
    pub client_id: Option<Arc<str>>,
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

impl Access {
    /// How listeners of this role are spoken to.
    #[must_use]
    pub fn of(&self, asked_as: AskedAs) -> &Security {
        match asked_as {
            AskedAs::Broker => &self.brokers,
            AskedAs::Controller => &self.controllers,
        }
    }
}
