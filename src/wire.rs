//! The Kafka wire: bytes to and from kafka-protocol's messages, bounded.
//!
//! Here: which requests exist for us and in which versions, how large each answer may be, the length prefix,
//! correlation ids, the guard in front of every decode, and the metadata log's batches and records; and the other half of it
//! all for simulated nodes (`served`, `written`).
//! Not here: sockets, time, retries, and what an answer means. Every request in this file only reads; there is none that
//! could change a cluster.

mod batches;
mod brokers;
mod fetched;
mod guard;
mod listed;
mod met;
mod reader;
mod records;
mod served;
mod shapes;
mod topics;
mod written;

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest, FetchRequest,
    FetchSnapshotRequest, ListPartitionReassignmentsRequest, MetadataRequest, RequestHeader, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

pub use batches::{BATCH_LIMIT, Batch, RawRecord, batch_size};
pub use brokers::{Metadata, Place, metadata};
pub use fetched::{
    FETCH_MAX, Fetched, FetchedPartition, Leader, METADATA_TOPIC, SnapshotId, SnapshotPart, SnapshotPartition,
    fetch_request, fetch_snapshot_request, fetched, fetched_snapshot,
};
pub use guard::Malformed;
use guard::{Shape, prove, prove_unknown_tags};
pub use listed::{Apis, Listed, listed};
pub use met::Met;
pub use records::{BrokerRegistrationChange, Record, RecordEndpoint, RegisterBroker, RegisterController};
pub use served::{Asked, REQUEST_LIMIT, Serve};
pub use topics::{NOT_WHOLE_MAX, Partition, REPLICAS_MAX, TOPIC_NAME_MAX, TOPICS_LIMIT, Topics, topics};
pub use written::batch;

/// `UNKNOWN_SERVER_ERROR`: every error of `FetchSnapshot` arrives as this, without topics (3.4 to 4.x, as seen live).
pub const UNKNOWN_SERVER_ERROR: i16 = -1;
/// `NONE` of `org.apache.kafka.common.protocol.Errors`.
pub const NO_ERROR: i16 = 0;
/// `NOT_LEADER_OR_FOLLOWER`: what a standby controller answers to `DescribeQuorum`.
pub const NOT_LEADER_OR_FOLLOWER: i16 = 6;
/// `TOPIC_AUTHORIZATION_FAILED`.
pub const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
/// `CLUSTER_AUTHORIZATION_FAILED`.
pub const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
/// `NOT_CONTROLLER`: what a ZooKeeper broker that is not the controller answers to what only the controller knows.
pub const NOT_CONTROLLER: i16 = 41;
/// `INVALID_REQUEST`: what a node answers about another's configuration.
pub const INVALID_REQUEST: i16 = 42;
/// `REQUEST_TIMED_OUT`: what a broker answers that could not ask the leader in time.
pub const REQUEST_TIMED_OUT: i16 = 7;
/// `UNSUPPORTED_SASL_MECHANISM`: the answer names those that the listener enables (KIP-43).
pub const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
/// `ILLEGAL_SASL_STATE`: what a listener without SASL answers to both requests of a login.
pub const ILLEGAL_SASL_STATE: i16 = 34;
/// `SASL_AUTHENTICATION_FAILED` (KIP-152).
pub const SASL_AUTHENTICATION_FAILED: i16 = 58;
/// `UNSUPPORTED_VERSION`: the answer to it has the form of version 0, whatever was asked (KIP-511).
pub const UNSUPPORTED_VERSION: i16 = 35;
/// `FENCED_LEADER_EPOCH`: the epoch in a `Fetch` is older than the quorum's, which the answer tells.
pub const FENCED_LEADER_EPOCH: i16 = 74;
/// `UNKNOWN_LEADER_EPOCH`: it is newer.
pub const UNKNOWN_LEADER_EPOCH: i16 = 75;
/// `INCONSISTENT_CLUSTER_ID`: the request names another cluster (KIP-595).
pub const INCONSISTENT_CLUSTER_ID: i16 = 104;

/// A request that we send, with the bounds of its answer.
pub trait Ask: Request {
    /// Kafka's name of the API.
    const NAME: &'static str;
    /// The versions that we speak: those of the codec whose shape the guard knows.
    const SPOKEN: RangeInclusive<i16>;
    /// The largest answer that is read, in bytes, without its length prefix: twice what a cluster of five
    /// thousand brokers needs, and little enough that no answer takes 64 MB once it is read, eighty times its bytes at most.
    const LIMIT: usize;
    /// The operation that it needs a right to, as an ACL names it; none for what everybody may ask.
    const NEEDS: Option<&'static str>;
    /// The shape of the answer.
    #[doc(hidden)]
    const SHAPE: &'static Answer;
}

/// The shape of an answer, opaque outside this module.
#[derive(Debug)]
pub struct Answer(Shape);

impl Ask for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersions";
    // 4.4 lists a version 5 whose request has another body, so the codec's 4 is the highest we ever send.
    const SPOKEN: RangeInclusive<i16> = 0..=4;
    const LIMIT: usize = 64 * 1024;
    const NEEDS: Option<&'static str> = None;
    const SHAPE: &'static Answer = &Answer(shapes::API_VERSIONS);
}

impl Ask for MetadataRequest {
    const NAME: &'static str = "Metadata";
    // In version 0 an empty list of topics means all of them, which can be many megabytes; before version 4 asking
    // could create topics. Every broker since 0.11 lists 4.
    const SPOKEN: RangeInclusive<i16> = 4..=13;
    const LIMIT: usize = 1024 * 1024;
    const NEEDS: Option<&'static str> = Some("Describe");
    const SHAPE: &'static Answer = &Answer(shapes::METADATA);
}

impl Ask for DescribeQuorumRequest {
    const NAME: &'static str = "DescribeQuorum";
    const SPOKEN: RangeInclusive<i16> = 0..=2;
    const LIMIT: usize = 512 * 1024;
    const NEEDS: Option<&'static str> = Some("Describe");
    const SHAPE: &'static Answer = &Answer(shapes::DESCRIBE_QUORUM);
}

impl Ask for DescribeClusterRequest {
    const NAME: &'static str = "DescribeCluster";
    // Version 0 has no endpoint type, and a controller refuses it with error 42.
    const SPOKEN: RangeInclusive<i16> = 1..=2;
    const LIMIT: usize = 256 * 1024;
    const NEEDS: Option<&'static str> = Some("Alter");
    const SHAPE: &'static Answer = &Answer(shapes::DESCRIBE_CLUSTER);
}

impl Ask for DescribeConfigsRequest {
    const NAME: &'static str = "DescribeConfigs";
    const SPOKEN: RangeInclusive<i16> = 1..=4;
    const LIMIT: usize = 256 * 1024;
    const NEEDS: Option<&'static str> = Some("DescribeConfigs");
    const SHAPE: &'static Answer = &Answer(shapes::DESCRIBE_CONFIGS);
}

impl Ask for ListPartitionReassignmentsRequest {
    const NAME: &'static str = "ListPartitionReassignments";
    const SPOKEN: RangeInclusive<i16> = 0..=0;
    // Some sixteen thousand partitions on the move.
    const LIMIT: usize = 512 * 1024;
    const NEEDS: Option<&'static str> = Some("Describe");
    const SHAPE: &'static Answer = &Answer(shapes::LIST_PARTITION_REASSIGNMENTS);
}

impl Ask for FetchRequest {
    const NAME: &'static str = "Fetch";
    // Until 12 a topic has a name and no id, and of the metadata log only the id is looked at (3.1 and newer). 18 adds
    // nothing that a client sends.
    const SPOKEN: RangeInclusive<i16> = 13..=17;
    // Of the metadata log a controller gives so many bytes whatever is asked, and at least one whole batch, itself at most
    // as long. The records are not copied, and nothing else is kept of the answer but a few numbers (`fetched`).
    const LIMIT: usize = FETCH_MAX + 128 * 1024;
    const NEEDS: Option<&'static str> = Some("ClusterAction");
    const SHAPE: &'static Answer = &Answer(shapes::FETCH);
}

impl Ask for FetchSnapshotRequest {
    const NAME: &'static str = "FetchSnapshot";
    const SPOKEN: RangeInclusive<i16> = 0..=1;
    // As of Fetch; here no more bytes come than were asked for.
    const LIMIT: usize = FETCH_MAX + 128 * 1024;
    const NEEDS: Option<&'static str> = Some("ClusterAction");
    const SHAPE: &'static Answer = &Answer(shapes::FETCH_SNAPSHOT);
}

impl Ask for SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshake";
    // After version 0 the mechanism's own bytes follow without a frame of Kafka's, and a failure has no words. Every
    // broker since 1.0 lists 1.
    const SPOKEN: RangeInclusive<i16> = 1..=1;
    // A dozen names of at most 20 bytes each.
    const LIMIT: usize = 4 * 1024;
    const NEEDS: Option<&'static str> = None;
    const SHAPE: &'static Answer = &Answer(shapes::SASL_HANDSHAKE);
}

impl Ask for SaslAuthenticateRequest {
    const NAME: &'static str = "SaslAuthenticate";
    const SPOKEN: RangeInclusive<i16> = 0..=2;
    // A challenge of SCRAM is some hundred bytes long, and a message a line or two.
    const LIMIT: usize = 16 * 1024;
    const NEEDS: Option<&'static str> = None;
    const SHAPE: &'static Answer = &Answer(shapes::SASL_AUTHENTICATE);
}

/// Why the bytes of a peer were not taken for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The first bytes are those of an HTTP response.
    Http,
    /// The first bytes are those of a TLS record.
    Tls,
    /// The length prefix is negative or above the limit of the API.
    Length {
        /// The length that the peer announced, in bytes.
        announced: i32,
        /// The largest length that is read, in bytes.
        limit: usize,
    },
    /// The answer belongs to another request.
    CorrelationId {
        /// The correlation id of our request.
        expected: i32,
        /// The one in the answer.
        found: i32,
    },
    /// The frame does not have the shape of its message.
    Malformed(Malformed),
    /// The codec could not write the request or read the answer; its own words.
    Codec(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http => write!(f, "this is an HTTP port, not a Kafka listener"),
            Self::Tls => write!(f, "this is a TLS port, and it was spoken to without TLS"),
            Self::Length { announced, limit } => {
                write!(f, "an answer of {announced} bytes announced, at most {limit} are read")
            }
            Self::CorrelationId { expected, found } => {
                write!(f, "an answer with correlation id {found}, expected {expected}")
            }
            Self::Malformed(malformed) => write!(f, "a malformed answer: {malformed}"),
            Self::Codec(words) => write!(f, "{words}"),
        }
    }
}

/// The length of the frame that follows this prefix.
///
/// # Errors
/// [`Refusal`] when the prefix is the beginning of another protocol, or outside `0..=limit`.
pub fn frame_length(prefix: [u8; 4], limit: usize) -> Result<usize, Refusal> {
    match prefix {
        [b'H', b'T', b'T', b'P'] => return Err(Refusal::Http),
        // A TLS record: content type 20 to 23, version 3.x. As a length it would be above 335 million.
        [0x14..=0x17, 0x03, ..] => return Err(Refusal::Tls),
        _ => {}
    }
    let announced = i32::from_be_bytes(prefix);
    usize::try_from(announced).ok().filter(|length| *length <= limit).ok_or(Refusal::Length { announced, limit })
}

/// What we call ourselves where nobody has said otherwise: brokers' request logs and quotas name it.
pub const CLIENT_ID: &str = "kraft-check";

/// A request as it goes on the wire, length prefix included, from whoever calls itself `client_id` (at most 32,767 bytes).
///
/// # Errors
/// [`Refusal::Codec`] when the request cannot be written in this version.
pub fn encode<A: Ask>(request: &A, version: i16, correlation_id: i32, client_id: &str) -> Result<Bytes, Refusal> {
    let header = RequestHeader::default()
        .with_request_api_key(A::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    framed(|frame| {
        header.encode(frame, A::header_version(version))?;
        request.encode(frame, version)
    })
    .map_err(|words| Refusal::Codec(format!("cannot write {} v{version}: {words}", A::NAME)))
}

/// What goes on the wire: the length, then what is written behind it.
fn framed<E: fmt::Display>(write: impl FnOnce(&mut BytesMut) -> Result<(), E>) -> Result<Bytes, String> {
    // Most requests fit.
    let mut frame = BytesMut::with_capacity(128);
    frame.put_u32(0);
    write(&mut frame).map_err(|error| error.to_string())?;
    let length = u32::try_from(frame.len().saturating_sub(4)).map_err(|error| error.to_string())?;
    if let Some(prefix) = frame.first_chunk_mut() {
        *prefix = length.to_be_bytes();
    }
    Ok(frame.freeze())
}

/// An answer, from the bytes after its length prefix.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub fn decode<A: Ask>(frame: &Bytes, version: i16, correlation_id: i32) -> Result<A::Response, Refusal> {
    let mut at = body_start::<A>(frame, version, correlation_id)?;
    prove(&A::SHAPE.0, version, frame, at).map_err(Refusal::Malformed)?;
    let mut body = frame.slice(at..);
    let response = A::Response::decode(&mut body, version)
        .map_err(|error| Refusal::Codec(format!("cannot read {} v{version}: {error}", A::NAME)))?;
    at = frame.len() - body.len();
    if body.is_empty() {
        Ok(response)
    } else {
        Err(Refusal::Malformed(Malformed { at, what: "guard and codec disagree on the message's end".to_owned() }))
    }
}

/// The error code that an answer begins with, before anything else of it is read: `ApiVersions` answers 35 in
/// the form of version 0, so the version must be chosen by it.
///
/// # Errors
/// [`Refusal`] when the correlation id is another or the frame is too short.
pub fn leading_error_code<A: Ask>(frame: &Bytes, version: i16, correlation_id: i32) -> Result<i16, Refusal> {
    let at = body_start::<A>(frame, version, correlation_id)?;
    match frame.get(at..at + 2) {
        Some(&[high, low]) => Ok(i16::from_be_bytes([high, low])),
        _ => Err(too_short(at)),
    }
}

/// Where the body begins, once the header is proved to answer our request.
fn body_start<A: Ask>(frame: &Bytes, version: i16, correlation_id: i32) -> Result<usize, Refusal> {
    let Some(&[a, b, c, d]) = frame.get(..4) else {
        return Err(too_short(frame.len()));
    };
    let found = i32::from_be_bytes([a, b, c, d]);
    if found != correlation_id {
        return Err(Refusal::CorrelationId { expected: correlation_id, found });
    }
    if A::Response::header_version(version) == 0 {
        Ok(4)
    } else {
        prove_unknown_tags(frame, 4).map_err(Refusal::Malformed)
    }
}

/// A UUID as Kafka writes it (`Uuid.java`): base64url without padding.
#[must_use]
pub fn uuid(bytes: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn too_short(at: usize) -> Refusal {
    Refusal::Malformed(Malformed { at, what: "the frame ends".to_owned() })
}
