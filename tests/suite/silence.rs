//! Looks at nodes that stay silent, drip, break off or break us: under a paused clock, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Address, Plan, look};
use kraft_check::snapshot::{Depth, Look, Node, Why};
use tokio::time::Instant;

use crate::memory::{Manner, Memory, address, endpoint, whole_answer};

const REQUEST: Duration = Duration::from_secs(5);

fn plan(brokers: Vec<Address>) -> Plan {
    Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers,
        controllers: Vec::new(),
        pages: BTreeMap::new(),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: REQUEST,
        page_timeout: REQUEST,
        concurrency: 8,
    }
}

async fn look_at(
    nodes: impl IntoIterator<Item = (u16, Manner)>,
    brokers: Vec<Address>,
    within: Duration,
) -> (Look, Duration) {
    let memory = Memory { nodes: nodes.into_iter().collect(), pages: BTreeMap::new() };
    let began = Instant::now();
    let look = look(&Arc::new(Kept::nothing(memory)), &plan(brokers), began + within).await;
    (look, began.elapsed())
}

fn node(look: &Look, port: u16) -> &Node {
    look.nodes.iter().find(|node| node.endpoint == endpoint(port)).expect("the node stands in the look")
}

fn why(look: &Look, port: u16) -> Why {
    node(look, port).api_versions.said.as_ref().expect_err("nothing was said").why
}

#[tokio::test(start_paused = true)]
async fn a_list_of_more_brokers_than_any_cluster_has_is_refused() {
    let list = |count: i32| (1..=count).map(|id| (id, 1)).collect();
    let (look, _) = look_at([(1, Manner::Broker(list(10_001)))], vec![address(1)], REQUEST).await;
    let missed = node(&look, 1).metadata.said.as_ref().expect_err("too many");
    assert_eq!((missed.why, missed.words.contains("10001 brokers")), (Why::TooLarge, true), "{}", missed.words);
    let (look, _) = look_at([(1, Manner::Broker(list(10_000)))], vec![address(1)], REQUEST).await;
    assert!(node(&look, 1).metadata.said.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_costs_its_own_time_and_no_other_answer() {
    let nodes = [(1, Manner::Broker(Vec::new())), (2, Manner::Silent)];
    let (look, took) = look_at(nodes, vec![address(1), address(2)], Duration::from_mins(1)).await;
    assert!(node(&look, 1).metadata.said.is_ok());
    assert_eq!(why(&look, 2), Why::TimedOut);
    assert_eq!(took, REQUEST);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_look_whatever_is_still_open() {
    let ports = 1..=200;
    let nodes = ports.clone().map(|port| (port, Manner::Silent));
    let within = Duration::from_secs(12);
    let (look, took) = look_at(nodes, ports.clone().map(address).collect(), within).await;
    assert_eq!(took, within);
    assert_eq!(look.nodes.len(), 200, "everybody stands in the look");
    assert!(ports.into_iter().all(|port| why(&look, port) == Why::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_drips_is_given_up() {
    let nodes = [(1, Manner::Drips(Duration::from_secs(1)))];
    let (look, took) = look_at(nodes, vec![address(1)], Duration::from_mins(1)).await;
    assert_eq!(why(&look, 1), Why::TimedOut);
    assert_eq!(took, REQUEST);
}

#[tokio::test(start_paused = true)]
async fn wherever_a_node_breaks_off_nothing_is_taken_for_an_answer() {
    let whole = whole_answer();
    for limit in 0..whole {
        let (look, _) = look_at([(1, Manner::Cut(limit))], vec![address(1)], Duration::from_mins(1)).await;
        let node = node(&look, 1);
        let reason = match &node.api_versions.said {
            Err(missed) => missed.why,
            Ok(_) => node.metadata.said.as_ref().expect_err("half an answer is none").why,
        };
        assert_eq!(reason, Why::Closed, "after {limit} of {whole} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_breaks_costs_no_other_answer() {
    let nodes = [(1, Manner::Broker(Vec::new())), (2, Manner::Breaks)];
    let (look, _) = look_at(nodes, vec![address(1), address(2)], Duration::from_mins(1)).await;
    assert!(node(&look, 1).metadata.said.is_ok());
    assert_eq!(why(&look, 2), Why::Internal);
}

#[tokio::test(start_paused = true)]
async fn brokers_are_learned_from_metadata_and_asked_once() {
    let all = vec![(1, 1), (2, 2), (3, 3)];
    let nodes = [(1, Manner::Broker(all.clone())), (2, Manner::Broker(all)), (3, Manner::Silent)];
    let (look, _) = look_at(nodes, vec![address(1)], Duration::from_mins(1)).await;
    let ports: Vec<u16> = look.nodes.iter().map(|node| node.endpoint.port).collect();
    assert_eq!(ports, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_address_given_by_hand_wins_over_the_advertised_one() {
    let nodes = [(1, Manner::Broker(vec![(1, 1), (2, 22)])), (2, Manner::Broker(vec![(1, 1), (2, 22)]))];
    let by_hand = Address { id: Some(2), endpoint: endpoint(2) };
    let (look, _) = look_at(nodes, vec![address(1), by_hand], Duration::from_mins(1)).await;
    let ports: Vec<u16> = look.nodes.iter().map(|node| node.endpoint.port).collect();
    assert_eq!(ports, [1, 2], "the advertised port 22 is not asked");
}
