//! What makes a cluster a secured one: where its nodes listen and for whom, who there is, and who may do what.
//!
//! The harness itself asks by a listener of its own, PLAINTEXT, where it is `User:ANONYMOUS`, one of `super.users`: so its
//! second opinion owes nothing to any certificate, login or right that the tool is tried with. Nobody else is ever
//! ANONYMOUS, for every listener that is tried wants a login or a certificate, and no node calls another one there:
//! brokers call the first of `controller.listener.names`, and `inter.broker.listener.name`. Refusals are tried there, too:
//! it is the cluster's only listener without TLS and without a login.

pub(crate) mod certificates;
pub(crate) mod clients;
pub(crate) mod properties;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::distribution::Distribution;
use crate::jvm::{self, Jvm};

/// What every secret of these tests contains, so that a leak can be searched for.
pub(crate) const TELL_TALE: &str = "hushhush";

/// A user of everything; brokers call each other and controllers as `broker`; `probe` has the least rights that the tool
/// needs, and `nobody` has none.
const USERS: [&str; 5] = ["admin", "broker", "controller", "probe", "nobody"];

const LIMIT: Duration = Duration::from_mins(1);

/// Where a node of a secured cluster listens beside its own address, which wants a login over TLS, and its second one,
/// which wants a certificate.
#[derive(Clone, Copy)]
pub(crate) struct Doors {
    /// For the harness alone: PLAINTEXT.
    pub(crate) harness: SocketAddr,
    /// A broker's for logins without TLS.
    pub(crate) login: SocketAddr,
    /// A broker's whose certificate has expired.
    pub(crate) expired: SocketAddr,
    /// A broker's whose certificate is another host's.
    pub(crate) elsewhere: SocketAddr,
}

/// The password of a user.
pub(crate) fn password(user: &str) -> String {
    format!("{user}-{TELL_TALE}")
}

/// Tells ZooKeeper the users that log in by SCRAM, as an operator does before the first broker starts.
pub(crate) fn create_users(kafka: &Distribution, zookeeper: SocketAddr, folder: &Path) {
    let log = folder.join("users.log");
    let tools = USERS.map(|user| {
        let mut java = jvm::java(128);
        java.arg("-cp").arg(kafka.class_path_with_tools()).args(["kafka.admin.ConfigCommand", "--alter"]);
        java.args(["--zookeeper", &zookeeper.to_string(), "--entity-type", "users", "--entity-name", user]);
        let hashed = |mechanism| format!("{mechanism}=[iterations=4096,password={}]", password(user));
        java.args(["--add-config", &format!("{},{}", hashed("SCRAM-SHA-256"), hashed("SCRAM-SHA-512"))]);
        Jvm::start(java, &log)
    });
    for tool in tools {
        let told = std::fs::read_to_string(&log).unwrap_or_default();
        tool.finish(LIMIT).unwrap_or_else(|error| panic!("no users: {error}\n{told}"));
    }
}
