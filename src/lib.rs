//! Is this stage of the ZooKeeper to KRaft migration of an Apache Kafka cluster complete?
//!
//! One straight way: what is asked → what was seen → what it means → what we say. `docs/architecture.md` draws
//! it. Before 1.0 the library has no promised API; exit codes, verdict words and stage ids are promised.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

/// What was typed, as types; no I/O.
pub mod cli;
/// What each command does: how many looks, and what becomes of them.
pub mod command;
/// What was typed, checked and resolved into a plan and expectations.
pub mod config;
/// Whether everybody can be asked, hop by hop, and with which rights.
pub mod doctor;
/// (stage, snapshot) → report.
pub mod evaluate;
/// Every way the process can end, in one table.
pub mod exit;
/// What everything means that can stand in a report.
pub mod explain;
/// The operator's own commands, told of what happens in a wait.
pub mod hook;
/// SIGINT and SIGTERM while a cluster is looked at.
pub mod interrupt;
/// argv → everything that leaves the process.
pub mod invoke;
/// Ask every node everything, once.
pub mod observe;
/// The only writer of stdout and files.
pub mod output;
/// A simulated cluster to try everything on.
pub mod rehearse;
/// Report → bytes, by format.
pub mod render;
/// Verdict, findings, evidence: the second waist.
pub mod report;
/// How a listener is spoken to: TLS, a login.
pub mod security;
/// What is set, and who set it.
pub mod settings;
/// The catalogue of signals: pure readings of a snapshot.
pub mod signals;
/// What was seen: the first waist.
pub mod snapshot;
/// The tables: every stage, row and guard.
pub mod stages;
/// When a wait goes on, when it ends and why.
pub mod wait;
/// Bytes to and from Kafka messages, bounded.
pub mod wire;
