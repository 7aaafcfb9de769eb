//! Certificate authorities of a test's own, what they issue, and listeners that show it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kraft_check::security::tls::{Store, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::memory::{Manner, serve};

/// Somebody who issues certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Leaf {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) certificate_pem: String,
    pub(crate) key: KeyPair,
}

impl Authority {
    /// An authority of this name, with a key of its own.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::signed_by(params, key, &self.issuer).expect("a certificate") }
    }

    /// A certificate for these names.
    pub(crate) fn issue(&self, names: &[&str]) -> Leaf {
        self.issue_with(names, |_| {})
    }

    /// A certificate for these names, and what else is in it.
    pub(crate) fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, "a node");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Leaf { certificate: certificate.der().clone(), certificate_pem: certificate.pem(), key }
    }

    /// Its own certificate.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Its own certificate, as text.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Those that have it as the end of their chain.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).expect("a certificate");
        Arc::new(roots)
    }

    /// Settings that trust nobody else.
    pub(crate) fn trusted(&self) -> TlsSettings {
        TlsSettings {
            truststore: Some(store(self.pem())),
            keystore: None,
            verifies_hostname: true,
            enabled_protocols: None,
            cipher_suites: None,
        }
    }
}

impl Leaf {
    /// Its key, as rustls takes it.
    pub(crate) fn secret(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key")
    }

    /// A keystore of both, in the open.
    pub(crate) fn keystore(&self) -> Store {
        store(format!("{}{}", self.certificate_pem, self.key.serialize_pem()))
    }
}

/// A store without any password.
pub(crate) fn store(bytes: impl Into<Vec<u8>>) -> Store {
    Store { bytes: bytes.into(), declared: None, password: None, key_password: None }
}

/// The only provider of this program.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A listener that shows this certificate and wants none.
pub(crate) fn server(leaf: &Leaf) -> ServerConfig {
    builder(rustls::ALL_VERSIONS)
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate.clone()], leaf.secret())
        .expect("a key")
}

/// A listener of these versions that shows this certificate and wants one of this authority.
pub(crate) fn mutual(versions: &[&'static SupportedProtocolVersion], leaf: &Leaf, clients: &Authority) -> ServerConfig {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(clients.roots(), provider()).build().expect("a verifier");
    builder(versions)
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf.certificate.clone()], leaf.secret())
        .expect("a key")
}

/// A listener's settings, of these versions.
pub(crate) fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).expect("versions")
}

/// Serves a broker behind TLS, every connection by itself, and returns the port.
pub(crate) async fn listen(config: ServerConfig) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(tls) = acceptor.accept(tcp).await {
                    let _ = serve(tls, Manner::Broker(Vec::new())).await;
                }
            });
        }
    });
    port
}

/// What `openssl` makes of this input with these arguments, apart by spaces.
pub(crate) fn openssl(args: &str, input: &[u8]) -> Vec<u8> {
    let started = Command::new("openssl")
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut openssl =
        started.expect("`openssl` is missing and these tests need it; install it with: sh tests/install.sh");
    openssl.stdin.take().expect("an input").write_all(input).expect("an input that is taken");
    let made = openssl.wait_with_output().expect("an end");
    assert!(made.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}
