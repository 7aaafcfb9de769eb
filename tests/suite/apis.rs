//! Every API in every version that we speak, and every request that a simulated node reads: how such a message is made by
//! the codec, how it is read, and what guard and codec must agree on. The fuzzer is made of this file as well
//! (`tests/fuzz`).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest, DescribeClusterResponse,
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeQuorumRequest, DescribeQuorumResponse, FetchRequest,
    FetchSnapshotRequest, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, MetadataRequest,
    MetadataResponse, ResponseHeader, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request, StrBytes};
use kraft_check::wire::{
    self, Apis, Ask, Asked, CLIENT_ID, Met, NO_ERROR, Place, REPLICAS_MAX, Refusal, Serve, decode, encode, listed,
    topics,
};

use crate::fetches::{
    assert_fetched_as_the_codec_reads, assert_snapshot_fetched_as_the_codec_reads, fetch, fetch_asked, fetch_snapshot,
    fetch_snapshot_asked,
};

/// The id of every answer that is made, and of every one that is read.
pub(crate) const CORRELATION_ID: i32 = 7;

pub(crate) fn frame<A: Ask>(response: &A::Response, version: i16) -> Bytes {
    let mut frame = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(CORRELATION_ID);
    header.encode(&mut frame, A::Response::header_version(version)).expect("a header");
    response.encode(&mut frame, version).expect("an answer");
    frame.freeze()
}

pub(crate) fn text(numbers: &[u8]) -> StrBytes {
    StrBytes::from_string(numbers.iter().map(|number| char::from(b'a' + number % 26)).collect())
}

/// An answer in this version, with sizes and values from the numbers.
fn api_versions(n: &[u8], version: i16) -> Bytes {
    let api = |key: &u8| ApiVersion::default().with_api_key(i16::from(*key)).with_max_version(3);
    let mut response = ApiVersionsResponse::default().with_api_keys(n.iter().map(api).collect());
    if version >= 3 {
        let feature = |number: &u8| match number % 3 {
            1 => StrBytes::from_static_str("metadata.version"),
            _ => text(n),
        };
        let supported = |it: &u8| SupportedFeatureKey::default().with_name(feature(it)).with_max_version(2);
        let finalized = |it: &u8| FinalizedFeatureKey::default().with_name(feature(it)).with_max_version_level(2);
        response = response
            .with_supported_features(n.iter().take(3).map(supported).collect())
            .with_finalized_features(n.iter().take(2).map(finalized).collect())
            .with_finalized_features_epoch(5)
            .with_zk_migration_ready(n.len() % 2 == 1);
    }
    frame::<ApiVersionsRequest>(&response, version)
}

fn metadata(n: &[u8], version: i16) -> Bytes {
    let ids = || n.iter().map(|id| BrokerId(i32::from(*id))).collect::<Vec<_>>();
    let rack = (n.len().is_multiple_of(2)).then(|| text(n));
    let broker = |id: &u8| {
        let broker = MetadataResponseBroker::default().with_node_id(BrokerId(i32::from(*id))).with_host(text(n));
        broker.with_rack(rack.clone())
    };
    // Some are whole, and some lack a leader, a replica in sync, or a replica.
    let partition = |number: &u8| {
        let (leader, in_sync) = (i32::from(*number), ids().into_iter().skip(usize::from(number % 3 == 1)));
        let partition = MetadataResponsePartition::default().with_replica_nodes(ids()).with_leader_id(BrokerId(leader));
        let partition = partition.with_isr_nodes(in_sync.collect()).with_error_code(i16::from(number % 7 == 1));
        if version >= 5 && number % 5 == 1 { partition.with_offline_replicas(ids()) } else { partition }
    };
    let topic = |number: &u8| {
        let partitions = n.iter().take(2).map(partition).collect();
        let topic = MetadataResponseTopic::default().with_name(Some(TopicName(text(n)))).with_partitions(partitions);
        topic.with_error_code(i16::from(number % 5 == 2))
    };
    let mut response = MetadataResponse::default().with_brokers(n.iter().map(broker).collect());
    response = response.with_topics(n.iter().take(3).map(topic).collect());
    if version >= 2 && n.len() > 2 {
        response = response.with_cluster_id(Some(text(n)));
    }
    frame::<MetadataRequest>(&response, version)
}

fn quorum(n: &[u8], version: i16) -> Bytes {
    let replica = |id: &u8| ReplicaState::default().with_replica_id(BrokerId(i32::from(*id))).with_log_end_offset(9);
    let replicas: Vec<ReplicaState> = n.iter().map(replica).collect();
    let mut partition = PartitionData::default().with_current_voters(replicas.clone()).with_observers(replicas);
    let mut response = DescribeQuorumResponse::default();
    if version >= 2 {
        partition = partition.with_error_message((n.len().is_multiple_of(2)).then(|| text(n)));
        let listener = |_: &u8| Listener::default().with_name(text(n)).with_host(text(n)).with_port(9093);
        let node = |id: &u8| {
            let listeners = n.iter().take(2).map(listener).collect();
            Node::default().with_node_id(BrokerId(i32::from(*id))).with_listeners(listeners)
        };
        response = response.with_nodes(n.iter().map(node).collect());
    }
    let topic = TopicData::default().with_topic_name(TopicName(text(n))).with_partitions(vec![partition]);
    frame::<DescribeQuorumRequest>(&response.with_topics(vec![topic]), version)
}

fn cluster(n: &[u8], version: i16) -> Bytes {
    let broker = |id: &u8| {
        let broker = DescribeClusterBroker::default().with_broker_id(BrokerId(i32::from(*id))).with_host(text(n));
        broker.with_rack((n.len().is_multiple_of(2)).then(|| text(n)))
    };
    let response = DescribeClusterResponse::default().with_cluster_id(text(n)).with_error_message(Some(text(n)));
    frame::<DescribeClusterRequest>(&response.with_brokers(n.iter().map(broker).collect()), version)
}

fn configs(n: &[u8], version: i16) -> Bytes {
    let value = (n.len().is_multiple_of(2)).then(|| text(n));
    let synonym = |_: &u8| DescribeConfigsSynonym::default().with_name(text(n)).with_value(value.clone());
    let property = |_: &u8| {
        let property = DescribeConfigsResourceResult::default().with_name(text(n)).with_value(value.clone());
        let property = property.with_synonyms(n.iter().take(2).map(synonym).collect());
        if version >= 3 { property.with_documentation(value.clone()) } else { property }
    };
    let result = |_: &u8| {
        let result = DescribeConfigsResult::default().with_resource_name(text(n)).with_error_message(value.clone());
        result.with_configs(n.iter().take(3).map(property).collect())
    };
    let response = DescribeConfigsResponse::default().with_results(n.iter().take(3).map(result).collect());
    frame::<DescribeConfigsRequest>(&response, version)
}

fn reassignments(n: &[u8], version: i16) -> Bytes {
    let ids = || n.iter().map(|id| BrokerId(i32::from(*id))).collect::<Vec<_>>();
    let partition = |index: &u8| {
        let partition = OngoingPartitionReassignment::default().with_partition_index(i32::from(*index));
        partition.with_replicas(ids()).with_adding_replicas(ids()).with_removing_replicas(Vec::new())
    };
    let topic = |_: &u8| {
        let partitions = n.iter().take(2).map(partition).collect();
        OngoingTopicReassignment::default().with_name(TopicName(text(n))).with_partitions(partitions)
    };
    let response = ListPartitionReassignmentsResponse::default().with_topics(n.iter().take(3).map(topic).collect());
    let message = (n.len().is_multiple_of(2)).then(|| text(n));
    frame::<ListPartitionReassignmentsRequest>(&response.with_error_message(message), version)
}

fn sasl_handshake(n: &[u8], version: i16) -> Bytes {
    let mechanisms = n.iter().take(4).map(|_| text(n)).collect();
    frame::<SaslHandshakeRequest>(&SaslHandshakeResponse::default().with_mechanisms(mechanisms), version)
}

fn sasl_authenticate(n: &[u8], version: i16) -> Bytes {
    let message = (n.len().is_multiple_of(2)).then(|| text(n));
    let response = SaslAuthenticateResponse::default().with_auth_bytes(Bytes::copy_from_slice(n));
    let response = response.with_error_message(message);
    let lifetime_ms = i64::from(version >= 1) * 3_600_000;
    frame::<SaslAuthenticateRequest>(&response.with_session_lifetime_ms(lifetime_ms), version)
}

fn sasl_handshake_request(n: &[u8], version: i16) -> Bytes {
    asked(&SaslHandshakeRequest::default().with_mechanism(text(n)), version)
}

fn sasl_authenticate_request(n: &[u8], version: i16) -> Bytes {
    asked(&SaslAuthenticateRequest::default().with_auth_bytes(Bytes::copy_from_slice(n)), version)
}

fn metadata_request(n: &[u8], version: i16) -> Bytes {
    let topic = |_: &u8| MetadataRequestTopic::default().with_name(Some(TopicName(text(n))));
    // All topics, none, or some.
    let topics = (n.len() % 3 != 1).then(|| n.iter().skip(1).map(topic).collect());
    asked(&MetadataRequest::default().with_topics(topics), version)
}

fn cluster_request(n: &[u8], version: i16) -> Bytes {
    let request = DescribeClusterRequest::default().with_include_cluster_authorized_operations(n.len() % 2 == 1);
    asked(&request.with_endpoint_type(2), version)
}

fn configs_request(n: &[u8], version: i16) -> Bytes {
    let keys = (n.len().is_multiple_of(2)).then(|| n.iter().map(|_| text(n)).collect());
    let resource = |_: &u8| DescribeConfigsResource::default().with_resource_name(text(n));
    let resource = |id: &u8| resource(id).with_resource_type(4).with_configuration_keys(keys.clone());
    asked(&DescribeConfigsRequest::default().with_resources(n.iter().take(3).map(resource).collect()), version)
}

/// A request, from its correlation id on.
pub(crate) fn asked<A: Ask>(request: &A, version: i16) -> Bytes {
    encode(request, version, CORRELATION_ID, CLIENT_ID).expect("a request").slice(8..)
}

/// A message of an API in one version.
pub(crate) struct Api {
    /// Kafka's number of the API.
    pub(crate) key: i16,
    pub(crate) version: i16,
    make: fn(&[u8], i16) -> Bytes,
    read: fn(&Bytes, i16) -> Result<(), Refusal>,
}

impl Api {
    /// A message with sizes and values from the numbers, from its correlation id on.
    pub(crate) fn make(&self, numbers: &[u8]) -> Bytes {
        (self.make)(numbers, self.version)
    }

    /// Reads what begins with a correlation id.
    pub(crate) fn read(&self, frame: &Bytes) -> Result<(), Refusal> {
        (self.read)(frame, self.version)
    }
}

/// The answers of every API in every version that we speak.
pub(crate) fn answers() -> Vec<Api> {
    let all = [
        answers_of::<ApiVersionsRequest>(api_versions),
        answers_of::<MetadataRequest>(metadata),
        answers_of::<DescribeQuorumRequest>(quorum),
        answers_of::<DescribeClusterRequest>(cluster),
        answers_of::<DescribeConfigsRequest>(configs),
        answers_of::<ListPartitionReassignmentsRequest>(reassignments),
        answers_of::<SaslHandshakeRequest>(sasl_handshake),
        answers_of::<SaslAuthenticateRequest>(sasl_authenticate),
    ];
    let fetches = [answers_of::<FetchRequest>(fetch), answers_of::<FetchSnapshotRequest>(fetch_snapshot)];
    let all: Vec<Api> = all.into_iter().chain(fetches).flatten().collect();
    assert_eq!(all.len(), 5 + 10 + 3 + 2 + 4 + 1 + 1 + 3 + 5 + 2);
    all
}

/// The requests whose body a simulated node reads.
pub(crate) fn requests() -> Vec<Api> {
    let all = [
        requests_of::<DescribeClusterRequest>(cluster_request),
        requests_of::<DescribeConfigsRequest>(configs_request),
        requests_of::<MetadataRequest>(metadata_request),
        requests_of::<FetchRequest>(fetch_asked),
        requests_of::<FetchSnapshotRequest>(fetch_snapshot_asked),
        requests_of::<SaslHandshakeRequest>(sasl_handshake_request),
        requests_of::<SaslAuthenticateRequest>(sasl_authenticate_request),
    ];
    all.into_iter().flatten().collect()
}

fn answers_of<A: Ask>(make: fn(&[u8], i16) -> Bytes) -> Vec<Api> {
    let read: fn(&Bytes, i16) -> Result<(), Refusal> = |frame, version| {
        if A::KEY == ApiVersionsRequest::KEY {
            assert_lists_what_the_codec_reads(frame, version, CORRELATION_ID);
        }
        if A::KEY == MetadataRequest::KEY {
            assert_names_whom_the_codec_reads(frame, version, CORRELATION_ID);
            assert_counts_what_the_codec_reads(frame, version, CORRELATION_ID);
        }
        if A::KEY == FetchRequest::KEY {
            assert_fetched_as_the_codec_reads(frame, version);
        }
        if A::KEY == FetchSnapshotRequest::KEY {
            assert_snapshot_fetched_as_the_codec_reads(frame, version);
        }
        decode::<A>(frame, version, CORRELATION_ID).map(|_| ())
    };
    A::SPOKEN.map(|version| Api { key: A::KEY, version, make, read }).collect()
}

/// The lists of all answers that were read before, whole ones and broken ones.
static APIS_MET: LazyLock<Met<Apis>> = LazyLock::new(Met::default);
static BROKERS_MET: LazyLock<Met<Listed>> = LazyLock::new(Met::default);

/// The reader of our own and the codec's say the same of the same bytes, whatever was met before; only texts, which are
/// nothing to a list of numbers, may trouble the codec alone.
pub(crate) fn assert_lists_what_the_codec_reads(frame: &Bytes, version: i16, correlation_id: i32) {
    let own = listed(frame, version, correlation_id, &Met::default());
    for _ in 0..2 {
        assert_eq!(listed(frame, version, correlation_id, &APIS_MET), own, "after others, and after itself");
    }
    match decode::<ApiVersionsRequest>(frame, version, correlation_id) {
        Ok(said) => {
            let own = own.expect("the codec reads it");
            let apis: Vec<_> = said.api_keys.iter().map(|it| (it.api_key, it.min_version, it.max_version)).collect();
            assert_eq!((&*own.apis, own.zk_migration_ready), (&*apis, said.zk_migration_ready));
            let supported = said.supported_features.iter().rfind(|it| it.name.as_str() == "metadata.version");
            let finalized = said.finalized_features.iter().rfind(|it| it.name.as_str() == "metadata.version");
            assert_eq!(own.supported, supported.map(|it| (it.min_version, it.max_version)));
            assert_eq!(own.finalized, finalized.map(|it| it.max_version_level));
            assert_eq!(own.finalized_epoch, Some(said.finalized_features_epoch).filter(|epoch| *epoch >= 0));
        }
        Err(Refusal::Codec(_)) => {}
        Err(refusal) => assert_eq!(own, Err(refusal)),
    }
}

/// Brokers as they are listed: id, host, port.
type Listed = Vec<(i32, Vec<u8>, i32)>;

/// The same of the brokers that are listed, and what comes with them.
pub(crate) fn assert_names_whom_the_codec_reads(frame: &Bytes, version: i16, correlation_id: i32) {
    let make = |places: &[Place<'_>]| places.iter().map(|it| (it.id, it.host.to_vec(), it.port)).collect();
    let fresh = Met::<Listed>::default();
    let own = wire::metadata(frame, version, correlation_id, &fresh, make);
    for _ in 0..2 {
        assert_eq!(
            wire::metadata(frame, version, correlation_id, &BROKERS_MET, make),
            own,
            "after others, and after itself"
        );
    }
    match decode::<MetadataRequest>(frame, version, correlation_id) {
        Ok(said) => {
            let own = own.expect("the codec reads it");
            let broker = |it: &MetadataResponseBroker| (it.node_id.0, it.host.as_bytes().to_vec(), it.port);
            let named = (own.cluster_id, own.controller_id, own.error_code);
            assert_eq!(own.brokers, said.brokers.iter().map(broker).collect::<Listed>());
            let cluster_id = said.cluster_id.as_ref().map(|id| id.as_bytes());
            assert_eq!(named, (cluster_id, said.controller_id.0, said.error_code));
        }
        Err(Refusal::Codec(_)) => {}
        Err(refusal) => assert_eq!(own, Err(refusal)),
    }
}

/// The same of topics: as many of them, as many partitions, and as many that are not whole.
pub(crate) fn assert_counts_what_the_codec_reads(frame: &Bytes, version: i16, correlation_id: i32) {
    let own = topics(frame, version, correlation_id);
    let said = match decode::<MetadataRequest>(frame, version, correlation_id) {
        Ok(said) => said,
        Err(Refusal::Codec(_)) => return,
        Err(refusal) => return assert_eq!(own, Err(refusal)),
    };
    let is_whole = |it: &MetadataResponsePartition| {
        let in_sync = |id: &BrokerId| it.isr_nodes.contains(id);
        let as_many = it.isr_nodes.len() == it.replica_nodes.len() && it.replica_nodes.len() <= REPLICAS_MAX;
        let all_in_sync = as_many && it.replica_nodes.iter().all(in_sync);
        it.error_code == NO_ERROR && all_in_sync && in_sync(&it.leader_id) && it.offline_replicas.is_empty()
    };
    let partitions = || said.topics.iter().flat_map(|topic| &topic.partitions);
    let failed_topics = said.topics.iter().filter(|topic| topic.error_code != NO_ERROR).count();
    let not_whole = failed_topics + partitions().filter(|partition| !is_whole(partition)).count();
    let own = own.expect("the codec reads it");
    let counted = [own.topics, own.partitions].map(|count| usize::try_from(count).expect("few"));
    assert_eq!((counted, own.error_code), ([said.topics.len(), partitions().count()], said.error_code));
    assert_eq!(own.not_whole.len() + usize::try_from(own.more_not_whole).expect("few"), not_whole);
    let assigned: BTreeSet<i32> = partitions().flat_map(|it| &it.replica_nodes).map(|id| id.0).collect();
    assert_eq!(own.assigned.keys().copied().collect::<BTreeSet<i32>>(), assigned);
}

fn requests_of<S: Serve>(make: fn(&[u8], i16) -> Bytes) -> Vec<Api> {
    let read: fn(&Bytes, i16) -> Result<(), Refusal> = |frame, version| {
        let mut whole = BytesMut::new();
        whole.put_i16(S::KEY);
        whole.put_i16(version);
        whole.extend_from_slice(frame);
        Asked::read(whole.freeze()).and_then(|asked| asked.request::<S>()).map(|_| ())
    };
    S::SPOKEN.map(|version| Api { key: S::KEY, version, make, read }).collect()
}

/// Whatever passed the guard, the codec must read, to the same byte; only what a string holds is its own business.
pub(crate) fn assert_guard_and_codec_agree(result: &Result<(), Refusal>) {
    match result {
        Err(Refusal::Codec(words)) => assert!(words.contains("utf-8"), "guard passed, codec refused: {words}"),
        Err(Refusal::Malformed(malformed)) => assert!(!malformed.what.contains("disagree"), "{malformed}"),
        _ => {}
    }
}
