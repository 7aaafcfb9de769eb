//! What a simulated node tells of topics: who holds them, how they are configured, and which are moved. Not here: what
//! becomes of them (`topics`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::cluster::{Cluster, Known, Mode, Teller};
use super::fault::Fault;
use super::topics::{Partition, Topic};
use crate::snapshot::NodeId;
use crate::wire::{self, Asked, Refusal};

/// `UNKNOWN_TOPIC_OR_PARTITION` of `org.apache.kafka.common.protocol.Errors`.
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
/// `LEADER_NOT_AVAILABLE`.
const LEADER_NOT_AVAILABLE: i16 = 5;
/// `TOPIC_AUTHORIZATION_FAILED`.
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
/// How long a broker in migration mode tries to reach a controller.
const FORWARDING_FROM_ZOOKEEPER: Duration = Duration::from_secs(30);
/// How long a KRaft broker does.
const FORWARDING_FROM_KRAFT: Duration = Duration::from_mins(1);

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn ids(ids: &[NodeId]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

/// The topics that a broker shows whoever asks: all that it was told of, unless the asking user has no right to see them.
fn shown<'a>(cluster: &Cluster, id: NodeId, known: &'a Known) -> &'a [Topic] {
    if cluster.faults.has(id, Fault::TopicsHidden) {
        &[]
    } else if cluster.faults.has(id, Fault::SomeTopicsHidden) {
        known.topics.get(1..).unwrap_or_default()
    } else {
        &known.topics
    }
}

/// The topics of a broker's answer to `Metadata`: all, or those that are asked for.
pub(super) fn metadata(
    cluster: &Cluster,
    id: NodeId,
    known: &Known,
    request: &MetadataRequest,
    version: i16,
) -> Vec<MetadataResponseTopic> {
    let is_asked = |topic: &&Topic| match &request.topics {
        None => true,
        Some(asked) => asked.iter().any(|it| it.name.as_ref().is_some_and(|name| name.as_str() == topic.name)),
    };
    let partition = |(index, it): (usize, &Partition)| {
        let error_code = if it.leader.is_some() { wire::NO_ERROR } else { LEADER_NOT_AVAILABLE };
        let partition = MetadataResponsePartition::default()
            .with_error_code(error_code)
            .with_partition_index(i32::try_from(index).unwrap_or(i32::MAX))
            .with_leader_id(BrokerId(it.leader.unwrap_or(-1)))
            .with_leader_epoch(it.epoch)
            .with_replica_nodes(ids(&it.replicas))
            .with_isr_nodes(ids(&it.in_sync));
        // Where nobody leads, not even those that are in sync have it.
        let has = |id: &NodeId| known.brokers.contains(id) && (it.leader.is_some() || !it.in_sync.contains(id));
        let offline: Vec<NodeId> = it.replicas.iter().copied().filter(|id| !has(id)).collect();
        if version < 5 { partition } else { partition.with_offline_replicas(ids(&offline)) }
    };
    let topic = |topic: &Topic| {
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(text(topic.name))))
            .with_is_internal(topic.name.starts_with("__"))
            .with_partitions(topic.partitions.iter().enumerate().map(partition).collect())
    };
    shown(cluster, id, known).iter().filter(is_asked).map(topic).collect()
}

/// What a broker tells of a topic's configuration, as far as it is asked for.
pub(super) fn configs(cluster: &Cluster, id: NodeId, asked: &DescribeConfigsResource) -> DescribeConfigsResult {
    let result = DescribeConfigsResult::default()
        .with_resource_type(asked.resource_type)
        .with_resource_name(asked.resource_name.clone());
    let known = cluster.brokers.get(&id).and_then(|broker| broker.told.as_ref());
    let is_named = |topic: &&Topic| topic.name == asked.resource_name.as_str();
    let Some(topic) = known.and_then(|(_, known)| shown(cluster, id, known).iter().find(is_named)) else {
        let is_hidden = known.is_some_and(|(_, known)| known.topics.iter().any(|topic| is_named(&topic)));
        let error_code = if is_hidden { TOPIC_AUTHORIZATION_FAILED } else { UNKNOWN_TOPIC_OR_PARTITION };
        return result.with_error_code(error_code);
    };
    let keys = asked.configuration_keys.iter().flatten().filter(|key| key.as_str() == "min.insync.replicas");
    let value = || StrBytes::from_string(topic.min_in_sync.to_string());
    let property =
        |key: &StrBytes| DescribeConfigsResourceResult::default().with_name(key.clone()).with_value(Some(value()));
    result.with_configs(keys.map(property).collect())
}

/// What a node tells of reassignments, whenever it does.
pub(super) fn reassignments(cluster: &Cluster, id: NodeId, asked: &Asked) -> Result<Bytes, Refusal> {
    let (_, error_code) = reassignments_of(cluster, id);
    let said = ListPartitionReassignmentsResponse::default().with_error_code(error_code);
    if error_code != wire::NO_ERROR {
        return asked.answer::<ListPartitionReassignmentsRequest>(&said);
    }
    // A controller tells what it has; a broker what the one has that rules.
    let topics = match (cluster.quorum.controllers.get(&id), cluster.ruler()) {
        (Some(controller), _) => cluster.topics_at(controller.published.unwrap_or(0)),
        (None, Some(Teller::Broker(_))) => Arc::clone(&cluster.topics),
        (None, _) => cluster.topics_at(i64::MAX),
    };
    let partition = |(index, it): (usize, &Partition)| {
        let partition = OngoingPartitionReassignment::default()
            .with_partition_index(i32::try_from(index).unwrap_or(i32::MAX))
            .with_replicas(ids(&it.replicas))
            .with_adding_replicas(ids(&it.adding))
            .with_removing_replicas(ids(&it.removing));
        it.is_moving().then_some(partition)
    };
    let topic = |topic: &Topic| {
        let partitions: Vec<_> = topic.partitions.iter().enumerate().filter_map(partition).collect();
        let moving = OngoingTopicReassignment::default().with_name(TopicName(text(topic.name)));
        (!partitions.is_empty()).then(|| moving.with_partitions(partitions))
    };
    let said = said.with_topics(topics.iter().filter_map(topic).collect());
    asked.answer::<ListPartitionReassignmentsRequest>(&said)
}

/// How long a node takes to tell of reassignments; `None`: for ever.
pub(super) fn delay_of_reassignments(cluster: &Cluster, id: NodeId) -> Option<Duration> {
    reassignments_of(cluster, id).0
}

/// How a node comes by an answer about reassignments: how long it takes, and with which error it ends.
fn reassignments_of(cluster: &Cluster, id: NodeId) -> (Option<Duration>, i16) {
    let at_once = |error_code| (Some(Duration::ZERO), error_code);
    let gives_up = |after| (Some(after), wire::REQUEST_TIMED_OUT);
    if cluster.faults.has(id, Fault::ReassignmentsSilent) {
        return (None, wire::REQUEST_TIMED_OUT);
    }
    if cluster.faults.has(id, Fault::ReassignmentsDenied) {
        return at_once(wire::CLUSTER_AUTHORIZATION_FAILED);
    }
    let mode = |id: NodeId| cluster.brokers.get(&id).map(|broker| broker.mode);
    match (mode(id), cluster.ruler()) {
        // A controller asks nobody.
        (None, _) => at_once(wire::NO_ERROR),
        (Some(Mode::Zookeeper | Mode::Migration), Some(Teller::Broker(controller))) if controller == id => {
            at_once(wire::NO_ERROR)
        }
        (Some(Mode::Zookeeper), _) => at_once(wire::NOT_CONTROLLER),
        (Some(Mode::Migration), Some(Teller::Broker(controller))) => match mode(controller) {
            Some(Mode::Migration) => at_once(wire::NO_ERROR),
            // The controller closes the connection on what was forwarded to it, and the broker tries again for ever.
            _ => (None, wire::REQUEST_TIMED_OUT),
        },
        (Some(Mode::Migration), _) if cluster.kraft_rules() => at_once(wire::NO_ERROR),
        (Some(Mode::Migration), _) => gives_up(FORWARDING_FROM_ZOOKEEPER),
        (Some(Mode::Kraft), _) if cluster.quorum.active().is_some() => at_once(wire::NO_ERROR),
        (Some(Mode::Kraft), _) => gives_up(FORWARDING_FROM_KRAFT),
    }
}
