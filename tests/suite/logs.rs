//! Do recorded logs decode to what Kafka's own decoder says? The bytes and its words are both in `protocol-fixtures`.

use std::fs;

use crate::decoded::{Kinds, agrees};
use crate::recordings::files;

/// What a migration is about: each must have been met, or the recordings prove nothing of it.
const MET: &[&str] = &[
    "ZK_MIGRATION_STATE_RECORD",
    "REGISTER_BROKER_RECORD",
    "BROKER_REGISTRATION_CHANGE_RECORD",
    "REGISTER_CONTROLLER_RECORD",
    "FEATURE_LEVEL_RECORD",
    "BEGIN_TRANSACTION_RECORD",
    "END_TRANSACTION_RECORD",
    "NO_OP_RECORD",
    "LeaderChange",
    "SnapshotHeader",
    "SnapshotFooter",
];

#[test]
fn recorded_logs_decode_to_what_kafkas_own_decoder_says() {
    let mut met = Kinds::new();
    let mut versions = Vec::new();
    for extension in ["log", "checkpoint"] {
        for (name, path) in files(extension) {
            let bytes = fs::read(&path).expect("a readable file");
            let dump = fs::read_to_string(path.with_added_extension("dump")).expect("what the decoder said of it");
            for (kind, count) in agrees(&name, &bytes, &dump) {
                *met.entry(kind).or_default() += count;
            }
            versions.extend(name.split('/').next().map(ToOwned::to_owned));
        }
    }
    for kind in MET {
        assert!(met.contains_key(*kind), "no {kind} was recorded");
    }
    versions.sort();
    versions.dedup();
    assert_eq!(versions, ["3.4.1", "3.5.2", "3.6.2", "3.7.2", "3.8.1", "3.9.2", "4.0.2", "4.4.0"]);
}
