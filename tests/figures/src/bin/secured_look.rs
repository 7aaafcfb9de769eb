//! `secured_look plaintext|tls|scram|salted FILE`: one look at the nodes of this file, by the program's own observation.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::Sockets;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::security::{Access, Login, ScramHash, Secret, Security};
use kraft_check::snapshot::{Depth, Endpoint};
use kraft_check_figures::CONCURRENCY;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [kind, file] = words.as_slice() else { panic!("secured_look KIND FILE") };
    let text = fs::read_to_string(file).expect("the nodes");
    let of = |role: &str| -> Vec<Address> {
        let own = text.lines().filter_map(|line| line.strip_prefix(role)?.trim().split_once(' '));
        let place = |port: &str| Endpoint { host: "127.0.0.1".to_owned(), port: port.parse().expect("a port") };
        own.map(|(id, port)| Address { id: id.parse().ok(), endpoint: place(port) }).collect()
    };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: of("broker "),
        controllers: of("controller "),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_mins(5),
        page_timeout: Duration::from_mins(5),
        concurrency: CONCURRENCY,
    };
    let is_login = kind == "scram" || kind == "salted";
    let scram = || Login::scram(ScramHash::Sha512, "probe".to_owned(), Secret::new("hushhush"));
    let login = is_login.then(|| Arc::new(scram()));
    let tls = (kind != "plaintext").then(|| Arc::new(trusting(&format!("{file}.der"))));
    let security = || Security { tls: tls.clone(), login: login.clone(), ..Security::default() };
    let access = Access { brokers: security(), controllers: security(), ..Access::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    let seen = runtime.block_on(async {
        let network = Arc::new(Kept::nothing(Sockets::new(access)));
        look(&network, &plan, Instant::now() + Duration::from_mins(30)).await
    });
    let answered = seen.nodes.iter().filter(|node| node.metadata.said.is_ok() || node.quorum.said.is_ok()).count();
    assert_eq!(answered, plan.brokers.len() + plan.controllers.len(), "every node answers");
    let expected = if kind == "salted" { answered } else { usize::from(is_login) };
    assert_eq!(login.map_or(0, |login| login.derivations()), expected, "keys made");
}

fn trusting(file: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(fs::read(file).expect("the certificate").into()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    config.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots).with_no_client_auth()
}
