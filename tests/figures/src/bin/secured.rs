//! `secured plaintext|tls|scram|salted BROKERS FILE`: a simulated cluster in which every broker runs KRaft, behind listeners
//! that are PLAINTEXT, SSL, or `SASL_SSL` with SCRAM-SHA-512, its users' salt one for all as Kafka's, or one for each node.
//! Writes into the file where every node is, and beside it the certificate; then says `ready`.

#[path = "../../../suite/guarded.rs"]
#[allow(dead_code, reason = "tests look at what was heard, and here nobody does")]
mod guarded;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use guarded::{Guard, serve};
use kraft_check::rehearse::{Cluster, Shared, Version, node_ids, phases};
use kraft_check::snapshot::{Endpoint, NodeId};
use kraft_check_figures::end_with_standard_input;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

const CONTROLLERS: u16 = 3;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [kind, brokers, file] = words.as_slice() else { panic!("secured KIND BROKERS FILE") };
    let brokers: u16 = brokers.parse().expect("a number of brokers");
    end_with_standard_input();
    let (acceptor, certificate) = acceptor();
    let acceptor = (kind != "plaintext").then_some(acceptor);
    let mechanisms: &[&str] = if kind == "scram" || kind == "salted" { &["SCRAM-SHA-512"] } else { &[] };
    let guard = Arc::new(Guard { own_salts: kind == "salted", ..Guard::with(mechanisms) });
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (brokers, controllers) = node_ids(brokers, CONTROLLERS);
        let mut listeners: Vec<(NodeId, TcpListener)> = Vec::new();
        let mut places = Vec::new();
        let mut text = String::new();
        for id in brokers.iter().chain(&controllers).copied() {
            let socket = TcpSocket::new_v4()?;
            socket.bind(([127, 0, 0, 1], 0).into())?;
            let listener = socket.listen(BACKLOG)?;
            let port = listener.local_addr()?.port();
            places.push((id, Endpoint { host: "127.0.0.1".to_owned(), port }));
            let _ = writeln!(text, "{} {id} {port}", if controllers.contains(&id) { "controller" } else { "broker" });
            listeners.push((id, listener));
        }
        let (of_brokers, of_controllers): (Vec<_>, Vec<_>) =
            places.into_iter().partition(|(id, _)| brokers.contains(id));
        let mut cluster = Cluster::new(Version::V3_9, of_brokers, of_controllers, 1_700_000_000_000, 866);
        let phase = phases(&[], &[]).into_iter().find(|phase| phase.id == "again-all-on-kraft").expect("the phase");
        phase.enter(&mut cluster);
        let cluster = Shared::new(cluster);
        for (id, listener) in listeners {
            tokio::spawn(accept(id, listener, acceptor.clone(), Arc::clone(&guard), cluster.clone()));
        }
        fs::write(format!("{file}.der"), certificate)?;
        fs::write(file, text)?;
        println!("ready");
        loop {
            // A cluster lives when it is asked, and would have to catch up with the pause in the first answer.
            cluster.with(|_| ());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    })
}

async fn accept(id: NodeId, listener: TcpListener, tls: Option<TlsAcceptor>, guard: Arc<Guard>, cluster: Shared) {
    while let Ok((tcp, _)) = listener.accept().await {
        let _ = tcp.set_nodelay(true);
        let (tls, guard, cluster) = (tls.clone(), Arc::clone(&guard), cluster.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(tcp, guard, cluster, id).await,
                Some(tls) => serve(tls.accept(tcp).await?, guard, cluster, id).await,
            }
        });
    }
}

/// TLS 1.3 for `127.0.0.1`, as Java has it by default, and the certificate.
fn acceptor() -> (TlsAcceptor, Vec<u8>) {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let secret = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(&[&rustls::version::TLS13]).expect("TLS 1.3").with_no_client_auth();
    let config = config.with_single_cert(vec![key.cert.der().clone()], secret).expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), key.cert.der().to_vec())
}
