//! A cluster of real Kafka nodes in a temporary folder, and the moves by which an operator migrates it.
//! Every move returns when the cluster has settled again; what that means is written down in `brokers` and `quorum`.

mod addresses;
mod brokers;
mod layout;
mod quorum;
mod waiting;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use crate::ask;
use crate::distribution::Distribution;
use crate::exporter::Flavour;
use crate::jolokia::Jolokia;
use crate::node::{BrokerMode, ControllerMode, Neighbours, Node, Role, ZOOKEEPER};
use crate::ports::Ports;
use crate::{MIGRATION, PRE_MIGRATION, security};

/// The id of a cluster that no ZooKeeper has made one up for.
const BORN_IN_KRAFT: &str = "kraft-check-test-bornA";
const TOPICS: [(&str, i32); 2] = [("orders", 6), ("payments", 3)];

/// How large a cluster is and what its controllers are like. Brokers have the ids 1, 2, ….
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) brokers: i32,
    pub(crate) controllers: i32,
    pub(crate) topics: bool,
    /// The id of the first controller; the others count on from it.
    pub(crate) first_controller: i32,
    pub(crate) voters: Voters,
    /// How the controllers' exporters name their metrics, in turn.
    pub(crate) pages: &'static [Flavour],
    /// Which controllers have Jolokia as well, in turn.
    pub(crate) jolokia: &'static [Jolokia],
    /// Whether rules say who may do what on brokers on KRaft; without a rule everybody may do everything.
    pub(crate) authorizer: bool,
    /// After how many bytes of new records each controller writes a snapshot of its log; Kafka's own number if none is given.
    pub(crate) snapshot_bytes: Option<u32>,
    /// Whether everybody must show a certificate or log in, over TLS, and has only the rights that he was given.
    pub(crate) secured: bool,
}

/// The smallest cluster that can migrate.
pub(crate) const SMALLEST: Shape = Shape {
    brokers: 1,
    controllers: 1,
    topics: false,
    first_controller: 3001,
    voters: Voters::Fixed,
    pages: Flavour::USUAL,
    jolokia: &[],
    authorizer: false,
    snapshot_bytes: None,
    secured: false,
};

/// How the controllers of a quorum become its voters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voters {
    /// `controller.quorum.voters` names all of them.
    Fixed,
    /// The first controller is formatted as the only voter; the others observe it until they are added.
    Dynamic,
}

pub(crate) struct Cluster {
    shape: Shape,
    nodes: BTreeMap<i32, Node>,
    neighbours: Neighbours,
    folder: PathBuf,
    /// Keeps other clusters away from the ports as long as this one lives.
    _ports: Ports,
}

impl Cluster {
    /// Starts ZooKeeper and brokers in ZooKeeper mode. Controllers have a place but do not run yet.
    pub(crate) fn start(kafka: &Distribution, shape: Shape) -> Self {
        let mut cluster = Self::laid_out(kafka, shape);
        cluster.launch(ZOOKEEPER);
        cluster.await_zookeeper();
        if shape.secured {
            security::create_users(kafka, cluster.zookeeper().server, &cluster.folder);
        }
        for id in cluster.broker_ids() {
            cluster.launch(id);
        }
        cluster.await_brokers();
        cluster.create_topics();
        if shape.secured {
            cluster.give_rights();
        }
        cluster
    }

    /// Starts a cluster and takes it into dual write, all brokers in migration mode.
    pub(crate) fn migrating(kafka: &Distribution, shape: Shape) -> Self {
        let mut cluster = Self::start(kafka, shape);
        cluster.provision_controllers();
        cluster.restart_brokers(BrokerMode::Migration);
        cluster.await_state(MIGRATION);
        cluster
    }

    /// Starts controllers and brokers that have never known a ZooKeeper.
    pub(crate) fn born_in_kraft(kafka: &Distribution, shape: Shape) -> Self {
        let mut cluster = Self::laid_out(kafka, shape);
        for id in cluster.controller_ids() {
            cluster.set_role(id, Role::Controller(ControllerMode::Finalized));
        }
        for id in cluster.broker_ids() {
            cluster.set_role(id, Role::Broker(BrokerMode::Kraft));
        }
        cluster.format_and_launch(cluster.controller_ids().chain(cluster.broker_ids()), BORN_IN_KRAFT);
        cluster.await_quorum();
        cluster.await_brokers();
        cluster.create_topics();
        cluster
    }

    /// Formats and starts all controllers with the flag and waits until they are ready to take over.
    pub(crate) fn provision_controllers(&mut self) {
        self.provision_controllers_as(ControllerMode::Flagged);
        self.await_state(PRE_MIGRATION);
    }

    /// The same, but the last controller joins the others without the flag.
    pub(crate) fn provision_controllers_but_the_last(&mut self) {
        let last = *self.controller_ids().end();
        let cluster_id = self.cluster_id();
        self.format_and_launch(self.controller_ids().filter(|id| *id != last), &cluster_id);
        self.await_quorum_begun();
        self.set_role(last, Role::Controller(ControllerMode::Finalized));
        self.format_and_launch(std::iter::once(last), &cluster_id);
        self.await_quorum();
        self.await_state(PRE_MIGRATION);
    }

    /// Formats and starts all controllers in this mode and waits until they are a quorum.
    pub(crate) fn provision_controllers_as(&mut self, mode: ControllerMode) {
        for id in self.controller_ids() {
            self.set_role(id, Role::Controller(mode));
        }
        self.format_and_launch(self.controller_ids(), &self.cluster_id());
        self.await_quorum_begun();
    }

    /// Makes a controller that observes a dynamic quorum one of its voters.
    pub(crate) fn add_voter(&mut self, id: i32) {
        let leader = self.leader();
        ask::add_voter(self.endpoint(leader), id, self.endpoint(id))
            .unwrap_or_else(|error| panic!("voter {id}: {error}"));
        self.await_quorum();
    }

    /// Makes this controller the leader: whoever else leads is killed and started again.
    pub(crate) fn elect(&mut self, id: i32) {
        // Any of the others may win an election; that many in a row is no chance any more.
        for _election in 0..20 {
            let leader = self.leader();
            if leader == id {
                return;
            }
            self.kill(leader);
            assert_ne!(self.leader(), leader, "a killed controller does not lead");
            self.start_again(leader);
        }
        panic!("controller {id} never wins an election");
    }

    /// Stops all controllers; what they know stays on their disks.
    pub(crate) fn stop_controllers(&mut self) {
        let running: Vec<_> = self.controller_ids().filter_map(|id| self.node(id).jvm.take()).collect();
        for jvm in &running {
            jvm.terminate();
        }
        for jvm in running {
            jvm.stop();
        }
    }

    /// Starts all controllers as what they were before, with what they knew.
    pub(crate) fn start_controllers(&mut self) {
        for id in self.controller_ids() {
            self.launch(id);
        }
        self.await_quorum_begun();
    }

    /// Stops all controllers and forgets what they knew, the first half of a way back.
    pub(crate) fn remove_controllers(&mut self) {
        self.stop_controllers();
        for id in self.controller_ids() {
            fs::remove_dir_all(&self.nodes[&id].folder).expect("the controller's folder goes");
        }
    }

    /// Takes the control over the brokers back from controllers that are gone: the second half of a way back.
    ///
    /// Returns when every broker knows of the new controller. A broker that is stopped before that tries to
    /// take its leave from the old ones for as long as one lets it.
    pub(crate) fn return_to_zookeeper(&mut self, left_behind: &[&str]) {
        for left_behind in left_behind {
            let was_there = self.zookeeper().delete(left_behind);
            assert!(was_there.expect("ZooKeeper answers"), "no {left_behind}");
        }
        self.await_zookeeper_controller();
    }

    /// What brokers on ZooKeeper are given as their `inter.broker.protocol.version` from their next start on.
    pub(crate) fn set_protocol_version(&mut self, version: &str) {
        version.clone_into(&mut self.neighbours.protocol_version);
    }

    /// Gives a node other software on the same data, from its next start on.
    pub(crate) fn set_software(&mut self, id: i32, kafka: &Distribution) {
        self.node(id).software = kafka.clone();
    }

    pub(crate) fn restart_broker(&mut self, id: i32, mode: BrokerMode) {
        assert!(self.broker_ids().contains(&id), "{id} is no broker");
        self.stop(id);
        self.set_role(id, Role::Broker(mode));
        self.start_again(id);
    }

    /// Restarts every broker in this mode, one after the other.
    pub(crate) fn restart_brokers(&mut self, mode: BrokerMode) {
        for id in self.broker_ids() {
            self.restart_broker(id, mode);
        }
    }

    /// Restarts a broker that the others will not take back: waits only until it serves.
    pub(crate) fn restart_broker_astray(&mut self, id: i32, mode: BrokerMode) {
        self.stop(id);
        self.set_role(id, Role::Broker(mode));
        self.await_deregistration(id);
        self.launch(id);
        self.await_serving(id);
    }

    pub(crate) fn restart_controller(&mut self, id: i32, mode: ControllerMode) {
        assert!(self.controller_ids().contains(&id), "{id} is no controller");
        self.stop(id);
        self.set_role(id, Role::Controller(mode));
        self.start_again(id);
    }

    /// Stops a node as its operator would.
    pub(crate) fn stop(&mut self, id: i32) {
        if let Some(jvm) = self.node(id).jvm.take() {
            jvm.stop();
        }
    }

    /// Ends a node as a power cut would.
    pub(crate) fn kill(&mut self, id: i32) {
        self.node(id).jvm = None;
    }

    /// Holds a node, or lets it go on: its listener stays open, and it does not answer.
    pub(crate) fn hold(&self, id: i32, held: bool) {
        self.nodes[&id].jvm.as_ref().expect("a running node").hold(held);
    }

    /// Starts a stopped node as what it was before.
    pub(crate) fn start_again(&mut self, id: i32) {
        match self.nodes[&id].role {
            Role::ZooKeeper => {
                self.launch(id);
                self.await_zookeeper();
            }
            Role::Broker(mode) => {
                if mode.is_on_zookeeper() {
                    self.await_deregistration(id);
                }
                self.launch(id);
                if mode == BrokerMode::Migration {
                    self.free_stuck_leaders();
                }
                self.await_brokers();
            }
            Role::Controller(_) => {
                self.launch(id);
                self.await_quorum();
            }
        }
    }

    /// Where the cluster keeps everything, gone with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn set_role(&mut self, id: i32, role: Role) {
        self.node(id).role = role;
    }

    /// Formats nodes side by side and starts each as soon as it is formatted.
    fn format_and_launch(&mut self, ids: impl Iterator<Item = i32>, cluster_id: &str) {
        let mut formatting = Vec::new();
        for id in ids {
            let option = self.founding_option(id);
            formatting.push((id, self.nodes[&id].format(&self.neighbours, cluster_id, option)));
        }
        for (id, jvm) in formatting {
            if let Err(reason) = jvm.finish(Duration::from_mins(1)) {
                let node = &self.nodes[&id];
                panic!("{} cannot be formatted: {reason}\n{}", node.name(), node.last_words(20));
            }
            self.launch(id);
        }
    }

    /// A dynamic quorum begins with one voter, who must be told so when it is formatted, as must the others.
    fn founding_option(&self, id: i32) -> Option<&'static str> {
        match self.shape.voters {
            Voters::Dynamic if id == self.shape.first_controller => Some("--standalone"),
            Voters::Dynamic if self.controller_ids().contains(&id) => Some("--no-initial-controllers"),
            Voters::Dynamic | Voters::Fixed => None,
        }
    }

    fn launch(&mut self, id: i32) {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        assert!(node.jvm.is_none(), "{} runs already", node.name());
        node.start(&self.neighbours);
    }

    fn node(&mut self, id: i32) -> &mut Node {
        self.nodes.get_mut(&id).expect("a node of the cluster")
    }

    /// Gives `probe` the least rights that the tool needs (`docs/permissions.md`), without Alter, which no verdict needs.
    fn give_rights(&self) {
        for (resource, name, operation) in [
            (ask::CLUSTER, "kafka-cluster", ask::DESCRIBE),
            (ask::CLUSTER, "kafka-cluster", ask::DESCRIBE_CONFIGS),
            (ask::TOPIC, "*", ask::DESCRIBE),
            (ask::TOPIC, "*", ask::DESCRIBE_CONFIGS),
        ] {
            ask::allow(self.endpoint(1), "User:probe", resource, name, operation)
                .unwrap_or_else(|error| panic!("rights: {error}"));
        }
    }

    fn cluster_id(&self) -> String {
        let found = self.zookeeper().get("/cluster/id").expect("an answer");
        let json = found.expect("brokers have written the cluster's id");
        let (_, rest) = json.split_once("\"id\":\"").expect("an id");
        rest.split('"').next().expect("an id").to_owned()
    }

    /// Gives the cluster its topics, if it has any.
    fn create_topics(&mut self) {
        if !self.shape.topics {
            return;
        }
        let any = self.endpoint(1);
        let controller = ask::metadata(any).expect("metadata").controller_id.0;
        let replicas = i16::try_from(self.neighbours.replication_factor).expect("at most 3");
        for (name, partitions) in TOPICS {
            ask::create_topic(self.endpoint(controller), name, partitions, replicas)
                .unwrap_or_else(|error| panic!("topic {name}: {error}"));
        }
        self.await_brokers();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // All at once first, because every one that is waited for takes a moment.
        for jvm in self.nodes.values_mut().filter_map(|node| node.jvm.as_mut()) {
            jvm.kill();
        }
        for node in self.nodes.values_mut() {
            node.jvm = None;
        }
        if thread::panicking() {
            eprintln!("the cluster's folder is kept: {}", self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}
