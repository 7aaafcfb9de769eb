//! The topics of a simulated cluster: which broker holds which partition, who leads it and who is in sync, and how that
//! follows the brokers' lives. Not here: what a node tells of them (`shown`).

use std::sync::Arc;

use super::cluster::Cluster;
use super::fault::Fault;
use crate::snapshot::NodeId;

/// Every topic: its name, and its `min.insync.replicas`.
const NAMES: [(&str, usize); 4] = [("audit", 1), ("orders", 1), ("payments", 2), ("__consumer_offsets", 1)];
/// How many partitions a topic has.
const PARTITIONS: usize = 3;
/// How many replicas a partition has, where there are as many brokers.
const REPLICAS: usize = 3;

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Its `min.insync.replicas`.
    pub min_in_sync: usize,
    /// Its partitions, by index.
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Who leads it.
    pub leader: Option<NodeId>,
    /// In which epoch.
    pub epoch: i32,
    /// Who holds it, those included that are to get it and those that are to lose it.
    pub replicas: Vec<NodeId>,
    /// Who of them is in sync; without a leader, the last that was.
    pub in_sync: Vec<NodeId>,
    /// Who is to get it.
    pub adding: Vec<NodeId>,
    /// Who is to lose it.
    pub removing: Vec<NodeId>,
}

/// The topics of a cluster of these brokers, spread over them, everybody in sync.
pub(super) fn laid_out(brokers: &[NodeId]) -> Vec<Topic> {
    let partition = |number: usize| {
        let replicas: Vec<NodeId> = brokers
            .iter()
            .cycle()
            .skip(number % brokers.len().max(1))
            .take(REPLICAS.min(brokers.len()))
            .copied()
            .collect();
        Partition {
            leader: replicas.first().copied(),
            epoch: 0,
            in_sync: replicas.clone(),
            replicas,
            adding: Vec::new(),
            removing: Vec::new(),
        }
    };
    let topic = |(number, (name, min_in_sync)): (usize, (&'static str, usize))| Topic {
        name,
        min_in_sync: min_in_sync.min(brokers.len()),
        partitions: (number * PARTITIONS..(number + 1) * PARTITIONS).map(partition).collect(),
    };
    NAMES.into_iter().enumerate().map(topic).collect()
}

impl Partition {
    /// Whether it is moved.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// Whether nothing changes while these brokers keep up.
    fn is_settled(&self, keeps_up: impl Fn(NodeId) -> bool) -> bool {
        match self.leader {
            Some(leader) => {
                let is_right = |id: &NodeId| self.in_sync.contains(id) == (keeps_up(*id) && !self.adding.contains(id));
                keeps_up(leader) && self.replicas.contains(&leader) && self.replicas.iter().all(is_right)
            }
            None => !self.in_sync.iter().any(|id| keeps_up(*id)),
        }
    }

    /// Lets those be in sync that keep up, and one of those lead that were. The last one in sync stays it, for only it
    /// has everything.
    fn settle(&mut self, keeps_up: impl Fn(NodeId) -> bool) {
        let may_lead = |id: &NodeId| self.replicas.contains(id) && self.in_sync.contains(id) && keeps_up(*id);
        let leader = self.leader.filter(may_lead).or_else(|| self.replicas.iter().copied().find(may_lead));
        let in_sync = if leader.is_some() {
            let joins = |id: &NodeId| keeps_up(*id) && !self.adding.contains(id);
            self.replicas.iter().copied().filter(joins).collect()
        } else {
            let is_in_sync = |id: &NodeId| self.in_sync.contains(id);
            self.leader.filter(is_in_sync).or(self.in_sync.first().copied()).into_iter().collect()
        };
        self.epoch += i32::from(leader != self.leader);
        (self.leader, self.in_sync) = (leader, in_sync);
    }

    /// Begins to be moved to these brokers.
    fn move_onto(&mut self, onto: &[NodeId]) {
        self.adding = onto.iter().copied().filter(|id| !self.replicas.contains(id)).collect();
        self.removing = self.replicas.iter().copied().filter(|id| !onto.contains(id)).collect();
        self.replicas = onto.iter().chain(&self.removing).copied().collect();
    }

    /// Where it is to be, without the broker that is to lose it: on another one that does not hold it yet, if there is any.
    fn without(&self, id: NodeId, brokers: impl Iterator<Item = NodeId>) -> Vec<NodeId> {
        let stay = self.replicas.iter().copied().filter(|other| *other != id);
        let spare = brokers.filter(|other| !self.replicas.contains(other)).take(1);
        stay.chain(spare).collect()
    }
}

impl Cluster {
    /// Begins to move a partition of a topic to these brokers. It goes on until it is ended.
    pub fn begin_reassignment(&mut self, topic: &str, index: usize, onto: &[NodeId]) {
        self.change(topic, index, |partition| partition.move_onto(onto));
    }

    /// Ends it, if anybody is there to end it: who was to get the partition has all of it, and who was to lose it nothing.
    pub fn end_reassignment(&mut self, topic: &str, index: usize) {
        if self.ruler().is_none() {
            return;
        }
        self.change(topic, index, |partition| {
            let removing = std::mem::take(&mut partition.removing);
            partition.adding.clear();
            partition.replicas.retain(|id| !removing.contains(id));
            partition.in_sync.clone_from(&partition.replicas);
        });
        self.settle_partitions();
    }

    fn change(&mut self, topic: &str, index: usize, change: impl FnOnce(&mut Partition)) {
        let topics = Arc::make_mut(&mut self.topics).iter_mut();
        let partition = topics.filter(|it| it.name == topic).find_map(|it| it.partitions.get_mut(index));
        if let Some(partition) = partition {
            change(partition);
        }
    }

    /// Who leads and who is in sync follows the brokers' lives, as long as anybody decides it.
    pub(super) fn settle_partitions(&mut self) {
        if self.ruler().is_none() {
            return;
        }
        self.begin_endless_reassignments();
        let topics = Arc::clone(&self.topics);
        let keeps_up = |partition: &Partition, id: NodeId| {
            // The disk is lost of the one that held it first, and nobody else had everything.
            let lost = partition.replicas.first().is_some_and(|first| self.faults.has(*first, Fault::Offline));
            !lost && self.keeps_up(id)
        };
        let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
        // Almost always; and then nothing is copied.
        if partitions.all(|partition| partition.is_settled(|id| keeps_up(partition, id))) {
            return;
        }
        let mut changed = (*topics).clone();
        for partition in changed.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let before = partition.clone();
            partition.settle(|id| keeps_up(&before, id));
        }
        self.topics = Arc::new(changed);
    }

    /// One partition of every broker with the fault is moved away from it, and never arrives.
    fn begin_endless_reassignments(&mut self) {
        let afflicted: Vec<NodeId> = self.faults.with(Fault::Reassigning).collect();
        for id in afflicted {
            let partitions = || {
                self.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().enumerate().map(move |(index, it)| (topic.name, index, it))
                })
            };
            let moves = partitions().any(|(_, _, partition)| partition.removing.contains(&id));
            let held =
                partitions().find(|(_, _, partition)| partition.replicas.contains(&id) && !partition.is_moving());
            if let Some((topic, index, partition)) = held.filter(|_| !moves) {
                let onto = partition.without(id, self.brokers.keys().copied());
                // The only broker cannot lose anything.
                if !onto.is_empty() {
                    self.begin_reassignment(topic, index, &onto);
                }
            }
        }
    }
}
