//! What a simulated node answers, through the codec. Not here: how an answer gets to the client, or does not (`serve`).

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest, DescribeClusterResponse,
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeQuorumRequest, DescribeQuorumResponse, FetchRequest,
    FetchSnapshotRequest, ListPartitionReassignmentsRequest, MetadataRequest, MetadataResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};

use super::cluster::{Cluster, Known, Mode, Teller};
use super::fault::Fault;
use super::quorum::Controller;
use super::version::Version;
use super::{fetch, shown};
use crate::snapshot::{Endpoint, NodeId, Role};
use crate::wire::{self, Ask, Asked, Refusal};

/// The other cluster of which a node can be by a fault.
const OTHER_CLUSTER_ID: &str = "another-cluster-by-fault";
/// Nobody's id, as Kafka writes it.
pub(super) const NOBODY: BrokerId = BrokerId(-1);

/// The answer as it goes on the wire, length prefix included. `None`: the connection is closed instead, as Kafka does
/// with what a listener does not list.
#[must_use]
pub fn answer(cluster: &mut Cluster, id: NodeId, asked: &Asked) -> Option<Bytes> {
    let role = role(cluster, id)?;
    let highest = cluster.release(id).apis(role).find(|(key, _)| *key == asked.key).map(|(_, highest)| highest)?;
    let known = (0..=highest).contains(&asked.version);
    let bytes = match asked.key {
        ApiVersionsRequest::KEY if cluster.faults.has(id, Fault::Error35) || !known => unknown_version(highest, asked),
        _ if !known => return None,
        ApiVersionsRequest::KEY => asked.answer::<ApiVersionsRequest>(&api_versions(cluster, id, role, asked.version)),
        MetadataRequest::KEY => metadata(cluster, id, asked),
        DescribeQuorumRequest::KEY => asked.answer::<DescribeQuorumRequest>(&quorum(cluster, id, role, asked.version)),
        DescribeClusterRequest::KEY => described_cluster(cluster, id, role, asked),
        DescribeConfigsRequest::KEY => described_configs(cluster, id, role, asked),
        ListPartitionReassignmentsRequest::KEY => shown::reassignments(cluster, id, asked),
        // Of older versions the codec knows no topic's id, and nobody asks so.
        FetchRequest::KEY if FetchRequest::SPOKEN.contains(&asked.version) => fetch::fetched(cluster, id, role, asked),
        FetchSnapshotRequest::KEY => fetch::fetched_snapshot(cluster, id, asked),
        // Its listeners are PLAINTEXT.
        SaslHandshakeRequest::KEY => asked.answer::<SaslHandshakeRequest>(
            &SaslHandshakeResponse::default().with_error_code(wire::ILLEGAL_SASL_STATE),
        ),
        _ => return None,
    };
    bytes.ok()
}

/// How long the node takes to answer, however fast it is; `None`: for ever.
#[must_use]
pub(super) fn delay(cluster: &Cluster, id: NodeId, asked: &Asked) -> Option<Duration> {
    match asked.key {
        ListPartitionReassignmentsRequest::KEY => shown::delay_of_reassignments(cluster, id),
        _ => Some(Duration::ZERO),
    }
}

/// What the node's listener is.
fn role(cluster: &Cluster, id: NodeId) -> Option<Role> {
    match cluster.brokers.get(&id).map(|broker| broker.mode) {
        Some(Mode::Zookeeper | Mode::Migration) => Some(Role::ZookeeperBroker),
        Some(Mode::Kraft) => Some(Role::KraftBroker),
        None => cluster.quorum.controllers.contains_key(&id).then_some(Role::Controller),
    }
}

pub(super) fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

pub(super) fn cluster_id(cluster: &Cluster, id: NodeId) -> StrBytes {
    if cluster.faults.has(id, Fault::OtherCluster) { text(OTHER_CLUSTER_ID) } else { text(cluster.cluster_id.as_str()) }
}

/// Error 35, in the form of version 0, with `ApiVersions` alone in the list.
fn unknown_version(highest: i16, asked: &Asked) -> Result<Bytes, Refusal> {
    let own = ApiVersion::default().with_api_key(ApiVersionsRequest::KEY).with_max_version(highest);
    let said = ApiVersionsResponse::default().with_error_code(wire::UNSUPPORTED_VERSION).with_api_keys(vec![own]);
    asked.answer_in::<ApiVersionsRequest>(0, &said)
}

fn api_versions(cluster: &Cluster, id: NodeId, role: Role, version: i16) -> ApiVersionsResponse {
    let api = |(key, highest)| ApiVersion::default().with_api_key(key).with_max_version(highest);
    let said = ApiVersionsResponse::default().with_api_keys(cluster.release(id).apis(role).map(api).collect());
    if version < 3 {
        return said;
    }
    let flag = match (cluster.brokers.get(&id), cluster.quorum.controllers.get(&id)) {
        (Some(broker), _) => broker.mode == Mode::Migration,
        (None, Some(controller)) => controller.flag,
        (None, None) => false,
    };
    let said = said.with_zk_migration_ready(flag && !cluster.faults.has(id, Fault::FlagOff));
    if role == Role::ZookeeperBroker {
        return said.with_finalized_features_epoch(0);
    }
    let level = cluster.release(id).metadata_level();
    let supported = |name, lowest, highest| {
        SupportedFeatureKey::default().with_name(text(name)).with_min_version(lowest).with_max_version(highest)
    };
    let mut features = vec![supported("metadata.version", 1, level)];
    if version >= 4 {
        // A feature whose lowest level is 0 cannot be told before version 4 (KIP-1022).
        features.insert(0, supported("kraft.version", 0, 1));
    }
    let said = said.with_supported_features(features);
    if role == Role::Controller && cluster.release(id) < Version::V3_6 {
        // KAFKA-14291.
        return said;
    }
    let finalized = cluster.lowest_release().metadata_level();
    let finalized = FinalizedFeatureKey::default()
        .with_name(text("metadata.version"))
        .with_min_version_level(finalized)
        .with_max_version_level(finalized);
    let end = cluster.quorum.active().map_or(1, |leader| leader.log_end);
    said.with_finalized_features(vec![finalized]).with_finalized_features_epoch(end.max(1))
}

fn metadata(cluster: &mut Cluster, id: NodeId, asked: &Asked) -> Result<Bytes, Refusal> {
    let request: MetadataRequest = asked.request()?;
    let told = cluster.brokers.get(&id).and_then(|broker| broker.told.clone());
    let topics = told.as_ref().map(|(_, known)| shown::metadata(cluster, id, known, &request, asked.version));
    let listed = told.as_ref().map_or(&[][..], |(_, known)| known.listed.get_or_init(|| listed(cluster, known)));
    // While KRaft controllers rule, a broker names any live one.
    let named = match told.as_ref().map(|(teller, _)| teller) {
        None => NOBODY,
        Some(_) if cluster.faults.has(id, Fault::ControllerIdStuck) => {
            listed.first().map_or(NOBODY, |broker| broker.node_id)
        }
        Some(Teller::Broker(id)) => BrokerId(*id),
        Some(Teller::Quorum) => {
            let any = cluster.random.usize(0..listed.len().max(1));
            listed.get(any).map_or(NOBODY, |broker| broker.node_id)
        }
    };
    let said = MetadataResponse::default()
        .with_cluster_id(Some(cluster_id(cluster, id)))
        .with_controller_id(named)
        .with_brokers(listed.to_vec())
        .with_topics(topics.unwrap_or_default());
    asked.answer::<MetadataRequest>(&said)
}

/// The brokers of which a broker knows, as it lists them.
fn listed(cluster: &Cluster, known: &Known) -> Vec<MetadataResponseBroker> {
    let broker = |id: &NodeId| {
        let place = &cluster.brokers.get(id)?.endpoint;
        let broker = MetadataResponseBroker::default().with_node_id(BrokerId(*id)).with_host(text(place.host.as_str()));
        Some(broker.with_port(i32::from(place.port)))
    };
    known.brokers.iter().filter_map(broker).collect()
}

/// What the node says of the quorum: its own view if it leads, that of the leader if it is a broker.
fn quorum(cluster: &Cluster, id: NodeId, role: Role, version: i16) -> DescribeQuorumResponse {
    let leader = match (role, cluster.quorum.controllers.get(&id)) {
        (Role::Controller, Some(own)) if own.leads.is_some() => Some((id, own)),
        (Role::Controller, Some(own)) if cluster.faults.has(id, Fault::TwoLeaders) => Some((id, own)),
        (Role::Controller, _) => None,
        _ => match cluster.quorum.active_id().zip(cluster.quorum.active()) {
            Some(leader) => Some(leader),
            None => return DescribeQuorumResponse::default().with_error_code(wire::REQUEST_TIMED_OUT),
        },
    };
    let partition = if let Some((leader, own)) = leader {
        leadership(cluster, leader, own, version)
    } else {
        let partition = PartitionData::default().with_error_code(wire::NOT_LEADER_OR_FOLLOWER);
        if version < 2 { partition } else { partition.with_error_message(Some(text("not the leader"))) }
    };
    let topic = TopicData::default().with_topic_name(TopicName(text("__cluster_metadata")));
    let said = DescribeQuorumResponse::default().with_topics(vec![topic.with_partitions(vec![partition])]);
    if version < 2 {
        return said;
    }
    let node = |(id, controller): (&NodeId, &Controller)| {
        let place = &controller.endpoint;
        let listener = Listener::default().with_name(text("CONTROLLER")).with_host(text(place.host.as_str()));
        Node::default().with_node_id(BrokerId(*id)).with_listeners(vec![listener.with_port(place.port)])
    };
    let nodes = leader.map(|_| cluster.quorum.controllers.iter().map(node).collect());
    said.with_error_message(Some(StrBytes::default())).with_nodes(nodes.unwrap_or_default())
}

fn leadership(cluster: &Cluster, leader: NodeId, own: &Controller, version: i16) -> PartitionData {
    let now = i64::try_from(cluster.now).unwrap_or(i64::MAX);
    let state = |id: NodeId| {
        let known = own.followers.get(&id);
        let (end, fetched, caught_up) = match known {
            _ if id == leader => (own.log_end, now, now),
            Some(known) => (
                known.log_end,
                i64::try_from(known.fetched).unwrap_or(i64::MAX),
                i64::try_from(known.caught_up).unwrap_or(i64::MAX),
            ),
            None => (-1, -1, -1),
        };
        let state = ReplicaState::default().with_replica_id(BrokerId(id)).with_log_end_offset(end);
        if version < 1 {
            return state;
        }
        state.with_last_fetch_timestamp(fetched).with_last_caught_up_timestamp(caught_up)
    };
    let voters: Vec<ReplicaState> = cluster.quorum.controllers.keys().map(|id| state(*id)).collect();
    let observers = own.followers.keys().filter(|id| !cluster.quorum.controllers.contains_key(id));
    let epoch = own.leads.unwrap_or(cluster.quorum.epoch);
    let partition = PartitionData::default()
        .with_leader_id(BrokerId(leader))
        .with_leader_epoch(epoch)
        .with_high_watermark(cluster.quorum.high_watermark(leader))
        .with_observers(observers.map(|id| state(*id)).collect())
        .with_current_voters(voters);
    if version < 2 { partition } else { partition.with_error_message(Some(StrBytes::default())) }
}

fn described_cluster(cluster: &Cluster, id: NodeId, role: Role, asked: &Asked) -> Result<Bytes, Refusal> {
    let request: DescribeClusterRequest = asked.request()?;
    let of_brokers = role != Role::Controller;
    let node = |(id, place): (&NodeId, &Endpoint)| {
        let node = DescribeClusterBroker::default().with_broker_id(BrokerId(*id)).with_host(text(place.host.as_str()));
        node.with_port(i32::from(place.port))
    };
    let said = DescribeClusterResponse::default().with_cluster_id(cluster_id(cluster, id));
    let said = match (of_brokers, request.endpoint_type) {
        // A listener tells of its own kind only (KIP-919).
        (true, 2) | (false, 1) => DescribeClusterResponse::default().with_error_code(MISMATCHED_ENDPOINT_TYPE),
        (true, _) => {
            let told = cluster.brokers.get(&id).and_then(|broker| broker.told.as_ref());
            let listed = told.iter().flat_map(|(_, known)| &known.brokers);
            let places = listed.filter_map(|id| Some((id, &cluster.brokers.get(id)?.endpoint)));
            said.with_brokers(places.map(node).collect())
        }
        (false, _) => {
            let places = cluster.quorum.controllers.iter().map(|(id, controller)| (id, &controller.endpoint));
            let leader = cluster.quorum.active_id().map_or(NOBODY, BrokerId);
            said.with_endpoint_type(2).with_controller_id(leader).with_brokers(places.map(node).collect())
        }
    };
    let said = if asked.version == 0 { said.with_endpoint_type(1) } else { said };
    asked.answer::<DescribeClusterRequest>(&said)
}

/// `MISMATCHED_ENDPOINT_TYPE` of `org.apache.kafka.common.protocol.Errors`.
const MISMATCHED_ENDPOINT_TYPE: i16 = 114;

/// `TOPIC` of `org.apache.kafka.common.config.ConfigResource.Type`.
const TOPIC: i8 = 2;

/// The node's own configuration, as far as it tells its part in the migration, of no other node's; and that of topics.
fn described_configs(cluster: &Cluster, id: NodeId, role: Role, asked: &Asked) -> Result<Bytes, Refusal> {
    let request: DescribeConfigsRequest = asked.request()?;
    let voters = cluster.quorum.controllers.iter().map(|(id, controller)| format!("{id}@{}", controller.endpoint));
    let voters = voters.collect::<Vec<_>>().join(",");
    let knows_quorum = cluster.brokers.get(&id).is_none_or(|broker| broker.mode != Mode::Zookeeper);
    let flag = match (cluster.brokers.get(&id), cluster.quorum.controllers.get(&id)) {
        (Some(broker), _) => broker.mode == Mode::Migration,
        (None, controller) => controller.is_some_and(|controller| controller.flag),
    };
    // A property that is known and has no value is null; one that is not known is left out.
    let value = |name: &str| match name {
        "node.id" => Some(Some(id.to_string())),
        "controller.quorum.voters" if knows_quorum => Some(Some(voters.clone())),
        "controller.quorum.voters" | "authorizer.class.name" => Some(Some(String::new())),
        "controller.listener.names" => Some(knows_quorum.then(|| "CONTROLLER".to_owned())),
        "zookeeper.metadata.migration.enable" => Some(Some(flag.to_string())),
        "inter.broker.protocol.version" => Some(Some(cluster.release(id).to_string())),
        "log.dirs" => Some(Some("/var/lib/kafka".to_owned())),
        "process.roles" => Some(Some(
            match role {
                Role::Controller => "controller",
                Role::KraftBroker => "broker",
                Role::ZookeeperBroker => "",
            }
            .to_owned(),
        )),
        // Known from 3.9 on (KIP-853).
        "controller.quorum.bootstrap.servers" if cluster.release(id) >= Version::V3_9 => Some(Some(String::new())),
        _ => None,
    };
    let result = |resource: &DescribeConfigsResource| {
        if resource.resource_type == TOPIC {
            return shown::configs(cluster, id, resource);
        }
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        if resource.resource_name.as_str() != id.to_string() {
            return result.with_error_code(wire::INVALID_REQUEST);
        }
        let keys = resource.configuration_keys.iter().flatten();
        let property = |key: &StrBytes| {
            let value = value(key)?;
            Some(DescribeConfigsResourceResult::default().with_name(key.clone()).with_value(value.map(text)))
        };
        result.with_configs(keys.filter_map(property).collect())
    };
    let results = request.resources.iter().map(result).collect();
    asked.answer::<DescribeConfigsRequest>(&DescribeConfigsResponse::default().with_results(results))
}
