//! The simulated cluster: its nodes, what operators do to them, and how the nodes act upon each other as time goes by.
//!
//! Time goes in steps of half a second, in which a leader is elected, the log grows and is fetched, brokers register,
//! the metadata is copied, and brokers are told of each other. Written after what real clusters did, and held to their
//! recordings. Not here: the quorum's part of it (`quorum`), the topics' (`topics`), what a node answers (`node`), and stages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use kafka_protocol::messages::metadata_response::MetadataResponseBroker;

use super::fault::{Fault, Faults};
use super::quorum::{MigrationState, Quorum};
use super::topics::{Topic, laid_out};
use super::version::Version;
use super::written::Process;
use crate::snapshot::{Endpoint, NodeId};

/// How long a step is, in milliseconds: as often as an idle quorum writes a record.
pub const STEP_MS: u64 = 500;
/// How long the copy of ZooKeeper's metadata takes, in milliseconds.
const COPY_MS: u64 = 1_000;
/// How often a leader is elected anew where that is a fault, in milliseconds.
const ANEW_MS: u64 = 1_000;
/// How long a stopped broker is taken for alive, in milliseconds.
const SESSION_MS: u64 = 3_000;
/// How long the replicas of a started broker take to be in sync once it was told of the others, in milliseconds.
const CATCH_UP_MS: u64 = 1_000;

/// How a broker was configured when it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With ZooKeeper, without the migration flag.
    Zookeeper,
    /// With ZooKeeper and the migration flag.
    Migration,
    /// With `process.roles=broker`.
    Kraft,
}

/// Who told a broker of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// The ZooKeeper controller, a broker.
    Broker(NodeId),
    /// The KRaft controllers.
    Quorum,
}

/// What a broker knows of the cluster.
#[derive(Debug)]
pub struct Known {
    /// The live brokers.
    pub brokers: BTreeSet<NodeId>,
    /// The topics.
    pub topics: Arc<Vec<Topic>>,
    /// The brokers as `Metadata` lists them, since one was asked: each of N lists N.
    pub(super) listed: OnceLock<Vec<MetadataResponseBroker>>,
}

/// A broker.
#[derive(Debug, Clone)]
pub struct Broker {
    /// As what it was started.
    pub mode: Mode,
    /// Whether its process runs.
    pub up: bool,
    /// Its listener.
    pub endpoint: Endpoint,
    /// What it knows, and who told it; `None` since it was started. Who was told the same shares it.
    pub told: Option<(Teller, Arc<Known>)>,
    /// Until when it is taken for alive, by the cluster's clock, although it was stopped.
    missed_from: u64,
    /// From when on its replicas are in sync; `None` until it was told of the others.
    in_sync_from: Option<u64>,
    /// How often it was started again.
    restarts: u32,
}

impl Broker {
    fn new(mode: Mode, endpoint: Endpoint) -> Self {
        Self { mode, up: true, endpoint, told: None, missed_from: 0, in_sync_from: None, restarts: 0 }
    }
}

/// Everything that is, and the operators' hands on it.
#[derive(Debug)]
pub struct Cluster {
    /// The release of every node, unless a fault gives it another.
    pub version: Version,
    /// The cluster's id.
    pub cluster_id: String,
    /// Milliseconds since the Unix epoch, by the clock of every node.
    pub now: u64,
    /// The brokers, dead ones included.
    pub brokers: BTreeMap<NodeId, Broker>,
    /// The topics as they are; who was told of them shares them.
    pub topics: Arc<Vec<Topic>>,
    /// The controllers and their log.
    pub quorum: Quorum,
    /// The broker that is ZooKeeper's controller, while ZooKeeper rules.
    pub zookeeper_controller: Option<NodeId>,
    /// What is wrong with which node.
    pub faults: Faults,
    pub(super) random: fastrand::Rng,
    /// How much time went by only because somebody said so, in milliseconds.
    pub(super) by_hand_ms: u64,
    /// Whether the copy has to wait although everything is ready for it.
    pub copy_held: bool,
    /// Since when everything is ready to be copied.
    copying_since: Option<u64>,
}

impl Cluster {
    /// A cluster on ZooKeeper at these endpoints, its controllers not yet formatted.
    #[must_use]
    pub fn new(
        version: Version,
        brokers: impl IntoIterator<Item = (NodeId, Endpoint)>,
        controllers: impl IntoIterator<Item = (NodeId, Endpoint)>,
        now: u64,
        seed: u64,
    ) -> Self {
        let broker = |(id, endpoint)| (id, Broker::new(Mode::Zookeeper, endpoint));
        let mut cluster = Self {
            version,
            cluster_id: "rehearsal-of-migration".to_owned(),
            now,
            topics: Arc::default(),
            brokers: brokers.into_iter().map(broker).collect(),
            quorum: Quorum::new(controllers),
            zookeeper_controller: None,
            faults: Faults::default(),
            random: fastrand::Rng::with_seed(seed),
            by_hand_ms: 0,
            copy_held: false,
            copying_since: None,
        };
        cluster.make_whole();
        cluster.step();
        cluster
    }

    /// Lets this many milliseconds go by, in whole steps.
    pub fn advance(&mut self, ms: u64) {
        self.by_hand_ms += ms;
        self.advance_to(self.now.saturating_add(ms));
    }

    /// Puts everything back to where it began: on ZooKeeper, the controllers not formatted.
    pub fn begin_anew(&mut self) {
        self.remove_controllers(false);
        self.restart_brokers(Mode::Zookeeper);
        self.make_whole();
        self.step();
    }

    /// Every partition is whole, as if all brokers had run for long.
    fn make_whole(&mut self) {
        for broker in self.brokers.values_mut() {
            broker.in_sync_from = Some(self.now);
        }
        let ids: Vec<NodeId> = self.brokers.keys().copied().collect();
        self.topics = Arc::new(laid_out(&ids));
    }

    /// Lets time go by until this moment, in whole steps.
    pub fn advance_to(&mut self, now: u64) {
        while self.now + STEP_MS <= now {
            self.now += STEP_MS;
            self.step();
        }
    }

    /// Stops a node's process.
    pub fn stop(&mut self, id: NodeId) {
        if let Some(broker) = self.brokers.get_mut(&id) {
            broker.up = false;
            // A KRaft broker takes its leave; of the others the session runs out.
            broker.missed_from = self.now + if broker.mode == Mode::Kraft { 0 } else { SESSION_MS };
            if broker.mode == Mode::Kraft {
                self.quorum.shut_down(id);
            }
        }
        self.quorum.stop(id);
    }

    /// Starts a broker, or starts it again, in this mode.
    pub fn restart_broker(&mut self, id: NodeId, mode: Mode) {
        if let Some(broker) = self.brokers.get_mut(&id) {
            *broker = Broker { restarts: broker.restarts + 1, ..Broker::new(mode, broker.endpoint.clone()) };
        }
        if self.zookeeper_controller == Some(id) {
            self.zookeeper_controller = None;
        }
    }

    /// The same with every broker.
    pub fn restart_brokers(&mut self, mode: Mode) {
        let ids: Vec<NodeId> = self.brokers.keys().copied().collect();
        for id in ids {
            self.restart_broker(id, mode);
        }
    }

    /// Starts every controller, or starts it again, with the flag.
    pub fn start_controllers(&mut self) {
        let ids: Vec<NodeId> = self.quorum.controllers.keys().copied().collect();
        for id in ids {
            self.restart_controller(id, true);
        }
    }

    /// Starts a controller, or starts it again, with the flag or without.
    pub fn restart_controller(&mut self, id: NodeId, flag: bool) {
        self.quorum.restart(id, flag, self.now);
    }

    /// Stops the controllers and deletes `/controller` and `/migration`, so that a broker takes over again. Unless it is
    /// kept, their data are removed as well.
    pub fn remove_controllers(&mut self, keep_data: bool) {
        self.quorum.remove(keep_data);
        self.copying_since = None;
    }

    /// Whether the node's listener is open: a KRaft broker opens it once its registration was accepted.
    #[must_use]
    pub fn is_listening(&self, id: NodeId) -> bool {
        match self.brokers.get(&id) {
            Some(broker) => broker.up && (broker.mode != Mode::Kraft || broker.told.is_some()),
            None => self.quorum.controllers.get(&id).is_some_and(|controller| controller.up),
        }
    }

    /// How often the node was started again: a connection leads to one process, and ends with it.
    pub(super) fn restarts(&self, id: NodeId) -> u32 {
        let controller = || self.quorum.controllers.get(&id).map(|controller| controller.restarts);
        self.brokers.get(&id).map(|broker| broker.restarts).or_else(controller).unwrap_or_default()
    }

    fn step(&mut self) {
        (self.quorum.now, self.quorum.level) = (self.now, self.lowest_release().metadata_level());
        let election_off = self.faults.any(Fault::NoLeader).is_some();
        self.quorum.elect(self.now, election_off, &mut self.random);
        if let Some(id) = self.faults.any(Fault::EpochMoves)
            && self.now % ANEW_MS < STEP_MS
        {
            self.quorum.elect_anew(id);
        }
        let observers = self.brokers.iter().filter(|(_, broker)| broker.up && broker.mode != Mode::Zookeeper);
        let observers: Vec<NodeId> = observers.map(|(id, _)| *id).collect();
        self.quorum.fetch(self.now, &observers, &self.faults, &mut self.random);
        self.fence();
        self.register();
        self.copy();
        let followed = |broker: &Broker| matches!(broker.told, Some((Teller::Quorum, _)));
        if let Some(id) = self.faults.any(Fault::EarlyFinalization)
            && self.quorum.state() == Some(MigrationState::Migration)
            && self.brokers.values().any(followed)
        {
            self.quorum.restart(id, false, self.now);
            self.quorum.lead(id);
        }
        self.quorum.publish(self.now);
        self.elect_zookeeper_controller();
        self.settle_partitions();
        self.tell_brokers();
    }

    /// Brokers register with the leader in the mode that they are in. A KRaft broker is refused before the copy.
    fn register(&mut self) {
        if self.quorum.active().is_none() {
            return;
        }
        let state = self.quorum.state();
        for (id, broker) in &self.brokers {
            let on_zookeeper = broker.mode == Mode::Migration;
            let refused = match state {
                Some(MigrationState::PreMigration) => !on_zookeeper,
                Some(MigrationState::None | MigrationState::PostMigration) => on_zookeeper,
                Some(MigrationState::Migration) => false,
                None => true,
            };
            if broker.up && broker.mode != Mode::Zookeeper && !refused {
                let (restarts, endpoint) = (broker.restarts, &broker.endpoint);
                let level = self.release(*id).metadata_level();
                self.quorum.register(Process { id: *id, restarts, on_zookeeper, endpoint, level });
            }
        }
        self.quorum.register_controllers();
    }

    /// Whoever is registered and not heard of any more is fenced, by the leader.
    fn fence(&mut self) {
        if self.quorum.active().is_none() {
            return;
        }
        for (id, broker) in &self.brokers {
            let is_heard_of = (broker.up && self.quorum.knows(*id, broker.restarts)) || broker.missed_from > self.now;
            self.quorum.fence(*id, !is_heard_of || self.faults.has(*id, Fault::Fenced));
        }
    }

    /// The copy begins when every broker has registered, dead ones included, for they own replicas.
    fn copy(&mut self) {
        let ready = |(id, broker): (&NodeId, &Broker)| {
            broker.up && broker.mode == Mode::Migration && self.quorum.is_registered(*id, true)
        };
        let all_ready = self.quorum.state() == Some(MigrationState::PreMigration)
            && self.quorum.active().is_some_and(|leader| leader.flag)
            && self.brokers.iter().all(ready);
        match (all_ready, self.copying_since) {
            (false, _) => self.copying_since = None,
            (true, None) => self.copying_since = Some(self.now),
            (true, Some(since)) if since + COPY_MS <= self.now && !self.copy_held => {
                self.quorum.copy(&self.topics);
                self.copying_since = None;
            }
            (true, Some(_)) => {}
        }
    }

    /// Whether the KRaft controllers have taken over from ZooKeeper, and still speak to its brokers. A quorum that is
    /// left over from an earlier attempt never copied, and never took over.
    pub(super) fn kraft_rules(&self) -> bool {
        self.quorum.state() == Some(MigrationState::Migration)
            && !self.quorum.left_over
            && self.quorum.active().is_some_and(|leader| leader.flag)
    }

    /// The release of this node.
    pub(super) fn release(&self, id: NodeId) -> Version {
        if self.faults.has(id, Fault::OtherRelease) { self.version.neighbour() } else { self.version }
    }

    /// The lowest release of all nodes, which decides what is finalized.
    pub(super) fn lowest_release(&self) -> Version {
        self.faults.any(Fault::OtherRelease).map_or(self.version, |id| self.version.min(self.release(id)))
    }

    /// Who decides who leads a partition.
    pub(super) fn ruler(&self) -> Option<Teller> {
        let by_quorum = self.quorum.active().map(|_| Teller::Quorum);
        self.zookeeper_controller.map(Teller::Broker).or(by_quorum)
    }

    /// The topics that the controllers' log holds up to this offset: none before the copy.
    pub(super) fn topics_at(&self, end: i64) -> Arc<Vec<Topic>> {
        if self.quorum.is_copied_at(end) { Arc::clone(&self.topics) } else { Arc::default() }
    }

    /// Whether the replicas of this broker are in sync.
    pub(super) fn keeps_up(&self, id: NodeId) -> bool {
        let Some(broker) = self.brokers.get(&id) else { return false };
        let fenced = self.zookeeper_controller.is_none() && self.faults.has(id, Fault::Fenced);
        let lives = broker.up || broker.missed_from > self.now;
        lives
            && broker.in_sync_from.is_some_and(|from| from <= self.now)
            && !fenced
            && !self.faults.has(id, Fault::UnderReplicated)
    }

    fn elect_zookeeper_controller(&mut self) {
        let copied = self.quorum.is_copied_at(i64::MAX);
        if copied && !self.quorum.left_over && !self.quorum.is_removed() {
            self.zookeeper_controller = None;
            return;
        }
        let may = |broker: &Broker| broker.up && broker.mode != Mode::Kraft;
        let stays = self.zookeeper_controller.and_then(|id| self.brokers.get(&id)).is_some_and(may);
        if !stays {
            self.zookeeper_controller = self.brokers.iter().find(|(_, broker)| may(broker)).map(|(id, _)| *id);
        }
    }

    fn tell_brokers(&mut self) {
        let quorum = &self.quorum;
        let kraft_rules = self.kraft_rules();
        let active = self.quorum.active().is_some();
        let now = self.now;
        let lives = |broker: &Broker| broker.up || broker.missed_from > now;
        let alive = || self.brokers.iter().filter(|(_, broker)| lives(broker));
        let unfenced = |id: &NodeId| quorum.registrations().contains_key(id) && !self.faults.has(*id, Fault::Fenced);
        let by_log = alive().map(|(id, _)| *id).filter(unfenced).collect();
        let known = |brokers, topics| Arc::new(Known { brokers, topics, listed: OnceLock::new() });
        let by_log = known(by_log, self.topics_at(i64::MAX));
        let by_zookeeper = alive().filter(|(_, broker)| broker.mode != Mode::Kraft).map(|(id, _)| *id).collect();
        let by_zookeeper = known(by_zookeeper, Arc::clone(&self.topics));
        for (id, broker) in self.brokers.iter_mut().filter(|(_, broker)| broker.up) {
            let (teller, known) = match (broker.mode, self.zookeeper_controller) {
                (Mode::Kraft, _) if active && quorum.is_registered(*id, false) => (Teller::Quorum, &by_log),
                (Mode::Migration, _) if kraft_rules => (Teller::Quorum, &by_log),
                (Mode::Zookeeper | Mode::Migration, Some(controller)) => (Teller::Broker(controller), &by_zookeeper),
                _ => continue,
            };
            broker.told = Some((teller, Arc::clone(known)));
            broker.in_sync_from.get_or_insert(now + CATCH_UP_MS);
        }
    }
}
