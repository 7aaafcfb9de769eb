//! Looks in a row: who is dialled again, and is everybody asked everything again? In memory, and over real sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest, Sockets};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::rehearse::{Cluster, Mode, Shared, Version, answer, phases};
use kraft_check::security::Access;
use kraft_check::snapshot::{AskedAs, Endpoint, Look, Missed, Node, NodeId, Why};
use kraft_check::wire::Asked;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::simulated::{cluster, endpoint, plan};

const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
const FETCH: i16 = 1;
const FETCH_SNAPSHOT: i16 = 59;
const API_VERSIONS: i16 = 18;
const METADATA: i16 = 3;
const DESCRIBE_CLUSTER: i16 = 60;

/// How often each node was asked for each API.
type Questions = BTreeMap<(NodeId, i16), usize>;

/// What a node does once, and not as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// Closes the connection when it is asked this.
    ClosesAt(i16),
    /// Never answers this.
    SilentAt(i16),
    /// After its answer to this it gives the same answer once more.
    RepeatsItself(i16),
}

/// Simulated nodes, and a count of what is asked of them.
#[derive(Clone)]
struct Nodes {
    cluster: Shared,
    dialled: Arc<Mutex<Vec<NodeId>>>,
    asked: Arc<Mutex<Questions>>,
    slips: Arc<Mutex<BTreeMap<NodeId, Slip>>>,
    serving: Arc<Mutex<Vec<(NodeId, AbortHandle)>>>,
    /// How many connections are open.
    open: Arc<AtomicUsize>,
}

impl Nodes {
    fn new(mut cluster: Cluster) -> Self {
        cluster.advance(5_000);
        Self {
            cluster: Shared::new(cluster),
            dialled: Arc::default(),
            asked: Arc::default(),
            slips: Arc::default(),
            serving: Arc::default(),
            open: Arc::default(),
        }
    }

    /// Serves a new connection to a node.
    fn accept(&self, id: NodeId, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.dialled.lock().expect("the count").push(id);
        self.open.fetch_add(1, Ordering::Relaxed);
        let (nodes, open) = (self.clone(), Arc::clone(&self.open));
        let task = tokio::spawn(async move {
            let _ = nodes.serve(id, stream).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
        self.serving.lock().expect("the connections").push((id, task.abort_handle()));
    }

    async fn serve(&self, id: NodeId, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        loop {
            let length = stream.read_u32().await?;
            let mut frame = BytesMut::zeroed(length as usize);
            stream.read_exact(&mut frame).await?;
            let api = i16::from_be_bytes([frame[0], frame[1]]);
            *self.asked.lock().expect("the count").entry((id, api)).or_default() += 1;
            let slip = self.slip(id, api);
            if slip == Some(Slip::ClosesAt(api)) {
                return Ok(());
            }
            if slip == Some(Slip::SilentAt(api)) {
                std::future::pending::<()>().await;
            }
            let asked = Asked::read(frame.freeze()).expect("a question");
            let answer = self.cluster.with(|cluster| answer(cluster, id, &asked)).expect("an answer");
            stream.write_all(&answer).await?;
            if slip.is_some() {
                stream.write_all(&answer).await?;
            }
        }
    }

    fn slip(&self, id: NodeId, api: i16) -> Option<Slip> {
        let mut slips = self.slips.lock().expect("the slips");
        let at = |slip: &Slip| match slip {
            Slip::ClosesAt(api) | Slip::SilentAt(api) | Slip::RepeatsItself(api) => *api,
        };
        if slips.get(&id).is_some_and(|slip| at(slip) == api) { slips.remove(&id) } else { None }
    }

    fn will(&self, id: NodeId, slip: Slip) {
        self.slips.lock().expect("the slips").insert(id, slip);
    }

    /// Closes every connection to these nodes, as the end of their processes does.
    fn close(&self, ids: impl Fn(NodeId) -> bool) {
        for (_, task) in self.serving.lock().expect("the connections").iter().filter(|(id, _)| ids(*id)) {
            task.abort();
        }
    }

    /// Whom one more look dialled, and what it asked.
    async fn look<N: Network>(&self, network: &Arc<Kept<N>>, plan: &Plan) -> (Look, Vec<NodeId>, Questions) {
        let look = look(network, plan, Instant::now() + Duration::from_secs(10)).await;
        sleep(BETWEEN_LOOKS).await;
        let mut dialled = std::mem::take(&mut *self.dialled.lock().expect("the count"));
        dialled.sort_unstable();
        (look, dialled, std::mem::take(&mut *self.asked.lock().expect("the count")))
    }
}

impl Network for Nodes {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let (ours, theirs) = duplex(256 * 1024);
        self.accept(NodeId::from(endpoint.port), theirs);
        Ok(ours)
    }

    async fn page(&self, _: &PageRequest) -> Result<PageAnswer, Missed> {
        Err(Missed::new(Why::Refused, "connection refused"))
    }
}

/// A cluster of three brokers on KRaft and three controllers.
fn on_kraft() -> Nodes {
    let mut cluster = cluster(Version::V3_9, 3, 3, 0);
    let phase = phases(&[], &[]).into_iter().find(|phase| phase.id == "again-all-on-kraft").expect("the phase");
    phase.enter(&mut cluster);
    Nodes::new(cluster)
}

const ALL: [NodeId; 6] = [1, 2, 3, 3001, 3002, 3003];

fn whole_plan() -> Plan {
    plan(&BTreeSet::from([1, 2, 3]), &BTreeSet::from([3001, 3002, 3003]), false)
}

/// Without ids the controllers are asked more, in a second round.
fn plan_without_ids() -> Plan {
    let mut plan = whole_plan();
    for controller in &mut plan.controllers {
        controller.id = None;
    }
    plan
}

fn node(look: &Look, id: NodeId) -> &Node {
    look.nodes.iter().find(|node| node.endpoint == endpoint(id)).expect("the node stands in the look")
}

fn assert_all_answer(look: &Look) {
    assert_eq!(look.nodes.len(), 6);
    for node in &look.nodes {
        let answered = node.metadata.said.is_ok() || node.quorum.said.is_ok();
        assert!(node.api_versions.said.is_ok() && answered, "{node:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_is_asked_everything_again_over_the_same_connections() {
    let nodes = on_kraft();
    let network = Arc::new(Kept::new(nodes.clone()));
    let plan = plan_without_ids();
    let (first, dialled, questions) = nodes.look(&network, &plan).await;
    assert_all_answer(&first);
    assert_eq!(dialled, ALL);
    // But for the log: it is read on where the last look ended, without its snapshot.
    let log = |key: i16| [FETCH, FETCH_SNAPSHOT].contains(&key);
    assert!(questions.keys().any(|(_, key)| *key == FETCH_SNAPSHOT), "a snapshot is read first: {questions:?}");
    for _ in 0..3 {
        let (again, dialled, asked) = nodes.look(&network, &plan).await;
        assert_all_answer(&again);
        assert!(dialled.is_empty(), "{dialled:?}");
        let but_for_the_log =
            |all: &Questions| all.clone().into_iter().filter(|((_, key), _)| !log(*key)).collect::<Questions>();
        assert_eq!(but_for_the_log(&asked), but_for_the_log(&questions));
        let of_the_log: Vec<_> =
            asked.iter().filter(|((_, key), _)| log(*key)).map(|((_, key), n)| (*key, *n)).collect();
        assert_eq!(of_the_log, [(FETCH, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_kept_nothing_stays_open_and_everybody_is_dialled() {
    let nodes = on_kraft();
    let network = Arc::new(Kept::nothing(nodes.clone()));
    for _ in 0..3 {
        let (look, dialled, _) = nodes.look(&network, &whole_plan()).await;
        assert_all_answer(&look);
        assert_eq!(dialled, ALL);
        assert_eq!(nodes.open.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_restarted_is_met_as_new_in_the_next_look() {
    for closes_at_once in [true, false] {
        let nodes = Nodes::new(cluster(Version::V3_9, 3, 3, 0));
        nodes.cluster.with(Cluster::start_controllers);
        let network = Arc::new(Kept::new(nodes.clone()));
        let (before, ..) = nodes.look(&network, &whole_plan()).await;
        assert_all_answer(&before);
        let ready = |look: &Look| node(look, 2).api_versions.said.as_ref().expect("it answers").zk_migration_ready;
        assert_eq!(ready(&before), Some(false));
        nodes.cluster.with(|cluster| {
            cluster.restart_broker(2, Mode::Migration);
            cluster.advance(1_000);
        });
        if closes_at_once {
            nodes.close(|id| id == 2);
        } else {
            nodes.will(2, Slip::ClosesAt(API_VERSIONS));
        }
        let (after, dialled, _) = nodes.look(&network, &whole_plan()).await;
        assert_all_answer(&after);
        assert_eq!(ready(&after), Some(true));
        assert_eq!(dialled, [2]);
        assert_eq!(nodes.look(&network, &whole_plan()).await.1, [0; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_the_nodes_found_idle_are_made_anew() {
    let nodes = on_kraft();
    let network = Arc::new(Kept::new(nodes.clone()));
    for _ in 0..3 {
        let (look, dialled, _) = nodes.look(&network, &whole_plan()).await;
        assert_all_answer(&look);
        assert_eq!(dialled, ALL);
        nodes.close(|_| true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_kept_longer_than_firewalls_remember_it() {
    let nodes = on_kraft();
    let network = Arc::new(Kept::new(nodes.clone()));
    let _ = nodes.look(&network, &whole_plan()).await;
    sleep(Duration::from_secs(50)).await;
    assert!(nodes.look(&network, &whole_plan()).await.1.is_empty());
    sleep(Duration::from_mins(1)).await;
    assert_eq!(nodes.look(&network, &whole_plan()).await.1, ALL);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_without_being_asked_answers_nothing() {
    for api in [API_VERSIONS, METADATA] {
        let nodes = on_kraft();
        let network = Arc::new(Kept::new(nodes.clone()));
        nodes.will(2, Slip::RepeatsItself(api));
        let _ = nodes.look(&network, &whole_plan()).await;
        let (look, dialled, asked) = nodes.look(&network, &whole_plan()).await;
        assert_all_answer(&look);
        assert_eq!((dialled, asked[&(2, API_VERSIONS)]), (vec![2], 1), "the old connection is not asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_broke_off_or_fell_silent_is_not_kept() {
    let plan = plan_without_ids();
    for (id, slip) in [
        (2, Slip::ClosesAt(METADATA)),
        (2, Slip::SilentAt(METADATA)),
        (2, Slip::SilentAt(API_VERSIONS)),
        (3001, Slip::ClosesAt(DESCRIBE_CLUSTER)),
        (3001, Slip::SilentAt(DESCRIBE_CLUSTER)),
    ] {
        let nodes = on_kraft();
        let network = Arc::new(Kept::new(nodes.clone()));
        let _ = nodes.look(&network, &plan).await;
        nodes.will(id, slip);
        let began = Instant::now();
        let (look, dialled, _) = nodes.look(&network, &plan).await;
        let unseen =
            if id == 2 { node(&look, 2).metadata.said.is_err() } else { node(&look, id).cluster.said.is_err() };
        assert!(dialled.is_empty() && unseen, "{slip:?}: {dialled:?}, {:?}", node(&look, id));
        assert!(began.elapsed() <= plan.request_timeout + BETWEEN_LOOKS, "silence costs a node's time once");
        let (look, dialled, _) = nodes.look(&network, &plan).await;
        assert_all_answer(&look);
        assert_eq!(dialled, [id], "{slip:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_closes_whatever_it_is_asked_first_is_dialled_once_more_and_no_further() {
    let nodes = on_kraft();
    let network = Arc::new(Kept::new(nodes.clone()));
    let _ = nodes.look(&network, &whole_plan()).await;
    let asked = |asked: &Questions| asked[&(2, API_VERSIONS)];
    nodes.will(2, Slip::ClosesAt(API_VERSIONS));
    let (look, dialled, questions) = nodes.look(&network, &whole_plan()).await;
    assert_all_answer(&look);
    assert_eq!((dialled, asked(&questions)), (vec![2], 2));
    // A new connection that is closed is an answer.
    nodes.close(|id| id == 2);
    sleep(BETWEEN_LOOKS).await;
    nodes.will(2, Slip::ClosesAt(API_VERSIONS));
    let (look, dialled, questions) = nodes.look(&network, &whole_plan()).await;
    assert_eq!(node(&look, 2).api_versions.said.as_ref().expect_err("closed").why, Why::Closed);
    assert_eq!((dialled, asked(&questions)), (vec![2], 1));
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_stay_open_than_any_system_allows() {
    const BROKERS: NodeId = 300;
    const MOST: usize = 128;
    let nodes = Nodes::new(cluster(Version::V3_9, BROKERS, 3, 0));
    let network = Arc::new(Kept::new(nodes.clone()));
    let plan = plan(&BTreeSet::from([1]), &BTreeSet::new(), false);
    let (look, dialled, _) = nodes.look(&network, &plan).await;
    assert_eq!((look.nodes.len(), dialled.len(), nodes.open.load(Ordering::Relaxed)), (300, 300, MOST));
    for _ in 0..3 {
        let (look, dialled, questions) = nodes.look(&network, &plan).await;
        assert!(look.nodes.iter().all(|node| node.metadata.said.is_ok()));
        assert_eq!((dialled.len(), nodes.open.load(Ordering::Relaxed)), (300 - MOST, MOST));
        assert!((1..=BROKERS).all(|id| questions[&(id, METADATA)] == 1));
    }
}

/// Listens on loopback for a node.
async fn listen(nodes: &Nodes, id: NodeId) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let nodes = nodes.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            nodes.accept(id, stream);
        }
    });
    Endpoint { host: "127.0.0.1".to_owned(), port }
}

#[tokio::test]
async fn over_real_sockets_a_restarted_node_is_met_as_new() {
    let nodes = Nodes::new(cluster(Version::V3_9, 1, 1, 0));
    let at = listen(&nodes, 1).await;
    let mut plan = plan(&BTreeSet::from([1]), &BTreeSet::new(), false);
    plan.brokers[0].endpoint = at.clone();
    let network = Arc::new(Kept::new(Sockets::new(Access::default())));
    let ready = |look: &Look| {
        let own = look.nodes.iter().find(|node| node.endpoint == at).expect("the node");
        own.api_versions.said.as_ref().expect("it answers").zk_migration_ready
    };
    let look = || async { look(&network, &plan, Instant::now() + Duration::from_secs(10)).await };
    let dialled = || nodes.dialled.lock().expect("the count").len();
    assert_eq!((ready(&look().await), ready(&look().await), dialled()), (Some(false), Some(false), 1));
    // Whether the end of the old connection was seen before the next look or only in it.
    for (round, pause) in [Duration::from_millis(50), Duration::ZERO].into_iter().enumerate() {
        let mode = [Mode::Migration, Mode::Zookeeper][round];
        nodes.cluster.with(|cluster| {
            cluster.restart_broker(1, mode);
            cluster.advance(1_000);
        });
        nodes.close(|_| true);
        tokio::task::yield_now().await;
        sleep(pause).await;
        assert_eq!((ready(&look().await), dialled()), (Some(mode == Mode::Migration), round + 2));
    }
}
