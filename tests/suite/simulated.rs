//! The simulated cluster behind the seam of the network, in memory: the same conversations as over loopback, under a
//! clock that tests may pause, and through whatever weather a test makes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kraft_check::evaluate::needs_second_look;
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, PageTemplate, Plan, look};
use kraft_check::rehearse::{Cluster, Fault, Shared, Version, converse, page};
use kraft_check::snapshot::{AskedAs, Depth, Endpoint, Expected, Look, Missed, NodeId, Owner, Snapshot, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::time::{Instant, sleep};

use crate::memory::refused;

/// A moment that every simulated cluster begins at, in milliseconds since the epoch.
pub(crate) const BEGIN_MS: u64 = 1_700_000_000_000;

/// No node answers with more, in bytes.
const ANSWER_MAX: u32 = 1024 * 1024;

/// Where a simulated node is: its id is its port.
pub(crate) fn endpoint(id: NodeId) -> Endpoint {
    Endpoint { host: "simulated.example".to_owned(), port: u16::try_from(id).expect("a small id") }
}

/// A cluster on ZooKeeper with brokers from 1 and controllers from 3001, which do not run yet.
pub(crate) fn cluster(version: Version, brokers: NodeId, controllers: NodeId, seed: u64) -> Cluster {
    let places = |ids: std::ops::RangeInclusive<NodeId>| ids.map(|id| (id, endpoint(id)));
    Cluster::new(version, places(1..=brokers), places(3001..=3000 + controllers), BEGIN_MS, seed)
}

/// What becomes of a connection between us and a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    Calm,
    /// It is refused.
    Refused,
    /// What the node answers from this answer on is lost.
    Lost(usize),
    /// Every answer is late by this time.
    Late(Duration),
    /// It breaks off after this many bytes of answers.
    Broken(usize),
}

/// The weather between us and the nodes.
pub(crate) type Weather = Box<dyn FnMut() -> Fate + Send>;

/// How bad the weather is: how many of a hundred connections have another fate than to be calm.
pub(crate) struct Storm {
    pub(crate) percent: u8,
    pub(crate) random: fastrand::Rng,
}

impl Storm {
    pub(crate) fn fate(&mut self) -> Fate {
        if self.random.u8(0..100) >= self.percent {
            return Fate::Calm;
        }
        match self.random.u8(0..4) {
            0 => Fate::Refused,
            1 => Fate::Lost(self.random.usize(0..4)),
            2 => Fate::Late(Duration::from_millis(self.random.u64(1..1_500))),
            _ => Fate::Broken(self.random.usize(0..900)),
        }
    }
}

/// A simulated cluster as a network.
pub(crate) struct Simulated {
    cluster: Shared,
    weather: Mutex<Weather>,
    /// How often the weather has changed: a connection suffers only from that in which it was made.
    pub(crate) changes: Arc<AtomicU32>,
}

impl Simulated {
    pub(crate) fn new(cluster: Shared, weather: Weather) -> Self {
        Self { cluster, weather: Mutex::new(weather), changes: Arc::default() }
    }

    fn fate(&self) -> Fate {
        (self.weather.lock().expect("no weather panics"))()
    }
}

impl Network for Simulated {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let id = NodeId::from(endpoint.port);
        let fate = self.fate();
        let listens = |cluster: &mut Cluster| cluster.is_listening(id) && !cluster.faults.has(id, Fault::Refuse);
        if fate == Fate::Refused || !self.cluster.with(listens) {
            return Err(refused());
        }
        let (ours, theirs) = duplex(64 * 1024);
        if fate == Fate::Calm {
            tokio::spawn(converse(theirs, self.cluster.clone(), id));
        } else {
            let (far, node) = duplex(64 * 1024);
            tokio::spawn(converse(node, self.cluster.clone(), id));
            tokio::spawn(relay(theirs, far, fate, Arc::clone(&self.changes)));
        }
        Ok(ours)
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        let id: NodeId =
            request.url.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a page is of a controller");
        match self.fate() {
            Fate::Late(time) => sleep(time).await,
            Fate::Lost(_) => std::future::pending::<()>().await,
            Fate::Refused | Fate::Broken(_) => return Err(Missed::new(Why::Refused, "connection refused")),
            Fate::Calm => {}
        }
        self.cluster.with(|cluster| {
            let listens = cluster.is_listening(id);
            listens
                .then(|| PageAnswer::ok(page(cluster, id)))
                .ok_or_else(|| Missed::new(Why::Refused, "connection refused"))
        })
    }
}

/// Hands requests on, and answers back as far as its fate lets it, until the weather changes.
async fn relay(client: DuplexStream, node: DuplexStream, fate: Fate, changes: Arc<AtomicU32>) -> io::Result<()> {
    let made_in = changes.load(Ordering::Relaxed);
    let (mut from_client, mut to_client) = split(client);
    let (mut from_node, mut to_node) = split(node);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_node).await });
    let mut left = match fate {
        Fate::Broken(bytes) => bytes,
        _ => usize::MAX,
    };
    for number in 0.. {
        let length = from_node.read_u32().await?;
        if length > ANSWER_MAX {
            // A lie, and nothing comes behind it.
            to_client.write_u32(length).await?;
            std::future::pending::<()>().await;
        }
        let mut frame = length.to_be_bytes().to_vec();
        frame.resize(4 + length as usize, 0);
        from_node.read_exact(&mut frame[4..]).await?;
        if changes.load(Ordering::Relaxed) != made_in {
            to_client.write_all(&frame).await?;
            continue;
        }
        match fate {
            Fate::Lost(from) if number >= from => std::future::pending::<()>().await,
            Fate::Late(time) => sleep(time).await,
            _ => {}
        }
        let passed = frame.len().min(left);
        to_client.write_all(&frame[..passed]).await?;
        left -= passed;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// Whom to ask of a simulated cluster: every broker through the first ones, every controller, and their pages.
pub(crate) fn plan(brokers: &BTreeSet<NodeId>, controllers: &BTreeSet<NodeId>, with_pages: bool) -> Plan {
    let address = |id: Option<NodeId>, at: NodeId| Address { id, endpoint: endpoint(at) };
    let page = |id: &NodeId| (Owner::Id(*id), format!("http://simulated.example/{id}"));
    Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: brokers.iter().map(|id| address(None, *id)).collect(),
        controllers: controllers.iter().map(|id| address(Some(*id), *id)).collect(),
        pages: controllers.iter().filter(|_| with_pages).map(page).collect::<BTreeMap<_, _>>(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(1),
        page_timeout: Duration::from_secs(1),
        concurrency: 64,
    }
}

/// The same at content depth, with the brokers' pages.
pub(crate) fn content_plan(brokers: &BTreeSet<NodeId>, controllers: &BTreeSet<NodeId>, with_pages: bool) -> Plan {
    let broker_pages = with_pages.then(|| PageTemplate("http://simulated.example/{id}".to_owned()));
    Plan { depth: Depth::Content, broker_pages, ..plan(brokers, controllers, with_pages) }
}

/// Two looks, as health takes them: a second apart, or two where a guard was met.
pub(crate) async fn two_looks(network: &Arc<Kept<Simulated>>, plan: &Plan, expected: &Expected) -> Snapshot {
    let (depth, expected) = (plan.depth, expected.clone());
    let mut seen = Snapshot { depth, expected, metric_names: Vec::new(), looks: vec![look_at(network, plan).await] };
    sleep(Duration::from_secs(if needs_second_look(&seen) { 2 } else { 1 })).await;
    seen.looks.push(look_at(network, plan).await);
    seen
}

/// One look, which ends within ten seconds.
pub(crate) async fn look_at(network: &Arc<Kept<Simulated>>, plan: &Plan) -> Look {
    look(network, plan, Instant::now() + Duration::from_secs(10)).await
}
