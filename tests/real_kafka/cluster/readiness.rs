//! When a cluster has settled: every wait of the harness, each with a deadline and with an eye on the processes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::Cluster;
use crate::ask;
use crate::node::Node;

const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);
/// A voter that is this many records behind the high watermark keeps up; no-op records alone make that gap.
const CLOSE: i64 = 20;

impl Cluster {
    /// Waits until every running controller's page says this `ZkMigrationState`.
    pub(crate) fn await_state(&mut self, state: i32) {
        assert!(self.kafka.has_migration_gauge(), "Kafka 3.4 has no gauge of its migration state");
        self.wait_for(&format!("ZkMigrationState {state}"), |cluster| {
            for node in cluster.running_controllers() {
                let found = cluster.gauge(node.id, "ZkMigrationState");
                if found != Some(f64::from(state)) {
                    return Err(format!("{} says {found:?}", node.name()));
                }
            }
            Ok(())
        });
    }

    /// The leader of the quorum, waiting for an election to end where one is under way.
    pub(crate) fn leader(&mut self) -> i32 {
        self.wait_for("a leader of the quorum", |cluster| cluster.find_leader().map(|quorum| quorum.leader_id.0))
    }

    pub(super) fn await_zookeeper(&mut self) {
        self.wait_for("ZooKeeper", |cluster| {
            let roots = cluster.zookeeper().children("/");
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
                    let metadata = ask::metadata(node.address);
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

    /// Waits until every running broker lists every running broker, and no replica on them is out of sync.
    pub(super) fn await_brokers(&mut self) {
        self.wait_for("all running brokers in sync", |cluster| {
            let running: BTreeSet<i32> = cluster.running_brokers().map(|node| node.id).collect();
            for node in cluster.running_brokers() {
                in_sync(node.address, &running).map_err(|missing| format!("{}: {missing}", node.name()))?;
            }
            Ok(())
        });
    }

    /// Waits until the quorum has a leader, every running voter fetches from it, and every one serves.
    pub(super) fn await_quorum(&mut self) {
        self.wait_for("all running controllers in the quorum", |cluster| {
            let quorum = cluster.find_leader()?;
            if quorum.high_watermark <= 0 {
                return Err("no high watermark yet".to_owned());
            }
            for node in cluster.running_controllers() {
                keeps_up(node, &quorum).map_err(|missing| format!("{}: {missing}", node.name()))?;
                ask::api_versions(node.address).map_err(|error| format!("{}: {error}", node.name()))?;
            }
            Ok(())
        });
    }

    /// Waits until a node answers, whatever the others think of it.
    pub(super) fn await_serving(&mut self, id: i32) {
        self.wait_for("an answer", |cluster| {
            let answer = ask::api_versions(cluster.endpoint(id));
            answer.map(drop).map_err(|error| format!("node {id}: {error}"))
        });
    }

    fn find_leader(&self) -> Result<ask::Quorum, String> {
        let mut refusals = Vec::new();
        for node in self.running_controllers() {
            match ask::quorum(node.address) {
                Ok(quorum) => return Ok(quorum),
                Err(error) => refusals.push(format!("{}: {error}", node.name())),
            }
        }
        Err(refusals.join(", "))
    }

    fn running_brokers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_running_broker())
    }

    fn running_controllers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_running_controller())
    }

    /// Tries until the attempt succeeds. An attempt that does not says what it misses.
    fn wait_for<T>(&mut self, goal: &str, attempt: impl Fn(&Self) -> Result<T, String>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let missing = match attempt(self) {
                Ok(reached) => return reached,
                Err(missing) => missing,
            };
            self.all_alive(goal);
            if Instant::now() > deadline {
                let logs: Vec<_> =
                    self.nodes.values().map(|node| format!("{}:\n{}", node.name(), node.last_words(5))).collect();
                panic!("no {goal} in {PATIENCE:?}: {missing}\n{}", logs.join("\n\n"));
            }
            thread::sleep(POLL);
        }
    }

    fn all_alive(&mut self, goal: &str) {
        for node in self.nodes.values_mut() {
            if let Some(exit) = node.jvm.as_mut().and_then(crate::jvm::Jvm::ended) {
                let (name, words) = (node.name(), node.last_words(25));
                panic!("{name} died ({exit}) while waiting for {goal}; its last words:\n{words}");
            }
        }
    }
}

fn in_sync(broker: SocketAddr, running: &BTreeSet<i32>) -> Result<(), String> {
    let metadata = ask::metadata(broker).map_err(|error| error.to_string())?;
    let listed = ask::broker_ids(&metadata);
    if !listed.is_superset(running) {
        return Err(format!("lists only brokers {listed:?}"));
    }
    for partition in ask::partitions(&metadata) {
        let replicas = ask::ids(&partition.replica_nodes);
        let isr = ask::ids(&partition.isr_nodes);
        let mut wanted = replicas.intersection(running);
        if wanted.any(|id| !isr.contains(id)) {
            return Err(format!("replicas {replicas:?}, in sync {isr:?}"));
        }
        if !isr.is_empty() && !running.contains(&partition.leader_id.0) {
            return Err(format!("leader {}, in sync {isr:?}", partition.leader_id.0));
        }
    }
    Ok(())
}

/// The leader remembers voters of earlier lives, so only a fetch of the present one counts.
fn keeps_up(node: &Node, quorum: &ask::Quorum) -> Result<(), String> {
    let voter = quorum.current_voters.iter().find(|voter| voter.replica_id.0 == node.id).ok_or("no voter")?;
    let started = node.jvm.as_ref().map(crate::jvm::Jvm::started);
    let started = started.ok_or("does not run")?.duration_since(UNIX_EPOCH);
    let started = started.expect("a clock after 1970").as_millis();
    let fetched = u128::try_from(voter.last_fetch_timestamp).unwrap_or(0);
    if node.id != quorum.leader_id.0 && fetched < started {
        return Err("has not fetched since its start".to_owned());
    }
    if voter.log_end_offset < quorum.high_watermark - CLOSE {
        return Err(format!("at {} of {}", voter.log_end_offset, quorum.high_watermark));
    }
    Ok(())
}
