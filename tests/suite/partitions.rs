//! What do simulated nodes tell of topics, through the wire? It follows the brokers' lives, as on real clusters.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    DescribeConfigsRequest, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, MetadataRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kraft_check::rehearse::{Affliction, Cluster, Fault, Mode, Version, answer, page, phases};
use kraft_check::snapshot::NodeId;
use kraft_check::wire::{self, Ask, Asked, Partition, Topics};

use crate::simulated::cluster;

/// Long enough for everything to settle, in milliseconds.
pub(crate) const SETTLE_MS: u64 = 5_000;
const METADATA: i16 = 12;

/// Five brokers on ZooKeeper, and three controllers that do not run yet, with these faults.
pub(crate) fn five(faults: &[(NodeId, Fault)]) -> Cluster {
    let mut five = cluster(Version::V3_9, 5, 3, 1);
    for (node, fault) in faults {
        five.faults.add(Affliction { node: *node, fault: *fault });
    }
    five.advance(SETTLE_MS);
    five
}

/// The same with every broker restarted in migration mode, one after the other, and the metadata copied.
pub(crate) fn copied(faults: &[(NodeId, Fault)]) -> Cluster {
    let mut cluster = five(faults);
    cluster.start_controllers();
    cluster.advance(SETTLE_MS);
    (1..=5).for_each(|id| restart(&mut cluster, id, Mode::Migration));
    cluster
}

/// The same with every broker on KRaft, one after the other.
pub(crate) fn on_kraft(faults: &[(NodeId, Fault)]) -> Cluster {
    let mut cluster = copied(faults);
    (1..=5).for_each(|id| restart(&mut cluster, id, Mode::Kraft));
    cluster
}

pub(crate) fn restart(cluster: &mut Cluster, id: NodeId, mode: Mode) {
    cluster.restart_broker(id, mode);
    cluster.advance(SETTLE_MS);
}

/// What the node answers, without the length prefix.
fn frame<A: Ask>(cluster: &mut Cluster, id: NodeId, request: &A, version: i16) -> Bytes {
    let asked = wire::encode(request, version, 1, wire::CLIENT_ID).expect("a request");
    let asked = Asked::read(asked.slice(4..)).expect("a whole request");
    answer(cluster, id, &asked).expect("an answer").slice(4..)
}

pub(crate) fn ask<A: Ask>(cluster: &mut Cluster, id: NodeId, request: &A, version: i16) -> A::Response {
    wire::decode::<A>(&frame(cluster, id, request, version), version, 1).expect("an answer of this version")
}

/// All topics that the broker shows.
pub(crate) fn topics(cluster: &mut Cluster, id: NodeId) -> Topics {
    let all = MetadataRequest::default().with_topics(None);
    wire::topics(&frame(cluster, id, &all, METADATA), METADATA, 1).expect("topics")
}

pub(crate) fn not_whole(cluster: &mut Cluster, id: NodeId) -> Vec<Partition> {
    topics(cluster, id).not_whole
}

/// The brokers that are missing in sync where they should be.
pub(crate) fn out_of_sync(partitions: &[Partition]) -> Vec<i32> {
    let missing = partitions.iter().flat_map(|it| it.replicas.iter().filter(|id| !it.isr.contains(id)));
    let mut missing: Vec<i32> = missing.copied().collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

pub(crate) fn reassigned(cluster: &mut Cluster, id: NodeId) -> ListPartitionReassignmentsResponse {
    ask(cluster, id, &ListPartitionReassignmentsRequest::default().with_topics(None), 0)
}

/// What the broker gives as the `min.insync.replicas` of a topic, or its error.
pub(crate) fn min_in_sync(cluster: &mut Cluster, id: NodeId, topic: &'static str) -> Result<String, i16> {
    let text = StrBytes::from_static_str;
    let resource = DescribeConfigsResource::default().with_resource_type(2).with_resource_name(text(topic));
    let resource = resource.with_configuration_keys(Some(vec![text("min.insync.replicas")]));
    let said = ask(cluster, id, &DescribeConfigsRequest::default().with_resources(vec![resource]), 4);
    match said.results[0].error_code {
        wire::NO_ERROR => Ok(said.results[0].configs[0].value.clone().expect("a value").to_string()),
        error => Err(error),
    }
}

/// The gauges of a node's page by their beans, in lower case, however its exporter spells them.
pub(crate) fn gauges(cluster: &Cluster, id: NodeId) -> BTreeMap<String, i64> {
    let lines = page(cluster, id).to_lowercase();
    let gauge = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let bean = match name.split_once("name=\"") {
            Some((_, bean)) => bean.split('"').next()?,
            None => name.strip_prefix("kafka_controller_kafkacontroller_")?,
        };
        Some((bean.to_owned(), value.strip_suffix(".0")?.parse().ok()?))
    };
    lines.lines().filter_map(gauge).collect()
}

pub(crate) fn leader(cluster: &Cluster) -> NodeId {
    cluster.quorum.active_id().expect("a leader")
}

#[test]
fn a_broker_shows_all_topics_none_or_those_that_are_asked_for() {
    for mut cluster in [five(&[]), copied(&[]), on_kraft(&[])] {
        for id in 1..=5 {
            let said = topics(&mut cluster, id);
            assert_eq!((said.topics, said.partitions, said.not_whole), (4, 12, Vec::new()), "{id}");
        }
        let named = |name: &'static str| {
            MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_static_str(name))))
        };
        for (asked, shown) in [(vec![], 0), (vec![named("orders")], 1)] {
            let request = MetadataRequest::default().with_topics(Some(asked));
            for version in MetadataRequest::SPOKEN.take_while(|version| *version <= METADATA) {
                assert_eq!(ask(&mut cluster, 1, &request, version).topics.len(), shown, "v{version}");
            }
        }
        assert_eq!(min_in_sync(&mut cluster, 3, "orders"), Ok("1".to_owned()));
        assert_eq!(min_in_sync(&mut cluster, 3, "payments"), Ok("2".to_owned()));
        assert_eq!(min_in_sync(&mut cluster, 3, "invoices"), Err(3));
    }
}

#[test]
fn a_broker_without_word_shows_no_topics() {
    let mut cluster = five(&[]);
    cluster.restart_broker(2, Mode::Zookeeper);
    assert_eq!(topics(&mut cluster, 2).topics, 0);
    cluster.advance(500);
    assert_eq!(topics(&mut cluster, 2).topics, 4);
}

#[test]
fn one_broker_holds_everything_alone() {
    let mut alone = cluster(Version::V3_9, 1, 1, 1);
    assert_eq!((topics(&mut alone, 1).partitions, not_whole(&mut alone, 1)), (12, Vec::new()));
    assert_eq!(min_in_sync(&mut alone, 1, "payments"), Ok("1".to_owned()), "more than there are could never be");
}

#[test]
fn whoever_restarts_is_out_of_sync_at_once_and_back_after_a_while() {
    for (mut cluster, mode) in
        [(five(&[]), Mode::Zookeeper), (copied(&[]), Mode::Migration), (on_kraft(&[]), Mode::Kraft)]
    {
        let leaders = |cluster: &Cluster| {
            let partitions = cluster.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.filter(|partition| partition.leader == Some(2)).count()
        };
        assert_ne!(leaders(&cluster), 0);
        cluster.restart_broker(2, mode);
        cluster.advance(500);
        let behind = not_whole(&mut cluster, 1);
        assert_eq!(out_of_sync(&behind), [2], "{mode:?}");
        assert!(behind.iter().all(|it| it.isr.contains(&it.leader) && it.offline.is_empty()), "{behind:?}");
        assert_eq!(leaders(&cluster), 0, "others lead");
        cluster.advance(2_000);
        assert_eq!(not_whole(&mut cluster, 1), [], "{mode:?}");
    }
}

#[test]
fn a_stopped_broker_is_missed_after_its_session_and_on_kraft_at_once() {
    for (mut cluster, missed_after) in [(five(&[]), 3_000), (copied(&[]), 3_000), (on_kraft(&[]), 500)] {
        cluster.stop(4);
        if missed_after > 500 {
            cluster.advance(missed_after - 500);
            assert_eq!(not_whole(&mut cluster, 1), [], "nobody misses it yet");
            cluster.advance(500);
        } else {
            cluster.advance(missed_after);
        }
        let missed = not_whole(&mut cluster, 1);
        assert_eq!(out_of_sync(&missed), [4]);
        assert!(missed.iter().all(|it| it.offline == [4] && it.leader != 4 && it.leader > 0), "{missed:?}");
        let counts = cluster.topics.iter().flat_map(|topic| &topic.partitions).map(|it| it.in_sync.len());
        assert_eq!(counts.min(), Some(2));
    }
}

#[test]
fn a_partition_of_which_nobody_lives_has_no_leader_until_the_last_one_is_back() {
    let mut cluster = on_kraft(&[]);
    for id in [1, 2, 3] {
        cluster.stop(id);
        cluster.advance(1_000);
    }
    let first = |cluster: &mut Cluster| {
        not_whole(cluster, 4).into_iter().find(|it| &*it.topic == "audit" && it.index == 0).expect("partition 0")
    };
    let dead = first(&mut cluster);
    assert_eq!((dead.replicas, dead.leader, dead.error_code), (vec![1, 2, 3], -1, 5));
    assert_eq!((dead.isr, dead.offline), (vec![3], vec![1, 2, 3]));
    assert_ne!(gauges(&cluster, leader(&cluster))["offlinepartitionscount"], 0);
    restart(&mut cluster, 1, Mode::Kraft);
    assert_eq!(first(&mut cluster).leader, -1, "it lacks what the last one has");
    restart(&mut cluster, 3, Mode::Kraft);
    let led = first(&mut cluster);
    assert_eq!((led.leader, led.isr, led.offline), (3, vec![1, 3], vec![2]));
    assert_eq!(gauges(&cluster, leader(&cluster))["offlinepartitionscount"], 0);
}

#[test]
fn without_a_controller_nobody_hears_of_changes() {
    let mut cluster = on_kraft(&[]);
    for id in [3001, 3002] {
        cluster.stop(id);
    }
    cluster.stop(2);
    cluster.advance(SETTLE_MS);
    assert_eq!(not_whole(&mut cluster, 1), []);
    cluster.start_controllers();
    cluster.advance(SETTLE_MS);
    assert_eq!(out_of_sync(&not_whole(&mut cluster, 1)), [2]);
}

#[test]
fn what_is_moved_shows_as_real_clusters_show_it() {
    let mut cluster = cluster(Version::V3_9, 3, 3, 1);
    cluster.begin_reassignment("orders", 1, &[1, 2]);
    cluster.end_reassignment("orders", 1);
    cluster.advance(SETTLE_MS);
    assert_eq!(not_whole(&mut cluster, 1), [], "two replicas are enough");
    cluster.begin_reassignment("orders", 1, &[2, 3]);
    cluster.advance(SETTLE_MS);
    let moving = reassigned(&mut cluster, 1);
    assert_eq!((moving.error_code, moving.topics.len()), (0, 1));
    let partition = &moving.topics[0].partitions[0];
    let ids = |ids: &[kafka_protocol::messages::BrokerId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    assert_eq!((moving.topics[0].name.as_str(), partition.partition_index), ("orders", 1));
    assert_eq!(
        [&partition.replicas, &partition.adding_replicas, &partition.removing_replicas].map(|it| ids(it)),
        [vec![2, 3, 1], vec![3], vec![1]]
    );
    let shown = not_whole(&mut cluster, 2);
    assert_eq!((shown.len(), &shown[0].replicas, out_of_sync(&shown)), (1, &vec![2, 3, 1], vec![3]));

    cluster.end_reassignment("orders", 1);
    cluster.advance(SETTLE_MS);
    assert!(reassigned(&mut cluster, 1).topics.is_empty());
    assert_eq!(not_whole(&mut cluster, 2), []);
}

#[test]
fn in_every_phase_of_the_walk_everything_is_whole_and_nothing_is_moved() {
    let mut cluster = cluster(Version::V3_9, 3, 3, 1);
    for phase in phases(&[1, 2, 3], &[3001, 3002, 3003]) {
        phase.enter(&mut cluster);
        for id in [1, 2, 3] {
            let said = topics(&mut cluster, id);
            assert_eq!((said.topics, said.not_whole), (4, Vec::new()), "{} by {id}", phase.id);
            assert!(reassigned(&mut cluster, id).topics.is_empty(), "{}", phase.id);
        }
    }
}

#[test]
fn whatever_happens_nobody_leads_who_lacks_something() {
    for seed in 0..200 {
        let mut cluster = [five, on_kraft][usize::from(seed % 2 == 0)](&[]);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut was = Arc::clone(&cluster.topics);
        for _ in 0..30 {
            let (id, mode) = (random.i32(1..=5), cluster.brokers[&1].mode);
            match random.u8(0..5) {
                0 => cluster.stop(id),
                1 => cluster.restart_broker(id, mode),
                2 => cluster.begin_reassignment("orders", random.usize(0..3), &[id, id % 5 + 1]),
                3 => cluster.end_reassignment("orders", random.usize(0..3)),
                _ => {}
            }
            cluster.advance(random.u64(0..3_000));
            let now = Arc::clone(&cluster.topics);
            let pairs = was.iter().zip(now.iter());
            for (before, it) in pairs.flat_map(|(was, now)| was.partitions.iter().zip(&now.partitions)) {
                let story = format!("seed {seed}: {before:?} became {it:?}");
                assert!(!it.in_sync.is_empty() && it.in_sync.iter().all(|id| it.replicas.contains(id)), "{story}");
                assert!(it.leader.is_none_or(|id| it.in_sync.contains(&id)), "{story}");
                assert!(it.epoch >= before.epoch, "{story}");
                assert!(it.epoch > before.epoch || it.leader == before.leader, "{story}");
            }
            was = now;
        }
        for id in 1..=5 {
            let mode = cluster.brokers[&id].mode;
            cluster.restart_broker(id, mode);
        }
        cluster.advance(SETTLE_MS);
        (0..3).for_each(|index| cluster.end_reassignment("orders", index));
        // The brokers are told of it.
        cluster.advance(500);
        assert_eq!(not_whole(&mut cluster, 1), [], "seed {seed}");
    }
}
