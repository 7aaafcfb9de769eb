//! What nodes say: the answers to the questions of a look, as they were given.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Endpoint, Gauge, NodeId};

/// The answer to `ApiVersions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiVersions {
    /// Every API that is listed: key, lowest and highest version. Lists that are the same are shared, for nodes of one
    /// release list the same.
    pub apis: Arc<[(i16, i16, i16)]>,
    /// `ZkMigrationReady`: the node's own `zookeeper.metadata.migration.enable` (3.5 to 3.9; always false in
    /// 3.4 and 4.x). `None` where the answer has no place for it (before version 3).
    pub zk_migration_ready: Option<bool>,
    /// What it tells of `metadata.version` (version 3 and newer).
    #[serde(default, skip_serializing_if = "Features::is_silent")]
    pub features: Features,
}

/// What `ApiVersions` tells of the feature `metadata.version` (KIP-584, KIP-778).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The lowest and the highest level that the node's software supports; a broker on ZooKeeper tells none.
    pub supported: Option<(i16, i16)>,
    /// The finalized level; brokers on ZooKeeper, and controllers before 3.6, tell none.
    pub finalized: Option<i16>,
    /// `FinalizedFeaturesEpoch`: of a KRaft broker the last offset of the metadata that it serves from; of a controller of
    /// the last change of a feature; of a broker on ZooKeeper the version of a znode. `None` for −1, not known yet.
    pub epoch: Option<i64>,
}

impl Features {
    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// Which releases a node's software is of, as far as a migration is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// 3.4 or older: the migration flag is not on the wire, and there is no gauge of the state.
    BeforeFlag,
    /// 3.5 to 3.9.
    Migrating,
    /// 4.0 or newer: no code of ZooKeeper is left in it.
    WithoutZookeeper,
}

/// A minor release of Kafka, as far as a list of APIs tells one from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(usize);

impl Release {
    const NAMES: [&'static str; 8] = ["3.4 or older", "3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1 or newer"];

    /// The minor release of 3.x, 4 to 9; of what is older 4.
    #[must_use]
    pub fn minor_of_3(self) -> Option<u8> {
        u8::try_from(self.0).ok().filter(|place| *place < 6).map(|place| place + 4)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.get(self.0).copied().unwrap_or_default())
    }
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

const ADD_PARTITIONS_TO_TXN: i16 = 24;
const CREATE_DELEGATION_TOKEN: i16 = 38;
const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const METADATA: i16 = 3;
const LEADER_AND_ISR: i16 = 4;
const STOP_REPLICA: i16 = 5;
const UPDATE_METADATA: i16 = 6;
const VOTE: i16 = 52;

impl ApiVersions {
    /// The generation of the software, by its versions of Fetch: 3.4 goes up to 13, 3.5 to 15 (KIP-405, KIP-903), and
    /// 4.0 begins at 4 (KIP-896). Every broker and controller lists Fetch, each for itself: it is never forwarded. A
    /// list without it is of nothing that is known, and taken for the generation that tells least.
    #[must_use]
    pub fn generation(&self) -> Generation {
        match self.apis.iter().find(|api| api.0 == FETCH) {
            Some((_, 4.., _)) => Generation::WithoutZookeeper,
            Some((_, _, 14..)) => Generation::Migrating,
            _ => Generation::BeforeFlag,
        }
    }

    /// The oldest and the newest release that the software can be of. Fetch went up in 3.5, 3.7, 3.9 and 4.1; between,
    /// brokers of 3.6 have a newer `AddPartitionsToTxn` and those of 3.8 a newer Produce, and controllers of 3.6 list
    /// delegation tokens; controllers of 3.7 and 3.8 list the same (Kafka's `*Request.json`; held to recordings of every
    /// release). `None` for a list without Fetch.
    #[must_use]
    pub fn releases(&self) -> Option<(Release, Release)> {
        let highest = |key| self.apis.iter().find(|api| api.0 == key).map(|api| api.2);
        let (_, lowest_fetch, highest_fetch) = self.apis.iter().find(|api| api.0 == FETCH)?;
        let (oldest, newest) = match (lowest_fetch, highest_fetch) {
            (4.., ..=17) => (6, 6),
            (4.., _) => (7, 7),
            (_, ..=13) => (0, 0),
            (_, 14..=15) => match (highest(ADD_PARTITIONS_TO_TXN), highest(CREATE_DELEGATION_TOKEN)) {
                (Some(..=3), _) | (None, None) => (1, 1),
                _ => (2, 2),
            },
            (_, 16) => match highest(PRODUCE) {
                Some(..=10) => (3, 3),
                Some(_) => (4, 4),
                // The highest level of metadata.version tells them apart where it is told: 19 of 3.7, 20 of 3.8.
                None => match self.features.supported {
                    Some((_, ..=19)) => (3, 3),
                    Some(_) => (4, 4),
                    None => (3, 4),
                },
            },
            _ => (5, 5),
        };
        Some((Release(oldest), Release(newest)))
    }

    /// What this listener is: Vote is listed by controllers only; LeaderAndIsr, StopReplica and UpdateMetadata
    /// by ZooKeeper brokers only (the `listeners` of Kafka's `*Request.json`, alike from 2.8 to 3.9). `None` for
    /// a list that is neither.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        // One pass over some sixty APIs, for this is asked often; a bit a key.
        let listed = self.apis.iter().fold(0_u64, |bits, api| match api.0 {
            key @ 0..64 => bits | 1 << key,
            _ => bits,
        });
        let lists = |key: i16| listed & (1 << key) != 0;
        let zookeeper = [LEADER_AND_ISR, STOP_REPLICA, UPDATE_METADATA].map(lists);
        if lists(VOTE) {
            Some(Role::Controller)
        } else if !lists(PRODUCE) || !lists(METADATA) {
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

/// The brokers that a node lists. Lists that are the same are shared, for a thousand brokers list a thousand each.
pub type BrokerList = Arc<[(NodeId, Endpoint)]>;

/// The different lists of brokers that were met.
#[derive(Debug, Default)]
pub struct BrokerLists(Vec<BrokerList>);

impl BrokerLists {
    /// Takes the same list that was met before, if there was one, in place of this one; whether there was none. A cluster
    /// has few different ones, so they are compared one after the other.
    pub fn share(&mut self, list: &mut BrokerList) -> bool {
        if self.0.iter().any(|known| Arc::ptr_eq(known, list)) {
            return false;
        }
        if let Some(same) = self.0.iter().find(|known| known == &list) {
            *list = Arc::clone(same);
            return false;
        }
        self.0.push(Arc::clone(list));
        true
    }

    /// Every broker that stands in one of them, with where it is there.
    pub fn brokers(&self) -> impl Iterator<Item = &(NodeId, Endpoint)> {
        self.0.iter().flat_map(|list| &**list)
    }
}

/// The answer to `Metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The cluster's id, where the version has it and the node knows it.
    pub cluster_id: Option<String>,
    /// The brokers that are listed, with the endpoint of the listener that was asked.
    pub brokers: BrokerList,
    /// Whom the node names as the active controller, −1 for nobody: once, and of a ZooKeeper broker in migration mode
    /// again and again until two answers differ. While KRaft controllers rule, a broker names any live broker.
    pub controller_ids: Vec<NodeId>,
}

/// The answer to `DescribeCluster` of a controller, endpoint type 2 (3.7 and newer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The cluster's id.
    pub cluster_id: String,
    /// The controllers that are registered, each with an endpoint.
    pub controllers: Vec<(NodeId, Endpoint)>,
}

/// The answer to `DescribeConfigs`, of the one id that the node answers for: its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configs {
    /// The node's id.
    pub id: NodeId,
    /// The properties that were asked for, with their values; none of them can be secret.
    pub properties: Vec<(String, Option<String>)>,
}

impl Configs {
    /// The value of a property that the node knows and has set to something.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.properties.iter().find(|(known, _)| known == name)?;
        value.as_deref().filter(|value| !value.is_empty())
    }

    /// The controllers of `controller.quorum.voters` (`1@host:port,2@host:port`) and then those of
    /// `controller.quorum.bootstrap.servers` (`host:port,host:port`; 3.9 and newer). What cannot be read is left out.
    pub fn controllers(&self) -> impl Iterator<Item = (Option<NodeId>, Endpoint)> {
        let quorum = ["controller.quorum.voters", "controller.quorum.bootstrap.servers"];
        quorum.into_iter().filter_map(|name| self.value(name)).flat_map(|value| value.split(',')).filter_map(controller)
    }
}

fn controller(text: &str) -> Option<(Option<NodeId>, Endpoint)> {
    let (id, place) = match text.trim().split_once('@') {
        Some((id, place)) => (Some(id.parse().ok()?), place),
        None => (None, text.trim()),
    };
    let (host, port) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then_some((id, Endpoint { host, port }))
}

/// The answer to `DescribeQuorum`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// The node is not the leader. Kafka fills the rest of such an answer with zeros, so it is not kept.
    NotLeader,
    /// The node says that it is the leader, and what it knows of the others.
    Leader(Leadership),
}

/// What a leader says of its quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The voters' endpoints, several of one voter where it has several listeners (version 2, Kafka 3.9 and newer).
    pub nodes: Vec<(NodeId, Endpoint)>,
}

/// One replica of the metadata log, as its leader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What a metrics page says that can matter: samples with `controller` in their name, and those of a name that was given
/// by hand. Where an agent was asked for beans, a sample has the name of its bean as Kafka writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// In the page's order.
    pub samples: Vec<Sample>,
    /// Gauges that an agent's policy denies us, although it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<Gauge>,
}

/// One sample of a metrics page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels, in the page's order.
    pub labels: Vec<(String, String)>,
    /// Its value, as the page spells it: a number.
    pub value: String,
}
