//! The `client.properties` files of those who ask a secured cluster.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::certificates::{Certificates, Form, KEY, STORE};
use super::password;

const JAAS: &str = "org.apache.kafka.common.security";

/// A `client.properties` in the making.
#[derive(Clone)]
pub(crate) struct Client(String);

impl Client {
    /// Of this `security.protocol`.
    pub(crate) fn of(protocol: &str) -> Self {
        Self(format!("security.protocol={protocol}\n"))
    }

    /// Trusts the cluster's authority, by a store of this form.
    pub(crate) fn trusting(mut self, certificates: &Certificates, form: Form) -> Self {
        self.store("truststore", &certificates.trust(form), form);
        if form != Form::Pem {
            let _ = writeln!(self.0, "ssl.truststore.password={STORE}");
        }
        self
    }

    /// Trusts an authority that issued no certificate of the cluster's.
    pub(crate) fn trusting_foreigners(mut self, certificates: &Certificates) -> Self {
        self.store("truststore", &certificates.foreign_trust(), Form::Pem);
        self
    }

    /// Has a certificate to show, by a store of this form. The key in probe's PEM is encrypted.
    pub(crate) fn showing(mut self, certificates: &Certificates, owner: &str, form: Form) -> Self {
        self.store("keystore", &certificates.keys(owner, form), form);
        if form != Form::Pem {
            let _ = writeln!(self.0, "ssl.keystore.password={STORE}");
        }
        let key = if form == Form::Pem { KEY } else { STORE };
        if form != Form::Pem || owner == "probe" {
            let _ = writeln!(self.0, "ssl.key.password={key}");
        }
        self
    }

    /// Takes a certificate of any host.
    pub(crate) fn of_any_host(mut self) -> Self {
        self.0 += "ssl.endpoint.identification.algorithm=\n";
        self
    }

    /// Logs in with a password: the user's, or another.
    pub(crate) fn login(mut self, mechanism: &str, user: &str, password: &str) -> Self {
        let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
        // Over two lines, as the documentation of Kafka has it.
        let _ = writeln!(
            self.0,
            "sasl.mechanism={mechanism}\nsasl.jaas.config={JAAS}.{module} required \\\n  username=\"{user}\" password=\"{password}\";"
        );
        self
    }

    /// Logs in as a user with his password.
    pub(crate) fn by_password(self, mechanism: &str, user: &str) -> Self {
        self.login(mechanism, user, &password(user))
    }

    /// Logs in by a token that nobody signed.
    pub(crate) fn by_unsecured_token(mut self, user: &str) -> Self {
        let _ = writeln!(
            self.0,
            "sasl.mechanism=OAUTHBEARER\nsasl.jaas.config={JAAS}.oauthbearer.OAuthBearerLoginModule required \
             unsecuredLoginStringClaim_sub=\"{user}\";"
        );
        self
    }

    /// Keeps it as a file, and says where.
    pub(crate) fn written(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(format!("{name}.properties"));
        // As a file with a password in it must be: the tool warns of others.
        let written = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&file);
        let written = written.and_then(|mut open| open.write_all(self.0.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file
    }

    fn store(&mut self, which: &str, file: &Path, form: Form) {
        let _ = writeln!(self.0, "ssl.{which}.type={}\nssl.{which}.location={}", form.word(), file.display());
    }
}
