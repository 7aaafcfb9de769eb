//! Questions to Kafka nodes, asked without any of the code under test: the second opinion by which the tests
//! know that a phase is really reached. Blocking, one connection per question, PLAINTEXT only.

pub(crate) mod log;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
pub(crate) use kafka_protocol::messages::describe_quorum_response::PartitionData as Quorum;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{
    AddRaftVoterRequest, ApiVersionsRequest, ApiVersionsResponse, BrokerId, CreateAclsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest, MetadataRequest,
    MetadataResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const CORRELATION: i32 = 1;

/// The key of `Vote`, which only KRaft controllers serve.
const VOTE: i16 = 52;

const REQUEST_TIMED_OUT: i16 = 7;

/// `TOPIC` and `CLUSTER` of `ResourceType`.
pub(crate) const TOPIC: i8 = 2;
pub(crate) const CLUSTER: i8 = 4;
/// `LITERAL` of `PatternType`.
const LITERAL: i8 = 3;
/// `DESCRIBE` and `DESCRIBE_CONFIGS` of `AclOperation`.
pub(crate) const DESCRIBE: i8 = 8;
pub(crate) const DESCRIBE_CONFIGS: i8 = 10;
/// `DENY` and `ALLOW` of `AclPermissionType`.
const DENY: i8 = 2;
const ALLOW: i8 = 3;

/// The type of a resource of `DescribeConfigs` that is a broker, or a controller.
const BROKER: i8 = 4;

/// What a node's configuration tells of its part in a migration.
const TELLING: [&str; 7] = [
    "node.id",
    "broker.id",
    "process.roles",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "zookeeper.metadata.migration.enable",
    "inter.broker.protocol.version",
];

pub(crate) fn api_versions(node: SocketAddr) -> io::Result<ApiVersionsResponse> {
    ask(node, 3, &who_asks(3))
}

/// Brokers, topics and what this broker takes for the active controller.
pub(crate) fn metadata(broker: SocketAddr) -> io::Result<MetadataResponse> {
    ask(broker, 12, &every_topic(12))
}

/// The quorum as its leader sees it; every other controller refuses to answer.
pub(crate) fn quorum(controller: SocketAddr) -> io::Result<Quorum> {
    quorum_in(controller, 1)
}

fn quorum_in(controller: SocketAddr, version: i16) -> io::Result<Quorum> {
    let answer = ask(controller, version, &the_log())?;
    let partition = answer.topics.into_iter().flat_map(|topic| topic.partitions).next();
    match (answer.error_code, partition) {
        (0, Some(quorum)) if quorum.error_code == 0 => Ok(quorum),
        (0, Some(quorum)) => Err(io::Error::other(format!("DescribeQuorum error {}", quorum.error_code))),
        (error, _) => Err(io::Error::other(format!("DescribeQuorum error {error}"))),
    }
}

/// Makes an observer a voter of a dynamic quorum; the controller must be the leader.
pub(crate) fn add_voter(leader: SocketAddr, id: i32, address: SocketAddr) -> io::Result<()> {
    let observers = quorum_in(leader, 2)?.observers;
    let observer = observers.iter().find(|observer| observer.replica_id.0 == id);
    let observer = observer.ok_or_else(|| io::Error::other("no such observer"))?;
    let listener = Listener::default()
        .with_name(StrBytes::from_static_str("CONTROLLER"))
        .with_host(StrBytes::from_string(address.ip().to_string()))
        .with_port(address.port());
    let question = AddRaftVoterRequest::default()
        .with_cluster_id(None)
        .with_timeout_ms(10_000)
        .with_voter_id(id)
        .with_voter_directory_id(observer.replica_directory_id)
        .with_listeners(vec![listener]);
    match ask(leader, 0, &question)?.error_code {
        0 => Ok(()),
        error => Err(io::Error::other(format!("AddRaftVoter error {error}"))),
    }
}

/// Creates a topic; the broker must be the active controller.
pub(crate) fn create_topic(
    controller: SocketAddr,
    name: &'static str,
    partitions: i32,
    replicas: i16,
) -> io::Result<()> {
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_static_str(name)))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas);
    let question = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let answer = ask(controller, 7, &question)?;
    match answer.topics.first().map(|topic| topic.error_code) {
        Some(0) => Ok(()),
        error => Err(io::Error::other(format!("CreateTopics error {error:?}"))),
    }
}

/// Deletes a topic; the broker must be the active controller.
pub(crate) fn delete_topic(controller: SocketAddr, name: &'static str) -> io::Result<()> {
    let question = DeleteTopicsRequest::default()
        .with_topic_names(vec![TopicName(StrBytes::from_static_str(name))])
        .with_timeout_ms(1_000);
    // A deletion that waits for a broker is not over when the time is, and goes on all the same.
    let answer = ask(controller, 5, &question)?;
    match answer.responses.first().map(|response| response.error_code) {
        Some(0 | REQUEST_TIMED_OUT) => Ok(()),
        error => Err(io::Error::other(format!("DeleteTopics error {error:?}"))),
    }
}

/// Forbids everybody without a name of his own to see this topic, or `*` for all of them. The node must take rules: a
/// controller, the leading one.
pub(crate) fn deny_describe(controller: SocketAddr, topic: &str) -> io::Result<()> {
    rule(controller, "User:ANONYMOUS", TOPIC, topic, DESCRIBE, DENY)
}

/// Allows somebody to do something with this resource. A broker on ZooKeeper takes rules as well.
pub(crate) fn allow(node: SocketAddr, principal: &str, resource: i8, name: &str, operation: i8) -> io::Result<()> {
    rule(node, principal, resource, name, operation, ALLOW)
}

fn rule(node: SocketAddr, principal: &str, resource: i8, name: &str, operation: i8, permission: i8) -> io::Result<()> {
    let rule = AclCreation::default()
        .with_resource_type(resource)
        .with_resource_name(StrBytes::from_string(name.to_owned()))
        .with_resource_pattern_type(LITERAL)
        .with_principal(StrBytes::from_string(principal.to_owned()))
        .with_host(StrBytes::from_static_str("*"))
        .with_operation(operation)
        .with_permission_type(permission);
    let answer = ask(node, 3, &CreateAclsRequest::default().with_creations(vec![rule]))?;
    match answer.results.first().map(|result| result.error_code) {
        Some(0) => Ok(()),
        error => Err(io::Error::other(format!("CreateAcls error {error:?}"))),
    }
}

pub(crate) fn broker_ids(answer: &MetadataResponse) -> BTreeSet<i32> {
    ids(answer.brokers.iter().map(|broker| &broker.node_id))
}

pub(crate) fn partitions(answer: &MetadataResponse) -> impl Iterator<Item = &MetadataResponsePartition> {
    answer.topics.iter().flat_map(|topic| &topic.partitions)
}

pub(crate) fn ids<'a>(nodes: impl IntoIterator<Item = &'a BrokerId>) -> BTreeSet<i32> {
    nodes.into_iter().map(|id| id.0).collect()
}

/// What a node answers to the questions that the tool asks, as frames without their length prefix: each API in the
/// oldest and newest versions of interest that the node lists. Nothing, if it does not answer.
pub(crate) fn frames(node: SocketAddr, id: i32) -> Vec<(&'static str, i16, Bytes)> {
    let Ok(listed) = api_versions(node) else { return Vec::new() };
    let spoken = |key: i16, version: i16| {
        listed.api_keys.iter().any(|api| api.api_key == key && (api.min_version..=api.max_version).contains(&version))
    };
    let mut frames = Vec::new();
    let mut keep = |api, version, frame: io::Result<Bytes>| frames.push((api, version, frame.expect("an answer")));
    for version in [0, 3, 4].into_iter().filter(|version| spoken(ApiVersionsRequest::KEY, *version)) {
        keep("ApiVersions", version, exchange(node, version, &who_asks(version)));
    }
    for version in [1, 8, 9, 12, 13].into_iter().filter(|version| spoken(MetadataRequest::KEY, *version)) {
        // The whole metadata, and none of it, as the tool asks.
        keep("Metadata", version, exchange(node, version, &every_topic(version)));
        let no_topic = every_topic(version).with_topics(Some(Vec::new()));
        keep("Metadata", version, exchange(node, version, &no_topic));
    }
    if spoken(DescribeClusterRequest::KEY, 1) {
        let controller = listed.api_keys.iter().any(|api| api.api_key == VOTE);
        let of_its_kind = DescribeClusterRequest::default().with_endpoint_type(if controller { 2 } else { 1 });
        keep("DescribeCluster", 1, exchange(node, 1, &of_its_kind));
    }
    for version in [1, 4].into_iter().filter(|version| spoken(DescribeConfigsRequest::KEY, *version)) {
        keep("DescribeConfigs", version, exchange(node, version, &own_configuration(id)));
    }
    for version in [0, 1, 2].into_iter().filter(|version| spoken(DescribeQuorumRequest::KEY, *version)) {
        // A KRaft broker forwards it to the leader, and says nothing for a minute when there is none.
        let answer = exchange(node, version, &the_log());
        frames.extend(answer.ok().map(|frame| ("DescribeQuorum", version, frame)));
    }
    if listed.api_keys.iter().any(|api| api.api_key == VOTE) {
        frames.extend(log::frames(node, &listed));
    }
    frames
}

fn who_asks(version: i16) -> ApiVersionsRequest {
    let question = ApiVersionsRequest::default();
    if version < 3 {
        return question;
    }
    question
        .with_client_software_name(StrBytes::from_static_str("kraft-check-tests"))
        .with_client_software_version(StrBytes::from_static_str("0"))
}

fn every_topic(version: i16) -> MetadataRequest {
    let question = MetadataRequest::default().with_topics(None);
    if version < 4 { question } else { question.with_allow_auto_topic_creation(false) }
}

fn own_configuration(id: i32) -> DescribeConfigsRequest {
    let node = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(StrBytes::from_string(id.to_string()))
        .with_configuration_keys(Some(TELLING.map(StrBytes::from_static_str).into()));
    DescribeConfigsRequest::default().with_resources(vec![node])
}

fn the_log() -> DescribeQuorumRequest {
    let log = TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str("__cluster_metadata")))
        .with_partitions(vec![PartitionData::default()]);
    DescribeQuorumRequest::default().with_topics(vec![log])
}

fn ask<Q: Request>(node: SocketAddr, version: i16, question: &Q) -> io::Result<Q::Response> {
    let mut frame = exchange(node, version, question)?;
    let header = ResponseHeader::decode(&mut frame, Q::Response::header_version(version)).map_err(io::Error::other)?;
    if header.correlation_id != CORRELATION {
        return Err(io::Error::other("the answer to another question"));
    }
    Q::Response::decode(&mut frame, version).map_err(io::Error::other)
}

/// Sends one question and returns the frame of its answer, without the length prefix.
fn exchange<Q: Request>(node: SocketAddr, version: i16, question: &Q) -> io::Result<Bytes> {
    let mut stream = TcpStream::connect_timeout(&node, CONNECT_LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;

    let header = RequestHeader::default()
        .with_request_api_key(Q::KEY)
        .with_request_api_version(version)
        .with_correlation_id(CORRELATION);
    let mut frame = BytesMut::zeroed(4);
    header
        .encode(&mut frame, Q::header_version(version))
        .and_then(|()| question.encode(&mut frame, version))
        .map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).expect("a short request");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&frame)?;

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(Bytes::from(frame))
}
