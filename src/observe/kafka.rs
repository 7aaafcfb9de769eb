//! One conversation with one node: connect, `ApiVersions`, then what its role is asked.
//!
//! Every step has its own deadline, and whatever goes wrong stands in the place of the answer. An API that a
//! node does not list is never sent: Kafka would close the connection and log an error with a stack.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::api_versions_response::ApiVersionsResponse;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::{DescribeQuorumResponse, ReplicaState};
use kafka_protocol::messages::metadata_response::MetadataResponse;
use kafka_protocol::messages::{ApiVersionsRequest, DescribeQuorumRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::dial::{Network, refused};
use super::{Address, Limits, Moment};
use crate::snapshot::{
    Answer, ApiVersions, AskedAs, Endpoint, Leadership, Metadata, Missed, Node, Quorum, Replica, Role, Why,
};
use crate::wire::{self, Ask};

/// Asks one endpoint everything that a look wants to know of it.
pub(super) async fn ask_node<N: Network>(network: &N, asked_as: AskedAs, address: Address, limits: Limits) -> Node {
    let mut node = unasked(asked_as, address, &Missed::new(Why::NotAsked, "not asked"));
    let began = Moment::now();
    let stream = match tokio::time::timeout_at(limits.request_deadline(), network.connect(&node.endpoint)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            node.api_versions = began.answer(0, Err(refused(&error)));
            return node;
        }
        Err(_) => {
            node.api_versions = began.answer(0, Err(Missed::new(Why::TimedOut, "no connection in time")));
            return node;
        }
    };
    let mut talk = Conversation { stream, limits, correlation_id: 0 };
    node.api_versions = talk.api_versions().await;
    let Ok(api_versions) = &node.api_versions.said else {
        return node;
    };
    match (asked_as, api_versions.role()) {
        (AskedAs::Broker, Some(Role::ZookeeperBroker | Role::KraftBroker)) => {
            node.metadata = talk.metadata(api_versions).await;
        }
        (AskedAs::Controller, Some(Role::Controller)) => {
            node.quorum = talk.quorum(api_versions).await;
        }
        _ => {}
    }
    node
}

/// A node of which nothing was seen, for one and the same reason.
pub(super) fn unasked(asked_as: AskedAs, address: Address, why: &Missed) -> Node {
    let now = Moment::now();
    Node {
        asked_as,
        given: address.id,
        endpoint: address.endpoint,
        api_versions: now.answer(0, Err(why.clone())),
        metadata: now.answer(0, Err(why.clone())),
        quorum: now.answer(0, Err(why.clone())),
    }
}

struct Conversation<S> {
    stream: S,
    limits: Limits,
    correlation_id: i32,
}

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Conversation<S> {
    /// `ApiVersions` in version 3, the first with tagged fields; in version 0 if the node knows no 3.
    async fn api_versions(&mut self) -> Answer<ApiVersions> {
        let began = Moment::now();
        let first = self.api_versions_in(3).await;
        match first {
            Ok(Some(said)) => began.answer(3, Ok(said)),
            Err(missed) => began.answer(3, Err(missed)),
            Ok(None) => {
                let said = self.api_versions_in(0).await.and_then(|said| {
                    said.ok_or_else(|| Missed::new(Why::ErrorCode, "error 35 to ApiVersions of every version"))
                });
                began.answer(0, said)
            }
        }
    }

    /// `None`: the node does not know this version (error 35).
    async fn api_versions_in(&mut self, version: i16) -> Result<Option<ApiVersions>, Missed> {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request = request
                .with_client_software_name(StrBytes::from_static_str("kraft-check"))
                .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        }
        let frame = self.exchange(&request, version).await?;
        let code = wire::leading_error_code::<ApiVersionsRequest>(&frame, version, self.correlation_id)
            .map_err(|refusal| not_taken(&refusal))?;
        match code {
            wire::NO_ERROR => {
                self.decode::<ApiVersionsRequest>(&frame, version).map(|said| Some(api_versions(&said, version)))
            }
            wire::UNSUPPORTED_VERSION => Ok(None),
            code => Err(error_code::<ApiVersionsRequest>(code)),
        }
    }

    /// `Metadata` without topics, so that it stays small and needs no rights.
    async fn metadata(&mut self, listed: &ApiVersions) -> Answer<Metadata> {
        let request = MetadataRequest::default().with_topics(Some(Vec::new())).with_allow_auto_topic_creation(false);
        self.ask(&request, listed, metadata).await
    }

    async fn quorum(&mut self, listed: &ApiVersions) -> Answer<Quorum> {
        let partition = PartitionData::default().with_partition_index(0);
        let topic = TopicData::default()
            .with_topic_name(TopicName(StrBytes::from_static_str("__cluster_metadata")))
            .with_partitions(vec![partition]);
        let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
        self.ask(&request, listed, quorum).await
    }

    /// Asks in the highest version that both sides know.
    async fn ask<A: Ask, T>(
        &mut self,
        request: &A,
        listed: &ApiVersions,
        read: fn(&A::Response) -> Result<T, Missed>,
    ) -> Answer<T> {
        let began = Moment::now();
        let Some(version) = common_version::<A>(listed) else {
            let words = format!("{} is not listed in a version that we speak", A::NAME);
            return began.answer(0, Err(Missed::new(Why::NotListed, words)));
        };
        let said = match self.exchange(request, version).await {
            Ok(frame) => self.decode::<A>(&frame, version).and_then(|said| read(&said)),
            Err(missed) => Err(missed),
        };
        began.answer(version, said)
    }

    /// Sends one request and reads the frame that comes back, both within the request's time.
    async fn exchange<A: Ask>(&mut self, request: &A, version: i16) -> Result<bytes::Bytes, Missed> {
        self.correlation_id += 1;
        let out = wire::encode(request, version, self.correlation_id).map_err(|refusal| not_taken(&refusal))?;
        let deadline = self.limits.request_deadline();
        let exchange = async {
            self.stream.write_all(&out).await.map_err(|error| refused(&error))?;
            self.stream.flush().await.map_err(|error| refused(&error))?;
            let mut prefix = [0; 4];
            self.stream.read_exact(&mut prefix).await.map_err(|error| refused(&error))?;
            let length = wire::frame_length(prefix, A::LIMIT).map_err(|refusal| not_taken(&refusal))?;
            // Filled as bytes arrive: memory follows what was sent, not what was announced.
            let mut frame = BytesMut::new();
            let mut rest = (&mut self.stream).take(length as u64);
            while frame.len() < length {
                if rest.read_buf(&mut frame).await.map_err(|error| refused(&error))? == 0 {
                    let words =
                        format!("the connection was closed after {} of {length} bytes of the answer", frame.len());
                    return Err(Missed::new(Why::Closed, words));
                }
            }
            Ok(frame.freeze())
        };
        tokio::time::timeout_at(deadline, exchange)
            .await
            .unwrap_or_else(|_| Err(Missed::new(Why::TimedOut, format!("no answer to {} in time", A::NAME))))
    }

    fn decode<A: Ask>(&self, frame: &bytes::Bytes, version: i16) -> Result<A::Response, Missed> {
        wire::decode::<A>(frame, version, self.correlation_id).map_err(|refusal| not_taken(&refusal))
    }
}

fn common_version<A: Ask>(listed: &ApiVersions) -> Option<i16> {
    let &(_, lowest, highest) = listed.apis.iter().find(|api| api.0 == A::KEY)?;
    let version = highest.min(*A::SPOKEN.end());
    (version >= lowest && version >= *A::SPOKEN.start()).then_some(version)
}

fn api_versions(said: &ApiVersionsResponse, version: i16) -> ApiVersions {
    ApiVersions {
        apis: said.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect(),
        zk_migration_ready: (version >= 3).then_some(said.zk_migration_ready),
    }
}

fn metadata(said: &MetadataResponse) -> Result<Metadata, Missed> {
    if said.error_code != wire::NO_ERROR {
        return Err(error_code::<MetadataRequest>(said.error_code));
    }
    let brokers = said.brokers.iter().map(|broker| {
        let port = u16::try_from(broker.port).ok().filter(|port| *port > 0);
        port.map(|port| {
            let host = broker.host.to_ascii_lowercase();
            (broker.node_id.0, Endpoint { host, port })
        })
        .ok_or_else(|| {
            Missed::new(Why::Malformed, format!("Metadata gives broker {} port {}", broker.node_id.0, broker.port))
        })
    });
    Ok(Metadata {
        cluster_id: said.cluster_id.as_ref().map(ToString::to_string),
        brokers: brokers.collect::<Result<_, _>>()?,
    })
}

fn quorum(said: &DescribeQuorumResponse) -> Result<Quorum, Missed> {
    if said.error_code != wire::NO_ERROR {
        return Err(error_code::<DescribeQuorumRequest>(said.error_code));
    }
    let mut partitions = said.topics.iter().flat_map(|topic| &topic.partitions);
    let (Some(partition), None) = (partitions.next(), partitions.next()) else {
        let words = "DescribeQuorum does not answer with exactly one partition";
        return Err(Missed::new(Why::Malformed, words));
    };
    match partition.error_code {
        wire::NO_ERROR => Ok(Quorum::Leader(Leadership {
            leader: partition.leader_id.0,
            epoch: partition.leader_epoch,
            high_watermark: partition.high_watermark,
            voters: partition.current_voters.iter().map(replica).collect(),
            observers: partition.observers.iter().map(replica).collect(),
        })),
        wire::NOT_LEADER_OR_FOLLOWER => Ok(Quorum::NotLeader),
        code => Err(error_code::<DescribeQuorumRequest>(code)),
    }
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

fn error_code<A: Ask>(code: i16) -> Missed {
    if code == wire::CLUSTER_AUTHORIZATION_FAILED {
        Missed::new(Why::Denied, format!("{} is denied (error 31, CLUSTER_AUTHORIZATION_FAILED)", A::NAME))
    } else {
        Missed::new(Why::ErrorCode, format!("error {code} to {}", A::NAME))
    }
}

fn not_taken(refusal: &wire::Refusal) -> Missed {
    let why = match refusal {
        wire::Refusal::Http | wire::Refusal::Tls => Why::WrongTarget,
        wire::Refusal::Length { .. } => Why::TooLarge,
        _ => Why::Malformed,
    };
    Missed::new(why, refusal.to_string())
}

impl Limits {
    fn request_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + self.request_timeout.max(Duration::from_millis(1)))
    }
}
