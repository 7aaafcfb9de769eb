//! `look PORTS`: the same exchange with the same nodes, by the program's own observation. They are asked as controllers
//! and answer as a broker did, so that after one exchange there is nothing more to ask them.

use std::collections::BTreeMap;
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::Sockets;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::security::Access;
use kraft_check::snapshot::{Depth, Endpoint, NodeId};
use kraft_check_figures::{CONCURRENCY, addresses};
use tokio::time::Instant;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [ports] = words.as_slice() else { panic!("look PORTS") };
    // What it takes to write an address is no part of a look.
    let host = Ipv4Addr::LOCALHOST.to_string();
    let address = |(id, node): (NodeId, SocketAddr)| Address {
        id: Some(id),
        endpoint: Endpoint { host: host.clone(), port: node.port() },
    };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: Vec::new(),
        controllers: (1..).zip(addresses(ports)).map(address).collect(),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_mins(5),
        page_timeout: Duration::from_mins(5),
        concurrency: CONCURRENCY,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    let seen = runtime.block_on(async {
        let network = Arc::new(Kept::nothing(Sockets::new(Access::default())));
        look(&network, &plan, Instant::now() + Duration::from_mins(30)).await
    });
    let answered = seen.nodes.iter().filter(|node| node.api_versions.said.is_ok()).count();
    assert_eq!(answered, plan.controllers.len(), "every node answers");
    assert!(seen.nodes.iter().all(|node| node.quorum.said.is_err()), "and is asked nothing else");
}
