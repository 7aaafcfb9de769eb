//! The `server.properties` of every role: what an operator writes at each step of a migration,
//! plus settings that keep a cluster small and quick.

use std::path::Path;

use crate::node::{BrokerMode, ControllerMode, Neighbours, Node, Role};
use crate::security::properties as secured;

const FLAG: &str = "zookeeper.metadata.migration.enable=true\n";

const SMALL: &str = "\
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
";

pub(crate) fn properties(node: &Node, data: &Path, neighbours: &Neighbours) -> String {
    let data = data.display();
    match node.role {
        Role::ZooKeeper => format!(
            "dataDir={data}\n\
             clientPortAddress={}\n\
             clientPort={}\n\
             tickTime=500\n\
             maxClientCnxns=0\n\
             admin.enableServer=false\n",
            node.address.ip(),
            node.address.port(),
        ),
        Role::Broker(mode) => format!("log.dirs={data}\n{SMALL}") + &broker(node, mode, neighbours),
        Role::Controller(mode) => format!("log.dirs={data}\n{SMALL}") + &controller(node, mode, neighbours),
    }
}

fn broker(node: &Node, mode: BrokerMode, neighbours: &Neighbours) -> String {
    let common = format!(
        "auto.create.topics.enable=false\n\
         default.replication.factor={replicas}\n\
         offsets.topic.replication.factor={replicas}\n\
         offsets.topic.num.partitions=3\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=3\n\
         group.initial.rebalance.delay.ms=0\n\
         controlled.shutdown.retry.backoff.ms=500\n",
        replicas = neighbours.replication_factor,
    ) + &broker_listeners(node, mode, neighbours);
    let on_zookeeper =
        format!("broker.id={}\ninter.broker.protocol.version={}\n", node.id, neighbours.protocol_version)
            + &zookeeper(neighbours);
    let on_kraft = format!("process.roles=broker\nnode.id={}\n", node.id);
    match mode {
        BrokerMode::KraftFlagged => common + &on_kraft + &quorum(neighbours) + &zookeeper(neighbours) + FLAG,
        BrokerMode::Zookeeper => common + &on_zookeeper,
        BrokerMode::Migration => common + &on_zookeeper + FLAG + &quorum(neighbours),
        BrokerMode::MigrationAstray => {
            let nowhere = "controller.quorum.voters=3001@127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n";
            common + &on_zookeeper + FLAG + nowhere
        }
        BrokerMode::Kraft => common + &on_kraft + &quorum(neighbours) + authorizer(neighbours),
    }
}

/// Where a broker listens, and what it speaks there.
fn broker_listeners(node: &Node, mode: BrokerMode, neighbours: &Neighbours) -> String {
    if let Some((doors, certificates)) = node.doors.zip(neighbours.certificates.as_ref()) {
        return secured::broker(node, doors, mode, certificates);
    }
    let (address, outside) = (node.address, node.second_listener);
    // What a broker advertises to those outside: an address at which nobody listens, another one of each broker.
    let nowhere = node.id;
    format!(
        "listeners=PLAINTEXT://{address},OUTSIDE://{outside}\n\
         advertised.listeners=PLAINTEXT://{address},OUTSIDE://127.0.0.1:{nowhere}\n\
         inter.broker.listener.name=PLAINTEXT\n"
    ) + &protocols("PLAINTEXT")
}

fn controller(node: &Node, mode: ControllerMode, neighbours: &Neighbours) -> String {
    if let Some((doors, certificates)) = node.doors.zip(neighbours.certificates.as_ref()) {
        let finalized = format!(
            "process.roles=controller\nnode.id={}\n{}\ncontroller.listener.names={}\n",
            node.id,
            neighbours.quorum,
            secured::CONTROLLER_LISTENERS
        ) + &secured::controller(node, doors, mode, certificates);
        return match mode {
            ControllerMode::Finalized => finalized,
            ControllerMode::Flagged => finalized + &zookeeper(neighbours) + FLAG,
            ControllerMode::Combined | ControllerMode::Unheard => panic!("nobody tries that in a secured cluster"),
        };
    }
    let alone = format!("process.roles=controller\nlisteners=CONTROLLER://{}\n", node.address);
    let combined = format!(
        "process.roles=broker,controller\n\
         listeners=CONTROLLER://{},PLAINTEXT://{broker}\n\
         advertised.listeners=PLAINTEXT://{broker}\n",
        node.address,
        broker = node.second_listener,
    );
    let common = format!("node.id={}\ninter.broker.listener.name=PLAINTEXT\n", node.id)
        + &quorum(neighbours)
        + &snapshots(neighbours);
    let flagged = common.clone() + &zookeeper(neighbours) + FLAG;
    match mode {
        ControllerMode::Flagged => flagged + &alone + &protocols("PLAINTEXT"),
        ControllerMode::Finalized => common + &alone + &protocols("PLAINTEXT") + authorizer(neighbours),
        ControllerMode::Combined => flagged + &combined + &protocols("PLAINTEXT"),
        ControllerMode::Unheard => flagged + &alone + &protocols("SSL"),
    }
}

/// What is spoken to brokers, by this name of their listener.
fn protocols(with_brokers: &str) -> String {
    format!("listener.security.protocol.map=PLAINTEXT:{with_brokers},CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT\n")
}

fn quorum(neighbours: &Neighbours) -> String {
    format!("{}\ncontroller.listener.names=CONTROLLER\n", neighbours.quorum)
}

/// Everybody may do what no rule is about.
fn authorizer(neighbours: &Neighbours) -> &'static str {
    if neighbours.authorizer {
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         allow.everyone.if.no.acl.found=true\n"
    } else {
        ""
    }
}

fn snapshots(neighbours: &Neighbours) -> String {
    let line = |bytes| format!("metadata.log.max.record.bytes.between.snapshots={bytes}\n");
    neighbours.snapshot_bytes.map(line).unwrap_or_default()
}

fn zookeeper(neighbours: &Neighbours) -> String {
    format!(
        "zookeeper.connect={}\n\
         zookeeper.session.timeout.ms=6000\n\
         zookeeper.connection.timeout.ms=18000\n",
        neighbours.zookeeper
    )
}
