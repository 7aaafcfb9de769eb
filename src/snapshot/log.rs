//! What the metadata log says: `__cluster_metadata`, by the records that were committed when it was read. Kept are the few
//! kinds of records that a migration is about; what the others hold (topics, partitions, ACLs) was passed over by its
//! length.

use serde::{Deserialize, Serialize};

use super::{Endpoint, NodeId};

/// What stands in the log of the leading controller, up to its high watermark. Times are those of the leader's clock, in
/// milliseconds since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataLog {
    /// Who led when it was read.
    pub leader: NodeId,
    /// Its leader epoch.
    pub epoch: i32,
    /// The high watermark up to which it was read, exclusive.
    pub high_watermark: i64,
    /// The end offset of the snapshot that it begins with, exclusive; `None` where it was read from its first record on.
    pub snapshot_end: Option<i64>,
    /// How many bytes of it were read in this look.
    pub bytes: u64,
    /// When its last record was written.
    pub last_append: i64,
    /// When the last record was written that changes anything: of any kind but `NoOpRecord`. Of what stands in the snapshot
    /// it is told when the last record was. `None` in recordings from before this was looked at.
    #[serde(default)]
    pub last_change: Option<i64>,
    /// The offset of the transaction that is open at the high watermark (KIP-868): the copy of ZooKeeper's metadata is one,
    /// and nothing in it counts before its end.
    pub transaction: Option<i64>,
    /// The `ZkMigrationStateRecord`s, oldest first: all of them since the snapshot and the one that stands in it.
    pub states: Vec<StateRecord>,
    /// Finalized features by their names, by `FeatureLevelRecord`.
    pub features: Vec<(String, i16)>,
    /// The brokers that are registered, fenced and dead ones included, in the order of their ids.
    pub brokers: Vec<Registration>,
    /// The controllers that are registered (3.7 and newer, from `metadata.version` 3.7-IV0 on), likewise.
    pub controllers: Vec<ControllerRegistration>,
}

/// `PRE_MIGRATION` of `ZkMigrationState.java` (3.5 and newer).
const PRE_MIGRATION: i8 = 2;

impl MetadataLog {
    /// Whether the copy of ZooKeeper's metadata is still to come: what is asked depends on it.
    #[must_use]
    pub fn awaits_copy(&self) -> bool {
        self.states.last().is_some_and(|record| record.state == PRE_MIGRATION)
    }
}

/// One `ZkMigrationStateRecord`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRecord {
    /// Its offset; `None` where it stands in the snapshot.
    pub offset: Option<i64>,
    /// When it was written; in a snapshot, when the last record of that was.
    pub at: i64,
    /// `ZkMigrationState` in Kafka's numbers.
    pub state: i8,
}

/// A broker's registration, by `RegisterBrokerRecord` and what changed of it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Its id.
    pub id: NodeId,
    /// Its broker epoch: the offset of its registration.
    pub epoch: i64,
    /// The id of the process that registered, as Kafka writes it.
    pub incarnation: String,
    /// `IsMigratingZkBroker`: it registered as a broker on ZooKeeper in migration mode.
    pub migrating: bool,
    /// Whether it is fenced: not heard of, or not yet caught up.
    pub fenced: bool,
    /// Whether it is shutting down.
    pub in_controlled_shutdown: bool,
    /// When it registered, or when the last record of the snapshot was written that has its registration.
    pub at: i64,
    /// Its listeners.
    pub listeners: Vec<Listener>,
    /// The range of `metadata.version` that it supports; of a broker in migration mode its `inter.broker.protocol.version`
    /// twice.
    pub metadata_version: Option<(i16, i16)>,
    /// Its log directories' ids (3.7 and newer), as Kafka writes them.
    pub log_dirs: Vec<String>,
}

/// A controller's registration, by `RegisterControllerRecord`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerRegistration {
    /// Its id.
    pub id: NodeId,
    /// `ZkMigrationReady`: it was started with the migration flag.
    pub zk_migration_ready: bool,
    /// When it registered, as of brokers.
    pub at: i64,
    /// Its listeners.
    pub listeners: Vec<Listener>,
}

/// A listener of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The id of its `SecurityProtocol`: 0 `PLAINTEXT`, 1 `SSL`, 2 `SASL_PLAINTEXT`, 3 `SASL_SSL`.
    pub security_protocol: i16,
}
