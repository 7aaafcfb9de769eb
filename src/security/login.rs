//! A login by SASL: a stand-in of the agreed signature, until the real one is merged.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;

use super::Secret;

/// Who logs in, and how.
#[derive(Debug)]
pub struct Login {
    mechanism: &'static str,
    user: Option<String>,
    /// Only shown: there is nobody to log in with yet.
    #[allow(dead_code)]
    with: With,
}

#[derive(Debug)]
#[allow(dead_code)]
enum With {
    Password(Secret),
    Token(TokenSource, Vec<(String, String)>),
}

/// The hash of SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

/// Where tokens come from.
#[derive(Debug)]
pub enum TokenSource {
    /// A file, read anew at every login: tokens rotate.
    File(PathBuf),
    /// A token endpoint of OAuth 2.
    Endpoint {
        /// Its URL.
        url: String,
        /// Who asks.
        client_id: String,
        /// With which secret.
        client_secret: Secret,
        /// For what.
        scope: Option<String>,
        /// TLS, for `https://`.
        tls: Option<Arc<ClientConfig>>,
    },
    /// Kafka's own unsecured tokens, of these claims.
    Unsecured {
        /// Names and values.
        claims: Vec<(String, serde_json::Value)>,
    },
}

impl Login {
    /// PLAIN.
    #[must_use]
    pub fn plain(user: String, password: Secret) -> Self {
        Self { mechanism: "PLAIN", user: Some(user), with: With::Password(password) }
    }

    /// SCRAM.
    #[must_use]
    pub fn scram(hash: ScramHash, user: String, password: Secret) -> Self {
        let mechanism = if hash == ScramHash::Sha256 { "SCRAM-SHA-256" } else { "SCRAM-SHA-512" };
        Self { mechanism, user: Some(user), with: With::Password(password) }
    }

    /// OAUTHBEARER, with SASL extensions.
    #[must_use]
    pub fn oauth_bearer(source: TokenSource, extensions: Vec<(String, String)>) -> Self {
        Self { mechanism: "OAUTHBEARER", user: None, with: With::Token(source, extensions) }
    }

    /// The mechanism's name.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// The user's name, where there is one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}
