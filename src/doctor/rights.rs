//! THE TABLE of rights: what a user must be allowed, for which request, of which command.
//!
//! From Kafka's own sources: `KafkaApis.scala` and `ControllerApis.scala` (3.4 to 3.9), `AuthHelper.scala`; seen on a
//! secured 3.9. What needs no right is not here: `ApiVersions`, brokers and controller of `Metadata`.

use crate::snapshot::{Depth, Missed, Node, Why};

/// The request whose answer leaves out what may not be seen.
pub(super) const METADATA: &str = "Metadata";

/// The request for the metadata log, without which the metrics pages tell.
pub(super) const LOG: &str = "Fetch";

/// What a user must be allowed.
#[derive(Debug)]
pub struct Right {
    /// The operation, as an ACL names it (`AclOperation`).
    pub operation: &'static str,
    /// What it is done to.
    pub resource: Resource,
    /// The requests that ask for it.
    pub apis: &'static [&'static str],
    /// The depth of the looks that need it.
    pub depth: Depth,
    /// When those looks need it.
    pub when: &'static str,
    /// What it lets us see.
    pub shows: &'static str,
    /// What is said without it.
    pub without: &'static str,
    /// The answers that rest on it, with the names of their requests.
    pub(super) answers: fn(&Node) -> Vec<(&'static str, Tried<'_>)>,
}

/// What an operation is done to, as an ACL names it (`ResourceType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The cluster.
    Cluster,
    /// Every topic.
    Topics,
}

impl Resource {
    /// The resource in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Cluster => "the cluster",
            Self::Topics => "all topics",
        }
    }

    /// The resource as `kafka-acls.sh` takes it.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Cluster => "--cluster",
            Self::Topics => "--topic '*'",
        }
    }
}

/// What came of asking.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tried<'a> {
    /// It was answered, or not, for this reason.
    Asked(Result<(), &'a Missed>),
    /// It would have been asked, but there was nothing to ask about.
    Nothing(&'static str),
    /// This node is not asked for it.
    Never,
}

fn tried<T>(said: &Result<T, Missed>) -> Tried<'_> {
    match said {
        Err(missed) if matches!(missed.why, Why::NotAsked | Why::NotListed) => Tried::Never,
        said => Tried::Asked(said.as_ref().map(|_| ())),
    }
}

/// Every right that any command needs, the most needed first.
pub static RIGHTS: [Right; 6] = [
    Right {
        operation: "Describe",
        resource: Resource::Cluster,
        apis: &["DescribeQuorum", "ListPartitionReassignments"],
        depth: Depth::Stage,
        when: "always",
        shows: "who leads the quorum, who votes and who keeps up; for health, which partitions are being moved",
        without: "no stage is ever complete: cannot tell, 77 once the metadata is copied",
        answers: |node| {
            vec![
                ("DescribeQuorum", tried(&node.quorum.said)),
                ("ListPartitionReassignments", tried(&node.reassignments.said)),
            ]
        },
    },
    Right {
        operation: "Describe",
        resource: Resource::Topics,
        apis: &[METADATA],
        depth: Depth::Content,
        when: "always",
        shows: "which partitions have no leader, or a replica out of sync; while the copy waits, who has replicas",
        without: "Kafka leaves topics out without a word; health cannot tell when none are shown, or fewer than the \
                  controllers count",
        answers: |node| vec![(METADATA, tried(&node.topics.said))],
    },
    Right {
        operation: "DescribeConfigs",
        resource: Resource::Topics,
        apis: &["DescribeConfigs"],
        depth: Depth::Content,
        when: "while a replica is out of sync",
        shows: "min.insync.replicas of its topic",
        without: "health cannot tell whether partitions are under it",
        answers: |node| {
            let whole = node.topics.said.as_ref().is_ok_and(|topics| topics.not_whole.is_empty());
            let tried = if whole { Tried::Nothing("no replica is out of sync now") } else { tried(&node.min_isr.said) };
            vec![("DescribeConfigs", tried)]
        },
    },
    Right {
        operation: "ClusterAction",
        resource: Resource::Cluster,
        apis: &["Fetch", "FetchSnapshot"],
        depth: Depth::Stage,
        when: "of the leading controller, where no metrics page of the controllers is given",
        shows: "the metadata log: the state, which brokers are registered and as what, and whether the copy is under way",
        without: "the state is read from a controller's metrics page; without one too, as much as follows from flags and \
                  registered brokers, and 77 once the metadata is copied",
        answers: |node| vec![(LOG, tried(&node.log.said))],
    },
    Right {
        operation: "DescribeConfigs",
        resource: Resource::Cluster,
        apis: &["DescribeConfigs"],
        depth: Depth::Stage,
        when: "where controllers are given without ids, or before any broker is on KRaft",
        shows: "where the controllers are and which is which, that brokers and controllers are of one cluster, and the brokers' \
                inter.broker.protocol.version",
        without: "give -C ID@HOST:PORT; that they are of one cluster stays unproved, which is a warning; less is told of what \
                  the copy waits for",
        answers: |node| vec![("DescribeConfigs", tried(&node.configs.said))],
    },
    Right {
        operation: "Alter",
        resource: Resource::Cluster,
        apis: &["DescribeCluster"],
        depth: Depth::Stage,
        when: "of controllers, where nothing else tells that they are the brokers', or --expect-cluster-id is given",
        shows: "the controllers' cluster id, and their addresses",
        without: "the cluster's id is only known from brokers, which is a warning",
        answers: |node| vec![("DescribeCluster", tried(&node.cluster.said))],
    },
];
