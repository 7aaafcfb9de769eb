//! When the controllers have settled, as their leader and their exporters say.

use std::time::{Duration, UNIX_EPOCH};

use kafka_protocol::messages::describe_quorum_response::ReplicaState;

use super::Cluster;
use crate::ask;
use crate::jvm::Jvm;
use crate::node::{BrokerMode, ControllerMode, Node, Role, ZOOKEEPER};

/// A replica that is this many records behind the high watermark keeps up; no-op records alone make that gap.
const CLOSE: i64 = 20;
const MIGRATION: i32 = 1;
/// The driver polls so often in its first seconds that it has long seen by then whoever it will see.
const READY_IN: Duration = Duration::from_secs(10);

impl Cluster {
    /// Waits until every running controller's page that tells one says this `ZkMigrationState`, and for 1 until
    /// the brokers know. Where no page tells any, as in 3.4, only that much can be waited for.
    pub(crate) fn await_state(&mut self, state: i32) {
        self.wait_for(&format!("ZkMigrationState {state}"), |cluster| {
            for node in cluster.running_controllers().filter(|node| node.tells_migration_state()) {
                let found = cluster.gauge(node.id, "ZkMigrationState");
                if found != Some(f64::from(state)) {
                    return Err(format!("{} says {found:?}", node.name()));
                }
            }
            Ok(())
        });
        if state == MIGRATION {
            self.await_dual_write();
        }
    }

    /// Waits until the leader has taken over, told the brokers so, and writes to ZooKeeper what it decides.
    ///
    /// The gauge is a tenth of a second ahead of the brokers. One that is stopped in between turns to the old
    /// controller in vain, leaves without notice, and is refused until its session in the quorum has expired.
    /// Nothing but the leader's log tells the end of that moment.
    pub(crate) fn await_dual_write(&mut self) {
        self.wait_for("dual write", |cluster| {
            let leader = cluster.find_leader()?.leader_id.0;
            let step = cluster.last_step_of_driver(leader);
            let is_last = step.contains(" to DUAL_WRITE state");
            is_last.then_some(()).ok_or_else(|| format!("controller {leader}: {step}"))
        });
    }

    /// The leader of the quorum, waiting for an election to end where one is under way.
    pub(crate) fn leader(&mut self) -> i32 {
        self.wait_for("a leader of the quorum", |cluster| cluster.find_leader().map(|quorum| quorum.leader_id.0))
    }

    /// Waits until the quorum has a leader, every running controller fetches from it, and every one serves
    /// and has loaded the log far enough to know a state of the migration.
    pub(super) fn await_quorum(&mut self) {
        self.wait_for("all running controllers in the quorum", |cluster| {
            let quorum = cluster.find_leader()?;
            if quorum.high_watermark <= 0 {
                return Err("no high watermark yet".to_owned());
            }
            for node in cluster.running_controllers() {
                keeps_up(node, &quorum).map_err(|missing| format!("{}: {missing}", node.name()))?;
                ask::api_versions(node.asked_at()).map_err(|error| format!("{}: {error}", node.name()))?;
                let state = cluster.gauge(node.id, "ZkMigrationState");
                if node.tells_migration_state() && state.is_none_or(|state| state < 0.0) {
                    return Err(format!("{} says {state:?}", node.name()));
                }
            }
            // A broker on KRaft may still turn to the former leader, or be answered by one that has just lost an election.
            let on_kraft = |node: &&Node| node.jvm.is_some() && matches!(node.role, Role::Broker(BrokerMode::Kraft));
            for node in cluster.nodes.values().filter(on_kraft) {
                if let Ok(told) = ask::quorum(node.asked_at())
                    && told.leader_epoch != quorum.leader_epoch
                {
                    return Err(format!("{} tells of epoch {}", node.name(), told.leader_epoch));
                }
            }
            Ok(())
        });
    }

    /// The same, of controllers that have started at once, and starts all of them again if the migration driver of any
    /// stands still, or the leader's will never find the others ready.
    pub(super) fn await_quorum_begun(&mut self) {
        self.await_quorum();
        let stuck = self.stuck_drivers();
        let trouble = if stuck.is_empty() {
            self.unready()
        } else {
            Some(format!("the migration drivers of {stuck:?} have stopped polling"))
        };
        if let Some(trouble) = trouble {
            println!("the controllers are restarted: {trouble}");
            self.stop_controllers();
            self.start_controllers();
        }
    }

    /// What the leader's migration driver says if it will never find every controller ready.
    ///
    /// The leaders of 3.5 and 3.6 know of a controller only what it said when they turned to it, and after their election they
    /// turn to nobody who fetches from them anyway: one that is started again three seconds after the others is missed for
    /// ever (seen on 3.5.2). 3.4 waits for no controller, and from 3.7 on each of them registers.
    fn unready(&mut self) -> Option<String> {
        let may_miss = |node: &Node| {
            let is_flagged = matches!(node.role, Role::Controller(ControllerMode::Flagged));
            is_flagged && node.is_running_controller() && matches!(node.software.minor(), "3.5" | "3.6")
        };
        if !self.controller_ids().all(|id| may_miss(&self.nodes[&id])) {
            return None;
        }
        let found = self.attempt(READY_IN, "controllers that are found ready", |cluster| {
            let leader = cluster.find_leader()?.leader_id.0;
            let step = cluster.last_step_of_driver(leader);
            let waits = ["UNINITIALIZED", "INACTIVE", "WAIT_FOR_CONTROLLER_QUORUM"];
            let goes_on = !step.is_empty() && !waits.iter().any(|state| step.contains(&format!(" to {state} state")));
            goes_on.then_some(()).ok_or_else(|| cluster.last_of_driver(leader))
        });
        // It has other reasons to stand where it stands, and those a test may mean.
        found.err().filter(|said| said.contains("Still waiting for all controller nodes"))
    }

    /// The controllers whose migration driver stands still until they are restarted.
    ///
    /// All that start at once may try to create /migration, and one succeeds. The drivers of the others poll no more, up to
    /// 3.7.0 (KAFKA-16563), so that nothing is ever migrated where one of them leads.
    fn stuck_drivers(&self) -> Vec<i32> {
        let running = self.running_controllers().map(|node| node.id);
        running.filter(|id| self.last_of_driver(*id).contains("ZooKeeper error during event PollEvent")).collect()
    }

    /// What the migration driver of this controller said last.
    pub(crate) fn last_of_driver(&self, id: i32) -> String {
        self.last_line(id, |line| line.contains("[KRaftMigrationDriver id="))
    }

    /// The state that it went to last, and from which.
    fn last_step_of_driver(&self, id: i32) -> String {
        self.last_line(id, |line| line.contains("KRaftMigrationDriver") && line.contains(" transitioning from "))
    }

    fn last_line(&self, id: i32, is_it: impl Fn(&str) -> bool) -> String {
        let log = self.nodes[&id].log_text();
        log.lines().rfind(|line| is_it(line)).unwrap_or_default().to_owned()
    }

    /// Makes the controllers of a stopped quorum race for /migration, and returns those that lost.
    pub(crate) fn race_for_migration(&mut self) -> Vec<i32> {
        let tries = |node: &Node| node.log_text().matches("KRaft Migration] Waiting until connected").count();
        let before: Vec<_> = self.controller_ids().map(|id| tries(&self.nodes[&id])).collect();
        assert!(self.zookeeper().delete("/migration").expect("ZooKeeper answers"), "no /migration");
        // All of them wait for ZooKeeper, and ask it in the same moment whether there is a /migration.
        self.hold(ZOOKEEPER, true);
        for id in self.controller_ids() {
            self.launch(id);
        }
        self.wait_for("every controller at ZooKeeper's door", |cluster| {
            let waiting =
                cluster.controller_ids().zip(&before).all(|(id, before)| tries(&cluster.nodes[&id]) > *before);
            waiting.then_some(()).ok_or_else(|| "not all wait".to_owned())
        });
        self.hold(ZOOKEEPER, false);
        self.await_quorum();
        self.stuck_drivers()
    }

    /// Who leads the quorum in which epoch, who votes, and who observes.
    pub(crate) fn quorum_seen(&mut self) -> (i32, i32, Vec<i32>, Vec<i32>) {
        let quorum = self.wait_for("a leader of the quorum", Self::find_leader);
        let ids = |replicas: &[ReplicaState]| {
            let mut ids: Vec<i32> = replicas.iter().map(|replica| replica.replica_id.0).collect();
            ids.sort_unstable();
            ids
        };
        (quorum.leader_id.0, quorum.leader_epoch, ids(&quorum.current_voters), ids(&quorum.observers))
    }

    /// The leader's epoch, if anybody leads.
    pub(crate) fn epoch(&self) -> Option<i32> {
        self.find_leader().ok().map(|quorum| quorum.leader_epoch)
    }

    /// How many lines of each controller's log are errors.
    pub(crate) fn errors(&self) -> Vec<usize> {
        let is_error = |line: &&str| line.contains("] ERROR ") || line.contains("] FATAL ");
        self.running_controllers().map(|node| node.log_text().lines().filter(is_error).count()).collect()
    }

    fn find_leader(&self) -> Result<ask::Quorum, String> {
        let mut refusals = Vec::new();
        for node in self.running_controllers() {
            match ask::quorum(node.asked_at()) {
                Ok(quorum) => return Ok(quorum),
                Err(error) => refusals.push(format!("{}: {error}", node.name())),
            }
        }
        Err(refusals.join(", "))
    }

    fn running_controllers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_running_controller())
    }
}

/// The leader remembers replicas of earlier lives, so only a fetch of the present one counts.
fn keeps_up(node: &Node, quorum: &ask::Quorum) -> Result<(), String> {
    let mut replicas = quorum.current_voters.iter().chain(&quorum.observers);
    let replica = replicas.find(|replica| replica.replica_id.0 == node.id).ok_or("neither voter nor observer")?;
    let started = node.jvm.as_ref().map(Jvm::started);
    let started = started.ok_or("does not run")?.duration_since(UNIX_EPOCH);
    let started = started.expect("a clock after 1970").as_millis();
    let fetched = u128::try_from(replica.last_fetch_timestamp).unwrap_or(0);
    if node.id != quorum.leader_id.0 && fetched < started {
        return Err("has not fetched since its start".to_owned());
    }
    if replica.log_end_offset < quorum.high_watermark - CLOSE {
        return Err(format!("at {} of {}", replica.log_end_offset, quorum.high_watermark));
    }
    Ok(())
}
