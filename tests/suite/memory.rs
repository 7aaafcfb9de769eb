//! A network in memory, behind the same seam as the real one: nodes that answer through the codec, or do not.
//!
//! It is here for silence, slowness and broken frames, under a paused clock. What a migrating cluster really
//! answers is not its business: verdicts are held to real Kafka and to recordings of it.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{ApiVersionsResponse, BrokerId, MetadataResponse, ResponseHeader};
use kafka_protocol::protocol::{Encodable, StrBytes};
use kraft_check::observe::Address;
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest};
use kraft_check::snapshot::{AskedAs, Endpoint, Missed, NodeId, Why};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

/// How a node behaves.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// Answers as a ZooKeeper broker that lists these brokers.
    Broker(Vec<(NodeId, u16)>),
    /// Accepts, and never says a word.
    Silent,
    /// Answers as a broker, one byte each of this time.
    Drips(Duration),
    /// Answers as a broker, and closes after this many bytes.
    Cut(usize),
    /// Panics where we connect: a defect of ours.
    Breaks,
}

/// Nodes by port, and pages by URL.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) nodes: BTreeMap<u16, Manner>,
    pub(crate) pages: BTreeMap<String, String>,
}

/// `node.example:PORT`.
pub(crate) fn endpoint(port: u16) -> Endpoint {
    Endpoint { host: "node.example".to_owned(), port }
}

/// The same, as an address without an id.
pub(crate) fn address(port: u16) -> Address {
    Address { id: None, endpoint: endpoint(port) }
}

impl Network for Memory {
    type Stream = DuplexStream;

    async fn connect(&self, _: AskedAs, endpoint: &Endpoint) -> Result<DuplexStream, Missed> {
        let manner = self.nodes.get(&endpoint.port).cloned().ok_or_else(refused)?;
        assert!(!matches!(manner, Manner::Breaks), "this node breaks the probe");
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(serve(theirs, manner));
        Ok(ours)
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        self.pages.get(&request.url).map(PageAnswer::ok).ok_or_else(refused)
    }
}

/// What a port says that nobody listens on.
pub(crate) fn refused() -> Missed {
    Missed::new(Why::Refused, "connection refused")
}

/// Serves one connection in this manner.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, manner: Manner) -> io::Result<()> {
    let brokers = match &manner {
        Manner::Broker(brokers) => brokers.clone(),
        _ => Vec::new(),
    };
    let mut sent = 0;
    loop {
        let length = stream.read_u32().await?;
        let mut request = vec![0; length as usize];
        stream.read_exact(&mut request).await?;
        let answer = answer(&request, &brokers);
        match manner {
            Manner::Silent => std::future::pending().await,
            Manner::Drips(pause) => {
                for byte in answer {
                    tokio::time::sleep(pause).await;
                    stream.write_u8(byte).await?;
                }
            }
            Manner::Cut(limit) => {
                let rest = answer.len().min(limit - sent);
                stream.write_all(&answer[..rest]).await?;
                sent += rest;
                if sent == limit {
                    return Ok(());
                }
            }
            _ => stream.write_all(&answer).await?,
        }
    }
}

/// How many bytes a broker without others answers in all.
pub(crate) fn whole_answer() -> usize {
    let request = |key: i16, version: i16| {
        let mut bytes = BytesMut::new();
        bytes.put_i16(key);
        bytes.put_i16(version);
        bytes.put_i32(1);
        bytes
    };
    answer(&request(18, 3), &[]).len() + answer(&request(3, 12), &[]).len()
}

fn answer(request: &[u8], brokers: &[(NodeId, u16)]) -> Bytes {
    let number = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
    let (key, version) = (number(0), number(2));
    let correlation_id = i32::from_be_bytes([request[4], request[5], request[6], request[7]]);
    let mut body = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    match key {
        18 => {
            header.encode(&mut body, 0).expect("a header");
            let lists = |key| ApiVersion::default().with_api_key(key).with_max_version(12);
            let response = ApiVersionsResponse::default().with_api_keys([0, 3, 4, 5, 6, 18].map(lists).to_vec());
            response.encode(&mut body, version).expect("an answer");
        }
        3 => {
            header.encode(&mut body, 1).expect("a header");
            let broker = |(id, port): &(NodeId, u16)| {
                let broker = MetadataResponseBroker::default().with_node_id(BrokerId(*id)).with_port(i32::from(*port));
                broker.with_host(StrBytes::from_static_str("node.example"))
            };
            let response = MetadataResponse::default().with_brokers(brokers.iter().map(broker).collect());
            response.encode(&mut body, version).expect("an answer");
        }
        other => panic!("the node was asked for API {other}, which it does not list"),
    }
    let mut frame = BytesMut::new();
    frame.put_u32(u32::try_from(body.len()).expect("a small answer"));
    frame.extend_from_slice(&body);
    frame.freeze()
}
