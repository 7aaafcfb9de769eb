//! What a record of the metadata log says, of those that a migration is about; of all others it is only known of which
//! kind they are.
//!
//! Source of every field: Kafka's `metadata/src/main/resources/common/metadata/*.json`, and for the quorum's own records
//! `clients/src/main/resources/common/message/*.json` (3.4 to 4.3). A value begins with the frame version 1, the record's
//! API key and its version, each an unsigned varint (`AbstractApiMessageSerde.java`); all versions are flexible (KIP-482).
//!
//! A field that is no tagged one is only ever added with a new version, so of a version that is not known nothing is read:
//! where in it a known field stands would be a guess, and the record matters. A tagged field that is not known is passed
//! over. Of a record whose kind says everything, the body is not looked at, whatever its version. Not here: how the fields
//! are read (`fields`).

mod fields;

use super::batches::{Batch, RawRecord};
use super::guard::Malformed;
use fields::Fields;

/// A record of the metadata log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// `ZkMigrationStateRecord`, version 0 (3.4 and newer): the state in Kafka's numbers. 3.4 has other numbers, and never
    /// writes any but 1 (`ZkMigrationRecord.json`).
    ZkMigrationState(i8),
    /// `RegisterBrokerRecord`.
    RegisterBroker(RegisterBroker),
    /// `BrokerRegistrationChangeRecord`.
    BrokerRegistrationChange(BrokerRegistrationChange),
    /// `UnregisterBrokerRecord`, version 0.
    UnregisterBroker {
        /// The broker's id.
        id: i32,
        /// The broker epoch of the registration that ends.
        epoch: i64,
    },
    /// `FenceBrokerRecord`, version 0: only below `metadata.version` 3.3-IV2.
    FenceBroker {
        /// The broker's id.
        id: i32,
        /// Its broker epoch.
        epoch: i64,
    },
    /// `UnfenceBrokerRecord`, version 0, likewise.
    UnfenceBroker {
        /// The broker's id.
        id: i32,
        /// Its broker epoch.
        epoch: i64,
    },
    /// `FeatureLevelRecord`, version 0, which cannot advance.
    FeatureLevel {
        /// The feature's name.
        name: String,
        /// Its finalized level, 0 for none.
        level: i16,
    },
    /// `RegisterControllerRecord`.
    RegisterController(RegisterController),
    /// `BeginTransactionRecord` (KIP-868, 3.6 and newer): what follows counts from the transaction's end on.
    BeginTransaction,
    /// `EndTransactionRecord`.
    EndTransaction,
    /// `AbortTransactionRecord`: nothing since its beginning counts.
    AbortTransaction,
    /// `NoOpRecord`: written twice a second while nothing else is.
    NoOp,
    /// `LeaderChangeMessage`, versions 0 and 1 (1 in 3.9 and newer), a control record: the first of an epoch.
    LeaderChange {
        /// Who was elected.
        leader: i32,
    },
    /// `SnapshotHeaderRecord`, version 0, a control record: a snapshot's first.
    SnapshotHeader {
        /// `LastContainedLogTimestamp`: when the last record was written that is in it.
        last_contained: i64,
    },
    /// `SnapshotFooterRecord`, a control record: a snapshot's last.
    SnapshotFooter,
    /// `KRaftVersionRecord`, version 0 (KIP-853, 3.9 and newer), a control record: 1 for a dynamic quorum.
    KraftVersion(i16),
    /// `VotersRecord`, version 0 (KIP-853), a control record: who has a vote in a dynamic quorum.
    Voters(Vec<i32>),
    /// Anything else, by its API key; a control record by its type.
    Other(u32),
}

/// `RegisterBrokerRecord`, versions 0 to 4.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterBroker {
    /// `BrokerId`.
    pub id: i32,
    /// `BrokerEpoch`: the offset of the registration.
    pub epoch: i64,
    /// `IncarnationId`: of the process.
    pub incarnation: [u8; 16],
    /// `IsMigratingZkBroker` (version 2, 3.4 and newer).
    pub is_migrating_zk_broker: bool,
    /// `EndPoints`.
    pub endpoints: Vec<RecordEndpoint>,
    /// `Features`: name, lowest and highest level that it supports.
    pub features: Vec<(String, i16, i16)>,
    /// `Rack`.
    pub rack: Option<String>,
    /// `Fenced`.
    pub fenced: bool,
    /// `InControlledShutdown` (version 1, 3.3 and newer).
    pub in_controlled_shutdown: bool,
    /// `LogDirs` (version 3, 3.7 and newer), a tagged field; version 4 has the cordoned ones in another (KIP-1066, 4.3 and
    /// newer), which is passed over.
    pub log_dirs: Vec<[u8; 16]>,
}

/// An endpoint in a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEndpoint {
    /// The listener's name.
    pub name: String,
    /// The host.
    pub host: String,
    /// The port, which can be 0.
    pub port: u16,
    /// The id of its `SecurityProtocol`.
    pub security_protocol: i16,
}

/// `BrokerRegistrationChangeRecord`, versions 0 to 3: what changed of a registration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerRegistrationChange {
    /// `BrokerId`.
    pub id: i32,
    /// `BrokerEpoch`.
    pub epoch: i64,
    /// `Fenced`, if that changed (`BrokerRegistrationFencingChange.java`).
    pub fenced: Option<bool>,
    /// `InControlledShutdown`, if that changed (version 1): to true always.
    pub in_controlled_shutdown: Option<bool>,
    /// `LogDirs` (version 2, 3.7 and newer); empty if nothing changed. Version 3 has the cordoned ones (KIP-1066), which
    /// are passed over.
    pub log_dirs: Vec<[u8; 16]>,
}

/// `RegisterControllerRecord`, version 0 (KIP-919, 3.7 and newer from `metadata.version` 3.7-IV0 on).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterController {
    /// `ControllerId`.
    pub id: i32,
    /// `IncarnationId`: of the process.
    pub incarnation: [u8; 16],
    /// `ZkMigrationReady`: it was started with the migration flag.
    pub zk_migration_ready: bool,
    /// `EndPoints`.
    pub endpoints: Vec<RecordEndpoint>,
    /// `Features`: name, lowest and highest level that it supports.
    pub features: Vec<(String, i16, i16)>,
}

impl Record {
    /// What a record says.
    ///
    /// # Errors
    /// [`Malformed`], with the byte of its value, when it is not of its kind's form, or of a version that is not known.
    pub fn read(batch: &Batch<'_>, raw: &RawRecord<'_>) -> Result<Self, Malformed> {
        let mut fields = Fields::of(raw.value.unwrap_or_default());
        if batch.is_control {
            // Its version and its type (`ControlRecordType.java`).
            match raw.key {
                Some([_, _, high, low, ..]) => fields.control(i16::from_be_bytes([*high, *low])),
                _ => Err(fields.wrong("a control record without a type".to_owned())),
            }
        } else {
            fields.data()
        }
    }
}
