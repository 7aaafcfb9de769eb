//! The guard in front of the codec: what the codec writes passes; what is broken is refused before anything is
//! reserved; and whatever passes, the codec reads to the same last byte.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest, DescribeClusterResponse,
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeQuorumRequest, DescribeQuorumResponse, MetadataRequest,
    MetadataResponse, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};
use kraft_check::wire::{Ask, Malformed, Refusal, decode, frame_length};
use proptest::collection::vec;
use proptest::prelude::*;

const CORRELATION_ID: i32 = 7;

fn frame<A: Ask>(response: &A::Response, version: i16) -> Bytes {
    let mut frame = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(CORRELATION_ID);
    header.encode(&mut frame, A::Response::header_version(version)).expect("a header");
    response.encode(&mut frame, version).expect("an answer");
    frame.freeze()
}

fn text(numbers: &[u8]) -> StrBytes {
    StrBytes::from_string(numbers.iter().map(|number| char::from(b'a' + number % 26)).collect())
}

/// An answer in this version, with sizes and values from the numbers.
fn api_versions(n: &[u8], version: i16) -> Bytes {
    let api = |key: &u8| ApiVersion::default().with_api_key(i16::from(*key)).with_max_version(3);
    let mut response = ApiVersionsResponse::default().with_api_keys(n.iter().map(api).collect());
    if version >= 3 {
        let supported = |_: &u8| SupportedFeatureKey::default().with_name(text(n)).with_max_version(2);
        let finalized = |_: &u8| FinalizedFeatureKey::default().with_name(text(n)).with_max_version_level(2);
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
    let partition = |_: &u8| {
        let partition = MetadataResponsePartition::default().with_replica_nodes(ids()).with_isr_nodes(ids());
        if version >= 5 { partition.with_offline_replicas(ids()) } else { partition }
    };
    let topic = |_: &u8| {
        let partitions = n.iter().take(2).map(partition).collect();
        MetadataResponseTopic::default().with_name(Some(TopicName(text(n)))).with_partitions(partitions)
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

/// Every API in every version that we speak, and how an answer is made and read.
type Made = fn(&[u8], i16) -> Bytes;
type Read = fn(&Bytes, i16) -> Result<(), Refusal>;

fn apis() -> Vec<(i16, Made, Read)> {
    let mut apis: Vec<(i16, Made, Read)> = Vec::new();
    let spoken = |version| (version, api_versions as Made, read::<ApiVersionsRequest> as Read);
    apis.extend(ApiVersionsRequest::SPOKEN.map(spoken));
    apis.extend(MetadataRequest::SPOKEN.map(|version| (version, metadata as Made, read::<MetadataRequest> as Read)));
    apis.extend(
        DescribeQuorumRequest::SPOKEN.map(|version| (version, quorum as Made, read::<DescribeQuorumRequest> as Read)),
    );
    apis.extend(
        DescribeClusterRequest::SPOKEN
            .map(|version| (version, cluster as Made, read::<DescribeClusterRequest> as Read)),
    );
    apis.extend(
        DescribeConfigsRequest::SPOKEN
            .map(|version| (version, configs as Made, read::<DescribeConfigsRequest> as Read)),
    );
    assert_eq!(apis.len(), 5 + 10 + 3 + 2 + 4);
    apis
}

fn read<A: Ask>(frame: &Bytes, version: i16) -> Result<(), Refusal> {
    decode::<A>(frame, version, CORRELATION_ID).map(|_| ())
}

/// Whatever passed the guard, the codec must read, to the same byte; only what a string holds is its own business.
fn assert_guard_and_codec_agree(result: &Result<(), Refusal>) {
    match result {
        Err(Refusal::Codec(words)) => assert!(words.contains("utf-8"), "guard passed, codec refused: {words}"),
        Err(Refusal::Malformed(malformed)) => assert!(!malformed.what.contains("disagree"), "{malformed}"),
        _ => {}
    }
}

proptest! {
    #[test]
    fn what_the_codec_writes_passes(n in vec(any::<u8>(), 0..40)) {
        for (version, made, read) in apis() {
            prop_assert_eq!(read(&made(&n, version), version), Ok(()), "version {}", version);
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_late_is_refused(n in vec(any::<u8>(), 0..12), extra in 1_usize..9) {
        for (version, made, read) in apis() {
            let whole = made(&n, version);
            for end in 0..whole.len() {
                prop_assert!(read(&whole.slice(..end), version).is_err(), "version {version} cut at {end}");
            }
            let mut longer = BytesMut::from(&whole[..]);
            longer.put_bytes(0, extra);
            prop_assert!(read(&longer.freeze(), version).is_err(), "version {version} with {extra} more bytes");
        }
    }

    #[test]
    fn changed_bytes_never_break_us(n in vec(any::<u8>(), 0..12), changes in vec((any::<usize>(), any::<u8>()), 1..6)) {
        for (version, made, read) in apis() {
            let mut bytes = BytesMut::from(&made(&n, version)[..]);
            for (at, byte) in &changes {
                let at = 4 + at % (bytes.len() - 4);
                bytes[at] = *byte;
            }
            assert_guard_and_codec_agree(&read(&bytes.freeze(), version));
        }
    }

    #[test]
    fn noise_never_breaks_us(noise in vec(any::<u8>(), 0..200)) {
        for (version, _, read) in apis() {
            let mut bytes = BytesMut::new();
            bytes.put_i32(CORRELATION_ID);
            bytes.extend_from_slice(&noise);
            assert_guard_and_codec_agree(&read(&bytes.freeze(), version));
        }
    }
}

#[test]
fn counts_that_would_abort_the_process_are_refused() {
    const COUNTS: [&[u8]; 3] =
        [&[0x7f, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff, 0xff, 0xff, 0xff, 0x07]];
    for (version, _, read) in apis() {
        let mut refused_for_its_count = 0;
        let places = || [0, 1].into_iter().flat_map(|fill| (0..24).map(move |before| (fill, before)));
        for (count, (fill, before)) in COUNTS.iter().flat_map(|count| places().map(move |place| (count, place))) {
            // The count stands in every place of a short frame in turn, so also where an array begins. What is before
            // it is filled with the lengths of null and of an empty string.
            let mut bytes = BytesMut::new();
            bytes.put_i32(CORRELATION_ID);
            bytes.put_bytes(fill, before);
            bytes.extend_from_slice(count);
            let result = read(&bytes.freeze(), version);
            assert_guard_and_codec_agree(&result);
            let announced = |malformed: &Malformed| malformed.what.contains("elements announced");
            refused_for_its_count += usize::from(matches!(&result, Err(Refusal::Malformed(it)) if announced(it)));
        }
        assert!(refused_for_its_count > 0, "version {version}");
    }
}

#[test]
fn tags_twice_out_of_order_or_with_a_lying_size_are_refused() {
    let tagged = |tags: &[u8]| {
        let mut bytes = BytesMut::new();
        bytes.put_i32(CORRELATION_ID);
        // No error, no APIs, no throttling; then the tags.
        bytes.extend_from_slice(&[0, 0, 1, 0, 0, 0, 0]);
        bytes.extend_from_slice(tags);
        decode::<ApiVersionsRequest>(&bytes.freeze(), 3, CORRELATION_ID)
    };
    assert!(tagged(&[1, 3, 1, 1]).is_ok_and(|said| said.zk_migration_ready));
    assert!(tagged(&[1, 9, 2, 0, 0]).is_ok(), "an unknown tag is for later versions");
    for (what, tags) in [
        ("twice", &[2, 3, 1, 0, 3, 1, 1][..]),
        ("out of order", &[2, 9, 1, 0, 3, 1, 1]),
        ("a flag of two bytes", &[1, 3, 2, 1, 1]),
        ("a flag of no byte", &[1, 3, 0]),
        ("an over-long varint", &[0x81, 0x00, 3, 1, 1]),
        ("a size beyond the end", &[1, 9, 0x7f]),
    ] {
        assert!(matches!(tagged(tags), Err(Refusal::Malformed(_))), "{what}");
    }
}

#[test]
fn another_protocols_first_bytes_are_named() {
    assert_eq!(frame_length(*b"HTTP", 1 << 20), Err(Refusal::Http));
    assert_eq!(frame_length([0x15, 3, 3, 0], 1 << 20), Err(Refusal::Tls));
    assert_eq!(frame_length([0, 0, 1, 0], 256), Ok(256));
    assert_eq!(frame_length([0, 0, 1, 1], 256), Err(Refusal::Length { announced: 257, limit: 256 }));
    assert_eq!(frame_length([0xff; 4], 256), Err(Refusal::Length { announced: -1, limit: 256 }));
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let answer = api_versions(&[1], 3);
    let refusal = decode::<ApiVersionsRequest>(&answer, 3, CORRELATION_ID + 1).expect_err("another id");
    assert_eq!(refusal, Refusal::CorrelationId { expected: CORRELATION_ID + 1, found: CORRELATION_ID });
}
