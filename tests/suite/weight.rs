//! How much memory does the heaviest answer take that is as long as its API allows? Over real sockets, asked by the built
//! binary, which has 64 MB for its data.

use std::io::Write;
use std::sync::Arc;

use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest, MetadataRequest,
};
use kafka_protocol::protocol::Request;
use kraft_check::wire::Ask;

use crate::peers::{assert_cannot_tell, framed, peer, request};
use crate::tool::run_within;

const KILOBYTES: u32 = 64 * 1024;

/// An answer that is one long list. For its bytes, nothing makes the codec take as much memory as short elements with a
/// tag each that nobody knows.
struct Heavy {
    key: i16,
    version: u8,
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
        before: &[0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 1, 2, 1, 0, 0, 0, 0],
        element: &[1, 0, 0, 1, 99, 0], // a synonym of a property
        behind: &[0; 5],
        limit: DescribeConfigsRequest::LIMIT,
    },
];

impl Heavy {
    /// The answer, from behind its correlation id on.
    fn body(&self) -> Vec<u8> {
        // The length of the list, at most four bytes, and the correlation id.
        let room = self.limit - self.before.len() - self.behind.len() - 8;
        let count = room / self.element.len();
        [self.before, &compact(count), &self.element.repeat(count), self.behind].concat()
    }
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

/// What a broker lists, or a controller: the APIs that tell which it is, and the heavy ones in their versions.
fn listed(own: &[i16]) -> Vec<u8> {
    let heavy = HEAVY.iter().map(|heavy| (heavy.key, heavy.version));
    let all: Vec<(i16, u8)> = own.iter().map(|key| (*key, 0)).chain(heavy).collect();
    let api = |(key, version): &(i16, u8)| [&key.to_be_bytes()[..], &[0, 0, 0, *version, 0]].concat();
    [&[0, 0][..], &compact(all.len()), &all.iter().flat_map(api).collect::<Vec<u8>>(), &[0; 5]].concat()
}

#[test]
fn the_heaviest_answers_take_less_than_64_mb() {
    let bodies: Arc<Vec<(i16, Vec<u8>)>> = Arc::new(HEAVY.iter().map(|heavy| (heavy.key, heavy.body())).collect());
    for (flag, own) in [("-b", &[0, 4, 5, 6][..]), ("-C", &[52])] {
        let (bodies, listed) = (Arc::clone(&bodies), listed(own));
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
