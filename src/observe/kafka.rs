//! One conversation with one node: connect, `ApiVersions`, a login where there is one, then what its role is asked.
//!
//! Every step has its own deadline, and whatever goes wrong stands in the place of the answer. An API that a
//! node does not list is never sent: Kafka would close the connection and log an error with a stack. Not here: what is
//! said to log in (`login`).

mod exchange;
pub(super) mod room;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeQuorumRequest,
    ListPartitionReassignmentsRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

use super::answers::{self, BrokersSaid, error_code};
use super::dial::Network;
use super::kept::Kept;
use super::log::Reading;
use super::refusal::with_ours;
use super::second_round::{Answered, own_id};
use super::{Address, Limits, Moment, login};
use crate::snapshot::{
    Answer, ApiVersions, AskedAs, Cluster, Configs, Endpoint, Metadata, MinIsr, Missed, Node, NodeId, Quorum,
    Reassignment, Role, Timestamp, Topics, Why,
};
use crate::wire::{self, Apis, Ask, Met};
pub(super) use exchange::not_taken;
use room::Rooms;

/// What a broker is asked for its controller: often enough that two live brokers, each named at random, do not look
/// like one by chance more than once in eight million looks.
const CONTROLLER_ID_CALLS: usize = 24;

/// The properties that are asked for, none of which is secret: which node it is, which quorum it belongs to, and how it
/// takes part in a migration. A release answers those that it knows.
const PROPERTIES: [&str; 9] = [
    "node.id",
    "process.roles",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "controller.listener.names",
    "zookeeper.metadata.migration.enable",
    "inter.broker.protocol.version",
    "log.dirs",
    "authorizer.class.name",
];

/// `BROKER` of `org.apache.kafka.common.config.ConfigResource.Type`: brokers and controllers alike.
const NODE_RESOURCE: i8 = 4;
/// `TOPIC`, likewise.
const TOPIC_RESOURCE: i8 = 2;
/// `CONTROLLER` of `org.apache.kafka.clients.admin.EndpointType`.
const CONTROLLER_ENDPOINTS: i8 = 2;

/// Asks one endpoint what everyone is asked, and returns its answers and the connection, if it is still good.
pub(super) async fn ask_node<N: Network>(
    network: &Kept<N>,
    asked_as: AskedAs,
    address: Address,
    limits: Limits,
) -> Box<Answered<N::Stream>> {
    let node = unasked(asked_as, address, &Missed::new(Why::NotAsked, "not asked"));
    let mut answered = Box::new(Answered { node, talk: None });
    let node = &mut answered.node;
    let (api_versions, talk) = meet(network, asked_as, &node.endpoint, limits).await;
    node.api_versions = api_versions;
    let (Ok(api_versions), Some(mut talk)) = (&node.api_versions.said, talk) else {
        return answered;
    };
    let is_broker = match (asked_as, api_versions.role()) {
        (AskedAs::Broker, Some(Role::ZookeeperBroker | Role::KraftBroker)) => true,
        (AskedAs::Controller, Some(Role::Controller)) => false,
        _ => return answered,
    };
    let security = network.network.security(asked_as);
    let is_new = talk.session.is_none();
    let began = Moment::now();
    match (talk.log_in(security, api_versions).await, is_broker) {
        (Ok(()), true) => {
            node.metadata = talk.metadata(api_versions, &network.brokers).await;
            // Each for itself: only those in migration mode know the controllers, and only it knows its own protocol version.
            let on_zookeeper = api_versions.role() == Some(Role::ZookeeperBroker);
            if let Some(id) = own_id(node).filter(|_| on_zookeeper && !talk.broken) {
                node.configs = talk.configs(api_versions, [id]).await;
            }
        }
        (Ok(()), false) => node.quorum = talk.quorum(api_versions).await,
        (Err(missed), true) => node.metadata = began.answer(0, Err(missed)),
        (Err(missed), false) => node.quorum = began.answer(0, Err(missed)),
    }
    let first = if is_broker { node.metadata.said.as_mut().err() } else { node.quorum.said.as_mut().err() };
    if let Some(missed) = first.filter(|missed| missed.why == Why::Closed)
        && is_new
        && security.login.is_none()
        && let Some(wanted) = login::wanted(network, asked_as, &node.endpoint, limits, api_versions).await
    {
        *missed = wanted;
    }
    answered.talk = (!talk.broken).then_some(talk);
    answered
}

/// Connects to a node anew.
pub(super) async fn dial<N: Network>(
    network: &Kept<N>,
    asked_as: AskedAs,
    endpoint: &Endpoint,
    limits: Limits,
) -> Result<Conversation<N::Stream>, Missed> {
    let connected =
        tokio::time::timeout_at(limits.request_deadline(), network.network.connect(asked_as, endpoint)).await;
    let stream = connected.unwrap_or_else(|_| Err(Missed::new(Why::ConnectTimedOut, "no connection in time")))?;
    let client_id = network.network.security(asked_as).client_id.clone();
    Ok(Conversation {
        stream,
        unread: BytesMut::new(),
        rooms: Arc::clone(&network.rooms),
        limits,
        client_id,
        correlation_id: 0,
        broken: false,
        session: None,
        log: None,
    })
}

/// The first answer, and the connection that it came over: a kept one, or a new one.
async fn meet<N: Network>(
    network: &Kept<N>,
    asked_as: AskedAs,
    endpoint: &Endpoint,
    limits: Limits,
) -> (Answer<ApiVersions>, Option<Conversation<N::Stream>>) {
    if let Some(kept) = network.take(asked_as, endpoint) {
        let mut talk = Conversation { limits, ..kept };
        let answer = talk.api_versions(&network.apis).await;
        // What goes wrong over an old connection says nothing of whoever listens there now. But silence has used up
        // the node's time, and a node that hangs would cost it twice.
        if answer.said.as_ref().err().is_none_or(|missed| missed.why == Why::TimedOut) {
            return (answer, Some(talk));
        }
    }
    let began = Moment::now();
    let mut talk = match dial(network, asked_as, endpoint, limits).await {
        Ok(talk) => talk,
        Err(missed) => return (began.answer(0, Err(missed)), None),
    };
    let mut answer = talk.api_versions(&network.apis).await;
    answer.said = answer.said.map_err(|missed| with_ours(missed, network.network.security(asked_as)));
    (answer, Some(talk))
}

/// A node of which nothing was seen, for one and the same reason.
pub(super) fn unasked(asked_as: AskedAs, address: Address, why: &Missed) -> Node {
    let at = Moment::now().wall;
    Node {
        asked_as,
        given: address.id,
        endpoint: address.endpoint,
        found: None,
        api_versions: nothing(at, why),
        metadata: nothing(at, why),
        quorum: nothing(at, why),
        cluster: nothing(at, why),
        configs: nothing(at, why),
        log: Answer::default(),
        topics: Answer::default(),
        min_isr: Answer::default(),
        reassignments: Answer::default(),
    }
}

fn nothing<T>(at: Timestamp, why: &Missed) -> Answer<T> {
    Answer { at, took_us: 0, version: 0, said: Err(why.clone()) }
}

/// A connection over which one question is asked after the other.
pub(super) struct Conversation<S> {
    stream: S,
    /// What came behind the last answer, and belongs to no question.
    unread: BytesMut,
    rooms: Arc<Rooms>,
    pub(super) limits: Limits,
    client_id: Option<Arc<str>>,
    pub(super) correlation_id: i32,
    /// An answer did not come whole, or was to another question: what comes next belongs to no question.
    pub(super) broken: bool,
    /// We are logged in, or need not be; `None`: nothing was asked yet but for `ApiVersions`.
    pub(super) session: Option<Session>,
    /// How far the node's metadata log was read over this connection.
    pub(super) log: Option<Box<Reading>>,
}

/// For how long a node hears us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// When we should have logged in anew (`connections.max.reauth.ms`); `None`: never.
    pub(super) ends: Option<Instant>,
}

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Conversation<S> {
    /// Whether what comes next would belong to no question, so that nothing more can be asked.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the node would not hear us any more unless we logged in anew.
    pub(super) fn is_over(&self) -> bool {
        self.session.and_then(|session| session.ends).is_some_and(|ends| ends <= Instant::now())
    }

    /// Whether the peer has neither closed the connection nor said anything that it was not asked.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        let mut nothing_comes =
            || Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending();
        self.unread.is_empty() && nothing_comes()
    }

    /// `ApiVersions` in version 3, the first with tagged fields; in version 0 if the node knows no 3.
    async fn api_versions(&mut self, met: &Met<Apis>) -> Answer<ApiVersions> {
        let began = Moment::now();
        let first = self.api_versions_in(3, met).await;
        match first {
            Ok(Some(said)) => began.answer(3, Ok(said)),
            Err(missed) => began.answer(3, Err(missed)),
            Ok(None) => {
                let said = self.api_versions_in(0, met).await.and_then(|said| {
                    said.ok_or_else(|| Missed::new(Why::ErrorCode, "error 35 to ApiVersions of every version"))
                });
                began.answer(0, said)
            }
        }
    }

    /// `None`: the node does not know this version (error 35).
    async fn api_versions_in(&mut self, version: i16, met: &Met<Apis>) -> Result<Option<ApiVersions>, Missed> {
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request = request
                .with_client_software_name(StrBytes::from_static_str("kraft-check"))
                .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        }
        let frame = self.exchange(&request, version, ApiVersionsRequest::LIMIT).await?;
        let code = wire::leading_error_code::<ApiVersionsRequest>(&frame, version, self.correlation_id)
            .map_err(|refusal| not_taken(&refusal))?;
        match code {
            wire::NO_ERROR => wire::listed(&frame, version, self.correlation_id, met)
                .map(|said| Some(answers::api_versions(said, version)))
                .map_err(|refusal| not_taken(&refusal)),
            wire::UNSUPPORTED_VERSION => Ok(None),
            code => Err(error_code::<ApiVersionsRequest>(code)),
        }
    }

    /// `Metadata` without topics, so that it stays small and needs no rights. Of a ZooKeeper broker in migration mode
    /// it is asked until it has named two controllers, or none, or often enough.
    async fn metadata(&mut self, listed: &ApiVersions, met: &Met<BrokersSaid>) -> Answer<Metadata> {
        let request = MetadataRequest::default().with_topics(Some(Vec::new())).with_allow_auto_topic_creation(false);
        let mut answer = self.metadata_once(&request, listed, met).await;
        let Ok(metadata) = &mut answer.said else { return answer };
        let in_migration = listed.role() == Some(Role::ZookeeperBroker) && listed.zk_migration_ready == Some(true);
        while in_migration && metadata.brokers.len() > 1 && metadata.controller_ids.len() < CONTROLLER_ID_CALLS {
            let first = metadata.controller_ids.first();
            if metadata.controller_ids.iter().any(|id| *id == -1 || Some(id) != first) {
                break;
            }
            match self.metadata_once(&request, listed, met).await.said {
                Ok(again) => metadata.controller_ids.extend(again.controller_ids),
                Err(_) => break,
            }
        }
        answer
    }

    async fn metadata_once(
        &mut self,
        request: &MetadataRequest,
        listed: &ApiVersions,
        met: &Met<BrokersSaid>,
    ) -> Answer<Metadata> {
        self.ask_in_frames(request, listed, MetadataRequest::LIMIT, |talk, frame, version| {
            let said = wire::metadata(frame, version, talk.correlation_id, met, answers::brokers);
            talk.taken(said).and_then(answers::metadata)
        })
        .await
    }

    pub(super) async fn quorum(&mut self, listed: &ApiVersions) -> Answer<Quorum> {
        let partition = PartitionData::default().with_partition_index(0);
        let topic = TopicData::default()
            .with_topic_name(TopicName(StrBytes::from_static_str("__cluster_metadata")))
            .with_partitions(vec![partition]);
        let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
        self.ask(&request, listed, answers::quorum).await
    }

    /// `DescribeCluster` of a controller, about controllers.
    pub(super) async fn cluster(&mut self, listed: &ApiVersions) -> Answer<Cluster> {
        let request = DescribeClusterRequest::default().with_endpoint_type(CONTROLLER_ENDPOINTS);
        self.ask(&request, listed, answers::cluster).await
    }

    /// `DescribeConfigs` of the node itself, which has one of these ids: it refuses every other one.
    pub(super) async fn configs(
        &mut self,
        listed: &ApiVersions,
        ids: impl IntoIterator<Item = NodeId>,
    ) -> Answer<Configs> {
        let resource = |id: NodeId| {
            DescribeConfigsResource::default()
                .with_resource_type(NODE_RESOURCE)
                .with_resource_name(StrBytes::from_string(id.to_string()))
                .with_configuration_keys(Some(PROPERTIES.map(StrBytes::from_static_str).into()))
        };
        let request = DescribeConfigsRequest::default().with_resources(ids.into_iter().map(resource).collect());
        self.ask(&request, listed, answers::configs).await
    }

    /// `Metadata` with all topics that we may see.
    pub(super) async fn topics(&mut self, listed: &ApiVersions) -> Answer<Topics> {
        let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
        self.ask_in_frames(&request, listed, wire::TOPICS_LIMIT, |talk, frame, version| {
            let said = wire::topics(frame, version, talk.correlation_id);
            talk.taken(said).and_then(answers::topics)
        })
        .await
    }

    /// `DescribeConfigs` of these topics, for their `min.insync.replicas`.
    pub(super) async fn min_isr(&mut self, listed: &ApiVersions, topics: &[Arc<str>]) -> Answer<Vec<MinIsr>> {
        let resource = |topic: &Arc<str>| {
            DescribeConfigsResource::default()
                .with_resource_type(TOPIC_RESOURCE)
                .with_resource_name(StrBytes::from_string(topic.to_string()))
                .with_configuration_keys(Some(vec![StrBytes::from_static_str(answers::MIN_ISR)]))
        };
        let request = DescribeConfigsRequest::default().with_resources(topics.iter().map(resource).collect());
        self.ask(&request, listed, answers::min_isr).await
    }

    /// `ListPartitionReassignments`, of all topics, within this time: a broker that waits for a controller may not answer
    /// for a minute, or never.
    pub(super) async fn reassignments(&mut self, listed: &ApiVersions, within: Duration) -> Answer<Vec<Reassignment>> {
        self.limits.request_timeout = self.limits.request_timeout.min(within);
        let timeout_ms = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
        let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(timeout_ms).with_topics(None);
        self.ask(&request, listed, answers::reassignments).await
    }

    /// Asks in the highest version that both sides know, and has the codec read the answer.
    async fn ask<A: Ask, T>(
        &mut self,
        request: &A,
        listed: &ApiVersions,
        read: fn(&A::Response) -> Result<T, Missed>,
    ) -> Answer<T> {
        let decode = |talk: &mut Self, frame: &Bytes, version| {
            let said = talk.decode::<A>(frame, version)?;
            read(&said)
        };
        self.ask_in_frames(request, listed, A::LIMIT, decode).await
    }
}

pub(super) fn common_version<A: Ask>(listed: &ApiVersions) -> Option<i16> {
    let &(_, lowest, highest) = listed.apis.iter().find(|api| api.0 == A::KEY)?;
    let version = highest.min(*A::SPOKEN.end());
    (version >= lowest && version >= *A::SPOKEN.start()).then_some(version)
}

pub(super) fn not_listed<A: Ask>() -> Missed {
    Missed::new(Why::NotListed, format!("{} is not listed in a version that we speak", A::NAME))
}

impl Limits {
    pub(super) fn request_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + self.request_timeout.max(Duration::from_millis(1)))
    }
}
