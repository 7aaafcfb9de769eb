//! The `server.properties` of every role: what an operator writes at each step of a migration,
//! plus settings that keep a cluster small and quick.

use std::path::Path;

use crate::node::{BrokerMode, ControllerMode, Neighbours, Node, Role};

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
        "listeners=PLAINTEXT://{address}\n\
         advertised.listeners=PLAINTEXT://{address}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         auto.create.topics.enable=false\n\
         default.replication.factor={replicas}\n\
         offsets.topic.replication.factor={replicas}\n\
         offsets.topic.num.partitions=3\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=3\n\
         group.initial.rebalance.delay.ms=0\n\
         controlled.shutdown.retry.backoff.ms=500\n",
        address = node.address,
        replicas = neighbours.replication_factor,
    );
    let on_zookeeper =
        format!("broker.id={}\ninter.broker.protocol.version={}\n", node.id, neighbours.protocol_version)
            + &zookeeper(neighbours);
    let on_kraft = format!("process.roles=broker\nnode.id={}\n", node.id);
    match mode {
        BrokerMode::Zookeeper => common + &on_zookeeper,
        BrokerMode::Migration => common + &on_zookeeper + FLAG + &quorum(neighbours),
        BrokerMode::Kraft => common + &on_kraft + &quorum(neighbours),
    }
}

fn controller(node: &Node, mode: ControllerMode, neighbours: &Neighbours) -> String {
    let common = format!(
        "process.roles=controller\n\
         node.id={}\n\
         listeners=CONTROLLER://{}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n",
        node.id, node.address
    ) + &quorum(neighbours);
    match mode {
        ControllerMode::Flagged => common + &zookeeper(neighbours) + FLAG,
        ControllerMode::Finalized => common,
    }
}

fn quorum(neighbours: &Neighbours) -> String {
    format!("controller.quorum.voters={}\ncontroller.listener.names=CONTROLLER\n", neighbours.voters)
}

fn zookeeper(neighbours: &Neighbours) -> String {
    format!(
        "zookeeper.connect={}\n\
         zookeeper.session.timeout.ms=6000\n\
         zookeeper.connection.timeout.ms=18000\n",
        neighbours.zookeeper
    )
}
