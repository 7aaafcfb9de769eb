//! One process of a cluster with its folder, its configuration and its command line.
//! Whether it is ready, and how it gets along with the others, is not known here.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::distribution::{Distribution, last_lines};
use crate::exporter::Flavour;
use crate::jolokia::Jolokia;
use crate::jvm::{self, Jvm};
use crate::properties::properties;
use crate::security::Doors;
use crate::security::certificates::Certificates;
use crate::security::properties::first_scram_user;

/// The id under which a cluster keeps its ZooKeeper server among its nodes.
pub(crate) const ZOOKEEPER: i32 = 0;

/// What a process is started as. Brokers and controllers change it in the course of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    ZooKeeper,
    Broker(BrokerMode),
    Controller(ControllerMode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokerMode {
    /// On ZooKeeper, as before the migration.
    Zookeeper,
    /// On ZooKeeper with `zookeeper.metadata.migration.enable`.
    Migration,
    /// The same, with an address of the controllers at which nobody listens.
    MigrationAstray,
    /// `process.roles=broker`, without any trace of ZooKeeper.
    Kraft,
    /// `process.roles=broker`, with the flag and `zookeeper.connect` left behind.
    KraftFlagged,
}

impl BrokerMode {
    pub(crate) fn is_on_zookeeper(self) -> bool {
        matches!(self, Self::Zookeeper | Self::Migration | Self::MigrationAstray)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControllerMode {
    /// With ZooKeeper and `zookeeper.metadata.migration.enable`.
    Flagged,
    /// Without both, as after the migration.
    Finalized,
    /// `process.roles=broker,controller` with ZooKeeper and the flag.
    Combined,
    /// With ZooKeeper and the flag, and speaking TLS to brokers that do not: they hear nothing from it.
    Unheard,
}

/// What a node must know of the others to be configured.
pub(crate) struct Neighbours {
    pub(crate) zookeeper: SocketAddr,
    /// The line that says where the controllers are.
    pub(crate) quorum: String,
    pub(crate) replication_factor: i32,
    pub(crate) protocol_version: String,
    /// Whether rules say who may do what.
    pub(crate) authorizer: bool,
    /// After how many bytes of new records a controller writes a snapshot, if it is told.
    pub(crate) snapshot_bytes: Option<u32>,
    /// A secured cluster's certificates.
    pub(crate) certificates: Option<Certificates>,
}

pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) role: Role,
    /// The Kafka version that the node's next start uses.
    pub(crate) software: Distribution,
    pub(crate) address: SocketAddr,
    /// Where a broker listens for those outside, where a combined controller is a broker, and where a node of a secured
    /// cluster wants a certificate.
    pub(crate) second_listener: SocketAddr,
    /// Where else a node of a secured cluster listens.
    pub(crate) doors: Option<Doors>,
    pub(crate) exporter: SocketAddr,
    pub(crate) flavour: Flavour,
    /// An agent beside the exporter, at the address of the second listener.
    pub(crate) jolokia: Option<Jolokia>,
    pub(crate) folder: PathBuf,
    pub(crate) jvm: Option<Jvm>,
}

impl Node {
    pub(crate) fn name(&self) -> String {
        match self.role {
            Role::ZooKeeper => "ZooKeeper".to_owned(),
            Role::Broker(_) => format!("broker {}", self.id),
            Role::Controller(_) => format!("controller {}", self.id),
        }
    }

    /// Where the harness asks it.
    pub(crate) fn asked_at(&self) -> SocketAddr {
        self.doors.map_or(self.address, |doors| doors.harness)
    }

    pub(crate) fn is_running_broker(&self) -> bool {
        self.jvm.is_some() && matches!(self.role, Role::Broker(_))
    }

    pub(crate) fn is_running_controller(&self) -> bool {
        self.jvm.is_some() && matches!(self.role, Role::Controller(_))
    }

    /// Whether the node's page has a `ZkMigrationState` when it is a controller.
    pub(crate) fn tells_migration_state(&self) -> bool {
        self.software.tells_migration_state() && self.flavour != Flavour::WithoutState
    }

    /// Starts the process in its present role; that it runs does not mean that it is ready.
    pub(crate) fn start(&mut self, neighbours: &Neighbours) {
        self.write_configuration(neighbours);
        let mut java = match self.role {
            Role::ZooKeeper => jvm::java(128),
            Role::Broker(_) | Role::Controller(_) => {
                let exporter = self.folder.join("exporter.yml");
                write(&exporter, &self.flavour.configuration());
                let mut java = jvm::java(256);
                java.arg(format!(
                    "-javaagent:{}={}:{}",
                    self.software.agent(self.flavour.agent()).display(),
                    self.exporter,
                    exporter.display()
                ));
                let jolokia =
                    self.jolokia.map(|agent| agent.argument(&self.software, &self.folder, self.second_listener));
                java.args(jolokia);
                java
            }
        };
        self.add_classes(&mut java);
        java.arg(match self.role {
            Role::ZooKeeper => "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            Role::Broker(_) | Role::Controller(_) => "kafka.Kafka",
        });
        java.arg(self.configuration());
        self.jvm = Some(Jvm::start(java, &self.log()));
    }

    /// Starts the formatting of a node's data folder.
    pub(crate) fn format(&self, neighbours: &Neighbours, cluster_id: &str, option: Option<&str>) -> Jvm {
        self.write_configuration(neighbours);
        let mut java = jvm::java(128);
        self.add_classes(&mut java);
        // One cluster id in 64 begins with a dash, and only behind a `=` is that no option.
        java.args(["kafka.tools.StorageTool", "format"])
            .arg(format!("--cluster-id={cluster_id}"))
            .arg("--config")
            .arg(self.configuration())
            .args(option);
        if self.doors.is_some() {
            java.args(["--add-scram", &first_scram_user()]);
        }
        Jvm::start(java, &self.log())
    }

    /// What the process has printed, in all its lives.
    pub(crate) fn log_text(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What the process said last, and before it what it called an error: shutting down takes many words, too.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        let log = self.log_text();
        let is_error = |line: &&str| line.contains("] ERROR ") || line.contains("] FATAL ");
        let errors: Vec<_> = log.lines().filter(is_error).collect();
        format!("{}\n…\n{}", last_lines(&errors.join("\n"), 5), last_lines(&log, lines))
    }

    fn add_classes(&self, java: &mut Command) {
        let logging = self.folder.join("log4j.properties");
        let (property, text) = if self.software.is_four() {
            ("log4j2.configurationFile", LOGGING_OF_FOUR)
        } else {
            ("log4j.configuration", LOGGING)
        };
        write(&logging, text);
        java.arg(format!("-D{property}=file:{}", logging.display()));
        java.arg("-cp").arg(self.software.class_path());
    }

    fn write_configuration(&self, neighbours: &Neighbours) {
        let data = self.folder.join("data");
        fs::create_dir_all(&data).expect("a folder for the data");
        write(&self.configuration(), &properties(self, &data, neighbours));
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

/// Kafka 3.4 and 3.5 tell the steps of a takeover only in DEBUG.
const LOGGING: &str = "\
log4j.rootLogger=INFO, stdout
log4j.logger.org.apache.kafka.metadata.migration=DEBUG
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
";

const LOGGING_OF_FOUR: &str = "\
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=INFO
rootLogger.appenderRef.stdout.ref=stdout
";

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
