//! How much memory does the heaviest answer take that is as long as its API allows? Over real sockets, asked by the built
//! binary, which has 64 MB for its data.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::BytesMut;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiVersionsRequest, BrokerId, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest,
    ListPartitionReassignmentsRequest, MetadataRequest, MetadataResponse,
};
use kafka_protocol::protocol::{Encodable, Request, StrBytes};
use kraft_check::wire::{Ask, NOT_WHOLE_MAX, TOPICS_LIMIT};
use serde_json::Value;

use crate::peers::{assert_cannot_tell, framed, peer, request};
use crate::tool::run_within;

pub(crate) const KILOBYTES: u32 = 64 * 1024;

/// An answer that is one long list. For its bytes, nothing makes the codec take as much memory as short elements with a
/// tag each that nobody knows.
struct Heavy {
    key: i16,
    version: i16,
    before: &'static [u8],
    element: &'static [u8],
    behind: &'static [u8],
    limit: usize,
}

const HEAVY: [Heavy; 4] = [
    Heavy {
        key: MetadataRequest::KEY,
        version: 12,
        before: &[0; 5],
        element: &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 99, 0], // a broker
        behind: &[0, 0, 0, 0, 0, 1, 0],
        limit: MetadataRequest::LIMIT,
    },
    Heavy {
        key: DescribeQuorumRequest::KEY,
        version: 2,
        before: &[0, 0, 0, 0, 1, 2, 0, 0, 0, 0],
        element: &[1, 1, 0, 0, 1, 99, 0], // a listener of a node
        behind: &[0, 0],
        limit: DescribeQuorumRequest::LIMIT,
    },
    Heavy {
        key: DescribeClusterRequest::KEY,
        version: 1,
        before: &[0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0],
        element: &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 99, 0], // a controller
        behind: &[0; 5],
        limit: DescribeClusterRequest::LIMIT,
    },
    Heavy {
        key: DescribeConfigsRequest::KEY,
        version: 4,
        before: &[0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 2, b'1', 2, 1, 0, 0, 0, 0],
        element: &[1, 0, 0, 1, 99, 0], // a synonym of a property
        behind: &[0; 5],
        limit: DescribeConfigsRequest::LIMIT,
    },
];

impl Heavy {
    /// The answer, from behind its correlation id on.
    fn body(&self) -> Vec<u8> {
        list(self.before, self.element, self.behind, self.limit)
    }
}

/// A list of so many of these as fit into the limit.
fn list(before: &[u8], element: &[u8], behind: &[u8], limit: usize) -> Vec<u8> {
    // The length of the list, at most four bytes, and the correlation id.
    let count = (limit - before.len() - behind.len() - 8) / element.len();
    [before, &compact(count), &element.repeat(count), behind].concat()
}

/// The length of a list, as the flexible versions write it.
fn compact(count: usize) -> Vec<u8> {
    let mut left = count + 1;
    let mut bytes = Vec::new();
    while left > 0x7f {
        bytes.push(u8::try_from(left & 0x7f | 0x80).expect("a byte"));
        left >>= 7;
    }
    bytes.push(u8::try_from(left).expect("a byte"));
    bytes
}

/// A list of APIs, each in its versions up to this one: which of them there are tells brokers and controllers apart.
pub(crate) fn listed(apis: &[(i16, i16)]) -> Vec<u8> {
    let api = |(key, highest): &(i16, i16)| [&key.to_be_bytes()[..], &[0, 0], &highest.to_be_bytes(), &[0]].concat();
    let all: Vec<u8> = apis.iter().flat_map(api).collect();
    [&[0, 0][..], &compact(apis.len()), &all, &[0; 5]].concat()
}

#[test]
fn the_heaviest_answers_take_less_than_64_mb() {
    let bodies: Arc<Vec<(i16, Vec<u8>)>> = Arc::new(HEAVY.iter().map(|heavy| (heavy.key, heavy.body())).collect());
    for (flag, own) in [("-b", &[0, 4, 5, 6][..]), ("-C", &[52])] {
        let heavy = HEAVY.iter().map(|heavy| (heavy.key, heavy.version));
        let all: Vec<(i16, i16)> = own.iter().map(|key| (*key, 0)).chain(heavy).collect();
        let (bodies, listed) = (Arc::clone(&bodies), listed(&all));
        let port = peer(move |mut stream| {
            while let Some((key, correlation_id)) = request(&mut stream) {
                let heavy = bodies.iter().find(|(heavy, _)| *heavy == key).map(|(_, body)| body);
                assert!(heavy.is_some() || key == ApiVersionsRequest::KEY, "API {key} is asked");
                if stream.write_all(&framed(correlation_id, heavy.unwrap_or(&listed))).is_err() {
                    return;
                }
            }
        });
        let ran = run_within(KILOBYTES, &["stage", "brokers-migrated", flag, &format!("127.0.0.1:{port}"), "-ojson"]);
        let errors = assert_cannot_tell(&ran)["errors"].to_string();
        // What is wrong with them is what is only known once they were read.
        let read = ["gives node 0 port 0", "brokers, at most 10000 are read"];
        assert!(read.iter().any(|words| errors.contains(words)), "the answers were read: {errors}");
    }
}

/// The version in which most answers with topics come here.
const WITH_TOPICS: i16 = 12;

/// A broker that answers as it should, but for its topics in this version, their configurations, and what is moved.
fn broker_with(version: i16, topics: Vec<u8>, moved: Vec<u8>) -> u16 {
    let configs = HEAVY.iter().find(|heavy| heavy.key == DescribeConfigsRequest::KEY).map(Heavy::body);
    let configs = configs.expect("configurations");
    let listed = listed(&[(0, 0), (1, 0), (4, 0), (5, 0), (6, 0), (3, version), (32, 4), (46, 0)]);
    peer(move |mut stream| {
        let port = stream.local_addr().expect("an address").port();
        while let Some((key, correlation_id, body)) = question(&mut stream) {
            // Before version 9 the length has four bytes.
            let asks_all = if version < 9 { body.starts_with(&[0xff; 4]) } else { body.get(1) == Some(&0) };
            let answer = match key {
                ApiVersionsRequest::KEY => listed.clone(),
                MetadataRequest::KEY if asks_all => topics.clone(),
                MetadataRequest::KEY => itself(port, version),
                DescribeConfigsRequest::KEY => configs.clone(),
                ListPartitionReassignmentsRequest::KEY => moved.clone(),
                other => panic!("API {other} is asked"),
            };
            if stream.write_all(&framed(correlation_id, &answer)).is_err() {
                return;
            }
        }
    })
}

/// A request: its API, its correlation id, and what comes behind the client's id.
fn question(stream: &mut TcpStream) -> Option<(i16, i32, Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).ok()?;
    let body = frame.split_off(10 + "kraft-check".len());
    let correlation_id = i32::from_be_bytes(frame[4..8].try_into().expect("four bytes"));
    Some((i16::from_be_bytes([frame[0], frame[1]]), correlation_id, body))
}

/// Metadata without topics, of broker 1 alone.
fn itself(port: u16, version: i16) -> Vec<u8> {
    let own = MetadataResponseBroker::default().with_node_id(BrokerId(1)).with_port(i32::from(port));
    let own = own.with_host(StrBytes::from_static_str("127.0.0.1"));
    let said = MetadataResponse::default().with_controller_id(BrokerId(1)).with_brokers(vec![own]);
    let mut body = BytesMut::new();
    said.encode(&mut body, version).expect("an answer");
    // The tags of the header.
    [if version < 9 { &[][..] } else { &[0] }, &body].concat()
}

/// What `health` says of such a broker, within 64 MB; every answer was read.
fn health_of(version: i16, topics: Vec<u8>, moved: Vec<u8>) -> Value {
    let port = broker_with(version, topics, moved);
    let address = format!("1@127.0.0.1:{port}");
    let args =
        ["health", "-b", &address, "--expect-brokers", "1", "--request-timeout", "20", "--findings", "all", "-ojson"];
    let document = run_within(KILOBYTES, &args).json();
    let errors = document["errors"].to_string();
    assert!(!["too-large", "malformed", "closed"].iter().any(|word| errors.contains(word)), "{errors}");
    document
}

/// What was seen of a row, and how it stands.
fn seen(document: &Value, id: &str) -> (u64, String) {
    let findings = document["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|finding| finding["id"] == id).expect("the row");
    let standing = finding["status"].as_str().expect("a word").to_owned();
    (finding["observed"].as_u64().unwrap_or(0), standing)
}

/// Nothing is moved.
const NOTHING_MOVED: [u8; 10] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0];

#[test]
fn the_heaviest_topics_take_less_than_64_mb() {
    let kept = u64::try_from(NOT_WHOLE_MAX).expect("few");
    let not_yet = |number| (number, "not_yet".to_owned());
    // Topics with an error and without a name; version 4 needs the fewest bytes for each.
    let nameless = {
        let before = [0; 4 + 4 + 2 + 4];
        let count = (TOPICS_LIMIT - before.len() - 8) / 9;
        let count_bytes = u32::try_from(count).expect("few").to_be_bytes();
        [&before[..], &count_bytes, &[0, 3, 0, 0, 0, 0, 0, 0, 0].repeat(count)].concat()
    };
    assert_eq!(seen(&health_of(4, nameless, NOTHING_MOVED.into()), "no-offline-partition"), not_yet(kept));
    // Partitions without a leader and without replicas, of a topic of a long name that is no text; and with tags.
    let name = [&compact(1_000_000)[..], &vec![0xff; 1_000_000]].concat();
    let topic = [&[0; 5], &[1, 0, 0, 0, 0, 0, 2][..], &[0, 0][..], &name, &[0; 17]].concat();
    let partition = [&[0, 5][..], &[0; 4], &[0xff; 8], &[1, 1, 1]].concat();
    for tags in [&[0][..], &[1, 99, 0]] {
        let topics = list(&topic, &[&partition[..], tags].concat(), &[0; 6], TOPICS_LIMIT);
        let document = health_of(WITH_TOPICS, topics, NOTHING_MOVED.into());
        assert_eq!(seen(&document, "no-offline-partition"), not_yet(kept));
    }
    // Topics with long names that are no texts, each with a replica out of sync.
    let name = [&compact(249)[..], &[0xff; 249]].concat();
    let partition = [&[0; 10][..], &[0; 4], &[2, 0, 0, 0, 0, 1, 1, 0]].concat();
    let topic = [&[0, 0][..], &name, &[0; 17], &[2], &partition, &[0; 5]].concat();
    let topics = list(&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0][..], &topic, &[0], TOPICS_LIMIT);
    assert_eq!(seen(&health_of(WITH_TOPICS, topics, NOTHING_MOVED.into()), "no-under-replicated"), not_yet(kept));
}

#[test]
fn a_partition_of_a_million_replicas_costs_neither_memory_nor_time() {
    let ids: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_be_bytes).collect();
    let nodes = [compact(1_500_000), ids].concat();
    let partition = [&[0; 14][..], &nodes, &nodes, &[1, 0]].concat();
    let topic = [&[0; 5], &[1, 0, 0, 0, 0, 0, 2][..], &[0, 0, 2, b'x'], &[0; 17], &[2], &partition, &[0; 6]].concat();
    let began = std::time::Instant::now();
    health_of(WITH_TOPICS, topic, NOTHING_MOVED.into());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn the_heaviest_reassignments_take_less_than_64_mb() {
    let no_topics = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
    let limit = ListPartitionReassignmentsRequest::LIMIT;
    // Topics without partitions and with a tag each that nobody knows.
    let before = [0; 8];
    let tagged = list(&before, &[1, 1, 1, 99, 0], &[0], limit);
    assert_eq!(seen(&health_of(WITH_TOPICS, no_topics.clone(), tagged), "no-reassignment"), (0, "pass".to_owned()));
    // A name that is half of the answer, before as many partitions as fit into the other half.
    let name = vec![b'x'; limit / 2];
    let topic = [&before[..], &[2], &compact(name.len()), &name].concat();
    let long = list(&topic, &[0, 0, 0, 0, 1, 1, 1, 0], &[0, 0], limit);
    let (count, standing) = seen(&health_of(WITH_TOPICS, no_topics, long), "no-reassignment");
    assert!(count > 1_000 && standing == "not_yet", "{count} {standing}");
}
