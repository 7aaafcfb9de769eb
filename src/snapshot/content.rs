//! What nodes say of what the cluster holds and does: asked for health only, as `Depth::Content` has it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::NodeId;

/// The answer to `Metadata` with all topics. Of the partitions those are kept that are not whole: without a leader in
/// sync, with a replica out of sync or offline, or with an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// How many topics the broker shows; those without a right to be seen are left out without a word.
    pub topics: u32,
    /// How many partitions they have.
    pub partitions: u32,
    /// Those that are not whole, the first of them.
    pub not_whole: Vec<Partition>,
    /// How many more are not whole: not even a cluster without any leader fills the memory.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more_not_whole: u32,
    /// Every broker that has a replica of anything, with the first few topics of which it has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assigned: BTreeMap<NodeId, Vec<Arc<str>>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(more: &u32) -> bool {
    *more == 0
}

/// A partition as a broker shows it. A topic with an error of its own stands here with the index −1 and without replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its index.
    pub index: i32,
    /// Its error code, 0 for none.
    pub error_code: i16,
    /// Its leader, −1 for none.
    pub leader: NodeId,
    /// Its replicas.
    pub replicas: Vec<NodeId>,
    /// Those that are in sync.
    pub isr: Vec<NodeId>,
    /// Those that are offline.
    pub offline: Vec<NodeId>,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.index < 0 { f.write_str(&self.topic) } else { write!(f, "{}-{}", self.topic, self.index) }
    }
}

/// A partition that is being moved, by `ListPartitionReassignments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reassignment {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its index.
    pub index: i32,
    /// Its replicas, those that come and those that go included.
    pub replicas: Vec<NodeId>,
    /// Those that come.
    pub adding: Vec<NodeId>,
    /// Those that go.
    pub removing: Vec<NodeId>,
}

impl fmt::Display for Reassignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}

/// `min.insync.replicas` of a topic, by `DescribeConfigs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinIsr {
    /// The topic.
    pub topic: String,
    /// How many replicas must be in sync for a write that all of them have to acknowledge.
    pub min_isr: u32,
}
