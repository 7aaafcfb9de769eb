//! The first waist: whom we expected, what each node answered, what we missed and why, and when.
//!
//! Answers are kept as they were given; nothing here is a conclusion. Whatever is judged is derived from this
//! value alone (`signals`), so that tomorrow's rows can be asked of yesterday's snapshot. Not here: how the
//! answers were got (`observe`).

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// Kafka's `node.id` or `broker.id`: one namespace for brokers and controllers.
pub type NodeId = i32;

/// Milliseconds since the Unix epoch, by our clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// Where a listener is. Hosts are compared as text, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A broker, by its id.
    Broker(NodeId),
    /// A controller, by its id.
    Controller(NodeId),
    /// The controller quorum, or the cluster as a whole.
    Quorum,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Controller(id) => write!(f, "controller {id}"),
            Self::Quorum => write!(f, "quorum"),
        }
    }
}

/// Everything that was observed, in one or two looks.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Whom we expect.
    pub expected: Expected,
    /// The looks, oldest first: one, or two where a guard had to be confirmed. The last one is judged.
    pub looks: Vec<Look>,
}

/// Whom we expect. `None` is "nobody said", which is not the same as "nobody".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The ids of all brokers of the cluster.
    pub brokers: Option<BTreeSet<NodeId>>,
    /// The ids of all controllers of the quorum.
    pub controllers: Option<BTreeSet<NodeId>>,
}

/// One look at every node, at stage depth: `ApiVersions` of every node, `Metadata` without topics of every
/// broker, `DescribeQuorum` of every controller, the controllers' metrics pages.
#[derive(Debug, Clone)]
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

/// What one endpoint answered.
#[derive(Debug, Clone)]
pub struct Node {
    /// As what it was asked.
    pub asked_as: AskedAs,
    /// The id that was given for this endpoint by hand.
    pub given: Option<NodeId>,
    /// Where it was asked.
    pub endpoint: Endpoint,
    /// Which APIs it lists, and its migration flag.
    pub api_versions: Answer<ApiVersions>,
    /// Which brokers it lists. Asked of brokers only.
    pub metadata: Answer<Metadata>,
    /// What it says of the quorum. Asked of controllers only.
    pub quorum: Answer<Quorum>,
}

/// As what an endpoint was asked: by `-b` or a broker's Metadata, or by `-C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskedAs {
    /// As a broker.
    Broker,
    /// As a controller.
    Controller,
}

/// The metrics page of one controller.
#[derive(Debug, Clone)]
pub struct PageOf {
    /// Whose page this is, as given by hand.
    pub id: NodeId,
    /// Where it was asked for.
    pub url: String,
    /// What it held.
    pub page: Answer<Page>,
}

/// An answer, or why there is none, at the place where it would stand.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// When it was in or given up.
    pub at: Timestamp,
    /// How long that took.
    pub took: Duration,
    /// The version of the API in which it was asked; 0 for pages and for what was not asked.
    pub version: i16,
    /// What was said.
    pub said: Result<T, Missed>,
}

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The kind of reason.
    pub why: Why,
    /// The reason in words, without the name of the node.
    pub words: String,
}

impl Missed {
    /// A reason in words.
    #[must_use]
    pub fn new(why: Why, words: impl Into<String>) -> Self {
        Self { why, words: words.into() }
    }
}

/// The kinds of reasons for which something was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nobody told us where it is.
    NoAddress,
    /// It was not asked, because of what was seen or missed before.
    NotAsked,
    /// The node does not list the API, so it was not asked.
    NotListed,
    /// Nothing listens there.
    Refused,
    /// The connection could not be made for another reason.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The connection was closed before the answer was complete.
    Closed,
    /// The peer speaks another protocol or plays another role.
    WrongTarget,
    /// The answer could not be read.
    Malformed,
    /// The answer was larger than what is read.
    TooLarge,
    /// The node denied the request.
    Denied,
    /// The node answered with another error.
    ErrorCode,
    /// The page was answered, but not with 200 and metrics.
    NotAPage,
    /// The page was answered, without this metric.
    WithoutMetric,
    /// The value is there and says that nothing is known yet.
    NotLoaded,
    /// Several values, and no way to choose.
    Ambiguous,
    /// It was not said whom we expect.
    NoExpectation,
    /// It was seen once and could not be confirmed.
    NotConfirmed,
    /// A defect of this program, confined to this answer.
    Internal,
}

impl Why {
    /// The name under which it is reported.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NoAddress => "no-address",
            Self::NotAsked => "not-asked",
            Self::NotListed => "api-not-listed",
            Self::Refused => "connection-refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Closed => "connection-closed",
            Self::WrongTarget => "wrong-target",
            Self::Malformed => "malformed-answer",
            Self::TooLarge => "answer-too-large",
            Self::Denied => "not-authorized",
            Self::ErrorCode => "error-code",
            Self::NotAPage => "not-a-metrics-page",
            Self::WithoutMetric => "page-without-metric",
            Self::NotLoaded => "not-loaded-yet",
            Self::Ambiguous => "ambiguous",
            Self::NoExpectation => "nobody-expected",
            Self::NotConfirmed => "not-confirmed",
            Self::Internal => "internal",
        }
    }
}

/// The answer to `ApiVersions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersions {
    /// Every API that is listed: key, lowest and highest version.
    pub apis: Vec<(i16, i16, i16)>,
    /// `ZkMigrationReady`: the node's own `zookeeper.metadata.migration.enable` (3.5 to 3.9; always false in
    /// 3.4 and 4.x). `None` where the answer has no place for it (before version 3).
    pub zk_migration_ready: Option<bool>,
}

/// What a listener is, by the APIs that it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A broker that is still driven through ZooKeeper: it takes the ZooKeeper controller's requests.
    ZookeeperBroker,
    /// A broker that is driven through the metadata log.
    KraftBroker,
    /// A controller's listener.
    Controller,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZookeeperBroker => "a ZooKeeper broker",
            Self::KraftBroker => "a KRaft broker",
            Self::Controller => "a controller",
        })
    }
}

const PRODUCE: i16 = 0;
const METADATA: i16 = 3;
const LEADER_AND_ISR: i16 = 4;
const STOP_REPLICA: i16 = 5;
const UPDATE_METADATA: i16 = 6;
const VOTE: i16 = 52;

impl ApiVersions {
    /// Whether the node lists this API.
    #[must_use]
    pub fn lists(&self, key: i16) -> bool {
        self.apis.iter().any(|api| api.0 == key)
    }

    /// What this listener is: Vote is listed by controllers only; LeaderAndIsr, StopReplica and UpdateMetadata
    /// by ZooKeeper brokers only (the `listeners` of Kafka's `*Request.json`, alike from 2.8 to 3.9). `None` for
    /// a list that is neither.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        let zookeeper = [LEADER_AND_ISR, STOP_REPLICA, UPDATE_METADATA].map(|key| self.lists(key));
        if self.lists(VOTE) {
            Some(Role::Controller)
        } else if !self.lists(PRODUCE) || !self.lists(METADATA) {
            None
        } else if zookeeper == [true; 3] {
            Some(Role::ZookeeperBroker)
        } else if zookeeper == [false; 3] {
            Some(Role::KraftBroker)
        } else {
            None
        }
    }
}

/// The answer to `Metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The cluster's id, where the version has it and the node knows it.
    pub cluster_id: Option<String>,
    /// The brokers that are listed, with the endpoint of the listener that was asked.
    pub brokers: Vec<(NodeId, Endpoint)>,
}

/// The answer to `DescribeQuorum`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quorum {
    /// The node is not the leader. Kafka fills the rest of such an answer with zeros, so it is not kept.
    NotLeader,
    /// The node says that it is the leader, and what it knows of the others.
    Leader(Leadership),
}

/// What a leader says of its quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leadership {
    /// The leader's id, as it says itself.
    pub leader: NodeId,
    /// Its leader epoch.
    pub epoch: i32,
    /// The high watermark, exclusive; −1 while it is not known.
    pub high_watermark: i64,
    /// The voters, whether they were ever heard of or not.
    pub voters: Vec<Replica>,
    /// Whoever else fetched within the last five minutes, brokers included.
    pub observers: Vec<Replica>,
}

/// One replica of the metadata log, as its leader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replica {
    /// Its id.
    pub id: NodeId,
    /// The offset of its last fetch; −1 if it never fetched.
    pub log_end_offset: i64,
    /// When it last fetched, by the leader's clock, in milliseconds since the epoch. `None`: never, or not told
    /// (version 0).
    pub last_fetch: Option<i64>,
    /// When it was last caught up, likewise.
    pub last_caught_up: Option<i64>,
}

/// The samples of a metrics page that can matter: those with `controller` in their name.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In the page's order.
    pub samples: Vec<Sample>,
}

/// One sample of a metrics page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels, in the page's order.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// Where a reading was taken from.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The field or metric.
    pub source: Source,
    /// The endpoint that answered; `None` for pages, which have a URL.
    pub endpoint: Option<Endpoint>,
    /// When it was in or given up.
    pub at: Timestamp,
    /// How long that took.
    pub took: Duration,
}

/// A field of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A field of a Kafka response.
    Api {
        /// Kafka's name of the API.
        api: &'static str,
        /// The version in which it was asked.
        version: i16,
        /// The field's name in Kafka's schema.
        field: &'static str,
    },
    /// A metric of a page.
    Page {
        /// The page.
        url: String,
        /// The metric as the page spells it; the bean's name where it was not found.
        metric: String,
        /// Its labels.
        labels: Vec<(String, String)>,
    },
}
