//! Messages → answers as a snapshot keeps them. What they mean is not known here.

use std::sync::Arc;

use kafka_protocol::messages::describe_cluster_response::DescribeClusterResponse;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResponse, DescribeConfigsResult};
use kafka_protocol::messages::describe_quorum_response::{DescribeQuorumResponse, ReplicaState};
use kafka_protocol::messages::list_partition_reassignments_response::ListPartitionReassignmentsResponse;
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest, ListPartitionReassignmentsRequest,
    MetadataRequest,
};

use crate::snapshot::{
    ApiVersions, BrokerList, Cluster, Configs, Endpoint, Features, Leadership, Metadata, MinIsr, Missed, NodeId,
    Partition, Quorum, Reassignment, Replica, Topics, Why,
};
use crate::wire::{self, Ask, Listed};

pub(super) fn api_versions(said: Listed, version: i16) -> ApiVersions {
    let Listed { supported, finalized, finalized_epoch: epoch, .. } = said;
    ApiVersions {
        apis: said.apis,
        zk_migration_ready: (version >= 3).then_some(said.zk_migration_ready),
        features: Features { supported, finalized, epoch },
    }
}

/// More brokers than any cluster has: what a lying peer lists stands in every report.
const BROKERS_MAX: usize = 10_000;

pub(super) fn metadata(said: wire::Metadata<'_, BrokersSaid>) -> Result<Metadata, Missed> {
    refuse_error::<MetadataRequest>(said.error_code)?;
    Ok(Metadata {
        brokers: said.brokers?,
        cluster_id: said.cluster_id.map(|id| text("Metadata", id)).transpose()?.map(ToOwned::to_owned),
        controller_ids: vec![said.controller_id],
    })
}

/// A list of brokers, or why it is not taken.
pub(super) type BrokersSaid = Result<BrokerList, Missed>;

pub(super) fn brokers(places: &[wire::Place<'_>]) -> BrokersSaid {
    if places.len() > BROKERS_MAX {
        let words = format!("Metadata lists {} brokers, at most {BROKERS_MAX} are read", places.len());
        return Err(Missed::new(Why::TooLarge, words));
    }
    let broker = |it: &wire::Place<'_>| place("Metadata", it.id, text("Metadata", it.host)?, it.port);
    places.iter().map(broker).collect()
}

/// A text of an answer that the codec has not read.
fn text<'a>(api: &str, bytes: &'a [u8]) -> Result<&'a str, Missed> {
    str::from_utf8(bytes).map_err(|error| Missed::new(Why::Malformed, format!("a text of {api} is none: {error}")))
}

pub(super) fn quorum(said: &DescribeQuorumResponse) -> Result<Quorum, Missed> {
    refuse_error::<DescribeQuorumRequest>(said.error_code)?;
    let mut partitions = said.topics.iter().flat_map(|topic| &topic.partitions);
    let (Some(partition), None) = (partitions.next(), partitions.next()) else {
        let words = "DescribeQuorum does not answer with exactly one partition";
        return Err(Missed::new(Why::Malformed, words));
    };
    if partition.error_code == wire::NOT_LEADER_OR_FOLLOWER {
        return Ok(Quorum::NotLeader);
    }
    refuse_error::<DescribeQuorumRequest>(partition.error_code)?;
    let nodes = said.nodes.iter().flat_map(|node| {
        let listeners = node.listeners.iter();
        listeners.map(|at| place("DescribeQuorum", node.node_id.0, &at.host, i32::from(at.port)))
    });
    Ok(Quorum::Leader(Leadership {
        leader: partition.leader_id.0,
        epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: partition.current_voters.iter().map(replica).collect(),
        observers: partition.observers.iter().map(replica).collect(),
        nodes: nodes.collect::<Result<_, _>>()?,
    }))
}

pub(super) fn cluster(said: &DescribeClusterResponse) -> Result<Cluster, Missed> {
    refuse_error::<DescribeClusterRequest>(said.error_code)?;
    let controllers = said.brokers.iter().map(|node| place("DescribeCluster", node.broker_id.0, &node.host, node.port));
    Ok(Cluster { cluster_id: said.cluster_id.to_string(), controllers: controllers.collect::<Result<_, _>>()? })
}

/// Of all ids that were asked for, the one that the node answered for.
pub(super) fn configs(said: &DescribeConfigsResponse) -> Result<Configs, Missed> {
    let mut own = said.results.iter().filter(|result| result.error_code == wire::NO_ERROR);
    match (own.next(), own.next()) {
        (Some(own), None) => Ok(Configs {
            id: own
                .resource_name
                .parse()
                .map_err(|_| Missed::new(Why::Malformed, "DescribeConfigs answers for a name that is no id"))?,
            properties: own
                .configs
                .iter()
                .map(|config| (config.name.to_string(), config.value.as_ref().map(ToString::to_string)))
                .collect(),
        }),
        (Some(_), Some(_)) => {
            Err(Missed::new(Why::Ambiguous, "DescribeConfigs answers for several ids, and a node has one"))
        }
        (None, _) => match said.results.iter().find(|result| result.error_code == wire::CLUSTER_AUTHORIZATION_FAILED) {
            Some(denied) => Err(error_code::<DescribeConfigsRequest>(denied.error_code)),
            None => Err(Missed::new(Why::ErrorCode, "DescribeConfigs answers for none of the ids that are known")),
        },
    }
}

/// Kafka's name of the property (`TopicConfig.java`).
pub(super) const MIN_ISR: &str = "min.insync.replicas";

/// All topics that a broker shows.
pub(super) fn topics(said: wire::Topics) -> Result<Topics, Missed> {
    refuse_error::<MetadataRequest>(said.error_code)?;
    let partition = |partition: wire::Partition| {
        let wire::Partition { topic, index, error_code, leader, replicas, isr, offline } = partition;
        Partition { topic, index, error_code, leader, replicas, isr, offline }
    };
    let wire::Topics { topics, partitions, more_not_whole, assigned, .. } = said;
    let not_whole = said.not_whole.into_iter().map(partition).collect();
    Ok(Topics { topics, partitions, not_whole, more_not_whole, assigned })
}

/// `min.insync.replicas` of those topics for which it was told. A topic that is denied is left out; if all are, that is
/// the answer.
pub(super) fn min_isr(said: &DescribeConfigsResponse) -> Result<Vec<MinIsr>, Missed> {
    let of_topic = |result: &DescribeConfigsResult| {
        let config = result.configs.iter().find(|config| config.name.as_str() == MIN_ISR)?;
        let min_isr = config.value.as_ref()?.parse().ok()?;
        Some(MinIsr { topic: result.resource_name.to_string(), min_isr })
    };
    let told: Vec<MinIsr> = said.results.iter().filter_map(of_topic).collect();
    match said.results.iter().find(|result| result.error_code != wire::NO_ERROR) {
        Some(failed) if told.is_empty() => Err(error_code::<DescribeConfigsRequest>(failed.error_code)),
        _ => Ok(told),
    }
}

/// What is being moved.
pub(super) fn reassignments(said: &ListPartitionReassignmentsResponse) -> Result<Vec<Reassignment>, Missed> {
    if said.error_code == wire::NOT_CONTROLLER {
        return Err(Missed::new(Why::ErrorCode, "it is not the controller (error 41), so it does not know"));
    }
    refuse_error::<ListPartitionReassignmentsRequest>(said.error_code)?;
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
    let moved = said.topics.iter().flat_map(|topic| {
        // Shared, for a liar's name could be half of the answer, and stand before every partition of the other half.
        let name: Arc<str> = topic.name.chars().take(wire::TOPIC_NAME_MAX).collect::<String>().into();
        topic.partitions.iter().map(move |partition| Reassignment {
            topic: Arc::clone(&name),
            index: partition.partition_index,
            replicas: ids(&partition.replicas),
            adding: ids(&partition.adding_replicas),
            removing: ids(&partition.removing_replicas),
        })
    });
    Ok(moved.collect())
}

fn replica(state: &ReplicaState) -> Replica {
    let known = |timestamp: i64| (timestamp >= 0).then_some(timestamp);
    Replica {
        id: state.replica_id.0,
        log_end_offset: state.log_end_offset,
        last_fetch: known(state.last_fetch_timestamp),
        last_caught_up: known(state.last_caught_up_timestamp),
    }
}

/// Where an answer says that a node is.
fn place(api: &str, id: NodeId, host: &str, port: i32) -> Result<(NodeId, Endpoint), Missed> {
    match u16::try_from(port) {
        Ok(port @ 1..) => Ok((id, Endpoint { host: host.to_ascii_lowercase(), port })),
        _ => Err(Missed::new(Why::Malformed, format!("{api} gives node {id} port {port}"))),
    }
}

fn refuse_error<A: Ask>(code: i16) -> Result<(), Missed> {
    if code == wire::NO_ERROR { Ok(()) } else { Err(error_code::<A>(code)) }
}

/// An error code as the reason why something was not seen.
pub(super) fn error_code<A: Ask>(code: i16) -> Missed {
    match code {
        wire::CLUSTER_AUTHORIZATION_FAILED => denied::<A>("the cluster", "error 31, CLUSTER_AUTHORIZATION_FAILED"),
        wire::TOPIC_AUTHORIZATION_FAILED => denied::<A>("the topic", "error 29, TOPIC_AUTHORIZATION_FAILED"),
        _ => Missed::new(Why::ErrorCode, format!("error {code} to {}", A::NAME)),
    }
}

fn denied<A: Ask>(resource: &str, error: &str) -> Missed {
    let needs = A::NEEDS.map_or_else(String::new, |operation| format!(": it needs {operation} on {resource}"));
    Missed::new(Why::Denied, format!("{} is denied{needs} ({error})", A::NAME))
}
