//! The metadata log as we decode it, held to what Kafka's own decoder says of the same bytes, record by record.

use std::collections::BTreeMap;

use kraft_check::wire::{self, Batch, Record, RecordEndpoint};
use serde_json::{Map, Value, json};

/// The kinds of records of which no more is known than which they are, by the API key of Kafka's schemas.
const OTHERS: &[(u32, &str)] = &[
    (2, "TOPIC_RECORD"),
    (3, "PARTITION_RECORD"),
    (4, "CONFIG_RECORD"),
    (5, "PARTITION_CHANGE_RECORD"),
    (11, "USER_SCRAM_CREDENTIAL_RECORD"),
    (14, "CLIENT_QUOTA_RECORD"),
    (15, "PRODUCER_IDS_RECORD"),
    (18, "ACCESS_CONTROL_ENTRY_RECORD"),
    (9, "REMOVE_TOPIC_RECORD"),
];

/// How often each kind of record was met.
pub(crate) type Kinds = BTreeMap<String, usize>;

/// Panics where the decoder, of which a line of text is one record, says anything else than we do.
pub(crate) fn agrees(place: &str, bytes: &[u8], dump: &str) -> Kinds {
    let mut kinds = Kinds::new();
    let mut lines = dump.lines();
    let mut left = bytes;
    while let Some(size) = wire::batch_size(left).unwrap_or_else(|error| panic!("{place}: {error}")) {
        // What was copied while it was written may end inside a batch.
        let Some((batch, rest)) = left.split_at_checked(size) else { break };
        left = rest;
        let batch = Batch::read(batch).unwrap_or_else(|error| panic!("{place}: {error}"));
        for raw in batch.records() {
            let raw = raw.unwrap_or_else(|error| panic!("{place}: {error}"));
            let record = Record::read(&batch, &raw).unwrap_or_else(|error| panic!("{place}, {}: {error}", raw.offset));
            let line = lines.next().unwrap_or_else(|| panic!("{place}: no line for the record at {}", raw.offset));
            let theirs = Line::of(line).unwrap_or_else(|| panic!("{place}: {line}"));
            assert_eq!((raw.offset, raw.timestamp), (theirs.offset, theirs.timestamp), "{place}: {line}");
            let (kind, fields) = said(&record);
            assert_eq!(kind, theirs.kind, "{place}: {line}");
            for (name, ours) in fields {
                // Of an election older decoders say nothing else.
                if theirs.data.is_null() {
                    continue;
                }
                let said = theirs.data.get(&name).cloned().unwrap_or_else(|| default_of(&ours));
                assert_eq!(ours, said, "{place}: {name} of {line}");
            }
            *kinds.entry(kind).or_default() += 1;
        }
    }
    assert_eq!(lines.next(), None, "{place}: a record that we did not see");
    assert!(!kinds.is_empty(), "{place}: no record");
    kinds
}

/// What is so of a tagged field that does not stand there.
fn default_of(ours: &Value) -> Value {
    match ours {
        Value::Array(_) => json!([]),
        Value::Number(_) => json!(0),
        Value::Bool(_) => json!(false),
        _ => Value::Null,
    }
}

/// One line of Kafka's decoder.
struct Line {
    offset: i64,
    timestamp: i64,
    kind: String,
    data: Value,
}

impl Line {
    fn of(line: &str) -> Option<Self> {
        let number = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            rest.split_whitespace().next()?.parse().ok()
        };
        let (_, said) = line.split_once("headerKeys: [] ")?;
        // A control record has its name before its fields, or no fields at all; any other has both in them.
        let (kind, data) = match said.split_once('{') {
            // Since 4.2 at the latest an election has fields as well.
            None if said.starts_with("controlType: LEADER_CHANGE") => ("LeaderChange".to_owned(), Value::Null),
            None => (said.strip_prefix("controlType: ")?.to_owned(), Value::Null),
            Some((head, json)) => {
                let json: Value = serde_json::from_str(&format!("{{{json}")).ok()?;
                if head.trim() == "payload:" {
                    (json["type"].as_str()?.to_owned(), json["data"].clone())
                } else {
                    (head.trim().trim_end_matches(':').to_owned(), json)
                }
            }
        };
        Some(Self { offset: number("| offset: ")?, timestamp: number("CreateTime: ")?, kind, data })
    }
}

/// A record's kind as Kafka's decoder names it, and what we keep of it under Kafka's names.
fn said(record: &Record) -> (String, Map<String, Value>) {
    let (kind, fields) = match record {
        Record::ZkMigrationState(state) => ("ZK_MIGRATION_STATE_RECORD", json!({ "zkMigrationState": state })),
        Record::RegisterBroker(it) => (
            "REGISTER_BROKER_RECORD",
            json!({
                "brokerId": it.id,
                "brokerEpoch": it.epoch,
                "incarnationId": wire::uuid(it.incarnation),
                "isMigratingZkBroker": it.is_migrating_zk_broker,
                "endPoints": endpoints(&it.endpoints),
                "features": features(&it.features),
                "rack": it.rack,
                "fenced": it.fenced,
                "inControlledShutdown": it.in_controlled_shutdown,
                "logDirs": it.log_dirs.iter().map(|id| wire::uuid(*id)).collect::<Vec<_>>(),
            }),
        ),
        Record::BrokerRegistrationChange(it) => (
            "BROKER_REGISTRATION_CHANGE_RECORD",
            json!({
                "brokerId": it.id,
                "brokerEpoch": it.epoch,
                "fenced": it.fenced.map_or(0, |fenced| if fenced { 1 } else { -1 }),
                "inControlledShutdown": it.in_controlled_shutdown.map_or(0, i32::from),
                "logDirs": it.log_dirs.iter().map(|id| wire::uuid(*id)).collect::<Vec<_>>(),
            }),
        ),
        Record::UnregisterBroker { id, epoch } => {
            ("UNREGISTER_BROKER_RECORD", json!({ "brokerId": id, "brokerEpoch": epoch }))
        }
        Record::FenceBroker { id, epoch } => ("FENCE_BROKER_RECORD", json!({ "id": id, "epoch": epoch })),
        Record::UnfenceBroker { id, epoch } => ("UNFENCE_BROKER_RECORD", json!({ "id": id, "epoch": epoch })),
        Record::FeatureLevel { name, level } => {
            ("FEATURE_LEVEL_RECORD", json!({ "name": name, "featureLevel": level }))
        }
        Record::RegisterController(it) => (
            "REGISTER_CONTROLLER_RECORD",
            json!({
                "controllerId": it.id,
                "incarnationId": wire::uuid(it.incarnation),
                "zkMigrationReady": it.zk_migration_ready,
                "endPoints": endpoints(&it.endpoints),
                "features": features(&it.features),
            }),
        ),
        Record::BeginTransaction => ("BEGIN_TRANSACTION_RECORD", json!({})),
        Record::EndTransaction => ("END_TRANSACTION_RECORD", json!({})),
        Record::AbortTransaction => ("ABORT_TRANSACTION_RECORD", json!({})),
        Record::NoOp => ("NO_OP_RECORD", json!({})),
        Record::LeaderChange { leader } => ("LeaderChange", json!({ "leaderId": leader })),
        Record::SnapshotHeader { last_contained } => {
            ("SnapshotHeader", json!({ "lastContainedLogTimestamp": last_contained }))
        }
        Record::SnapshotFooter => ("SnapshotFooter", json!({})),
        Record::KraftVersion(version) => ("KRaftVersion", json!({ "kRaftVersion": version })),
        Record::Voters(_) => ("KRaftVoters", json!({})),
        Record::Other(key) => {
            let known = OTHERS.iter().find(|(known, _)| known == key);
            (known.unwrap_or_else(|| panic!("a record of key {key}")).1, json!({}))
        }
    };
    (kind.to_owned(), fields.as_object().expect("an object").clone())
}

fn endpoints(endpoints: &[RecordEndpoint]) -> Value {
    let endpoint = |it: &RecordEndpoint| json!({ "name": it.name, "host": it.host, "port": it.port, "securityProtocol": it.security_protocol });
    endpoints.iter().map(endpoint).collect()
}

fn features(features: &[(String, i16, i16)]) -> Value {
    let feature = |(name, lowest, highest): &(String, i16, i16)| json!({ "name": name, "minSupportedVersion": lowest, "maxSupportedVersion": highest });
    features.iter().map(feature).collect()
}
