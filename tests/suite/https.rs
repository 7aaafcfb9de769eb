//! Pages over https, over real sockets: whose certificate is believed, and who gets our credentials.

use std::sync::Arc;

use kraft_check::evaluate::evaluate;
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::security::{Access, PageSecurity, Secret};
use kraft_check::snapshot::{Why, recording};
use kraft_check::stages::STAGES;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::loopback::{Asked, Server, error_of, look_at, page, snapshot};

const METRICS: &str = "kafka_controller_kafkacontroller_zkmigrationstate 1.0\n";
const AGENT: &str = "{\"request\":{\"mbean\":\"kafka.controller:name=ZkMigrationState,type=KafkaController\",\
                     \"attribute\":\"Value\",\"type\":\"read\"},\"value\":1,\"status\":200}";
/// `kafka:hushhush`, as Basic has it.
const BASIC: &str = "Basic a2Fma2E6aHVzaGh1c2g=";
const BEARER: &str = "Bearer hushhush.token";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate authority of this name, and what a server for this host needs of it.
fn authority(name: &str, host: &str) -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new([host.to_owned()]).expect("a name").signed_by(&key, &issuer).expect("a certificate");
    let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], secret).expect("a server");
    (issuer.der().clone(), Arc::new(config))
}

/// Pages are spoken to so, trusting this authority.
fn trusting(authority: CertificateDer<'static>) -> Access {
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("an authority");
    let config =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect("versions");
    let tls = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    Access { pages: PageSecurity { tls: Some(tls), authorization: None }, ..Access::default() }
}

fn with(access: Access, authorization: &str) -> Access {
    let pages = PageSecurity { authorization: Some(Secret::new(authorization)), ..access.pages };
    Access { pages, ..access }
}

fn metrics(_: &Asked) -> (u16, String) {
    (200, METRICS.to_owned())
}

fn https(server: &Server) -> String {
    server.url("/metrics").replace("http:", "https:")
}

/// Why the page was not seen, as the report has it.
fn error(access: Access, url: &str) -> (&'static str, String) {
    let report = evaluate(&STAGES[1], &snapshot(look_at(url, access)));
    let error = error_of(url, &report).expect("an error of the page");
    (error.id, error.message.clone())
}

#[test]
fn a_page_is_read_whose_issuer_is_trusted() {
    let (authority, config) = authority("ours", "127.0.0.1");
    let server = Server::behind(Some(config), metrics);
    let look = look_at(&https(&server), trusting(authority));
    assert_eq!(page(&look).expect("a page").samples[0].value, "1.0");
}

#[test]
fn a_page_of_any_other_issuer_or_host_is_refused() {
    let (_, config) = authority("ours", "127.0.0.1");
    let (stranger, _) = authority("a stranger", "127.0.0.1");
    let server = Server::behind(Some(config), metrics);
    let (id, message) = error(trusting(stranger), &https(&server));
    assert_eq!(id, "tls-unknown-issuer", "{message}");
    // Whoever names no authority trusts those of the operating system, and not everybody.
    assert!(page(&look_at(&https(&server), Access::default())).is_err());

    let (authority, config) = authority("ours", "another.example");
    let server = Server::behind(Some(config), metrics);
    let (id, message) = error(trusting(authority), &https(&server));
    assert_eq!(id, "tls-wrong-hostname", "{message}");
    assert!(server.questions().is_empty(), "nobody is asked who is not believed");
}

#[test]
fn http_needs_no_authority_and_https_no_http() {
    let (authority, config) = authority("ours", "127.0.0.1");
    let plain = Server::new(metrics);
    assert!(page(&look_at(&plain.url("/metrics"), trusting(authority.clone()))).is_ok());
    let missed = look_at(&https(&plain), trusting(authority));
    assert!(page(&missed).is_err(), "the port speaks no TLS");
    let tls = Server::behind(Some(config), metrics);
    let missed = look_at(&tls.url("/metrics"), Access::default());
    assert!(page(&missed).is_err(), "the port speaks TLS");
}

#[test]
fn credentials_open_the_page_and_are_never_shown() {
    let (authority, config) = authority("ours", "127.0.0.1");
    for (wanted, path) in
        [(BASIC, "/metrics"), (BEARER, "/metrics"), (BASIC, "/jolokia"), (BEARER, "/v1/kraft-migration/")]
    {
        let closed = move |asked: &Asked| match (asked.authorization.as_deref(), asked.path.as_str()) {
            (Some(given), _) if given != wanted => (403, format!("not {given}")),
            (None, _) => (401, String::new()),
            (_, "/metrics") => (200, METRICS.to_owned()),
            (_, "/jolokia/") => (200, format!("[{AGENT}]")),
            _ => (200, "{\"state\":1}".to_owned()),
        };
        let server = Server::behind(Some(Arc::clone(&config)), closed);
        let url = server.url(path).replace("http:", "https:");
        let without = trusting(authority.clone());
        let (id, message) = error(without.clone(), &url);
        assert_eq!(id, "not-authorized");
        assert!(message.contains("HTTP 401"), "{message}");
        let wrong = with(without.clone(), "Basic hushhush");
        let access = with(without, wanted);
        assert!(page(&look_at(&url, access.clone())).is_ok(), "{wanted} {path}");
        for access in [wrong, access] {
            let shown = format!("{access:?}");
            let snapshot = snapshot(look_at(&url, access));
            let report = evaluate(&STAGES[1], &snapshot);
            let json = render(&Document::Report(&report), Format::Json, Style::default(), &[]);
            for text in [shown, recording::write(&snapshot), json, format!("{snapshot:?}")] {
                assert!(!text.contains("hushhush") && !text.contains("a2Fma2E6"), "{text}");
            }
        }
    }
}

#[test]
fn credentials_go_nowhere_else() {
    let server = Server::new(|asked| match asked.path.as_str() {
        "/metrics" => (302, String::new()),
        _ => (200, METRICS.to_owned()),
    });
    let look = look_at(&server.url("/metrics"), with(Access::default(), BASIC));
    assert_eq!(page(&look).expect_err("moved").why, Why::NotAPage);
    assert_eq!(server.questions(), ["GET /metrics"], "a redirect is not followed");
    let look = look_at(&server.url("/metrics"), with(Access::default(), "Basic hush\nhush"));
    let missed = page(&look).expect_err("no header");
    assert!(missed.words.contains("no header may have") && !missed.words.contains("hush"), "{}", missed.words);
}
