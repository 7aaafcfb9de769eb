//! The first waist: whom we expected, what each node answered, what we missed and why, and when.
//!
//! Answers are kept as they were given; nothing here is a conclusion. Whatever is judged is derived from this
//! value alone (`signals`), so that tomorrow's rows can be asked of yesterday's snapshot. Not here: how the
//! answers were got (`observe`).

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod content;
mod evidence;
mod log;
mod missed;
pub mod recording;
mod said;

pub use content::{MinIsr, Partition, Reassignment, Topics};
pub use evidence::{Evidence, Source};
pub use log::{ControllerRegistration, Listener, MetadataLog, Registration, StateRecord};
pub use missed::{Missed, Why};
pub use said::{
    ApiVersions, BrokerList, BrokerLists, Cluster, Configs, Features, Generation, Leadership, Metadata, Page, Quorum,
    Release, Replica, Role, Sample,
};

/// Kafka's `node.id` or `broker.id`: one namespace for brokers and controllers.
pub type NodeId = i32;

/// Milliseconds since the Unix epoch, by our clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

/// Where a listener is. Hosts are compared as text, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// A host name or address, in lower case, IPv6 without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A broker, by its id.
    Broker(NodeId),
    /// A controller, by its id.
    Controller(NodeId),
    /// The controller quorum, and the migration that it drives.
    Quorum,
    /// The cluster as a whole.
    Cluster,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Controller(id) => write!(f, "controller {id}"),
            Self::Quorum => write!(f, "quorum"),
            Self::Cluster => write!(f, "cluster"),
        }
    }
}

/// Everything that was observed, in one or two looks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// How deep the looks went.
    pub depth: Depth,
    /// Whom we expect.
    pub expected: Expected,
    /// Metrics of other names than exporters give them, as told by hand.
    pub metric_names: Vec<MetricName>,
    /// The looks, oldest first: one, or two where a guard had to be confirmed, and at content depth. The last one is
    /// judged.
    pub looks: Vec<Look>,
}

/// How deep a look goes: no stage asks for more than another at the same depth, so a recording of a depth answers
/// every table of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// What the four stages need.
    Stage,
    /// What health needs beside that: topics, reassignments, brokers' metrics pages.
    Content,
}

/// Whom we expect. `None` is "nobody said", which is not the same as "nobody".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The ids of all brokers of the cluster.
    pub brokers: Option<BTreeSet<NodeId>>,
    /// The ids of all controllers of the quorum.
    pub controllers: Option<BTreeSet<NodeId>>,
    /// The id of the cluster.
    pub cluster_id: Option<String>,
}

/// Under which name an exporter of its own kind shows a gauge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricName {
    /// The gauge.
    pub gauge: Gauge,
    /// The metric's name, exactly.
    pub name: String,
    /// Labels that the sample must have, exactly; it may have others.
    pub labels: Vec<(String, String)>,
}

/// A gauge of `kafka.controller:type=KafkaController` that verdicts rest on. Releases: `ControllerMetadataMetrics.java`,
/// `QuorumControllerMetrics.java`, `KafkaController.scala`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gauge {
    /// `ZkMigrationState` (3.5 to 3.9).
    ZkMigrationState,
    /// `MigratingZkBrokerCount` (3.6 to 3.9).
    MigratingZkBrokerCount,
    /// `GlobalTopicCount`: 0 on controllers until the copy.
    GlobalTopicCount,
    /// `FencedBrokerCount` (3.3 and newer).
    FencedBrokerCount,
    /// `MetadataErrorCount` (3.3 and newer).
    MetadataErrorCount,
    /// `ZkWriteBehindLag` (3.6 to 3.9): only of a controller with the migration flag, and 0 unless it leads.
    ZkWriteBehindLag,
    /// `TopicsToDeleteCount`: of a broker that is ZooKeeper's controller.
    TopicsToDeleteCount,
}

impl Gauge {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::ZkMigrationState,
        Self::MigratingZkBrokerCount,
        Self::GlobalTopicCount,
        Self::FencedBrokerCount,
        Self::MetadataErrorCount,
        Self::ZkWriteBehindLag,
        Self::TopicsToDeleteCount,
    ];

    /// Kafka's name of the bean.
    #[must_use]
    pub fn bean(self) -> &'static str {
        match self {
            Self::ZkMigrationState => "ZkMigrationState",
            Self::MigratingZkBrokerCount => "MigratingZkBrokerCount",
            Self::GlobalTopicCount => "GlobalTopicCount",
            Self::FencedBrokerCount => "FencedBrokerCount",
            Self::MetadataErrorCount => "MetadataErrorCount",
            Self::ZkWriteBehindLag => "ZkWriteBehindLag",
            Self::TopicsToDeleteCount => "TopicsToDeleteCount",
        }
    }

    /// The whole name of the bean in JMX, in Kafka's order of its keys. Its attribute is `Value`.
    #[must_use]
    pub fn object_name(self) -> String {
        format!("kafka.controller:type=KafkaController,name={}", self.bean())
    }
}

/// One look at every node, at stage depth: `ApiVersions` of every node, `Metadata` without topics of every
/// broker, `DescribeQuorum` of every controller and of one KRaft broker, the controllers' metrics pages; and, only where
/// it is not plain by then which controller is which and that they are the brokers', `DescribeConfigs` and
/// `DescribeCluster`. At content depth two brokers are asked for all topics, the leading controller and the broker that is
/// named as the controller for reassignments, and brokers' metrics pages are asked for where they were given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// When the first question went out.
    pub began: Timestamp,
    /// When the last answer was in or given up.
    pub ended: Timestamp,
    /// Every endpoint that was asked.
    pub nodes: Vec<Node>,
    /// Every metrics page that was asked for.
    pub pages: Vec<PageOf>,
}

impl Look {
    /// Every list of brokers that nodes gave, once where it is shared.
    pub fn broker_lists(&self) -> impl Iterator<Item = &BrokerList> {
        let mut met = HashSet::new();
        let lists = self.nodes.iter().flat_map(|node| &node.metadata.said).map(|metadata| &metadata.brokers);
        lists.filter(move |list| met.insert(Arc::as_ptr(list)))
    }

    /// Shares the lists that are the same.
    fn share_lists(&mut self) {
        let mut lists = BrokerLists::default();
        for metadata in self.nodes.iter_mut().flat_map(|node| &mut node.metadata.said) {
            lists.share(&mut metadata.brokers);
        }
    }
}

/// What one endpoint answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// As what it was asked.
    pub asked_as: AskedAs,
    /// The id that was given for this endpoint by hand.
    pub given: Option<NodeId>,
    /// Where it was asked.
    pub endpoint: Endpoint,
    /// Who told of it; `None` where its address was given by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// Which APIs it lists, and its migration flag.
    pub api_versions: Answer<ApiVersions>,
    /// Which brokers it lists. Asked of brokers only.
    pub metadata: Answer<Metadata>,
    /// What it says of the quorum. Asked of controllers, and of one KRaft broker, which asks the leader.
    pub quorum: Answer<Quorum>,
    /// Which cluster's controllers it knows. Asked of controllers.
    pub cluster: Answer<Cluster>,
    /// Its own configuration. Asked of every broker while it is on ZooKeeper, of every broker where no controller was
    /// given, of one broker otherwise where nothing else ties it to the quorum, and of controllers without an id.
    pub configs: Answer<Configs>,
    /// What stands in the metadata log. Asked of the leading controller; the others have no place for it.
    #[serde(default, skip_serializing_if = "Answer::was_not_asked")]
    pub log: Answer<Box<MetadataLog>>,
    /// All topics that it shows. Asked of two brokers at content depth, and of one broker at the depth of a stage while the
    /// copy waits: a broker that is dead and owns replicas holds it up.
    #[serde(default, skip_serializing_if = "Answer::was_not_asked")]
    pub topics: Answer<Topics>,
    /// `min.insync.replicas` of those topics that have a replica out of sync. Asked of the same brokers.
    #[serde(default, skip_serializing_if = "Answer::was_not_asked")]
    pub min_isr: Answer<Vec<MinIsr>>,
    /// Which partitions are being moved. Asked of the leading controller and of one broker, at content depth.
    #[serde(default, skip_serializing_if = "Answer::was_not_asked")]
    pub reassignments: Answer<Vec<Reassignment>>,
}

impl Node {
    /// What it says of its quorum, if it says that it leads, or asked the leader.
    #[must_use]
    pub fn leadership(&self) -> Option<&Leadership> {
        match &self.quorum.said {
            Ok(Quorum::Leader(said)) => Some(said),
            _ => None,
        }
    }
}

/// As what an endpoint was asked: by `-b` or a broker's Metadata, or by `-C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedAs {
    /// As a broker.
    Broker,
    /// As a controller.
    Controller,
}

/// Who told of an endpoint that nobody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A broker's `Metadata`.
    Metadata,
    /// A node's configuration: `controller.quorum.voters` or `controller.quorum.bootstrap.servers`.
    Configuration,
    /// The quorum's list of voters: `DescribeQuorum` from version 2 on.
    Quorum,
    /// `DescribeCluster` of a controller.
    Cluster,
    /// A registration in the metadata log.
    Log,
}

/// Whose page it is, as given by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The node with this id.
    Id(NodeId),
    /// The controller at this endpoint, whose id was not given.
    Endpoint(Endpoint),
}

/// The metrics page of one node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageOf {
    /// Whose page this is.
    pub owner: Owner,
    /// Where it was asked for.
    pub url: String,
    /// What it held.
    pub page: Answer<Page>,
}

/// An answer, or why there is none, at the place where it would stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer<T> {
    /// When it was in or given up.
    pub at: Timestamp,
    /// How long that took, in microseconds.
    pub took_us: u64,
    /// The version of the API in which it was asked; 0 for pages and for what was not asked.
    pub version: i16,
    /// What was said.
    #[serde(rename = "outcome", with = "recording::outcome")]
    #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    pub said: Result<T, Missed>,
}

impl<T> Answer<T> {
    /// Whether nobody asked, at this depth or of this node.
    #[must_use]
    pub fn was_not_asked(&self) -> bool {
        matches!(&self.said, Err(missed) if missed.why == Why::NotAsked)
    }
}

impl<T> Default for Answer<T> {
    /// Nobody asked.
    fn default() -> Self {
        let said = Err(Missed::new(Why::NotAsked, "not asked"));
        Self { at: Timestamp::default(), took_us: 0, version: 0, said }
    }
}
