//! What is asked of whom: nodes that answer with the recorded frames of real ones, and keep count of the questions.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kraft_check::observe::dial::Network;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::snapshot::{Depth, Endpoint, Look, Missed, NodeId, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use crate::recordings::{Frames, recorded_frames};

const APIS: [(i16, &str); 5] =
    [(3, "Metadata"), (18, "ApiVersions"), (32, "DescribeConfigs"), (55, "DescribeQuorum"), (60, "DescribeCluster")];
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

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<DuplexStream> {
        let (id, frames) = self.nodes.get(endpoint).cloned().ok_or(io::ErrorKind::ConnectionRefused)?;
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(serve(theirs, id, frames, self.denies == Some(id), Arc::clone(&self.asked)));
        Ok(ours)
    }

    async fn page(&self, _: &str) -> Result<String, Missed> {
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
    assert_eq!(of(&asked, "DescribeConfigs").len(), 1, "one broker's configuration names the controllers");
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
    assert!(of(&asked, "DescribeCluster").is_empty() && of(&asked, "DescribeConfigs").is_empty(), "{asked:?}");
    let clusters = look.nodes.iter().filter(|node| node.quorum.said.is_ok()).map(|node| &node.cluster.said);
    assert!(clusters.into_iter().all(|said| said.as_ref().is_err_and(|missed| missed.why == Why::NotListed)));
}
