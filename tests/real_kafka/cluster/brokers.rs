//! When ZooKeeper and the brokers have settled, as the brokers' metadata say.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;

use super::Cluster;
use crate::ask;
use crate::node::Node;
use crate::zookeeper::ZooKeeper;

/// A replica is back in sync within a second or so after its broker is listed, and a takeover takes less.
const PATIENCE_WITH_LEADERS: Duration = Duration::from_secs(15);

impl Cluster {
    pub(super) fn await_zookeeper(&mut self) {
        // A connection that comes a moment too early makes the starting server stumble and is never answered.
        let zookeeper = ZooKeeper { limit: Duration::from_millis(300), ..self.zookeeper() };
        self.wait_for("ZooKeeper", |_cluster| {
            let roots = zookeeper.children("/");
            roots.map(drop).map_err(|error| error.to_string())
        });
    }

    /// Waits until the brokers agree that one of them is the controller. While the controller is a KRaft one,
    /// they name any broker instead, another one each time, so one round of agreement means little.
    pub(super) fn await_zookeeper_controller(&mut self) {
        self.wait_for("a broker as the controller", |cluster| {
            let mut named = BTreeSet::new();
            for _round in 0..5 {
                for node in cluster.running_brokers() {
                    let metadata = ask::metadata(node.asked_at());
                    let metadata = metadata.map_err(|error| format!("{}: {error}", node.name()))?;
                    named.insert(metadata.controller_id.0);
                }
            }
            let znode = cluster.zookeeper().get("/controller");
            let znode = znode.map_err(|error| error.to_string())?;
            let elected = |id| znode.as_ref().is_some_and(|json| json.contains(&format!("\"brokerid\":{id},")));
            if named.len() != 1 || !named.iter().all(elected) {
                return Err(format!("brokers name {named:?}, ZooKeeper {znode:?}"));
            }
            Ok(())
        });
    }

    /// Waits until ZooKeeper has forgotten the last life of a broker: it refuses the next one before that.
    pub(super) fn await_deregistration(&mut self, id: i32) {
        self.wait_for("the end of a broker's ZooKeeper session", |cluster| {
            let registered = cluster.zookeeper().children("/brokers/ids");
            let registered = registered.map_err(|error| error.to_string())?;
            if registered.contains(&id.to_string()) {
                return Err(format!("broker {id} is still registered"));
            }
            Ok(())
        });
    }

    /// Waits until no KRaft broker that runs lists this one any more: its session in the quorum has expired.
    pub(crate) fn await_fenced(&mut self, id: i32) {
        self.wait_for("a fenced broker", |cluster| {
            cluster.every_broker_says(|metadata, _running| {
                let listed = ask::broker_ids(metadata);
                if listed.contains(&id) { Err(format!("lists brokers {listed:?}")) } else { Ok(()) }
            })
        });
    }

    /// Waits until a node answers, whatever the others think of it.
    pub(super) fn await_serving(&mut self, id: i32) {
        self.wait_for("an answer", |cluster| {
            let answer = ask::api_versions(cluster.endpoint(id));
            answer.map(drop).map_err(|error| format!("node {id}: {error}"))
        });
    }

    /// Waits until the broker in a combined controller serves. It is refused until the metadata is copied, tries
    /// again every two seconds, and ends the whole process when it was refused for a minute.
    pub(crate) fn await_combined(&mut self, id: i32) {
        self.wait_for("an answer of the broker in a controller", |cluster| {
            let answer = ask::api_versions(cluster.second_endpoint(id));
            answer.map(drop).map_err(|error| format!("node {id}: {error}"))
        });
    }

    /// Waits until every running broker lists every running broker, and no replica on them is out of sync.
    pub(super) fn await_brokers(&mut self) {
        self.wait_for("all running brokers in sync", Self::brokers_in_sync);
    }

    /// Restarts leaders that cannot take a replica back into the ISR, which happens when the controllers take over.
    ///
    /// A broker that learns of the takeover closes its connection to the old controller. When a change of an ISR
    /// is under way on it, the answer is lost, and Kafka 3.9 sends no other change until the broker is restarted.
    pub(super) fn free_stuck_leaders(&mut self) {
        for _each_may_be_stuck in self.broker_ids() {
            self.wait_for("all running brokers listed", Self::brokers_listed);
            let in_sync = self.attempt(PATIENCE_WITH_LEADERS, "in sync", Self::brokers_in_sync);
            let Some(stuck) = in_sync.err().and_then(|_| self.stuck_leader()) else {
                return;
            };
            println!("broker {stuck} is restarted: it takes no replica back into an ISR");
            self.stop(stuck);
            self.await_deregistration(stuck);
            self.launch(stuck);
        }
    }

    fn stuck_leader(&self) -> Option<i32> {
        let running = self.running_broker_ids();
        self.running_brokers().map(|node| node.id).find(|&id| {
            ask::metadata(self.endpoint(id)).is_ok_and(|metadata| {
                let mut led = ask::partitions(&metadata).filter(|led| led.leader_id.0 == id);
                led.any(|partition| out_of_sync(partition, &running))
            })
        })
    }

    fn running_brokers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_running_broker())
    }

    fn running_broker_ids(&self) -> BTreeSet<i32> {
        self.running_brokers().map(|node| node.id).collect()
    }

    fn brokers_listed(&self) -> Result<(), String> {
        self.every_broker_says(|metadata, running| {
            let listed = ask::broker_ids(metadata);
            if listed.is_superset(running) { Ok(()) } else { Err(format!("lists only brokers {listed:?}")) }
        })
    }

    fn brokers_in_sync(&self) -> Result<(), String> {
        self.brokers_listed()?;
        self.every_broker_says(|metadata, running| {
            for partition in ask::partitions(metadata) {
                let (leader, replicas, isr) = (partition.leader_id.0, &partition.replica_nodes, &partition.isr_nodes);
                // Nobody but its ISR may lead a partition, so one whose whole ISR is gone waits for that.
                let could_lead = !ask::ids(isr).is_disjoint(running);
                if could_lead && (!running.contains(&leader) || out_of_sync(partition, running)) {
                    return Err(format!("leader {leader}, replicas {replicas:?}, in sync {isr:?}"));
                }
            }
            Ok(())
        })
    }

    fn every_broker_says(
        &self,
        expected: impl Fn(&MetadataResponse, &BTreeSet<i32>) -> Result<(), String>,
    ) -> Result<(), String> {
        let running = self.running_broker_ids();
        for node in self.running_brokers() {
            let metadata = ask::metadata(node.asked_at()).map_err(|error| error.to_string());
            metadata
                .and_then(|metadata| expected(&metadata, &running))
                .map_err(|missing| format!("{}: {missing}", node.name()))?;
        }
        Ok(())
    }
}

fn out_of_sync(partition: &MetadataResponsePartition, running: &BTreeSet<i32>) -> bool {
    let isr = ask::ids(&partition.isr_nodes);
    let replicas = ask::ids(&partition.replica_nodes);
    replicas.intersection(running).any(|id| !isr.contains(id))
}
