//! What does each kind of failure of TLS look like, in both roles, over real sockets?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::Sockets;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::security::tls::{Store, TlsSettings, client_config};
use kraft_check::security::{Access, Security};
use kraft_check::snapshot::{Answer, ApiVersions, Depth, Endpoint, Missed, Why};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::authority::{Authority, Leaf, builder, listen, mutual, openssl, server, store};

const HOST: &str = "127.0.0.1";

/// The first answer of a listener, asked as a broker and as a controller, through these settings.
async fn ask(settings: &TlsSettings, port: u16) -> [Answer<ApiVersions>; 2] {
    let (config, warnings) = client_config(settings).expect("settings");
    assert_eq!(warnings, Vec::<String>::new());
    let security = Security { tls: Some(Arc::new(config)), ..Security::default() };
    let access = Access { brokers: security.clone(), controllers: security, ..Access::default() };
    let network = Arc::new(Kept::nothing(Sockets::new(access)));
    let address = |id| Address { id: Some(id), endpoint: Endpoint { host: HOST.to_owned(), port } };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: vec![address(1)],
        controllers: vec![address(3001)],
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(5),
        page_timeout: Duration::from_secs(5),
        concurrency: 4,
    };
    let look = look(&network, &plan, Instant::now() + Duration::from_secs(10)).await;
    let answers: Vec<_> = look.nodes.into_iter().map(|node| node.api_versions).collect();
    answers.try_into().expect("two nodes")
}

/// Why there was no answer, which is the same in both roles.
async fn missed(settings: &TlsSettings, port: u16) -> Missed {
    let [broker, controller] = ask(settings, port).await.map(|answer| answer.said.expect_err("no answer"));
    assert_eq!(broker, controller);
    broker
}

async fn assert_missed(settings: &TlsSettings, port: u16, why: Why, words: &str) {
    let missed = missed(settings, port).await;
    assert_eq!(missed.why, why, "{missed:?}");
    assert!(missed.words.contains(words), "{missed:?}");
}

async fn assert_answered(settings: &TlsSettings, port: u16) {
    for answer in ask(settings, port).await {
        assert!(answer.said.is_ok(), "{answer:?}");
    }
}

/// An authority, and a listener with a certificate of its own making.
async fn shown(change: impl FnOnce(&mut rcgen::CertificateParams)) -> (Authority, u16) {
    let authority = Authority::new("Test CA");
    let leaf = authority.issue_with(&[HOST], change);
    let port = listen(server(&leaf)).await;
    (authority, port)
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_answered_in_every_version() {
    let (authority, port) = shown(|_| {}).await;
    assert_answered(&authority.trusted(), port).await;
    for protocol in ["TLSv1.2", "TLSv1.3"] {
        let only = TlsSettings { enabled_protocols: Some(vec![protocol.to_owned()]), ..authority.trusted() };
        assert_answered(&only, port).await;
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_named() {
    let (_, port) = shown(|_| {}).await;
    let stranger = Authority::new("Other CA");
    assert_missed(&stranger.trusted(), port, Why::TlsUnknownIssuer, "of CN=Test CA, who is not trusted").await;
    // One that was made anew has the same name.
    let namesake = Authority::new("Test CA");
    assert_missed(&namesake.trusted(), port, Why::TlsUnknownIssuer, "").await;
}

#[tokio::test]
async fn the_names_of_a_certificate_of_another_host_are_said() {
    let authority = Authority::new("Test CA");
    let port = listen(server(&authority.issue(&["b1.example", "192.0.2.7"]))).await;
    let words = "not for 127.0.0.1, but for b1.example, 192.0.2.7";
    assert_missed(&authority.trusted(), port, Why::TlsWrongHostname, words).await;
    let port = listen(server(&authority.issue(&[]))).await;
    assert_missed(&authority.trusted(), port, Why::TlsWrongHostname, "has no subjectAltName").await;
}

#[tokio::test]
async fn without_the_hosts_name_everything_else_is_still_verified() {
    let authority = Authority::new("Test CA");
    let nameless = |authority: &Authority| TlsSettings { verifies_hostname: false, ..authority.trusted() };
    let other_host = listen(server(&authority.issue(&["b1.example"]))).await;
    assert_answered(&nameless(&authority), other_host).await;
    assert_missed(&nameless(&Authority::new("Other CA")), other_host, Why::TlsUnknownIssuer, "CN=Test CA").await;
    let expired = authority.issue_with(&["b1.example"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    assert_missed(&nameless(&authority), listen(server(&expired)).await, Why::TlsExpired, "2020-01-02").await;
}

#[tokio::test]
async fn a_certificate_has_a_time() {
    let (authority, port) = shown(|params| params.not_after = date_time_ymd(2020, 1, 2)).await;
    assert_missed(&authority.trusted(), port, Why::TlsExpired, "expired at 2020-01-02T00:00:00Z").await;
    let (authority, port) = shown(|params| params.not_before = date_time_ymd(2090, 3, 4)).await;
    assert_missed(&authority.trusted(), port, Why::TlsExpired, "not valid before 2090-03-04T00:00:00Z").await;
}

#[tokio::test]
async fn an_authoritys_certificate_is_no_servers() {
    let (authority, port) = shown(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)).await;
    assert_missed(&authority.trusted(), port, Why::TlsCaAsServer, "CA:TRUE").await;
}

#[tokio::test]
async fn a_clients_certificate_is_no_servers() {
    let (authority, port) =
        shown(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]).await;
    assert_missed(&authority.trusted(), port, Why::TlsFailed, "serverAuth").await;
}

/// A listener with a certificate that `openssl` makes: with these arguments and an authority whose key is made so.
async fn made_by_openssl(authority_key: &str, args: &str) -> (TlsSettings, u16) {
    let host = crate::host::Host::new();
    let path = |name: &str| host.path(name).display().to_string();
    let (ca, ca_key, leaf, leaf_key) = (path("ca.pem"), path("ca.key"), path("leaf.csr"), path("leaf.key"));
    host.write("names", "subjectAltName=IP:127.0.0.1");
    openssl(
        &format!("req -x509 -newkey {authority_key} -nodes -keyout {ca_key} -out {ca} -subj /CN=Test -days 2"),
        b"",
    );
    let key = "ec -pkeyopt ec_paramgen_curve:P-256";
    openssl(&format!("req -new -newkey {key} -nodes -keyout {leaf_key} -out {leaf} -subj /CN=127.0.0.1"), b"");
    let args = args.replace("NAMES", &path("names"));
    let certificate =
        openssl(&format!("x509 -req -in {leaf} -CA {ca} -CAkey {ca_key} -days 2 -set_serial 7 {args}"), b"");
    let read = |name: &str| std::fs::read_to_string(name).expect("what openssl wrote");
    let certificate = openssl("x509 -outform DER", &certificate);
    let key = openssl("pkcs8 -topk8 -nocrypt -outform DER", read(&leaf_key).as_bytes());
    let key = rustls::pki_types::PrivateKeyDer::try_from(key).expect("a key");
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
    // Not looked at: rustls could not read one of version 1.
    let own = rustls::sign::CertifiedKey::new(vec![certificate.into()], key);
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(own));
    let port = listen(builder(rustls::ALL_VERSIONS).with_no_client_auth().with_cert_resolver(resolver)).await;
    (TlsSettings { truststore: Some(store(read(&ca))), ..Authority::new("unused").trusted() }, port)
}

#[tokio::test]
async fn a_signature_that_cannot_be_verified_is_told_by_its_kind() {
    let p521 = "ec -pkeyopt ec_paramgen_curve:P-521";
    for (key, args, words) in [
        (p521, "-sha256 -extfile NAMES", "by a key of P-521"),
        (p521, "-sha512 -extfile NAMES", "P-521"),
        ("rsa:2048", "-sha1 -extfile NAMES", "with SHA-1"),
    ] {
        let (settings, port) = made_by_openssl(key, args).await;
        assert_missed(&settings, port, Why::TlsUnsupportedKey, words).await;
    }
}

#[tokio::test]
async fn a_certificate_of_version_1_is_told() {
    let (settings, port) = made_by_openssl("rsa:2048", "-sha256").await;
    assert_missed(&settings, port, Why::TlsFailed, "X.509 version 1").await;
}

fn showing(authority: &Authority, keystore: Store) -> TlsSettings {
    TlsSettings { keystore: Some(keystore), ..authority.trusted() }
}

#[tokio::test]
async fn a_listener_that_wants_our_certificate_says_what_is_wrong_with_it() {
    let (authority, stranger) = (Authority::new("Test CA"), Authority::new("Other CA"));
    let node = authority.issue(&[HOST]);
    let expired = authority.issue_with(&["probe"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    for versions in [[&TLS12], [&TLS13]] {
        let port = listen(mutual(&versions, &node, &authority)).await;
        let good: Leaf = authority.issue(&["probe"]);
        assert_answered(&showing(&authority, good.keystore()), port).await;
        let refused = Why::TlsClientRefused;
        let without = "certificate_required; no certificate was shown, for want of a keystore";
        assert_missed(&authority.trusted(), port, refused, without).await;
        let foreign = showing(&authority, stranger.issue(&["probe"]).keystore());
        assert_missed(&foreign, port, refused, "unknown_ca; our certificate was shown").await;
        let expired = showing(&authority, expired.keystore());
        assert_missed(&expired, port, refused, "certificate_expired; our certificate was shown").await;
    }
}

#[tokio::test]
async fn versions_and_ciphers_that_have_nothing_in_common_are_an_alert() {
    let authority = Authority::new("Test CA");
    let leaf = authority.issue(&[HOST]);
    let config = builder(&[&TLS13]).with_no_client_auth();
    let port = listen(config.with_single_cert(vec![leaf.certificate.clone()], leaf.secret()).expect("a key")).await;
    let old = TlsSettings { enabled_protocols: Some(vec!["TLSv1.2".to_owned()]), ..authority.trusted() };
    assert_missed(&old, port, Why::TlsAlert, "protocol_version").await;
    let rsa = TlsSettings {
        cipher_suites: Some(vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()]),
        enabled_protocols: Some(vec!["TLSv1.2".to_owned()]),
        ..authority.trusted()
    };
    assert_missed(&rsa, listen(server(&leaf)).await, Why::TlsAlert, "handshake_failure").await;
}

/// A listener without TLS that answers the first bytes with this, and closes.
async fn plain(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((HOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = [0; 8];
            let _ = tcp.read_exact(&mut request).await;
            let _ = tcp.write_all(answer).await;
            if !answer.is_empty() {
                // What is left unread would be answered with a reset, and the answer might be lost.
                let _ = tcp.shutdown().await;
                let _ = tcp.read_to_end(&mut Vec::new()).await;
            }
        }
    });
    port
}

#[tokio::test]
async fn a_listener_without_tls_is_told() {
    let trusting = Authority::new("Test CA").trusted();
    for (answer, words) in [
        (&b""[..], "was closed on the first words of TLS"),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "is not TLS"),
        (b"\0\0\0\x0a\0\0\0\x01\0\x23\0\0\0\0", "is not TLS"),
    ] {
        assert_missed(&trusting, plain(answer).await, Why::TlsNotSpoken, words).await;
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_not_called_plaintext() {
    // The beginning of a record of the handshake, and no more.
    let port = plain(b"\x16\x03\x03\0\x7a\x02\0\0").await;
    assert_missed(&Authority::new("Test CA").trusted(), port, Why::Closed, "closed").await;
}
