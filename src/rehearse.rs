//! A simulated cluster on the same codec, for people and playbooks to try everything on, and for tests to judge us by.
//!
//! Here: a cluster that migrates forward and back, with whatever can be wrong with it, served on loopback TCP with its
//! metrics pages. It is held to recordings of real clusters. Not here: any judgement; a rehearsal is judged as every
//! cluster is, over sockets.

mod cluster;
mod fault;
mod fetch;
mod log;
mod node;
mod page;
mod quorum;
mod serve;
mod shown;
mod topics;
mod version;
mod walk;
mod written;

pub use cluster::{Broker, Cluster, Known, Mode, STEP_MS, Teller};
pub use fault::{Affliction, Afflicts, Fault, Faults};
pub use node::answer;
pub use page::text as page;
pub use quorum::{Controller, MigrationState, Quorum};
pub use serve::{Rehearsal, Shared, converse, node_ids};
pub use topics::{Partition, Topic};
pub use version::Version;
pub use walk::{Phase, phases};
pub use written::Registration;
