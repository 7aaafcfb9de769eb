//! The real network behind the seam: TCP, and TLS where a connector is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::Sockets;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::snapshot::{Endpoint, Look, Why};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::memory::{Manner, serve};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A broker behind TLS for `127.0.0.1`, its port and its certificate.
async fn broker_behind_tls() -> (u16, CertificateDer<'static>) {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let certificate = key.cert.der().clone();
    let secret = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    let config =
        config.with_no_client_auth().with_single_cert(vec![certificate.clone()], secret).expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(tls) = acceptor.accept(tcp).await {
                let _ = serve(tls, Manner::Broker(Vec::new())).await;
            }
        }
    });
    (port, certificate)
}

async fn look_through(tls: Option<TlsConnector>, port: u16) -> Look {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    let plan = Plan {
        brokers: vec![Address { id: Some(1), endpoint }],
        controllers: Vec::new(),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(5),
        page_timeout: Duration::from_secs(5),
        concurrency: 4,
    };
    let network = Arc::new(Kept::nothing(Sockets::new(tls).expect("a network")));
    look(&network, &plan, Instant::now() + Duration::from_secs(10)).await
}

fn trusting(certificates: Vec<CertificateDer<'static>>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test]
async fn a_broker_behind_tls_is_seen_through_a_connector_that_trusts_it() {
    let (port, certificate) = broker_behind_tls().await;
    let look = look_through(Some(trusting(vec![certificate])), port).await;
    assert!(look.nodes[0].metadata.said.is_ok(), "{:?}", look.nodes[0]);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_no_answer() {
    let (port, _) = broker_behind_tls().await;
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let look = look_through(Some(trusting(vec![stranger.cert.der().clone()])), port).await;
    let missed = look.nodes[0].api_versions.said.as_ref().expect_err("not trusted");
    assert_eq!(missed.why, Why::Unreachable);
    assert!(missed.words.contains("certificate"), "{}", missed.words);
}

#[tokio::test]
async fn without_a_connector_a_tls_port_is_named() {
    let (port, _) = broker_behind_tls().await;
    let look = look_through(None, port).await;
    let missed = look.nodes[0].api_versions.said.as_ref().expect_err("not Kafka");
    assert_eq!(missed.why, Why::WrongTarget);
    assert!(missed.words.contains("TLS port"), "{}", missed.words);
}
