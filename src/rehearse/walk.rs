//! The way that a rehearsal goes: forward to the end, and, from where it is still possible, back.

use super::cluster::{Cluster, Mode};
use crate::snapshot::NodeId;

/// Long enough for everything to settle that was not hindered, in milliseconds.
const SETTLE_MS: u64 = 5_000;

/// A place on the way.
#[derive(Debug, Clone)]
pub struct Phase {
    /// Its name, for `--hold`.
    pub id: String,
    /// The same in words.
    pub title: String,
    act: Act,
}

/// What is done to get there.
#[derive(Debug, Clone)]
enum Act {
    /// Nothing, or all of it taken back.
    Begin,
    /// Controllers are formatted and started with the flag.
    StartControllers,
    /// A broker is started again in this mode.
    Broker(NodeId, Mode),
    /// The same with the last one to get the flag, and the copy has to wait.
    LastBroker(NodeId),
    /// The copy may go on.
    Copy,
    /// A controller is started again without the flag.
    Controller(NodeId),
    /// All of it from the beginning, to where every broker runs KRaft.
    AllOnKraft,
    /// The controllers and their data are removed.
    RemoveControllers,
}

impl Phase {
    fn new(title: &str, act: Act) -> Self {
        Self { id: title.to_lowercase().replace(' ', "-"), title: title.to_owned(), act }
    }

    /// Goes there from the phase before.
    pub fn enter(&self, cluster: &mut Cluster) {
        match &self.act {
            Act::Begin => cluster.begin_anew(),
            Act::StartControllers => cluster.start_controllers(),
            Act::Broker(id, mode) => cluster.restart_broker(*id, *mode),
            Act::LastBroker(id) => {
                cluster.copy_held = true;
                cluster.restart_broker(*id, Mode::Migration);
            }
            Act::Copy => cluster.copy_held = false,
            Act::Controller(id) => cluster.restart_controller(*id, false),
            Act::AllOnKraft => {
                cluster.begin_anew();
                cluster.start_controllers();
                cluster.advance(SETTLE_MS);
                cluster.restart_brokers(Mode::Migration);
                cluster.advance(SETTLE_MS);
                cluster.restart_brokers(Mode::Kraft);
            }
            Act::RemoveControllers => cluster.remove_controllers(false),
        }
        cluster.advance(SETTLE_MS);
    }
}

/// Every phase of a cluster of these nodes, in order: forward, then back.
#[must_use]
pub fn phases(brokers: &[NodeId], controllers: &[NodeId]) -> Vec<Phase> {
    let mut phases = vec![Phase::new("nothing begun", Act::Begin), Phase::new("quorum up", Act::StartControllers)];
    let flagged = |id: &NodeId| match brokers.last() {
        Some(last) if last == id => Act::LastBroker(*id),
        _ => Act::Broker(*id, Mode::Migration),
    };
    phases.extend(brokers.iter().map(|id| Phase::new(&format!("broker {id} in migration mode"), flagged(id))));
    phases.push(Phase::new("metadata copied", Act::Copy));
    let on = |id: &NodeId, title: &str, mode| Phase::new(&format!("broker {id} {title}"), Act::Broker(*id, mode));
    phases.extend(brokers.iter().map(|id| on(id, "on KRaft", Mode::Kraft)));
    // The leader is not known here; whenever it is its turn, another one is elected.
    if let Some((last, others)) = controllers.split_last() {
        let without = |id: &NodeId| Phase::new(&format!("controller {id} without the flag"), Act::Controller(*id));
        phases.extend(others.iter().map(without));
        phases.push(Phase::new("finalized", Act::Controller(*last)));
    }
    phases.push(Phase::new("again all on KRaft", Act::AllOnKraft));
    phases.extend(brokers.iter().map(|id| on(id, "back in migration mode", Mode::Migration)));
    phases.push(Phase::new("controllers removed", Act::RemoveControllers));
    phases.extend(brokers.iter().map(|id| on(id, "back on ZooKeeper", Mode::Zookeeper)));
    phases
}
