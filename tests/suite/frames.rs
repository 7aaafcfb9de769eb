//! The recorded frames of real nodes: do they pass the guard, mean what they mean, and go back to the same bytes?

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest, FetchRequest,
    FetchSnapshotRequest, ListPartitionReassignmentsRequest, MetadataRequest, ResponseHeader,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion};
use kraft_check::wire::{Ask, Met, Refusal, decode, listed, topics};

use crate::apis::{
    assert_counts_what_the_codec_reads, assert_lists_what_the_codec_reads, assert_names_whom_the_codec_reads,
};
use crate::recordings::{files, frames_of};

/// One recorded frame, without its length prefix.
struct Frame {
    place: String,
    api: String,
    version: i16,
    bytes: Bytes,
}

/// Every recorded frame, each only where it was first answered: most nodes answer alike in most phases.
fn frames() -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut known = BTreeSet::new();
    for (name, path) in files("frames") {
        for ((api, version), bytes) in frames_of(&path) {
            if known.insert((api.clone(), version, bytes.clone())) {
                frames.push(Frame { place: format!("{name}: {api} v{version}"), api, version, bytes });
            }
        }
    }
    frames
}

fn correlation_id(frame: &Bytes) -> i32 {
    i32::from_be_bytes(frame[..4].try_into().expect("four bytes"))
}

/// Decodes, and encodes what was decoded.
fn there_and_back<A: Ask>(frame: &Bytes, version: i16) -> Result<Bytes, Refusal> {
    let response = decode::<A>(frame, version, correlation_id(frame))?;
    let mut again = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation_id(frame));
    header.encode(&mut again, A::Response::header_version(version)).expect("a header");
    response.encode(&mut again, version).expect("an answer");
    Ok(again.freeze())
}

fn by_name(frame: &Frame, bytes: &Bytes) -> Result<Bytes, Refusal> {
    match frame.api.as_str() {
        "ApiVersions" => there_and_back::<ApiVersionsRequest>(bytes, frame.version),
        "Metadata" => there_and_back::<MetadataRequest>(bytes, frame.version),
        "DescribeQuorum" => there_and_back::<DescribeQuorumRequest>(bytes, frame.version),
        "DescribeCluster" => there_and_back::<DescribeClusterRequest>(bytes, frame.version),
        "DescribeConfigs" => there_and_back::<DescribeConfigsRequest>(bytes, frame.version),
        "ListPartitionReassignments" => there_and_back::<ListPartitionReassignmentsRequest>(bytes, frame.version),
        "Fetch" => there_and_back::<FetchRequest>(bytes, frame.version),
        "FetchSnapshot" => there_and_back::<FetchSnapshotRequest>(bytes, frame.version),
        other => panic!("{other} is not asked"),
    }
}

#[test]
fn every_real_frame_passes_and_goes_back_to_the_same_bytes() {
    let frames = frames();
    for frame in &frames {
        assert_eq!(by_name(frame, &frame.bytes).as_ref(), Ok(&frame.bytes), "{}", frame.place);
    }
    for api in
        ["ApiVersions", "Metadata", "DescribeQuorum", "DescribeCluster", "DescribeConfigs", "Fetch", "FetchSnapshot"]
    {
        assert!(frames.iter().any(|frame| frame.api == api), "no {api} was recorded");
    }
}

/// Nodes' lists are not read by the codec, for speed; of every real one both read the same.
#[test]
fn every_real_list_is_read_as_the_codec_reads_it() {
    let lists: Vec<Frame> = frames().into_iter().filter(|frame| frame.api == "ApiVersions").collect();
    assert!(lists.len() > 50, "{}", lists.len());
    let mut features = 0;
    for frame in lists {
        let correlation_id = correlation_id(&frame.bytes);
        assert_lists_what_the_codec_reads(&frame.bytes, frame.version, correlation_id);
        let own = listed(&frame.bytes, frame.version, correlation_id, &Met::default()).expect("a list");
        features += usize::from(own.supported.is_some() && own.finalized.is_some() && own.finalized_epoch.is_some());
    }
    assert!(features > 10, "{features} of KRaft nodes");
}

/// Nor are brokers and topics, for memory; of every real answer both name and count the same.
#[test]
fn every_real_broker_and_partition_is_counted_as_the_codec_counts() {
    let (mut versions, mut not_whole) = (BTreeSet::new(), 0);
    for frame in frames() {
        if frame.api != "Metadata" || !MetadataRequest::SPOKEN.contains(&frame.version) {
            continue;
        }
        let correlation_id = correlation_id(&frame.bytes);
        assert_names_whom_the_codec_reads(&frame.bytes, frame.version, correlation_id);
        assert_counts_what_the_codec_reads(&frame.bytes, frame.version, correlation_id);
        let own = topics(&frame.bytes, frame.version, correlation_id).expect("topics");
        if own.topics > 0 {
            versions.insert(frame.version);
        }
        not_whole += own.not_whole.len();
        let in_the_middle = frame.bytes.slice(..frame.bytes.len() - 1);
        assert!(topics(&in_the_middle, frame.version, correlation_id).is_err(), "{}", frame.place);
    }
    assert!(versions.len() > 2 && not_whole > 0, "topics in versions {versions:?}, {not_whole} partitions not whole");
}

/// The bytes of a frame after its correlation id. What is in the middle of a long one is the log's: nobody looks at it here.
fn places(frame: &Frame) -> impl Iterator<Item = usize> + use<> {
    let (length, is_log) = (frame.bytes.len(), frame.api.starts_with("Fetch"));
    (4..length).filter(move |at| !is_log || *at < 300 || at + 300 > length)
}

#[test]
fn a_real_frame_cut_anywhere_is_refused() {
    for frame in frames() {
        for end in places(&frame) {
            assert!(by_name(&frame, &frame.bytes.slice(..end)).is_err(), "{} cut at {end}", frame.place);
        }
    }
}

#[test]
fn a_real_frame_with_any_byte_changed_breaks_nothing() {
    for frame in frames() {
        for at in places(&frame) {
            for byte in [0x00, 0x7f, 0xff] {
                let mut bytes = BytesMut::from(&frame.bytes[..]);
                bytes[at] = byte;
                if let Err(Refusal::Codec(words)) = by_name(&frame, &bytes.freeze()) {
                    assert!(words.contains("utf-8"), "{} at {at}: guard passed, codec refused: {words}", frame.place);
                }
            }
        }
    }
}
