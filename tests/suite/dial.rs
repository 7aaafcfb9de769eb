//! The real network behind the seam: TCP, and TLS where a connector is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::{Network, PageAnswer, PageRequest, Sockets};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::security::{Access, Security};
use kraft_check::snapshot::{Depth, Endpoint, Look, Why};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use crate::memory::{Manner, serve};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A server of TLS for `127.0.0.1`, and its certificate.
pub(crate) fn acceptor() -> (TlsAcceptor, CertificateDer<'static>) {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let certificate = key.cert.der().clone();
    let secret = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    let config =
        config.with_no_client_auth().with_single_cert(vec![certificate.clone()], secret).expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), certificate)
}

/// A broker behind TLS for `127.0.0.1`, its port and its certificate.
async fn broker_behind_tls() -> (u16, CertificateDer<'static>) {
    let (acceptor, certificate) = acceptor();
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

/// The real network, with or without TLS for brokers' listeners.
fn network(tls: Option<ClientConfig>) -> Sockets {
    let brokers = Security { tls: tls.map(Arc::new), ..Security::default() };
    Sockets::new(Access { brokers, ..Access::default() })
}

async fn look_through(tls: Option<ClientConfig>, port: u16) -> Look {
    look_over(&Arc::new(Kept::nothing(network(tls))), port).await
}

async fn look_over(network: &Arc<Kept<Sockets>>, port: u16) -> Look {
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: vec![Address { id: Some(1), endpoint }],
        controllers: Vec::new(),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(5),
        page_timeout: Duration::from_secs(5),
        concurrency: 4,
    };
    look(network, &plan, Instant::now() + Duration::from_secs(10)).await
}

/// TLS that trusts these certificates.
pub(crate) fn trusting(certificates: Vec<CertificateDer<'static>>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    config.with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn a_broker_behind_tls_is_seen_through_a_connector_that_trusts_it() {
    let (port, certificate) = broker_behind_tls().await;
    let look = look_through(Some(trusting(vec![certificate])), port).await;
    assert!(look.nodes[0].metadata.said.is_ok(), "{:?}", look.nodes[0]);
}

#[tokio::test]
async fn a_connection_through_tls_can_be_kept() {
    // This broker serves one connection after the other: a second one would wait for the end of the first.
    let (port, certificate) = broker_behind_tls().await;
    let network = Arc::new(Kept::new(network(Some(trusting(vec![certificate])))));
    for _ in 0..3 {
        let look = look_over(&network, port).await;
        assert!(look.nodes[0].metadata.said.is_ok(), "{:?}", look.nodes[0]);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_no_answer() {
    let (port, _) = broker_behind_tls().await;
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let look = look_through(Some(trusting(vec![stranger.cert.der().clone()])), port).await;
    let missed = look.nodes[0].api_versions.said.as_ref().expect_err("not trusted");
    assert_eq!(missed.why, Why::TlsUnknownIssuer);
    assert!(missed.words.contains("certificate"), "{}", missed.words);
}

#[tokio::test]
async fn without_a_connector_a_tls_port_is_named() {
    let (port, _) = broker_behind_tls().await;
    let look = look_through(None, port).await;
    let missed = look.nodes[0].api_versions.said.as_ref().expect_err("not Kafka");
    assert_eq!(missed.why, Why::TlsExpected);
    assert!(missed.words.contains("TLS port"), "{}", missed.words);
}

/// Serves pages over connections that stay open, each as a task that is handed on.
async fn exporter() -> (String, UnboundedReceiver<AbortHandle>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let serving = tokio::spawn(async move {
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nx 1.0\n";
                    stream.write_all(page).await.expect("somebody listens");
                }
            });
            sender.send(serving.abort_handle()).expect("somebody counts");
        }
    });
    (format!("http://127.0.0.1:{port}/metrics"), receiver)
}

#[tokio::test]
async fn a_page_comes_over_a_connection_that_stays_open_until_its_exporter_is_restarted() {
    let (url, mut connections) = exporter().await;
    let network = network(None);
    for _ in 0..2 {
        assert_eq!(network.page(&PageRequest::get(&url)).await, Ok(PageAnswer::ok("x 1.0\n")));
        let connection = connections.recv().await.expect("a connection");
        assert_eq!(network.page(&PageRequest::get(&url)).await, Ok(PageAnswer::ok("x 1.0\n")));
        assert!(connections.try_recv().is_err(), "the same connection");
        connection.abort();
        sleep(Duration::from_millis(50)).await;
    }
}
