//! The built binary against real Apache Kafka clusters that really migrate. Needs Java and Maven; what is missing
//! fails with the line that installs it.

#![forbid(unsafe_code)]

/// Is seen what goes astray without a guard?
mod astray;
/// Is every verdict right on the way back, and in a second attempt?
mod back;
/// A cluster for `tests/figures`.
mod figures;
/// Is every verdict right, in every phase of the way forward?
mod forward;
/// Is every guard met where it must be, and nowhere else?
mod guards;
/// Is a healthy cluster healthy, and each ailment seen?
mod health;
/// Is a stage judged through Jolokia as through an exporter, whatever its policy?
mod jolokia;
/// What is said of Kafka 4?
mod kafka_4;
/// Is the metadata log read whole and right, and without a trace?
mod log;
/// Looks that are taken while something happens.
mod looking;
/// Recordings of what the clusters answered.
mod record;
/// Is every verdict right in a secured cluster, whoever asks?
mod secured;
/// Is a migration that stands still seen to?
mod stalls;
/// Whose answer is it, on real addresses?
mod strangers;
/// Is anything wrongly said while something passes by itself?
mod transients;
/// The built binary's verdicts, held to a table.
mod verdicts;
/// Is every verdict right on every version?
mod versions;
/// Does a wait end when what it waits for is true, and not before; and what else can end it?
mod waiting;
/// Does every way lead into a secured cluster that leads Kafka's own client there, and is every refusal told?
mod ways_in;

// The harness: a cluster of real Kafka and the moves by which an operator migrates it.
mod ask;
mod cluster;
#[path = "../suite/decoded.rs"]
mod decoded;
mod distribution;
mod exporter;
mod jvm;
mod node;
mod ports;
mod properties;
#[path = "../suite/secrets.rs"]
mod secrets;
mod security;
mod tools;
mod waiter;
mod zookeeper;

/// The newest 3.9.
const KAFKA: &str = "3.9.2";
/// `ZkMigrationState` in numbers, as 3.5 to 3.9 have them.
const MIGRATION: i32 = 1;
const PRE_MIGRATION: i32 = 2;
const POST_MIGRATION: i32 = 3;
