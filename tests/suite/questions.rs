//! What is asked of whom: nodes that answer with the recorded frames of real ones, or simulated ones where topics are asked
//! for, and keep count of the questions.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::{DescribeConfigsRequest, MetadataRequest};
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::rehearse::{Cluster, Fault, Mode, Shared, answer};
use kraft_check::snapshot::{AskedAs, Depth, Endpoint, Look, Missed, NodeId, Why};
use kraft_check::wire::Asked as Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::healthy::{FIVE, QUORUM, on_zookeeper};
use crate::memory::refused;
use crate::partitions::{SETTLE_MS, copied, five, leader, on_kraft, restart};
use crate::recordings::{Frames, recorded_frames};
use crate::simulated::{content_plan, plan};

const APIS: [(i16, &str); 7] = [
    (1, "Fetch"),
    (3, "Metadata"),
    (18, "ApiVersions"),
    (32, "DescribeConfigs"),
    (55, "DescribeQuorum"),
    (59, "FetchSnapshot"),
    (60, "DescribeCluster"),
];
/// The place of the error code in an answer to `DescribeQuorum`: after correlation id and the header's tags.
const QUORUM_ERROR: usize = 5;
const CLUSTER_AUTHORIZATION_FAILED: u8 = 31;

/// How often each node was asked for each API.
type Asked = BTreeMap<(NodeId, &'static str), usize>;

/// The nodes of one recorded phase. Whatever was not recorded of a node, it does not answer.
struct Recorded {
    nodes: BTreeMap<Endpoint, (NodeId, Frames)>,
    denies: Option<NodeId>,
    asked: Arc<Mutex<Asked>>,
}

impl Network for Recorded {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let (id, frames) = self.nodes.get(endpoint).cloned().ok_or_else(refused)?;
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(serve(theirs, id, frames, self.denies == Some(id), Arc::clone(&self.asked)));
        Ok(ours)
    }

    async fn page(&self, _: &PageRequest) -> Result<PageAnswer, Missed> {
        Err(Missed::new(Why::Refused, "connection refused"))
    }
}

async fn serve(
    mut stream: DuplexStream,
    id: NodeId,
    frames: Frames,
    denies: bool,
    asked: Arc<Mutex<Asked>>,
) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        let mut request = vec![0; length as usize];
        stream.read_exact(&mut request).await?;
        let number = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let api = APIS.iter().find(|(key, _)| *key == number(0)).expect("an API that is asked").1;
        *asked.lock().expect("the count").entry((id, api)).or_default() += 1;
        let frame = frames.get(&(api.to_owned(), number(2)));
        let mut frame = frame.unwrap_or_else(|| panic!("{api} v{} of {id} was not recorded", number(2))).to_vec();
        frame[..4].copy_from_slice(&request[4..8]);
        if denies && api == "DescribeQuorum" {
            frame[QUORUM_ERROR..QUORUM_ERROR + 2].copy_from_slice(&[0, CLUSTER_AUTHORIZATION_FAILED]);
        }
        stream.write_u32(u32::try_from(frame.len()).expect("a small frame")).await?;
        stream.write_all(&frame).await?;
    }
}

/// A phase of a recorded series, and how it is asked.
struct Case {
    phase: &'static str,
    with_ids: bool,
    prove_cluster_id: bool,
    denies: Option<NodeId>,
}

fn case(phase: &'static str) -> Case {
    Case { phase, with_ids: true, prove_cluster_id: false, denies: None }
}

/// Takes one look at all nodes of the phase, and returns it with what was asked.
fn asked(case: &Case) -> (Look, Asked) {
    let nodes = recorded_frames(case.phase);
    let place = |id: NodeId| nodes.iter().find(|node| node.1.0 == id).expect("a recorded node").0.clone();
    let address = |id: NodeId, with_id: bool| Address { id: with_id.then_some(id), endpoint: place(id) };
    let ids = |range: std::ops::RangeInclusive<NodeId>| {
        nodes.values().map(|node| node.0).filter(move |id| range.contains(id))
    };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: ids(1..=1).map(|id| address(id, false)).collect(),
        controllers: ids(3001..=3003).map(|id| address(id, case.with_ids)).collect(),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: case.prove_cluster_id,
        request_timeout: Duration::from_secs(5),
        page_timeout: Duration::from_secs(5),
        concurrency: 8,
    };
    let count = Arc::new(Mutex::new(Asked::new()));
    let network = Recorded { nodes: nodes.clone(), denies: case.denies, asked: Arc::clone(&count) };
    let network = Arc::new(Kept::nothing(network));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let look = runtime.block_on(async { look(&network, &plan, Instant::now() + plan.page_timeout).await });
    let asked = count.lock().expect("the count").clone();
    (look, asked)
}

/// Whom the look asked for this API.
fn of(asked: &Asked, api: &str) -> Vec<NodeId> {
    asked.iter().filter(|((_, name), _)| *name == api).map(|((id, _), _)| *id).collect()
}

#[test]
fn everybody_is_asked_who_it_is_and_one_kraft_broker_for_the_quorum() {
    let (look, asked) = asked(&case("3.9.2/forward/10-all-brokers-on-kraft"));
    assert_eq!(look.nodes.len(), 6);
    assert_eq!(of(&asked, "ApiVersions"), [1, 2, 3, 3001, 3002, 3003]);
    assert_eq!(of(&asked, "Metadata"), [1, 2, 3]);
    let quorum = of(&asked, "DescribeQuorum");
    assert_eq!(
        (quorum.len(), &quorum[1..]),
        (4, &[3001, 3002, 3003][..]),
        "the controllers and one broker: {quorum:?}"
    );
    assert!(of(&asked, "DescribeCluster").is_empty() && of(&asked, "DescribeConfigs").is_empty(), "{asked:?}");
    assert!(asked.values().all(|count| *count == 1), "each once: {asked:?}");
}

#[test]
fn a_broker_in_migration_mode_is_asked_for_its_controller_until_two_answers_differ_or_often_enough() {
    // These frames are always the same, as a ZooKeeper controller's are.
    let (look, asked) = asked(&case("3.9.2/forward/05-all-in-migration-mode"));
    for id in [1, 2, 3] {
        assert_eq!(asked[&(id, "Metadata")], 24);
    }
    let ids = look.nodes.iter().flat_map(|node| &node.metadata.said).map(|metadata| metadata.controller_ids.len());
    assert_eq!(ids.collect::<Vec<_>>(), [24; 3]);
    assert_eq!(of(&asked, "DescribeConfigs"), [1, 2, 3], "each for its own: they name the controllers");
    assert!(of(&asked, "DescribeCluster").is_empty(), "so nobody needs to ask them");
}

#[test]
fn controllers_are_asked_for_their_cluster_only_where_nothing_else_ties_them_to_the_brokers() {
    let controllers = [3001, 3002, 3003];
    assert_eq!(of(&asked(&case("3.9.2/forward/02-controllers-up")).1, "DescribeCluster"), controllers);
    let declared = Case { prove_cluster_id: true, ..case("3.9.2/forward/10-all-brokers-on-kraft") };
    assert_eq!(of(&asked(&declared).1, "DescribeCluster"), controllers);
    let plain = Case { with_ids: false, ..case("3.9.2/forward/10-all-brokers-on-kraft") };
    let (look, asked) = asked(&plain);
    assert_eq!(of(&asked, "DescribeCluster"), controllers);
    assert!(of(&asked, "DescribeConfigs").is_empty(), "DescribeCluster lists each at its address");
    assert_eq!(of(&asked, "Fetch").len(), 1, "the leader alone has a log to give: {asked:?}");
    assert!(
        look.nodes
            .iter()
            .filter_map(|node| node.cluster.said.as_ref().ok())
            .all(|cluster| cluster.controllers.len() == 3)
    );
}

#[test]
fn a_controller_that_denies_one_question_is_asked_no_other() {
    let denying = Case { denies: Some(3002), ..case("3.9.2/forward/02-controllers-up") };
    let (look, asked) = asked(&denying);
    assert_eq!(of(&asked, "DescribeCluster"), [3001, 3003]);
    let denied = look.nodes.iter().find(|node| node.given == Some(3002)).expect("it was asked");
    assert_eq!(denied.quorum.said.as_ref().expect_err("denied").why, Why::Denied);
    assert_eq!(denied.cluster.said.as_ref().expect_err("not asked").why, Why::NotAsked);
}

#[test]
fn what_a_node_does_not_list_it_is_not_asked() {
    let plain = Case { with_ids: false, ..case("3.5.2/forward/02-controllers-up") };
    let (look, asked) = asked(&plain);
    assert!(of(&asked, "DescribeCluster").is_empty(), "{asked:?}");
    assert_eq!(of(&asked, "DescribeConfigs"), [1, 2], "the brokers, for their own");
    let clusters = look.nodes.iter().filter(|node| node.quorum.said.is_ok()).map(|node| &node.cluster.said);
    assert!(clusters.into_iter().all(|said| said.as_ref().is_err_and(|missed| missed.why == Why::NotListed)));
}

/// Simulated nodes, and a count of what is asked of them; pages count as well.
struct Counting {
    cluster: Shared,
    asked: Arc<Mutex<Asked>>,
}

impl Network for Counting {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let id = NodeId::from(endpoint.port);
        if !self.cluster.with(|cluster| cluster.is_listening(id)) {
            return Err(refused());
        }
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(count(theirs, id, self.cluster.clone(), Arc::clone(&self.asked)));
        Ok(ours)
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        let id = request.url.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a node's page");
        *self.asked.lock().expect("the count").entry((id, "page")).or_default() += 1;
        Err(Missed::new(Why::Refused, "connection refused"))
    }
}

async fn count(mut stream: DuplexStream, id: NodeId, cluster: Shared, asked: Arc<Mutex<Asked>>) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        let mut frame = BytesMut::zeroed(length as usize);
        stream.read_exact(&mut frame).await?;
        let request = Request::read(frame.freeze()).expect("a question");
        let api = match request.key {
            3 if request.request::<MetadataRequest>().is_ok_and(|it| it.topics.is_none()) => "topics",
            32 if request.request::<DescribeConfigsRequest>().is_ok_and(|it| it.resources[0].resource_type == 2) => {
                "min.insync.replicas"
            }
            46 => "reassignments",
            key => APIS.iter().find(|(known, _)| *known == key).expect("an API that is asked").1,
        };
        *asked.lock().expect("the count").entry((id, api)).or_default() += 1;
        let answer = cluster.with(|cluster| answer(cluster, id, &request)).expect("an answer");
        stream.write_all(&answer).await?;
    }
}

/// What one look at this cluster asks by this plan.
async fn asked_by(plan: &Plan, cluster: Cluster) -> Asked {
    let count = Arc::new(Mutex::new(Asked::new()));
    let network = Counting { cluster: Shared::new(cluster), asked: Arc::clone(&count) };
    look(&Arc::new(Kept::nothing(network)), plan, Instant::now() + Duration::from_secs(10)).await;
    count.lock().expect("the count").clone()
}

fn all() -> (BTreeSet<NodeId>, BTreeSet<NodeId>) {
    (FIVE.into(), QUORUM.into())
}

/// What is asked for health beyond what a stage asks: for topics, and for what is moved, each once.
async fn for_health(cluster: Cluster) -> [Vec<NodeId>; 3] {
    let (brokers, controllers) = all();
    let asked = asked_by(&content_plan(&brokers, &controllers, true), cluster).await;
    let content = ["topics", "reassignments", "min.insync.replicas"];
    assert!(asked.iter().all(|((_, api), count)| !content.contains(api) || *count == 1), "each once: {asked:?}");
    content.map(|api| of(&asked, api))
}

#[tokio::test(start_paused = true)]
async fn two_brokers_are_asked_for_topics_and_whoever_rules_for_what_is_moved() {
    let nobody = || Vec::<NodeId>::new();
    let cluster = on_zookeeper();
    let by = leader(&cluster);
    // Before the copy nobody knows who rules: both are asked, and of the brokers the one that is named.
    assert_eq!(for_health(cluster).await, [vec![1, 2], vec![1, by], nobody()]);
    let mut taken_over = on_zookeeper();
    taken_over.stop(1);
    taken_over.advance(SETTLE_MS);
    assert_eq!(for_health(taken_over).await, [vec![2, 3], vec![2, by], vec![2, 3]], "what was on broker 1 lacks it");
    let after = copied(&[]);
    let by = leader(&after);
    let [topics, moved, configs] = for_health(after).await;
    assert_eq!((topics, moved.len(), moved.last(), configs), (vec![1, 2], 2, Some(&by), nobody()));
    // One of each kind, and of the KRaft brokers nobody for what the leader says itself.
    for (on_kraft, asked) in [(2..5, [1, 2]), (1..5, [1, 5])] {
        let mut mixed = copied(&[]);
        for id in on_kraft {
            restart(&mut mixed, id, Mode::Kraft);
        }
        assert_eq!(for_health(mixed).await[0], asked);
    }
    let kraft = on_kraft(&[]);
    let by = leader(&kraft);
    assert_eq!(for_health(kraft).await, [vec![1, 2], vec![by], nobody()]);
    let mut leaderless = on_kraft(&[]);
    for id in QUORUM {
        leaderless.stop(id);
    }
    let [topics, moved, _] = for_health(leaderless).await;
    assert_eq!((topics, moved.len()), (vec![1, 2], 1), "one KRaft broker, which may know: {moved:?}");
    assert!(FIVE.contains(&moved[0]));
}

#[tokio::test(start_paused = true)]
async fn configurations_of_topics_are_asked_for_only_where_a_replica_is_out_of_sync() {
    for cluster in [five(&[(4, Fault::UnderReplicated)]), on_kraft(&[(4, Fault::UnderReplicated)])] {
        assert_eq!(for_health(cluster).await[2], [1, 2], "of those that showed it");
    }
}

#[tokio::test(start_paused = true)]
async fn brokers_pages_are_asked_for_only_where_they_were_given_and_a_stage_asks_for_nothing_of_this() {
    let (brokers, controllers) = all();
    let given = asked_by(&content_plan(&brokers, &controllers, true), on_kraft(&[])).await;
    assert_eq!(of(&given, "page"), FIVE.into_iter().chain(QUORUM).collect::<Vec<_>>());
    let not_given = Plan { broker_pages: None, ..content_plan(&brokers, &controllers, true) };
    assert_eq!(of(&asked_by(&not_given, on_kraft(&[])).await, "page"), QUORUM);
    for cluster in [on_zookeeper(), copied(&[]), on_kraft(&[(4, Fault::UnderReplicated)])] {
        let asked = asked_by(&plan(&brokers, &controllers, true), cluster).await;
        for api in ["topics", "reassignments", "min.insync.replicas"] {
            assert_eq!(of(&asked, api), Vec::<NodeId>::new(), "{api}");
        }
        assert_eq!(of(&asked, "page"), QUORUM);
    }
}
